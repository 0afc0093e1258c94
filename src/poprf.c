
#include "poprf.h"

#include <string.h>


static void info_scalar(uint8_t scalar[32], sealed_bytes_t info);
static int input_element(uint8_t element[32], sealed_bytes_t input,
    sealed_oprf_mode_t mode);
static void hash_output(uint8_t output[64], sealed_bytes_t input,
    sealed_bytes_t info, const uint8_t element[32], sealed_oprf_mode_t mode);
static void hash_string(crypto_hash_sha512_state *sha512, const void *data,
    size_t size);


int
sealed_poprf_derive_key_pair(uint8_t private_key[32], uint8_t public_key[32],
    const uint8_t seed[32], const void *info, size_t info_size,
    sealed_oprf_mode_t mode)
{
    uint8_t                     octet;
    unsigned                    counter;
    sealed_ristretto255_hash_t  hash;

    if (info_size > 256) {
        return -1;
    }

    for (counter = 0; counter <= UINT8_MAX; counter++) {
        octet = (uint8_t) counter;

        sealed_ristretto255_hash_init(&hash);
        sealed_ristretto255_hash_update(&hash, seed, 32);
        sealed_ristretto255_hash_string(&hash, info, info_size);
        sealed_ristretto255_hash_update(&hash, &octet, 1);
        sealed_ristretto255_hash_to_scalar(private_key, &hash,
                                           "DeriveKeyPair", mode);

        if (!sodium_is_zero(private_key, 32)) {
            return crypto_scalarmult_ristretto255_base(public_key,
                                                       private_key);
        }
    }

    return -1;
}


int
sealed_poprf_key(sealed_poprf_key_t *key, const uint8_t private_key[32],
    sealed_bytes_t info, sealed_oprf_mode_t mode)
{
    uint8_t  scalar[32];

    key->mode = mode;

    if (sealed_ristretto255_scalar(private_key) != 0
        || sodium_is_zero(private_key, 32)
        || info.size > SEALED_POPRF_INPUT_MAX)
    {
        return -1;
    }

    if (mode != SEALED_MODE_POPRF) {
        memcpy(key->multiplier, private_key, 32);
        memcpy(key->proved, private_key, 32);
        return 0;
    }

    info_scalar(scalar, info);
    crypto_core_ristretto255_scalar_add(key->proved, private_key, scalar);

    if (sodium_is_zero(key->proved, 32)) {
        return -1;
    }

    return crypto_core_ristretto255_scalar_invert(key->multiplier,
                                                  key->proved);
}


void
sealed_poprf_key_wipe(sealed_poprf_key_t *key)
{
    sodium_memzero(key, sizeof(sealed_poprf_key_t));
}


int
sealed_poprf_blind_evaluate(uint8_t *evaluated, const sealed_poprf_key_t *key,
    const uint8_t *blinded, size_t count)
{
    size_t  i;

    /* all of them are looked at before the key is used for any */

    for (i = 0; i < count; i++) {
        if (sealed_ristretto255_element(blinded + 32 * i) != 0) {
            return -1;
        }
    }

    for (i = 0; i < count; i++) {
        if (crypto_scalarmult_ristretto255(evaluated + 32 * i,
                                           key->multiplier, blinded + 32 * i)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


int
sealed_poprf_prove(uint8_t proof[SEALED_POPRF_PROOF],
    const sealed_poprf_key_t *key, const uint8_t *blinded,
    const uint8_t *evaluated, size_t count, const uint8_t nonce[32])
{
    uint8_t  public_key[32];

    if (crypto_scalarmult_ristretto255_base(public_key, key->proved) != 0) {
        return -1;
    }

    /* in POPRF blinded = t * evaluated, the other way around */

    return key->mode == SEALED_MODE_POPRF
           ? sealed_dleq_prove(proof, key->proved, public_key, evaluated,
                               blinded, count, key->mode, nonce)
           : sealed_dleq_prove(proof, key->proved, public_key, blinded,
                               evaluated, count, key->mode, nonce);
}


int
sealed_poprf_evaluate(uint8_t output[SEALED_POPRF_OUTPUT],
    const sealed_poprf_key_t *key, sealed_bytes_t input, sealed_bytes_t info)
{
    int      rc;
    uint8_t  element[32];

    rc = input_element(element, input, key->mode);

    if (rc == 0) {
        rc = crypto_scalarmult_ristretto255(element, key->multiplier,
                                            element);
    }

    if (rc == 0) {
        hash_output(output, input, info, element, key->mode);
    }

    sodium_memzero(element, sizeof(element));

    return rc;
}


int
sealed_poprf_blind(uint8_t blinded[32], sealed_bytes_t input,
    const uint8_t blind[32], sealed_oprf_mode_t mode)
{
    int      rc;
    uint8_t  element[32];

    rc = input_element(element, input, mode);

    if (rc == 0) {
        rc = crypto_scalarmult_ristretto255(blinded, blind, element);
    }

    sodium_memzero(element, sizeof(element));

    return rc;
}


int
sealed_poprf_tweaked_key(uint8_t tweaked[32], const uint8_t public_key[32],
    sealed_bytes_t info)
{
    uint8_t  scalar[32], element[32];

    if (info.size > SEALED_POPRF_INPUT_MAX
        || sealed_ristretto255_element(public_key) != 0)
    {
        return -1;
    }

    info_scalar(scalar, info);

    if (crypto_scalarmult_ristretto255_base(element, scalar) != 0
        || crypto_core_ristretto255_add(tweaked, element, public_key) != 0)
    {
        return -1;
    }

    return sodium_is_zero(tweaked, 32) ? -1 : 0;
}


int
sealed_poprf_verify(const uint8_t proof[SEALED_POPRF_PROOF],
    const uint8_t public_key[32], const uint8_t *blinded,
    const uint8_t *evaluated, size_t count, sealed_oprf_mode_t mode)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (sealed_ristretto255_element(evaluated + 32 * i) != 0) {
            return -1;
        }
    }

    return mode == SEALED_MODE_POPRF
           ? sealed_dleq_verify(proof, public_key, evaluated, blinded, count,
                                mode)
           : sealed_dleq_verify(proof, public_key, blinded, evaluated, count,
                                mode);
}


int
sealed_poprf_finalize(uint8_t output[SEALED_POPRF_OUTPUT],
    sealed_bytes_t input, sealed_bytes_t info, const uint8_t blind[32],
    const uint8_t evaluated[32], sealed_oprf_mode_t mode)
{
    int      rc;
    uint8_t  inverse[32], element[32];

    if (sealed_ristretto255_element(evaluated) != 0
        || input.size > SEALED_POPRF_INPUT_MAX
        || info.size > SEALED_POPRF_INPUT_MAX
        || crypto_core_ristretto255_scalar_invert(inverse, blind) != 0)
    {
        return -1;
    }

    rc = crypto_scalarmult_ristretto255(element, inverse, evaluated);

    if (rc == 0) {
        hash_output(output, input, info, element, mode);
    }

    sodium_memzero(inverse, sizeof(inverse));
    sodium_memzero(element, sizeof(element));

    return rc;
}


static void
info_scalar(uint8_t scalar[32], sealed_bytes_t info)
{
    sealed_ristretto255_hash_t  hash;

    sealed_ristretto255_hash_init(&hash);
    sealed_ristretto255_hash_update(&hash, "Info", 4);
    sealed_ristretto255_hash_string(&hash, info.data, info.size);
    sealed_ristretto255_hash_to_scalar(scalar, &hash, "HashToScalar-",
                                       SEALED_MODE_POPRF);
}


static int
input_element(uint8_t element[32], sealed_bytes_t input,
    sealed_oprf_mode_t mode)
{
    sealed_ristretto255_hash_t  hash;

    if (input.size > SEALED_POPRF_INPUT_MAX) {
        return -1;
    }

    sealed_ristretto255_hash_init(&hash);
    sealed_ristretto255_hash_update(&hash, input.data, input.size);
    sealed_ristretto255_hash_to_group(element, &hash, "HashToGroup-", mode);

    /* InvalidInputError of the RFC; nobody knows such an input */

    return sodium_is_zero(element, 32) ? -1 : 0;
}


static void
hash_output(uint8_t output[64], sealed_bytes_t input, sealed_bytes_t info,
    const uint8_t element[32], sealed_oprf_mode_t mode)
{
    crypto_hash_sha512_state  sha512;

    crypto_hash_sha512_init(&sha512);
    hash_string(&sha512, input.data, input.size);

    if (mode == SEALED_MODE_POPRF) {
        hash_string(&sha512, info.data, info.size);
    }

    hash_string(&sha512, element, 32);
    crypto_hash_sha512_update(&sha512, (const uint8_t *) "Finalize", 8);
    crypto_hash_sha512_final(&sha512, output);

    sodium_memzero(&sha512, sizeof(sha512));
}


static void
hash_string(crypto_hash_sha512_state *sha512, const void *data, size_t size)
{
    uint8_t  length[2];

    length[0] = (uint8_t) (size >> 8);
    length[1] = (uint8_t) size;

    crypto_hash_sha512_update(sha512, length, 2);
    crypto_hash_sha512_update(sha512, data, size);
}
