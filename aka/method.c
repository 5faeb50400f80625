/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/method.h"

#include <string.h>

static const struct aka_method methods[AKA_METHODS_MAX] = {
    { EAP_TYPE_AKA_PRIME, "aka-prime", '6', '7', '8', HASH_SHA256, 32, true },
    { EAP_TYPE_AKA, "aka", '0', '2', '4', HASH_SHA1, 16, false },
};

const struct aka_method *aka_method_of_type(uint8_t type)
{
    for (size_t i = 0; i < AKA_METHODS_MAX; i++)
        if (methods[i].type == type)
            return &methods[i];
    return NULL;
}

const struct aka_method *aka_method_of_name(const char *name)
{
    for (size_t i = 0; i < AKA_METHODS_MAX; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

const struct aka_method *aka_method_of_lead(uint8_t lead)
{
    for (size_t i = 0; i < AKA_METHODS_MAX; i++)
        if (lead == methods[i].permanent || lead == methods[i].pseudonym || lead == methods[i].reauth)
            return &methods[i];
    return NULL;
}
