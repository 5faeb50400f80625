/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/keylog.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"

struct lines {
    char text[4 * HIP_HI_MAX + 2048];
    size_t n;
};

static void add(struct lines *l, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(struct lines *l, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(l->text + l->n, sizeof l->text - l->n, fmt, ap);
    va_end(ap);
    if (n > 0 && (size_t)n < sizeof l->text - l->n)
        l->n += (size_t)n;
}

/* The value and the line's end; "-": empty (the NULL cipher has no key). */
static void add_hex(struct lines *l, struct span s)
{
    if (s.n == 0)
        add(l, "-");
    else if (2 * s.n + 1 < sizeof l->text - l->n) {
        hex_encode(s, l->text + l->n);
        l->n += 2 * s.n;
    }
    add(l, "\n");
}

/* One write for all of it: other workers' lines do not come between. */
static void give(const struct hip_engine *e, struct lines *l)
{
    const struct key_sink *k = &hip_env(e)->keys;
    k->write(k->ctx, l->text, l->n);
    sec_wipe(l, sizeof *l);
}

static void add_side(struct lines *l, const char *exchange, const char *side, const struct hip_key_pair *k)
{
    add(l, "HIP %s hip_%s_enc ", exchange, side);
    add_hex(l, hip_key_enc(k));
    add(l, "HIP %s hip_%s_mac ", exchange, side);
    add_hex(l, hip_key_mac(k));
}

static void add_hi(struct lines *l, const struct hip_hi *h)
{
    char hit[HIT_TEXT_MAX];
    if (h->wire_len == 0)
        return;
    add(l, "HI %s ", hit_format(&h->hit, hit));
    add_hex(l, span_of(h->wire, h->wire_len));
}

void hip_keylog_assoc(const struct hip_engine *e, const struct hip_assoc *a)
{
    struct lines l = { .n = 0 };
    const struct hit *own = hip_assoc_local(a);
    const struct hip_keys *k = a->keys.secrets ? &a->keys.secrets->hip : NULL;
    char i[HIT_TEXT_MAX], r[HIT_TEXT_MAX], exchange[2 * HIT_TEXT_MAX + 8];
    if (!hip_env(e)->keys.write || !k)
        return;
    snprintf(exchange, sizeof exchange, "%s %s %u", hit_format(a->initiator ? own : &a->peer, i),
             hit_format(a->initiator ? &a->peer : own, r), a->cipher);
    bool greater = hit_cmp(own, &a->peer) > 0;
    add_hi(&l, &a->id->hi);
    add_hi(&l, &a->peer_hi);
    add_side(&l, exchange, "gl", greater ? &k->out : &k->in);
    add_side(&l, exchange, "lg", greater ? &k->in : &k->out);
    give(e, &l);
}

void hip_keylog_sa(const struct hip_engine *e, const struct hip_sa_keys *k, const struct hit *from,
                   const struct hit *to)
{
    struct lines l = { .n = 0 };
    char f[HIT_TEXT_MAX], t[HIT_TEXT_MAX];
    const char *side = hit_cmp(from, to) > 0 ? "gl" : "lg";
    if (!hip_env(e)->keys.write)
        return;
    hit_format(from, f);
    hit_format(to, t);
    add(&l, "ESP %08x %s %s %u esp_%s_enc ", k->spi, f, t, k->suite, side);
    add_hex(&l, k->enc);
    add(&l, "ESP %08x %s %s %u esp_%s_auth ", k->spi, f, t, k->suite, side);
    add_hex(&l, k->auth);
    give(e, &l);
}
