/* SPDX-License-Identifier: Apache-2.0
 *
 * A capture judged: every packet by itself and by what was seen before it, with keys where there are some. What cannot be
 * told (an R1 that is not in the capture, no key, an algorithm we do not have) is skipped and says why. Legal and no fault: an I1 or
 * any other packet passed on by a rendezvous server or relay (parameters behind the signatures), the same packet captured
 * twice, retransmissions.
 */
#pragma once

#include "cli/hipvec/items.h"
#include "cli/hipvec/keylog.h"
#include "cli/hipvec/view.h"

/* Checks beside the faults of view.h: X(NAME, text) */
#define CHECK_LIST(X) \
    X(IP, "IP header and lengths") \
    X(UDP_SUM, "UDP checksum") \
    X(SUM, "HIP checksum") \
    X(HIT, "HIT from host identity") \
    X(DH, "Diffie-Hellman value") \
    X(PUZZLE, "puzzle solved") \
    X(OFFERS, "choices out of the offers") \
    X(COUNTER, "R1 counter echoed") \
    X(SIG_2, "HIP_SIGNATURE_2") \
    X(SIG, "HIP_SIGNATURE") \
    X(MAC, "HIP_MAC") \
    X(MAC_2, "HIP_MAC_2") \
    X(ENCRYPTED, "ENCRYPTED opens") \
    X(RVS_HMAC, "RVS_HMAC") \
    X(RELAY_HMAC, "RELAY_HMAC") \
    X(ECHO, "echo answered") \
    X(ACK, "ACK of a SEQ") \
    X(ICV, "ESP ICV") \
    X(ESP_FORM, "ESP form and padding")

enum check {
    CHECK__FAULTS = FAULT__COUNT, /* the first of them are the kinds of faults */
#define X(name, text) CHECK_##name,
    CHECK_LIST(X)
#undef X
        CHECK__END
};
const char *check_name(int check); /* also of enum fault_kind */

enum said { SAID_GOOD, SAID_WRONG, SAID_CANNOT_TELL };

struct finding {
    int check;
    enum said said;
    char why[160]; /* of SAID_WRONG and SAID_CANNOT_TELL */
};

#define FINDINGS_MAX 64

struct verdict {
    size_t n;
    struct finding v[FINDINGS_MAX];
};

struct judge;

struct judge *judge_new(const struct items *it,
                        const struct keylog *keys); /* both are borrowed; NULL: out of memory */
void judge_free(struct judge *j);
/* What the i-th item is worth. In any order. */
void judge_item(struct judge *j, size_t i, struct verdict *out);
/* The octets of the i-th item's ENCRYPTED, opened with the keys; false: not there, or it does not open. *inner borrows from out. */
bool judge_open(struct judge *j, size_t i, uint8_t out[HIP_PACKET_MAX], struct span *inner);
/* An ESP item opened into out (its length at least); false: no key, or wrong. */
bool judge_esp_open(struct judge *j, size_t i, uint8_t *out, struct span *payload, uint8_t *next_header);
/* The exchange in the key log whose keys made the i-th item's HIP_MAC(_2), NULL: none; *tail: what HIP_MAC_2 covers behind the packet. */
const struct log_assoc *judge_assoc(const struct judge *j, size_t i, struct span *tail);
/* The SA in the key log that opens the i-th item; NULL. */
const struct log_sa *judge_sa(const struct judge *j, size_t i);
/* Host identity that a HIT is known by; NULL. */
const struct hip_hi *judge_hi(const struct judge *j, const struct hit *hit);
