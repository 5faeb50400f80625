/* SPDX-License-Identifier: Apache-2.0
 *
 * A file that somebody gives to hipvec show and hipvec verify: capture, vectors or hexadecimal text, shown and judged. What stands in front of a
 * first NUL is a key log for it, if it is one.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/hipvec/judge.h"
#include "cli/hipvec/show.h"
#include "common/crypto/secret.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct items *it, const struct keylog *keys)
{
    struct judge *j = judge_new(it, keys);
    for (size_t i = 0; j && i < it->n; i++) {
        struct verdict v;
        judge_item(j, i, &v);
        if (v.n == 0) /* every packet gets a verdict */
            abort();
        json_t *o = show_item(&it->v[i]);
        show_inside(o, j, i);
        char *text = json_dumps(o, 0); /* what is shown is text, whatever came */
        if (!text)
            abort();
        free(text);
        json_decref(o);
    }
    judge_free(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool ready;
    struct keylog keys = { 0 };
    struct items it;
    char why[160];
    if (!ready && crypto_init() != ERR_OK)
        abort();
    ready = true;
    const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
    size_t head = nul ? (size_t)(nul - data) : 0;
    struct span file = span_of(data, size);
    if (head && keylog_parse(&keys, span_of(data, head), why) == ERR_OK)
        file = span_of(nul + 1, size - head - 1);
    if (items_parse(file, &it, why) == ERR_OK) {
        look(&it, &keys);
        items_done(&it);
    }
    keylog_done(&keys);
    return 0;
}
