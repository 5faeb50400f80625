/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of the EAP-AKA peer: peer.c has the calls, identities and notifications, peer_challenge.c the challenge, the card and the proof,
 * peer_fs.c forward secrecy.
 */
#pragma once

#include "aka/checkcode.h"
#include "aka/encr.h"
#include "aka/peer.h"

enum peer_state {
    PEER_NEW,      /* nothing sent */
    PEER_RUNNING,  /* a response is out, no proof yet */
    PEER_ASK_ID,   /* the owner is asked for an identity */
    PEER_ASK_CARD, /* the owner is asked for the card */
    PEER_PROVEN,   /* RES is out */
    PEER_FAILING, /* Client-Error, Authentication-Reject or a notified failure: only EAP Failure can follow */
    PEER_SUCCEEDED, /* final */
    PEER_OVER,      /* final */
};

struct peer_response {
    uint8_t octets[EAP_MAX];
    size_t n;
    bool proof, over;
};

struct aka_peer {
    enum peer_state state;
    bool allow_aka;
    uint8_t method; /* of the requests that were taken; 0: none yet */
    uint8_t rounds, identities, resyncs, notes;
    enum aka_id_req asked, last_asked;
    enum aka_reason why; /* first cause of the failure */
    uint8_t identity[EAP_IDENTITY_MAX];
    size_t identity_n;
    uint8_t request[EAP_MAX]; /* the request in hand or answered last */
    size_t request_n;
    uint8_t request_id;
    struct peer_response response; /* to it */
    uint16_t kdf[AKA_KDF_MAX];     /* the list of the last challenge */
    uint8_t n_kdf;
    bool kdf_chosen;          /* we answered with a choice of our own: the next list has it in front */
    const struct env *fs_env; /* NULL: no forward secrecy */
    bool fs_required, fs_chosen, fs_used;
    uint16_t fs[AKA_KDF_MAX]; /* the list of the last challenge */
    uint8_t n_fs;
    uint16_t fs_now; /* the function of the challenge in hand; AKA_FS_NONE: without */
    uint8_t fs_rand[AKA_RAND_LEN],
        fs_seen[AKA_FS_PUBLIC_MAX + 3]; /* RAND and AT_PUB_ECDHE of the last challenge */
    size_t fs_seen_n;
    uint8_t net_name[AKA_NET_NAME_MAX];
    size_t net_name_n;
    uint8_t pseudonym[EAP_IDENTITY_MAX];
    size_t pseudonym_n;
    bool have_keys;
    bool msk_gone;
    struct aka_keys keys;
    struct checkcode cc;
};

void aka_peer_none(struct aka_peer_action *out, enum aka_reason why);
void aka_peer_end(struct aka_peer *p, struct aka_peer_action *out, enum aka_reason why);
struct aka_wr aka_peer_begin(struct aka_peer *p, enum aka_subtype s);
/* The response is whole: it goes out, and the peer is in `next`. */
void aka_peer_finish(struct aka_peer *p, struct aka_wr *w, enum peer_state next, enum aka_reason why,
                     struct aka_peer_action *out);
/* RFC 4187 s6.3.1 MUST: whatever is wrong and has no message of its own. */
void aka_peer_client_error(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out);
/* RFC 4187 s6.3.1: the network is not authentic. */
void aka_peer_reject(struct aka_peer *p, enum aka_reason why, struct aka_peer_action *out);

/* peer_challenge.c */
void aka_peer_on_challenge(struct aka_peer *p, const struct aka_msg *m, struct aka_peer_action *out);

/* peer_fs.c */
enum peer_fs { PEER_FS_GO_ON, PEER_FS_CHOOSE, PEER_FS_REJECT, PEER_FS_ERROR };
/* Before the card is asked: what of forward secrecy is in the challenge. CHOOSE: fs_now is the function we would rather have. REJECT: as a bad AUTN.
 * ERROR: as a bad AT_MAC (RFC 9678 s6.2). */
enum peer_fs aka_peer_fs_judge(struct aka_peer *p, const struct aka_msg *m);
/* AT_MAC was right: our key and the keys of the run; out gets AT_PUB_ECDHE's value. ERR_RANGE, ERR_MALFORMED: the server's key is none. */
MUST_USE err aka_peer_fs_keys(struct aka_peer *p, const struct aka_msg *m, const uint8_t ck_prime[AKA_CK_LEN],
                              const uint8_t ik_prime[AKA_IK_LEN], uint8_t out[AKA_FS_PUBLIC_MAX], size_t *n);
