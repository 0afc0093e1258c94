
#include "text.h"

#include <sodium.h>


static int base64_decode(uint8_t *out, size_t max, size_t *size,
    const uint8_t *text, size_t length, int variant);


int
sealed_base64url_decode(uint8_t *out, size_t size, sealed_bytes_t text)
{
    size_t  n;

    if (text.size != SEALED_BASE64URL_SIZE(size)) {
        return -1;
    }

    if (base64_decode(out, size, &n, text.data, text.size,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING)
        != 0)
    {
        return -1;
    }

    return n == size ? 0 : -1;
}


char *
sealed_base64url_encode(char *out, const void *data, size_t size)
{
    size_t          i;
    uint32_t        acc;
    unsigned        bits;
    const uint8_t  *p = data;

    static const char  alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    acc = 0;
    bits = 0;

    for (i = 0; i < size; i++) {
        acc = (acc << 8) | p[i];
        bits += 8;

        while (bits >= 6) {
            bits -= 6;
            *out++ = alphabet[(acc >> bits) & 0x3f];
        }
    }

    if (bits) {
        *out++ = alphabet[(acc << (6 - bits)) & 0x3f];
    }

    return out;
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

    return base64_decode(out, max, size, text.data + 1, text.size - 2,
                         sodium_base64_VARIANT_ORIGINAL);
}


char *
sealed_byte_sequence_encode(char *out, const void *data, size_t size)
{
    char  *p, *start;

    *out++ = ':';
    start = out;
    out = sealed_base64url_encode(out, data, size);

    /* the two alphabets differ in two characters and in the padding */

    for (p = start; p < out; p++) {
        if (*p == '-') {
            *p = '+';

        } else if (*p == '_') {
            *p = '/';
        }
    }

    while ((out - start) % 4) {
        *out++ = '=';
    }

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


static int
base64_decode(uint8_t *out, size_t max, size_t *size, const uint8_t *text,
    size_t length, int variant)
{
    size_t       i;
    uint8_t      all;
    const char  *end;

    if (length == 0) {
        *size = 0;
        return 0;
    }

    /*
     * libsodium 1.0.18 decodes every octet above 0x7f as the last character
     * of the alphabet where char is signed.
     */

    all = 0;

    for (i = 0; i < length; i++) {
        all |= text[i];
    }

    if (all & 0x80) {
        return -1;
    }

    if (sodium_base642bin(out, max, (const char *) text, length, NULL, size,
                          &end, variant)
        != 0)
    {
        return -1;
    }

    return end == (const char *) text + length ? 0 : -1;
}
