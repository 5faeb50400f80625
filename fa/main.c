/* SPDX-License-Identifier: Apache-2.0
 *
 * hipfad, the Forwarding Agent: a HIP responder, registrar and rendezvous server that binds hosts by their SIM and gives them names.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/cert.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"
#include "common/rt/keyfile.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "common/rt/sandbox.h"
#include "fa/ctl.h"
#include "fa/realms.h"
#include "fa/subs_cmd.h"
#include "hip/daemon/identity.h"

#define SECRET_MAX 4096

static const char usage[] = "usage: hipfad --config FILE [--check-config]\n"
                            "       hipfad --config FILE identity\n"
                            "       hipfad --config FILE subscriber add|list|show|del ...\n"
                            "       hipfad --print-config | --print-man\n";

/* Everything that lives as long as the process. */
struct daemon {
    struct fa_settings settings;
    struct env env;
    struct rt_loop *loop;
    struct hip_hi identity;
    bool have_identity;
    struct cert_cas *ca; /* NULL: none */
    struct realms realms;
    struct dnsu_tsig_key key;
    bool have_key;
    uint8_t *acct_octets; /* locked memory of the secret */
    struct span acct_secret;
    struct acct *acct; /* NULL: none */
    struct group *group;
    bool serving; /* the workers are there */
    struct ctl ctl;
    struct rt_ctl *ctl_socket;
};

static struct daemon d;

static int fail(const char *why)
{
    fprintf(stderr, "hipfad: %s\n", why);
    return 1;
}

/* ---- secrets ---- */

/* Without the blanks and the line's end that an editor leaves behind. */
static size_t trimmed(const uint8_t *p, size_t n)
{
    while (n && isspace(p[n - 1]))
        n--;
    return n;
}

static err load_acct(char why[RT_FILE_WHY_MAX])
{
    const struct fa_settings *s = &d.settings;
    return s->n_acct_server ? realms_secret(s->acct_secret_file, &d.acct_octets, &d.acct_secret, why)
                            : ERR_OK;
}

static err load_key(char why[RT_FILE_WHY_MAX])
{
    uint8_t *text = NULL;
    size_t n = 0;
    err e = rt_file_read_secret(d.settings.key_file, SECRET_MAX, &text, &n, why);
    if (e != ERR_OK)
        return e;
    text[trimmed(text, n)] = 0;
    e = dnsu_tsig_key_init_b64(&d.key, d.settings.key_name, d.settings.key_algorithm, (const char *)text);
    sec_free(text);
    d.have_key = e == ERR_OK;
    if (e != ERR_OK)
        snprintf(why, RT_FILE_WHY_MAX, "%s: expected a TSIG key in base64: %s", d.settings.key_file,
                 err_text(e));
    return e;
}

static err load_identity(char why[RT_FILE_WHY_MAX])
{
    err e = hipd_identity_open(d.settings.identity_file, d.settings.identity_type, d.settings.identity_bits,
                               &d.identity, why);
    d.have_identity = e == ERR_OK;
    return e;
}

static err load_cas(char why[RT_FILE_WHY_MAX])
{
    err e = d.settings.n_ca ? cert_cas_new(&d.ca) : ERR_OK;
    for (size_t i = 0; e == ERR_OK && i < d.settings.n_ca; i++) {
        uint8_t *pem = NULL;
        size_t n = 0;
        e = rt_file_read(d.settings.ca[i], CERT_PEM_MAX, &pem, &n, why);
        if (e != ERR_OK)
            return e;
        e = cert_cas_add(d.ca, span_of(pem, n));
        free(pem);
        if (e != ERR_OK)
            snprintf(why, RT_FILE_WHY_MAX, "%.200s: expected certificates in PEM: %s", d.settings.ca[i],
                     err_text(e));
    }
    return e;
}

/* ---- commands that are not the daemon ---- */

/* The secrets that the configuration names are looked at as well; the identity is not, the daemon makes one. */
static int cmd_check(const char *config)
{
    char why[RT_FILE_WHY_MAX];
    if (realms_load(&d.settings, &d.realms, why) != ERR_OK || load_acct(why) != ERR_OK ||
        load_key(why) != ERR_OK || load_cas(why) != ERR_OK)
        return fail(why);
    printf("%s: ok\n", config);
    return 0;
}

static int cmd_identity(void)
{
    char why[RT_FILE_WHY_MAX], hit[HIT_TEXT_MAX], hi[2 * HIP_HI_MAX + 1];
    if (load_identity(why) != ERR_OK)
        return fail(why);
    hex_encode(span_of(d.identity.wire, d.identity.wire_len), hi);
    printf("{\"hit\": \"%s\", \"hi\": \"%s\", \"file\": \"%s\"}\n", hit_format(&d.identity.hit, hit), hi,
           d.settings.identity_file);
    return 0;
}

/* ---- the daemon ---- */

static void on_term(void *ctx)
{
    log_at(&d.env.log, LOG_LV_NOTICE, "fa", "stopping");
    rt_sd_stopping();
    rt_loop_stop(ctx);
}

static void on_acct_told(void *ctx, bool alarm, const char *what)
{
    (void)ctx;
    if (d.serving)
        group_audit(d.group, alarm, what);
}

static err open_acct(char why[SQL_WHY_MAX])
{
    const struct fa_settings *s = &d.settings;
    char nas_id[48], hex[33]; /* NAS-Identifier as in Access-Request (docs/sim-binding.md section 4) */
    if (!s->n_acct_server)
        return ERR_OK;
    snprintf(nas_id, sizeof nas_id, "HIP:%s", hex_encode(span_of(d.identity.hit.b, 16), hex));
    struct acct_config c = { .loop = d.loop,
                             .env = &d.env,
                             .path = s->acct_path,
                             .nas_id = nas_id,
                             .queue_max = s->acct_queue_max,
                             .interim_s = s->interim_s,
                             .n_server = s->n_acct_server,
                             .secret = d.acct_secret,
                             .told = on_acct_told };
    memcpy(c.server, s->acct_server, sizeof c.server);
    return acct_open(&c, &d.acct, why);
}

static err open_workers(char why[SQL_WHY_MAX])
{
    struct group_config c = { .loop = d.loop,
                              .env = &d.env,
                              .settings = &d.settings,
                              .identity = &d.identity,
                              .key = &d.key,
                              .realms = d.realms.v,
                              .ca = d.ca,
                              .acct = d.acct,
                              .workers = d.settings.workers };
    return group_new(&c, &d.group, why);
}

static err give_up_rights(char why[SQL_WHY_MAX])
{
    err e = rt_sandbox_caps(NULL, 0); /* the raw sockets are open; nothing later needs a capability */
    if (e == ERR_OK)
        e = rt_sandbox_seccomp();
    if (e == ERR_UNSUPPORTED) {
        log_at(&d.env.log, LOG_LV_WARN, "fa", "this kernel has no seccomp filter");
        return ERR_OK;
    }
    if (e != ERR_OK)
        snprintf(why, SQL_WHY_MAX, "rights could not be given up: %s", err_text(e));
    return e;
}

static err start(char why[SQL_WHY_MAX])
{
    char hit[HIT_TEXT_MAX];
    _Static_assert(SQL_WHY_MAX >= RT_FILE_WHY_MAX, "one buffer for both");
    why[0] = 0;
    err e = d.settings.key_log ? rt_keyfile_open(d.settings.key_log, &d.env, why) : ERR_OK;
    if (e == ERR_OK)
        e = realms_load(&d.settings, &d.realms, why);
    if (e == ERR_OK)
        e = load_acct(why);
    if (e == ERR_OK)
        e = load_key(why);
    if (e == ERR_OK)
        e = load_cas(why);
    if (e == ERR_OK)
        e = load_identity(why);
    if (e != ERR_OK)
        return e;
    d.loop = rt_loop_new();
    if (!d.loop)
        return ERR_MEMORY;
    e = rt_loop_signals(d.loop, on_term, NULL, d.loop);
    if (e == ERR_OK)
        e = open_acct(why);
    if (e == ERR_OK)
        e = open_workers(why);
    if (e != ERR_OK)
        return e;
    d.ctl =
        (struct ctl){ .group = d.group, .settings = &d.settings, .identity = &d.identity, .acct = d.acct };
    e = rt_ctl_open(d.loop, d.settings.socket, ctl_request, &d.ctl, &d.ctl_socket);
    if (e != ERR_OK) {
        snprintf(why, SQL_WHY_MAX, "%.200s: control socket: %s", d.settings.socket,
                 e == ERR_EXISTS ? "another daemon listens there" : err_text(e));
        return e;
    }
    e = give_up_rights(why);
    if (e == ERR_OK && d.settings.n_realms && d.identity.suite != 1 && d.identity.suite != 2)
        log_at(&d.env.log, LOG_LV_WARN, "fa", "the identity is of HIT suite %u: no binding by SIM is offered",
               d.identity.suite); /* docs/sim-binding.md section 1; the key was there before */
    if (e == ERR_OK && d.settings.suites.null_encrypt)
        log_at(&d.env.log, LOG_LV_ERROR, "fa",
               "TESTING: suites.null_encrypt is on, HIP packets are not encrypted; never do this in service");
    if (e == ERR_OK)
        log_at(&d.env.log, LOG_LV_NOTICE, "fa", "serving name=%s hit=%s workers=%u", d.settings.name,
               hit_format(&d.identity.hit, hit), group_count(d.group));
    return e;
}

static void stop(void)
{
    rt_ctl_close(d.ctl_socket);
    d.serving = false;
    group_free(d.group);
    acct_close(d.acct);
    rt_loop_free(d.loop);
    if (d.have_key)
        dnsu_tsig_key_done(&d.key);
    sec_free(d.acct_octets);
}

static int serve(void)
{
    char why[SQL_WHY_MAX];
    d.env = rt_env(rt_logsink(d.settings.level));
    err e = start(why);
    if (e == ERR_OK && (e = group_start(d.group)) != ERR_OK)
        snprintf(why, sizeof why, "no thread for a worker");
    if (e == ERR_OK) {
        d.serving = true;
        rt_sd_ready("serving");
        rt_loop_run(d.loop);
    } else {
        (void)fail(why[0] ? why : err_text(e));
    }
    stop();
    return e == ERR_OK ? 0 : 1;
}

static int run(int argc, char **argv)
{
    char why[RT_CONF_WHY_MAX];
    const char *config = argc >= 3 && strcmp(argv[1], "--config") == 0 ? argv[2] : NULL;
    if (argc == 2 && strcmp(argv[1], "--print-config") == 0) {
        rt_conf_print_example(fa_schema, stdout);
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "--print-man") == 0) {
        rt_conf_print_man(fa_schema, stdout);
        return 0;
    }
    bool check = config && argc == 4 && strcmp(argv[3], "--check-config") == 0;
    bool identity = config && argc == 4 && strcmp(argv[3], "identity") == 0;
    bool subscriber = config && argc >= 4 && strcmp(argv[3], "subscriber") == 0;
    if (!config || (argc > 3 && !check && !identity && !subscriber)) {
        fputs(usage, stderr);
        return 2;
    }
    if (fa_settings_load(config, &d.settings, why) != ERR_OK)
        return fail(why);
    if (check)
        return cmd_check(config);
    if (identity)
        return cmd_identity();
    if (subscriber)
        return subs_cmd(d.settings.subs_path, d.settings.store_path, argc - 4, argv + 4);
    return serve();
}

int main(int argc, char **argv)
{
    if (rt_sandbox_early() != ERR_OK || crypto_init() != ERR_OK)
        return fail("the process could not be set up");
    int status = run(argc, argv);
    if (d.have_identity)
        hip_hi_done(&d.identity);
    cert_cas_free(d.ca);
    realms_done(&d.realms);
    fa_settings_done(&d.settings);
    return status;
}
