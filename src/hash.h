
/*
 * SHA-256 (FIPS 180-4), HMAC-SHA-256 (RFC 2104) and HKDF-SHA-256 (RFC 5869).
 *
 * Built on OpenSSL's libcrypto where SEALED_HAVE_LIBCRYPTO is defined (it
 * uses the processor's SHA instructions), on libsodium otherwise.  Contexts
 * are owned by the caller and hold no pointers; nothing allocates.
 */

#ifndef SEALED_HASH_H
#define SEALED_HASH_H


#include "sealed.h"

#if (SEALED_HAVE_LIBCRYPTO)
#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <openssl/sha.h>
#else
#include <sodium.h>
#endif


#pragma GCC visibility push(hidden)


#if (SEALED_HAVE_LIBCRYPTO)
typedef SHA256_CTX                     sealed_sha256_t;
#else
typedef crypto_hash_sha256_state       sealed_sha256_t;
#endif


typedef struct {
    sealed_sha256_t               inner;
    sealed_sha256_t               outer;
} sealed_hmac_t;


void sealed_sha256_init(sealed_sha256_t *ctx);
void sealed_sha256_update(sealed_sha256_t *ctx, const void *data, size_t size);
void sealed_sha256_final(sealed_sha256_t *ctx, uint8_t out[32]);

void sealed_sha256(uint8_t out[32], const void *data, size_t size);

/* a key of any size; hashed first when longer than 64 octets */
void sealed_hmac_init(sealed_hmac_t *ctx, const void *key, size_t size);
void sealed_hmac_update(sealed_hmac_t *ctx, const void *data, size_t size);
void sealed_hmac_final(sealed_hmac_t *ctx, uint8_t out[32]);

/*
 * HKDF with an empty salt and 32 octets of output:
 * HMAC(HMAC(32 zero octets, key), info || 0x01).  The info comes in up to
 * two parts, either of which may be empty.
 */
void sealed_hkdf(uint8_t out[32], const void *key, size_t key_size,
    const void *info, size_t info_size, const void *more, size_t more_size);


#pragma GCC visibility pop


#endif /* SEALED_HASH_H */
