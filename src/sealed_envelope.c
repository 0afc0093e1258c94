
#include "sealed_envelope.h"
#include "cbor.h"
#include "hash.h"

#include <string.h>
#include <sodium.h>


enum {
    VERSION     = 0x01,
    AT_E        = 1,
    AT_SEALED   = 33,
    FIRST_SIZE  = 32,
    SECOND_SIZE = 16
};


static const uint8_t  zero_nonce[24];


static int derive_ephemeral(uint8_t private_key[32], uint8_t public_key[32],
    const uint8_t m[32]);
static int recipient_mask(uint8_t out[32], const uint8_t private_key[32],
    const uint8_t peer[32], const uint8_t ephemeral[32],
    const uint8_t recipient[32]);
static int sender_proof(uint8_t out[32], const uint8_t private_key[32],
    const uint8_t peer[32], const uint8_t ephemeral[32],
    const uint8_t body_digest[32], const uint8_t first[32],
    const uint8_t sender[32], const uint8_t recipient[32]);
static int parse_plaintext(sealed_envelope_t *envelope,
    const uint8_t *plaintext, size_t size);
static int parse_identity(sealed_envelope_t *envelope,
    sealed_cbor_reader_t *r);
static void hkdf(uint8_t out[32], const void *key, size_t size,
    const char *info);


size_t
sealed_envelope_min_size(size_t identity_size, unsigned with_kf,
    size_t message_size)
{
    return SEALED_ENVELOPE_OVERHEAD + 1
           + identity_size
           + (with_kf ? 2 + 32 : 1)
           + sealed_cbor_head_size(message_size) + message_size
           + 1;
}


int
sealed_envelope_seal(uint8_t *body, size_t body_size, const uint8_t m[32],
    sealed_bytes_t identity, const uint8_t *kf, sealed_bytes_t message)
{
    uint8_t              *plaintext, key[32], ephemeral[32];
    size_t                size;
    sealed_cbor_writer_t  w;

    if (body_size < sealed_envelope_min_size(identity.size, kf != NULL,
                                             message.size))
    {
        return -1;
    }

    if (derive_ephemeral(ephemeral, body + AT_E, m) != 0) {
        return -1;
    }

    body[0] = VERSION;
    plaintext = body + AT_SEALED;
    size = body_size - SEALED_ENVELOPE_OVERHEAD;

    w.pos = plaintext;
    w.end = plaintext + size;
    w.overflow = 0;

    sealed_cbor_write_array(&w, 3);

    /* encoded already, an array in the array; that it fits is known */

    memcpy(w.pos, identity.data, identity.size);
    w.pos += identity.size;

    if (kf) {
        sealed_cbor_write_bytes(&w, kf, 32);

    } else {
        sealed_cbor_write_null(&w);
    }

    sealed_cbor_write_bytes(&w, message.data, message.size);

    *w.pos++ = 0x80;
    memset(w.pos, 0, (size_t) (w.end - w.pos));

    hkdf(key, m, 32, "sealed envelope key v1");

    /* libsodium encrypts in place */

    crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, NULL, plaintext,
                                               size, body + AT_E, 32, NULL,
                                               zero_nonce, key);

    sodium_memzero(key, sizeof(key));
    sodium_memzero(ephemeral, sizeof(ephemeral));

    return 0;
}


int
sealed_envelope_header(uint8_t out[SEALED_ENVELOPE_HEADER_SIZE],
    const uint8_t m[32], const uint8_t body_digest[32],
    const uint8_t sender_private[32], const uint8_t sender_public[32],
    const uint8_t recipient_public[32])
{
    int       rc;
    uint8_t   private_key[32], ephemeral[32], mask[32], proof[32];
    unsigned  i;

    rc = -1;

    if (derive_ephemeral(private_key, ephemeral, m) != 0
        || recipient_mask(mask, private_key, recipient_public, ephemeral,
                          recipient_public)
           != 0)
    {
        goto done;
    }

    for (i = 0; i < FIRST_SIZE; i++) {
        out[i] = m[i] ^ mask[i];
    }

    rc = sender_proof(proof, sender_private, recipient_public, ephemeral,
                      body_digest, out, sender_public, recipient_public);

    if (rc == 0) {
        memcpy(out + FIRST_SIZE, proof, SECOND_SIZE);
    }

done:

    sodium_memzero(private_key, sizeof(private_key));
    sodium_memzero(mask, sizeof(mask));

    return rc;
}


int
sealed_envelope_open(sealed_envelope_t *envelope, uint8_t *plaintext,
    sealed_bytes_t header, sealed_bytes_t body,
    const uint8_t recipient_private[32], const uint8_t recipient_public[32])
{
    int             rc;
    size_t          size;
    uint8_t         m[32], mask[32], key[32], private_key[32], e[32];
    uint8_t         digest[32], proof[32];
    unsigned        i;
    const uint8_t  *ephemeral;

    if (header.size != SEALED_ENVELOPE_HEADER_SIZE
        || body.size <= SEALED_ENVELOPE_OVERHEAD
        || body.data[0] != VERSION)
    {
        return -1;
    }

    rc = -1;
    ephemeral = body.data + AT_E;
    size = body.size - SEALED_ENVELOPE_OVERHEAD;

    if (recipient_mask(mask, recipient_private, ephemeral, ephemeral,
                       recipient_public)
        != 0)
    {
        return -1;
    }

    for (i = 0; i < FIRST_SIZE; i++) {
        m[i] = header.data[i] ^ mask[i];
    }

    if (derive_ephemeral(private_key, e, m) != 0
        || sodium_memcmp(e, ephemeral, 32) != 0)
    {
        goto done;
    }

    hkdf(key, m, 32, "sealed envelope key v1");

    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plaintext, NULL, NULL,
                                           body.data + AT_SEALED,
                                           body.size - AT_SEALED, ephemeral,
                                           32, zero_nonce, key)
        != 0)
    {
        goto done;
    }

    if (parse_plaintext(envelope, plaintext, size) != 0) {
        goto done;
    }

    sealed_sha256(digest, body.data, body.size);

    if (sender_proof(proof, recipient_private, envelope->identity.key,
                     ephemeral, digest, header.data, envelope->identity.key,
                     recipient_public)
        != 0
        || sodium_memcmp(proof, header.data + FIRST_SIZE, SECOND_SIZE) != 0)
    {
        goto done;
    }

    memcpy(envelope->ephemeral, ephemeral, 32);
    rc = 0;

done:

    sodium_memzero(m, sizeof(m));
    sodium_memzero(mask, sizeof(mask));
    sodium_memzero(key, sizeof(key));
    sodium_memzero(private_key, sizeof(private_key));

    return rc;
}


static int
parse_plaintext(sealed_envelope_t *envelope, const uint8_t *plaintext,
    size_t size)
{
    uint64_t              count;
    sealed_cbor_reader_t  r;

    while (size && plaintext[size - 1] == 0) {
        size--;
    }

    if (size == 0 || plaintext[size - 1] != 0x80) {
        return -1;
    }

    r.pos = plaintext;
    r.end = plaintext + size - 1;

    if (sealed_cbor_read_array(&r, &count) != 0
        || count != 3
        || parse_identity(envelope, &r) != 0)
    {
        return -1;
    }

    if (sealed_cbor_read_null(&r) == 0) {
        envelope->kf.data = NULL;
        envelope->kf.size = 0;

    } else if (sealed_cbor_read_bytes(&r, &envelope->kf) != 0
               || envelope->kf.size != 32)
    {
        return -1;
    }

    if (sealed_cbor_read_bytes(&r, &envelope->message) != 0
        || r.pos != r.end)
    {
        return -1;
    }

    return 0;
}


/* finds the certificate's end first */

static int
parse_identity(sealed_envelope_t *envelope, sealed_cbor_reader_t *r)
{
    uint64_t        count, not_after;
    sealed_bytes_t  identity, skipped;

    identity.data = r->pos;

    if (sealed_cbor_read_array(r, &count) != 0
        || sealed_cbor_read_text(r, &skipped) != 0
        || sealed_cbor_read_bytes(r, &skipped) != 0
        || sealed_cbor_read_uint(r, &not_after) != 0
        || sealed_cbor_read_bytes(r, &skipped) != 0)
    {
        return -1;
    }

    identity.size = (size_t) (r->pos - identity.data);

    return sealed_identity_parse(&envelope->identity, identity);
}


static int
derive_ephemeral(uint8_t private_key[32], uint8_t public_key[32],
    const uint8_t m[32])
{
    hkdf(private_key, m, 32, "sealed envelope ephemeral v1");

    return crypto_scalarmult_base(public_key, private_key);
}


static int
recipient_mask(uint8_t out[32], const uint8_t private_key[32],
    const uint8_t peer[32], const uint8_t ephemeral[32],
    const uint8_t recipient[32])
{
    uint8_t  input[96];

    if (crypto_scalarmult(input, private_key, peer) != 0) {
        return -1;
    }

    memcpy(input + 32, ephemeral, 32);
    memcpy(input + 64, recipient, 32);

    hkdf(out, input, sizeof(input), "sealed envelope recipient v1");

    sodium_memzero(input, 32);

    return 0;
}


static int
sender_proof(uint8_t out[32], const uint8_t private_key[32],
    const uint8_t peer[32], const uint8_t ephemeral[32],
    const uint8_t body_digest[32], const uint8_t first[32],
    const uint8_t sender[32], const uint8_t recipient[32])
{
    uint8_t  input[192];

    if (crypto_scalarmult(input, private_key, peer) != 0) {
        return -1;
    }

    memcpy(input + 32, ephemeral, 32);
    memcpy(input + 64, body_digest, 32);
    memcpy(input + 96, first, 32);
    memcpy(input + 128, sender, 32);
    memcpy(input + 160, recipient, 32);

    hkdf(out, input, sizeof(input), "sealed envelope sender v1");

    sodium_memzero(input, 32);

    return 0;
}


static void
hkdf(uint8_t out[32], const void *key, size_t size, const char *info)
{
    sealed_hkdf(out, key, size, info, strlen(info), NULL, 0);
}
