/* SPDX-License-Identifier: Apache-2.0 */
#include "common/base/err.h"

static const struct {
    const char *name, *text;
} errs[] = {
#define X(name, text) { #name, text },
    ERR_LIST(X)
#undef X
};

const char *err_name(err e)
{
    return (unsigned)e < ERR__COUNT ? errs[e].name : "UNKNOWN";
}

const char *err_text(err e)
{
    return (unsigned)e < ERR__COUNT ? errs[e].text : "unknown error";
}
