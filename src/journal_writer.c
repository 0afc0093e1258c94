
#include "journal_writer.h"

#include <string.h>


static void begin_segment(sealed_journal_writer_t *writer,
    sealed_journal_batch_t *batch, uint32_t hour);
static void begin_part(sealed_journal_writer_t *writer,
    sealed_journal_batch_t *batch);
static void reset(sealed_journal_batch_t *batch);


void
sealed_journal_writer_init(sealed_journal_writer_t *writer,
    const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE], uint64_t segment_size,
    uint8_t *buffer, uint8_t *other, size_t capacity)
{
    memset(writer, 0, sizeof(sealed_journal_writer_t));

    writer->segment = *segment;
    writer->segment.number = 0;
    memcpy(writer->key, key, SEALED_KEY_SIZE);
    writer->segment_size = segment_size;

    writer->batch[0].data = buffer;
    writer->batch[0].capacity = capacity;
    writer->batch[1].data = other;
    writer->batch[1].capacity = capacity;
}


uint8_t *
sealed_journal_reserve(sealed_journal_writer_t *writer, size_t payload_size,
    uint32_t hour)
{
    size_t                   need, head;
    unsigned                 new_segment;
    sealed_journal_part_t   *part;
    sealed_journal_batch_t  *batch;

    if (writer->failed || payload_size > SEALED_JOURNAL_SEGMENT_MAX) {
        return NULL;
    }

    need = sealed_journal_record_size(payload_size);

    if (need > writer->segment_size - SEALED_JOURNAL_BLOCK) {
        return NULL;
    }

    batch = &writer->batch[writer->filling];
    new_segment = !writer->begun
                  || writer->offset + need > writer->segment_size;
    head = new_segment ? SEALED_JOURNAL_BLOCK : 0;

    if (batch->capacity - batch->used < need + head
        || (new_segment && batch->parts == SEALED_JOURNAL_PARTS))
    {
        return NULL;
    }

    if (new_segment) {
        begin_segment(writer, batch, hour);

    } else if (batch->parts == 0) {
        begin_part(writer, batch);
    }

    part = &batch->part[batch->parts - 1];

    return batch->data + part->start + part->size + SEALED_JOURNAL_FRAME;
}


void
sealed_journal_put(sealed_journal_writer_t *writer,
    sealed_journal_kind_t kind, size_t payload_size)
{
    size_t                   size;
    sealed_journal_part_t   *part;
    sealed_journal_batch_t  *batch;

    batch = &writer->batch[writer->filling];
    part = &batch->part[batch->parts - 1];

    sealed_journal_record_seal(batch->data + part->start + part->size,
                               (uint32_t) payload_size, kind,
                               &writer->segment, writer->key, writer->offset);

    size = sealed_journal_record_size(payload_size);
    writer->offset += size;
    part->size += size;
    batch->used += size;
    batch->records++;
}


const sealed_journal_batch_t *
sealed_journal_take(sealed_journal_writer_t *writer)
{
    sealed_journal_batch_t  *batch;

    batch = &writer->batch[writer->filling];

    if (writer->under_way || batch->records == 0) {
        return NULL;
    }

    writer->under_way = 1;
    writer->filling = !writer->filling;

    return batch;
}


void
sealed_journal_done(sealed_journal_writer_t *writer, int rc)
{
    writer->under_way = 0;
    reset(&writer->batch[!writer->filling]);

    if (rc != 0) {
        reset(&writer->batch[writer->filling]);
        writer->begun = 0;
        writer->failed = 1;
    }
}


void
sealed_journal_rotate(sealed_journal_writer_t *writer, uint64_t generation)
{
    writer->segment.generation = generation;
    writer->begun = 0;
    writer->failed = 0;
}


static void
begin_segment(sealed_journal_writer_t *writer, sealed_journal_batch_t *batch,
    uint32_t hour)
{
    writer->segment.number++;
    writer->segment.hour = hour;
    sealed_journal_segment_keys(&writer->segment, writer->key);

    writer->begun = 1;
    writer->offset = 0;
    begin_part(writer, batch);

    sealed_journal_header_encode(batch->data + batch->used, &writer->segment);

    writer->offset = SEALED_JOURNAL_BLOCK;
    batch->part[batch->parts - 1].size = SEALED_JOURNAL_BLOCK;
    batch->used += SEALED_JOURNAL_BLOCK;
}


static void
begin_part(sealed_journal_writer_t *writer, sealed_journal_batch_t *batch)
{
    sealed_journal_part_t  *part;

    part = &batch->part[batch->parts++];

    sealed_journal_segment_name(part->name, &writer->segment);
    part->start = batch->used;
    part->size = 0;
    part->offset = writer->offset;
}


static void
reset(sealed_journal_batch_t *batch)
{
    batch->used = 0;
    batch->records = 0;
    batch->parts = 0;
}
