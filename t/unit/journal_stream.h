
/* one stream of a journal, written into files in memory */

#ifndef SEALED_TEST_JOURNAL_STREAM_H
#define SEALED_TEST_JOURNAL_STREAM_H


#include "journal.h"


typedef struct {
    sealed_journal_writer_t  writer;
    sealed_journal_output_t  output;
    uint8_t                 *buffer;
    uint32_t                 hour;              /* of what is written */
} stream_t;


/* of which the caller has said generation, stream and snapshot */

static inline void
stream_init(stream_t *s, const sealed_journal_files_t *files,
    const sealed_master_secret_t *secret, sealed_journal_segment_t *segment,
    uint64_t segment_size, size_t capacity)
{
    s->buffer = malloc(2 * capacity);
    assert_non_null(s->buffer);

    memcpy(segment->zone, test_zone, sizeof(segment->zone));
    segment->tag = secret->line[0].tag;

    sealed_journal_writer_init(&s->writer, segment,
                               secret->line[0].journal_key, segment_size,
                               s->buffer, s->buffer + capacity, capacity);
    sealed_journal_output_init(&s->output, files, SEALED_JOURNAL_SYNC_ALWAYS,
                               segment_size);
}


static inline void
stream_free(stream_t *s)
{
    free(s->buffer);
}


static inline void
stream_flush(stream_t *s)
{
    const sealed_journal_batch_t  *batch;

    batch = sealed_journal_take(&s->writer);

    if (batch) {
        assert_int_equal(sealed_journal_commit(&s->output, batch, 0), 0);
        sealed_journal_done(&s->writer, 0);
    }
}


/* room for a record; a full batch is written first */

static inline uint8_t *
stream_reserve(stream_t *s, size_t size)
{
    uint8_t  *p;

    p = sealed_journal_reserve(&s->writer, size, s->hour);

    if (p == NULL) {
        stream_flush(s);
        p = sealed_journal_reserve(&s->writer, size, s->hour);
        assert_non_null(p);
    }

    return p;
}


static inline void
stream_end(stream_t *s)
{
    (void) stream_reserve(s, 0);
    sealed_journal_put(&s->writer, SEALED_JOURNAL_END, 0);
    stream_flush(s);
    assert_int_equal(sealed_journal_finish(&s->output), 0);
}


#endif /* SEALED_TEST_JOURNAL_STREAM_H */
