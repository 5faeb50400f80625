/* SPDX-License-Identifier: Apache-2.0
 *
 * Commands of hipvec, one file each, listed in main.c. They get argv from their own name on and return the exit status.
 */
#pragma once

enum { EXIT_PASS = 0, EXIT_MISMATCH = 1, EXIT_BAD_INPUT = 2, EXIT_ALL_SKIPPED = 77 };

/* The command's line of usage to stderr; returns EXIT_BAD_INPUT. */
int cmd_usage(const char *name);

int cmd_run(int argc, char **argv);
int cmd_diff(int argc, char **argv);
int cmd_gen(int argc, char **argv);
int cmd_lint(int argc, char **argv);
int cmd_proto(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_verify(int argc, char **argv);
int cmd_to_pcap(int argc, char **argv);
int cmd_from_pcap(int argc, char **argv);
int cmd_replay(int argc, char **argv);
