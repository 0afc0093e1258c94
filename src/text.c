
#include "text.h"


static char *base64_encode(char *out, const uint8_t *data, size_t size,
    const char *alphabet);
static int base64_decode(uint8_t *out, size_t max, size_t *size,
    const uint8_t *text, size_t length, const uint8_t *digits);
static size_t without_padding(const uint8_t *text, size_t length);


/* a character's value plus 1; what is no digit is 0 */

#define DIGITS                                                               \
    ['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,   \
    19, 20, 21, 22, 23, 24, 25, 26,                                          \
    ['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42,  \
    43, 44, 45, 46, 47, 48, 49, 50, 51, 52,                                  \
    ['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62

static const uint8_t  standard_digits[256] = { DIGITS, ['+'] = 63, ['/'] = 64 };
static const uint8_t  url_digits[256] = { DIGITS, ['-'] = 63, ['_'] = 64 };


int
sealed_base64url_decode(uint8_t *out, size_t size, sealed_bytes_t text)
{
    size_t  n;

    if (text.size != SEALED_BASE64URL_SIZE(size)) {
        return -1;
    }

    if (base64_decode(out, size, &n, text.data, text.size, url_digits) != 0) {
        return -1;
    }

    return n == size ? 0 : -1;
}


char *
sealed_base64url_encode(char *out, const void *data, size_t size)
{
    return base64_encode(out, data, size,
                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "abcdefghijklmnopqrstuvwxyz0123456789-_");
}


char *
sealed_base64_encode(char *out, const void *data, size_t size)
{
    char  *start;

    start = out;
    out = base64_encode(out, data, size,
                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "abcdefghijklmnopqrstuvwxyz0123456789+/");

    while ((out - start) % 4) {
        *out++ = '=';
    }

    return out;
}


int
sealed_base64_decode(uint8_t *out, size_t max, size_t *size,
    sealed_bytes_t text)
{
    if (text.size % 4) {
        return -1;
    }

    return base64_decode(out, max, size, text.data,
                         without_padding(text.data, text.size),
                         standard_digits);
}


int
sealed_byte_sequence_decode(uint8_t *out, size_t max, size_t *size,
    sealed_bytes_t text)
{
    if (text.size < 2
        || text.data[0] != ':'
        || text.data[text.size - 1] != ':')
    {
        return -1;
    }

    text.data++;
    text.size -= 2;

    return sealed_base64_decode(out, max, size, text);
}


char *
sealed_byte_sequence_encode(char *out, const void *data, size_t size)
{
    *out++ = ':';
    out = sealed_base64_encode(out, data, size);
    *out++ = ':';

    return out;
}


int
sealed_decimal_decode(uint64_t *value, sealed_bytes_t text)
{
    size_t    i;
    uint64_t  n;
    unsigned  digit;

    if (text.size == 0
        || text.size > SEALED_DECIMAL_SIZE
        || (text.size > 1 && text.data[0] == '0'))
    {
        return -1;
    }

    n = 0;

    for (i = 0; i < text.size; i++) {

        if (text.data[i] < '0' || text.data[i] > '9') {
            return -1;
        }

        digit = text.data[i] - '0';

        if (n > (UINT64_MAX - digit) / 10) {
            return -1;
        }

        n = n * 10 + digit;
    }

    *value = n;

    return 0;
}


char *
sealed_decimal_encode(char *out, uint64_t value)
{
    char  digits[SEALED_DECIMAL_SIZE], *p;

    p = digits + SEALED_DECIMAL_SIZE;

    do {
        *--p = (char) ('0' + value % 10);
        value /= 10;
    } while (value);

    while (p < digits + SEALED_DECIMAL_SIZE) {
        *out++ = *p++;
    }

    return out;
}


static char *
base64_encode(char *out, const uint8_t *data, size_t size,
    const char *alphabet)
{
    uint32_t  acc;

    for ( /* void */ ; size >= 3; size -= 3) {
        acc = (uint32_t) data[0] << 16 | data[1] << 8 | data[2];
        data += 3;

        *out++ = alphabet[acc >> 18];
        *out++ = alphabet[(acc >> 12) & 0x3f];
        *out++ = alphabet[(acc >> 6) & 0x3f];
        *out++ = alphabet[acc & 0x3f];
    }

    if (size) {
        acc = (uint32_t) data[0] << 16 | (size == 2 ? data[1] << 8 : 0);

        *out++ = alphabet[acc >> 18];
        *out++ = alphabet[(acc >> 12) & 0x3f];

        if (size == 2) {
            *out++ = alphabet[(acc >> 6) & 0x3f];
        }
    }

    return out;
}


/*
 * Unpadded; what is decoded is on its way to be compared or hashed and is no
 * secret of anybody's but the sender of it, so tables are all right.
 */

static int
base64_decode(uint8_t *out, size_t max, size_t *size, const uint8_t *text,
    size_t length, const uint8_t *digits)
{
    size_t    rest;
    uint8_t   a, b, c, d;
    uint32_t  acc;

    rest = length % 4;
    *size = length / 4 * 3 + (rest ? rest - 1 : 0);

    if (rest == 1 || *size > max) {
        return -1;
    }

    for ( /* void */ ; length >= 4; length -= 4) {
        a = digits[text[0]];
        b = digits[text[1]];
        c = digits[text[2]];
        d = digits[text[3]];
        text += 4;

        if (a == 0 || b == 0 || c == 0 || d == 0) {
            return -1;
        }

        acc = (uint32_t) (a - 1) << 18 | (uint32_t) (b - 1) << 12
              | (uint32_t) (c - 1) << 6 | (uint32_t) (d - 1);

        *out++ = (uint8_t) (acc >> 16);
        *out++ = (uint8_t) (acc >> 8);
        *out++ = (uint8_t) acc;
    }

    if (rest == 0) {
        return 0;
    }

    a = digits[text[0]];
    b = digits[text[1]];
    c = rest == 3 ? digits[text[2]] : 1;

    if (a == 0 || b == 0 || c == 0) {
        return -1;
    }

    acc = (uint32_t) (a - 1) << 12 | (uint32_t) (b - 1) << 6
          | (uint32_t) (c - 1);

    /* bits that no octet takes are zero */

    if (acc & (rest == 3 ? 0x3 : 0x3ff)) {
        return -1;
    }

    *out++ = (uint8_t) (acc >> 10);

    if (rest == 3) {
        *out = (uint8_t) (acc >> 2);
    }

    return 0;
}


static size_t
without_padding(const uint8_t *text, size_t length)
{
    if (length && text[length - 1] == '=') {
        length--;

        if (text[length - 1] == '=') {
            length--;
        }
    }

    return length;
}
