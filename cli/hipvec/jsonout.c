/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/jsonout.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 150

static void pad(int depth, FILE *f)
{
    fprintf(f, "%*s", depth, "");
}

static void write_at(const json_t *v, int depth, size_t before, FILE *f);

static void write_object(const json_t *v, int depth, FILE *f)
{
    const char *name, *sep = "{\n";
    json_t *m;
    json_object_foreach ((json_t *)v, name, m) {
        fputs(sep, f);
        pad(depth + 1, f);
        fprintf(f, "\"%s\": ", name); /* names of fields are plain */
        write_at(m, depth + 1, strlen(name) + 4, f);
        sep = ",\n";
    }
    fputc('\n', f);
    pad(depth, f);
    fputc('}', f);
}

static void write_array(const json_t *v, int depth, FILE *f)
{
    size_t i;
    json_t *m;
    json_array_foreach ((json_t *)v, i, m) {
        fputs(i ? ",\n" : "[\n", f);
        pad(depth + 1, f);
        write_at(m, depth + 1, 0, f);
    }
    fputc('\n', f);
    pad(depth, f);
    fputc(']', f);
}

static bool is_leaf(const json_t *v)
{
    return !json_is_object(v) && !json_is_array(v);
}

/* A name and a value or two stand on one line however long. */
static bool is_small(const json_t *v)
{
    const char *name;
    json_t *m;
    if (json_object_size(v) == 0 || json_object_size(v) > 3)
        return false;
    json_object_foreach ((json_t *)v, name, m)
        if (!is_leaf(m))
            return false;
    return true;
}

static void write_at(const json_t *v, int depth, size_t before, FILE *f)
{
    char *line = json_dumps(v, JSON_ENCODE_ANY);
    if (!line)
        abort();
    if (is_leaf(v) || is_small(v) || json_object_size(v) + json_array_size(v) == 0 ||
        strlen(line) + (size_t)depth + before <= WIDTH)
        fputs(line, f);
    else if (json_is_object(v))
        write_object(v, depth, f);
    else
        write_array(v, depth, f);
    free(line);
}

void json_write(const json_t *v, FILE *f)
{
    write_at(v, 0, 0, f);
    fputc('\n', f);
}
