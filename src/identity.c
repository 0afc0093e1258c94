
#include "identity.h"
#include "cbor.h"

#include <string.h>
#include <sodium.h>


/* the terminating zero is the zero octet that is signed */

static const char  label[] = "sealed-sender identity v1";

#define MESSAGE_MAX  (sizeof(label) + SEALED_IDENTITY_MAX)


static size_t signed_message(uint8_t out[MESSAGE_MAX], sealed_bytes_t name,
    const uint8_t key[32], uint64_t not_after);


int
sealed_identity_parse(sealed_identity_t *identity, sealed_bytes_t encoded)
{
    uint64_t              count;
    sealed_bytes_t        key, signature;
    sealed_cbor_reader_t  r;

    r.pos = encoded.data;
    r.end = encoded.data + encoded.size;

    if (sealed_cbor_read_array(&r, &count) != 0
        || count != 4
        || sealed_cbor_read_text(&r, &identity->name) != 0
        || sealed_cbor_read_bytes(&r, &key) != 0
        || sealed_cbor_read_uint(&r, &identity->not_after) != 0
        || sealed_cbor_read_bytes(&r, &signature) != 0
        || r.pos != r.end
        || identity->name.size == 0
        || identity->name.size > SEALED_NAME_MAX
        || key.size != 32
        || signature.size != SEALED_SIGNATURE_SIZE)
    {
        return -1;
    }

    identity->key = key.data;
    identity->signature = signature.data;

    return 0;
}


int
sealed_identity_verify(const sealed_identity_t *identity,
    const uint8_t authority_public[32], uint64_t now)
{
    size_t   size;
    uint8_t  message[MESSAGE_MAX];

    if (identity->not_after <= now) {
        return -1;
    }

    size = signed_message(message, identity->name, identity->key,
                          identity->not_after);

    return crypto_sign_verify_detached(identity->signature, message, size,
                                       authority_public);
}


size_t
sealed_identity_sign(uint8_t out[SEALED_IDENTITY_MAX], sealed_bytes_t name,
    const uint8_t key[32], uint64_t not_after,
    const uint8_t authority_secret[64])
{
    size_t                size;
    uint8_t               message[MESSAGE_MAX], signature[64];
    sealed_cbor_writer_t  w;

    if (name.size == 0 || name.size > SEALED_NAME_MAX) {
        return 0;
    }

    size = signed_message(message, name, key, not_after);
    crypto_sign_detached(signature, NULL, message, size, authority_secret);

    w.pos = out;
    w.end = out + SEALED_IDENTITY_MAX;
    w.overflow = 0;

    sealed_cbor_write_array(&w, 4);
    sealed_cbor_write_text(&w, name.data, name.size);
    sealed_cbor_write_bytes(&w, key, 32);
    sealed_cbor_write_uint(&w, not_after);
    sealed_cbor_write_bytes(&w, signature, sizeof(signature));

    return w.overflow ? 0 : (size_t) (w.pos - out);
}


static size_t
signed_message(uint8_t out[MESSAGE_MAX], sealed_bytes_t name,
    const uint8_t key[32], uint64_t not_after)
{
    sealed_cbor_writer_t  w;

    memcpy(out, label, sizeof(label));

    w.pos = out + sizeof(label);
    w.end = out + MESSAGE_MAX;
    w.overflow = 0;

    sealed_cbor_write_array(&w, 3);
    sealed_cbor_write_text(&w, name.data, name.size);
    sealed_cbor_write_bytes(&w, key, 32);
    sealed_cbor_write_uint(&w, not_after);

    return (size_t) (w.pos - out);
}
