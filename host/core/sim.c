/* SPDX-License-Identifier: Apache-2.0
 *
 * From a card to an identity: the card says who it is; the device's seal parameters are read (or made); the card gives the store's
 * key in GSM context, or the platform does (docs/sim-binding.md section 10); the SIM's file is opened, or begun with a new HI.
 * Once for each insertion of a card.
 */
#include <string.h>

#include "common/crypto/secret.h"
#include "host/core/host_priv.h"

enum purpose { PARAMS, PLATFORM, SEALED };

static void state_set(struct host *h, enum host_sim_state s, const char *why)
{
    h->sim->state = s;
    if (s == HOST_SIM_UNUSABLE || s == HOST_SIM_DAMAGED || s == HOST_SIM_LOCKED)
        host_event(h, s == HOST_SIM_DAMAGED ? HOST_EV_STORE : HOST_EV_SIM, LOG_LV_ERROR, NULL, "%s", why);
}

static bool job(struct host *h, enum host_job_type type, enum purpose p, struct host_job **out)
{
    struct host_job_slot *s;
    struct host_job *j = host_job_new(h, type, &s);

    if (!j) {
        state_set(h, HOST_SIM_UNUSABLE, "too many jobs are open");
        return false;
    }
    s->gen = h->sim->gen;
    s->purpose = (uint8_t)p;
    *out = j;
    return true;
}

static void load(struct host *h, enum purpose p, const char *name)
{
    struct host_job *j;

    if (job(h, HOST_JOB_LOAD, p, &j))
        memcpy(j->file.name, name, strlen(name) + 1);
}

/* octets live until the next call at least. */
static void save_at(struct host *h, enum purpose p, const char *name, struct span octets)
{
    struct host_job *j;

    if (!job(h, HOST_JOB_SAVE, p, &j))
        return;
    memcpy(j->file.name, name, strlen(name) + 1);
    j->file.octets = octets;
}

static void save(struct host *h, enum purpose p, const char *name, struct span octets)
{
    uint8_t *at = h->out->buf + h->out->used;

    if (octets.n > sizeof h->out->buf - h->out->used) {
        state_set(h, HOST_SIM_UNUSABLE, "no room to write the store");
        return;
    }
    memcpy(at, octets.p, octets.n);
    h->out->used += octets.n;
    save_at(h, p, name, span_of(at, octets.n));
}

bool host_sim_start(struct host *h)
{
    struct host_job *j;

    h->sim->present = true;
    h->sim->gen++;
    state_set(h, HOST_SIM_READING, "");
    host_event(h, HOST_EV_SIM, LOG_LV_INFO, NULL, "card came");
    return job(h, HOST_JOB_SIM_IDENTITY, PARAMS, &j);
}

void host_sim_out(struct host *h)
{
    uint32_t gen = h->sim->gen;

    host_sealed_done(&h->sim->sealed);
    sec_wipe(h->sim, sizeof *h->sim);
    h->sim->gen = gen + 1; /* jobs on their way are no longer wanted */
    host_fa_forget(h);
}

bool host_sim_bound(const struct host *h)
{
    const struct host_sealed *s = &h->sim->sealed;

    return h->sim->state == HOST_SIM_READY && (s->bind == HOST_BIND_BOUND || s->bind == HOST_BIND_PENDING) &&
           s->bound_until_s > host_unix(h);
}

void host_sim_save(struct host *h)
{
    struct host_sim *s = h->sim;
    uint8_t buf[HOST_FILE_MAX];
    size_t len;

    if (s->saving) {
        s->dirty = true;
        return;
    }
    if (host_sealed_write(&s->key, h->env, &s->sealed, buf, sizeof buf, &len)) {
        host_event(h, HOST_EV_STORE, LOG_LV_ERROR, NULL, "contents could not be sealed");
        host_run_stored(h, false);
        return;
    }
    s->saving = true;
    save(h, SEALED, s->key.file, span_of(buf, len));
}

/* ---- steps ---- */

static void ready(struct host *h)
{
    state_set(h, HOST_SIM_READY, "");
    host_id_use(h, &h->sim->sealed.hi);
    host_fa_learn(h);
    host_fa_home(h);
    host_fa_kick(h);
}

static void ask_local(struct host *h)
{
    struct host_job *j;

    if (job(h, HOST_JOB_SIM_LOCAL, PARAMS, &j))
        memcpy(j->local.rand, h->sim->params.rand, sizeof j->local.rand);
}

static void got_identity(struct host *h, const struct host_result *r)
{
    struct host_sim *s = h->sim;

    if (r->e || !r->identity) {
        s->present = r->e != ERR_NOT_FOUND;
        state_set(h, r->e == ERR_REFUSED ? HOST_SIM_LOCKED : HOST_SIM_UNUSABLE,
                  r->why && r->why[0] ? r->why : "card does not say who it is");
        return;
    }
    s->id = *r->identity;
    if (!imsi_valid(s->id.imsi) || nai_permanent(NAI_AKA_PRIME, s->id.imsi, s->id.mnc_len, NULL, s->nai)) {
        state_set(h, HOST_SIM_UNUSABLE, "card's IMSI is malformed");
        return;
    }
    host_identity_card(h);
    load(h, PARAMS, HOST_SEAL_PARAMS);
}

static void got_params(struct host *h, const struct host_result *r)
{
    struct host_sim *s = h->sim;
    uint8_t file[HOST_SEAL_PARAMS_LEN];

    if (r->e == ERR_NOT_FOUND) {
        host_seal_params_make(h->env, &s->params);
        host_seal_params_write(&s->params, file);
        save(h, PARAMS, HOST_SEAL_PARAMS, span_of(file, sizeof file));
        return;
    }
    if (r->e || host_seal_params_read(r->octets, &s->params)) {
        state_set(h, HOST_SIM_DAMAGED, HOST_SEAL_PARAMS " cannot be read: no store opens without it");
        return;
    }
    ask_local(h);
}

static void with_key(struct host *h, err e)
{
    if (e) {
        state_set(h, HOST_SIM_UNUSABLE, "no key for the store could be made");
        return;
    }
    load(h, SEALED, h->sim->key.file);
}

static void got_local(struct host *h, const struct host_result *r)
{
    if (r->e == ERR_REFUSED || r->e == ERR_UNSUPPORTED) {
        load(h, PLATFORM, HOST_SEAL_PLATFORM);
        return;
    }
    if (r->e || !r->local) {
        state_set(h, HOST_SIM_UNUSABLE, "card does not answer in GSM context");
        return;
    }
    with_key(h, host_seal_key_sim(&h->sim->params, r->local, &h->sim->key));
}

static void got_platform(struct host *h, const struct host_result *r)
{
    struct host_sim *s = h->sim;

    if (r->e == ERR_NOT_FOUND) {
        env_random(h->env, s->platform, sizeof s->platform);
        save_at(h, PLATFORM, HOST_SEAL_PLATFORM,
                span_of(s->platform, sizeof s->platform)); /* locked memory */
        return;
    }
    if (r->e || r->octets.n != sizeof s->platform) {
        state_set(h, HOST_SIM_DAMAGED, HOST_SEAL_PLATFORM " cannot be read: no store opens without it");
        return;
    }
    memcpy(s->platform, r->octets.p, sizeof s->platform);
    with_key(h, host_seal_key_gate(&s->params, s->platform, &s->id, &s->key));
    sec_wipe(s->platform, sizeof s->platform);
}

static void got_sealed(struct host *h, const struct host_result *r)
{
    struct host_sim *s = h->sim;
    err e = r->e ? r->e : host_sealed_read(&s->key, r->octets, &s->sealed);

    if (r->e == ERR_NOT_FOUND) {
        if (hip_hi_generate(h->c.hi_type, h->c.hi_bits, &s->sealed.hi)) {
            state_set(h, HOST_SIM_UNUSABLE, "no host identity could be made");
            return;
        }
        host_event(h, HOST_EV_STORE, LOG_LV_NOTICE, &s->sealed.hi.hit, "empty for this SIM (%s): new HI",
                   host_seal_level_name(s->key.level));
        host_sim_save(h);
        return;
    }
    if (e) {
        /* Left as it is: it may be all there is of a name. */
        state_set(h, HOST_SIM_DAMAGED, "this SIM's sealed file does not open; remove it to begin anew");
        return;
    }
    host_event(h, HOST_EV_STORE, LOG_LV_NOTICE, &s->sealed.hi.hit, "opened (%s)",
               host_seal_level_name(s->key.level));
    ready(h);
}

static void saved(struct host *h, enum purpose p, const struct host_result *r)
{
    struct host_sim *s = h->sim;

    if (p == SEALED)
        s->saving = false;
    if (r->e) {
        host_event(h, HOST_EV_STORE, LOG_LV_ERROR, NULL, "store could not be written: %s", err_text(r->e));
        if (s->state == HOST_SIM_READING)
            state_set(h, HOST_SIM_UNUSABLE, "nothing may be bound that cannot be kept");
        else
            host_run_stored(h, false);
        return;
    }
    if (p == PARAMS) {
        ask_local(h);
    } else if (p == PLATFORM) {
        with_key(h, host_seal_key_gate(&s->params, s->platform, &s->id, &s->key));
        sec_wipe(s->platform, sizeof s->platform);
    } else if (s->state == HOST_SIM_READING) {
        ready(h);
    } else if (s->dirty) {
        s->dirty = false;
        host_sim_save(h);
    } else {
        host_run_stored(h, true);
    }
}

void host_sim_complete(struct host *h, const struct host_job_slot *s, const struct host_result *r)
{
    if (s->gen != h->sim->gen || !h->sim->present)
        return; /* of a card that is no longer here */
    if (r->e && r->e != ERR_NOT_FOUND && s->type != HOST_JOB_SIM_IDENTITY &&
        !(r->e == ERR_REFUSED && s->type == HOST_JOB_SIM_LOCAL))
        host_event(h, HOST_EV_SIM, LOG_LV_WARN, NULL, "%s: %s", host_job_name(s->type), err_text(r->e));
    if (s->type == HOST_JOB_SIM_IDENTITY)
        got_identity(h, r);
    else if (s->type == HOST_JOB_SIM_LOCAL)
        got_local(h, r);
    else if (s->type == HOST_JOB_SAVE)
        saved(h, (enum purpose)s->purpose, r);
    else if (s->purpose == PARAMS)
        got_params(h, r);
    else if (s->purpose == PLATFORM)
        got_platform(h, r);
    else
        got_sealed(h, r);
}
