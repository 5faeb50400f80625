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
