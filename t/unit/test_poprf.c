
#include "vectors.h"
#include "poprf.h"

#include <sodium.h>


/* RFC 9497, appendix A.1.3: ristretto255-SHA512 in POPRF mode */

static void
test_published(void **state)
{
    uint8_t  seed[32], private_key[32], public_key[32];

    memset(seed, 0xa3, sizeof(seed));

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, "test key", 8), 0);
    assert_hex(private_key, "145c79c108538421ac164ecbe1319421"
                            "36d5570b16d8bf41a24d4337da981e07");
    assert_hex(public_key, "c647bef38497bc6ec077c22af65b696e"
                           "fa43bff3b4a1975a3e8e0a1c5a79d631");
}


/* the gateway's own use */

static void
test_issuer(void **state)
{
    uint8_t  seed[32], private_key[32], public_key[32];

    static const char  info[] = "sealed-sender issuer key v1";

    (void) unhex(seed, sizeof(seed), "ea25bb8811de462426c45a221b3b299a"
                                     "42b1d8bfc7be28eae25dc5b743d60d15");

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info,
                                                  sizeof(info) - 1), 0);
    assert_hex(private_key, "204f590c21f629b7722f675e599f40db"
                            "35799467e9c587e7313058398f988504");
    assert_hex(public_key, "021c152d4d8c5abadb42934baad5b114"
                           "27857886185f952a87b72027a156ce07");
}


/* both octets of the info's length count; computed with other code */

static void
test_info_sizes(void **state)
{
    size_t    i;
    uint8_t   seed[32], info[257], private_key[32], public_key[32];
    uint8_t   public_again[32];

    memset(seed, 0xa3, sizeof(seed));

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, "", 0), 0);
    assert_hex(private_key, "9fd73ddce3d029908fa568f2bc840c4c"
                            "bd93f0505c2239f01abdd7091ecfa903");

    for (i = 0; i < 255; i++) {
        info[i] = (uint8_t) i;
    }

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 255), 0);
    assert_hex(private_key, "5a77e9ba6585fa002645dcca98e0cdf2"
                            "fdf57dd555cc691fcd75679652767407");

    memset(info, 'i', sizeof(info));

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 256), 0);
    assert_hex(private_key, "99eb5d069b217aa396ad17a8d78efb60"
                            "6efd52a4da3f85f4ab07772118879103");

    assert_int_equal(crypto_scalarmult_ristretto255_base(public_again,
                                                         private_key), 0);
    assert_memory_equal(public_key, public_again, 32);

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 257), -1);
    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, SIZE_MAX), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_info_sizes)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
