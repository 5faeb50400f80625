/* SPDX-License-Identifier: Apache-2.0
 *
 * UPDATE (RFC 7401 s6.11, s6.12): Update IDs, the list of what we sent and is not acknowledged, the window of what the peer sent, ACKs
 * that are owed; and the contents that R2 and UPDATE share. What ESP_INFO, LOCATOR_SET and the echoes mean is hip/mobility and
 * hip/rekey.
 */
#pragma once

#include "hip/core.h"
#include "hip/param_esp.h"
#include "hip/param_loc.h"

/* hip/move.c: our addresses as a LOCATOR_SET, the first one preferred. */
void hip_move_set(const struct addr *own, size_t n, uint32_t spi, struct hip_locator_set *out);
/* What hip_answer() gave for I2 or R2 (ERR_RANGE: cannot be told), and that as the packet's LOCATOR_SET. */
MUST_USE err hip_move_own(struct hip_assoc *a, const struct addr *set, size_t n, const struct addr *peer);
void hip_move_put(struct hip_build *b, const struct hip_assoc *a);
/* Tell the peer where we are: it took part in an exchange that went on from elsewhere. */
MUST_USE err hip_move_announce(struct hip_engine *e, struct hip_assoc *a, uint64_t now,
                               struct hip_actions *out);

/* What goes into an UPDATE with SEQ; pointers may be NULL. */
struct hip_update_parts {
    enum hip_update_kind kind;
    const struct hip_contents *contents;
    const struct hip_esp_info *esp;
    const struct hip_dh *dh;
    const struct hip_locator_set *locators;
    struct span echo_request;
    const struct hip_path
        *path; /* HIP_UPD_VERIFY, hip_update_on(): where it goes; else NULL, the association's */
};

/* Builds, stores, sends, acknowledges what is owed. ERR_STATE, ERR_FULL, ERR_SPACE. */
MUST_USE err hip_update_send(struct hip_engine *e, struct hip_assoc *a, const struct hip_update_parts *u,
                             uint64_t now, struct hip_actions *out, uint32_t *id);
/* Forget an UPDATE of ours without its ACK (a newer one makes it void). False: there was none. */
bool hip_update_cancel(struct hip_engine *e, struct hip_assoc *a, enum hip_update_kind kind);
void hip_update_cancel_id(struct hip_engine *e, struct hip_assoc *a, uint32_t id, enum hip_update_kind kind);
/* How often this one was sent again. */
unsigned hip_update_tries(const struct hip_assoc *a, uint32_t id);
/* There is another way to the peer: what is outstanding goes there now, tried anew. Checks of addresses do not. */
void hip_update_hurry(struct hip_engine *e, struct hip_assoc *a, uint64_t now);
void hip_update_cancel_all(struct hip_engine *e, struct hip_assoc *a);
/* UPDATE and ACK events. */
void hip_update_timeout(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);
void hip_update_flush(struct hip_engine *e, struct hip_assoc *a, uint64_t now, struct hip_actions *out);

/* ---- between update.c and update_in.c ---- */

/* NULL: acknowledged, or not one of these. */
struct hip_sent_update *hip_update_find(struct hip_assoc *a, uint32_t id);
/* The UPDATE event, at the earliest that is due. */
void hip_update_schedule(struct hip_engine *e, struct hip_assoc *a);
/* UPDATE with ACK only, VIA_RVS (NULL: none), and the echo that was asked for (.p NULL: none): never acknowledged, never stored. */
void hip_update_ack(struct hip_engine *e, struct hip_assoc *a, const struct hip_path *path,
                    const struct addr *via, const struct hip_acks *acks, struct span echo,
                    const struct hip_stored *boxes, struct hip_actions *out);
