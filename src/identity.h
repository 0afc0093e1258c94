
/*
 * Identity certificates: who a sender is, for the recipient's eyes only.
 * The gateway never sees one.
 *
 * CBOR [name, X25519 key, not_after, signature], Ed25519 by the identity
 * authority over "sealed-sender identity v1", a zero octet and
 * CBOR [name, key, not_after].
 */

#ifndef SEALED_IDENTITY_H
#define SEALED_IDENTITY_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_NAME_MAX      255
#define SEALED_IDENTITY_MAX  (1 + 2 + SEALED_NAME_MAX + 34 + 9 + 66)


typedef struct {
    sealed_bytes_t                name;         /* UTF-8, 1 to 255 octets */
    const uint8_t                *key;          /* X25519, 32 octets */
    uint64_t                      not_after;
    const uint8_t                *signature;    /* 64 octets */
} sealed_identity_t;


/* layout only; the members point into the input; 0 or -1 */
int sealed_identity_parse(sealed_identity_t *identity, sealed_bytes_t encoded);

/* signature and not_after; 0 or -1 */
int sealed_identity_verify(const sealed_identity_t *identity,
    const uint8_t authority_public[32], uint64_t now);

/* returns the size, 0 when the name is too long or empty */
size_t sealed_identity_sign(uint8_t out[SEALED_IDENTITY_MAX],
    sealed_bytes_t name, const uint8_t key[32], uint64_t not_after,
    const uint8_t authority_secret[64]);


#pragma GCC visibility pop


#endif /* SEALED_IDENTITY_H */
