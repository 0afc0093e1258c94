
#include "mailbox_address.h"
#include "hash.h"

#include <string.h>
#include <sodium.h>


void
sealed_mailbox_id(uint8_t out[SEALED_MAILBOX_ID_SIZE],
    const uint8_t owner_public[32])
{
    uint8_t          digest[32];
    sealed_sha256_t  ctx;

    static const char  label[] = "sealed-sender mailbox id v1";

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, label, sizeof(label) - 1);
    sealed_sha256_update(&ctx, owner_public, 32);
    sealed_sha256_final(&ctx, digest);

    memcpy(out, digest, SEALED_MAILBOX_ID_SIZE);
}


int
sealed_mailbox_request_key(uint8_t out[32],
    const uint8_t id[SEALED_MAILBOX_ID_SIZE], const uint8_t private_key[32],
    const uint8_t public_key[32])
{
    uint8_t  secret[32];

    static const char  label[] = "sealed-sender mailbox key v1";

    if (crypto_scalarmult(secret, private_key, public_key) != 0) {
        return -1;
    }

    sealed_hkdf(out, secret, sizeof(secret), label, sizeof(label) - 1, id,
                SEALED_MAILBOX_ID_SIZE);

    sodium_memzero(secret, sizeof(secret));

    return 0;
}
