
/*
 * What tests of recovery write and get back: a few streams of a journal,
 * mailboxes and envelopes by number.  An envelope's number tells its body
 * and its slices.
 */

#ifndef SEALED_TEST_JOURNAL_WORLD_H
#define SEALED_TEST_JOURNAL_WORLD_H


#include "journal_stream.h"


enum {
    CAPACITY = 128 * 1024,
    MAILBOXES = 5,
    NOW = 1000,                         /* hours */
    LATER = 2000
};


typedef struct {
    sealed_master_secret_t   secret;
    sealed_journal_files_t   files;
    memory_files_t           memory;
    stream_t                 stream[4];
    unsigned                 streams;
    found_t                  found;
} world_t;


static inline world_t *
world_new(void)
{
    world_t  *w;

    w = calloc(1, sizeof(world_t));
    assert_non_null(w);
    test_secret(&w->secret);
    memory_files_init(&w->memory, &w->files);

    return w;
}


static inline void
world_free(world_t *w)
{
    unsigned  i;

    for (i = 0; i < w->streams; i++) {
        stream_free(&w->stream[i]);
    }

    memory_files_free(&w->memory);
    free(w);
}


static inline stream_t *
world_stream(world_t *w, uint64_t generation, unsigned snapshot,
    uint64_t segment_size)
{
    stream_t                  *s;
    sealed_journal_segment_t   segment;

    assert_true(w->streams < 4);
    s = &w->stream[w->streams++];
    s->hour = NOW;

    memset(&segment, 0, sizeof(segment));
    segment.generation = generation;
    segment.stream = 0x5000 + w->streams;
    segment.snapshot = snapshot;

    stream_init(s, &w->files, &w->secret, &segment, segment_size, CAPACITY);

    return s;
}


static inline void
id_of(uint8_t id[SEALED_MAILBOX_ID_SIZE], unsigned mailbox)
{
    memset(id, 'a' + (int) mailbox, SEALED_MAILBOX_ID_SIZE);
}


static inline void
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

    sealed_journal_open_encode(stream_reserve(s, SEALED_JOURNAL_OPEN_SIZE), &m);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);
}


static inline void
put_change(stream_t *s, unsigned kind, unsigned mailbox, uint32_t life,
    uint64_t value)
{
    sealed_journal_change_t  change;

    id_of(change.id, mailbox);
    change.life = life;
    change.value = value;

    sealed_journal_change_encode(stream_reserve(s, SEALED_JOURNAL_CLOSE_SIZE),
                                 &change);
    sealed_journal_put(&s->writer, kind, SEALED_JOURNAL_CLOSE_SIZE);
}


/* to each mailbox whose number is in the mask; the body tells the envelope */

static inline void
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
    sealed_journal_envelope_encode(stream_reserve(s, size), &fanout, results,
                                   accepted, lives, seqs, NOW, expiry,
                                   stamp);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_ENVELOPE, size);
}


static inline void
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


static inline void
put_revocation(stream_t *s, const sealed_journal_revocation_t *revocation)
{
    sealed_journal_revoke_encode(stream_reserve(s,
                                                SEALED_JOURNAL_REVOKE_SIZE),
                                 revocation);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_REVOKE,
                       SEALED_JOURNAL_REVOKE_SIZE);
}


static inline void
put_certificate(stream_t *s, const sealed_journal_certificate_t *certificate)
{
    sealed_journal_certificate_encode(
        stream_reserve(s, SEALED_JOURNAL_CERTIFICATE_SIZE), certificate);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_CERTIFICATE,
                       SEALED_JOURNAL_CERTIFICATE_SIZE);
}


static inline void
put_quota(stream_t *s, const sealed_journal_quota_t *quota)
{
    sealed_journal_quota_encode(stream_reserve(s, SEALED_JOURNAL_QUOTA_SIZE),
                                quota);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_QUOTA,
                       SEALED_JOURNAL_QUOTA_SIZE);
}


static inline found_t *
recovered(world_t *w)
{
    recover(&w->found, w->memory.file, w->memory.files, &w->secret, NOW);

    if (w->found.error) {
        fail_msg("%s", w->found.error);
    }

    return &w->found;
}


static inline void
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


#endif /* SEALED_TEST_JOURNAL_WORLD_H */
