/* SPDX-License-Identifier: Apache-2.0
 *
 * What a responder's base exchange costs beside its cryptography: I1 in, R1 out, I2 in, R2 out through hip/engine, against the same cryptography done
 * straight with the libraries (tight.h), exchange by exchange in turn, on this thread's processor time. One generation of R1s, with its
 * Diffie-Hellman key and its signature, serves a round; its making is shared out among the round's exchanges on both sides.
 *
 *   responder [--quick] [--json FILE] [SUITE]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/crypto/secret.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "hip/engine.h"
#include "hip/param_core.h"
#include "hip/pkt.h"
#include "hip/suite.h"
#include "tests/bench/tight.h"

#define EXCHANGES  64 /* of a round */
#define ROUNDS     15
#define ROUNDS_MAX 64

struct suite {
    const char *name;
    enum sig_type sig;
    unsigned bits;
    uint8_t group;
    const char *curve;
};

static const struct suite suites[] = {
    { "P-256/P-256", SIG_ECDSA_P256, 0, 7, "P-256" },
    { "P-384/P-384", SIG_ECDSA_P384, 0, 8, "P-384" },
    { "RSA-2048/P-256", SIG_RSA, 2048, 7, "P-256" },
    { "Ed25519/P-256", SIG_ED25519, 0, 7, "P-256" },
};
#define SUITES (sizeof suites / sizeof *suites)

struct side {
    struct hip_engine *e;
    struct hip_hi hi;
    struct hip_path path;
    struct hip_actions acts[2], *out,
        *next; /* what it was told to do, and what follows from that: exchanged, never copied */
    struct hip_ref ref;
};

struct bench {
    const struct suite *suite;
    struct side mn, fa; /* initiator, responder */
    uint64_t now;
    uint8_t packet[32][HIP_PACKET_MAX]; /* the last of each type, as sent */
    uint8_t i2[HIP_PACKET_MAX];         /* the one that the cryptography is measured with */
    size_t len[32];
    struct tight *tight;
    uint64_t ours_ns, tight_ns,
        r1_ns; /* of the round; r1: R1s out of the pool, the generation's first not counted */
};

struct figures {
    double ratio[ROUNDS_MAX], ours_us[ROUNDS_MAX], tight_us[ROUNDS_MAX], r1_us[ROUNDS_MAX];
    size_t n;
};

static struct env env;

static void must(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "responder: %s\n", what);
        exit(1);
    }
}

static uint64_t cpu_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* What reading the clock twice adds to what is between, the smallest of many; taken off each interval. */
static uint64_t clock_ns;

static void clock_calibrate(void)
{
    clock_ns = UINT64_MAX;
    for (int i = 0; i < 10000; i++) {
        uint64_t t = cpu_ns();
        t = cpu_ns() - t;
        clock_ns = t < clock_ns ? t : clock_ns;
    }
}

static uint64_t since(uint64_t t)
{
    uint64_t n = cpu_ns() - t;
    return n > clock_ns ? n - clock_ns : 0;
}

/* ---- the two hosts ---- */

static void side_begin(struct side *s, const struct suite *t, uint32_t ip, uint32_t peer)
{
    struct hip_config c = { .env = &env,
                            .assoc_max = 64,
                            .dh_groups = { t->group },
                            .ciphers = { 2 },
                            .esp_suites = { 8 },
                            .puzzle_k = 1,
                            .puzzle_k_max = 20 };
    s->e = hip_engine_new(&c);
    must(s->e && hip_hi_generate(t->sig, t->bits, &s->hi) == ERR_OK &&
             hip_identity_add(s->e, &s->hi, 1, 1000000) == ERR_OK,
         "no host");
    s->out = &s->acts[0];
    s->next = &s->acts[1];
    s->path = (struct hip_path){ .local = addr_v4(ip), .peer = addr_v4(peer) };
}

static void side_end(struct side *s)
{
    hip_engine_free(s->e);
    hip_hi_done(&s->hi);
}

/* Notes what is sent, answers what is asked; then `out` is what follows from that. */
static void act(struct bench *b, struct side *s)
{
    static const struct hip_answer yes = { .accept = true };
    struct hip_actions *done = s->out;
    hip_actions_reset(s->next);
    for (size_t i = 0; i < done->n; i++) {
        const struct hip_action *a = &done->v[i];
        if (a->type == HIP_ACT_SEND) {
            uint8_t type = a->send.octets.p[2] & 0x1f;
            memcpy(b->packet[type], a->send.octets.p, a->send.octets.n);
            b->len[type] = a->send.octets.n;
        } else if (a->type == HIP_ACT_ASK_I2 || a->type == HIP_ACT_ASK_R2) {
            s->ref = a->ref;
            must(hip_answer(s->e, a->ref, &yes, b->now, s->next) == ERR_OK, "an answer was refused");
        }
    }
    s->out = s->next;
    s->next = done;
}

static void give(struct bench *b, struct side *s, uint8_t type)
{
    hip_actions_reset(s->out);
    must(hip_input(s->e, &s->path, span_of(b->packet[type], b->len[type]), b->now, s->out) == HIP_TAKEN,
         "a packet was refused");
}

/* The initiator's part: what it has to say until a packet of this type is there. */
static void initiate(struct bench *b, uint8_t type)
{
    b->len[type] = 0;
    for (int i = 0; i < 10000 && b->len[type] == 0; i++) {
        act(b, &b->mn);
        act(b, &b->mn);
        if (b->len[type] == 0)
            hip_timeout(b->mn.e, b->now, b->mn.out);
    }
    must(b->len[type] != 0, "the initiator says nothing");
}

/* ---- the same without us ---- */

static void tight_begin(struct bench *b)
{
    struct hip_pkt r1, i2, r2;
    struct hip_dh dh;
    const struct hip_hi *peer = &b->mn.hi;
    const struct hip_par *sig;
    uint8_t *der = NULL;
    size_t der_len = 0;
    static uint8_t message[HIP_PACKET_MAX];
    memcpy(b->i2, b->packet[HIP_PKT_I2], b->len[HIP_PKT_I2]);
    must(hip_pkt_parse(span_of(b->packet[HIP_PKT_R1], b->len[HIP_PKT_R1]), &r1) == HIP_TAKEN &&
             hip_pkt_parse(span_of(b->i2, b->len[HIP_PKT_I2]), &i2) == HIP_TAKEN &&
             hip_pkt_parse(span_of(b->packet[HIP_PKT_R2], b->len[HIP_PKT_R2]), &r2) == HIP_TAKEN,
         "a packet does not parse");
    must(hip_get_dh(hip_pkt_span(&i2, HIP_PAR_DIFFIE_HELLMAN), &dh) == ERR_OK &&
             sig_to_private(b->fa.hi.key, &der, &der_len) == ERR_OK,
         "no keys");
    sig = hip_pkt_get(&i2, HIP_PAR_HIP_SIGNATURE);
    memcpy(message, i2.raw.p, sig->off); /* RFC 7401 s6.4.2: shorter header, no checksum */
    message[1] = (uint8_t)(sig->off / 8 - 1);
    message[4] = message[5] = 0;
    struct span enc = hip_pkt_span(&i2, HIP_PAR_ENCRYPTED);
    const struct hip_esp_suite *esp = hip_esp_suite(8);
    struct tight_case c = {
        .sig = b->suite->sig,
        .curve = b->suite->curve,
        .rhash = b->fa.hi.rhash,
        .own_private = span_of(der, der_len),
        .peer_hi = sig_public(peer->key),
        .host_id = hip_hi_field(peer),
        .peer_dh = dh.pub,
        .i2_signed = span_of(message, sig->off),
        .i2_sig = span_sub(sig->v, 2, sig->v.n - 2),
        .r1_signed = hip_pkt_get(&r1, HIP_PAR_HIP_SIGNATURE_2)->off,
        .i2_maced = hip_pkt_get(&i2, HIP_PAR_HIP_MAC)->off,
        .i2_encrypted = enc.n > 20 ? enc.n - 20 : 0,
        .r2_maced = hip_pkt_get(&r2, HIP_PAR_HIP_MAC_2)->off + b->fa.hi.wire_len + 8u,
        .r2_signed = hip_pkt_get(&r2, HIP_PAR_HIP_SIGNATURE)->off,
        .keymat = 2 * (16 + hash_len(b->fa.hi.rhash)) + 2 * ((size_t)esp->enc_len + esp->auth_len),
    };
    b->tight = tight_new(&c);
    sec_free(der);
}

/* ---- measuring ---- */

static void exchange(struct bench *b, bool first)
{
    struct hip_ref ref;
    hip_actions_reset(b->mn.out);
    must(hip_connect(b->mn.e, &b->mn.hi.hit, &b->fa.hi.hit, &b->mn.path, 1, b->now, b->mn.out, &ref) ==
             ERR_OK,
         "no connection");
    initiate(b, HIP_PKT_I1);
    uint64_t t = cpu_ns();
    give(b, &b->fa, HIP_PKT_I1);
    uint64_t r1 = since(t);
    act(b, &b->fa);
    give(b, &b->mn, HIP_PKT_R1);
    initiate(b, HIP_PKT_I2);
    t = cpu_ns();
    give(b, &b->fa, HIP_PKT_I2);
    act(b, &b->fa);
    uint64_t r2 = since(t);
    act(b, &b->fa);
    give(b, &b->mn, HIP_PKT_R2); /* it verifies */
    must(hip_drop(b->mn.e, ref, b->now, b->mn.next) == ERR_OK, "not dropped");
    must(hip_drop(b->fa.e, b->fa.ref, b->now, b->fa.next) == ERR_OK, "not dropped");
    b->ours_ns += r1 + r2;
    if (!first)
        b->r1_ns += r1;
}

static void tight(struct bench *b, bool first)
{
    uint64_t t = cpu_ns();
    if (first)
        tight_generation(b->tight);
    tight_exchange(b->tight);
    b->tight_ns += since(t);
}

static void one_round(struct bench *b, struct figures *f)
{
    b->ours_ns = b->tight_ns = b->r1_ns = 0;
    b->now += 20000000; /* a used generation is replaced when it is ten seconds old */
    for (int i = 0; i < EXCHANGES; i++) {
        exchange(b, i == 0);
        tight(b, i == 0);
    }
    f->ours_us[f->n] = (double)b->ours_ns / EXCHANGES / 1000;
    f->tight_us[f->n] = (double)b->tight_ns / EXCHANGES / 1000;
    f->r1_us[f->n] = (double)b->r1_ns / (EXCHANGES - 1) / 1000;
    f->ratio[f->n] = (double)b->ours_ns / (double)b->tight_ns;
    f->n++;
}

static void measure(const struct suite *s, size_t rounds, struct figures *f)
{
    static struct bench b;
    struct figures warm = { 0 };
    memset(&b, 0, sizeof b);
    b.suite = s;
    b.now = 1000000;
    side_begin(&b.mn, s, 0xc0000201, 0xc0000202);
    side_begin(&b.fa, s, 0xc0000202, 0xc0000201);
    exchange(&b, true);
    tight_begin(&b);
    one_round(&b, &warm);
    while (f->n < rounds)
        one_round(&b, f);
    tight_free(b.tight);
    side_end(&b.mn);
    side_end(&b.fa);
}

/* ---- telling ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_row(const struct suite *s, struct figures *f, FILE *json, bool last)
{
    double *const all[] = { f->ours_us, f->tight_us, f->r1_us, f->ratio };
    for (int i = 0; i < 4; i++)
        qsort(all[i], f->n, sizeof(double), by_value);
    size_t m = f->n / 2, top = f->n - 1;
    printf("%-16s %9.1f %9.1f %9.1f   %9.1f %9.1f %9.1f   %7.2f   %5.3f %5.3f %5.3f\n", s->name,
           f->ours_us[0], f->ours_us[m], f->ours_us[top], f->tight_us[0], f->tight_us[m], f->tight_us[top],
           f->r1_us[m], f->ratio[0], f->ratio[m], f->ratio[top]);
    fflush(stdout);
    if (json)
        fprintf(json,
                " {\"suite\": \"%s\", \"rounds\": %zu, \"exchange_us\": [%.2f, %.2f, %.2f], \"crypto_us\": "
                "[%.2f, %.2f, %.2f], \"r1_us\": %.2f, \"ratio\": [%.4f, %.4f, %.4f]}%s\n",
                s->name, f->n, f->ours_us[0], f->ours_us[m], f->ours_us[top], f->tight_us[0], f->tight_us[m],
                f->tight_us[top], f->r1_us[m], f->ratio[0], f->ratio[m], f->ratio[top], last ? "" : ",");
}

int main(int argc, char **argv)
{
    const char *json_path = NULL, *only = NULL;
    size_t rounds = ROUNDS;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            rounds = 3;
        } else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
            json_path = argv[++i];
        } else if (argv[i][0] != '-') {
            only = argv[i];
        } else {
            fprintf(stderr, "usage: responder [--quick] [--json FILE] [SUITE]\n");
            return 2;
        }
    }
    must(crypto_init() == ERR_OK, "no crypto");
    env = rt_env((struct log){ 0 });
    clock_calibrate();
    FILE *json = json_path ? fopen(json_path, "w") : NULL;
    must(!json_path || json, "the JSON file cannot be written");
    printf("microseconds of processor time for an exchange: minimum, median, maximum of %zu rounds of %d\n",
           rounds, EXCHANGES);
    printf("%-16s %29s   %29s   %7s   %s\n", "HI/DH", "exchange", "its cryptography alone", "R1",
           "exchange / cryptography");
    if (json)
        fprintf(json, "[\n");
    for (size_t i = 0; i < SUITES; i++) {
        struct figures f = { 0 };
        if (only && strcmp(only, suites[i].name) != 0)
            continue;
        measure(&suites[i], rounds, &f);
        print_row(&suites[i], &f, json, only || i + 1 == SUITES);
    }
    if (json) {
        fprintf(json, "]\n");
        must(fclose(json) == 0, "the JSON file cannot be written");
    }
    return 0;
}
