/* SPDX-License-Identifier: Apache-2.0 */
#include "common/rt/sa.h"

#include <string.h>

socklen_t rt_sa_from_addr(const struct addr *a, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (a->family == ADDR_V4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(a->port);
        memcpy(&in->sin_addr, a->ip, 4);
        return sizeof(*in);
    }
    if (a->family == ADDR_V6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(a->port);
        in6->sin6_scope_id = a->scope;
        memcpy(&in6->sin6_addr, a->ip, 16);
        return sizeof(*in6);
    }
    return 0;
}

err rt_sa_to_addr(const struct sockaddr *sa, socklen_t len, struct addr *out)
{
    struct addr a = { 0 };

    if (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        a.family = ADDR_V4;
        a.port = ntohs(in->sin_port);
        memcpy(a.ip, &in->sin_addr, 4);
    } else if (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6)) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        a.port = ntohs(in6->sin6_port);
        if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
            a.family = ADDR_V4;
            memcpy(a.ip, in6->sin6_addr.s6_addr + 12, 4);
        } else {
            a.family = ADDR_V6;
            memcpy(a.ip, &in6->sin6_addr, 16);
            if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
                a.scope = in6->sin6_scope_id;
        }
    } else {
        return ERR_UNSUPPORTED;
    }
    *out = a;
    return ERR_OK;
}
