/* SPDX-License-Identifier: Apache-2.0
 * hipvec: test vectors recomputed, and the wire's lists printed. */
#include <stdio.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "common/crypto/secret.h"

/* One row a command; `hipvec --help` and each command's own usage are printed from it. */
static const struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *args, *what;
} commands[] = {
    { "run", cmd_run, "[--json] FILE|DIR...",
      "recompute test vectors (README.md of test-vectors/ lists the types)" },
    { "gen", cmd_gen,
      "--suite DH/CIPHER/HIT/ESP --seed HEX [--kind KIND,...] [--family 4|6] [--udp] [--wide] [--tell] "
      "[--initiator HIT] [--name FQDN|NAI] [--comment TEXT] [-o FILE] | --list",
      "make a whole exchange; KIND: bex, opportunistic, registration, rendezvous, relay, data-relay, "
      "simultaneous, "
      "update, move, rekey, "
      "rekey-dh, notify, close" },
    { "diff", cmd_diff, "[--json] A B", "the first value at which two vector files part" },
    { "lint", cmd_lint, "[--json] FILE|DIR...", "check files against the schemas of their types" },
    { "show", cmd_show, "[--json] [--full] [--keys FILE]... FILE",
      "packets of a capture, of vectors or of hexadecimal text as a person reads them, and what is wrong "
      "with them" },
    { "verify", cmd_verify, "[--json] [--quiet] [--keys FILE]... CAPTURE",
      "check a capture of anybody's implementation; with a key log MACs, ENCRYPTED and ESP as well" },
    { "to-pcap", cmd_to_pcap, "[--keys FILE] [--esp-sa FILE] [--from ADDRESS --to ADDRESS] -o CAPTURE FILE",
      "vectors or packets in hexadecimal as a capture, a key log, and Wireshark's table of ESP SAs" },
    { "from-pcap", cmd_from_pcap, "[--keys FILE]... [-o FILE] CAPTURE",
      "a capture as a file of vectors, with what it and its keys give" },
    { "replay", cmd_replay,
      "[--json] [--to ADDRESS[:PORT]] [--from ADDRESS[:PORT]] [--udp] [--role initiator|responder] [--hit "
      "HIT] "
      "[--test N] [--wait SECONDS] FILE",
      "play one party of a vector against a live peer, and judge what comes back" },
    { "proto", cmd_proto, "[--markdown|--dict]",
      "packets and parameters as a table, or as a fuzzer's dictionary" },
};

#define COMMANDS (sizeof commands / sizeof *commands)

static const char closing[] =
    "\nStatus 0: all passed; 1: a mismatch; 2: malformed input; 77: all was skipped.\n";

static void usage(FILE *f)
{
    for (size_t i = 0; i < COMMANDS; i++)
        fprintf(f, "%s hipvec %s %s\n           %s\n", i ? "      " : "usage:", commands[i].name,
                commands[i].args, commands[i].what);
    fputs(closing, f);
}

static const struct command *command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    return NULL;
}

int cmd_usage(const char *name)
{
    const struct command *c = command(name);
    if (c)
        fprintf(stderr, "usage: hipvec %s %s\n", c->name, c->args);
    return EXIT_BAD_INPUT;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        usage(stderr);
        return EXIT_BAD_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        usage(stdout);
        return EXIT_PASS;
    }
    if (crypto_init() != ERR_OK) {
        fputs("hipvec: the cryptographic library does not start\n", stderr);
        return EXIT_BAD_INPUT;
    }
    const struct command *c = command(argv[1]);
    if (c)
        return c->run(argc - 1, argv + 1);
    fprintf(stderr, "hipvec: no command %s\n", argv[1]);
    usage(stderr);
    return EXIT_BAD_INPUT;
}
