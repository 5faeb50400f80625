/* SPDX-License-Identifier: Apache-2.0
 *
 * EAP-AKA' server (RFC 9048, RFC 4187) without I/O: one conversation. Each call answers with one action. Vectors come from an AuC of the
 * owner's: VECTOR asks, aka_server_vector() answers, at once or later.
 *
 * Identity -> [AKA-Identity] -> VECTOR -> Challenge -> [Synchronization-Failure -> VECTOR with resync -> Challenge] -> ACCEPT or
 * [Notification ->] REJECT. Permanent identities only ("6" and the IMSI); no fast re-authentication, no AT_RESULT_IND.
 */
#pragma once

#include "aka/attr.h"
#include "aka/nai.h"
#include "common/base/env.h"

#define AKA_SERVER_ROUNDS  8
#define AKA_SERVER_RESYNCS 1

struct aka_server_config {
    const struct env *env;               /* randomness: the first EAP identifier */
    char net_name[AKA_NET_NAME_MAX + 1]; /* what AT_KDF_INPUT says */
    bool ask_identity; /* always ask by AKA-Identity, even when Response/Identity would do */
};

enum aka_server_act {
    AKA_SERVER_NONE,   /* discarded, reason says why; or waiting for aka_server_vector() */
    AKA_SERVER_SEND,   /* send octets, an EAP Request */
    AKA_SERVER_VECTOR, /* ask the AuC: imsi; resync: rand, auts as well */
    AKA_SERVER_ACCEPT, /* octets: EAP Success; aka_server_msk(), aka_server_imsi(), aka_server_identity() */
    AKA_SERVER_REJECT, /* octets: EAP Failure; reason */
};

struct aka_server_action {
    enum aka_server_act type;
    enum aka_reason reason;
    struct span octets; /* borrowed until the next call */
    const char *imsi;   /* VECTOR: borrowed while the conversation lives */
    bool separated;     /* VECTOR: it must have the AMF separation bit (AKA'); else it must not (AKA) */
    bool resync;
    const uint8_t *rand, *auts; /* VECTOR with resync: 16 and 14 octets, borrowed until the next call */
};

enum aka_server_auc { AKA_AUC_OK, AKA_AUC_UNKNOWN, AKA_AUC_BARRED, AKA_AUC_BAD_AUTS, AKA_AUC_UNAVAILABLE };

struct aka_server;

struct aka_server *aka_server_new(const struct aka_server_config *c); /* secret memory; copies *c */
void aka_server_free(struct aka_server *s);
/* One EAP packet from the peer; the first is Response/Identity. */
void aka_server_input(struct aka_server *s, struct span eap, struct aka_server_action *out);
/* EAP-Start (RFC 3579 s2.1): Request/Identity. */
void aka_server_start(struct aka_server *s, struct aka_server_action *out);
/* The AuC's answer to VECTOR; v is used with AKA_AUC_OK only and must have the separation bit set. */
void aka_server_vector(struct aka_server *s, enum aka_server_auc what, const struct aka_vector *v,
                       struct aka_server_action *out);

const uint8_t *aka_server_msk(const struct aka_server *s);   /* 64 octets after ACCEPT; else NULL */
const char *aka_server_imsi(const struct aka_server *s);     /* "" until an identity is known */
struct span aka_server_identity(const struct aka_server *s); /* as in the key derivation */
/* Why the conversation failed, first cause (REJECT repeats it). */
enum aka_reason aka_server_reason(const struct aka_server *s);
