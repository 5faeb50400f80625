/* SPDX-License-Identifier: Apache-2.0
 *
 * The IPA multiplex that Osmocom's network elements speak over TCP: length (2), stream (1), payload; and its own stream CCM, by which a client says
 * who it is and both ends see that the other is there. Source: libosmocore include/osmocom/gsm/protocol/ipaccess.h, src/gsm/ipa.c, and what osmo-hlr
 * 1.5.0 says on the wire (tests/unit/aka/hlr_octets.h).
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define IPA_HEAD_LEN 3
#define IPA_BODY_MAX 4096 /* ours; Osmocom's own bound is 1200 */
#define IPA_NAME_MAX 63

enum ipa_stream {
    IPA_OSMO = 0xee, /* one octet more says what: enum ipa_ext */
    IPA_CCM = 0xfe,
};

enum ipa_ext { IPA_EXT_CTRL = 0x00, IPA_EXT_GSUP = 0x05 };

enum ipa_ccm {
    IPA_PING = 0x00,
    IPA_PONG = 0x01,
    IPA_ID_GET = 0x04,
    IPA_ID_RESP = 0x05,
    IPA_ID_ACK = 0x06,
};

struct ipa_pkt {
    uint8_t stream;
    uint8_t type;     /* enum ipa_ext with OSMO, enum ipa_ccm with CCM; else 0 */
    struct span body; /* behind it; borrowed */
};

/* Octets of the first frame in `in`, 0 while its head is not there yet (rt_stream_ops.frame). */
size_t ipa_frame(struct span in);
/* One whole frame. ERR_TRUNCATED, ERR_MALFORMED: its length is another one, or OSMO or CCM without their octet. */
MUST_USE err ipa_parse(struct span frame, struct ipa_pkt *out);

/* One frame into out; its length, 0 when it does not fit. */
size_t ipa_write(uint8_t *out, size_t cap, enum ipa_stream stream, uint8_t type, struct span body);
/* ID_RESP: unit id 0/0/0, and `name` (at most IPA_NAME_MAX) as unit name and serial number, by which osmo-hlr knows its clients. */
size_t ipa_write_id(uint8_t *out, size_t cap, const char *name);
