/* SPDX-License-Identifier: Apache-2.0
 *
 * Flips bits of a capture one at a time and judges what comes of it, as hipvec verify does: the altered packet must be complained about, and for
 * the right reason. Each flip is made twice: as it is (a checksum sees it), and with the HIP checksum made right again (a MAC or a
 * signature sees it; an octet under neither may pass).
 *
 *     flip CAPTURE KEYS N     N flips spread over HIP packets and a quarter as many over ESP; 0: every bit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/judge.h"
#include "cli/hipvec/show.h"
#include "common/crypto/secret.h"
#include "hip/build.h"

struct flip {
    struct keylog keys;
    struct items it; /* of the unaltered capture */
    uint8_t *file;   /* that is altered and mended again */
    unsigned long made, repaired, uncovered, failed;
};

static bool wrong(const struct verdict *v, int check)
{
    for (size_t i = 0; i < v->n; i++)
        if (v->v[i].said == SAID_WRONG && (check < 0 || v->v[i].check == check))
            return true;
    return false;
}

/* Form, contents, or what they lead to: then nobody asks for the signature. */
static bool malformed(const struct verdict *v)
{
    for (int k = 0; k < FAULT__COUNT; k++)
        if (wrong(v, k))
            return true;
    return wrong(v, CHECK_HIT) || wrong(v, CHECK_PUZZLE);
}

/* Everything wrong with the packets of a frame, together. */
static void judge_frame(struct flip *f, size_t frame, struct verdict *all)
{
    struct items it;
    char why[160];
    all->n = 0;
    if (items_parse(span_of(f->file, f->it.file_n), &it, why) != ERR_OK)
        return;
    struct judge *j = judge_new(&it, &f->keys);
    for (size_t i = 0; j && i < it.n; i++) {
        struct verdict v;
        if (it.v[i].frame != frame)
            continue;
        judge_item(j, i, &v);
        for (size_t k = 0; k < v.n && all->n < FINDINGS_MAX; k++)
            if (v.v[k].said == SAID_WRONG)
                all->v[all->n++] = v.v[k];
    }
    judge_free(j);
    items_done(&it);
}

static void complain(struct flip *f, const struct item *x, size_t at, int bit, const char *what,
                     const struct verdict *v)
{
    f->failed++;
    printf("frame %zu, octet %zu, bit %d: %s\n", x->frame, at, bit, what);
    for (size_t i = 0; i < v->n; i++)
        printf("    said: %s: %s\n", check_name(v->v[i].check), v->v[i].why);
}

/* As it is: the checksum over the packet, or the ICV. */
static void plain(struct flip *f, const struct item *x, size_t at, int bit)
{
    struct verdict v;
    judge_frame(f, x->frame, &v);
    f->made++;
    if (x->kind == ITEM_ESP) {
        if (!wrong(&v, CHECK_ICV) && !wrong(&v, CHECK_ESP_FORM))
            complain(f, x, at, bit, "no complaint about ICV or form", &v);
        else if (x->udp && x->udp_sum == SUM_RIGHT && !wrong(&v, CHECK_UDP_SUM))
            complain(f, x, at, bit, "no complaint about the UDP checksum", &v);
    } else if (x->udp ? x->udp_sum == SUM_RIGHT && !wrong(&v, CHECK_UDP_SUM) : !wrong(&v, CHECK_SUM)) {
        complain(f, x, at, bit, "no complaint about the checksum", &v);
    }
}

/* With a right checksum: what the coverage of RFC 7401 says. */
static void repaired(struct flip *f, const struct item *x, size_t at, int bit, uint8_t mask, struct span was)
{
    struct verdict v;
    uint8_t *p = f->file + x->off;
    bool sender = at >= 8 && at < 24,
         hit = at >= 8 && at < 40; /* another HIT is a host that nobody knows, with keys that nobody has */
    if (x->udp || at == 1 || at == 4 || at == 5)
        return;
    hip_set_checksum(p, was.n, &x->src, &x->dst);
    judge_frame(f, x->frame, &v);
    memcpy(p + 4, was.p + 4, 2);
    f->repaired++;
    if (!mask)
        f->uncovered++;
    if (sender || !mask || malformed(&v))
        return;
    if ((mask & COVER_SIGNATURE) && !wrong(&v, CHECK_SIG) && !wrong(&v, CHECK_SIG_2))
        complain(f, x, at, bit, "checksum right again: no complaint about the signature", &v);
    if (!hit && (mask & COVER_MAC) && !wrong(&v, CHECK_MAC) && !wrong(&v, CHECK_MAC_2))
        complain(f, x, at, bit, "checksum right again: no complaint about the MAC", &v);
    if (!hit && (mask & COVER_RELAY) && !wrong(&v, CHECK_RVS_HMAC) && !wrong(&v, CHECK_RELAY_HMAC))
        complain(f, x, at, bit, "checksum right again: no complaint about RVS_HMAC or RELAY_HMAC", &v);
}

static void one(struct flip *f, const struct item *x, size_t at, int bit)
{
    uint8_t mask[HIP_PACKET_MAX] = { 0 }, *p = f->file + x->off + at;
    struct view w;
    *p ^= (uint8_t)(1u << bit);
    plain(f, x, at, bit);
    if (x->kind == ITEM_HIP && view_packet(x->octets, &w) && at < w.raw.n) {
        view_cover(&w, mask);
        repaired(f, x, at, bit, mask[at], w.raw);
    }
    *p ^= (uint8_t)(1u << bit);
}

/* The IPv4 header in front of the first packet of a frame. */
static void header(struct flip *f, const struct item *x, int at, int bit)
{
    struct verdict v;
    uint8_t *p = f->file + x->off - 20 - (x->udp ? 12 : 0) + at;
    if (x->src.family != ADDR_V4 || (x->udp && x->kind == ITEM_ESP))
        return;
    *p ^= (uint8_t)(1u << bit);
    judge_frame(f, x->frame, &v);
    *p ^= (uint8_t)(1u << bit);
    f->made++;
    if (!wrong(&v, CHECK_IP))
        complain(f, x, (size_t)at, bit, "of the IPv4 header: no complaint", &v);
}

static bool clean(struct flip *f)
{
    struct judge *j = judge_new(&f->it, &f->keys);
    struct verdict v;
    bool ok = j != NULL;
    for (size_t i = 0; ok && i < f->it.n; i++) {
        judge_item(j, i, &v);
        ok = !wrong(&v, -1);
        if (!ok)
            complain(f, &f->it.v[i], 0, 0, "the capture is not good before anything is flipped", &v);
    }
    judge_free(j);
    return ok;
}

/* n flips spread over the packets of one kind: a capture with a download in it is nearly all ESP. */
static void run(struct flip *f, unsigned long n, enum item_kind kind)
{
    unsigned long bits = 0, at = 0, step;
    size_t seen = 0;
    for (size_t i = 0; i < f->it.n; i++)
        bits += f->it.v[i].whole && f->it.v[i].kind == kind ? f->it.v[i].octets.n * 8 : 0;
    step = n && bits > n ? bits / n : 1;
    step += n && step > 1 && step % 2 == 0; /* odd: all bits of an octet take their turn */
    for (size_t i = 0; i < f->it.n; i++) {
        const struct item *x = &f->it.v[i];
        size_t len = x->octets.n * 8;
        bool first = i == 0 || f->it.v[i - 1].frame != x->frame;
        if (!x->whole || x->kind != kind)
            continue;
        for (; at < len; at += step)
            one(f, x, at / 8, (int)(at % 8));
        at -= len;
        if (first && (!n || seen++ % (f->it.n / 8 + 1) == 0))
            for (int h = 0; h < 160; h += n ? 37 : 1)
                header(f, x, h / 8, h % 8);
    }
}

int main(int argc, char **argv)
{
    struct flip f = { 0 };
    char why[160] = "";
    if (argc != 4 || crypto_init() != ERR_OK)
        return 2;
    if (keylog_load(&f.keys, argv[2], why) != ERR_OK || items_load(argv[1], &f.it, why) != ERR_OK) {
        fprintf(stderr, "flip: %s\n", why);
        return 2;
    }
    f.file = malloc(f.it.file_n);
    if (!f.file)
        return 2;
    memcpy(f.file, f.it.file, f.it.file_n);
    unsigned long n = strtoul(argv[3], NULL, 10);
    if (clean(&f)) {
        run(&f, n, ITEM_HIP);
        run(&f, n ? n / 4 + 1 : 0, ITEM_ESP);
    }
    printf("%zu packets, %lu flips, %lu with the checksum made right again (%lu of them under no MAC or "
           "signature), %lu failed\n",
           f.it.n, f.made, f.repaired, f.uncovered, f.failed);
    free(f.file);
    items_done(&f.it);
    keylog_done(&f.keys);
    return f.failed || f.made == 0;
}
