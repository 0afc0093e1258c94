
#include "dleq.h"

#include <string.h>


static int composites(uint8_t m[32], uint8_t *z, const uint8_t public_key[32],
    const uint8_t *c, const uint8_t *d, size_t count,
    sealed_oprf_mode_t mode);
static int add_product(uint8_t sum[32], const uint8_t scalar[32],
    const uint8_t element[32]);
static void challenge(uint8_t scalar[32], const uint8_t public_key[32],
    const uint8_t m[32], const uint8_t z[32], const uint8_t t2[32],
    const uint8_t t3[32], sealed_oprf_mode_t mode);


int
sealed_dleq_prove(uint8_t proof[SEALED_DLEQ_SIZE],
    const uint8_t private_key[32], const uint8_t public_key[32],
    const uint8_t *c, const uint8_t *d, size_t count,
    sealed_oprf_mode_t mode, const uint8_t nonce[32])
{
    uint8_t  m[32], z[32], t2[32], t3[32], product[32];

    if (composites(m, NULL, public_key, c, d, count, mode) != 0
        || crypto_scalarmult_ristretto255(z, private_key, m) != 0
        || crypto_scalarmult_ristretto255_base(t2, nonce) != 0
        || crypto_scalarmult_ristretto255(t3, nonce, m) != 0)
    {
        return -1;
    }

    challenge(proof, public_key, m, z, t2, t3, mode);

    crypto_core_ristretto255_scalar_mul(product, proof, private_key);
    crypto_core_ristretto255_scalar_sub(proof + 32, nonce, product);

    sodium_memzero(product, sizeof(product));

    return 0;
}


int
sealed_dleq_verify(const uint8_t proof[SEALED_DLEQ_SIZE],
    const uint8_t public_key[32], const uint8_t *c, const uint8_t *d,
    size_t count, sealed_oprf_mode_t mode)
{
    uint8_t         m[32], z[32], t2[32], t3[32], expected[32];
    const uint8_t  *s;

    s = proof + 32;

    if (sealed_ristretto255_scalar(proof) != 0
        || sealed_ristretto255_scalar(s) != 0
        || sealed_ristretto255_element(public_key) != 0
        || composites(m, z, public_key, c, d, count, mode) != 0
        || sealed_ristretto255_combine(t2, s, NULL, proof, public_key) != 0
        || sealed_ristretto255_combine(t3, s, m, proof, z) != 0)
    {
        return -1;
    }

    challenge(expected, public_key, m, z, t2, t3, mode);

    return sodium_memcmp(expected, proof, 32);
}


/*
 * ComputeComposites, and without z the first half of ComputeCompositesFast:
 * sums of both sides, weighted by hashes that depend on all of them.
 */

static int
composites(uint8_t m[32], uint8_t *z, const uint8_t public_key[32],
    const uint8_t *c, const uint8_t *d, size_t count, sealed_oprf_mode_t mode)
{
    size_t                      i;
    uint8_t                     seed[64], weight[32], number[2];
    uint8_t                     dst[5 + SEALED_RISTRETTO255_CONTEXT_SIZE];
    crypto_hash_sha512_state    sha512;
    sealed_ristretto255_hash_t  hash;

    static const uint8_t  key_size[2] = { 0, 32 };
    static const uint8_t  dst_size[2] = { 0, sizeof(dst) };

    if (count == 0 || count > SEALED_DLEQ_MAX) {
        return -1;
    }

    memcpy(dst, "Seed-", 5);
    sealed_ristretto255_context(dst + 5, mode);

    crypto_hash_sha512_init(&sha512);
    crypto_hash_sha512_update(&sha512, key_size, 2);
    crypto_hash_sha512_update(&sha512, public_key, 32);
    crypto_hash_sha512_update(&sha512, dst_size, 2);
    crypto_hash_sha512_update(&sha512, dst, sizeof(dst));
    crypto_hash_sha512_final(&sha512, seed);

    /* 32 zero octets are the identity */

    memset(m, 0, 32);

    if (z) {
        memset(z, 0, 32);
    }

    for (i = 0; i < count; i++, c += 32, d += 32) {
        number[0] = (uint8_t) (i >> 8);
        number[1] = (uint8_t) i;

        sealed_ristretto255_hash_init(&hash);
        sealed_ristretto255_hash_string(&hash, seed, sizeof(seed));
        sealed_ristretto255_hash_update(&hash, number, 2);
        sealed_ristretto255_hash_string(&hash, c, 32);
        sealed_ristretto255_hash_string(&hash, d, 32);
        sealed_ristretto255_hash_update(&hash, "Composite", 9);
        sealed_ristretto255_hash_to_scalar(weight, &hash, "HashToScalar-",
                                           mode);

        if (add_product(m, weight, c) != 0
            || (z && add_product(z, weight, d) != 0))
        {
            return -1;
        }
    }

    return 0;
}


static int
add_product(uint8_t sum[32], const uint8_t scalar[32],
    const uint8_t element[32])
{
    uint8_t  product[32];

    if (crypto_scalarmult_ristretto255(product, scalar, element) != 0) {
        return -1;
    }

    return crypto_core_ristretto255_add(sum, sum, product);
}


static void
challenge(uint8_t scalar[32], const uint8_t public_key[32],
    const uint8_t m[32], const uint8_t z[32], const uint8_t t2[32],
    const uint8_t t3[32], sealed_oprf_mode_t mode)
{
    sealed_ristretto255_hash_t  hash;

    sealed_ristretto255_hash_init(&hash);
    sealed_ristretto255_hash_string(&hash, public_key, 32);
    sealed_ristretto255_hash_string(&hash, m, 32);
    sealed_ristretto255_hash_string(&hash, z, 32);
    sealed_ristretto255_hash_string(&hash, t2, 32);
    sealed_ristretto255_hash_string(&hash, t3, 32);
    sealed_ristretto255_hash_update(&hash, "Challenge", 9);
    sealed_ristretto255_hash_to_scalar(scalar, &hash, "HashToScalar-", mode);
}
