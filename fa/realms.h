/* SPDX-License-Identifier: Apache-2.0
 *
 * What the realms of the configuration name as files: shared secrets, and the certificates and keys of RADIUS in TLS.
 */
#pragma once

#include "common/rt/file.h"
#include "fa/as_radius.h"
#include "fa/schema.h"

struct realms {
    struct as_radius_realm
        v[FA_REALMS_MAX];           /* as fa_settings.realm; borrows from below and from the settings */
    uint8_t *secret[FA_REALMS_MAX]; /* secret memory */
    struct {
        uint8_t *ca, *certificate;
        uint8_t *key; /* secret memory */
    } pem[FA_REALMS_MAX][FA_REALM_SERVERS_MAX];
};

/* *out is filled as far as it went, also on failure. ERR_CONFIG and those of rt_file_read(); certificates are tried: ERR_MALFORMED, ERR_AUTH. */
MUST_USE err realms_load(const struct fa_settings *s, struct realms *out, char why[RT_FILE_WHY_MAX]);
void realms_done(struct realms *r);
/* A shared secret out of a file: *out is secret memory of the caller's, also on failure; *text lies in it. As realms_load(). */
MUST_USE err realms_secret(const char *path, uint8_t **out, struct span *text, char why[RT_FILE_WHY_MAX]);
