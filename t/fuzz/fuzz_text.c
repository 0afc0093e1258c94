
/* Base64url, byte sequences and decimals: what is taken is canonical. */

#include "fuzz.h"
#include "text.h"


static void decode_base64url(sealed_bytes_t text);
static void decode_sequence(sealed_bytes_t text);
static void decode_decimal(sealed_bytes_t text);
static void encode(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_bytes_t  text;

    text.data = data;
    text.size = size;

    decode_base64url(text);
    decode_sequence(text);
    decode_decimal(text);
    encode(data, size);

    return 0;
}


static void
decode_base64url(sealed_bytes_t text)
{
    char     *again;
    size_t    n, right;
    uint8_t  *out;

    right = text.size * 3 / 4;

    for (n = right ? right - 1 : 0; n <= right + 1; n++) {
        out = malloc(n);
        CHECK(out != NULL);

        if (sealed_base64url_decode(out, n, text) == 0) {
            CHECK(n == right);

            again = malloc(text.size);
            CHECK(again != NULL);
            CHECK(sealed_base64url_encode(again, out, n)
                  == again + text.size);
            CHECK(memcmp(again, text.data, text.size) == 0);
            free(again);
        }

        free(out);
    }
}


static void
decode_sequence(sealed_bytes_t text)
{
    char     *again;
    size_t    size, less;
    uint8_t  *out;

    out = malloc(text.size);
    CHECK(out != NULL);

    if (sealed_byte_sequence_decode(out, text.size, &size, text) == 0) {
        CHECK(SEALED_BYTE_SEQUENCE_SIZE(size) == text.size);

        again = malloc(text.size);
        CHECK(again != NULL);
        CHECK(sealed_byte_sequence_encode(again, out, size)
              == again + text.size);
        CHECK(memcmp(again, text.data, text.size) == 0);
        free(again);

        /* in exactly as much room, and in one octet less */

        free(out);
        out = malloc(size);
        CHECK(out != NULL);
        CHECK(sealed_byte_sequence_decode(out, size, &less, text) == 0);
        CHECK(less == size);

        if (size) {
            free(out);
            out = malloc(size - 1);
            CHECK(out != NULL);
            CHECK(sealed_byte_sequence_decode(out, size - 1, &less, text)
                  != 0);
        }
    }

    free(out);
}


static void
decode_decimal(sealed_bytes_t text)
{
    char      again[SEALED_DECIMAL_SIZE], *end;
    uint64_t  value;

    if (sealed_decimal_decode(&value, text) == 0) {
        end = sealed_decimal_encode(again, value);

        CHECK((size_t) (end - again) == text.size);
        CHECK(memcmp(again, text.data, text.size) == 0);
    }
}


static void
encode(const uint8_t *data, size_t size)
{
    char            *text, *end;
    size_t           n;
    uint8_t         *out;
    sealed_bytes_t   bytes;

    out = malloc(size);
    text = malloc(SEALED_BASE64URL_SIZE(size));
    CHECK(out != NULL && text != NULL);

    end = sealed_base64url_encode(text, data, size);
    CHECK(end == text + SEALED_BASE64URL_SIZE(size));

    bytes.data = (const uint8_t *) text;
    bytes.size = (size_t) (end - text);
    CHECK(sealed_base64url_decode(out, size, bytes) == 0);
    CHECK(memcmp(out, data, size) == 0);
    free(text);

    text = malloc(SEALED_BYTE_SEQUENCE_SIZE(size));
    CHECK(text != NULL);

    end = sealed_byte_sequence_encode(text, data, size);
    CHECK(end == text + SEALED_BYTE_SEQUENCE_SIZE(size));

    bytes.data = (const uint8_t *) text;
    bytes.size = (size_t) (end - text);
    CHECK(sealed_byte_sequence_decode(out, size, &n, bytes) == 0);
    CHECK(n == size && memcmp(out, data, size) == 0);
    free(text);
    free(out);
}
