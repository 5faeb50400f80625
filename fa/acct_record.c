/* SPDX-License-Identifier: Apache-2.0 */
#include "fa/acct_record.h"

#include <stdio.h>
#include <string.h>

#include "common/base/hex.h"

#define FRAMED     2 /* Service-Type */
#define VIRTUAL    5 /* NAS-Port-Type */
#define BY_RADIUS  1 /* Acct-Authentic */
#define BY_ANOTHER 3

static uint32_t cause_of(enum fa_ended e)
{
    static const uint8_t cause[] = {
        [FA_ENDED_ASKED] = RADIUS_CAUSE_USER_REQUEST,      [FA_ENDED_LOST] = RADIUS_CAUSE_LOST_CARRIER,
        [FA_ENDED_EXPIRED] = RADIUS_CAUSE_SESSION_TIMEOUT, [FA_ENDED_ORDERED] = RADIUS_CAUSE_ADMIN_RESET,
        [FA_ENDED_STOPPED] = RADIUS_CAUSE_ADMIN_REBOOT,    [FA_ENDED_MOVED] = RADIUS_CAUSE_PORT_PREEMPTED,
        [FA_ENDED_REAUTH] = RADIUS_CAUSE_REAUTH_FAILED,    [FA_ENDED_WITHDRAWN] = RADIUS_CAUSE_LOST_SERVICE,
        [FA_ENDED_CRASHED] = RADIUS_CAUSE_NAS_REBOOT,
    };
    _Static_assert(sizeof cause == FA_ENDED__COUNT, "each has one");
    return cause[e];
}

static void put_text(struct radius_wr *w, uint8_t type, const char *text)
{
    if (text[0])
        radius_wr_attr(w, type, span_str(text));
}

/* Whom the sessions are charged to: what the AS said, else what we know. */
static void put_identity(struct radius_wr *w, const struct fa_session *s, const struct fa_charge *c)
{
    if (c && c->user_len)
        radius_wr_attr(w, RADIUS_USER_NAME, span_of(c->user, c->user_len));
    else
        put_text(w, RADIUS_USER_NAME, s->subscriber[0] ? s->subscriber : s->name);
    if (c && c->cui_len) /* RFC 4372 s2.1 */
        radius_wr_attr(w, RADIUS_CUI, span_of(c->cui, c->cui_len));
    for (size_t i = 0; c && i < c->class_len; i += 1u + c->class_v[i]) { /* RFC 2865 s5.25, unmodified */
        if (c->class_v[i] == 0 || i + 1u + c->class_v[i] > c->class_len)
            return; /* not from us */
        radius_wr_attr(w, RADIUS_CLASS, span_of(c->class_v + i + 1, c->class_v[i]));
    }
}

static void put_octets(struct radius_wr *w, uint8_t type, uint8_t gigawords, uint64_t octets)
{
    radius_wr_u32(w, type, (uint32_t)octets);
    if (octets >> 32)
        radius_wr_u32(w, gigawords, (uint32_t)(octets >> 32));
}

/* Input is what the host sent (RFC 2866 s5.3: "received from the port"). */
static void put_usage(struct radius_wr *w, const struct fa_session *s)
{
    const struct fa_usage *u = &s->usage;
    radius_wr_u32(w, RADIUS_ACCT_SESSION_TIME, s->seconds);
    put_octets(w, RADIUS_ACCT_INPUT_OCTETS, RADIUS_ACCT_INPUT_GIGAWORDS, u->octets_out);
    put_octets(w, RADIUS_ACCT_OUTPUT_OCTETS, RADIUS_ACCT_OUTPUT_GIGAWORDS, u->octets_in);
    radius_wr_u32(w, RADIUS_ACCT_INPUT_PACKETS, (uint32_t)u->packets_out);
    radius_wr_u32(w, RADIUS_ACCT_OUTPUT_PACKETS, (uint32_t)u->packets_in);
}

static void put_session(struct radius_wr *w, const struct acct_record *r)
{
    const struct fa_session *s = r->session;
    char text[ADDR_TEXT_MAX], multi[64], hex[33], info[FA_NAME_MAX + 8];
    uint8_t hit[16];
    memcpy(hit, s->hit, sizeof hit);
    snprintf(multi, sizeof multi, "%s-%llx", hex_encode(span_of(hit, sizeof hit), hex),
             (unsigned long long)s->binding);
    put_text(w, RADIUS_ACCT_MULTI_SESSION_ID, multi);
    put_identity(w, s, r->charge);
    radius_wr_u32(w, RADIUS_SERVICE_TYPE, FRAMED);
    radius_wr_u32(w, RADIUS_NAS_PORT_TYPE, VIRTUAL);
    radius_wr_u32(w, RADIUS_ACCT_AUTHENTIC, s->binding ? BY_RADIUS : BY_ANOTHER);
    radius_wr_attr(w, RADIUS_FRAMED_IPV6_ADDRESS, span_of(hit, sizeof hit));
    put_text(w, RADIUS_CALLING_STATION_ID, addr_format(&s->peer, text));
    snprintf(info, sizeof info, "HIP %.*s", FA_NAME_MAX - 7,
             s->name); /* at most 250 octets: an attribute has 253 */
    put_text(w, RADIUS_CONNECT_INFO, info);
    if (r->status != RADIUS_ACCT_START)
        put_usage(w, s);
    if (r->status == RADIUS_ACCT_STOP)
        radius_wr_u32(w, RADIUS_ACCT_TERMINATE_CAUSE, cause_of(s->end));
}

err acct_record_write(const struct acct_record *r, uint8_t out[ACCT_ATTRS_MAX], size_t *len)
{
    struct radius_wr w = radius_acct_attrs(out, ACCT_ATTRS_MAX);
    put_text(&w, RADIUS_NAS_IDENTIFIER, r->nas_id);
    radius_wr_u32(&w, RADIUS_ACCT_STATUS_TYPE, r->status);
    put_text(&w, RADIUS_ACCT_SESSION_ID, r->sid);
    radius_wr_u32(&w, RADIUS_EVENT_TIMESTAMP, (uint32_t)r->at_s);
    if (r->session)
        put_session(&w, r);
    if (!wcur_ok(&w.c))
        return ERR_SPACE;
    *len = wcur_done(&w.c).n;
    return ERR_OK;
}
