/* SPDX-License-Identifier: Apache-2.0
 * hipctl sim, pin: of a host. */
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/hipctl.h"
#include "common/crypto/secret.h"

#define PIN_LINE_MAX 64

void hipctl_show_sim(const json_t *answer, FILE *to, bool color)
{
    static const struct table_column columns[] = {
        { "reader", "READER" },  { "state", "STATE" }, { "imsi", "IMSI" }, { "iccid", "ICCID" },
        { "mnc_digits", "MNC" }, { "suci", "SUCI" },   { "seal", "SEAL" }, { "pin_tries", "PIN TRIES" },
        { "why", "WHY" },        { NULL, NULL },
    };
    bool away = json_is_false(json_object_get(answer, "pcscd"));

    table_print(json_object_get(answer, "readers"), columns, away ? "pcscd does not answer" : "no reader", to,
                color);
}

/* A line from the terminal, which does not show it; or from whatever standard input is. */
static bool read_pin(char pin[PIN_LINE_MAX])
{
    struct termios was, quiet;
    bool terminal = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &was) == 0;
    bool got;

    if (terminal) {
        quiet = was;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)fprintf(stderr, "PIN: ");
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    got = fgets(pin, PIN_LINE_MAX, stdin) != NULL;
    if (terminal) {
        (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &was);
        (void)fputc('\n', stderr);
    }
    if (got)
        pin[strcspn(pin, "\r\n")] = 0;
    return got;
}

int hipctl_pin(const struct hipctl_cmd *cmd, const char *path, json_t *request, json_t **answer)
{
    char pin[PIN_LINE_MAX] = "";
    int code;

    if (!read_pin(pin) || json_object_set_new(request, "pin", json_string(pin)) != 0) {
        (void)fprintf(stderr, "hipctl: no PIN\n");
        code = HIPCTL_USAGE;
    } else {
        code = hipctl_ask(cmd, path, request, answer);
    }
    sec_wipe(pin, sizeof pin);
    return code;
}
