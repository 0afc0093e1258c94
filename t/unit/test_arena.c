
#include "store.h"


/* every object of every pool once, all distinct, all given back */

static void
test_take_and_give(void **unused)
{
    uint32_t         i, n, *taken;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    zone = store_new(2 << 20);
    arena = &zone->arena;
    taken = malloc(200000 * sizeof(uint32_t));

    for (i = 0; i < SEALED_POOLS; i++) {
        n = 0;

        while ((taken[n] = sealed_arena_take(arena, i)) != SEALED_NONE) {
            assert_true(sealed_arena_valid(arena, i, taken[n]));
            memset(sealed_arena_object(arena, i, taken[n]), (int) n,
                   sealed_pool_object_size(i));
            n++;
        }

        if (i == SEALED_POOL_CERTIFICATE) {
            assert_int_equal(n, arena->pages / 8 * sealed_pool_objects(i));

        } else {
            assert_int_equal(n, arena->pages * sealed_pool_objects(i));
            assert_int_equal(arena->free_pages, 0);
        }

        while (n--) {
            assert_int_equal(*(uint8_t *) sealed_arena_object(arena, i,
                                                              taken[n]),
                             (uint8_t) n);
            sealed_arena_give(arena, taken[n]);
            assert_false(sealed_arena_valid(arena, i, taken[n]));
        }

        assert_int_equal(arena->free_pages, arena->pages);
        assert_int_equal(arena->pool[i].used, 0);
        assert_int_equal(arena->pool[i].room, 0);
    }

    free(taken);
    store_free(zone);
}


/* has_room tells exactly what take does afterwards */

static void
test_room_is_exact(void **unused)
{
    uint32_t         need[SEALED_POOLS], i, records, cells;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    zone = store_new(2 << 20);
    arena = &zone->arena;

    records = sealed_pool_objects(SEALED_POOL_RECORD);
    cells = sealed_pool_objects(SEALED_POOL_CELL);

    memset(need, 0, sizeof(need));
    need[SEALED_POOL_RECORD] = 10 * records;
    need[SEALED_POOL_CELL] = (arena->pages - 10) * cells;
    assert_true(sealed_arena_has_room(arena, need));

    need[SEALED_POOL_CELL]++;
    assert_false(sealed_arena_has_room(arena, need));
    need[SEALED_POOL_CELL]--;

    for (i = 0; i < need[SEALED_POOL_RECORD]; i++) {
        assert_true(sealed_arena_take(arena, SEALED_POOL_RECORD)
                    != SEALED_NONE);
    }

    for (i = 0; i < need[SEALED_POOL_CELL]; i++) {
        assert_true(sealed_arena_take(arena, SEALED_POOL_CELL)
                    != SEALED_NONE);
    }

    assert_true(sealed_arena_take(arena, SEALED_POOL_CELL) == SEALED_NONE);
    assert_true(sealed_arena_take(arena, SEALED_POOL_BODY) == SEALED_NONE);

    store_free(zone);
}


static void
test_rebuild(void **unused)
{
    uint32_t         i, reference[500];
    sealed_zone_t   *zone;
    sealed_arena_t   before, *arena;

    zone = store_new(2 << 20);
    arena = &zone->arena;

    for (i = 0; i < 500; i++) {
        reference[i] = sealed_arena_take(arena, i % SEALED_POOLS);
    }

    for (i = 0; i < 500; i += 3) {
        sealed_arena_give(arena, reference[i]);
    }

    before = *arena;
    sealed_arena_rebuild(arena);

    for (i = 0; i < SEALED_POOLS; i++) {
        assert_int_equal(arena->pool[i].used, before.pool[i].used);
        assert_int_equal(arena->pool[i].room, before.pool[i].room);
        assert_int_equal(arena->pool[i].pages, before.pool[i].pages);
    }

    assert_int_equal(arena->free_pages, before.free_pages);

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_take_and_give),
        cmocka_unit_test(test_room_is_exact),
        cmocka_unit_test(test_rebuild)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
