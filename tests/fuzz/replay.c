/* SPDX-License-Identifier: Apache-2.0
 *
 * Reruns a corpus folder through a fuzz target: every file whole, then cut at every length and with single octets
 * flipped, so that a build without a fuzzer still walks the edges. Exits 1 when the corpus is missing or empty.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void run_variants(uint8_t *buf, size_t n)
{
    uint32_t seed = 2463534242u ^ (uint32_t)n;
    size_t cuts = n < 256 ? n : 256;
    run_copy(buf, n);
    for (size_t i = 0; i < cuts; i++)
        run_copy(buf, n < 256 ? i : next(&seed) % n);
    for (size_t i = 0; n > 0 && i < 512; i++) {
        size_t at = next(&seed) % n;
        uint8_t was = buf[at];
        buf[at] = (uint8_t)(i & 1 ? was ^ (1u << (next(&seed) % 8)) : next(&seed));
        run_copy(buf, n);
        buf[at] = was;
    }
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
        return 2;
    }
    DIR *d = opendir(argv[1]);
    if (!d) {
        perror(argv[1]);
        return 1;
    }
    size_t files = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        static uint8_t buf[1 << 16];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
        FILE *f = fopen(path, "rb");
        if (!f) {
            perror(path);
            return 1;
        }
        size_t n = fread(buf, 1, sizeof buf, f);
        fclose(f);
        run_variants(buf, n);
        files++;
    }
    closedir(d);
    printf("%zu corpus files\n", files);
    return files ? 0 : 1;
}
