
#include "journal_world.h"


/* all streams, whatever their order: it is the numbers that tell */

static void
test_merge(void **state)
{
    found_t   *found;
    world_t   *w;
    stream_t  *a, *b;

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    b = world_stream(w, 1, 0, 1 << 20);

    put_one(b, 0, 1, 2, 12);            /* before it was opened, as read */
    put_one(b, 0, 1, 5, 15);
    put_open(a, 0, 1, 0, 1);
    put_one(a, 0, 1, 4, 14);
    put_one(a, 0, 1, 1, 11);
    put_one(a, 0, 1, 3, 13);
    put_change(b, SEALED_JOURNAL_ACKNOWLEDGE, 0, 1, 2);
    put_one(a, 3, 9, 1, 20);            /* to a mailbox that is nowhere */
    put_open(b, 1, 4, 0, 1);
    put_change(a, SEALED_JOURNAL_CLOSE, 1, 4, 12345);
    put_one(a, 1, 4, 1, 21);
    put_open(a, 2, 6, 0, 1);            /* a later life of it */
    put_one(b, 2, 6, 1, 31);
    put_open(b, 2, 5, 0, 1);
    put_one(b, 2, 5, 1, 30);
    put_change(b, SEALED_JOURNAL_ACKNOWLEDGE, 2, 5, 1);
    put_change(b, SEALED_JOURNAL_CLOSE, 2, 5, 1);
    stream_flush(b);
    stream_flush(a);
    stream_end(a);
    stream_end(b);

    found = recovered(w);

    assert_int_equal(found->items, 4);
    assert_item(found, 0, 0, 3, 13);
    assert_item(found, 1, 0, 4, 14);
    assert_item(found, 2, 0, 5, 15);
    assert_item(found, 3, 2, 1, 31);
    assert_int_equal(found->result.unopened, 1);
    assert_int_equal(found->result.unclean, 0);
    assert_int_equal(found->result.mailboxes, 2);
    assert_int_equal(found->report.damaged, 0);
    assert_int_equal(found->report.torn_octets, 0);

    assert_int_equal(found->mailboxes, 3);
    assert_int_equal(found->mailbox[0].state.next, 6);
    assert_int_equal(found->mailbox[0].state.through, 2);
    assert_int_equal(found->mailbox[0].state.tag, 77);
    assert_int_equal(found->mailbox[0].state.active_hour, NOW - 5);
    assert_int_equal(found->mailbox[1].closed_until, 12345);
    assert_int_equal(found->mailbox[2].closed_until, 0);
    assert_int_equal(found->mailbox[2].state.life, 6);
    assert_int_equal(found->mailbox[2].state.key[0], 2 + 6);

    world_free(w);
}


/* numbers that a reader may have seen are not given out again */

static void
test_gap(void **state)
{
    found_t   *found;
    world_t   *w;
    stream_t  *a, *b;

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    b = world_stream(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_one(a, 0, 1, 7, 1);
    put_one(b, 0, 1, 8, 2);
    stream_flush(a);
    stream_flush(b);

    found = recovered(w);
    assert_int_equal(found->result.unclean, 2);
    assert_int_equal(found->mailbox[0].state.next,
                     9 + 2 * SEALED_JOURNAL_GAP);

    stream_end(a);
    found = recovered(w);
    assert_int_equal(found->mailbox[0].state.next, 9 + SEALED_JOURNAL_GAP);

    stream_end(b);
    found = recovered(w);
    assert_int_equal(found->mailbox[0].state.next, 9);

    world_free(w);
}


static void
test_expiry(void **state)
{
    found_t   *found;
    world_t   *w;
    stream_t  *a;

    static const uint32_t  lives[MAILBOXES] = { 1, 1, 1, 1, 1 };
    static const uint64_t  seqs[MAILBOXES] = { 3, 3, 3, 3, 3 };

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_open(a, 1, 1, 0, 1);
    put_envelope(a, 3, lives, seqs, 5, NOW);
    put_one(a, 0, 1, 2, 6);
    stream_end(a);

    found = recovered(w);
    assert_int_equal(found->items, 1);
    assert_item(found, 0, 0, 2, 6);

    /* its number is taken all the same */
    assert_int_equal(found->mailbox[0].state.next, 4);
    assert_int_equal(found->mailbox[1].state.next, 4);

    world_free(w);
}


static void
put_body(stream_t *s, uint64_t name, unsigned number, uint32_t expiry)
{
    size_t                 size;
    uint8_t                data[64];
    sealed_journal_body_t  body;

    memset(&body, 0, sizeof(body));
    memset(data, (int) number, sizeof(data));
    body.hour = NOW;
    body.expiry_hour = expiry;
    body.slice_size = 8;
    body.reference = name;
    body.body.data = data;
    body.body.size = 32 + number % 32;

    size = sealed_journal_body_size(&body);
    sealed_journal_body_encode(stream_reserve(s, size), &body);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_BODY, size);
}


static void
put_items(stream_t *s, unsigned mailbox, uint32_t life, uint64_t seq,
    const uint64_t *names, const unsigned *numbers, uint32_t count)
{
    size_t                  size;
    uint8_t                *p, slice[8];
    uint32_t                i;
    sealed_journal_item_t   item;
    sealed_journal_items_t  items;

    id_of(items.id, mailbox);
    items.life = life;
    items.count = count;

    size = SEALED_JOURNAL_ITEMS_HEAD
           + count * (SEALED_JOURNAL_ITEM_HEAD + sizeof(slice));
    p = sealed_journal_items_encode(stream_reserve(s, size), &items);

    for (i = 0; i < count; i++) {
        memset(slice, (int) (numbers[i] + mailbox), sizeof(slice));
        item.seq = seq + i;
        item.body = names[i];
        item.slice.data = slice;
        item.slice.size = sizeof(slice);
        p = sealed_journal_item_encode(p, &item);
    }

    sealed_journal_put(&s->writer, SEALED_JOURNAL_ITEMS, size);
}


/* records that say what no gateway writes, and a zone could not hold */

static void
put_times(stream_t *s, uint64_t time)
{
    sealed_journal_quota_t        quota;
    sealed_journal_revocation_t   revocation;
    sealed_journal_certificate_t  certificate;

    memset(&revocation, 0, sizeof(revocation));
    revocation.until = time;
    put_revocation(s, &revocation);

    memset(&certificate, 0, sizeof(certificate));
    certificate.end = time;
    put_certificate(s, &certificate);

    memset(&quota, 0, sizeof(quota));
    quota.end = time;
    put_quota(s, &quota);
}


static void
test_bounds(void **state)
{
    found_t                   *found;
    world_t                   *w;
    stream_t                  *a;
    sealed_journal_mailbox_t   ended;

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);

    put_open(a, 0, 1, 0, 1);
    put_change(a, SEALED_JOURNAL_CLOSE, 0, 1, 0);
    put_change(a, SEALED_JOURNAL_CLOSE, 0, 1, (uint64_t) UINT32_MAX + 1);

    memset(&ended, 0, sizeof(ended));
    id_of(ended.id, 1);
    ended.next = 1;
    sealed_journal_open_encode(stream_reserve(a, SEALED_JOURNAL_OPEN_SIZE),
                               &ended);
    sealed_journal_put(&a->writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);

    put_times(a, SEALED_JOURNAL_TIME_END);
    put_times(a, UINT64_MAX);
    stream_flush(a);

    found = recovered(w);
    assert_int_equal(found->report.damaged, 2 + 1 + 2 * 3);
    assert_int_equal(found->mailboxes, 1);
    assert_int_equal(found->mailbox[0].closed_until, 0);

    put_change(a, SEALED_JOURNAL_CLOSE, 0, 1, UINT32_MAX);
    put_times(a, SEALED_JOURNAL_TIME_END - 1);
    stream_end(a);

    found = recovered(w);
    assert_int_equal(found->report.damaged, 2 + 1 + 2 * 3);
    assert_int_equal(found->mailbox[0].closed_until, UINT32_MAX);

    world_free(w);
}


/* what ended in order counts instead of all that is older, and only then */

static void
test_snapshot(void **state)
{
    unsigned                       i, numbers[3];
    uint64_t                       names[3];
    found_t                       *found;
    world_t                       *w;
    stream_t                      *a, *b, *snapshot;
    sealed_journal_revocation_t    revocation;
    sealed_journal_certificate_t   certificate;
    sealed_journal_quota_t         quota;

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_open(a, 4, 2, 0, 1);            /* its end is in no record left */

    for (i = 1; i <= 4; i++) {
        put_one(a, 0, 1, i, i);
    }

    stream_end(a);

    snapshot = world_stream(w, 2, 1, 8192);
    put_open(snapshot, 0, 1, 1, 5);
    put_body(snapshot, 0x500000001, 2, LATER);
    put_body(snapshot, 0x500000002, 3, LATER);
    put_body(snapshot, 0x500000003, 9, NOW);

    names[0] = 0x500000001;
    numbers[0] = 2;
    names[1] = 0x500000002;
    numbers[1] = 3;
    put_items(snapshot, 0, 1, 2, names, numbers, 2);
    put_open(snapshot, 1, 3, 0, 3);
    names[0] = 0x500000003;
    put_items(snapshot, 1, 3, 1, names, numbers, 1);
    put_items(snapshot, 1, 3, 2, &names[1], &numbers[1], 1);

    memset(&revocation, 5, sizeof(revocation));
    revocation.until = LATER * UINT64_C(3600);
    put_revocation(snapshot, &revocation);

    memset(&certificate, 6, sizeof(certificate));
    certificate.end = LATER * UINT64_C(3600);
    certificate.class = 255;
    certificate.opened = 65535;
    put_certificate(snapshot, &certificate);

    memset(&quota, 7, sizeof(quota));
    quota.end = LATER * UINT64_C(3600);
    quota.drawn = 65535;
    put_quota(snapshot, &quota);
    stream_flush(snapshot);

    b = world_stream(w, 2, 0, 1 << 20);
    put_one(b, 0, 1, 3, 3);             /* in the snapshot as well */
    put_one(b, 0, 1, 5, 5);
    stream_end(b);

    /* it did not end yet */

    found = recovered(w);
    assert_int_equal(found->items, 5 + 1 - 1);
    assert_item(found, 0, 0, 2, 2);
    assert_item(found, 1, 0, 3, 3);
    assert_item(found, 2, 0, 4, 4);
    assert_item(found, 3, 0, 5, 5);
    assert_item(found, 4, 1, 2, 3);
    assert_int_equal(found->mailboxes, 3);

    stream_end(snapshot);
    assert_true(w->memory.files >= 3);

    found = recovered(w);
    assert_int_equal(found->items, 4);
    assert_item(found, 0, 0, 2, 2);
    assert_item(found, 1, 0, 3, 3);
    assert_item(found, 2, 0, 5, 5);
    assert_item(found, 3, 1, 2, 3);
    assert_int_equal(found->mailboxes, 2);
    assert_int_equal(found->mailbox[0].state.next, 6);
    assert_int_equal(found->result.bodiless, 0);
    assert_int_equal(found->result.segments_missing, 0);
    assert_int_equal(found->revocations, 1);
    assert_memory_equal(&found->revocation[0], &revocation,
                        sizeof(revocation));
    assert_int_equal(found->certificates, 1);
    assert_memory_equal(found->certificate[0].id, certificate.id,
                        sizeof(certificate.id));
    assert_memory_equal(found->certificate[0].window, certificate.window,
                        sizeof(certificate.window));
    assert_int_equal(found->certificate[0].class, 255);
    assert_int_equal(found->certificate[0].opened, 65535);
    assert_int_equal(found->certificate[0].budget_hour,
                     certificate.budget_hour);
    assert_int_equal(found->certificate[0].budget_level,
                     certificate.budget_level);
    assert_int_equal(found->certificate[0].end, certificate.end);
    assert_int_equal(found->certificate[0].window_highest,
                     certificate.window_highest);
    assert_int_equal(found->quotas, 1);
    assert_memory_equal(found->quota[0].id, quota.id, sizeof(quota.id));
    assert_int_equal(found->quota[0].drawn, quota.drawn);
    assert_int_equal(found->quota[0].end, quota.end);

    /* nor does a copy of a segment change anything */

    w->memory.file[w->memory.files] = w->memory.file[1];
    strcpy(w->memory.file[w->memory.files++].name, "copy");

    found = recovered(w);
    assert_int_equal(found->items, 4);
    assert_int_equal(found->result.segments_missing, 0);
    w->memory.files--;

    /* a body that is gone takes its items along, and it is said */

    w->memory.file[1].data[SEALED_JOURNAL_BLOCK
                           + sealed_journal_record_size(
                                                  SEALED_JOURNAL_OPEN_SIZE)
                           + 40] ^= 1;
    found = recovered(w);
    assert_int_equal(found->items, 3);
    assert_item(found, 0, 0, 3, 3);
    assert_int_equal(found->result.bodiless, 1);
    assert_int_equal(found->report.damaged, 1);

    world_free(w);
}


/* how many segments are missed without one of the files */

static unsigned
missed(world_t *w, int file)
{
    unsigned       n;
    memory_file_t  removed;

    removed = w->memory.file[file];
    w->memory.file[file] = w->memory.file[--w->memory.files];

    n = (unsigned) recovered(w)->result.segments_missing;

    w->memory.file[w->memory.files++] = w->memory.file[file];
    w->memory.file[file] = removed;

    return n;
}


/* three segments or more of each generation */

static void
put_segments(world_t *w, stream_t *s, unsigned first)
{
    int       files;
    unsigned  i;

    files = w->memory.files;

    for (i = first; w->memory.files < files + 3; i++) {
        put_one(s, 0, 1, i, i);
        stream_flush(s);
    }
}


static void
test_missing(void **state)
{
    int        i, second, third;
    world_t   *w;
    stream_t  *a, *b, *snapshot;

    w = world_new();
    a = world_stream(w, 1, 0, 8192);
    put_open(a, 0, 1, 0, 1);
    put_segments(w, a, 1);
    second = w->memory.files;

    sealed_journal_rotate(&a->writer, 2);
    put_segments(w, a, 100);
    stream_end(a);
    third = w->memory.files;

    b = world_stream(w, 2, 0, 8192);
    put_segments(w, b, 200);
    stream_end(b);

    assert_int_equal(recovered(w)->result.segments_missing, 0);

    /* nothing tells which were the last of each */

    for (i = 0; i < w->memory.files; i++) {
        assert_int_equal(missed(w, i),
                         i != third - 1 && i != w->memory.files - 1);
    }

    /* nor which were the first, when what was before has been replaced */

    snapshot = world_stream(w, 2, 1, 1 << 20);
    put_open(snapshot, 0, 1, 1, 100);
    stream_end(snapshot);

    assert_int_equal(recovered(w)->result.segments_missing, 0);

    for (i = 0; i < w->memory.files - 1; i++) {
        assert_int_equal(missed(w, i),
                         i > second && i != third - 1 && i != third
                         && i != w->memory.files - 2);
    }

    world_free(w);
}


/* a snapshot that has no end, with what it replaced and without it */

static void
test_headless(void **state)
{
    unsigned   first;
    found_t   *found;
    world_t   *w;
    stream_t  *a, *b, *snapshot;

    for (first = 1; first <= 2; first++) {
        w = world_new();

        if (first == 1) {
            a = world_stream(w, 1, 0, 1 << 20);
            put_open(a, 0, 1, 0, 1);
            put_one(a, 0, 1, 1, 1);
            stream_end(a);

            found = recovered(w);
            assert_int_equal(found->items, 1);
            assert_false(found->result.headless);
        }

        snapshot = world_stream(w, 2, 1, 1 << 20);
        put_open(snapshot, 0, 1, 1, 2);
        stream_flush(snapshot);

        b = world_stream(w, 2, 0, 1 << 20);
        put_open(b, 1, 1, 0, 1);
        put_one(b, 1, 1, 1, 1);
        stream_end(b);

        found = recovered(w);
        assert_int_equal(found->result.headless, first > 1);

        stream_end(snapshot);

        found = recovered(w);
        assert_int_equal(found->items, 1);
        assert_int_equal(found->mailboxes, 2);
        assert_false(found->result.headless);

        world_free(w);
    }
}


static void
test_refused(void **state)
{
    found_t    found;
    world_t   *w;
    stream_t  *a;

    sealed_master_secret_t  other;

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    stream_flush(a);

    test_secret(&other);
    other.line[0].tag++;
    recover(&found, w->memory.file, w->memory.files, &other, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "key line"));

    (void) stream_reserve(a, 0);
    sealed_journal_put(&a->writer, 15, 0);
    stream_flush(a);
    recover(&found, w->memory.file, w->memory.files, &w->secret, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "newer version"));
    world_free(w);

    w = world_new();
    a = world_stream(w, 1, 0, 1 << 20);
    a->writer.segment.zone[0]++;
    put_open(a, 0, 1, 0, 1);
    stream_flush(a);
    recover(&found, w->memory.file, w->memory.files, &w->secret, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "another zone"));
    world_free(w);

    /* nothing at all is a journal too */

    recover(&found, NULL, 0, &w->secret, NOW);
    assert_null(found.error);
    assert_int_equal(found.mailboxes, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_missing),
        cmocka_unit_test(test_headless),
        cmocka_unit_test(test_refused)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
