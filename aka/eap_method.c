/* SPDX-License-Identifier: Apache-2.0 */
#include "aka/eap_method.h"

#include <stddef.h>
#include <stdio.h>

#include "aka/eap.h"

#define NO_KEYS  "no keys"
#define ONE_SIDE "the network is not authenticated"
#define PASSWORD "a password, which any access may relay"
#define TUNNEL   "what authenticates in its tunnel is a password"

struct method {
    uint8_t type;
    const char *name;
    const char *lacks; /* NULL: nothing */
};

static const struct method methods[] = {
    { 4, "MD5", NO_KEYS },
    { 5, "OTP", NO_KEYS },
    { 6, "GTC", NO_KEYS },
    { EAP_TYPE_TLS, "TLS", NULL },
    { 17, "LEAP", PASSWORD },
    { 18, "SIM", "keys of GSM, and " ONE_SIDE },
    { 21, "TTLS", TUNNEL },
    { EAP_TYPE_AKA, "AKA", NULL },
    { 25, "PEAP", TUNNEL },
    { 26, "MSCHAPv2", PASSWORD },
    { 43, "FAST", TUNNEL },
    { 47, "PSK", "a key that is not a card's" },
    { EAP_TYPE_AKA_PRIME, "AKA'", NULL },
    { 52, "PWD", PASSWORD },
    { 55, "TEAP", TUNNEL },
};

static const struct method *find(uint8_t type)
{
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++)
        if (methods[i].type == type)
            return &methods[i];
    return NULL;
}

const char *eap_method_name(uint8_t type)
{
    const struct method *m = find(type);
    return m ? m->name : NULL;
}

bool eap_method_binds(uint8_t type)
{
    const struct method *m = find(type);
    return m && !m->lacks;
}

const char *eap_method_refusal(uint8_t type, char out[EAP_REFUSAL_MAX])
{
    const struct method *m = find(type);
    if (m)
        snprintf(out, EAP_REFUSAL_MAX, "EAP method %s is not permitted: %s", m->name,
                 m->lacks ? m->lacks : "the configuration does not allow it");
    else
        snprintf(out, EAP_REFUSAL_MAX, "EAP method %u is not permitted: not known", type);
    return out;
}
