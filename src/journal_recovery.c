
#include "journal_recovery.h"
#include "octets.h"

#include <string.h>
#include <sodium.h>


/* a body's name in a snapshot, and its place among the bodies */

typedef struct {
    uint64_t                      name;
    uint32_t                      body;
    uint32_t                      used;
} reference_t;


static const uint8_t *journal_key(const sealed_recovery_t *recovery,
    uint32_t tag);
static int ends_in_order(const uint8_t *data, size_t size,
    const sealed_journal_segment_t *segment);
static int note_stream(sealed_recovery_t *recovery,
    const sealed_journal_segment_t *segment, unsigned ended);
static int read_record(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload);
static int read_envelope(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload);
static int read_body(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload);
static int read_items(sealed_recovery_t *recovery, sealed_bytes_t payload);
static int add_body(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, uint32_t *body);
static int add_item(sealed_recovery_t *recovery, uint32_t mailbox,
    uint32_t life, uint64_t seq, uint32_t body, sealed_bytes_t slice);
static sealed_recovery_mailbox_t *find_mailbox(sealed_recovery_t *recovery,
    const uint8_t *id, uint32_t life, uint32_t *index);
static uint32_t hash_id(const sealed_recovery_t *recovery, const uint8_t *id);
static int grow_buckets(sealed_recovery_t *recovery);
static reference_t *find_reference(sealed_recovery_t *recovery,
    uint64_t name);
static int add_reference(sealed_recovery_t *recovery, uint64_t name,
    uint32_t body);
static void see_next(sealed_recovery_mailbox_t *mailbox, uint64_t next);


/* what reading one record came to */

enum {
    READ_MALFORMED = -1,
    READ_NO_MEMORY = -2,
    READ_UNKNOWN = -3
};

#define NONE  UINT32_MAX

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
    recovery->resize = resize;
    recovery->context = context;
}


void
sealed_recovery_free(sealed_recovery_t *recovery)
{
    unsigned                  i;
    sealed_recovery_array_t  *array[] = {
        &recovery->segments, &recovery->streams, &recovery->mailboxes,
        &recovery->buckets, &recovery->bodies, &recovery->references,
        &recovery->items, &recovery->slices, &recovery->order,
        &recovery->revocations, &recovery->certificates, &recovery->quotas,
        &recovery->scratch
    };

    for (i = 0; i < sizeof(array) / sizeof(array[0]); i++) {

        /* request keys of mailboxes, headers */

        if (array[i]->data) {
            sodium_memzero(array[i]->data, array[i]->capacity);
            (void) recovery->resize(recovery->context, array[i]->data, 0);
        }

        memset(array[i], 0, sizeof(sealed_recovery_array_t));
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

    ended = ends_in_order(data, size, &segment);

    if (segment.generation > recovery->generation) {
        recovery->generation = segment.generation;
    }

    if (segment.hour > recovery->last_hour) {
        recovery->last_hour = segment.hour;
    }

    if (segment.snapshot && ended
        && (!recovery->has_base || segment.generation > recovery->base))
    {
        recovery->base = segment.generation;
        recovery->has_base = 1;
    }

    if (note_stream(recovery, &segment, ended) != 0) {
        return no_memory;
    }

    return NULL;
}


const char *
sealed_recovery_read(sealed_recovery_t *recovery, const uint8_t *data,
    size_t size, sealed_recovery_report_t *report)
{
    int                         rc;
    size_t                      offset;
    uint32_t                    index;
    sealed_bytes_t              payload;
    sealed_journal_record_t     record;
    sealed_journal_segment_t    segment;
    sealed_recovery_segment_t  *entry;

    memset(report, 0, sizeof(sealed_recovery_report_t));

    if (sealed_journal_header_decode(&segment, data, size)
        != SEALED_JOURNAL_HEADER_OK)
    {
        return "it changed while it was read";
    }

    /* a snapshot replaces what is older, one that did not end nothing */

    if (recovery->has_base
        && (segment.generation < recovery->base
            || (segment.snapshot && segment.generation > recovery->base)))
    {
        return NULL;
    }

    entry = sealed_recovery_push(recovery, &recovery->segments,
                                 sizeof(sealed_recovery_segment_t));
    if (entry == NULL) {
        return no_memory;
    }

    index = (uint32_t) recovery->segments.count - 1;
    entry->segment = segment;
    entry->key = journal_key(recovery, segment.tag);
    entry->data = data;

    offset = SEALED_JOURNAL_BLOCK;

    for ( ;; ) {

        switch (sealed_journal_scan(&record, data, size, &offset, &segment))
        {
        case SEALED_JOURNAL_DONE:
            return NULL;

        case SEALED_JOURNAL_TORN:
            report->torn = record.offset;
            report->torn_octets = record.size;
            return NULL;

        case SEALED_JOURNAL_DAMAGED:
            rc = READ_MALFORMED;
            break;

        default: /* SEALED_JOURNAL_RECORD */

            if (sealed_recovery_reserve(recovery, &recovery->scratch,
                                        record.payload_size + 1)
                != 0)
            {
                return no_memory;
            }

            payload.data = recovery->scratch.data;
            payload.size = record.payload_size;

            rc = sealed_journal_record_open(recovery->scratch.data, &record,
                                            &segment, entry->key)
                 == 0
                 ? read_record(recovery, index, &record, payload)
                 : READ_MALFORMED;
        }

        switch (rc) {

        case READ_NO_MEMORY:
            return no_memory;

        case READ_UNKNOWN:
            return "it holds records of a newer version";

        case READ_MALFORMED:
            if (report->damaged++ == 0) {
                report->first_damage = record.offset;
            }

            report->damaged_octets += record.size;
            break;

        default:
            report->records++;
            report->octets += record.size;
        }

        /* the array may have moved */
        entry = (sealed_recovery_segment_t *) recovery->segments.data + index;
    }
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


void *
sealed_recovery_push(sealed_recovery_t *recovery,
    sealed_recovery_array_t *array, size_t size)
{
    size_t  capacity;
    void   *element;

    if (array->count >= NONE - 1) {
        return NULL;
    }

    capacity = (array->count + 1) * size;

    if (capacity > array->capacity
        && sealed_recovery_reserve(recovery, array,
                                   capacity < 4096 ? 4096 : capacity * 2)
           != 0)
    {
        return NULL;
    }

    element = array->data + array->count * size;
    array->count++;
    memset(element, 0, size);

    return element;
}


int
sealed_recovery_reserve(sealed_recovery_t *recovery,
    sealed_recovery_array_t *array, size_t size)
{
    void  *data;

    if (size <= array->capacity) {
        return 0;
    }

    data = recovery->resize(recovery->context, array->data, size);

    if (data == NULL) {
        return -1;
    }

    array->data = data;
    array->capacity = size;

    return 0;
}


static const uint8_t *
journal_key(const sealed_recovery_t *recovery, uint32_t tag)
{
    const sealed_key_line_t  *line;

    line = sealed_master_secret_find(recovery->secret, tag);

    return line ? line->journal_key : NULL;
}


static int
ends_in_order(const uint8_t *data, size_t size,
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


static int
note_stream(sealed_recovery_t *recovery,
    const sealed_journal_segment_t *segment, unsigned ended)
{
    size_t                     i;
    sealed_recovery_stream_t  *stream;

    stream = (sealed_recovery_stream_t *) recovery->streams.data;

    for (i = 0; i < recovery->streams.count; i++) {
        if (stream[i].stream == segment->stream
            && stream[i].generation == segment->generation)
        {
            break;
        }
    }

    if (i == recovery->streams.count) {
        stream = sealed_recovery_push(recovery, &recovery->streams,
                                      sizeof(sealed_recovery_stream_t));
        if (stream == NULL) {
            return -1;
        }

        stream->generation = segment->generation;
        stream->stream = segment->stream;
        stream->snapshot = segment->snapshot & 1;
        stream->first = segment->number;

    } else {
        stream = &stream[i];
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


static int
read_record(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    sealed_journal_change_t        change;
    sealed_journal_mailbox_t       opened;
    sealed_recovery_mailbox_t     *mailbox;
    sealed_journal_revocation_t    revocation, *kept;
    sealed_journal_certificate_t   certificate, *place;
    sealed_journal_quota_t         quota, *row;

    switch (record->kind) {

    case SEALED_JOURNAL_OPEN:
        if (sealed_journal_open_decode(&opened, payload) != 0) {
            return READ_MALFORMED;
        }

        mailbox = find_mailbox(recovery, opened.id, opened.life, NULL);
        if (mailbox == NULL) {
            return READ_NO_MEMORY;
        }

        if (mailbox->state.life == opened.life) {
            memcpy(mailbox->state.key, opened.key, SEALED_KEY_SIZE);
            mailbox->state.tag = opened.tag;
            mailbox->state.dated |= opened.dated;
            mailbox->opened = 1;

            if (opened.active_hour > mailbox->state.active_hour) {
                mailbox->state.active_hour = opened.active_hour;
            }

            see_next(mailbox, opened.next);

            if (opened.through > mailbox->state.through) {
                mailbox->state.through = opened.through;
            }
        }

        return 0;

    case SEALED_JOURNAL_CLOSE:
    case SEALED_JOURNAL_ACKNOWLEDGE:
        if (sealed_journal_change_decode(&change, payload) != 0) {
            return READ_MALFORMED;
        }

        mailbox = find_mailbox(recovery, change.id, change.life, NULL);
        if (mailbox == NULL) {
            return READ_NO_MEMORY;
        }

        if (mailbox->state.life != change.life) {
            return 0;
        }

        if (record->kind == SEALED_JOURNAL_CLOSE) {

            /* 0 would be one that is open */

            if (change.value == 0 || change.value > UINT32_MAX) {
                return READ_MALFORMED;
            }

            mailbox->closed = 1;
            mailbox->closed_until = change.value;
            return 0;
        }

        if (change.value >= SEALED_JOURNAL_SEQ_END) {
            return READ_MALFORMED;
        }

        if (change.value > mailbox->state.through) {
            mailbox->state.through = change.value;
        }

        see_next(mailbox, change.value + 1);

        return 0;

    case SEALED_JOURNAL_ENVELOPE:
        return read_envelope(recovery, segment, record, payload);

    case SEALED_JOURNAL_BODY:
        return read_body(recovery, segment, record, payload);

    case SEALED_JOURNAL_ITEMS:
        return read_items(recovery, payload);

    case SEALED_JOURNAL_REVOKE:
        if (sealed_journal_revoke_decode(&revocation, payload) != 0) {
            return READ_MALFORMED;
        }

        kept = sealed_recovery_push(recovery, &recovery->revocations,
                                    sizeof(sealed_journal_revocation_t));
        if (kept == NULL) {
            return READ_NO_MEMORY;
        }

        *kept = revocation;

        return 0;

    case SEALED_JOURNAL_CERTIFICATE:
        if (sealed_journal_certificate_decode(&certificate, payload) != 0) {
            return READ_MALFORMED;
        }

        place = sealed_recovery_push(recovery, &recovery->certificates,
                                     sizeof(sealed_journal_certificate_t));
        if (place == NULL) {
            return READ_NO_MEMORY;
        }

        *place = certificate;

        return 0;

    case SEALED_JOURNAL_QUOTA:
        if (sealed_journal_quota_decode(&quota, payload) != 0) {
            return READ_MALFORMED;
        }

        row = sealed_recovery_push(recovery, &recovery->quotas,
                                   sizeof(sealed_journal_quota_t));
        if (row == NULL) {
            return READ_NO_MEMORY;
        }

        *row = quota;

        return 0;

    case SEALED_JOURNAL_BEGIN:
    case SEALED_JOURNAL_END:
        return payload.size == 0 ? 0 : READ_MALFORMED;

    default:
        return READ_UNKNOWN;
    }
}


static int
read_envelope(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    uint32_t                     i, body, index;
    sealed_bytes_t               slice;
    sealed_journal_body_t        shared;
    sealed_recovery_mailbox_t   *mailbox;
    sealed_journal_recipient_t   recipient;

    if (sealed_journal_envelope_decode(&shared, payload) != 0) {
        return READ_MALFORMED;
    }

    body = NONE;

    for (i = 0; i < shared.count; i++) {
        sealed_journal_recipient(&recipient, &shared, i);

        if (recipient.seq >= SEALED_JOURNAL_SEQ_END) {
            return READ_MALFORMED;
        }

        mailbox = find_mailbox(recovery, recipient.id, recipient.life,
                               &index);
        if (mailbox == NULL) {
            return READ_NO_MEMORY;
        }

        if (mailbox->state.life != recipient.life) {
            continue;
        }

        see_next(mailbox, recipient.seq + 1);

        if (shared.expiry_hour <= recovery->hour
            || recipient.seq <= mailbox->state.through)
        {
            continue;
        }

        if (body == NONE
            && add_body(recovery, segment, record, &body) != 0)
        {
            return READ_NO_MEMORY;
        }

        slice.data = shared.headers.data + (size_t) i * shared.slice_size;
        slice.size = shared.slice_size;

        if (add_item(recovery, index, recipient.life, recipient.seq, body,
                     slice)
            != 0)
        {
            return READ_NO_MEMORY;
        }
    }

    return 0;
}


static int
read_body(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    uint32_t               body;
    sealed_journal_body_t  shared;

    if (sealed_journal_body_decode(&shared, payload) != 0) {
        return READ_MALFORMED;
    }

    /* what has expired is known by name, and is not missed */

    body = NONE;

    if (shared.expiry_hour > recovery->hour
        && add_body(recovery, segment, record, &body) != 0)
    {
        return READ_NO_MEMORY;
    }

    return add_reference(recovery, shared.reference, body) == 0
           ? 0 : READ_NO_MEMORY;
}


static int
read_items(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    int                         rc;
    uint32_t                    index;
    reference_t                *reference;
    sealed_journal_item_t       item;
    sealed_journal_items_t      items;
    sealed_recovery_mailbox_t  *mailbox;

    if (sealed_journal_items_decode(&items, payload) != 0) {
        return READ_MALFORMED;
    }

    mailbox = find_mailbox(recovery, items.id, items.life, &index);
    if (mailbox == NULL) {
        return READ_NO_MEMORY;
    }

    if (mailbox->state.life != items.life) {
        return 0;
    }

    for ( ;; ) {
        rc = sealed_journal_item_next(&item, &items);

        if (rc <= 0) {
            return rc == 0 ? 0 : READ_MALFORMED;
        }

        if (item.seq >= SEALED_JOURNAL_SEQ_END) {
            return READ_MALFORMED;
        }

        see_next(mailbox, item.seq + 1);

        reference = find_reference(recovery, item.body);

        if (reference == NULL) {
            recovery->result.bodiless++;
            continue;
        }

        if (reference->body != NONE
            && item.seq > mailbox->state.through
            && add_item(recovery, index, items.life, item.seq,
                        reference->body, item.slice)
               != 0)
        {
            return READ_NO_MEMORY;
        }
    }
}


static int
add_body(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, uint32_t *body)
{
    sealed_recovery_body_t  *entry;

    entry = sealed_recovery_push(recovery, &recovery->bodies,
                                 sizeof(sealed_recovery_body_t));
    if (entry == NULL) {
        return -1;
    }

    entry->data = record->data;
    entry->segment = segment;
    *body = (uint32_t) recovery->bodies.count - 1;

    return 0;
}


static int
add_item(sealed_recovery_t *recovery, uint32_t mailbox, uint32_t life,
    uint64_t seq, uint32_t body, sealed_bytes_t slice)
{
    sealed_recovery_item_t   *item;
    sealed_recovery_array_t  *slices;

    slices = &recovery->slices;

    if (slices->count + slice.size > slices->capacity
        && sealed_recovery_reserve(recovery, slices,
                                   slices->capacity * 2 + 65536)
           != 0)
    {
        return -1;
    }

    item = sealed_recovery_push(recovery, &recovery->items,
                                sizeof(sealed_recovery_item_t));
    if (item == NULL) {
        return -1;
    }

    item->mailbox = mailbox;
    item->life = life;
    item->seq = seq;
    item->body = body;
    item->slice = slices->count;
    item->slice_size = (uint32_t) slice.size;

    if (slice.size) {
        memcpy(slices->data + slices->count, slice.data, slice.size);
        slices->count += slice.size;
    }

    return 0;
}


/* the mailbox, moved on to this life when it was in an earlier one */

static sealed_recovery_mailbox_t *
find_mailbox(sealed_recovery_t *recovery, const uint8_t *id, uint32_t life,
    uint32_t *index)
{
    uint32_t                   *bucket, at, mask;
    sealed_recovery_mailbox_t  *mailbox, *all;

    if (life > recovery->result.lives) {
        recovery->result.lives = life;
    }

    if (recovery->mailboxes.count * 2 >= recovery->buckets.count
        && grow_buckets(recovery) != 0)
    {
        return NULL;
    }

    all = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;
    bucket = (uint32_t *) recovery->buckets.data;
    mask = (uint32_t) recovery->buckets.count - 1;

    for (at = hash_id(recovery, id) & mask; bucket[at]; at = (at + 1) & mask) {
        if (memcmp(all[bucket[at] - 1].state.id, id, SEALED_MAILBOX_ID_SIZE)
            == 0)
        {
            break;
        }
    }

    if (bucket[at]) {
        mailbox = &all[bucket[at] - 1];

    } else {
        mailbox = sealed_recovery_push(recovery, &recovery->mailboxes,
                                       sizeof(sealed_recovery_mailbox_t));
        if (mailbox == NULL) {
            return NULL;
        }

        memcpy(mailbox->state.id, id, SEALED_MAILBOX_ID_SIZE);
        mailbox->state.life = life;
        mailbox->state.next = 1;
        bucket[at] = (uint32_t) recovery->mailboxes.count;
    }

    if (mailbox->state.life < life) {
        mailbox->state.life = life;
        mailbox->state.next = 1;
        mailbox->state.through = 0;
        mailbox->state.active_hour = 0;
        mailbox->state.dated = 0;
        mailbox->opened = 0;
        mailbox->closed = 0;
    }

    if (index) {
        *index = bucket[at] - 1;
    }

    return mailbox;
}


static uint32_t
hash_id(const sealed_recovery_t *recovery, const uint8_t *id)
{
    uint8_t  hash[crypto_shorthash_siphash24_BYTES];

    (void) crypto_shorthash_siphash24(hash, id, SEALED_MAILBOX_ID_SIZE,
                                      recovery->secret->line[0].journal_key);

    return sealed_get32(hash);
}


static int
grow_buckets(sealed_recovery_t *recovery)
{
    size_t                      n, i;
    uint32_t                   *bucket, at;
    sealed_recovery_mailbox_t  *mailbox;

    n = recovery->buckets.count ? recovery->buckets.count * 4 : 4096;

    if (n > NONE
        || sealed_recovery_reserve(recovery, &recovery->buckets,
                                   n * sizeof(uint32_t))
           != 0)
    {
        return -1;
    }

    recovery->buckets.count = n;
    bucket = (uint32_t *) recovery->buckets.data;
    memset(bucket, 0, n * sizeof(uint32_t));

    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        at = hash_id(recovery, mailbox[i].state.id) & (uint32_t) (n - 1);

        while (bucket[at]) {
            at = (at + 1) & (uint32_t) (n - 1);
        }

        bucket[at] = (uint32_t) i + 1;
    }

    return 0;
}


static reference_t *
find_reference(sealed_recovery_t *recovery, uint64_t name)
{
    size_t        at, mask;
    reference_t  *table;

    if (recovery->references.capacity == 0) {
        return NULL;
    }

    table = (reference_t *) recovery->references.data;
    mask = recovery->references.capacity / sizeof(reference_t) - 1;

    for (at = sealed_journal_name_place(name) & mask;
         table[at].used;
         at = (at + 1) & mask)
    {
        if (table[at].name == name) {
            return &table[at];
        }
    }

    return NULL;
}


static int
add_reference(sealed_recovery_t *recovery, uint64_t name, uint32_t body)
{
    size_t                    at, i, mask, n, old;
    reference_t              *reference, *from;
    sealed_recovery_array_t   table, *references;

    references = &recovery->references;
    reference = find_reference(recovery, name);

    if (reference) {
        reference->body = body;
        return 0;
    }

    old = references->capacity / sizeof(reference_t);

    if (references->count * 2 >= old) {
        memset(&table, 0, sizeof(table));
        n = old ? old * 4 : 4096;

        if (sealed_recovery_reserve(recovery, &table,
                                    n * sizeof(reference_t))
            != 0)
        {
            return -1;
        }

        memset(table.data, 0, table.capacity);
        from = (reference_t *) references->data;
        *references = table;

        for (i = 0; i < old; i++) {
            if (from[i].used) {
                (void) add_reference(recovery, from[i].name, from[i].body);
            }
        }

        if (from) {
            (void) recovery->resize(recovery->context, from, 0);
        }
    }

    reference = (reference_t *) references->data;
    mask = references->capacity / sizeof(reference_t) - 1;
    at = sealed_journal_name_place(name) & mask;

    while (reference[at].used) {
        at = (at + 1) & mask;
    }

    reference[at].name = name;
    reference[at].body = body;
    reference[at].used = 1;
    references->count++;

    return 0;
}


static void
see_next(sealed_recovery_mailbox_t *mailbox, uint64_t next)
{
    if (next > mailbox->state.next) {
        mailbox->state.next = next;
    }
}
