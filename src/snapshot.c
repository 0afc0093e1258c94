
#include "snapshot.h"
#include "body.h"
#include "mailbox.h"

#include <string.h>
#include <sodium.h>


/* room in a batch that a chunk of items needs beside the bodies */

#define ITEMS_MAX                                                            \
    (SEALED_JOURNAL_ITEMS_HEAD                                               \
     + SEALED_SNAPSHOT_ITEMS                                                 \
       * (SEALED_JOURNAL_ITEM_HEAD + SEALED_MAX_HEADER))

#define NAME(body)                                                           \
    ((uint64_t) reference << 32 | (body)->generation)


static sealed_snapshot_result_t write_object(sealed_snapshot_t *snapshot,
    sealed_zone_t *zone, uint32_t reference, sealed_journal_writer_t *writer,
    uint32_t hour);
static sealed_snapshot_result_t write_mailbox(sealed_snapshot_t *snapshot,
    sealed_zone_t *zone, sealed_shard_t *shard, sealed_mailbox_t *mailbox,
    sealed_journal_writer_t *writer, uint32_t hour);
static int write_state(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox, sealed_journal_writer_t *writer,
    uint32_t hour);
static void encode_state(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox, uint8_t *out);
static int write_body(sealed_zone_t *zone, const sealed_body_t *body,
    uint64_t name, sealed_journal_writer_t *writer, uint32_t hour);
static int write_items(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    const uint32_t *records, uint32_t count, sealed_journal_writer_t *writer,
    uint32_t hour);
static int is_new(sealed_snapshot_t *snapshot, uint64_t name);
static int grow(sealed_snapshot_t *snapshot);
static uint64_t *place(uint64_t *table, size_t size, uint64_t name);


void
sealed_snapshot_init(sealed_snapshot_t *snapshot,
    void *(*resize)(void *context, void *old, size_t size), void *context)
{
    memset(snapshot, 0, sizeof(sealed_snapshot_t));

    snapshot->resize = resize;
    snapshot->context = context;

    sealed_certificate_snapshot_init(&snapshot->certificates, 0);
}


void
sealed_snapshot_free(sealed_snapshot_t *snapshot)
{
    if (snapshot->seen) {
        (void) snapshot->resize(snapshot->context, snapshot->seen, 0);
        snapshot->seen = NULL;
    }
}


sealed_snapshot_result_t
sealed_snapshot_step(sealed_snapshot_t *snapshot, sealed_zone_t *zone,
    sealed_journal_writer_t *writer, uint64_t now)
{
    uint32_t                   reference;
    sealed_pool_t              pool;
    sealed_snapshot_result_t   result;

    if (snapshot->page >= __atomic_load_n(&zone->header->arena.pages,
                                          __ATOMIC_RELAXED))
    {
        return sealed_certificate_snapshot_step(&snapshot->certificates, zone,
                                                writer, now);
    }

    reference = snapshot->page * (SEALED_PAGE_SIZE / 8);
    pool = sealed_arena_pool(zone, reference);

    if (pool != SEALED_POOL_MAILBOX
        || snapshot->slot >= sealed_pool_objects(pool))
    {
        snapshot->page++;
        snapshot->slot = 0;
        return SEALED_SNAPSHOT_MORE;
    }

    reference += snapshot->slot
                 * (uint32_t) (sealed_pool_object_size(pool) / 8);

    result = sealed_arena_valid(zone, pool, reference)
             ? write_object(snapshot, zone, reference, writer,
                            SEALED_HOUR(now))
             : SEALED_SNAPSHOT_DONE;

    if (result == SEALED_SNAPSHOT_DONE) {
        snapshot->slot++;
        snapshot->begun = 0;
        snapshot->after = 0;
        return SEALED_SNAPSHOT_MORE;
    }

    return result;
}


int
sealed_snapshot_mailbox(sealed_zone_t *zone,
    const uint8_t id[SEALED_MAILBOX_ID_SIZE],
    uint8_t out[SEALED_JOURNAL_OPEN_SIZE])
{
    int                rc;
    uint64_t           hash;
    uint32_t           reference;
    sealed_shard_t    *shard;
    sealed_mailbox_t  *mailbox;

    hash = sealed_zone_hash(zone, id);
    shard = sealed_zone_shard(zone, hash);

    if (sealed_shard_lock(zone, shard) != 0) {
        return -1;
    }

    rc = -1;
    reference = sealed_table_find(zone, &shard->mailboxes, hash, id);

    if (reference != SEALED_NONE) {
        mailbox = sealed_zone_mailbox(zone, reference);

        if (sealed_mailbox_is_open(zone, mailbox)) {
            encode_state(zone, mailbox, out);
            rc = 0;
        }
    }

    sealed_shard_unlock(zone, shard);

    return rc;
}


/* whether it is what it seems is known only with its shard's lock */

static sealed_snapshot_result_t
write_object(sealed_snapshot_t *snapshot, sealed_zone_t *zone,
    uint32_t reference, sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t                    id[SEALED_MAILBOX_ID_SIZE];
    uint64_t                   hash;
    sealed_shard_t            *shard;
    sealed_mailbox_t          *mailbox;
    sealed_snapshot_result_t   result;

    /* it may be going just now */

    mailbox = sealed_zone_address(zone, reference);
    memcpy(id, mailbox->entry.id, sizeof(id));

    hash = sealed_zone_hash(zone, id);
    shard = sealed_zone_shard(zone, hash);

    if (sealed_shard_lock(zone, shard) != 0) {
        return SEALED_SNAPSHOT_LOST;
    }

    result = SEALED_SNAPSHOT_DONE;

    if (sealed_table_find(zone, &shard->mailboxes, hash, id) == reference
        && sealed_mailbox_is_open(zone, mailbox))
    {
        result = write_mailbox(snapshot, zone, shard, mailbox, writer, hour);
    }

    sealed_shard_unlock(zone, shard);

    return result;
}


/* DONE when all of it is written */

static sealed_snapshot_result_t
write_mailbox(sealed_snapshot_t *snapshot, sealed_zone_t *zone,
    sealed_shard_t *shard, sealed_mailbox_t *mailbox,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    int                        rc;
    size_t                     octets;
    uint32_t                   n, next, reference;
    uint32_t                   record[SEALED_SNAPSHOT_ITEMS];
    sealed_body_t             *body;
    sealed_journal_batch_t    *batch;
    sealed_snapshot_result_t   result;

    if (!snapshot->begun) {

        if (write_state(zone, mailbox, writer, hour) != 0) {
            return SEALED_SNAPSHOT_WAIT;
        }

        snapshot->begun = 1;
        snapshot->mailboxes++;
    }

    next = mailbox->head;

    while (next != SEALED_NONE
           && sealed_zone_record(zone, next)->seq <= snapshot->after)
    {
        next = sealed_mailbox_next(zone, mailbox, next);
    }

    n = 0;
    octets = 0;
    result = SEALED_SNAPSHOT_DONE;
    batch = &writer->batch[writer->filling];

    for (/* void */;
         next != SEALED_NONE;
         next = sealed_mailbox_next(zone, mailbox, next))
    {
        if (n == SEALED_SNAPSHOT_ITEMS || octets > SEALED_SNAPSHOT_OCTETS) {
            result = SEALED_SNAPSHOT_MORE;
            break;
        }

        reference = sealed_zone_record(zone, next)->body;
        body = sealed_zone_body(zone, reference);

        /* items have to fit behind what they name */

        if (batch->capacity - batch->used
            < sealed_journal_record_size(SEALED_JOURNAL_BODY_HEAD
                                         + SEALED_JOURNAL_STAMP_MAX
                                         + body->size)
              + sealed_journal_record_size(ITEMS_MAX)
              + 2 * SEALED_JOURNAL_BLOCK
            || batch->parts + 2 > SEALED_JOURNAL_PARTS)
        {
            result = SEALED_SNAPSHOT_WAIT;
            break;
        }

        rc = is_new(snapshot, NAME(body));

        if (rc == -1) {
            return SEALED_SNAPSHOT_FAILED;
        }

        if (rc == 1) {

            if (write_body(zone, body, NAME(body), writer, hour) != 0) {
                return SEALED_SNAPSHOT_FAILED;
            }

            octets += body->size;
        }

        record[n++] = next;
    }

    if (n && write_items(zone, mailbox, record, n, writer, hour) != 0) {
        return SEALED_SNAPSHOT_FAILED;
    }

    if (n) {
        snapshot->after = sealed_zone_record(zone, record[n - 1])->seq;
        snapshot->envelopes += n;
    }

    return result;
}


static int
write_state(const sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t  *payload;

    payload = sealed_journal_reserve(writer, SEALED_JOURNAL_OPEN_SIZE, hour);
    if (payload == NULL) {
        return -1;
    }

    encode_state(zone, mailbox, payload);
    sealed_journal_put(writer, SEALED_JOURNAL_OPEN, SEALED_JOURNAL_OPEN_SIZE);

    return 0;
}


static void
encode_state(const sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    uint8_t *out)
{
    sealed_journal_mailbox_t  state;

    memcpy(state.id, mailbox->entry.id, sizeof(state.id));
    memcpy(state.key, mailbox->key, sizeof(state.key));
    state.life = mailbox->life;
    state.tag = mailbox->tag;
    state.active_hour = mailbox->active;
    state.dated = 1;
    state.next = mailbox->next_seq;
    state.through = (mailbox->head == SEALED_NONE
                     ? mailbox->next_seq
                     : sealed_zone_record(zone, mailbox->head)->seq) - 1;

    sealed_journal_open_encode(out, &state);
    sodium_memzero(state.key, sizeof(state.key));
}


static int
write_body(sealed_zone_t *zone, const sealed_body_t *body, uint64_t name,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t                *payload, stamp[SEALED_STAMP_SIZE];
    sealed_journal_body_t   shared;

    memset(&shared, 0, sizeof(shared));
    shared.hour = body->hour;
    shared.expiry_hour = body->expiry;
    shared.slice_size = body->slice_size;
    shared.reference = name;
    shared.body.size = body->size;

    if (body->stamp != SEALED_NONE) {

        if (sealed_body_copy_stamp(zone, body, stamp) != 0) {
            return -1;
        }

        shared.stamp.data = stamp;
        shared.stamp.size = sizeof(stamp);
    }

    payload = sealed_journal_reserve(writer, sealed_journal_body_size(&shared),
                                     hour);

    if (payload == NULL
        || sealed_body_copy(zone, body,
                            sealed_journal_body_encode(payload, &shared))
           != 0)
    {
        return -1;
    }

    sealed_journal_put(writer, SEALED_JOURNAL_BODY,
                       sealed_journal_body_size(&shared));

    return 0;
}


static int
write_items(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    const uint32_t *records, uint32_t count, sealed_journal_writer_t *writer,
    uint32_t hour)
{
    size_t                   size;
    uint8_t                 *payload, *p;
    uint32_t                 i, reference;
    sealed_body_t           *body;
    sealed_record_t         *record;
    sealed_journal_item_t    item;
    sealed_journal_items_t   items;

    size = SEALED_JOURNAL_ITEMS_HEAD
           + count * (size_t) SEALED_JOURNAL_ITEM_HEAD;

    for (i = 0; i < count; i++) {
        reference = sealed_zone_record(zone, records[i])->body;
        size += sealed_zone_body(zone, reference)->slice_size;
    }

    payload = sealed_journal_reserve(writer, size, hour);
    if (payload == NULL) {
        return -1;
    }

    memcpy(items.id, mailbox->entry.id, sizeof(items.id));
    items.life = mailbox->life;
    items.count = count;
    p = sealed_journal_items_encode(payload, &items);

    for (i = 0; i < count; i++) {
        record = sealed_zone_record(zone, records[i]);
        reference = record->body;
        body = sealed_zone_body(zone, reference);

        item.seq = record->seq;
        item.body = NAME(body);
        item.slice.data = record->slice;
        item.slice.size = body->slice_size;

        p = sealed_journal_item_encode(p, &item);
    }

    sealed_journal_put(writer, SEALED_JOURNAL_ITEMS, size);

    return 0;
}


/* 1 when it was not seen before, and is from now on; 0; or -1: no memory */

static int
is_new(sealed_snapshot_t *snapshot, uint64_t name)
{
    uint64_t  *entry;

    if (snapshot->seen_count * 2 >= snapshot->seen_size
        && grow(snapshot) != 0)
    {
        return -1;
    }

    entry = place(snapshot->seen, snapshot->seen_size, name);

    if (*entry) {
        return 0;
    }

    *entry = name;
    snapshot->seen_count++;

    return 1;
}


static int
grow(sealed_snapshot_t *snapshot)
{
    size_t     i, size;
    uint64_t  *table;

    size = snapshot->seen_size ? snapshot->seen_size * 2 : 4096;
    table = snapshot->resize(snapshot->context, NULL,
                             size * sizeof(uint64_t));
    if (table == NULL) {
        return -1;
    }

    memset(table, 0, size * sizeof(uint64_t));

    for (i = 0; i < snapshot->seen_size; i++) {
        if (snapshot->seen[i]) {
            *place(table, size, snapshot->seen[i]) = snapshot->seen[i];
        }
    }

    sealed_snapshot_free(snapshot);
    snapshot->seen = table;
    snapshot->seen_size = size;

    return 0;
}


/* names are never 0: no object has the reference 0 */

static uint64_t *
place(uint64_t *table, size_t size, uint64_t name)
{
    size_t  at;

    at = sealed_journal_name_place(name ^ name >> 29) & (size - 1);

    while (table[at] && table[at] != name) {
        at = (at + 1) & (size - 1);
    }

    return &table[at];
}
