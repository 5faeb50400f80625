/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration by certificate (RFC 8002, RFC 8003 s3.3): an X.509 certificate with the association's HIT in it, under a CA that we are told to trust. It is
 * judged once, in the packet that brings it; the guest keeps until when it counts.
 */
#include "fa/core/core.h"
#include "hip/param_cert.h"
#include "hip/proto.h"

static uint64_t wall(const struct fa *f)
{
    return f->wall_s + (f->now - f->wall_at_us) / US;
}

static uint8_t failure_of(enum cert_verdict v)
{
    switch (v) {
    case CERT_GOOD:
        return 0;
    case CERT_BAD:
        return HIP_REGF_BAD_CERTIFICATE;
    case CERT_EXPIRED:
        return HIP_REGF_CERTIFICATE_EXPIRED;
    case CERT_UNKNOWN_CA:
        return HIP_REGF_UNKNOWN_CA;
    case CERT_NOT_YOURS:
        return HIP_REGF_INVALID_CERTIFICATE;
    default:
        return HIP_REGF_CERTIFICATE_OTHER;
    }
}

/* 0 and *until_s, or the failure. */
static uint8_t judge(const struct fa *f, const struct fa_guest *g, struct span certs, uint64_t *until_s)
{
    struct hip_cert v[HIP_CERTS_MAX];
    struct span der[HIP_CERTS_MAX];
    uint8_t n;
    _Static_assert(HIP_CERTS_MAX <= CERT_CHAIN_MAX, "a whole group is one chain");
    if (!f->c.ca)
        return HIP_REGF_UNSUPPORTED_CERTIFICATE;
    err r = hip_certs_group(certs, v, &n);
    if (r == ERR_UNSUPPORTED)
        return HIP_REGF_UNSUPPORTED_CERTIFICATE;
    if (r != ERR_OK)
        return r == ERR_FULL ? HIP_REGF_CERTIFICATE_OTHER : HIP_REGF_BAD_CERTIFICATE;
    for (uint8_t i = 0; i < n; i++) {
        if (v[i].type != HIP_CERT_X509) /* nothing is fetched */
            return HIP_REGF_UNSUPPORTED_CERTIFICATE;
        der[i] = v[i].cert;
    }
    return failure_of(cert_judge(f->c.ca, der, n, g->peer.b, wall(f), until_s));
}

uint8_t fa_credential_lifetime(const struct fa *f, const struct fa_guest *g, uint8_t lifetime)
{
    uint64_t now_s = wall(f);
    uint64_t left_s = g->cert_until_s > now_s ? g->cert_until_s - now_s : 0;
    uint8_t most = hip_reg_lifetime_code(left_s * US);
    return lifetime < most ? lifetime : most;
}

/* For less than we grant at all it does not count any more. */
static bool too_short(const struct fa *f, const struct fa_guest *g)
{
    return fa_credential_lifetime(f, g, f->c.hip.offer.max) < f->c.hip.offer.min;
}

void fa_credential_heard(struct fa *f, struct fa_guest *g, const struct hip_contents *c)
{
    if (!c->request.present)
        return;
    g->cert_refused = 0;
    if (c->certs.n == 0 || c->request.lifetime == 0)
        return;
    uint64_t until_s = 0;
    g->cert_refused = judge(f, g, c->certs, &until_s);
    g->cert_until_s = until_s; /* a later one takes the place of an earlier one, also when it is refused */
    if (!g->cert_refused && too_short(f, g))
        g->cert_refused = HIP_REGF_CERTIFICATE_EXPIRED;
}

bool fa_credential_allows(const struct fa *f, const struct fa_guest *g, uint8_t type)
{
    return hip_reg_has(f->c.cert_type, f->c.n_cert_type, type) && !too_short(f, g);
}
