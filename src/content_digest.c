
#include "content_digest.h"
#include "text.h"

#include <string.h>


static const char  prefix[] = "sha-256=";


int
sealed_content_digest_parse(uint8_t digest[32], sealed_bytes_t value)
{
    size_t          size;
    sealed_bytes_t  text;

    if (value.size != SEALED_CONTENT_DIGEST_SIZE
        || memcmp(value.data, prefix, sizeof(prefix) - 1) != 0)
    {
        return -1;
    }

    text.data = value.data + sizeof(prefix) - 1;
    text.size = value.size - (sizeof(prefix) - 1);

    if (sealed_byte_sequence_decode(digest, 32, &size, text) != 0) {
        return -1;
    }

    return size == 32 ? 0 : -1;
}


void
sealed_content_digest_format(char *out, const uint8_t digest[32])
{
    memcpy(out, prefix, sizeof(prefix) - 1);
    (void) sealed_byte_sequence_encode(out + sizeof(prefix) - 1, digest, 32);
}
