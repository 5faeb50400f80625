/* SPDX-License-Identifier: Apache-2.0 */
#include "host/core/login.h"

#include <stdlib.h>
#include <string.h>

#include "aka/eap_tls.h"
#include "common/crypto/secret.h"

#define MSK_LEN 64

struct host_login_peer {
    struct host_login c;
    struct tls *tls; /* from Start on */
    uint8_t *msk;    /* locked */
    bool asked, have_msk, committed, over;
    uint8_t id, rounds;
    size_t got;   /* octets of the message that is coming in */
    bool sending; /* ours is going out in pieces */
    size_t n;
    uint8_t response[EAP_MAX];
};

struct host_login_peer *host_login_new(const struct host_login *c)
{
    struct host_login_peer *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->c = *c;
    p->msk = sec_alloc(MSK_LEN);
    if (!p->msk) {
        host_login_free(p);
        return NULL;
    }
    return p;
}

void host_login_free(struct host_login_peer *p)
{
    if (!p)
        return;
    tls_free(p->tls);
    sec_free(p->msk);
    free(p);
}

const uint8_t *host_login_msk(const struct host_login_peer *p)
{
    return p->have_msk ? p->msk : NULL;
}

void host_login_msk_wipe(struct host_login_peer *p)
{
    sec_wipe(p->msk, MSK_LEN);
    p->have_msk = false;
}

const char *host_login_why(const struct host_login_peer *p)
{
    return p->tls && tls_state(p->tls) == TLS_FAILED ? tls_why(p->tls) : "";
}

static void done(struct aka_peer_action *out, enum aka_peer_act type, enum aka_reason reason)
{
    *out = (struct aka_peer_action){ .type = type, .reason = reason };
}

static void respond(struct host_login_peer *p, struct aka_peer_action *out, size_t n)
{
    p->n = n;
    done(out, n ? AKA_PEER_SEND : AKA_PEER_FAILED, n ? AKA_R_OK : AKA_R_INTERNAL);
    out->octets = span_of(p->response, n);
}

static size_t identity(struct host_login_peer *p, uint8_t id)
{
    return eap_write(p->response, sizeof p->response, EAP_RESPONSE, id, EAP_TYPE_IDENTITY,
                     span_str(p->c.identity));
}

void host_login_start(struct host_login_peer *p, struct aka_peer_action *out)
{
    respond(p, out, identity(p, 0));
}

/* ---- TLS ---- */

/* The next piece of what TLS has to say. */
static size_t piece(struct host_login_peer *p, uint8_t id)
{
    struct span all = tls_wire_out(p->tls);
    size_t n = all.n < EAP_TLS_PIECE_MAX ? all.n : EAP_TLS_PIECE_MAX;
    struct eap_tls t = { .more = n < all.n, .piece = span_of(all.p, n) };

    t.has_total = t.more && !p->sending; /* RFC 5216 s2.1.5: in the first of several */
    t.total = t.has_total ? (uint32_t)all.n : 0;
    p->sending = t.more;
    n = all.n > EAP_TLS_TOTAL_MAX ? 0 : eap_tls_write(p->response, sizeof p->response, EAP_RESPONSE, id, &t);
    tls_wire_sent(p->tls, t.piece.n);
    return n;
}

/* RFC 5216 s2.3; RFC 9190 s2.3 with the type as context. The first half is MSK, the other one EMSK, which nobody needs. */
static err export(struct host_login_peer *p, bool tls13)
{
    static const uint8_t type = EAP_TYPE_TLS;

    return tls13
               ? tls_export(p->tls, "EXPORTER_EAP_TLS_Key_Material", span_of(&type, 1), 2 * MSK_LEN, p->msk,
                            MSK_LEN)
               : tls_export(p->tls, "client EAP encryption", span_of(NULL, 0), 2 * MSK_LEN, p->msk, MSK_LEN);
}

/* Nothing of ours is to be sent: an acknowledgement, and if the server has said all that it had to, our proof. */
static void acknowledge(struct host_login_peer *p, uint8_t id, struct aka_peer_action *out)
{
    bool open = tls_state(p->tls) == TLS_OPEN,
         tls13 = open && strcmp(tls_version_name(p->tls), "TLSv1.3") == 0;
    uint8_t said[2];

    if (tls13 && !p->committed) { /* RFC 9190 s2.1.1: one octet, 00 */
        size_t n = tls_read(p->tls, said, sizeof said);
        p->committed = n == 1 && said[0] == 0;
    }
    respond(
        p, out,
        eap_tls_write(p->response, sizeof p->response, EAP_RESPONSE, id, &(struct eap_tls){ .more = false }));
    if (!open || (tls13 && !p->committed) || p->have_msk)
        return;
    if (export(p, tls13) != ERR_OK) {
        done(out, AKA_PEER_FAILED, AKA_R_INTERNAL);
        return;
    }
    p->have_msk = true;
    out->proof = true;
}

static void on_tls(struct host_login_peer *p, const struct eap_pkt *pkt, struct aka_peer_action *out)
{
    struct eap_tls t;

    if (eap_tls_parse(pkt->data, &t) != ERR_OK || t.start != !p->tls || (t.start && t.piece.n)) {
        done(out, AKA_PEER_FAILED, AKA_R_MALFORMED);
        return;
    }
    if (t.start && tls_new(p->c.tls, p->c.server_name, &p->tls) != ERR_OK) {
        done(out, AKA_PEER_FAILED, AKA_R_INTERNAL);
        return;
    }
    if (p->sending && t.piece.n) { /* it must hear all of ours first */
        done(out, AKA_PEER_FAILED, AKA_R_MALFORMED);
        return;
    }
    p->got = t.has_total ? t.piece.n : p->got + t.piece.n;
    if (p->got > EAP_TLS_TOTAL_MAX || (t.piece.n && tls_wire_in(p->tls, t.piece) != ERR_OK)) {
        done(out, AKA_PEER_FAILED, AKA_R_MALFORMED);
        return;
    }
    if (!t.more)
        p->got = 0;
    if (!t.more && tls_wire_out(p->tls).n)
        respond(p, out, piece(p, pkt->id));
    else
        acknowledge(p, pkt->id, out);
    if (tls_state(p->tls) == TLS_FAILED &&
        out->type == AKA_PEER_SEND) { /* the alert goes out, and that was it */
        out->proof = false;
        out->over = p->over = true;
        out->reason = AKA_R_REJECTED;
    }
}

/* ---- EAP ---- */

static void on_request(struct host_login_peer *p, const struct eap_pkt *pkt, struct aka_peer_action *out)
{
    static const uint8_t want = EAP_TYPE_TLS;

    if (p->asked && pkt->id == p->id) {
        done(out, AKA_PEER_NONE, AKA_R_DUPLICATE);
        return;
    }
    if (p->over || p->rounds == HOST_LOGIN_ROUNDS) {
        done(out, AKA_PEER_NONE, p->over ? AKA_R_STATE : AKA_R_TOO_MANY);
        return;
    }
    if (p->tls && pkt->type != EAP_TYPE_TLS && pkt->type != EAP_TYPE_NOTIFICATION) {
        done(out, AKA_PEER_NONE, AKA_R_METHOD);
        return;
    }
    p->asked = true;
    p->id = pkt->id;
    p->rounds++;
    if (pkt->type == EAP_TYPE_IDENTITY) {
        respond(p, out, identity(p, pkt->id));
    } else if (pkt->type == EAP_TYPE_TLS) {
        on_tls(p, pkt, out);
    } else if (pkt->type == EAP_TYPE_NOTIFICATION) {
        respond(p, out,
                eap_write(p->response, sizeof p->response, EAP_RESPONSE, pkt->id, EAP_TYPE_NOTIFICATION,
                          span_of(NULL, 0)));
    } else { /* RFC 3748 s5.3.1 */
        respond(p, out,
                eap_write(p->response, sizeof p->response, EAP_RESPONSE, pkt->id, EAP_TYPE_NAK,
                          span_of(&want, 1)));
        out->reason = AKA_R_METHOD;
    }
}

void host_login_input(struct host_login_peer *p, struct span eap, struct aka_peer_action *out)
{
    struct eap_pkt pkt;

    if (eap_parse(eap, &pkt) != ERR_OK)
        done(out, AKA_PEER_NONE, AKA_R_EAP);
    else if (pkt.code == EAP_REQUEST)
        on_request(p, &pkt, out);
    else if (pkt.code == EAP_FAILURE)
        done(out, AKA_PEER_FAILED, AKA_R_FAILURE);
    else if (pkt.code == EAP_SUCCESS)
        done(out, AKA_PEER_SUCCESS, AKA_R_OK);
    else
        done(out, AKA_PEER_NONE, AKA_R_CODE);
}
