
#include "store.h"

#include <sched.h>


static void
test_ring(void **unused)
{
    unsigned        i, round, all;
    uint32_t        woken[SEALED_WAKE_RING];
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    /* nobody reads it: nothing is kept */

    sealed_wake_notify(zone, 1, 5);
    assert_int_equal(sealed_wake_take(zone, 0, woken, &all), 0);
    assert_false(all);

    sealed_wake_attach(zone, 0);
    assert_int_equal(sealed_wake_take(zone, 0, woken, &all), 0);
    assert_true(all);

    /* each number of entries, also beyond what the ring holds */

    for (round = 0; round < 3 * SEALED_WAKE_RING; round++) {
        for (i = 0; i < round; i++) {
            sealed_wake_notify(zone, 1, 1000 + i);
        }

        assert_int_equal(sealed_wake_take(zone, 0, woken, &all),
                         round < SEALED_WAKE_RING ? round : SEALED_WAKE_RING);
        assert_int_equal(all, round > SEALED_WAKE_RING);

        for (i = 0; i < round && i < SEALED_WAKE_RING; i++) {
            assert_int_equal(woken[i], 1000 + i);
        }
    }

    /* far more often than the count of readings is wide */

    for (round = 0; round < 70000; round++) {
        sealed_wake_notify(zone, 1, 1 + round);
        assert_int_equal(sealed_wake_take(zone, 0, woken, &all), 1);
        assert_int_equal(woken[0], 1 + round);
        assert_false(all);
    }

    store_free(zone);
}


static void
test_groups(void **unused)
{
    unsigned        worker, all, n, others;
    uint32_t        woken[SEALED_WAKE_RING];
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    for (worker = 0; worker < SEALED_WAKE_WORKERS; worker++) {
        sealed_wake_attach(zone, worker);
        (void) sealed_wake_take(zone, worker, woken, &all);
    }

    sealed_wake_notify(zone, (uint32_t) 1 << 31 | 1 << 7, 9);
    others = 0;

    for (worker = 0; worker < SEALED_WAKE_WORKERS; worker++) {
        n = sealed_wake_take(zone, worker, woken, &all);
        assert_false(all);

        if (worker % SEALED_WAKE_GROUPS == 7
            || worker % SEALED_WAKE_GROUPS == 31)
        {
            assert_int_equal(n, 1);
            assert_int_equal(woken[0], 9);

        } else {
            others += n;
        }
    }

    assert_int_equal(others, 0);

    store_free(zone);
}


/*
 * Writers without a lock against one that reads: each entry comes out, or
 * "all" does after it was begun.
 */

enum {
    WRITERS = 4,
    ENTRIES = 20000
};

typedef struct {
    sealed_zone_t                *zone;
    uint32_t                      number;
    uint32_t                      begun;
    uint32_t                      done;
} writer_t;


static void *
write_entries(void *data)
{
    uint32_t   i;
    writer_t  *writer;

    writer = data;

    for (i = 1; i <= ENTRIES; i++) {
        __atomic_store_n(&writer->begun, i, __ATOMIC_SEQ_CST);
        sealed_wake_notify(writer->zone, 1, writer->number * ENTRIES + i);

        if (i % 16 == 0) {
            (void) sched_yield();
        }
    }

    __atomic_store_n(&writer->done, 1, __ATOMIC_SEQ_CST);

    return NULL;
}


static void
test_concurrent_writers(void **unused)
{
    uint8_t        *seen;
    uint32_t        i, k, n, running;
    uint32_t        all_until[WRITERS], woken[SEALED_WAKE_RING];
    unsigned        all;
    writer_t        writer[WRITERS];
    pthread_t       thread[WRITERS];
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    sealed_wake_attach(zone, 0);
    (void) sealed_wake_take(zone, 0, woken, &all);
    seen = calloc(WRITERS * ENTRIES + 1, 1);
    memset(all_until, 0, sizeof(all_until));
    memset(writer, 0, sizeof(writer));

    for (i = 0; i < WRITERS; i++) {
        writer[i].zone = zone;
        writer[i].number = i;
        assert_int_equal(pthread_create(&thread[i], NULL, write_entries,
                                        &writer[i]),
                         0);
    }

    do {
        running = 0;

        for (i = 0; i < WRITERS; i++) {
            running += !__atomic_load_n(&writer[i].done, __ATOMIC_SEQ_CST);
        }

        n = sealed_wake_take(zone, 0, woken, &all);

        for (i = 0; i < n; i++) {
            assert_in_range(woken[i], 1, WRITERS * ENTRIES);
            seen[woken[i]] = 1;
        }

        /* who looks at everything now sees what was begun until now */

        for (i = 0; all && i < WRITERS; i++) {
            all_until[i] = __atomic_load_n(&writer[i].begun,
                                           __ATOMIC_SEQ_CST);
        }

    } while (running);

    for (i = 0; i < WRITERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);

        for (k = all_until[i] + 1; k <= ENTRIES; k++) {
            assert_true(seen[i * ENTRIES + k]);
        }
    }

    free(seen);
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_ring),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_concurrent_writers)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
