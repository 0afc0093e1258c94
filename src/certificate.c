
#include "certificate.h"
#include "hash.h"

#include <string.h>
#include <sodium.h>


enum {
    AT_CLASS      = 1,
    AT_NOT_BEFORE = 2,
    AT_NOT_AFTER  = 10,
    AT_AUTHORITY  = 18,
    AT_SUBJECT    = 26,
    AT_SIGNATURE  = 58
};


/* the terminating zero of the label is the zero octet that is signed */

static const char  signed_label[] = "sealed-sender certificate v1";
static const char  id_label[] = "sealed-sender certificate id v1";
static const char  key_label[] = "sealed-sender request key v1";


static uint64_t read_u64(const uint8_t *p);
static void write_u64(uint8_t *p, uint64_t value);
static void signed_message(uint8_t *message, const uint8_t *certificate);


enum {
    MESSAGE_SIZE = sizeof(signed_label) + AT_SIGNATURE
};


int
sealed_certificate_parse(sealed_certificate_t *certificate,
    sealed_bytes_t encoded, uint64_t max_lifetime)
{
    uint8_t          digest[32];
    const uint8_t   *p = encoded.data;
    sealed_sha256_t  ctx;

    if (encoded.size != SEALED_SIGNED_CERTIFICATE_SIZE
        || p[0] != SEALED_CERTIFICATE_SIGNED)
    {
        return -1;
    }

    certificate->encoded = encoded;
    certificate->kind = p[0];
    certificate->class = p[AT_CLASS];
    certificate->not_before = read_u64(p + AT_NOT_BEFORE);
    certificate->not_after = read_u64(p + AT_NOT_AFTER);
    certificate->authority = p + AT_AUTHORITY;
    certificate->subject = p + AT_SUBJECT;

    if (certificate->not_before >= certificate->not_after
        || certificate->not_after - certificate->not_before > max_lifetime)
    {
        return -1;
    }

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, id_label, sizeof(id_label) - 1);
    sealed_sha256_update(&ctx, p, AT_SIGNATURE);
    sealed_sha256_final(&ctx, digest);

    memcpy(certificate->id, digest, SEALED_CERTIFICATE_ID_SIZE);

    return 0;
}


int
sealed_certificate_current(const sealed_certificate_t *certificate,
    uint64_t now)
{
    return certificate->not_before <= now && now < certificate->not_after;
}


int
sealed_certificate_verify(const sealed_certificate_t *certificate,
    const uint8_t authority_public[32])
{
    uint8_t  message[MESSAGE_SIZE];

    signed_message(message, certificate->encoded.data);

    return crypto_sign_verify_detached(
               certificate->encoded.data + AT_SIGNATURE, message,
               sizeof(message), authority_public);
}


int
sealed_certificate_request_key(uint8_t out[32],
    const sealed_certificate_t *certificate, const uint8_t private_key[32],
    const uint8_t public_key[32])
{
    uint8_t  secret[32];

    if (crypto_scalarmult(secret, private_key, public_key) != 0) {
        return -1;
    }

    sealed_hkdf(out, secret, sizeof(secret), key_label,
                sizeof(key_label) - 1, certificate->encoded.data,
                certificate->encoded.size);

    sodium_memzero(secret, sizeof(secret));

    return 0;
}


void
sealed_authority_id(uint8_t out[SEALED_AUTHORITY_ID_SIZE],
    const uint8_t authority_public[32])
{
    uint8_t  digest[32];

    sealed_sha256(digest, authority_public, 32);
    memcpy(out, digest, SEALED_AUTHORITY_ID_SIZE);
}


int
sealed_certificate_sign(uint8_t out[SEALED_SIGNED_CERTIFICATE_SIZE],
    unsigned class, uint64_t not_before, uint64_t not_after,
    const uint8_t subject_public[32], const uint8_t authority_secret[64])
{
    uint8_t  message[MESSAGE_SIZE], authority_public[32];

    if (class > UINT8_MAX || not_before >= not_after) {
        return -1;
    }

    if (crypto_sign_ed25519_sk_to_pk(authority_public, authority_secret)
        != 0)
    {
        return -1;
    }

    out[0] = SEALED_CERTIFICATE_SIGNED;
    out[AT_CLASS] = (uint8_t) class;
    write_u64(out + AT_NOT_BEFORE, not_before);
    write_u64(out + AT_NOT_AFTER, not_after);
    sealed_authority_id(out + AT_AUTHORITY, authority_public);
    memcpy(out + AT_SUBJECT, subject_public, 32);

    signed_message(message, out);

    return crypto_sign_detached(out + AT_SIGNATURE, NULL, message,
                                sizeof(message), authority_secret);
}


static void
signed_message(uint8_t *message, const uint8_t *certificate)
{
    memcpy(message, signed_label, sizeof(signed_label));
    memcpy(message + sizeof(signed_label), certificate, AT_SIGNATURE);
}


static uint64_t
read_u64(const uint8_t *p)
{
    unsigned  i;
    uint64_t  value;

    value = 0;

    for (i = 0; i < 8; i++) {
        value = (value << 8) | p[i];
    }

    return value;
}


static void
write_u64(uint8_t *p, uint64_t value)
{
    unsigned  i;

    for (i = 0; i < 8; i++) {
        p[i] = (uint8_t) (value >> (56 - 8 * i));
    }
}
