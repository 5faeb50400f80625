/* SPDX-License-Identifier: Apache-2.0
 * hipvec to-pcap: vectors, or packets in hexadecimal, as a capture, with the keys in the forms of hipvec and of Wireshark. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/hipvec/cmd.h"
#include "cli/hipvec/items.h"
#include "cli/hipvec/keylog.h"
#include "common/base/hex.h"
#include "hip/build.h"
#include "hip/esp/sa.h"

#define STEP_US 10000 /* between packets: a vector knows no time */

struct to_pcap {
    const char *in, *out, *keys, *esp_sa;
    struct addr src, dst; /* of packets that came without addresses */
};

/* ---- packets ---- */

static bool write_item(FILE *f, const struct to_pcap *o, const struct item *x, size_t n)
{
    uint8_t payload[HIP_PACKET_MAX + 65536], ip[sizeof payload + 128];
    struct addr src = x->has_addr ? x->src : o->src, dst = x->has_addr ? x->dst : o->dst;
    size_t skip = x->udp && x->kind == ITEM_HIP ? 4 : 0;
    if (x->octets.n > sizeof payload - skip)
        return false;
    memset(payload, 0, skip);
    memcpy(payload + skip, x->octets.p, x->octets.n);
    if (x->udp && !src.port)
        src.port = dst.port = 10500;
    uint8_t proto = x->udp ? PROTO_UDP : x->kind == ITEM_ESP ? PROTO_ESP : PROTO_HIP;
    size_t len = dgram_write(&src, &dst, proto, span_of(payload, skip + x->octets.n), ip, sizeof ip);
    return len && capture_write(f, (uint64_t)n * STEP_US, span_of(ip, len));
}

static bool write_packets(const struct to_pcap *o, const struct items *it)
{
    FILE *f = fopen(o->out, "wb");
    bool ok = f && capture_write_head(f);
    for (size_t i = 0; ok && i < it->n; i++)
        ok = write_item(f, o, &it->v[i], i);
    if (f && fclose(f) != 0)
        ok = false;
    return ok;
}

/* ---- keys ---- */

static const char *text(const json_t *o, const char *name)
{
    const char *s = json_string_value(json_object_get(o, name));
    return s ? s : "";
}

/* A party by its letter; NULL. */
static const json_t *party(const json_t *test, const char *who)
{
    static const struct {
        const char *letter, *name;
    } names[] = { { "I", "initiator" }, { "R", "responder" }, { "RVS", "rvs" } };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(who, names[i].letter) == 0)
            return json_object_get(test, names[i].name);
    return NULL;
}

static bool hit_text(const json_t *test, const char *who, char out[HIT_TEXT_MAX])
{
    struct hit h;
    size_t n = 0;
    const char *hex = text(party(test, who), "hit");
    if (hex_decode(hex, strlen(hex), h.b, sizeof h.b, &n) != ERR_OK || n != sizeof h.b)
        return false;
    hit_format(&h, out);
    return true;
}

static void write_hi(FILE *f, const json_t *test, const char *who)
{
    char hit[HIT_TEXT_MAX];
    const char *hex = text(party(test, who), "host_id"); /* HI Length(2) DI(2) Algorithm(2) HI DI */
    unsigned len;
    if (hit_text(test, who, hit) && sscanf(hex, "%4x", &len) == 1 && strlen(hex) >= 8 + 4 + 2 * (size_t)len)
        fprintf(f, "HI %s %.*s\n", hit, (int)(4 + 2 * len), hex + 8);
}

static void write_keymat(FILE *f, const json_t *test, const json_t *k, int cipher)
{
    const json_t *between = json_object_get(k, "between");
    const char *i = json_string_value(json_array_get(between, 0)),
               *r = json_string_value(json_array_get(between, 1));
    char hit_i[HIT_TEXT_MAX], hit_r[HIT_TEXT_MAX];
    size_t n;
    json_t *key;
    if (!hit_text(test, i ? i : "I", hit_i) || !hit_text(test, r ? r : "R", hit_r))
        return;
    json_array_foreach (json_object_get(k, "keys"), n, key) {
        const char *v = text(key, "value");
        if (strncmp(text(key, "name"), "hip_", 4) == 0)
            fprintf(f, "HIP %s %s %d %s %s\n", hit_i, hit_r, cipher, text(key, "name"), v[0] ? v : "-");
    }
}

static unsigned spi_of(const json_t *esp)
{
    const json_t *v = json_object_get(esp, "spi");
    return json_is_string(v) ? (unsigned)strtoul(json_string_value(v), NULL, 16)
                             : (unsigned)json_integer_value(v);
}

static void write_esp(FILE *f, const json_t *test, const json_t *packet)
{
    const json_t *e = json_object_get(packet, "esp");
    char from[HIT_TEXT_MAX], to[HIT_TEXT_MAX];
    if (!json_is_object(e) || !text(e, "enc_name")[0] || !hit_text(test, text(packet, "from"), from) ||
        !hit_text(test, text(packet, "to"), to))
        return;
    const char *enc = text(e, "enc_key"), *auth = text(e, "auth_key");
    const char *side = strncmp(text(e, "enc_name"), "esp_gl", 6) == 0 ? "gl" : "lg";
    int suite = (int)json_integer_value(json_object_get(e, "suite"));
    fprintf(f, "ESP %08x %s %s %d esp_%s_enc %s\n", spi_of(e), from, to, suite, side, enc[0] ? enc : "-");
    fprintf(f, "ESP %08x %s %s %d esp_%s_auth %s\n", spi_of(e), from, to, suite, side, auth[0] ? auth : "-");
}

/* Wireshark's table of ESP SAs (esp_sa in its profile's folder, or -o uat:esp_sa:...). */
static void write_esp_sa(FILE *f, const json_t *packet)
{
    static const struct {
        int suite;
        const char *enc, *auth;
    } names[] = { { 7, "NULL", "HMAC-SHA-256-128 [RFC4868]" },
                  { ESP_AES128_CBC_SHA256, "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]" },
                  { ESP_AES256_CBC_SHA256, "AES-CBC [RFC3602]", "HMAC-SHA-256-128 [RFC4868]" },
                  { 12, "AES-GCM with 8 octet ICV [RFC4106]", "NULL" },
                  { 13, "AES-GCM with 16 octet ICV [RFC4106]", "NULL" } };
    const json_t *e = json_object_get(packet, "esp");
    int suite = (int)json_integer_value(json_object_get(e, "suite"));
    const char *src = text(packet, "src"), *enc = text(e, "enc_key"), *auth = text(e, "auth_key");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].suite == suite && src[0])
            fprintf(f, "\"%s\",\"%s\",\"%s\",\"0x%08x\",\"%s\",\"%s%s\",\"%s\",\"%s%s\"\n",
                    strchr(src, ':') ? "IPv6" : "IPv4", src, text(packet, "dst"), spi_of(e), names[i].enc,
                    enc[0] ? "0x" : "", enc, names[i].auth, auth[0] ? "0x" : "", auth);
}

static void write_test(const json_t *group, const json_t *test, FILE *keys, FILE *esp_sa)
{
    size_t i;
    json_t *k, *p;
    int cipher = (int)json_integer_value(json_object_get(json_object_get(group, "suite"), "hip_cipher"));
    static const char *const who[] = { "I", "R", "RVS" };
    for (i = 0; keys && i < 3; i++)
        write_hi(keys, test, who[i]);
    json_array_foreach (json_object_get(test, "keymats"), i, k)
        if (keys)
            write_keymat(keys, test, k, cipher);
    json_array_foreach (json_object_get(test, "packets"), i, p) {
        if (keys)
            write_esp(keys, test, p);
        if (esp_sa && json_is_object(json_object_get(p, "esp")))
            write_esp_sa(esp_sa, p);
    }
}

/* For its owner alone. */
static FILE *secret_file(const char *path)
{
    FILE *f = path ? fopen(path, "w") : NULL;
    if (f)
        (void)fchmod(fileno(f), 0600);
    return f;
}

static bool write_keys(const struct to_pcap *o, const struct items *it)
{
    json_t *doc = json_loadb((const char *)it->file, it->file_n, 0, NULL), *group, *test;
    FILE *keys = secret_file(o->keys), *sa = secret_file(o->esp_sa);
    bool ok = doc && (keys || !o->keys) && (sa || !o->esp_sa);
    size_t i, k;
    json_array_foreach (json_object_get(doc, "testGroups"), i, group)
        json_array_foreach (json_object_get(group, "tests"), k, test)
            if (ok)
                write_test(group, test, keys, sa);
    ok = (!keys || fclose(keys) == 0) && ok;
    ok = (!sa || fclose(sa) == 0) && ok;
    json_decref(doc);
    return ok;
}

static bool options(int argc, char **argv, struct to_pcap *o)
{
    for (int i = 1; i < argc && argv[i]; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        const char **to = strcmp(a, "-o") == 0         ? &o->out
                          : strcmp(a, "--keys") == 0   ? &o->keys
                          : strcmp(a, "--esp-sa") == 0 ? &o->esp_sa
                                                       : NULL;
        struct addr *addr = strcmp(a, "--from") == 0 ? &o->src : strcmp(a, "--to") == 0 ? &o->dst : NULL;
        if (to && v)
            *to = argv[++i];
        else if (addr && v && addr_parse(v, addr) == ERR_OK)
            i++;
        else if (a[0] != '-' && !o->in)
            o->in = a;
        else
            return false;
    }
    return o->in && o->out && o->src.family == o->dst.family;
}

int cmd_to_pcap(int argc, char **argv)
{
    struct to_pcap o = { .src = addr_v4(0xc0000201), .dst = addr_v4(0xc6336402) };
    struct items it;
    char why[160];
    if (!options(argc, argv, &o))
        return cmd_usage("to-pcap");
    if (items_load(o.in, &it, why) != ERR_OK) {
        fprintf(stderr, "hipvec: %s: %s\n", o.in, why);
        return EXIT_BAD_INPUT;
    }
    bool ok = write_packets(&o, &it);
    if (!ok)
        fprintf(stderr, "hipvec: %s cannot be written\n", o.out);
    if (ok && (o.keys || o.esp_sa) && !write_keys(&o, &it)) {
        fprintf(stderr, "hipvec: keys: not a file of vectors, or a file that cannot be written\n");
        ok = false;
    }
    if (ok)
        printf("%zu packets\n", it.n);
    items_done(&it);
    return ok ? EXIT_PASS : EXIT_BAD_INPUT;
}
