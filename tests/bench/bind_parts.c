/* SPDX-License-Identifier: Apache-2.0
 *
 * What a SIM binding is made of, each part by itself, one after the other, in seconds of wall clock, and all of them in processor time of this process:
 *
 *   exchange  base exchange, both ends, with a puzzle of K = 10 (the least a binding is offered with) and its solution; R1s made once
 *   aka       one authentication of EAP-AKA': server, AuC with its SQN on disk, peer and card
 *   write     one durable write: the binding store's intent
 *   update    one UPDATE at the zone's primary, as hipfad sends it
 *
 *   bind_parts STORE AUC AUC_KEY FIRST PRIMARY ZONE KEY_NAME KEY_FILE TAG N     JSON on stdout; TAG makes this call's names and keys its own
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "aka/peer.h"
#include "aka/server.h"
#include "as/auc_sqlite.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "dnsupd/hiprr.h"
#include "fa/dns.h"
#include "fa/store_sqlite.h"
#include "hip/bind_param.h"
#include "hip/pkt.h"
#include "tests/bench/bind_mn.h"

#define N_MAX 10000

struct parts {
    const char *store_path, *auc_path, *auc_key, *primary, *zone, *key_name, *key_file, *tag;
    uint64_t first;
    size_t n;
    double exchange_s, aka_s, write_s, update_s, update_max_s, cpu_s;
    struct hip_hi hi; /* of the records */
};

static struct env env;

static void must(bool held, const char *what)
{
    if (!held) {
        fprintf(stderr, "bind_parts: %s\n", what);
        exit(1);
    }
}

static double now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_now_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- base exchange ---- */

struct side {
    struct hip_engine *e;
    struct hip_hi hi;
    struct hip_path path;
    struct hip_actions *acts;
    struct hip_ref ref;
};

struct wire { /* what was sent last */
    size_t n;
    uint8_t p[HIP_PACKET_MAX];
};

static void side_begin(struct side *s, uint32_t ip, uint32_t peer, bool fa)
{
    struct hip_config c = { .env = &env,
                            .assoc_max = 64,
                            .dh_groups = { 7 },
                            .ciphers = { 2 },
                            .esp_suites = { 8 },
                            .puzzle_k = 10,
                            .puzzle_k_max = 20 };
    if (fa)
        c.offer = (struct hip_reg_offer){ .min = 64, .max = 200, .n = 1, .type = { 1 }, .sim_binding = true };
    s->acts = calloc(1, sizeof *s->acts);
    s->e = hip_engine_new(&c);
    must(s->acts && s->e && hip_hi_generate(SIG_ECDSA_P256, 0, &s->hi) == ERR_OK &&
             hip_identity_add(s->e, &s->hi, 1, rt_now_us()) == ERR_OK,
         "no host");
    s->path = (struct hip_path){ .local = addr_v4(ip), .peer = addr_v4(peer) };
}

static void side_end(struct side *s)
{
    hip_engine_free(s->e);
    hip_hi_done(&s->hi);
    free(s->acts);
}

/* What it was told to do; the list grows meanwhile. */
static void act(struct side *s, struct wire *w, uint64_t now)
{
    struct hip_answer yes = { .accept = true };
    for (size_t i = 0; i < s->acts->n; i++) {
        struct hip_action a = s->acts->v[i];
        if (a.type == HIP_ACT_SEND) {
            memcpy(w->p, a.send.octets.p, w->n = a.send.octets.n);
        } else if (a.type == HIP_ACT_ASK_I2 || a.type == HIP_ACT_ASK_R2) {
            s->ref = a.ref;
            yes.contents.request = a.type == HIP_ACT_ASK_I2
                                       ? (struct hip_reg_list){ .present = true,
                                                                .lifetime = 128,
                                                                .n = 2,
                                                                .type = { 1, HIP_BIND_REG_TYPE } }
                                       : (struct hip_reg_list){ 0 };
            must(hip_answer(s->e, a.ref, &yes, now, s->acts) == ERR_OK, "an answer was refused");
        }
    }
    hip_actions_reset(s->acts);
}

static void give(struct side *s, struct wire *from, struct wire *to, uint64_t now)
{
    must(hip_input(s->e, &s->path, span_of(from->p, from->n), now, s->acts) == HIP_TAKEN,
         "a packet was refused");
    to->n = 0;
    act(s, to, now);
}

static void one_exchange(struct side *mn, struct side *fa)
{
    struct wire out = { 0 }, in = { 0 };
    struct hip_ref ref;
    uint64_t now = rt_now_us();
    must(hip_connect(mn->e, &mn->hi.hit, &fa->hi.hit, &mn->path, 1, now, mn->acts, &ref) == ERR_OK,
         "no connection");
    act(mn, &out, now);
    give(fa, &out, &in, now); /* I1, R1 */
    give(mn, &in, &out, now); /* R1; the puzzle is solved in slices */
    while (out.n == 0) {
        hip_timeout(mn->e, now = rt_now_us(), mn->acts);
        act(mn, &out, now);
    }
    give(fa, &out, &in, now); /* I2, R2 */
    give(mn, &in, &out, now);
    must(hip_drop(mn->e, ref, now, mn->acts) == ERR_OK && hip_drop(fa->e, fa->ref, now, fa->acts) == ERR_OK,
         "no association");
    hip_actions_reset(mn->acts);
    hip_actions_reset(fa->acts);
}

static void exchanges(struct parts *p)
{
    struct side mn = { 0 }, fa = { 0 };
    side_begin(&mn, 0xc0000201, 0xc0000202, false);
    side_begin(&fa, 0xc0000202, 0xc0000201, true);
    one_exchange(&mn, &fa);
    double t = now_s(), cpu = cpu_now_s();
    for (size_t i = 0; i < p->n; i++)
        one_exchange(&mn, &fa);
    p->exchange_s = (now_s() - t) / (double)p->n;
    p->cpu_s += (cpu_now_s() - cpu) / (double)p->n;
    side_end(&mn);
    side_end(&fa);
}

/* ---- AKA ---- */

static void one_aka(struct auc *auc, uint64_t subscriber, struct usim_card *card)
{
    struct aka_server_config c = { .env = &env, .net_name = "HIP:20010022112233445566778899aabbcc" };
    struct aka_server *server = aka_server_new(&c);
    struct aka_peer *peer = aka_peer_new();
    struct aka_vector *v = sec_alloc(sizeof *v);
    struct aka_server_action s;
    struct aka_peer_action a;
    struct usim_auth auth;
    char imsi[IMSI_MAX + 1], nai[NAI_TEXT_MAX];
    bind_mn_imsi(subscriber, imsi);
    snprintf(nai, sizeof nai, "6%s@" BIND_MN_REALM, imsi);
    bind_mn_keys(subscriber, card->cred.k, card->cred.opc);
    sqn_usim_init(&card->sqn);
    must(server && peer && v && aka_peer_start(peer, span_str(nai), &a) == ERR_OK, "no AKA");
    aka_server_input(server, a.octets, &s);
    must(s.type == AKA_SERVER_VECTOR && auc_vector(auc, s.imsi, 0, true, rt_wall_s(), v) == ERR_OK,
         "no vector");
    aka_server_vector(server, AKA_AUC_OK, v, &s);
    must(s.type == AKA_SERVER_SEND, "no challenge");
    aka_peer_input(peer, s.octets, &a);
    must(a.type == AKA_PEER_CHALLENGE, "the peer takes no challenge");
    usim_card_authenticate(card, a.rand, a.autn, &auth);
    aka_peer_card(peer, &auth, &a);
    must(a.type == AKA_PEER_SEND && a.proof, "no proof");
    aka_server_input(server, a.octets, &s);
    must(s.type == AKA_SERVER_ACCEPT && sec_equal(aka_server_msk(server), aka_peer_msk(peer), 64),
         "not accepted");
    sec_free(v);
    aka_peer_free(peer);
    aka_server_free(server);
}

static void akas(struct parts *p)
{
    struct auc *auc;
    char why[AUC_WHY_MAX];
    struct usim_card *card = sec_alloc(sizeof *card);
    must(card != NULL, "no memory");
    memset(card, 0, sizeof *card);
    if (auc_open(p->auc_path, p->auc_key, &env, &auc, why) != ERR_OK)
        must(false, why);
    one_aka(auc, p->first, card);
    double t = now_s(), cpu = cpu_now_s();
    for (size_t i = 0; i < p->n; i++)
        one_aka(auc, p->first + i, card);
    p->aka_s = (now_s() - t) / (double)p->n;
    p->cpu_s += (cpu_now_s() - cpu) / (double)p->n;
    auc_close(auc);
    sec_free(card);
}

/* ---- what is written ---- */

/* Each record has a HIT of its own, and the same key in it. */
static size_t record(const struct parts *p, size_t i, uint8_t hit[16], uint8_t *out, size_t cap)
{
    struct dnsu_hiprr rr = { .hit = span_of(hit, 16) };
    char text[96];
    uint8_t d[HASH_LEN_MAX];
    size_t n = 0;
    snprintf(text, sizeof text, "%s %zu", p->tag, i);
    struct span in = span_str(text);
    must(hash_spans(HASH_SHA256, &in, 1, d) == ERR_OK, "no hash");
    memcpy(hit, p->hi.hit.b, 16);
    memcpy(hit + 4, d, 12);
    must(hip_hi_to_dns(&p->hi, &rr.pk_alg, &rr.pk) == ERR_OK &&
             dnsu_hiprr_encode(&rr, out, cap, &n) == ERR_OK,
         "no record");
    return n;
}

static void intent(const struct parts *p, size_t i, struct fa_job *j)
{
    struct fa_binding *b = &j->intent.binding;
    memset(j, 0, sizeof *j);
    j->type = FA_JOB_INTENT;
    j->intent.devices_max = 1;
    b->rdata_len = (uint16_t)record(p, i, b->hit, b->rdata, sizeof b->rdata);
    b->hi_len = p->hi.wire_len;
    memcpy(b->hi, p->hi.wire, p->hi.wire_len);
    memcpy(b->hi + 4, b->hit, sizeof b->hit); /* nobody computes with it */
    snprintf(b->subscriber, sizeof b->subscriber, "sub-%s-%zu", p->tag, i);
    snprintf(b->name, sizeof b->name, "part-%s-%zu.%s", p->tag, i, p->zone);
    snprintf(b->skeleton, sizeof b->skeleton, "part%s%zu", p->tag, i);
    b->own_name = true;
    b->lifetime_s = 86400;
}

static void writes(struct parts *p)
{
    struct store st;
    struct store_answer *a = calloc(1, sizeof *a);
    struct fa_job *j = calloc(1, sizeof *j);
    char why[SQL_WHY_MAX];
    must(a && j, "no memory");
    if (store_sqlite_open(p->store_path, rt_wall_s, &st, why) != ERR_OK)
        must(false, why);
    double sum = 0;
    for (size_t i = 0; i <= p->n; i++) { /* the first one is not counted */
        intent(p, i, j);
        double t = now_s(), cpu = cpu_now_s();
        must(st.ops->run(st.ctx, j, a) == ERR_OK, "an intent was refused");
        sum += i ? now_s() - t : 0;
        p->cpu_s += i ? (cpu_now_s() - cpu) / (double)p->n : 0;
    }
    p->write_s = sum / (double)p->n;
    st.ops->close(st.ctx);
    free(a);
    free(j);
}

/* ---- UPDATE ---- */

struct updates {
    struct parts *p;
    struct rt_loop *loop;
    struct rt_timer *next;
    struct fa_dns *dns;
    struct fa_job job;
    size_t i;
    double begun_s, sum_s;
};

static void on_next(void *ctx)
{
    struct updates *u = ctx;
    uint8_t hit[16];
    memset(&u->job, 0, sizeof u->job);
    u->job.type = FA_JOB_DNS;
    u->job.dns.ttl_s = 60;
    snprintf(u->job.dns.name, sizeof u->job.dns.name, "part-%s-%zu.%s", u->p->tag, u->i, u->p->zone);
    u->job.dns.want_len = (uint16_t)record(u->p, u->i, hit, u->job.dns.want, sizeof u->job.dns.want);
    u->begun_s = now_s();
    must(fa_dns_submit(u->dns, &u->job) == ERR_OK, "an UPDATE was not sent");
}

static void on_updated(void *ctx, const struct fa_result *r)
{
    struct updates *u = ctx;
    must(r->err == ERR_OK, err_text(r->err));
    double took = u->i ? now_s() - u->begun_s : 0; /* the first one is not counted */
    u->sum_s += took;
    if (took > u->p->update_max_s)
        u->p->update_max_s = took;
    if (u->i++ == u->p->n)
        rt_loop_stop(u->loop);
    else
        rt_timer_at(u->next, 1);
}

static void updates(struct parts *p)
{
    struct updates u = { .p = p, .loop = rt_loop_new() };
    struct fa_dns_config c = { .loop = u.loop, .env = &env, .zone = p->zone, .n_servers = 1 };
    struct dnsu_tsig_key key;
    uint8_t *text = NULL;
    size_t n = 0;
    char why[RT_FILE_WHY_MAX];
    must(rt_file_read_secret(p->key_file, 4096, &text, &n, why) == ERR_OK && n, "no TSIG key");
    text[n - (text[n - 1] == '\n')] = 0;
    must(u.loop && addr_parse(p->primary, &c.server[0]) == ERR_OK &&
             dnsu_tsig_key_init_b64(&key, p->key_name, "hmac-sha256", (const char *)text) == ERR_OK,
         "no primary or no key");
    c.key = &key;
    u.next = rt_timer_new(u.loop, on_next, &u);
    must(u.next && fa_dns_new(&c, on_updated, &u, &u.dns) == ERR_OK, "no DNS");
    rt_timer_at(u.next, 1);
    double cpu = cpu_now_s();
    rt_loop_run(u.loop);
    p->update_s = u.sum_s / (double)p->n;
    p->cpu_s += (cpu_now_s() - cpu) / (double)(p->n + 1);
    fa_dns_free(u.dns);
    rt_timer_free(u.next);
    rt_loop_free(u.loop);
    dnsu_tsig_key_done(&key);
    sec_free(text);
}

int main(int argc, char **argv)
{
    if (argc != 11) {
        fprintf(stderr, "usage: bind_parts STORE AUC AUC_KEY FIRST PRIMARY ZONE KEY_NAME KEY_FILE TAG N\n");
        return 2;
    }
    struct parts p = { .store_path = argv[1],
                       .auc_path = argv[2],
                       .auc_key = argv[3],
                       .first = strtoull(argv[4], NULL, 10),
                       .primary = argv[5],
                       .zone = argv[6],
                       .key_name = argv[7],
                       .key_file = argv[8],
                       .tag = argv[9],
                       .n = (size_t)strtoull(argv[10], NULL, 10) };
    must(p.n >= 1 && p.n <= N_MAX && strlen(p.tag) <= 16, "numbers out of range");
    must(crypto_init() == ERR_OK, "no crypto");
    env = rt_env((struct log){ 0 });
    must(hip_hi_generate(SIG_ECDSA_P256, 0, &p.hi) == ERR_OK, "no host identity");
    exchanges(&p);
    akas(&p);
    writes(&p);
    updates(&p);
    printf("{\"n\": %zu, \"exchange_s\": %.9f, \"aka_s\": %.9f, \"write_s\": %.9f, \"update_s\": %.9f", p.n,
           p.exchange_s, p.aka_s, p.write_s, p.update_s);
    printf(", \"sum_s\": %.9f, \"update_max_s\": %.9f, \"cpu_s\": %.9f}\n",
           p.exchange_s + p.aka_s + p.write_s + p.update_s, p.update_max_s, p.cpu_s);
    hip_hi_done(&p.hi);
    return 0;
}
