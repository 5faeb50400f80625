/* SPDX-License-Identifier: Apache-2.0
 *
 * Osmocom's control interface, as far as the subscriber record of an HLR needs it: `GET <id> subscriber.by-imsi-<IMSI>.info` (or by-msisdn) and its
 * answer, lines of text behind IPA_EXT_CTRL. Source: libosmocore src/ctrl/control_cmd.c, OsmoHLR User Manual, and what osmo-hlr 1.5.0 says on the wire
 * (tests/unit/aka/hlr_octets.h).
 */
#pragma once

#include "aka/nai.h"
#include "common/base/err.h"
#include "common/base/span.h"

#define OSMO_CTRL_GET_MAX  96
#define OSMO_MSISDN_MIN    3
#define OSMO_MSISDN_MAX    15
#define OSMO_CTRL_TEXT_MAX 2048

enum osmo_ctrl_kind { OSMO_CTRL_REPLY, OSMO_CTRL_ERROR, OSMO_CTRL_OTHER };

struct osmo_ctrl_msg {
    enum osmo_ctrl_kind kind;
    bool has_id; /* ERROR to something that had none says "err" */
    uint32_t id;
    struct span variable; /* REPLY */
    struct span value;    /* REPLY: may be several lines; ERROR: its text */
};

/* What an HLR says of a subscriber. */
struct osmo_subscriber {
    char imsi[IMSI_MAX + 1];
    char msisdn[OSMO_MSISDN_MAX + 1]; /* "": none */
    bool packet_services;             /* network access mode: packet services are allowed */
};

enum osmo_by { OSMO_BY_IMSI, OSMO_BY_MSISDN };

/* The name under which a subscriber's record is asked for and answered, and the question. Length of the text, 0: does not fit, or these are no digits of an
 * IMSI or an MSISDN (3 to 15). id 1 to 2^31 - 1. */
size_t osmo_ctrl_variable(char *out, size_t cap, enum osmo_by by, const char *digits);
size_t osmo_ctrl_write_info(char *out, size_t cap, uint32_t id, enum osmo_by by, const char *digits);
/* TRAPs and SET_REPLYs are OTHER. ERR_MALFORMED. */
MUST_USE err osmo_ctrl_parse(struct span text, struct osmo_ctrl_msg *out);
/* The value of a REPLY for .info. Keys that we do not know are passed over. ERR_MALFORMED: no IMSI, twice the same key, a number that is none. */
MUST_USE err osmo_ctrl_info(struct span value, struct osmo_subscriber *out);
/* Whether an ERROR says that there is no such subscriber. */
bool osmo_ctrl_is_unknown(const struct osmo_ctrl_msg *m);
