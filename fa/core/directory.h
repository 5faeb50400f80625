/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is registered, for every worker to read: HIT -> where it is, for what, until when, whose client it is, and the key under which
 * packets are relayed to it (RVS_HMAC, RELAY_HMAC: RFC 8004 s4.2.1, RFC 9028 s4.2). Soft state of fixed size; memory is allocated in
 * fa_directory_new() only, keys lie in locked memory.
 *
 * The slots are shared out among the workers; each is written by its own. Readers take no lock: a slot has a version that is odd while it is
 * written (a sequence lock), the index consists of words that are put in and taken out by compare-and-swap.
 */
#pragma once

#include "common/base/err.h"
#include "hip/engine.h"

#define FA_DIR_KEY_MAX 48 /* HIP_MAC of RHASH SHA-384 */

enum { FA_DIR_RENDEZVOUS = 1, FA_DIR_CONTROL = 2, FA_DIR_DATA = 4 };

struct fa_dir_entry {
    struct hit hit;
    struct addr local, peer; /* it reaches us at local; ports 0: protocol 139 */
    uint64_t expires_us;     /* exclusive */
    uint16_t owner;          /* worker */
    uint8_t kinds;
    uint8_t rhash;   /* of its association */
    uint8_t key_len; /* 0: none */
    uint8_t key[FA_DIR_KEY_MAX];
};

struct fa_directory;
/* entries: of all workers together. NULL: out of memory. */
struct fa_directory *fa_directory_new(uint32_t entries, uint16_t workers, const uint8_t seed[16]);
void fa_directory_free(struct fa_directory *d);
/* The entry of e->hit, new or in place of the one that this worker (e->owner) has. ERR_FULL. */
MUST_USE err fa_directory_put(struct fa_directory *d, const struct fa_dir_entry *e);
void fa_directory_del(struct fa_directory *d, uint16_t owner, const struct hit *hit);
/* A consistent copy; wipe it when it has a key (sec_wipe). False: nobody, or one whose time is over. */
bool fa_directory_find(const struct fa_directory *d, const struct hit *hit, uint64_t now,
                       struct fa_dir_entry *out);
/* Octets that one entry takes, with its part of the index and of the list of free slots. */
size_t fa_directory_entry_octets(const struct fa_directory *d);
