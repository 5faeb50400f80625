/* SPDX-License-Identifier: Apache-2.0
 *
 * Anti-replay window over 64-bit sequence numbers of which only the low half is on the wire (RFC 4303 s3.4.3, appendix A2;
 * RFC 7402 s3.3.6). First the number is inferred and looked up, then the packet is authenticated, then it is marked: a
 * forged packet moves nothing.
 */
#pragma once

#include "common/base/err.h"
#include "common/base/span.h"

#define ESP_WINDOW 1024 /* numbers behind the highest that are still taken */

struct esp_replay {
    uint64_t top; /* highest number authenticated; 0: none yet */
    uint64_t
        bits[ESP_WINDOW / 64 + 1]; /* ring by number; one word spare so that a whole window is always there */
};

void esp_replay_init(struct esp_replay *w, uint64_t top);
/* The whole number of a packet with this low half. ERR_REPLAY: before the first number, or past the last. */
MUST_USE err esp_replay_infer(const struct esp_replay *w, uint32_t low, uint64_t *seq);
/* ERR_REPLAY: seen, behind the window, or zero. */
MUST_USE err esp_replay_check(const struct esp_replay *w, uint64_t seq);
/* After authentication, of a number that passed the check. */
void esp_replay_mark(struct esp_replay *w, uint64_t seq);
