/* SPDX-License-Identifier: Apache-2.0 */
#include "host/data.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h"
#include "hip/esp/beet.h"
#include "hip/esp/beet4.h"
#include "hip/esp/seal.h"
#include "host/icmp6.h"
#include "host/split.h"
#include "host/v4.h"
#include "host/waiting.h"

#define USED_EVERY_US 500000
#define KEY_LEN       32 /* local HIT, peer HIT */
#define SPI_LEN       4
#define HOP_LIMIT     64
#define IPV4_HEAD     20
#define UDP_HEAD      8
#define IPV6_MTU_MIN  1280

struct pair {
    uint8_t key[KEY_LEN];
    uint8_t spi[SPI_LEN];
    struct hip_ref ref;
    struct hit local, peer;
    struct esp_sa *in, *out; /* out NULL: our I2 is under way, R2 brings it */
    struct esp_sa *old;      /* inbound, of before a rekey: until old_until_us; else NULL */
    uint64_t old_until_us;   /* 0: `in` has carried nothing yet */
    uint8_t old_spi[SPI_LEN];
    struct hip_path path;
    uint64_t told_us;  /* when `used` was called last */
    uint64_t sent_us;  /* when ESP went out last; 0: not since then */
    uint64_t alone_us; /* first packet out since the last one in; 0: none */
    uint64_t tell_us;  /* when `silent` is called next */
    bool heard;        /* something came in */
    bool unverified;   /* `path` within the credit only (RFC 8046 s5.6) */
    uint64_t credit, aged_us;
    uint64_t counted;                    /* octets of `in` that are in some credit already */
    struct host_data_limits left;        /* of these SAs; age_us: the moment */
    uint64_t ask_us;                     /* not before then again */
    unsigned mtu;                        /* of the path, inner packets; see inner_mtu() */
    uint64_t mtu_us;                     /* when it was asked; 0: not yet, or another path since */
    bool half;                           /* `in` is new, `out` not yet */
    struct esp_counters in_was, out_was; /* of SAs that rekeys replaced */
};

struct host_data {
    struct env env;
    struct host_data_io io;
    struct host_v4 *v4; /* NULL: applications speak IPv6 alone */
    struct host_data_limits limits;
    struct htab *by_hits; /* local, peer -> pair */
    struct htab *by_spi;  /* inbound SPI -> pair */
    struct host_waiting *waiting;
    struct host_data_count count;
    uint8_t scratch[HOST_DATA_ROOM + HOST_DATA_PACKET_MAX];
    uint8_t piece[HOST_DATA_ROOM + HOST_DATA_PACKET_MAX + HOST_DATA_ROOM];
};

struct host_data *host_data_new(const struct env *env, const struct host_data_io *io,
                                const struct host_data_limits *limits)
{
    struct host_data *d = calloc(1, sizeof(*d));
    uint8_t seed[2][16];

    if (d == NULL)
        return NULL;
    d->env = *env;
    d->io = *io;
    d->limits = *limits;
    env_random(env, seed, sizeof(seed));
    d->by_hits = htab_new(HOST_DATA_PAIRS_MAX, KEY_LEN, seed[0]);
    d->by_spi = htab_new(2 * HOST_DATA_PAIRS_MAX, SPI_LEN, seed[1]);
    d->waiting = host_waiting_new(HOST_DATA_PEERS_MAX, HOST_DATA_WAIT_MAX, HOST_DATA_ROOM);
    if (d->by_hits == NULL || d->by_spi == NULL || d->waiting == NULL) {
        host_data_free(d);
        return NULL;
    }
    return d;
}

void host_data_v4(struct host_data *d, struct host_v4 *v4)
{
    d->v4 = v4;
}

/* To the application, in the family it speaks. */
static void deliver(struct host_data *d, const uint8_t *packet, size_t len, uint64_t now)
{
    if (d->v4 == NULL || !host_v4_to_app(d->v4, span_of(packet, len), now))
        d->io.app_out(d->io.ctx, packet, len);
}

static void make_key(const struct hit *local, const struct hit *peer, uint8_t key[KEY_LEN])
{
    memcpy(key, local->b, 16);
    memcpy(key + 16, peer->b, 16);
}

static void add(struct esp_counters *sum, const struct esp_sa *sa)
{
    const struct esp_counters *c = esp_sa_counters(sa);

    sum->packets += c->packets;
    sum->octets += c->octets;
    sum->replayed += c->replayed;
    sum->bad_icv += c->bad_icv;
    sum->malformed += c->malformed;
}

static void drop_old(struct host_data *d, struct pair *p)
{
    if (p->old == NULL)
        return;
    add(&p->in_was, p->old);
    (void)htab_del(d->by_spi, p->old_spi);
    esp_sa_free(p->old);
    p->old = NULL;
    p->old_until_us = 0;
}

static void pair_free(struct host_data *d, struct pair *p)
{
    (void)htab_del(d->by_hits, p->key);
    (void)htab_del(d->by_spi, p->spi);
    drop_old(d, p);
    esp_sa_free(p->in);
    esp_sa_free(p->out);
    free(p);
}

void host_data_free(struct host_data *d)
{
    size_t pos = 0;
    struct pair *p;

    if (d == NULL)
        return;
    host_waiting_free(d->waiting);
    while (d->by_hits && (pos = 0, p = htab_next(d->by_hits, &pos)) != NULL)
        pair_free(d, p);
    htab_free(d->by_hits);
    htab_free(d->by_spi);
    free(d);
}

/* ---- SAs come and go ---- */

static bool seal_and_send(struct host_data *d, struct pair *p, const struct beet_packet *b, uint8_t *packet,
                          size_t len)
{
    /* The payload lies behind the inner header, which ESP's own header and IV take the place of: nothing is copied. */
    uint8_t *payload = packet + BEET_HEAD;
    uint8_t *out = payload - esp_head_len(p->out);
    size_t out_len;

    if (esp_seal(p->out, &d->env, b->next_header, b->payload, out,
                 (size_t)(packet + len + HOST_DATA_ROOM - out), &out_len)) {
        d->count.failed++;
        return false;
    }
    d->count.sent++;
    d->count.sent_octets += len;
    d->io.esp_out(d->io.ctx, &p->path, &(struct beet_outer){ b->tclass, b->hop_limit },
                  span_of(out, out_len));
    return true;
}

/* ---- credit (RFC 8046 s5.6); nothing of it is touched for a packet while the path is verified ---- */

/* Octets that came since this was asked last: the SA counts them anyway. */
static uint64_t earned(struct pair *p)
{
    uint64_t all = esp_sa_counters(p->in)->octets, n = all - p->counted;
    p->counted = all;
    return n;
}

/* ---- when new SAs are due ---- */

static uint64_t less(const struct host_data *d, uint64_t limit)
{
    uint64_t r = (uint64_t)env_random_u32(&d->env) % 8192;
    return limit - limit / 65536 * r - limit % 65536 * r / 65536;
}

static uint64_t smaller(uint64_t own, uint64_t suite)
{
    return own && own < suite ? own : suite;
}

static void limits_anew(const struct host_data *d, struct pair *p, uint64_t now)
{
    uint64_t packets = esp_sa_suite(p->in)->packets_max / 2;

    p->left.packets = less(d, smaller(d->limits.packets, packets));
    p->left.octets = less(d, smaller(d->limits.octets, ESP_OCTETS_MAX / 2));
    p->left.age_us = d->limits.age_us ? now + less(d, d->limits.age_us) : UINT64_MAX;
    p->ask_us = 0;
}

/* One that is forged counts as one that was made: what a tag may let through depends on how often it is tried. */
static bool spent(const struct pair *p, const struct esp_sa *sa)
{
    const struct esp_counters *c = esp_sa_counters(sa);
    return c->packets + c->bad_icv >= p->left.packets || c->octets >= p->left.octets;
}

/* May end the pair; false: nothing was due. */
static bool ask_if_due(struct host_data *d, struct pair *p, uint64_t now)
{
    if (now < p->ask_us || (now < p->left.age_us && !spent(p, p->in) && !spent(p, p->out)))
        return false;
    p->ask_us = now + HOST_DATA_ASK_US;
    d->count.due++;
    d->io.due(d->io.ctx, p->ref);
    return true;
}

static void put_spi(uint8_t to[SPI_LEN], uint32_t spi)
{
    for (int i = 0; i < SPI_LEN; i++)
        to[i] = (uint8_t)(spi >> (24 - 8 * i));
}

/* What waits for the peer goes out. */
static void release(struct host_data *d, struct pair *p)
{
    for (struct host_waiting_packet *w = host_waiting_take(d->waiting, &p->peer), *next; w != NULL;
         w = next) {
        struct beet_packet b;
        next = w->next;
        if (beet_parse(span_of(w->octets + HOST_DATA_ROOM, w->len), &b) == ERR_OK &&
            hit_eq(&b.src, &p->local))
            (void)seal_and_send(d, p, &b, w->octets + HOST_DATA_ROOM, w->len);
        free(w);
    }
}

/* R2 answered our I2 (RFC 7402 s3.3.1): `in` stays, with what it has seen. Without an outbound SA: another I2 of ours, by the same SPI with other
 * keys. */
static void completed(struct host_data *d, struct pair *p, struct esp_sa *in, struct esp_sa *out,
                      const struct hip_path *path, uint64_t now)
{
    p->path = *path;
    if (out == NULL) {
        add(&p->in_was, p->in);
        esp_sa_free(p->in);
        p->in = in;
        p->counted = 0;
        return;
    }
    esp_sa_free(in);
    p->out = out;
    p->told_us = now;
    limits_anew(d, p, now);
    release(d, p);
}

/* RFC 7402 s6.10: the old inbound SA goes once the new one carries something; where packets go SA_PATH says, not this. */
static void rekeyed(struct host_data *d, struct pair *p, struct esp_sa *in, struct esp_sa *out, uint64_t now)
{
    uint8_t spi[SPI_LEN];

    put_spi(spi, esp_sa_spi(in));
    if (memcmp(spi, p->spi, SPI_LEN) == 0) { /* in is there already, the outbound one follows it */
        esp_sa_free(in);
    } else if (htab_put(d->by_spi, spi, p)) {
        esp_sa_free(in);
        esp_sa_free(out);
        d->count.failed++;
        return;
    } else {
        p->credit += earned(p);
        p->counted = 0;
        drop_old(d, p);
        p->old = p->in;
        memcpy(p->old_spi, p->spi, SPI_LEN);
        p->in = in;
        memcpy(p->spi, spi, SPI_LEN);
        p->half = true;
    }
    if (out == NULL)
        return;
    add(&p->out_was, p->out);
    esp_sa_free(p->out);
    p->out = out;
    p->half = false;
    limits_anew(d, p, now);
}

void host_data_up(struct host_data *d, struct hip_ref ref, const struct hit *local, const struct hit *peer,
                  struct esp_sa *in, struct esp_sa *out, const struct hip_path *path, uint64_t now)
{
    uint8_t key[KEY_LEN];
    struct pair *p;

    make_key(local, peer, key);
    p = htab_get(d->by_hits, key);
    if (p != NULL && p->ref.slot == ref.slot && p->ref.gen == ref.gen) {
        if (p->out)
            rekeyed(d, p, in, out, now);
        else
            completed(d, p, in, out, path, now);
        return;
    }
    if (p != NULL)
        pair_free(d, p);
    p = calloc(1, sizeof(*p));
    if (p == NULL) {
        esp_sa_free(in);
        esp_sa_free(out);
        return;
    }
    *p = (struct pair){ .ref = ref, .local = *local, .peer = *peer, .in = in, .out = out, .path = *path };
    p->told_us = now;
    limits_anew(d, p, now);
    memcpy(p->key, key, KEY_LEN);
    put_spi(p->spi, esp_sa_spi(in));
    if (htab_put(d->by_hits, p->key, p) || htab_put(d->by_spi, p->spi, p)) {
        if (htab_get(d->by_spi, p->spi) != p)
            memset(p->spi, 0, SPI_LEN); /* somebody else's: an SPI of ours is never zero */
        pair_free(d, p);
        return;
    }
    if (p->out)
        release(d, p);
}

static struct pair *pair_get(const struct host_data *d, const struct hit *local, const struct hit *peer)
{
    uint8_t key[KEY_LEN];

    make_key(local, peer, key);
    return htab_get(d->by_hits, key);
}

static bool covered(struct pair *p, size_t len, uint64_t now)
{
    uint64_t n = (now - p->aged_us) / HIP_CREDIT_AGING_US;
    p->credit = hip_credit_aged(p->credit, n);
    p->aged_us += n * HIP_CREDIT_AGING_US;
    if (p->credit < len + ESP_OVERHEAD || p->path.peer.family == ADDR_NONE)
        return false;
    p->credit -= len + ESP_OVERHEAD;
    return true;
}

void host_data_path(struct host_data *d, const struct hit *local, const struct hit *peer,
                    const struct hip_path *path, bool unverified, uint64_t credit, uint64_t now)
{
    struct pair *p = pair_get(d, local, peer);

    if (p == NULL)
        return;
    p->path = *path;
    p->mtu_us = 0;
    if (unverified) {
        p->aged_us = p->unverified ? p->aged_us : now;
        p->credit += earned(p) + credit;
    }
    p->unverified = unverified;
}

void host_data_down(struct host_data *d, const struct hit *local, const struct hit *peer)
{
    struct pair *p = pair_get(d, local, peer);
    if (p)
        pair_free(d, p);
}

void host_data_unreachable(struct host_data *d, const struct hit *peer, uint64_t now)
{
    uint8_t icmp[ICMP6_ERROR_MAX];

    for (struct host_waiting_packet *w = host_waiting_take(d->waiting, peer), *next; w != NULL; w = next) {
        size_t n = icmp6_unreachable(span_of(w->octets + HOST_DATA_ROOM, w->len), icmp);
        next = w->next;
        if (n > 0) {
            d->count.unreachable++;
            deliver(d, icmp, n, now);
        }
        free(w);
    }
}

/* ---- packets ---- */

/* ---- what the path takes ---- */

/* The longest inner packet: the outer header and ESP take the place of the inner header. */
static unsigned inner_mtu(const struct pair *p, unsigned outer)
{
    size_t head =
        (p->path.peer.family == ADDR_V4 ? IPV4_HEAD : BEET_HEAD) + (p->path.peer.port ? UDP_HEAD : 0);
    size_t payload = outer > head ? esp_payload_max(p->out, outer - head) : 0;

    return payload + BEET_HEAD > IPV6_MTU_MIN ? (unsigned)(payload + BEET_HEAD) : IPV6_MTU_MIN;
}

/* RFC 8200 s5: packets up to 1280 octets need not be asked about. */
static bool too_big(struct host_data *d, struct pair *p, size_t len, uint64_t now)
{
    if (len <= IPV6_MTU_MIN)
        return false;
    if (p->mtu_us == 0 || now - p->mtu_us >= HOST_DATA_MTU_US) {
        unsigned outer = d->io.path_mtu(d->io.ctx, &p->path);
        p->mtu = outer ? inner_mtu(p, outer) : UINT_MAX;
        p->mtu_us = now;
    }
    return len > p->mtu;
}

static void tell_too_big(struct host_data *d, const struct pair *p, const uint8_t *packet, size_t len,
                         uint64_t now)
{
    uint8_t icmp[ICMP6_ERROR_MAX];
    size_t n = icmp6_too_big(span_of(packet, len), p->mtu, icmp);

    d->count.too_big++;
    if (n > 0)
        deliver(d, icmp, n, now);
}

static void tell_used(struct host_data *d, struct pair *p, uint64_t now)
{
    if (now - p->told_us < USED_EVERY_US)
        return;
    p->told_us = now;
    uint64_t octets = p->unverified ? 0 : earned(p) + p->credit;
    if (!p->unverified)
        p->credit = 0;
    uint64_t sent_us = p->sent_us;
    p->sent_us = 0;
    /* It may end the pair: nothing of that is touched afterwards. */
    d->io.used(d->io.ctx, p->ref, octets, sent_us);
}

/* false: not sealed. */
static bool send_one(struct host_data *d, struct pair *p, const struct beet_packet *b, uint8_t *packet,
                     size_t len, uint64_t now)
{
    if (p->unverified && !covered(p, len, now)) {
        d->count.no_credit++;
        return true;
    }
    if (!seal_and_send(d, p, b, packet, len))
        return false;
    p->sent_us = now;
    return true;
}

/* An IPv4 packet without DF, translated: in fragments that the path takes. */
static bool send_split(struct host_data *d, struct pair *p, const uint8_t *packet, size_t len, uint64_t now)
{
    uint8_t *piece = d->piece + HOST_DATA_ROOM;
    struct beet_packet b;
    struct split s;

    split_begin(&s, span_of(packet, len), p->mtu, env_random_u32(&d->env));
    for (size_t n; (n = split_next(&s, piece)) > 0;)
        if (beet_parse(span_of(piece, n), &b) || !send_one(d, p, &b, piece, n, now))
            return false;
    return true;
}

enum from { FROM_V6, FROM_V4_DF, FROM_V4 };

/* false: it went nowhere. */
static bool send_packet(struct host_data *d, struct pair *p, const struct beet_packet *b, uint8_t *packet,
                        size_t len, enum from from, uint64_t now)
{
    if (!too_big(d, p, len, now))
        return send_one(d, p, b, packet, len, now);
    if (from == FROM_V4 && b->next_header != BEET4_NH_PSEUDO)
        return send_split(d, p, packet, len, now);
    tell_too_big(d, p, packet, len, now);
    return false;
}

static void between_hits(struct host_data *d, uint8_t *packet, size_t len, enum from from, uint64_t now)
{
    struct beet_packet b;
    struct pair *p;

    if (len > HOST_DATA_PACKET_MAX || beet_parse(span_of(packet, len), &b) ||
        (from == FROM_V6 && b.next_header == BEET4_NH_PSEUDO)) { /* which only an IPv4 packet becomes */
        d->count.not_hit++;
        return;
    }
    if (from == FROM_V6 && d->v4 && !host_v4_speaks6(d->v4, span_of(packet, len), now))
        return;
    p = pair_get(d, &b.src, &b.dst);
    if (p == NULL || p->out == NULL) {
        struct hit peer = b.dst;
        if (host_waiting_put(d->waiting, &peer, span_of(packet, len)))
            d->count.waited++;
        else
            d->count.wait_dropped++;
        d->io.want(d->io.ctx, &peer);
        return;
    }
    if (!send_packet(d, p, &b, packet, len, from, now))
        return;
    if (p->alone_us == 0) {
        p->alone_us = now;
        p->tell_us = now + HOST_DATA_SILENT_US;
    }
    if (now >= p->tell_us) {
        bool first = now - p->alone_us < HOST_DATA_LOST_US;
        p->tell_us = first ? p->alone_us + HOST_DATA_LOST_US : now + HOST_DATA_AGAIN_US;
        d->io.silent(d->io.ctx, p->ref, now - p->alone_us); /* may end the pair */
        return;
    }
    if (!ask_if_due(d, p, now))
        tell_used(d, p, now);
}

void host_data_from_app(struct host_data *d, uint8_t *packet, size_t len, uint64_t now)
{
    bool df = false;
    uint8_t *ip6;
    size_t n;

    if (d->v4 == NULL || len == 0 || packet[0] >> 4 != 4) {
        between_hits(d, packet, len, FROM_V6, now);
        return;
    }
    ip6 = host_v4_from_app(d->v4, packet, len, now, &n, &df);
    for (; ip6; ip6 = host_v4_more(d->v4, now, &n, &df))
        between_hits(d, ip6, n, df ? FROM_V4_DF : FROM_V4, now);
}

void host_data_from_net(struct host_data *d, const struct beet_outer *outer, struct span esp, uint64_t now)
{
    uint8_t *at = d->scratch + HOST_DATA_ROOM;
    struct esp_opened o;
    struct pair *p;
    uint8_t head[BEET_HEAD];

    if (esp.n < SPI_LEN || esp.n > HOST_DATA_PACKET_MAX || (p = htab_get(d->by_spi, esp.p)) == NULL) {
        d->count.no_spi++; /* RFC 7401 s4.3 MUST: without a SA it goes nowhere */
        return;
    }
    memcpy(at, esp.p, esp.n);
    bool old = p->old && memcmp(esp.p, p->old_spi, SPI_LEN) == 0;
    if (p->old_until_us && now >= p->old_until_us) {
        drop_old(d, p);
        if (old) {
            d->count.no_spi++;
            return;
        }
    }
    if (esp_open(old ? p->old : p->in, at, esp.n, &o)) {
        d->count.bad++;
        return;
    }
    if (!old && p->old && p->old_until_us == 0) /* what was sent before it may still come */
        p->old_until_us = now + HOST_DATA_LATE_US;
    bool first = p->half && !old;
    p->alone_us = 0;
    if (p->unverified)
        p->credit += earned(p);
    /* First sign of life: the responder's R2-SENT ends here. */
    if (!p->heard) {
        p->heard = true;
        p->told_us = now - USED_EVERY_US;
    }
    if (o.next_header != ESP_NH_DUMMY) {
        if ((o.next_header == BEET4_NH_PSEUDO && d->v4 == NULL) ||
            beet_header(&p->peer, &p->local, o.next_header, outer->tclass,
                        outer->hop_limit ? outer->hop_limit : HOP_LIMIT, o.len, head)) {
            d->count.bad++;
            return;
        }
        memcpy(o.payload - BEET_HEAD, head, BEET_HEAD);
        d->count.received++;
        d->count.recv_octets += o.len + BEET_HEAD;
        deliver(d, o.payload - BEET_HEAD, o.len + BEET_HEAD, now);
    }
    if (first) /* with it comes the outbound SA, or the pair ends */
        d->io.rekeyed(d->io.ctx, p->ref, esp_sa_spi(p->in));
    else if (p->out && !ask_if_due(d, p, now))
        tell_used(d, p, now);
}

const struct host_data_count *host_data_count(const struct host_data *d)
{
    return &d->count;
}

bool host_data_pair(const struct host_data *d, const struct hit *local, const struct hit *peer,
                    struct esp_counters *in, struct esp_counters *out)
{
    struct pair *p = pair_get(d, local, peer);

    if (p == NULL)
        return false;
    *in = p->in_was;
    *out = p->out_was;
    add(in, p->in);
    if (p->out)
        add(out, p->out);
    if (p->old)
        add(in, p->old);
    return true;
}
