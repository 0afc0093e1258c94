
/*
 * What the fuzz targets share.  A target does not only look for crashes: it
 * says what has to hold about each answer, and ends with CHECK() where it
 * does not.
 */

#ifndef SEALED_FUZZ_H
#define SEALED_FUZZ_H


#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>

#include "sealed.h"


#define CHECK(condition)                                                     \
    ((condition) ? (void) 0 : failed(__FILE__, __LINE__, #condition))


int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline void
failed(const char *file, int line, const char *condition)
{
    fprintf(stderr, "%s:%d: %s\n", file, line, condition);
    abort();
}


int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    CHECK(sodium_init() >= 0);

    return 0;
}


static inline int
inside(const void *part, size_t part_size, const void *data, size_t size)
{
    uintptr_t  p = (uintptr_t) part, start = (uintptr_t) data;

    return p >= start && p - start <= size && part_size <= size - (p - start);
}


/* a copy that ends where its block ends; never NULL, free_copy() it */

static inline sealed_bytes_t
copy(const void *data, size_t size)
{
    uint8_t         *p;
    sealed_bytes_t   bytes;

    p = malloc(size);
    CHECK(p != NULL);

    if (size) {
        memcpy(p, data, size);
    }

    bytes.data = p;
    bytes.size = size;

    return bytes;
}


static inline void
free_copy(sealed_bytes_t bytes)
{
    free((void *) bytes.data);
}


/* a copy of the text up to the next end of line, which is passed over */

static inline sealed_bytes_t
next_line(const uint8_t **pos, const uint8_t *end)
{
    size_t          size;
    sealed_bytes_t  line;
    const uint8_t  *lf;

    lf = *pos < end ? memchr(*pos, '\n', (size_t) (end - *pos)) : NULL;
    size = (size_t) ((lf ? lf : end) - *pos);

    line = copy(*pos, size);
    *pos += size + (lf != NULL);

    return line;
}


static inline void
unhex(uint8_t *out, size_t size, const char *hex)
{
    size_t  n;

    CHECK(sodium_hex2bin(out, size, hex, strlen(hex), NULL, &n, NULL) == 0
          && n == size);
}


#endif /* SEALED_FUZZ_H */
