/* SPDX-License-Identifier: Apache-2.0
 * An ESP packet taken apart: opened, and sealed again from what was inside (RFC 4303, RFC 7402 s3). */
#include <string.h>

#include "cli/hipvec/explain_priv.h"
#include "common/base/cursor.h"

static const struct sa *find(const struct explaining *x, enum who at, uint32_t spi)
{
    for (size_t i = x->n_sa; i-- > 0;)
        if (x->sa[i].at == at && x->sa[i].spi == spi)
            return &x->sa[i];
    return NULL;
}

struct parts {
    const struct esp_suite *suite;
    struct span enc, auth, wire;
    uint32_t spi, seq;
    struct esp_opened in;
};

static err open_packet(struct explaining *x, struct parts *p)
{
    uint8_t *copy = vec_alloc(x->c, p->wire.n);
    struct esp_sa *sa = NULL;
    struct esp_sa_params a = { .spi = p->spi, .suite = p->suite->id, .enc = p->enc, .auth = p->auth };
    err e = esp_sa_new(&a, &sa);
    if (e != ERR_OK)
        return e;
    memcpy(copy, p->wire.p, p->wire.n);
    e = esp_open(sa, copy, p->wire.n, &p->in);
    esp_sa_free(sa);
    return e;
}

static struct span seal_again(struct explaining *x, const struct parts *p)
{
    uint8_t *out = vec_alloc(x->c, p->wire.n + ESP_OVERHEAD);
    size_t n = 0;
    struct esp_sa *sa = NULL;
    struct esp_sa_params a = { .spi = p->spi,
                               .suite = p->suite->id,
                               .enc = p->enc,
                               .auth = p->auth,
                               .outbound = true,
                               .seq = p->in.seq - 1 };
    err e = esp_sa_new(&a, &sa);
    if (e == ERR_OK)
        e = esp_seal_iv(sa, p->wire.p + ESP_HEAD, p->in.next_header, span_of(p->in.payload, p->in.len), out,
                        p->wire.n + ESP_OVERHEAD, &n);
    esp_sa_free(sa);
    return span_of(out, e == ERR_OK ? n : 0);
}

/* Padding 1, 2, 3, ... (RFC 4303 s2.4) */
static struct span padded(struct explaining *x, const struct parts *p)
{
    size_t align = p->suite->align, n = (p->in.len + ESP_TRAILER + align - 1) / align * align;
    uint8_t *out = vec_alloc(x->c, n);
    size_t pad = n - p->in.len - ESP_TRAILER;
    if (p->in.len)
        memcpy(out, p->in.payload, p->in.len);
    for (size_t i = 0; i < pad; i++)
        out[p->in.len + i] = (uint8_t)(i + 1);
    out[n - 2] = (uint8_t)pad;
    out[n - 1] = p->in.next_header;
    return span_of(out, n);
}

static void put_icv_inputs(struct explaining *x, const struct parts *p, struct span iv, json_t *o)
{
    uint8_t high[4] = { 0 }, head[12];
    struct wcur w = wcur_of(head, sizeof head);
    struct span body = span_of(p->wire.p, p->wire.n - p->suite->icv_len);
    bool gmac = p->suite->id == 15; /* its key and salt stand where others have the key of their MAC */
    if (p->auth.n && !gmac) { /* ICV over what is sent and the upper half that is not (RFC 4303 s2.2.1) */
        put_hex(o, "icv_input", vec_join(x->c, (struct span[]){ body, span_of(high, 4) }, 2));
        return;
    }
    struct span key = gmac ? p->auth : p->enc;
    size_t salt = p->suite->id == 10 || p->suite->id == 11 ? 3 : 4;
    wcur_u32(&w, p->spi);
    wcur_u32(&w, 0);
    wcur_u32(&w, p->seq);
    put_hex(o, "nonce", vec_join(x->c, (struct span[]){ span_of(key.p + key.n - salt, salt), iv }, 2));
    if (gmac)
        put_hex(
            o, "aad",
            vec_join(x->c, (struct span[]){ wcur_done(&w), span_sub(body, ESP_HEAD, body.n - ESP_HEAD) }, 2));
    else
        put_hex(o, "aad", wcur_done(&w));
}

void x_esp(struct explaining *x, const struct event *e, json_t *packet)
{
    struct parts p = { .wire = e->wire };
    const char *enc_name, *auth_name;
    if (!esp_spi(e->wire, &p.spi))
        return;
    const struct sa *sa = find(x, e->to, p.spi);
    if (!sa)
        return;
    struct rcur r = rcur_of(span_of(e->wire.p + 4, 4));
    p.seq = rcur_u32(&r);
    p.suite = esp_suite_get(sa->keys->esp_suite);
    p.enc = x_key(x, sa->keys, sa->from, true, false, &enc_name);
    p.auth = x_key(x, sa->keys, sa->from, true, true, &auth_name);
    if (!p.suite || p.enc.n != p.suite->enc_len || p.auth.n != p.suite->auth_len ||
        e->wire.n < (size_t)ESP_HEAD + p.suite->iv_len + p.suite->icv_len)
        return;
    struct span iv = span_of(e->wire.p + ESP_HEAD, p.suite->iv_len);
    struct span icv = span_of(e->wire.p + e->wire.n - p.suite->icv_len, p.suite->icv_len);
    json_t *o = json_object();
    put_text(o, "keymat", sa->keys->name);
    put_int(o, "suite", p.suite->id);
    put_text(o, "enc_name", enc_name);
    put_hex(o, "enc_key", p.enc);
    put_text(o, "auth_name", auth_name);
    put_hex(o, "auth_key", p.auth);
    put_int(o, "spi", p.spi);
    put_int(o, "seq", p.seq);
    put_hex(o, "iv", iv);
    if (open_packet(x, &p) == ERR_OK) {
        put_int(o, "next_header", p.in.next_header);
        put_hex(o, "payload", span_of(p.in.payload, p.in.len));
        put_hex(o, "padded", padded(x, &p));
        struct span again = seal_again(x, &p);
        if (!span_eq(again, e->wire))
            x_remark(x, "esp", e->wire, again);
    } else {
        x_remark(x, "esp.icv", span_str("an ICV that is right"), icv);
    }
    put_icv_inputs(x, &p, iv, o);
    put_hex(o, "icv", icv);
    json_object_set_new(packet, "esp", o);
}
