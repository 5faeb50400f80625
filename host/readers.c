/* SPDX-License-Identifier: Apache-2.0 */
#include "host/readers.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <winscard.h>

#include "common/rt/lane.h"

#define PNP      "\\\\?PnP?\\Notification" /* pseudo reader: readers come and go */
#define END_US   2000000
#define LIST_MAX (HOST_READERS_MAX * (HOST_READER_NAME_MAX + 1) + 1)

struct host_readers {
    struct rt_lane *lane;
    struct rt_timer *again;
    host_readers_fn changed;
    void *ctx;
    bool ending;
    /* the thread's while a look is under way, the loop's in between */
    err e;
    size_t n;
    struct host_reader v[HOST_READERS_MAX];
    DWORD state[HOST_READERS_MAX]; /* as pcscd told it last */
    _Atomic SCARDCONTEXT pcsc;
    bool open;
};

/* ---- on the thread ---- */

static err listed(struct host_readers *r, char *names)
{
    DWORD len = LIST_MAX;
    SCARDCONTEXT c;

    if (!r->open) {
        if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &c) != SCARD_S_SUCCESS)
            return ERR_UNREACHABLE;
        atomic_store(&r->pcsc, c);
        r->open = true;
    }
    LONG rv = SCardListReaders(atomic_load(&r->pcsc), NULL, names, &len);
    if (rv == SCARD_E_NO_READERS_AVAILABLE) {
        names[0] = names[1] = 0;
        return ERR_OK;
    }
    return rv == SCARD_S_SUCCESS ? ERR_OK : ERR_UNREACHABLE;
}

static DWORD known_state(const struct host_readers *r, const char *name)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->v[i].name, name) == 0)
            return r->state[i];
    return SCARD_STATE_UNAWARE;
}

static void take_states(struct host_readers *r, const SCARD_READERSTATE *s, size_t n)
{
    r->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct host_reader *v = &r->v[r->n];
        DWORD state = s[i].dwEventState;
        if (state & (SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE) ||
            strlen(s[i].szReader) >= sizeof(v->name))
            continue;
        memset(v, 0, sizeof(*v));
        memcpy(v->name, s[i].szReader, strlen(s[i].szReader));
        v->present = (state & SCARD_STATE_PRESENT) != 0;
        v->mute = v->present && (state & SCARD_STATE_MUTE) != 0;
        v->count = (unsigned)(state >> 16 & 0xFFFF);
        r->state[r->n++] = state & ~(DWORD)SCARD_STATE_CHANGED;
    }
}

static void lost(struct host_readers *r)
{
    if (r->open)
        (void)SCardReleaseContext(atomic_load(&r->pcsc));
    r->open = false;
    r->n = 0;
    r->e = ERR_UNREACHABLE;
}

/* Until something is other than it was. */
static void look(void *arg)
{
    struct host_readers *r = arg;
    SCARD_READERSTATE s[HOST_READERS_MAX + 1] = { 0 };
    char names[LIST_MAX];
    size_t n = 0;

    r->e = listed(r, names);
    if (r->e) {
        lost(r);
        return;
    }
    for (const char *p = names; *p && n < HOST_READERS_MAX; p += strlen(p) + 1) {
        s[n].szReader = p;
        s[n++].dwCurrentState = known_state(r, p);
    }
    s[n].szReader = PNP;
    LONG rv = SCardGetStatusChange(atomic_load(&r->pcsc), HOST_READER_RELIST_MS, s, (DWORD)n + 1);
    if (rv == SCARD_S_SUCCESS || rv == SCARD_E_TIMEOUT)
        take_states(r, s, n);
    else if (rv != SCARD_E_CANCELLED)
        lost(r);
}

/* ---- on the loop ---- */

static void looked(void *arg, bool ran);

static void next(void *ctx)
{
    struct host_readers *r = ctx;

    if (!r->ending && rt_lane_submit(r->lane, look, looked, r))
        rt_timer_at(r->again, rt_now_us() + HOST_READER_RETRY_US);
}

static void looked(void *arg, bool ran)
{
    struct host_readers *r = arg;

    if (r->ending || !ran)
        return;
    r->changed(r->ctx, r->v, r->n, r->e);
    if (r->e)
        rt_timer_at(r->again, rt_now_us() + HOST_READER_RETRY_US);
    else
        next(r);
}

struct host_readers *host_readers_new(struct rt_loop *l, host_readers_fn changed, void *ctx)
{
    struct host_readers *r = calloc(1, sizeof(*r));

    if (r == NULL)
        return NULL;
    r->changed = changed;
    r->ctx = ctx;
    r->again = rt_timer_new(l, next, r);
    r->lane = rt_lane_new(l, 1);
    if (r->again != NULL && r->lane != NULL)
        return r;
    (void)host_readers_free(r);
    return NULL;
}

void host_readers_start(struct host_readers *r)
{
    next(r);
}

static void wake(void *ctx)
{
    struct host_readers *r = ctx;
    (void)SCardCancel(atomic_load(&r->pcsc));
}

bool host_readers_free(struct host_readers *r)
{
    if (r == NULL)
        return true;
    r->ending = true;
    rt_timer_free(r->again);
    if (!rt_lane_free(r->lane, wake, r, END_US))
        return false;
    if (r->open)
        (void)SCardReleaseContext(r->pcsc);
    free(r);
    return true;
}
