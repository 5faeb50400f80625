/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/hipvec/files.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH_MAX 8 /* folders in folders; a link may lead in circles */

static void add(struct file_list *l, const char *path, bool named, const char *bad)
{
    l->v = realloc(l->v, (l->n + 1) * sizeof *l->v);
    char *copy = strdup(path);
    if (!l->v || !copy)
        abort();
    l->v[l->n++] = (struct file_entry){ .path = copy, .named = named, .bad = bad };
}

static int is_visible(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

static bool is_json(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".json") == 0;
}

static void add_dir(struct file_list *l, const char *dir, int depth)
{
    struct dirent **list = NULL;
    size_t before = l->n;
    int n = scandir(dir, &list, is_visible, alphasort);
    for (int dirs = 0; dirs < 2; dirs++)
        for (int i = 0; i < n; i++) {
            char path[4096];
            struct stat st;
            int len = snprintf(path, sizeof path, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/",
                               list[i]->d_name);
            if (len < 0 || (size_t)len >= sizeof path || stat(path, &st) != 0)
                continue;
            if (dirs && S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
                add_dir(l, path, depth + 1);
            else if (!dirs && !S_ISDIR(st.st_mode) && is_json(list[i]->d_name))
                add(l, path, false, NULL);
        }
    for (int i = 0; i < n; i++)
        free(list[i]);
    free(list);
    if (n < 0)
        add(l, dir, depth == 0, "cannot be read");
    else if (depth == 0 && l->n == before)
        add(l, dir, true, "no *.json in it");
}

void files_add(struct file_list *l, const char *path)
{
    struct stat st;
    if (*path == 0 || stat(path, &st) != 0)
        add(l, path, true, "cannot be read");
    else if (S_ISDIR(st.st_mode))
        add_dir(l, path, 0);
    else
        add(l, path, true, NULL);
}

void files_done(struct file_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i].path);
    free(l->v);
}
