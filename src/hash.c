
#include "hash.h"

#include <string.h>
#include <sodium.h>


enum {
    BLOCK_SIZE = 64
};


#if (SEALED_HAVE_LIBCRYPTO)

void
sealed_sha256_init(sealed_sha256_t *ctx)
{
    (void) SHA256_Init(ctx);
}


void
sealed_sha256_update(sealed_sha256_t *ctx, const void *data, size_t size)
{
    (void) SHA256_Update(ctx, data, size);
}


void
sealed_sha256_final(sealed_sha256_t *ctx, uint8_t out[32])
{
    (void) SHA256_Final(out, ctx);
}

#else

void
sealed_sha256_init(sealed_sha256_t *ctx)
{
    (void) crypto_hash_sha256_init(ctx);
}


void
sealed_sha256_update(sealed_sha256_t *ctx, const void *data, size_t size)
{
    (void) crypto_hash_sha256_update(ctx, data, size);
}


void
sealed_sha256_final(sealed_sha256_t *ctx, uint8_t out[32])
{
    (void) crypto_hash_sha256_final(ctx, out);
}

#endif


void
sealed_sha256(uint8_t out[32], const void *data, size_t size)
{
    sealed_sha256_t  ctx;

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, data, size);
    sealed_sha256_final(&ctx, out);

    sodium_memzero(&ctx, sizeof(ctx));
}


void
sealed_hmac_init(sealed_hmac_t *ctx, const void *key, size_t size)
{
    size_t   i;
    uint8_t  block[BLOCK_SIZE];

    memset(block, 0, sizeof(block));

    if (size > BLOCK_SIZE) {
        sealed_sha256(block, key, size);

    } else if (size) {
        memcpy(block, key, size);
    }

    for (i = 0; i < BLOCK_SIZE; i++) {
        block[i] ^= 0x36;
    }

    sealed_sha256_init(&ctx->inner);
    sealed_sha256_update(&ctx->inner, block, BLOCK_SIZE);

    for (i = 0; i < BLOCK_SIZE; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }

    sealed_sha256_init(&ctx->outer);
    sealed_sha256_update(&ctx->outer, block, BLOCK_SIZE);

    sodium_memzero(block, sizeof(block));
}


void
sealed_hmac_update(sealed_hmac_t *ctx, const void *data, size_t size)
{
    sealed_sha256_update(&ctx->inner, data, size);
}


void
sealed_hmac_final(sealed_hmac_t *ctx, uint8_t out[32])
{
    sealed_sha256_final(&ctx->inner, out);
    sealed_sha256_update(&ctx->outer, out, SEALED_SHA256_SIZE);
    sealed_sha256_final(&ctx->outer, out);

    sodium_memzero(ctx, sizeof(sealed_hmac_t));
}


void
sealed_hkdf(uint8_t out[32], const void *key, size_t key_size,
    const void *info, size_t info_size, const void *more, size_t more_size)
{
    uint8_t        prk[32];
    sealed_hmac_t  ctx;

    static const uint8_t  salt[32];
    static const uint8_t  first = 0x01;

    sealed_hmac_init(&ctx, salt, sizeof(salt));
    sealed_hmac_update(&ctx, key, key_size);
    sealed_hmac_final(&ctx, prk);

    sealed_hmac_init(&ctx, prk, sizeof(prk));

    if (info_size) {
        sealed_hmac_update(&ctx, info, info_size);
    }

    if (more_size) {
        sealed_hmac_update(&ctx, more, more_size);
    }

    sealed_hmac_update(&ctx, &first, 1);
    sealed_hmac_final(&ctx, out);

    sodium_memzero(prk, sizeof(prk));
}
