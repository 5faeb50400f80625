/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/mail.h"

#include <pthread.h>
#include <stdlib.h>

struct letter {
    rt_mail_fn fn;
    void (*gone)(void *arg);
    void *arg;
};

struct rt_mail {
    uv_async_t uv; /* first: freed when closed */
    pthread_mutex_t lock;
    void *ctx;
    size_t cap, head, n;
    struct letter v[];
};

static bool take(struct rt_mail *m, struct letter *out)
{
    (void)pthread_mutex_lock(&m->lock);
    bool any = m->n > 0;
    if (any) {
        *out = m->v[m->head];
        m->head = (m->head + 1) % m->cap;
        m->n--;
    }
    (void)pthread_mutex_unlock(&m->lock);
    return any;
}

static void on_async(uv_async_t *uv)
{
    struct rt_mail *m = uv->data;
    struct letter l;

    for (size_t i = 0; i < m->cap && take(m, &l); i++)
        l.fn(m->ctx, l.arg);
    (void)pthread_mutex_lock(&m->lock);
    bool more = m->n > 0;
    (void)pthread_mutex_unlock(&m->lock);
    if (more) /* posted meanwhile: others on the loop get their turn first */
        (void)uv_async_send(uv);
}

struct rt_mail *rt_mail_new(struct rt_loop *l, size_t cap, void *ctx)
{
    struct rt_mail *m = calloc(1, sizeof(*m) + cap * sizeof(m->v[0]));

    if (m == NULL)
        return NULL;
    m->cap = cap;
    m->ctx = ctx;
    m->uv.data = m;
    (void)pthread_mutex_init(&m->lock, NULL);
    if (uv_async_init(rt_loop_uv(l), &m->uv, on_async) != 0) {
        (void)pthread_mutex_destroy(&m->lock);
        free(m);
        return NULL;
    }
    return m;
}

err rt_mail_post(struct rt_mail *m, rt_mail_fn fn, void (*gone)(void *arg), void *arg)
{
    (void)pthread_mutex_lock(&m->lock);
    bool room = m->n < m->cap;
    if (room)
        m->v[(m->head + m->n++) % m->cap] = (struct letter){ fn, gone, arg };
    (void)pthread_mutex_unlock(&m->lock);
    if (!room)
        return ERR_FULL;
    (void)uv_async_send(&m->uv);
    return ERR_OK;
}

static void on_closed(uv_handle_t *h)
{
    struct rt_mail *m = h->data;
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
}

void rt_mail_free(struct rt_mail *m)
{
    struct letter l;

    if (m == NULL)
        return;
    while (take(m, &l))
        if (l.gone)
            l.gone(l.arg);
    uv_close((uv_handle_t *)&m->uv, on_closed);
}
