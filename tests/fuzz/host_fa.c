/* SPDX-License-Identifier: Apache-2.0
 *
 * The host against an FA that says anything at all under good HIP_MACs and signatures: each R2 and UPDATE of a binding run is changed as the input
 * says, after BIND_MAC was made. Whatever it says, the host is bound only under the name that was really given, and by nothing
 * that was changed.
 *
 * Input: for each packet one octet (0: leave it) and what it needs.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tape {
    const uint8_t *p;
    size_t n;
    uint8_t buf[HIP_INNER_MAX];
};

static uint8_t next(struct tape *t)
{
    if (t->n == 0)
        return 0;
    t->n--;
    return *t->p++;
}

static void swallow(struct tape *t, struct hip_contents *c, size_t n)
{
    if (n > t->n)
        n = t->n;
    n &= ~(size_t)7;
    memcpy(t->buf, t->p, n);
    t->p += n;
    t->n -= n;
    c->inner = span_of(t->buf, n);
}

static void twist(void *ctx, struct hip_contents *c)
{
    struct tape *t = ctx;
    uint8_t op = next(t);
    size_t at;

    if (op == 0)
        return;
    memcpy(t->buf, c->inner.p ? c->inner.p : t->buf, c->inner.n);
    switch (op % 6) {
    case 0: /* another octet */
        if (c->inner.n == 0)
            return;
        at = (size_t)(next(t) << 8 | next(t)) % c->inner.n;
        op = next(t);
        t->buf[at] ^= op;
        c->inner = span_of(t->buf, c->inner.n);
        break;
    case 1: /* shorter */
        at = c->inner.n;
        c->inner = span_of(t->buf, (size_t)next(t) * 8 % (c->inner.n + 8) & ~(size_t)7);
        if (c->inner.n > at)
            c->inner.n = at;
        break;
    case 2: /* something else */
        swallow(t, c, next(t));
        break;
    case 3: /* other registration contents */
        c->response.present = next(t) & 1;
        c->response.lifetime = next(t);
        c->response.n = next(t) % 3;
        c->response.type[0] = next(t);
        break;
    case 4:
        c->n_failed = next(t) % 3;
        for (size_t i = 0; i < c->n_failed; i++)
            c->failed[i] = (struct hip_reg_fail){ .reason = next(t), .n = 1, .type = { next(t) } };
        break;
    default:
        c->inner = span_of(NULL, 0);
        break;
    }
}

/* Its own process has its own identities: what is asserted holds for any. */
static void run(struct tape *t)
{
    struct world *w = w_new(1);
    struct host_config c = w_config();
    struct w_node *fa = w_fa_new(w, "fa", "192.0.2.18", "fa.operator.example"), *mn;
    struct host_fa_conf conf = w_fa_conf(fa);
    struct host_status s;

    fa->fa->twist = twist;
    fa->fa->twist_ctx = t;
    c.fa = &conf;
    c.n_fa = 1;
    mn = w_host(w, "mn", &c);
    mn->card = w_card_new(w, "001010000000001", 0x46);
    w_addr_up(w, mn, "198.51.100.10", 2, 0);
    w_start(w, mn);
    w_run(w, 3 * W_S);
    s = w_status(w, mn);
    if (s.bind == HOST_BIND_BOUND) {
        if (fa->fa->n_bound == 0 || strcmp(s.fqdn, "matti-virtanen.operator.example.") != 0)
            abort();
    } else if (s.fqdn[0] && s.bind != HOST_BIND_PENDING && s.bind != HOST_BIND_RUNNING) {
        abort();
    }
    w_free(w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tape *t = calloc(1, sizeof *t);

    if (!t)
        abort();
    if (size <= 512) {
        t->p = data;
        t->n = size;
        run(t);
    }
    free(t);
    return 0;
}
