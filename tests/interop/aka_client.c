/* SPDX-License-Identifier: Apache-2.0
 *
 * Our RADIUS client and EAP-AKA' peer on the command line, for tests against the authentication servers of others.
 *
 *   aka_client SERVER PORT SECRET NAS-ID IMSI K OPC [identity=NAI] [sqn=HEX] [name=NET] [runs=N] [aka=yes] [pseudonym=yes]
 *
 * aka: EAP-AKA too, and an identity for it. pseudonym: each run shows the one that the run before was given.
 *
 * One line a run on stdout: result=accept|reject|timeout|refused, what the peer and the server said. Exit status 0 when every run was accepted
 * with the peer's MSK in the MPPE keys. The USIM's freshness array lives as long as the program.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "aka/peer.h"
#include "aka/radius.h"
#include "aka/usim_card.h"
#include "common/base/hex.h"
#include "common/crypto/secret.h"

struct client {
    int fd;
    struct span secret;
    const char *nas, *net_name;
    char identity[NAI_TEXT_MAX];
    bool aka, pseudonym;
    struct usim_card card;
    struct aka_peer *peer;
    struct aka_peer_action act;
    uint8_t id, auth[RADIUS_AUTH_LEN];
    uint8_t state[RADIUS_VALUE_MAX];
    size_t state_n;
    uint8_t reply[RADIUS_MAX];
    unsigned rounds, auts;
    enum aka_reason said; /* what the peer complained of */
};

static void draw(void *p, size_t n)
{
    if (getrandom(p, n, 0) != (ssize_t)n)
        abort();
}

static void die(const char *what)
{
    fprintf(stderr, "aka_client: %s\n", what);
    exit(2);
}

static void settle(struct client *c)
{
    struct usim_auth a;
    while (c->act.type == AKA_PEER_IDENTITY || c->act.type == AKA_PEER_CHALLENGE) {
        if (c->act.type == AKA_PEER_IDENTITY) {
            aka_peer_identity(c->peer, span_str(c->identity), &c->act);
        } else if (c->net_name && c->act.method == EAP_TYPE_AKA_PRIME &&
                   !span_eq(c->act.net_name, span_str(c->net_name))) {
            aka_peer_refuse_name(c->peer, &c->act);
        } else {
            usim_card_authenticate(&c->card, c->act.rand, c->act.autn, &a);
            c->auts += a.verdict == USIM_SYNC_FAILURE;
            aka_peer_card(c->peer, &a, &c->act);
        }
    }
    if (c->act.type == AKA_PEER_SEND && c->act.reason != AKA_R_OK && c->act.reason != AKA_R_SQN)
        c->said = c->act.reason;
}

/* Sends the EAP packet and waits for a verified reply; the same octets three times. */
static bool ask(struct client *c, struct span eap, struct radius_pkt *p)
{
    uint8_t b[RADIUS_MAX];
    size_t n = 0;
    c->id++;
    draw(c->auth, sizeof c->auth);
    struct radius_wr w = radius_wr_begin(b, sizeof b, RADIUS_ACCESS_REQUEST, c->id, c->auth);
    radius_wr_attr(&w, RADIUS_USER_NAME, span_str(c->identity));
    radius_wr_attr(&w, RADIUS_NAS_IDENTIFIER, span_str(c->nas));
    radius_wr_u32(&w, RADIUS_FRAMED_MTU, EAP_MAX);
    if (c->state_n)
        radius_wr_attr(&w, RADIUS_STATE, span_of(c->state, c->state_n));
    radius_wr_eap(&w, eap);
    if (radius_wr_end(&w, c->secret, &n) != ERR_OK)
        die("cannot build a request");
    for (int i = 0; i < 3; i++) {
        struct pollfd pf = { .fd = c->fd, .events = POLLIN };
        if (send(c->fd, b, n, 0) != (ssize_t)n)
            die("cannot send");
        while (poll(&pf, 1, 1500) == 1) {
            ssize_t got = recv(c->fd, c->reply, sizeof c->reply, 0);
            if (got > 0 && radius_parse(span_of(c->reply, (size_t)got), p) == ERR_OK &&
                radius_check_reply(p, c->secret, c->id, c->auth) == ERR_OK)
                return true;
        }
    }
    return false;
}

static void show(const struct client *c, const char *result, const struct radius_pkt *p, bool keys)
{
    struct span cui = { NULL, 0 }, name = aka_peer_net_name(c->peer);
    if (!p || radius_find(p, RADIUS_CUI, &cui) != ERR_OK)
        cui = span_of("-", 1);
    printf("result=%s method=%u rounds=%u auts=%u peer=%s keys=%s name=%.*s cui=%.*s identity=%s\n", result,
           aka_peer_method(c->peer), c->rounds, c->auts, aka_reason_name(c->said), keys ? "equal" : "none",
           (int)name.n, (const char *)name.p, (int)cui.n, (const char *)cui.p, c->identity);
    fflush(stdout);
}

static bool finish(struct client *c, const struct radius_pkt *p, bool eap_ok)
{
    uint8_t msk[64];
    bool accept = p->code == RADIUS_ACCESS_ACCEPT;
    bool keys = accept && aka_peer_msk(c->peer) && radius_msk(p, c->secret, c->auth, msk) == ERR_OK &&
                sec_equal(msk, aka_peer_msk(c->peer), sizeof msk);
    bool ok = accept && eap_ok && c->act.type == AKA_PEER_SUCCESS && keys;
    show(c, ok ? "accept" : accept ? "broken" : "reject", p, keys);
    return ok;
}

/* What the run before gave us, under the same realm. */
static void take_pseudonym(struct client *c)
{
    struct span s = aka_peer_pseudonym(c->peer);
    const char *at = strchr(c->identity, '@');
    size_t n = at ? strlen(at) : 0;
    if (!c->pseudonym || !s.n || s.n + n >= sizeof c->identity)
        return;
    memmove(c->identity + s.n, at ? at : "", n + 1);
    memcpy(c->identity, s.p, s.n);
}

static bool run(struct client *c)
{
    struct radius_pkt p;
    uint8_t eap[EAP_MAX];
    size_t n = 0;
    c->state_n = c->rounds = c->auts = 0;
    c->said = AKA_R_OK;
    c->peer = aka_peer_new();
    if (c->peer && c->aka)
        aka_peer_allow_aka(c->peer);
    if (!c->peer || aka_peer_start(c->peer, span_str(c->identity), &c->act) != ERR_OK)
        die("no peer");
    while (c->act.type == AKA_PEER_SEND && c->rounds < 12) {
        struct span state;
        c->rounds++;
        if (!ask(c, c->act.octets, &p)) {
            show(c, "timeout", NULL, false);
            return false;
        }
        bool eap_ok = radius_eap(&p, eap, sizeof eap, &n) == ERR_OK;
        if (eap_ok) {
            aka_peer_input(c->peer, span_of(eap, n), &c->act);
            settle(c);
        }
        if (p.code != RADIUS_ACCESS_CHALLENGE)
            return finish(c, &p, eap_ok);
        c->state_n = 0;
        if (radius_find(&p, RADIUS_STATE, &state) == ERR_OK) {
            memcpy(c->state, state.p, state.n);
            c->state_n = state.n;
        }
    }
    show(c, "refused", NULL, false);
    return false;
}

static void take_hex(const char *text, uint8_t *out, size_t n)
{
    size_t got = 0;
    if (hex_decode(text, strlen(text), out, n, &got) != ERR_OK || got != n)
        die("bad hex");
}

static const char *option(int argc, char **argv, const char *name, const char *def)
{
    size_t n = strlen(name);
    for (int i = 8; i < argc; i++)
        if (strncmp(argv[i], name, n) == 0 && argv[i][n] == '=')
            return argv[i] + n + 1;
    return def;
}

int main(int argc, char **argv)
{
    struct client c = { 0 };
    struct sockaddr_in to = { .sin_family = AF_INET };
    uint8_t sqn[6];
    bool ok = true;
    if (argc < 8 || crypto_init() != ERR_OK)
        die("usage: aka_client SERVER PORT SECRET NAS-ID IMSI K OPC [identity=NAI] [sqn=HEX] [name=NET] "
            "[runs=N] [aka=yes] [pseudonym=yes]");
    to.sin_port = htons((uint16_t)atoi(argv[2]));
    c.fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (inet_pton(AF_INET, argv[1], &to.sin_addr) != 1 ||
        connect(c.fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("no such server");
    c.secret = span_str(argv[3]);
    c.nas = argv[4];
    c.aka = strcmp(option(argc, argv, "aka", "no"), "yes") == 0;
    c.pseudonym = strcmp(option(argc, argv, "pseudonym", "no"), "yes") == 0;
    if (nai_permanent(c.aka ? NAI_AKA : NAI_AKA_PRIME, argv[5], 2, NULL, c.identity) != ERR_OK)
        die("bad IMSI");
    const char *other = option(argc, argv, "identity", NULL);
    if (other)
        snprintf(c.identity, sizeof c.identity, "%s", other);
    take_hex(argv[6], c.card.cred.k, 16);
    take_hex(argv[7], c.card.cred.opc, 16);
    sqn_usim_init(&c.card.sqn);
    take_hex(option(argc, argv, "sqn", "000000000000"), sqn, 6);
    sqn_usim_accept(&c.card.sqn, sqn_get(sqn));
    c.net_name = option(argc, argv, "name", NULL);
    for (int i = atoi(option(argc, argv, "runs", "1")); i > 0; i--) {
        ok = run(&c) && ok;
        take_pseudonym(&c);
        aka_peer_free(c.peer);
        c.peer = NULL;
    }
    close(c.fd);
    return ok ? 0 : 1;
}
