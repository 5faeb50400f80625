/* SPDX-License-Identifier: Apache-2.0
 * hipvec proto: the lists of hip/proto.h for readers (Markdown) and for fuzzers (a dictionary). */
#include <stdio.h>
#include <string.h>

#include "cli/hipvec/cmd.h"
#include "hip/drop.h"
#include "hip/proto.h"

static const char *const covers[] = {
    [HIP_COVER_SIGNED] = "MAC, signature",
    [HIP_COVER_AUTH] = "is MAC or signature",
    [HIP_COVER_NONE] = "nothing",
    [HIP_COVER_RELAY] = "RVS_HMAC, RELAY_HMAC",
};

static void lengths(const struct hip_param_row *r, char out[48])
{
    char step[16] = "";
    if (r->multiple > 1)
        snprintf(step, sizeof(step), ", by %u", r->multiple);
    if (r->min == r->max)
        snprintf(out, 48, "%u", r->min);
    else if (r->max == HIP_LEN_ANY)
        snprintf(out, 48, "from %u%s", r->min, step);
    else
        snprintf(out, 48, "%u to %u%s", r->min, r->max, step);
}

static void places(const struct hip_param_row *r)
{
    const struct hip_packet_row *p;
    const char *sep = "";
    if (!r->where)
        printf("nowhere: named only");
    else if ((r->where & HIP_W_PACKETS) == HIP_W_PACKETS)
        printf("any"), sep = ", ";
    else
        for (size_t i = 0; (p = hip_packet_row_at(i)); i++)
            if (r->where & p->where)
                printf("%s%s", sep, p->name), sep = ", ";
    if (r->where & HIP_W_INNER)
        printf("%sENCRYPTED", sep);
}

static void needs(const struct hip_packet_row *p)
{
    for (const struct hip_need *n = p->needs; n->a; n++)
        printf("%s%s%s%s", n == p->needs ? "" : ", ", hip_param_name(n->a), n->b ? " or " : "",
               n->b ? hip_param_name(n->b) : "");
}

static void markdown(void)
{
    const struct hip_packet_row *p;
    const struct hip_param_row *r;
    char len[48];
    printf("| packet | number | needs |\n|---|---|---|\n");
    for (size_t i = 0; (p = hip_packet_row_at(i)); i++) {
        printf("| %s | %u | ", p->name, p->type);
        if (p->processed)
            needs(p);
        else
            printf("not processed");
        printf(" |\n");
    }
    printf("\n| type | parameter | critical | octets | at most | in | covered by "
           "|\n|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; (r = hip_param_row_at(i)); i++) {
        lengths(r, len);
        printf("| %u | %s | %s | %s | ", r->type, r->name, hip_is_critical(r->type) ? "yes" : "no", len);
        if (r->count == HIP_MANY)
            printf("any number | ");
        else
            printf("%u | ", r->count);
        places(r);
        printf(" | %s |\n", covers[r->cover]);
    }
    printf("\n| drop reason | a packet is dropped because |\n|---|---|\n");
    for (int d = 1; d < HIP_DROP__COUNT; d++)
        printf("| %s | %s |\n", hip_drop_name(d), hip_drop_text(d));
}

/* libFuzzer's dictionary: type and shortest length of each parameter, header of each packet. */
static void dictionary(void)
{
    const struct hip_packet_row *p;
    const struct hip_param_row *r;
    for (size_t i = 0; (p = hip_packet_row_at(i)); i++)
        printf("packet_%s=\"\\x3b\\x04\\x%02x\\x21\"\n", p->name, p->type);
    for (size_t i = 0; (r = hip_param_row_at(i)); i++)
        printf("%s=\"\\x%02x\\x%02x\\x%02x\\x%02x\"\n", r->name, r->type >> 8, r->type & 255, r->min >> 8,
               r->min & 255);
}

int cmd_proto(int argc, char **argv)
{
    const char *form = argc > 1 ? argv[1] : "--markdown";
    if (argc <= 2 && strcmp(form, "--markdown") == 0)
        markdown();
    else if (argc == 2 && strcmp(form, "--dict") == 0)
        dictionary();
    else
        return cmd_usage("proto");
    return EXIT_PASS;
}
