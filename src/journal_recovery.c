
#include "journal_recovery.h"
#include "recovery_record.h"
#include "recovery_stream.h"

#include <string.h>


static const uint8_t *journal_key(const sealed_recovery_t *recovery,
    uint32_t tag);
static sealed_recovery_verdict_t open_record(sealed_recovery_t *recovery,
    uint32_t index, const sealed_journal_record_t *record);
static const char *report_record(sealed_recovery_report_t *report,
    const sealed_journal_record_t *record, sealed_recovery_verdict_t verdict);


static const char  no_memory[] = "there is not enough memory to read it";


void
sealed_recovery_init(sealed_recovery_t *recovery,
    const uint8_t zone[SEALED_JOURNAL_IDENTITY],
    const sealed_master_secret_t *secret, uint32_t hour,
    sealed_recovery_resize_t resize, void *context)
{
    memset(recovery, 0, sizeof(sealed_recovery_t));

    memcpy(recovery->zone, zone, SEALED_JOURNAL_IDENTITY);
    recovery->secret = secret;
    recovery->hour = hour;
    recovery->memory.resize = resize;
    recovery->memory.context = context;
}


void
sealed_recovery_free(sealed_recovery_t *recovery)
{
    unsigned                  i;
    sealed_recovery_array_t  *array[] = {
        &recovery->segments, &recovery->streams, &recovery->mailboxes,
        &recovery->buckets, &recovery->bodies, &recovery->names,
        &recovery->items, &recovery->slices, &recovery->order,
        &recovery->revocations, &recovery->certificates, &recovery->quotas,
        &recovery->scratch
    };

    for (i = 0; i < sizeof(array) / sizeof(array[0]); i++) {
        sealed_recovery_release(&recovery->memory, array[i]);
    }
}


const char *
sealed_recovery_examine(sealed_recovery_t *recovery, const uint8_t *data,
    size_t size, sealed_journal_header_result_t *header)
{
    unsigned                  ended;
    sealed_journal_segment_t  segment;

    *header = sealed_journal_header_decode(&segment, data, size);

    if (*header == SEALED_JOURNAL_HEADER_VERSION) {
        return "its format is another version's";
    }

    if (*header != SEALED_JOURNAL_HEADER_OK) {
        return NULL;
    }

    if (memcmp(segment.zone, recovery->zone, SEALED_JOURNAL_IDENTITY) != 0) {
        return "it belongs to another zone";
    }

    if (journal_key(recovery, segment.tag) == NULL) {
        return "the key line it was written under is not in the master "
               "secret any more";
    }

    if (segment.hour > recovery->last_hour) {
        recovery->last_hour = segment.hour;
    }

    ended = sealed_recovery_stream_ends(data, size, &segment);

    return sealed_recovery_stream_note(recovery, &segment, ended) == 0
           ? NULL : no_memory;
}


const char *
sealed_recovery_read(sealed_recovery_t *recovery, const uint8_t *data,
    size_t size, sealed_recovery_report_t *report)
{
    size_t                      offset;
    uint32_t                    index;
    const char                 *error;
    sealed_journal_record_t     record;
    sealed_journal_segment_t    segment;
    sealed_recovery_segment_t  *entry;
    sealed_recovery_verdict_t   verdict;

    memset(report, 0, sizeof(sealed_recovery_report_t));

    if (sealed_journal_header_decode(&segment, data, size)
        != SEALED_JOURNAL_HEADER_OK)
    {
        return "it changed while it was read";
    }

    if (sealed_recovery_stream_replaced(recovery, segment.generation,
                                        segment.snapshot))
    {
        return NULL;
    }

    entry = sealed_recovery_push(&recovery->memory, &recovery->segments,
                                 sizeof(sealed_recovery_segment_t));
    if (entry == NULL) {
        return no_memory;
    }

    index = (uint32_t) recovery->segments.count - 1;
    entry->segment = segment;
    entry->key = journal_key(recovery, segment.tag);
    entry->data = data;

    offset = SEALED_JOURNAL_BLOCK;

    do {

        switch (sealed_journal_scan(&record, data, size, &offset, &segment))
        {
        case SEALED_JOURNAL_DONE:
            return NULL;

        case SEALED_JOURNAL_TORN:
            report->torn = record.offset;
            report->torn_octets = record.size;
            return NULL;

        case SEALED_JOURNAL_DAMAGED:
            verdict = SEALED_RECOVERY_MALFORMED;
            break;

        default: /* SEALED_JOURNAL_RECORD */
            verdict = open_record(recovery, index, &record);
        }

        error = report_record(report, &record, verdict);

    } while (error == NULL);

    return error;
}


uint32_t
sealed_recovery_active(const sealed_recovery_t *recovery,
    const sealed_journal_mailbox_t *mailbox)
{
    uint32_t  away, hour;

    hour = mailbox->active_hour;

    if (!mailbox->dated || hour >= recovery->hour) {
        return recovery->hour;
    }

    away = recovery->hour > recovery->last_hour
           ? recovery->hour - recovery->last_hour : 0;

    if (away > SEALED_JOURNAL_STOP_HOURS) {
        hour += away - SEALED_JOURNAL_STOP_HOURS;
    }

    return hour < recovery->hour ? hour : recovery->hour;
}


static const uint8_t *
journal_key(const sealed_recovery_t *recovery, uint32_t tag)
{
    const sealed_key_line_t  *line;

    line = sealed_master_secret_find(recovery->secret, tag);

    return line ? line->journal_key : NULL;
}


static sealed_recovery_verdict_t
open_record(sealed_recovery_t *recovery, uint32_t index,
    const sealed_journal_record_t *record)
{
    sealed_bytes_t              payload;
    sealed_recovery_segment_t  *segment;

    if (sealed_recovery_reserve(&recovery->memory, &recovery->scratch,
                                record->payload_size + 1)
        != 0)
    {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    payload.data = recovery->scratch.data;
    payload.size = record->payload_size;

    segment = (sealed_recovery_segment_t *) recovery->segments.data + index;

    if (sealed_journal_record_open(recovery->scratch.data, record,
                                   &segment->segment, segment->key)
        != 0)
    {
        return SEALED_RECOVERY_MALFORMED;
    }

    return sealed_recovery_record(recovery, index, record, payload);
}


/* NULL, or why the journal cannot be used */

static const char *
report_record(sealed_recovery_report_t *report,
    const sealed_journal_record_t *record, sealed_recovery_verdict_t verdict)
{
    switch (verdict) {

    case SEALED_RECOVERY_OK:
        report->records++;
        report->octets += record->size;
        return NULL;

    case SEALED_RECOVERY_MALFORMED:
        if (report->damaged++ == 0) {
            report->first_damage = record->offset;
        }

        report->damaged_octets += record->size;
        return NULL;

    case SEALED_RECOVERY_NO_MEMORY:
        return no_memory;

    default: /* SEALED_RECOVERY_UNKNOWN */
        return "it holds records of a newer version";
    }
}
