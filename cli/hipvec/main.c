/* SPDX-License-Identifier: Apache-2.0
 * hipvec: test vectors recomputed, and the wire's lists printed. */
#include <stdio.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "common/crypto/secret.h"

static const char usage[] = "usage: hipvec run [--json] FILE|DIR...   recompute test vectors (README.md of "
                            "test-vectors/ lists the types)\n"
                            "       hipvec proto [--markdown|--dict]  packets and parameters as a table, or "
                            "as a fuzzer's dictionary\n"
                            "\n"
                            "run ends with status 0 when all passed, 1 on a mismatch, 2 when input is "
                            "malformed, 77 when all was skipped.\n";

int main(int argc, char **argv)
{
    if (argc < 2) {
        fputs(usage, stderr);
        return EXIT_BAD_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        fputs(usage, stdout);
        return EXIT_PASS;
    }
    if (crypto_init() != ERR_OK) {
        fputs("hipvec: the cryptographic library does not start\n", stderr);
        return EXIT_BAD_INPUT;
    }
    if (strcmp(argv[1], "run") == 0)
        return cmd_run(argc - 1, argv + 1);
    if (strcmp(argv[1], "proto") == 0)
        return cmd_proto(argc - 1, argv + 1);
    fprintf(stderr, "hipvec: no command %s\n%s", argv[1], usage);
    return EXIT_BAD_INPUT;
}
