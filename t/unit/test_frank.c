
#include "vectors.h"
#include "frank.h"
#include "hash.h"

#include <sodium.h>


#define EPOCH  500000
#define HOUR   500028

#define MASTER                                                               \
    "9a6190d0d274b03a688580d6a632810a43478a490a85c5c617e627401c85922a"
#define FRANKING_KEY                                                         \
    "8969ba1d09c1aea7441032ae27ba1a92f6b95de1ab060ed0017ccb7013e95125"
#define KF                                                                   \
    "5795cf6124bdc0c6ba0558ee8dd91a898a5ce12d8c37b26e63c76584390e98bc"
#define MESSAGE  "48656c6c6f2c207265616465722e"
#define COMMITMENT                                                           \
    "3034bb8a699d02bede2d43be7327a4865390bc381bc83437e573c407e6c1199c"
#define BODY_DIGEST                                                          \
    "c68162a5308245a8a97f0b964574484acf384f9221d568a1251d440d1648135a"
#define NONCE  "7f10e46a0d56623545cc72d5ee89ccfbd8409065fa4ed722"
#define STAMP  COMMITMENT NONCE                                              \
    "2d1a3fd43e1f59e42360d1da410b0dd2632db4411efe59105af874f8ae142738"       \
    "c1e05d99a00d9ac3bf"


static sealed_master_secret_t  secret;
static uint8_t                 message[14], kf[32], body_digest[32];
static uint8_t                 stamp[SEALED_STAMP_SIZE];


static int
setup(void **state)
{
    (void) unhex(message, sizeof(message), MESSAGE);
    (void) unhex(kf, sizeof(kf), KF);
    (void) unhex(body_digest, sizeof(body_digest), BODY_DIGEST);
    (void) unhex(stamp, sizeof(stamp), STAMP);

    memset(&secret, 0, sizeof(secret));
    secret.count = 1;
    strcpy(secret.line[0].id, "test");
    (void) unhex(secret.line[0].master, 32, MASTER);

    return sealed_key_line_derive(&secret.line[0]);
}


static sealed_report_t
report(void)
{
    sealed_report_t  r;

    r.message.data = message;
    r.message.size = sizeof(message);
    r.kf = kf;
    r.body_digest = body_digest;
    r.stamp.data = stamp;
    r.stamp.size = sizeof(stamp);

    return r;
}


static int
verify(sealed_stamp_t *found, const sealed_report_t *r)
{
    return sealed_report_verify(found, r, &secret, EPOCH, 3);
}


static void
test_vector(void **state)
{
    uint8_t         key[32], commitment[32], nonce[24], made[97], id[16];
    sealed_bytes_t  bytes;
    sealed_stamp_t  s, found;

    bytes = exact_hex(MESSAGE);
    sealed_frank_commitment(commitment, kf, bytes);
    assert_hex(commitment, COMMITMENT);
    free_bytes(bytes);

    sealed_key_line_franking_key(key, &secret.line[0], EPOCH);
    assert_hex(key, FRANKING_KEY);

    (void) unhex(nonce, sizeof(nonce), NONCE);
    (void) unhex(s.certificate_id, 16, "e1ce419c83888244f7c2fba9d1fe82a6");
    s.class = 1;
    s.epoch = EPOCH;
    s.hour = HOUR;

    sealed_stamp_make(made, &s, commitment, nonce, key, body_digest);
    assert_hex(made, STAMP);

    memset(&found, 0xff, sizeof(found));
    assert_int_equal(sealed_stamp_open(&found, made, key, body_digest), 0);
    assert_memory_equal(found.certificate_id, s.certificate_id, 16);
    assert_int_equal(found.class, 1);
    assert_int_equal(found.epoch, EPOCH);
    assert_int_equal(found.hour, HOUR);

    sealed_report_id(id, made);
    assert_hex(id, "7ad642b9957e51734f72dc10c124094d");
}


static void
test_report(void **state)
{
    sealed_stamp_t   found;
    sealed_report_t  r = report();

    assert_int_equal(verify(&found, &r), 0);
    assert_hex(found.certificate_id, "e1ce419c83888244f7c2fba9d1fe82a6");
    assert_int_equal(found.hour, HOUR);

    /* as long as its epoch is among those that are tried */

    assert_int_equal(sealed_report_verify(&found, &r, &secret, EPOCH, 1), 0);
    assert_int_equal(sealed_report_verify(&found, &r, &secret, EPOCH + 2, 3),
                     0);
    assert_int_equal(sealed_report_verify(&found, &r, &secret, EPOCH + 3, 3),
                     -1);
    assert_int_equal(sealed_report_verify(&found, &r, &secret, EPOCH - 1, 3),
                     -1);
    assert_int_equal(sealed_report_verify(&found, &r, &secret, EPOCH, 0),
                     -1);

    /* the first epoch ends the search */

    assert_int_equal(sealed_report_verify(&found, &r, &secret, 0,
                                          UINT32_MAX), -1);
}


static void
test_key_lines(void **state)
{
    sealed_stamp_t           found;
    sealed_report_t          r = report();
    sealed_master_secret_t   rotated;

    memset(&rotated, 0, sizeof(rotated));
    rotated.count = 2;
    memset(rotated.line[0].master, 0x11, 32);
    assert_int_equal(sealed_key_line_derive(&rotated.line[0]), 0);
    rotated.line[1] = secret.line[0];

    assert_int_equal(sealed_report_verify(&found, &r, &rotated, EPOCH, 1),
                     0);
    rotated.count = 1;
    assert_int_equal(sealed_report_verify(&found, &r, &rotated, EPOCH, 1),
                     -1);
}


/* whatever is changed in a report makes it a false one */

static void
test_false_reports(void **state)
{
    size_t           i;
    sealed_stamp_t   found;
    sealed_report_t  r;

    r = report();

    for (i = 0; i < 8 * sizeof(stamp); i++) {
        stamp[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(verify(&found, &r), -1);
        stamp[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    for (i = 0; i < 8 * sizeof(message); i++) {
        message[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(verify(&found, &r), -1);
        message[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    for (i = 0; i < 8 * 32; i++) {
        kf[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(verify(&found, &r), -1);
        kf[i / 8] ^= (uint8_t) (1 << i % 8);

        body_digest[i / 8] ^= (uint8_t) (1 << i % 8);
        assert_int_equal(verify(&found, &r), -1);
        body_digest[i / 8] ^= (uint8_t) (1 << i % 8);
    }

    r.message.size--;
    assert_int_equal(verify(&found, &r), -1);
    r.message.size = 0;
    assert_int_equal(verify(&found, &r), -1);

    r = report();
    r.stamp.size = SEALED_STAMP_SIZE - 1;
    assert_int_equal(verify(&found, &r), -1);
    r.stamp.size = 0;
    assert_int_equal(verify(&found, &r), -1);

    r = report();
    assert_int_equal(verify(&found, &r), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_report),
        cmocka_unit_test(test_key_lines),
        cmocka_unit_test(test_false_reports)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, setup, NULL);
}
