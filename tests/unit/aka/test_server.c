/* SPDX-License-Identifier: Apache-2.0
 *
 * The EAP-AKA and AKA' server against a peer of the test's own, which says what each case wants it to say: both methods, identities, fast
 * re-authentication, protected results, AT_KDF, Nak. tests/unit/aka/test_conv.c has the server and our peer together.
 */
#include "tests/unit/aka/conv.h"

#include "aka/encr.h"

#define REALM "@wlan.mnc001.mcc001.3gppnetwork.org"

struct talk {
    struct aka_server *s;
    struct aka_server_action a;
    struct aka_cred cred;
    uint64_t sqn;
    bool barred;
    struct aka_who who; /* the answer to WHO */
    unsigned whos, vectors, statuses;
    enum aka_server_auc status;
    const char *pseudonym, *reauth; /* issued */
    /* the peer */
    const struct aka_method *method;
    const char *identity;
    struct aka_vector v;
    struct aka_keys keys;
    struct aka_msg m; /* the last request */
    uint8_t in[EAP_MAX], out[EAP_MAX];
    size_t out_n;
};

static struct aka_server_config conf(void)
{
    return (struct aka_server_config){ .env = &conv_env, .net_name = "WLAN", .ask_who = true };
}

static void open_with(struct talk *t, uint8_t method, struct aka_server_config c)
{
    *t = (struct talk){ .method = aka_method_of_type(method), .sqn = 32, .status = AKA_AUC_OK };
    if (!c.methods[0])
        c.methods[0] = method;
    memset(t->cred.k, 0x46, sizeof t->cred.k);
    memset(t->cred.opc, 0xcd, sizeof t->cred.opc);
    t->s = aka_server_new(&c);
    assert_non_null(t->s);
}

static void give_vector(struct talk *t)
{
    uint8_t rand[16];
    const uint8_t amf[2] = { t->a.want == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0, 0 };
    struct aka_vector v;
    if (t->a.want == AKA_WANT_STATUS) {
        t->statuses++;
        aka_server_vector(t->s, t->status, NULL, &t->a);
        return;
    }
    t->vectors++;
    t->sqn += 32;
    conv_random(NULL, rand, sizeof rand);
    assert_int_equal(aka_vector_make(&t->cred, t->sqn, amf, rand, &v), ERR_OK);
    aka_server_vector(t->s, t->barred ? AKA_AUC_BARRED : AKA_AUC_OK, &v, &t->a);
}

/* The server's owner; then what it sent is parsed. */
static void settle(struct talk *t)
{
    struct eap_pkt p;
    while (t->a.type == AKA_SERVER_WHO || t->a.type == AKA_SERVER_VECTOR) {
        aka_server_issue(t->s, span_str(t->pseudonym ? t->pseudonym : ""),
                         span_str(t->reauth ? t->reauth : ""));
        if (t->a.type == AKA_SERVER_WHO) {
            t->whos++;
            aka_server_who(t->s, &t->who, &t->a);
        } else {
            give_vector(t);
        }
    }
    t->m = (struct aka_msg){ 0 };
    if (t->a.type != AKA_SERVER_SEND)
        return;
    memcpy(t->in, t->a.octets.p, t->a.octets.n);
    assert_int_equal(eap_parse(span_of(t->in, t->a.octets.n), &p), ERR_OK);
    t->method = aka_method_of_type(p.type);
    assert_non_null(t->method);
    assert_int_equal(aka_msg_parse(&p, &t->m), AKA_R_OK);
}

static void put(struct talk *t)
{
    aka_server_input(t->s, span_of(t->out, t->out_n), &t->a);
    settle(t);
}

static void say_eap_identity(struct talk *t, const char *identity)
{
    t->identity = identity;
    t->out_n = eap_write(t->out, sizeof t->out, EAP_RESPONSE, 0, EAP_TYPE_IDENTITY, span_str(identity));
    put(t);
}

static struct aka_wr begin(struct talk *t, enum aka_subtype sub)
{
    return aka_wr_begin(t->out, sizeof t->out, EAP_RESPONSE, t->m.id, t->method->type, sub);
}

static void end(struct talk *t, struct aka_wr *w, struct span extra)
{
    assert_int_equal(aka_wr_end(w, &t->keys, extra, &t->out_n), ERR_OK);
    put(t);
}

static void say_identity(struct talk *t, const char *identity)
{
    t->identity = identity;
    struct aka_wr w = begin(t, AKA_SUB_IDENTITY);
    aka_wr_attr(&w, AKA_AT_IDENTITY, span_str(identity));
    end(t, &w, span_of(NULL, 0));
}

/* What the card says to the challenge, and the keys. */
static void derive(struct talk *t)
{
    uint64_t sqn;
    uint8_t ck[16], ik[16];
    assert_int_equal(t->m.subtype, AKA_SUB_CHALLENGE);
    assert_int_equal(
        aka_autn_open(&t->cred, t->m.value[AKA_AT_RAND].p, t->m.value[AKA_AT_AUTN].p, &sqn, &t->v), ERR_OK);
    if (t->method->type == EAP_TYPE_AKA) {
        assert_int_equal(aka_keys_plain(t->v.ck, t->v.ik, span_str(t->identity), &t->keys), ERR_OK);
    } else {
        assert_int_equal(aka_prime_ck_ik(t->v.ck, t->v.ik, t->m.value[AKA_AT_KDF_INPUT], t->v.autn, ck, ik),
                         ERR_OK);
        assert_int_equal(aka_keys_prime(ck, ik, span_str(t->identity), &t->keys), ERR_OK);
    }
    assert_int_equal(aka_msg_check_mac(&t->m, &t->keys, span_of(NULL, 0)), ERR_OK);
}

static void say_proof(struct talk *t, bool result_ind)
{
    derive(t);
    struct aka_wr w = begin(t, AKA_SUB_CHALLENGE);
    aka_wr_attr(&w, AKA_AT_RES, span_of(t->v.res, t->v.res_len));
    if (result_ind)
        aka_wr_u16(&w, AKA_AT_RESULT_IND, 0);
    aka_wr_mac(&w);
    end(t, &w, span_of(NULL, 0));
}

/* The answer to a Reauthentication, with these faults. */
struct fast {
    uint16_t counter; /* 0: the one that was asked for */
    bool too_small, no_counter, no_encr, no_nonce, bad_mac, result_ind;
};

static struct aka_msg open_request(struct talk *t, uint8_t plain[EAP_MAX])
{
    struct aka_msg in;
    assert_int_equal(aka_msg_check_mac(&t->m, &t->keys, span_of(NULL, 0)), ERR_OK);
    assert_int_equal(aka_encr_open(&t->m, &t->keys, plain, &in), AKA_R_OK);
    return in;
}

static void say_fast(struct talk *t, struct fast f)
{
    uint8_t plain[EAP_MAX], inner[64], iv[16] = { 9 }, nonce[16];
    struct aka_msg in = open_request(t, plain);
    assert_int_equal(t->m.subtype, AKA_SUB_REAUTH);
    memcpy(nonce, in.value[AKA_AT_NONCE_S].p, sizeof nonce);
    uint16_t counter = in.u16[AKA_AT_COUNTER];
    struct aka_wr w = begin(t, AKA_SUB_REAUTH), i = aka_encr_begin(inner, sizeof inner, t->method->type);
    if (!f.no_counter)
        aka_wr_u16(&i, AKA_AT_COUNTER, f.counter ? f.counter : counter);
    if (f.too_small || f.no_counter)
        aka_wr_u16(&i, AKA_AT_COUNTER_TOO_SMALL, 0);
    if (!f.no_encr)
        aka_wr_encr(&w, &i, &t->keys, iv);
    if (f.result_ind)
        aka_wr_u16(&w, AKA_AT_RESULT_IND, 0);
    aka_wr_mac(&w);
    struct span extra = span_of(nonce, f.no_nonce ? 0 : sizeof nonce);
    if (f.bad_mac) {
        assert_int_equal(aka_wr_end(&w, &t->keys, extra, &t->out_n), ERR_OK);
        t->out[t->out_n - 1] ^= 1;
        put(t);
    } else {
        end(t, &w, extra);
    }
    assert_int_equal(aka_keys_reauth(t->method->type, &t->keys, span_str(t->identity), counter, nonce),
                     ERR_OK);
}

static void expect_accept(struct talk *t)
{
    assert_int_equal(t->a.type, AKA_SERVER_ACCEPT);
    assert_memory_equal(aka_server_msk(t->s), t->keys.msk, 64);
    assert_string_equal(aka_server_imsi(t->s), CONV_IMSI);
}

static void expect_note(struct talk *t, uint16_t code, enum aka_reason why)
{
    assert_int_equal(t->a.type, AKA_SERVER_SEND);
    assert_int_equal(t->m.subtype, AKA_SUB_NOTIFICATION);
    assert_int_equal(t->m.u16[AKA_AT_NOTIFICATION], code);
    if (aka_server_reason(t->s) != why)
        fail_msg("%s, not %s", aka_reason_name(aka_server_reason(t->s)), aka_reason_name(why));
    assert_int_equal(t->m.has[AKA_AT_MAC], !(code & AKA_NOTE_P));
    if (t->m.has[AKA_AT_MAC])
        assert_int_equal(aka_msg_check_mac(&t->m, &t->keys, span_of(NULL, 0)), ERR_OK);
}

static void answer_note(struct talk *t)
{
    struct aka_wr w = begin(t, AKA_SUB_NOTIFICATION);
    end(t, &w, span_of(NULL, 0));
}

static void refused(struct talk *t, enum aka_reason why)
{
    expect_note(t, AKA_NOTE_FAIL_BEFORE, why);
    answer_note(t);
    assert_int_equal(t->a.type, AKA_SERVER_REJECT);
    assert_null(aka_server_msk(t->s));
    aka_server_free(t->s);
}

static const uint8_t both[] = { EAP_TYPE_AKA_PRIME, EAP_TYPE_AKA };

static const char *name_of(uint8_t method, char kind, char out[160])
{
    const struct aka_method *m = aka_method_of_type(method);
    if (kind == 'i')
        snprintf(out, 160, "%c%s%s", m->permanent, CONV_IMSI, REALM);
    else
        snprintf(out, 160, "%c1234567890%s", kind == 'p' ? m->pseudonym : m->reauth, REALM);
    return out;
}

/* ---- full authentication ---- */

static void test_full(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        struct talk t;
        open_with(&t, both[i], conf());
        say_eap_identity(&t, name_of(both[i], 'i', id));
        assert_int_equal(t.method->type, both[i]);
        assert_int_equal(t.m.n_kdf, both[i] == EAP_TYPE_AKA_PRIME);
        assert_int_equal(t.m.has[AKA_AT_KDF_INPUT], both[i] == EAP_TYPE_AKA_PRIME);
        assert_false(t.m.has[AKA_AT_ENCR_DATA] || t.m.has[AKA_AT_BIDDING] || t.m.has[AKA_AT_RESULT_IND]);
        assert_int_equal(aka_autn_separated(t.m.value[AKA_AT_AUTN].p), t.method->separated);
        say_proof(&t, true); /* AT_RESULT_IND that nobody offered */
        expect_accept(&t);
        assert_false(aka_server_was_reauth(t.s));
        aka_server_free(t.s);
    }
}

/* A vector of one method is of no use for the other, whatever the AuC says (RFC 9048 s3.5). */
static void test_vector_of_the_other(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        struct talk t;
        struct aka_vector v = { .res_len = 8 };
        open_with(&t, both[i], conf());
        t.out_n = eap_write(t.out, sizeof t.out, EAP_RESPONSE, 0, EAP_TYPE_IDENTITY,
                            span_str(name_of(both[i], 'i', id)));
        aka_server_input(t.s, span_of(t.out, t.out_n), &t.a);
        assert_int_equal(t.a.want, both[i] == EAP_TYPE_AKA ? AKA_WANT_PLAIN : AKA_WANT_SEPARATED);
        v.autn[6] = both[i] == EAP_TYPE_AKA ? AKA_AMF_SEP : 0;
        aka_server_vector(t.s, AKA_AUC_OK, &v, &t.a);
        settle(&t);
        refused(&t, AKA_R_SEPARATION);
    }
}

/* RFC 9048 s4: in every AKA challenge of a server that would do AKA'. */
static void test_bidding(void **state)
{
    char id[160];
    struct talk t;
    struct aka_server_config c = conf();
    c.methods[0] = EAP_TYPE_AKA;
    c.methods[1] = EAP_TYPE_AKA_PRIME;
    open_with(&t, EAP_TYPE_AKA, c);
    say_eap_identity(&t, name_of(EAP_TYPE_AKA, 'i', id));
    assert_int_equal(t.method->type, EAP_TYPE_AKA);
    assert_int_equal(t.m.u16[AKA_AT_BIDDING], AKA_BIDDING_PRIME);
    say_proof(&t, false);
    expect_accept(&t);
    aka_server_free(t.s);
}

/* Which method: the identity's first character, where it is allowed; Nak changes it once, before anything else was answered. */
static void test_method(void **state)
{
    static const struct {
        uint8_t methods[2];
        char lead;
        uint8_t first;
        uint8_t nak[2]; /* what the Nak wants */
        uint8_t then;   /* 0: the end */
    } rows[] = {
        { { 50, 23 }, '6', 50, { 23 }, 23 },     { { 50, 23 }, '0', 23, { 50 }, 50 },
        { { 50, 23 }, '6', 50, { 25, 23 }, 23 }, { { 50, 23 }, '6', 50, { 25 }, 0 },
        { { 50, 23 }, '6', 50, { 50 }, 0 },      { { 50 }, '0', 50, { 23 }, 0 },
        { { 23 }, '6', 23, { 50 }, 0 },          { { 23, 50 }, 'x', 23, { 50 }, 50 },
        { { 50, 23 }, '6', 50, { 0 }, 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[160];
        struct talk t;
        struct aka_server_config c = conf();
        memcpy(c.methods, rows[i].methods, sizeof c.methods);
        open_with(&t, rows[i].first, c);
        snprintf(id, sizeof id, "%c%s%s", rows[i].lead, CONV_IMSI, REALM);
        say_eap_identity(&t, id);
        if (t.method->type != rows[i].first)
            fail_msg("row %zu: method %u", i, t.method->type);
        t.out_n = eap_write(t.out, sizeof t.out, EAP_RESPONSE, t.m.id, EAP_TYPE_NAK,
                            span_of(rows[i].nak, rows[i].nak[1] ? 2 : 1));
        put(&t);
        if (!rows[i].then) {
            assert_int_equal(t.a.type, AKA_SERVER_REJECT);
            assert_int_equal(t.a.reason, AKA_R_NAK);
        } else {
            assert_int_equal(t.method->type, rows[i].then);
            if (rows[i].lead == 'x') { /* asked anew who it is, by the other method */
                assert_true(t.m.has[AKA_AT_ANY_ID_REQ]);
                say_identity(&t, CONV_NAI);
            }
            say_proof(&t, false);
            expect_accept(&t);
        }
        aka_server_free(t.s);
    }
}

/* RFC 3748 s5.3.1: once the peer has answered in a method, and a second time, Nak ends it. */
static void test_late_nak(void **state)
{
    struct talk t;
    struct aka_server_config c = conf();
    memcpy(c.methods, both, sizeof both);
    c.ask_identity = true;
    open_with(&t, EAP_TYPE_AKA_PRIME, c);
    say_eap_identity(&t, CONV_NAI);
    say_identity(&t, CONV_NAI);
    const uint8_t nak[] = { EAP_RESPONSE, t.m.id, 0, 6, EAP_TYPE_NAK, EAP_TYPE_AKA };
    aka_server_input(t.s, span_of(nak, sizeof nak), &t.a);
    assert_int_equal(t.a.reason, AKA_R_NAK);
    aka_server_free(t.s);
    open_with(&t, EAP_TYPE_AKA_PRIME, c);
    say_eap_identity(&t, CONV_NAI);
    for (uint8_t i = 0; i < 2; i++) {
        const uint8_t n[] = {
            EAP_RESPONSE, t.m.id, 0, 6, EAP_TYPE_NAK, i ? EAP_TYPE_AKA_PRIME : EAP_TYPE_AKA
        };
        memcpy(t.out, n, sizeof n);
        t.out_n = sizeof n;
        put(&t);
    }
    assert_int_equal(t.a.type, AKA_SERVER_REJECT);
    aka_server_free(t.s);
}

/* ---- identities ---- */

/* What is asked for, and that it is never the same or less again (RFC 4187 s4.1.4). */
static void test_requests(void **state)
{
    static const struct {
        bool ask_who, ask_identity;
        const char *said[4];
        char asked[4]; /* a f p, or v: a vector was got, x: refused */
    } rows[] = {
        { true, false, { CONV_NAI }, "v" },
        { true, false, { "7old" REALM, CONV_NAI }, "pv" },
        { true, false, { "8old" REALM, CONV_NAI }, "fv" },
        { true, false, { "8old" REALM, "7old" REALM, CONV_NAI }, "fpv" },
        { true, false, { "8old" REALM, "8old" REALM, "8old" REALM }, "fpx" },
        { true, false, { "anonymous" REALM, "8old" REALM, "7old" REALM, CONV_NAI }, "afpv" },
        { true,
          false,
          { "anonymous" REALM, "anonymous" REALM, "anonymous" REALM, "anonymous" REALM },
          "afpx" },
        { true, false, { "7old" REALM, "7old" REALM }, "px" },
        { true, false, { "8old" REALM, "8old" REALM, "7known" REALM }, "fpx" },
        { true, true, { CONV_NAI, CONV_NAI }, "av" },
        { false, false, { "8old" REALM, CONV_NAI }, "pv" },
        { false, false, { "anonymous" REALM, "anonymous" REALM }, "px" },
        { false, true, { CONV_NAI, CONV_NAI }, "pv" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk t;
        struct aka_server_config c = conf();
        char seen[8] = "";
        c.ask_who = rows[i].ask_who;
        c.ask_identity = rows[i].ask_identity;
        open_with(&t, EAP_TYPE_AKA_PRIME, c);
        for (size_t k = 0; k < 4 && rows[i].said[k]; k++) {
            t.who = (struct aka_who){ .kind = rows[i].said[k][1] == 'k' ? AKA_WHO_IMSI : AKA_WHO_UNKNOWN,
                                      .imsi = CONV_IMSI };
            if (k == 0)
                say_eap_identity(&t, rows[i].said[k]);
            else
                say_identity(&t, rows[i].said[k]);
            seen[k] = t.m.subtype == AKA_SUB_CHALLENGE   ? 'v'
                      : t.m.has[AKA_AT_ANY_ID_REQ]       ? 'a'
                      : t.m.has[AKA_AT_FULLAUTH_ID_REQ]  ? 'f'
                      : t.m.has[AKA_AT_PERMANENT_ID_REQ] ? 'p'
                                                         : 'x';
        }
        if (strncmp(seen, rows[i].asked, 4) != 0)
            fail_msg("row %zu: %s", i, seen);
        if (t.m.subtype == AKA_SUB_CHALLENGE) {
            say_proof(&t, false);
            expect_accept(&t);
        } else {
            assert_int_equal(aka_server_reason(t.s), AKA_R_IDENTITY);
        }
        aka_server_free(t.s);
    }
}

/* A pseudonym that the owner knows; what is issued comes encrypted; the identity in the key derivation is the string as sent. */
static void test_pseudonym(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        uint8_t plain[EAP_MAX];
        struct talk t;
        open_with(&t, both[i], conf());
        t.who = (struct aka_who){ .kind = AKA_WHO_IMSI, .imsi = CONV_IMSI };
        t.pseudonym = "7next";
        t.reauth = "8next" REALM;
        say_eap_identity(&t, name_of(both[i], 'p', id));
        assert_int_equal(t.whos, 1);
        derive(&t);
        struct aka_msg in = open_request(&t, plain);
        assert_true(span_eq(in.value[AKA_AT_NEXT_PSEUDONYM], span_str("7next")));
        assert_true(span_eq(in.value[AKA_AT_NEXT_REAUTH_ID], span_str("8next" REALM)));
        assert_false(in.has[AKA_AT_COUNTER] || in.has[AKA_AT_NONCE_S]);
        assert_null(memmem(t.in, t.m.whole.n, "next", 4)); /* RFC 4187 s10.10, s10.11 MUST be encrypted */
        say_proof(&t, false);
        expect_accept(&t);
        aka_server_free(t.s);
    }
}

/* ---- fast re-authentication ---- */

/* A conversation that begins with it; the keys of an earlier one are known to both. */
static void open_fast(struct talk *t, struct aka_reauth *r, uint8_t method, struct aka_server_config c,
                      char id[160])
{
    open_with(t, method, c);
    *r = (struct aka_reauth){ .method = method, .counter = 3, .imsi = CONV_IMSI, .net_name = "WLAN" };
    r->keys.k_aut_len = t->method->k_aut_len;
    memset(r->keys.k_aut, 1, sizeof r->keys.k_aut);
    memset(r->keys.k_encr, 2, sizeof r->keys.k_encr);
    memset(r->keys.k_re, 3, sizeof r->keys.k_re);
    memset(r->keys.mk, 4, sizeof r->keys.mk);
    t->keys = r->keys;
    t->who = (struct aka_who){ .kind = AKA_WHO_REAUTH, .reauth = r };
    t->reauth = "8next" REALM;
    t->pseudonym = "7next";
    name_of(method, 'r', id);
}

static void test_fast(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        uint8_t plain[EAP_MAX];
        struct talk t;
        struct aka_reauth r, next;
        struct span identity;
        open_fast(&t, &r, both[i], conf(), id);
        say_eap_identity(&t, id);
        struct aka_msg in = open_request(&t, plain);
        assert_int_equal(in.u16[AKA_AT_COUNTER], 3);
        assert_int_equal(in.value[AKA_AT_NONCE_S].n, 16);
        assert_true(span_eq(in.value[AKA_AT_NEXT_REAUTH_ID], span_str("8next" REALM)));
        assert_false(in.has[AKA_AT_NEXT_PSEUDONYM]); /* RFC 4187 s10.1 */
        assert_false(aka_server_reauth(t.s, &next, &identity));
        say_fast(&t, (struct fast){ 0 });
        expect_accept(&t);
        assert_true(aka_server_was_reauth(t.s));
        assert_int_equal(t.vectors, 0);
        assert_int_equal(t.statuses, 1);
        assert_true(aka_server_reauth(t.s, &next, &identity));
        assert_true(span_eq(identity, span_str("8next" REALM)));
        assert_int_equal(next.counter, 4);
        assert_memory_equal(next.keys.k_aut, r.keys.k_aut, sizeof r.keys.k_aut);
        assert_memory_equal(next.keys.k_re, r.keys.k_re, sizeof r.keys.k_re);
        assert_memory_equal(next.keys.mk, r.keys.mk, sizeof r.keys.mk);
        static const uint8_t none[64];
        assert_memory_equal(next.keys.msk, none, 64);
        aka_server_free(t.s);
    }
}

/* Used up: the counter of 16 bits has no next value, so there is nothing to go on with. */
static void test_fast_last(void **state)
{
    char id[160];
    struct talk t;
    struct aka_reauth r, next;
    struct span identity;
    open_fast(&t, &r, EAP_TYPE_AKA_PRIME, conf(), id);
    r.counter = UINT16_MAX;
    say_eap_identity(&t, id);
    say_fast(&t, (struct fast){ 0 });
    expect_accept(&t);
    assert_false(aka_server_reauth(t.s, &next, &identity));
    aka_server_free(t.s);
}

static void test_fast_lies(void **state)
{
    static const struct {
        struct fast f;
        enum aka_reason why;
    } rows[] = {
        { { .bad_mac = true }, AKA_R_MAC },
        { { .no_nonce = true }, AKA_R_MAC },
        { { .counter = 4 }, AKA_R_COUNTER },
        { { .counter = 4, .too_small = true }, AKA_R_COUNTER },
        { { .no_counter = true }, AKA_R_MISSING_ATTR },
        { { .no_encr = true }, AKA_R_MISSING_ATTR },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[160];
        struct talk t;
        struct aka_reauth r;
        open_fast(&t, &r, both[i % 2], conf(), id);
        say_eap_identity(&t, id);
        say_fast(&t, rows[i].f);
        assert_int_equal(t.statuses, 0);
        refused(&t, rows[i].why);
    }
}

/* RFC 4187 s5.5: full authentication under the same identity; a new name is good for what comes after it alone. */
static void test_counter_too_small(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        struct talk t;
        struct aka_reauth r, next;
        struct span identity;
        open_fast(&t, &r, both[i], conf(), id);
        say_eap_identity(&t, id);
        say_fast(&t, (struct fast){ .too_small = true });
        assert_int_equal(t.vectors, 1);
        say_proof(&t, false);
        expect_accept(&t);
        assert_false(aka_server_was_reauth(t.s));
        assert_true(aka_server_reauth(t.s, &next, &identity));
        assert_int_equal(next.counter, 1);
        aka_server_free(t.s);
    }
}

/* Where it does not go on: another method, another network name (RFC 9048 s3.3), a name that was asked for full authentication. */
static void test_fast_not_here(void **state)
{
    for (int how = 0; how < 3; how++) {
        char id[160];
        struct talk t;
        struct aka_reauth r;
        open_fast(&t, &r, EAP_TYPE_AKA_PRIME, conf(), id);
        if (how == 0)
            r.method = EAP_TYPE_AKA;
        if (how == 1)
            r.net_name[0] = 'X';
        if (how == 2)
            t.who.kind = AKA_WHO_UNKNOWN;
        say_eap_identity(&t, id);
        assert_true(t.m.has[AKA_AT_FULLAUTH_ID_REQ]);
        t.who.kind = AKA_WHO_REAUTH;
        r.net_name[0] = 'W';
        r.method = EAP_TYPE_AKA_PRIME;
        say_identity(&t, id);
        assert_true(t.m.has[AKA_AT_PERMANENT_ID_REQ]);
        say_identity(&t, CONV_NAI);
        say_proof(&t, false);
        expect_accept(&t);
        aka_server_free(t.s);
    }
}

/* Gone or barred meanwhile; or nobody knows. */
static void test_fast_status(void **state)
{
    static const struct {
        enum aka_server_auc status;
        uint16_t note;
        enum aka_reason why;
    } rows[] = {
        { AKA_AUC_BARRED, AKA_NOTE_NOT_SUBSCRIBED, AKA_R_SUBSCRIBER },
        { AKA_AUC_UNKNOWN, AKA_NOTE_NOT_SUBSCRIBED, AKA_R_SUBSCRIBER },
        { AKA_AUC_UNAVAILABLE, AKA_NOTE_FAIL_AFTER, AKA_R_UNAVAILABLE },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char id[160];
        uint8_t plain[EAP_MAX];
        struct talk t;
        struct aka_reauth r;
        open_fast(&t, &r, both[i % 2], conf(), id);
        t.status = rows[i].status;
        say_eap_identity(&t, id);
        say_fast(&t, (struct fast){ 0 });
        expect_note(&t, rows[i].note, rows[i].why);
        struct aka_msg in = open_request(&t, plain); /* RFC 4187 s9.10 */
        assert_int_equal(in.u16[AKA_AT_COUNTER], 3);
        assert_false(in.has[AKA_AT_NONCE_S] || in.has[AKA_AT_NEXT_REAUTH_ID]);
        answer_note(&t);
        assert_int_equal(t.a.type, AKA_SERVER_REJECT);
        assert_null(aka_server_msk(t.s));
        aka_server_free(t.s);
    }
}

/* ---- results and notifications ---- */

/* RFC 4187 s6.2: both want it, or there is none; what the peer says to it does not matter, unless it is an error. */
static void test_result_ind(void **state)
{
    for (int row = 0; row < 16; row++) {
        bool offered = row & 1, wanted = row & 2, fast = row & 4, error = row & 8;
        char id[160];
        struct talk t;
        struct aka_reauth r;
        struct aka_server_config c = conf();
        c.result_ind = offered;
        open_fast(&t, &r, EAP_TYPE_AKA_PRIME, c, id);
        say_eap_identity(&t, fast ? id : CONV_NAI);
        assert_int_equal(t.m.has[AKA_AT_RESULT_IND], offered);
        if (fast)
            say_fast(&t, (struct fast){ .result_ind = wanted });
        else
            say_proof(&t, wanted);
        if (!offered || !wanted) {
            expect_accept(&t);
            aka_server_free(t.s);
            continue;
        }
        expect_note(&t, AKA_NOTE_OK, AKA_R_OK);
        assert_null(aka_server_msk(t.s));
        struct aka_wr w = begin(&t, error ? AKA_SUB_CLIENT_ERROR : AKA_SUB_NOTIFICATION);
        aka_wr_u16(&w, AKA_AT_CLIENT_ERROR_CODE,
                   0); /* in a notification it has no business, and does no harm */
        end(&t, &w, span_of(NULL, 0));
        if (error) {
            assert_int_equal(t.a.type, AKA_SERVER_REJECT);
            assert_null(aka_server_msk(t.s));
        } else {
            expect_accept(&t);
        }
        aka_server_free(t.s);
    }
}

/* A barred subscriber hears it after its card has proven itself, and nobody else does. */
static void test_barred(void **state)
{
    for (size_t i = 0; i < 2; i++) {
        char id[160];
        struct talk t;
        open_with(&t, both[i], conf());
        t.barred = true;
        say_eap_identity(&t, name_of(both[i], 'i', id));
        say_proof(&t, true);
        expect_note(&t, AKA_NOTE_NOT_SUBSCRIBED, AKA_R_SUBSCRIBER);
        answer_note(&t);
        assert_int_equal(t.a.type, AKA_SERVER_REJECT);
        assert_int_equal(t.a.reason, AKA_R_SUBSCRIBER);
        aka_server_free(t.s);
        open_with(&t, both[i], conf());
        t.barred = true;
        say_eap_identity(&t, name_of(both[i], 'i', id));
        t.cred.k[0] ^= 1; /* somebody else's card */
        struct aka_wr w = begin(&t, AKA_SUB_REJECT);
        end(&t, &w, span_of(NULL, 0));
        assert_int_equal(t.a.reason, AKA_R_REJECTED);
        aka_server_free(t.s);
    }
}

/* ---- AT_KDF (RFC 9048 s3.2) ---- */

static void say_kdf(struct talk *t, const uint16_t *kdf, size_t n, bool res)
{
    static const uint8_t some[8];
    struct aka_wr w = begin(t, AKA_SUB_CHALLENGE);
    for (size_t i = 0; i < n; i++)
        aka_wr_u16(&w, AKA_AT_KDF, kdf[i]);
    if (res)
        aka_wr_attr(&w, AKA_AT_RES, span_of(some, sizeof some));
    end(t, &w, span_of(NULL, 0));
}

static void test_kdf(void **state)
{
    static const struct {
        uint16_t offer[3];
        uint16_t want[2];
        uint8_t n;
        bool res, good;
    } rows[] = {
        { { 9, 1 }, { 1 }, 1, false, true },     { { 9, 8, 1 }, { 1 }, 1, false, true },
        { { 9, 1 }, { 9 }, 1, false, false },    { { 9, 1 }, { 5 }, 1, false, false },
        { { 9, 8, 1 }, { 8 }, 1, false, false }, { { 9, 1 }, { 1, 9 }, 2, false, false },
        { { 9, 1 }, { 1 }, 1, true, false },     { { 1 }, { 1 }, 1, false, false },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk t;
        struct aka_server_config c = conf();
        uint8_t n = 0;
        memcpy(c.kdf, rows[i].offer, sizeof rows[i].offer);
        open_with(&t, EAP_TYPE_AKA_PRIME, c);
        say_eap_identity(&t, CONV_NAI);
        while (n < 3 && rows[i].offer[n])
            n++;
        assert_int_equal(t.m.n_kdf, n);
        assert_memory_equal(t.m.kdf, rows[i].offer, n * sizeof *t.m.kdf);
        say_kdf(&t, rows[i].want, rows[i].n, rows[i].res);
        if (!rows[i].good) {
            refused(&t, AKA_R_KDF);
            continue;
        }
        assert_int_equal(t.m.n_kdf, n + 1); /* the choice, and the whole old list */
        assert_int_equal(t.m.kdf[0], rows[i].want[0]);
        assert_memory_equal(t.m.kdf + 1, rows[i].offer, n * sizeof *t.m.kdf);
        assert_int_equal(t.vectors, 1); /* the same challenge */
        if (i == 0) {
            say_proof(&t, false);
            expect_accept(&t);
            aka_server_free(t.s);
        } else { /* once */
            say_kdf(&t, rows[i].want, rows[i].n, false);
            refused(&t, AKA_R_KDF);
        }
    }
}

/* A proof for a list that is headed by a function nobody has: the peer ignored it. */
static void test_kdf_ignored(void **state)
{
    struct talk t;
    struct aka_server_config c = conf();
    c.kdf[0] = 9;
    c.kdf[1] = AKA_KDF_DEFAULT;
    open_with(&t, EAP_TYPE_AKA_PRIME, c);
    say_eap_identity(&t, CONV_NAI);
    say_proof(&t, false);
    refused(&t, AKA_R_KDF);
}

/* The list in a Synchronization-Failure is the one that was sent last; EAP-AKA has none. */
static void test_kdf_sync(void **state)
{
    static const struct {
        uint16_t list[3];
        uint8_t n;
        bool good;
    } rows[] = { { { 1, 9, 1 }, 3, true }, { { 9, 1 }, 2, false }, { { 1 }, 1, false } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct talk t;
        struct aka_server_config c = conf();
        uint8_t auts[14];
        c.kdf[0] = 9;
        c.kdf[1] = AKA_KDF_DEFAULT;
        open_with(&t, EAP_TYPE_AKA_PRIME, c);
        say_eap_identity(&t, CONV_NAI);
        say_kdf(&t, (uint16_t[]){ 1 }, 1, false);
        assert_int_equal(aka_auts_make(&t.cred, t.m.value[AKA_AT_RAND].p, sqn_make(50, 0), auts), ERR_OK);
        struct aka_wr w = begin(&t, AKA_SUB_SYNC);
        aka_wr_attr(&w, AKA_AT_AUTS, span_of(auts, sizeof auts));
        for (uint8_t k = 0; k < rows[i].n; k++)
            aka_wr_u16(&w, AKA_AT_KDF, rows[i].list[k]);
        end(&t, &w, span_of(NULL, 0));
        if (!rows[i].good) {
            refused(&t, AKA_R_KDF);
            continue;
        }
        assert_int_equal(t.vectors, 2);
        assert_int_equal(t.m.n_kdf, 3);
        say_proof(&t, false);
        expect_accept(&t);
        aka_server_free(t.s);
    }
}

/* Nothing is answered while the owner is asked, and an answer nobody asked for changes nothing. */
static void test_out_of_turn(void **state)
{
    struct talk t;
    struct aka_who who = { .kind = AKA_WHO_IMSI, .imsi = CONV_IMSI };
    open_with(&t, EAP_TYPE_AKA_PRIME, conf());
    aka_server_who(t.s, &who, &t.a);
    assert_int_equal(t.a.type, AKA_SERVER_NONE);
    t.out_n = eap_write(t.out, sizeof t.out, EAP_RESPONSE, 0, EAP_TYPE_IDENTITY, span_str("7x" REALM));
    aka_server_input(t.s, span_of(t.out, t.out_n), &t.a);
    assert_int_equal(t.a.type, AKA_SERVER_WHO);
    aka_server_input(t.s, span_of(t.out, t.out_n), &t.a);
    assert_int_equal(t.a.reason, AKA_R_STATE);
    aka_server_vector(t.s, AKA_AUC_UNKNOWN, NULL, &t.a);
    assert_int_equal(t.a.reason, AKA_R_STATE);
    snprintf(who.imsi, sizeof who.imsi, "12x"); /* an owner that says nonsense: unknown */
    aka_server_who(t.s, &who, &t.a);
    assert_int_equal(t.a.type, AKA_SERVER_SEND);
    aka_server_free(t.s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_vector_of_the_other),
        cmocka_unit_test(test_bidding),
        cmocka_unit_test(test_method),
        cmocka_unit_test(test_late_nak),
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_pseudonym),
        cmocka_unit_test(test_fast),
        cmocka_unit_test(test_fast_last),
        cmocka_unit_test(test_fast_lies),
        cmocka_unit_test(test_counter_too_small),
        cmocka_unit_test(test_fast_not_here),
        cmocka_unit_test(test_fast_status),
        cmocka_unit_test(test_result_ind),
        cmocka_unit_test(test_barred),
        cmocka_unit_test(test_kdf),
        cmocka_unit_test(test_kdf_ignored),
        cmocka_unit_test(test_kdf_sync),
        cmocka_unit_test(test_out_of_turn),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
