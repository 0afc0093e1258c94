
#include "ristretto255.h"

#include <string.h>


static void expand(uint8_t out[64], sealed_ristretto255_hash_t *hash,
    const char *label, sealed_oprf_mode_t mode);
static void add_dst(crypto_hash_sha512_state *sha512, const char *label,
    sealed_oprf_mode_t mode);


void
sealed_ristretto255_hash_init(sealed_ristretto255_hash_t *hash)
{
    static const uint8_t  block[crypto_hash_sha512_BYTES * 2];

    crypto_hash_sha512_init(&hash->sha512);
    crypto_hash_sha512_update(&hash->sha512, block, sizeof(block));
}


void
sealed_ristretto255_hash_update(sealed_ristretto255_hash_t *hash,
    const void *data, size_t size)
{
    crypto_hash_sha512_update(&hash->sha512, data, size);
}


void
sealed_ristretto255_hash_string(sealed_ristretto255_hash_t *hash,
    const void *data, size_t size)
{
    uint8_t  length[2];

    length[0] = (uint8_t) (size >> 8);
    length[1] = (uint8_t) size;

    crypto_hash_sha512_update(&hash->sha512, length, 2);
    crypto_hash_sha512_update(&hash->sha512, data, size);
}


void
sealed_ristretto255_hash_to_scalar(uint8_t scalar[32],
    sealed_ristretto255_hash_t *hash, const char *label,
    sealed_oprf_mode_t mode)
{
    uint8_t  uniform[64];

    expand(uniform, hash, label, mode);
    crypto_core_ristretto255_scalar_reduce(scalar, uniform);
    sodium_memzero(uniform, sizeof(uniform));
}


void
sealed_ristretto255_hash_to_group(uint8_t element[32],
    sealed_ristretto255_hash_t *hash, const char *label,
    sealed_oprf_mode_t mode)
{
    uint8_t  uniform[64];

    expand(uniform, hash, label, mode);
    (void) crypto_core_ristretto255_from_hash(element, uniform);
    sodium_memzero(uniform, sizeof(uniform));
}


void
sealed_ristretto255_context(uint8_t out[SEALED_RISTRETTO255_CONTEXT_SIZE],
    sealed_oprf_mode_t mode)
{
    memcpy(out, "OPRFV1-?-ristretto255-SHA512",
           SEALED_RISTRETTO255_CONTEXT_SIZE);
    out[7] = (uint8_t) mode;
}


int
sealed_ristretto255_element(const uint8_t element[32])
{
    /*
     * For libsodium the identity is an element, and before 1.0.19 the
     * highest bit of any is ignored.
     */

    return !(element[31] & 0x80)
           && crypto_core_ristretto255_is_valid_point(element)
           && !sodium_is_zero(element, 32) ? 0 : -1;
}


int
sealed_ristretto255_scalar(const uint8_t scalar[32])
{
    uint8_t  wide[64], reduced[32];

    memcpy(wide, scalar, 32);
    memset(wide + 32, 0, 32);
    crypto_core_ristretto255_scalar_reduce(reduced, wide);

    return memcmp(reduced, scalar, 32) == 0 ? 0 : -1;
}


int
sealed_ristretto255_combine(uint8_t out[32], const uint8_t scalar[32],
    const uint8_t base[32], const uint8_t other[32],
    const uint8_t element[32])
{
    int      rc;
    uint8_t  left[32], right[32];

    rc = base ? crypto_scalarmult_ristretto255(left, scalar, base)
              : crypto_scalarmult_ristretto255_base(left, scalar);

    if (rc != 0
        || crypto_scalarmult_ristretto255(right, other, element) != 0)
    {
        return -1;
    }

    return crypto_core_ristretto255_add(out, left, right);
}


static void
expand(uint8_t out[64], sealed_ristretto255_hash_t *hash, const char *label,
    sealed_oprf_mode_t mode)
{
    uint8_t                   first[64];
    crypto_hash_sha512_state  sha512;

    /* two octets of length, then the counter of the block */

    static const uint8_t  none[3] = { 0, 64, 0 }, one[1] = { 1 };

    crypto_hash_sha512_update(&hash->sha512, none, sizeof(none));
    add_dst(&hash->sha512, label, mode);
    crypto_hash_sha512_final(&hash->sha512, first);

    crypto_hash_sha512_init(&sha512);
    crypto_hash_sha512_update(&sha512, first, sizeof(first));
    crypto_hash_sha512_update(&sha512, one, sizeof(one));
    add_dst(&sha512, label, mode);
    crypto_hash_sha512_final(&sha512, out);

    sodium_memzero(first, sizeof(first));
    sodium_memzero(&sha512, sizeof(sha512));
    sodium_memzero(hash, sizeof(sealed_ristretto255_hash_t));
}


static void
add_dst(crypto_hash_sha512_state *sha512, const char *label,
    sealed_oprf_mode_t mode)
{
    size_t   size;
    uint8_t  context[SEALED_RISTRETTO255_CONTEXT_SIZE], length[1];

    size = strlen(label);
    sealed_ristretto255_context(context, mode);
    length[0] = (uint8_t) (size + sizeof(context));

    crypto_hash_sha512_update(sha512, (const uint8_t *) label, size);
    crypto_hash_sha512_update(sha512, context, sizeof(context));
    crypto_hash_sha512_update(sha512, length, 1);
}
