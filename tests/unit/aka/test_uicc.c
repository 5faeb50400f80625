/* SPDX-License-Identifier: Apache-2.0
 *
 * A USIM's APDUs, files and procedures against a small card of this file, in T=0 and T=1, and against one that answers whatever it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "aka/uicc_card.h"
#include "common/base/hex.h"

/* ---- a card ---- */

struct file {
    uint16_t parent, fid;
    const char *hex;
    uint8_t record; /* length of a record; 0: transparent */
};

#define ADF 0x7FFF
static const struct file files[] = {
    { 0x3F00, 0x2FE2, "98100110000000001000", 0 },
    { 0x3F00, 0x2F00,
      "61184f10a0000000871004ff33ff01890000010050044953494d"
      "61184f10a0000000871002ff33ff01890000010050045553494d",
      26 },
    { ADF, 0x6F07, "080910100000000010", 0 },
    { ADF, 0x6FAD, "00000002", 0 },
    { ADF, 0x6F38, "00000000000000000000000000000008", 0 },
    { 0x5FC0, 0x4F07,
      "a006020101020000a14b80011b81210272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1"
      "80011e81205a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650ffffff",
      0 },
    { 0x5FC0, 0x4F0A, "17ffffff", 0 },
};

struct card {
    bool t1, gone, no_pin_template, no_dir, no_gsm;
    bool pin;      /* enabled */
    bool verified; /* its PIN */
    unsigned tries, verifies;
    uint16_t df, ef;
    uint8_t out[256]; /* waits for GET RESPONSE */
    size_t out_n;
    const char *imsi, *ad, *ust, *suci; /* instead */
    const char *auth;                   /* answer to AUTHENTICATE */
    uint16_t auth_sw;
    unsigned commands, break_at; /* the card goes at this command */
    uint8_t p2;                  /* of the last AUTHENTICATE */
    uint8_t sent[64];
    size_t sent_n;
};

static const char *contents(const struct card *k, const struct file *f)
{
    return f->fid == 0x6F07 && k->imsi   ? k->imsi
           : f->fid == 0x6FAD && k->ad   ? k->ad
           : f->fid == 0x6F38 && k->ust  ? k->ust
           : f->fid == 0x4F07 && k->suci ? k->suci
                                         : f->hex;
}

static const struct file *find(uint16_t df, uint16_t fid)
{
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i].parent == df && files[i].fid == fid)
            return &files[i];
    return NULL;
}

static uint16_t bytes(const char *hex, uint8_t *out, size_t cap, size_t *n)
{
    assert_int_equal(hex_decode(hex, strlen(hex), out, cap, n), ERR_OK);
    return 0x9000;
}

static uint16_t fcp(const struct card *k, const struct file *f, uint8_t *out, size_t *n)
{
    size_t len = f ? strlen(contents(k, f)) / 2 : 0;
    uint8_t *p = out + 2;

    if (f && f->record) {
        memcpy(p, (uint8_t[]){ 0x82, 5, 0x42, 0x21, 0, f->record, (uint8_t)(len / f->record) }, 7);
        p += 7;
    } else if (f) {
        memcpy(p, (uint8_t[]){ 0x82, 2, 0x41, 0x21, 0x80, 2, (uint8_t)(len >> 8), (uint8_t)len }, 8);
        p += 8;
    } else if (!k->no_pin_template) {
        memcpy(p,
               (uint8_t[]){ 0x82, 2, 0x78, 0x21, 0xC6, 9, 0x90, 1, k->pin ? 0xC0 : 0x40, 0x83, 1, 1, 0x83, 1,
                            0x81 },
               15);
        p += 15;
    }
    out[0] = 0x62;
    out[1] = (uint8_t)(p - out - 2);
    *n = (size_t)(p - out);
    return 0x9000;
}

static uint16_t do_select(struct card *k, const uint8_t *c, size_t n, uint8_t *out, size_t *out_n)
{
    static const uint8_t aid[] = { 0xA0, 0, 0, 0, 0x87, 0x10, 0x02 };
    uint16_t fid = (uint16_t)(c[5] << 8 | c[6]);
    const struct file *f;

    if (c[2] == 4) {
        if (c[4] < 7 || memcmp(c + 5, aid, 7))
            return 0x6A82;
        k->df = ADF;
        return fcp(k, NULL, out, out_n);
    }
    assert_true(n >= 7);
    if (fid == 0x3F00 || (fid == 0x5FC0 && k->df == ADF)) {
        k->df = fid;
        return fcp(k, NULL, out, out_n);
    }
    f = find(k->df, fid);
    if (!f || (fid == 0x2F00 && k->no_dir))
        return 0x6A82;
    k->ef = fid;
    return fcp(k, f, out, out_n);
}

static uint16_t do_read(struct card *k, const uint8_t *c, uint8_t *out, size_t *out_n)
{
    const struct file *f = find(k->df, k->ef);
    uint8_t all[300];
    size_t n, at = c[1] == 0xB2 ? (size_t)(c[2] - 1) * f->record : (size_t)(c[2] << 8 | c[3]);
    size_t want = c[4] ? c[4] : 256;

    if (k->pin && !k->verified && k->df != 0x3F00)
        return 0x6982;
    bytes(contents(k, f), all, sizeof all, &n);
    if (c[1] == 0xB2 && want != f->record)
        return (uint16_t)(0x6C00 | f->record);
    if (at > n)
        return 0x6B00;
    if (want > n - at && c[1] == 0xB0)
        return (uint16_t)(0x6C00 | (n - at));
    memcpy(out, all + at, want);
    *out_n = want;
    return 0x9000;
}

static uint16_t do_verify(struct card *k, const uint8_t *c)
{
    k->verifies += c[4] != 0;
    if (k->verified && c[4] == 0)
        return 0x9000;
    if (k->tries == 0)
        return 0x6983;
    if (c[4] == 8 && memcmp(c + 5, "1234\xff\xff\xff\xff", 8) == 0) {
        k->verified = true;
        k->tries = 3;
        return 0x9000;
    }
    k->tries -= c[4] == 8;
    return (uint16_t)(0x63C0 | k->tries);
}

static uint16_t command(struct card *k, const uint8_t *c, size_t n, uint8_t *out, size_t *out_n)
{
    switch (c[1]) {
    case 0xA4:
        return do_select(k, c, n, out, out_n);
    case 0xB0:
    case 0xB2:
        return do_read(k, c, out, out_n);
    case 0x20:
        return do_verify(k, c);
    case 0x88:
        k->p2 = c[3];
        k->sent_n = n;
        memcpy(k->sent, c, n);
        if (k->df != ADF || (k->pin && !k->verified))
            return 0x6982;
        if (k->no_gsm && c[3] == 0x80)
            return 0x9864;
        if (k->auth)
            bytes(k->auth, out, 256, out_n);
        return k->auth_sw ? k->auth_sw : 0x9000;
    default:
        return 0x6D00;
    }
}

static err transmit(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n)
{
    struct card *k = ctx;
    uint8_t answer[256] = { 0 };
    size_t len = 0;
    bool data = cmd.n > 5;
    uint16_t sw;

    if (++k->commands == k->break_at)
        k->gone = true;
    if (k->gone)
        return ERR_IO;
    assert_true(cmd.n >= 5 && cmd.p[0] == 0 && cap >= 258);
    if (cmd.p[1] == 0xC0) {
        sw = cmd.p[4] == k->out_n ? 0x9000 : (uint16_t)(0x6C00 | k->out_n);
        if (sw == 0x9000) {
            memcpy(answer, k->out, len = k->out_n);
            k->out_n = 0;
        }
    } else {
        assert_int_equal(cmd.n, data ? 5u + cmd.p[4] + (k->t1 && cmd.p[1] != 0x20) : 5);
        sw = command(k, cmd.p, cmd.n, answer, &len);
        if (!k->t1 && data && len) { /* T=0 brings data only by GET RESPONSE */
            memcpy(k->out, answer, k->out_n = len);
            sw = (uint16_t)(0x6100 | len);
            len = 0;
        }
    }
    memcpy(out, answer, len);
    out[len] = (uint8_t)(sw >> 8);
    out[len + 1] = (uint8_t)sw;
    *n = len + 2;
    return ERR_OK;
}

static struct uicc_link link_of(struct card *k)
{
    return (struct uicc_link){ .transmit = transmit, .ctx = k, .t1 = k->t1 };
}

static enum uicc_result start(struct uicc_card *c, struct card *k, const char *pin)
{
    const struct uicc_link l = link_of(k);
    enum uicc_result r = uicc_card_open(c, &l);

    if (!r)
        r = uicc_card_pin(c, pin);
    return r ? r : uicc_card_identity(c, 0);
}

/* ---- the way through ---- */

static void test_read(void **state)
{
    for (int t1 = 0; t1 < 2; t1++) {
        struct card k = { .t1 = t1, .tries = 3 };
        struct uicc_card c;

        assert_int_equal(start(&c, &k, NULL), UICC_OK);
        assert_string_equal(c.id.imsi, "001010000000001");
        assert_string_equal(c.id.iccid, "89011001000000000100");
        assert_int_equal(c.id.mnc_len, 2);
        assert_int_equal(c.aid_len, 16);
        assert_int_equal(c.id.suci.scheme, USIM_SUCI_B);
        assert_int_equal(c.id.suci.key_id, 27);
        assert_int_equal(c.id.suci.key[1], 0x72);
        assert_string_equal(c.id.suci.routing, "71");
        assert_int_equal(k.df, ADF); /* AUTHENTICATE belongs to the application */
        assert_int_equal(k.verifies, 0);
    }
}

static void test_without(void **state)
{
    struct uicc_card c;
    struct card k = { .tries = 3, .no_dir = true, .ad = "000000", .ust = "00000000000000000000000000000018" };
    const struct uicc_link l = link_of(&k);

    assert_int_equal(start(&c, &k, NULL), UICC_NO_MNC);
    assert_int_equal(uicc_card_identity(&c, 3), UICC_OK);
    assert_int_equal(c.id.mnc_len, 3);
    assert_int_equal(c.aid_len, 7);                     /* the beginning of the name found it */
    assert_int_equal(c.id.suci.scheme, USIM_SUCI_NONE); /* service 125: the card would do it */

    k.ust = "00000000000000000000000000000000";
    assert_int_equal(start(&c, &k, NULL), UICC_NO_MNC);
    k.ad = "00000003";
    assert_int_equal(start(&c, &k, NULL), UICC_OK);
    assert_int_equal(c.id.mnc_len, 3);
    assert_int_equal(c.id.suci.scheme, USIM_SUCI_NONE);
    k.imsi = "0809101000000000f0"; /* 14 digits that claim to be odd */
    assert_int_equal(start(&c, &k, NULL), UICC_BAD);
    k.imsi = "0801101000000000f0";
    assert_int_equal(start(&c, &k, NULL), UICC_OK);
    assert_string_equal(c.id.imsi, "00101000000000");
    (void)l;
}

/* Wherever the card is pulled, that is what is found out. */
static void test_pulled(void **state)
{
    struct card whole = { .tries = 3, .pin = true };
    struct uicc_card c;

    assert_int_equal(start(&c, &whole, "1234"), UICC_OK);
    for (unsigned at = 1; at <= whole.commands; at++) {
        struct card k = { .tries = 3, .pin = true, .break_at = at };
        assert_int_equal(start(&c, &k, "1234"), UICC_GONE);
        assert_true(k.verifies <= 1);
    }
}

/* ---- PIN ---- */

static void test_pin(void **state)
{
    struct uicc_card c;
    struct card k = { .tries = 3, .pin = true };

    assert_int_equal(start(&c, &k, NULL), UICC_PIN_WANTED);
    assert_int_equal(c.tries, 3);
    assert_int_equal(k.verifies, 0);
    assert_int_equal(start(&c, &k, "12x4"), UICC_PIN_WANTED); /* not even sent */
    assert_int_equal(k.verifies, 0);
    assert_int_equal(start(&c, &k, "4321"), UICC_PIN_WRONG);
    assert_int_equal(c.tries, 2);
    assert_int_equal(start(&c, &k, "4321"), UICC_PIN_WRONG);
    assert_int_equal(c.tries, 1);
    assert_int_equal(k.verifies, 2);
    assert_int_equal(start(&c, &k, "1234"),
                     UICC_PIN_LAST); /* the last one is never taken, not even with the right PIN */
    assert_int_equal(k.verifies, 2);
    assert_int_equal(k.tries, 1);
    k.tries = 0;
    assert_int_equal(start(&c, &k, "1234"), UICC_PIN_BLOCKED);
    assert_int_equal(k.verifies, 2);
    k.tries = 2;
    assert_int_equal(start(&c, &k, "1234"), UICC_OK);
    assert_int_equal(start(&c, &k, NULL), UICC_OK); /* verified still: no PIN is needed */
    assert_int_equal(k.verifies, 3);
}

/* Whatever it answers to the PIN, it gets it once. */
static err odd_verify(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n)
{
    static const uint8_t odd[] = { 0x6C, 0x0D };
    struct card *k = ctx;

    if (cmd.p[1] != 0x20 || cmd.p[4] == 0)
        return transmit(ctx, cmd, out, cap, n);
    k->verifies++;
    memcpy(out, odd, sizeof odd);
    *n = sizeof odd;
    return ERR_OK;
}

static void test_pin_once(void **state)
{
    struct uicc_card c;
    struct card k = { .tries = 3, .pin = true };
    const struct uicc_link l = { .transmit = odd_verify, .ctx = &k };

    assert_int_equal(uicc_card_open(&c, &l), UICC_OK);
    assert_int_equal(uicc_card_pin(&c, "1234"), UICC_BAD);
    assert_int_equal(k.verifies, 1);
}

/* An application that does not say in its FCP that it has a PIN: the file says so. */
static void test_pin_hidden(void **state)
{
    struct uicc_card c;
    struct card k = { .tries = 3, .pin = true, .no_pin_template = true };

    assert_int_equal(start(&c, &k, "1234"), UICC_PIN_WANTED);
    assert_int_equal(uicc_card_pin(&c, "1234"), UICC_OK);
    assert_int_equal(uicc_card_identity(&c, 0), UICC_OK);
    assert_int_equal(k.verifies, 1);
}

/* ---- AUTHENTICATE ---- */

#define CK "10000102030405060708090a0b0c0d0e0f"
#define IK "10101112131415161718191a1b1c1d1e1f"

static void auth(struct uicc_card *c, struct usim_auth *out)
{
    uint8_t rand[16], autn[16];

    memset(rand, 0xAA, sizeof rand);
    memset(autn, 0xBB, sizeof autn);
    uicc_card_auth(c, rand, autn, out);
}

static void test_auth(void **state)
{
    static const struct {
        const char *answer;
        uint16_t sw;
        enum usim_verdict verdict;
    } rows[] = {
        { "db0811223344556677"
          "88" CK IK,
          0, USIM_AUTHENTICATED },
        { "db0811223344556677"
          "88" CK IK "080102030405060708",
          0, USIM_AUTHENTICATED }, /* and Kc */
        { "db10000102030405060708090a0b0c0d0e0f" CK IK, 0, USIM_AUTHENTICATED },
        { "db0411223344" CK IK, 0, USIM_AUTHENTICATED },
        { "dc0e0102030405060708090a0b0c0d0e", 0, USIM_SYNC_FAILURE },
        { NULL, 0x9862, USIM_MAC_FAILURE },
        { NULL, 0x9864, USIM_UNUSABLE },
        { NULL, 0x6985, USIM_UNUSABLE },
        { NULL, 0x6F00, USIM_UNUSABLE },
        { NULL, 0, USIM_UNUSABLE }, /* 90 00 and nothing */
        { "db03112233" CK IK, 0, USIM_UNUSABLE },
        { "db11000102030405060708090a0b0c0d0e0f10" CK IK, 0, USIM_UNUSABLE },
        { "db081122334455667788"
          "0f000102030405060708090a0b0c0d0e" IK,
          0, USIM_UNUSABLE },
        { "db081122334455667788" CK "11101112131415161718191a1b1c1d1e1f20", 0, USIM_UNUSABLE },
        { "db081122334455667788" CK "10101112", 0, USIM_UNUSABLE },
        { "db081122334455667788" CK IK "0801020304050607", 0, USIM_UNUSABLE },
        { "db081122334455667788" CK IK "08010203040506070809", 0, USIM_UNUSABLE },
        { "dc0d0102030405060708090a0b0c0d", 0, USIM_UNUSABLE },
        { "dc0e0102030405060708090a0b0c0d", 0, USIM_UNUSABLE },
        { "dc0e0102030405060708090a0b0c0d0e0f", 0, USIM_UNUSABLE },
        { "da081122334455667788" CK IK, 0, USIM_UNUSABLE },
    };

    for (int t1 = 0; t1 < 2; t1++)
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            struct card k = { .t1 = t1, .tries = 3, .auth = rows[i].answer, .auth_sw = rows[i].sw };
            struct usim_auth a;
            struct uicc_card c;

            assert_int_equal(start(&c, &k, NULL), UICC_OK);
            auth(&c, &a);
            if (a.verdict != rows[i].verdict)
                print_error("row %zu\n", i);
            assert_int_equal(a.verdict, rows[i].verdict);
            assert_int_equal(k.p2, 0x81);
            assert_int_equal(k.sent[4], 34);
            assert_int_equal(k.sent[5], 16);
            assert_int_equal(k.sent[6], 0xAA);
            assert_int_equal(k.sent[22], 16);
            assert_int_equal(k.sent[23], 0xBB);
            if (a.verdict == USIM_AUTHENTICATED) {
                assert_int_equal(a.ck[15], 0x0f);
                assert_int_equal(a.ik[0], 0x10);
            } else if (a.verdict == USIM_SYNC_FAILURE) {
                assert_int_equal(a.auts[13], 0x0e);
            }
            for (size_t j = 0; j < sizeof c.data; j++) /* nothing of it stays */
                assert_int_equal(c.data[j], 0);
        }
}

static void test_gsm(void **state)
{
    static const struct {
        const char *answer;
        uint16_t sw;
        err e;
    } rows[] = {
        { "04010203040811223344"
          "55667788",
          0, ERR_OK },
        { NULL, 0x9864, ERR_REFUSED },
        { NULL, 0x6982, ERR_REFUSED },
        { NULL, 0x6F00, ERR_IO }, /* a passing fault is no refusal: the level of the store hangs on it */
        { NULL, 0x9862, ERR_IO },
        { "0401020304081122334455667788"
          "00",
          0, ERR_MALFORMED },
        { "0301020308112233445566"
          "7788",
          0, ERR_MALFORMED },
        { "040102030407112233445566"
          "77",
          0, ERR_MALFORMED },
        { NULL, 0, ERR_MALFORMED },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct card k = { .t1 = i % 2, .tries = 3, .auth = rows[i].answer, .auth_sw = rows[i].sw };
        uint8_t rand[16] = { 7 }, sres[4] = { 0 }, kc[8] = { 0 };
        struct uicc_card c;

        assert_int_equal(start(&c, &k, NULL), UICC_OK);
        assert_int_equal(uicc_card_gsm(&c, rand, sres, kc), rows[i].e);
        assert_int_equal(k.p2, 0x80);
        assert_int_equal(k.sent[4], 17);
        assert_int_equal(sres[0], rows[i].e ? 0 : 1);
        assert_int_equal(kc[7], rows[i].e ? 0 : 0x88);
        k.gone = true;
        assert_int_equal(uicc_card_gsm(&c, rand, sres, kc), ERR_IO);
    }
}

/* ---- parts ---- */

static struct span from(const char *hex, uint8_t buf[600])
{
    size_t n = 0;
    assert_int_equal(hex_decode(hex, strlen(hex), buf, 600, &n), ERR_OK);
    return span_of(buf, n);
}

static void test_fcp(void **state)
{
    uint8_t b[600];
    struct uicc_fcp f;

    /* One of a card in the field: PIN1 off, the others on. */
    assert_int_equal(uicc_fcp_parse(from("62198202782183027fffc60f90017083010183018183010a83010b", b), &f),
                     ERR_OK);
    assert_true(f.pin_known && !f.pin_enabled && f.pin_ref == 1);
    assert_int_equal(uicc_fcp_parse(from("620bc6099001c0830101830181", b), &f), ERR_OK);
    assert_true(f.pin_known && f.pin_enabled && f.pin_ref == 1);
    /* The universal PIN in place of PIN1, with its usage qualifier; without one it is not used. */
    assert_int_equal(uicc_fcp_parse(from("620ec60c90014083010195010883"
                                         "0111",
                                         b),
                                    &f),
                     ERR_OK);
    assert_true(f.pin_enabled && f.pin_ref == 0x11);
    assert_int_equal(uicc_fcp_parse(from("620ec60c90014083010195010083"
                                         "0111",
                                         b),
                                    &f),
                     ERR_OK);
    assert_true(!f.pin_enabled);
    assert_int_equal(uicc_fcp_parse(from("620782054221001902", b), &f), ERR_OK);
    assert_true(f.record_len == 0x19 && f.records == 2);
    assert_int_equal(uicc_fcp_parse(from("62048002ffff", b), &f), ERR_OK);
    assert_int_equal(f.size, 0xffff);
    static const char *const bad[] = { "",           "62",           "6205800200",          "6f048002000a",
                                       "620380020a", "62808002000a", "6284000000008002000a" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(uicc_fcp_parse(from(bad[i], b), &f), ERR_MALFORMED);
}

static void test_texts(void **state)
{
    uint8_t b[600];
    char imsi[IMSI_MAX + 1], iccid[USIM_ICCID_MAX + 1], routing[USIM_ROUTING_MAX + 1];
    uint8_t mnc;

    assert_int_equal(uicc_imsi_parse(from("083911000000002143", b), imsi), ERR_OK);
    assert_string_equal(imsi, "311000000001234"); /* 310/011 style, three digits of MNC */
    static const char *const bad[] = { "",
                                       "08",
                                       "00",
                                       "0809101000000000",
                                       "090910100000000010",
                                       "08091010000000001a",
                                       "080810100000000010",
                                       "08011010000000001f",
                                       "0309f0ff",
                                       "0809f010000000001f" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(uicc_imsi_parse(from(bad[i], b), imsi), ERR_MALFORMED);
    assert_int_equal(uicc_iccid_parse(from("981001100000000010f0", b), iccid), ERR_OK);
    assert_string_equal(iccid, "8901100100000000010");
    assert_int_equal(uicc_iccid_parse(from("ffffffffffffffffffff", b), iccid), ERR_MALFORMED);
    assert_int_equal(uicc_iccid_parse(from("98a00110000000001000", b), iccid), ERR_MALFORMED);
    assert_int_equal(uicc_ad_mnc_len(from("00000003", b), &mnc), ERR_OK);
    assert_int_equal(mnc, 3);
    assert_int_equal(uicc_ad_mnc_len(from("00000004", b), &mnc), ERR_NOT_FOUND);
    assert_int_equal(uicc_ad_mnc_len(from("000000", b), &mnc), ERR_NOT_FOUND);
    assert_int_equal(uicc_routing_parse(from("ffffffff", b), routing), ERR_OK);
    assert_string_equal(routing, "0");
    assert_int_equal(uicc_routing_parse(from("2143ffff", b), routing), ERR_OK);
    assert_string_equal(routing, "1234");
    assert_int_equal(uicc_routing_parse(from("2a43ffff", b), routing), ERR_MALFORMED);
    assert_int_equal(uicc_routing_parse(from("21", b), routing), ERR_MALFORMED);
    assert_true(uicc_ust_has(from("00000000000000000000000000000008", b), 124));
    assert_false(uicc_ust_has(from("00000000000000000000000000000008", b), 125));
    assert_false(uicc_ust_has(from("ff", b), 9));
    assert_false(uicc_ust_has(from("ff", b), 0));
    assert_true(uicc_pin_valid("1234") && uicc_pin_valid("12345678"));
    assert_false(uicc_pin_valid("123") || uicc_pin_valid("123456789") || uicc_pin_valid("12 4") ||
                 uicc_pin_valid(""));
}

#define KEY_A "5a8d38864820197c3394b92613b20b91633cbd897119273bf8e4a6f4eec0a650"
#define KEY_B "0272da71976234ce833a6907425867b82e074d44ef907dfb4b3e21c1c2256ebcd1"

static void test_suci(void **state)
{
    uint8_t b[600];
    struct usim_suci s;

    /* TS 31.121 s4.9.4, keys of TS 33.501 Annex C.4 */
    assert_int_equal(uicc_suci_parse(from("a006020101020000a14b80011b8121" KEY_B "80011e8120" KEY_A, b), &s),
                     ERR_OK);
    assert_true(s.scheme == USIM_SUCI_B && s.key_id == 27 && s.key_len == 33);
    assert_int_equal(uicc_suci_parse(from("a006010202010000a14b80011b8121" KEY_B "80011e8120" KEY_A, b), &s),
                     ERR_OK);
    assert_true(s.scheme == USIM_SUCI_A && s.key_id == 30 && s.key_len == 32 && s.key[0] == 0x5a);
    /* First its scheme of no concealment, then a key that is not there, then one of another length: none of them is used. */
    assert_int_equal(uicc_suci_parse(from("a00800000103"
                                          "01010102a14b80011b8121" KEY_B "80011e8120" KEY_A,
                                          b),
                                     &s),
                     ERR_OK);
    assert_true(s.scheme == USIM_SUCI_A && s.key_id == 30);
    assert_int_equal(uicc_suci_parse(from("a0020000", b), &s), ERR_NOT_FOUND);
    assert_int_equal(uicc_suci_parse(from("a0020101", b), &s), ERR_NOT_FOUND);
    assert_int_equal(uicc_suci_parse(from("a0020100a12580011e8120" KEY_A, b), &s), ERR_NOT_FOUND);
    assert_int_equal(uicc_suci_parse(from("ffffffff", b), &s), ERR_NOT_FOUND);
    static const char *const bad[] = { "a00101",
                                       "a0020101a1",
                                       "a0020101a12480011e8120" KEY_A,
                                       "a0020101a1228120" KEY_A,
                                       "a0020101a103"
                                       "80011e",
                                       "a0020101a106"
                                       "80011e80011e",
                                       "a0830102" };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(uicc_suci_parse(from(bad[i], b), &s), ERR_MALFORMED);
}

/* ---- cards that never come to an end ---- */

static err babble(void *ctx, struct span cmd, uint8_t *out, size_t cap, size_t *n)
{
    const uint16_t *sw = ctx;

    memset(out, 0x55, cap);
    *n = cmd.p[1] == 0xC0 ? cap : 2;
    out[*n - 2] = (uint8_t)(*sw >> 8);
    out[*n - 1] = (uint8_t)*sw;
    return ERR_OK;
}

static void test_babble(void **state)
{
    static const uint16_t sws[] = { 0x6100, 0x6C00, 0x6110, 0x9000 };

    for (size_t i = 0; i < sizeof sws / sizeof sws[0]; i++) {
        uint16_t sw = sws[i];
        const struct uicc_link l = { .transmit = babble, .ctx = &sw };
        struct uicc_card c;
        assert_int_equal(uicc_card_open(&c, &l), UICC_BAD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),  cmocka_unit_test(test_without),    cmocka_unit_test(test_pulled),
        cmocka_unit_test(test_pin),   cmocka_unit_test(test_pin_hidden), cmocka_unit_test(test_pin_once),
        cmocka_unit_test(test_auth),  cmocka_unit_test(test_gsm),        cmocka_unit_test(test_fcp),
        cmocka_unit_test(test_texts), cmocka_unit_test(test_suci),       cmocka_unit_test(test_babble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
