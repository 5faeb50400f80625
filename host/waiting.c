/* SPDX-License-Identifier: Apache-2.0 */
#include "host/waiting.h"

#include <stdlib.h>
#include <string.h>

struct queue {
    struct hit peer;
    struct host_waiting_packet *head, **tail;
    size_t n;
};

struct host_waiting {
    size_t peers, each, room;
    size_t n;
    struct queue queue[];
};

struct host_waiting *host_waiting_new(size_t peers, size_t each, size_t room)
{
    struct host_waiting *w = calloc(1, sizeof(*w) + peers * sizeof(w->queue[0]));

    if (w == NULL)
        return NULL;
    w->peers = peers;
    w->each = each;
    w->room = room;
    return w;
}

static struct queue *find(struct host_waiting *w, const struct hit *peer)
{
    for (size_t i = 0; i < w->n; i++)
        if (hit_eq(&w->queue[i].peer, peer))
            return &w->queue[i];
    return NULL;
}

struct host_waiting_packet *host_waiting_take(struct host_waiting *w, const struct hit *peer)
{
    struct queue *q = find(w, peer);
    struct host_waiting_packet *head;

    if (q == NULL)
        return NULL;
    head = q->head;
    *q = w->queue[--w->n]; /* its tail points into a packet, never into the queue */
    return head;
}

bool host_waiting_put(struct host_waiting *w, const struct hit *peer, struct span packet)
{
    struct queue *q = find(w, peer);
    struct host_waiting_packet *p;

    if (q ? q->n == w->each : w->n == w->peers)
        return false;
    p = malloc(sizeof(*p) + packet.n + 2 * w->room);
    if (p == NULL)
        return false;
    p->next = NULL;
    p->len = packet.n;
    memcpy(p->octets + w->room, packet.p, packet.n);
    if (q == NULL) {
        q = &w->queue[w->n++];
        *q = (struct queue){ .peer = *peer, .head = p };
    } else {
        *q->tail = p;
    }
    q->tail = &p->next;
    q->n++;
    return true;
}

void host_waiting_free(struct host_waiting *w)
{
    if (w == NULL)
        return;
    for (size_t i = 0; i < w->n; i++)
        for (struct host_waiting_packet *p = w->queue[i].head, *next; p != NULL; p = next) {
            next = p->next;
            free(p);
        }
    free(w);
}
