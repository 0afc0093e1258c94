
#include "store.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>


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


/*
 * Smaller, to each size near the borders of an extent, and larger again: no
 * page is lost, and none of those that descriptors are in is handed out.
 */

static void
test_resize_at_borders(void **unused)
{
    void            *memory;
    uint32_t         i, n, pages, page, *taken;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;

    enum { PAGES = 3 * SEALED_EXTENT_PAGES };

    memory = store_memory(PAGES * SEALED_PAGE_SIZE);
    zone = store_in(memory, PAGES * SEALED_PAGE_SIZE);
    arena = &zone->header->arena;
    taken = malloc(PAGES * sizeof(uint32_t));

    for (pages = SEALED_EXTENT_PAGES - 2;
         pages <= 2 * SEALED_EXTENT_PAGES + SEALED_EXTENT_FIRST + 2;
         pages += pages % SEALED_EXTENT_PAGES == SEALED_EXTENT_FIRST + 2
                  ? SEALED_EXTENT_PAGES - SEALED_EXTENT_FIRST - 4 : 1)
    {
        n = take_all(zone, SEALED_POOL_PAGE, taken);
        assert_int_equal(n, arena->total - 2 * (zone->shard_mask + 1));

        for (i = 0; i < n; i++) {
            page = taken[i] / (SEALED_PAGE_SIZE / 8);
            assert_in_range(page % SEALED_EXTENT_PAGES, SEALED_EXTENT_FIRST,
                            SEALED_EXTENT_PAGES - 1);
        }

        /* in an order that leaves those that go all over the list */

        for (i = 0; i < n; i++) {
            page = taken[i];
            taken[i] = taken[i * 17 % n];
            taken[i * 17 % n] = page;
        }

        give_all(zone, taken, n);

        assert_int_equal(sealed_zone_resize(zone, (size_t) pages
                                                  * SEALED_PAGE_SIZE),
                         0);
        assert_null(store_check(zone));
        assert_int_equal(arena->total,
                         sealed_arena_total(pages, arena->control));

        n = take_all(zone, SEALED_POOL_PAGE, taken);
        assert_int_equal(n, arena->total - 2 * (zone->shard_mask + 1));
        give_all(zone, taken, n);

        assert_int_equal(sealed_zone_resize(zone, PAGES * SEALED_PAGE_SIZE),
                         0);
        assert_null(store_check(zone));
    }

    free(taken);
    sealed_worker_release(zone);
    free(zone);
    (void) munmap(memory, PAGES * SEALED_PAGE_SIZE);
}


/*
 * A death while pages are taken out of the list of free ones: they are all
 * free, or all gone.  Each step is undone as if it had been the last.
 */

static void
test_death_in_resize(void **unused)
{
    int              started;
    pid_t            pid;
    uint32_t         i, k, n, small, *taken;
    sealed_zone_t   *zone;
    sealed_arena_t  *arena;
    volatile int    *go;

    zone = store_new(128 << 20);
    go = store_memory(4096);
    small = 0;
    arena = &zone->header->arena;
    taken = malloc(40000 * sizeof(uint32_t));

    n = take_all(zone, SEALED_POOL_PAGE, taken);

    for (i = 0; i < 40; i++) {
        give_all(zone, taken, n);
        *go = 0;
        pid = fork();

        if (pid == 0) {
            *go = 1;
            (void) sealed_zone_resize(zone, 64 << 20);

            for ( ;; ) {
                (void) pause();
            }
        }

        for (started = 0; !started; started = *go) {
            (void) sched_yield();
        }

        /* some die before, some in the middle, the last when it is done */

        for (k = 0; k < i * 20000 || (i == 39 && arena->pages == 32768); k++) {
            started += *go;
        }

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);

        assert_int_equal(sealed_arena_lock(zone), 0);
        sealed_arena_unlock(zone);
        assert_null(store_check(zone));
        assert_true(arena->pages == 32768 || arena->pages == 16384);
        small += arena->pages == 16384;

        assert_int_equal(sealed_zone_resize(zone, 128 << 20), 0);
        assert_int_equal(take_all(zone, SEALED_POOL_PAGE, taken), n);
    }

    assert_true(small > 0);

    free(taken);
    (void) munmap((void *) go, 4096);
    store_free(zone);
}


#if (SEALED_CHECKED)

/* a build with sanitizers ends a process that uses what was given back */

static int
is_caught(sealed_zone_t *zone, uint32_t reference)
{
    int    status;
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        (void) close(STDERR_FILENO);
        (void) signal(SIGILL, SIG_DFL);
        (void) sealed_zone_object(zone, reference);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    return WIFSIGNALED(status) && WTERMSIG(status) == SIGILL;
}


static void
test_use_after_give(void **unused)
{
    uint32_t        reference[3], page;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    assert_int_equal(sealed_arena_lock(zone), 0);
    assert_int_equal(sealed_arena_take(zone, SEALED_POOL_CELL, reference, 3),
                     3);
    sealed_arena_unlock(zone);
    page = reference[0] / (SEALED_PAGE_SIZE / 8);

    assert_false(is_caught(zone, SEALED_NONE));
    assert_false(is_caught(zone, reference[0]));
    assert_false(is_caught(zone, reference[1]));

    /* not the start of one, none of that page, none at all */

    assert_true(is_caught(zone, reference[0] + 1));
    assert_true(is_caught(zone, reference[2]
                                + (uint32_t) sizeof(sealed_cell_t) / 8));
    assert_true(is_caught(zone, (page + 1) * (SEALED_PAGE_SIZE / 8)));
    assert_true(is_caught(zone, 1));
    assert_true(is_caught(zone, UINT32_MAX));

    assert_int_equal(sealed_arena_lock(zone), 0);
    sealed_arena_give(zone, reference[1]);
    sealed_arena_unlock(zone);
    assert_true(is_caught(zone, reference[1]));
    assert_false(is_caught(zone, reference[2]));

    /* the last of its page, which is free then, and another pool's */

    assert_int_equal(sealed_arena_lock(zone), 0);
    sealed_arena_give(zone, reference[0]);
    sealed_arena_give(zone, reference[2]);
    sealed_arena_unlock(zone);
    assert_true(is_caught(zone, reference[0]));

    assert_int_equal(sealed_arena_lock(zone), 0);
    assert_int_equal(sealed_arena_take(zone, SEALED_POOL_BODY, reference + 1,
                                       1),
                     1);
    sealed_arena_unlock(zone);
    assert_int_equal(reference[1] / (SEALED_PAGE_SIZE / 8), page);
    assert_true(is_caught(zone, reference[2]));

    store_free(zone);
}

#endif


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
        cmocka_unit_test(test_resize_at_borders),
        cmocka_unit_test(test_death_in_resize),
#if (SEALED_CHECKED)
        cmocka_unit_test(test_use_after_give),
#endif
        cmocka_unit_test(test_record_sizes),
        cmocka_unit_test(test_undo)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
