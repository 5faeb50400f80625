/* SPDX-License-Identifier: Apache-2.0 */
#include "host/usim_pcsc.h"

#include <fnmatch.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "host/card_conn.h"

#define LANE_JOBS 16
#define END_US    2000000
#define BUSY_US   5000000 /* a card that another program has is asked again */

struct slot {
    bool used;
    char reader[HOST_READER_NAME_MAX];
    unsigned rank, count;
    enum usim_slot_state state;
    bool busy;    /* unusable for now: another program has it */
    unsigned gen; /* of the insertion: what was begun with another one does not count */
    uint8_t tries;
    char why[USIM_WHY_MAX];
    struct usim_identity id;
    char pin[UICC_PIN_MAX + 1]; /* typed for this insertion */
};

struct usim_pcsc { /* in locked memory: PINs */
    const struct log *log;
    struct usim_pcsc_conf conf;
    struct rt_lane *lane;
    struct host_readers *readers;
    struct rt_timer *again;
    usim_pcsc_fn changed;
    void *ctx;
    bool stopped, left, served, told;
    struct pins pins; /* not changed once open */

    pthread_mutex_t lock; /* from here to the next line: the loop's and the lane's */
    struct slot slot[HOST_READERS_MAX];
    unsigned last_gen;
    int active; /* slot in use; -1: none */

    struct card_conn main, aside; /* the lane's: the card in use; another one whose PIN is tried */
};

const char *usim_slot_state_name(enum usim_slot_state s)
{
    static const char *const names[] = { "empty", "waiting", "asked", "in use", "locked", "unusable" };
    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : "?";
}

static void enter(struct usim_pcsc *p)
{
    (void)pthread_mutex_lock(&p->lock);
}

static void leave(struct usim_pcsc *p)
{
    (void)pthread_mutex_unlock(&p->lock);
}

static void explain(const struct card_conn *c, enum uicc_result r, char why[USIM_WHY_MAX])
{
    const char *text = r == UICC_GONE ? card_conn_said(c->rv) : uicc_result_text(r);

    if (uicc_result_locked(r) && r != UICC_PIN_BLOCKED && c->uicc.tries != UICC_TRIES_UNKNOWN)
        (void)snprintf(why, USIM_WHY_MAX, "%s (tries left: %u)", text, c->uicc.tries);
    else
        (void)snprintf(why, USIM_WHY_MAX, "%s", text);
}

/* What came of it, if the card is still the one that was asked. */
static void record(struct usim_pcsc *p, struct slot *s, unsigned gen, const struct card_conn *c,
                   enum uicc_result r)
{
    if (s->gen != gen)
        return;
    s->tries = r == UICC_OK ? UICC_TRIES_UNKNOWN : c->uicc.tries;
    s->id = c->uicc.id;
    s->busy = r == UICC_GONE && c->rv == SCARD_E_SHARING_VIOLATION;
    s->state = r == UICC_OK            ? USIM_SLOT_IN_USE
               : uicc_result_locked(r) ? USIM_SLOT_LOCKED
                                       : USIM_SLOT_UNUSABLE;
    s->why[0] = 0;
    if (r != UICC_OK)
        explain(c, r, s->why);
    if (r == UICC_OK)
        p->active = (int)(s - p->slot);
}

/* ---- the lane: aka/usim.h ---- */

static struct slot *candidate(struct usim_pcsc *p)
{
    struct slot *best = NULL;

    for (size_t i = 0; i < HOST_READERS_MAX; i++) {
        struct slot *s = &p->slot[i];
        if (s->used && s->state == USIM_SLOT_WAITING && (best == NULL || s->rank < best->rank))
            best = s;
    }
    return best;
}

/* Locked. Nobody can be used: why. */
static err nobody(const struct usim_pcsc *p, char why[USIM_WHY_MAX])
{
    const struct slot *say = NULL;

    for (size_t i = 0; i < HOST_READERS_MAX; i++) {
        const struct slot *s = &p->slot[i];
        if (s->used && s->state >= USIM_SLOT_LOCKED && (say == NULL || s->state < say->state))
            say = s;
    }
    if (say == NULL) {
        (void)snprintf(why, USIM_WHY_MAX, "no card");
        return ERR_NOT_FOUND;
    }
    (void)snprintf(why, USIM_WHY_MAX, "%.60s: %.90s", say->reader, say->why);
    return say->state == USIM_SLOT_LOCKED ? ERR_REFUSED : ERR_UNSUPPORTED;
}

static err identity(void *ctx, struct usim_identity *out, char why[USIM_WHY_MAX])
{
    struct usim_pcsc *p = ctx;
    struct slot *s;
    err e = ERR_OK;

    enter(p);
    while (p->active < 0 && (s = candidate(p)) != NULL) {
        char reader[HOST_READER_NAME_MAX], pin[UICC_PIN_MAX + 1];
        unsigned gen = s->gen;
        memcpy(reader, s->reader, sizeof reader);
        memcpy(pin, s->pin, sizeof pin);
        s->state = USIM_SLOT_ASKED;
        leave(p);
        enum uicc_result r =
            card_bring_up(&p->main, reader, pin[0] ? pin : NULL, &p->pins, p->conf.mnc_length);
        sec_wipe(pin, sizeof pin);
        enter(p);
        p->main.gen = gen;
        record(p, s, gen, &p->main, r);
        leave(p);
        if (r != UICC_OK)
            card_let_go(&p->main);
        enter(p);
    }
    if (p->active >= 0)
        *out = p->slot[p->active].id;
    else
        e = nobody(p, why);
    leave(p);
    return e;
}

/* The card in use, spoken to anew if it fell silent in between. What it says must be what it said. */
static bool at_hand(struct usim_pcsc *p)
{
    char reader[HOST_READER_NAME_MAX] = "", pin[UICC_PIN_MAX + 1] = "", imsi[IMSI_MAX + 1] = "";
    bool same;

    enter(p);
    same = p->active >= 0 && p->slot[p->active].gen == p->main.gen;
    if (same) {
        const struct slot *s = &p->slot[p->active];
        memcpy(reader, s->reader, sizeof reader);
        memcpy(pin, s->pin, sizeof pin);
        memcpy(imsi, s->id.imsi, sizeof imsi);
    }
    leave(p);
    if (same && !p->main.connected)
        same =
            card_bring_up(&p->main, reader, pin[0] ? pin : NULL, &p->pins, p->conf.mnc_length) == UICC_OK &&
            strcmp(p->main.uicc.id.imsi, imsi) == 0;
    sec_wipe(pin, sizeof pin);
    p->main.rv = SCARD_S_SUCCESS;
    return same;
}

static void done_with(struct usim_pcsc *p)
{
    if (p->main.rv != SCARD_S_SUCCESS)
        card_let_go(&p->main);
}

static void authenticate(void *ctx, const uint8_t rand[AKA_RAND_LEN], const uint8_t autn[AKA_AUTN_LEN],
                         struct usim_auth *out)
{
    struct usim_pcsc *p = ctx;

    *out = (struct usim_auth){ .verdict = USIM_UNUSABLE };
    if (at_hand(p))
        uicc_card_auth(&p->main.uicc, rand, autn, out);
    done_with(p);
}

static err gsm(void *ctx, const uint8_t rand[AKA_RAND_LEN], uint8_t sres[AKA_SRES_LEN],
               uint8_t kc[AKA_KC_LEN])
{
    struct usim_pcsc *p = ctx;
    err e = at_hand(p) ? uicc_card_gsm(&p->main.uicc, rand, sres, kc) : ERR_IO;

    done_with(p);
    return e;
}

static const struct usim_ops ops = { .identity = identity, .authenticate = authenticate, .gsm = gsm };

/* ---- a PIN that was typed ---- */

struct pin_job { /* in locked memory */
    struct usim_pcsc *p;
    char reader[HOST_READER_NAME_MAX]; /* "": whichever wants one */
    char pin[UICC_PIN_MAX + 1];
    usim_pcsc_pin_fn done;
    void *ctx;
    bool ok;
    char said[USIM_WHY_MAX];
};

/* Locked. NULL: none, or several and none was named; said tells. */
static struct slot *wants_pin(struct pin_job *j)
{
    struct slot *found = NULL;

    for (size_t i = 0; i < HOST_READERS_MAX; i++) {
        struct slot *s = &j->p->slot[i];
        if (!s->used || s->state != USIM_SLOT_LOCKED || (j->reader[0] && strcmp(s->reader, j->reader) != 0))
            continue;
        if (found != NULL) {
            (void)snprintf(j->said, sizeof j->said, "more than one card wants its PIN: name the reader");
            return NULL;
        }
        found = s;
    }
    if (found == NULL)
        (void)snprintf(j->said, sizeof j->said, "no card wants its PIN%s",
                       j->reader[0] ? " in this reader" : "");
    return found;
}

static void pin_run(void *arg)
{
    struct pin_job *j = arg;
    struct usim_pcsc *p = j->p;
    char reader[HOST_READER_NAME_MAX] = "";
    unsigned gen = 0;

    enter(p);
    struct slot *s = wants_pin(j);
    if (s != NULL) {
        memcpy(reader, s->reader, sizeof reader);
        gen = s->gen;
    }
    leave(p);
    if (s == NULL)
        return;
    enum uicc_result r = card_bring_up(&p->aside, reader, j->pin, &p->pins, p->conf.mnc_length);
    enter(p);
    j->ok = r == UICC_OK && s->gen == gen;
    if (j->ok) {
        memcpy(s->pin, j->pin, sizeof s->pin);
        s->state = USIM_SLOT_WAITING;
        s->tries = UICC_TRIES_UNKNOWN;
        s->why[0] = 0;
    } else if (r != UICC_OK) {
        record(p, s, gen, &p->aside, r);
    }
    leave(p);
    explain(&p->aside, r, j->said);
    card_let_go(&p->aside);
}

static void pin_ran(void *arg, bool ran)
{
    struct pin_job *j = arg;
    struct usim_pcsc *p = j->p;

    j->done(j->ctx, j->ok, ran ? j->said : "the daemon ends");
    if (j->ok && !p->stopped && usim_pcsc_more(p))
        p->changed(p->ctx, true);
    sec_free(j);
}

err usim_pcsc_pin(struct usim_pcsc *p, const char *reader, const char *pin, usim_pcsc_pin_fn done, void *ctx)
{
    struct pin_job *j;
    err e;

    if (!uicc_pin_valid(pin) || (reader != NULL && strlen(reader) >= sizeof j->reader))
        return ERR_RANGE;
    j = sec_alloc(sizeof(*j));
    if (j == NULL)
        return ERR_MEMORY;
    j->p = p;
    memcpy(j->pin, pin, strlen(pin) + 1);
    memcpy(j->reader, reader ? reader : "", reader ? strlen(reader) + 1 : 1);
    j->done = done;
    j->ctx = ctx;
    e = rt_lane_submit(p->lane, pin_run, pin_ran, j);
    if (e)
        sec_free(j);
    return e;
}

/* ---- the loop: readers ---- */

/* Best pattern that the name matches; n_reader: none. */
static unsigned rank_of(const struct usim_pcsc *p, const char *name)
{
    for (unsigned i = 0; i < p->conf.n_reader; i++)
        if (fnmatch(p->conf.reader[i], name, 0) == 0)
            return i;
    return (unsigned)p->conf.n_reader;
}

static const struct host_reader *find(const struct host_reader *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    return NULL;
}

/* Locked. The card is another one, or none. true: it was the one in use, or none is: what was said of the cards does not hold any more. */
static bool empty(struct usim_pcsc *p, struct slot *s)
{
    bool active = p->active == (int)(s - p->slot);
    bool was = s->state != USIM_SLOT_EMPTY;

    if (s->state != USIM_SLOT_EMPTY)
        log_at(p->log, LOG_LV_NOTICE, "sim", "%s: card went", s->reader);
    s->state = USIM_SLOT_EMPTY;
    s->gen = ++p->last_gen;
    s->busy = false;
    s->why[0] = 0;
    sec_wipe(&s->id, sizeof s->id);
    sec_wipe(s->pin, sizeof s->pin);
    if (active)
        p->active = -1;
    return was && p->active < 0;
}

static void fill(struct usim_pcsc *p, struct slot *s, const struct host_reader *r)
{
    s->count = r->count;
    s->gen = ++p->last_gen;
    s->tries = UICC_TRIES_UNKNOWN;
    s->state = r->mute ? USIM_SLOT_UNUSABLE : USIM_SLOT_WAITING;
    (void)snprintf(s->why, sizeof s->why, "%s", r->mute ? card_conn_said(SCARD_W_UNRESPONSIVE_CARD) : "");
    log_at(p->log, LOG_LV_NOTICE, "sim", "%s: %s", s->reader, r->mute ? s->why : "card in");
}

static struct slot *slot_for(struct usim_pcsc *p, const char *reader)
{
    struct slot *unused = NULL;

    for (size_t i = 0; i < HOST_READERS_MAX; i++) {
        if (p->slot[i].used && strcmp(p->slot[i].reader, reader) == 0)
            return &p->slot[i];
        if (!p->slot[i].used && unused == NULL)
            unused = &p->slot[i];
    }
    if (unused != NULL) {
        unused->used = true;
        (void)snprintf(unused->reader, sizeof unused->reader, "%s", reader);
        unused->rank = rank_of(p, reader);
        unused->state = USIM_SLOT_EMPTY;
    }
    return unused;
}

static void tell_served(struct usim_pcsc *p, bool served, size_t n)
{
    if (p->told && p->served == served)
        return;
    if (served)
        log_at(p->log, LOG_LV_NOTICE, "sim", "pcscd has %zu reader%s", n, n == 1 ? "" : "s");
    else
        log_at(p->log, LOG_LV_WARN, "sim", "pcscd does not answer: no card can be read until it does");
    p->told = true;
    p->served = served;
}

static void on_readers(void *ctx, const struct host_reader *v, size_t n, err e)
{
    struct usim_pcsc *p = ctx;
    bool gone = false, any = false;

    tell_served(p, e == ERR_OK, n);
    enter(p);
    for (size_t i = 0; i < HOST_READERS_MAX; i++) {
        struct slot *s = &p->slot[i];
        const struct host_reader *r = s->used ? find(v, n, s->reader) : NULL;
        if (s->used && (r == NULL || !r->present || r->count != s->count))
            gone |= empty(p, s);
        s->used = r != NULL;
    }
    for (size_t i = 0; i < n; i++) {
        struct slot *s =
            p->conf.n_reader && rank_of(p, v[i].name) == p->conf.n_reader ? NULL : slot_for(p, v[i].name);
        if (s != NULL && v[i].present && s->state == USIM_SLOT_EMPTY)
            fill(p, s, &v[i]);
        any |= s != NULL && s->state != USIM_SLOT_EMPTY;
    }
    leave(p);
    if (gone)
        p->changed(p->ctx, false);
    if (usim_pcsc_more(p) || (gone && any))
        p->changed(p->ctx, true);
}

static void on_again(void *ctx)
{
    struct usim_pcsc *p = ctx;

    enter(p);
    for (size_t i = 0; i < HOST_READERS_MAX; i++)
        if (p->slot[i].busy && p->slot[i].state == USIM_SLOT_UNUSABLE)
            p->slot[i].state = USIM_SLOT_WAITING;
    leave(p);
    if (usim_pcsc_more(p))
        p->changed(p->ctx, true);
}

bool usim_pcsc_more(struct usim_pcsc *p)
{
    bool more, busy = false;

    enter(p);
    more = p->active < 0 && candidate(p) != NULL;
    for (size_t i = 0; i < HOST_READERS_MAX; i++)
        busy |= p->slot[i].used && p->slot[i].busy;
    leave(p);
    if (busy && !more && !p->stopped)
        rt_timer_at(p->again, rt_now_us() + BUSY_US);
    return more;
}

bool usim_pcsc_next(struct usim_pcsc *p, size_t *pos, struct usim_slot_view *out)
{
    while (*pos < HOST_READERS_MAX) {
        const struct slot *s = &p->slot[(*pos)++];
        bool used;
        enter(p);
        used = s->used;
        if (used) {
            memcpy(out->reader, s->reader, sizeof out->reader);
            memcpy(out->why, s->why, sizeof out->why);
            out->state = s->state;
            out->tries = s->tries;
            out->id = s->id;
        }
        leave(p);
        if (used)
            return true;
    }
    return false;
}

bool usim_pcsc_served(const struct usim_pcsc *p)
{
    return p->served;
}

/* ---- opening and closing ---- */

err usim_pcsc_open(struct rt_loop *l, const struct log *log, const struct usim_pcsc_conf *c,
                   struct usim_pcsc **out, struct usim *card, char why[RT_FILE_WHY_MAX])
{
    struct usim_pcsc *p = sec_alloc(sizeof(*p));
    err e;

    (void)snprintf(why, RT_FILE_WHY_MAX, "no locked memory for the card");
    if (p == NULL)
        return ERR_MEMORY;
    p->log = log;
    p->conf = *c;
    p->active = -1;
    (void)pthread_mutex_init(&p->lock, NULL);
    e = c->pin_file ? pins_read(&p->pins, c->pin_file, why) : ERR_OK;
    if (e == ERR_OK) {
        p->lane = rt_lane_new(l, LANE_JOBS);
        p->readers = host_readers_new(l, on_readers, p);
        p->again = rt_timer_new(l, on_again, p);
        if (p->lane == NULL || p->readers == NULL || p->again == NULL)
            e = ERR_MEMORY;
    }
    if (e) {
        usim_pcsc_close(p);
        return e;
    }
    *out = p;
    *card = (struct usim){ .ops = &ops, .ctx = p };
    return ERR_OK;
}

err usim_pcsc_check(const struct usim_pcsc_conf *c, char why[RT_FILE_WHY_MAX])
{
    struct pins *pins = sec_alloc(sizeof(*pins));
    err e = ERR_MEMORY;

    (void)snprintf(why, RT_FILE_WHY_MAX, "no locked memory for the PINs");
    if (pins != NULL)
        e = c->pin_file ? pins_read(pins, c->pin_file, why) : ERR_OK;
    sec_free(pins);
    return e;
}

void usim_pcsc_start(struct usim_pcsc *p, usim_pcsc_fn changed, void *ctx)
{
    p->changed = changed;
    p->ctx = ctx;
    host_readers_start(p->readers);
}

void usim_pcsc_stop(struct usim_pcsc *p)
{
    if (p == NULL || p->stopped)
        return;
    p->stopped = true;
    rt_timer_free(p->again);
    p->left = !host_readers_free(p->readers);
    p->left |= !rt_lane_free(p->lane, NULL, NULL, END_US);
    if (p->left)
        return;
    card_let_go(&p->main);
    card_let_go(&p->aside);
}

/* A thread that was left behind in pcscd has what is in p: it stays, until the process ends. */
void usim_pcsc_close(struct usim_pcsc *p)
{
    if (p == NULL)
        return;
    usim_pcsc_stop(p);
    if (p->left)
        return;
    (void)pthread_mutex_destroy(&p->lock);
    sec_free(p);
}

struct rt_lane *usim_pcsc_lane(struct usim_pcsc *p)
{
    return p->lane;
}
