/* SPDX-License-Identifier: Apache-2.0
 * hipvec gen: a whole exchange out of a seed. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/genplan.h"
#include "cli/hipvec/jsonout.h"
#include "common/base/hex.h"

#define SEED_MAX 64

struct gen {
    struct gen_plan plan;
    const char *suite, *initiator, *out, *comment;
    bool list;
    uint8_t seed[SEED_MAX];
};

static int complain(const char *why, const char *what)
{
    fprintf(stderr, "hipvec gen: %s%s%s\n", why, what ? ": " : "", what ? what : "");
    return EXIT_BAD_INPUT;
}

static const char *option(struct gen *g, int o, const char *arg)
{
    size_t n = 0;
    switch (o) {
    case 's':
        g->suite = arg;
        return NULL;
    case 'S':
        if (hex_decode(arg, strlen(arg), g->seed, sizeof g->seed, &n) != ERR_OK || n == 0)
            return "a seed is 1 to 64 octets in hexadecimal";
        g->plan.seed = span_of(g->seed, n);
        return NULL;
    case 'k':
        return gen_kinds(arg, &g->plan.kinds) ? NULL : "no such kind";
    case 'f':
        g->plan.v6 = strcmp(arg, "6") == 0;
        return g->plan.v6 || strcmp(arg, "4") == 0 ? NULL : "the family is 4 or 6";
    case 'u':
        g->plan.udp = true;
        return NULL;
    case 't':
        g->plan.tell = true;
        return NULL;
    case 'w':
        g->plan.wide = true;
        return NULL;
    case 'i':
        g->initiator = arg;
        return NULL;
    case 'n':
        return gen_name(arg, &g->plan) ? NULL : "neither a domain name nor an NAI";
    case 'o':
        g->out = arg;
        return NULL;
    case 'c':
        g->comment = arg;
        return NULL;
    case 'l':
        g->list = true;
        return NULL;
    default:
        return "";
    }
}

static int parse(int argc, char **argv, struct gen *g)
{
    static const struct option options[] = {
        { "suite", required_argument, NULL, 's' },
        { "seed", required_argument, NULL, 'S' },
        { "kind", required_argument, NULL, 'k' },
        { "family", required_argument, NULL, 'f' },
        { "initiator", required_argument, NULL, 'i' },
        { "name", required_argument, NULL, 'n' },
        { "udp", no_argument, NULL, 'u' },
        { "tell", no_argument, NULL, 't' },
        { "wide", no_argument, NULL, 'w' },
        { "comment", required_argument, NULL, 'c' },
        { "list", no_argument, NULL, 'l' },
        { NULL, 0, NULL, 0 },
    };
    optind = 1;
    for (int o; (o = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
        const char *why = option(g, o, optarg);
        if (why)
            return *why ? complain(why, optarg) : cmd_usage("gen");
    }
    if (g->list)
        return optind == argc ? EXIT_PASS : cmd_usage("gen");
    if (optind != argc || !g->suite || !g->plan.seed.n)
        return cmd_usage("gen");
    const char *why = gen_suite(g->suite, &g->plan);
    if (why)
        return complain(why, g->suite);
    g->plan.initiator = g->initiator ? gen_key(g->initiator) : g->plan.responder;
    if (!g->plan.initiator)
        return complain("this host identity is not supported", g->initiator);
    if ((g->plan.kinds & GEN_RENDEZVOUS) && g->plan.udp) /* FROM has no port (RFC 8004 s4.2.2) */
        return complain("a rendezvous server does not relay UDP", NULL);
    if ((g->plan.kinds & GEN_RELAY) && !g->plan.udp)
        return complain("a control relay is for UDP", NULL);
    if ((g->plan.kinds & GEN_DATA_RELAY) && (!g->plan.udp || g->plan.kinds != GEN_DATA_RELAY))
        return complain("a data relay is for UDP, and does nothing else", NULL);
    if ((g->plan.kinds & GEN_OPPORTUNISTIC) &&
        (g->plan.kinds & (GEN_RENDEZVOUS | GEN_RELAY | GEN_SIMULTANEOUS)))
        return complain("an opportunistic I1 goes to its Responder alone", NULL);
    return EXIT_PASS;
}

static json_t *document(const struct gen *g, json_t *test, json_t *suite)
{
    static const char *const header[] = {
        "A HIPv2 exchange with every value that stands between its packets, made by hipvec gen from a seed.",
        "test-vectors/README.md describes the fields and the generator of the draws."
    };
    json_t *d = json_object(), *h = json_array();
    put_text(d, "protocol", "HIPv2");
    put_text(d, "schema", "hipv2_bex_schema_v2.json");
    for (size_t i = 0; i < sizeof header / sizeof *header; i++)
        json_array_append_new(h, json_string(header[i]));
    json_object_set_new(d, "header", h);
    json_object_set_new(d, "notes", json_object());
    json_object_set_new(d, "source", json_pack("[s]", "own: hipvec gen"));
    put_int(d, "numberOfTests", 1);
    json_t *group = json_object();
    put_text(group, "type", "HipBexTest");
    json_object_set_new(group, "source", json_pack("{s:s, s:s}", "name", "hipfa", "version", HIPFA_VERSION));
    json_object_set_new(group, "suite", suite);
    json_object_set_new(group, "tests", json_pack("[o]", test));
    json_object_set_new(d, "testGroups", json_pack("[o]", group));
    return d;
}

static json_t *test_head(const struct gen *g)
{
    const struct gen_plan *p = &g->plan;
    const char *who[2] = { p->initiator ? p->initiator->name : "", p->responder ? p->responder->name : "" };
    char comment[160];
    snprintf(comment, sizeof comment, "%s and %s, %s%s", who[0], who[1], p->v6 ? "IPv6" : "IPv4",
             p->udp ? ", UDP" : "");
    json_t *t = json_object();
    put_int(t, "tcId", 1);
    put_text(t, "comment", g->comment ? g->comment : comment);
    json_object_set_new(t, "flags", gen_flags(p));
    put_text(t, "result", "valid");
    put_hex(t, "seed", p->seed);
    return t;
}

static int put_out(const struct gen *g, const json_t *doc)
{
    FILE *f = g->out ? fopen(g->out, "w") : stdout;
    if (!f)
        return complain("cannot be written", g->out);
    json_write(doc, f);
    bool bad = ferror(f);
    if (g->out)
        bad |= fclose(f) != 0;
    return bad ? complain("cannot be written", g->out) : EXIT_PASS;
}

static int generate(const struct gen *g, struct world *w)
{
    struct script s;
    struct explained x;
    struct vec_case arena = { 0 };
    gen_script(&g->plan, &s);
    for (size_t i = 0; i < s.n && !w->failed; i++)
        world_step(w, &s.step[i]);
    if (w->failed)
        return complain(w->failed, NULL);
    struct explain_in in = { .w = w, .event = w->event, .n = w->n_events };
    explain(&arena, &in, &x);
    int status = EXIT_PASS;
    if (x.n_remarks) { /* the engine and the recomputation do not agree */
        complain("defect", x.remark[0].path);
        status = EXIT_MISMATCH;
    }
    json_t *test = test_head(g);
    bex_put_test(test, w, &s, &x);
    json_t *doc = document(g, test, bex_suite_json(w, WHO_R));
    if (status == EXIT_PASS)
        status = put_out(g, doc);
    json_decref(doc);
    explained_done(&x);
    vec_done(&arena);
    return status;
}

int cmd_gen(int argc, char **argv)
{
    struct gen g = { 0 };
    int status = parse(argc, argv, &g);
    if (status != EXIT_PASS)
        return status;
    if (g.list) {
        gen_list();
        return EXIT_PASS;
    }
    struct world *w = gen_world(&g.plan);
    if (!w)
        return complain("no host identity out of this seed", NULL);
    status = generate(&g, w);
    world_free(w);
    return status;
}
