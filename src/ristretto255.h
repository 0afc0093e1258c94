
/*
 * The suite ristretto255-SHA512 of RFC 9497, section 4.1, on libsodium:
 * strict decoding and hashing to scalars and to the group (RFC 9380).
 *
 * Elements and scalars are 32 octets.  Everything here takes the same time
 * for any value of its secrets; what is not canonical is refused at once,
 * since whoever sent it knows it.
 */

#ifndef SEALED_RISTRETTO255_H
#define SEALED_RISTRETTO255_H


#include "sealed.h"

#include <sodium.h>


#pragma GCC visibility push(hidden)


/* the protocol's variants, RFC 9497, section 3.1 */

typedef enum {
    SEALED_MODE_OPRF = 0,
    SEALED_MODE_VOPRF = 1,
    SEALED_MODE_POPRF = 2
} sealed_oprf_mode_t;


/*
 * A message on its way to a scalar or an element: expand_message_xmd with
 * SHA-512 and one block of output, RFC 9380, section 5.3.1.
 */

typedef struct {
    crypto_hash_sha512_state      sha512;
} sealed_ristretto255_hash_t;


void sealed_ristretto255_hash_init(sealed_ristretto255_hash_t *hash);
void sealed_ristretto255_hash_update(sealed_ristretto255_hash_t *hash,
    const void *data, size_t size);

/* a length of two octets in front; size below 2^16 */
void sealed_ristretto255_hash_string(sealed_ristretto255_hash_t *hash,
    const void *data, size_t size);

/*
 * Ends the message and wipes its state.  label is what stands in front of
 * the context string: "HashToScalar-", "HashToGroup-", "DeriveKeyPair".
 */
void sealed_ristretto255_hash_to_scalar(uint8_t scalar[32],
    sealed_ristretto255_hash_t *hash, const char *label,
    sealed_oprf_mode_t mode);
void sealed_ristretto255_hash_to_group(uint8_t element[32],
    sealed_ristretto255_hash_t *hash, const char *label,
    sealed_oprf_mode_t mode);

/* "OPRFV1-" || mode || "-ristretto255-SHA512" */
#define SEALED_RISTRETTO255_CONTEXT_SIZE  28

void sealed_ristretto255_context(
    uint8_t out[SEALED_RISTRETTO255_CONTEXT_SIZE], sealed_oprf_mode_t mode);

/* canonical and not the identity; 0 or -1 */
int sealed_ristretto255_element(const uint8_t element[32]);

/* canonical, below the order; zero is one.  0 or -1 */
int sealed_ristretto255_scalar(const uint8_t scalar[32]);

/* out = scalar * base (G when NULL) + other * element; 0 or -1 */
int sealed_ristretto255_combine(uint8_t out[32], const uint8_t scalar[32],
    const uint8_t base[32], const uint8_t other[32],
    const uint8_t element[32]);


#pragma GCC visibility pop


#endif /* SEALED_RISTRETTO255_H */
