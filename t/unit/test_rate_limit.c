
#include "vectors.h"
#include "rate_limit.h"

#include <stdio.h>
#include <sodium.h>


static const uint8_t  hash_key[16] = "not a secret key";

static const sealed_rate_t  per_address = { 20, 5 };
static const sealed_rate_t  all = { 1000, 100 };

static sealed_rate_limit_t  limit;


static int
take(const char *address, uint64_t now_ms)
{
    uint64_t  retry;

    retry = 0;

    if (sealed_rate_limit_take(&limit, &per_address, &all, address,
                               strlen(address), now_ms, &retry)
        != 0)
    {
        assert_true(retry >= 1);
        return -1;
    }

    return 0;
}


static unsigned
slot_of(const char *address)
{
    uint64_t  hash;

    crypto_shorthash((uint8_t *) &hash, (const uint8_t *) address,
                     strlen(address), hash_key);

    return (unsigned) (hash % SEALED_RATE_SLOTS);
}


static int
setup(void **state)
{
    memset(&limit, 0xa5, sizeof(limit));
    sealed_rate_limit_init(&limit, hash_key);

    return 0;
}


static void
test_burst(void **state)
{
    unsigned  i;

    for (i = 0; i < 5; i++) {
        assert_int_equal(take("192.0.2.1", 0), 0);
    }

    assert_int_equal(take("192.0.2.1", 0), -1);
    assert_int_equal(take("192.0.2.1", 49), -1);

    /* another one does not feel it */

    assert_int_not_equal(slot_of("192.0.2.1"), slot_of("192.0.2.2"));
    assert_int_equal(take("192.0.2.2", 49), 0);

    /* 20 a second is one in 50 ms */

    assert_int_equal(take("192.0.2.1", 50), 0);
    assert_int_equal(take("192.0.2.1", 50), -1);
    assert_int_equal(take("192.0.2.1", 99), -1);
    assert_int_equal(take("192.0.2.1", 100), 0);

    /* never more than the burst */

    for (i = 0; i < 5; i++) {
        assert_int_equal(take("192.0.2.1", 1000000), 0);
    }

    assert_int_equal(take("192.0.2.1", 1000000), -1);
}


/* fractions of one are not lost by asking often */

static void
test_asking_often(void **state)
{
    unsigned  ms, taken;

    taken = 0;

    for (ms = 0; ms <= 10000; ms++) {
        taken += take("2001:db8::1", ms) == 0;
    }

    assert_int_equal(taken, 5 + 10 * 20);
}


static void
test_all(void **state)
{
    char      address[32];
    unsigned  i, taken;

    taken = 0;

    for (i = 0; i < 3000; i++) {
        snprintf(address, sizeof(address), "192.0.%u.%u", i / 256, i % 256);
        taken += take(address, 7) == 0;
    }

    assert_int_equal(taken, 100);

    /* a millisecond brings one for all of them together */

    assert_int_equal(take("198.51.100.1", 7), -1);
    assert_int_equal(take("198.51.100.1", 8), 0);
    assert_int_equal(take("198.51.100.2", 8), -1);
}


/* "or nothing": who is refused pays with neither bucket */

static void
test_refusal_costs_nothing(void **state)
{
    char      address[32];
    unsigned  i, taken;

    for (i = 0; i < 1000; i++) {
        (void) take("192.0.2.1", 7);
    }

    taken = 0;

    for (i = 0; i < 3000; i++) {
        snprintf(address, sizeof(address), "10.0.%u.%u", i / 256, i % 256);
        taken += take(address, 7) == 0;
    }

    assert_int_equal(taken, 100 - 5);

    /* the one that all's bucket refused has its whole burst later */

    assert_int_equal(take("203.0.113.9", 7), -1);

    for (i = 0; i < 5; i++) {
        assert_int_equal(take("203.0.113.9", 100), 0);
    }

    assert_int_equal(take("203.0.113.9", 100), -1);
}


static void
test_shared_slot(void **state)
{
    char      address[32];
    unsigned  i, slot;

    slot = slot_of("192.0.2.1");

    for (i = 0; ; i++) {
        snprintf(address, sizeof(address), "2001:db8::%x", i);

        if (slot_of(address) == slot) {
            break;
        }
    }

    for (i = 0; i < 5; i++) {
        assert_int_equal(take("192.0.2.1", 7), 0);
    }

    assert_int_equal(take(address, 7), -1);
    assert_int_equal(take(address, 57), 0);
}


/* a clock that goes back and forth gives nothing twice */

static void
test_clock_goes_back(void **state)
{
    unsigned  i, taken;

    for (i = 0; i < 5; i++) {
        assert_int_equal(take("192.0.2.1", 10000), 0);
    }

    taken = 0;

    for (i = 0; i < 100; i++) {
        taken += take("192.0.2.1", 9000) == 0;
        taken += take("192.0.2.1", 10100) == 0;
    }

    assert_int_equal(taken, 2);
}


/* beginning and end of time, rates at their limits, none at all */

static void
test_extremes(void **state)
{
    uint64_t  retry;
    unsigned  i;

    static const sealed_rate_t  fastest = { UINT32_MAX, UINT32_MAX };
    static const sealed_rate_t  slowest = { 1, 1 };
    static const sealed_rate_t  once = { 0, 1 };
    static const sealed_rate_t  none = { 20, 0 };

    for (i = 0; i < 1000; i++) {
        assert_int_equal(sealed_rate_limit_take(&limit, &fastest, &fastest,
                                                "a", 1, 0, &retry), 0);
    }

    assert_int_equal(sealed_rate_limit_take(&limit, &fastest, &fastest, "a",
                                            1, UINT64_MAX - 1, &retry), 0);
    assert_true(limit.all.level == (uint64_t) UINT32_MAX * 1000 - 1000);

    sealed_rate_limit_init(&limit, hash_key);

    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all, "a", 1,
                                            0, &retry), 0);
    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all, "a", 1,
                                            0, &retry), -1);
    assert_true(retry == 1);
    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all, "a", 1,
                                            999, &retry), -1);
    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all, "a", 1,
                                            1000, &retry), 0);

    sealed_rate_limit_init(&limit, hash_key);

    assert_int_equal(sealed_rate_limit_take(&limit, &once, &all, "a", 1, 0,
                                            &retry), 0);
    assert_int_equal(sealed_rate_limit_take(&limit, &once, &all, "a", 1,
                                            UINT64_MAX / 2, &retry), -1);
    assert_true(retry >= 1);
    assert_int_equal(sealed_rate_limit_take(&limit, &none, &all, "b", 1, 0,
                                            &retry), -1);
    assert_true(retry >= 1);

    /* a reload with a smaller burst takes effect at once */

    sealed_rate_limit_init(&limit, hash_key);

    assert_int_equal(take("192.0.2.1", 0), 0);
    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all,
                                            "192.0.2.1", 9, 0, &retry), 0);
    assert_int_equal(sealed_rate_limit_take(&limit, &slowest, &all,
                                            "192.0.2.1", 9, 0, &retry), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(test_burst, setup),
        cmocka_unit_test_setup(test_asking_often, setup),
        cmocka_unit_test_setup(test_all, setup),
        cmocka_unit_test_setup(test_refusal_costs_nothing, setup),
        cmocka_unit_test_setup(test_shared_slot, setup),
        cmocka_unit_test_setup(test_clock_goes_back, setup),
        cmocka_unit_test_setup(test_extremes, setup)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
