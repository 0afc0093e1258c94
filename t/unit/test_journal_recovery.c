
#include "journal.h"


enum {
    CAPACITY = 128 * 1024,
    MAILBOXES = 5,
    ENVELOPES = 400,
    NOW = 1000,                         /* hours */
    LATER = 2000
};


typedef struct {
    sealed_journal_writer_t  writer;
    sealed_journal_output_t  output;
    uint8_t                 *buffer;
} stream_t;


typedef struct {
    sealed_master_secret_t   secret;
    sealed_journal_files_t   files;
    memory_files_t           memory;
    stream_t                 stream[4];
    unsigned                 streams;
    found_t                  found;
} world_t;


static world_t *
world_new(void)
{
    world_t  *w;

    w = calloc(1, sizeof(world_t));
    assert_non_null(w);
    test_secret(&w->secret);
    memory_files_init(&w->memory, &w->files);

    return w;
}


static void
world_free(world_t *w)
{
    unsigned  i;

    for (i = 0; i < w->streams; i++) {
        free(w->stream[i].buffer);
    }

    memory_files_free(&w->memory);
    free(w);
}


static stream_t *
begin(world_t *w, uint64_t generation, unsigned snapshot,
    uint64_t segment_size)
{
    stream_t                  *s;
    sealed_journal_segment_t   segment;

    assert_true(w->streams < 4);
    s = &w->stream[w->streams++];

    s->buffer = malloc(2 * CAPACITY);
    assert_non_null(s->buffer);

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = generation;
    segment.stream = 0x5000 + w->streams;
    segment.tag = w->secret.line[0].tag;
    segment.snapshot = snapshot;

    sealed_journal_writer_init(&s->writer, &segment,
                               w->secret.line[0].journal_key, segment_size,
                               s->buffer, s->buffer + CAPACITY, CAPACITY);
    sealed_journal_output_init(&s->output, &w->files,
                               SEALED_JOURNAL_SYNC_ALWAYS, segment_size);

    return s;
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

    p = sealed_journal_reserve(&s->writer, size, NOW);
    assert_non_null(p);

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


static void
id_of(uint8_t id[SEALED_MAILBOX_ID_SIZE], unsigned mailbox)
{
    memset(id, 'a' + (int) mailbox, SEALED_MAILBOX_ID_SIZE);
}


static void
put_open(stream_t *s, unsigned mailbox, uint32_t life, uint64_t through,
    uint64_t next)
{
    sealed_journal_mailbox_t  m;

    memset(&m, 0, sizeof(m));
    id_of(m.id, mailbox);
    memset(m.key, (int) (mailbox + life), sizeof(m.key));
    m.life = life;
    m.tag = 77;
    m.active_hour = NOW - 5;
    m.through = through;
    m.next = next;

    sealed_journal_open_encode(reserve(s, SEALED_JOURNAL_OPEN_SIZE), &m);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);
}


static void
put_change(stream_t *s, unsigned kind, unsigned mailbox, uint32_t life,
    uint64_t value)
{
    sealed_journal_change_t  change;

    id_of(change.id, mailbox);
    change.life = life;
    change.value = value;

    sealed_journal_change_encode(reserve(s, SEALED_JOURNAL_CLOSE_SIZE),
                                 &change);
    sealed_journal_put(&s->writer, kind, SEALED_JOURNAL_CLOSE_SIZE);
}


/* to each mailbox whose number is in the mask; the body tells the envelope */

static void
put_envelope(stream_t *s, unsigned mask, const uint32_t *lives,
    const uint64_t *seqs, unsigned number, uint32_t expiry)
{
    size_t           size;
    uint8_t          ids[MAILBOXES * SEALED_MAILBOX_ID_SIZE];
    uint8_t          headers[MAILBOXES * 8], results[MAILBOXES], body[64];
    unsigned         i;
    uint32_t         accepted;
    sealed_bytes_t   stamp;
    sealed_fanout_t  fanout;

    accepted = 0;

    for (i = 0; i < MAILBOXES; i++) {
        id_of(ids + i * SEALED_MAILBOX_ID_SIZE, i);
        memset(headers + i * 8, (int) (number + i), 8);
        results[i] = !(mask & 1u << i);
        accepted += !results[i];
    }

    memset(body, (int) number, sizeof(body));

    fanout.recipients = ids;
    fanout.count = MAILBOXES;
    fanout.headers = headers;
    fanout.slice_size = 8;
    fanout.body.data = body;
    fanout.body.size = 32 + number % 32;

    stamp.data = (const uint8_t *) "stamp";
    stamp.size = number % 2 ? 5 : 0;

    size = sealed_journal_envelope_size(accepted, 8, stamp.size,
                                        fanout.body.size);
    sealed_journal_envelope_encode(reserve(s, size), &fanout, results,
                                   accepted, lives, seqs, NOW, expiry,
                                   stamp);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_ENVELOPE, size);
}


static void
put_one(stream_t *s, unsigned mailbox, uint32_t life, uint64_t seq,
    unsigned number)
{
    unsigned  i;
    uint32_t  lives[MAILBOXES];
    uint64_t  seqs[MAILBOXES];

    for (i = 0; i < MAILBOXES; i++) {
        lives[i] = life;
        seqs[i] = seq;
    }

    put_envelope(s, 1u << mailbox, lives, seqs, number, LATER);
}


static found_t *
recovered(world_t *w)
{
    recover(&w->found, w->memory.file, w->memory.files, &w->secret, NOW);

    if (w->found.error) {
        fail_msg("%s", w->found.error);
    }

    return &w->found;
}


static void
assert_item(const found_t *found, size_t i, unsigned mailbox, uint64_t seq,
    unsigned number)
{
    uint8_t              id[SEALED_MAILBOX_ID_SIZE], body[64], slice[8];
    const found_item_t  *item;

    assert_true(i < found->items);
    item = &found->item[i];

    id_of(id, mailbox);
    memset(body, (int) number, sizeof(body));
    memset(slice, (int) (number + mailbox), sizeof(slice));

    assert_memory_equal(item->id, id, sizeof(id));
    assert_int_equal(item->seq, seq);
    assert_int_equal(item->body_size, 32 + number % 32);
    assert_memory_equal(item->body, body, item->body_size);
    assert_int_equal(item->slice_size, 8);
    assert_memory_equal(item->slice, slice, 8);
}


/* all streams, whatever their order: it is the numbers that tell */

static void
test_merge(void **state)
{
    found_t   *found;
    world_t   *w;
    stream_t  *a, *b;

    w = world_new();
    a = begin(w, 1, 0, 1 << 20);
    b = begin(w, 1, 0, 1 << 20);

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
    flush(b);
    flush(a);
    end(a);
    end(b);

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
    a = begin(w, 1, 0, 1 << 20);
    b = begin(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_one(a, 0, 1, 7, 1);
    put_one(b, 0, 1, 8, 2);
    flush(a);
    flush(b);

    found = recovered(w);
    assert_int_equal(found->result.unclean, 2);
    assert_int_equal(found->mailbox[0].state.next,
                     9 + 2 * SEALED_JOURNAL_GAP);

    end(a);
    found = recovered(w);
    assert_int_equal(found->mailbox[0].state.next, 9 + SEALED_JOURNAL_GAP);

    end(b);
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
    a = begin(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_open(a, 1, 1, 0, 1);
    put_envelope(a, 3, lives, seqs, 5, NOW);
    put_one(a, 0, 1, 2, 6);
    end(a);

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
    sealed_journal_body_encode(reserve(s, size), &body);
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
    p = sealed_journal_items_encode(reserve(s, size), &items);

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
    a = begin(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    put_open(a, 4, 2, 0, 1);            /* its end is in no record left */

    for (i = 1; i <= 4; i++) {
        put_one(a, 0, 1, i, i);
    }

    end(a);

    snapshot = begin(w, 2, 1, 8192);
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
    sealed_journal_revoke_encode(reserve(snapshot,
                                         SEALED_JOURNAL_REVOKE_SIZE),
                                 &revocation);
    sealed_journal_put(&snapshot->writer, SEALED_JOURNAL_REVOKE,
                       SEALED_JOURNAL_REVOKE_SIZE);

    memset(&certificate, 6, sizeof(certificate));
    certificate.class = 255;
    certificate.opened = 65535;
    sealed_journal_certificate_encode(
        reserve(snapshot, SEALED_JOURNAL_CERTIFICATE_SIZE), &certificate);
    sealed_journal_put(&snapshot->writer, SEALED_JOURNAL_CERTIFICATE,
                       SEALED_JOURNAL_CERTIFICATE_SIZE);

    memset(&quota, 7, sizeof(quota));
    quota.drawn = 65535;
    sealed_journal_quota_encode(reserve(snapshot, SEALED_JOURNAL_QUOTA_SIZE),
                                &quota);
    sealed_journal_put(&snapshot->writer, SEALED_JOURNAL_QUOTA,
                       SEALED_JOURNAL_QUOTA_SIZE);
    flush(snapshot);

    b = begin(w, 2, 0, 1 << 20);
    put_one(b, 0, 1, 3, 3);             /* in the snapshot as well */
    put_one(b, 0, 1, 5, 5);
    end(b);

    /* it did not end yet */

    found = recovered(w);
    assert_int_equal(found->items, 5 + 1 - 1);
    assert_item(found, 0, 0, 2, 2);
    assert_item(found, 1, 0, 3, 3);
    assert_item(found, 2, 0, 4, 4);
    assert_item(found, 3, 0, 5, 5);
    assert_item(found, 4, 1, 2, 3);
    assert_int_equal(found->mailboxes, 3);

    end(snapshot);
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


static void
test_refused(void **state)
{
    found_t    found;
    world_t   *w;
    stream_t  *a;

    sealed_master_secret_t  other;

    w = world_new();
    a = begin(w, 1, 0, 1 << 20);
    put_open(a, 0, 1, 0, 1);
    flush(a);

    test_secret(&other);
    other.line[0].tag++;
    recover(&found, w->memory.file, w->memory.files, &other, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "key line"));

    (void) reserve(a, 0);
    sealed_journal_put(&a->writer, 15, 0);
    flush(a);
    recover(&found, w->memory.file, w->memory.files, &w->secret, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "newer version"));
    world_free(w);

    w = world_new();
    a = begin(w, 1, 0, 1 << 20);
    a->writer.segment.zone[0]++;
    put_open(a, 0, 1, 0, 1);
    flush(a);
    recover(&found, w->memory.file, w->memory.files, &w->secret, NOW);
    assert_non_null(found.error);
    assert_non_null(strstr(found.error, "another zone"));
    world_free(w);

    /* nothing at all is a journal too */

    recover(&found, NULL, 0, &w->secret, NOW);
    assert_null(found.error);
    assert_int_equal(found.mailboxes, 0);
}


/*
 * The power cut.  A run of operations on two streams; what each was answered,
 * and after which step of the files.  Then the power goes at each step: what
 * was not synced is there, or is not, or is there up to some octet.
 */

typedef enum {
    OP_OPEN,
    OP_CLOSE,
    OP_SEND,
    OP_ACKNOWLEDGE,
    OP_DRAW,
    OP_REVOKE,
    OP_USE                              /* of a certificate */
} op_kind_t;


typedef struct {
    op_kind_t  kind;
    unsigned   mailbox;                 /* or a mask of them */
    uint32_t   life[MAILBOXES];
    uint64_t   seq[MAILBOXES];
    unsigned   number;
    size_t     answered;                /* steps there were; 0: never */
} op_t;


typedef struct {
    world_t   *w;
    op_t       op[ENVELOPES];
    unsigned   ops;
    uint32_t   life[MAILBOXES];         /* 0: not open */
    uint32_t   lives;
    uint64_t   next[MAILBOXES];
    uint64_t   through[MAILBOXES];
    uint32_t   drawn;
    uint32_t   used;
    uint64_t   cuts;
} run_t;


static void
put_quota(stream_t *s, uint32_t drawn)
{
    sealed_journal_quota_t  quota;

    memset(&quota, 7, sizeof(quota));
    quota.drawn = drawn;
    quota.end = LATER * UINT64_C(3600);

    sealed_journal_quota_encode(reserve(s, SEALED_JOURNAL_QUOTA_SIZE),
                                &quota);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_QUOTA,
                       SEALED_JOURNAL_QUOTA_SIZE);
}


static void
put_revocation(stream_t *s, unsigned number)
{
    sealed_journal_revocation_t  revocation;

    memset(&revocation, 8, sizeof(revocation));
    revocation.until = number;

    sealed_journal_revoke_encode(reserve(s, SEALED_JOURNAL_REVOKE_SIZE),
                                 &revocation);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_REVOKE,
                       SEALED_JOURNAL_REVOKE_SIZE);
}


static void
put_certificate(stream_t *s, uint32_t opened)
{
    sealed_journal_certificate_t  certificate;

    memset(&certificate, 9, sizeof(certificate));
    certificate.class = 1;
    certificate.opened = opened;

    sealed_journal_certificate_encode(
        reserve(s, SEALED_JOURNAL_CERTIFICATE_SIZE), &certificate);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_CERTIFICATE,
                       SEALED_JOURNAL_CERTIFICATE_SIZE);
}


static void one_mailbox_op(run_t *run, stream_t *s, unsigned random,
    op_t *op, unsigned m);


static void
one_op(run_t *run, stream_t *s, unsigned random)
{
    op_t      *op;
    unsigned   m;

    op = &run->op[run->ops];
    m = random % MAILBOXES;
    op->mailbox = m;
    op->life[m] = run->life[m];

    if (random >> 16 & 3) {
        one_mailbox_op(run, s, random, op, m);

    } else if (random % 3 == 0) {
        op->kind = OP_DRAW;
        op->number = ++run->drawn;
        put_quota(s, op->number);

    } else if (random % 3 == 1) {
        op->kind = OP_REVOKE;
        op->number = run->ops;
        put_revocation(s, op->number);

    } else {
        op->kind = OP_USE;
        op->number = ++run->used;
        put_certificate(s, op->number);
    }

    run->ops++;
}


static void
one_mailbox_op(run_t *run, stream_t *s, unsigned random, op_t *op, unsigned m)
{
    unsigned  i, mask;

    if (run->life[m] == 0) {
        op->kind = OP_OPEN;
        run->life[m] = ++run->lives;
        op->life[m] = run->life[m];
        run->next[m] = 1;
        run->through[m] = 0;
        put_open(s, m, run->life[m], 0, 1);

    } else if (random / 8 % 16 == 0) {
        op->kind = OP_CLOSE;
        put_change(s, SEALED_JOURNAL_CLOSE, m, run->life[m], 600);
        run->life[m] = 0;

    } else if (random / 8 % 16 < 5) {
        op->kind = OP_ACKNOWLEDGE;
        op->seq[m] = run->through[m]
                     + (run->next[m] - run->through[m]) / 2;

        if (op->seq[m] >= run->next[m]) {
            op->seq[m] = run->next[m] - 1;
        }

        run->through[m] = op->seq[m];
        put_change(s, SEALED_JOURNAL_ACKNOWLEDGE, m, run->life[m],
                   op->seq[m]);

    } else {
        op->kind = OP_SEND;
        op->number = run->ops;
        mask = 0;

        for (i = 0; i < MAILBOXES; i++) {
            if (run->life[i] && (i == m || (random >> (8 + i)) & 1)) {
                mask |= 1u << i;
                op->life[i] = run->life[i];
                op->seq[i] = run->next[i]++;
            }
        }

        op->mailbox = mask;
        put_envelope(s, mask, op->life, op->seq, op->number, LATER);
    }
}


static void
answer(run_t *run, unsigned first, unsigned last)
{
    while (first < last) {
        run->op[first++].answered = run->w->memory.steps;
    }
}


/* the same of what is no mailbox's */

static void
judge_others(const run_t *run, size_t steps)
{
    size_t          f;
    unsigned        i;
    uint32_t        drawn, used, needed[2];
    uint64_t        revoked;
    const op_t     *op;
    const found_t  *found;

    found = &run->w->found;
    memset(needed, 0, sizeof(needed));

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];

        if (op->answered == 0 || op->answered > steps) {
            continue;
        }

        if (op->kind == OP_DRAW) {
            needed[0] = op->number;

        } else if (op->kind == OP_USE) {
            needed[1] = op->number;

        } else if (op->kind == OP_REVOKE) {
            for (f = 0; f < found->revocations; f++) {
                if (found->revocation[f].until == op->number) {
                    break;
                }
            }

            assert_true(f < found->revocations);
        }
    }

    drawn = 0;
    used = 0;

    for (f = 0; f < found->quotas; f++) {
        drawn = found->quota[f].drawn > drawn ? found->quota[f].drawn : drawn;
        assert_int_equal(found->quota[f].end, LATER * UINT64_C(3600));
    }

    for (f = 0; f < found->certificates; f++) {
        used = found->certificate[f].opened > used
               ? found->certificate[f].opened : used;
        assert_int_equal(found->certificate[f].class, 1);
    }

    for (f = 0; f < found->revocations; f++) {
        revoked = found->revocation[f].until;
        assert_true(revoked < run->ops
                    && run->op[revoked].kind == OP_REVOKE);
    }

    assert_in_range(drawn, needed[0], run->drawn);
    assert_in_range(used, needed[1], run->used);
}


/* whether what came back agrees with what was answered by then */

static void
judge(run_t *run, size_t steps)
{
    op_t       *op;
    size_t      f;
    uint8_t     id[SEALED_MAILBOX_ID_SIZE];
    unsigned    i, m;
    found_t    *found;
    uint32_t    opened[MAILBOXES], seen[MAILBOXES], closed[MAILBOXES];
    uint64_t    acknowledged[MAILBOXES], asked[MAILBOXES];

    found = &run->w->found;
    assert_null(found->error);

    memset(opened, 0, sizeof(opened));          /* and answered */
    memset(seen, 0, sizeof(seen));              /* perhaps on disk */
    memset(closed, 0, sizeof(closed));          /* perhaps */
    memset(acknowledged, 0, sizeof(acknowledged));
    memset(asked, 0, sizeof(asked));

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];
        m = op->mailbox;

        if (op->kind == OP_OPEN) {
            seen[m] = op->life[m];
            asked[m] = 0;
            acknowledged[m] = 0;

            if (op->answered && op->answered <= steps) {
                opened[m] = op->life[m];
            }

        } else if (op->kind == OP_CLOSE) {
            closed[m] = op->life[m];

        } else if (op->kind == OP_ACKNOWLEDGE) {
            asked[m] = op->seq[m];

            if (op->answered && op->answered <= steps) {
                acknowledged[m] = op->seq[m];
            }
        }
    }

    /* what is there was sent, and in this shape */

    for (f = 0; f < found->items; f++) {
        for (i = 0; i < run->ops; i++) {
            op = &run->op[i];

            for (m = 0; op->kind == OP_SEND && m < MAILBOXES; m++) {
                id_of(id, m);

                if (memcmp(id, found->item[f].id, sizeof(id)) == 0
                    && op->life[m] == found->item[f].life
                    && op->seq[m] == found->item[f].seq
                    && op->mailbox & 1u << m)
                {
                    assert_item(found, f, m, op->seq[m], op->number);

                    if (op->life[m] == seen[m]
                        && op->life[m] == opened[m])
                    {
                        assert_true(op->seq[m] > acknowledged[m]);
                    }

                    i = run->ops + 1;
                    break;
                }
            }
        }

        assert_int_equal(i, run->ops + 2);
    }

    /* what was answered is there, if nobody asked for its end */

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];

        if (op->kind != OP_SEND || op->answered == 0
            || op->answered > steps)
        {
            continue;
        }

        for (m = 0; m < MAILBOXES; m++) {

            if (!(op->mailbox & 1u << m)
                || op->life[m] != seen[m]
                || op->life[m] != opened[m]
                || op->life[m] == closed[m]
                || op->seq[m] <= asked[m])
            {
                continue;
            }

            id_of(id, m);

            for (f = 0; f < found->items; f++) {
                if (memcmp(id, found->item[f].id, sizeof(id)) == 0
                    && op->life[m] == found->item[f].life
                    && op->seq[m] == found->item[f].seq)
                {
                    break;
                }
            }

            assert_true(f < found->items);
        }
    }

    judge_others(run, steps);
    run->cuts++;
}


/*
 * The files after so many steps: the last write of each file that was not
 * synced up to an octet, `keep` tells of those before it.
 */

static void
cut(run_t *run, memory_file_t *disk, size_t steps, size_t octets,
    unsigned keep)
{
    int              file;
    size_t           i, synced[FILES_MAX], named, last[FILES_MAX], size;
    step_t          *step;
    memory_files_t  *m;

    m = &run->w->memory;
    named = 0;
    memset(synced, 0, sizeof(synced));
    memset(last, 0, sizeof(last));

    for (i = 0; i < steps; i++) {
        step = &m->step[i];

        if (step->kind == STEP_NAMES) {
            named = i;

        } else if (step->kind == STEP_SYNC) {
            synced[step->file] = i + 1;

        } else if (step->kind == STEP_WRITE) {
            last[step->file] = i + 1;
        }
    }

    for (file = 0; file < m->files; file++) {
        disk[file].there = 0;
        memset(disk[file].data, 0, disk[file].size);
    }

    for (i = 0; i < steps; i++) {
        step = &m->step[i];
        file = step->file;

        if (step->kind == STEP_CREATE) {
            disk[file].there = i < named || keep;

        } else if (step->kind == STEP_WRITE) {
            size = step->size;

            if (i >= synced[file]) {
                size = i + 1 < last[file] ? (keep ? size : 0)
                       : octets < size ? octets : size;
            }

            memcpy(disk[file].data + step->offset, step->data, size);
        }
    }
}


static void
test_power_cut(void **state)
{
    int             i;
    run_t          *run;
    size_t          steps, octets, size, records;
    unsigned        n, first, waiting[2], policy;
    stream_t       *s[2];
    memory_file_t  *disk;
    uint32_t        random;

    for (policy = SEALED_JOURNAL_SYNC_TIMED;
         policy <= SEALED_JOURNAL_SYNC_ALWAYS;
         policy++)
    {
        run = calloc(1, sizeof(run_t));
        assert_non_null(run);
        run->w = world_new();
        random = 12345 + policy;

        for (n = 0; n < 2; n++) {
            s[n] = begin(run->w, 1, 0, SEALED_JOURNAL_BLOCK + 2500);
            s[n]->output.policy = policy;
        }

        /* the streams by turns, a few operations in each batch */

        first = 0;

        for (n = 0; n < 28; n++) {
            waiting[0] = run->ops;

            for (i = 0; i < 1 + (int) (random >> 16) % 5; i++) {
                random = random * 1664525 + 1013904223;
                one_op(run, s[n % 2], random >> 8);
            }

            waiting[1] = run->ops;
            flush(s[n % 2]);

            if (policy == SEALED_JOURNAL_SYNC_ALWAYS) {
                answer(run, waiting[0], waiting[1]);

            } else if (n % 4 == 3) {

                /* what is promised with a time is promised from here on */

                for (i = 0; i < 2; i++) {
                    assert_int_equal(sealed_journal_commit(&s[i]->output,
                                                           NULL, 1),
                                     0);
                }

                answer(run, first, waiting[1]);
                first = waiting[1];
            }
        }

        disk = calloc(FILES_MAX, sizeof(memory_file_t));
        assert_non_null(disk);

        for (i = 0; i < run->w->memory.files; i++) {
            disk[i] = run->w->memory.file[i];
            disk[i].size = SEALED_JOURNAL_BLOCK + 2500;
            disk[i].data = calloc(1, disk[i].size);
            assert_non_null(disk[i].data);
        }

        records = 0;

        for (steps = 0; steps <= run->w->memory.steps; steps++) {

            /* a write is torn everywhere, other steps are done or not */

            size = steps && run->w->memory.step[steps - 1].kind == STEP_WRITE
                   ? run->w->memory.step[steps - 1].size : 0;

            for (octets = 0; octets <= size; octets++) {

                /* within a header, where nothing changes, not each */

                if (size > SEALED_JOURNAL_BLOCK
                    && octets > 256 && octets < SEALED_JOURNAL_BLOCK
                    && octets % 97)
                {
                    continue;
                }

                cut(run, disk, steps, octets, (octets ^ steps) & 1);
                recover(&run->w->found, disk, run->w->memory.files,
                        &run->w->secret, NOW);
                judge(run, steps);

                if (octets == size
                    && run->w->found.report.records > records)
                {
                    records = run->w->found.report.records;
                }
            }
        }

        assert_true(records >= run->ops);
        print_message("%u operations, %lu cuts\n", run->ops,
                      (unsigned long) run->cuts);

        for (i = 0; i < run->w->memory.files; i++) {
            free(disk[i].data);
        }

        free(disk);
        world_free(run->w);
        free(run);
    }
}


/*
 * Each octet of a journal wrong, and each length of it: what comes back was
 * sent, one record at most is missing, and nothing comes back twice.
 */

static void
test_each_octet(void **state)
{
    run_t     *run;
    size_t     i, all, size;
    unsigned   n;
    uint32_t   random;
    stream_t  *s;

    run = calloc(1, sizeof(run_t));
    assert_non_null(run);
    run->w = world_new();
    s = begin(run->w, 1, 0, SEALED_JOURNAL_BLOCK + 8192);
    random = 99;

    for (n = 0; n < 30; n++) {
        random = random * 1664525 + 1013904223;
        one_op(run, s, random >> 8);
    }

    flush(s);
    assert_int_equal(run->w->memory.files, 1);
    size = (size_t) s->output.end;
    all = recovered(run->w)->report.records;
    assert_int_equal(all, run->ops);

    for (i = 0; i < size; i++) {
        run->w->memory.file[0].data[i] ^= (uint8_t) (1 << i % 8);
        (void) recovered(run->w);
        judge(run, 0);
        assert_true(run->w->found.report.records >= all - 1);
        assert_true(run->w->found.report.records == all
                    || run->w->found.report.damaged
                    || run->w->found.report.torn_octets);
        run->w->memory.file[0].data[i] ^= (uint8_t) (1 << i % 8);
    }

    for (i = size; i-- > 0; /* void */) {
        run->w->memory.file[0].size = i;
        (void) recovered(run->w);
        judge(run, 0);
        assert_int_equal(run->w->found.report.damaged, 0);
        assert_true(run->w->found.report.records <= all);
        all = run->w->found.report.records;
    }

    assert_int_equal(all, 0);

    world_free(run->w);
    free(run);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_gap),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_snapshot),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_power_cut),
        cmocka_unit_test(test_each_octet)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
