/* SPDX-License-Identifier: Apache-2.0
 *
 * hipctl [--socket PATH] [--json] [-v] COMMAND [ARGUMENT]: asks a daemon and shows the answer.
 * Exit status: 0; 1 the daemon said no; 2 wrong usage; 3 no daemon there.
 */
#include "cli/hipctl.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rt/ctl.h"

#define TIMEOUT_MS 20000
#define SOCKET_DIR "/run/hipfa/"
#define PATH_LEN   108

const struct hipctl_cmd hipctl_cmds[] = {
    { "status", NULL, NULL, NULL, hipctl_show_status, "what the daemon is and does" },
    { "registrations", NULL, NULL, "hipfad", hipctl_show_registrations,
      "hosts that a Forwarding Agent relays to" },
    { "relay", NULL, NULL, "hipfad", hipctl_show_relay,
      "clients of its relays, what they carried, what was refused" },
    { "bindings", NULL, NULL, "hipfad", hipctl_show_bindings, "names that it gave out" },
    { "revoke", "NAME|HIT", "name", "hipfad", hipctl_show_done,
      "take a binding back, and its name out of the DNS" },
    { "suspend", "SUBSCRIBER|NAME|HIT", "subscriber", "hipfad", hipctl_show_done,
      "serve this subscriber no more; names stay" },
    { "resume", "SUBSCRIBER|NAME|HIT", "subscriber", "hipfad", hipctl_show_done, "serve it again" },
    { "rekey", "SUBSCRIBER|NAME|HIT", "subscriber", "hipfad", hipctl_show_done,
      "the card or its key changed: the host runs AKA again before anything more is granted" },
    { "hold", "[allow|refuse NAME|HIT]", "name", "hipfad", hipctl_show_holds,
      "takeovers of names that wait, and what you say of one" },
    { "subscribers", NULL, NULL, "hipfad", hipctl_show_subscribers,
      "whose names it keeps, and who is suspended" },
    { "events", "[COUNT]", "count", NULL, hipctl_show_events,
      "what happened and why: bound, refused, ordered, a card that cannot be used; the latest first (50)" },
    { "peers", NULL, NULL, "hiphostd", hipctl_show_peers,
      "hosts that this one knows and talks to, directly or relayed and why; -v: every pair of addresses "
      "tried",
      hipctl_show_pairs },
    { "resolve", "NAME", "name", "hiphostd", hipctl_show_resolved,
      "HITs of a name, as applications get them" },
    { "move", "[INTERFACE]", "interface", "hiphostd", hipctl_show_done,
      "prefer an interface; without one the configured order holds again" },
    { "ping", "NAME|HIT|LSI", "name", "hiphostd", NULL,
      "probe a host through HIP: [-c COUNT] [-i SECONDS] [--until-direct [-w SECONDS]]" },
    { "explain", "NAME|HIT|LSI", "name", "hiphostd", NULL, "each step towards a host, and where it stops" },
    { "sim", "[imsi]", "show", "hiphostd", hipctl_show_sim,
      "card readers, the cards in them and why one is not used; imsi: with IMSI and ICCID in clear" },
    { "pin", "[READER]", "reader", "hiphostd", hipctl_show_done,
      "give a card that wants it its PIN, read from standard input" },
    { "retry", NULL, NULL, "hiphostd", hipctl_show_done,
      "try the Forwarding Agents now, whatever the back-off" },
    { "transfer", NULL, NULL, "hiphostd", hipctl_show_code,
      "the code with which another host takes this one's name over at once; keep it like a key" },
    { "takeover", "[CODE]", "code", "hiphostd", hipctl_show_done,
      "ask for the name of the host that has it now with the same SIM; without its code it is held for a "
      "while; - "
      "reads the code from standard input" },
    { 0 },
};

static const char *const daemons[] = { "hipfad", "hiphostd", "hipakad" };
#define N_DAEMONS (sizeof(daemons) / sizeof(daemons[0]))

static int usage(FILE *to, int code)
{
    (void)fprintf(to, "usage: hipctl [--socket PATH] [--json] [-v] COMMAND\n\n");
    for (const struct hipctl_cmd *c = hipctl_cmds; c->name != NULL; c++)
        (void)fprintf(to, "  %s %-*s  %s\n", c->name, (int)(24 - strlen(c->name)), c->arg ? c->arg : "",
                      c->doc);
    (void)fprintf(to, "\nThe socket is --socket, else $HIPFA_SOCKET, else %sDAEMON.sock.\n", SOCKET_DIR);
    return code;
}

static const struct hipctl_cmd *find(const char *name)
{
    for (const struct hipctl_cmd *c = hipctl_cmds; c->name != NULL; c++)
        if (strcmp(c->name, name) == 0)
            return c;
    return NULL;
}

static int no_daemon(const char *path, err e)
{
    (void)fprintf(stderr, "hipctl: %s: %s\n", path,
                  e == ERR_NOT_FOUND ? "no daemon listens there"
                  : e == ERR_REFUSED ? "no permission (the socket is its owner's)"
                  : e == ERR_TIMEOUT ? "the daemon does not answer"
                                     : err_text(e));
    return HIPCTL_NO_DAEMON;
}

int hipctl_ask(const struct hipctl_cmd *cmd, const char *path, const json_t *request, json_t **answer)
{
    char usual[PATH_LEN];
    err e = ERR_NOT_FOUND;

    if (path != NULL) {
        e = rt_ctl_call(path, request, TIMEOUT_MS, answer);
        return e ? no_daemon(path, e) : HIPCTL_OK;
    }
    for (size_t i = 0; i < N_DAEMONS; i++) {
        if (cmd->daemon != NULL && strcmp(cmd->daemon, daemons[i]) != 0)
            continue;
        (void)snprintf(usual, sizeof(usual), SOCKET_DIR "%s.sock", daemons[i]);
        e = rt_ctl_call(usual, request, TIMEOUT_MS, answer);
        if (e == ERR_OK)
            return HIPCTL_OK;
        if (cmd->daemon != NULL || e != ERR_NOT_FOUND)
            return no_daemon(usual, e);
    }
    return no_daemon(SOCKET_DIR, e);
}

static int show(const struct hipctl_cmd *cmd, const json_t *answer, bool json, bool verbose)
{
    const char *no_color = getenv("NO_COLOR");
    bool color = isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0');

    if (!json_is_true(json_object_get(answer, "ok"))) {
        char text[TABLE_CELL_MAX];
        (void)fprintf(stderr, "hipctl: %s\n", table_cell(json_object_get(answer, "error"), text));
        return HIPCTL_ERROR;
    }
    if (json) {
        (void)json_dumpf(answer, stdout, JSON_INDENT(2));
        (void)putchar('\n');
    } else {
        (verbose && cmd->verbose ? cmd->verbose : cmd->show)(answer, stdout, color);
    }
    return fflush(stdout) == 0 ? HIPCTL_OK : HIPCTL_ERROR;
}

/* What has a colon is a HIT, and what has only digits and dots an LSI: no name is like that. */
static bool is_address(const char *text, const char *arg)
{
    if (strchr(text, ':'))
        return strstr(arg, "HIT") != NULL;
    return strstr(arg, "LSI") != NULL && text[0] != '\0' && text[strspn(text, "0123456789.")] == '\0';
}

/* What an argument is; with a dot a name where it might be a subscriber. */
static const char *key_of(const struct hipctl_cmd *cmd, const char *arg)
{
    if (is_address(arg, cmd->arg))
        return "hit";
    return strchr(arg, '.') && strcmp(cmd->key, "subscriber") == 0 ? "name" : cmd->key;
}

/* "-" for what others should not see in the list of processes. buf is used for it. */
static const char *argument(const struct hipctl_cmd *cmd, const char *arg, char *buf, int cap)
{
    if (strcmp(cmd->key, "code") != 0 || strcmp(arg, "-") != 0)
        return arg;
    if (fgets(buf, cap, stdin) == NULL)
        buf[0] = '\0';
    buf[strcspn(buf, "\r\n")] = '\0';
    return buf;
}

/* NULL: wrong usage, and said so. */
static json_t *request_of(const struct hipctl_cmd *cmd, int argc, char **argv)
{
    const char *name = cmd->name;
    bool optional = cmd->arg != NULL && cmd->arg[0] == '[', good = argc <= (cmd->arg ? 2 : 1);
    char *end = NULL, line[256];

    if (strcmp(name, "hold") == 0) {
        name = argc == 1 ? "holds" : argv[1];
        good = argc == 1 || (argc == 3 && (strcmp(name, "allow") == 0 || strcmp(name, "refuse") == 0));
    }
    if (!good || (cmd->arg && !optional && argc < 2)) {
        (void)fprintf(stderr, "usage: hipctl %s %s\n", cmd->name, cmd->arg ? cmd->arg : "");
        return NULL;
    }
    json_t *request = json_pack("{s:s}", "cmd", name);
    if (cmd->key != NULL && strcmp(cmd->key, "count") == 0) {
        long n = argc == 2 ? strtol(argv[1], &end, 10) : 50;
        (void)json_object_set_new(request, "count", json_integer(n));
        if (n > 0 && (end == NULL || *end == '\0'))
            return request;
        (void)fprintf(stderr, "hipctl: expected a number of %s\n", name);
    } else if (argc < 2 || cmd->arg == NULL || cmd->key == NULL) {
        return request;
    } else {
        const char *arg = argument(cmd, argv[argc - 1], line, sizeof line);
        if (json_object_set_new(request, key_of(cmd, arg), json_string(arg)) == 0)
            return request;
        (void)fprintf(stderr, "hipctl: the argument is not UTF-8\n");
    }
    json_decref(request);
    return NULL;
}

/* argv: the command and its argument. */
static int run(int argc, char **argv, const char *path, const struct hipctl_opts *opts, bool json,
               bool verbose)
{
    const struct hipctl_cmd *cmd = argc > 0 ? find(argv[0]) : NULL;
    json_t *request, *answer = NULL;
    int code;

    if (cmd == NULL) {
        if (argc > 0)
            (void)fprintf(stderr, "hipctl: no command \"%s\"\n", argv[0]);
        return usage(stderr, HIPCTL_USAGE);
    }
    request = request_of(cmd, argc, argv);
    if (request == NULL)
        return HIPCTL_USAGE;
    if (strcmp(cmd->name, "ping") == 0) {
        code = hipctl_ping(cmd, path, request, opts, json);
    } else if (strcmp(cmd->name, "explain") == 0) {
        code = hipctl_explain(cmd, path, request, json);
    } else {
        code = strcmp(cmd->name, "pin") == 0 ? hipctl_pin(cmd, path, request, &answer)
                                             : hipctl_ask(cmd, path, request, &answer);
        if (code == HIPCTL_OK)
            code = show(cmd, answer, json, verbose);
    }
    json_decref(answer);
    json_decref(request);
    return code;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "socket", required_argument, NULL, 's' }, { "json", no_argument, NULL, 'j' },
        { "verbose", no_argument, NULL, 'v' },      { "version", no_argument, NULL, 'V' },
        { "count", required_argument, NULL, 'c' },  { "interval", required_argument, NULL, 'i' },
        { "until-direct", no_argument, NULL, 'd' }, { "wait", required_argument, NULL, 'w' },
        { "help", no_argument, NULL, 'h' },         { 0 },
    };
    const char *path = getenv("HIPFA_SOCKET");
    struct hipctl_opts opts = { 0 };
    bool json = false, verbose = false, of_ping = false;
    int o;

    while ((o = getopt_long(argc, argv, "s:jvhc:i:w:", options, NULL)) != -1) {
        switch (o) {
        case 's':
            path = optarg;
            break;
        case 'j':
            json = true;
            break;
        case 'v':
            verbose = true;
            break;
        case 'c':
            opts.count = (unsigned)strtoul(optarg, NULL, 10);
            of_ping = true;
            if (opts.count == 0)
                return usage(stderr, HIPCTL_USAGE);
            break;
        case 'i':
        case 'w': {
            double s = strtod(optarg, NULL);
            of_ping = true;
            if (!(s > 0 && s <= 86400))
                return usage(stderr, HIPCTL_USAGE);
            *(o == 'i' ? &opts.interval_s : &opts.wait_s) = s;
            break;
        }
        case 'd':
            opts.until_direct = of_ping = true;
            break;
        case 'V':
            (void)printf("hipctl %s\n", HIPFA_VERSION);
            return HIPCTL_OK;
        case 'h':
            return usage(stdout, HIPCTL_OK);
        default:
            return usage(stderr, HIPCTL_USAGE);
        }
    }
    if (of_ping && (optind >= argc || strcmp(argv[optind], "ping") != 0)) {
        (void)fprintf(stderr, "hipctl: -c, -i, -w and --until-direct are for ping\n");
        return HIPCTL_USAGE;
    }
    return run(argc - optind, argv + optind, path, &opts, json, verbose);
}
