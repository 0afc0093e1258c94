
/*
 * Proofs that two or more pairs of elements share one discrete logarithm,
 * RFC 9497, section 2.2: with a public key B = k * G, that D[i] = k * C[i]
 * for all i, in one proof of 64 octets whatever their number.
 */

#ifndef SEALED_DLEQ_H
#define SEALED_DLEQ_H


#include "ristretto255.h"


#pragma GCC visibility push(hidden)


#define SEALED_DLEQ_SIZE  64        /* c || s */
#define SEALED_DLEQ_MAX   65535     /* pairs in one proof */


/*
 * c and d are count elements of 32 octets each, one after the other.  nonce
 * is a fresh uniform scalar, used for nothing else: whoever sees two proofs
 * with one nonce can compute the key.  0, or -1 on anything that is not an
 * element.
 */
int sealed_dleq_prove(uint8_t proof[SEALED_DLEQ_SIZE],
    const uint8_t private_key[32], const uint8_t public_key[32],
    const uint8_t *c, const uint8_t *d, size_t count,
    sealed_oprf_mode_t mode, const uint8_t nonce[32]);

/* 0, or -1: also on elements or scalars that are not canonical */
int sealed_dleq_verify(const uint8_t proof[SEALED_DLEQ_SIZE],
    const uint8_t public_key[32], const uint8_t *c, const uint8_t *d,
    size_t count, sealed_oprf_mode_t mode);


#pragma GCC visibility pop


#endif /* SEALED_DLEQ_H */
