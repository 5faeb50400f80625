/* SPDX-License-Identifier: Apache-2.0
 *
 * hipakad: the authentication server of the home network.
 *
 *   hipakad --config FILE                     in the foreground, log on stderr
 *   hipakad --config FILE --check-config      FILE:LINE and what was expected, or "ok"
 *   hipakad --config FILE init                makes store and key file
 *   hipakad --config FILE subscriber ...      as/subscriber.h
 *   hipakad --config FILE rotate-key          a new key file, all that is sealed under it
 *   hipakad suci-key ...                      a key for concealed identities
 *   hipakad --print-config                    an example configuration with every key
 */
#include <stdio.h>
#include <string.h>

#include "as/daemon.h"
#include "as/subscriber.h"
#include "common/crypto/secret.h"
#include "common/rt/logsink.h"
#include "common/rt/osrand.h"
#include "common/rt/sandbox.h"

static int usage(const char *what)
{
    fprintf(
        stderr,
        "hipakad: %s\nusage: hipakad --config FILE [--check-config | init | subscriber ... | rotate-key]\n"
        "       hipakad suci-key --profile A|B (--out FILE | --show FILE)\n"
        "       hipakad --print-config | --print-man | --version\n",
        what);
    return 2;
}

static int run(const struct as_conf *conf)
{
    struct env env = rt_env(rt_logsink(conf->log_level));
    struct auc *auc = NULL;
    char why[AUC_WHY_MAX];
    if (as_open_auc(conf, &env, &auc, why) != ERR_OK) {
        log_at(&env.log, LOG_LV_ERROR, "auc", "%s", why);
        return 1;
    }
    int status = as_run(conf, auc, &env);
    auc_close(auc);
    return status;
}

static int init(const struct as_conf *conf)
{
    struct env env = rt_env(rt_logsink(conf->log_level));
    struct auc *auc = NULL;
    char why[AUC_WHY_MAX];
    if (as_open_auc(conf, &env, &auc, why) != ERR_OK) {
        fprintf(stderr, "hipakad: %s\n", why);
        return 1;
    }
    auc_close(auc);
    return 0;
}

static int with_conf(const struct as_conf *conf, bool check, int argc, char **argv)
{
    struct env env = rt_env(rt_logsink(conf->log_level));
    if (check) {
        puts("ok");
        return 0;
    }
    if (argc == 0)
        return run(conf);
    if (strcmp(argv[0], "init") == 0 && argc == 1)
        return init(conf);
    if (strcmp(argv[0], "subscriber") == 0)
        return as_subscriber(conf, &env, argc - 1, argv + 1);
    if (strcmp(argv[0], "rotate-key") == 0)
        return as_rotate_key(conf, &env, argc);
    return usage("expected init, subscriber or rotate-key");
}

int main(int argc, char **argv)
{
    const char *path = NULL;
    bool check = false;
    struct as_conf *conf = NULL;
    char why[RT_CONF_WHY_MAX];
    int i = 1;
    if (rt_sandbox_early() != ERR_OK || crypto_init() != ERR_OK) {
        fputs("hipakad: cannot start: no sandbox or no cryptography\n", stderr);
        return 1;
    }
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--config") == 0 && i + 1 < argc) {
            path = argv[++i];
        } else if (strcmp(argv[i], "--check-config") == 0) {
            check = true;
        } else if (strcmp(argv[i], "--print-config") == 0) {
            rt_conf_print_example(as_schema, stdout);
            return 0;
        } else if (strcmp(argv[i], "--print-man") == 0) {
            rt_conf_print_man(as_schema, stdout);
            return 0;
        } else if (strcmp(argv[i], "--version") == 0) {
            puts("hipakad " HIPFA_VERSION);
            return 0;
        } else {
            return usage(argv[i]);
        }
    }
    if (!path && i < argc && strcmp(argv[i], "suci-key") == 0) {
        struct env env = rt_env(rt_logsink(LOG_LV_ERROR));
        return as_suci_make(&env, argc - i, argv + i);
    }
    if (!path)
        return usage("--config FILE is missing");
    if (as_conf_load(path, &conf, why) != ERR_OK) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    int status = with_conf(conf, check, argc - i, argv + i);
    as_conf_free(conf);
    return status;
}
