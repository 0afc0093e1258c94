
#include "mailbox_read.h"
#include "body.h"
#include "item.h"
#include "mailbox.h"

#include <string.h>


static uint32_t seek(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    const sealed_cursor_t *cursor);
static uint8_t *write_item(sealed_zone_t *zone, uint8_t *out,
    const sealed_record_t *record, const sealed_body_t *body);


sealed_verdict_t
sealed_mailbox_read(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    sealed_cursor_t *cursor, uint8_t *out, size_t size, size_t *used,
    unsigned *more, unsigned worker)
{
    size_t             need;
    uint8_t           *pos, *end;
    uint32_t           reference, next;
    uint64_t           hash;
    sealed_body_t     *body;
    sealed_shard_t    *shard;
    sealed_record_t   *record;
    sealed_mailbox_t  *mailbox;

    *used = 0;
    *more = 0;

    hash = sealed_zone_hash(zone, id);
    shard = sealed_zone_shard(zone, hash);

    if (sealed_shard_lock(zone, shard) != 0) {
        return SEALED_UNAVAILABLE;
    }

    reference = sealed_table_find(zone, &shard->mailboxes, hash, id);
    mailbox = sealed_zone_mailbox(zone, reference);

    if (reference == SEALED_NONE || !sealed_mailbox_is_open(zone, mailbox)) {
        sealed_shard_unlock(zone, shard);
        return SEALED_NO_MAILBOX;
    }

    cursor->mailbox = reference;

    /* who is connected does not idle */

    if (mailbox->active != SEALED_HOUR(now)) {
        sealed_shard_save(zone, shard, &mailbox->active, sizeof(uint32_t));
        sealed_set(mailbox->active, SEALED_HOUR(now));
    }

    if (mailbox->node.due <= SEALED_HOUR(now)) {
        sealed_mailbox_purge(zone, shard, mailbox, now);
    }

    pos = out;

    for (next = seek(zone, mailbox, cursor);
         next != SEALED_NONE && cursor->limit;
         next = sealed_mailbox_next(zone, mailbox, next))
    {
        record = sealed_zone_record(zone, next);
        body = sealed_zone_body(zone, record->body);
        need = sealed_item_size(record->seq, body->hour, body->slice_size,
                                body->size,
                                body->stamp ? SEALED_STAMP_SIZE : 0);

        if (need > size - (size_t) (pos - out)) {
            *more = 1;
            break;
        }

        end = write_item(zone, pos, record, body);

        if (end == NULL) {
            (void) __atomic_fetch_add(&zone->header->damaged, 1,
                                      __ATOMIC_RELAXED);
            end = pos;

        } else {
            cursor->limit--;
        }

        pos = end;
        cursor->after = record->seq;
        cursor->record = next;
    }

    *used = (size_t) (pos - out);

    if (*used == 0 && *more == 0 && worker < SEALED_WAKE_WORKERS) {
        sealed_shard_save(zone, shard, &mailbox->waiting, sizeof(uint32_t));
        sealed_set(mailbox->waiting,
                   mailbox->waiting
                   | (uint32_t) 1 << worker % SEALED_WAKE_GROUPS);
    }

    sealed_shard_unlock(zone, shard);
    sealed_worker_settle(zone);

    return SEALED_OK;
}


/* the first record above the cursor: at once where the hint still holds */

static uint32_t
seek(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    const sealed_cursor_t *cursor)
{
    uint32_t          next;
    sealed_record_t  *record;

    next = mailbox->head;

    if (next != SEALED_NONE && sealed_arena_record(zone, cursor->record)) {
        record = sealed_zone_address(zone, cursor->record);

        if (record->mailbox == sealed_zone_reference(zone, mailbox)
            && record->seq == cursor->after
            && record->seq >= sealed_zone_record(zone, next)->seq)
        {
            next = cursor->record;
        }
    }

    while (next != SEALED_NONE
           && sealed_zone_record(zone, next)->seq <= cursor->after)
    {
        next = sealed_mailbox_next(zone, mailbox, next);
    }

    return next;
}


/* NULL when the body cannot be read */

static uint8_t *
write_item(sealed_zone_t *zone, uint8_t *out, const sealed_record_t *record,
    const sealed_body_t *body)
{
    uint8_t         octets[SEALED_STAMP_SIZE];
    sealed_bytes_t  stamp = { NULL, 0 };

    if (body->stamp != SEALED_NONE) {

        if (sealed_body_copy_stamp(zone, body, octets) != 0) {
            return NULL;
        }

        stamp.data = octets;
        stamp.size = sizeof(octets);
    }

    out = sealed_item_start(out, record->seq, body->hour, body->slice_size);
    memcpy(out, record->slice, body->slice_size);
    out = sealed_item_body_head(out + body->slice_size, body->size);

    if (sealed_body_copy(zone, body, out) != 0) {
        return NULL;
    }

    return sealed_item_end(out + body->size, stamp);
}
