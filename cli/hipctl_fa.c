/* SPDX-License-Identifier: Apache-2.0
 * hipctl registrations, bindings: of a Forwarding Agent. */
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
