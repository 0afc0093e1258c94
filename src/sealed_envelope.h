
/*
 * Sealed envelope v1: what a client puts inside.  The gateway never looks.
 *
 * m 32 random octets; K = HKDF(m, "sealed envelope key v1");
 * e = HKDF(m, "sealed envelope ephemeral v1") as an X25519 private key, E its
 * public key.
 *
 * body = 0x01 || E || XChaCha20-Poly1305(K, nonce of 24 zero octets, AD = E,
 *        plaintext)
 * plaintext = CBOR [identity certificate, kf or null, message] || 0x80 ||
 *        zeros, so that the body has one of the gateway's sizes; the
 *        certificate is the array that identity.h describes, not a string.
 *
 * header for R, 48 octets:
 *   first = m XOR HKDF(DH(e, R) || E || R, "sealed envelope recipient v1")
 *   second = first 16 octets of HKDF(DH(S, R) || E || SHA-256(body) || first
 *            || S || R, "sealed envelope sender v1")
 */

#ifndef SEALED_SEALED_ENVELOPE_H
#define SEALED_SEALED_ENVELOPE_H


#include "identity.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_ENVELOPE_HEADER_SIZE     = 48,
    /* body without plaintext: version, E, authentication tag */
    SEALED_ENVELOPE_OVERHEAD        = 1 + 32 + 16
};


/*
 * The smallest body for a message, before rounding up to a gateway's size;
 * identity_size is that of the encoded identity certificate.
 */
size_t sealed_envelope_min_size(size_t identity_size, unsigned with_kf,
    size_t message_size);

/*
 * Fills body, which has one of the gateway's sizes, from m.  kf is NULL or
 * 32 octets.  0, or -1 when the message does not fit.
 */
int sealed_envelope_seal(uint8_t *body, size_t body_size,
    const uint8_t m[32], sealed_bytes_t identity, const uint8_t *kf,
    sealed_bytes_t message);

/* the header for one recipient; 0 or -1 (a key with a zero result) */
int sealed_envelope_header(uint8_t out[SEALED_ENVELOPE_HEADER_SIZE],
    const uint8_t m[32], const uint8_t body_digest[32],
    const uint8_t sender_private[32], const uint8_t sender_public[32],
    const uint8_t recipient_public[32]);


typedef struct {
    sealed_identity_t             identity;
    sealed_bytes_t                kf;           /* data NULL: none */
    sealed_bytes_t                message;
    uint8_t                       ephemeral[32];    /* E, for duplicates */
} sealed_envelope_t;


/*
 * Decrypts into plaintext, which holds at least body.size octets and is what
 * the members point into.  The sender's proof is checked against the
 * identity certificate's key; the certificate itself is left to
 * sealed_identity_verify().  0, or -1 with nothing said about why.
 */
int sealed_envelope_open(sealed_envelope_t *envelope, uint8_t *plaintext,
    sealed_bytes_t header, sealed_bytes_t body,
    const uint8_t recipient_private[32], const uint8_t recipient_public[32]);


#pragma GCC visibility pop


#endif /* SEALED_SEALED_ENVELOPE_H */
