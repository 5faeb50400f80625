/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/reason.h"

static const struct {
    const char *name, *text;
} reasons[AKA_R__COUNT] = {
#define X(name, text) { #name, text },
    AKA_REASON_LIST(X)
#undef X
};

const char *aka_reason_name(enum aka_reason r)
{
    return (unsigned)r < AKA_R__COUNT ? reasons[r].name : "?";
}

const char *aka_reason_text(enum aka_reason r)
{
    return (unsigned)r < AKA_R__COUNT ? reasons[r].text : "?";
}
