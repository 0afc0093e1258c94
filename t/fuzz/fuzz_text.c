
/* each decoder takes only what its encoder writes */

#include "fuzz.h"

#include "../../src/content_digest.h"
#include "../../src/text.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            text[256], *end;
    size_t          n;
    uint8_t         out[128];
    uint64_t        value;
    sealed_bytes_t  bytes = { data, size };

    if (sealed_base64url_decode(out, 16, bytes) == 0) {
        end = sealed_base64url_encode(text, out, 16);
        must((size_t) (end - text) == size && !memcmp(text, data, size));
    }

    if (sealed_byte_sequence_decode(out, sizeof(out), &n, bytes) == 0) {
        must(n <= sizeof(out));
        end = sealed_byte_sequence_encode(text, out, n);
        must((size_t) (end - text) == size && !memcmp(text, data, size));
    }

    if (sealed_decimal_decode(&value, bytes) == 0) {
        end = sealed_decimal_encode(text, value);
        must((size_t) (end - text) == size && !memcmp(text, data, size));
    }

    if (sealed_content_digest_parse(out, bytes) == 0) {
        sealed_content_digest_format(text, out);
        must(size == SEALED_CONTENT_DIGEST_SIZE);
        must(memcmp(text, data, size) == 0);
    }

    return 0;
}
