/* SPDX-License-Identifier: Apache-2.0
 *
 * The control sockets: whatever a client writes, each line is answered with one JSON object that has "ok", and the connection ends when the client
 * hangs up. Input: daemon(1: hipfad, hiphostd) where the writing is cut in two(1) octets. What stands behind the commands (workers, look-ups,
 * probes) is made here and answers at once; hiphostd's core is a real one, of tests/sim/world.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/crypto/secret.h"
#include "fa/ctl.h"
#include "fa/store_sqlite.h"
#include "host/ctl.h"
#include "tests/sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TURNS_MAX   2000
#define PENDING_MAX 64

static char dir[32], path[2][64], rows[64];
static struct rt_loop *loop;
static struct rt_ctl *of_fa;
static struct host_ctl *of_host;
static struct w_node *node;
static struct store store;

/* ---- what hipfad's commands ask ---- */

void acct_stats(const struct acct *a, struct acct_stats *out)
{
    *out = (struct acct_stats){ .queued = 3, .oldest_s = UINT64_MAX, .server = addr_v4(0x7f000001) };
}

unsigned group_count(const struct group *g)
{
    (void)g;
    return 1;
}

err group_ask(struct group *g, group_part_fn part, group_sum_fn sum, void *ctx)
{
    (void)g;
    (void)part;
    sum(ctx, json_object());
    return ERR_OK;
}

err group_revoke(struct group *g, const char *name, const struct hit *hit, void (*done)(void *ctx, err e),
                 void *ctx)
{
    (void)g;
    if (!name == !hit)
        abort();
    if (name && strlen(name) < 4)
        return ERR_NOT_FOUND;
    done(ctx, ERR_OK);
    return ERR_OK;
}

err group_list(struct group *g, worker_list_fn done, void *ctx)
{
    static const struct store_counts none;
    struct fa_binding row = { .id = 1, .name = "a.example", .device = "\xff\x1b[2J" };
    (void)g;
    done(ctx, ERR_OK, &none, &row, 1);
    return ERR_OK;
}

err group_store(struct group *g, void (*run)(void *arg, const struct store *s),
                void (*done)(void *arg, bool ran), void *arg)
{
    (void)g;
    run(arg, &store);
    done(arg, true);
    return ERR_OK;
}

void group_tell(struct group *g, const struct fa_tell *x)
{
    (void)g;
    if (x->what != FA_TELL_SUSPENDED && x->what != FA_TELL_REKEY)
        abort();
}

void worker_stats(const struct worker *w, struct worker_stats *out)
{
    (void)w;
    memset(out, 0, sizeof *out);
}

json_t *worker_as_status(const struct worker *w)
{
    (void)w;
    return json_object();
}

json_t *worker_hlr_status(const struct worker *w)
{
    (void)w;
    return json_object();
}

struct fa *worker_fa(struct worker *w)
{
    (void)w;
    return NULL; /* group_ask() asks no worker */
}

/* ---- what hiphostd's commands ask ---- */

static struct host_action pending[PENDING_MAX];
static size_t n_pending;

static struct host_action *later(enum host_act_type type)
{
    if (n_pending == PENDING_MAX)
        abort();
    struct host_action *a = &pending[n_pending++];
    *a = (struct host_action){ .type = type };
    return a;
}

void host_worker_resolve(struct host_worker *w, const struct dnsu_name *name, uint64_t ticket)
{
    struct host_action *a = later(HOST_ACT_RESOLVED);
    (void)w;
    a->resolved.ticket = ticket;
    a->resolved.e = name->len > 8 ? ERR_OK : ERR_NOT_FOUND;
    a->resolved.n = name->len > 8;
    a->resolved.hit[0] = (struct hit){ { 0x20, 0x01, 0x00, 0x22, 9 } };
}

void host_worker_ping(struct host_worker *w, const struct hit *peer, uint64_t ticket)
{
    struct host_action *a = later(HOST_ACT_PROBED);
    (void)w;
    a->probed.ticket = ticket;
    a->probed.e = peer->b[15] & 1 ? ERR_OK : ERR_TIMEOUT;
}

void host_worker_retry(struct host_worker *w)
{
    (void)w;
}

err host_worker_take_over(struct host_worker *w, const uint8_t *secret)
{
    (void)w;
    return secret ? ERR_STATE : ERR_OK;
}

struct host *host_worker_core(struct host_worker *w)
{
    (void)w;
    return node->h;
}

const struct host_events *host_worker_events(const struct host_worker *w)
{
    static struct host_events *e;
    struct host_action a = { .type = HOST_ACT_EVENT,
                             .event = { .level = LOG_LV_INFO, .text = "\xff\x1b[2J" } };
    (void)w;
    if (e == NULL && (e = host_events_new()) != NULL)
        for (unsigned i = 0; i < HOST_EVENTS_MAX + 3; i++)
            host_events_add(e, &a, i);
    return e;
}

struct host_data *host_worker_data(struct host_worker *w)
{
    (void)w;
    return NULL; /* the two below are all that is asked of it */
}

struct host_lsis *host_worker_lsis(struct host_worker *w)
{
    static const struct host_lsi_conf conf = { .prefix = { .family = ADDR_V4, .ip = { 198, 19 } },
                                               .bits = 16 };
    static struct host_lsis *lsis;
    (void)w;
    if (lsis == NULL)
        lsis = host_lsis_new(&conf);
    return lsis;
}

bool host_worker_lsi(struct host_worker *w, const struct hit *hit, struct addr *out)
{
    return host_lsi_give(host_worker_lsis(w), hit, 1, out) == ERR_OK;
}

const struct host_v4 *host_worker_v4(const struct host_worker *w)
{
    (void)w;
    return NULL;
}

const struct host_v4_count *host_v4_count(const struct host_v4 *v)
{
    (void)v;
    abort(); /* there is none */
}

const struct host_data_count *host_data_count(const struct host_data *d)
{
    static const struct host_data_count none;
    (void)d;
    return &none;
}

bool host_data_pair(const struct host_data *d, const struct hit *local, const struct hit *peer,
                    struct esp_counters *in, struct esp_counters *out)
{
    return false;
}

struct host_ifaces *host_worker_ifaces(struct host_worker *w)
{
    (void)w;
    return NULL;
}

err host_ifaces_prefer(struct host_ifaces *i, const char *name)
{
    (void)i;
    return name && strlen(name) > 3 ? ERR_NOT_FOUND : ERR_OK;
}

const char *host_ifaces_name(const struct host_ifaces *i, unsigned index)
{
    return "eth0";
}

struct host_worker_count host_worker_count(const struct host_worker *w)
{
    return (struct host_worker_count){ 0 };
}

struct host_stub_count host_stub_count(const struct host_stub *s)
{
    return (struct host_stub_count){ 0 };
}

/* Two readers: one whose driver names it as it likes; a card in the other that wants its PIN, which is asked later. */
static struct {
    usim_pcsc_pin_fn done;
    void *ctx;
} pin;

bool usim_pcsc_next(struct usim_pcsc *p, size_t *pos, struct usim_slot_view *out)
{
    (void)p;
    memset(out, 0, sizeof *out);
    memcpy(out->reader, *pos ? "two" : "\xff\x1b[2J", *pos ? 4 : 6);
    out->state = *pos ? USIM_SLOT_LOCKED : USIM_SLOT_IN_USE;
    out->tries = *pos ? 1 : UICC_TRIES_UNKNOWN;
    memcpy(out->id.imsi, "001010000000001", 16);
    out->id.suci.scheme = *pos ? USIM_SUCI_NONE : USIM_SUCI_B;
    return (*pos)++ < 2;
}

bool usim_pcsc_served(const struct usim_pcsc *p)
{
    return p != NULL;
}

const char *usim_slot_state_name(enum usim_slot_state s)
{
    return s == USIM_SLOT_LOCKED ? "locked" : "in use";
}

err usim_pcsc_pin(struct usim_pcsc *p, const char *reader, const char *digits, usim_pcsc_pin_fn done,
                  void *ctx)
{
    (void)p;
    if (!uicc_pin_valid(digits))
        abort();
    if (pin.done || (reader && strlen(reader) > 8))
        return ERR_FULL;
    pin.done = done;
    pin.ctx = ctx;
    return ERR_OK;
}

static void tell_pending(void)
{
    if (pin.done)
        pin.done(pin.ctx, n_pending % 2, "PIN is wrong");
    pin.done = NULL;
    for (size_t i = 0; i < n_pending; i++)
        host_ctl_resolved(of_host, &pending[i]);
    n_pending = 0;
}

/* ---- the client ---- */

static void clean(void)
{
    rt_ctl_close(of_fa);
    host_ctl_close(of_host);
    store.ops->close(store.ctx);
    (void)unlink(rows);
    (void)rmdir(dir);
}

static void begin(void)
{
    static struct fa_settings settings;
    static struct hip_hi identity;
    char why[SQL_WHY_MAX];
    static struct ctl ctl = { .settings = &settings,
                              .identity = &identity,
                              .acct = (const struct acct *)&settings };
    snprintf(dir, sizeof dir, "/tmp/fuzz-ctl-XXXXXX");
    if (crypto_init() != ERR_OK || !mkdtemp(dir))
        abort();
    snprintf(path[0], sizeof path[0], "%s/fa", dir);
    snprintf(path[1], sizeof path[1], "%s/host", dir);
    struct world *w = w_new(1);
    struct host_config c = w_config();
    node = w_host(w, "mn", &c);
    w_addr_up(w, node, "198.51.100.10", 2, 0);
    w_start(w, node);
    snprintf(rows, sizeof rows, "%s/rows", dir);
    if (store_sqlite_open(rows, rt_wall_s, &store, why) != ERR_OK)
        abort();
    loop = rt_loop_new();
    if (!loop || rt_ctl_open(loop, path[0], ctl_request, &ctl, &of_fa) != ERR_OK ||
        host_ctl_open(loop, node->c.env, NULL, NULL, (struct usim_pcsc *)(void *)path, path[1], &of_host) !=
            ERR_OK)
        abort();
    (void)atexit(clean);
}

static int dial(const char *to)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    memcpy(at.sun_path, to, strlen(to) + 1);
    if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof at) != 0)
        abort();
    return fd;
}

static void turn(void)
{
    (void)uv_run(rt_loop_uv(loop), UV_RUN_NOWAIT);
    tell_pending();
}

/* Every line an object with "ok". */
static void look(const char *text, size_t n)
{
    for (const char *end; n && (end = memchr(text, '\n', n)); n -= (size_t)(end + 1 - text), text = end + 1) {
        json_t *o = json_loadb(text, (size_t)(end - text), 0, NULL);
        if (!json_is_boolean(json_object_get(o, "ok")))
            abort();
        json_decref(o);
    }
    if (n) /* half a line */
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char in[1 << 20];
    size_t n = 0;
    ssize_t got = -1;
    if (size < 2)
        return 0;
    if (!loop)
        begin();
    int fd = dial(path[data[0] & 1]);
    size_t cut = data[1] < size - 2 ? data[1] : size - 2;
    for (unsigned i = 0; got != 0; i++) {
        if (i == 0 && cut)
            (void)!send(fd, data + 2, cut, MSG_NOSIGNAL);
        if (i == 3 && size - 2 > cut)
            (void)!send(fd, data + 2 + cut, size - 2 - cut, MSG_NOSIGNAL);
        if (i == 3)
            (void)shutdown(fd, SHUT_WR);
        turn();
        got = recv(fd, in + n, sizeof in - n, 0);
        if (got > 0)
            n += (size_t)got;
        if (i == TURNS_MAX || n == sizeof in)
            abort();
    }
    close(fd);
    look(in, n);
    return 0;
}
