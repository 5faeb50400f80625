/* SPDX-License-Identifier: Apache-2.0
 * The parts of a judgement, for judge*.c alone. */
#pragma once

#include "cli/hipvec/judge.h"

void say(struct verdict *v, int check, enum said said, const char *fmt, ...) PRINTF_LIKE(4, 5);
void good(struct verdict *v, int check);

/* Puzzle, offers and choices, counter, echoes, acknowledgements: judge_exchange.c. */
void judge_exchange(const struct judge *j, const struct view *w, size_t item, struct verdict *v);
void judge_esp(struct judge *j, size_t item, struct verdict *v);
void judge_udp_sum(const struct item *x, struct verdict *v);
