/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/mobility.h"

static void age(struct hip_assoc *a, uint64_t now)
{
    if (now < a->credit_us)
        return;
    uint64_t n = (now - a->credit_us) / HIP_CREDIT_AGING_US;
    a->credit = hip_credit_aged(a->credit, n);
    a->credit_us += n * HIP_CREDIT_AGING_US;
}

void hip_credit_add(struct hip_assoc *a, uint64_t octets, uint64_t now)
{
    age(a, now);
    if (a->credit == 0)
        a->credit_us = now;
    a->credit = octets < HIP_CREDIT_MAX - a->credit ? a->credit + octets : HIP_CREDIT_MAX;
}

uint64_t hip_credit_take(struct hip_assoc *a, uint64_t now)
{
    age(a, now);
    uint64_t all = a->credit;
    a->credit = 0;
    return all;
}

void hip_cba_received(struct hip_engine *e, struct hip_ref ref, uint64_t octets, uint64_t now)
{
    struct hip_assoc *a = hip_assoc_by_ref(e, ref);
    if (a)
        hip_credit_add(a, octets, now);
}
