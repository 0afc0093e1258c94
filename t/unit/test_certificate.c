
#include "vectors.h"
#include "certificate.h"
#include "hash.h"
#include "text.h"

#include <sodium.h>


#define DAY        86400
#define LIFETIME   (7 * DAY)

#define AUTHORITY_SEED                                                       \
    "a40bcb99f08698d8375ce32fc79589212d9757d676ee9bce66a1d0253c4bbbc2"
#define AUTHORITY                                                            \
    "9561abe6e3cb8dc68e2676970f2e40f729dc356820715e90eff30d3ee4469b3f"
#define EXCHANGE_PRIVATE                                                     \
    "da66d61b035fdd918eca66a1915f2bbf12f3c605e3799549c545b1cbcb94c78b"
#define EXCHANGE                                                             \
    "480bbe05635150cd103bf6ace1a763ac10139827c8de9e1a262c6aa2c83d2e25"
#define SUBJECT_PRIVATE                                                      \
    "4a3c0eb520209799cedf0a767afdeda71c5482ddb92360cc5d17b7c4dfc0fdc2"
#define SUBJECT                                                              \
    "655ec7efb27790bf04bfa48225530bcbb722f1b508fdda55692bce94c3308079"
#define REQUEST_KEY                                                          \
    "936cd225e9549da644570f9cfe4043b9263a94c8e15dabf8cc27101a3e786045"

#define CERTIFICATE                                                          \
    "01" "02" "000000006b49d200" "000000006b4b2380" "f785b8879ba8da21"       \
    SUBJECT                                                                  \
    "1a769a95e1b7d2d45a56499c12d87fca679474b742219dbfe169c1a3a3277e12"       \
    "a33ace20c87c7e44d44b531c1a7179155eaf9075c913e43bbe79128360cb8406"

/* the order of edwards25519's base point */

#define ORDER                                                                \
    "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"


enum {
    AT_NOT_BEFORE = 2,
    AT_NOT_AFTER  = 10,
    AT_SIGNATURE  = 58
};


static const sealed_certificate_rules_t  day_rules = { LIFETIME, DAY, 3600 };

static uint8_t  encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
static uint8_t  authority[32], authority_secret[64];


static int
setup(void **state)
{
    uint8_t  seed[32];

    (void) unhex(encoded, sizeof(encoded), CERTIFICATE);
    (void) unhex(seed, sizeof(seed), AUTHORITY_SEED);

    return crypto_sign_seed_keypair(authority, authority_secret, seed);
}


static int
parse(sealed_certificate_t *certificate, const uint8_t *data, size_t size,
    uint64_t max_lifetime)
{
    sealed_bytes_t              bytes;
    sealed_certificate_rules_t  rules = day_rules;

    bytes.data = data;
    bytes.size = size;

    rules.max_lifetime = max_lifetime;

    return sealed_certificate_parse(certificate, bytes, &rules);
}


static void
put_u64(uint8_t *p, uint64_t value)
{
    unsigned  i;

    for (i = 0; i < 8; i++) {
        p[i] = (uint8_t) (value >> (56 - 8 * i));
    }
}


static void
test_vector(void **state)
{
    char                  keyid[SEALED_CERTIFICATE_ID_TEXT];
    uint8_t               key[32], private_key[32], public_key[32];
    uint8_t               id[SEALED_AUTHORITY_ID_SIZE];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    assert_hex(authority, AUTHORITY);
    sealed_authority_id(id, authority);
    assert_hex(id, "f785b8879ba8da21");

    bytes = exact_hex(CERTIFICATE);

    assert_int_equal(sealed_certificate_parse(&c, bytes, &day_rules), 0);
    assert_ptr_equal(c.encoded.data, bytes.data);
    assert_int_equal(c.encoded.size, SEALED_SIGNED_CERTIFICATE_SIZE);
    assert_int_equal(c.kind, SEALED_CERTIFICATE_SIGNED);
    assert_int_equal(c.class, 2);
    assert_int_equal(c.not_before, 1800000000);
    assert_int_equal(c.not_after, 1800086400);
    assert_hex(c.authority, "f785b8879ba8da21");
    assert_hex(c.subject, SUBJECT);
    assert_hex(c.id, "f4c00c5f9fa40f9a31b096edebdba04d");

    (void) sealed_base64url_encode(keyid, c.id, sizeof(c.id));
    assert_memory_equal(keyid, "9MAMX5-kD5oxsJbt69ugTQ", sizeof(keyid));

    assert_int_equal(sealed_certificate_verify(&c, authority), 0);

    /* the gateway, then the client */

    (void) unhex(private_key, 32, EXCHANGE_PRIVATE);
    assert_int_equal(sealed_certificate_request_key(key, &c, NULL,
                                                    private_key, c.subject),
                     0);
    assert_hex(key, REQUEST_KEY);

    (void) unhex(private_key, 32, SUBJECT_PRIVATE);
    (void) unhex(public_key, 32, EXCHANGE);
    memset(key, 0, sizeof(key));
    assert_int_equal(sealed_certificate_request_key(key, &c, NULL,
                                                    private_key, public_key),
                     0);
    assert_hex(key, REQUEST_KEY);

    free_bytes(bytes);
}


static void
test_sign(void **state)
{
    uint8_t               subject[32], out[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t  c;

    (void) unhex(subject, 32, SUBJECT);

    assert_int_equal(sealed_certificate_sign(out, 2, 1800000000, 1800086400,
                                             subject, authority_secret), 0);
    assert_hex(out, CERTIFICATE);

    assert_int_equal(sealed_certificate_sign(out, 255, 0, UINT64_MAX,
                                             subject, authority_secret), 0);
    assert_int_equal(parse(&c, out, sizeof(out), UINT64_MAX), 0);
    assert_int_equal(c.class, 255);
    assert_true(c.not_after == UINT64_MAX);
    assert_int_equal(sealed_certificate_verify(&c, authority), 0);

    assert_int_equal(sealed_certificate_sign(out, 0, 1, 2, subject,
                                             authority_secret), 0);

    assert_int_equal(sealed_certificate_sign(out, 256, 1, 2, subject,
                                             authority_secret), -1);
    assert_int_equal(sealed_certificate_sign(out, 0, 2, 2, subject,
                                             authority_secret), -1);
    assert_int_equal(sealed_certificate_sign(out, 0, 2, 1, subject,
                                             authority_secret), -1);
}


static void
test_sizes(void **state)
{
    size_t                size;
    uint8_t               data[256];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    memset(data, 0, sizeof(data));
    memcpy(data, encoded, sizeof(encoded));

    for (size = 0; size <= sizeof(data); size++) {
        bytes = exact_bytes(data, size);
        assert_int_equal(sealed_certificate_parse(&c, bytes, &day_rules),
                         size == SEALED_SIGNED_CERTIFICATE_SIZE ? 0 : -1);
        free_bytes(bytes);
    }

    assert_int_equal(parse(&c, NULL, 0, LIFETIME), -1);
}


static void
test_kinds(void **state)
{
    unsigned              kind;
    uint8_t               data[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t  c;

    memcpy(data, encoded, sizeof(data));

    for (kind = 0; kind < 256; kind++) {
        data[0] = (uint8_t) kind;
        assert_int_equal(parse(&c, data, sizeof(data), LIFETIME),
                         kind == 1 ? 0 : -1);
    }
}


static void
test_lifetimes(void **state)
{
    unsigned              i;
    uint8_t               data[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t  c;

    static const struct {
        int       rc;
        uint64_t  not_before;
        uint64_t  not_after;
        uint64_t  max;
    } cases[] = {
        { 0, 0, 1, 1 },
        { 0, 1000, 1000 + LIFETIME, LIFETIME },
        { -1, 1000, 1000 + LIFETIME + 1, LIFETIME },
        { -1, 1000, 1000, LIFETIME },
        { -1, 1001, 1000, LIFETIME },
        { -1, 0, 0, LIFETIME },
        { -1, 0, 1, 0 },
        { 0, 0, UINT64_MAX, UINT64_MAX },
        { -1, 0, UINT64_MAX, UINT64_MAX - 1 },
        { -1, 0, UINT64_MAX, LIFETIME },
        { -1, UINT64_MAX, 0, UINT64_MAX },
        { -1, UINT64_MAX, 1, LIFETIME },
        { -1, UINT64_MAX, UINT64_MAX, UINT64_MAX },
        { 0, UINT64_MAX - 1, UINT64_MAX, 1 },
        { 0, UINT64_MAX - LIFETIME, UINT64_MAX, LIFETIME },
        { -1, UINT64_MAX - LIFETIME - 1, UINT64_MAX, LIFETIME },
        { -1, 1, (uint64_t) 1 << 63, LIFETIME }
    };

    memcpy(data, encoded, sizeof(data));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        put_u64(data + AT_NOT_BEFORE, cases[i].not_before);
        put_u64(data + AT_NOT_AFTER, cases[i].not_after);

        assert_int_equal(parse(&c, data, sizeof(data), cases[i].max),
                         cases[i].rc);
    }
}


static void
test_current(void **state)
{
    sealed_certificate_t  c;

    assert_int_equal(parse(&c, encoded, sizeof(encoded), LIFETIME), 0);

    assert_false(sealed_certificate_current(&c, 0));
    assert_false(sealed_certificate_current(&c, 1799999999));
    assert_true(sealed_certificate_current(&c, 1800000000));
    assert_true(sealed_certificate_current(&c, 1800086399));
    assert_false(sealed_certificate_current(&c, 1800086400));
    assert_false(sealed_certificate_current(&c, UINT64_MAX));
}


/*
 * No octet can be another: everything is signed.  The id follows what is in
 * front of the signature, the request key all of it.
 */

static void
test_every_octet(void **state)
{
    size_t                i;
    unsigned              bit;
    uint8_t               data[SEALED_SIGNED_CERTIFICATE_SIZE];
    uint8_t               key[32], private_key[32], public_key[32];
    uint8_t               expected[32];
    sealed_certificate_t  c, original;

    (void) unhex(private_key, 32, EXCHANGE_PRIVATE);
    (void) unhex(public_key, 32, SUBJECT);
    (void) unhex(expected, 32, REQUEST_KEY);

    assert_int_equal(parse(&original, encoded, sizeof(encoded), LIFETIME), 0);

    for (i = 0; i < sizeof(encoded); i++) {
        for (bit = 0; bit < 8; bit++) {
            memcpy(data, encoded, sizeof(data));
            data[i] ^= (uint8_t) (1u << bit);

            if (parse(&c, data, sizeof(data), UINT64_MAX) != 0) {
                assert_in_range(i, 0, 17);
                continue;
            }

            assert_int_equal(sealed_certificate_verify(&c, authority), -1);

            if (i < AT_SIGNATURE) {
                assert_memory_not_equal(c.id, original.id, sizeof(c.id));

            } else {
                assert_memory_equal(c.id, original.id, sizeof(c.id));
            }

            if (bit == 0) {
                assert_int_equal(sealed_certificate_request_key(key, &c, NULL,
                                                 private_key, public_key), 0);
                assert_memory_not_equal(key, expected, 32);
            }
        }
    }

    assert_int_equal(sealed_certificate_verify(&original, authority), 0);
}


static void
test_other_authority(void **state)
{
    size_t                i;
    uint8_t               other[32], secret[64], key[32];
    sealed_certificate_t  c;

    assert_int_equal(parse(&c, encoded, sizeof(encoded), LIFETIME), 0);

    assert_int_equal(crypto_sign_keypair(other, secret), 0);
    assert_int_equal(sealed_certificate_verify(&c, other), -1);

    for (i = 0; i < 32; i++) {
        memcpy(key, authority, 32);
        key[i] ^= 0x40;
        assert_int_equal(sealed_certificate_verify(&c, key), -1);
    }
}


/* the same s plus the group's order is another signature, not a valid one */

static void
test_malleable_signature(void **state)
{
    size_t                i;
    uint8_t               data[SEALED_SIGNED_CERTIFICATE_SIZE], order[32];
    unsigned              carry;
    sealed_certificate_t  c;

    (void) unhex(order, 32, ORDER);
    memcpy(data, encoded, sizeof(data));
    carry = 0;

    for (i = 0; i < 32; i++) {
        carry += data[AT_SIGNATURE + 32 + i] + order[i];
        data[AT_SIGNATURE + 32 + i] = (uint8_t) carry;
        carry >>= 8;
    }

    assert_int_equal(carry, 0);
    assert_int_equal(parse(&c, data, sizeof(data), LIFETIME), 0);
    assert_int_equal(sealed_certificate_verify(&c, authority), -1);
}


/*
 * Under a key of small order R = A, s = 0 satisfies the equation for many
 * messages: such keys, their non-canonical forms and such an R are refused.
 */

static void
test_small_order(void **state)
{
    unsigned              i, j;
    uint8_t               data[SEALED_SIGNED_CERTIFICATE_SIZE], key[32];
    sealed_certificate_t  c;

    static const char  *const points[] = {
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    };

    memcpy(data, encoded, sizeof(data));
    memset(data + AT_SIGNATURE + 32, 0, 32);

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        (void) unhex(key, 32, points[i]);

        for (j = 0; j < sizeof(points) / sizeof(points[0]); j++) {
            (void) unhex(data + AT_SIGNATURE, 32, points[j]);

            assert_int_equal(parse(&c, data, sizeof(data), LIFETIME), 0);
            assert_int_equal(sealed_certificate_verify(&c, key), -1);
            assert_int_equal(sealed_certificate_verify(&c, authority), -1);
        }
    }
}


/* RFC 8032, section 7.1, test 3's key pair signs and verifies here too */

static void
test_published_signer(void **state)
{
    uint8_t               seed[32], public_key[32], secret[64], subject[32];
    uint8_t               message[29 + AT_SIGNATURE];
    uint8_t               out[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t  c;

    (void) unhex(seed, 32, "c5aa8df43f9f837bedb7442f31dcb7b1"
                           "66d38535076f094b85ce3a2e0b4458f7");
    assert_int_equal(crypto_sign_seed_keypair(public_key, secret, seed), 0);
    assert_hex(public_key, "fc51cd8e6218a1a38da47ed00230f058"
                           "0816ed13ba3303ac5deb911548908025");

    (void) unhex(subject, 32, SUBJECT);
    assert_int_equal(sealed_certificate_sign(out, 7, 10, 20, subject, secret),
                     0);
    assert_int_equal(parse(&c, out, sizeof(out), 10), 0);
    assert_int_equal(sealed_certificate_verify(&c, public_key), 0);

    /* what exactly is signed: label, a zero octet, the rest */

    memcpy(message, "sealed-sender certificate v1\0", 29);
    memcpy(message + 29, out, AT_SIGNATURE);
    assert_int_equal(crypto_sign_verify_detached(out + AT_SIGNATURE, message,
                                                 sizeof(message),
                                                 public_key), 0);
}


/* RFC 7748, section 6.1: Alice's and Bob's keys, from both sides */

static void
test_published_exchange(void **state)
{
    uint8_t               alice[32], alice_public[32], bob[32];
    uint8_t               bob_public[32], secret[32], key[32], expected[32];
    sealed_certificate_t  c;

    static const char  label[] = "sealed-sender request key v1";

    (void) unhex(alice, 32, "77076d0a7318a57d3c16c17251b26645"
                            "df4c2f87ebc0992ab177fba51db92c2a");
    (void) unhex(alice_public, 32, "8520f0098930a754748b7ddcb43ef75a"
                                   "0dbf3a0d26381af4eba4a98eaa9b4e6a");
    (void) unhex(bob, 32, "5dab087e624a8a4b79e17f8b83800ee6"
                          "6f3bb1292618b6fd1c2f8b27ff88e0eb");
    (void) unhex(bob_public, 32, "de9edb7d7b7dc1b4d35b61c2ece43537"
                                 "3f8343c85b78674dadfc7e146f882b4f");
    (void) unhex(secret, 32, "4a5d9d5ba4ce2de1728e3bf480350f25"
                             "e07e21c947d19e3376f09b3c1e161742");

    assert_int_equal(parse(&c, encoded, sizeof(encoded), LIFETIME), 0);
    sealed_hkdf(expected, secret, 32, label, sizeof(label) - 1, encoded,
                sizeof(encoded));

    /* computed with other code */

    assert_hex(expected, "b47644d82a6fe7a06b32f3b858847355"
                         "0a606993fc23219856065b167221183a");

    assert_int_equal(sealed_certificate_request_key(key, &c, NULL, alice,
                                                    bob_public), 0);
    assert_memory_equal(key, expected, 32);

    memset(key, 0, sizeof(key));
    assert_int_equal(sealed_certificate_request_key(key, &c, NULL, bob,
                                                    alice_public), 0);
    assert_memory_equal(key, expected, 32);
}


/* a subject of small order gives an all-zero secret */

static void
test_zero_secret(void **state)
{
    unsigned              i;
    uint8_t               key[32], private_key[32], point[32];
    sealed_certificate_t  c;

    static const char  *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"
    };

    assert_int_equal(parse(&c, encoded, sizeof(encoded), LIFETIME), 0);
    (void) unhex(private_key, 32, EXCHANGE_PRIVATE);

    for (i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
        (void) unhex(point, 32, points[i]);
        assert_int_equal(sealed_certificate_request_key(key, &c, NULL,
                                                        private_key, point),
                         -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_lifetimes),
        cmocka_unit_test(test_current),
        cmocka_unit_test(test_every_octet),
        cmocka_unit_test(test_other_authority),
        cmocka_unit_test(test_malleable_signature),
        cmocka_unit_test(test_small_order),
        cmocka_unit_test(test_published_signer),
        cmocka_unit_test(test_published_exchange),
        cmocka_unit_test(test_zero_secret)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, setup, NULL);
}
