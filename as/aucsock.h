/* SPDX-License-Identifier: Apache-2.0
 *
 * hostapd's AuC protocol (hostapd/hlr_auc_gw.c), so that hostapd authenticates our subscribers, wherever their vectors come from: datagrams of text,
 *
 *   AKA-REQ-AUTH IMSI             ->  AKA-RESP-AUTH IMSI RAND AUTN IK CK RES, or AKA-RESP-AUTH IMSI FAILURE
 *   AKA-AUTS IMSI AUTS RAND       ->  (nothing; the asker sends AKA-REQ-AUTH next)
 *   SIM-REQ-AUTH IMSI N           ->  SIM-RESP-AUTH IMSI FAILURE: EAP-SIM is not for us
 *
 * No I/O of its own. AUTS counts only for a RAND that was given out here lately. While a resynchronisation is under way a request for the same
 * subscriber waits for it and gets its vector; one that comes a moment later gets it as well.
 */
#pragma once

#include "as/source.h"

#define AUCSOCK_LINE_MAX 512
#define AUCSOCK_PEER_MAX 112 /* a socket address */
#define AUCSOCK_OPEN_MAX 128 /* requests at a time */

#define AUCSOCK_COUNTER_LIST(X) \
    X(requests, "AKA-REQ-AUTH") \
    X(resyncs, "AKA-AUTS") \
    X(answers, "AKA-RESP-AUTH with a vector") \
    X(failures, "AKA-RESP-AUTH FAILURE") \
    X(malformed, "dropped: lines that are none of these, or too long") \
    X(sim, "refused: EAP-SIM") \
    X(strange_auts, "dropped: AUTS for a RAND that was not given out here lately") \
    X(bad_auts, "AUTS that the source did not believe") \
    X(full, "dropped: too many requests") \
    X(send_failed, "answers that could not be sent")

enum aucsock_counter {
#define X(name, doc) AUCSOCK_##name,
    AUCSOCK_COUNTER_LIST(X)
#undef X
        AUCSOCK__COUNT
};

struct aucsock_peer {
    uint8_t n; /* octets of its address, as the kernel gave it */
    uint8_t at[AUCSOCK_PEER_MAX];
};

struct aucsock;

struct aucsock_ops {
    bool (*send)(void *ctx, const struct aucsock_peer *to, struct span line);
    bool (*ask)(void *ctx, const struct source_req *r);
};

/* who: in the references of its requests. separated: vectors for AKA' (hostapd asks the same way for both). NULL: out of memory. */
struct aucsock *aucsock_new(const struct aucsock_ops *ops, void *ctx, uint32_t who, unsigned ind,
                            bool separated);
void aucsock_free(struct aucsock *s); /* NULL is fine */
void aucsock_input(struct aucsock *s, const struct aucsock_peer *from, struct span datagram, uint64_t now);
void aucsock_answer(struct aucsock *s, const struct source_ref *ref, enum aka_server_auc what,
                    const struct aka_vector *v, uint64_t now);
size_t aucsock_open(const struct aucsock *s);
uint64_t aucsock_counter(const struct aucsock *s, enum aucsock_counter c);
const char *aucsock_counter_name(enum aucsock_counter c);
