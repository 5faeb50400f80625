/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/param_esp.h"

err hip_get_esp_info(struct span v, struct hip_esp_info *out)
{
    struct rcur c = rcur_of(v);
    struct hip_esp_info e = { 0 };
    rcur_skip(&c, 2);
    e.keymat_index = rcur_u16(&c);
    e.old_spi = rcur_u32(&c);
    e.new_spi = rcur_u32(&c);
    if (!rcur_end(&c))
        return ERR_MALFORMED;
    *out = e;
    return ERR_OK;
}

void hip_put_esp_info(struct hip_build *b, const struct hip_esp_info *e)
{
    struct wcur *w = hip_build_open(b, HIP_PAR_ESP_INFO);
    wcur_u16(w, 0);
    wcur_u16(w, e->keymat_index);
    wcur_u32(w, e->old_spi);
    wcur_u32(w, e->new_spi);
    hip_build_close(b);
}

err hip_get_esp_transform(struct span v, struct hip_ids16 *out)
{
    return hip_get_ids16(v, 2, out);
}

void hip_put_esp_transform(struct hip_build *b, const struct hip_ids16 *l)
{
    hip_put_ids16(b, HIP_PAR_ESP_TRANSFORM, 2, l);
}
