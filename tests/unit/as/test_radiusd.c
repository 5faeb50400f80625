/* SPDX-License-Identifier: Apache-2.0
 *
 * The RADIUS and EAP server with a client and a card of the test's, no sockets, the test's clock.
 */
#include "tests/unit/aka/conv.h"

#include "aka/radius.h"
#include "as/radiusd.h"

#define HIT_TEXT "2001002211223344556677889900aabb"
#define S        1000000ull

struct world {
    struct as_conf conf;
    struct as_client clients[2];
    struct radiusd *r;
    uint64_t now;
    /* what the server did */
    uint8_t sent[RADIUS_MAX];
    size_t sent_n;
    unsigned n_sent;
    bool asked, no_room;
    struct eapd_ref ref;
    char imsi[16];
    unsigned ind;
    enum aka_want want;
    bool resync;
    uint8_t rand[16], auts[14];
    /* the client */
    struct addr from, to;
    uint32_t conn; /* over TLS; 0: UDP */
    bool stays;    /* what the last input said of the connection */
    uint8_t id, auth[16], state[64];
    size_t state_n;
    const char *nas;
    struct conv c; /* peer and AuC of it */
};

static void on_send(void *ctx, const struct addr *local, const struct addr *peer, struct span o)
{
    struct world *w = ctx;
    assert_true(addr_eq(peer, &w->from));
    assert_true(addr_eq(local, &w->to));
    memcpy(w->sent, o.p, o.n);
    w->sent_n = o.n;
    w->n_sent++;
}

static void on_send_on(void *ctx, uint32_t conn, struct span o)
{
    struct world *w = ctx;
    assert_int_equal(conn, w->conn);
    memcpy(w->sent, o.p, o.n);
    w->sent_n = o.n;
    w->n_sent++;
}

static bool on_vector(void *ctx, struct eapd_ref ref, const char *imsi, unsigned ind, enum aka_want want,
                      const uint8_t *rand, const uint8_t *auts)
{
    struct world *w = ctx;
    if (w->no_room)
        return false;
    w->asked = true;
    w->ref = ref;
    w->ind = ind;
    w->want = want;
    snprintf(w->imsi, sizeof w->imsi, "%s", imsi);
    w->resync = auts != NULL;
    if (auts) {
        memcpy(w->rand, rand, 16);
        memcpy(w->auts, auts, 14);
    }
    return true;
}

static const char *on_name(void *ctx, struct span s, char out[NAI_TEXT_MAX])
{
    snprintf(out, NAI_TEXT_MAX, "x");
    return out;
}

static const struct radiusd_ops ops = {
    .send = on_send, .send_on = on_send_on, .vector = on_vector, .log_name = on_name
};

/* conf: what differs from the plain one */
static void world_open_with(struct world *w, const struct as_conf *conf)
{
    *w = (struct world){
        .now = S, .from = addr_v4(0x0a000002), .to = addr_v4(0x0a000001), .nas = "HIP:" HIT_TEXT
    };
    w->from.port = 40000;
    w->to.port = 1812;
    w->clients[0] = (struct as_client){ .name = "fa1",
                                        .address = addr_v4(0x0a000002),
                                        .secret = (uint8_t *)"secret1",
                                        .secret_n = 7,
                                        .n_hits = 1 };
    w->clients[1] = (struct as_client){
        .name = "fa2", .address = addr_v4(0x0a000003), .secret = (uint8_t *)"secret2", .secret_n = 7
    };
    size_t n = 0;
    w->clients[0].hits[0].family = ADDR_V6;
    assert_int_equal(hex_decode(HIT_TEXT, 32, w->clients[0].hits[0].ip, 16, &n), ERR_OK);
    w->conf = *conf;
    w->conf.clients = w->clients;
    w->conf.n_clients = 2;
    w->conf.net_name = "WLAN";
    w->conf.conversations_max = 4;
    w->conf.conversation_us = 60 * S;
    w->conf.duplicate_us = 10 * S;
    memcpy(w->clients[0].methods, conf->methods, sizeof conf->methods);
    w->r = radiusd_new(&w->conf, &conv_env, &ops, w);
    assert_non_null(w->r);
    conv_open(&w->c, false);
}

static void world_open(struct world *w)
{
    world_open_with(w, &(struct as_conf){ 0 });
}

static void world_close(struct world *w)
{
    radiusd_free(w->r);
    conv_close(&w->c);
}

static size_t build(struct world *w, uint8_t *b, const char *secret, struct span eap)
{
    size_t n = 0;
    w->id++;
    conv_random(NULL, w->auth, 16);
    struct radius_wr wr = radius_wr_begin(b, RADIUS_MAX, RADIUS_ACCESS_REQUEST, w->id, w->auth);
    radius_wr_attr(&wr, RADIUS_USER_NAME, span_str("user"));
    radius_wr_attr(&wr, RADIUS_NAS_IDENTIFIER, span_str(w->nas));
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("first"));
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("second"));
    if (w->state_n)
        radius_wr_attr(&wr, RADIUS_STATE, span_of(w->state, w->state_n));
    if (eap.n)
        radius_wr_eap(&wr, eap);
    assert_int_equal(radius_wr_end(&wr, span_str(secret), &n), ERR_OK);
    return n;
}

static void put(struct world *w, const uint8_t *b, size_t n)
{
    w->n_sent = 0;
    w->asked = false;
    w->stays = true;
    if (w->conn)
        w->stays = radiusd_input_on(w->r, 0, w->conn, &w->from, span_of(b, n), w->now);
    else
        radiusd_input(w->r, &w->to, &w->from, span_of(b, n), w->now);
}

/* The AuC of the test answers. */
static void serve_vector(struct world *w)
{
    struct aka_vector v;
    uint8_t rand[16];
    assert_true(w->asked);
    w->asked = false;
    if (w->c.unknown) {
        radiusd_vector(w->r, w->ref, AKA_AUC_UNKNOWN, NULL, w->now);
        return;
    }
    if (w->resync)
        assert_int_equal(aka_auts_open(&w->c.auc, w->rand, w->auts, &w->c.auc_sqn), ERR_OK);
    assert_int_equal(sqn_next(w->c.auc_sqn, w->ind, &w->c.auc_sqn), ERR_OK);
    conv_random(NULL, rand, 16);
    const uint8_t amf[2] = { w->want == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0, 0 };
    assert_int_equal(aka_vector_make(&w->c.auc, w->c.auc_sqn, amf, rand, &v), ERR_OK);
    radiusd_vector(w->r, w->ref, AKA_AUC_OK, &v, w->now);
}

/* What came back, checked; its EAP packet goes to the peer. */
static struct radius_pkt reply(struct world *w, const char *secret)
{
    struct radius_pkt p;
    struct span state;
    assert_int_equal(w->n_sent, 1);
    assert_int_equal(radius_parse(span_of(w->sent, w->sent_n), &p), ERR_OK);
    assert_int_equal(radius_check_reply(&p, span_str(secret), w->id, w->auth), ERR_OK);
    assert_int_equal(radius_count(&p, RADIUS_PROXY_STATE), 2);
    w->state_n = 0;
    if (radius_find(&p, RADIUS_STATE, &state) == ERR_OK) {
        assert_true(state.n <= sizeof w->state);
        memcpy(w->state, state.p, state.n);
        w->state_n = state.n;
    }
    if (radius_eap(&p, w->c.to_peer, sizeof w->c.to_peer, &w->c.to_peer_n) != ERR_OK)
        w->c.to_peer_n = 0;
    return p;
}

static struct radius_pkt exchange(struct world *w)
{
    uint8_t b[RADIUS_MAX];
    size_t n = build(w, b, "secret1", span_of(w->c.to_server, w->c.to_server_n));
    put(w, b, n);
    if (w->asked)
        serve_vector(w);
    return reply(w, "secret1");
}

static struct radius_pkt run(struct world *w)
{
    struct radius_pkt p;
    conv_start(&w->c);
    for (int i = 0; i < 10; i++) {
        p = exchange(w);
        conv_to_peer(&w->c);
        if (p.code != RADIUS_ACCESS_CHALLENGE)
            break;
    }
    return p;
}

static uint64_t counted(const struct world *w, enum radiusd_counter c)
{
    return radiusd_counter(w->r, c);
}

static void test_accept(void **state)
{
    struct world w;
    struct span v;
    uint8_t msk[64];
    world_open(&w);
    struct radius_pkt p = run(&w);
    assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(w.c.p.type, AKA_PEER_SUCCESS);
    assert_true(span_eq(aka_peer_net_name(w.c.peer), span_str("HIP:" HIT_TEXT)));
    assert_int_equal(radius_msk(&p, span_str("secret1"), w.auth, msk), ERR_OK);
    assert_memory_equal(msk, aka_peer_msk(w.c.peer), 64);
    assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, &v), ERR_OK);
    assert_true(span_eq(v, span_str(CONV_IMSI)));
    assert_int_equal(radius_find(&p, RADIUS_CUI, &v), ERR_OK);
    assert_true(span_eq(v, span_str(CONV_IMSI)));
    assert_int_equal(radius_find(&p, RADIUS_USER_NAME, &v), ERR_OK);
    assert_true(span_eq(v, span_str(CONV_NAI)));
    assert_int_equal(counted(&w, RADIUSD_accepts), 1);
    assert_int_equal(counted(&w, RADIUSD_challenges), 1);
    assert_int_equal(radiusd_conversations(w.r), 0);
    world_close(&w);
}

/* A HIT that the client's entry does not list is not vouched for. */
static void test_net_name(void **state)
{
    static const struct {
        const char *nas;
        uint64_t unlisted;
    } rows[] = {
        { "HIP:2001002211223344556677889900aabc", 1 },
        { "HIP:" HIT_TEXT "0", 1 },
        { "HIP:2001002211223344556677889900AABB", 1 },
        { "HIP:", 1 },
        { "ap1", 0 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_open(&w);
        w.nas = rows[i].nas;
        assert_int_equal(run(&w).code, RADIUS_ACCESS_ACCEPT);
        assert_true(span_eq(aka_peer_net_name(w.c.peer), span_str("WLAN")));
        assert_int_equal(counted(&w, RADIUSD_unlisted_hit) > 0, rows[i].unlisted);
        world_close(&w);
    }
}

static void test_refusals(void **state)
{
    struct world w;
    world_open(&w);
    w.c.unknown = true;
    assert_int_equal(run(&w).code, RADIUS_ACCESS_REJECT);
    assert_int_equal(w.c.to_peer[0], EAP_FAILURE);
    assert_int_equal(radiusd_refused(w.r, AKA_R_SUBSCRIBER), 1);
    assert_int_equal(radiusd_conversations(w.r), 0);
    world_close(&w);
    world_open(&w);
    w.c.card.cred.k[3] ^= 1;
    assert_int_equal(run(&w).code, RADIUS_ACCESS_REJECT);
    assert_int_equal(radiusd_refused(w.r, AKA_R_REJECTED), 1);
    world_close(&w);
    world_open(&w);
    sqn_usim_accept(&w.c.card.sqn, sqn_make(77, 0));
    assert_int_equal(run(&w).code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(counted(&w, RADIUSD_resyncs), 1);
    world_close(&w);
}

/* ---- names that are not permanent ---- */

static const struct as_conf with_names = {
    .pseudonym_us = 86400 * S, .pseudonym_periods = 2, .reauth_max = 4, .reauth_us = 60 * S, .reauth_times = 3
};
static const uint8_t master[PSEUDONYM_MASTER_LEN] = { 1 };

/* One run more with another peer of the same card. */
static struct radius_pkt run_as(struct world *w, const char *identity)
{
    aka_peer_free(w->c.peer);
    w->c.peer = aka_peer_new();
    w->c.identity = identity;
    w->state_n = 0;
    return run(w);
}

static void test_pseudonyms(void **state)
{
    struct world w;
    struct span v;
    char nai[NAI_TEXT_MAX];
    world_open_with(&w, &with_names);
    assert_int_equal(run(&w).code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(aka_peer_pseudonym(w.c.peer).n, 0); /* without a key there are none */
    assert_int_equal(radiusd_pseudonym_key(w.r, master), ERR_OK);
    radiusd_wall(w.r, 86400 * 1000);
    assert_int_equal(run_as(&w, CONV_NAI).code, RADIUS_ACCESS_ACCEPT);
    v = aka_peer_pseudonym(w.c.peer);
    assert_int_equal(v.n, PSEUDONYM_LEN);
    snprintf(nai, sizeof nai, "%.*s%s", (int)v.n, (const char *)v.p, strchr(CONV_NAI, '@'));
    struct radius_pkt p = run_as(&w, nai);
    assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
    assert_string_equal(w.imsi, CONV_IMSI);
    assert_int_equal(radius_find(&p, RADIUS_CUI, &v), ERR_OK);
    assert_true(span_eq(v, span_str(CONV_IMSI)));
    assert_int_equal(counted(&w, RADIUSD_challenges), 3);
    radiusd_wall(w.r,
                 86400 * 1003); /* too old now: asked for the permanent identity, and it is shown again */
    assert_int_equal(run_as(&w, nai).code, RADIUS_ACCESS_REJECT);
    assert_int_equal(radiusd_refused(w.r, AKA_R_IDENTITY), 1);
    world_close(&w);
}

/* The key whose id, profile and home network a SUCI names opens it; the IMSI is what the AuC and the client hear of. */
static void test_suci(void **state)
{
    struct as_conf conf = { .n_suci = 2 };
    struct suci_home home = { .id = 3 };
    uint8_t private[32] = { 5, 6, 7 }, public[SUCI_PUBLIC_MAX];
    char nai[NAI_TEXT_MAX];
    struct span v;
    for (unsigned i = 0; i < 2; i++) {
        enum suci_profile profile = i ? SUCI_PROFILE_B : SUCI_PROFILE_A;
        struct world w;
        conf.suci[i].id = 3;
        memcpy(conf.suci[i].plmn, "00101", 6);
        assert_int_equal(suci_key_set(&conf.suci[i], profile, span_of(private, 32)), ERR_OK);
        assert_int_equal(
            suci_home_set(&home, profile, span_of(public, suci_key_public(&conf.suci[i], public))), ERR_OK);
        assert_int_equal(suci_make(&home, CONV_IMSI, 2, "wlan.mnc001.mcc001.3gppnetwork.org", &conv_env, nai),
                         ERR_OK);
        conf.n_suci = i + 1;
        world_open_with(&w, &conf);
        struct radius_pkt p = run_as(&w, nai);
        assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
        assert_string_equal(w.imsi, CONV_IMSI);
        assert_int_equal(radius_find_vendor(&p, RADIUS_VENDOR_3GPP, RADIUS_3GPP_IMSI, &v), ERR_OK);
        assert_true(span_eq(v, span_str(CONV_IMSI)));
        assert_int_equal(radius_find(&p, RADIUS_USER_NAME, &v), ERR_OK);
        assert_true(span_eq(v, span_str(nai))); /* the identity as it was sent: it is in the keys */
        assert_int_equal(counted(&w, RADIUSD_challenges), 1);
        nai[strlen("type0.rid0.schid1.hnkey3.ecckey")] ^=
            1; /* another ephemeral key: asked for something better, and nothing else is shown */
        assert_int_equal(run_as(&w, nai).code, RADIUS_ACCESS_REJECT);
        assert_int_equal(radiusd_refused(w.r, AKA_R_IDENTITY), 1);
        assert_int_equal(
            run_as(&w, "type0.rid0.schid0.userid0000000001@wlan.mnc001.mcc001.3gppnetwork.org").code,
            RADIUS_ACCESS_REJECT); /* the null scheme */
        assert_int_equal(radiusd_refused(w.r, AKA_R_IDENTITY), 2);
        world_close(&w);
    }
    suci_key_done(&conf.suci[0]);
    suci_key_done(&conf.suci[1]);
}

/* A SUCI is opened once in a conversation; the second one is not looked at, good as it is. */
static void test_suci_once(void **state)
{
    struct as_conf conf = { .n_suci = 1 };
    struct suci_home home = { .id = 3 };
    uint8_t private[32] = { 5, 6, 7 }, public[SUCI_PUBLIC_MAX];
    char bad[NAI_TEXT_MAX], good[NAI_TEXT_MAX];
    struct world w;
    conf.suci[0].id = 3;
    memcpy(conf.suci[0].plmn, "00101", 6);
    assert_int_equal(suci_key_set(&conf.suci[0], SUCI_PROFILE_A, span_of(private, 32)), ERR_OK);
    assert_int_equal(
        suci_home_set(&home, SUCI_PROFILE_A, span_of(public, suci_key_public(&conf.suci[0], public))),
        ERR_OK);
    assert_int_equal(suci_make(&home, CONV_IMSI, 2, NULL, &conv_env, good), ERR_OK);
    snprintf(bad, sizeof bad, "%s", good);
    strchr(bad, '@')[-1] ^= 1;
    world_open_with(&w, &conf);
    aka_peer_free(w.c.peer);
    w.c.peer = aka_peer_new();
    w.c.identity = bad;
    conv_start(&w.c);
    w.c.identity = good;
    struct radius_pkt p = exchange(&w);
    for (int i = 0; i < 10 && p.code == RADIUS_ACCESS_CHALLENGE; i++) {
        conv_to_peer(&w.c);
        p = exchange(&w);
    }
    assert_int_equal(p.code, RADIUS_ACCESS_REJECT);
    assert_int_equal(counted(&w, RADIUSD_vectors), 0);
    world_close(&w);
    suci_key_done(&conf.suci[0]);
}

/* What a client may call itself: patterns of NAS-Identifier, and its own HITs. */
static void test_nas_identifiers(void **state)
{
    static const struct {
        const char *pattern, *nas;
        bool ok;
    } rows[] = {
        { "ap1", "ap1", true },
        { "ap1", "ap2", false },
        { "ap1", "ap10", false },
        { "ap1", "ap", false },
        { "ap*", "ap", true },
        { "ap*", "ap-17.example", true },
        { "ap*", "bp", false },
        { "*.example", "a.example", true },
        { "*.example", "a.example.", false },
        { "a*b*c", "a1b2b3c", true },
        { "a*b*c", "a1b2b3", false },
        { "*", "x", true },
        { "*", "anything", true },
        { "ap1", "HIP:" HIT_TEXT, true },
        { "ap1", "HIP:2001002211223344556677889900aabc", false },
        { "HIP:*", "HIP:2001002211223344556677889900aabc", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        world_open(&w);
        w.clients[0].nas[0] = "other";
        w.clients[0].nas[1] = rows[i].pattern;
        w.clients[0].n_nas = 2;
        w.nas = rows[i].nas;
        struct radius_pkt p = run(&w);
        if ((p.code == RADIUS_ACCESS_ACCEPT) != rows[i].ok)
            fail_msg("%s, %s", rows[i].pattern, rows[i].nas);
        assert_int_equal(counted(&w, RADIUSD_unlisted_nas), !rows[i].ok);
        if (!rows[i].ok) {
            assert_int_equal(p.code, RADIUS_ACCESS_REJECT);
            assert_int_equal(w.c.to_peer[0], EAP_FAILURE);
            assert_int_equal(radiusd_refused(w.r, AKA_R_NAS), 1);
            assert_int_equal(radiusd_conversations(w.r), 0);
        }
        /* a HIT that it does not list is not vouched for, whatever the patterns say */
        if (strcmp(rows[i].pattern, "HIP:*") == 0)
            assert_true(span_eq(aka_peer_net_name(w.c.peer), span_str("WLAN")));
        world_close(&w);
    }
}

/* A name for fast re-authentication is given to an access point, never to who says that it is a Forwarding Agent. */
static void test_reauth_names(void **state)
{
    static const struct {
        const char *nas;
        size_t n;
    } rows[] = { { "ap1", 1 }, { "HIP:" HIT_TEXT, 0 }, { "HIP:2001002211223344556677889900aabc", 0 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world w;
        world_open_with(&w, &with_names);
        w.nas = rows[i].nas;
        assert_int_equal(run(&w).code, RADIUS_ACCESS_ACCEPT);
        assert_int_equal(radiusd_reauths(w.r), rows[i].n);
        w.c.card.cred.k[0] ^= 1; /* one that failed leaves none */
        assert_int_equal(run_as(&w, CONV_NAI).code, RADIUS_ACCESS_REJECT);
        assert_int_equal(radiusd_reauths(w.r), rows[i].n);
        world_close(&w);
    }
}

static void test_methods(void **state)
{
    static const struct as_conf aka = { .methods = { EAP_TYPE_AKA } };
    struct world w;
    world_open_with(&w, &aka);
    aka_peer_allow_aka(w.c.peer);
    assert_int_equal(run(&w).code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(w.want, AKA_WANT_PLAIN);
    assert_int_equal(aka_peer_method(w.c.peer), EAP_TYPE_AKA);
    assert_int_equal(run_as(&w, CONV_NAI).code, RADIUS_ACCESS_REJECT); /* a peer that does not */
    assert_int_equal(radiusd_refused(w.r, AKA_R_NAK), 1);
    world_close(&w);
}

/* What is dropped without an answer, each under its own counter. */
static void test_drops(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX];
    world_open(&w);
    conv_start(&w.c);
    struct span eap = span_of(w.c.to_server, w.c.to_server_n);
    size_t n = build(&w, b, "secret2", eap); /* another client's secret */
    put(&w, b, n);
    assert_int_equal(counted(&w, RADIUSD_bad_authenticator), 1);
    n = build(&w, b, "secret1", eap);
    b[n - 1] ^= 1;
    put(&w, b, n);
    assert_int_equal(counted(&w, RADIUSD_bad_authenticator), 2);
    b[n - 1] ^= 1;
    memmove(b + 20, b + 38, n - 38); /* Message-Authenticator taken out */
    n -= 18;
    b[2] = (uint8_t)(n >> 8);
    b[3] = (uint8_t)n;
    put(&w, b, n);
    assert_int_equal(counted(&w, RADIUSD_no_authenticator), 1);
    put(&w, b, 19);
    assert_int_equal(counted(&w, RADIUSD_malformed), 1);
    n = build(&w, b, "secret1", eap);
    b[0] = RADIUS_ACCESS_ACCEPT;
    put(&w, b, n);
    assert_int_equal(counted(&w, RADIUSD_bad_code), 1);
    n = build(&w, b, "secret1", eap);
    w.from.ip[3] = 9;
    put(&w, b, n);
    assert_int_equal(counted(&w, RADIUSD_unknown_client), 1);
    assert_int_equal(w.n_sent, 0);
    assert_int_equal(radiusd_conversations(w.r), 0);
    assert_int_equal(counted(&w, RADIUSD_vectors), 0);
    world_close(&w);
}

static void test_repeated(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX], first[RADIUS_MAX];
    world_open(&w);
    conv_start(&w.c);
    size_t n = build(&w, b, "secret1", span_of(w.c.to_server, w.c.to_server_n));
    put(&w, b, n);
    assert_true(w.asked);
    put(&w, b, n); /* while the AuC works */
    assert_int_equal(counted(&w, RADIUSD_repeated_pending), 1);
    assert_false(w.asked);
    assert_int_equal(w.n_sent, 0);
    w.asked = true;
    serve_vector(&w);
    assert_int_equal(w.n_sent, 1);
    memcpy(first, w.sent, w.sent_n);
    put(&w, b, n); /* when it is answered: the same octets, no new vector */
    assert_int_equal(w.n_sent, 1);
    assert_memory_equal(first, w.sent, w.sent_n);
    assert_false(w.asked);
    assert_int_equal(counted(&w, RADIUSD_repeated_answered), 1);
    assert_int_equal(counted(&w, RADIUSD_vectors), 1);
    reply(&w, "secret1");
    conv_to_peer(&w.c);
    assert_int_equal(exchange(&w).code, RADIUS_ACCESS_ACCEPT);
    w.now += 11 * S;
    radiusd_timeout(w.r, w.now);
    assert_int_equal(radiusd_deadline(w.r), HEAP_NEVER); /* nothing is kept */
    world_close(&w);
}

/* A State serves its own client, once. */
static void test_states(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX], kept[64];
    world_open(&w);
    conv_start(&w.c);
    exchange(&w);
    conv_to_peer(&w.c);
    size_t kept_n = w.state_n;
    memcpy(kept, w.state, kept_n);
    w.from.ip[3] = 3; /* the other client has got hold of it */
    put(&w, b, build(&w, b, "secret2", span_of(w.c.to_server, w.c.to_server_n)));
    assert_int_equal(reply(&w, "secret2").code, RADIUS_ACCESS_REJECT);
    w.from.ip[3] = 2;
    memcpy(w.state, kept, kept_n);
    w.state_n = kept_n;
    assert_int_equal(exchange(&w).code, RADIUS_ACCESS_ACCEPT);
    memcpy(w.state, kept, kept_n);
    w.state_n = kept_n;
    assert_int_equal(exchange(&w).code, RADIUS_ACCESS_REJECT); /* again: it is used up */
    w.state_n = 5;
    assert_int_equal(exchange(&w).code, RADIUS_ACCESS_REJECT);
    assert_int_equal(radiusd_refused(w.r, AKA_R_STATE), 3);
    assert_int_equal(counted(&w, RADIUSD_accepts), 1);
    world_close(&w);
}

static void test_bounds(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX];
    world_open(&w);
    conv_start(&w.c);
    struct span eap = span_of(w.c.to_server, w.c.to_server_n);
    for (int i = 0; i < 6; i++) {
        w.state_n = 0;
        put(&w, b, build(&w, b, "secret1", eap));
        if (w.asked)
            serve_vector(&w);
    }
    assert_int_equal(radiusd_conversations(w.r), 4);
    assert_int_equal(counted(&w, RADIUSD_full), 2);
    w.now += 61 * S; /* their time is over */
    radiusd_timeout(w.r, w.now);
    assert_int_equal(radiusd_conversations(w.r), 0);
    assert_int_equal(radiusd_expired(w.r), 4);
    put(&w, b, build(&w, b, "secret1", eap));
    assert_true(w.asked);
    struct eapd_ref late = w.ref;
    w.now += 61 * S;
    radiusd_timeout(w.r, w.now);
    w.n_sent = 0;
    radiusd_vector(w.r, late, AKA_AUC_UNKNOWN, NULL, w.now); /* the AuC answers too late */
    assert_int_equal(w.n_sent, 0);
    w.no_room = true;
    put(&w, b, build(&w, b, "secret1", eap));
    assert_int_equal(radiusd_conversations(w.r), 0);
    assert_int_equal(w.n_sent, 0);
    world_close(&w);
}

/* More runs than there is room for answers that are kept: the oldest of these go, no run is dropped for them. */
static void test_many_runs(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX];
    size_t n;
    (void)state;
    world_open(&w); /* room for 16 */
    for (int i = 0; i < 20; i++)
        assert_int_equal(run_as(&w, CONV_NAI).code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(counted(&w, RADIUSD_accepts), 20);
    assert_int_equal(counted(&w, RADIUSD_full), 0);
    assert_int_equal(counted(&w, RADIUSD_forgotten), 40 - 16);
    aka_peer_free(w.c.peer);
    w.c.peer = aka_peer_new();
    w.state_n = 0;
    conv_start(&w.c);
    n = build(&w, b, "secret1", span_of(w.c.to_server, w.c.to_server_n));
    put(&w, b, n);
    if (w.asked)
        serve_vector(&w);
    uint64_t vectors = counted(&w, RADIUSD_vectors);
    put(&w, b, n); /* the latest are kept */
    assert_int_equal(counted(&w, RADIUSD_repeated_answered), 1);
    assert_int_equal(counted(&w, RADIUSD_vectors), vectors);
    w.now += 11 * S;
    radiusd_timeout(w.r, w.now);
    assert_int_equal(run_as(&w, CONV_NAI).code, RADIUS_ACCESS_ACCEPT);
    assert_int_equal(counted(&w, RADIUSD_forgotten), 40 - 16 + 1);
    world_close(&w);
}

static void test_eap(void **state)
{
    static const uint8_t start[] = { RADIUS_EAP_MESSAGE, 2 };
    struct world w;
    uint8_t b[RADIUS_MAX], big[1100] = { 2, 0, 4, 76, 1 };
    world_open(&w);
    put(&w, b, build(&w, b, "secret1", span_of(NULL, 0)));
    assert_int_equal(reply(&w, "secret1").code, RADIUS_ACCESS_REJECT);
    assert_int_equal(counted(&w, RADIUSD_no_eap), 1);
    put(&w, b, build(&w, b, "secret1", span_of(big, sizeof big))); /* longer than EAP may be */
    assert_int_equal(reply(&w, "secret1").code, RADIUS_ACCESS_REJECT);
    put(&w, b, build(&w, b, "secret1", span_str("\3\1\0")));
    assert_int_equal(w.n_sent, 0);
    assert_int_equal(counted(&w, RADIUSD_discarded), 1);
    assert_int_equal(radiusd_conversations(w.r), 0);
    /* EAP-Start (RFC 3579 s2.1) is answered with Request/Identity */
    size_t n = 0;
    struct radius_wr wr = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_REQUEST, ++w.id, w.auth);
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("1"));
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("2"));
    wcur_put(&wr.c, start, sizeof start);
    assert_int_equal(radius_wr_end(&wr, span_str("secret1"), &n), ERR_OK);
    put(&w, b, n);
    assert_int_equal(reply(&w, "secret1").code, RADIUS_ACCESS_CHALLENGE);
    assert_int_equal(w.c.to_peer[4], EAP_TYPE_IDENTITY);
    conv_to_peer(&w.c);
    struct radius_pkt p;
    do {
        p = exchange(&w);
        conv_to_peer(&w.c);
    } while (p.code == RADIUS_ACCESS_CHALLENGE);
    assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
    world_close(&w);
}

/* Status-Server as built by a client; its answer accepts nobody. */
static size_t status_request(struct world *w, uint8_t *b, const char *secret)
{
    size_t n = 0;
    w->id++;
    conv_random(NULL, w->auth, 16);
    struct radius_wr wr = radius_wr_begin(b, RADIUS_MAX, RADIUS_STATUS_SERVER, w->id, w->auth);
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("first"));
    radius_wr_attr(&wr, RADIUS_PROXY_STATE, span_str("second"));
    assert_int_equal(radius_wr_end(&wr, span_str(secret), &n), ERR_OK);
    return n;
}

/* RFC 5997 s3, s4.2 */
static void test_status_server(void **state)
{
    struct world w;
    uint8_t b[RADIUS_MAX];
    world_open(&w);
    size_t n = status_request(&w, b, "secret1");
    for (int i = 0; i < 2; i++) { /* a repeated question as well */
        put(&w, b, n);
        struct radius_pkt p = reply(&w, "secret1");
        assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
        assert_int_equal(w.c.to_peer_n, 0);
        assert_int_equal(p.attrs.n,
                         18 + 7 + 8); /* Message-Authenticator, Proxy-State twice, and nothing else */
    }
    assert_int_equal(counted(&w, RADIUSD_status_server), 2);
    assert_int_equal(counted(&w, RADIUSD_accepts), 0);
    put(&w, b, status_request(&w, b, "secret2"));
    assert_int_equal(w.n_sent, 0);
    memmove(b + 20, b + 38, n - 38); /* MUST have Message-Authenticator */
    n -= 18;
    b[2] = (uint8_t)(n >> 8);
    b[3] = (uint8_t)n;
    put(&w, b, n);
    assert_int_equal(w.n_sent, 0);
    assert_int_equal(counted(&w, RADIUSD_no_authenticator), 1);
    world_close(&w);
}

/* Over TLS: the secret is the one of RFC 6614, a request is one of its connection, and what does not verify ends that. */
static void test_on_connection(void **state)
{
    struct world w;
    struct span v;
    uint8_t b[RADIUS_MAX];
    world_open(&w);
    w.conn = 77;
    conv_start(&w.c);
    size_t n = build(&w, b, RADIUS_TLS_SECRET, span_of(w.c.to_server, w.c.to_server_n));
    put(&w, b, n);
    assert_true(w.stays);
    serve_vector(&w);
    assert_int_equal(reply(&w, RADIUS_TLS_SECRET).code, RADIUS_ACCESS_CHALLENGE);
    put(&w, b, n); /* the same on the same connection: answered as before */
    assert_int_equal(reply(&w, RADIUS_TLS_SECRET).code, RADIUS_ACCESS_CHALLENGE);
    assert_int_equal(counted(&w, RADIUSD_repeated_answered), 1);
    w.conn = 78; /* on another one it is another request */
    put(&w, b, n);
    assert_true(w.asked);
    assert_int_equal(counted(&w, RADIUSD_repeated_answered), 1);
    serve_vector(&w);

    n = build(&w, b, "secret1", span_of(w.c.to_server, w.c.to_server_n)); /* UDP's secret is none here */
    put(&w, b, n);
    assert_false(w.stays);
    put(&w, b, 19);
    assert_false(w.stays);
    b[0] = RADIUS_ACCESS_ACCEPT;
    put(&w, b, n);
    assert_true(w.stays);
    assert_int_equal(counted(&w, RADIUSD_bad_code), 1);
    assert_int_equal(w.n_sent, 0);

    conv_to_peer(&w.c);
    n = build(&w, b, RADIUS_TLS_SECRET, span_of(w.c.to_server, w.c.to_server_n));
    put(&w, b, n);
    struct radius_pkt p = reply(&w, RADIUS_TLS_SECRET);
    assert_int_equal(p.code, RADIUS_ACCESS_ACCEPT);
    uint8_t msk[64];
    assert_int_equal(radius_msk(&p, span_str(RADIUS_TLS_SECRET), w.auth, msk), ERR_OK);
    assert_memory_equal(msk, aka_peer_msk(w.c.peer), 64);
    assert_int_equal(radius_find(&p, RADIUS_CUI, &v), ERR_OK);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accept),
        cmocka_unit_test(test_net_name),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_drops),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_many_runs),
        cmocka_unit_test(test_eap),
        cmocka_unit_test(test_pseudonyms),
        cmocka_unit_test(test_suci),
        cmocka_unit_test(test_suci_once),
        cmocka_unit_test(test_nas_identifiers),
        cmocka_unit_test(test_reauth_names),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_status_server),
        cmocka_unit_test(test_on_connection),
    };
    if (crypto_init() != ERR_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
