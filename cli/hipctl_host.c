/* SPDX-License-Identifier: Apache-2.0
 * hipctl peers, resolve: of a host. */
#include "cli/hipctl.h"

void hipctl_show_peers(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "hit", "HIT" },
        { "name", "NAME" },
        { "state", "STATE" },
        { "address", "ADDRESS" },
        { "from", "FROM" },
        { "dnssec", "DNSSEC" },
        { "fa", "FA" },
        { "configured", "CONFIGURED" },
        { "esp", "ESP" },
        { "sent", "SENT" },
        { "received", "RECEIVED" },
        { "replayed", "REPLAYED" },
        { "bad", "BAD" },
        { "spi_in", NULL },
        { "spi_out", NULL },
        { "seconds", "SECONDS" },
        { NULL, NULL },
    };

    table_print(json_object_get(answer, "peers"), columns, "no peers", to, color);
}

void hipctl_show_resolved(const json_t *answer, FILE *to, bool color)
{
    const json_t *hits = json_object_get(answer, "hits"), *hit;
    char cell[TABLE_CELL_MAX];
    size_t i;

    (void)color;
    if (json_array_size(hits) == 0) {
        (void)fprintf(to, "the name has no HIP record\n");
        return;
    }
    json_array_foreach ((json_t *)hits, i, hit)
        (void)fprintf(to, "%s  (TTL %lld s)\n", table_cell(hit, cell),
                      (long long)json_integer_value(json_object_get(answer, "ttl")));
}
