/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "as/auc_priv.h"
#include "common/base/hex.h"
#include "common/crypto/hash.h"
#include "common/crypto/secret.h"
#include "common/rt/file.h"

#define CHECK     "hipfa auc"
#define CHECK_LEN (sizeof CHECK - 1)
#define MARK_LEN  (BOX_NONCE + CHECK_LEN + BOX_TAG)
#define AAD_MAX   64
#define TEXT_LEN  (2 * AUC_KEY_LEN + 1) /* digits and a newline */

/* Key files and marks change under the store's write lock only (BEGIN IMMEDIATE), so what is read under it is one moment's picture. */
static const char mark_now[] = "key", mark_next[] = "key next"; /* rows of meta */

/* ---- key files ---- */

struct file_key { /* secret */
    uint8_t box[BOX_KEY];
    uint8_t log[AUC_LOG_KEY];
};

static err file_load(const char *path, struct file_key *out, char *why)
{
    static const char box[] = "hipfa auc box", log[] = "hipfa auc log";
    uint8_t *text = NULL, key[AUC_KEY_LEN];
    size_t n = 0, len = 0;
    err e = rt_file_read_secret(path, 256, &text, &n, why);
    if (e != ERR_OK)
        return e;
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--;
    if (hex_decode((const char *)text, n, key, sizeof key, &len) != ERR_OK || len != sizeof key) {
        snprintf(why, AUC_WHY_MAX, "%s: expected %zu hexadecimal digits", path, 2 * AUC_KEY_LEN);
        e = ERR_MALFORMED;
    }
    if (e == ERR_OK)
        e = hkdf_expand(HASH_SHA256, span_of(key, sizeof key), span_of(box, sizeof box - 1), out->box,
                        BOX_KEY);
    if (e == ERR_OK)
        e = hkdf_expand(HASH_SHA256, span_of(key, sizeof key), span_of(log, sizeof log - 1), out->log,
                        AUC_LOG_KEY);
    sec_wipe(key, sizeof key);
    sec_free(text);
    return e;
}

static err file_make(const struct env *env, const char *path, char *why)
{
    uint8_t key[AUC_KEY_LEN];
    char text[TEXT_LEN + 1];
    env_random(env, key, sizeof key);
    hex_encode(span_of(key, sizeof key), text);
    text[TEXT_LEN - 1] = '\n';
    err e = rt_file_write(path, span_of(text, TEXT_LEN), why);
    sec_wipe(key, sizeof key);
    sec_wipe(text, sizeof text);
    return e;
}

err auc_key_prepare(struct auc *a, const char *path, char *why)
{
    if (access(a->key_path, F_OK) == 0)
        return ERR_OK;
    if (access(path, F_OK) != 0)
        return file_make(a->env, a->key_path, why);
    snprintf(why, AUC_WHY_MAX, "%s: the key file of %s is missing", a->key_path, path);
    return ERR_NOT_FOUND;
}

/* ---- sealing ---- */

static struct span aad_of(const char *what, const char *imsi, char out[AAD_MAX])
{
    int n = snprintf(out, AAD_MAX, "hipfa auc 1 %s %s", what, imsi);
    return span_of(out, n > 0 && n < AAD_MAX ? (size_t)n : 0);
}

/* out: nonce, ciphertext, tag. */
static err seal(const struct auc *a, const uint8_t *key, struct span aad, struct span in, uint8_t *out)
{
    env_random(a->env, out, BOX_NONCE);
    return box_seal(key, out, aad, in, out + BOX_NONCE);
}

static err unseal(const uint8_t *key, struct span aad, struct span b, uint8_t *out, size_t out_n)
{
    if (b.n != BOX_NONCE + out_n + BOX_TAG)
        return ERR_MALFORMED;
    return box_open(key, b.p, aad, span_of(b.p + BOX_NONCE, b.n - BOX_NONCE), out);
}

/* What is sealed: of Milenage K and OPc, as the first version had it; of TUAK its shape, K and TOPc. Returns the length. */
static size_t pack(const struct aka_cred *c, uint8_t out[AUC_SEALED_MAX])
{
    if (c->alg == AKA_ALG_MILENAGE) {
        memcpy(out, c->k, AKA_K_LEN);
        memcpy(out + AKA_K_LEN, c->opc, AKA_OPC_LEN);
        return AKA_K_LEN + AKA_OPC_LEN;
    }
    const struct tuak_shape *t = &c->tuak;
    const uint8_t shape[6] = {
        t->k_len, t->mac_len, t->res_len, t->ck_len, t->ik_len, (uint8_t)t->iterations
    };
    memcpy(out, shape, sizeof shape);
    memcpy(out + 6, c->k, TUAK_KEY_MAX);
    memcpy(out + 6 + TUAK_KEY_MAX, c->topc, TUAK_TOP_LEN);
    return 6 + TUAK_KEY_MAX + TUAK_TOP_LEN;
}

static size_t packed_len(enum aka_alg alg)
{
    return alg == AKA_ALG_MILENAGE ? AKA_K_LEN + AKA_OPC_LEN : 6 + TUAK_KEY_MAX + TUAK_TOP_LEN;
}

static err unpack(enum aka_alg alg, const uint8_t *in, struct aka_cred *c)
{
    *c = (struct aka_cred){ .alg = alg };
    if (alg == AKA_ALG_MILENAGE) {
        memcpy(c->k, in, AKA_K_LEN);
        memcpy(c->opc, in + AKA_K_LEN, AKA_OPC_LEN);
    } else {
        c->tuak = (struct tuak_shape){ in[0], in[1], in[2], in[3], in[4], in[5] };
        memcpy(c->k, in + 6, TUAK_KEY_MAX);
        memcpy(c->topc, in + 6 + TUAK_KEY_MAX, TUAK_TOP_LEN);
    }
    return aka_cred_check(c);
}

static const char *row_word(enum aka_alg alg)
{
    return alg == AKA_ALG_MILENAGE ? "subscriber" : aka_alg_name(alg);
}

err auc_seal_octets(struct auc *a, const char *what, const char *whose, struct span in, uint8_t *out,
                    int64_t *gen)
{
    char aad[AAD_MAX];
    const struct auc_ring *r = a->ring;
    err e = seal(a, r->box[r->next], aad_of(what, whose, aad), in, out);
    if (e == ERR_OK)
        *gen = r->gen + r->next;
    return e;
}

static bool have_key(const struct auc_ring *r, int64_t gen)
{
    return gen == r->gen || (r->next && gen == r->gen + 1);
}

err auc_unseal_octets(struct auc *a, const char *what, const char *whose, int64_t gen, struct span sealed,
                      uint8_t *out, size_t out_n)
{
    char aad[AAD_MAX], why[AUC_WHY_MAX];
    if (!have_key(a->ring, gen)) { /* another process rotates, or has */
        err e = auc_ring_load(a, why);
        if (e != ERR_OK)
            return e;
        if (!have_key(a->ring, gen))
            return ERR_NOT_FOUND;
    }
    return unseal(a->ring->box[gen - a->ring->gen], aad_of(what, whose, aad), sealed, out, out_n);
}

err auc_seal(struct auc *a, const char *imsi, const struct aka_cred *c, uint8_t out[AUC_SEALED_MAX],
             size_t *n, int64_t *gen)
{
    uint8_t plain[AUC_SEALED_MAX];
    size_t len = pack(c, plain);
    err e = auc_seal_octets(a, row_word(c->alg), imsi, span_of(plain, len), out, gen);
    sec_wipe(plain, sizeof plain);
    if (e == ERR_OK)
        *n = BOX_NONCE + len + BOX_TAG;
    return e;
}

err auc_unseal(struct auc *a, const char *imsi, enum aka_alg alg, int64_t gen, struct span sealed,
               struct aka_cred *c)
{
    uint8_t plain[AUC_SEALED_MAX];
    err e = auc_unseal_octets(a, row_word(alg), imsi, gen, sealed, plain, packed_len(alg));
    if (e == ERR_OK)
        e = unpack(alg, plain, c);
    sec_wipe(plain, sizeof plain);
    return e;
}

/* ---- the marks: which key is the store's ---- */

static err meta_get(struct auc *a, const char *name, uint8_t *out, size_t n)
{
    sqlite3_stmt *st = a->st[ST_META];
    sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    int r = sqlite3_step(st);
    err e = r == SQLITE_ROW ? ERR_OK : r == SQLITE_DONE ? ERR_NOT_FOUND : ERR_IO;
    if (e == ERR_OK && (size_t)sqlite3_column_bytes(st, 0) != n)
        e = ERR_MALFORMED;
    if (e == ERR_OK)
        memcpy(out, sqlite3_column_blob(st, 0), n);
    auc_stmt_end(a, ST_META);
    return e;
}

static err generation(struct auc *a, int64_t *out)
{
    static const char name[] = "generation";
    sqlite3_bind_text(a->st[ST_META], 1, name, -1, SQLITE_STATIC);
    err e = sqlite3_step(a->st[ST_META]) == SQLITE_ROW ? ERR_OK : ERR_IO;
    if (e == ERR_OK)
        *out = sqlite3_column_int64(a->st[ST_META], 0);
    auc_stmt_end(a, ST_META);
    return e;
}

static err meta_set(struct auc *a, const char *name, const uint8_t *p, size_t n)
{
    sqlite3_bind_text(a->st[ST_SET_META], 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_blob(a->st[ST_SET_META], 2, p, (int)n, SQLITE_STATIC);
    return auc_step_done(a, ST_SET_META);
}

static err mark_put(struct auc *a, const char *name, const struct file_key *k)
{
    char aad[AAD_MAX];
    uint8_t mark[MARK_LEN];
    err e = seal(a, k->box, aad_of("key", "", aad), span_of(CHECK, CHECK_LEN), mark);
    return e == ERR_OK ? meta_set(a, name, mark, sizeof mark) : e;
}

static bool opens(const struct file_key *k, const uint8_t mark[MARK_LEN])
{
    char aad[AAD_MAX];
    uint8_t plain[CHECK_LEN];
    return unseal(k->box, aad_of("key", "", aad), span_of(mark, MARK_LEN), plain, sizeof plain) == ERR_OK;
}

/* What was read: of the store and of both files. */
struct found {
    int64_t gen;
    err now, next; /* of the marks: ERR_OK or ERR_NOT_FOUND */
    uint8_t mark[2][MARK_LEN];
    err file[2];               /* of the key file and of the new one */
    struct file_key *key;      /* [2], secret */
    char why[AUC_WHY_MAX];     /* of the key file */
    char why_new[AUC_WHY_MAX]; /* of the new one */
};

static err look(struct auc *a, struct found *f)
{
    err e = generation(a, &f->gen);
    f->now = meta_get(a, mark_now, f->mark[0], MARK_LEN);
    f->next = meta_get(a, mark_next, f->mark[1], MARK_LEN);
    f->file[0] = file_load(a->key_path, &f->key[0], f->why);
    f->file[1] = file_load(a->new_path, &f->key[1], f->why_new);
    return e;
}

static void ring_take(struct auc *a, const struct found *f, int now, bool next)
{
    struct auc_ring *r = a->ring;
    r->gen = f->gen;
    memcpy(r->box[0], f->key[now].box, BOX_KEY);
    r->next = next;
    if (next)
        memcpy(r->box[1], f->key[1].box, BOX_KEY);
    else
        sec_wipe(r->box[1], BOX_KEY);
    if (!r->loaded)
        memcpy(r->log, f->key[now].log, AUC_LOG_KEY);
    r->loaded = true;
}

static err sync_folder(const char *path)
{
    char copy[4096];
    const char *slash = strrchr(path, '/');
    int n = slash ? snprintf(copy, sizeof copy, "%.*s", (int)(slash - path) + 1, path)
                  : snprintf(copy, sizeof copy, ".");
    int fd = n > 0 && n < (int)sizeof copy ? open(copy, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    err e = fd >= 0 && fsync(fd) == 0 ? ERR_OK : ERR_IO;
    if (fd >= 0)
        close(fd);
    return e;
}

/* The new key file takes the old one's name; the old key is overwritten in place, so that it does not stay in blocks that nobody owns (what a
 * file system keeps elsewhere is out of our reach). */
static err take_name(struct auc *a, char *why)
{
    static const char zeros[TEXT_LEN + 1] =
        "0000000000000000000000000000000000000000000000000000000000000000\n";
    int old = open(a->key_path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    err e = rename(a->new_path, a->key_path) == 0 ? sync_folder(a->key_path) : ERR_IO;
    if (e != ERR_OK)
        snprintf(why, AUC_WHY_MAX, "%s: cannot take the place of %s", a->new_path, a->key_path);
    else if (old >= 0 && pwrite(old, zeros, TEXT_LEN, 0) == (ssize_t)TEXT_LEN)
        (void)fsync(old);
    if (old >= 0)
        close(old);
    return e;
}

static err judge(struct auc *a, const struct found *f, char *why)
{
    int now = f->file[0] == ERR_OK && opens(&f->key[0], f->mark[0])   ? 0
              : f->file[1] == ERR_OK && opens(&f->key[1], f->mark[0]) ? 1
                                                                      : -1;
    if (now < 0 && f->file[0] != ERR_OK) {
        snprintf(why, AUC_WHY_MAX, "%s", f->why);
        return f->file[0];
    }
    if (now < 0) {
        snprintf(why, AUC_WHY_MAX, "%s: the key file is not the one this store was made with", a->key_path);
        return ERR_AUTH;
    }
    if (f->next == ERR_OK && f->file[1] != ERR_OK) {
        snprintf(why, AUC_WHY_MAX, "a rotation of the key is under way: %.450s", f->why_new);
        return f->file[1];
    }
    if (f->next == ERR_OK && !opens(&f->key[1], f->mark[1])) {
        snprintf(why, AUC_WHY_MAX, "%s: not the new key of the rotation that is under way", a->new_path);
        return ERR_AUTH;
    }
    ring_take(a, f, now, f->next == ERR_OK);
    return now == 1 ? take_name(a, why) : ERR_OK; /* a rotation that is complete but for that */
}

static err load(struct auc *a, char *why)
{
    struct found f = { .why = "", .why_new = "" };
    snprintf(why, AUC_WHY_MAX, "out of memory");
    f.key = sec_alloc(2 * sizeof *f.key);
    if (!f.key)
        return ERR_MEMORY;
    err e = look(a, &f);
    if (e == ERR_OK && f.now == ERR_NOT_FOUND) { /* the first start */
        e = f.file[0];
        snprintf(why, AUC_WHY_MAX, "%s", f.why);
        if (e == ERR_OK)
            e = mark_put(a, mark_now, &f.key[0]);
        if (e == ERR_OK)
            ring_take(a, &f, 0, false);
    } else if (e == ERR_OK) {
        e = f.now == ERR_OK ? judge(a, &f, why) : f.now;
    }
    sec_free(f.key);
    return e;
}

err auc_ring_load(struct auc *a, char *why)
{
    bool own = sqlite3_get_autocommit(a->db) != 0;
    why[0] = '\0';
    err e = own ? auc_step_done(a, ST_BEGIN) : ERR_OK;
    if (e == ERR_OK)
        e = load(a, why);
    if (own && e == ERR_OK)
        e = auc_step_done(a, ST_COMMIT);
    if (e == ERR_IO && !why[0])
        snprintf(why, AUC_WHY_MAX, "the store's key: %s", sqlite3_errmsg(a->db));
    if (own && e != ERR_OK)
        auc_rollback(a);
    return e;
}

/* ---- rotation ---- */

err auc_key_begin(struct auc *a, char *why)
{
    struct file_key *k = sec_alloc(sizeof *k);
    if (!k)
        return ERR_MEMORY;
    err e = file_make(a->env, a->new_path, why); /* on disk before anything is sealed under it */
    if (e == ERR_OK)
        e = file_load(a->new_path, k, why);
    if (e == ERR_OK)
        e = mark_put(a, mark_next, k);
    sec_free(k);
    return e;
}

err auc_key_switch(struct auc *a)
{
    uint8_t mark[MARK_LEN];
    static const char name[] = "generation";
    err e = meta_get(a, mark_next, mark, sizeof mark);
    if (e == ERR_OK)
        e = meta_set(a, mark_now, mark, sizeof mark);
    if (e != ERR_OK)
        return e;
    sqlite3_bind_text(a->st[ST_DEL_META], 1, mark_next, -1, SQLITE_STATIC);
    e = auc_step_done(a, ST_DEL_META);
    if (e != ERR_OK)
        return e;
    sqlite3_bind_text(a->st[ST_SET_META], 1, name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(a->st[ST_SET_META], 2, a->ring->gen + 1);
    return auc_step_done(a, ST_SET_META);
}
