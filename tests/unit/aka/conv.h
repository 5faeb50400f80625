/* SPDX-License-Identifier: Apache-2.0
 *
 * A subscriber, its card, an AuC and both ends of a conversation, for the tests of peer and server.
 */
#pragma once

#include "tests/unit/aka/vec.h"

#include "aka/peer.h"
#include "aka/server.h"
#include "aka/usim_card.h"
#include "common/crypto/secret.h"

#define CONV_IMSI "001010000000001"
#define CONV_NAI  "6001010000000001@wlan.mnc001.mcc001.3gppnetwork.org"
#define CONV_NAME "HIP:20010021000000000000000000000001"

static uint8_t conv_fill;
static inline void conv_random(void *ctx, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = conv_fill++;
}
static const struct env conv_env = { .random = conv_random };

struct conv {
    struct aka_peer *peer;
    struct aka_server *server;
    struct usim_card card;
    struct aka_cred auc; /* the AuC's opinion of the subscriber's keys */
    uint64_t auc_sqn;
    uint8_t amf[2];        /* in AKA'; in AKA with the separation bit the other way */
    const char *pseudonym; /* issued; NULL: none */
    bool unknown;          /* the AuC does not know this IMSI */
    const char *identity;  /* what the peer shows */
    const char *want_name; /* what the owner of the peer accepts; NULL: anything */
    uint8_t to_server[1020], to_peer[1020];
    size_t to_server_n, to_peer_n;
    struct aka_peer_action p; /* last actions */
    struct aka_server_action s;
    unsigned vectors, resyncs, requests;
    enum aka_reason peer_why; /* of a refusal */
};

static inline void conv_open_with(struct conv *c, const struct aka_server_config *conf)
{
    static const struct aka_cred set1 = {
        .k = { 0x46, 0x5b, 0x5c, 0xe8, 0xb1, 0x99, 0xb4, 0x9f, 0xaa, 0x5f, 0x0a, 0x2e, 0xe2, 0x38, 0xa6,
               0xbc },
        .opc = { 0xcd, 0x63, 0xcb, 0x71, 0x95, 0x4a, 0x9f, 0x4e, 0x48, 0xa5, 0x99, 0x4e, 0x37, 0xa0, 0x2b,
                 0xaf },
    };
    *c = (struct conv){ .identity = CONV_NAI, .amf = { 0x80, 0 }, .auc = set1 };
    c->card.cred = set1;
    sqn_usim_init(&c->card.sqn);
    c->peer = aka_peer_new();
    c->server = aka_server_new(conf);
    assert_non_null(c->peer);
    assert_non_null(c->server);
}

static inline void conv_open(struct conv *c, bool ask_identity)
{
    struct aka_server_config conf = { .env = &conv_env, .net_name = CONV_NAME, .ask_identity = ask_identity };
    conv_open_with(c, &conf);
}

static inline void conv_close(struct conv *c)
{
    aka_peer_free(c->peer);
    aka_server_free(c->server);
}

/* The peer's owner: answers what the peer asks until it sends or is done. */
static inline void conv_peer_settle(struct conv *c)
{
    struct usim_auth a;
    for (;;) {
        struct span name = c->p.net_name;
        if (c->p.type == AKA_PEER_IDENTITY) {
            aka_peer_identity(c->peer, span_str(c->identity), &c->p);
        } else if (c->p.type == AKA_PEER_CHALLENGE) {
            if (c->want_name && !span_eq(name, span_str(c->want_name))) {
                aka_peer_refuse_name(c->peer, &c->p);
                continue;
            }
            usim_card_authenticate(&c->card, c->p.rand, c->p.autn, &a);
            aka_peer_card(c->peer, &a, &c->p);
        } else {
            break;
        }
    }
    if (c->p.type == AKA_PEER_SEND) {
        memcpy(c->to_server, c->p.octets.p, c->p.octets.n);
        c->to_server_n = c->p.octets.n;
        if (c->p.reason != AKA_R_OK)
            c->peer_why = c->p.reason;
    }
}

/* The server's owner: answers from the AuC. */
static inline void conv_server_settle(struct conv *c)
{
    while (c->s.type == AKA_SERVER_VECTOR) {
        struct aka_vector v;
        uint8_t rand[16];
        c->vectors++;
        assert_string_equal(c->s.imsi, CONV_IMSI);
        if (c->unknown) {
            aka_server_vector(c->server, AKA_AUC_UNKNOWN, NULL, &c->s);
            continue;
        }
        if (c->s.resync) {
            c->resyncs++;
            if (aka_auts_open(&c->auc, c->s.rand, c->s.auts, &c->auc_sqn) != ERR_OK) {
                aka_server_vector(c->server, AKA_AUC_BAD_AUTS, NULL, &c->s);
                continue;
            }
        }
        assert_int_equal(sqn_next(c->auc_sqn, 0, &c->auc_sqn), ERR_OK);
        conv_random(NULL, rand, sizeof rand);
        const uint8_t amf[2] = { c->amf[0] ^ (c->s.want == AKA_WANT_PLAIN ? AKA_AMF_SEP : 0), c->amf[1] };
        assert_int_equal(aka_vector_make(&c->auc, c->auc_sqn, amf, rand, &v), ERR_OK);
        aka_server_issue(c->server, span_str(c->pseudonym ? c->pseudonym : ""), span_of(NULL, 0));
        aka_server_vector(c->server, AKA_AUC_OK, &v, &c->s);
    }
    if (c->s.octets.n) {
        memcpy(c->to_peer, c->s.octets.p, c->s.octets.n);
        c->to_peer_n = c->s.octets.n;
        c->requests += c->s.type == AKA_SERVER_SEND;
    }
}

static inline void conv_start(struct conv *c)
{
    assert_int_equal(aka_peer_start(c->peer, span_str(c->identity), &c->p), ERR_OK);
    conv_peer_settle(c);
}
static inline void conv_to_server(struct conv *c)
{
    aka_server_input(c->server, span_of(c->to_server, c->to_server_n), &c->s);
    conv_server_settle(c);
}
static inline void conv_to_peer(struct conv *c)
{
    aka_peer_input(c->peer, span_of(c->to_peer, c->to_peer_n), &c->p);
    conv_peer_settle(c);
}
/* Back and forth until the server has decided. */
static inline void conv_run(struct conv *c)
{
    for (unsigned i = 0; i < 20; i++) {
        conv_to_server(c);
        if (c->s.type != AKA_SERVER_SEND)
            break;
        conv_to_peer(c);
        if (c->p.type != AKA_PEER_SEND)
            break;
    }
    if (c->s.type == AKA_SERVER_ACCEPT || c->s.type == AKA_SERVER_REJECT)
        conv_to_peer(c);
}
