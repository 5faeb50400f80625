/* SPDX-License-Identifier: Apache-2.0
 *
 * Registration by certificate (RFC 8002, RFC 8003 s3.3): an X.509 certificate with the association's HIT in it, or of its HI, under a CA that we are told to trust. It is
 * judged once, in the packet that brings it; the guest keeps until when it counts. One that does not count is told by NOTIFY, too.
 */
#include <stdio.h>

#include "fa/core/core.h"
#include "hip/param_cert.h"
#include "hip/proto.h"

static const struct bucket_rate told_rate = { .per_second_milli = 1000, .burst = 3 }; /* RFC 7401 s5.2.19 */

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

struct judged {
    uint8_t failure; /* 0: it counts */
    uint64_t until_s;
    struct hip_cert what; /* the one that is to blame; id 0: none by itself */
};

static struct judged failed(uint8_t failure)
{
    return (struct judged){ .failure = failure };
}

static struct judged judge(const struct fa *f, const struct fa_guest *g, struct span certs)
{
    struct hip_cert v[HIP_CERTS_MAX];
    struct span der[HIP_CERTS_MAX];
    uint8_t n;
    _Static_assert(HIP_CERTS_MAX <= CERT_CHAIN_MAX, "a whole group is one chain");
    if (!f->c.ca)
        return failed(HIP_REGF_UNSUPPORTED_CERTIFICATE);
    err r = hip_certs_group(certs, v, &n);
    if (r == ERR_UNSUPPORTED)
        return failed(HIP_REGF_UNSUPPORTED_CERTIFICATE);
    if (r != ERR_OK)
        return failed(r == ERR_FULL ? HIP_REGF_CERTIFICATE_OTHER : HIP_REGF_BAD_CERTIFICATE);
    for (uint8_t i = 0; i < n; i++) {
        if (v[i].type != HIP_CERT_X509) /* nothing is fetched */
            return failed(HIP_REGF_UNSUPPORTED_CERTIFICATE);
        der[i] = v[i].cert;
    }
    struct judged j = { 0 };
    struct hip_assoc_view a;
    struct hip_hi hi;
    size_t at;
    if (hip_assoc_get(f->hip, g->ref, &a) != ERR_OK || hip_hi_from_wire(a.peer_hi, &hi) != ERR_OK)
        return failed(HIP_REGF_CERTIFICATE_OTHER);
    const struct cert_holder who = { .address = g->peer.b, .key = hi.key };
    j.failure = failure_of(cert_judge(f->c.ca, der, n, &who, wall(f), &j.until_s, &at));
    hip_hi_done(&hi);
    if (j.failure)
        j.what = v[at];
    return j;
}

void fa_credential_init(const struct fa *f, struct fa_guest *g)
{
    bucket_init(&g->cert_told, &told_rate, f->now);
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

/* What was verified and failed is told at once: the answer to the request says why (REG_FAILED), this says which one. RFC 8002 s5 MAY. */
static void tell(struct fa *f, struct fa_guest *g, const struct judged *j)
{
    char why[FA_TEXT_MAX];
    const uint8_t data[] = { j->what.group, j->what.id };
    if (j->what.id)
        (void)snprintf(why, sizeof why, "certificate %u of group %u: %s", j->what.id, j->what.group,
                       hip_reg_failure_text(j->failure));
    else
        fa_text(why, sizeof why, hip_reg_failure_text(j->failure));
    f->st.refused++;
    fa_emit_event(f, FA_EVENT_REFUSED, &g->peer, NULL, NULL, j->failure, why);
    if (j->failure == HIP_REGF_UNSUPPORTED_CERTIFICATE || /* that one nobody verified */
        !bucket_take(&g->cert_told, &told_rate, 1, f->now))
        return;
    if (hip_notify(f->hip, g->ref, HIP_NTF_INVALID_CERTIFICATE, span_of(data, j->what.id ? sizeof data : 0),
                   f->now, fa_hip_out(f)) != ERR_OK)
        f->st.failed++;
}

void fa_credential_heard(struct fa *f, struct fa_guest *g, const struct hip_contents *c)
{
    if (!c->request.present)
        return;
    g->cert_refused = 0;
    if (c->certs.n == 0 || c->request.lifetime == 0)
        return;
    struct judged j = judge(f, g, c->certs);
    g->cert_until_s = j.until_s; /* a later one takes the place of an earlier one, also when it is refused */
    if (!j.failure && too_short(f, g))
        j.failure = HIP_REGF_CERTIFICATE_EXPIRED;
    g->cert_refused = j.failure;
    if (j.failure)
        tell(f, g, &j);
}

bool fa_credential_allows(const struct fa *f, const struct fa_guest *g, uint8_t type)
{
    return hip_reg_has(f->c.cert_type, f->c.n_cert_type, type) && !too_short(f, g);
}
