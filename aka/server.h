/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA and EAP-AKA' server (RFC 4187, RFC 9048) without I/O: one conversation. Each call answers with one action. What the server cannot
 * know itself its owner is asked for: WHO an identity is (pseudonyms, fast re-authentication identities, SUCIs: aka_server_who()), a VECTOR of
 * the AuC (aka_server_vector()); both are answered at once or later.
 *
 *   Identity -> [AKA-Identity, up to three] -> VECTOR -> Challenge -> [another AT_KDF or AT_KDF_FS -> Challenge] -> [Synchronization-Failure -> VECTOR with
 *   resync -> Challenge] -> [Notification "success"] -> ACCEPT
 *   Identity -> WHO says REAUTH -> Reauthentication -> [AT_COUNTER_TOO_SMALL -> VECTOR -> ...] -> VECTOR for the status alone ->
 *   [Notification "success"] -> ACCEPT
 *   anything wrong -> [Notification, a failure] -> REJECT
 *
 * Which method: the first character of the identity says it (RFC 9048 s3), where the configuration allows that method; else the first one of
 * the configuration. A Nak to the first request of a method changes to the other one, if that is allowed (RFC 3748 s5.3.1).
 */
#pragma once

#include "aka/attr.h"
#include "aka/fs.h"
#include "aka/method.h"
#include "aka/nai.h"
#include "common/base/env.h"

#define AKA_SERVER_ROUNDS  8
#define AKA_SERVER_RESYNCS 1
#define AKA_SERVER_KDFS    (AKA_KDF_MAX - 1) /* the peer's choice goes in front of them */

struct aka_server_config {
    const struct env *env;               /* randomness: identifiers, IVs, NONCE_S */
    char net_name[AKA_NET_NAME_MAX + 1]; /* what AT_KDF_INPUT says */
    uint8_t methods[AKA_METHODS_MAX];    /* EAP types that are allowed, best first; 0 ends; none: AKA' */
    uint16_t kdf[AKA_SERVER_KDFS];       /* AT_KDF offered, best first; 0 ends; none: the default one */
    /* AT_KDF_FS offered in AKA', best first (aka/fs.h); 0 ends; none: no forward secrecy */
    uint16_t fs[AKA_SERVER_KDFS];
    bool fs_required;  /* a peer that does not take part is refused */
    bool ask_identity; /* always ask by AKA-Identity, even when Response/Identity would do */
    bool ask_who;      /* WHO is asked for identities that are not permanent; else those are of no use */
    bool result_ind;   /* offer AT_RESULT_IND (RFC 4187 s6.2) */
};

/* What fast re-authentication starts from (RFC 4187 s5). Secret. */
struct aka_reauth {
    uint8_t method;   /* EAP type; it goes on under this one only */
    uint16_t counter; /* the next one to use */
    char imsi[IMSI_MAX + 1];
    char net_name[AKA_NET_NAME_MAX + 1]; /* of the full authentication (RFC 9048 s3.3: it must not change) */
    struct aka_keys keys;                /* without MSK and EMSK */
};

enum aka_server_act {
    AKA_SERVER_NONE,   /* discarded, reason says why; or waiting for aka_server_who(), aka_server_vector() */
    AKA_SERVER_SEND,   /* send octets, an EAP Request */
    AKA_SERVER_WHO,    /* whose identity is this? identity */
    AKA_SERVER_VECTOR, /* ask the AuC: imsi, want; resync: rand, auts as well */
    AKA_SERVER_ACCEPT, /* octets: EAP Success; aka_server_msk(), aka_server_imsi(), aka_server_identity() */
    AKA_SERVER_REJECT, /* octets: EAP Failure; reason */
};

/* Of the AuC. */
enum aka_want {
    AKA_WANT_PLAIN,     /* a vector without the AMF separation bit (AKA) */
    AKA_WANT_SEPARATED, /* one with it (AKA') */
    AKA_WANT_STATUS,    /* none: whether the subscriber is served still; OK, UNKNOWN, BARRED, UNAVAILABLE */
};

struct aka_server_action {
    enum aka_server_act type;
    enum aka_reason reason;
    struct span octets;   /* borrowed until the next call */
    struct span identity; /* WHO: whole, borrowed until the next call */
    const char *imsi;     /* VECTOR: borrowed while the conversation lives */
    enum aka_want want;   /* VECTOR */
    bool resync;
    const uint8_t *rand, *auts; /* VECTOR with resync: 16 and 14 octets, borrowed until the next call */
};

enum aka_server_auc { AKA_AUC_OK, AKA_AUC_UNKNOWN, AKA_AUC_BARRED, AKA_AUC_BAD_AUTS, AKA_AUC_UNAVAILABLE };

enum aka_who_kind {
    AKA_WHO_UNKNOWN, /* the peer is asked for another identity */
    AKA_WHO_IMSI,    /* imsi */
    AKA_WHO_REAUTH,  /* reauth */
};
struct aka_who {
    enum aka_who_kind kind;
    char imsi[IMSI_MAX + 1];
    const struct aka_reauth *reauth; /* copied */
};

struct aka_server;

struct aka_server *aka_server_new(const struct aka_server_config *c); /* secret memory; copies *c */
void aka_server_free(struct aka_server *s);
/* One EAP packet from the peer; the first is Response/Identity. */
void aka_server_input(struct aka_server *s, struct span eap, struct aka_server_action *out);
/* EAP-Start (RFC 3579 s2.1): Request/Identity. */
void aka_server_start(struct aka_server *s, struct aka_server_action *out);
/* The answer to WHO. */
void aka_server_who(struct aka_server *s, const struct aka_who *who, struct aka_server_action *out);
/* Before the answer to WHO or VECTOR: what the peer may call itself next time. pseudonym: a user name; reauth: a user name, with "@realm" if it
 * is to be routed by it; either may be empty. They begin with the method's characters (aka_server_method()). Copied. */
void aka_server_issue(struct aka_server *s, struct span pseudonym, struct span reauth);
/* The AuC's answer to VECTOR. v, of the kind that was asked for, is used with AKA_AUC_OK (not with AKA_WANT_STATUS); with AKA_AUC_BARRED, if it is
 * not NULL, the subscriber is authenticated first and then told so by a protected notification (1031). */
void aka_server_vector(struct aka_server *s, enum aka_server_auc what, const struct aka_vector *v,
                       struct aka_server_action *out);

const struct aka_method *aka_server_method(const struct aka_server *s); /* in use; never NULL */

const uint8_t *aka_server_msk(const struct aka_server *s);   /* 64 octets after ACCEPT; else NULL */
const char *aka_server_imsi(const struct aka_server *s);     /* "" until an identity is known */
struct span aka_server_identity(const struct aka_server *s); /* as in the key derivation */
/* After ACCEPT, when a re-authentication identity was issued: what it starts from, and its identity (whole, as issued). False: none. */
bool aka_server_reauth(const struct aka_server *s, struct aka_reauth *out, struct span *identity);
bool aka_server_was_reauth(const struct aka_server *s); /* this ACCEPT came by fast re-authentication */
/* Why the conversation failed, first cause (REJECT repeats it). */
enum aka_reason aka_server_reason(const struct aka_server *s);
bool aka_server_fs(const struct aka_server *s); /* ACCEPT: the keys have forward secrecy (RFC 9678) */
