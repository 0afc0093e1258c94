
/* Content-Digest: one text for each digest, and no other is taken. */

#include "fuzz.h"
#include "content_digest.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            text[SEALED_CONTENT_DIGEST_SIZE];
    size_t          at;
    uint8_t         digest[32], other[32];
    sealed_bytes_t  value;

    value.data = data;
    value.size = size;

    if (sealed_content_digest_parse(digest, value) == 0) {
        CHECK(size == SEALED_CONTENT_DIGEST_SIZE);
        sealed_content_digest_format(text, digest);
        CHECK(memcmp(text, data, size) == 0);
    }

    crypto_hash_sha256(digest, data, size);
    sealed_content_digest_format(text, digest);

    value = copy(text, sizeof(text));
    CHECK(sealed_content_digest_parse(other, value) == 0);
    CHECK(memcmp(digest, other, 32) == 0);
    free_copy(value);

    /* one octet off: another digest or none */

    at = digest[0] % sizeof(text);
    text[at] = (char) (text[at] ^ (digest[1] ? digest[1] : 1));

    value = copy(text, sizeof(text));
    CHECK(sealed_content_digest_parse(other, value) != 0
          || memcmp(digest, other, 32) != 0);
    free_copy(value);

    return 0;
}
