/* SPDX-License-Identifier: Apache-2.0
 *
 * One list of errors with their text. A fallible call returns `err`; the value is never ignored.
 * A rejected packet has a drop reason of its layer as well (hip/drop.h): err says what a caller
 * can do about it, a drop reason says what the packet did wrong.
 */
#pragma once

#define ERR_LIST(X) \
    X(OK, "ok") \
    X(TRUNCATED, "input ends too early") \
    X(MALFORMED, "input is malformed") \
    X(RANGE, "value out of range") \
    X(SPACE, "output does not fit") \
    X(FULL, "table or queue is full") \
    X(NOT_FOUND, "not found") \
    X(EXISTS, "exists already") \
    X(UNSUPPORTED, "not supported") \
    X(REFUSED, "refused") \
    X(AUTH, "authentication failed") \
    X(REPLAY, "replayed") \
    X(STATE, "not possible in this state") \
    X(TIMEOUT, "timed out") \
    X(UNREACHABLE, "unreachable") \
    X(CRYPTO, "cryptographic operation failed") \
    X(MEMORY, "out of memory") \
    X(IO, "input/output error") \
    X(CONFIG, "configuration error")

typedef enum err {
#define X(name, text) ERR_##name,
    ERR_LIST(X)
#undef X
        ERR__COUNT
} err;

#define MUST_USE          __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

/* The constant's name without ERR_, and its text. Never NULL. */
const char *err_name(err e);
const char *err_text(err e);
