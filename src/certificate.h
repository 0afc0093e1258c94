
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
 * id = first 16 octets of SHA-256("sealed-sender certificate id v1" ||
 *      certificate without its signature)
 * request key = HKDF(X25519(subject, exchange),
 *                    "sealed-sender request key v1" || certificate)
 */

#ifndef SEALED_CERTIFICATE_H
#define SEALED_CERTIFICATE_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_CERTIFICATE_SIGNED = 1
};


typedef struct {
    sealed_bytes_t                encoded;      /* points into the input */
    unsigned                      kind;
    unsigned                      class;
    uint64_t                      not_before;
    uint64_t                      not_after;
    const uint8_t                *authority;    /* 8 octets */
    const uint8_t                *subject;      /* 32 octets */
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
} sealed_certificate_t;


/*
 * Layout and id, no curve arithmetic; the input must outlive the result.
 * not_before < not_after and not_after - not_before <= max_lifetime hold
 * afterwards.  0 or -1.
 */
int sealed_certificate_parse(sealed_certificate_t *certificate,
    sealed_bytes_t encoded, uint64_t max_lifetime);

/* whether now lies within [not_before, not_after) */
int sealed_certificate_current(const sealed_certificate_t *certificate,
    uint64_t now);

/* strict Ed25519 under the authority's public key; 0 or -1 */
int sealed_certificate_verify(const sealed_certificate_t *certificate,
    const uint8_t authority_public[32]);

/*
 * One X25519.  The gateway passes its exchange private key and the
 * certificate's subject, the client the subject's private key and the
 * exchange public key.  -1 on an all-zero result.
 */
int sealed_certificate_request_key(uint8_t out[32],
    const sealed_certificate_t *certificate, const uint8_t private_key[32],
    const uint8_t public_key[32]);

void sealed_authority_id(uint8_t out[SEALED_AUTHORITY_ID_SIZE],
    const uint8_t authority_public[32]);

/* for authorities; secret is libsodium's 64-octet Ed25519 secret key */
int sealed_certificate_sign(uint8_t out[SEALED_SIGNED_CERTIFICATE_SIZE],
    unsigned class, uint64_t not_before, uint64_t not_after,
    const uint8_t subject_public[32], const uint8_t authority_secret[64]);


#pragma GCC visibility pop


#endif /* SEALED_CERTIFICATE_H */
