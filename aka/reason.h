/* SPDX-License-Identifier: Apache-2.0
 *
 * Why an EAP packet was refused or a run ended: one list for peer and server; name = counter = log key.
 */
#pragma once

#define AKA_REASON_LIST(X) \
    X(OK, "taken") \
    X(EAP, "not an EAP packet") \
    X(CODE, "EAP code not expected here") \
    X(IDENTIFIER, "EAP identifier not the outstanding one, or reused with other contents") \
    X(DUPLICATE, "repeated packet, answered as before") \
    X(METHOD, "EAP method not permitted") \
    X(SUBTYPE, "AKA subtype unknown or not expected in this state") \
    X(MALFORMED, "attribute lengths or values malformed") \
    X(UNKNOWN_ATTR, "unknown attribute that must not be skipped") \
    X(DUP_ATTR, "attribute given twice") \
    X(MISPLACED_ATTR, "attribute not allowed in this message") \
    X(MISSING_ATTR, "attribute missing") \
    X(KDF, "no usable key derivation function, or a changed list") \
    X(NET_NAME, "network name empty or not the expected one") \
    X(SEPARATION, "AMF separation bit not as the method wants it") \
    X(BIDDING, "AKA offered where AKA' was to be had") \
    X(COUNTER, "re-authentication counter not the one sent") \
    X(AUTN, "AUTN refused by the card") \
    X(SQN, "sequence number refused by the card") \
    X(CARD, "card not usable") \
    X(MAC, "AT_MAC wrong") \
    X(RES, "AT_RES wrong") \
    X(CHECKCODE, "AT_CHECKCODE wrong") \
    X(AUTS, "AUTS not made for this challenge by this subscriber's card") \
    X(TOO_MANY, "too many rounds") \
    X(IDENTITY, "no usable identity") \
    X(SUBSCRIBER, "subscriber unknown or barred") \
    X(UNAVAILABLE, "authentication centre not available") \
    X(CLIENT_ERROR, "peer reported a client error") \
    X(REJECTED, "peer rejected the network") \
    X(NAK, "peer wants another method") \
    X(NOTIFIED, "server notified a failure") \
    X(FAILURE, "EAP failure") \
    X(STATE, "not possible in this state") \
    X(NAS, "NAS-Identifier is not one of this client's") \
    X(FS, "no usable key for forward secrecy, or a changed list") \
    X(INTERNAL, "internal error")

enum aka_reason {
#define X(name, text) AKA_R_##name,
    AKA_REASON_LIST(X)
#undef X
        AKA_R__COUNT
};

/* The constant without AKA_R_, and its text. Never NULL. */
const char *aka_reason_name(enum aka_reason r);
const char *aka_reason_text(enum aka_reason r);
