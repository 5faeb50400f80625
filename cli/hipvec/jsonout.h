/* SPDX-License-Identifier: Apache-2.0
 * JSON as the vector files have it: what fits on a line stands on one, octets are never broken. */
#pragma once

#include <jansson.h>
#include <stdio.h>

void json_write(const json_t *v, FILE *f);
