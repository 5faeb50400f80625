/* SPDX-License-Identifier: Apache-2.0 */
#include "as/aucsock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"

#define GIVEN_MAX 512      /* RANDs remembered */
#define GIVEN_US  60000000 /* an EAP conversation of hostapd's is over by then */
#define OPEN_US   10000000 /* every source has answered by then; hostapd waits for one second */
#define READY_US  5000000  /* a vector out of a resynchronisation is kept for the request that follows */
#define WORDS_MAX 4
#define HEX(n)    (2 * (size_t)(n))

enum state {
    FREE,
    ASKED,   /* the source works for `peer` */
    RESYNC,  /* the source resynchronises; nobody waits for it yet */
    WAITING, /* the same, and `peer` waits */
    READY,   /* its vector is here, nobody has asked for it yet */
};

struct entry {
    enum state state;
    uint32_t gen;
    uint64_t until_us;
    char imsi[IMSI_MAX + 1];
    struct aucsock_peer peer;
    struct aka_vector *v; /* READY; secret */
};

struct given {
    char imsi[IMSI_MAX + 1];
    uint8_t rand[AKA_RAND_LEN];
    uint64_t until_us;
};

struct aucsock {
    const struct aucsock_ops *ops;
    void *ctx;
    uint32_t who, gen;
    unsigned ind;
    bool separated;
    struct entry open[AUCSOCK_OPEN_MAX];
    struct given given[GIVEN_MAX]; /* a ring */
    size_t next_given;
    uint64_t count[AUCSOCK__COUNT];
};

/* ---- entries ---- */

static void entry_free(struct entry *e)
{
    sec_free(e->v);
    *e = (struct entry){ 0 };
}

static struct entry *entry_new(struct aucsock *s, enum state state, const char *imsi, uint64_t now)
{
    for (size_t i = 0; i < AUCSOCK_OPEN_MAX; i++) {
        struct entry *e = &s->open[i];
        if (e->state != FREE && now >= e->until_us)
            entry_free(e);
        if (e->state != FREE)
            continue;
        *e = (struct entry){ .state = state, .gen = ++s->gen, .until_us = now + OPEN_US };
        memcpy(e->imsi, imsi, sizeof e->imsi);
        return e;
    }
    s->count[AUCSOCK_full]++;
    return NULL;
}

static struct entry *entry_find(struct aucsock *s, const char *imsi, enum state state, uint64_t now)
{
    for (size_t i = 0; i < AUCSOCK_OPEN_MAX; i++) {
        struct entry *e = &s->open[i];
        if (e->state == state && now < e->until_us && strcmp(e->imsi, imsi) == 0)
            return e;
    }
    return NULL;
}

static bool ask(struct aucsock *s, const struct entry *e, const uint8_t *rand, const uint8_t *auts)
{
    struct source_req r = { .ref = { .who = s->who, .slot = (uint32_t)(e - s->open), .gen = e->gen },
                            .imsi = e->imsi,
                            .ind = s->ind,
                            .want = s->separated ? AKA_WANT_SEPARATED : AKA_WANT_PLAIN,
                            .rand = rand,
                            .auts = auts };
    return s->ops->ask(s->ctx, &r);
}

/* ---- answers ---- */

static void say(struct aucsock *s, const struct aucsock_peer *to, const char *line)
{
    if (!s->ops->send(s->ctx, to, span_str(line)))
        s->count[AUCSOCK_send_failed]++;
}

static void say_failure(struct aucsock *s, const struct aucsock_peer *to, const char *imsi)
{
    char line[64];
    snprintf(line, sizeof line, "AKA-RESP-AUTH %s FAILURE", imsi);
    s->count[AUCSOCK_failures]++;
    say(s, to, line);
}

static void remember(struct aucsock *s, const char *imsi, const uint8_t rand[AKA_RAND_LEN], uint64_t now)
{
    struct given *g = &s->given[s->next_given];
    s->next_given = (s->next_given + 1) % GIVEN_MAX;
    memcpy(g->imsi, imsi, sizeof g->imsi);
    memcpy(g->rand, rand, sizeof g->rand);
    g->until_us = now + GIVEN_US;
}

/* An AUTS is good for one resynchronisation. */
static bool was_given(struct aucsock *s, const char *imsi, const uint8_t rand[AKA_RAND_LEN], uint64_t now)
{
    for (size_t i = 0; i < GIVEN_MAX; i++) {
        struct given *g = &s->given[i];
        if (now < g->until_us && strcmp(g->imsi, imsi) == 0 && memcmp(g->rand, rand, AKA_RAND_LEN) == 0) {
            g->until_us = 0;
            return true;
        }
    }
    return false;
}

static void say_vector(struct aucsock *s, const struct aucsock_peer *to, const char *imsi,
                       const struct aka_vector *v, uint64_t now)
{
    char hex[5][HEX(AKA_RES_MAX) + 1];
    char *line = sec_alloc(AUCSOCK_LINE_MAX);
    if (!line) {
        say_failure(s, to, imsi);
        return;
    }
    snprintf(line, AUCSOCK_LINE_MAX, "AKA-RESP-AUTH %s %s %s %s %s %s", imsi,
             hex_encode(span_of(v->rand, AKA_RAND_LEN), hex[0]),
             hex_encode(span_of(v->autn, AKA_AUTN_LEN), hex[1]),
             hex_encode(span_of(v->ik, AKA_IK_LEN), hex[2]), hex_encode(span_of(v->ck, AKA_CK_LEN), hex[3]),
             hex_encode(span_of(v->res, v->res_len), hex[4]));
    sec_wipe(hex, sizeof hex);
    remember(s, imsi, v->rand, now);
    s->count[AUCSOCK_answers]++;
    say(s, to, line);
    sec_free(line);
}

static void hold(struct aucsock *s, struct entry *e, const struct aka_vector *v, uint64_t now)
{
    e->v = sec_alloc(sizeof *e->v);
    if (!e->v) {
        entry_free(e);
        return;
    }
    *e->v = *v;
    e->state = READY;
    e->until_us = now + READY_US;
}

void aucsock_answer(struct aucsock *s, const struct source_ref *ref, enum aka_server_auc what,
                    const struct aka_vector *v, uint64_t now)
{
    struct entry *e = ref->slot < AUCSOCK_OPEN_MAX ? &s->open[ref->slot] : NULL;
    if (!e || e->gen != ref->gen || e->state == FREE || e->state == READY)
        return;
    if (what == AKA_AUC_BAD_AUTS)
        s->count[AUCSOCK_bad_auts]++;
    if (e->state == RESYNC) {
        if (what == AKA_AUC_OK)
            hold(s, e, v, now);
        else
            entry_free(e);
        return;
    }
    struct entry was = *e;
    entry_free(e);
    if (what == AKA_AUC_OK)
        say_vector(s, &was.peer, was.imsi, v, now);
    else
        say_failure(s, &was.peer, was.imsi);
}

/* ---- requests ---- */

static void on_request(struct aucsock *s, const struct aucsock_peer *from, const char *imsi, uint64_t now)
{
    struct entry *e = entry_find(s, imsi, READY, now);
    s->count[AUCSOCK_requests]++;
    if (e) {
        say_vector(s, from, imsi, e->v, now);
        entry_free(e);
        return;
    }
    e = entry_find(s, imsi, RESYNC, now);
    if (e) {
        e->state = WAITING;
        e->peer = *from;
        return;
    }
    e = entry_new(s, ASKED, imsi, now);
    if (!e)
        return;
    e->peer = *from;
    if (!ask(s, e, NULL, NULL)) {
        s->count[AUCSOCK_full]++;
        entry_free(e);
        say_failure(s, from, imsi);
    }
}

static void on_auts(struct aucsock *s, const char *imsi, const uint8_t *auts, const uint8_t *rand,
                    uint64_t now)
{
    s->count[AUCSOCK_resyncs]++;
    /* TS 33.102 s6.3.5: AUTS comes with the RAND of the challenge it answers */
    if (!was_given(s, imsi, rand, now)) {
        s->count[AUCSOCK_strange_auts]++;
        return;
    }
    struct entry *e = entry_new(s, RESYNC, imsi, now);
    if (e && !ask(s, e, rand, auts)) {
        s->count[AUCSOCK_full]++;
        entry_free(e);
    }
}

/* Words between single spaces; the last one may be followed by a line's end. 0: too many, or an empty one. */
static size_t words(char *line, char *out[WORDS_MAX])
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = 0;
    for (char *at = line; at; n++) {
        char *end = strchr(at, ' ');
        if (end)
            *end++ = 0;
        if (n == WORDS_MAX || !*at)
            return 0;
        out[n] = at;
        at = end;
    }
    return n;
}

static bool octets(const char *hex, uint8_t *out, size_t n)
{
    size_t got;
    return hex_decode(hex, strlen(hex), out, n, &got) == ERR_OK && got == n;
}

/* False: malformed. */
static bool line_taken(struct aucsock *s, const struct aucsock_peer *from, char *line, uint64_t now)
{
    char *w[WORDS_MAX], imsi[IMSI_MAX + 1], reply[64];
    uint8_t auts[AKA_AUTS_LEN], rand[AKA_RAND_LEN];
    size_t n = words(line, w);
    if (n < 2 || !imsi_valid(w[1]))
        return false;
    snprintf(imsi, sizeof imsi, "%s", w[1]);
    if (n == 2 && strcmp(w[0], "AKA-REQ-AUTH") == 0) {
        on_request(s, from, imsi, now);
    } else if (n == 4 && strcmp(w[0], "AKA-AUTS") == 0 && octets(w[2], auts, sizeof auts) &&
               octets(w[3], rand, sizeof rand)) {
        on_auts(s, imsi, auts, rand, now);
    } else if (n == 3 && strcmp(w[0], "SIM-REQ-AUTH") == 0) {
        s->count[AUCSOCK_sim]++;
        snprintf(reply, sizeof reply, "SIM-RESP-AUTH %s FAILURE", imsi);
        say(s, from, reply);
    } else {
        return false;
    }
    return true;
}

void aucsock_input(struct aucsock *s, const struct aucsock_peer *from, struct span d, uint64_t now)
{
    char line[AUCSOCK_LINE_MAX];
    bool ok = d.n > 0 && d.n < sizeof line && !memchr(d.p, 0, d.n);
    if (ok) {
        memcpy(line, d.p, d.n);
        line[d.n] = 0;
        ok = line_taken(s, from, line, now);
    }
    if (!ok)
        s->count[AUCSOCK_malformed]++;
}

/* ---- whole ---- */

struct aucsock *aucsock_new(const struct aucsock_ops *ops, void *ctx, uint32_t who, unsigned ind,
                            bool separated)
{
    struct aucsock *s = calloc(1, sizeof *s);
    if (s) {
        s->ops = ops;
        s->ctx = ctx;
        s->who = who;
        s->ind = ind;
        s->separated = separated;
    }
    return s;
}

void aucsock_free(struct aucsock *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < AUCSOCK_OPEN_MAX; i++)
        sec_free(s->open[i].v);
    free(s);
}

size_t aucsock_open(const struct aucsock *s)
{
    size_t n = 0;
    for (size_t i = 0; i < AUCSOCK_OPEN_MAX; i++)
        n += s->open[i].state != FREE;
    return n;
}

uint64_t aucsock_counter(const struct aucsock *s, enum aucsock_counter c)
{
    return s->count[c];
}

const char *aucsock_counter_name(enum aucsock_counter c)
{
    static const char *const names[AUCSOCK__COUNT] = {
#define X(name, doc) #name,
        AUCSOCK_COUNTER_LIST(X)
#undef X
    };
    return (unsigned)c < AUCSOCK__COUNT ? names[c] : "?";
}
