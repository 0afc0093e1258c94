
#include "store.h"


#define EXPIRY  (NOW / 3600 + 24)

enum {
    MOST = 3000
};


/* a delivery to any ids, with what came of each */

typedef struct {
    uint32_t                      count;
    uint32_t                      id[MOST];
    uint32_t                      slice_size;
    size_t                        size;
    uint64_t                      expiry;
    uint64_t                      now;

    uint32_t                      accepted;
    uint8_t                       result[MOST];
} delivery_t;


static sealed_verdict_t
deliver(sealed_zone_t *zone, delivery_t *d)
{
    uint8_t           *recipients, *headers, *body;
    uint32_t           i;
    sealed_append_t    append;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    recipients = malloc(MOST * 16);
    headers = malloc(MOST * SEALED_MAX_HEADER);
    body = malloc(d->size + 1);
    memset(body, 0x77, d->size);
    memset(d->result, 0xff, sizeof(d->result));

    for (i = 0; i < d->count; i++) {
        store_id(recipients + i * 16, d->id[i]);
        memset(headers + i * d->slice_size, (int) d->id[i], d->slice_size);
    }

    fanout.recipients = recipients;
    fanout.count = d->count;
    fanout.headers = headers;
    fanout.slice_size = d->slice_size;
    fanout.body.data = body;
    fanout.body.size = d->size;

    append.fanout = &fanout;
    append.stamp.data = NULL;
    append.expiry_hour = d->expiry;
    append.scratch = malloc(sealed_append_scratch(d->count));
    append.hashed = d->count % 2;
    append.results = d->result;

    for (i = 0; append.hashed && i < d->count; i++) {
        ((uint64_t *) append.scratch)[i] =
            sealed_zone_hash(zone, recipients + i * 16);
    }

    verdict = sealed_append(zone, &append, d->now);
    d->accepted = append.accepted;

    free(append.scratch);
    free(recipients);
    free(headers);
    free(body);

    return verdict;
}


static delivery_t *
delivery(uint32_t count, size_t size)
{
    uint32_t     i;
    delivery_t  *d;

    d = calloc(1, sizeof(delivery_t));
    d->count = count;
    d->size = size;
    d->slice_size = 8;
    d->expiry = EXPIRY;
    d->now = NOW;

    for (i = 0; i < count; i++) {
        d->id[i] = i + 1;
    }

    return d;
}


static sealed_zone_t *
zone_with(size_t size, uint32_t mailboxes)
{
    uint32_t        n;
    sealed_zone_t  *zone;

    zone = store_new(size);
    store_certificate(zone, 0);

    for (n = 1; n <= mailboxes; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    return zone;
}


/* pages that nobody can have */

static void
fill(sealed_zone_t *zone, uint32_t *taken, uint32_t pages)
{
    uint32_t  n, got;

    assert_int_equal(sealed_arena_lock(zone), 0);

    for (n = 0; n < pages; n += got) {
        got = sealed_arena_take(zone, SEALED_POOL_PAGE, taken + n,
                                pages - n < 8 ? pages - n : 8);
        assert_int_not_equal(got, 0);
        sealed_lock_commit(zone->arena_lock);
    }

    sealed_arena_unlock(zone);
}


static void
unfill(sealed_zone_t *zone, uint32_t *taken, uint32_t pages)
{
    assert_int_equal(sealed_arena_lock(zone), 0);

    while (pages--) {
        sealed_arena_give(zone, taken[pages]);
        sealed_lock_commit(zone->arena_lock);
    }

    sealed_arena_unlock(zone);
}


/* each mailbox gets all of them, in the order in which they were sent */

static void
test_order(void **unused)
{
    size_t            used;
    uint8_t          *out;
    uint32_t          n, i, k;
    delivery_t       *d;
    sealed_item_t     item;
    const uint8_t    *pos;
    sealed_zone_t    *zone;

    zone = zone_with(8 << 20, 200);
    out = malloc(1 << 20);
    d = delivery(200, 1);

    for (k = 1; k <= 30; k++) {
        d->size = k;
        d->slice_size = k * 8;

        for (i = 0; i < 200; i++) {
            n = d->id[i];
            d->id[i] = d->id[i * k % 200];
            d->id[i * k % 200] = n;
        }

        assert_int_equal(deliver(zone, d), SEALED_OK);
        assert_int_equal(d->accepted, 200);
    }

    for (n = 1; n <= 200; n++) {
        used = store_read(zone, n, 0, 100, out, 1 << 20, NOW);
        k = 1;

        for (pos = out; pos < out + used; k++) {
            assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
            assert_int_equal(item.seq, k);
            assert_int_equal(item.body.size, k);
            assert_int_equal(item.header.size, k * 8);
            assert_int_equal(item.header.data[0], (uint8_t) n);
            assert_int_equal(item.header.data[k * 8 - 1], (uint8_t) n);
        }

        assert_int_equal(k, 31);
    }

    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 30);
    assert_null(store_check(zone));

    free(d);
    free(out);
    store_free(zone);
}


/* each kind of recipient in one delivery */

static void
test_each_answer(void **unused)
{
    uint8_t          id[16];
    uint32_t         i;
    uint64_t         wake;
    delivery_t      *d;
    sealed_zone_t   *zone;

    zone = zone_with(4 << 20, 50);
    d = delivery(100, 10);

    store_id(id, 7);
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);

    zone->limits.envelopes = 1;
    d->count = 20;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 19);

    d->count = 100;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 30);

    for (i = 0; i < 100; i++) {
        assert_int_equal(d->result[i],
                         i == 6 || i >= 50 ? SEALED_REFUSED_UNKNOWN
                         : i < 20 ? SEALED_REFUSED_FULL : SEALED_ACCEPTED);
    }

    /* by octets: exactly as many as are allowed */

    zone->limits.envelopes = 10;
    zone->limits.bytes = 10 + 8 + 100;
    d->size = 93;
    d->count = 10;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 0);
    d->size = 92;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 9);
    assert_int_equal(store_mailbox(zone, 1)->bytes, zone->limits.bytes);

    /* nobody at all: nothing is left of it */

    d->id[0] = 1000;
    d->count = 1;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 0);
    assert_int_equal(zone->workers[0].body, SEALED_NONE);

    /* mailboxes of a key line that left are not there */

    zone->limits.tag[0] = 8;
    d->id[0] = 1;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->result[0], SEALED_REFUSED_UNKNOWN);

    assert_null(store_check(zone));
    free(d);
    store_free(zone);
}


/* what has expired makes room, in a mailbox and in the zone */

static void
test_purge_on_the_way(void **unused)
{
    uint32_t        *taken, pages, k;
    delivery_t      *d;
    sealed_zone_t   *zone;

    zone = zone_with(2 << 20, 40);
    taken = malloc(1000 * sizeof(uint32_t));
    d = delivery(40, 4096 * 4);
    d->expiry = NOW / 3600 + 1;
    zone->limits.envelopes = 3;

    for (k = 0; k < 3; k++) {
        assert_int_equal(deliver(zone, d), SEALED_OK);
        assert_int_equal(d->accepted, 40);
    }

    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 0);

    /* an hour later there is room, though the zone looks full */

    pages = zone->header->arena.free_pages - sealed_zone_keep(zone);
    fill(zone, taken, pages);

    d->now = NOW + 3600;
    d->expiry = EXPIRY;
    d->size = 4096 * 2;
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 40);
    assert_int_equal(store_mailbox(zone, 9)->count, 1);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 1);

    unfill(zone, taken, pages);
    assert_null(store_check(zone));
    free(taken);
    free(d);
    store_free(zone);
}


/*
 * A zone in which there is just room, or one page too little, at each number
 * of recipients; for fewer than all it is counted who is there.
 */

static void
test_exactly_full(void **unused)
{
    uint8_t           id[16];
    uint32_t          n, need, free_pages, spare, *taken, k;
    delivery_t       *d;
    sealed_zone_t    *zone;
    sealed_verdict_t  verdict;

    zone = zone_with(2 << 20, 400);
    taken = malloc(1000 * sizeof(uint32_t));
    d = delivery(400, 4096 * 3);

    for (n = 1; n <= 400; n += 57) {

        /* three pages, one of bodies, 102 records of 40 in each other */

        d->count = n;
        need = 3 + 1 + (n + 101) / 102;
        free_pages = zone->header->arena.free_pages;

        for (spare = 0; spare < 2; spare++) {
            fill(zone, taken, free_pages - need - sealed_zone_keep(zone)
                              + spare);

            verdict = deliver(zone, d);
            assert_int_equal(verdict, spare ? SEALED_ZONE_FULL : SEALED_OK);
            assert_int_equal(d->accepted, spare ? 0 : n);

            for (k = 1; k <= n; k++) {
                assert_int_equal(store_mailbox(zone, k)->count, 1 - spare);
            }

            while (k-- > 1) {
                store_id(id, k);
                assert_int_equal(sealed_mailbox_acknowledge(zone, id,
                                     store_mailbox(zone, k)->next_seq - 1,
                                     NOW),
                                 SEALED_OK);
            }

            unfill(zone, taken, free_pages - need - sealed_zone_keep(zone)
                                + spare);
            assert_int_equal(zone->header->arena.free_pages, free_pages);
            assert_null(store_check(zone));
        }
    }

    /* room for those that are there, not for all that are named */

    d->count = MOST;

    for (k = 0; k < MOST; k++) {
        d->id[k] = k % 10 ? 100000 + k : 1 + k / 10;
    }

    need = 3 + 1 + 3;
    fill(zone, taken, free_pages - need - sealed_zone_keep(zone));
    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 300);

    for (k = 0; k < MOST; k++) {
        assert_int_equal(d->result[k], k % 10 ? SEALED_REFUSED_UNKNOWN
                                              : SEALED_ACCEPTED);
    }

    /* full: nobody gets anything, whoever is named; what is there stays */

    assert_int_equal(deliver(zone, d), SEALED_ZONE_FULL);
    assert_int_equal(d->accepted, 0);
    assert_int_equal(store_records(zone), 300);

    for (k = 0; k < MOST; k++) {
        d->id[k] = 100000 + k;
    }

    assert_int_equal(deliver(zone, d), SEALED_OK);
    assert_int_equal(d->accepted, 0);

    unfill(zone, taken, free_pages - need - sealed_zone_keep(zone));
    assert_null(store_check(zone));

    free(taken);
    free(d);
    store_free(zone);
}


/*
 * Asking for memory looks without a lock: at a mailbox that is no more, at a
 * table while another one makes it smaller.
 */

static void
test_prefetch(void **state)
{
    uint8_t           id[16];
    uint32_t          n, *bucket, reference;
    uint64_t          hash;
    sealed_zone_t    *zone;
    sealed_table_t    saved, *table;

    zone = store_new(2 << 20);

    for (n = 0; n < 1000; n++) {
        store_id(id, n);
        hash = sealed_zone_hash(zone, id);
        table = &sealed_zone_shard(zone, hash)->mailboxes;
        saved = *table;

        /* its buckets of before, its root of after that */

        table->buckets = SEALED_TABLE_MAX;
        sealed_append_prefetch(zone, id, 0);
        sealed_append_prefetch(zone, id, 1);
        *table = saved;

        /* a mailbox that another one has given back */

        bucket = sealed_table_bucket(zone, table, hash);
        reference = *bucket;
        *bucket = zone->header->arena.carved * (SEALED_PAGE_SIZE / 8) - 40;
        sealed_append_prefetch(zone, id, 1);
        *bucket = reference;
    }

    assert_null(store_check(zone));
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_each_answer),
        cmocka_unit_test(test_purge_on_the_way),
        cmocka_unit_test(test_exactly_full),
        cmocka_unit_test(test_prefetch)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
