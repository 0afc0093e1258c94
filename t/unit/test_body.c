
#include "store.h"


#define EXPIRY  (NOW / 3600 + 24)


static uint8_t
octet(size_t size, size_t i)
{
    return (uint8_t) (size * 31 + i * 7 + i / 251);
}


/* one envelope with a stamp to mailbox 1 */

static void
send(sealed_zone_t *zone, const uint8_t *body, size_t size,
    const uint8_t *stamp)
{
    uint8_t          id[16], result;
    uint64_t         scratch[2];
    sealed_append_t  append;
    sealed_fanout_t  fanout;

    store_id(id, 1);
    memset(&fanout, 0, sizeof(fanout));
    fanout.recipients = id;
    fanout.count = 1;
    fanout.body.data = body;
    fanout.body.size = size;

    append.fanout = &fanout;
    append.stamp.data = stamp;
    append.stamp.size = SEALED_STAMP_SIZE;
    append.expiry_hour = EXPIRY;
    append.scratch = scratch;
    append.hashed = 0;
    append.results = &result;

    assert_int_equal(sealed_append(zone, &append, NOW), SEALED_OK);
    assert_int_equal(append.accepted, 1);
}


static void
drain(sealed_zone_t *zone)
{
    uint8_t  id[16];

    store_id(id, 1);
    assert_int_equal(sealed_mailbox_acknowledge(zone, id,
                         store_mailbox(zone, 1)->next_seq - 1, NOW),
                     SEALED_OK);
}


static sealed_body_t *
first_body(sealed_zone_t *zone)
{
    uint32_t  reference;

    reference = store_mailbox(zone, 1)->head;

    return sealed_zone_body(zone, sealed_zone_record(zone, reference)->body);
}


/* nothing of what was in an envelope is left in the zone */

static int
is_left(const sealed_zone_t *zone, const uint8_t *data, size_t size)
{
    return memmem(zone->base, sealed_zone_size(zone), data, size) != NULL;
}


static void
test_sizes(void **unused)
{
    size_t           size, used, i, k;
    uint8_t         *body, *out, stamp[SEALED_STAMP_SIZE];
    uint32_t         base, pages, cells;
    sealed_item_t    item;
    const uint8_t   *pos;
    sealed_zone_t   *zone;

    static const size_t  middle[] = {
        0, 120, 240, 3720, 3840, 4096, 4216, 7816, 7936, 8192, 65536,
        65536 + 3840, 262144
    };

    zone = store_new(4 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    base = zone->header->arena.free_pages;
    body = malloc(300000);
    out = malloc(300000);

    for (k = 0; k < sizeof(middle) / sizeof(middle[0]); k++) {
        for (size = middle[k] ? middle[k] - 3 : 0;
             size < middle[k] + 4;
             size++)
        {
            for (i = 0; i < size; i++) {
                body[i] = octet(size, i);
            }

            memset(stamp, (int) size | 1, sizeof(stamp));
            sealed_body_measure(size, &pages, &cells);

            assert_true(pages * SEALED_PAGE_SIZE
                        + cells * SEALED_CELL_PAYLOAD >= size);
            assert_true(cells * sizeof(sealed_cell_t) < SEALED_PAGE_SIZE);

            send(zone, body, size, size % 2 ? stamp : NULL);
            assert_int_equal(store_used(zone, SEALED_POOL_PAGE), pages);
            assert_int_equal(store_used(zone, SEALED_POOL_CELL),
                             cells + size % 2);

            used = store_read(zone, 1, 0, 1, out, 300000, NOW);
            pos = out;
            assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
            assert_ptr_equal(pos, out + used);
            assert_int_equal(item.body.size, size);
            assert_memory_equal(item.body.data, body, size);

            if (size % 2) {
                assert_memory_equal(item.stamp.data, stamp, sizeof(stamp));

            } else {
                assert_null(item.stamp.data);
            }

            drain(zone);
            assert_int_equal(zone->header->arena.free_pages, base);
            assert_false(size > 20 && is_left(zone, body + size - 20, 20));
            assert_false(is_left(zone, stamp, sizeof(stamp)));
        }
    }

    assert_null(store_check(zone));
    free(body);
    free(out);
    store_free(zone);
}


/* a body that is not what it says: left out, counted, and it can be dropped */

static void
test_damage(void **unused)
{
    size_t            used;
    uint8_t           body[5000], out[20000], stamp[SEALED_STAMP_SIZE];
    unsigned          k;
    uint32_t          saved;
    sealed_body_t    *damaged;
    sealed_cell_t    *cell;
    sealed_item_t     item;
    const uint8_t    *pos;
    sealed_zone_t    *zone;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    memset(body, 5, sizeof(body));
    memset(stamp, 6, sizeof(stamp));

    for (k = 0; k < 4; k++) {
        send(zone, body, sizeof(body), stamp);
        send(zone, body, 10, NULL);

        damaged = first_body(zone);
        cell = sealed_zone_cell(zone, damaged->cell);
        saved = cell->next;

        switch (k) {

        case 0:
            cell->generation++;
            break;

        case 1:

            /* leads into an envelope that came later */

            cell->next = store_mailbox(zone, 1)->tail;
            cell->next = sealed_zone_body(zone,
                             sealed_zone_record(zone, cell->next)->body)
                         ->cell;
            break;

        case 2:
            cell->next = SEALED_NONE;
            break;

        default:
            sealed_zone_cell(zone, damaged->stamp)->generation--;
        }

        used = store_read(zone, 1, 0, 10, out, sizeof(out), NOW);
        pos = out;
        assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
        assert_ptr_equal(pos, out + used);
        assert_int_equal(item.seq, 2 * k + 2);
        assert_int_equal(item.body.size, 10);
        assert_int_equal(zone->header->damaged, k + 1);

        cell->next = saved;
        cell->generation = damaged->generation;
        sealed_zone_cell(zone, damaged->stamp)->generation =
                                                       damaged->generation;
        assert_null(store_check(zone));
        drain(zone);
    }

    assert_null(store_check(zone));
    store_free(zone);
}


/* room for all of it or nothing is taken, at each number of free pages */

static void
test_all_or_nothing(void **unused)
{
    int                 rc;
    uint8_t             body[6 * SEALED_PAGE_SIZE];
    uint32_t            base, keep, n, taken[300], got, pages, i;
    sealed_zone_t      *zone;
    sealed_bytes_t      none = { NULL, 0 };
    sealed_fanout_t     fanout;

    zone = store_new(1 << 20);
    keep = sealed_zone_keep(zone);
    base = zone->header->arena.free_pages;
    memset(body, 1, sizeof(body));
    memset(&fanout, 0, sizeof(fanout));
    fanout.body.data = body;
    fanout.body.size = sizeof(body);
    fanout.slice_size = 256;
    n = 40;

    /* six pages, one for the body, three for 40 records of 280 */

    for (pages = 0; pages < base; pages++) {
        assert_int_equal(sealed_arena_lock(zone), 0);

        for (i = 0; i < pages; i += got) {
            got = sealed_arena_take(zone, SEALED_POOL_PAGE, taken + i,
                                    pages - i < 8 ? pages - i : 8);
            sealed_lock_commit(zone->arena_lock);
        }

        sealed_arena_unlock(zone);

        rc = sealed_body_build(zone, &fanout, none, 1, 2, n);
        assert_int_equal(rc, base - pages >= keep + 10 ? 0 : -1);

        if (rc != 0) {
            assert_int_equal(zone->header->arena.free_pages, base - pages);
            assert_int_equal(zone->workers[0].body, SEALED_NONE);
            assert_int_equal(zone->workers[0].records, SEALED_NONE);
        }

        sealed_worker_settle(zone);
        assert_int_equal(zone->header->arena.free_pages, base - pages);

        assert_int_equal(sealed_arena_lock(zone), 0);

        for (i = 0; i < pages; i++) {
            sealed_arena_give(zone, taken[i]);
            sealed_lock_commit(zone->arena_lock);
        }

        sealed_arena_unlock(zone);
        assert_null(store_check(zone));
    }

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_all_or_nothing)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
