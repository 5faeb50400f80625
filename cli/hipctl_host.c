/* SPDX-License-Identifier: Apache-2.0
 * hipctl peers, resolve: of a host. */
#include "cli/hipctl.h"

void hipctl_show_peers(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "hit", "HIT" },           { "lsi", "LSI" },         { "name", "NAME" },
        { "state", "STATE" },       { "path", "PATH" },       { "why", "WHY" },
        { "rtt_ms", "RTT ms" },     { "address", "ADDRESS" }, { "from", "FROM" },
        { "dnssec", "DNSSEC" },     { "fa", "FA" },           { "configured", "CONFIGURED" },
        { "esp", "ESP" },           { "sent", "SENT" },       { "received", "RECEIVED" },
        { "replayed", "REPLAYED" }, { "bad", "BAD" },         { "spi_in", NULL },
        { "spi_out", NULL },        { "kind", NULL },         { "data_to", NULL },
        { "pairs", NULL },          { "seconds", "SECONDS" }, { NULL, NULL },
    };

    table_print(json_object_get(answer, "peers"), columns, "no peers", to, color);
}

static void show_one(const json_t *peer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "local_kind", "LOCAL" },   { "local", "FROM" },          { "as", "AS" },
        { "remote_kind", "REMOTE" }, { "remote", "TO" },           { "state", "STATE" },
        { "used", "USED" },          { "triggered", "TRIGGERED" }, { "tries", "TRIES" },
        { "rtt_ms", "RTT ms" },      { "seconds", "SECONDS AGO" }, { NULL, NULL },
    };
    char a[TABLE_CELL_MAX], b[TABLE_CELL_MAX], c[TABLE_CELL_MAX], d[TABLE_CELL_MAX];

    (void)fprintf(to, "%s  %s  %s  %s\n", table_cell(json_object_get(peer, "hit"), a),
                  table_cell(json_object_get(peer, "name"), b), table_cell(json_object_get(peer, "state"), c),
                  table_cell(json_object_get(peer, "path"), d));
    if (json_is_string(json_object_get(peer, "why")))
        (void)fprintf(to, "  %s\n", table_cell(json_object_get(peer, "why"), a));
    if (json_array_size(json_object_get(peer, "pairs")))
        table_print(json_object_get(peer, "pairs"), columns, "", to, color);
    (void)fputc('\n', to);
}

void hipctl_show_pairs(const json_t *answer, FILE *to, bool color)
{
    const json_t *peers = json_object_get(answer, "peers"), *peer;
    size_t i;

    if (json_array_size(peers) == 0)
        (void)fprintf(to, "no peers\n");
    json_array_foreach ((json_t *)peers, i, peer)
        show_one(peer, to, color);
}

void hipctl_show_resolved(const json_t *answer, FILE *to, bool color)
{
    const json_t *hits = json_object_get(answer, "hits"), *hit;
    const json_t *lsis = json_object_get(answer, "lsis");
    char cell[TABLE_CELL_MAX], lsi[TABLE_CELL_MAX];
    size_t i;

    (void)color;
    if (json_array_size(hits) == 0) {
        (void)fprintf(to, "the name has no HIP record\n");
        return;
    }
    json_array_foreach ((json_t *)hits, i, hit)
        (void)fprintf(to, "%s  %s  (TTL %lld s)\n", table_cell(hit, cell),
                      table_cell(json_array_get(lsis, i), lsi),
                      (long long)json_integer_value(json_object_get(answer, "ttl")));
}

void hipctl_show_code(const json_t *answer, FILE *to, bool color)
{
    (void)color;
    (void)fprintf(to, "%s\n", json_string_value(json_object_get(answer, "code")));
}
