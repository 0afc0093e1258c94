
/*
 * The writing side of a journal, as a state machine over the caller's
 * buffers: group commit.
 *
 * There are two batches.  Records go into the one that is filling; when the
 * host is free to write, it takes that one, which is under way until the
 * host says how it went, while the other fills.  Who waits for a record may
 * be answered when the batch it went into is done.
 *
 * A batch is octets and where they go.  The records of a batch have their
 * places from the beginning, so a new segment is begun inside of a batch and
 * its header travels with the records.
 *
 * After a failure nothing is taken any more until the host restarts the
 * writer, in a new segment: what is in doubt on disk is never written over.
 */

#ifndef SEALED_JOURNAL_WRITER_H
#define SEALED_JOURNAL_WRITER_H


#include "journal.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_JOURNAL_PARTS = 8            /* segments that a batch touches */
};


typedef struct {
    char                          name[SEALED_JOURNAL_NAME_SIZE];
    size_t                        start;        /* in the batch */
    size_t                        size;
    uint64_t                      offset;       /* in the file; 0: new */
} sealed_journal_part_t;


typedef struct {
    uint8_t                      *data;
    size_t                        capacity;
    size_t                        used;
    uint64_t                      records;
    unsigned                      parts;
    sealed_journal_part_t         part[SEALED_JOURNAL_PARTS];
} sealed_journal_batch_t;


typedef struct {
    sealed_journal_segment_t      segment;      /* the one at the end */
    uint8_t                       key[SEALED_KEY_SIZE];
    uint64_t                      segment_size;
    uint64_t                      offset;       /* of the next record */
    sealed_journal_batch_t        batch[2];
    unsigned                      filling;      /* 0 or 1 */
    unsigned                      under_way:1;  /* the other */
    unsigned                      begun:1;      /* the segment */
    unsigned                      failed:1;
} sealed_journal_writer_t;


/*
 * segment has zone, generation, stream, tag and snapshot; no two writers
 * ever have the same stream, it is random.  The buffers have capacity octets
 * each: the largest record and SEALED_JOURNAL_BLOCK more at least.
 */
void sealed_journal_writer_init(sealed_journal_writer_t *writer,
    const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE], uint64_t segment_size,
    uint8_t *buffer, uint8_t *other, size_t capacity);

/*
 * Room for a payload of up to so many octets, or NULL: the batch is full or
 * the writer has failed.  Nothing stands before sealed_journal_put().
 */
uint8_t *sealed_journal_reserve(sealed_journal_writer_t *writer,
    size_t payload_size, uint32_t hour);

/* the record whose payload has been written where reserve said */
void sealed_journal_put(sealed_journal_writer_t *writer,
    sealed_journal_kind_t kind, size_t payload_size);

/* the batch to write, or NULL: it is empty, or one is under way already */
const sealed_journal_batch_t *sealed_journal_take(
    sealed_journal_writer_t *writer);

/* how it went, 0 or -1; what was filling is lost as well on -1 */
void sealed_journal_done(sealed_journal_writer_t *writer, int rc);

/* the next record begins a segment; failures are forgotten */
void sealed_journal_rotate(sealed_journal_writer_t *writer,
    uint64_t generation);


static inline int
sealed_journal_is_empty(const sealed_journal_writer_t *writer)
{
    return writer->batch[writer->filling].used == 0;
}


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_WRITER_H */
