
/*
 * What the unit tests share: hexadecimal vectors, and inputs in blocks of
 * exactly their size, so that the address sanitizer sees any read beyond.
 *
 * Includes cmocka with what it wants in front of it.
 */

#ifndef SEALED_TEST_VECTORS_H
#define SEALED_TEST_VECTORS_H


#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sealed.h"


#define UNHEX_MAX  4096


/* octets written; the test fails on anything but pairs of digits */

static inline size_t
unhex(uint8_t *out, size_t max, const char *hex)
{
    size_t       n;
    const char  *at;

    static const char  digits[] = "0123456789abcdef";

    for (n = 0; hex[0]; n++, hex += 2) {
        assert_true(n < max);

        at = strchr(digits, hex[0]);
        assert_non_null(at);
        out[n] = (uint8_t) ((at - digits) << 4);

        assert_true(hex[1] != '\0');
        at = strchr(digits, hex[1]);
        assert_non_null(at);
        out[n] = (uint8_t) (out[n] | (at - digits));
    }

    return n;
}


static inline void
assert_hex_at(const void *data, const char *hex, const char *file, int line)
{
    size_t   n;
    uint8_t  expected[UNHEX_MAX];

    n = unhex(expected, sizeof(expected), hex);
    _assert_memory_equal(data, expected, n, file, line);
}


#define assert_hex(data, hex)                                                \
    assert_hex_at(data, hex, __FILE__, __LINE__)


/* a copy that ends where its block ends; free_bytes() it */

static inline sealed_bytes_t
exact_bytes(const void *data, size_t size)
{
    uint8_t         *p;
    sealed_bytes_t   bytes;

    p = malloc(size);
    assert_true(p != NULL || size == 0);

    if (size) {
        memcpy(p, data, size);
    }

    bytes.data = p;
    bytes.size = size;

    return bytes;
}


static inline sealed_bytes_t
exact_text(const char *text)
{
    return exact_bytes(text, strlen(text));
}


static inline sealed_bytes_t
exact_hex(const char *hex)
{
    size_t   n;
    uint8_t  data[UNHEX_MAX];

    n = unhex(data, sizeof(data), hex);

    return exact_bytes(data, n);
}


static inline void
free_bytes(sealed_bytes_t bytes)
{
    free((void *) bytes.data);
}


/* not a copy, for what only compares or is known not to read beyond */

static inline sealed_bytes_t
text_bytes(const char *text)
{
    sealed_bytes_t  bytes;

    bytes.data = (const uint8_t *) text;
    bytes.size = strlen(text);

    return bytes;
}


#endif /* SEALED_TEST_VECTORS_H */
