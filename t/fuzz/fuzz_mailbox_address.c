
/*
 * Two private keys, the owner's and the gateway's, and a public one of
 * anybody: both sides come to the same request key, and a point that says
 * nothing is refused.
 */

#include "fuzz.h"
#include "mailbox_address.h"
#include "route.h"
#include "text.h"


static void check_path(const uint8_t *id);
static void check_sides(const uint8_t *owner, const uint8_t *gateway);
static void check_public(const uint8_t *private_key,
    const uint8_t *public_key);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t  id[SEALED_MAILBOX_ID_SIZE], keys[3][32];

    memset(keys, 0, sizeof(keys));
    memcpy(keys, data, size < sizeof(keys) ? size : sizeof(keys));

    sealed_mailbox_id(id, keys[2]);
    check_path(id);
    check_sides(keys[0], keys[1]);
    check_public(keys[1], keys[2]);

    return 0;
}


static void
check_path(const uint8_t *id)
{
    char            path[64], *p;
    uint8_t         again[SEALED_MAILBOX_ID_SIZE];
    sealed_bytes_t  text, prefix;

    p = stpcpy(path, "/v1/mailboxes/");
    p = sealed_base64url_encode(p, id, SEALED_MAILBOX_ID_SIZE);
    CHECK(p - path == 14 + 22);

    prefix = copy("/v1", 3);
    text = copy(path, (size_t) (p - path));
    CHECK(sealed_route(text, prefix, again) == SEALED_ROUTE_MAILBOX);
    CHECK(memcmp(again, id, sizeof(again)) == 0);
    free_copy(text);
    free_copy(prefix);
}


static void
check_sides(const uint8_t *owner, const uint8_t *gateway)
{
    uint8_t  id[SEALED_MAILBOX_ID_SIZE], other[SEALED_MAILBOX_ID_SIZE];
    uint8_t  owner_public[32], gateway_public[32], one[32], two[32];

    CHECK(crypto_scalarmult_base(owner_public, owner) == 0);
    CHECK(crypto_scalarmult_base(gateway_public, gateway) == 0);

    sealed_mailbox_id(id, owner_public);

    CHECK(sealed_mailbox_request_key(one, id, owner, gateway_public) == 0);
    CHECK(sealed_mailbox_request_key(two, id, gateway, owner_public) == 0);
    CHECK(memcmp(one, two, 32) == 0);

    /* another mailbox has another key */

    memcpy(other, id, sizeof(other));
    other[15] ^= 1;
    CHECK(sealed_mailbox_request_key(two, other, gateway, owner_public)
          == 0);
    CHECK(memcmp(one, two, 32) != 0);
}


static void
check_public(const uint8_t *private_key, const uint8_t *public_key)
{
    int      rc;
    uint8_t  id[SEALED_MAILBOX_ID_SIZE], out[32], secret[32];

    sealed_mailbox_id(id, public_key);

    rc = crypto_scalarmult(secret, private_key, public_key);
    CHECK((sealed_mailbox_request_key(out, id, private_key, public_key) == 0)
          == (rc == 0 && !sodium_is_zero(secret, sizeof(secret))));
}
