/* SPDX-License-Identifier: Apache-2.0 */
#include "host/ctl_sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/htab.h" /* siphash24() */
#include "common/crypto/secret.h"

#define HASH_TEXT 18

void host_ctl_sim_init(struct host_ctl_sim *c, struct host_worker *w, const struct env *env,
                       struct usim_pcsc *readers)
{
    c->worker = w;
    c->readers = readers;
    env_random(env, c->key, sizeof(c->key));
}

static void set(json_t *to, const char *key, json_t *v)
{
    if (v == NULL || json_object_set_new(to, key, v) != 0)
        abort(); /* out of memory */
}

/* Digits of a card: to tell cards apart nobody has to see them. */
static json_t *digits_json(const struct host_ctl_sim *c, const char *text, bool clear)
{
    char hash[HASH_TEXT];

    if (text[0] == 0)
        return json_null();
    (void)snprintf(hash, sizeof(hash), "#%016" PRIx64, siphash24(c->key, span_str(text)));
    return json_string(clear ? text : hash);
}

static json_t *card_json(const struct host_ctl_sim *c, const char *reader, const char *state,
                         const struct usim_identity *id, bool clear)
{
    static const char *const schemes[] = { NULL, "A", "B" };
    json_t *o = json_object();

    set(o, "reader", json_string(reader));
    set(o, "state", json_string(state));
    set(o, "imsi", digits_json(c, id->imsi, clear));
    set(o, "iccid", digits_json(c, id->iccid, clear));
    set(o, "mnc_digits", id->mnc_len ? json_integer(id->mnc_len) : json_null());
    set(o, "suci", id->suci.scheme ? json_string(schemes[id->suci.scheme]) : json_null());
    return o;
}

/* Names of readers are what a driver says. */
static const char *printable(char name[HOST_READER_NAME_MAX])
{
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7E)
            *p = '?';
    return name;
}

static json_t *reader_json(const struct host_ctl_sim *c, struct usim_slot_view *v, bool clear,
                           const struct host_status *s)
{
    json_t *o = card_json(c, printable(v->reader), usim_slot_state_name(v->state), &v->id, clear);

    set(o, "pin_tries", v->tries == UICC_TRIES_UNKNOWN ? json_null() : json_integer(v->tries));
    set(o, "seal",
        json_string(host_seal_level_name(v->state == USIM_SLOT_IN_USE ? s->seal : HOST_SEAL_NONE)));
    set(o, "why", v->why[0] ? json_string(v->why) : json_null());
    return o;
}

static void cmd_sim(struct host_ctl_sim *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *show = json_string_value(json_object_get(args, "show"));
    const struct host *core = host_worker_core(c->worker);
    const struct usim_identity *id = host_card(core);
    bool clear = show != NULL && strcmp(show, "imsi") == 0;
    json_t *o = json_object(), *v = json_array();
    struct usim_slot_view view;
    struct host_status s;
    size_t pos = 0;

    if (show != NULL && !clear) {
        rt_ctl_error(req, "sim shows nothing but \"imsi\"");
        json_decref(o);
        json_decref(v);
        return;
    }
    host_status(core, rt_now_us(), &s);
    set(o, "sim", json_string(host_sim_state_name(s.sim)));
    set(o, "seal", json_string(host_seal_level_name(s.seal)));
    set(o, "pcscd", c->readers ? json_boolean(usim_pcsc_served(c->readers)) : json_null());
    while (c->readers != NULL && usim_pcsc_next(c->readers, &pos, &view))
        (void)json_array_append_new(v, reader_json(c, &view, clear, &s));
    if (c->readers == NULL && id != NULL) {
        json_t *card = card_json(c, "software", "in use", id, clear);
        set(card, "seal", json_string(host_seal_level_name(s.seal)));
        (void)json_array_append_new(v, card);
    }
    sec_wipe(&view, sizeof(view));
    set(o, "readers", v);
    rt_ctl_reply(req, o);
}

static void pin_done(void *ctx, bool ok, const char *said)
{
    struct rt_ctl_req *req = ctx;

    if (!ok)
        rt_ctl_error(req, "%s", said);
    else
        rt_ctl_reply(req, NULL);
}

static void cmd_pin(struct host_ctl_sim *c, struct rt_ctl_req *req, const json_t *args)
{
    const char *pin = json_string_value(json_object_get(args, "pin"));
    const char *reader = json_string_value(json_object_get(args, "reader"));
    err e;

    if (c->readers == NULL) {
        rt_ctl_error(req, "no card of this host is in a reader");
        return;
    }
    if (pin == NULL || !uicc_pin_valid(pin)) {
        rt_ctl_error(req, "expected \"pin\": 4 to 8 digits");
        return;
    }
    e = usim_pcsc_pin(c->readers, reader, pin, pin_done, req);
    sec_wipe((char *)pin, strlen(pin)); /* as the line that it came in is (common/rt/ctl.c) */
    if (e)
        rt_ctl_error(req, "%s", err_text(e));
}

bool host_ctl_sim_command(struct host_ctl_sim *c, struct rt_ctl_req *req, const char *cmd, const json_t *args)
{
    if (strcmp(cmd, "sim") == 0)
        cmd_sim(c, req, args);
    else if (strcmp(cmd, "pin") == 0)
        cmd_pin(c, req, args);
    else
        return false;
    return true;
}
