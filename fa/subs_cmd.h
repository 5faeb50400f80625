/* SPDX-License-Identifier: Apache-2.0
 *
 * `hipfad --config FILE subscriber add|list|show|del`: the embedded subscriber database edited from the shell. The daemon may be running;
 * it reads each subscriber anew.
 */
#pragma once

/* argv[0] is the word behind "subscriber". subs_path: the database; store_path: bindings, for the names held. Exit status: 0 done, 1 failed,
 * 2 wrong usage. */
int subs_cmd(const char *subs_path, const char *store_path, int argc, char **argv);
