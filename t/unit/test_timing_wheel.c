
#include "store.h"


#define HOUR  (NOW / 3600)


/* an entry of any name; the same shard for all */

static uint32_t
hang_in(sealed_zone_t *zone, uint32_t due)
{
    uint32_t         reference;
    sealed_shard_t  *shard;

    shard = &zone->shards[0];

    assert_int_equal(sealed_arena_lock(zone), 0);
    assert_int_equal(sealed_arena_take(zone, SEALED_POOL_CERTIFICATE,
                                       &reference, 1),
                     1);
    sealed_arena_unlock(zone);

    assert_int_equal(sealed_shard_lock(zone, shard), 0);
    sealed_wheel_insert(zone, shard, reference, due);
    sealed_shard_unlock(zone, shard);

    return reference;
}


/* what comes at this hour, taken out; or none, after how many calls */

static uint32_t
next_at(sealed_zone_t *zone, uint64_t hour, unsigned *calls)
{
    int              more;
    uint32_t         reference;
    sealed_shard_t  *shard;

    shard = &zone->shards[0];
    *calls = 0;

    assert_int_equal(sealed_shard_lock(zone, shard), 0);

    do {
        ++*calls;
        reference = sealed_wheel_next(zone, shard, (uint32_t) hour, &more);

        if (reference != SEALED_NONE) {
            sealed_wheel_remove(zone, shard, reference);
            break;
        }

        sealed_lock_commit(&shard->lock);

    } while (more && *calls < 100000);

    sealed_shard_unlock(zone, shard);

    return reference;
}


static void
test_each_in_its_hour(void **unused)
{
    uint32_t        i, k, hour[40], reference[40], found;
    unsigned        calls, known;
    uint64_t        now, last;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    /* in the past, at once, soon, at the end of a turn, turns later */

    for (i = 0; i < 40; i++) {
        hour[i] = (uint32_t) (HOUR - 3 + i * i);
        reference[i] = hang_in(zone, hour[i]);
    }

    last = HOUR;

    for (now = HOUR; now < HOUR + 2000; now++) {

        while ((found = next_at(zone, now, &calls)) != SEALED_NONE) {

            known = 0;

            for (k = 0; k < 40; k++) {
                if (reference[k] == found) {
                    reference[k] = SEALED_NONE;
                    assert_int_equal(now, hour[k] < HOUR ? HOUR : hour[k]);
                    known++;
                }
            }

            assert_int_equal(known, 1);
            last = now;
        }
    }

    assert_int_equal(last, hour[39]);

    store_free(zone);
}


/* out of the middle, the head, the end, and of what is pending */

static void
test_remove_anywhere(void **unused)
{
    uint32_t         i, k, reference[5], found;
    uint64_t         due;
    unsigned         calls, pending, n;
    sealed_zone_t   *zone;
    sealed_shard_t  *shard;

    zone = store_new(2 << 20);
    shard = &zone->shards[0];
    due = HOUR;

    for (pending = 0; pending < 2; pending++) {
        for (k = 0; k < 5; k++) {
            due++;

            for (i = 0; i < 5; i++) {
                reference[i] = hang_in(zone, (uint32_t) due);
            }

            n = 0;

            if (pending) {
                found = next_at(zone, due, &calls);
                assert_int_equal(found, reference[4]);
                n = 1;
            }

            if (!pending || k != 4) {
                assert_int_equal(sealed_shard_lock(zone, shard), 0);
                sealed_wheel_remove(zone, shard, reference[k]);
                sealed_shard_unlock(zone, shard);
                n++;
            }

            while ((found = next_at(zone, due, &calls)) != SEALED_NONE) {
                assert_int_not_equal(found, reference[k]);
                n++;
            }

            assert_int_equal(n, 5);
        }
    }

    store_free(zone);
}


static void
test_long_sleep(void **unused)
{
    uint32_t        i, n;
    unsigned        calls;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    for (i = 0; i < 100; i++) {
        (void) hang_in(zone, (uint32_t) (HOUR + i * 37));
    }

    for (n = 0; next_at(zone, HOUR + 30000, &calls) != SEALED_NONE; n++) {

        /* one turn, whatever the time that has gone by */

        assert_in_range(calls, 1, SEALED_WHEEL_SLOTS + 200);
    }

    assert_int_equal(n, 100);
    assert_int_equal(zone->shards[0].wheel.hour, HOUR + 30000);

    store_free(zone);
}


/*
 * A clock that was wrong for a while: nothing is due early, nothing late, and
 * nobody runs in circles.
 */

static void
test_clock_goes_back(void **unused)
{
    uint32_t        far, near, old;
    unsigned        calls;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    old = hang_in(zone, HOUR + 100);
    assert_int_equal(next_at(zone, HOUR + 90, &calls), SEALED_NONE);

    near = hang_in(zone, HOUR + 1);
    far = hang_in(zone, HOUR + 20);

    assert_int_equal(next_at(zone, HOUR, &calls), SEALED_NONE);
    assert_in_range(calls, 1, 5);
    assert_int_equal(next_at(zone, HOUR, &calls), SEALED_NONE);
    assert_in_range(calls, 1, 5);

    assert_int_equal(next_at(zone, HOUR + 1, &calls), near);
    assert_int_equal(next_at(zone, HOUR + 19, &calls), SEALED_NONE);
    assert_int_equal(next_at(zone, HOUR + 20, &calls), far);
    assert_int_equal(next_at(zone, HOUR + 99, &calls), SEALED_NONE);
    assert_int_equal(next_at(zone, HOUR + 100, &calls), old);

    /* to the beginning of time and to its end */

    near = hang_in(zone, HOUR + 101);
    assert_int_equal(next_at(zone, 0, &calls), SEALED_NONE);
    assert_in_range(calls, 1, SEALED_WHEEL_SLOTS);
    assert_int_equal(next_at(zone, 0, &calls), SEALED_NONE);
    assert_in_range(calls, 1, 5);
    assert_int_equal(next_at(zone, HOUR + 101, &calls), near);

    far = hang_in(zone, UINT32_MAX);
    assert_int_equal(next_at(zone, UINT32_MAX - 1, &calls), SEALED_NONE);
    assert_int_equal(next_at(zone, UINT32_MAX, &calls), far);

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_in_its_hour),
        cmocka_unit_test(test_remove_anywhere),
        cmocka_unit_test(test_long_sleep),
        cmocka_unit_test(test_clock_goes_back)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
