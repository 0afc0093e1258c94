
#include "store.h"


#define EXPIRY  (NOW / 3600 + 24)

/* one octet to one mailbox; returns who is to be woken */

static uint64_t
store_send_wake(sealed_zone_t *zone, uint32_t n, uint32_t *accepted)
{
    uint8_t          id[16], result;
    uint64_t         scratch[2];
    sealed_append_t  append;
    sealed_fanout_t  fanout;

    store_id(id, n);
    memset(&fanout, 0, sizeof(fanout));
    fanout.recipients = id;
    fanout.count = 1;
    fanout.body.data = (const uint8_t *) "x";
    fanout.body.size = 1;

    append.fanout = &fanout;
    append.stamp.data = NULL;
    append.expiry_hour = EXPIRY;
    append.scratch = scratch;
    append.hashed = 0;
    append.results = &result;

    assert_true(sealed_append_scratch(1) <= sizeof(scratch));
    assert_int_equal(sealed_append(zone, &append, NOW), SEALED_OK);
    *accepted = append.accepted;

    return append.wake;
}


static void
test_life(void **unused)
{
    size_t                    used;
    uint8_t                   id[16], key[32], opener[16], out[4096];
    uint32_t                  accepted, tag;
    uint64_t                  wake;
    unsigned                  created;
    sealed_item_t             item;
    const uint8_t            *pos;
    sealed_zone_t            *zone;
    sealed_mailbox_status_t   status;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    store_id(id, 1);
    store_id(opener, 0);
    memset(key, 1, sizeof(key));

    assert_int_equal(sealed_mailbox_find(zone, id, key, &tag), -1);
    assert_int_equal(sealed_mailbox_open(zone, id, key, 7, opener, 1, NOW,
                                         &created, &status),
                     SEALED_OK);
    assert_true(created);
    assert_int_equal(status.next, 1);
    assert_int_equal(status.first, 1);

    assert_int_equal(sealed_mailbox_open(zone, id, key, 7, opener, 1, NOW,
                                         &created, &status),
                     SEALED_OK);
    assert_false(created);

    store_id(id, 2);
    assert_int_equal(sealed_mailbox_open(zone, id, key, 7, opener, 1, NOW,
                                         &created, &status),
                     SEALED_OPENER_LIMIT);

    assert_int_equal(store_send(zone, 1, 2, "hello", 5, 3, NOW, EXPIRY,
                                &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 1);

    used = store_read(zone, 1, 0, 10, out, sizeof(out), NOW);
    pos = out;
    assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
    assert_ptr_equal(pos, out + used);
    assert_int_equal(item.seq, 1);
    assert_int_equal(item.hour, NOW / 3600);
    assert_int_equal(item.body.size, 5);
    assert_memory_equal(item.body.data, "hello", 5);
    assert_int_equal(item.header.size, 3);
    assert_memory_equal(item.header.data, "\1\1\1", 3);
    assert_null(item.stamp.data);

    store_id(id, 1);
    assert_int_equal(sealed_mailbox_check_after(zone, id, 1), SEALED_OK);
    assert_int_equal(sealed_mailbox_check_after(zone, id, 2),
                     SEALED_BAD_SEQUENCE);
    assert_int_equal(sealed_mailbox_acknowledge(zone, id, 2, NOW),
                     SEALED_BAD_SEQUENCE);
    assert_int_equal(sealed_mailbox_acknowledge(zone, id, 1, NOW), SEALED_OK);
    assert_int_equal(sealed_mailbox_acknowledge(zone, id, 1, NOW), SEALED_OK);
    assert_int_equal(sealed_mailbox_status(zone, id, NOW, &status),
                     SEALED_OK);
    assert_int_equal(status.envelopes, 0);
    assert_int_equal(status.bytes, 0);
    assert_int_equal(status.first, 2);
    assert_int_equal(status.next, 2);
    assert_int_equal(store_used(zone, SEALED_POOL_CELL), 0);

    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake),
                     SEALED_NO_MAILBOX);
    store_certificate(zone, 9);
    store_id(opener, 9);
    assert_int_equal(sealed_mailbox_open(zone, id, key, 7, opener, 1,
                                         NOW + 599, &created, &status),
                     SEALED_MAILBOX_CLOSED);
    assert_int_equal(sealed_mailbox_open(zone, id, key, 7, opener, 1,
                                         NOW + 600, &created, &status),
                     SEALED_OK);
    assert_true(created);

    assert_null(store_check(zone));
    store_free(zone);
}


/* one that ended with envelopes in it, because whoever closed it died */

static void
test_reopened_with_leftovers(void **unused)
{
    uint32_t           n, accepted;
    uint64_t           wake;
    sealed_zone_t     *zone;
    sealed_shard_t    *shard;
    sealed_mailbox_t  *mailbox;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);

    for (n = 0; n < 99; n++) {
        assert_int_equal(store_send(zone, 1, 1, "x", 1, 0, NOW, EXPIRY,
                                    &accepted),
                         SEALED_OK);
    }

    wake = 0;
    mailbox = store_mailbox(zone, 1);
    shard = sealed_zone_shard(zone,
                              sealed_zone_hash(zone, mailbox->entry.id));
    assert_int_equal(sealed_shard_lock(zone, shard), 0);
    sealed_mailbox_end(zone, shard, mailbox, NOW - 600, &wake);
    sealed_shard_unlock(zone, shard);
    assert_int_equal(mailbox->key[0], 0);
    assert_null(store_check(zone));

    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_mailbox(zone, 1)->count, 0);
    assert_int_equal(store_records(zone), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 1);
    assert_null(store_check(zone));

    store_free(zone);
}


static void
test_limits(void **unused)
{
    uint8_t                 *body;
    uint32_t                 accepted;
    unsigned                 i;
    uint64_t                 cells;
    sealed_zone_t           *zone;

    zone = store_new(2 << 20);
    body = calloc(1, 999999);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);

    for (i = 0; i < 100; i++) {
        assert_int_equal(store_send(zone, 1, 1, "x", 1, 0, NOW, EXPIRY,
                                    &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 1);
    }

    assert_int_equal(store_send(zone, 1, 1, "x", 1, 0, NOW, EXPIRY,
                                &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 0);

    assert_int_equal(store_open(zone, 2), SEALED_OK);
    assert_int_equal(store_send(zone, 2, 1, body, 999999, 0, NOW, EXPIRY,
                                &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 1);
    assert_int_equal(store_send(zone, 2, 1, "xx", 2, 0, NOW, EXPIRY,
                                &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 0);

    /* a zone without room changes nothing */

    cells = store_used(zone, SEALED_POOL_CELL);
    assert_int_equal(store_open(zone, 3), SEALED_OK);
    assert_int_equal(store_send(zone, 3, 1, body, 999999, 0, NOW, EXPIRY,
                                &accepted),
                     SEALED_ZONE_FULL);
    assert_int_equal(accepted, 0);
    assert_int_equal(store_used(zone, SEALED_POOL_CELL), cells);

    assert_null(store_check(zone));
    free(body);
    store_free(zone);
}


static void
test_expiry(void **unused)
{
    size_t               used;
    uint8_t              id[16], out[4096];
    uint32_t             accepted;
    uint32_t             base;
    uint64_t             next;
    unsigned             has_next;
    sealed_item_t        item;
    const uint8_t       *pos;
    sealed_zone_t       *zone;

    zone = store_new(2 << 20);
    base = zone->header->arena.free_pages;
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    store_id(id, 1);

    (void) store_send(zone, 1, 1, "a", 1, 0, NOW, EXPIRY, &accepted);
    (void) store_send(zone, 1, 1, "b", 1, 0, NOW, NOW / 3600 + 1, &accepted);
    (void) store_send(zone, 1, 1, "c", 1, 0, NOW, EXPIRY, &accepted);

    used = store_read(zone, 1, 0, 10, out, sizeof(out), NOW + 3600);
    pos = out;
    assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
    assert_int_equal(item.seq, 1);
    assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
    assert_int_equal(item.seq, 3);
    assert_ptr_equal(pos, out + used);
    assert_null(store_check(zone));

    /* idle: closed by the sweep, not before its time */

    (void) store_expire(zone, NOW + 86400);
    assert_int_equal(sealed_mailbox_spend(zone, id, 1, NOW + 7200, &next,
                                          &has_next),
                     SEALED_OK);
    (void) store_expire(zone, NOW + 86400 + 3601);
    assert_int_equal(sealed_mailbox_spend(zone, id, 2, NOW + 86400, &next,
                                          &has_next),
                     SEALED_OK);
    (void) store_expire(zone, NOW + 3 * 86400);
    assert_int_equal(sealed_mailbox_check_after(zone, id, 0),
                     SEALED_NO_MAILBOX);
    (void) store_expire(zone, NOW + 4 * 86400);
    assert_int_equal(zone->header->arena.free_pages, base);

    /* a key line that left takes its mailboxes along */

    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    zone->limits.tag[0] = 8;
    (void) store_expire(zone, NOW);
    assert_int_equal(sealed_mailbox_check_after(zone, id, 0),
                     SEALED_NO_MAILBOX);

    store_free(zone);
}


static void
test_wake(void **unused)
{
    size_t           used;
    uint8_t          id[16];
    uint32_t         woken[SEALED_WAKE_RING], accepted;
    uint64_t         wake;
    unsigned         more, all;
    sealed_zone_t   *zone;
    sealed_cursor_t  cursor = { 0, 1, SEALED_NONE, SEALED_NONE };

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    store_id(id, 1);

    /* whoever comes new looks at everything */

    sealed_wake_attach(zone, 5);
    assert_int_equal(sealed_wake_take(zone, 5, woken, &all), 0);
    assert_true(all);
    assert_int_equal(sealed_wake_take(zone, 5, woken, &all), 0);
    assert_false(all);

    assert_int_equal(sealed_mailbox_read(zone, id, NOW, &cursor, NULL, 0,
                                         &used, &more, 5),
                     SEALED_OK);
    assert_false(more);

    wake = store_send_wake(zone, 1, &accepted);
    assert_int_equal(wake, 1 << 5);
    assert_int_equal(sealed_wake_take(zone, 5, woken, &all), 1);
    assert_int_equal(woken[0], cursor.mailbox);
    assert_false(all);
    assert_int_equal(sealed_wake_take(zone, 5, woken, &all), 0);

    /* nobody waits any more */

    assert_int_equal(store_send_wake(zone, 1, &accepted), 0);

    /* a worker of the same group is woken along, once it is there */

    sealed_wake_attach(zone, 5 + SEALED_WAKE_GROUPS);
    (void) sealed_wake_take(zone, 5 + SEALED_WAKE_GROUPS, woken, &all);
    cursor.after = 2;
    assert_int_equal(sealed_mailbox_read(zone, id, NOW, &cursor, NULL, 0,
                                         &used, &more, 5),
                     SEALED_OK);
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);
    assert_int_equal(wake, 1 << 5);
    assert_int_equal(sealed_wake_take(zone, 5 + SEALED_WAKE_GROUPS, woken,
                                      &all),
                     1);

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_reopened_with_leftovers),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_wake)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
