
#include "store.h"


#define EXPIRY  (NOW / 3600 + 24)


/* what one call brings, as sequence numbers */

typedef struct {
    unsigned                      count;
    unsigned                      more;
    size_t                        used;
    uint64_t                      seq[200];
} got_t;


static sealed_verdict_t
read_some(sealed_zone_t *zone, uint32_t n, sealed_cursor_t *cursor,
    size_t size, unsigned worker, uint64_t now, got_t *got)
{
    uint8_t           id[16], *out;
    sealed_item_t     item;
    const uint8_t    *pos;
    sealed_verdict_t  verdict;

    store_id(id, n);
    out = malloc(size + 1);
    got->count = 0;

    verdict = sealed_mailbox_read(zone, id, now, cursor, out, size,
                                  &got->used, &got->more, worker);
    assert_true(got->used <= size);

    for (pos = out; pos < out + got->used; /* void */ ) {
        assert_int_equal(sealed_item_parse(&item, &pos, out + got->used), 0);
        assert_true(got->count < 200);
        got->seq[got->count++] = item.seq;
    }

    free(out);

    return verdict;
}


static void
deliver(sealed_zone_t *zone, uint32_t n, size_t size, unsigned times,
    uint64_t expiry)
{
    uint8_t   body[5000];
    uint32_t  accepted;

    memset(body, 1, sizeof(body));

    while (times--) {
        assert_int_equal(store_send(zone, n, 1, body, size, 3, NOW, expiry,
                                    &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 1);
    }
}


static void
acknowledge(sealed_zone_t *zone, uint32_t n, uint64_t through)
{
    uint8_t  id[16];

    store_id(id, n);
    assert_int_equal(sealed_mailbox_acknowledge(zone, id, through, NOW),
                     SEALED_OK);
}


static sealed_zone_t *
zone_with(unsigned mailboxes)
{
    uint32_t        n;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);

    for (n = 1; n <= mailboxes; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    return zone;
}


static void
test_limits_and_buffers(void **unused)
{
    size_t            one, size;
    got_t             got;
    unsigned          n;
    uint64_t          seq;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor;

    zone = zone_with(1);
    deliver(zone, 1, 100, 20, EXPIRY);

    /* items, up to the limit; what waits beyond it is not "more" */

    cursor = (sealed_cursor_t) { 0, 5, SEALED_NONE, SEALED_NONE };
    assert_int_equal(read_some(zone, 1, &cursor, 10000, 0, NOW, &got),
                     SEALED_OK);
    assert_int_equal(got.count, 5);
    assert_int_equal(got.more, 0);
    assert_int_equal(cursor.limit, 0);
    assert_int_equal(cursor.after, 5);
    one = got.used / 5;

    assert_int_equal(read_some(zone, 1, &cursor, 10000, SEALED_WAKE_WORKERS,
                               NOW, &got),
                     SEALED_OK);
    assert_int_equal(got.count, 0);
    assert_int_equal(cursor.after, 5);

    /* each size of buffer: whole items, and "more" when one did not fit */

    for (size = 0; size < 6 * one; size += 7) {
        cursor = (sealed_cursor_t) { 0, 5, SEALED_NONE, SEALED_NONE };
        seq = 1;

        assert_int_equal(read_some(zone, 1, &cursor, size, 0, NOW, &got),
                         SEALED_OK);
        assert_int_equal(got.count, size / one < 5 ? size / one : 5);
        assert_int_equal(got.more, got.count < 5);
        assert_int_equal(cursor.after, got.count);
        assert_int_equal(cursor.limit, 5 - got.count);

        /* and on from there */

        if (got.count == 0) {
            continue;
        }

        for ( ;; ) {
            for (n = 0; n < got.count; n++) {
                assert_int_equal(got.seq[n], seq++);
            }

            if (!got.more) {
                break;
            }

            assert_int_equal(read_some(zone, 1, &cursor, size, 0, NOW, &got),
                             SEALED_OK);
            assert_int_not_equal(got.count, 0);
        }

        assert_int_equal(seq, 6);
    }

    /* without a buffer: whether there is something */

    cursor = (sealed_cursor_t) { 19, 1, SEALED_NONE, SEALED_NONE };
    assert_int_equal(read_some(zone, 1, &cursor, 0, 0, NOW, &got),
                     SEALED_OK);
    assert_int_equal(got.more, 1);
    cursor.after = 20;
    assert_int_equal(read_some(zone, 1, &cursor, 0, 0, NOW, &got),
                     SEALED_OK);
    assert_int_equal(got.more, 0);

    assert_int_equal(read_some(zone, 2, &cursor, 0, 0, NOW, &got),
                     SEALED_NO_MAILBOX);

    assert_null(store_check(zone));
    store_free(zone);
}


/* a hint saves the way, and never leads anywhere else */

static void
test_hint(void **unused)
{
    got_t             got;
    uint8_t           id[16];
    uint32_t          hint, base, i;
    uint64_t          wake;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor;

    zone = zone_with(2);
    deliver(zone, 1, 100, 10, EXPIRY);
    deliver(zone, 2, 100, 10, EXPIRY);

    cursor = (sealed_cursor_t) { 0, 4, SEALED_NONE, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    hint = cursor.record;
    assert_int_equal(sealed_zone_record(zone, hint)->seq, 4);

    /* valid */

    cursor.limit = 2;
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.seq[0], 5);

    /* of another number, of another mailbox, of nothing at all */

    cursor = (sealed_cursor_t) { 2, 2, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.seq[0], 3);

    cursor = (sealed_cursor_t) { 4, 2, hint, SEALED_NONE };
    (void) read_some(zone, 2, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.seq[0], 5);
    assert_int_equal(got.count, 2);

    base = store_mailbox(zone, 1)->head;

    for (i = 0; i < 3000; i++) {
        cursor = (sealed_cursor_t) { 4, 1, base + i * 5, SEALED_NONE };
        (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
        assert_int_equal(got.count, 1);
        assert_int_equal(got.seq[0], 5);

        cursor = (sealed_cursor_t) { 4, 1, i * 1431655, SEALED_NONE };
        (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
        assert_int_equal(got.seq[0], 5);
    }

    /* acknowledged, its memory free, then somebody else's, then ours again */

    acknowledge(zone, 1, 4);
    cursor = (sealed_cursor_t) { 4, 9, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 6);
    assert_int_equal(got.seq[0], 5);

    deliver(zone, 2, 100, 4, EXPIRY);
    cursor = (sealed_cursor_t) { 4, 9, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.seq[0], 5);

    acknowledge(zone, 2, 14);
    deliver(zone, 1, 100, 14, EXPIRY);
    cursor = (sealed_cursor_t) { 4, 99, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 20);

    for (i = 0; i < got.count; i++) {
        assert_int_equal(got.seq[i], 5 + i);
    }

    /* everything acknowledged */

    acknowledge(zone, 1, 24);
    cursor = (sealed_cursor_t) { 4, 99, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 0);
    assert_int_equal(got.more, 0);

    /* the mailbox closed, and another of its name in its place */

    store_id(id, 1);
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);
    assert_int_equal(read_some(zone, 1, &cursor, 10000, 0, NOW, &got),
                     SEALED_NO_MAILBOX);
    (void) store_expire(zone, NOW + 2 * 3600);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    deliver(zone, 1, 100, 6, EXPIRY);
    cursor = (sealed_cursor_t) { 4, 99, hint, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.seq[0], 5);

    assert_null(store_check(zone));
    store_free(zone);
}


/* a hint that is older than the zone's size: what it named is not mapped */

static void
test_hint_beyond_the_end(void **unused)
{
    void             *memory;
    got_t             got;
    size_t            small, large;
    uint32_t          hint;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor;

    small = 2 << 20;
    large = 16 << 20;
    memory = store_memory(large);
    zone = store_in(memory, small);
    assert_int_equal(sealed_zone_resize(zone, large), 0);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    deliver(zone, 1, 100, 3, EXPIRY);

    assert_int_equal(sealed_zone_resize(zone, small), 0);
    assert_int_equal(munmap((uint8_t *) memory + small, large - small), 0);

    for (hint = (uint32_t) (small / 8); hint < large / 8; hint += 1001) {
        cursor = (sealed_cursor_t) { 1, 5, hint, SEALED_NONE };
        (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
        assert_int_equal(got.count, 2);
        assert_int_equal(got.seq[0], 2);
    }

    store_free(zone);
}


/* expired ones are not there, whether or not they lie at the hint */

static void
test_expired_on_the_way(void **unused)
{
    got_t             got;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor;

    zone = zone_with(1);
    deliver(zone, 1, 10, 1, EXPIRY);
    deliver(zone, 1, 10, 2, NOW / 3600 + 1);
    deliver(zone, 1, 10, 1, EXPIRY);
    deliver(zone, 1, 10, 1, NOW / 3600 + 1);

    cursor = (sealed_cursor_t) { 0, 2, SEALED_NONE, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW, &got);
    assert_int_equal(got.count, 2);
    assert_int_equal(cursor.after, 2);

    cursor.limit = 10;
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW + 3600, &got);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.seq[0], 4);
    assert_int_equal(store_records(zone), 2);

    (void) read_some(zone, 1, &cursor, 10000, 0, NOW + 3600, &got);
    assert_int_equal(got.count, 0);

    /* numbers go on where they were */

    deliver(zone, 1, 10, 1, EXPIRY);
    (void) read_some(zone, 1, &cursor, 10000, 0, NOW + 3600, &got);
    assert_int_equal(got.seq[0], 6);

    assert_null(store_check(zone));
    store_free(zone);
}


/* only who found nothing waits */

static void
test_waiting(void **unused)
{
    got_t             got;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor;

    zone = zone_with(1);
    deliver(zone, 1, 100, 1, EXPIRY);

    cursor = (sealed_cursor_t) { 0, 5, SEALED_NONE, SEALED_NONE };
    (void) read_some(zone, 1, &cursor, 10000, 3, NOW, &got);
    assert_int_equal(store_mailbox(zone, 1)->waiting, 0);
    assert_int_equal(cursor.mailbox,
                     sealed_zone_reference(zone, store_mailbox(zone, 1)));

    cursor.after = 0;
    (void) read_some(zone, 1, &cursor, 10, 3, NOW, &got);
    assert_int_equal(got.more, 1);
    assert_int_equal(store_mailbox(zone, 1)->waiting, 0);

    cursor.after = 1;
    (void) read_some(zone, 1, &cursor, 10000, SEALED_WAKE_WORKERS, NOW, &got);
    assert_int_equal(store_mailbox(zone, 1)->waiting, 0);

    (void) read_some(zone, 1, &cursor, 10000, 3, NOW, &got);
    (void) read_some(zone, 1, &cursor, 10000, 127, NOW, &got);
    assert_int_equal(store_mailbox(zone, 1)->waiting,
                     (uint32_t) 1 << 3 | (uint32_t) 1 << 31);
    assert_int_equal(cursor.mailbox,
                     sealed_zone_reference(zone, store_mailbox(zone, 1)));

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_limits_and_buffers),
        cmocka_unit_test(test_hint),
        cmocka_unit_test(test_hint_beyond_the_end),
        cmocka_unit_test(test_expired_on_the_way),
        cmocka_unit_test(test_waiting)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
