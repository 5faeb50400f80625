/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the EAP-AKA server. Each part has a file:
 *   server.c         the calls, how a conversation begins and ends, notifications, Nak
 *   server_ident.c   identities: taken, asked for, whose they are
 *   server_full.c    full authentication: vector, challenge, AT_KDF, resynchronisation
 *   server_fs.c      forward secrecy
 *   server_reauth.c  fast re-authentication
 */
#pragma once

#include "aka/checkcode.h"
#include "aka/encr.h"
#include "aka/server.h"

enum server_state {
    SRV_NEW,       /* waiting for Response/Identity */
    SRV_IDENTITY,  /* AKA-Identity is out */
    SRV_WHO,       /* the owner says whose identity it is */
    SRV_AUC,       /* the owner asks the AuC */
    SRV_CHALLENGE, /* a challenge is out */
    SRV_REAUTH,    /* a Reauthentication is out */
    SRV_STATUS,    /* it was answered well; the owner asks the AuC whether the subscriber is served */
    SRV_CONFIRM,   /* the notification "success" is out */
    SRV_FAILING,   /* a failure notification is out */
    SRV_DONE,      /* ACCEPT or REJECT was given */
};

/* What was asked for by AKA-Identity, in the only order that is allowed (RFC 4187 s4.1.4). */
enum server_asked { ASKED_NONE, ASKED_ANY, ASKED_FULLAUTH, ASKED_PERMANENT };

struct server_name {
    uint8_t octets[EAP_IDENTITY_MAX];
    size_t n;
};

struct aka_server {
    struct aka_server_config conf;
    const struct aka_method *method;
    enum server_state state;
    enum aka_reason why; /* first cause of the failure */
    bool accepted;
    uint8_t id; /* of the outstanding request */
    bool have_id;
    bool begun; /* the peer answered within the method: no Nak any more */
    bool nakked;
    enum server_asked asked;
    uint8_t rounds, resyncs;
    struct server_name identity, pseudonym, next_reauth;
    char imsi[IMSI_MAX + 1];
    uint8_t request[EAP_MAX]; /* the outstanding request */
    size_t request_n;
    uint8_t auts[AKA_AUTS_LEN];
    uint16_t kdf[AKA_KDF_MAX]; /* the list as it is offered now */
    uint8_t n_kdf;
    bool kdf_chosen;
    /* Forward secrecy (server_fs.c): the list as it is offered now, our key for its first function, CK' and IK' until the peer's key comes. */
    uint16_t fs[AKA_KDF_MAX];
    uint8_t n_fs;
    bool fs_chosen, fs_used;
    struct dh_key *fs_key;
    uint8_t ck_prime[AKA_CK_LEN], ik_prime[AKA_IK_LEN];
    bool barred;  /* to be told when authenticated */
    bool confirm; /* the peer wants the result protected */
    bool reauth;  /* the keys are those of an earlier full authentication */
    uint16_t counter;
    uint8_t nonce_s[AKA_NONCE_S_LEN];
    struct aka_vector v;
    struct aka_keys keys;
    struct checkcode cc;
};

void aka_srv_none(struct aka_server_action *out, enum aka_reason why);
struct aka_wr aka_srv_begin(struct aka_server *s, enum aka_subtype sub);
/* The request is whole: it goes out, and the server is in `next`. */
void aka_srv_finish(struct aka_server *s, struct aka_wr *w, enum server_state next,
                    struct aka_server_action *out);
void aka_srv_end(struct aka_server *s, bool accept, enum aka_reason why, struct aka_server_action *out);
/* A failure notification, then EAP Failure (RFC 4187 s6.3.2). */
void aka_srv_fail(struct aka_server *s, enum aka_reason why, struct aka_server_action *out);
/* The peer has proven itself. why: AKA_R_OK, or what it is refused for all the same, by a protected notification. */
void aka_srv_proven(struct aka_server *s, enum aka_reason why, struct aka_server_action *out);
/* What goes encrypted: names that were issued, in a re-authentication AT_COUNTER and AT_NONCE_S, in a notification behind one AT_COUNTER alone
 * (RFC 4187 s10.1). Nothing at all when there is nothing. */
enum server_message { SRV_MSG_CHALLENGE, SRV_MSG_REAUTH, SRV_MSG_NOTE };
void aka_srv_secrets(struct aka_server *s, struct aka_wr *w, enum server_message msg);

/* server_ident.c */
void aka_srv_eap_identity(struct aka_server *s, const struct eap_pkt *p, struct aka_server_action *out);
void aka_srv_identity(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out);
/* The method was changed: begin it with what is known of the peer. */
void aka_srv_again(struct aka_server *s, struct aka_server_action *out);

/* server_full.c */
void aka_srv_ask_vector(struct aka_server *s, bool resync, struct aka_server_action *out);
void aka_srv_challenge(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out);
void aka_srv_sync(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out);

/* server_fs.c */
/* A challenge is made: a fresh key, if forward secrecy is offered at all. ERR_CRYPTO. */
MUST_USE err aka_srv_fs_begin(struct aka_server *s);
void aka_srv_fs_write(const struct aka_server *s, struct aka_wr *w);
/* The peer would rather have another function: is that a choice it has (RFC 9678 s6.2)? The list and our key are changed then. */
MUST_USE enum aka_reason aka_srv_fs_choose(struct aka_server *s, const struct aka_msg *m);
/* The proof was right: the keys of this run, with the peer's public key or, where that may be, without. */
MUST_USE enum aka_reason aka_srv_fs_keys(struct aka_server *s, const struct aka_msg *m);
void aka_srv_fs_wipe(struct aka_server *s);

/* server_reauth.c */
void aka_srv_reauth_begin(struct aka_server *s, const struct aka_reauth *r, struct aka_server_action *out);
void aka_srv_reauth(struct aka_server *s, const struct aka_msg *m, struct aka_server_action *out);
void aka_srv_status(struct aka_server *s, enum aka_server_auc what, struct aka_server_action *out);
