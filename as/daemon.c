/* SPDX-License-Identifier: Apache-2.0 */
#include "as/daemon.h"

#include <stdio.h>
#include <string.h>

#include "as/aucsock_io.h"
#include "as/ctl.h"
#include "as/radiusd.h"
#include "as/radsec.h"
#include "as/source.h"
#include "common/crypto/secret.h"
#include "common/rt/ctl.h"
#include "common/rt/sandbox.h"
#include "common/rt/sock.h"

/* Who asks for vectors (source_ref.who). */
enum { WHO_RADIUS, WHO_SOCKETS };

struct as {
    const struct as_conf *conf;
    struct env *env;
    struct auc *auc;
    struct rt_loop *loop;
    struct rt_timer *timer;
    struct source *source;
    struct aucsock_io *aucs[AS_SOCKETS_MAX];
    struct rt_sock *socks[AS_LISTEN_MAX];
    struct rt_ctl *ctl;
    struct radsec *radsec; /* NULL: none */
    struct radiusd *radiusd;
    uint64_t started_us;
};

static void rearm(struct as *as)
{
    rt_timer_at(as->timer, radiusd_deadline(as->radiusd));
}

/* A vector came: to whom it belongs. */
static void on_vector(void *ctx, const struct source_ref *ref, enum aka_server_auc what,
                      const struct aka_vector *v)
{
    struct as *as = ctx;
    if (ref->who == WHO_RADIUS) {
        radiusd_vector(as->radiusd, (struct eapd_ref){ .slot = ref->slot, .gen = ref->gen }, what, v,
                       rt_now_us());
        rearm(as);
    } else {
        aucsock_io_answer(as->aucs[ref->who - WHO_SOCKETS], ref, what, v);
    }
}

static bool ask_vector(void *ctx, struct eapd_ref ref, const char *imsi, unsigned ind, enum aka_want want,
                       const uint8_t *rand, const uint8_t *auts)
{
    struct as *as = ctx;
    struct source_req r = { .ref = { .who = WHO_RADIUS, .slot = ref.slot, .gen = ref.gen },
                            .imsi = imsi,
                            .ind = ind,
                            .want = want,
                            .rand = rand,
                            .auts = auts };
    return source_ask(as->source, &r);
}

static bool ask_for_socket(void *ctx, const struct source_req *r)
{
    struct as *as = ctx;
    return source_ask(as->source, r);
}

static void send_reply(void *ctx, const struct addr *local, const struct addr *peer, struct span octets)
{
    struct as *as = ctx;
    for (size_t i = 0; i < as->conf->n_listen; i++) {
        struct addr at = rt_sock_local(as->socks[i]);
        if (at.family == local->family && at.port == local->port &&
            (addr_is_unspecified(&at) || addr_same_ip(&at, local))) {
            if (rt_sock_send(as->socks[i], local, peer, 0, octets) != ERR_OK)
                log_at(&as->env->log, LOG_LV_WARN, "radius", "event=send_failed");
            return;
        }
    }
}

static void send_on(void *ctx, uint32_t conn, struct span octets)
{
    struct as *as = ctx;
    if (!as->radsec || !radsec_send(as->radsec, conn, octets))
        log_at(&as->env->log, LOG_LV_INFO, "radsec", "event=send_failed");
}

static const char *log_name(void *ctx, struct span identity, char out[NAI_TEXT_MAX])
{
    struct as *as = ctx;
    char hash[17];
    if (identity.n == 0) {
        snprintf(out, NAI_TEXT_MAX, "-");
    } else if (as->conf->imsi_clear) {
        snprintf(out, NAI_TEXT_MAX, "%.*s", (int)identity.n, (const char *)identity.p);
    } else {
        auc_log_hash(as->auc, identity, hash);
        snprintf(out, NAI_TEXT_MAX, "%s", hash);
    }
    return out;
}

static const struct radiusd_ops ops = {
    .send = send_reply, .send_on = send_on, .vector = ask_vector, .log_name = log_name
};

static void on_packets(void *ctx, const struct rt_pkt *pkts, size_t n)
{
    struct as *as = ctx;
    radiusd_wall(as->radiusd, rt_wall_s());
    for (size_t i = 0; i < n; i++)
        radiusd_input(as->radiusd, &pkts[i].local, &pkts[i].peer, pkts[i].octets, rt_now_us());
    rearm(as);
}

static bool on_radsec(void *ctx, uint32_t client, uint32_t conn, const struct addr *peer, struct span packet)
{
    struct as *as = ctx;
    radiusd_wall(as->radiusd, rt_wall_s());
    bool good = radiusd_input_on(as->radiusd, client, conn, peer, packet, rt_now_us());
    rearm(as);
    return good;
}

static void on_timer(void *ctx)
{
    struct as *as = ctx;
    radiusd_timeout(as->radiusd, rt_now_us());
    rearm(as);
}

static void on_term(void *ctx)
{
    struct as *as = ctx;
    log_at(&as->env->log, LOG_LV_NOTICE, "main", "event=stopping");
    rt_sd_stopping();
    rt_loop_stop(as->loop);
}

static void on_ctl(void *ctx, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    struct as *as = ctx;
    if (strcmp(cmd, "status") == 0) {
        json_t *s = as_status(as->conf, as->radiusd, as->source, as->aucs, rt_now_us() - as->started_us);
        if (as->radsec)
            json_object_set_new(s, "radsec", radsec_status(as->radsec));
        rt_ctl_reply(req, s);
    } else {
        rt_ctl_error(req, "unknown command %s: expected status", cmd);
    }
}

static err load_pseudonym_key(struct as *as)
{
    uint8_t *master = sec_alloc(PSEUDONYM_MASTER_LEN);
    err e = master ? auc_secret(as->auc, "pseudonym", master, PSEUDONYM_MASTER_LEN) : ERR_MEMORY;
    if (e == ERR_OK)
        e = radiusd_pseudonym_key(as->radiusd, master);
    sec_free(master);
    if (e != ERR_OK)
        log_at(&as->env->log, LOG_LV_ERROR, "main", "event=no_pseudonym_key error=%s", err_name(e));
    return e;
}

static err open_all(struct as *as)
{
    char text[ADDR_TEXT_MAX];
    err e = ERR_OK;
    as->loop = rt_loop_new();
    as->timer = as->loop ? rt_timer_new(as->loop, on_timer, as) : NULL;
    as->source = as->loop ? source_new(as->loop, as->conf, as->auc, as->env, on_vector, as) : NULL;
    as->radiusd = radiusd_new(as->conf, as->env, &ops, as);
    if (!as->timer || !as->source || !as->radiusd)
        return ERR_MEMORY;
    e = load_pseudonym_key(as);
    if (e != ERR_OK)
        return e;
    for (size_t i = 0; i < as->conf->n_listen; i++) {
        e = rt_udp_open(as->loop, &as->conf->listen[i], on_packets, as, &as->socks[i]);
        if (e != ERR_OK) {
            log_at(&as->env->log, LOG_LV_ERROR, "main", "event=no_socket address=%s error=%s",
                   addr_format(&as->conf->listen[i], text), err_name(e));
            return e;
        }
    }
    for (size_t i = 0; i < as->conf->n_sockets; i++) {
        const struct as_auc_socket *c = &as->conf->sockets[i];
        e = aucsock_io_open(as->loop, c, WHO_SOCKETS + (uint32_t)i, (unsigned)(as->conf->n_clients + i),
                            ask_for_socket, as, &as->aucs[i]);
        if (e != ERR_OK) {
            log_at(&as->env->log, LOG_LV_ERROR, "main", "event=no_auc_socket path=%s error=%s", c->path,
                   err_name(e));
            return e;
        }
    }
    if (as->conf->radsec.n_listen)
        e = radsec_open(as->loop, as->conf, as->env, on_radsec, as, &as->radsec);
    if (e != ERR_OK)
        return e;
    e = rt_ctl_open(as->loop, as->conf->ctl_path, on_ctl, as, &as->ctl);
    if (e != ERR_OK) {
        log_at(&as->env->log, LOG_LV_ERROR, "main", "event=no_control_socket path=%s error=%s",
               as->conf->ctl_path, err_name(e));
        return e;
    }
    return rt_loop_signals(as->loop, on_term, NULL, as);
}

static void close_all(struct as *as)
{
    source_free(as->source); /* first: a vector that just came is answered through the sockets */
    radsec_close(as->radsec);
    rt_ctl_close(as->ctl);
    for (size_t i = 0; i < as->conf->n_listen; i++)
        rt_sock_close(as->socks[i]);
    for (size_t i = 0; i < as->conf->n_sockets; i++)
        aucsock_io_close(as->aucs[i]);
    rt_timer_free(as->timer);
    radiusd_free(as->radiusd);
    rt_loop_free(as->loop);
}

int as_run(const struct as_conf *conf, struct auc *auc, struct env *env)
{
    struct as as = { .conf = conf, .env = env, .auc = auc, .started_us = rt_now_us() };
    int status = 1;
    if (open_all(&as) != ERR_OK)
        goto out;
    err e = rt_sandbox_caps(NULL, 0);
    if (e == ERR_OK)
        e = rt_sandbox_seccomp();
    if (e != ERR_OK && e != ERR_UNSUPPORTED) {
        log_at(&env->log, LOG_LV_ERROR, "main", "event=no_sandbox error=%s", err_name(e));
        goto out;
    }
    log_at(&env->log, LOG_LV_NOTICE, "main", "event=ready clients=%zu", conf->n_clients);
    rt_sd_ready("answering");
    rt_loop_run(as.loop);
    status = 0;
out:
    close_all(&as);
    return status;
}
