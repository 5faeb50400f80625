/* SPDX-License-Identifier: Apache-2.0
 *
 * The authentication server behind its RADIUS door: the input is a row of EAP packets (each behind a flag octet and a two-octet length) put into
 * authentic requests of a client, some with the State of the last challenge, some sent twice, some raw. Nobody here has a card: no Access-Accept
 * may leave, and every answer must be a packet that the client can verify.
 */
#include <stdlib.h>
#include <string.h>

#include "aka/radius.h"
#include "as/radiusd.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WITH_STATE = 1, TWICE = 2, RAW = 4, UNKNOWN = 8, LATE = 16, SLOW = 32 };

static uint8_t counter, state[16], flags;
static struct request {
    uint8_t auth[16], id;
} now_sent, waiting; /* the last request; the one that the AuC works for */
static bool asked, have_state;
static enum aka_want wanted;
static struct eapd_ref ref;

static bool answers(const struct radius_pkt *p, const struct request *r)
{
    return radius_check_reply(p, span_str("secret"), r->id, r->auth) == ERR_OK;
}

static void next_random(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = counter++;
}
static const struct env env = { .random = next_random };

static void on_send(void *ctx, const struct addr *local, const struct addr *peer, struct span o)
{
    struct radius_pkt p;
    struct span s;
    if (radius_parse(o, &p) != ERR_OK || p.code == RADIUS_ACCESS_ACCEPT)
        abort();
    if (!answers(&p, &now_sent) && !answers(&p, &waiting))
        abort();
    if (radius_find(&p, RADIUS_STATE, &s) == ERR_OK && s.n == sizeof state) {
        memcpy(state, s.p, s.n);
        have_state = true;
    }
}

static bool on_vector(void *ctx, struct eapd_ref r, const char *imsi, unsigned ind, enum aka_want want,
                      const uint8_t *rand, const uint8_t *auts)
{
    if (!imsi_valid(imsi))
        abort();
    ref = r;
    if (want == AKA_WANT_STATUS) /* nobody here has keys of an earlier authentication */
        abort();
    asked = true;
    wanted = want;
    waiting = now_sent;
    return !(flags & LATE) || !auts;
}

static const char *on_name(void *ctx, struct span s, char out[NAI_TEXT_MAX])
{
    out[0] = '\0';
    return out;
}
static const struct radiusd_ops ops = { .send = on_send, .vector = on_vector, .log_name = on_name };

static void one(struct radiusd *r, const struct addr *us, const struct addr *peer, struct span eap,
                uint64_t now)
{
    uint8_t b[RADIUS_MAX];
    size_t n = 0;
    struct span pkt = eap;
    if (!(flags & RAW)) {
        now_sent.id++;
        next_random(NULL, now_sent.auth, sizeof now_sent.auth);
        struct radius_wr w = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_REQUEST, now_sent.id, now_sent.auth);
        if (flags & WITH_STATE && have_state)
            radius_wr_attr(&w, RADIUS_STATE, span_of(state, sizeof state));
        if (eap.n)
            radius_wr_eap(&w, eap);
        if (radius_wr_end(&w, span_str("secret"), &n) != ERR_OK)
            return;
        pkt = span_of(b, n);
    }
    for (int i = 0; i < (flags & TWICE ? 2 : 1); i++)
        radiusd_input(r, us, peer, pkt, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int up;
    struct as_client client = {
        .name = "fuzz",
        .address = addr_v4(1),
        .secret = (uint8_t *)"secret",
        .secret_n = 6,
        .methods = { EAP_TYPE_AKA_PRIME, EAP_TYPE_AKA },
    };
    struct as_conf conf = { .clients = &client,
                            .n_clients = 1,
                            .net_name = "WLAN",
                            .conversations_max = 3,
                            .result_ind = true,
                            .pseudonym_us = 86400000000,
                            .pseudonym_periods = 2,
                            .reauth_max = 2,
                            .reauth_us = 5000000,
                            .reauth_times = 2,
                            .conversation_us = 5000000,
                            .duplicate_us = 2000000 };
    struct addr peer = addr_v4(1), us = addr_v4(2);
    struct aka_vector v = { .res_len = 8 };
    static const uint8_t master[PSEUDONYM_MASTER_LEN] = { 0x66 };
    struct rcur c = rcur_of(span_of(data, size));
    uint64_t now = 1;
    if (!up && crypto_init() != ERR_OK)
        abort();
    up = 1;
    counter = 0;
    now_sent = waiting = (struct request){ .id = 0 };
    have_state = asked = false;
    memset(v.ck, 0x44, sizeof v.ck);
    memset(v.res, 0x55, sizeof v.res);
    struct radiusd *r = radiusd_new(&conf, &env, &ops, NULL);
    if (!r || radiusd_pseudonym_key(r, master) != ERR_OK)
        abort();
    while (rcur_left(&c) > 3) {
        flags = rcur_u8(&c);
        uint16_t n = rcur_u16(&c);
        one(r, &us, &peer, rcur_take(&c, n < rcur_left(&c) ? n : rcur_left(&c)), now);
        if (asked && !(flags & SLOW)) {
            asked = false;
            v.autn[6] = wanted == AKA_WANT_SEPARATED ? AKA_AMF_SEP : 0;
            radiusd_vector(r, ref, flags & UNKNOWN ? AKA_AUC_UNKNOWN : AKA_AUC_OK, &v, now);
        }
        now += 700000;
        radiusd_timeout(r, now);
        if (radiusd_conversations(r) > conf.conversations_max)
            abort();
    }
    radiusd_free(r);
    return 0;
}
