
#include "vectors.h"
#include "certificate.h"

#include <sodium.h>


#define DAY          86400
#define EPOCH        500000

#define ISSUER_PRIVATE                                                       \
    "204f590c21f629b7722f675e599f40db35799467e9c587e7313058398f988504"
#define EXCHANGE_PRIVATE                                                     \
    "da66d61b035fdd918eca66a1915f2bbf12f3c605e3799549c545b1cbcb94c78b"
#define EXCHANGE                                                             \
    "480bbe05635150cd103bf6ace1a763ac10139827c8de9e1a262c6aa2c83d2e25"
#define SERIAL_PRIVATE                                                       \
    "7a9f6b137d0791d647c30a885bbf5f3d940771f8ec15d1d37fadee0accc57ac2"
#define SERIAL                                                               \
    "5fc1a536a76965c37f1361edc8a21543bfc063260e799752424f13017f036563"
#define POPRF                                                                \
    "22a03207ed8ad7aceb5e0f4f9a04168094125aeefc64d08cb26db10397d257bb"       \
    "954efd52eccce5272cb2f5494dd7b91dd0620ab6ed4200e8071119eea8aa3cd9"
#define REQUEST_KEY                                                          \
    "63b2eed87d44a54e7a943dbc0567bbcae23dfb48d95ff591a363031664bca659"

#define CERTIFICATE  "02" "01" "0007a120" SERIAL


static const sealed_certificate_rules_t  rules = { 7 * DAY, DAY, 3600 };


/* what the gateway finds, and what the client has to find too */

static void
test_vector(void **state)
{
    uint8_t               key[32], private_key[32], public_key[32];
    uint8_t               poprf[64], info[SEALED_BLIND_INFO_SIZE];
    uint8_t               made[SEALED_BLIND_CERTIFICATE_SIZE];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    bytes = exact_hex(CERTIFICATE);

    assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);
    assert_ptr_equal(c.encoded.data, bytes.data);
    assert_int_equal(c.encoded.size, SEALED_BLIND_CERTIFICATE_SIZE);
    assert_int_equal(c.kind, SEALED_CERTIFICATE_BLIND);
    assert_int_equal(c.class, 1);
    assert_int_equal(c.epoch, EPOCH);
    assert_int_equal(c.not_before, (uint64_t) EPOCH * DAY);
    assert_int_equal(c.not_after, (uint64_t) (EPOCH + 1) * DAY + 3600);
    assert_null(c.authority);
    assert_hex(c.subject, SERIAL);
    assert_hex(c.id, "e1ce419c83888244f7c2fba9d1fe82a6");

    sealed_blind_certificate(made, 1, EPOCH, c.subject);
    assert_memory_equal(made, bytes.data, sizeof(made));

    sealed_blind_info(info, 1, EPOCH);
    assert_hex(info, "7365616c65642d73656e646572207631" "01" "0007a120");

    (void) unhex(private_key, 32, ISSUER_PRIVATE);
    assert_int_equal(sealed_certificate_evaluate(poprf, &c, private_key), 0);
    assert_hex(poprf, POPRF);

    (void) unhex(private_key, 32, EXCHANGE_PRIVATE);
    assert_int_equal(sealed_certificate_request_key(key, &c, poprf,
                                                    private_key, c.subject),
                     0);
    assert_hex(key, REQUEST_KEY);

    (void) unhex(private_key, 32, SERIAL_PRIVATE);
    (void) unhex(public_key, 32, EXCHANGE);
    memset(key, 0, sizeof(key));
    assert_int_equal(sealed_certificate_request_key(key, &c, poprf,
                                                    private_key, public_key),
                     0);
    assert_hex(key, REQUEST_KEY);

    free_bytes(bytes);
}


static void
test_sizes(void **state)
{
    size_t                size;
    uint8_t               data[256];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    memset(data, 0, sizeof(data));
    (void) unhex(data, sizeof(data), CERTIFICATE);

    for (size = 0; size <= sizeof(data); size++) {
        bytes = exact_bytes(data, size);
        assert_int_equal(sealed_certificate_parse(&c, bytes, &rules),
                         size == SEALED_BLIND_CERTIFICATE_SIZE ? 0 : -1);
        free_bytes(bytes);
    }
}


/* no octet of a certificate leaves id and key as they were */

static void
test_every_octet(void **state)
{
    size_t                i;
    uint8_t               data[SEALED_BLIND_CERTIFICATE_SIZE], id[16];
    uint8_t               issuer[32], exchange[32], poprf[64], key[32];
    uint8_t               expected[32];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    (void) unhex(data, sizeof(data), CERTIFICATE);
    (void) unhex(expected, 32, REQUEST_KEY);
    (void) unhex(issuer, 32, ISSUER_PRIVATE);
    (void) unhex(exchange, 32, EXCHANGE_PRIVATE);
    (void) unhex(id, sizeof(id), "e1ce419c83888244f7c2fba9d1fe82a6");

    bytes.data = data;
    bytes.size = sizeof(data);

    for (i = 0; i < sizeof(data); i++) {
        data[i] ^= 1;

        if (i == 0) {
            assert_int_equal(sealed_certificate_parse(&c, bytes, &rules),
                             -1);
            data[i] ^= 1;
            continue;
        }

        assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);
        assert_memory_not_equal(c.id, id, sizeof(id));

        assert_int_equal(sealed_certificate_evaluate(poprf, &c, issuer), 0);
        assert_int_equal(sealed_certificate_request_key(key, &c, poprf,
                                                        exchange, c.subject),
                         0);
        assert_memory_not_equal(key, expected, 32);
        data[i] ^= 1;

        assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);
        assert_memory_equal(c.id, id, sizeof(id));
    }
}


/* both halves of the secret are needed, and all of the first */

static void
test_secret(void **state)
{
    size_t                i;
    uint8_t               exchange[32], poprf[64], expected[32], key[32];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    (void) unhex(exchange, 32, EXCHANGE_PRIVATE);
    (void) unhex(poprf, 64, POPRF);
    (void) unhex(expected, 32, REQUEST_KEY);

    bytes = exact_hex(CERTIFICATE);
    assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);

    for (i = 0; i < 64; i++) {
        poprf[i] ^= 0x80;
        assert_int_equal(sealed_certificate_request_key(key, &c, poprf,
                                                        exchange, c.subject),
                         0);
        assert_memory_not_equal(key, expected, 32);
        poprf[i] ^= 0x80;
    }

    exchange[1] ^= 1;
    assert_int_equal(sealed_certificate_request_key(key, &c, poprf, exchange,
                                                    c.subject), 0);
    assert_memory_not_equal(key, expected, 32);
    free_bytes(bytes);
}


static void
test_zero_serial(void **state)
{
    uint8_t               data[SEALED_BLIND_CERTIFICATE_SIZE], serial[32];
    uint8_t               exchange[32], poprf[64], key[32];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    (void) unhex(exchange, 32, EXCHANGE_PRIVATE);
    (void) unhex(poprf, 64, POPRF);
    memset(serial, 0, sizeof(serial));
    sealed_blind_certificate(data, 1, EPOCH, serial);

    bytes.data = data;
    bytes.size = sizeof(data);

    assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);
    assert_int_equal(sealed_certificate_request_key(key, &c, poprf, exchange,
                                                    c.subject), -1);
}


/* the last epoch there is does not wrap around */

static void
test_last_epoch(void **state)
{
    uint8_t               data[SEALED_BLIND_CERTIFICATE_SIZE], serial[32];
    sealed_bytes_t        bytes;
    sealed_certificate_t  c;

    memset(serial, 9, sizeof(serial));
    sealed_blind_certificate(data, 255, UINT32_MAX, serial);

    bytes.data = data;
    bytes.size = sizeof(data);

    assert_int_equal(sealed_certificate_parse(&c, bytes, &rules), 0);
    assert_int_equal(c.class, 255);
    assert_int_equal(c.not_before, (uint64_t) UINT32_MAX * DAY);
    assert_true(c.not_before < c.not_after);
    assert_true(sealed_certificate_current(&c, c.not_after - 1));
    assert_false(sealed_certificate_current(&c, c.not_after));
    assert_false(sealed_certificate_current(&c, c.not_before - 1));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_every_octet),
        cmocka_unit_test(test_secret),
        cmocka_unit_test(test_zero_serial),
        cmocka_unit_test(test_last_epoch)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
