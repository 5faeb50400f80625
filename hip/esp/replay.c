/* SPDX-License-Identifier: Apache-2.0 */
#include "hip/esp/replay.h"

#include <string.h>

#define WORDS (ESP_WINDOW / 64 + 1)

static size_t word_of(uint64_t seq)
{
    return (size_t)((seq / 64) % WORDS);
}

void esp_replay_init(struct esp_replay *w, uint64_t top)
{
    memset(w, 0, sizeof *w);
    w->top = top;
    /* What came before we joined counts as seen. */
    if (top)
        memset(w->bits, 0xff, sizeof w->bits);
    for (uint64_t s = top + 1; top && s % 64; s++)
        w->bits[word_of(s)] &= ~(UINT64_C(1) << (s % 64));
}

err esp_replay_infer(const struct esp_replay *w, uint32_t low, uint64_t *seq)
{
    uint32_t tl = (uint32_t)w->top, th = (uint32_t)(w->top >> 32);
    uint32_t bottom = tl - (ESP_WINDOW - 1); /* modulo 2^32 on purpose */
    uint32_t high;

    if (tl >= ESP_WINDOW - 1) { /* case A: the window lies in one subspace */
        if (low < bottom && th == UINT32_MAX)
            return ERR_REPLAY;
        high = low >= bottom ? th : th + 1;
    } else { /* case B: the window reaches back into the one before */
        if (low >= bottom && th == 0)
            return ERR_REPLAY;
        high = low >= bottom ? th - 1 : th;
    }
    *seq = (uint64_t)high << 32 | low;
    return ERR_OK;
}

err esp_replay_check(const struct esp_replay *w, uint64_t seq)
{
    if (seq == 0)
        return ERR_REPLAY;
    if (seq > w->top)
        return ERR_OK;
    if (w->top - seq >= ESP_WINDOW)
        return ERR_REPLAY;
    return w->bits[word_of(seq)] >> (seq % 64) & 1 ? ERR_REPLAY : ERR_OK;
}

void esp_replay_mark(struct esp_replay *w, uint64_t seq)
{
    if (seq > w->top) {
        uint64_t from = w->top / 64, to = seq / 64;
        uint64_t n = to - from < WORDS ? to - from : WORDS;
        for (uint64_t i = 0; i < n; i++)
            w->bits[(size_t)((to - i) % WORDS)] = 0;
        w->top = seq;
    }
    w->bits[word_of(seq)] |= UINT64_C(1) << (seq % 64);
}
