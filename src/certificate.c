
#include "certificate.h"
#include "hash.h"
#include "octets.h"

#include <string.h>
#include <sodium.h>


enum {
    AT_CLASS      = 1,
    AT_NOT_BEFORE = 2,
    AT_NOT_AFTER  = 10,
    AT_AUTHORITY  = 18,
    AT_SUBJECT    = 26,
    AT_SIGNATURE  = 58,

    AT_EPOCH      = 2,
    AT_SERIAL     = 6
};


/* the terminating zero of the label is the zero octet that is signed */

static const char  signed_label[] = "sealed-sender certificate v1";
static const char  id_label[] = "sealed-sender certificate id v1";
static const char  key_label[] = "sealed-sender request key v1";
static const char  info_label[] = "sealed-sender v1";


static int parse_signed(sealed_certificate_t *certificate,
    const sealed_certificate_rules_t *rules);
static int parse_blind(sealed_certificate_t *certificate,
    const sealed_certificate_rules_t *rules);
static void signed_message(uint8_t *message, const uint8_t *certificate);


enum {
    MESSAGE_SIZE = sizeof(signed_label) + AT_SIGNATURE
};


int
sealed_certificate_parse(sealed_certificate_t *certificate,
    sealed_bytes_t encoded, const sealed_certificate_rules_t *rules)
{
    int              rc;
    size_t           size;
    uint8_t          digest[32];
    const uint8_t   *p = encoded.data;
    sealed_sha256_t  ctx;

    if (encoded.size == 0) {
        return -1;
    }

    certificate->encoded = encoded;
    certificate->kind = p[0];

    switch (certificate->kind) {

    case SEALED_CERTIFICATE_SIGNED:
        rc = parse_signed(certificate, rules);
        size = AT_SIGNATURE;
        break;

    case SEALED_CERTIFICATE_BLIND:
        rc = parse_blind(certificate, rules);
        size = SEALED_BLIND_CERTIFICATE_SIZE;
        break;

    default:
        return -1;
    }

    if (rc != 0) {
        return -1;
    }

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, id_label, sizeof(id_label) - 1);
    sealed_sha256_update(&ctx, p, size);
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
    const sealed_certificate_t *certificate, const uint8_t *poprf,
    const uint8_t private_key[32], const uint8_t public_key[32])
{
    size_t   size;
    uint8_t  secret[SEALED_POPRF_OUTPUT + 32];

    size = 0;

    if (certificate->kind == SEALED_CERTIFICATE_BLIND) {
        memcpy(secret, poprf, SEALED_POPRF_OUTPUT);
        size = SEALED_POPRF_OUTPUT;
    }

    if (crypto_scalarmult(secret + size, private_key, public_key) != 0) {
        sodium_memzero(secret, sizeof(secret));
        return -1;
    }

    sealed_hkdf(out, secret, size + 32, key_label, sizeof(key_label) - 1,
                certificate->encoded.data, certificate->encoded.size);

    sodium_memzero(secret, sizeof(secret));

    return 0;
}


int
sealed_certificate_evaluate(uint8_t poprf[SEALED_POPRF_OUTPUT],
    const sealed_certificate_t *certificate, const uint8_t issuer_private[32])
{
    int                 rc;
    uint8_t             text[SEALED_BLIND_INFO_SIZE];
    sealed_bytes_t      info, input;
    sealed_poprf_key_t  key;

    sealed_blind_info(text, certificate->class, certificate->epoch);

    info.data = text;
    info.size = sizeof(text);
    input.data = certificate->subject;
    input.size = 32;

    rc = sealed_poprf_key(&key, issuer_private, info, SEALED_MODE_POPRF);

    if (rc == 0) {
        rc = sealed_poprf_evaluate(poprf, &key, input, info);
    }

    sealed_poprf_key_wipe(&key);

    return rc;
}


void
sealed_blind_info(uint8_t out[SEALED_BLIND_INFO_SIZE], unsigned class,
    uint32_t epoch)
{
    memcpy(out, info_label, sizeof(info_label) - 1);
    out[sizeof(info_label) - 1] = (uint8_t) class;
    (void) sealed_put32(out + sizeof(info_label), epoch);
}


void
sealed_blind_certificate(uint8_t out[SEALED_BLIND_CERTIFICATE_SIZE],
    unsigned class, uint32_t epoch, const uint8_t serial[32])
{
    out[0] = SEALED_CERTIFICATE_BLIND;
    out[AT_CLASS] = (uint8_t) class;
    (void) sealed_put32(out + AT_EPOCH, epoch);
    memcpy(out + AT_SERIAL, serial, 32);
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
    (void) sealed_put64(out + AT_NOT_BEFORE, not_before);
    (void) sealed_put64(out + AT_NOT_AFTER, not_after);
    sealed_authority_id(out + AT_AUTHORITY, authority_public);
    memcpy(out + AT_SUBJECT, subject_public, 32);

    signed_message(message, out);

    return crypto_sign_detached(out + AT_SIGNATURE, NULL, message,
                                sizeof(message), authority_secret);
}


static int
parse_signed(sealed_certificate_t *certificate,
    const sealed_certificate_rules_t *rules)
{
    const uint8_t  *p = certificate->encoded.data;

    if (certificate->encoded.size != SEALED_SIGNED_CERTIFICATE_SIZE) {
        return -1;
    }

    certificate->class = p[AT_CLASS];
    certificate->epoch = 0;
    certificate->not_before = sealed_get64(p + AT_NOT_BEFORE);
    certificate->not_after = sealed_get64(p + AT_NOT_AFTER);
    certificate->authority = p + AT_AUTHORITY;
    certificate->subject = p + AT_SUBJECT;

    return certificate->not_before < certificate->not_after
           && certificate->not_after - certificate->not_before
              <= rules->max_lifetime ? 0 : -1;
}


static int
parse_blind(sealed_certificate_t *certificate,
    const sealed_certificate_rules_t *rules)
{
    const uint8_t  *p = certificate->encoded.data;

    if (certificate->encoded.size != SEALED_BLIND_CERTIFICATE_SIZE) {
        return -1;
    }

    certificate->class = p[AT_CLASS];
    certificate->epoch = sealed_get32(p + AT_EPOCH);
    certificate->not_before = certificate->epoch * rules->epoch_seconds;
    certificate->not_after = certificate->not_before + rules->epoch_seconds
                             + rules->epoch_overlap;
    certificate->authority = NULL;
    certificate->subject = p + AT_SERIAL;

    return 0;
}


static void
signed_message(uint8_t *message, const uint8_t *certificate)
{
    memcpy(message, signed_label, sizeof(signed_label));
    memcpy(message + sizeof(signed_label), certificate, AT_SIGNATURE);
}
