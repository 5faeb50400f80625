/* SPDX-License-Identifier: Apache-2.0
 *
 * What fast re-authentication starts from, by the identity that was given out for it: in locked memory, bounded, each of them good once and
 * for a while. When the table is full the oldest one goes: its peer authenticates in full next time.
 */
#pragma once

#include "aka/server.h"

/* A digit and 32 hexadecimal ones: random, so that it says nothing (RFC 9048 s5.2). */
#define REAUTH_NAME_LEN 33

struct reauth;

/* max contexts (at least 1), life_us each. NULL: out of memory. */
struct reauth *reauth_new(uint32_t max, uint64_t life_us, const uint8_t seed[16]);
void reauth_free(struct reauth *t);
/* A user name that no context has; lead: aka/method.h's reauth. */
void reauth_name(const struct reauth *t, const struct env *env, uint8_t lead, char out[REAUTH_NAME_LEN + 1]);
/* user: the part before "@". */
void reauth_put(struct reauth *t, struct span user, const struct aka_reauth *c, uint64_t now);
/* RFC 9048 s5.1: used once; out is set and the context gone. False: unknown, or too old. */
bool reauth_take(struct reauth *t, struct span user, uint64_t now, struct aka_reauth *out);
size_t reauth_count(const struct reauth *t);
