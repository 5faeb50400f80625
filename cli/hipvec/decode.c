/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/decode.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cursor.h"
#include "common/base/hex.h"
#include "dnsupd/name.h"
#include "hip/bind_param.h"
#include "hip/hi.h"
#include "hip/param_cert.h"
#include "hip/param_core.h"
#include "hip/param_data.h"
#include "hip/param_echo.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"
#include "hip/param_nat.h"
#include "hip/param_reg.h"
#include "hip/suite.h"

/* One parameter under the decoder: o gets its fields. */
struct dec {
    struct view *w;
    const struct view_par *p;
    struct span v;
    enum hash_alg rhash;
    json_t *o;
};

typedef err decoder(struct dec *d); /* an error: nothing of it parses */

json_t *decode_hex(struct span s)
{
    char *text = malloc(2 * s.n + 1);
    json_t *j = text ? json_string(hex_encode(s, text)) : NULL;
    free(text);
    return j;
}

const char *decode_nat_mode(unsigned mode)
{
    static const char *const names[] = { "unknown", "UDP-ENCAPSULATION", "ICE-STUN-UDP", "ICE-HIP-UDP" };
    return names[mode < 4 ? mode : 0];
}

enum hash_alg decode_rhash(const struct view *w)
{
    switch (w->type) {
    case HIP_PKT_R1:
    case HIP_PKT_R2:
        return hip_rhash_of(&w->sender);
    case HIP_PKT_I1:
    case HIP_PKT_I2:
        return hip_rhash_of(&w->receiver);
    default:
        return HASH_NONE;
    }
}

/* ---- fields ---- */

static void put(struct dec *d, const char *name, json_t *v)
{
    json_object_set_new(d->o, name, v);
}

static void put_int(struct dec *d, const char *name, uint64_t v)
{
    put(d, name, json_integer((json_int_t)v));
}

static void put_hex(struct dec *d, const char *name, struct span v)
{
    put(d, name, decode_hex(v));
}

static void put_word(struct dec *d, const char *name, uint32_t v)
{
    char text[12];
    snprintf(text, sizeof text, "0x%08x", v);
    put(d, name, json_string(text));
}

static json_t *named(unsigned id, const char *name)
{
    char text[96];
    snprintf(text, sizeof text, "%u %s", id, name);
    return json_string(text);
}

static json_t *address(const struct addr *a)
{
    char text[ADDR_TEXT_MAX];
    return json_string(addr_format(a, text));
}

/* Octets that a sender leaves zero. */
static void reserved(struct dec *d, size_t off, size_t n)
{
    struct span r = span_sub(d->v, off, n);
    for (size_t i = 0; i < r.n; i++)
        if (r.p[i]) {
            view_fault(d->w, FAULT_CONTENTS, d->p->off + 4 + off, "%s: Reserved is not zero",
                       hip_param_name(d->p->type));
            put_hex(d, "reserved", r);
            return;
        }
}

/* ---- RFC 7401 ---- */

static err r1_counter(struct dec *d)
{
    struct hip_r1_counter c;
    err e = hip_get_r1_counter(d->v, &c);
    if (e == ERR_OK) {
        reserved(d, 0, 4);
        put_int(d, "counter", c.counter);
    }
    return e;
}

static void put_lifetime(struct dec *d, uint8_t code)
{
    char text[48];
    uint64_t us = hip_puzzle_lifetime_us(code);
    snprintf(text, sizeof text, "%u: %.6g s", code, (double)us / 1e6);
    put(d, "lifetime", json_string(text));
}

static err puzzle(struct dec *d)
{
    struct hip_puzzle z;
    err e = hip_get_puzzle(d->v, d->rhash, &z);
    if (e != ERR_OK)
        return e;
    put_int(d, "k", z.k);
    put_lifetime(d, z.lifetime);
    put_int(d, "opaque", z.opaque);
    put_hex(d, "i", z.i);
    return ERR_OK;
}

static err solution(struct dec *d)
{
    struct hip_solution s;
    err e = hip_get_solution(d->v, d->rhash, &s);
    if (e != ERR_OK)
        return e;
    put_int(d, "k", s.k);
    reserved(d, 1, 1);
    put_int(d, "opaque", s.opaque);
    put_hex(d, "i", s.i);
    put_hex(d, "j", s.j);
    return ERR_OK;
}

static err seq(struct dec *d)
{
    uint32_t id;
    err e = hip_get_u32(d->v, &id);
    if (e == ERR_OK)
        put_int(d, d->p->type == HIP_PAR_SEQ ? "update_id" : "sequence", id);
    return e;
}

static err acks(struct dec *d)
{
    struct rcur c = rcur_of(d->v);
    json_t *list = json_array();
    while (rcur_left(&c) >= 4)
        json_array_append_new(list, json_integer(rcur_u32(&c)));
    put(d, "acknowledges", list);
    return rcur_end(&c) && d->v.n ? ERR_OK : ERR_MALFORMED;
}

static err dh_groups(struct dec *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->v.n; i++) {
        const struct hip_dh_suite *s = hip_dh_suite(d->v.p[i]);
        json_array_append_new(list, named(d->v.p[i], s ? s->name : "unknown"));
    }
    put(d, "groups", list);
    return d->v.n ? ERR_OK : ERR_MALFORMED;
}

static err diffie_hellman(struct dec *d)
{
    struct hip_dh h;
    err e = hip_get_dh(d->v, &h);
    if (e != ERR_OK)
        return e;
    const struct hip_dh_suite *s = hip_dh_suite(h.group);
    put(d, "group", named(h.group, s ? s->name : "unknown"));
    put_int(d, "public_octets", h.pub.n);
    put_hex(d, "public", h.pub);
    if (s && s->public_len && h.pub.n != s->public_len)
        view_fault(d->w, FAULT_CONTENTS, d->p->off + 7,
                   "DIFFIE_HELLMAN: a public value of %zu octets in group %u, not %u", h.pub.n, h.group,
                   s->public_len);
    return ERR_OK;
}

static const char *transport_name(uint16_t id)
{
    return id == HIP_PAR_ESP_TRANSFORM ? "ESP" : "unknown";
}

static const char *cipher_name(uint16_t id)
{
    const struct hip_cipher_suite *s = hip_cipher_suite(id);
    return s ? s->name : "unknown";
}

static const char *esp_name(uint16_t id)
{
    const struct hip_esp_suite *s = hip_esp_suite(id);
    return s ? s->name : "unknown";
}

static const char *mode_name(uint16_t id)
{
    return decode_nat_mode(id);
}

/* A list of two-octet ids behind `skip` reserved octets. */
static err ids16(struct dec *d, size_t skip, const char *what, const char *(*name)(uint16_t))
{
    struct rcur c = rcur_of(d->v);
    json_t *list = json_array();
    reserved(d, 0, skip);
    rcur_skip(&c, skip);
    size_t n = 0;
    for (; rcur_left(&c) >= 2; n++) {
        uint16_t id = rcur_u16(&c);
        json_array_append_new(list, named(id, name(id)));
    }
    put(d, what, list);
    if (n > HIP_IDS16_MAX && d->p->type != HIP_PAR_TRANSPORT_FORMAT_LIST)
        view_fault(d->w, FAULT_CONTENTS, d->p->off + 4, "%s: %zu ids, at most six are sent (RFC 7401 s5.2.8)",
                   hip_param_name(d->p->type), n);
    return rcur_end(&c) && n ? ERR_OK : ERR_MALFORMED;
}

static err ciphers(struct dec *d)
{
    return ids16(d, 0, "ciphers", cipher_name);
}

static err transports(struct dec *d)
{
    return ids16(d, 0, "formats", transport_name);
}

static err esp_transform(struct dec *d)
{
    return ids16(d, 2, "suites", esp_name);
}

static err nat_modes(struct dec *d)
{
    return ids16(d, 2, "modes", mode_name);
}

static err hit_suites(struct dec *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i < d->v.n; i++) {
        const struct hip_hit_suite *s = hip_hit_suite(d->v.p[i] >> 4);
        json_array_append_new(list, named(d->v.p[i] >> 4, s ? s->name : "unknown"));
        if (d->v.p[i] & 15)
            view_fault(d->w, FAULT_CONTENTS, d->p->off + 4 + i,
                       "HIT_SUITE_LIST: 0x%02x has a low nibble (RFC 7401 s5.2.10)", d->v.p[i]);
    }
    put(d, "suites", list);
    return d->v.n ? ERR_OK : ERR_MALFORMED;
}

static void put_domain(struct dec *d, uint8_t type, struct span di)
{
    struct dnsu_name name;
    char text[DNSU_NAME_TEXT_MAX];
    json_t *nai = type == HIP_DI_NAI ? json_stringn((const char *)di.p, di.n) : NULL;
    put(d, "domain_type",
        named(type, type == HIP_DI_NONE   ? "none"
                    : type == HIP_DI_FQDN ? "FQDN"
                    : type == HIP_DI_NAI  ? "NAI"
                                          : "unknown"));
    if (nai) {
        put(d, "domain", nai);
    } else if (di.n == 0) {
        return;
    } else if (type == HIP_DI_FQDN && dnsu_name_from_wire(di, &name) == ERR_OK) {
        put(d, "domain", json_string(dnsu_name_text(&name, text)));
    } else {
        put_hex(d, "domain", di);
        view_fault(d->w, FAULT_CONTENTS, d->p->off + 6,
                   "HOST_ID: a domain identifier that is none of its type");
    }
}

static err host_id(struct dec *d)
{
    struct hip_host_id h;
    struct hip_hi hi;
    char text[HIT_TEXT_MAX];
    err e = hip_get_host_id(d->v, &h);
    if (e != ERR_OK)
        return e;
    unsigned alg = (unsigned)h.hi.p[0] << 8 | h.hi.p[1];
    put(d, "algorithm", named(alg, hip_hi_alg_name(alg)));
    put_int(d, "hi_octets", h.hi.n - 2);
    put_hex(d, "hi", span_of(h.hi.p + 2, h.hi.n - 2));
    e = hip_hi_from_wire(h.hi, &hi);
    if (e == ERR_OK) {
        put(d, "hit", json_string(hit_format(&hi.hit, text)));
        hip_hi_done(&hi);
    } else if (e == ERR_MALFORMED) {
        view_fault(d->w, FAULT_CONTENTS, d->p->off + 8, "HOST_ID: no key of its algorithm");
    }
    put_domain(d, h.di_type, h.di);
    return ERR_OK;
}

static err encrypted(struct dec *d)
{
    if (d->v.n < 4)
        return ERR_MALFORMED;
    reserved(d, 0, 4);
    put_int(d, "encrypted_octets", d->v.n - 4); /* IV and ciphertext */
    put_hex(d, "iv_and_ciphertext", span_of(d->v.p + 4, d->v.n - 4));
    return ERR_OK;
}

static err cert(struct dec *d)
{
    if (d->v.n < 4)
        return ERR_MALFORMED;
    const uint8_t *p = d->v.p;
    static const char *const names[] = { "reserved", "X.509v3",  "SPKI (obsolete)", "hash and URL of X.509v3",
                                         "obsolete", "LDAP URL", "obsolete",        "distinguished name" };
    put_int(d, "group", p[0]);
    put_int(d, "count", p[1]);
    put_int(d, "id", p[2]);
    put(d, "cert_type", named(p[3], p[3] < 8 ? names[p[3]] : "unknown"));
    put_hex(d, "certificate", span_of(p + 4, d->v.n - 4));
    if (p[2] == 0 || p[2] > p[1])
        view_fault(d->w, FAULT_CONTENTS, d->p->off + 6, "CERT: number %u of %u (RFC 8002 s2)", p[2], p[1]);
    return ERR_OK;
}

static err notification(struct dec *d)
{
    struct hip_notification n;
    err e = hip_get_notification(d->v, &n);
    if (e != ERR_OK)
        return e;
    reserved(d, 0, 2);
    put(d, "notification", named(n.code, hip_notify_name(n.code)));
    put(d, "severity", json_string(hip_notify_is_error(n.code) ? "error" : "status"));
    put_hex(d, "data", n.data);
    return ERR_OK;
}

static err opaque_octets(struct dec *d)
{
    put_hex(d, "opaque", d->v);
    return ERR_OK;
}

static err mac(struct dec *d)
{
    put_hex(d, "mac", d->v);
    return ERR_OK;
}

static err signature(struct dec *d)
{
    if (d->v.n < 3)
        return ERR_MALFORMED;
    unsigned alg = (unsigned)d->v.p[0] << 8 | d->v.p[1];
    put(d, "algorithm", named(alg, hip_hi_alg_name(alg)));
    put_int(d, "signature_octets", d->v.n - 2);
    put_hex(d, "signature", span_of(d->v.p + 2, d->v.n - 2));
    return ERR_OK;
}

/* ---- RFC 7402, 8003, 8004, 8046, 5770, 9028, 6078 ---- */

static err esp_info(struct dec *d)
{
    struct hip_esp_info i;
    err e = hip_get_esp_info(d->v, &i);
    if (e != ERR_OK)
        return e;
    reserved(d, 0, 2);
    put_int(d, "keymat_index", i.keymat_index);
    put_word(d, "old_spi", i.old_spi);
    put_word(d, "new_spi", i.new_spi);
    return ERR_OK;
}

static void put_reg_types(struct dec *d, size_t skip)
{
    json_t *list = json_array();
    for (size_t i = skip; i < d->v.n; i++)
        json_array_append_new(list, named(d->v.p[i], hip_reg_type_name(d->v.p[i])));
    put(d, "types", list);
}

static void put_reg_lifetime(struct dec *d, const char *name, uint8_t code)
{
    char text[48];
    snprintf(text, sizeof text, "%u: %.6g s", code, (double)hip_reg_lifetime_us(code) / 1e6);
    put(d, name, json_string(text));
}

static err reg_info(struct dec *d)
{
    if (d->v.n < 2)
        return ERR_MALFORMED;
    put_reg_lifetime(d, "min_lifetime", d->v.p[0]);
    put_reg_lifetime(d, "max_lifetime", d->v.p[1]);
    put_reg_types(d, 2);
    return ERR_OK;
}

static err reg_list(struct dec *d)
{
    if (d->v.n < 1)
        return ERR_MALFORMED;
    put_reg_lifetime(d, "lifetime", d->v.p[0]);
    put_reg_types(d, 1);
    return ERR_OK;
}

static err reg_failed(struct dec *d)
{
    if (d->v.n < 1)
        return ERR_MALFORMED;
    put(d, "failure", named(d->v.p[0], hip_reg_failure_text(d->v.p[0])));
    put_reg_types(d, 1);
    return ERR_OK;
}

static json_t *one_locator(const struct hip_locator *l)
{
    static const char *const traffic[] = { "signalling and data", "signalling", "data" };
    struct dec in = { .o = json_object() };
    put(&in, "address", l->type <= HIP_LOC_UDP ? address(&l->addr) : decode_hex(l->raw));
    put_int(&in, "locator_type", l->type);
    put(&in, "traffic", json_string(traffic[l->traffic < 3 ? l->traffic : 0]));
    put(&in, "preferred", json_boolean(l->preferred));
    put_int(&in, "lifetime_seconds", l->lifetime_s);
    if (l->type == HIP_LOC_SPI || l->type == HIP_LOC_UDP)
        put_word(&in, "spi", l->spi);
    if (l->type == HIP_LOC_UDP) {
        put_int(&in, "protocol", l->protocol);
        put(&in, "kind", json_string(hip_locator_kind_name(l->kind)));
        put_int(&in, "priority", l->priority);
    }
    return in.o;
}

static err locator_set(struct dec *d)
{
    struct hip_locator_set s;
    err e = hip_get_locator_set(d->v, &s);
    json_t *list = e == ERR_OK ? json_array() : NULL;
    for (size_t i = 0; e == ERR_OK && i < s.n; i++)
        json_array_append_new(list, one_locator(&s.v[i]));
    if (e == ERR_OK)
        put(d, "locators", list);
    return e == ERR_FULL ? ERR_MALFORMED : e;
}

static err transport_addr(struct dec *d)
{
    struct hip_transport_addr t;
    err e = hip_get_transport_addr(d->v, &t);
    if (e != ERR_OK)
        return e;
    reserved(d, 3, 1);
    put(d, "address", address(&t.addr));
    put(d, "protocol",
        named(t.protocol, t.protocol == HIP_PROTO_UDP ? "UDP"
                          : t.protocol                ? "unknown"
                                                      : "IP"));
    return ERR_OK;
}

static err addresses(struct dec *d)
{
    json_t *list = json_array();
    for (size_t i = 0; i + 16 <= d->v.n; i += 16) {
        struct addr a = addr_from_mapped(d->v.p + i);
        json_array_append_new(list, address(&a));
    }
    put(d, "addresses", list);
    return d->v.n && d->v.n % 16 == 0 ? ERR_OK : ERR_MALFORMED;
}

static err peer_permission(struct dec *d)
{
    struct hip_peer_permission p;
    err e = hip_get_peer_permission(d->v, &p);
    if (e != ERR_OK)
        return e;
    put(d, "relayed", address(&p.relayed));
    put(d, "peer", address(&p.peer));
    put_int(d, "protocol", p.protocol);
    put_word(d, "outbound_spi", p.spi_out);
    put_word(d, "inbound_spi", p.spi_in);
    return ERR_OK;
}

static err number(struct dec *d)
{
    uint32_t n;
    err e = hip_get_u32(d->v, &n);
    if (e == ERR_OK)
        put_int(d, d->p->type == HIP_PAR_TRANSACTION_PACING ? "milliseconds" : "priority", n);
    return e;
}

static err payload_mic(struct dec *d)
{
    if (d->v.n < 12)
        return ERR_MALFORMED;
    put_int(d, "next_header", d->v.p[0]);
    reserved(d, 1, 3);
    put_hex(d, "payload", span_of(d->v.p + 4, 8));
    put_hex(d, "mic", span_of(d->v.p + 12, d->v.n - 12));
    return ERR_OK;
}

/* ---- docs/sim-binding.md: only ever seen opened ---- */

static err bind_response(struct dec *d)
{
    struct hip_bind_response r;
    struct dnsu_name name;
    char text[DNSU_NAME_TEXT_MAX];
    err e = hip_bind_response_parse(d->v, &r);
    if (e != ERR_OK)
        return e;
    put(d, "status", named(r.status, hip_bind_status_text(r.status)));
    put_int(d, "lifetime_seconds", r.lifetime_s);
    if (r.fqdn.n && dnsu_name_from_wire(r.fqdn, &name) == ERR_OK)
        put(d, "fqdn", json_string(dnsu_name_text(&name, text)));
    return ERR_OK;
}

/* The digits of a subscriber are inside EAP: its length and code, no contents. */
static err eap(struct dec *d)
{
    if (d->v.n < 4)
        return ERR_MALFORMED;
    put_int(d, "eap_code", d->v.p[0]);
    put_int(d, "eap_identifier", d->v.p[1]);
    put_int(d, "octets", d->v.n);
    return ERR_OK;
}

static const struct {
    uint16_t type;
    decoder *fn;
} decoders[] = {
    { HIP_PAR_ESP_INFO, esp_info },
    { HIP_PAR_R1_COUNTER_V1, r1_counter },
    { HIP_PAR_R1_COUNTER, r1_counter },
    { HIP_PAR_LOCATOR_SET, locator_set },
    { HIP_PAR_PUZZLE, puzzle },
    { HIP_PAR_SOLUTION, solution },
    { HIP_PAR_SEQ, seq },
    { HIP_PAR_ACK, acks },
    { HIP_PAR_DH_GROUP_LIST, dh_groups },
    { HIP_PAR_DIFFIE_HELLMAN, diffie_hellman },
    { HIP_PAR_HIP_CIPHER, ciphers },
    { HIP_PAR_NAT_TRAVERSAL_MODE, nat_modes },
    { HIP_PAR_TRANSACTION_PACING, number },
    { HIP_PAR_ENCRYPTED, encrypted },
    { HIP_PAR_HOST_ID, host_id },
    { HIP_PAR_HIT_SUITE_LIST, hit_suites },
    { HIP_PAR_CERT, cert },
    { HIP_PAR_NOTIFICATION, notification },
    { HIP_PAR_REG_INFO, reg_info },
    { HIP_PAR_REG_REQUEST, reg_list },
    { HIP_PAR_REG_RESPONSE, reg_list },
    { HIP_PAR_REG_FAILED, reg_failed },
    { HIP_PAR_REG_FROM, transport_addr },
    { HIP_PAR_TRANSPORT_FORMAT_LIST, transports },
    { HIP_PAR_ESP_TRANSFORM, esp_transform },
    { HIP_PAR_SEQ_DATA, seq },
    { HIP_PAR_ACK_DATA, acks },
    { HIP_PAR_PAYLOAD_MIC, payload_mic },
    { HIP_PAR_RELAYED_ADDRESS, transport_addr },
    { HIP_PAR_MAPPED_ADDRESS, transport_addr },
    { HIP_PAR_PEER_PERMISSION, peer_permission },
    { HIP_PAR_CANDIDATE_PRIORITY, number },
    { HIP_PAR_NOMINATE, number },
    { HIP_PAR_EAP_PAYLOAD, eap },
    { HIP_PAR_BIND_RESPONSE, bind_response },
    { HIP_PAR_BIND_MAC, mac },
    { HIP_PAR_HIP_MAC, mac },
    { HIP_PAR_HIP_MAC_2, mac },
    { HIP_PAR_HIP_SIGNATURE_2, signature },
    { HIP_PAR_HIP_SIGNATURE, signature },
    { HIP_PAR_RELAY_FROM, transport_addr },
    { HIP_PAR_RELAY_TO, transport_addr },
    { HIP_PAR_FROM, addresses },
    { HIP_PAR_RVS_HMAC, mac },
    { HIP_PAR_VIA_RVS, addresses },
    { HIP_PAR_RELAY_HMAC, mac },
};

/* What a parameter of a suite we do not hold has: the hash's length from its own. */
static enum hash_alg rhash_by_length(const struct view_par *p, enum hash_alg rhash)
{
    if (rhash != HASH_NONE)
        return rhash;
    size_t n = p->type == HIP_PAR_PUZZLE ? p->v.n - 4 : p->type == HIP_PAR_SOLUTION ? (p->v.n - 4) / 2 : 0;
    return n == 48 ? HASH_SHA384 : n == 20 ? HASH_SHA1 : n == 32 ? HASH_SHA256 : HASH_NONE;
}

json_t *decode_param(struct view *w, const struct view_par *p, enum hash_alg rhash)
{
    struct dec d = { .w = w, .p = p, .v = p->v, .rhash = rhash_by_length(p, rhash), .o = json_object() };
    decoder *fn = opaque_octets;
    for (size_t i = 0; i < sizeof decoders / sizeof decoders[0]; i++)
        if (decoders[i].type == p->type)
            fn = decoders[i].fn;
    if (fn(&d) == ERR_OK)
        return d.o;
    view_fault(w, FAULT_CONTENTS, p->off + 4, "%s: its contents do not parse", hip_param_name(p->type));
    json_object_clear(d.o);
    put_hex(&d, "octets", p->v);
    return d.o;
}
