
#include "poprf.h"

#include <string.h>
#include <sodium.h>


#define CONTEXT  "OPRFV1-\x02-ristretto255-SHA512"


static void hash_to_scalar(uint8_t scalar[32], const uint8_t *message,
    size_t size, const char *dst, size_t dst_size);


int
sealed_poprf_derive_key_pair(uint8_t private_key[32], uint8_t public_key[32],
    const uint8_t seed[32], const void *info, size_t info_size)
{
    int       rc;
    size_t    size;
    uint8_t   input[32 + 2 + 256 + 1];
    unsigned  counter;

    static const char  dst[] = "DeriveKeyPair" CONTEXT;

    if (info_size > 256) {
        return -1;
    }

    memcpy(input, seed, 32);
    input[32] = (uint8_t) (info_size >> 8);
    input[33] = (uint8_t) info_size;
    memcpy(input + 34, info, info_size);
    size = 34 + info_size;

    rc = -1;

    for (counter = 0; counter <= UINT8_MAX; counter++) {
        input[size] = (uint8_t) counter;

        hash_to_scalar(private_key, input, size + 1, dst, sizeof(dst) - 1);

        if (!sodium_is_zero(private_key, 32)) {
            rc = crypto_scalarmult_ristretto255_base(public_key, private_key);
            break;
        }
    }

    sodium_memzero(input, sizeof(input));

    return rc;
}


/*
 * RFC 9380, section 5.3.1, expand_message_xmd with SHA-512 to one block of
 * 64 octets, then reduction modulo the group's order.
 */

static void
hash_to_scalar(uint8_t scalar[32], const uint8_t *message, size_t size,
    const char *dst, size_t dst_size)
{
    uint8_t                  b0[64], b1[64], tail[3], length;
    crypto_hash_sha512_state ctx;

    static const uint8_t  block[128];

    length = (uint8_t) dst_size;
    tail[0] = 0;
    tail[1] = 64;
    tail[2] = 0;

    crypto_hash_sha512_init(&ctx);
    crypto_hash_sha512_update(&ctx, block, sizeof(block));
    crypto_hash_sha512_update(&ctx, message, size);
    crypto_hash_sha512_update(&ctx, tail, sizeof(tail));
    crypto_hash_sha512_update(&ctx, (const uint8_t *) dst, dst_size);
    crypto_hash_sha512_update(&ctx, &length, 1);
    crypto_hash_sha512_final(&ctx, b0);

    tail[0] = 1;

    crypto_hash_sha512_init(&ctx);
    crypto_hash_sha512_update(&ctx, b0, sizeof(b0));
    crypto_hash_sha512_update(&ctx, tail, 1);
    crypto_hash_sha512_update(&ctx, (const uint8_t *) dst, dst_size);
    crypto_hash_sha512_update(&ctx, &length, 1);
    crypto_hash_sha512_final(&ctx, b1);

    crypto_core_ristretto255_scalar_reduce(scalar, b1);

    sodium_memzero(b0, sizeof(b0));
    sodium_memzero(b1, sizeof(b1));
    sodium_memzero(&ctx, sizeof(ctx));
}
