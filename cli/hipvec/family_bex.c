/* SPDX-License-Identifier: Apache-2.0
 * Whole exchanges: every value recomputed from its input, then the engines made to say all of it again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/bexfile.h"
#include "common/base/hex.h"
#include "hip/suite.h"

#define PATH_MAX_ 128

static void differ(struct vec_case *c, const char *path, const char *expected, const char *got,
                   const char *more)
{
    const struct origin *o = origin_of(path);
    char from[VEC_FROM_MAX];
    snprintf(from, sizeof from, "%s%s%s", o->from, more[0] && o->from[0] ? "; " : "", more);
    vec_differ(c, path, expected, got, from, o->section);
}

/* ---- values ---- */

static char *text_of(struct vec_case *c, const json_t *v)
{
    char *t =
        json_is_string(v) ? strdup(json_string_value(v)) : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!t)
        abort();
    size_t n = strlen(t) + 1;
    char *keep = (char *)vec_alloc(c, n);
    memcpy(keep, t, n);
    free(t);
    return keep;
}

static bool one_of(const char *name, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

/* What both have must be equal, in the order in which it was computed; with `whole` the file has nothing that was not. */
static void same(struct vec_case *c, const char *path, const json_t *computed, const json_t *file, bool whole)
{
    char sub[PATH_MAX_];
    const char *name;
    json_t *v;
    size_t i;
    if (!vec_going(c))
        return;
    if (json_is_object(computed) && json_is_object(file)) {
        json_object_foreach ((json_t *)computed, name, v) {
            const json_t *f = json_object_get(file, name);
            snprintf(sub, sizeof sub, "%s.%s", path, name);
            if (f)
                same(c, sub, v, f, whole);
        }
        json_object_foreach ((json_t *)file, name, v) {
            snprintf(sub, sizeof sub, "%s.%s", path, name);
            if (whole && !json_object_get(computed, name) && vec_going(c))
                differ(c, sub, text_of(c, v), "nothing", "");
        }
        return;
    }
    if (json_is_array(computed) && json_is_array(file)) {
        size_t n = json_array_size(computed), m = json_array_size(file);
        for (i = 0; i < n && i < m; i++) {
            snprintf(sub, sizeof sub, "%s[%zu]", path, i);
            same(c, sub, json_array_get(computed, i), json_array_get(file, i), whole);
        }
        snprintf(sub, sizeof sub, "%s[%zu]", path, i);
        if (n != m && vec_going(c))
            differ(c, sub, n < m ? text_of(c, json_array_get(file, i)) : "nothing",
                   n < m ? "nothing" : text_of(c, json_array_get(computed, i)), "");
        return;
    }
    if (!json_equal(computed, file))
        differ(c, path, text_of(c, file), text_of(c, computed), "");
}

/* The members of an object that are, or are not, in the list. */
static void same_members(struct vec_case *c, const char *path, const json_t *computed, const json_t *file,
                         const char *const *list, bool in_list, bool whole)
{
    char sub[PATH_MAX_];
    const char *name;
    json_t *v;
    json_object_foreach ((json_t *)computed, name, v) {
        const json_t *f = json_object_get(file, name);
        snprintf(sub, sizeof sub, "%s.%s", path, name);
        if (f && one_of(name, list) == in_list)
            same(c, sub, v, f, whole);
    }
    json_object_foreach ((json_t *)file, name, v) {
        snprintf(sub, sizeof sub, "%s.%s", path, name);
        if (whole && one_of(name, list) == in_list && !json_object_get(computed, name) && vec_going(c))
            differ(c, sub, text_of(c, v), "nothing", "");
    }
}

static const char *const outside[] = { "type", "from",           "to",     "src", "dst",
                                       "udp",  "checksum_input", "params", NULL };
static const char *const rest[] = { "type",           "from",   "to",   "src",     "dst", "udp",
                                    "checksum_input", "params", "wire", "outcome", NULL };

static void same_packets(struct vec_case *c, const struct explained *x, const json_t *packets, bool inner,
                         bool whole)
{
    char path[PATH_MAX_];
    for (size_t i = 0; i < json_array_size(packets); i++) {
        snprintf(path, sizeof path, "packets[%zu]", i);
        const json_t *a = json_array_get(x->packets, i), *b = json_array_get(packets, i);
        if (inner)
            same_members(c, path, a, b, rest, false, whole);
        else
            same_members(c, path, a, b, outside, true, whole);
    }
}

/* Private keys of both ends, or no keys at all, mean that what could not be computed has no place in the file. */
static bool knows_all(const struct explained *x)
{
    size_t i;
    json_t *k;
    json_array_foreach (x->keymats, i, k)
        if (json_array_size(json_object_get(k, "keys")) == 0)
            return false;
    return true;
}

static void same_values(struct vec_case *c, const struct explained *x)
{
    static const char *const members[] = { "initiator", "responder", "rvs" };
    const json_t *packets = bex_get(c, "packets");
    bool whole = knows_all(x);
    for (enum who w = WHO_I; w < WHO_PARTIES; w++)
        if (x->party[w])
            same(c, members[w], x->party[w], bex_get(c, members[w]), false);
    same_packets(c, x, packets, false, true);
    if (x->puzzle && bex_get(c, "puzzle"))
        same(c, "puzzle", x->puzzle, bex_get(c, "puzzle"), true);
    if (x->rvs_puzzle && bex_get(c, "rvs_puzzle"))
        same(c, "rvs_puzzle", x->rvs_puzzle, bex_get(c, "rvs_puzzle"), true);
    if (bex_get(c, "keymats"))
        same(c, "keymats", x->keymats, bex_get(c, "keymats"), whole);
    same_packets(c, x, packets, true, whole);
    for (size_t i = 0; i < x->n_remarks && vec_going(c); i++)
        differ(c, x->remark[i].path, x->remark[i].expected, x->remark[i].got, "");
}

/* The puzzle's low bits: what hashes right may still be no solution (RFC 7401 s6.3). */
static void solved(struct vec_case *c, const json_t *puzzle, const char *path)
{
    struct span h = bex_hex(c, puzzle, "hash");
    json_int_t k = json_integer_value(json_object_get(puzzle, "k"));
    for (json_int_t i = 0; i < k && h.n && vec_going(c); i++)
        if ((size_t)i / 8 >= h.n || h.p[h.n - 1 - (size_t)i / 8] >> (i % 8) & 1)
            differ(c, path, "low bits zero", json_string_value(json_object_get(puzzle, "hash")), "");
}

static struct event *read_events(struct vec_case *c, size_t *n)
{
    const json_t *packets = bex_get(c, "packets");
    if (!json_is_array(packets) || json_array_size(packets) == 0) {
        vec_malformed(c, "no packets");
        return NULL;
    }
    *n = json_array_size(packets);
    struct event *e = (struct event *)(void *)vec_alloc(c, *n * sizeof *e + 16);
    for (size_t i = 0; i < *n && vec_going(c); i++)
        bex_read_packet(c, json_array_get(packets, i), &e[i]);
    return e;
}

/* A suite that is known by name only cannot be recomputed. */
static bool suite_there(struct vec_case *c)
{
    const json_t *s = json_object_get(c->group, "suite");
    json_int_t g = json_integer_value(json_object_get(s, "dh_group")),
               h = json_integer_value(json_object_get(s, "hit_suite"));
    json_int_t cipher = json_integer_value(json_object_get(s, "hip_cipher"));
    const json_t *esp = json_object_get(s, "esp_suite");
    const struct hip_dh_suite *d = g > 0 && g < 256 ? hip_dh_suite((uint8_t)g) : NULL;
    const struct hip_hit_suite *hs = h > 0 && h < 16 ? hip_hit_suite((uint8_t)h) : NULL;
    const struct hip_cipher_suite *cs =
        cipher > 0 && cipher < 65536 ? hip_cipher_suite((uint16_t)cipher) : NULL;
    const struct hip_esp_suite *es = hip_esp_suite((uint16_t)json_integer_value(esp));
    if (!json_is_object(s))
        vec_malformed(c, "a group of exchanges without suite");
    else if (!d || !d->supported)
        vec_skip(c, "DH group %lld", (long long)g);
    else if (!hs || !hs->supported)
        vec_skip(c, "HIT suite %lld", (long long)h);
    else if (!cs || !cs->supported)
        vec_skip(c, "HIP cipher %lld", (long long)cipher);
    else if (esp && (!es || !es->supported))
        vec_skip(c, "ESP suite %lld", (long long)json_integer_value(esp));
    return vec_going(c);
}

/* ---- the engines again ---- */

static const char *draw_behind(uint16_t par)
{
    switch (par) {
    case HIP_PAR_PUZZLE:
        return "draw puzzle_secret";
    case HIP_PAR_SOLUTION:
        return "draw solution_j";
    case HIP_PAR_DIFFIE_HELLMAN:
        return "draw dh_private";
    case HIP_PAR_ESP_INFO:
        return "draw spi";
    case HIP_PAR_ENCRYPTED:
        return "draw enc_iv";
    case HIP_PAR_ECHO_REQUEST_SIGNED:
        return "draw echo or nonce";
    case HIP_PAR_HIP_SIGNATURE:
    case HIP_PAR_HIP_SIGNATURE_2:
        return "draw sig_nonce or rsa_pss_salt";
    default:
        return "";
    }
}

/* "packet of R; first difference at octet 212 in HIP_SIGNATURE (draw ...)" */
static void wire_differs(struct vec_case *c, size_t i, const struct event *file, const struct event *made)
{
    char path[PATH_MAX_], more[160];
    size_t at = 0, from = HIP_HEADER_LEN;
    struct span a = file->wire, b = made->wire;
    bool hip = !made->esp && a.n >= HIP_HEADER_LEN && b.n >= HIP_HEADER_LEN;
    while (at < a.n && at < b.n && (a.p[at] == b.p[at] || (hip && (at == 4 || at == 5))))
        at++; /* the checksum follows from the rest */
    if (at == a.n && at == b.n)
        at = 4;
    uint16_t type = 0;
    for (size_t n; !made->esp && from + 4 <= b.n && from <= at; from += n) {
        type = (uint16_t)(b.p[from] << 8 | b.p[from + 1]);
        n = hip_tlv_len((size_t)b.p[from + 2] << 8 | b.p[from + 3]);
        if (at < from + n)
            break;
    }
    const char *where = made->esp ? "ESP" : at < HIP_HEADER_LEN ? "header" : hip_param_name(type);
    const char *draw = made->esp ? "draw esp_iv" : at < HIP_HEADER_LEN ? "" : draw_behind(type);
    snprintf(path, sizeof path, "packets[%zu].wire", i);
    snprintf(more, sizeof more, "packet of %s, first difference at octet %zu, in %s%s%s%s",
             who_name(made->from), at, where, draw[0] ? " (" : "", draw, draw[0] ? ")" : "");
    char *x = (char *)vec_alloc(c, 2 * a.n + 1), *y = (char *)vec_alloc(c, 2 * b.n + 1);
    differ(c, path, hex_encode(a, x), hex_encode(b, y), more);
}

static void same_way(struct vec_case *c, size_t i, const struct event *file, const struct event *made)
{
    char path[PATH_MAX_], a[2 * ADDR_TEXT_MAX + 24], b[sizeof a], t[2][ADDR_TEXT_MAX];
    const struct event *e[2] = { file, made };
    char *out[2] = { a, b };
    for (int k = 0; k < 2; k++)
        snprintf(out[k], sizeof a, "%s %s to %s %s", who_name(e[k]->from),
                 addr_format(&e[k]->path.peer, t[0]), who_name(e[k]->to),
                 addr_format(&e[k]->path.local, t[1]));
    snprintf(path, sizeof path, "packets[%zu].src", i);
    if (strcmp(a, b) != 0)
        differ(c, path, a, b, "script");
}

static void same_outcome(struct vec_case *c, size_t i, const json_t *file, const struct world *w)
{
    static const char *const names[] = { "state_i", "state_r", "state_rvs" };
    const struct outcome *o = &w->event[i].outcome;
    char path[PATH_MAX_];
    for (int k = -1; k < WHO_PARTIES; k++) {
        const char *name = k < 0 ? "drop" : names[k];
        const char *want = json_string_value(json_object_get(file, name));
        const char *got = k < 0 ? hip_drop_name(o->drop) : hip_state_name(o->state[k]);
        snprintf(path, sizeof path, "packets[%zu].outcome.%s", i, name);
        if (want && strcmp(want, got) != 0 && vec_going(c))
            differ(c, path, want, got, "");
    }
}

static void same_draws(struct vec_case *c, const struct world *w, bool all_used)
{
    static const char *const members[] = { "initiator", "responder", "rvs" };
    char path[PATH_MAX_];
    for (enum who i = WHO_I; i < WHO_PARTIES; i++) {
        const struct draws *d = &w->party[i].draws;
        snprintf(path, sizeof path, "%s.draws", members[i]);
        if (d->missing[0] && vec_going(c))
            differ(c, path, "one that is missing, or of another length", d->missing, "");
        for (size_t k = 0; k < d->n && all_used; k++) {
            snprintf(path, sizeof path, "%s.draws[%zu].name", members[i], k);
            if (!d->v[k].used && vec_going(c))
                differ(c, path, d->v[k].name, "never drawn", "");
        }
    }
}

/* The first n of the file's are what came. */
static void same_first(struct vec_case *c, const struct world *w, const struct event *file, size_t n)
{
    const json_t *packets = bex_get(c, "packets");
    for (size_t i = 0; i < n && i < w->n_events && vec_going(c); i++) {
        same_way(c, i, &file[i], &w->event[i]);
        if (vec_going(c) && !span_eq(file[i].wire, w->event[i].wire))
            wire_differs(c, i, &file[i], &w->event[i]);
        same_outcome(c, i, json_object_get(json_array_get(packets, i), "outcome"), w);
    }
}

static void same_events(struct vec_case *c, const struct world *w, const struct event *file, size_t n)
{
    char path[PATH_MAX_];
    same_first(c, w, file, n);
    if (n == w->n_events || !vec_going(c))
        return;
    snprintf(path, sizeof path, "packets[%zu]", n < w->n_events ? n : w->n_events);
    if (n < w->n_events)
        differ(c, path, "nothing", hip_packet_name(w->event[n].wire.p[2] & 0x7f), "script");
    else
        differ(c, path, "a packet", "nothing", "script");
}

/* The script in a world of its own; x NULL: as it is. NULL: the case says why. */
static struct world *play(struct vec_case *c, struct inject *x)
{
    struct script s;
    struct world *w = bex_read_world(c);
    if (!w)
        return NULL;
    bex_read_script(c, &s);
    if (x)
        bex_read_limits(c, &w->party[x->to].limits);
    if (!vec_going(c) || !bex_begin(w)) {
        vec_malformed(c, "%s", w->failed ? w->failed : "script");
        world_free(w);
        return NULL;
    }
    w->inject = x;
    for (size_t i = 0; i < s.n && world_step(w, &s.step[i]); i++)
        ;
    world_end(w);
    return w;
}

static void replay(struct vec_case *c, const struct event *file, size_t n)
{
    struct world *w = play(c, NULL);
    if (!w)
        return;
    same_draws(c, w, false);
    same_events(c, w, file, n);
    same_draws(c, w, true);
    if (w->failed && vec_going(c))
        differ(c, "script", "carried out", w->failed, "");
    world_free(w);
}

/* ---- a packet that must do no harm ---- */

static void same_text(struct vec_case *c, const char *path, const char *want, const char *got)
{
    if (want && strcmp(want, got) != 0 && vec_going(c))
        differ(c, path, want, got, "bad.wire, and the exchange before it");
}

/* The state, and all else of the receiver's, is as it was. */
static void judge_stillness(struct vec_case *c, const json_t *expect, const struct inject *x)
{
    const char *state = json_string_value(json_object_get(expect, "state"));
    same_text(c, "expect.state", state, hip_state_name(x->before_it.state[x->to])); /* by party */
    same_text(c, "expect.state", state, hip_state_name(x->outcome.state[x->to]));
    if (x->touched && x->outcome.drop != HIP_TAKEN && vec_going(c))
        differ(c, "expect.state", "an association as it was before", "changed by a packet that was dropped",
               "bad.wire");
}

/* The UPDATE that asks a data relay for what it does not get is acknowledged all the same. */
static void judge_ack(struct vec_case *c, const json_t *expect, const struct inject *x)
{
    bool want = json_is_true(json_object_get(expect, "acknowledged"));
    if (x->outcome.drop != HIP_DROP_DUPLICATE && x->outcome.drop != HIP_TAKEN && want != (x->acks > 0) &&
        vec_going(c))
        differ(c, "expect.acknowledged", want ? "an UPDATE with ACK" : "no ACK", x->acks ? "one" : "none",
               "bad.wire");
}

static void judge_relayed(struct vec_case *c, const json_t *expect, const struct inject *x)
{
    const json_t *on = json_object_get(expect, "relayed");
    char path[32], text[ADDR_TEXT_MAX];
    if (!on != (x->on.peer.family == ADDR_NONE) && vec_going(c))
        differ(c, "expect.relayed", on ? "passed on" : "not passed on", on ? "not" : "passed on", "bad.wire");
    for (int dst = 0; dst < 2 && on; dst++) {
        const struct addr *a = dst ? &x->on.peer : &x->on.local;
        const char *name = dst ? "dst" : "src";
        snprintf(path, sizeof path, "expect.relayed.%s", name);
        same_text(c, path, json_string_value(json_object_get(on, name)), addr_format(a, text));
    }
}

static void judge(struct vec_case *c, const json_t *expect, const struct inject *x)
{
    char a[16], b[16];
    const json_t *n = json_object_get(expect, "notify_type");
    /* What was said before is said again. */
    bool again = x->outcome.drop == HIP_DROP_DUPLICATE && (x->answers || x->acks);
    const char *action = x->outcome.drop == HIP_TAKEN || again ? "accept" : x->notify ? "notify" : "drop";
    if (!x->done) {
        differ(c, "expect.after", "so many packets", "the exchange ends before", "");
        return;
    }
    same_text(c, "expect.drop", json_string_value(json_object_get(expect, "drop")),
              hip_drop_name(x->outcome.drop));
    same_text(c, "expect.action", json_string_value(json_object_get(expect, "action")), action);
    if (n) {
        snprintf(a, sizeof a, "%lld", (long long)json_integer_value(n));
        snprintf(b, sizeof b, "%u", x->notify);
        same_text(c, "expect.notify_type", a, b);
    }
    judge_stillness(c, expect, x);
    judge_ack(c, expect, x);
    judge_relayed(c, expect, x);
    if (x->outcome.drop != HIP_TAKEN && x->answers && !again && vec_going(c))
        differ(c, "expect.action", "no answer but NOTIFY", "answered", "bad.wire");
}

static void bad_packet(struct vec_case *c, const struct event *file, size_t n)
{
    const json_t *expect = json_object_get(c->test, "expect");
    struct inject x;
    bex_read_inject(c, &x);
    struct world *w = vec_going(c) ? play(c, &x) : NULL;
    if (!w)
        return;
    judge(c, expect, &x);
    /* Everything else is said as if it had never come; where it ends the exchange, up to there. */
    if (x.instead || json_is_false(json_object_get(expect, "continues")))
        same_first(c, w, file, x.after < n ? x.after : n);
    else if (vec_going(c))
        same_events(c, w, file, n);
    world_free(w);
}

/* ---- */

/* Those of a group with bad packets are the same in each test: values once, then the packets. */
static bool group_seen(const struct vec_case *c)
{
    return json_object_get(c->group, "packets") && json_object_get(c->test, "bad") &&
           json_array_get(json_object_get(c->group, "tests"), 0) != c->test;
}

static void values(struct vec_case *c, struct world *w, const struct event *e, size_t n)
{
    struct explained x;
    struct explain_in in = { .w = w, .event = e, .n = n, .given = c->test, .given_group = c->group };
    explain(c, &in, &x);
    same_values(c, &x);
    if (x.puzzle)
        solved(c, x.puzzle, "puzzle.hash");
    if (x.rvs_puzzle)
        solved(c, x.rvs_puzzle, "rvs_puzzle.hash");
    explained_done(&x);
}

static void bex(struct vec_case *c)
{
    size_t n = 0;
    if (!suite_there(c))
        return;
    struct event *e = read_events(c, &n);
    struct world *w = vec_going(c) ? bex_read_world(c) : NULL;
    if (!w)
        return;
    bool again = bex_can_replay(c, w), bad = json_object_get(c->test, "bad") != NULL;
    if (!group_seen(c))
        values(c, w, e, n);
    world_free(w);
    if (vec_going(c) && again && !group_seen(c))
        replay(c, e, n);
    if (vec_going(c) && bad)
        bad_packet(c, e, n);
    if (!bad && !c->valid) { /* some value is not right */
        if (c->outcome == VEC_FAIL)
            vec_forget(c);
        else
            vec_verdict(c, true);
    }
}

const struct vec_family family_bex[] = {
    { "HipBexTest", bex, "RFC 7401, RFC 7402", NULL, true },
    { 0 },
};
