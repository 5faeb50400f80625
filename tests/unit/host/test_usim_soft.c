/* SPDX-License-Identifier: Apache-2.0
 * The software USIM: its file, its sequence numbers on disk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "aka/sqn.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "host/usim_soft.h"

#define K   "465b5ce8b199b49faa5f0a2ee238a6bc"
#define OPC "cd63cb71954a9f4e48a5994e37a02baf"

struct box {
    char dir[64], card[96], sqn[104], why[RT_FILE_WHY_MAX];
};

static void put(const char *path, const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static struct box box_new(const char *text)
{
    struct box b = { .dir = "/tmp/hipfa-usim-XXXXXX" };
    assert_non_null(mkdtemp(b.dir));
    snprintf(b.card, sizeof b.card, "%s/card", b.dir);
    snprintf(b.sqn, sizeof b.sqn, "%s.sqn", b.card);
    put(b.card, text, 0600);
    return b;
}

static void box_done(struct box *b)
{
    unlink(b->sqn);
    unlink(b->card);
    assert_int_equal(rmdir(b->dir), 0);
}

static struct aka_vector vector(uint64_t seq)
{
    static const uint8_t rand[16] = { 1, 2, 3 }, amf[2] = { 0x80, 0 };
    struct aka_cred c = { .alg = AKA_ALG_MILENAGE };
    struct aka_vector v;
    size_t n;
    assert_int_equal(hex_decode(K, 32, c.k, 16, &n), ERR_OK);
    assert_int_equal(hex_decode(OPC, 32, c.opc, 16, &n), ERR_OK);
    assert_int_equal(aka_vector_make(&c, sqn_make(seq, 1), amf, rand, &v), ERR_OK);
    return v;
}

static enum usim_verdict ask(struct usim *u, const struct aka_vector *v)
{
    struct usim_auth a;
    u->ops->authenticate(u->ctx, v->rand, v->autn, &a);
    if (a.verdict == USIM_AUTHENTICATED) {
        assert_int_equal(a.res_len, v->res_len);
        assert_memory_equal(a.res, v->res, v->res_len);
        assert_memory_equal(a.ck, v->ck, sizeof a.ck);
        assert_memory_equal(a.ik, v->ik, sizeof a.ik);
    } else {
        static const uint8_t zero[16];
        assert_memory_equal(a.res, zero, 16); /* nothing leaks with a refusal */
        assert_memory_equal(a.ck, zero, 16);
    }
    return a.verdict;
}

static const char good[] = "---\n# a card\nimsi: \"001010000000001\"  # Matti's\nmnc_length: 2\n"
                           "iccid: '8900101000000000100'\nk: " K "\nopc: " OPC "\n\n";

static void test_card(void **state)
{
    struct box b = box_new(good);
    struct usim_soft *s;
    struct usim u;
    struct usim_identity id;
    uint8_t sres[4], kc[8], rand[16] = { 9 };
    char said[USIM_WHY_MAX] = "";

    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
    assert_int_equal(u.ops->identity(u.ctx, &id, said), ERR_OK);
    assert_string_equal(id.imsi, "001010000000001");
    assert_string_equal(id.iccid, "8900101000000000100");
    assert_int_equal(id.mnc_len, 2);
    assert_int_equal(u.ops->gsm(u.ctx, rand, sres, kc), ERR_OK);
    usim_soft_close(s);
    usim_soft_close(NULL);
    box_done(&b);
}

#define TOP  "5555555555555555555555555555555555555555555555555555555555555555"
#define TOPC "bd04d9530e87513c5d837ac2ad954623a8e2330c115305a73eb45d1f40cccbff"
#define K1   "abababababababababababababababab"

/* Test set 1 of TS 35.233: TOPc given or made of TOP answers alike, and as the set says. */
static void test_tuak(void **state)
{
    static const char *const texts[] = {
        "imsi: 001010000000001\nalgorithm: tuak\nk: " K1 "\ntopc: " TOPC "\nres_length: 4\n",
        "imsi: 001010000000001\ntop: " TOP "\nk: " K1 "\niterations: 1\nres_length: 4\nalgorithm: tuak\n",
    };
    struct aka_cred c = { .alg = AKA_ALG_TUAK, .tuak = TUAK_SHAPE_DEFAULT };
    static const uint8_t rand[16] = { 1, 2, 3 }, amf[2] = { 0x80, 0 };
    struct aka_vector v;
    size_t n;
    c.tuak.res_len = 4;
    assert_int_equal(hex_decode(K1, 32, c.k, 16, &n), ERR_OK);
    assert_int_equal(hex_decode(TOPC, 64, c.topc, 32, &n), ERR_OK);
    assert_int_equal(aka_vector_make(&c, sqn_make(5, 1), amf, rand, &v), ERR_OK);
    for (size_t i = 0; i < 2; i++) {
        struct box b = box_new(texts[i]);
        struct usim_soft *s;
        struct usim u;
        uint8_t sres[4], kc[8];
        assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
        assert_int_equal(ask(&u, &v), USIM_AUTHENTICATED);
        assert_int_equal(ask(&u, &v), USIM_SYNC_FAILURE);
        assert_int_equal(u.ops->gsm(u.ctx, rand, sres, kc), ERR_OK);
        usim_soft_close(s);
        box_done(&b);
    }
}

static void test_numbers_survive(void **state)
{
    struct box b = box_new(good);
    struct aka_vector v5 = vector(5), v6 = vector(6);
    struct usim_soft *s;
    struct usim u;
    struct stat st;

    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
    assert_int_equal(ask(&u, &v5), USIM_AUTHENTICATED);
    assert_int_equal(stat(b.sqn, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(ask(&u, &v5), USIM_SYNC_FAILURE);
    usim_soft_close(s);

    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
    assert_int_equal(ask(&u, &v5), USIM_SYNC_FAILURE);
    assert_int_equal(ask(&u, &v6), USIM_AUTHENTICATED);
    v6.autn[15] ^= 1;
    assert_int_equal(ask(&u, &v6), USIM_MAC_FAILURE);
    usim_soft_close(s);
    box_done(&b);
}

/* The SQN write taken out: this fails. */
static void test_no_answer_without_disk(void **state)
{
    char text[512];
    struct box b = box_new("");
    struct aka_vector v = vector(5);
    struct usim_soft *s;
    struct usim u;

    snprintf(text, sizeof text, "%ssqn_file: %s/none/card.sqn\n", good, b.dir);
    put(b.card, text, 0600);
    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
    assert_int_equal(ask(&u, &v), USIM_UNUSABLE);
    usim_soft_close(s);
    box_done(&b);
}

static void test_bad_numbers(void **state)
{
    static const char *const bad[] = { "", "usim-sqn 1\n", "usim-sqn 2\n0\n", "usim-sqn 1\n-1\n",
                                       "usim-sqn 1\n99999999999999999999999\n" };
    struct box b = box_new(good);
    struct usim_soft *s;
    struct usim u;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put(b.sqn, bad[i], 0600);
        assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_CONFIG);
        assert_non_null(strstr(b.why, "sequence numbers"));
    }
    box_done(&b);
}

static void test_readable_by_others(void **state)
{
    struct box b = box_new(good);
    struct usim_soft *s;
    struct usim u;

    assert_int_equal(chmod(b.card, 0640), 0);
    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_REFUSED);
    assert_non_null(strstr(b.why, b.card));
    unlink(b.card);
    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_NOT_FOUND);
    assert_int_equal(rmdir(b.dir), 0);
}

static void test_bad_cards(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        { "imsi: 00101000000000a\n", ":1: expected an IMSI" },
        { "imsi: \"001010000000001\"\nk: 465b\n", ":2: expected 32 hexadecimal digits" },
        { "imsi: \"001010000000001\nk: " K "\n", ":1: expected a closing quote" },
        { "imsi: 001010000000001\nk: " K "\n", "one of opc and op" },
        { "imsi: 001010000000001\nk: " K "\nopc: " OPC "\nop: " OPC "\n", "one of opc and op" },
        { "imsi: 001010000000001\nmnc_length: 4\n", ":2: expected 2 or 3" },
        { "pin: 1234\n", ":1: expected one of imsi" },
        { "imsi\n", ":1: expected key: value" },
        { "gsm: maybe\n", ":1: expected yes or no" },
        { "algorithm: comp128\n", ":1: expected milenage or tuak" },
        { "imsi: 001010000000001\nalgorithm: tuak\nk: " K "\nopc: " OPC "\n", "one of topc and top" },
        { "imsi: 001010000000001\nalgorithm: tuak\nk: " K "\ntop: " TOP "\ntopc: " TOPC "\n",
          "one of topc and top" },
        { "imsi: 001010000000001\nk: " K "\nopc: " OPC "\nres_length: 8\n", "for algorithm milenage" },
        { "imsi: 001010000000001\nk: " TOP "\nopc: " OPC "\n", "for algorithm milenage: k of 32 digits" },
        { "topc: " OPC "\n", ":1: expected 64 hexadecimal digits" },
        { "res_length: 32\n", ":1: expected 4, 8 or 16" },
        { "iterations: 0\n", ":1: expected a number from 1 to 255" },
        { "iterations: 256\n", ":1: expected a number from 1 to 255" },
    };
    struct usim_soft *s;
    struct usim u;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct box b = box_new(bad[i].text);
        assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_CONFIG);
        if (!strstr(b.why, bad[i].why))
            fail_msg("%s", b.why);
        assert_null(strstr(b.why, "465b5ce8")); /* no key in a message */
        box_done(&b);
    }
}

static void test_op_and_no_gsm(void **state)
{
    /* TS 35.208 test set 1: OP and OPc of this K */
    struct box b =
        box_new("imsi: 001010000000001\nk: " K "\nop: cdc202d5123e20f62b6d676ac72cb318\ngsm: no\n");
    struct aka_vector v = vector(1);
    uint8_t sres[4], kc[8], rand[16] = { 0 };
    struct usim_soft *s;
    struct usim u;

    assert_int_equal(usim_soft_open(b.card, &s, &u, b.why), ERR_OK);
    assert_int_equal(ask(&u, &v), USIM_AUTHENTICATED);
    assert_int_equal(u.ops->gsm(u.ctx, rand, sres, kc), ERR_REFUSED);
    usim_soft_close(s);
    box_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_card),
        cmocka_unit_test(test_tuak),
        cmocka_unit_test(test_numbers_survive),
        cmocka_unit_test(test_no_answer_without_disk),
        cmocka_unit_test(test_bad_numbers),
        cmocka_unit_test(test_readable_by_others),
        cmocka_unit_test(test_bad_cards),
        cmocka_unit_test(test_op_and_no_gsm),
    };
    if (crypto_init())
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
