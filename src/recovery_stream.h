
/*
 * The streams that a journal consists of, as the headers of its segments tell
 * of them: which generation counts, and what is missing.
 *
 * A snapshot that has ended in order replaces all that is of an older
 * generation; of several the youngest counts.  One that did not end replaces
 * nothing, and nothing is read of it as soon as there is another.
 */

#ifndef SEALED_RECOVERY_STREAM_H
#define SEALED_RECOVERY_STREAM_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t                      generation;
    uint64_t                      stream;
    uint32_t                      first;        /* number */
    uint32_t                      last;
    uint32_t                      segments;
    unsigned                      ended:1;      /* in order */
    unsigned                      snapshot:1;
} sealed_recovery_stream_t;


/* whether the last record of the segment says that its stream ended */
unsigned sealed_recovery_stream_ends(const uint8_t *data, size_t size,
    const sealed_journal_segment_t *segment);

/* one more segment; 0, or -1: out of memory */
int sealed_recovery_stream_note(sealed_recovery_t *recovery,
    const sealed_journal_segment_t *segment, unsigned ended);

/* when all segments are known: whether a snapshot stands for this */
unsigned sealed_recovery_stream_replaced(const sealed_recovery_t *recovery,
    uint64_t generation, unsigned snapshot);

/*
 * segments_missing, unclean, and headless of the result.  Missed are those
 * between others of a stream, and its first ones unless a snapshot may have
 * replaced them; nothing names the last ones, nor a stream of which none is
 * left.
 */
void sealed_recovery_stream_count(sealed_recovery_t *recovery);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_STREAM_H */
