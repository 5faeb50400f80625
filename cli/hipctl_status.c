/* SPDX-License-Identifier: Apache-2.0
 * hipctl status: of any daemon. */
#include "cli/hipctl.h"

void hipctl_show_status(const json_t *answer, FILE *to, bool color)
{
    /* The key is long and the HIT says the same; the seconds stand in the binding as well. */
    static const char *const skip[] = { "ok", "hi", "binding_seconds", NULL };

    table_print_object(answer, skip, 0, to, color);
}

void hipctl_show_done(const json_t *answer, FILE *to, bool color)
{
    static const char *const skip[] = { "ok", NULL };

    if (json_object_size(answer) > 1)
        table_print_object(answer, skip, 0, to, color);
    else
        (void)fprintf(to, "done\n");
}
