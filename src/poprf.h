
/*
 * Oblivious pseudorandom functions, RFC 9497, with ristretto255 and SHA-512:
 * OPRF, VOPRF and POPRF.  The gateway issues blind certificates with POPRF,
 * whose public input (info) it decides itself; the other two modes are the
 * same code.
 *
 * The one with the private key never sees the input: an element that it
 * evaluates is uniformly random whatever the input is.  The proof shows that
 * it used the key that everybody knows.
 *
 * Inputs and infos are at most 65,535 octets.  Elements come one after the
 * other, 32 octets each.  Nothing allocates.
 */

#ifndef SEALED_POPRF_H
#define SEALED_POPRF_H


#include "dleq.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_POPRF_ELEMENT    = 32,
    SEALED_POPRF_OUTPUT     = 64,
    SEALED_POPRF_PROOF      = SEALED_DLEQ_SIZE,
    SEALED_POPRF_INPUT_MAX  = 65535
};


/* a private key, in POPRF for one info; to be wiped after use */

typedef struct {
    sealed_oprf_mode_t            mode;
    uint8_t                       multiplier[32];   /* k; POPRF: 1 / t */
    uint8_t                       proved[32];       /* k; POPRF: t */
} sealed_poprf_key_t;


/*
 * Section 3.2.1, DeriveKeyPair, with an info of at most 256 octets; 0, or -1
 * (DeriveKeyPairError, a longer info).
 */
int sealed_poprf_derive_key_pair(uint8_t private_key[32],
    uint8_t public_key[32], const uint8_t seed[32], const void *info,
    size_t info_size, sealed_oprf_mode_t mode);


/* the holder of the key */

/*
 * info matters in POPRF only.  -1: a private key that is zero or not
 * canonical, or an info for which there is none (InverseError), which can
 * only be found by who knows the key.
 */
int sealed_poprf_key(sealed_poprf_key_t *key, const uint8_t private_key[32],
    sealed_bytes_t info, sealed_oprf_mode_t mode);
void sealed_poprf_key_wipe(sealed_poprf_key_t *key);

/* -1: not elements, or the identity among them */
int sealed_poprf_blind_evaluate(uint8_t *evaluated,
    const sealed_poprf_key_t *key, const uint8_t *blinded, size_t count);

/*
 * One proof for all of them; nonce is a fresh uniform scalar
 * (crypto_core_ristretto255_scalar_random), never used twice.  0 or -1.
 */
int sealed_poprf_prove(uint8_t proof[SEALED_POPRF_PROOF],
    const sealed_poprf_key_t *key, const uint8_t *blinded,
    const uint8_t *evaluated, size_t count, const uint8_t nonce[32]);

/* the function itself; 0 or -1 */
int sealed_poprf_evaluate(uint8_t output[SEALED_POPRF_OUTPUT],
    const sealed_poprf_key_t *key, sealed_bytes_t input,
    sealed_bytes_t info);


/* the one with the input */

/* blind is a fresh uniform scalar; 0 or -1 */
int sealed_poprf_blind(uint8_t blinded[32], sealed_bytes_t input,
    const uint8_t blind[32], sealed_oprf_mode_t mode);

/* POPRF: the public key that an answer for this info is proved under */
int sealed_poprf_tweaked_key(uint8_t tweaked[32],
    const uint8_t public_key[32], sealed_bytes_t info);

/* public_key is the tweaked one in POPRF; 0, or -1: believe nothing of it */
int sealed_poprf_verify(const uint8_t proof[SEALED_POPRF_PROOF],
    const uint8_t public_key[32], const uint8_t *blinded,
    const uint8_t *evaluated, size_t count, sealed_oprf_mode_t mode);

/* after the proof held; 0 or -1 */
int sealed_poprf_finalize(uint8_t output[SEALED_POPRF_OUTPUT],
    sealed_bytes_t input, sealed_bytes_t info, const uint8_t blind[32],
    const uint8_t evaluated[32], sealed_oprf_mode_t mode);


#pragma GCC visibility pop


#endif /* SEALED_POPRF_H */
