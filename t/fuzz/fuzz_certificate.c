
/*
 * Certificates: as hostile octets, and as an authority would sign the same
 * values.
 */

#include "fuzz.h"
#include "certificate.h"


#define AUTHORITY_SEED                                                       \
    "a40bcb99f08698d8375ce32fc79589212d9757d676ee9bce66a1d0253c4bbbc2"
#define EXCHANGE_PRIVATE                                                     \
    "da66d61b035fdd918eca66a1915f2bbf12f3c605e3799549c545b1cbcb94c78b"

#define LIFETIME  604800
#define EPOCH     86400
#define OVERLAP   3600


static int parse(sealed_certificate_t *certificate, sealed_bytes_t encoded,
    uint64_t max_lifetime);
static void check_parsed(const sealed_certificate_t *certificate,
    const uint8_t *data, size_t size);
static void check_blind(const sealed_certificate_t *certificate);
static void check_signed(const sealed_certificate_t *certificate,
    const uint8_t authority_public[32], const uint8_t authority_secret[64]);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t               seed[32], authority_public[32];
    uint8_t               authority_secret[64];
    sealed_bytes_t        encoded;
    sealed_certificate_t  certificate;

    unhex(seed, sizeof(seed), AUTHORITY_SEED);
    crypto_sign_seed_keypair(authority_public, authority_secret, seed);

    encoded.data = data;
    encoded.size = size;

    if (parse(&certificate, encoded, LIFETIME) == 0
        && certificate.kind == SEALED_CERTIFICATE_SIGNED)
    {
        CHECK(certificate.not_after - certificate.not_before <= LIFETIME);
        CHECK(parse(&certificate, encoded, certificate.not_after
                                           - certificate.not_before) == 0);
        CHECK(parse(&certificate, encoded, certificate.not_after
                                           - certificate.not_before - 1)
              != 0);
    }

    if (parse(&certificate, encoded, UINT64_MAX) == 0) {
        check_parsed(&certificate, data, size);

        if (certificate.kind == SEALED_CERTIFICATE_SIGNED) {
            check_signed(&certificate, authority_public, authority_secret);

        } else {
            check_blind(&certificate);
        }
    }

    return 0;
}


static int
parse(sealed_certificate_t *certificate, sealed_bytes_t encoded,
    uint64_t max_lifetime)
{
    sealed_certificate_rules_t  rules;

    rules.max_lifetime = max_lifetime;
    rules.epoch_seconds = EPOCH;
    rules.epoch_overlap = OVERLAP;

    return sealed_certificate_parse(certificate, encoded, &rules);
}


static void
check_parsed(const sealed_certificate_t *certificate, const uint8_t *data,
    size_t size)
{
    size_t                    named;
    uint8_t                   exchange[32], digest[32], key[32], other[32];
    uint8_t                   poprf[SEALED_POPRF_OUTPUT] = { 1 };
    crypto_hash_sha256_state  ctx;

    CHECK(certificate->encoded.data == data);
    CHECK(certificate->encoded.size == size);
    CHECK(certificate->kind == data[0]);
    CHECK(certificate->class == data[1]);

    if (certificate->kind == SEALED_CERTIFICATE_SIGNED) {
        CHECK(size == SEALED_SIGNED_CERTIFICATE_SIZE);
        CHECK(inside(certificate->authority, 8, data, size));
        named = size - 64;

    } else {
        CHECK(certificate->kind == SEALED_CERTIFICATE_BLIND);
        CHECK(size == SEALED_BLIND_CERTIFICATE_SIZE);
        CHECK(certificate->authority == NULL);
        named = size;
    }

    CHECK(inside(certificate->subject, 32, data, size));

    CHECK(certificate->not_before < certificate->not_after);
    CHECK(sealed_certificate_current(certificate, certificate->not_before));
    CHECK(sealed_certificate_current(certificate,
                                     certificate->not_after - 1));
    CHECK(!sealed_certificate_current(certificate, certificate->not_after));
    CHECK(certificate->not_before == 0
          || !sealed_certificate_current(certificate,
                                         certificate->not_before - 1));

    crypto_hash_sha256_init(&ctx);
    crypto_hash_sha256_update(&ctx, (const uint8_t *)
                              "sealed-sender certificate id v1", 31);
    crypto_hash_sha256_update(&ctx, data, named);
    crypto_hash_sha256_final(&ctx, digest);
    CHECK(memcmp(certificate->id, digest, sizeof(certificate->id)) == 0);

    unhex(exchange, sizeof(exchange), EXCHANGE_PRIVATE);
    CHECK((sealed_certificate_request_key(key, certificate, poprf, exchange,
                                          certificate->subject) == 0)
          == (crypto_scalarmult(other, exchange, certificate->subject) == 0));
}


/*
 * Epochs follow one another, the whole fits into 64 bits.  What the issuer
 * makes of the serial by itself is what the client gets of it blinded.
 */

static void
check_blind(const sealed_certificate_t *certificate)
{
    uint8_t             made[SEALED_BLIND_CERTIFICATE_SIZE];
    uint8_t             info[SEALED_BLIND_INFO_SIZE];
    uint8_t             poprf[2][SEALED_POPRF_OUTPUT], element[2][32];
    sealed_bytes_t      input, text;
    sealed_poprf_key_t  key;

    static const uint8_t  issuer[32] = { 3 }, blind[32] = { 7 };

    CHECK(certificate->not_before == (uint64_t) certificate->epoch * EPOCH);
    CHECK(certificate->not_after == certificate->not_before + EPOCH
                                    + OVERLAP);

    sealed_blind_certificate(made, certificate->class, certificate->epoch,
                             certificate->subject);
    CHECK(memcmp(made, certificate->encoded.data, sizeof(made)) == 0);

    sealed_blind_info(info, certificate->class, certificate->epoch);
    text.data = info;
    text.size = sizeof(info);
    input.data = certificate->subject;
    input.size = 32;

    CHECK(sealed_certificate_evaluate(poprf[0], certificate, issuer) == 0);

    CHECK(sealed_poprf_blind(element[0], input, blind, SEALED_MODE_POPRF)
          == 0);
    CHECK(sealed_poprf_key(&key, issuer, text, SEALED_MODE_POPRF) == 0);
    CHECK(sealed_poprf_blind_evaluate(element[1], &key, element[0], 1) == 0);
    CHECK(sealed_poprf_finalize(poprf[1], input, text, blind, element[1],
                                SEALED_MODE_POPRF)
          == 0);
    CHECK(memcmp(poprf[0], poprf[1], sizeof(poprf[0])) == 0);
}


/* the same values signed: they come back, and no bit of them can change */

static void
check_signed(const sealed_certificate_t *certificate,
    const uint8_t authority_public[32], const uint8_t authority_secret[64])
{
    size_t                at;
    uint8_t               out[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_bytes_t        encoded;
    sealed_certificate_t  again;

    CHECK(sealed_certificate_sign(out, certificate->class,
                                  certificate->not_after,
                                  certificate->not_before,
                                  certificate->subject, authority_secret)
          != 0);

    CHECK(sealed_certificate_sign(out, certificate->class,
                                  certificate->not_before,
                                  certificate->not_after,
                                  certificate->subject, authority_secret)
          == 0);

    encoded.data = out;
    encoded.size = sizeof(out);

    CHECK(parse(&again, encoded, UINT64_MAX) == 0);
    CHECK(again.class == certificate->class);
    CHECK(again.not_before == certificate->not_before);
    CHECK(again.not_after == certificate->not_after);
    CHECK(memcmp(again.subject, certificate->subject, 32) == 0);
    CHECK(sealed_certificate_verify(&again, authority_public) == 0);

    /* Ed25519 is deterministic: only this text is signed by this key */

    if (sealed_certificate_verify(certificate, authority_public) == 0) {
        CHECK(memcmp(certificate->encoded.data, out, 18) == 0);
        CHECK(memcmp(certificate->subject, again.subject, 32) == 0);
    }

    at = certificate->id[0] % sizeof(out);
    out[at] ^= (uint8_t) (1u << (certificate->id[1] % 8));

    if (parse(&again, encoded, UINT64_MAX) == 0) {
        CHECK(sealed_certificate_verify(&again, authority_public) != 0);
    }
}
