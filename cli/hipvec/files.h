/* SPDX-License-Identifier: Apache-2.0
 * The vector files that a command line names: files, and folders with all that is below them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct file_entry {
    char *path;      /* owned */
    bool named;      /* on the command line itself, not found in a folder */
    const char *bad; /* it cannot be run: why; NULL */
};

struct file_list {
    struct file_entry *v;
    size_t n;
};

/* *.json in folders, in the order of their names, folders behind files. */
void files_add(struct file_list *l, const char *path);
void files_done(struct file_list *l);
