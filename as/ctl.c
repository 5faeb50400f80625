/* SPDX-License-Identifier: Apache-2.0 */
#include "as/ctl.h"

#include "common/base/hex.h"

static json_t *clients_json(const struct as_conf *conf, const struct radiusd *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < conf->n_clients; i++) {
        const struct as_client *c = &conf->clients[i];
        char text[ADDR_TEXT_MAX];
        uint64_t requests, accepts;
        json_t *hits = json_array();
        radiusd_client(r, i, &requests, &accepts);
        for (size_t j = 0; j < c->n_hits; j++)
            json_array_append_new(hits, json_string(addr_format(&c->hits[j], text)));
        const char *address = c->address.family == ADDR_NONE ? NULL : addr_format(&c->address, text);
        json_array_append_new(list,
                              json_pack("{s:s, s:s*, s:s*, s:o, s:I, s:I}", "name", c->name, "address",
                                        address, "certificate", c->certificate, "hits", hits, "requests",
                                        (json_int_t)requests, "accepts", (json_int_t)accepts));
    }
    return list;
}

json_t *as_status(const struct as_conf *conf, const struct radiusd *r, const struct source *s,
                  struct aucsock_io *const *aucs, uint64_t uptime_us)
{
    json_t *counters = json_object(), *refused = json_object(), *listen = json_array(),
           *sockets = json_array();
    char text[ADDR_TEXT_MAX];
    for (int c = 0; c < RADIUSD__COUNT; c++)
        json_object_set_new(counters, radiusd_counter_name((enum radiusd_counter)c),
                            json_integer((json_int_t)radiusd_counter(r, (enum radiusd_counter)c)));
    for (int k = 0; k < AKA_R__COUNT; k++)
        if (radiusd_refused(r, (enum aka_reason)k))
            json_object_set_new(refused, aka_reason_name((enum aka_reason)k),
                                json_integer((json_int_t)radiusd_refused(r, (enum aka_reason)k)));
    for (size_t i = 0; i < conf->n_listen; i++)
        json_array_append_new(listen, json_string(addr_format(&conf->listen[i], text)));
    for (size_t i = 0; i < conf->n_sockets; i++)
        json_array_append_new(sockets, aucsock_io_status(aucs[i]));
    return json_pack("{s:s, s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "daemon", "hipakad",
                     "listen", listen, "network_name", conf->net_name, "uptime_s",
                     (json_int_t)(uptime_us / 1000000), "conversations", (json_int_t)radiusd_conversations(r),
                     "conversations_expired", (json_int_t)radiusd_expired(r), "reauthentications",
                     (json_int_t)radiusd_reauths(r), "jobs", (json_int_t)source_jobs(s), "clients",
                     clients_json(conf, r), "counters", counters, "refused", refused, "hlrs",
                     source_status(s), "auc_sockets", sockets);
}
