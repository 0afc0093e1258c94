
#include "text.h"

#include <sodium.h>


static char *base64_encode(char *out, const uint8_t *data, size_t size,
    const char *alphabet);
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
    return base64_decode(out, max, size, text.data, text.size,
                         sodium_base64_VARIANT_ORIGINAL);
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
