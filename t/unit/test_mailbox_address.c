
#include "vectors.h"
#include "mailbox_address.h"
#include "text.h"

#include <sodium.h>


#define OWNER_PRIVATE                                                        \
    "9245b8bfa6d58c6bb160a0875b15895ce966a78f7d6304616584d066d12562d1"
#define OWNER_PUBLIC                                                         \
    "158ee9807c6f392cb9ba06a48404097154f80183954405b4a13469a6b9051902"
#define EXCHANGE_PRIVATE                                                     \
    "da66d61b035fdd918eca66a1915f2bbf12f3c605e3799549c545b1cbcb94c78b"
#define EXCHANGE_PUBLIC                                                      \
    "480bbe05635150cd103bf6ace1a763ac10139827c8de9e1a262c6aa2c83d2e25"
#define MAILBOX_ID  "6f1d55c39bda7cf3d7dd088ee4a0b0e1"
#define MAILBOX_ID_TEXT  "bx1Vw5vafPPX3QiO5KCw4Q"
#define REQUEST_KEY                                                          \
    "bd537a948556346a3dcd51cb646a8dce2ddf3f64b0819e0d39355897e0d8650c"


static void
test_id(void **state)
{
    char            text[SEALED_MAILBOX_ID_TEXT], *end;
    uint8_t         id[SEALED_MAILBOX_ID_SIZE];
    sealed_bytes_t  owner;

    owner = exact_hex(OWNER_PUBLIC);
    sealed_mailbox_id(id, owner.data);
    free_bytes(owner);

    assert_hex(id, MAILBOX_ID);

    end = sealed_base64url_encode(text, id, sizeof(id));

    assert_int_equal(end - text, sizeof(text));
    assert_memory_equal(text, MAILBOX_ID_TEXT, sizeof(text));
}


/* every bit of the owner's key makes another id */

static void
test_id_depends_on_key(void **state)
{
    uint8_t   owner[32], id[SEALED_MAILBOX_ID_SIZE];
    uint8_t   other[SEALED_MAILBOX_ID_SIZE];
    unsigned  i;

    unhex(owner, sizeof(owner), OWNER_PUBLIC);
    sealed_mailbox_id(id, owner);

    for (i = 0; i < 256; i++) {
        owner[i / 8] ^= (uint8_t) (1u << (i % 8));
        sealed_mailbox_id(other, owner);
        owner[i / 8] ^= (uint8_t) (1u << (i % 8));

        assert_memory_not_equal(id, other, sizeof(id));
    }
}


static void
test_request_key(void **state)
{
    uint8_t         key[32];
    sealed_bytes_t  id, owner_private, owner_public;
    sealed_bytes_t  exchange_private, exchange_public;

    id = exact_hex(MAILBOX_ID);
    owner_private = exact_hex(OWNER_PRIVATE);
    owner_public = exact_hex(OWNER_PUBLIC);
    exchange_private = exact_hex(EXCHANGE_PRIVATE);
    exchange_public = exact_hex(EXCHANGE_PUBLIC);

    assert_int_equal(sealed_mailbox_request_key(key, id.data,
                         owner_private.data, exchange_public.data), 0);
    assert_hex(key, REQUEST_KEY);

    memset(key, 0, sizeof(key));

    assert_int_equal(sealed_mailbox_request_key(key, id.data,
                         exchange_private.data, owner_public.data), 0);
    assert_hex(key, REQUEST_KEY);

    free_bytes(id);
    free_bytes(owner_private);
    free_bytes(owner_public);
    free_bytes(exchange_private);
    free_bytes(exchange_public);
}


static void
test_request_key_depends_on_id(void **state)
{
    uint8_t   id[SEALED_MAILBOX_ID_SIZE], private_key[32], public_key[32];
    uint8_t   key[32], other[32];
    unsigned  i;

    unhex(id, sizeof(id), MAILBOX_ID);
    unhex(private_key, 32, OWNER_PRIVATE);
    unhex(public_key, 32, EXCHANGE_PUBLIC);

    assert_int_equal(sealed_mailbox_request_key(key, id, private_key,
                                                public_key), 0);

    for (i = 0; i < sizeof(id) * 8; i += 5) {
        id[i / 8] ^= (uint8_t) (1u << (i % 8));

        assert_int_equal(sealed_mailbox_request_key(other, id, private_key,
                                                    public_key), 0);
        assert_memory_not_equal(key, other, sizeof(key));

        id[i / 8] ^= (uint8_t) (1u << (i % 8));
    }
}


/* points of low order, and those that are one of them modulo 2^255 - 19 */

static void
test_zero_results(void **state)
{
    uint8_t   id[SEALED_MAILBOX_ID_SIZE], private_key[32], point[32];
    uint8_t   key[32];
    unsigned  i;

    static const char  *points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    unhex(id, sizeof(id), MAILBOX_ID);
    unhex(private_key, 32, EXCHANGE_PRIVATE);

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        unhex(point, 32, points[i]);

        assert_int_equal(sealed_mailbox_request_key(key, id, private_key,
                                                    point), -1);

        /* X25519 takes no notice of the top bit */

        point[31] |= 0x80;

        assert_int_equal(sealed_mailbox_request_key(key, id, private_key,
                                                    point), -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_id),
        cmocka_unit_test(test_id_depends_on_key),
        cmocka_unit_test(test_request_key),
        cmocka_unit_test(test_request_key_depends_on_id),
        cmocka_unit_test(test_zero_results)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
