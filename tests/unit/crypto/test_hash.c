/* SPDX-License-Identifier: Apache-2.0
 * Hashes, HMAC, HKDF, the generator of FIPS 186-2, and the memory of secrets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <threads.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/crypto/cipher.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/crypto/sha1_block.h"
#include "tests/unit/crypto/hexed.h"

/* FIPS 180-4's example message; RFC 1321 A.5 for MD5. */
static void hash_abc(void **st)
{
    uint8_t out[HASH_LEN_MAX];
    assert_int_equal(hash_once(HASH_SHA1, span_str("abc"), out), ERR_OK);
    assert_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(hash_once(HASH_SHA256, span_str("abc"), out), ERR_OK);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(hash_once(HASH_SHA384, span_str("abc"), out), ERR_OK);
    assert_hex(
        out,
        "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
    assert_int_equal(hash_once(HASH_SHA512, span_str("abc"), out), ERR_OK);
    assert_hex(
        out,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f");
    assert_int_equal(hash_once(HASH_MD5, span_str("abc"), out), ERR_OK);
    assert_hex(out, "900150983cd24fb0d6963f7d28e17f72");
    struct span parts[] = { span_str("a"), span_of(NULL, 0), span_str("bc") };
    assert_int_equal(hash_spans(HASH_SHA1, parts, 3, out), ERR_OK);
    assert_hex(out, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(hash_spans(HASH_SHA256, NULL, 0, out), ERR_OK);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_int_equal(hash_once(HASH_NONE, span_str("abc"), out), ERR_UNSUPPORTED);
    assert_int_equal(hash_len(HASH_NONE), 0);
    assert_int_equal(hash_len((enum hash_alg)99), 0);
    assert_string_equal(hash_name(HASH_SHA384), "SHA-384");
}

/* RFC 4231 s4.2, 4.3, 4.7; RFC 2202 s2, s3 case 2. */
static void hmac_vectors(void **st)
{
    uint8_t out[HASH_LEN_MAX], long_key[131];
    struct span key = H("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
    assert_int_equal(hmac_once(HASH_SHA256, key, span_str("Hi There"), out), ERR_OK);
    assert_hex(out, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    assert_int_equal(hmac_once(HASH_SHA384, key, span_str("Hi There"), out), ERR_OK);
    assert_hex(
        out,
        "afd03944d84895626b0825f4ab46907f15f9dadbe4101ec682aa034c7cebc59cfaea9ea9076ede7f4af152e8b2fa9cb6");
    struct span parts[] = { span_str("what do ya "), span_str("want for nothing?") };
    assert_int_equal(hmac_spans(HASH_SHA256, span_str("Jefe"), parts, 2, out), ERR_OK);
    assert_hex(out, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    assert_int_equal(hmac_spans(HASH_SHA1, span_str("Jefe"), parts, 2, out), ERR_OK);
    assert_hex(out, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    assert_int_equal(hmac_spans(HASH_MD5, span_str("Jefe"), parts, 2, out), ERR_OK);
    assert_hex(out, "750c783e6ab0b503eaa86e310a5db738");
    memset(long_key, 0xaa, sizeof long_key);
    assert_int_equal(hmac_once(HASH_SHA256, span_of(long_key, sizeof long_key),
                               span_str("Test Using Larger Than Block-Size Key - Hash Key First"), out),
                     ERR_OK);
    assert_hex(out, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_int_equal(hmac_once(HASH_SHA256, span_of(NULL, 0), span_of(NULL, 0), out), ERR_OK);
    assert_hex(out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
    assert_int_equal(hmac_once(HASH_NONE, key, key, out), ERR_UNSUPPORTED);
}

static void count_from(uint8_t *p, uint8_t first, size_t n)
{
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(first + i);
}

/* NIST's examples for SP 800-185: cSHAKE samples 1 and 2, KMAC sample 1; SHAKE128 of "abc" as Python's hashlib has it; a long S as computed
 * by a Keccak in Python that gives the samples too. */
static void cshake_and_kmac_samples(void **st)
{
    uint8_t out[HASH_LEN_MAX], x[200], s[129], key[32];
    struct span whole, parts[2];
    count_from(x, 0, sizeof x);
    count_from(s, 0, sizeof s);
    count_from(key, 0x40, sizeof key);
    whole = span_of(x, 4);
    assert_int_equal(cshake128(span_str("Email Signature"), &whole, 1, out, 32), ERR_OK);
    assert_hex(out, "c1c36925b6409a04f1b504fcbca9d82b4017277cb5ed2b2065fc1d3814d5aaf5");
    parts[0] = span_of(x, 17);
    parts[1] = span_of(x + 17, 183);
    assert_int_equal(cshake128(span_str("Email Signature"), parts, 2, out, 32), ERR_OK);
    assert_hex(out, "c5221d50e4f822d96a2e8881a961420f294b7b24fe3d2094baed2c6524cc166b");
    assert_int_equal(cshake128(span_of(s, 64), &whole, 1, out, 12), ERR_OK);
    assert_hex(out, "64ce02399de69152bca23ef2");
    assert_int_equal(cshake128(span_of(s, sizeof s), &whole, 1, out, 12), ERR_RANGE);
    assert_int_equal(hash_once(HASH_CSHAKE128, span_str("abc"), out), ERR_OK);
    assert_hex(out, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8");
    struct span abc = span_str("abc");
    assert_int_equal(cshake128(span_of(NULL, 0), &abc, 1, out, 32), ERR_OK);
    assert_hex(out, "5881092dd818bf5cf8a3ddb793fbcba74097d5c526a6d35f97b83351940f2cc8");
    assert_int_equal(hmac_once(HASH_CSHAKE128, span_of(key, 32), whole, out), ERR_OK);
    assert_hex(out, "e5780b0d3ea6f7d3a429c5706aa43a00fadbd7d49628839e3187243f456ee14e");
    assert_int_equal(hash_len(HASH_CSHAKE128), 32);
}

/* HKDF's steps with KMAC128 for HMAC, computed by the same Keccak in Python. */
static void hkdf_with_kmac(void **st)
{
    uint8_t prk[HASH_LEN_MAX], okm[80], ikm[32], salt[64], info[32];
    count_from(ikm, 0, sizeof ikm);
    count_from(salt, 0x80, sizeof salt);
    count_from(info, 0xe0, sizeof info);
    assert_int_equal(hkdf_extract(HASH_CSHAKE128, span_of(salt, 64), span_of(ikm, 32), prk), ERR_OK);
    assert_hex(prk, "65d67acb63b0d0d2b77985c4a4c80acaf37ba98c07797b98ceec6d1318180227");
    assert_int_equal(hkdf_expand(HASH_CSHAKE128, span_of(prk, 32), span_of(info, 32), okm, 80), ERR_OK);
    assert_hex(
        okm,
        "2d94846ff17e81b4aa0e05844b6ab1d7b931b8ecb1a0ac066465294f0dc4d03288aa4ee7621beb62b713699c922e1b0e"
        "ac32d64b52cdda969cd50b26f5df70ef6c22859368aa5c168dc0da39ca59a44d");
    assert_int_equal(hkdf_extract(HASH_CSHAKE128, span_of(NULL, 0), span_of(ikm, 32), prk), ERR_OK);
    assert_hex(prk, "d8a7ceb58a2b4fed0f186bcc60ebdfe6942fa41db04ea237fa9c13186f4a7221");
}

static void reusable(enum hash_alg h)
{
    uint8_t a[32], b[32], c[32];
    struct span one = span_str("one"), two = span_str("two");
    struct mac *m = mac_new(h, span_str("a key"));
    assert_non_null(m);
    assert_int_equal(mac_spans(m, &one, 1, a), ERR_OK);
    assert_int_equal(mac_spans(m, &two, 1, b), ERR_OK);
    assert_int_equal(mac_spans(m, &one, 1, c), ERR_OK);
    assert_memory_equal(a, c, 32);
    assert_memory_not_equal(a, b, 32);
    assert_int_equal(hmac_once(h, span_str("a key"), two, c), ERR_OK);
    assert_memory_equal(b, c, 32);
    mac_free(m);
}

static void keyed_context_is_reusable(void **st)
{
    reusable(HASH_SHA256);
    reusable(HASH_CSHAKE128);
    mac_free(NULL);
    assert_null(mac_new(HASH_NONE, span_str("key")));
}

/* RFC 5869 appendix A, cases 1 to 4. */
static void hkdf_vectors(void **st)
{
    static const struct {
        enum hash_alg a;
        const char *ikm, *salt, *info, *prk, *okm;
    } v[] = {
        { HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c",
          "f0f1f2f3f4f5f6f7f8f9", "077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5",
          "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865" },
        { HASH_SHA256,
          "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f30"
          "3132333435363738393a3b3c3d3e3f404142434445464748494a4b4c4d4e4f",
          "606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f808182838485868788898a8b8c8d8e8f90"
          "9192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7a8a9aaabacadaeaf",
          "b0b1b2b3b4b5b6b7b8b9babbbcbdbebfc0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedfe0"
          "e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
          "06a6b88c5853361a06104c9ceb35b45cef760014904671014a193f40c15fc244",
          "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da"
          "3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87" },
        { HASH_SHA256, "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b", "", "",
          "19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04",
          "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8" },
        { HASH_SHA1, "0b0b0b0b0b0b0b0b0b0b0b", "000102030405060708090a0b0c", "f0f1f2f3f4f5f6f7f8f9",
          "9b6c18c432a7bf8f0e71c8eb88f4b30baa2ba243",
          "085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896" },
    };
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        uint8_t prk[HASH_LEN_MAX], okm[128];
        struct span want = H(v[i].okm);
        assert_int_equal(hkdf_extract(v[i].a, H(v[i].salt), H(v[i].ikm), prk), ERR_OK);
        assert_hex(prk, v[i].prk);
        assert_int_equal(hkdf_expand(v[i].a, span_of(prk, hash_len(v[i].a)), H(v[i].info), okm, want.n),
                         ERR_OK);
        assert_memory_equal(okm, want.p, want.n);
    }
}

static void hkdf_limits(void **st)
{
    uint8_t *out = malloc(255 * 32 + 1);
    struct span prk = span_str("0123456789abcdef0123456789abcdef");
    assert_int_equal(hkdf_expand(HASH_SHA256, prk, span_str("x"), out, 255 * 32), ERR_OK);
    assert_int_equal(hkdf_expand(HASH_SHA256, prk, span_str("x"), out, 255 * 32 + 1), ERR_RANGE);
    assert_int_equal(hkdf_expand(HASH_NONE, prk, span_str("x"), out, 1), ERR_UNSUPPORTED);
    assert_int_equal(hkdf_expand(HASH_SHA256, prk, span_str("x"), out, 0), ERR_OK);
    free(out);
}

static void sha1_block_is_sha1(void **st)
{
    uint8_t block[64] = { 'a', 'b', 'c', 0x80, [63] = 24 };
    uint32_t s[5];
    memcpy(s, sha1_initial, sizeof s);
    sha1_block(s, block);
    assert_true(s[0] == 0xa9993e36 && s[1] == 0x4706816a && s[2] == 0xba3e2571 && s[3] == 0x7850c26c &&
                s[4] == 0x9cd0d89d);
}

/* RFC 4186 A.5, and the example that NIST published with the change notice. */
static void fips186_vectors(void **st)
{
    uint8_t out[160];
    assert_int_equal(fips186_prf(H("e576d5ca332e9930018bf1baee2763c795b3c712").p, out, 160), ERR_OK);
    assert_hex(
        out,
        "536e5ebc4465582aa6a8ec9986ebb62025af1942efcbf4bc72b3943421f2a97439d45aeaf4e30601983e972b6cfd46d1"
        "c363773365690d09cd44976b525f47d3a60a985e955c53b090b2e4b73719196a402542968fd14a888f46b9a7886e4488"
        "5949eab0fff69d52315c6c634fd14a7f0d52023d56f79698fa6596abeed4f93fbb48eb534d985414ceed0d9a8ed33c38"
        "7c9dfdab92ffbdf240fcecf65a2c93b9");
    assert_int_equal(fips186_prf(H("bd029bbe7f51960bcf9edb2b61f06f0feb5a38b6").p, out, 40), ERR_OK);
    assert_hex(out, "2070b3223dba372fde1c0ffc7b2e3b498b2606143c6c18bacb0f6c55babb13788e20d737a3275116");
    out[7] = 0x77;
    assert_int_equal(fips186_prf(H("bd029bbe7f51960bcf9edb2b61f06f0feb5a38b6").p, out, 7), ERR_OK);
    assert_int_equal(out[7], 0x77);
}

/* Contexts are kept by the thread: whatever went through them before, each answer is that of a fresh one. */
static void one_behind_the_other(void **st)
{
    static const enum hash_alg algs[] = { HASH_SHA1,   HASH_SHA256, HASH_SHA384,
                                          HASH_SHA512, HASH_MD5,    HASH_CSHAKE128 };
    uint8_t long_key[200], first[6][2][HASH_LEN_MAX] = { 0 }, now[HASH_LEN_MAX] = { 0 };
    memset(long_key, 0x6b, sizeof long_key);
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 6; i++) {
            enum hash_alg a = algs[i];
            size_t n = hash_len(a);
            assert_int_equal(hash_once(a, span_of(long_key, 150), now), ERR_OK);
            if (round == 0)
                memcpy(first[i][0], now, n);
            assert_memory_equal(now, first[i][0], n);
            assert_int_equal(hmac_once(a, span_of(long_key, sizeof long_key), span_str("x"), now), ERR_OK);
            if (round == 0)
                memcpy(first[i][1], now, n);
            assert_memory_equal(now, first[i][1], n);
            struct mac *m = mac_new(
                a, span_of(long_key, sizeof long_key)); /* a context of its own, used again and again */
            const struct span in = span_str("x");
            assert_non_null(m);
            for (int k = 0; k < 2; k++) {
                assert_int_equal(mac_spans(m, &in, 1, now), ERR_OK);
                assert_memory_equal(now, first[i][1], n);
            }
            mac_free(m);
        }
}

/* Two ways to one digest: every length around the blocks, in one piece and in three. */
static void plain_is_the_same(void **st)
{
    static const enum hash_alg algs[] = { HASH_SHA1,   HASH_SHA256, HASH_SHA384,
                                          HASH_SHA512, HASH_MD5,    HASH_CSHAKE128 };
    uint8_t in[400], want[HASH_LEN_MAX] = { 0 }, got[HASH_LEN_MAX] = { 0 };
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)(i * 7);
    for (size_t a = 0; a < 6; a++)
        for (size_t n = 0; n <= sizeof in; n++) {
            const struct span whole = span_of(in, n), parts[] = { span_of(in, n / 3), span_of(in, 0),
                                                                  span_of(in + n / 3, n - n / 3) };
            assert_int_equal(hash_spans(algs[a], &whole, 1, want), ERR_OK);
            assert_int_equal(hash_plain(algs[a], &whole, 1, got), ERR_OK);
            assert_memory_equal(got, want, hash_len(algs[a]));
            assert_int_equal(hash_plain(algs[a], parts, 3, got), ERR_OK);
            assert_memory_equal(got, want, hash_len(algs[a]));
        }
    assert_int_equal(hash_plain(HASH_NONE, NULL, 0, got), ERR_UNSUPPORTED);
}

/* HKDF in pieces is HKDF. */
static void hkdf_in_pieces(void **st)
{
    static const enum hash_alg algs[] = { HASH_SHA256, HASH_SHA384, HASH_CSHAKE128 };
    uint8_t prk[HASH_LEN_MAX] = { 7 }, whole[255 * 48], pieces[255 * 48];
    for (size_t i = 0; i < 3; i++) {
        size_t n = hash_len(algs[i]);
        struct hkdf_state t = { 0 };
        struct span key = span_of(prk, n), info = span_str("info");
        assert_int_equal(hkdf_expand(algs[i], key, info, whole, 255 * n), ERR_OK);
        assert_int_equal(hkdf_more(algs[i], key, info, &t, pieces, 1), ERR_OK);
        assert_int_equal(hkdf_more(algs[i], key, info, &t, pieces + n, 0), ERR_OK);
        assert_int_equal(hkdf_more(algs[i], key, info, &t, pieces + n, 200), ERR_OK);
        assert_int_equal(hkdf_more(algs[i], key, info, &t, pieces + 201 * n, 54), ERR_OK);
        assert_memory_equal(pieces, whole, 255 * n);
        assert_int_equal(hkdf_more(algs[i], key, info, &t, pieces, 1), ERR_RANGE);
    }
}

static int hash_on_a_thread(void *out)
{
    return hmac_once(HASH_SHA384, span_str("key"), span_str("text"), out) == ERR_OK &&
           hash_once(HASH_SHA256, span_str("text"), out) == ERR_OK;
}

/* A thread's contexts go with it: the sanitizer finds what does not. */
static void on_threads(void **st)
{
    uint8_t here[HASH_LEN_MAX], there[4][HASH_LEN_MAX];
    thrd_t t[4];
    int good;
    assert_true(hash_on_a_thread(here));
    for (int i = 0; i < 4; i++)
        assert_int_equal(thrd_create(&t[i], hash_on_a_thread, there[i]), thrd_success);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(thrd_join(t[i], &good), thrd_success);
        assert_true(good);
        assert_memory_equal(there[i], here, hash_len(HASH_SHA256));
    }
}

/* Of every size, many at a time, in any order: zeroed, aligned, apart from each other, locked, and zeroed again when they come back. */
static void many_secrets(void **st)
{
    enum { N = 300 };
    static uint8_t *p[N];
    size_t size[N];
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < N; i++) {
            size[i] = (i * 37 + (size_t)round) % 2500;
            p[i] = sec_alloc(size[i]);
            assert_non_null(p[i]);
            assert_int_equal((uintptr_t)p[i] % 16, 0);
            for (size_t k = 0; k < size[i]; k++)
                assert_int_equal(p[i][k], 0);
            memset(p[i], (int)(i & 0xff) | 1, size[i]);
        }
        for (size_t i = 0; i < N; i++) {
            size_t at = (i * 7) % N;
            for (size_t k = 0; k < size[at]; k++)
                assert_int_equal(p[at][k], (at & 0xff) | 1);
            sec_free(p[at]);
        }
    }
}

/* In a child: what does not end well must end. */
static bool aborts(void (*fn)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)freopen("/dev/null", "w", stderr);
        fn();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static void free_twice(void)
{
    uint8_t *p = sec_alloc(100);
    sec_free(p);
    sec_free(p);
}

static void write_before(void)
{
    volatile uint8_t *p = sec_alloc(100);
    p[-1] ^= 1;
    sec_free((void *)p);
}

static void write_behind(void)
{
    uint8_t *p[2000]; /* some two of them are neighbours */
    for (int i = 0; i < 2000; i++) {
        p[i] = sec_alloc(128);
        ((volatile uint8_t *)p[i])[128 + 15] ^= 1;
    }
    for (int i = 0; i < 2000; i++)
        sec_free(p[i]);
}

static void broken_secrets(void **st)
{
    assert_true(aborts(free_twice));
    assert_true(aborts(write_before));
    assert_true(aborts(write_behind));
}

static void secrets(void **st)
{
    uint8_t *p = sec_alloc(100);
    assert_non_null(p);
    for (int i = 0; i < 100; i++)
        assert_int_equal(p[i], 0);
    memset(p, 1, 100);
    sec_wipe(p, 99);
    assert_int_equal(p[98], 0);
    assert_int_equal(p[99], 1);
    sec_free(p);
    sec_free(NULL);
    p = sec_alloc(0);
    assert_non_null(p);
    sec_free(p);
    assert_true(sec_equal("abc", "abc", 3));
    assert_false(sec_equal("abc", "abd", 3));
    assert_true(sec_equal("abc", "abd", 2));
    assert_true(sec_equal("", "", 0));
    assert_int_equal(crypto_init(), ERR_OK); /* a second time does nothing */
}

static int setup(void **st)
{
    return crypto_init() != ERR_OK;
}

int main(void)
{
    const struct CMUnitTest t[] = {
        cmocka_unit_test(hash_abc),
        cmocka_unit_test(hmac_vectors),
        cmocka_unit_test(cshake_and_kmac_samples),
        cmocka_unit_test(hkdf_with_kmac),
        cmocka_unit_test(keyed_context_is_reusable),
        cmocka_unit_test(hkdf_vectors),
        cmocka_unit_test(hkdf_limits),
        cmocka_unit_test(sha1_block_is_sha1),
        cmocka_unit_test(fips186_vectors),
        cmocka_unit_test(secrets),
        cmocka_unit_test(many_secrets),
        cmocka_unit_test(broken_secrets),
        cmocka_unit_test(one_behind_the_other),
        cmocka_unit_test(plain_is_the_same),
        cmocka_unit_test(hkdf_in_pieces),
        cmocka_unit_test(on_threads),
    };
    return cmocka_run_group_tests(t, setup, NULL);
}
