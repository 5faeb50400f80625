/* SPDX-License-Identifier: Apache-2.0 */
#include "dnsupd/txn.h"

#include <stdlib.h>
#include <string.h>

#define NEVER UINT64_MAX

struct
try {
    uint16_t id;
    uint8_t server;
    bool proof; /* carried the proof, not the message */
    struct dnsu_tsig_mac mac;
};

struct dnsu_txn {
    struct dnsu_txn_config c;
    uint8_t opcode;
    struct {
        uint8_t *p;
        size_t n;
    } message, proof, out; /* out: the message of the last try, signed */
    struct try tries[DNSU_TRIES_MAX];
    uint32_t n_tries;
    bool dropped[DNSU_SERVERS_MAX];
    uint8_t server, tries_here;
    bool tcp; /* the current server wants TCP */
    bool proving;
    enum dnsu_result conflict; /* what the failed prerequisite said, while proving */
    uint8_t rcode;             /* of the last signed answer */
    bool done;
    uint64_t deadline;
    struct dnsu_txn_stats stats;
};

static const char *const results[] = { "done", "name in use", "changed", "refused", "unreachable" };

const char *dnsu_result_name(enum dnsu_result r)
{
    return (unsigned)r < sizeof results / sizeof *results ? results[r] : "?";
}

uint64_t dnsu_txn_deadline(const struct dnsu_txn *t)
{
    return t->done ? NEVER : t->deadline;
}

const struct dnsu_txn_stats *dnsu_txn_stats(const struct dnsu_txn *t)
{
    return &t->stats;
}

static bool request_ok(struct span s, struct dnsu_hdr *h)
{
    struct dnsu_reader r;
    if (dnsu_reader_init(&r, s) != ERR_OK || s.n + DNSU_TSIG_MAX > DNSU_MSG_MAX)
        return false;
    *h = r.hdr;
    return !r.hdr.qr && (r.hdr.opcode == DNSU_OP_UPDATE || r.hdr.opcode == DNSU_OP_QUERY);
}

struct dnsu_txn *dnsu_txn_new(const struct dnsu_txn_config *c, struct span message, struct span proof)
{
    struct dnsu_hdr h, ph;
    if (c->n_servers == 0 || c->n_servers > DNSU_SERVERS_MAX || !request_ok(message, &h))
        return NULL;
    /* a proof asks and changes nothing */
    if (proof.n &&
        (!request_ok(proof, &ph) || h.opcode != DNSU_OP_UPDATE || ph.opcode != DNSU_OP_UPDATE || ph.count[2]))
        return NULL;
    struct dnsu_txn *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->c = *c;
    t->c.tries = c->tries ? c->tries : 3;
    t->c.first_us = c->first_us ? c->first_us : 1000000;
    t->c.max_us = c->max_us ? c->max_us : 4000000;
    t->c.tcp_us = c->tcp_us ? c->tcp_us : 5000000;
    t->c.udp_max = c->udp_max ? c->udp_max : 512;
    t->opcode = h.opcode;
    t->deadline = NEVER;
    size_t longest = message.n > proof.n ? message.n : proof.n;
    t->message.p = malloc(message.n ? message.n : 1);
    t->proof.p = malloc(proof.n ? proof.n : 1);
    t->out.p = malloc(longest + DNSU_TSIG_MAX);
    if (!t->message.p || !t->proof.p || !t->out.p) {
        dnsu_txn_free(t);
        return NULL;
    }
    memcpy(t->message.p, message.p, message.n);
    t->message.n = message.n;
    if (proof.n)
        memcpy(t->proof.p, proof.p, proof.n);
    t->proof.n = proof.n;
    return t;
}

void dnsu_txn_free(struct dnsu_txn *t)
{
    if (!t)
        return;
    free(t->message.p);
    free(t->proof.p);
    free(t->out.p);
    free(t);
}

static void finish(struct dnsu_txn *t, enum dnsu_result r, struct span reply, struct dnsu_txn_acts *out)
{
    t->done = true;
    out->v[out->n++] =
        (struct dnsu_txn_act){ .type = DNSU_ACT_DONE, .result = r, .rcode = t->rcode, .reply = reply };
}

static uint16_t new_id(struct dnsu_txn *t)
{
    for (;;) {
        uint16_t id = (uint16_t)env_random_u32(t->c.env);
        bool used = false;
        for (uint32_t i = 0; i < t->n_tries; i++)
            used |= t->tries[i].id == id;
        if (!used)
            return id;
    }
}

/* Signs and sends the message of this phase to the current server. */
static void send_now(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out)
{
    struct try *y = &t->tries[t->n_tries];
    struct span m = t->proving ? span_of(t->proof.p, t->proof.n) : span_of(t->message.p, t->message.n);
    uint16_t id = new_id(t);
    memcpy(t->out.p, m.p, m.n);
    t->out.p[0] = (uint8_t)(id >> 8);
    t->out.p[1] = (uint8_t)id;
    t->out.n = m.n;
    if (dnsu_tsig_sign(t->c.key, t->out.p, m.n + DNSU_TSIG_MAX, &t->out.n, wall_s, (struct span){ 0 },
                       &y->mac) != ERR_OK) {
        finish(t, DNSU_UNREACHABLE, (struct span){ 0 }, out);
        return;
    }
    y->id = id;
    y->server = t->server;
    y->proof = t->proving;
    bool tcp = t->tcp || t->out.n > t->c.udp_max;
    uint64_t wait = t->c.first_us << (t->tries_here < 16 ? t->tries_here : 16);
    if (wait > t->c.max_us)
        wait = t->c.max_us;
    t->deadline = now_us + (tcp ? t->c.tcp_us : wait);
    t->tries_here++;
    out->v[out->n++] = (struct dnsu_txn_act){ .type = tcp ? DNSU_ACT_TCP : DNSU_ACT_UDP,
                                              .tag = t->n_tries,
                                              .server = t->c.server[t->server],
                                              .message = span_of(t->out.p, t->out.n) };
    t->n_tries++;
    t->stats.tries = t->n_tries;
}

/* The next try: the same server while it has tries left, then the next one that was not dropped (RFC 2136 s4.5). */
static void go_on(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out)
{
    if (t->tries_here >= t->c.tries)
        t->dropped[t->server] = true;
    while (t->server < t->c.n_servers && t->dropped[t->server]) {
        t->server++;
        t->tries_here = 0;
        t->tcp = false;
    }
    if (t->server == t->c.n_servers || t->n_tries == DNSU_TRIES_MAX) {
        finish(t, DNSU_UNREACHABLE, (struct span){ 0 }, out);
        return;
    }
    send_now(t, now_us, wall_s, out);
}

static void drop(struct dnsu_txn *t, uint8_t server, uint64_t now_us, uint64_t wall_s,
                 struct dnsu_txn_acts *out)
{
    t->dropped[server] = true;
    if (server == t->server)
        go_on(t, now_us, wall_s, out);
}

void dnsu_txn_start(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out)
{
    out->n = 0;
    if (!t->done && t->n_tries == 0)
        go_on(t, now_us, wall_s, out);
}

void dnsu_txn_timeout(struct dnsu_txn *t, uint64_t now_us, uint64_t wall_s, struct dnsu_txn_acts *out)
{
    out->n = 0;
    if (!t->done && now_us >= t->deadline)
        go_on(t, now_us, wall_s, out);
}

void dnsu_txn_failed(struct dnsu_txn *t, uint32_t tag, uint64_t now_us, uint64_t wall_s,
                     struct dnsu_txn_acts *out)
{
    out->n = 0;
    if (!t->done && tag < t->n_tries && tag + 1 == t->n_tries)
        drop(t, t->tries[tag].server, now_us, wall_s, out);
}

/* The prerequisite failed. Whether because of us is found out with the proof. */
static void conflict(struct dnsu_txn *t, const struct try *y, enum dnsu_result r, uint64_t now_us,
                     uint64_t wall_s, struct dnsu_txn_acts *out)
{
    if (t->proof.n == 0) {
        finish(t, r, (struct span){ 0 }, out);
        return;
    }
    t->proving = true;
    t->conflict = r;
    t->server = y->server; /* it answers: ask it */
    t->tries_here = 0;
    memset(t->dropped, 0, sizeof t->dropped);
    go_on(t, now_us, wall_s, out);
}

static void answered_update(struct dnsu_txn *t, const struct try *y, uint64_t now_us, uint64_t wall_s,
                            struct dnsu_txn_acts *out)
{
    struct span none = { 0 };
    switch (t->rcode) {
    case DNSU_RC_NOERROR:
        t->stats.proved = y->proof || t->proving;
        finish(t, DNSU_DONE, none, out);
        return;
    case DNSU_RC_YXDOMAIN:
    case DNSU_RC_YXRRSET:
        if (!t->proving)
            conflict(t, y, DNSU_NAME_IN_USE, now_us, wall_s, out);
        else if (y->proof)
            finish(t, t->conflict, none, out);
        return;
    case DNSU_RC_NXRRSET:
    case DNSU_RC_NXDOMAIN:
        if (!t->proving)
            conflict(t, y, DNSU_CHANGED, now_us, wall_s, out);
        else if (y->proof)
            finish(t, t->conflict, none, out);
        return;
    default:
        if (!t->proving || y->proof)
            finish(t, t->proving ? t->conflict : DNSU_REFUSED, none, out);
    }
}

/* A reply whose TSIG is good. */
static void answered(struct dnsu_txn *t, const struct try *y, const struct dnsu_hdr *h,
                     const struct dnsu_tsig *sig, struct span msg, uint64_t now_us, uint64_t wall_s,
                     struct dnsu_txn_acts *out)
{
    t->rcode = h->rcode;
    if (h->tc) {
        if (y->server == t->server && !t->tcp && !t->dropped[y->server] && t->n_tries < DNSU_TRIES_MAX) {
            t->tcp = true;
            t->tries_here = 0;
            send_now(t, now_us, wall_s, out);
        }
        return;
    }
    if (sig->error != 0) {
        /* The server does not like our time or MAC length (s5.3.1). Our clock stays as it is; another server may do. */
        t->stats.hint = sig->error;
        drop(t, y->server, now_us, wall_s, out);
        return;
    }
    if (h->rcode == DNSU_RC_SERVFAIL || h->rcode == DNSU_RC_NOTIMP) {
        drop(t, y->server, now_us, wall_s, out);
        return;
    }
    if (t->opcode == DNSU_OP_UPDATE)
        answered_update(t, y, now_us, wall_s, out);
    else if (h->rcode == DNSU_RC_NOERROR || h->rcode == DNSU_RC_NXDOMAIN)
        finish(t, DNSU_DONE, msg, out);
    else
        finish(t, DNSU_REFUSED, (struct span){ 0 }, out);
}

static const struct try *find_try(const struct dnsu_txn *t, const struct addr *from, uint16_t id)
{
    for (uint32_t i = 0; i < t->n_tries; i++)
        if (t->tries[i].id == id && addr_same_ip(&t->c.server[t->tries[i].server], from) &&
            t->c.server[t->tries[i].server].port == from->port)
            return &t->tries[i];
    return NULL;
}

void dnsu_txn_input(struct dnsu_txn *t, const struct addr *from, struct span msg, uint64_t now_us,
                    uint64_t wall_s, struct dnsu_txn_acts *out)
{
    struct dnsu_reader r;
    struct dnsu_tsig sig;
    out->n = 0;
    if (t->done)
        return;
    const struct try *y = NULL;
    if (dnsu_reader_init(&r, msg) == ERR_OK && r.hdr.qr && r.hdr.opcode == t->opcode)
        y = find_try(t, from, r.hdr.id);
    if (!y) {
        t->stats.ignored++;
        return;
    }
    enum dnsu_tsig_verdict v = dnsu_tsig_verify(t->c.key, msg, span_of(y->mac.v, y->mac.len), wall_s, &sig);
    if (v != DNSU_TSIG_GOOD) {
        t->stats.ignored++;
        t->stats.hint = v == DNSU_TSIG_UNSIGNED ? sig.error : r.hdr.rcode;
        log_at(&t->c.env->log, LOG_LV_WARN, "dns", "reply ignored: tsig=%s rcode=%s error=%u",
               dnsu_tsig_verdict_name(v), dnsu_rcode_name(r.hdr.rcode),
               v == DNSU_TSIG_UNSIGNED ? sig.error : 0u);
        return;
    }
    answered(t, y, &r.hdr, &sig, msg, now_us, wall_s, out);
}
