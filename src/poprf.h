
/*
 * POPRF(ristretto255, SHA-512), RFC 9497 in mode 0x02, on libsodium.
 *
 * Only the issuer's key pair is here so far: discovery shows it.
 */

#ifndef SEALED_POPRF_H
#define SEALED_POPRF_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/*
 * RFC 9497, section 3.2.1, DeriveKeyPair, with an info of at most 256 octets;
 * 0, or -1 (DeriveKeyPairError, a longer info).
 */
int sealed_poprf_derive_key_pair(uint8_t private_key[32],
    uint8_t public_key[32], const uint8_t seed[32], const void *info,
    size_t info_size);


#pragma GCC visibility pop


#endif /* SEALED_POPRF_H */
