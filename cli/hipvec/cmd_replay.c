/* SPDX-License-Identifier: Apache-2.0
 *
 * hipvec replay: one party of a vector plays its part against a live peer. It has the vector's host identity and draws (Diffie-Hellman value, #J, nonces, IVs,
 * SPIs); the peer has its own, so keys and what follows from them are computed anew, and what comes back is judged by them as hipvec verify judges a
 * capture, and held against the packets of the vector as far as these say what a peer has to do.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/hipvec/bexfile.h"
#include "cli/hipvec/cmd.h"
#include "cli/hipvec/judge.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/sock.h"

#define QUIET_US  UINT64_C(400000) /* nothing came: the next step */
#define ITEMS_MAX 512
#define MARK      4
#define DEFAULT_S 10

struct replay {
    const char *file;
    struct addr to, from;
    struct hit hit; /* whom to ask; NULL: whoever is there */
    bool udp, json, responder;
    long wait_s, tc_id;

    struct vec_case c;
    json_t *doc;
    struct world *w;
    struct party *p; /* the one we play */
    struct script script;
    size_t step;
    struct rt_loop *loop;
    struct rt_sock *sock;
    struct rt_timer *timer;
    uint64_t end_us, quiet_us;
    struct hip_actions out;
    struct hip_ref ref;
    bool connected, gone, over;
    struct items it; /* both ways, in order */
    char *keylog;
    size_t keylog_n;
    unsigned fresh; /* draws that the vector does not have */
    unsigned passed, failed, skipped;
    json_t *report;
};

/* ---- what an engine gets ---- */

static void draw(void *ctx, const char *name, void *out, size_t n)
{
    struct replay *r = ctx;
    struct env list = draws_env(&r->p->draws);
    r->p->draws.missing[0] = '\0';
    list.draw(list.ctx, name, out, n);
    if (r->p->draws.missing[0]) { /* this run goes further than the vector */
        rt_random(out, n);
        r->fresh++;
    }
}

static void seeds(void *ctx, void *out, size_t n)
{
    (void)ctx;
    rt_random(out, n);
}

static void take_keys(void *ctx, const char *lines, size_t n)
{
    struct replay *r = ctx;
    char *p = realloc(r->keylog, r->keylog_n + n + 1);
    if (!p)
        return;
    memcpy(p + r->keylog_n, lines, n);
    r->keylog = p;
    r->keylog_n += n;
}

/* ---- packets ---- */

static void note(struct replay *r, const struct hip_path *path, struct span octets, bool sent)
{
    struct items *it = &r->it;
    struct item x = { .kind = ITEM_HIP, .frame = it->n + 1, .has_addr = true, .udp = path->peer.port != 0 };
    struct item *v = it->n < ITEMS_MAX ? realloc(it->v, (it->n + 1) * sizeof *v) : NULL;
    uint8_t **c = v ? realloc(it->copies, (it->n_copies + 1) * sizeof *c) : NULL;
    uint8_t *p = c ? malloc(octets.n + 1) : NULL;
    it->v = v ? v : it->v;
    it->copies = c ? c : it->copies;
    if (!p)
        return;
    memcpy(p, octets.p, octets.n);
    it->copies[it->n_copies++] = p;
    x.src = sent ? path->local : path->peer;
    x.dst = sent ? path->peer : path->local;
    x.udp_sum = SUM_RIGHT; /* the kernel's business, both ways */
    x.octets = span_of(p, octets.n);
    it->v[it->n++] = x;
}

static void send_out(struct replay *r, const struct hip_path *path, struct span octets)
{
    static const uint8_t mark[MARK];
    err e = path->peer.port
                ? rt_sock_send_headed(r->sock, &path->local, &path->peer, 0, span_of(mark, MARK), octets)
                : rt_sock_send(r->sock, &path->local, &path->peer, 0, octets);
    if (e != ERR_OK)
        fprintf(stderr, "hipvec: a packet was not sent: %s\n", err_text(e));
    rt_sock_flush(r->sock);
    note(r, path, octets, true);
}

static void answer(struct replay *r, const struct hip_action *v)
{
    struct hip_answer a = { .accept = true };
    if (v->type == HIP_ACT_ASK_I2) {
        if (v->ask.contents.info.present)
            a.contents.request = r->p->conf.request;
        a.contents.di = conf_di(&r->p->conf);
    }
    (void)!hip_answer(r->p->e, v->ref, &a, rt_now_us(), &r->out);
}

static void act(struct replay *r, const struct hip_action *v)
{
    switch (v->type) {
    case HIP_ACT_SEND:
        send_out(r, &v->send.path, v->send.octets);
        break;
    case HIP_ACT_ASK_I2:
    case HIP_ACT_ASK_R2:
        r->ref = v->ref;
        answer(r, v);
        break;
    case HIP_ACT_SA_UP: /* both have R2: the exchange is over for either role */
        r->ref = v->ref;
        r->connected = v->sa.out_ready;
        break;
    case HIP_ACT_UPDATE:
        (void)!hip_update_done(r->p->e, v->ref, rt_now_us(), &r->out);
        break;
    case HIP_ACT_GONE:
        r->gone = true;
        break;
    default:
        break;
    }
}

static void carry_out(struct replay *r)
{
    for (size_t i = 0; i < r->out.n; i++) {
        struct hip_action v = r->out.v[i];
        act(r, &v);
    }
    hip_actions_reset(&r->out);
    r->quiet_us = rt_now_us() + QUIET_US;
}

/* ---- steps ---- */

static err begin(struct replay *r, enum step_do what)
{
    uint32_t id;
    struct hip_engine *e = r->p->e;
    switch (what) {
    case DO_UPDATE:
        return hip_probe(e, r->ref, rt_now_us(), &r->out, &id);
    case DO_REKEY:
    case DO_REKEY_DH:
        return hip_rekey(e, r->ref, what == DO_REKEY_DH, rt_now_us(), &r->out);
    case DO_NOTIFY:
        return hip_notify(e, r->ref, HIP_NTF_RESPONDER_BUSY_PLEASE_RETRY, span_of(NULL, 0), rt_now_us(),
                          &r->out);
    case DO_CLOSE:
        return hip_close(e, r->ref, rt_now_us(), &r->out);
    default:
        return ERR_UNSUPPORTED;
    }
}

/* The next step of the script that is ours to make; what is the peer's, and ESP, is skipped. */
static void next_step(struct replay *r)
{
    enum who me = r->responder ? WHO_R : WHO_I;
    for (; r->step < r->script.n; r->step++) {
        const struct step *s = &r->script.step[r->step];
        if (s->what == DO_CONNECT || s->what == DO_CONNECT_BOTH)
            continue;
        if (s->at != me || begin(r, s->what) != ERR_OK) {
            r->skipped++;
            continue;
        }
        r->step++;
        carry_out(r);
        return;
    }
    r->over = true;
}

static void tick(void *ctx)
{
    struct replay *r = ctx;
    uint64_t now = rt_now_us();
    if (hip_deadline(r->p->e) <= now) {
        hip_timeout(r->p->e, now, &r->out);
        if (r->out.n)
            carry_out(r);
    }
    if (r->connected && !r->over && now >= r->quiet_us)
        next_step(r);
    if ((r->over && !r->responder) || r->gone || now >= r->end_us) {
        rt_loop_stop(r->loop);
        return;
    }
    uint64_t at = hip_deadline(r->p->e), step = r->connected && !r->over ? r->quiet_us : r->end_us;
    at = at < r->end_us ? at : r->end_us;
    rt_timer_at(r->timer, at < step ? at : step);
}

static void on_packets(void *ctx, const struct rt_pkt *k, size_t n)
{
    struct replay *r = ctx;
    for (size_t i = 0; i < n; i++) {
        struct span s = k[i].octets;
        struct hip_path path = { .local = k[i].local, .peer = k[i].peer };
        size_t skip = r->udp ? MARK : 0;
        if (s.n < skip + HIP_HEADER_LEN || (r->udp && (s.p[0] | s.p[1] | s.p[2] | s.p[3])))
            continue; /* ESP, keepalives */
        s = span_of(s.p + skip, s.n - skip);
        const uint8_t *own = r->p->hi.hit.b;
        if (memcmp(s.p + 8, own, 16) == 0 || (memcmp(s.p + 24, own, 16) != 0 && !r->responder))
            continue; /* our own, seen on the way out; somebody else's */
        note(r, &path, s, false);
        (void)!hip_input(r->p->e, &path, s, rt_now_us(), &r->out);
        carry_out(r);
    }
    tick(r);
}

/* ---- judgement ---- */

/* The n-th packet of this type from the peer's side in the vector; NULL. */
static const json_t *recorded(const struct replay *r, const char *type, size_t n)
{
    const char *from = r->responder ? "I" : "R";
    size_t i;
    json_t *p;
    json_array_foreach (bex_get(&r->c, "packets"), i, p) {
        const char *t = json_string_value(json_object_get(p, "type")),
                   *f = json_string_value(json_object_get(p, "from"));
        if (t && f && strcmp(t, type) == 0 && strcmp(f, from) == 0 && n-- == 0)
            return p;
    }
    return NULL;
}

static bool same_param(const json_t *want, const struct view *w)
{
    struct span v = view_span(w, (uint16_t)json_integer_value(json_object_get(want, "type")));
    const char *hex = json_string_value(json_object_get(want, "value"));
    char two[3];
    if (!v.p || !hex || strlen(hex) != 2 * v.n)
        return false;
    for (size_t i = 0; i < v.n; i++) {
        snprintf(two, sizeof two, "%02x", v.p[i]);
        if (memcmp(hex + 2 * i, two, 2) != 0)
            return false;
    }
    return true;
}

/* Names of the parameters that are as recorded, and of those that are the peer's own. */
static void compare(const struct replay *r, const struct view *w, size_t nth, json_t *o)
{
    const json_t *want = recorded(r, view_type_name(w), nth);
    json_t *same = json_array(), *own = json_array(), *p;
    size_t i;
    if (want) {
        json_array_foreach (json_object_get(want, "params"), i, p)
            json_array_append(same_param(p, w) ? same : own, json_object_get(p, "name"));
        json_object_set(o, "as_recorded", same);
        json_object_set(o, "the_peers_own", own);
    }
    json_decref(same);
    json_decref(own);
}

static size_t count_before(const struct replay *r, size_t item, uint8_t type, const struct hit *from)
{
    size_t n = 0;
    for (size_t i = 0; i < item; i++) {
        const uint8_t *p = r->it.v[i].octets.p;
        n += (p[2] & 0x7f) == type && memcmp(p + 8, from->b, 16) == 0;
    }
    return n;
}

static void judge_one(struct replay *r, struct judge *j, size_t i)
{
    struct verdict v;
    struct view w;
    char text[ADDR_TEXT_MAX];
    const struct item *x = &r->it.v[i];
    if (!view_packet(x->octets, &w))
        return;
    bool ours = hit_eq(&w.sender, &r->p->hi.hit);
    json_t *o = json_object(), *wrong = json_array();
    json_object_set_new(o, "packet", json_string(view_type_name(&w)));
    json_object_set_new(o, "sent", json_boolean(ours));
    json_object_set_new(o, "peer", json_string(addr_format(ours ? &x->dst : &x->src, text)));
    judge_item(j, i, &v);
    unsigned good = 0;
    for (size_t k = 0; k < v.n && !ours; k++) {
        char said[256];
        good += v.v[k].said == SAID_GOOD;
        r->skipped += v.v[k].said == SAID_CANNOT_TELL;
        if (v.v[k].said != SAID_WRONG)
            continue;
        snprintf(said, sizeof said, "%s: %s", check_name(v.v[k].check), v.v[k].why);
        json_array_append_new(wrong, json_string(said));
    }
    r->passed += good;
    r->failed += (unsigned)json_array_size(wrong);
    json_object_set_new(o, "checks", json_integer(good));
    if (!ours)
        compare(r, &w, count_before(r, i, w.type, &w.sender), o);
    json_object_set_new(o, "wrong", wrong);
    json_array_append_new(r->report, o);
}

/* A packet that the peer owes: it came, or it is missing. */
static void owed(struct replay *r, const char *name, uint8_t type)
{
    bool came = false;
    for (size_t i = 0; i < r->it.n; i++) {
        const uint8_t *p = r->it.v[i].octets.p;
        came |= (p[2] & 0x7f) == type && memcmp(p + 8, r->p->hi.hit.b, 16) != 0;
    }
    *(came ? &r->passed : &r->failed) += 1;
    if (came)
        return;
    json_t *o = json_object();
    json_object_set_new(o, "packet", json_string(name));
    json_object_set_new(o, "missing", json_true());
    json_array_append_new(r->report, o);
}

static bool sent(const struct replay *r, uint8_t type)
{
    return count_before(r, r->it.n, type, &r->p->hi.hit) > 0;
}

static void judge_all(struct replay *r)
{
    struct keylog keys = { 0 };
    char why[160];
    r->report = json_array();
    if (r->keylog && keylog_parse(&keys, span_of(r->keylog, r->keylog_n), why) != ERR_OK)
        abort(); /* our own lines */
    struct judge *j = judge_new(&r->it, &keys);
    for (size_t i = 0; j && i < r->it.n; i++)
        judge_one(r, j, i);
    judge_free(j);
    keylog_done(&keys);
    if (r->responder) {
        owed(r, "I1", HIP_PKT_I1);
        owed(r, "I2", HIP_PKT_I2);
    } else {
        owed(r, "R1", HIP_PKT_R1);
        owed(r, "R2", HIP_PKT_R2);
    }
    if (sent(r, HIP_PKT_UPDATE))
        owed(r, "UPDATE", HIP_PKT_UPDATE);
    if (sent(r, HIP_PKT_CLOSE))
        owed(r, "CLOSE_ACK", HIP_PKT_CLOSE_ACK);
}

static void names(const char *title, const json_t *list)
{
    size_t i;
    json_t *n;
    json_array_foreach (list, i, n)
        printf("%s%s", i ? ", " : title, json_string_value(n));
    if (json_array_size(list))
        putchar('\n');
}

static void print(const struct replay *r)
{
    size_t i, k;
    json_t *o, *e;
    json_array_foreach (r->report, i, o) {
        const char *name = json_string_value(json_object_get(o, "packet"));
        json_t *wrong = json_object_get(o, "wrong");
        if (json_is_true(json_object_get(o, "missing"))) {
            printf("       %-10s did not come\n", name);
            continue;
        }
        if (json_is_true(json_object_get(o, "sent"))) {
            printf("    >  %-10s %s\n", name, json_string_value(json_object_get(o, "peer")));
            continue;
        }
        printf("  <    %-10s %s: %" JSON_INTEGER_FORMAT " checks right%s\n", name,
               json_string_value(json_object_get(o, "peer")),
               json_integer_value(json_object_get(o, "checks")), json_array_size(wrong) ? ", WRONG:" : "");
        json_array_foreach (wrong, k, e)
            printf("         %s\n", json_string_value(e));
        names("         as recorded: ", json_object_get(o, "as_recorded"));
        names("         the peer's own: ", json_object_get(o, "the_peers_own"));
    }
    if (r->fresh)
        printf("%u draws that the vector does not have were made anew\n", r->fresh);
    printf("%u passed, %u failed, %u skipped\n", r->passed, r->failed, r->skipped);
}

/* ---- setting up ---- */

static bool complain(const char *what, const char *why)
{
    fprintf(stderr, "hipvec: %s: %s\n", what, why);
    return false;
}

static const json_t *pick(struct replay *r)
{
    size_t i, k;
    json_t *group, *test;
    json_array_foreach (json_object_get(r->doc, "testGroups"), i, group)
        json_array_foreach (json_object_get(group, "tests"), k, test) {
            const char *type = json_string_value(json_object_get(group, "type"));
            json_int_t id = json_integer_value(json_object_get(test, "tcId"));
            if (!type || strcmp(type, "HipBexTest") != 0 || (r->tc_id >= 0 && id != r->tc_id))
                continue;
            r->c = (struct vec_case){ .group = group, .test = test, .type = "HipBexTest", .valid = true };
            return test;
        }
    return NULL;
}

static bool read_vector(struct replay *r)
{
    json_error_t je;
    r->doc = json_load_file(r->file, 0, &je);
    if (!r->doc)
        return complain(r->file, je.text);
    if (!pick(r))
        return complain(r->file, "no HipBexTest of that number in it");
    r->w = bex_read_world(&r->c);
    if (r->w)
        bex_read_script(&r->c, &r->script);
    if (!r->w || r->c.outcome != VEC_PASS)
        return complain(r->file, r->c.why);
    r->p = &r->w->party[r->responder ? WHO_R : WHO_I];
    if (!r->p->hi.key || !sig_has_private(r->p->hi.key))
        return complain(r->file, "no private key of the party to be played");
    if (r->p->conf.relayed_port)
        return complain(r->file, "a Forwarding Agent's part is not played");
    if (r->udp && !r->p->conf.nat_modes[0])
        r->p->conf.nat_modes[0] = HIP_NAT_UDP_ENCAPSULATION;
    r->p->addr = r->from;
    r->w->now = rt_now_us();
    if (!world_begin(r->w, r->responder ? WHO_R : WHO_I))
        return complain(r->file, r->w->failed);
    r->p->env =
        (struct env){ .ctx = r, .random = seeds, .draw = draw, .keys = { .ctx = r, .write = take_keys } };
    return true;
}

static bool open_socket(struct replay *r)
{
    if (r->from.family == ADDR_NONE && r->to.family != ADDR_NONE && rt_source_for(&r->to, &r->from) != ERR_OK)
        return complain("--to", "no way there");
    r->loop = rt_loop_new();
    r->timer = r->loop ? rt_timer_new(r->loop, tick, r) : NULL;
    if (!r->timer)
        return complain("loop", err_text(ERR_MEMORY));
    err e = r->udp ? rt_udp_open(r->loop, &r->from, on_packets, r, &r->sock)
                   : rt_raw_open(r->loop, (enum addr_family)r->from.family, HIP_IP_PROTO, on_packets, r,
                                 &r->sock);
    if (e != ERR_OK)
        return complain(r->udp ? "UDP socket" : "raw socket",
                        e == ERR_REFUSED ? "needs CAP_NET_RAW; --udp does not" : err_text(e));
    if (r->udp)
        r->from.port = rt_sock_local(r->sock).port;
    return true;
}

static bool start(struct replay *r)
{
    struct hip_path path = { .local = r->from, .peer = r->to };
    r->end_us = rt_now_us() + (uint64_t)r->wait_s * 1000000;
    if (r->responder) {
        fprintf(stderr, "waiting %ld s for an I1\n", r->wait_s);
        rt_timer_at(r->timer, 0);
        return true;
    }
    err e = hip_connect(r->p->e, &r->p->hi.hit, &r->hit, &path, 1, rt_now_us(), &r->out, &r->ref);
    if (e != ERR_OK)
        return complain("connect", err_text(e));
    carry_out(r);
    rt_timer_at(r->timer, 0);
    return true;
}

static bool options(int argc, char **argv, struct replay *r)
{
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : NULL;
        bool took = true, two = true;
        if (strcmp(a, "--udp") == 0 || strcmp(a, "--json") == 0) {
            *(a[2] == 'u' ? &r->udp : &r->json) = true;
            two = false;
        } else if (a[0] != '-' && !r->file) {
            r->file = a;
            two = false;
        } else if (!v) {
            took = false;
        } else if (strcmp(a, "--to") == 0 || strcmp(a, "--from") == 0) {
            took = addr_parse(v, a[2] == 't' ? &r->to : &r->from) == ERR_OK;
        } else if (strcmp(a, "--hit") == 0) {
            took = hit_parse(v, &r->hit) == ERR_OK && hit_is_valid(&r->hit);
        } else if (strcmp(a, "--role") == 0) {
            r->responder = strcmp(v, "responder") == 0;
            took = r->responder || strcmp(v, "initiator") == 0;
        } else if (strcmp(a, "--wait") == 0 || strcmp(a, "--test") == 0) {
            char *end;
            *(a[2] == 'w' ? &r->wait_s : &r->tc_id) = strtol(v, &end, 10);
            took = *end == '\0';
        } else {
            took = false;
        }
        if (!took)
            return false;
        i += two;
    }
    bool peer = r->to.family != ADDR_NONE, own = r->from.family != ADDR_NONE;
    if (!r->file || r->wait_s < 1 || (r->responder ? !own : !peer) ||
        (peer && own && r->to.family != r->from.family))
        return false;
    if (peer && r->udp && !r->to.port)
        r->to.port = HIP_UDP_PORT;
    if (r->udp && r->responder && !r->from.port)
        r->from.port = HIP_UDP_PORT;
    return r->udp || (!r->to.port && !r->from.port);
}

static void done(struct replay *r)
{
    json_decref(r->report);
    rt_timer_free(r->timer);
    rt_sock_close(r->sock);
    world_free(r->w);
    rt_loop_free(r->loop);
    vec_done(&r->c);
    json_decref(r->doc);
    items_done(&r->it);
    if (r->keylog)
        sec_wipe(r->keylog, r->keylog_n);
    free(r->keylog);
}

static int finish(struct replay *r)
{
    judge_all(r);
    if (r->json) {
        json_t *o = json_object();
        json_object_set(o, "packets", r->report);
        json_object_set_new(o, "draws_made_anew", json_integer(r->fresh));
        json_object_set_new(o, "passed", json_integer(r->passed));
        json_object_set_new(o, "failed", json_integer(r->failed));
        json_object_set_new(o, "skipped", json_integer(r->skipped));
        json_dumpf(o, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(o);
    } else {
        print(r);
    }
    return r->failed ? EXIT_MISMATCH : EXIT_PASS;
}

int cmd_replay(int argc, char **argv)
{
    static struct replay r = { .wait_s = DEFAULT_S, .tc_id = -1 };
    int status = EXIT_BAD_INPUT;
    if (!options(argc, argv, &r))
        return cmd_usage("replay");
    if (open_socket(&r) && read_vector(&r) && start(&r)) {
        rt_loop_run(r.loop);
        status = finish(&r);
    }
    done(&r);
    return status;
}
