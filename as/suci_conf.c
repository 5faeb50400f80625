/* SPDX-License-Identifier: Apache-2.0 */
#include "as/suci_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"

#define PRIVATE_LEN 32
#define FILE_MAX    256

const struct rt_conf_row as_suci_rows[] = {
    { "id", RT_CONF_INT, RT_CONF_REQUIRED, .min = 0, .max = 255,
      .doc = "home network public key identifier, as the SIM or the host has it" },
    { "profile", RT_CONF_ENUM, RT_CONF_REQUIRED, .choices = "A|B",
      .doc = "A: X25519, B: P-256 (TS 33.501 Annex C.3.4)" },
    { "home", RT_CONF_STR, RT_CONF_REQUIRED, .min = 5, .max = 6,
      .doc = "MCC and MNC of the home network whose subscribers it conceals: five or six digits, in quotes" },
    { "key_file", RT_CONF_PATH, RT_CONF_REQUIRED,
      .doc = "private key; only its owner may read it; \"hipakad suci-key\" makes one" },
    { 0 },
};

static err read_private(const char *path, uint8_t out[PRIVATE_LEN], char *why)
{
    uint8_t *text = NULL;
    size_t n = 0, got = 0;
    err e = rt_file_read_secret(path, FILE_MAX, &text, &n, why);
    if (e != ERR_OK)
        return e;
    if (hex_decode((char *)text, strcspn((char *)text, "\r\n"), out, PRIVATE_LEN, &got) != ERR_OK ||
        got != PRIVATE_LEN) {
        snprintf(why, RT_FILE_WHY_MAX, "%.300s: expected 64 hexadecimal digits", path);
        e = ERR_MALFORMED;
    }
    sec_free(text);
    return e;
}

static err load_file(const char *path, enum suci_profile p, struct suci_key *out, char *why)
{
    uint8_t private[PRIVATE_LEN];
    err e = read_private(path, private, why);
    if (e == ERR_OK && suci_key_set(out, p, span_of(private, sizeof private)) != ERR_OK) {
        snprintf(why, RT_FILE_WHY_MAX, "%.300s: not a private key of this profile", path);
        e = ERR_MALFORMED;
    }
    sec_wipe(private, sizeof private);
    return e;
}

err as_suci_load(const struct rt_conf *f, const struct rt_conf_node *n, struct suci_key *out, char *why)
{
    char reason[RT_FILE_WHY_MAX] = "";
    const char *home = rt_conf_str(n, "home");
    if (strspn(home, "0123456789") != strlen(home))
        return rt_conf_expected(f, rt_conf_get(n, "home"), why, "five or six digits");
    out->id = (uint8_t)rt_conf_int(n, "id");
    snprintf(out->plmn, sizeof out->plmn, "%s", home);
    enum suci_profile p = rt_conf_str(n, "profile")[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B;
    if (load_file(rt_conf_str(n, "key_file"), p, out, reason) != ERR_OK)
        return rt_conf_expected(f, rt_conf_get(n, "key_file"), why, "a private key file: %s", reason);
    return ERR_OK;
}

/* ---- hipakad suci-key ---- */

static int usage(const char *what)
{
    fprintf(stderr,
            "hipakad: %s\nusage: hipakad suci-key --profile A|B --out FILE     makes a private key\n"
            "       hipakad suci-key --profile A|B --show FILE    the public key of one\n",
            what);
    return 2;
}

static int show(const char *path, enum suci_profile p)
{
    struct suci_key k = { .id = 0 };
    char why[RT_FILE_WHY_MAX], text[2 * SUCI_PUBLIC_MAX + 1];
    uint8_t public[SUCI_PUBLIC_MAX];
    if (load_file(path, p, &k, why) != ERR_OK) {
        fprintf(stderr, "hipakad: %s\n", why);
        return 1;
    }
    puts(hex_encode(span_of(public, suci_key_public(&k, public)), text));
    suci_key_done(&k);
    return 0;
}

static int make(const struct env *env, const char *path, enum suci_profile p)
{
    uint8_t private[PRIVATE_LEN];
    char text[2 * PRIVATE_LEN + 2], why[RT_FILE_WHY_MAX];
    struct suci_key k = { .id = 0 };
    if (access(path, F_OK) == 0) {
        fprintf(stderr, "hipakad: %s is there already\n", path);
        return 1;
    }
    do
        env_random(env, private, sizeof private);
    while (suci_key_set(&k, p, span_of(private, sizeof private)) != ERR_OK);
    suci_key_done(&k);
    hex_encode(span_of(private, sizeof private), text);
    memcpy(text + 2 * PRIVATE_LEN, "\n", 2);
    err e = rt_file_write(path, span_of(text, 2 * PRIVATE_LEN + 1), why);
    sec_wipe(private, sizeof private);
    sec_wipe(text, sizeof text);
    if (e != ERR_OK) {
        fprintf(stderr, "hipakad: %s\n", why);
        return 1;
    }
    return show(path, p);
}

int as_suci_make(const struct env *env, int argc, char **argv)
{
    const char *profile = NULL, *out = NULL, *from = NULL;
    for (int i = 1; i + 1 < argc; i += 2) {
        const char **to = strcmp(argv[i], "--profile") == 0 ? &profile
                          : strcmp(argv[i], "--out") == 0   ? &out
                          : strcmp(argv[i], "--show") == 0  ? &from
                                                            : NULL;
        if (!to)
            return usage(argv[i]);
        *to = argv[i + 1];
    }
    if (argc % 2 == 0 || !profile || (strcmp(profile, "A") != 0 && strcmp(profile, "B") != 0) ||
        !out == !from)
        return usage("expected --profile, and one of --out and --show");
    enum suci_profile p = profile[0] == 'A' ? SUCI_PROFILE_A : SUCI_PROFILE_B;
    return out ? make(env, out, p) : show(from, p);
}
