/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/stored.h"

#include <stdlib.h>
#include <string.h>

err hip_stored_set(struct hip_stored *s, struct span octets)
{
    uint8_t *p = malloc(octets.n ? octets.n : 1);
    if (!p)
        return ERR_MEMORY;
    if (octets.n > 0)
        memcpy(p, octets.p, octets.n);
    free(s->p);
    *s = (struct hip_stored){ .p = p, .n = octets.n };
    return ERR_OK;
}

void hip_stored_clear(struct hip_stored *s)
{
    free(s->p);
    *s = (struct hip_stored){ 0 };
}
