
/*
 * A zone that works on while a snapshot of it is written; then everything
 * from the journal into another zone, which has to be the same.
 */

#include "journal.h"
#include "store.h"
#include "restore.h"
#include "snapshot.h"


enum {
    CAPACITY = 1024 * 1024,
    SEGMENT = 256 * 1024,
    ZONE = 16 * 1024 * 1024,
    MAILBOXES = 300,
    CERTIFICATES = 12000,
    READ = 256 * 1024
};


typedef struct {
    sealed_journal_writer_t  writer;
    sealed_journal_output_t  output;
    uint8_t                 *buffer;
} stream_t;


typedef struct {
    sealed_zone_t           *zone;
    sealed_master_secret_t   secret;
    sealed_journal_files_t   files;
    memory_files_t           memory;
    stream_t                 log;
    stream_t                 snapshot;
    uint32_t                 random;
    unsigned                 sent;
} world_t;


static uint64_t  segment_size = SEGMENT;


static uint32_t
draw(world_t *w, uint32_t n)
{
    w->random = w->random * 1664525 + 1013904223;

    return (w->random >> 8) % n;
}


static void
begin(world_t *w, stream_t *s, uint64_t stream, unsigned snapshot)
{
    sealed_journal_segment_t  segment;

    s->buffer = malloc(2 * CAPACITY);
    assert_non_null(s->buffer);

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 5;
    segment.stream = stream;
    segment.tag = w->secret.line[0].tag;
    segment.snapshot = snapshot;

    sealed_journal_writer_init(&s->writer, &segment,
                               w->secret.line[0].journal_key, segment_size,
                               s->buffer, s->buffer + CAPACITY, CAPACITY);
    sealed_journal_output_init(&s->output, &w->files,
                               SEALED_JOURNAL_SYNC_OFF, segment_size);
}


static void
flush(stream_t *s)
{
    const sealed_journal_batch_t  *batch;

    batch = sealed_journal_take(&s->writer);

    if (batch) {
        assert_int_equal(sealed_journal_commit(&s->output, batch, 0), 0);
        sealed_journal_done(&s->writer, 0);
    }
}


static uint8_t *
reserve(stream_t *s, size_t size)
{
    uint8_t  *p;

    p = sealed_journal_reserve(&s->writer, size, 1);

    if (p == NULL) {
        flush(s);
        p = sealed_journal_reserve(&s->writer, size, 1);
        assert_non_null(p);
    }

    return p;
}


static void
end(stream_t *s)
{
    (void) reserve(s, 0);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_END, 0);
    flush(s);
    assert_int_equal(sealed_journal_finish(&s->output), 0);
}


static world_t *
world_new(uint32_t random)
{
    world_t  *w;

    w = calloc(1, sizeof(world_t));
    assert_non_null(w);
    w->random = random;
    test_secret(&w->secret);
    memory_files_init(&w->memory, &w->files);
    w->zone = store_new(ZONE);
    store_certificate(w->zone, 0);
    begin(w, &w->log, 1, 0);
    begin(w, &w->snapshot, 2, 1);

    return w;
}


static void
world_free(world_t *w)
{
    free(w->log.buffer);
    free(w->snapshot.buffer);
    memory_files_free(&w->memory);
    store_free(w->zone);
    free(w);
}


static void
do_open(world_t *w, uint32_t n, unsigned logged)
{
    uint8_t                    id[16], opener[16], key[32];
    unsigned                   created;
    sealed_mailbox_status_t    status;
    sealed_journal_mailbox_t   state;

    store_id(id, n);
    store_id(opener, 0);
    memset(key, (int) n, sizeof(key));

    if (sealed_mailbox_open(w->zone, id, key, 7, opener, 65535, NOW, &created,
                            &status)
        != SEALED_OK || !logged)
    {
        return;
    }

    memcpy(state.id, id, sizeof(id));
    memcpy(state.key, key, sizeof(key));
    state.life = status.life;
    state.tag = 7;
    state.active_hour = NOW / 3600;
    state.through = status.first - 1;
    state.next = status.next;

    sealed_journal_open_encode(reserve(&w->log, SEALED_JOURNAL_OPEN_SIZE),
                               &state);
    sealed_journal_put(&w->log.writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);
}


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
        sealed_journal_envelope_encode(reserve(&w->log, size), &fanout,
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
        sealed_journal_change_encode(reserve(&w->log,
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
            flush(&w->snapshot);
        }

        for (i = 0; i < meanwhile; i++) {
            do_something(w, 1);
        }
    }

    sealed_snapshot_free(&snapshot);
    end(&w->snapshot);

    return snapshot;
}


static int
restore_mailbox(void *context, const sealed_journal_mailbox_t *mailbox,
    uint64_t closed_until, uint64_t *reference)
{
    int       rc;
    uint32_t  place;

    rc = sealed_restore_mailbox(context, mailbox, closed_until, NOW, &place);
    *reference = place;

    return rc;
}


static int
restore_body(void *context, const sealed_journal_body_t *body,
    uint32_t references, uint64_t *reference)
{
    int       rc;
    uint32_t  records;

    rc = sealed_restore_body(context, body, references, &records);
    *reference = records;

    return rc;
}


static int
restore_item(void *context, uint64_t mailbox, uint64_t seq, uint64_t *body,
    sealed_bytes_t slice)
{
    int       rc;
    uint32_t  records;

    records = (uint32_t) *body;
    rc = sealed_restore_item(context, (uint32_t) mailbox, seq, &records,
                             slice);
    *body = records;

    return rc;
}


static int
restore_revocation(void *context,
    const sealed_journal_revocation_t *revocation)
{
    return sealed_certificate_table_revoke(context, revocation->id,
                                           revocation->until, NOW)
           == SEALED_OK ? 0 : -1;
}


/* in which records of certificates came */

static struct {
    size_t    count;
    size_t    ascents;
    uint32_t  last;
} order;


static int
restore_certificate(void *context,
    const sealed_journal_certificate_t *certificate)
{
    uint32_t  n;

    memcpy(&n, certificate->id, sizeof(n));
    order.count++;
    order.ascents += n > order.last;
    order.last = n;

    /* a fraction of a unit would tell when it was used */

    assert_int_equal(certificate->budget_level & UINT32_MAX, 0);

    return sealed_restore_certificate(context, certificate, NOW);
}


static int
restore_quota(void *context, const sealed_journal_quota_t *quota)
{
    return sealed_restore_quota(context, quota, NOW);
}


static int
restore(world_t *w, sealed_zone_t *zone)
{
    int                              i, rc;
    sealed_recovery_t                recovery;
    sealed_recovery_sink_t           sink;
    sealed_recovery_report_t         report;
    sealed_journal_header_result_t   header;

    sink.context = zone;
    sink.mailbox = restore_mailbox;
    sink.body = restore_body;
    sink.item = restore_item;
    sink.revocation = restore_revocation;
    sink.certificate = restore_certificate;
    sink.quota = restore_quota;
    sink.progress = NULL;

    sealed_recovery_init(&recovery, test_zone, &w->secret, NOW / 3600,
                         test_resize, NULL);

    for (i = 0; i < w->memory.files; i++) {
        assert_null(sealed_recovery_examine(&recovery,
                                            w->memory.file[i].data,
                                            w->memory.file[i].size,
                                            &header));
        assert_int_equal(header, SEALED_JOURNAL_HEADER_OK);
    }

    for (i = 0; i < w->memory.files; i++) {
        assert_null(sealed_recovery_read(&recovery, w->memory.file[i].data,
                                         w->memory.file[i].size, &report));
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.torn_octets, 0);
    }

    assert_int_equal(sealed_recovery_resolve(&recovery), 0);
    assert_int_equal(recovery.result.bodiless, 0);
    assert_int_equal(recovery.result.unclean, 0);
    sealed_restore_lives(zone, recovery.result.lives);
    rc = sealed_recovery_emit(&recovery, &sink);
    sealed_recovery_free(&recovery);

    return rc;
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


/* 7003 was used, 7004 not, 7005 has drawn five of eight */

static void
use_certificates(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint32_t  taken;
    uint64_t  next, retry;
    unsigned  has_next;

    assert_int_equal(store_insert(zone, 7003, NOW + 7200), SEALED_OK);
    assert_int_equal(store_insert(zone, 7004, NOW + 7200), SEALED_OK);

    store_id(id, 7003);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 9, &next,
                                                    &has_next),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     997, NOW, &retry),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1), SEALED_OK);

    store_id(id, 7005);
    assert_int_equal(sealed_certificate_table_count(zone, id, 5, 8,
                                                    NOW + 7200, &taken),
                     SEALED_OK);
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
        w = world_new(round + 1);

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
        end(&w->log);

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


/* those alone that were used since, as many as batches hold */

static void
test_certificates(void **state)
{
    size_t                     i, written, unused;
    uint8_t                    id[16];
    world_t                   *w;
    uint32_t                   n;
    uint64_t                   retry;
    sealed_zone_t             *zone;
    sealed_snapshot_result_t   result;

    sealed_certificate_snapshot_t  walk;

    w = world_new(1);
    do_open(w, 1, 0);
    unused = 0;

    for (i = 0; i < CERTIFICATES; i++) {
        n = 8000 + (uint32_t) i;
        assert_int_equal(store_insert(w->zone, n, NOW + 7200), SEALED_OK);

        if (i % 10 == 0) {
            unused++;
            continue;
        }

        store_id(id, n);
        assert_int_equal(sealed_certificate_table_charge(w->zone, id,
                                          &store_rule, 999, NOW + 5, &retry),
                         SEALED_OK);
    }

    use_certificates(w->zone);
    sealed_certificate_snapshot_init(&walk, NOW + 1);
    written = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, w->zone,
                                                  &w->log.writer, NOW + 5);

        if (result == SEALED_SNAPSHOT_WAIT) {
            flush(&w->log);
            written++;
        }

    } while (result != SEALED_SNAPSHOT_DONE);

    assert_true(written > 0);
    end(&w->log);

    zone = store_new(ZONE);
    order.count = 0;
    order.ascents = 0;
    assert_int_equal(restore(w, zone), 0);

    /* not in the order in which they came: as often up as down */

    assert_in_range(order.count, CERTIFICATES - unused,
                    CERTIFICATES - unused + 1000);
    assert_in_range(order.ascents, order.count * 4 / 10,
                    order.count * 6 / 10);
    assert_null(store_check(zone));
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE),
                     CERTIFICATES - unused);

    for (i = 0; i < CERTIFICATES; i++) {
        n = 8000 + (uint32_t) i;
        assert_int_equal(store_insert(zone, n, NOW + 7200), SEALED_OK);

        store_id(id, n);
        assert_int_equal(sealed_certificate_table_charge(zone, id,
                                            &store_rule, 2, NOW + 5, &retry),
                         i % 10 ? SEALED_NO_BUDGET : SEALED_OK);
    }

    store_free(zone);
    world_free(w);
}


/* a table that shrinks while it is walked hides nothing */

static void
test_shrinking(void **state)
{
    world_t                        *w;
    uint8_t                         id[16];
    uint32_t                        n;
    unsigned                        steps, kept;
    sealed_zone_t                  *zone;
    sealed_snapshot_result_t        result;
    sealed_certificate_state_t      found;
    sealed_certificate_snapshot_t   walk;

    enum { MOST = 30000, EACH = 150 };

    w = world_new(1);

    for (n = 1; n < MOST; n++) {
        store_id(id, n);
        (void) sealed_certificate_table_revoke(w->zone, id, NOW
                                        + (n % EACH ? 3000 : 900000), NOW);
    }

    sealed_certificate_snapshot_init(&walk, 0);
    steps = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, w->zone,
                                                  &w->snapshot.writer, NOW);

        if (result == SEALED_SNAPSHOT_WAIT) {
            flush(&w->snapshot);
        }

        if (++steps == 40) {
            (void) store_expire(w->zone, NOW + 7200);
        }

    } while (result != SEALED_SNAPSHOT_DONE);

    end(&w->snapshot);
    end(&w->log);

    zone = store_new(ZONE);
    assert_int_equal(restore(w, zone), 0);
    kept = 0;

    for (n = EACH; n < MOST; n += EACH) {
        store_id(id, n);

        if (sealed_certificate_table_find(w->zone, id, NOW, &found) == 0) {
            assert_int_equal(sealed_certificate_table_find(zone, id, NOW,
                                                           &found),
                             0);
            assert_true(found.revoked);
            kept++;
        }
    }

    assert_true(kept > 10);
    store_free(zone);
    world_free(w);
}


/* more mail than batch and segments hold, in one mailbox */

static void
write_large(int files)
{
    world_t            *w;
    unsigned            i;
    uint32_t            accepted;
    uint8_t             body[30000];
    sealed_zone_t      *zone;
    sealed_snapshot_t   snapshot;

    w = world_new(1);
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
    end(&w->log);
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
    write_large(10);
}


/* a batch is written when it touches too many segments, before it is full */

static void
test_small_segments(void **state)
{
    segment_size = 64 * 1024;
    write_large(40);
    segment_size = SEGMENT;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_meanwhile),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_shrinking),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_small_segments)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
