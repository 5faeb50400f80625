/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a packet was not taken: one list that is drop reason, counter, log key and metric label at once. A rejected
 * packet has exactly one. The key is the name as written here: "BAD_CHECKSUM".
 */
#pragma once

/* X(NAME, text) */
#define HIP_DROP_LIST(X) \
    /* the octets themselves: hip/pkt.c */ \
    X(TRUNCATED, "shorter than its header says") \
    X(OVERSIZED, "longer than a HIP packet can be") \
    X(BAD_HEADER, "header length below 4, or a field that must not be so") \
    X(BAD_VERSION, "not HIP version 2") \
    X(BAD_CHECKSUM, "checksum wrong") \
    X(UNKNOWN_PACKET, "packet type unknown or not processed") \
    X(BAD_HIT, "a HIT outside 2001:20::/28, or NULL where it may not be") \
    X(PARAM_ORDER, "parameters not in type order, or equal types apart") \
    X(PARAM_LENGTH, "a parameter longer than the packet, or of a length it cannot have") \
    X(PARAM_COUNT, "more parameters, or more of one type, than allowed") \
    X(PARAM_NOT_ALLOWED, "critical parameter in a packet where it has no place") \
    X(PARAM_MISSING, "mandatory parameter missing") \
    X(PARAM_MALFORMED, "contents of a parameter do not parse") \
    X(UNKNOWN_CRITICAL, "unknown critical parameter") \
    /* who it is for: engine */ \
    X(NOT_OUR_HIT, "receiver's HIT is not ours") \
    X(NO_ASSOCIATION, "no association with this pair") \
    X(WRONG_STATE, "not expected in this state") \
    X(OWN_HIT, "sender's HIT is ours") \
    X(UNSUPPORTED_SUITE, "HIT suite not supported") \
    X(RATE_LIMITED, "too many from this source") \
    X(ASSOC_FULL, "table of associations is full") \
    X(ACTIONS_FULL, "list of actions is full") \
    /* base exchange */ \
    X(BAD_PUZZLE, "puzzle not solved") \
    X(PUZZLE_TOO_HARD, "puzzle harder than we solve") \
    X(PUZZLE_REUSED, "solution was used before") \
    X(STALE_R1_COUNTER, "R1 generation too old") \
    X(HI_MISMATCH, "HIT is not the hash of the host identity") \
    X(BAD_HI, "host identity malformed, too weak or of an unsupported algorithm") \
    X(BAD_DH, "Diffie-Hellman group or value refused") \
    X(DH_DOWNGRADE, "group is not the one both lists lead to") \
    X(BAD_CIPHER, "HIP_CIPHER not offered, or more than one") \
    X(BAD_TRANSPORT, "no transport format or ESP suite in common") \
    X(BAD_HIP_MAC, "HIP_MAC wrong") \
    X(BAD_HIP_MAC_2, "HIP_MAC_2 wrong") \
    X(BAD_SIGNATURE, "signature wrong") \
    X(BAD_ENCRYPTED, "ENCRYPTED does not open") \
    X(BAD_ECHO, "echo response missing or wrong") \
    X(LOST_RACE, "crossing exchange: the greater HIT answers") \
    X(REFUSED, "refused by the owner or by policy") \
    X(INTERNAL, "our own failure: memory, cryptographic library") \
    /* update, close, notify */ \
    X(DUPLICATE, "seen before; acknowledged again") \
    X(OUT_OF_WINDOW, "Update ID outside the window") \
    X(BAD_ACK, "acknowledges nothing that is outstanding") \
    X(BAD_ESP_INFO, "ESP_INFO does not fit the security associations") \
    X(BAD_LOCATOR, "locator set that cannot be used") \
    /* rendezvous */ \
    X(BAD_RVS_HMAC, "RVS_HMAC missing or wrong") \
    X(RVS_NOT_TRUSTED, "FROM in a packet of a server that we did not register with") \
    X(NOT_REGISTERED, "receiver's HIT is not registered here") \
    X(RELAYED_OPPORTUNISTIC, "opportunistic I1 through a rendezvous server") \
    /* NAT traversal and relays, RFC 9028 */ \
    X(BAD_RELAY_HMAC, "RELAY_HMAC missing or wrong") \
    X(RELAY_NOT_TRUSTED, "RELAY_FROM in a packet of a server that we did not register with") \
    X(RVS_HMAC_PROHIBITED, "RVS_HMAC from our control relay") \
    X(BAD_NAT_MODE, "NAT traversal mode missing, not offered, or not for this way") \
    X(NOT_OUR_CLIENT, "RELAY_TO from somebody who is not registered, or from elsewhere than registered") \
    X(FORBIDDEN_DESTINATION, "to an address that nothing is relayed to") \
    X(CHECK_ASYMMETRIC, "answer to a connectivity check by another way than the one checked") \
    X(NO_PERMISSION, "no permission for this peer and SPI") \
    X(SPI_CLASH, "SPI that another permission of this address has") \
    X(OVER_QUOTA, "more than this client may send or receive") \
    X(RELAY_BUSY, "the relay as a whole is at its limit")

enum hip_drop {
    HIP_TAKEN = 0,
#define X(name, text) HIP_DROP_##name,
    HIP_DROP_LIST(X)
#undef X
        HIP_DROP__COUNT
};

const char *hip_drop_name(int d); /* "BAD_CHECKSUM"; "TAKEN" for 0; never NULL */
const char *hip_drop_text(int d);
