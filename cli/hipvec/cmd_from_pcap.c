/* SPDX-License-Identifier: Apache-2.0
 * hipvec from-pcap: a capture as a file of vectors: one HipBexTest for each pair of hosts, with what a capture and keys give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/hipvec/bexfile.h"
#include "cli/hipvec/cmd.h"
#include "cli/hipvec/cover.h"
#include "cli/hipvec/decode.h"
#include "cli/hipvec/facts.h"
#include "cli/hipvec/jsonout.h"
#include "common/base/hex.h"
#include "hip/encrypted.h"
#include "hip/esp/sa.h"
#include "hip/param_core.h"
#include "hip/param_esp.h"
#include "hip/suite.h"

#define PAIRS_MAX 256

struct pair {
    struct hit i, r; /* Initiator and Responder, as far as the capture tells */
    bool sure;       /* an I1, R1, I2 or R2 said who is who */
};

struct from_pcap {
    const char *in, *out;
    bool secret; /* keys were given: the file has them */
    struct items it;
    struct keylog keys;
    struct judge *j;
    struct pair pair[PAIRS_MAX];
    size_t pairs;
};

static void put(json_t *o, const char *name, json_t *v)
{
    json_object_set_new(o, name, v);
}

/* ---- who talks with whom ---- */

static struct pair *pair_of(struct from_pcap *f, const struct hit *a, const struct hit *b)
{
    for (size_t i = 0; i < f->pairs; i++) {
        struct pair *p = &f->pair[i];
        if ((hit_eq(&p->i, a) && hit_eq(&p->r, b)) || (hit_eq(&p->i, b) && hit_eq(&p->r, a)))
            return p;
    }
    return NULL;
}

static void find_pairs(struct from_pcap *f)
{
    for (size_t n = 0; n < f->j->n; n++) {
        const struct fact *t = &f->j->fact[n];
        bool back = t->type == HIP_PKT_R1 || t->type == HIP_PKT_R2;
        bool tells = back || t->type == HIP_PKT_I2;
        struct pair *p = pair_of(f, &t->from, &t->to);
        if (hit_is_null(&t->to)) /* an opportunistic I1: its R1 says who answered */
            continue;
        if (!p && f->pairs < PAIRS_MAX) {
            p = &f->pair[f->pairs++];
            *p = (struct pair){ .i = t->from, .r = t->to };
        }
        if (p && tells && !p->sure)
            *p = (struct pair){ .i = back ? t->to : t->from, .r = back ? t->from : t->to, .sure = true };
    }
}

/* The pair an item belongs to, and who sent it. ESP: by its SPI in the key log. */
static struct pair *owner(struct from_pcap *f, size_t item, const char **from, const char **to)
{
    struct view w;
    const struct item *x = &f->it.v[item];
    const struct log_sa *sa = x->kind == ITEM_ESP ? judge_sa(f->j, item) : NULL;
    struct hit a, b;
    if (sa) {
        a = sa->from;
        b = sa->to;
    } else if (x->kind == ITEM_HIP && view_packet(x->octets, &w)) {
        a = w.sender;
        b = w.receiver;
    } else {
        return NULL;
    }
    struct pair *p = pair_of(f, &a, &b);
    if (p) {
        *from = hit_eq(&a, &p->i) ? "I" : "R";
        *to = hit_eq(&a, &p->i) ? "R" : "I";
    }
    return p;
}

/* ---- one packet ---- */

static void put_params(const struct view *w, json_t *o)
{
    json_t *list = json_array();
    for (size_t i = 0; i < w->n; i++) {
        json_t *p = json_object();
        put(p, "type", json_integer(w->par[i].type));
        put(p, "name", json_string(hip_param_name(w->par[i].type)));
        put_hex(p, "value", w->par[i].v);
        json_array_append_new(list, p);
    }
    put(o, "params", list);
}

static const char *key_name(int side, bool mac)
{
    return side ? mac ? "hip_lg_mac" : "hip_lg_enc" : mac ? "hip_gl_mac" : "hip_gl_enc";
}

static void put_mac(struct from_pcap *f, const struct view *w, size_t item, json_t *o)
{
    uint8_t buf[COVER_MAX];
    const struct view_par *p = view_get(w, HIP_PAR_HIP_MAC);
    struct span tail = span_of(NULL, 0);
    const struct log_assoc *a = judge_assoc(f->j, item, &tail);
    int side = keylog_side(&w->sender, &w->receiver);
    if (!p)
        p = view_get(w, HIP_PAR_HIP_MAC_2);
    if (!p || (p->type == HIP_PAR_HIP_MAC_2 && !a))
        return;
    json_t *m = json_object();
    put(m, "param", json_string(hip_param_name(p->type)));
    if (a) {
        put(m, "key_name", json_string(key_name(side, true)));
        put_hex(m, "key", log_key_span(&a->mac[side]));
    }
    put_hex(m, "input", cover_mac(w->raw, p->off, tail, buf));
    put_hex(m, "value", p->v);
    put(o, "mac", m);
}

static void put_sig(const struct view *w, const char *from, json_t *o)
{
    uint8_t buf[COVER_MAX];
    const struct view_par *p = view_get(w, HIP_PAR_HIP_SIGNATURE);
    if (!p)
        p = view_get(w, HIP_PAR_HIP_SIGNATURE_2);
    if (!p || p->v.n < 3)
        return;
    json_t *s = json_object();
    put(s, "param", json_string(hip_param_name(p->type)));
    put(s, "key", json_string(from));
    put(s, "alg", json_integer(p->v.p[0] << 8 | p->v.p[1]));
    put_hex(s, "input", cover_signature(w->raw, p->off, p->type == HIP_PAR_HIP_SIGNATURE_2, buf));
    put_hex(s, "value", span_of(p->v.p + 2, p->v.n - 2));
    put(o, "sig", s);
}

static void put_encrypted(struct from_pcap *f, const struct view *w, size_t item, json_t *o)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span inner, tail, v = view_span(w, HIP_PAR_ENCRYPTED);
    const struct log_assoc *a = judge_assoc(f->j, item, &tail);
    const struct hip_cipher_suite *c = a ? hip_cipher_suite(a->cipher) : NULL;
    int side = keylog_side(&w->sender, &w->receiver);
    if (!c || !judge_open(f->j, item, buf, &inner) || v.n < 4u + c->iv_len)
        return;
    json_t *e = json_object();
    put(e, "key_name", json_string(key_name(side, false)));
    put_hex(e, "key", log_key_span(&a->enc[side]));
    put_hex(e, "iv", span_of(v.p + 4, c->iv_len));
    put_hex(e, "plain", inner);
    put_hex(e, "ciphertext", span_of(v.p + 4 + c->iv_len, v.n - 4 - c->iv_len));
    put(o, "encrypted", e);
}

static void put_esp(struct from_pcap *f, size_t item, json_t *o)
{
    struct span payload, s = f->it.v[item].octets;
    uint8_t next, *buf = malloc(s.n ? s.n : 1);
    const struct log_sa *sa = judge_sa(f->j, item);
    const struct esp_suite *suite = sa ? esp_suite_get(sa->suite) : NULL;
    if (buf && suite && judge_esp_open(f->j, item, buf, &payload, &next)) {
        json_t *e = json_object();
        put(e, "suite", json_integer(sa->suite));
        put_hex(e, "enc_key", log_key_span(&sa->enc));
        put_hex(e, "auth_key", log_key_span(&sa->auth));
        put(e, "spi", json_integer(sa->spi));
        put(e, "seq", json_integer((json_int_t)s.p[4] << 24 | s.p[5] << 16 | s.p[6] << 8 | s.p[7]));
        put_hex(e, "iv", span_of(s.p + ESP_HEAD, suite->iv_len));
        put(e, "next_header", json_integer(next));
        put_hex(e, "payload", payload);
        put_hex(e, "icv", span_of(s.p + s.n - suite->icv_len, suite->icv_len));
        put(o, "esp", e);
    }
    free(buf);
}

static void put_carrier(const struct item *x, json_t *o)
{
    struct addr src = x->src, dst = x->dst;
    char text[ADDR_TEXT_MAX];
    if (!x->has_addr)
        return;
    src.port = dst.port = 0;
    put(o, "src", json_string(addr_format(&src, text)));
    put(o, "dst", json_string(addr_format(&dst, text)));
    if (x->udp) {
        json_t *u = json_object();
        put(u, "sport", json_integer(x->src.port));
        put(u, "dport", json_integer(x->dst.port));
        put(o, "udp", u);
    }
}

static json_t *one_packet(struct from_pcap *f, size_t item, const char *from, const char *to)
{
    const struct item *x = &f->it.v[item];
    uint8_t buf[COVER_MAX];
    struct view w;
    json_t *o = json_object();
    bool hip = x->kind == ITEM_HIP && view_packet(x->octets, &w);
    bool named = hip && w.row && w.row->type != HIP_PKT_HDRR && w.row->type != HIP_PKT_HIP_DATA;
    put(o, "type", json_string(!hip ? "ESP" : named ? w.row->name : "OTHER"));
    put(o, "from", json_string(from));
    put(o, "to", json_string(to));
    put_carrier(x, o);
    put_hex(o, "wire", hip ? w.raw : x->octets);
    if (!hip) {
        put_esp(f, item, o);
        return o;
    }
    if (x->has_addr && !x->udp)
        put_hex(o, "checksum_input", cover_checksum(&x->src, &x->dst, w.raw, buf));
    put_params(&w, o);
    put_encrypted(f, &w, item, o);
    put_mac(f, &w, item, o);
    put_sig(&w, from, o);
    return o;
}

/* ---- one test ---- */

static unsigned first16(struct span s, size_t at)
{
    return s.n >= at + 2 ? (unsigned)s.p[at] << 8 | s.p[at + 1] : 0;
}

/* HOST_ID's contents as the host sent them, in clear or, with keys, in ENCRYPTED; else made from its host identity. */
static json_t *host_id_of(const struct from_pcap *f, const struct hit *hit, const struct hip_hi *hi)
{
    uint8_t buf[HIP_PACKET_MAX];
    struct span inner;
    struct view in;
    for (size_t i = 0; i < f->j->n; i++) {
        const struct fact *t = &f->j->fact[i];
        if (!hit_eq(&t->from, hit))
            continue;
        if (t->host_id_tlv.n > 4)
            return decode_hex(span_sub(t->host_id_tlv, 4, first16(t->host_id_tlv, 2)));
        if (t->type == HIP_PKT_I2 && judge_open(f->j, t->item, buf, &inner)) {
            view_inner(inner, &in);
            if (view_get(&in, HIP_PAR_HOST_ID))
                return decode_hex(view_span(&in, HIP_PAR_HOST_ID));
        }
    }
    size_t n = hi->wire_len - 2u; /* HI Length(2), no domain identifier(2), Algorithm and Host Identity */
    memset(buf, 0, 4);
    buf[0] = (uint8_t)(n >> 8);
    buf[1] = (uint8_t)n;
    memcpy(buf + 4, hi->wire, hi->wire_len);
    return decode_hex(span_of(buf, hi->wire_len + 4u));
}

/* The domain identifier in a HOST_ID, which `run` makes the HOST_ID from. */
static void put_name(json_t *o, const char *host_id)
{
    uint8_t b[HIP_PACKET_MAX];
    struct hip_host_id h;
    size_t n = 0;
    if (hex_decode(host_id, strlen(host_id), b, sizeof b, &n) == ERR_OK &&
        hip_get_host_id(span_of(b, n), &h) == ERR_OK && hip_host_id_di(&h).v.n) {
        json_t *c = json_object();
        bex_put_di(c, hip_host_id_di(&h));
        put(o, "config", c);
    }
}

static json_t *party(const struct from_pcap *f, const struct hit *hit)
{
    const struct hip_hi *hi = judge_hi(f->j, hit);
    if (!hi)
        return NULL;
    json_t *o = json_object();
    put(o, "hi_alg", json_string(hip_hi_alg_name(hi->alg)));
    put(o, "host_id", host_id_of(f, hit, hi));
    put_hex(o, "host_identity", hip_hi_field(hi));
    put_hex(o, "hit", span_of(hit->b, sizeof hit->b));
    put_name(o, json_string_value(json_object_get(o, "host_id")));
    return o;
}

/* What the pair's last I2 chose; the puzzle that it solved goes into the test. */
static json_t *suite_of(const struct from_pcap *f, const struct pair *p, json_t *test)
{
    json_t *o = json_object();
    enum hash_alg rhash = hip_rhash_of(&p->r);
    struct span dh = span_of(NULL, 0), cipher = dh, esp = dh;
    struct hip_solution s;
    const struct fact *t;
    struct view w;
    for (size_t at = 0; (t = facts_next(f->j, &at, HIP_PKT_I2, &p->i, &p->r, false, f->it.n));) {
        dh = t->dh;
        cipher = t->ciphers;
        esp = t->esp;
        if (!view_packet(f->it.v[t->item].octets, &w) ||
            hip_get_solution(view_span(&w, HIP_PAR_SOLUTION), rhash, &s) != ERR_OK)
            continue;
        const uint8_t opaque[2] = { (uint8_t)(s.opaque >> 8), (uint8_t)s.opaque };
        json_t *z = json_object();
        put(z, "k", json_integer(s.k));
        put_hex(z, "opaque", span_of(opaque, 2));
        put_hex(z, "i", s.i);
        put_hex(z, "j", s.j);
        put(test, "puzzle", z);
    }
    put(o, "dh_group", json_integer(dh.n ? dh.p[0] : 0));
    put(o, "hip_cipher", json_integer(first16(cipher, 0)));
    put(o, "hit_suite", json_integer(hit_suite(&p->r)));
    put(o, "rhash", json_string(hash_name(rhash)));
    put(o, "esp_suite", json_integer(first16(esp, 2)));
    return o;
}

static json_t *one_group(struct from_pcap *f, const struct pair *p)
{
    json_t *g = json_object(), *t = json_object(), *tests = json_array(), *packets = json_array(), *who[2];
    json_t *source = json_object();
    char a[HIT_TEXT_MAX], b[HIT_TEXT_MAX], comment[160];
    const char *from, *to;
    for (size_t i = 0; i < f->it.n; i++)
        if (owner(f, i, &from, &to) == p)
            json_array_append_new(packets, one_packet(f, i, from, to));
    snprintf(comment, sizeof comment, "captured: %s and %s", hit_format(&p->i, a), hit_format(&p->r, b));
    put(t, "tcId", json_integer(p - f->pair + 1));
    put(t, "comment", json_string(comment));
    put(t, "flags", json_array());
    put(t, "result", json_string("valid"));
    who[0] = party(f, &p->i);
    who[1] = party(f, &p->r);
    if (who[0])
        put(t, "initiator", who[0]);
    if (who[1])
        put(t, "responder", who[1]);
    put(source, "name", json_string("hipfa from-pcap"));
    put(source, "version", json_string(HIPFA_VERSION));
    put(g, "type", json_string("HipBexTest"));
    put(g, "source", source);
    put(g, "suite", suite_of(f, p, t));
    put(t, "packets", packets);
    json_array_append_new(tests, t);
    put(g, "tests", tests);
    return g;
}

static json_t *document(struct from_pcap *f)
{
    json_t *d = json_object(), *groups = json_array(), *header = json_array();
    find_pairs(f);
    for (size_t i = 0; i < f->pairs; i++)
        json_array_append_new(groups, one_group(f, &f->pair[i]));
    json_array_append_new(
        header, json_string("Made from a capture by hipvec from-pcap: what a capture and its keys tell."));
    if (f->secret)
        json_array_append_new(header, json_string("Session keys stand in it."));
    put(d, "protocol", json_string("HIPv2"));
    put(d, "schema", json_string("hipv2_bex_schema_v2.json"));
    put(d, "header", header);
    put(d, "notes", json_object());
    put(d, "numberOfTests", json_integer((json_int_t)f->pairs));
    put(d, "testGroups", groups);
    return d;
}

static bool save(struct from_pcap *f, const json_t *d)
{
    FILE *out = f->out ? fopen(f->out, "w") : stdout;
    if (!out)
        return false;
    if (f->out && f->secret)
        (void)fchmod(fileno(out), 0600);
    json_write(d, out);
    return f->out ? fclose(out) == 0 : fflush(out) == 0;
}

static bool options(int argc, char **argv, struct from_pcap *f)
{
    char why[160];
    for (int i = 1; i < argc && argv[i]; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        if (strcmp(a, "--keys") == 0 && v) {
            i++;
            f->secret = true;
            if (keylog_load(&f->keys, v, why) != ERR_OK) {
                fprintf(stderr, "hipvec: %s: %s\n", v, why);
                return false;
            }
        } else if (strcmp(a, "-o") == 0 && v) {
            f->out = argv[++i];
        } else if (a[0] != '-' && !f->in) {
            f->in = a;
        } else {
            f->in = NULL;
            break;
        }
    }
    if (!f->in)
        cmd_usage("from-pcap");
    return f->in != NULL;
}

static int run(struct from_pcap *f)
{
    int status = EXIT_BAD_INPUT;
    f->j = judge_new(&f->it, &f->keys);
    json_t *d = f->j ? document(f) : NULL;
    if (d && f->pairs == 0) {
        fprintf(stderr, "hipvec: %s: no HIP packet in it\n", f->in);
        status = EXIT_ALL_SKIPPED;
    } else if (d && save(f, d)) {
        status = EXIT_PASS;
    } else {
        fprintf(stderr, "hipvec: %s cannot be written\n", f->out ? f->out : "it");
    }
    json_decref(d);
    judge_free(f->j);
    return status;
}

int cmd_from_pcap(int argc, char **argv)
{
    static struct from_pcap f;
    char why[160];
    int status = EXIT_BAD_INPUT;
    if (options(argc, argv, &f)) {
        if (items_load(f.in, &f.it, why) == ERR_OK)
            status = run(&f);
        else
            fprintf(stderr, "hipvec: %s: %s\n", f.in, why);
    }
    items_done(&f.it);
    keylog_done(&f.keys);
    return status;
}
