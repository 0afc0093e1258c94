
/* 48 octets of header, then a body; and the rest as an identity */

#include "fuzz.h"

#include "../../src/sealed_envelope.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t            *plaintext;
    sealed_bytes_t      header, body, all = { data, size };
    sealed_identity_t   identity;
    sealed_envelope_t   envelope;

    static const uint8_t  key[32] = { 9 };

    if (sealed_identity_parse(&identity, all) == 0) {
        must(inside(identity.name, data, size));
        must(identity.name.size >= 1
             && identity.name.size <= SEALED_NAME_MAX);
        must(sealed_identity_verify(&identity, key, 0) != 0);
    }

    if (size < SEALED_ENVELOPE_HEADER_SIZE) {
        return 0;
    }

    header.data = data;
    header.size = SEALED_ENVELOPE_HEADER_SIZE;
    body.data = data + SEALED_ENVELOPE_HEADER_SIZE;
    body.size = size - SEALED_ENVELOPE_HEADER_SIZE;

    plaintext = malloc(body.size + 1);
    must(plaintext != NULL);
    must(sealed_envelope_open(&envelope, plaintext, header, body, key, key)
         != 0);
    free(plaintext);

    return 0;
}
