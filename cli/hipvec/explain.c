/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/explain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/cover.h"
#include "cli/hipvec/explain_priv.h"
#include "common/base/hex.h"
#include "hip/encrypted.h"
#include "hip/param_esp.h"

/* ---- JSON ---- */

void put_hex(json_t *o, const char *name, struct span v)
{
    char *text = malloc(2 * v.n + 1);
    if (!text)
        abort();
    json_object_set_new(o, name, json_string(hex_encode(v, text)));
    free(text);
}

void put_text(json_t *o, const char *name, const char *text)
{
    json_object_set_new(o, name, json_string(text));
}

void put_int(json_t *o, const char *name, json_int_t v)
{
    json_object_set_new(o, name, json_integer(v));
}

/* ---- helpers ---- */

const struct party *x_party(const struct explaining *x, enum who w)
{
    return &x->in->w->party[w];
}

struct pair *x_pair(struct explaining *x, enum who a, enum who b)
{
    return &x->pair[a < b ? a : b][a < b ? b : a];
}

static char *hex_text(struct explaining *x, struct span s)
{
    return hex_encode(s, (char *)vec_alloc(x->c, 2 * s.n + 1));
}

void x_remark(struct explaining *x, const char *path, struct span expected, struct span got)
{
    struct explained *o = x->out;
    if (o->n_remarks == REMARKS_MAX)
        return;
    struct remark *r = &o->remark[o->n_remarks++];
    snprintf(r->path, sizeof r->path, "packets[%zu].%s", x->at, path);
    r->expected = hex_text(x, expected);
    r->got = hex_text(x, got);
}

/* ---- parties ---- */

/* RFC 7401 s3.2, RFC 7343 s2. */
static void orchid(struct explaining *x, const struct hip_hi *hi, json_t *o)
{
    static const uint8_t context_id[16] = { 0xf0, 0xef, 0xf0, 0x2f, 0xbf, 0xf4, 0x3d, 0x0f,
                                            0xe7, 0x93, 0x0c, 0x3c, 0x6e, 0x61, 0x74, 0xea };
    uint8_t hit[16] = { 0x20, 0x01, 0x00, (uint8_t)(0x20 | hi->suite) }, h[HASH_LEN_MAX];
    struct span in = vec_join(x->c, (struct span[]){ span_of(context_id, 16), hip_hi_field(hi) }, 2);
    put_hex(o, "orchid_input", in);
    bool any_length =
        hi->rhash == HASH_CSHAKE128; /* 96 bits are asked for, not cut out (RFC 9374 s3.5.2.1) */
    size_t n = any_length ? 12 : hash_len(hi->rhash);
    if (n < 12 ||
        (any_length ? cshake128(span_of(NULL, 0), &in, 1, h, n) : hash_once(hi->rhash, in, h)) != ERR_OK)
        return;
    put_hex(o, "orchid_hash", span_of(h, n));
    memcpy(hit + 4, h + (n - 12) / 2, 12);
    put_hex(o, "hit", span_of(hit, 16));
}

static json_t *party_json(struct explaining *x, enum who who)
{
    const struct party *p = x_party(x, who);
    uint8_t buf[HIP_HI_MAX + HIP_DI_MAX + 64];
    struct hip_build b;
    struct span tlv;
    json_t *o = json_object();
    const struct hip_domain_id di = conf_di(&p->conf);
    put_text(o, "hi_alg", hip_hi_alg_name(p->hi.alg));
    hip_build_inner(&b, buf, sizeof buf);
    hip_put_host_id(&b, &(struct hip_host_id){
                            .hi = span_of(p->hi.wire, p->hi.wire_len), .di_type = di.type, .di = di.v });
    if (hip_build_inner_finish(&b, &tlv) == ERR_OK)
        put_hex(o, "host_id", span_of(tlv.p + 4, (size_t)tlv.p[2] << 8 | tlv.p[3]));
    put_hex(o, "host_identity", hip_hi_field(&p->hi));
    orchid(x, &p->hi, o);
    return o;
}

/* Those of the base exchange of I and R. */
static void put_dh(const struct explaining *x, json_t *o, enum who who)
{
    for (size_t i = 0; i < x->n_xk; i++) {
        const struct xk *k = x->xk[i];
        if (strcmp(k->name, "base") != 0 || (k->a != who && k->b != who))
            continue;
        struct span priv = k->a == who ? k->priv_a : k->priv_b;
        if (priv.n)
            put_hex(o, "dh_private", priv);
        put_hex(o, "dh_public", k->a == who ? k->pub_a : k->pub_b);
    }
}

/* ---- what a packet teaches ---- */

static void see_r1(struct explaining *x, const struct hip_pkt *k, struct pair *p, enum who from,
                   enum who peer)
{
    struct hip_puzzle z;
    struct hip_dh dh;
    enum hash_alg rhash = hip_rhash_of(&k->sender);
    if (hip_get_puzzle(hip_pkt_span(k, HIP_PAR_PUZZLE), rhash, &z) != ERR_OK ||
        hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &dh) != ERR_OK)
        return;
    *p = (struct pair){ .on = true, .a = peer, .b = from, .rhash = rhash, .hip = p->hip, .esp = p->esp };
    z.i = x_keep(x, z.i);
    dh.pub = x_keep(x, dh.pub);
    p->puzzle = z;
    p->r1_dh = dh;
    p->host_id_tlv = x_keep(x, hip_par_tlv(&k->p, hip_pkt_get(k, HIP_PAR_HOST_ID)));
}

static void see_i2(struct explaining *x, const struct hip_pkt *k, struct pair *p)
{
    struct hip_dh dh;
    struct hip_ids16 c, s;
    struct hip_esp_info e;
    if (!p->on || hip_get_solution(hip_pkt_span(k, HIP_PAR_SOLUTION), p->rhash, &p->solution) != ERR_OK ||
        hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &dh) != ERR_OK ||
        hip_get_ciphers(hip_pkt_span(k, HIP_PAR_HIP_CIPHER), &c) != ERR_OK || c.n == 0 ||
        hip_get_esp_transform(hip_pkt_span(k, HIP_PAR_ESP_TRANSFORM), &s) != ERR_OK || s.n == 0)
        return;
    p->solution.i = x_keep(x, p->solution.i);
    p->solution.j = x_keep(x, p->solution.j);
    if (p->hip && span_eq(p->hip->pub_a, dh.pub))
        return; /* the same I2 once more: as a relay passed it on */
    x_keys_base(x, p, x_keep(x, dh.pub), c.id[0], s.id[0]);
    if (hip_get_esp_info(hip_pkt_span(k, HIP_PAR_ESP_INFO), &e) == ERR_OK)
        p->spi[0] = e.new_spi;
}

static void see_r2(struct explaining *x, const struct hip_pkt *k, struct pair *p)
{
    struct hip_esp_info e;
    if (!p->hip || hip_get_esp_info(hip_pkt_span(k, HIP_PAR_ESP_INFO), &e) != ERR_OK)
        return;
    p->spi[1] = e.new_spi;
    x_sa(x, p->a, p->b, p->spi[0], p->hip);
    x_sa(x, p->b, p->a, p->spi[1], p->hip);
}

static void see_update(struct explaining *x, const struct hip_pkt *k, struct pair *p, enum who from)
{
    struct hip_esp_info e;
    struct hip_dh dh;
    if (!p->hip || !hip_pkt_has(k, HIP_PAR_ESP_INFO) ||
        hip_get_esp_info(hip_pkt_span(k, HIP_PAR_ESP_INFO), &e) != ERR_OK)
        return;
    bool has = hip_pkt_has(k, HIP_PAR_DIFFIE_HELLMAN) &&
               hip_get_dh(hip_pkt_span(k, HIP_PAR_DIFFIE_HELLMAN), &dh) == ERR_OK;
    if (has)
        dh.pub = x_keep(x, dh.pub);
    x_keys_rekey(x, p, from, e.old_spi, e.new_spi, e.keymat_index, has ? &dh : NULL);
}

static void learn(struct explaining *x, const struct hip_pkt *k, struct pair *p, enum who from, enum who peer)
{
    switch (k->type) {
    case HIP_PKT_R1:
        see_r1(x, k, p, from, peer);
        break;
    case HIP_PKT_I2:
        see_i2(x, k, p);
        break;
    case HIP_PKT_R2:
        see_r2(x, k, p);
        break;
    case HIP_PKT_UPDATE:
        see_update(x, k, p, from);
        break;
    default:
        break;
    }
}

/* ---- a packet's values ---- */

static void put_mac(struct explaining *x, const struct hip_pkt *k, const struct hip_par *par,
                    const struct xk *keys, enum who from, struct span tail, const char *name, json_t *packet)
{
    uint8_t in[COVER_MAX], mac[HASH_LEN_MAX];
    const char *key_name;
    char path[32];
    if (!keys)
        return;
    struct span key = x_key(x, keys, from, false, true, &key_name);
    struct span input = cover_mac(k->raw, par->off, tail, in);
    json_t *o = json_object();
    put_text(o, "param", hip_param_name(par->type));
    put_text(o, "keymat", keys->name);
    put_text(o, "key_name", key_name);
    if (key.n)
        put_hex(o, "key", key);
    put_hex(o, "input", input);
    if (key.n && hmac_once(keys->rhash, key, input, mac) == ERR_OK) {
        struct span got = span_of(mac, hash_len(keys->rhash));
        put_hex(o, "value", got);
        snprintf(path, sizeof path, "%s.value", name);
        if (!span_eq(got, par->v))
            x_remark(x, path, par->v, got);
    } else {
        put_hex(o, "value", par->v);
    }
    json_object_set_new(packet, name, o);
}

static void put_macs(struct explaining *x, const struct hip_pkt *k, const struct pair *p, enum who from,
                     json_t *o)
{
    const struct hip_par *mac = hip_pkt_get(k, HIP_PAR_HIP_MAC), *mac2 = hip_pkt_get(k, HIP_PAR_HIP_MAC_2);
    const struct hip_par *rvs = hip_pkt_get(k, HIP_PAR_RVS_HMAC), *relay = hip_pkt_get(k, HIP_PAR_RELAY_HMAC);
    if (mac)
        put_mac(x, k, mac, p->hip, from, span_of(NULL, 0), "mac", o);
    else if (mac2)
        put_mac(x, k, mac2, p->hip, from, p->host_id_tlv, "mac", o);
    if (rvs) /* of the server's association with the receiver (RFC 8004 s4.2.1) */
        put_mac(x, k, rvs, x_pair(x, WHO_RVS, world_by_hit(x->in->w, k->receiver.b))->hip, WHO_RVS,
                span_of(NULL, 0), "rvs_mac", o);
    if (relay) /* RFC 9028 s5.9 */
        put_mac(x, k, relay, x_pair(x, WHO_RVS, world_by_hit(x->in->w, k->receiver.b))->hip, WHO_RVS,
                span_of(NULL, 0), "relay_mac", o);
}

static void put_signature(struct explaining *x, const struct hip_pkt *k, enum who from, json_t *packet)
{
    uint8_t in[COVER_MAX];
    const struct hip_par *par = hip_pkt_get(k, HIP_PAR_HIP_SIGNATURE);
    bool r1 = !par && (par = hip_pkt_get(k, HIP_PAR_HIP_SIGNATURE_2)) != NULL;
    if (!par || par->v.n < 3)
        return;
    const struct hip_hi *hi = &x_party(x, from)->hi;
    struct span input = cover_signature(k->raw, par->off, r1, in);
    json_t *o = json_object();
    put_text(o, "param", hip_param_name(par->type));
    put_text(o, "key", who_name(from));
    put_int(o, "alg", par->v.p[0] << 8 | par->v.p[1]);
    put_text(o, "hash", hi->alg == HIP_HI_EDDSA ? "none" : hash_name(hi->rhash));
    put_hex(o, "input", input);
    put_hex(o, "value", span_sub(par->v, 2, par->v.n - 2));
    json_object_set_new(packet, "sig", o);
    if (hi->key && hip_hi_verify(hi, input, par->v) != ERR_OK)
        x_remark(x, "sig.value", span_str("a signature that verifies"), par->v);
}

static void put_encrypted(struct explaining *x, const struct hip_pkt *k, const struct pair *p, enum who from,
                          json_t *packet)
{
    struct span v = hip_pkt_span(k, HIP_PAR_ENCRYPTED), inner;
    uint8_t out[HIP_PACKET_MAX];
    const char *name;
    const struct hip_cipher_suite *s = p->hip ? hip_cipher_suite(p->hip->cipher) : NULL;
    if (!v.p || !s || v.n < 4u + s->iv_len)
        return;
    struct span key = x_key(x, p->hip, from, false, false, &name);
    if (key.n != s->key_len || hip_encrypted_open(v, s->id, key, out, sizeof out, &inner) != ERR_OK) {
        if (key.n)
            x_remark(x, "encrypted.ciphertext", v, span_of(NULL, 0));
        return;
    }
    json_t *o = json_object();
    put_text(o, "keymat", p->hip->name);
    put_text(o, "key_name", name);
    put_hex(o, "key", key);
    put_hex(o, "iv", span_of(v.p + 4, s->iv_len));
    put_hex(o, "plain", inner);
    put_hex(o, "padded", span_of(out, v.n - 4 - s->iv_len));
    put_hex(o, "ciphertext", span_sub(v, 4u + s->iv_len, v.n - 4 - s->iv_len));
    json_object_set_new(packet, "encrypted", o);
}

/* Order as on the wire, also of what hip/pkt.c leaves out. */
static void put_params(struct span wire, json_t *packet)
{
    json_t *a = json_array();
    size_t at = HIP_HEADER_LEN;
    while (at + 4 <= wire.n) {
        uint16_t type = (uint16_t)(wire.p[at] << 8 | wire.p[at + 1]);
        size_t n = (size_t)wire.p[at + 2] << 8 | wire.p[at + 3];
        if (at + hip_tlv_len(n) > wire.n)
            break;
        json_t *o = json_object();
        put_int(o, "type", type);
        put_text(o, "name", hip_param_name(type));
        put_hex(o, "value", span_of(wire.p + at + 4, n));
        json_array_append_new(a, o);
        at += hip_tlv_len(n);
    }
    json_object_set_new(packet, "params", a);
}

static void put_checksum(struct explaining *x, const struct event *e, json_t *packet)
{
    uint8_t in[COVER_MAX], sum[2];
    if (e->path.peer.port || e->wire.n < HIP_HEADER_LEN)
        return;
    put_hex(packet, "checksum_input", cover_checksum(&e->path.peer, &e->path.local, e->wire, in));
    uint16_t s = hip_checksum(&e->path.peer, &e->path.local, e->wire);
    sum[0] = (uint8_t)(s >> 8);
    sum[1] = (uint8_t)s;
    if (memcmp(sum, e->wire.p + 4, 2) != 0)
        x_remark(x, "checksum", span_of(e->wire.p + 4, 2), span_of(sum, 2));
}

static void hip_values(struct explaining *x, const struct event *e, json_t *o)
{
    struct hip_pkt k;
    put_checksum(x, e, o);
    put_params(e->wire, o);
    if (hip_pkt_parse(e->wire, &k) != HIP_TAKEN)
        return;
    enum who from = world_by_hit(x->in->w, k.sender.b), peer = world_by_hit(x->in->w, k.receiver.b);
    if (peer == WHO_NONE)
        peer = e->to; /* opportunistic I1 */
    if (from == WHO_NONE || from == peer || peer >= WHO_PARTIES)
        return;
    struct pair *p = x_pair(x, from, peer);
    /* Not yet a rekey's other half: this packet is protected by the keys before it, which stay for HIP anyway. */
    learn(x, &k, p, from, peer);
    put_encrypted(x, &k, p, from, o);
    put_macs(x, &k, p, from, o);
    put_signature(x, &k, from, o);
}

static const char *type_of(const struct event *e)
{
    if (e->esp)
        return "ESP";
    const struct hip_packet_row *r = e->wire.n > 2 ? hip_packet_row(e->wire.p[2] & 0x7f) : NULL;
    return r && r->processed && r->type != HIP_PKT_HIP_DATA ? r->name : "OTHER";
}

static void put_way(const struct event *e, json_t *o)
{
    char text[ADDR_TEXT_MAX];
    struct addr src = e->path.peer, dst = e->path.local;
    put_text(o, "type", type_of(e));
    put_text(o, "from", who_name(e->from));
    put_text(o, "to", who_name(e->to));
    src.port = dst.port = 0;
    put_text(o, "src", addr_format(&src, text));
    put_text(o, "dst", addr_format(&dst, text));
    if (e->path.peer.port)
        json_object_set_new(o, "udp",
                            json_pack("{s:i, s:i}", "sport", e->path.peer.port, "dport", e->path.local.port));
    put_hex(o, "wire", e->wire);
}

static void put_outcome(const struct explaining *x, const struct event *e, json_t *packet)
{
    static const char *const names[] = { "state_i", "state_r", "state_rvs" };
    json_t *o = json_object();
    put_text(o, "drop", hip_drop_name(e->outcome.drop));
    for (enum who w = WHO_I; w < WHO_PARTIES; w++)
        if (x_party(x, w)->present)
            put_text(o, names[w], hip_state_name(e->outcome.state[w]));
    json_object_set_new(packet, "outcome", o);
}

void explain(struct vec_case *c, const struct explain_in *in, struct explained *out)
{
    struct explaining *x = (struct explaining *)(void *)vec_alloc(c, sizeof *x + 16);
    *out = (struct explained){ .keymats = json_array(), .packets = json_array() };
    *x = (struct explaining){ .c = c, .in = in, .out = out };
    for (enum who w = WHO_I; w < WHO_PARTIES; w++)
        if (in->w->party[w].present)
            out->party[w] = party_json(x, w);
    for (x->at = 0; x->at < in->n; x->at++) {
        const struct event *e = &in->event[x->at];
        json_t *o = json_object();
        put_way(e, o);
        if (e->esp)
            x_esp(x, e, o);
        else
            hip_values(x, e, o);
        put_outcome(x, e, o);
        json_array_append_new(out->packets, o);
    }
    for (enum who w = WHO_I; w < WHO_PARTIES; w++)
        if (out->party[w])
            put_dh(x, out->party[w], w);
    for (size_t i = 0; i < x->n_xk; i++)
        json_array_append_new(out->keymats, x_keymat_json(x->xk[i]));
    struct pair *p = x_pair(x, WHO_I, WHO_R), *r = x_pair(x, WHO_R, WHO_RVS);
    out->puzzle = p->hip ? x_puzzle_json(x, p) : NULL;
    out->rvs_puzzle = r->hip ? x_puzzle_json(x, r) : NULL;
}

void explained_done(struct explained *x)
{
    for (enum who w = WHO_I; w < WHO_PARTIES; w++)
        json_decref(x->party[w]);
    json_decref(x->puzzle);
    json_decref(x->rvs_puzzle);
    json_decref(x->keymats);
    json_decref(x->packets);
}

/* ---- where values come from ---- */

static const struct origin origins[] = {
    { "hi_alg", "hi_private", "RFC 7401 s5.2.9" },
    { "host_id", "hi_private, config.fqdn, config.nai", "RFC 7401 s5.2.9" },
    { "host_identity", "hi_private", "RFC 7401 s5.2.9" },
    { "orchid_input", "host_identity", "RFC 7401 s3.2" },
    { "orchid_hash", "orchid_input", "RFC 7401 s3.2, RFC 7343 s2" },
    { "hit", "orchid_hash", "RFC 7401 s3.2, RFC 7343 s2" },
    { "dh_private", "draws dh_private", "RFC 7401 s5.2.7" },
    { "dh_public", "dh_private", "RFC 7401 s5.2.7" },
    { "dh_private_i", "draws dh_private", "RFC 7401 s5.2.7" },
    { "dh_public_i", "packets: DIFFIE_HELLMAN", "RFC 7401 s5.2.7" },
    { "dh_private_r", "draws dh_private", "RFC 7401 s5.2.7" },
    { "dh_public_r", "packets: DIFFIE_HELLMAN", "RFC 7401 s5.2.7" },
    { "kij", "dh_private of one side, dh_public of the other", "RFC 7401 s5.2.7, s6.5" },
    { "salt", "puzzle.i, puzzle.j", "RFC 7401 s6.5" },
    { "info", "initiator.hit, responder.hit", "RFC 7401 s6.5" },
    { "prk", "salt, kij", "RFC 7401 s6.5, RFC 5869 s2.2" },
    { "keymat", "prk, info", "RFC 7401 s6.5, RFC 5869 s2.3" },
    { "keymat_index", "packets: ESP_INFO", "RFC 7402 s5.1.1, s6.10" },
    { "keys.offset", "hip_cipher, rhash, esp_suite", "RFC 7401 s6.5, RFC 7402 s7" },
    { "keys.value", "keymat, offset", "RFC 7401 s6.5, RFC 7402 s7" },
    { "keys.name", "the order of keys", "RFC 7401 s6.5, RFC 7402 s7" },
    { "puzzle.hash_input", "puzzle.i, initiator.hit, responder.hit, puzzle.j", "RFC 7401 s6.3" },
    { "puzzle.hash", "puzzle.hash_input", "RFC 7401 s6.3" },
    { "puzzle", "packets: PUZZLE, SOLUTION", "RFC 7401 s4.1.2, s6.3" },
    { "checksum", "packet's checksum_input", "RFC 7401 s5.1.1" },
    { "checksum_input", "src, dst, wire", "RFC 7401 s5.1.1" },
    { "params", "wire", "RFC 7401 s5.2.1" },
    { "mac.input", "wire", "RFC 7401 s5.2.12, s5.2.13, s6.4.1" },
    { "mac.value", "mac.key, mac.input", "RFC 7401 s6.4.1" },
    { "mac", "keymats", "RFC 7401 s6.4.1, s6.5" },
    { "rvs_mac", "keymats, wire", "RFC 8004 s4.2.1" },
    { "relay_mac", "keymats, wire", "RFC 9028 s5.9, RFC 8004 s4.2.1" },
    { "sig.input", "wire", "RFC 7401 s5.2.14, s5.2.15, s6.4.2" },
    { "sig.value", "the signer's host_id, sig.input", "RFC 7401 s6.4.2" },
    { "sig", "wire", "RFC 7401 s5.2.14, s6.4.2" },
    { "encrypted", "keymats, wire", "RFC 7401 s5.2.18" },
    { "esp", "keymats, wire", "RFC 7402 s3, RFC 4303 s2, s3" },
    { "outcome", "initiator, responder, script: what the engines make of the packets",
      "RFC 7401 s4.4.4, s6" },
    { "wire", "initiator, responder, script and their draws", "RFC 7401 s5.3" },
    { "keymats", "packets, suite", "RFC 7401 s6.5, RFC 7402 s6.10" },
    { "packets", "wire, and who has its addresses", "RFC 7401 s5.1" },
    { "script", "parties, config", "test-vectors/README.md" },
    { "draws", "seed, or the packets that carry them", "test-vectors/README.md" },
    { "", "", "RFC 7401" },
};

/* "packets[2].mac.value" -> parent "mac", leaf "value". */
static void last_two(const char *path, char parent[32], char leaf[32])
{
    parent[0] = leaf[0] = 0;
    while (*path) {
        size_t n = strcspn(path, ".[");
        if (n) {
            snprintf(parent, 32, "%s", leaf);
            snprintf(leaf, 32, "%.*s", (int)n, path);
        }
        path += n;
        if (*path == '[')
            path += strcspn(path, "]");
        if (*path)
            path++;
    }
}

const struct origin *origin_of(const char *path)
{
    char parent[32], leaf[32], both[68];
    const struct origin *o = origins;
    last_two(path, parent, leaf);
    snprintf(both, sizeof both, "%s.%s", parent, leaf);
    for (; o->name[0]; o++)
        if (strcmp(o->name, both) == 0)
            return o;
    for (o = origins; o->name[0]; o++)
        if (strcmp(o->name, leaf) == 0)
            return o;
    for (o = origins; o->name[0]; o++)
        if (strcmp(o->name, parent) == 0)
            break;
    return o;
}
