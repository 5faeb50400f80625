/* SPDX-License-Identifier: Apache-2.0
 *
 * Reruns a corpus folder through a fuzz target: every file whole, then cut short and with single octets changed, so that
 * a build without a fuzzer still walks the edges; the more files there are, the less of each. Exits 1 when the corpus is missing or empty.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of all files together: a whole exchange takes ten milliseconds or more under a sanitizer. */
#define VARIANTS      1024
#define VARIANTS_FILE 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t next(uint32_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 17;
    *s ^= *s << 5;
    return *s;
}

/* A heap copy of exactly n octets: the sanitizer sees a read one past the end. */
static void run_copy(const uint8_t *p, size_t n)
{
    uint8_t *c = malloc(n ? n : 1);
    if (!c)
        abort();
    if (n)
        memcpy(c, p, n);
    LLVMFuzzerTestOneInput(c, n);
    free(c);
}

static void run_variants(uint8_t *buf, size_t n, size_t variants)
{
    uint32_t seed = 2463534242u ^ (uint32_t)n;
    size_t cuts = variants / 3 < n ? variants / 3 : n, flips = n ? variants - variants / 3 : 0;
    run_copy(buf, n);
    for (size_t i = 0; i < cuts; i++)
        run_copy(buf, cuts == n ? i : next(&seed) % n);
    for (size_t i = 0; i < flips; i++) {
        size_t at = next(&seed) % n;
        uint8_t was = buf[at];
        buf[at] = (uint8_t)(i & 1 ? was ^ (1u << (next(&seed) % 8)) : next(&seed));
        run_copy(buf, n);
        buf[at] = was;
    }
}

static int run_file(const char *folder, const char *name, size_t variants)
{
    static uint8_t buf[1 << 16];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return 1;
    }
    size_t n = fread(buf, 1, sizeof buf, f);
    fclose(f);
    run_variants(buf, n, variants);
    return 0;
}

static int visible(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    struct dirent **files;
    int n = scandir(argv[1], &files, visible, alphasort), bad = 0;
    if (n < 0) {
        perror(argv[1]);
        return 1;
    }
    size_t share = n ? VARIANTS / (size_t)n : 0, variants = share < VARIANTS_FILE ? share : VARIANTS_FILE;
    for (int i = 0; i < n; i++) {
        bad |= run_file(argv[1], files[i]->d_name, variants);
        free(files[i]);
    }
    free(files);
    printf("%d corpus files, %zu variants of each\n", n, variants);
    return bad || n == 0;
}
