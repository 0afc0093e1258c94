
#include "store.h"


/* ids of one shard, and with these low bits of the hash; n goes on */

static uint32_t
next_id(sealed_zone_t *zone, uint32_t *n, uint32_t mask)
{
    uint8_t   id[16];
    uint64_t  hash;

    for ( ;; ) {
        store_id(id, ++*n);
        hash = sealed_zone_hash(zone, id);

        if (sealed_zone_shard(zone, hash) == &zone->shards[0]
            && (hash & mask) == 0)
        {
            return *n;
        }
    }
}


static int
is_there(sealed_zone_t *zone, uint32_t n)
{
    return store_mailbox(zone, n) != (void *) zone->base;
}


static void
close_all(sealed_zone_t *zone, uint32_t first, uint32_t last)
{
    uint8_t   id[16];
    uint32_t  n;
    uint64_t  wake;

    for (n = first; n <= last; n++) {
        store_id(id, n);
        (void) sealed_mailbox_close(zone, id, NOW, &wake);
    }

    (void) store_expire(zone, NOW + 2 * 3600);
}


/*
 * More entries than the index pages named in a table have buckets: the page
 * of pages comes and goes, and all entries are there at each size.
 */

static void
test_growth_and_back(void **unused)
{
    uint32_t         base, i, n, last;
    unsigned         round;
    sealed_zone_t   *zone;
    sealed_shard_t  *shard;

    enum { ALL = 60000 };

    zone = store_new(16 << 20);
    base = zone->header->arena.free_pages;

    for (round = 0; round < 2; round++) {
        store_certificate(zone, 0);

        for (n = 1; n <= ALL; n++) {
            assert_int_equal(store_open(zone, n), SEALED_OK);

            if (n % 20000 == 0) {
                assert_null(store_check(zone));

                for (i = 1; i <= n; i++) {
                    assert_true(is_there(zone, i));
                }

                assert_false(is_there(zone, n + 1));
            }
        }

        for (i = 0; i <= zone->shard_mask; i++) {
            shard = &zone->shards[i];
            assert_true(shard->mailboxes.buckets
                        > SEALED_TABLE_DIRECT * SEALED_TABLE_PAGE);
            assert_true(shard->mailboxes.root != SEALED_NONE);
            assert_in_range(shard->mailboxes.count,
                            shard->mailboxes.buckets / 2,
                            shard->mailboxes.buckets + 4);
        }

        for (n = 1; n <= ALL; n = last + 1) {
            last = n + 9999;
            close_all(zone, n, last);
            assert_null(store_check(zone));

            for (i = 1; i <= ALL; i += 7) {
                assert_int_equal(is_there(zone, i), i > last);
            }
        }

        (void) store_expire(zone, NOW + 2 * 86400);

        for (i = 0; i <= zone->shard_mask; i++) {
            shard = &zone->shards[i];
            assert_int_equal(shard->mailboxes.count, 0);
            assert_int_equal(shard->mailboxes.buckets, SEALED_TABLE_PAGE);
            assert_int_equal(shard->mailboxes.root, SEALED_NONE);
        }

        assert_int_equal(zone->header->arena.free_pages, base);
    }

    store_free(zone);
}


/* forth and back over the border of an index page, some entries at a time */

static void
test_page_border(void **unused)
{
    int              step;
    uint32_t         base, first, n;
    sealed_zone_t   *zone;
    sealed_table_t  *table;

    zone = store_new(4 << 20);
    store_certificate(zone, 0);
    table = &zone->shards[0].mailboxes;
    base = zone->header->arena.pool[SEALED_POOL_INDEX].used;
    n = 0;

    while (table->count < SEALED_TABLE_PAGE) {
        assert_int_equal(store_open(zone, next_id(zone, &n, 0)), SEALED_OK);
    }

    assert_int_equal(table->buckets, SEALED_TABLE_PAGE);
    assert_int_equal(store_used(zone, SEALED_POOL_INDEX), base);

    first = n + 1;
    assert_int_equal(store_open(zone, next_id(zone, &n, 0)), SEALED_OK);
    assert_int_equal(table->buckets, SEALED_TABLE_PAGE + 1);
    assert_int_equal(store_used(zone, SEALED_POOL_INDEX), base + 1);
    assert_null(store_check(zone));

    for (step = 0; step < 20; step++) {
        close_all(zone, step % 2 ? first : 1, n);
        assert_null(store_check(zone));

        n = step % 2 ? first : 0;

        while (table->count < SEALED_TABLE_PAGE + 1
               || table->buckets < table->count)
        {
            assert_int_equal(store_open(zone, next_id(zone, &n, 0)),
                             SEALED_OK);
        }

        assert_null(store_check(zone));
    }

    close_all(zone, 1, n);
    assert_int_equal(table->buckets, SEALED_TABLE_PAGE);
    assert_int_equal(store_used(zone, SEALED_POOL_INDEX), base);
    assert_null(store_check(zone));

    store_free(zone);
}


/* without a page it stays as it is, and grows as soon as there is one */

static void
test_no_page(void **unused)
{
    int              more;
    uint32_t         n, *taken, got, pages;
    sealed_zone_t   *zone;
    sealed_table_t  *table;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    table = &zone->shards[0].mailboxes;
    taken = malloc(zone->header->arena.total * sizeof(uint32_t));
    n = 0;

    while (table->count < SEALED_TABLE_PAGE - 10) {
        assert_int_equal(store_open(zone, next_id(zone, &n, 0)), SEALED_OK);
    }

    /* all other pages are somebody else's, but for one of mailboxes */

    pages = 0;
    assert_int_equal(sealed_arena_lock(zone), 0);

    do {
        got = sealed_arena_take(zone, SEALED_POOL_PAGE, taken + pages, 8);
        pages += got;
        sealed_lock_commit(zone->arena_lock);
    } while (got);

    sealed_arena_give(zone, taken[--pages]);
    sealed_arena_unlock(zone);
    assert_int_equal(zone->header->arena.free_pages, 1);

    while (store_open(zone, next_id(zone, &n, 0)) == SEALED_OK) {
        /* void */
    }

    assert_true(table->count > SEALED_TABLE_PAGE);
    assert_int_equal(table->buckets, SEALED_TABLE_PAGE);
    assert_int_equal(zone->header->arena.free_pages, 0);

    assert_int_equal(sealed_shard_lock(zone, &zone->shards[0]), 0);
    assert_int_equal(sealed_table_balance(zone, &zone->shards[0], table), 1);
    sealed_shard_unlock(zone, &zone->shards[0]);

    assert_int_equal(sealed_arena_lock(zone), 0);
    sealed_arena_give(zone, taken[--pages]);
    sealed_arena_unlock(zone);

    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_INDEX, 0), 0);

    do {
        assert_int_equal(sealed_shard_lock(zone, &zone->shards[0]), 0);
        more = table->buckets < table->count;
        assert_int_equal(sealed_table_balance(zone, &zone->shards[0], table),
                         0);
        sealed_shard_unlock(zone, &zone->shards[0]);
    } while (more);

    assert_int_equal(table->buckets, table->count);

    assert_int_equal(sealed_arena_lock(zone), 0);

    while (pages) {
        sealed_arena_give(zone, taken[--pages]);
        sealed_lock_commit(zone->arena_lock);
    }

    sealed_arena_unlock(zone);
    assert_null(store_check(zone));

    free(taken);
    store_free(zone);
}


/* more in one bucket than the log has room for: it waits, nothing is lost */

static void
test_long_chain(void **unused)
{
    uint32_t         base, n, other;
    sealed_zone_t   *zone;
    sealed_table_t  *table;

    zone = store_new(4 << 20);
    store_certificate(zone, 0);
    table = &zone->shards[0].mailboxes;
    base = (uint32_t) store_used(zone, SEALED_POOL_INDEX);
    n = 0;

    while (table->count < 100) {
        assert_int_equal(store_open(zone, next_id(zone, &n,
                                                  SEALED_TABLE_PAGE - 1)),
                         SEALED_OK);
    }

    other = n;

    while (table->count < SEALED_TABLE_PAGE + 100) {
        assert_int_equal(store_open(zone, next_id(zone, &other, 0)),
                         SEALED_OK);
    }

    assert_int_equal(table->buckets, SEALED_TABLE_PAGE);
    assert_int_equal(store_used(zone, SEALED_POOL_INDEX), base);
    assert_null(store_check(zone));

    /* goes on when some have left */

    close_all(zone, 1, n / 4);
    assert_int_equal(store_open(zone, next_id(zone, &other, 0)), SEALED_OK);
    assert_true(table->buckets > SEALED_TABLE_PAGE);
    assert_int_equal(store_used(zone, SEALED_POOL_INDEX), base + 1);
    assert_null(store_check(zone));

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_growth_and_back),
        cmocka_unit_test(test_page_border),
        cmocka_unit_test(test_no_page),
        cmocka_unit_test(test_long_chain)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
