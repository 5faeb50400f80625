/* SPDX-License-Identifier: Apache-2.0
 * What a packet of an exchange owes to those before it. */
#include <string.h>

#include "cli/hipvec/facts.h"
#include "cli/hipvec/judge_part.h"
#include "hip/param_core.h"
#include "hip/param_esp.h"
#include "hip/puzzle.h"
#include "hip/suite.h"

/* ---- Diffie-Hellman ---- */

static void judge_dh(const struct view *w, struct verdict *v)
{
    struct span s = view_span(w, HIP_PAR_DIFFIE_HELLMAN);
    struct hip_dh d;
    uint8_t out[DH_SHARED_MAX], seven[DH_PRIVATE_MAX] = { 0 }; /* any private value tells */
    if (!s.p || hip_get_dh(s, &d) != ERR_OK)
        return;
    const struct hip_dh_suite *g = hip_dh_suite(d.group);
    size_t n = g && g->supported ? dh_private_len(g->group) : 0;
    struct dh_key *k = NULL;
    if (n > 0 && n <= sizeof seven) {
        seven[n - 1] = 7;
        k = dh_from_private(g->group, span_of(seven, n));
    }
    if (!k) {
        say(v, CHECK_DH, SAID_CANNOT_TELL, "group %u is not here", d.group);
        return;
    }
    if (dh_shared(k, d.pub, out) == ERR_OK)
        good(v, CHECK_DH);
    else
        say(v, CHECK_DH, SAID_WRONG, "no value of group %u (RFC 7401 s5.2.7)", d.group);
    dh_free(k);
}

/* ---- R1 ---- */

static bool has8(struct span list, uint8_t id)
{
    return list.n && memchr(list.p, id, list.n);
}

/* The first of the Responder's list that the Initiator offered, else any of its own (RFC 7401 s5.2.6). */
static bool group_right(struct span own, struct span offered, uint8_t group)
{
    for (size_t i = 0; i < own.n; i++)
        if (has8(offered, own.p[i]))
            return own.p[i] == group;
    return has8(own, group);
}

static void judge_r1(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    struct span own = view_span(w, HIP_PAR_DH_GROUP_LIST), dh = view_span(w, HIP_PAR_DIFFIE_HELLMAN);
    const struct fact *i1;
    bool any = false, right = false;
    if (!own.n || !dh.n)
        return;
    for (size_t at = 0; (i1 = facts_next(j, &at, HIP_PKT_I1, &w->receiver, &w->sender, true, item));) {
        any = true;
        right |= group_right(own, i1->groups, dh.p[0]);
    }
    if (!any)
        say(v, CHECK_OFFERS, SAID_CANNOT_TELL, "its I1 is not here");
    else if (right)
        good(v, CHECK_OFFERS);
    else
        say(v, CHECK_OFFERS, SAID_WRONG,
            "group %u is not the first of its list that an I1 offered (RFC 7401 s5.2.6)", dh.p[0]);
}

/* ---- I2 ---- */

static bool same_puzzle(struct span puzzle, const struct hip_solution *s)
{
    return puzzle.n == 4 + s->i.n && puzzle.p[0] == s->k && (puzzle.p[2] << 8 | puzzle.p[3]) == s->opaque &&
           memcmp(puzzle.p + 4, s->i.p, s->i.n) == 0;
}

static void judge_puzzle(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    enum hash_alg rhash = hip_rhash_of(&w->receiver);
    struct hip_solution s;
    const struct fact *r1;
    bool any = false, set = false;
    if (rhash == HASH_NONE) {
        say(v, CHECK_PUZZLE, SAID_CANNOT_TELL, "the Responder's HIT suite is not here");
        return;
    }
    if (hip_get_solution(view_span(w, HIP_PAR_SOLUTION), rhash, &s) != ERR_OK)
        return;
    if (hip_puzzle_check(rhash, s.k, s.i, &w->sender, &w->receiver, s.j) != ERR_OK) {
        say(v, CHECK_PUZZLE, SAID_WRONG,
            "the low %u bits of RHASH(I | HIT-I | HIT-R | J) are not zero (RFC 7401 s6.3)", s.k);
        return;
    }
    for (size_t at = 0; (r1 = facts_next(j, &at, HIP_PKT_R1, &w->receiver, &w->sender, false, item));) {
        any = true;
        set |= same_puzzle(r1->puzzle, &s);
    }
    if (any && !set)
        say(v, CHECK_PUZZLE, SAID_WRONG,
            "solved, but no R1 here set this puzzle (K, Opaque, I; RFC 7401 s5.3.3)");
    else
        good(v, CHECK_PUZZLE);
}

static bool has16(struct span list, size_t skip, const uint8_t *id)
{
    for (size_t i = skip; i + 2 <= list.n; i += 2)
        if (memcmp(list.p + i, id, 2) == 0)
            return true;
    return false;
}

/* One value, out of the list of an R1. 0: no R1 here; 1: right; -1: wrong. */
static int chosen(const struct judge *j, const struct view *w, uint16_t type, size_t skip, size_t item)
{
    struct span mine = view_span(w, type);
    const struct fact *r1;
    int said = 0;
    if (mine.n != skip + 2)
        return -1;
    for (size_t at = 0; (r1 = facts_next(j, &at, HIP_PKT_R1, &w->receiver, &w->sender, false, item));) {
        struct span list = type == HIP_PAR_HIP_CIPHER      ? r1->ciphers
                           : type == HIP_PAR_ESP_TRANSFORM ? r1->esp
                                                           : r1->formats;
        if (has16(list, skip, mine.p + skip))
            return 1;
        said = -1;
    }
    return said;
}

static void judge_choices(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    static const struct {
        uint16_t type;
        uint8_t skip;
    } lists[] = { { HIP_PAR_HIP_CIPHER, 0 },
                  { HIP_PAR_TRANSPORT_FORMAT_LIST, 0 },
                  { HIP_PAR_ESP_TRANSFORM, 2 } };
    struct span dh = view_span(w, HIP_PAR_DIFFIE_HELLMAN);
    const struct fact *r1;
    bool any = false, group = false;
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (!view_get(w, lists[i].type))
            continue;
        if (chosen(j, w, lists[i].type, lists[i].skip, item) < 0) {
            say(v, CHECK_OFFERS, SAID_WRONG,
                "%s is not exactly one value that an R1 offered (RFC 7401 s5.3.3)",
                hip_param_name(lists[i].type));
            return;
        }
    }
    for (size_t at = 0; (r1 = facts_next(j, &at, HIP_PKT_R1, &w->receiver, &w->sender, false, item));) {
        any = true;
        group |= r1->dh.n && dh.n && r1->dh.p[0] == dh.p[0];
    }
    if (any && !group)
        say(v, CHECK_OFFERS, SAID_WRONG, "another Diffie-Hellman group than R1's (RFC 7401 s6.8)");
    else if (any)
        good(v, CHECK_OFFERS);
    else
        say(v, CHECK_OFFERS, SAID_CANNOT_TELL, "its R1 is not here");
}

static void judge_counter(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    struct span mine = view_span(w, HIP_PAR_R1_COUNTER);
    const struct fact *r1;
    bool any = false;
    for (size_t at = 0; (r1 = facts_next(j, &at, HIP_PKT_R1, &w->receiver, &w->sender, false, item));) {
        any = true;
        if (span_eq(r1->counter, mine)) {
            good(v, CHECK_COUNTER);
            return;
        }
    }
    say(v, CHECK_COUNTER, any ? SAID_WRONG : SAID_CANNOT_TELL, "%s",
        any ? "not that of an R1 here, octet for octet (RFC 7401 s5.2.3)" : "its R1 is not here");
}

/* ---- echoes and acknowledgements ---- */

static void judge_echo(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    struct span mine = view_span(w, HIP_PAR_ECHO_RESPONSE_SIGNED);
    const struct fact *f;
    bool any = false;
    if (!mine.p)
        return;
    for (size_t at = 0; (f = facts_next(j, &at, 0, &w->receiver, &w->sender, false, item));) {
        if (!f->echo.p)
            continue;
        any = true;
        if (span_eq(f->echo, mine)) {
            good(v, CHECK_ECHO);
            return;
        }
    }
    say(v, CHECK_ECHO, any ? SAID_WRONG : SAID_CANNOT_TELL, "%s",
        any ? "no request here had these contents (RFC 7401 s5.2.22)" : "no request here");
}

static void judge_ack(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    struct span mine = view_span(w, HIP_PAR_ACK);
    const struct fact *f;
    bool any = false;
    if (!mine.p)
        return;
    for (size_t i = 0; i + 4 <= mine.n; i += 4) {
        bool sent = false;
        for (size_t at = 0; (f = facts_next(j, &at, 0, &w->receiver, &w->sender, false, item));) {
            any |= f->seq.n == 4;
            sent |= f->seq.n == 4 && memcmp(f->seq.p, mine.p + i, 4) == 0;
        }
        if (any && !sent) {
            const uint8_t *p = mine.p + i;
            say(v, CHECK_ACK, SAID_WRONG, "Update ID %u was not sent here (RFC 7401 s5.2.17)",
                (unsigned)p[0] << 24 | (unsigned)p[1] << 16 | (unsigned)p[2] << 8 | p[3]);
            return;
        }
    }
    if (any)
        good(v, CHECK_ACK);
    else
        say(v, CHECK_ACK, SAID_CANNOT_TELL, "no SEQ of the receiver's is here");
}

void judge_exchange(const struct judge *j, const struct view *w, size_t item, struct verdict *v)
{
    judge_dh(w, v);
    if (w->type == HIP_PKT_R1)
        judge_r1(j, w, item, v);
    if (w->type == HIP_PKT_I2) {
        judge_puzzle(j, w, item, v);
        judge_choices(j, w, item, v);
        judge_counter(j, w, item, v);
    }
    judge_echo(j, w, item, v);
    judge_ack(j, w, item, v);
}
