
#include "store.h"


/* takes all there is of a pool, in the steps that the log allows */

static uint32_t
take_all(sealed_zone_t *zone, sealed_pool_t pool, uint32_t *taken)
{
    uint32_t  n, got;

    n = 0;
    assert_int_equal(sealed_arena_lock(zone), 0);

    do {
        got = sealed_arena_take(zone, pool, taken + n, 50);
        n += got;
        sealed_lock_commit(zone->arena_lock);
    } while (got);

    sealed_arena_unlock(zone);

    return n;
}


static void
give_all(sealed_zone_t *zone, uint32_t *taken, uint32_t n)
{
    assert_int_equal(sealed_arena_lock(zone), 0);

    while (n--) {
        sealed_arena_give(zone, taken[n]);
        sealed_lock_commit(zone->arena_lock);
    }

    sealed_arena_unlock(zone);
}


/* every object of every pool once, all distinct, all given back */

static void
test_take_and_give(void **unused)
{
    uint8_t         *object;
    uint32_t         i, k, n, base, pages, *taken;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    zone = store_new(6 << 20);
    arena = &zone->header->arena;
    taken = malloc(300000 * sizeof(uint32_t));
    base = arena->free_pages;

    for (i = 1; i < SEALED_POOLS; i++) {

        if (i == SEALED_POOL_INDEX) {
            continue;
        }

        n = take_all(zone, i, taken);
        pages = i == SEALED_POOL_CERTIFICATE ? arena->total / 8 : base;
        assert_int_equal(n, pages * sealed_pool_objects(i));
        assert_int_equal(arena->free_pages, base - pages);

        for (k = 0; k < n; k++) {
            assert_true(sealed_arena_valid(zone, i, taken[k]));
            assert_int_equal(sealed_arena_pool(zone, taken[k]), i);
            memset(sealed_zone_object(zone, taken[k]), (int) k,
                   sealed_pool_object_size(i));
        }

        for (k = 0; k < n; k++) {
            object = sealed_zone_object(zone, taken[k]);
            assert_int_equal(object[0], (uint8_t) k);
            assert_int_equal(object[sealed_pool_object_size(i) - 1],
                             (uint8_t) k);
        }

        give_all(zone, taken, n);
        assert_false(sealed_arena_valid(zone, i, taken[0]));
        assert_int_equal(arena->free_pages, base);
        assert_int_equal(arena->pool[i].used, 0);
        assert_int_equal(arena->pool[i].pages, 0);
        assert_null(store_check(zone));
    }

    free(taken);
    store_free(zone);
}


/* has_room tells exactly what take does afterwards */

static void
test_room_is_exact(void **unused)
{
    uint32_t         need[SEALED_POOLS], *taken, records, cells, n;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    zone = store_new(2 << 20);
    arena = &zone->header->arena;
    taken = malloc(300000 * sizeof(uint32_t));

    records = sealed_pool_objects(SEALED_POOL_RECORD);
    cells = sealed_pool_objects(SEALED_POOL_CELL);

    memset(need, 0, sizeof(need));
    need[SEALED_POOL_RECORD] = 10 * records;
    need[SEALED_POOL_CELL] = (arena->free_pages - 10) * cells;
    assert_true(sealed_arena_has_room(zone, need, 0));
    assert_false(sealed_arena_has_room(zone, need, 1));

    need[SEALED_POOL_CELL]++;
    assert_false(sealed_arena_has_room(zone, need, 0));
    need[SEALED_POOL_CELL]--;

    assert_int_equal(sealed_arena_lock(zone), 0);

    for (n = 0; n < need[SEALED_POOL_RECORD]; n++) {
        assert_int_equal(sealed_arena_take(zone, SEALED_POOL_RECORD, taken,
                                           1),
                         1);
        sealed_lock_commit(zone->arena_lock);
    }

    sealed_arena_unlock(zone);

    /* room in a page that is there already counts */

    assert_int_equal(take_all(zone, SEALED_POOL_CELL, taken),
                     need[SEALED_POOL_CELL]);
    assert_int_equal(take_all(zone, SEALED_POOL_BODY, taken), 0);

    free(taken);
    store_free(zone);
}


/* objects come from each extent, never from among the descriptors */

static void
test_extents(void **unused)
{
    uint32_t        i, n, page, last, *taken;
    sealed_zone_t  *zone;

    zone = store_new(12 << 20);
    taken = malloc(10000 * sizeof(uint32_t));

    n = take_all(zone, SEALED_POOL_PAGE, taken);
    last = 0;

    for (i = 0; i < n; i++) {
        page = taken[i] / (SEALED_PAGE_SIZE / 8);
        assert_in_range(page % SEALED_EXTENT_PAGES, SEALED_EXTENT_FIRST,
                        SEALED_EXTENT_PAGES - 1);
        last = page > last ? page : last;
        memset(sealed_zone_object(zone, taken[i]), 0xff, SEALED_PAGE_SIZE);
    }

    assert_int_equal(last, zone->header->arena.pages - 1);

    give_all(zone, taken, n);
    assert_null(store_check(zone));

    free(taken);
    store_free(zone);
}


static void
test_record_sizes(void **unused)
{
    uint32_t       size;
    sealed_pool_t  pool;

    for (size = 0; size <= SEALED_MAX_HEADER; size++) {
        pool = sealed_pool_record(size);
        assert_in_range(pool, SEALED_POOL_RECORD, SEALED_POOL_RECORD_LAST);
        assert_true(sealed_pool_object_size(pool) >= 20 + size);
    }

    assert_int_equal(sealed_pool_object_size(sealed_pool_record(0)), 24);
    assert_int_equal(sealed_pool_object_size(sealed_pool_record(48)), 72);
}


/* what was not committed is undone, at each place at which one can stop */

static void
test_undo(void **unused)
{
    uint8_t         *before;
    uint32_t         i, reference[64];
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    zone = store_new(2 << 20);
    arena = &zone->header->arena;
    before = malloc(sizeof(sealed_arena_t));

    assert_int_equal(sealed_arena_lock(zone), 0);
    assert_int_equal(sealed_arena_take(zone, SEALED_POOL_BODY, reference, 64),
                     64);
    sealed_arena_unlock(zone);

    memcpy(before, arena, sizeof(sealed_arena_t));

    for (i = 0; i < 64; i++) {
        assert_int_equal(sealed_arena_lock(zone), 0);
        (void) sealed_arena_take(zone, i % 2 ? SEALED_POOL_BODY
                                             : SEALED_POOL_PAGE,
                                 &reference[0], 1 + i);
        sealed_arena_give(zone, reference[i ? 0 : 1]);
        sealed_lock_undo(zone->base, zone->arena_lock);
        sealed_arena_unlock(zone);
        assert_memory_equal(arena, before, sizeof(sealed_arena_t));
    }

    free(before);
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_take_and_give),
        cmocka_unit_test(test_room_is_exact),
        cmocka_unit_test(test_extents),
        cmocka_unit_test(test_record_sizes),
        cmocka_unit_test(test_undo)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
