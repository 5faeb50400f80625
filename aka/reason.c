/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/reason.h"

static const char *const names[AKA_R__COUNT] = {
#define X(name, text) [AKA_R_##name] = #name,
    AKA_REASON_LIST(X)
#undef X
};
static const char *const texts[AKA_R__COUNT] = {
#define X(name, text) [AKA_R_##name] = text,
    AKA_REASON_LIST(X)
#undef X
};

const char *aka_reason_name(enum aka_reason r)
{
    return (unsigned)r < AKA_R__COUNT ? names[r] : "?";
}

const char *aka_reason_text(enum aka_reason r)
{
    return (unsigned)r < AKA_R__COUNT ? texts[r] : "?";
}
