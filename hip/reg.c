/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/reg.h"

uint8_t hip_reg_grant(uint8_t wanted, uint8_t min, uint8_t max)
{
    if (wanted == 0)
        return 0;
    return wanted < min ? min : wanted > max ? max : wanted;
}

uint32_t hip_reg_seconds(uint8_t lifetime)
{
    return (uint32_t)(hip_reg_lifetime_us(lifetime) / 1000000);
}

bool hip_reg_has(const uint8_t *types, uint8_t n, uint8_t type)
{
    for (uint8_t i = 0; i < n; i++)
        if (types[i] == type)
            return true;
    return false;
}

static void merge(struct hip_reg_list *to, const struct hip_reg_list *from)
{
    if (!to->present) {
        *to = *from;
        to->present = true;
        return;
    }
    if (to->lifetime != from->lifetime)
        return;
    for (uint8_t i = 0; i < from->n && to->n < HIP_REG_TYPES_MAX; i++)
        if (!hip_reg_has(to->type, to->n, from->type[i]))
            to->type[to->n++] = from->type[i];
}

static err read_one(const struct hip_par *par, struct hip_contents *c)
{
    struct hip_reg_list l;
    err r = ERR_OK;
    switch (par->type) {
    case HIP_PAR_REG_INFO:
        r = hip_get_reg_info(par->v, &c->info);
        c->info.present = r == ERR_OK;
        break;
    case HIP_PAR_REG_REQUEST:
    case HIP_PAR_REG_RESPONSE:
        r = hip_get_reg_list(par->v, &l);
        if (r == ERR_OK)
            merge(par->type == HIP_PAR_REG_REQUEST ? &c->request : &c->response, &l);
        break;
    case HIP_PAR_REG_FAILED:
        if (c->n_failed == sizeof c->failed / sizeof *c->failed)
            break;
        r = hip_get_reg_failed(par->v, &c->failed[c->n_failed]);
        if (r == ERR_OK)
            c->n_failed++;
        break;
    default:
        break;
    }
    return r;
}

int hip_reg_read(const struct hip_params *p, struct hip_contents *out)
{
    struct hip_contents c = { .inner = out->inner };
    for (size_t i = 0; i < p->n; i++)
        if (read_one(&p->par[i], &c) != ERR_OK)
            return HIP_DROP_PARAM_MALFORMED;
    *out = c;
    return HIP_TAKEN;
}

void hip_reg_put(struct hip_build *b, const struct hip_contents *c)
{
    if (c->info.present)
        hip_put_reg_info(b, &c->info);
    if (c->request.present)
        hip_put_reg_list(b, HIP_PAR_REG_REQUEST, &c->request);
    if (c->response.present)
        hip_put_reg_list(b, HIP_PAR_REG_RESPONSE, &c->response);
    for (uint8_t i = 0; i < c->n_failed && i < sizeof c->failed / sizeof *c->failed; i++)
        hip_put_reg_failed(b, &c->failed[i]);
}

bool hip_contents_empty(const struct hip_contents *c)
{
    return !c->info.present && !c->request.present && !c->response.present && c->n_failed == 0 &&
           span_empty(c->inner);
}
