/* SPDX-License-Identifier: Apache-2.0
 * hipctl registrations, relay, bindings, hold, subscribers, events: of a Forwarding Agent. */
#include <time.h>

#include "cli/hipctl.h"

void hipctl_show_registrations(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "fqdn", "NAME" },   { "hit", "HIT" },     { "address", "ADDRESS" },
        { "types", "TYPES" }, { "state", "STATE" }, { "seconds", "SECONDS LEFT" },
        { NULL, NULL },
    };

    table_print(json_object_get(answer, "registrations"), columns, "no registrations", to, color);
}

void hipctl_show_relay(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column clients[] = {
        { "fqdn", "NAME" },
        { "hit", "HIT" },
        { "address", "ADDRESS" },
        { "ports", "PORTS" },
        { "flows", "FLOWS" },
        { "hip_in", "HIP IN" },
        { "hip_out", "HIP OUT" },
        { "octets_in", "OCTETS IN" },
        { "octets_out", "OCTETS OUT" },
        { "refused", "REFUSED" },
        { NULL, NULL },
    };
    static const struct table_column reasons[] = {
        { "reason", "NOT RELAYED" }, { "hip", "HIP" }, { "esp", "ESP" }, { NULL, NULL }
    };
    json_t *rows = json_array();
    const char *reason;
    json_t *n;

    table_print(json_object_get(answer, "clients"), clients, "no clients of the relays", to, color);
    json_object_foreach (json_object_get(answer, "not_relayed"), reason, n)
        json_array_append_new(rows, json_pack("{s:s, s:O?, s:O?}", "reason", reason, "hip",
                                              json_object_get(n, "hip"), "esp", json_object_get(n, "esp")));
    if (json_array_size(rows) != 0) {
        (void)fputc('\n', to);
        table_print(rows, reasons, "", to, color);
    }
    json_decref(rows);
}

void hipctl_show_bindings(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "fqdn", "NAME" },    { "hit", "HIT" },
        { "state", "STATE" },  { "subscriber", "SUBSCRIBER" },
        { "label", "DEVICE" }, { "seconds", "SECONDS LEFT" },
        { NULL, NULL },
    };

    table_print(json_object_get(answer, "bindings"), columns, "no bindings", to, color);
}

/* The answer to `hold` alone; to an order about one there is nothing to show. */
void hipctl_show_holds(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "fqdn", "NAME" },
        { "subscriber", "SUBSCRIBER" },
        { "hit", "HAS IT" },
        { "asked_by", "ASKS FOR IT" },
        { "state", "STATE" },
        { "asked_s", "ASKED, SECONDS AGO" },
        { "unseen_s", "LAST SEEN, SECONDS AGO" },
        { NULL, NULL },
    };
    const json_t *rows = json_object_get(answer, "holds");

    if (rows == NULL)
        hipctl_show_done(answer, to, color);
    else
        table_print(rows, columns, "nobody asks for another host's name", to, color);
}

void hipctl_show_subscribers(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "subscriber", "SUBSCRIBER" },
        { "state", "STATE" },
        { "bindings", "NAMES" },
        { "reserved", "KEPT FOR IT" },
        { "remembered", "KEYS REFUSED" },
        { "epoch", NULL },
        { NULL, NULL },
    };

    table_print(json_object_get(answer, "subscribers"), columns, "no subscribers", to, color);
}

void hipctl_show_events(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "when", "WHEN" },
        { "alarm", "ALARM" },
        { "what", "WHAT" },
        { "fqdn", "NAME" },
        { "subscriber", "SUBSCRIBER" },
        { "hit", "HIT" },
        { "at", NULL },
        { NULL, NULL },
    };
    json_t *rows = json_deep_copy(json_object_get(answer, "events")), *row;
    size_t i;

    json_array_foreach (rows, i, row) {
        char text[32] = "";
        struct tm tm;
        time_t at = (time_t)json_integer_value(json_object_get(row, "at"));
        if (gmtime_r(&at, &tm) != NULL)
            (void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm);
        (void)json_object_set_new(row, "when", json_string(text));
    }
    table_print(rows, columns, "no events", to, color);
    json_decref(rows);
}
