
/*
 * A zone that works on while a snapshot of it is written; then everything
 * from the journal into another zone, which has to be the same.
 */

#include "snapshot_world.h"


enum {
    MAILBOXES = 300,
    READ = 256 * 1024
};


static void
do_send(world_t *w, unsigned logged)
{
    size_t             size;
    uint8_t           *body, recipients[40 * 16], headers[40 * 48];
    uint8_t            results[40], stamp[SEALED_STAMP_SIZE];
    uint32_t           i, lives[40];
    uint64_t           seqs[40], scratch[80];
    sealed_append_t    append;
    sealed_fanout_t    fanout;

    size = 64 + draw(w, 4) * draw(w, 3000);
    body = malloc(size);
    assert_non_null(body);
    w->sent++;
    memset(body, (int) w->sent, size);
    memcpy(body, &w->sent, sizeof(w->sent));
    memset(stamp, (int) w->sent, sizeof(stamp));

    fanout.recipients = recipients;
    fanout.count = 1 + draw(w, 40);
    fanout.headers = headers;
    fanout.slice_size = draw(w, 2) * 48;
    fanout.body.data = body;
    fanout.body.size = size;

    i = draw(w, MAILBOXES);

    for (append.accepted = 0; append.accepted < fanout.count; i += 7) {
        store_id(recipients + append.accepted * 16, i % MAILBOXES);
        memset(headers + append.accepted * fanout.slice_size, (int) i,
               fanout.slice_size);
        append.accepted++;
    }

    assert_true(sealed_append_scratch(40) <= sizeof(scratch));
    append.fanout = &fanout;
    append.stamp.data = draw(w, 3) ? NULL : stamp;
    append.stamp.size = append.stamp.data ? sizeof(stamp) : 0;
    append.expiry_hour = NOW / 3600 + 5 + draw(w, 100);
    append.scratch = scratch;
    append.hashed = 0;
    append.results = results;

    assert_int_equal(sealed_append_noted(w->zone, &append, seqs, lives,
                                         NOW), SEALED_OK);

    if (append.accepted && logged) {
        size = sealed_journal_envelope_size(append.accepted,
                                            fanout.slice_size,
                                            append.stamp.size,
                                            fanout.body.size);
        sealed_journal_envelope_encode(stream_reserve(&w->log, size), &fanout,
                                       results, append.accepted, lives, seqs,
                                       NOW / 3600,
                                       (uint32_t) append.expiry_hour,
                                       append.stamp);
        sealed_journal_put(&w->log.writer, SEALED_JOURNAL_ENVELOPE, size);
    }

    free(body);
}


static void
do_change(world_t *w, uint32_t n, unsigned kind, unsigned logged)
{
    uint64_t                  wake;
    sealed_mailbox_t         *mailbox;
    sealed_journal_change_t   change;

    store_id(change.id, n);
    mailbox = store_mailbox(w->zone, n);

    if (mailbox == sealed_zone_mailbox(w->zone, SEALED_NONE)
        || !sealed_mailbox_is_open(w->zone, mailbox))
    {
        return;
    }

    change.life = mailbox->life;

    if (kind == SEALED_JOURNAL_CLOSE) {
        change.value = NOW + SEALED_CLOSED_SECONDS;
        assert_int_equal(sealed_mailbox_close(w->zone, change.id, NOW, &wake),
                         SEALED_OK);

    } else {
        change.value = mailbox->next_seq - 1 - draw(w, 3);

        if (change.value >= mailbox->next_seq
            || sealed_mailbox_acknowledge(w->zone, change.id, change.value,
                                          NOW)
               != SEALED_OK)
        {
            return;
        }
    }

    if (logged) {
        sealed_journal_change_encode(stream_reserve(&w->log,
                                                    SEALED_JOURNAL_CLOSE_SIZE),
                                     &change);
        sealed_journal_put(&w->log.writer, kind, SEALED_JOURNAL_CLOSE_SIZE);
    }
}


static void
do_something(world_t *w, unsigned logged)
{
    uint32_t  what;

    what = draw(w, 100);

    if (what < 15) {
        do_open(w, draw(w, MAILBOXES), logged);

    } else if (what < 60) {
        do_send(w, logged);

    } else if (what < 97) {
        do_change(w, draw(w, MAILBOXES), SEALED_JOURNAL_ACKNOWLEDGE, logged);

    } else {
        do_change(w, draw(w, MAILBOXES), SEALED_JOURNAL_CLOSE, logged);
    }
}


/* steps until the end, something else in between */

static sealed_snapshot_t
write_snapshot(world_t *w, unsigned meanwhile)
{
    unsigned                   i;
    sealed_snapshot_t          snapshot;
    sealed_snapshot_result_t   result;

    sealed_snapshot_init(&snapshot, test_resize, NULL);

    for ( ;; ) {
        result = sealed_snapshot_step(&snapshot, w->zone,
                                      &w->snapshot.writer, NOW);
        assert_int_not_equal(result, SEALED_SNAPSHOT_FAILED);

        if (result == SEALED_SNAPSHOT_DONE) {
            break;
        }

        if (result == SEALED_SNAPSHOT_WAIT) {
            assert_false(sealed_journal_is_empty(&w->snapshot.writer));
            stream_flush(&w->snapshot);
        }

        for (i = 0; i < meanwhile; i++) {
            do_something(w, 1);
        }
    }

    sealed_snapshot_free(&snapshot);
    stream_end(&w->snapshot);

    return snapshot;
}


static void
assert_same(world_t *w, sealed_zone_t *zone, unsigned exactly)
{
    size_t                    size;
    uint8_t                  *one, *other, id[16], key[32], key2[32];
    uint32_t                  n, tag, tag2;
    sealed_zone_status_t      before, after;
    sealed_mailbox_status_t   status, status2;

    one = malloc(READ);
    other = malloc(READ);
    assert_true(one && other);

    for (n = 0; n < MAILBOXES; n++) {
        store_id(id, n);

        if (sealed_mailbox_find(w->zone, id, key, &tag) != 0) {
            assert_int_equal(sealed_mailbox_find(zone, id, key2, &tag2), -1);
            continue;
        }

        assert_int_equal(sealed_mailbox_find(zone, id, key2, &tag2), 0);
        assert_memory_equal(key, key2, sizeof(key));
        assert_int_equal(tag, tag2);

        assert_int_equal(sealed_mailbox_status(w->zone, id, NOW, &status),
                         SEALED_OK);
        assert_int_equal(sealed_mailbox_status(zone, id, NOW, &status2),
                         SEALED_OK);
        assert_int_equal(status.envelopes, status2.envelopes);
        assert_int_equal(status.bytes, status2.bytes);
        assert_int_equal(status.first, status2.first);
        assert_int_equal(status.next, status2.next);
        assert_int_equal(status.life, status2.life);
        assert_true(status.life <= zone->header->lives);

        size = store_read(w->zone, n, 0, 1000, one, READ, NOW);
        assert_int_equal(store_read(zone, n, 0, 1000, other, READ, NOW),
                         size);
        assert_memory_equal(one, other, size);
    }

    assert_int_equal(sealed_zone_status(w->zone, &before), 0);
    assert_int_equal(sealed_zone_status(zone, &after), 0);
    assert_int_equal(before.mailboxes, after.mailboxes);
    assert_int_equal(before.envelopes, after.envelopes);

    /* what was sent meanwhile may be there twice, for some and for others */

    if (exactly) {
        assert_int_equal(before.bodies, after.bodies);
        assert_int_equal(before.cells, after.cells);
    }

    assert_true(zone->header->lives <= w->zone->header->lives);

    free(one);
    free(other);
}


static void
assert_certificates(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint32_t  n, taken;
    uint64_t  next, retry;
    unsigned  has_next;

    sealed_certificate_state_t  found;

    for (n = 7003; n <= 7004; n++) {
        store_id(id, n);
        assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &found),
                         -1);
        assert_int_equal(store_insert(zone, n, NOW + 7200), SEALED_OK);
        assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &found),
                         0);
        assert_int_equal(found.end, NOW + 7200);
    }

    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1000, NOW, &retry),
                     SEALED_OK);

    store_id(id, 7003);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 9, &next,
                                                    &has_next),
                     SEALED_NONCE_USED);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     4, NOW, &retry),
                     SEALED_NO_BUDGET);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     3, NOW, &retry),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1),
                     SEALED_OPENER_LIMIT);

    store_id(id, 7005);
    assert_int_equal(sealed_certificate_table_count(zone, id, 4, 8,
                                                    NOW + 7200, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_certificate_table_count(zone, id, 3, 8,
                                                    NOW + 7200, &taken),
                     SEALED_OK);
}


static void
test_meanwhile(void **state)
{
    world_t            *w;
    uint8_t             id[16];
    unsigned            i, round;
    sealed_zone_t      *zone;
    sealed_snapshot_t   snapshot;

    sealed_certificate_state_t  found;

    for (round = 0; round < 6; round++) {
        w = world_new(round + 1, SEGMENT);

        for (i = 0; i < 150; i++) {
            do_open(w, draw(w, MAILBOXES), 0);
        }

        for (i = 0; i < 300; i++) {
            do_something(w, 0);
        }

        /* one that was in use, one that was never seen */

        assert_int_equal(store_insert(w->zone, 7001, NOW + 7200), SEALED_OK);
        store_id(id, 7001);
        assert_int_equal(sealed_certificate_table_revoke(w->zone, id,
                                                         NOW + 9000, NOW),
                         SEALED_OK);
        store_id(id, 7002);
        assert_int_equal(sealed_certificate_table_revoke(w->zone, id,
                                                         NOW + 9000, NOW),
                         SEALED_OK);

        use_certificates(w->zone);

        snapshot = write_snapshot(w, round % 3);
        stream_end(&w->log);

        assert_true(snapshot.mailboxes > 100);
        assert_true(snapshot.envelopes > 300);

        zone = store_new(ZONE);
        assert_int_equal(restore(w, zone), 0);
        assert_null(store_check(zone));
        assert_same(w, zone, round % 3 == 0);

        for (i = 7001; i <= 7002; i++) {
            store_id(id, i);
            assert_int_equal(sealed_certificate_table_find(zone, id, NOW,
                                                           &found),
                             0);
            assert_true(found.revoked);
            assert_int_equal(found.end, i == 7001 ? NOW + 7200 : NOW + 9000);
        }

        assert_certificates(zone);

        /* it expires, and is then as empty as the other */

        (void) store_expire(zone, NOW + 200 * 3600);
        (void) store_expire(w->zone, NOW + 200 * 3600);
        assert_null(store_check(zone));
        assert_int_equal(store_records(zone), 0);
        assert_int_equal(store_used(zone, SEALED_POOL_BODY), 0);
        assert_int_equal(store_used(zone, SEALED_POOL_CELL), 0);

        store_free(zone);
        world_free(w);
    }
}


/* more mail than batch and segments hold, in one mailbox */

static void
write_large(uint64_t segment_size, int files)
{
    world_t            *w;
    unsigned            i;
    uint32_t            accepted;
    uint8_t             body[30000];
    sealed_zone_t      *zone;
    sealed_snapshot_t   snapshot;

    w = world_new(1, segment_size);
    do_open(w, 1, 0);
    do_open(w, 2, 0);
    w->zone->limits.bytes = 8000000;
    w->zone->limits.envelopes = 100000;

    for (i = 0; i < 100; i++) {
        memset(body, (int) i, sizeof(body));
        assert_int_equal(store_send(w->zone, 1, 2, body, sizeof(body), 4, NOW,
                                    NOW / 3600 + 9, &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 2);
    }

    for (i = 0; i < 500; i++) {
        assert_int_equal(store_send(w->zone, 1, 1, body, 64, 0, NOW,
                                    NOW / 3600 + 9, &accepted),
                         SEALED_OK);
    }

    snapshot = write_snapshot(w, 0);
    stream_end(&w->log);
    assert_int_equal(snapshot.envelopes, 700);
    assert_true(w->memory.files > files);

    zone = store_new(ZONE);
    assert_int_equal(restore(w, zone), 0);
    assert_null(store_check(zone));
    assert_same(w, zone, 1);
    store_free(zone);

    /* a zone without the room says so */

    zone = store_new(2 * 1024 * 1024);
    assert_int_equal(restore(w, zone), -1);
    store_free(zone);

    world_free(w);
}


static void
test_large(void **state)
{
    write_large(SEGMENT, 10);
}


/* a batch is written when it touches too many segments, before it is full */

static void
test_small_segments(void **state)
{
    write_large(64 * 1024, 40);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_meanwhile),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_small_segments)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
