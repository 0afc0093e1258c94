
/*
 * Sender certificates.
 *
 * A certificate proves "an account in good standing, of this class, until
 * then" and names nobody.  Certificate and secret together give the client
 * and the gateway a request key that never travels.
 *
 * Signed certificate (kind 0x01), 122 octets:
 *
 *   0x01 || class u8 || not_before u64 || not_after u64
 *        || authority key id[8] || subject X25519 key[32] || signature[64]
 *
 * The signature is Ed25519 (RFC 8032) over "sealed-sender certificate v1",
 * a zero octet and all preceding octets; the authority's key id is the first
 * 8 octets of SHA-256(authority key).
 *
 * Blind certificate (kind 0x02), 38 octets:
 *
 *   0x02 || class u8 || epoch u32 || serial[32]
 *
 * The serial is a fresh X25519 public key and the input of a POPRF (RFC 9497)
 * under the issuer key, with the public input
 *
 *   info = "sealed-sender v1" || class u8 || epoch u32
 *
 * so that the issuer decides class and epoch and never sees the serial.  It
 * is valid in its epoch (unix time / epoch_seconds) and for the overlap after
 * it.
 *
 * id = first 16 octets of SHA-256("sealed-sender certificate id v1" ||
 *      certificate without its signature)
 * secret = X25519(subject, exchange) of a signed one,
 *          POPRF output || X25519(serial, exchange) of a blind one
 * request key = HKDF(secret, "sealed-sender request key v1" || certificate)
 */

#ifndef SEALED_CERTIFICATE_H
#define SEALED_CERTIFICATE_H


#include "poprf.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_CERTIFICATE_SIGNED = 1,
    SEALED_CERTIFICATE_BLIND  = 2,

    SEALED_BLIND_INFO_SIZE    = 21
};


/* what a deployment decides */

typedef struct {
    uint64_t                      max_lifetime;     /* of signed ones */
    uint64_t                      epoch_seconds;    /* not 0 */
    uint64_t                      epoch_overlap;
} sealed_certificate_rules_t;


typedef struct {
    sealed_bytes_t                encoded;      /* points into the input */
    unsigned                      kind;
    unsigned                      class;
    uint32_t                      epoch;        /* of a blind one */
    uint64_t                      not_before;
    uint64_t                      not_after;
    const uint8_t                *authority;    /* 8 octets; blind: NULL */
    const uint8_t                *subject;      /* 32 octets; the serial */
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
} sealed_certificate_t;


/*
 * Layout and id, no curve arithmetic; the input must outlive the result.
 * not_before < not_after holds afterwards, and of a signed one not_after -
 * not_before <= max_lifetime.  0 or -1.
 */
int sealed_certificate_parse(sealed_certificate_t *certificate,
    sealed_bytes_t encoded, const sealed_certificate_rules_t *rules);

/* whether now lies within [not_before, not_after) */
int sealed_certificate_current(const sealed_certificate_t *certificate,
    uint64_t now);

/* strict Ed25519 under the authority's public key; 0 or -1 */
int sealed_certificate_verify(const sealed_certificate_t *certificate,
    const uint8_t authority_public[32]);

/*
 * One X25519.  The gateway passes its exchange private key and the
 * certificate's subject, the client the subject's private key and the
 * exchange public key; poprf is the output of 64 octets of a blind
 * certificate, not looked at otherwise.  -1 on an all-zero result.
 */
int sealed_certificate_request_key(uint8_t out[32],
    const sealed_certificate_t *certificate, const uint8_t *poprf,
    const uint8_t private_key[32], const uint8_t public_key[32]);

/* the POPRF of a blind certificate, by the issuer; 0 or -1 */
int sealed_certificate_evaluate(uint8_t poprf[SEALED_POPRF_OUTPUT],
    const sealed_certificate_t *certificate,
    const uint8_t issuer_private[32]);

/* what the issuer signs of a blind certificate, and the certificate itself */
void sealed_blind_info(uint8_t out[SEALED_BLIND_INFO_SIZE], unsigned class,
    uint32_t epoch);
void sealed_blind_certificate(uint8_t out[SEALED_BLIND_CERTIFICATE_SIZE],
    unsigned class, uint32_t epoch, const uint8_t serial[32]);

/* as it stands in the certificates of this authority */
void sealed_authority_id(uint8_t out[SEALED_AUTHORITY_ID_SIZE],
    const uint8_t authority_public[32]);

/* for authorities; secret is libsodium's 64-octet Ed25519 secret key */
int sealed_certificate_sign(uint8_t out[SEALED_SIGNED_CERTIFICATE_SIZE],
    unsigned class, uint64_t not_before, uint64_t not_after,
    const uint8_t subject_public[32], const uint8_t authority_secret[64]);


#pragma GCC visibility pop


#endif /* SEALED_CERTIFICATE_H */
