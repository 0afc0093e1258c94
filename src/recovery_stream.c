
#include "recovery_stream.h"


static sealed_recovery_stream_t *find(sealed_recovery_t *recovery,
    const sealed_journal_segment_t *segment);
static uint64_t expected(const sealed_recovery_t *recovery,
    const sealed_recovery_stream_t *stream, uint64_t oldest);


unsigned
sealed_recovery_stream_ends(const uint8_t *data, size_t size,
    const sealed_journal_segment_t *segment)
{
    size_t                        offset;
    unsigned                      kind;
    sealed_journal_record_t       record;
    sealed_journal_scan_result_t  result;

    kind = 0;
    offset = SEALED_JOURNAL_BLOCK;

    do {
        result = sealed_journal_scan(&record, data, size, &offset, segment);

        if (result == SEALED_JOURNAL_RECORD) {
            kind = record.kind;
        }

    } while (result == SEALED_JOURNAL_RECORD
             || result == SEALED_JOURNAL_DAMAGED);

    return kind == SEALED_JOURNAL_END;
}


int
sealed_recovery_stream_note(sealed_recovery_t *recovery,
    const sealed_journal_segment_t *segment, unsigned ended)
{
    sealed_recovery_stream_t  *stream;

    if (segment->generation > recovery->generation) {
        recovery->generation = segment->generation;
    }

    if (segment->snapshot && ended
        && (!recovery->has_base || segment->generation > recovery->base))
    {
        recovery->base = segment->generation;
        recovery->has_base = 1;
    }

    stream = find(recovery, segment);
    if (stream == NULL) {
        return -1;
    }

    stream->segments++;

    if (segment->number < stream->first) {
        stream->first = segment->number;
    }

    if (segment->number >= stream->last) {
        stream->last = segment->number;
        stream->ended = ended & 1;
    }

    return 0;
}


/* that this segment is of, a new one where it is the first */

static sealed_recovery_stream_t *
find(sealed_recovery_t *recovery, const sealed_journal_segment_t *segment)
{
    size_t                     i;
    sealed_recovery_stream_t  *stream;

    stream = (sealed_recovery_stream_t *) recovery->streams.data;

    for (i = 0; i < recovery->streams.count; i++) {
        if (stream[i].stream == segment->stream
            && stream[i].generation == segment->generation)
        {
            return &stream[i];
        }
    }

    stream = sealed_recovery_push(&recovery->memory, &recovery->streams,
                                  sizeof(sealed_recovery_stream_t));
    if (stream == NULL) {
        return NULL;
    }

    stream->generation = segment->generation;
    stream->stream = segment->stream;
    stream->snapshot = segment->snapshot & 1;
    stream->first = segment->number;

    return stream;
}


unsigned
sealed_recovery_stream_replaced(const sealed_recovery_t *recovery,
    uint64_t generation, unsigned snapshot)
{
    return recovery->has_base
           && (generation < recovery->base
               || (snapshot && generation > recovery->base));
}


void
sealed_recovery_stream_count(sealed_recovery_t *recovery)
{
    size_t                     i;
    uint64_t                   all, oldest;
    sealed_recovery_stream_t  *stream;

    oldest = 1;
    stream = (sealed_recovery_stream_t *) recovery->streams.data;

    for (i = 0; i < recovery->streams.count; i++) {
        if (i == 0 || stream[i].generation < oldest) {
            oldest = stream[i].generation;
        }
    }

    for (i = 0; i < recovery->streams.count; i++) {

        if (sealed_recovery_stream_replaced(recovery, stream[i].generation,
                                            stream[i].snapshot))
        {
            continue;
        }

        /* there may be copies of some, with numbers that are there already */

        all = expected(recovery, &stream[i], oldest);

        if (all > stream[i].segments) {
            recovery->result.segments_missing += all - stream[i].segments;
        }

        if (!stream[i].snapshot && !stream[i].ended) {
            recovery->result.unclean++;
        }
    }

    /* the first generation has none; of later ones it is removed last */

    recovery->result.headless = !recovery->has_base && oldest > 1;
}


/*
 * How many segments a stream had in a generation.  Numbers go on from one to
 * the next; where the one before has been replaced nothing tells which was the
 * first here, so it is the first that is left.
 */

static uint64_t
expected(const sealed_recovery_t *recovery,
    const sealed_recovery_stream_t *stream, uint64_t oldest)
{
    size_t                           i;
    uint64_t                         before;
    const sealed_recovery_stream_t  *other;

    if (stream->snapshot) {
        return stream->last;
    }

    before = 0;
    other = (const sealed_recovery_stream_t *) recovery->streams.data;

    for (i = 0; i < recovery->streams.count; i++) {

        if (other[i].stream == stream->stream
            && !other[i].snapshot
            && other[i].generation < stream->generation
            && !sealed_recovery_stream_replaced(recovery,
                                                other[i].generation, 0)
            && other[i].last > before)
        {
            before = other[i].last;
        }
    }

    if (before == 0 && (recovery->has_base || oldest > 1)) {
        return (uint64_t) stream->last + 1 - stream->first;
    }

    return stream->last > before ? stream->last - before : 0;
}
