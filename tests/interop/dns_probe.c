/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives hipfad's DNS adapter and the resolver from the command line, for tests with real servers. One line of JSON on stdout says how
 * it went.
 *
 *   dns_probe OPTIONS write NAME LAST WANT     FA_JOB_DNS; RDATA as text in quotes, or "-" for none
 *   dns_probe OPTIONS own NAME ADDR...         FA_JOB_DNS_OWN
 *   dns_probe OPTIONS zone NAME                FA_JOB_ZONE
 *   dns_probe OPTIONS resolve NAME TYPE        look-up, validated
 * Options: -z ZONE -s SERVER (repeated) -k KEYNAME -a ALGORITHM -S SECRET_B64 -n TRIES -f FIRST_MS; resolve: -u UPSTREAM -A ANCHOR_FILE
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hex.h"
#include "common/crypto/secret.h"
#include "common/rt/osrand.h"
#include "common/rt/resolve.h"
#include "dnsupd/lookup.h"
#include "fa/dns.h"

static struct rt_loop *loop;
static struct fa_dns *dns;
static uint64_t began;
static int status = 1;

static struct {
    const char *zone, *key, *alg, *secret, *anchor;
    struct addr server[4], upstream;
    uint8_t n_server;
    uint8_t tries;
    uint64_t first_us;
} opt = { .zone = "operator.example", .key = "fa1.operator.example", .alg = "hmac-sha256", .secret = "" };

static void stderr_line(void *ctx, enum log_level lv, const char *cat, const char *line)
{
    fprintf(stderr, "%s %s: %s\n", log_level_name(lv), cat, line);
}

static void die(const char *what, err e)
{
    fprintf(stderr, "%s: %s\n", what, err_text(e));
    exit(2);
}

static struct addr address(const char *text)
{
    struct addr a;
    err e = addr_parse(text, &a);
    if (e != ERR_OK)
        die(text, e);
    if (!a.port)
        a.port = 53;
    return a;
}

static const char *rdata_text(struct span rdata)
{
    static char text[8192];
    struct dnsu_hiprr rr;
    if (dnsu_hiprr_parse(rdata, &rr) != ERR_OK || dnsu_hiprr_print(&rr, text, sizeof text) != ERR_OK)
        return "";
    return text;
}

static void on_done(void *ctx, const struct fa_result *r)
{
    static const char *const says[] = { "free", "hip", "other" };
    struct fa_dns_stats s;
    fa_dns_stats_get(dns, &s);
    printf("{\"err\": \"%s\", \"ms\": %llu, \"tries\": %llu, \"ignored\": %llu, \"proved\": %llu",
           err_name(r->err), (unsigned long long)((rt_now_us() - began) / 1000), (unsigned long long)s.tries,
           (unsigned long long)s.ignored, (unsigned long long)s.proved);
    if (r->type == FA_JOB_ZONE && r->err == ERR_OK)
        printf(", \"says\": \"%s\", \"rdata\": \"%s\"", says[r->zone.says], rdata_text(r->zone.rdata));
    printf("}\n");
    status = 0;
    rt_loop_stop(loop);
}

/* RDATA from its text, or none for "-". */
static uint16_t rdata(const char *text, uint8_t *out)
{
    size_t n = 0;
    if (strcmp(text, "-") != 0) {
        err e = dnsu_hiprr_scan(text, out, FA_RDATA_MAX, &n);
        if (e != ERR_OK)
            die(text, e);
    }
    return (uint16_t)n;
}

static void run_job(int n, char **v)
{
    struct env env = rt_env((struct log){ .write = stderr_line, .max = LOG_LV_DEBUG });
    struct dnsu_tsig_key key;
    struct fa_job j = { .ref = { .gen = 1 } };
    err e = dnsu_tsig_key_init_b64(&key, opt.key, opt.alg, opt.secret);
    if (e != ERR_OK)
        die("key", e);
    struct fa_dns_config c = { .loop = loop,
                               .env = &env,
                               .zone = opt.zone,
                               .key = &key,
                               .n_servers = opt.n_server,
                               .tries = opt.tries,
                               .first_us = opt.first_us };
    memcpy(c.server, opt.server, sizeof opt.server);
    e = fa_dns_new(&c, on_done, NULL, &dns);
    if (e != ERR_OK)
        die("adapter", e);
    if (!strcmp(v[0], "write") && n == 4) {
        j.type = FA_JOB_DNS;
        snprintf(j.dns.name, sizeof j.dns.name, "%s", v[1]);
        j.dns.ttl_s = 60;
        j.dns.last_len = rdata(v[2], j.dns.last);
        j.dns.want_len = rdata(v[3], j.dns.want);
    } else if (!strcmp(v[0], "own") && n >= 2) {
        j.type = FA_JOB_DNS_OWN;
        snprintf(j.dns_own.name, sizeof j.dns_own.name, "%s", v[1]);
        j.dns_own.ttl_s = 60;
        for (int i = 2; i < n && i < 2 + FA_ADDRS_MAX; i++)
            j.dns_own.addr[j.dns_own.n_addr++] = address(v[i]);
    } else {
        j.type = FA_JOB_ZONE;
        snprintf(j.zone.name, sizeof j.zone.name, "%s", v[1]);
    }
    began = rt_now_us();
    e = fa_dns_submit(dns, &j);
    if (e != ERR_OK)
        die("submit", e);
    rt_loop_run(loop);
    fa_dns_free(dns);
    dnsu_tsig_key_done(&key);
}

static void on_answer(void *ctx, const struct rt_answer *a)
{
    static const char *const security[] = { "secure", "insecure", "bogus" };
    struct dnsu_hip_found f = { 0 };
    err judged = dnsu_hip_judge((enum dnsu_security)a->security, a->rdata, a->n, a->ttl, &f);
    printf("{\"err\": \"%s\", \"ms\": %llu, \"rcode\": %d, \"nxdomain\": %s, \"security\": \"%s\", \"why\": "
           "\"%s\", \"ttl\": %u, \"rdata\": [",
           err_name(a->err), (unsigned long long)((rt_now_us() - began) / 1000), a->rcode,
           a->nxdomain ? "true" : "false", security[a->security], a->why_bogus, a->ttl);
    for (size_t i = 0; i < a->n; i++) {
        char hex[2 * 1024 + 1];
        printf("%s\"%s\"", i ? ", " : "", a->rdata[i].n <= 1024 ? hex_encode(a->rdata[i], hex) : "");
    }
    printf("], \"judged\": \"%s\", \"hip\": %zu}\n", err_name(judged), f.n);
    status = 0;
    rt_loop_stop(loop);
}

static void run_resolve(const char *name, int type)
{
    struct rt_resolve_zone z = { .zone = opt.zone, .n_server = opt.n_server, .anchor_file = opt.anchor };
    struct rt_resolve_config c = { .n_zone = opt.n_server ? 1 : 0, .zone = &z };
    struct rt_resolver *r;
    uint32_t id;
    memcpy(z.server, opt.server, sizeof opt.server);
    if (opt.upstream.family != ADDR_NONE) {
        c.n_upstream = 1;
        c.upstream[0] = opt.upstream;
    }
    err e = rt_resolver_new(loop, &c, &r);
    if (e != ERR_OK)
        die("resolver", e);
    began = rt_now_us();
    e = rt_resolve(r, name, type, on_answer, NULL, &id);
    if (e != ERR_OK)
        die("resolve", e);
    rt_loop_run(loop);
    rt_resolver_free(r);
}

int main(int argc, char **argv)
{
    for (int c; (c = getopt(argc, argv, "z:s:k:a:S:n:f:u:A:")) != -1;) {
        switch (c) {
        case 'z':
            opt.zone = optarg;
            break;
        case 's':
            if (opt.n_server == 4)
                return 2;
            opt.server[opt.n_server++] = address(optarg);
            break;
        case 'k':
            opt.key = optarg;
            break;
        case 'a':
            opt.alg = optarg;
            break;
        case 'S':
            opt.secret = optarg;
            break;
        case 'n':
            opt.tries = (uint8_t)atoi(optarg);
            break;
        case 'f':
            opt.first_us = (uint64_t)atoi(optarg) * 1000;
            break;
        case 'u':
            opt.upstream = address(optarg);
            break;
        case 'A':
            opt.anchor = optarg;
            break;
        default:
            return 2;
        }
    }
    if (argc - optind < 2 || crypto_init() != ERR_OK || !(loop = rt_loop_new()))
        return 2;
    if (!strcmp(argv[optind], "resolve") && argc - optind == 3)
        run_resolve(argv[optind + 1], atoi(argv[optind + 2]));
    else
        run_job(argc - optind, argv + optind);
    rt_loop_free(loop);
    return status;
}
