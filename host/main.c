/* SPDX-License-Identifier: Apache-2.0
 *
 * hiphostd: the HIP host. Reads the configuration, opens what needs privileges, gives them up, runs the loop.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/keyfile.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "common/rt/sandbox.h"
#include "hip/daemon/identity.h"
#include "host/certificate.h"
#include "host/ctl.h"
#include "host/stub.h"
#include "host/usim_pcsc.h"
#include "host/usim_soft.h"

#define EXIT_USAGE    2
#define IDENTITY_FILE "identity.der"
#define LSI_FILE      "lsi.key"
#define PATH_LEN      4096

struct daemon {
    struct rt_conf *conf;
    struct host_settings settings;
    struct env env;
    struct rt_loop *loop;
    struct hip_hi hi;
    bool has_hi;
    uint8_t certs[HOST_CERTS_MAX];
    uint8_t lsi_key[HOST_LSI_KEY_LEN];
    struct usim card;
    struct usim_soft *soft;
    struct login_card *login;
    struct usim_pcsc *readers;
    struct rt_resolver *resolver;
    struct host_worker *worker;
    struct host_stub *stub;
    struct host_ctl *ctl;
    bool stopping;
};

static void complain(const char *what)
{
    (void)fprintf(stderr, "hiphostd: %s\n", what);
}

/* ---- what it needs ---- */

static bool open_card(struct daemon *d)
{
    struct host_settings *s = &d->settings;
    char why[RT_FILE_WHY_MAX];
    err e = s->sim == HOST_SIM_CONF_LOGIN
                ? login_card_open(&s->login, &d->login, &d->card, &s->core.login, why)
            : s->sim == HOST_SIM_CONF_SOFT
                ? usim_soft_open(s->sim_file, &d->soft, &d->card, why)
                : usim_pcsc_open(d->loop, &d->env.log, &s->pcsc, &d->readers, &d->card, why);

    if (e)
        complain(why);
    return e == ERR_OK;
}

/* A host with a SIM has the HI of that SIM; one without has its own. */
static bool open_identity(struct daemon *d)
{
    char path[PATH_LEN], why[RT_FILE_WHY_MAX];

    if (rt_dir_make(d->settings.state, why)) {
        complain(why);
        return false;
    }
    if (d->settings.sim != HOST_SIM_CONF_NONE)
        return open_card(d);
    (void)snprintf(path, sizeof(path), "%s/%s", d->settings.state, IDENTITY_FILE);
    if (hipd_identity_open(path, d->settings.hi_type, d->settings.hi_bits, &d->hi, why)) {
        complain(why);
        return false;
    }
    d->hi.anonymous = d->settings.anonymous;
    d->has_hi = true;
    return true;
}

/* Drawn once, so that peers have the same LSIs after a restart. */
static bool open_lsi_key(struct daemon *d)
{
    char path[PATH_LEN], why[RT_FILE_WHY_MAX];
    uint8_t *key = NULL;
    size_t len = 0;
    err e;

    if (!d->settings.lsi)
        return true;
    (void)snprintf(path, sizeof(path), "%s/%s", d->settings.state, LSI_FILE);
    e = rt_file_read_secret(path, sizeof(d->lsi_key), &key, &len, why);
    if (e == ERR_OK && len == sizeof(d->lsi_key)) {
        memcpy(d->lsi_key, key, len);
    } else if (e == ERR_OK) {
        (void)snprintf(why, sizeof(why), "%.300s: not %zu octets", path, sizeof(d->lsi_key));
        e = ERR_MALFORMED;
    } else if (e == ERR_NOT_FOUND) {
        env_random(&d->env, d->lsi_key, sizeof(d->lsi_key));
        e = rt_file_write(path, span_of(d->lsi_key, sizeof(d->lsi_key)), why);
    }
    sec_free(key);
    if (e)
        complain(why);
    return e == ERR_OK;
}

static bool open_certificate(struct daemon *d)
{
    char why[RT_FILE_WHY_MAX];

    if (d->settings.certificate == NULL ||
        host_certificate_open(d->settings.certificate, d->certs, &d->settings.core.certs, why) == ERR_OK)
        return true;
    complain(why);
    return false;
}

static bool open_resolver(struct daemon *d)
{
    const struct host_settings *s = &d->settings;
    struct rt_resolve_zone zone[HOST_ZONES_MAX] = { 0 };
    struct rt_resolve_config c = { .zone = zone, .n_zone = s->n_zone, .anchor_file = s->root_anchor };
    err e;

    if (s->n_upstream == 0 && s->n_zone == 0)
        return true;
    c.n_upstream = s->n_upstream;
    memcpy(c.upstream, s->upstream, s->n_upstream * sizeof(s->upstream[0]));
    for (size_t i = 0; i < s->n_zone; i++) {
        zone[i].zone = s->zone[i].zone;
        zone[i].anchor_file = s->zone[i].anchor_file;
        zone[i].n_server = s->zone[i].n_server;
        memcpy(zone[i].server, s->zone[i].server, s->zone[i].n_server * sizeof(struct addr));
    }
    e = rt_resolver_new(d->loop, &c, &d->resolver);
    if (e == ERR_OK)
        return true;
    (void)fprintf(stderr, "hiphostd: resolver (zones, anchor files): %s\n", err_text(e));
    return false;
}

static bool open_all(struct daemon *d)
{
    char why[HOST_WORKER_WHY_MAX], stub_why[HOST_STUB_WHY_MAX];
    err e;

    if (!open_identity(d) || !open_lsi_key(d) || !open_certificate(d) || !open_resolver(d))
        return false;
    const struct host_worker_parts parts = {
        .loop = d->loop,
        .env = &d->env,
        .settings = &d->settings,
        .hi = d->has_hi ? &d->hi : NULL,
        .card = d->settings.sim != HOST_SIM_CONF_NONE ? &d->card : NULL,
        .readers = d->readers,
        .resolve = d->resolver,
        .lsi_key = d->lsi_key,
    };
    if (host_worker_new(&parts, &d->worker, why)) {
        complain(why);
        return false;
    }
    if (d->settings.n_listen > 0 && d->resolver != NULL &&
        host_stub_open(d->loop, &d->env, &d->settings, d->worker, &d->stub, stub_why)) {
        (void)fprintf(stderr, "hiphostd: resolver: %s\n", stub_why);
        return false;
    }
    e = host_ctl_open(d->loop, &d->env, d->worker, d->stub, d->readers, d->settings.socket, &d->ctl);
    if (e) {
        (void)fprintf(stderr, "hiphostd: control socket %s: %s\n", d->settings.socket,
                      e == ERR_EXISTS ? "another daemon is there" : err_text(e));
        return false;
    }
    host_worker_resolved(d->worker, host_stub_resolved, d->stub, host_ctl_resolved, d->ctl);
    return true;
}

/* Addresses of the TUN still change when SIMs do; nothing else needs a privilege from here on. */
static bool give_up(void)
{
    static const unsigned keep[] = { CAP_NET_ADMIN };

    if (rt_sandbox_caps(keep, sizeof(keep) / sizeof(keep[0])) || rt_sandbox_seccomp()) {
        complain("privileges could not be given up");
        return false;
    }
    return true;
}

/* ---- running ---- */

static void on_stopped(void *ctx)
{
    struct daemon *d = ctx;
    rt_loop_stop(d->loop);
}

static void on_term(void *ctx)
{
    struct daemon *d = ctx;

    if (d->stopping)
        return;
    d->stopping = true;
    rt_sd_stopping();
    log_at(&d->env.log, LOG_LV_NOTICE, "host", "ending");
    host_worker_stop(d->worker, on_stopped, d);
}

static void close_all(struct daemon *d)
{
    host_ctl_close(d->ctl);
    host_stub_close(d->stub);
    usim_pcsc_stop(d->readers);
    host_worker_free(d->worker);
    rt_resolver_free(d->resolver);
    usim_soft_close(d->soft);
    login_card_close(d->login);
    usim_pcsc_close(d->readers);
    if (d->has_hi)
        hip_hi_done(&d->hi);
    rt_loop_free(d->loop);
    rt_conf_free(d->conf);
}

static bool open_key_log(struct daemon *d)
{
    char why[RT_FILE_WHY_MAX];

    if (d->settings.key_log == NULL || rt_keyfile_open(d->settings.key_log, &d->env, why) == ERR_OK)
        return true;
    complain(why);
    return false;
}

static int run(struct daemon *d)
{
    d->env = rt_env(rt_logsink(d->settings.level));
    if (!open_key_log(d))
        return EXIT_FAILURE;
    d->loop = rt_loop_new();
    if (d->loop == NULL || rt_loop_signals(d->loop, on_term, NULL, d)) {
        complain("no event loop");
        return EXIT_FAILURE;
    }
    if (!open_all(d) || !give_up())
        return EXIT_FAILURE;
    host_worker_start(d->worker);
    if (d->settings.core.hip.null_encrypt)
        log_at(&d->env.log, LOG_LV_ERROR, "host",
               "TESTING: suites.null_encrypt is on, HIP packets are not encrypted; never do this in service");
    log_at(&d->env.log, LOG_LV_NOTICE, "host", "ready; control socket %s", d->settings.socket);
    rt_sd_ready("running");
    rt_loop_run(d->loop);
    return EXIT_SUCCESS;
}

static int usage(FILE *to, int code)
{
    (void)fprintf(to, "usage: hiphostd --config FILE [--check-config]\n"
                      "       hiphostd --print-config | --print-man | --version\n");
    return code;
}

static int load(struct daemon *d, const char *path)
{
    char why[RT_CONF_WHY_MAX];

    if (crypto_init()) { /* keys stand in it */
        complain("no cryptography");
        return EXIT_FAILURE;
    }
    if (rt_conf_load(path, host_schema, &d->conf, why) || host_settings_read(d->conf, &d->settings, why)) {
        (void)fprintf(stderr, "%s\n", why);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* A configuration is good when the card and the certificate that it names can be read as well. */
static int check_files(struct daemon *d, const char *config)
{
    struct host_settings *s = &d->settings;
    char why[RT_FILE_WHY_MAX] = "";

    if ((s->sim == HOST_SIM_CONF_LOGIN &&
         login_card_open(&s->login, &d->login, &d->card, &s->core.login, why)) ||
        (s->sim == HOST_SIM_CONF_SOFT && usim_soft_open(s->sim_file, &d->soft, &d->card, why)) ||
        (s->sim == HOST_SIM_CONF_PCSC && usim_pcsc_check(&s->pcsc, why))) {
        complain(why);
        return EXIT_FAILURE;
    }
    if (!open_certificate(d))
        return EXIT_FAILURE;
    (void)printf("%s: ok\n", config);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "config", required_argument, NULL, 'c' },
        { "check-config", no_argument, NULL, 'k' },
        { "print-config", no_argument, NULL, 'e' },
        { "print-man", no_argument, NULL, 'm' },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
    };
    static struct daemon d;
    const char *config = NULL;
    bool check = false;
    int o, code;

    while ((o = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (o) {
        case 'c':
            config = optarg;
            break;
        case 'k':
            check = true;
            break;
        case 'e':
            rt_conf_print_example(host_schema, stdout);
            return EXIT_SUCCESS;
        case 'm':
            rt_conf_print_man(host_schema, stdout);
            return EXIT_SUCCESS;
        case 'V':
            (void)printf("hiphostd %s\n", HIPFA_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            return usage(stdout, EXIT_SUCCESS);
        default:
            return usage(stderr, EXIT_USAGE);
        }
    }
    if (config == NULL || optind != argc)
        return usage(stderr, EXIT_USAGE);
    if (rt_sandbox_early()) {
        complain("core files could not be switched off");
        return EXIT_FAILURE;
    }
    code = load(&d, config);
    if (code == EXIT_SUCCESS && check)
        code = check_files(&d, config);
    else if (code == EXIT_SUCCESS)
        code = run(&d);
    close_all(&d);
    return code;
}
