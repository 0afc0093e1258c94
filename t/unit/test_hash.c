
#include "vectors.h"
#include "hash.h"

#include <sodium.h>


/* FIPS 180-4's examples, and NIST's million times "a" */

static void
test_sha256(void **state)
{
    size_t           i;
    uint8_t          out[32];
    sealed_sha256_t  ctx;

    static const char  two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";

    sealed_sha256(out, "", 0);
    assert_hex(out, "e3b0c44298fc1c149afbf4c8996fb924"
                    "27ae41e4649b934ca495991b7852b855");

    sealed_sha256(out, "abc", 3);
    assert_hex(out, "ba7816bf8f01cfea414140de5dae2223"
                    "b00361a396177a9cb410ff61f20015ad");

    sealed_sha256(out, two_blocks, 56);
    assert_hex(out, "248d6a61d20638b8e5c026930c3e6039"
                    "a33ce45964ff2167f6ecedd419db06c1");

    sealed_sha256_init(&ctx);

    for (i = 0; i < 1000000; i++) {
        sealed_sha256_update(&ctx, "a", 1);
    }

    sealed_sha256_final(&ctx, out);
    assert_hex(out, "cdc76e5c9914fb9281a1c7e284d73e67"
                    "f1809a48a497200e046d39ccc7112cd0");
}


/* however the message is cut, up to beyond two blocks */

static void
test_sha256_pieces(void **state)
{
    size_t           i, cut, size;
    uint8_t          data[150], whole[32], out[32];
    sealed_sha256_t  ctx;

    for (i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t) (i * 7);
    }

    for (size = 0; size <= sizeof(data); size++) {
        assert_int_equal(crypto_hash_sha256(whole, data, size), 0);

        for (cut = 0; cut <= size; cut++) {
            sealed_sha256_init(&ctx);
            sealed_sha256_update(&ctx, data, cut);
            sealed_sha256_update(&ctx, NULL, 0);
            sealed_sha256_update(&ctx, data + cut, size - cut);
            sealed_sha256_final(&ctx, out);

            assert_memory_equal(out, whole, 32);
        }
    }
}


/* RFC 4231, section 4; the fifth is cut to 128 bits */

static void
test_hmac(void **state)
{
    size_t          cut;
    unsigned        i;
    uint8_t         out[32];
    sealed_hmac_t   ctx;
    sealed_bytes_t  key, data;

#define AA131                                                                \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"       \
    "aaaaaa"

    static const struct {
        const char  *key;
        const char  *data;
        const char  *mac;
    } cases[] = {
        { "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
          "4869205468657265",
          "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },

        { "4a656665",
          "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
          "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },

        { "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "dddddddddddddddddddddddddddddddddddddddddddddddddd"
          "dddddddddddddddddddddddddddddddddddddddddddddddddd",
          "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe" },

        { "0102030405060708090a0b0c0d0e0f10111213141516171819",
          "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
          "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
          "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b" },

        { "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c",
          "546573742057697468205472756e636174696f6e",
          "a3b6167473100ee06e0c796c2955552b" },

        { AA131,
          "54657374205573696e67204c6172676572205468616e20426c6f636b2d53697a"
          "65204b6579202d2048617368204b6579204669727374",
          "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },

        { AA131,
          "5468697320697320612074657374207573696e672061206c6172676572207468"
          "616e20626c6f636b2d73697a65206b657920616e642061206c61726765722074"
          "68616e20626c6f636b2d73697a6520646174612e20546865206b6579206e6565"
          "647320746f20626520686173686564206265666f7265206265696e6720757365"
          "642062792074686520484d414320616c676f726974686d2e",
          "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        key = exact_hex(cases[i].key);
        data = exact_hex(cases[i].data);

        for (cut = 0; cut <= data.size; cut++) {
            sealed_hmac_init(&ctx, key.data, key.size);
            sealed_hmac_update(&ctx, data.data, cut);
            sealed_hmac_update(&ctx, data.data + cut, data.size - cut);
            sealed_hmac_final(&ctx, out);

            assert_hex(out, cases[i].mac);
        }

        free_bytes(key);
        free_bytes(data);
    }
}


/* a key of 64 octets is used as it is, one of 65 is hashed first */

static void
test_hmac_key_sizes(void **state)
{
    unsigned        i;
    uint8_t         out[32];
    sealed_hmac_t   ctx, zero;
    sealed_bytes_t  key;

    static const char  k65[] =
        "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk";

    static const struct {
        size_t       size;
        const char  *mac;           /* of nothing */
    } cases[] = {
        { 63,
          "a73e4ae46b2a9f2402fff056e156c0a25551e3db5097f9367522239bfbc2d02e" },
        { 64,
          "83026a325aaee70e36cfe607536aa1054104ad1077c36134810d4ccded1ccd3b" },
        { 65,
          "41f1c4cc3107cd5b8d92460f61032902bfdb06484eef17e861b83a5012d3b7f3" },
    };

    memset(&zero, 0, sizeof(zero));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        key = exact_bytes(k65, cases[i].size);

        sealed_hmac_init(&ctx, key.data, key.size);
        sealed_hmac_final(&ctx, out);
        assert_hex(out, cases[i].mac);

        /* nothing of the key stays behind */

        assert_memory_equal(&ctx, &zero, sizeof(zero));

        free_bytes(key);
    }
}


/* RFC 9421, appendix B.2.5, with test-shared-secret of appendix B.1.5 */

static void
test_hmac_signature_base(void **state)
{
    uint8_t        key[64], out[32];
    sealed_hmac_t  ctx;

    static const char  base[] =
        "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n"
        "\"@authority\": example.com\n"
        "\"content-type\": application/json\n"
        "\"@signature-params\": (\"date\" \"@authority\" \"content-type\")"
        ";created=1618884473;keyid=\"test-shared-secret\"";

    assert_int_equal(unhex(key, sizeof(key),
                           "bb3bc97c1e2edcdd09cb84fb359ef930"
                           "355cafccd24c89de749b6481cbb8e985"
                           "b85c1cb33498f105db635247493c1b5b"
                           "9878480e2ea9725f23b1ab2395332d0d"), 64);

    sealed_hmac_init(&ctx, key, sizeof(key));
    sealed_hmac_update(&ctx, base, sizeof(base) - 1);
    sealed_hmac_final(&ctx, out);

    /* pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8= */

    assert_hex(out, "a71710c3a1b7023b4c0508f0a3c5f391"
                    "97ff6f0b392de95b68c939ac6206b44f");
}


/* RFC 5869, test case 3 (no salt, no info), its first 32 octets */

static void
test_hkdf(void **state)
{
    uint8_t  key[22], out[32];

    memset(key, 0x0b, sizeof(key));

    sealed_hkdf(out, key, sizeof(key), NULL, 0, NULL, 0);
    assert_hex(out, "8da4e775a563c18f715f802a063c5a31"
                    "b8a11f5c5ee1879ec3454e5f3c738d2d");
}


/* the info is one text, wherever it is cut; computed with other code */

static void
test_hkdf_info(void **state)
{
    size_t    cut;
    unsigned  i;
    uint8_t   out[32];

    static const char  key[] = "kkkkkkkkkkkkkkk";

    static const struct {
        size_t       size;
        const char  *out;           /* with info "abc" */
    } cases[] = {
        { 0,
          "556cc93d19253fa1a149a804017b7e9602ab815de15cdc388e29c05dc1b67594" },
        { 1,
          "943484ae695a4bc4468218c0b1539c5c7e81ee472d6c26504d91b8432e7b2a4f" },
        { 7,
          "07d8a006a990e387fdd15414e2d05f1aef3fa1ce1b42f1bcb85b73f936841094" },
        { 15,
          "bf27dc4060553fa791a8b25c5067bad3268da49184ad300a643aa9c08cfae05c" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {

        for (cut = 0; cut <= 3; cut++) {
            sealed_hkdf(out, key, cases[i].size, "abc", cut,
                        &"abc"[cut], 3 - cut);
            assert_hex(out, cases[i].out);
        }

        sealed_hkdf(out, key, cases[i].size, "abc", 3, NULL, 0);
        assert_hex(out, cases[i].out);

        sealed_hkdf(out, key, cases[i].size, NULL, 0, "abc", 3);
        assert_hex(out, cases[i].out);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_sha256_pieces),
        cmocka_unit_test(test_hmac),
        cmocka_unit_test(test_hmac_key_sizes),
        cmocka_unit_test(test_hmac_signature_base),
        cmocka_unit_test(test_hkdf),
        cmocka_unit_test(test_hkdf_info)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
