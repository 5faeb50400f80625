/* SPDX-License-Identifier: Apache-2.0
 *
 * What stands in the place of a card for a host that logs in by a certificate: files of CA, certificate and key become TLS (common/crypto/tls.h), and
 * a card that authenticates nothing gives the sealed store an identity of its own: 15 digits of MCC 999 (TS 23.122: internal use) that are drawn
 * from the login's name, so that a renewed certificate finds its store again. Level sim-gate, the platform's key.
 */
#pragma once

#include "aka/usim.h"
#include "common/rt/file.h"
#include "host/core/login.h"

struct login_conf {
    const char *identity, *ca, *certificate, *key, *server_name;
};

struct login_card;

/* *login is filled as host_config wants it. ERR_CONFIG and those of rt_file_read(). */
MUST_USE err login_card_open(const struct login_conf *c, struct login_card **out, struct usim *card,
                             struct host_login *login, char why[RT_FILE_WHY_MAX]);
void login_card_close(struct login_card *l); /* NULL is fine */
