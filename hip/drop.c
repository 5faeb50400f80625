/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/drop.h"

static const struct {
    const char *name, *text;
} drops[] = { { "TAKEN", "taken" },
#define X(name, text) { #name, text },
              HIP_DROP_LIST(X)
#undef X
};

const char *hip_drop_name(int d)
{
    return d >= 0 && d < HIP_DROP__COUNT ? drops[d].name : "UNKNOWN";
}

const char *hip_drop_text(int d)
{
    return d >= 0 && d < HIP_DROP__COUNT ? drops[d].text : "unknown reason";
}
