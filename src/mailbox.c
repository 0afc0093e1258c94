
#include "mailbox.h"
#include "certificate_table.h"
#include "item.h"
#include "replay_window.h"

#include <string.h>
#include <sodium.h>


enum {
    BATCH = 16
};


static uint32_t lookup(sealed_zone_t *zone, const uint8_t *id);
static sealed_mailbox_t *lookup_open(sealed_zone_t *zone, const uint8_t *id);
static void get_status(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    sealed_mailbox_status_t *status);
static void resolve(sealed_zone_t *zone, const sealed_fanout_t *fanout,
    uint32_t first, uint32_t count, uint32_t *mailboxes);
static uint32_t store_octets(sealed_zone_t *zone, const uint8_t *data,
    size_t size);
static void append_one(sealed_zone_t *zone, uint32_t mailbox_reference,
    uint32_t body, uint32_t index, uint64_t *wake);
static void drop_first(sealed_zone_t *zone, sealed_mailbox_t *mailbox);
static void release_body(sealed_zone_t *zone, uint32_t reference);
static void free_cells(sealed_zone_t *zone, uint32_t cell);
static void purge(sealed_zone_t *zone, sealed_mailbox_t *mailbox,
    uint64_t now);
static void close_mailbox(sealed_zone_t *zone, uint32_t reference,
    uint64_t now, uint64_t *wake);
static void remove_mailbox(sealed_zone_t *zone, uint32_t reference);
static void notify(sealed_zone_t *zone, uint32_t reference, uint64_t *wake);
static uint8_t *write_item(sealed_zone_t *zone, uint8_t *out,
    const sealed_record_t *record, const sealed_body_t *body);
static uint8_t *copy_octets(sealed_zone_t *zone, uint8_t *out, uint32_t cell,
    size_t skip, size_t size);
static void sweep_mailbox(sealed_zone_t *zone, uint32_t reference,
    const sealed_mailbox_limits_t *limits, const uint32_t *tags,
    unsigned ntags, uint64_t now, uint64_t *wake);
static uint32_t cells_for(size_t size);


#define HOUR(now)  ((uint32_t) ((now) / 3600))


int
sealed_mailbox_find(sealed_zone_t *zone, const uint8_t *id,
    uint8_t key[SEALED_KEY_SIZE], uint32_t *tag)
{
    int                rc;
    sealed_mailbox_t  *mailbox;

    if (sealed_zone_lock(zone) != 0) {
        return -1;
    }

    rc = -1;
    mailbox = lookup_open(zone, id);

    if (mailbox) {
        memcpy(key, mailbox->key, SEALED_KEY_SIZE);
        *tag = mailbox->tag;
        rc = 0;
    }

    sealed_zone_unlock(zone);

    return rc;
}


sealed_verdict_t
sealed_mailbox_open(sealed_zone_t *zone, const uint8_t *id,
    const uint8_t key[SEALED_KEY_SIZE], uint32_t tag,
    const uint8_t *certificate_id, unsigned max_opened, uint64_t now,
    unsigned *created, sealed_mailbox_status_t *status)
{
    uint32_t                     reference, *bucket;
    sealed_mailbox_t            *mailbox;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    *created = 0;
    verdict = SEALED_OK;

    mailbox = lookup_open(zone, id);

    if (mailbox) {
        get_status(zone, mailbox, status);
        goto done;
    }

    reference = sealed_certificate_table_lookup(zone, certificate_id);

    if (reference == SEALED_NONE) {
        verdict = SEALED_UNAUTHORIZED;
        goto done;
    }

    entry = sealed_zone_certificate(zone, reference);

    if (entry->opened >= max_opened) {
        verdict = SEALED_OPENER_LIMIT;
        goto done;
    }

    reference = lookup(zone, id);

    if (reference != SEALED_NONE) {

        if (sealed_zone_mailbox(zone, reference)->closed_until > now) {
            verdict = SEALED_MAILBOX_CLOSED;
            goto done;
        }

        remove_mailbox(zone, reference);
    }

    reference = sealed_arena_take(&zone->arena, SEALED_POOL_MAILBOX);

    if (reference == SEALED_NONE) {
        verdict = SEALED_ZONE_FULL;
        goto done;
    }

    bucket = sealed_zone_mailbox_bucket(zone, id);

    mailbox = sealed_zone_mailbox(zone, reference);
    memset(mailbox, 0, sizeof(sealed_mailbox_t));
    memcpy(mailbox->id, id, SEALED_MAILBOX_ID_SIZE);
    memcpy(mailbox->key, key, SEALED_KEY_SIZE);
    mailbox->next_seq = 1;
    mailbox->head = SEALED_NONE;
    mailbox->tail = SEALED_NONE;
    mailbox->tag = tag;
    mailbox->active_hour = HOUR(now);
    mailbox->expiry = UINT32_MAX;
    mailbox->hash_next = *bucket;

    entry->opened++;

    sealed_publish();
    *bucket = reference;

    *created = 1;
    get_status(zone, mailbox, status);

done:

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_mailbox_spend(sealed_zone_t *zone, const uint8_t *id, uint64_t nonce,
    uint64_t now, uint64_t *next, unsigned *has_next)
{
    sealed_mailbox_t  *mailbox;
    sealed_verdict_t   verdict;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_UNAUTHORIZED;
    mailbox = lookup_open(zone, id);

    if (mailbox) {
        verdict = SEALED_OK;
        mailbox->active_hour = HOUR(now);

        if (sealed_replay_window_spend(&mailbox->window_highest,
                                       &mailbox->window, SEALED_OWNER_WINDOW,
                                       nonce)
            != 0)
        {
            verdict = SEALED_NONCE_USED;
            *has_next = sealed_replay_window_next(mailbox->window_highest,
                                                  &mailbox->window,
                                                  SEALED_OWNER_WINDOW, next)
                        == 0;
        }
    }

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_mailbox_status(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    sealed_mailbox_status_t *status)
{
    sealed_mailbox_t  *mailbox;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    mailbox = lookup_open(zone, id);

    if (mailbox) {
        purge(zone, mailbox, now);
        get_status(zone, mailbox, status);
    }

    sealed_zone_unlock(zone);

    return mailbox ? SEALED_OK : SEALED_NO_MAILBOX;
}


sealed_verdict_t
sealed_mailbox_close(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    uint64_t *wake)
{
    uint32_t          reference;
    sealed_verdict_t  verdict;

    *wake = 0;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_NO_MAILBOX;
    reference = lookup(zone, id);

    if (reference != SEALED_NONE
        && sealed_zone_mailbox(zone, reference)->closed_until == 0)
    {
        close_mailbox(zone, reference, now, wake);
        verdict = SEALED_OK;
    }

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_mailbox_acknowledge(sealed_zone_t *zone, const uint8_t *id,
    uint64_t through, uint64_t now)
{
    sealed_mailbox_t  *mailbox;
    sealed_verdict_t   verdict;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_OK;
    mailbox = lookup_open(zone, id);

    if (mailbox == NULL) {
        verdict = SEALED_NO_MAILBOX;

    } else if (through >= mailbox->next_seq) {
        verdict = SEALED_BAD_SEQUENCE;

    } else {
        while (mailbox->head != SEALED_NONE
               && sealed_zone_record(zone, mailbox->head)->seq <= through)
        {
            drop_first(zone, mailbox);
        }
    }

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_mailbox_append(sealed_zone_t *zone, const sealed_fanout_t *fanout,
    const sealed_mailbox_limits_t *limits, uint64_t expiry_hour,
    uint64_t now, uint32_t *mailboxes, uint8_t *results, uint32_t *accepted,
    uint64_t *wake)
{
    size_t             headers_size;
    uint32_t           i, n, reference, need[SEALED_POOLS];
    uint64_t           bytes;
    sealed_body_t     *body;
    sealed_mailbox_t  *mailbox;

    *wake = 0;
    *accepted = 0;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    for (i = 0; i < fanout->count; i += n) {
        n = fanout->count - i < BATCH ? fanout->count - i : BATCH;
        resolve(zone, fanout, i, n, mailboxes);
    }

    bytes = (uint64_t) fanout->body.size + fanout->slice_size;

    for (i = 0; i < fanout->count; i++) {

        if (mailboxes[i] == SEALED_NONE) {
            results[i] = SEALED_REFUSED_UNKNOWN;
            continue;
        }

        mailbox = sealed_zone_mailbox(zone, mailboxes[i]);
        purge(zone, mailbox, now);

        if (mailbox->count >= limits->envelopes
            || mailbox->bytes + bytes > limits->bytes)
        {
            results[i] = SEALED_REFUSED_FULL;
            continue;
        }

        results[i] = SEALED_ACCEPTED;
        (*accepted)++;
    }

    if (*accepted == 0) {
        sealed_zone_unlock(zone);
        return SEALED_OK;
    }

    headers_size = (size_t) fanout->count * fanout->slice_size;

    memset(need, 0, sizeof(need));
    need[SEALED_POOL_BODY] = 1;
    need[SEALED_POOL_RECORD] = *accepted;
    need[SEALED_POOL_CELL] = cells_for(fanout->body.size)
                             + cells_for(headers_size);

    if (!sealed_arena_has_room(&zone->arena, need)) {
        *accepted = 0;
        sealed_zone_unlock(zone);
        return SEALED_ZONE_FULL;
    }

    reference = sealed_arena_take(&zone->arena, SEALED_POOL_BODY);
    body = sealed_zone_body(zone, reference);
    body->references = 0;
    body->marked = 0;
    body->size = (uint32_t) fanout->body.size;
    body->slice_size = fanout->slice_size;
    body->hour = HOUR(now);
    body->expiry = (uint32_t) expiry_hour;
    body->header_cell = store_octets(zone, fanout->headers, headers_size);
    body->cell = store_octets(zone, fanout->body.data, fanout->body.size);

    for (i = 0; i < fanout->count; i++) {
        if (results[i] == SEALED_ACCEPTED) {
            append_one(zone, mailboxes[i], reference, i, wake);
        }
    }

    sealed_zone_unlock(zone);

    return SEALED_OK;
}


sealed_verdict_t
sealed_mailbox_read(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    uint64_t *after, unsigned *limit, uint8_t *out, size_t size,
    size_t *used, unsigned *more, unsigned worker, uint32_t *mailbox)
{
    size_t             need;
    uint8_t           *pos;
    uint32_t           reference, next;
    sealed_body_t     *body;
    sealed_record_t   *record;
    sealed_mailbox_t  *box;

    *used = 0;
    *more = 0;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    reference = lookup(zone, id);

    if (reference == SEALED_NONE
        || sealed_zone_mailbox(zone, reference)->closed_until)
    {
        sealed_zone_unlock(zone);
        return SEALED_NO_MAILBOX;
    }

    box = sealed_zone_mailbox(zone, reference);
    purge(zone, box, now);

    pos = out;

    for (next = box->head; next != SEALED_NONE; next = record->next) {
        record = sealed_zone_record(zone, next);

        if (record->seq <= *after) {
            continue;
        }

        if (*limit == 0) {
            break;
        }

        body = sealed_zone_body(zone, record->body);
        need = sealed_item_size(record->seq, body->hour, body->slice_size,
                                body->size, 0);

        if (need > size - (size_t) (pos - out)) {
            *more = 1;
            break;
        }

        pos = write_item(zone, pos, record, body);
        *after = record->seq;
        (*limit)--;
    }

    *used = (size_t) (pos - out);

    if (*used == 0 && *more == 0 && worker < SEALED_WORKERS) {
        box->waiting |= (uint64_t) 1 << worker;
        *mailbox = reference;
    }

    sealed_zone_unlock(zone);

    return SEALED_OK;
}


sealed_verdict_t
sealed_mailbox_check_after(sealed_zone_t *zone, const uint8_t *id,
    uint64_t after)
{
    sealed_mailbox_t  *mailbox;
    sealed_verdict_t   verdict;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    mailbox = lookup_open(zone, id);

    verdict = mailbox == NULL ? SEALED_NO_MAILBOX
              : after >= mailbox->next_seq ? SEALED_BAD_SEQUENCE
              : SEALED_OK;

    sealed_zone_unlock(zone);

    return verdict;
}


unsigned
sealed_mailbox_wakes(sealed_zone_t *zone, unsigned worker,
    uint32_t *mailboxes, unsigned *all)
{
    unsigned             count;
    sealed_wake_ring_t  *ring;

    if (sealed_zone_lock(zone) != 0) {
        *all = 1;
        return 0;
    }

    ring = &zone->wake[worker];
    count = ring->count;
    *all = ring->overflow;

    memcpy(mailboxes, ring->mailbox, count * sizeof(uint32_t));

    ring->count = 0;
    ring->overflow = 0;

    sealed_zone_unlock(zone);

    return count;
}


void
sealed_mailbox_sweep(sealed_zone_t *zone,
    const sealed_mailbox_limits_t *limits, const uint32_t *tags,
    unsigned ntags, unsigned pages, uint64_t now, uint64_t *wake)
{
    uint32_t        reference, slot, objects;
    sealed_pool_t   pool;

    *wake = 0;

    if (sealed_zone_lock(zone) != 0) {
        return;
    }

    while (pages--) {

        if (zone->sweep_page >= zone->arena.pages) {
            zone->sweep_page = 0;
        }

        pool = sealed_arena_page(&zone->arena, zone->sweep_page)->pool;

        if (pool == SEALED_POOL_MAILBOX || pool == SEALED_POOL_CERTIFICATE) {
            objects = sealed_pool_objects(pool);

            for (slot = 0; slot < objects; slot++) {
                reference = zone->sweep_page << 8 | slot;

                if (!sealed_arena_valid(&zone->arena, pool, reference)) {
                    continue;
                }

                if (pool == SEALED_POOL_MAILBOX) {
                    sweep_mailbox(zone, reference, limits, tags, ntags, now,
                                  wake);

                } else if (sealed_zone_certificate(zone, reference)->end
                           <= now)
                {
                    sealed_certificate_table_remove(zone, reference);
                }
            }
        }

        zone->sweep_page++;
    }

    sealed_zone_unlock(zone);
}


static void
sweep_mailbox(sealed_zone_t *zone, uint32_t reference,
    const sealed_mailbox_limits_t *limits, const uint32_t *tags,
    unsigned ntags, uint64_t now, uint64_t *wake)
{
    unsigned           i;
    sealed_mailbox_t  *mailbox;

    mailbox = sealed_zone_mailbox(zone, reference);

    if (mailbox->closed_until) {

        if (mailbox->closed_until <= now) {
            remove_mailbox(zone, reference);
        }

        return;
    }

    for (i = 0; i < ntags; i++) {
        if (tags[i] == mailbox->tag) {
            break;
        }
    }

    /* hours at rest: a mailbox may live up to one longer, never shorter */

    if (i == ntags
        || ((uint64_t) mailbox->active_hour + 1) * 3600
           + limits->idle_seconds < now)
    {
        close_mailbox(zone, reference, now, wake);
        return;
    }

    purge(zone, mailbox, now);
}


static uint32_t
lookup(sealed_zone_t *zone, const uint8_t *id)
{
    uint32_t           reference;
    sealed_mailbox_t  *mailbox;

    reference = *sealed_zone_mailbox_bucket(zone, id);

    while (reference != SEALED_NONE) {
        mailbox = sealed_zone_mailbox(zone, reference);

        if (memcmp(mailbox->id, id, SEALED_MAILBOX_ID_SIZE) == 0) {
            break;
        }

        reference = mailbox->hash_next;
    }

    return reference;
}


static sealed_mailbox_t *
lookup_open(sealed_zone_t *zone, const uint8_t *id)
{
    uint32_t           reference;
    sealed_mailbox_t  *mailbox;

    reference = lookup(zone, id);

    if (reference == SEALED_NONE) {
        return NULL;
    }

    mailbox = sealed_zone_mailbox(zone, reference);

    return mailbox->closed_until ? NULL : mailbox;
}


static void
get_status(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    sealed_mailbox_status_t *status)
{
    status->envelopes = mailbox->count;
    status->bytes = mailbox->bytes;
    status->next = mailbox->next_seq;
    status->first = mailbox->head == SEALED_NONE
                    ? mailbox->next_seq
                    : sealed_zone_record(zone, mailbox->head)->seq;
}


/* all buckets are on their way before the first is looked at */

static void
resolve(sealed_zone_t *zone, const sealed_fanout_t *fanout, uint32_t first,
    uint32_t count, uint32_t *mailboxes)
{
    uint32_t           i, reference, *bucket[BATCH];
    const uint8_t     *id;
    sealed_mailbox_t  *mailbox;

    id = fanout->recipients + (size_t) first * SEALED_MAILBOX_ID_SIZE;

    for (i = 0; i < count; i++) {
        bucket[i] = sealed_zone_mailbox_bucket(zone,
                                           id + i * SEALED_MAILBOX_ID_SIZE);
        __builtin_prefetch(bucket[i]);
    }

    for (i = 0; i < count; i++) {
        if (*bucket[i] != SEALED_NONE) {
            mailbox = sealed_zone_mailbox(zone, *bucket[i]);
            __builtin_prefetch(mailbox);
            __builtin_prefetch((uint8_t *) mailbox + 64);
        }
    }

    for (i = 0; i < count; i++) {
        reference = *bucket[i];

        while (reference != SEALED_NONE) {
            mailbox = sealed_zone_mailbox(zone, reference);

            if (memcmp(mailbox->id, id + i * SEALED_MAILBOX_ID_SIZE,
                       SEALED_MAILBOX_ID_SIZE)
                == 0)
            {
                break;
            }

            reference = mailbox->hash_next;
        }

        if (reference != SEALED_NONE
            && sealed_zone_mailbox(zone, reference)->closed_until)
        {
            reference = SEALED_NONE;
        }

        mailboxes[first + i] = reference;
    }
}


/* room has been seen to beforehand */

static uint32_t
store_octets(sealed_zone_t *zone, const uint8_t *data, size_t size)
{
    size_t          n;
    uint32_t        first, reference, *link;
    sealed_cell_t  *cell;

    first = SEALED_NONE;
    link = &first;

    while (size) {
        reference = sealed_arena_take(&zone->arena, SEALED_POOL_CELL);
        cell = sealed_zone_cell(zone, reference);

        n = size < SEALED_CELL_PAYLOAD ? size : SEALED_CELL_PAYLOAD;
        memcpy(cell->payload, data, n);
        cell->next = SEALED_NONE;

        data += n;
        size -= n;

        *link = reference;
        link = &cell->next;
    }

    return first;
}


static void
append_one(sealed_zone_t *zone, uint32_t mailbox_reference, uint32_t body,
    uint32_t index, uint64_t *wake)
{
    uint32_t           reference, *link;
    sealed_body_t     *shared;
    sealed_record_t   *record;
    sealed_mailbox_t  *mailbox;

    mailbox = sealed_zone_mailbox(zone, mailbox_reference);
    shared = sealed_zone_body(zone, body);

    reference = sealed_arena_take(&zone->arena, SEALED_POOL_RECORD);
    record = sealed_zone_record(zone, reference);
    record->seq = mailbox->next_seq;
    record->next = SEALED_NONE;
    record->body = body;
    record->index = index;

    shared->references++;

    if (shared->expiry < mailbox->expiry) {
        mailbox->expiry = shared->expiry;
    }

    link = mailbox->tail == SEALED_NONE
           ? &mailbox->head
           : &sealed_zone_record(zone, mailbox->tail)->next;

    sealed_publish();
    *link = reference;
    sealed_publish();

    mailbox->tail = reference;
    mailbox->next_seq++;
    mailbox->count++;
    mailbox->bytes += (uint64_t) shared->size + shared->slice_size;

    if (mailbox->waiting) {
        notify(zone, mailbox_reference, wake);
    }
}


static void
drop_first(sealed_zone_t *zone, sealed_mailbox_t *mailbox)
{
    uint32_t          reference, body;
    sealed_record_t  *record;

    reference = mailbox->head;
    record = sealed_zone_record(zone, reference);
    body = record->body;

    mailbox->head = record->next;
    sealed_publish();

    if (mailbox->head == SEALED_NONE) {
        mailbox->tail = SEALED_NONE;
        mailbox->expiry = UINT32_MAX;
    }

    mailbox->count--;
    mailbox->bytes -= (uint64_t) sealed_zone_body(zone, body)->size
                      + sealed_zone_body(zone, body)->slice_size;

    sealed_arena_give(&zone->arena, reference);
    release_body(zone, body);
}


static void
release_body(sealed_zone_t *zone, uint32_t reference)
{
    sealed_body_t  *body;

    body = sealed_zone_body(zone, reference);

    if (--body->references) {
        return;
    }

    free_cells(zone, body->cell);
    free_cells(zone, body->header_cell);
    sealed_arena_give(&zone->arena, reference);
}


/* ciphertext does not outlive its last record */

static void
free_cells(sealed_zone_t *zone, uint32_t cell)
{
    uint32_t        next;
    sealed_cell_t  *object;

    while (cell != SEALED_NONE) {
        object = sealed_zone_cell(zone, cell);
        next = object->next;
        sodium_memzero(object->payload, sizeof(object->payload));
        sealed_arena_give(&zone->arena, cell);
        cell = next;
    }
}


/* drops what is past its hour; cheap when nothing is */

static void
purge(sealed_zone_t *zone, sealed_mailbox_t *mailbox, uint64_t now)
{
    uint32_t          hour, earliest, tail, body, reference, *link;
    sealed_body_t    *shared;
    sealed_record_t  *record;

    hour = HOUR(now);

    if (mailbox->expiry > hour) {
        return;
    }

    earliest = UINT32_MAX;
    tail = SEALED_NONE;
    link = &mailbox->head;

    while (*link != SEALED_NONE) {
        reference = *link;
        record = sealed_zone_record(zone, reference);
        body = record->body;
        shared = sealed_zone_body(zone, body);

        if (shared->expiry > hour) {

            if (shared->expiry < earliest) {
                earliest = shared->expiry;
            }

            tail = reference;
            link = &record->next;
            continue;
        }

        *link = record->next;
        sealed_publish();

        mailbox->count--;
        mailbox->bytes -= (uint64_t) shared->size + shared->slice_size;

        sealed_arena_give(&zone->arena, reference);
        release_body(zone, body);
    }

    mailbox->tail = tail;
    mailbox->expiry = earliest;
}


static void
close_mailbox(sealed_zone_t *zone, uint32_t reference, uint64_t now,
    uint64_t *wake)
{
    sealed_mailbox_t  *mailbox;

    mailbox = sealed_zone_mailbox(zone, reference);

    while (mailbox->head != SEALED_NONE) {
        drop_first(zone, mailbox);
    }

    mailbox->closed_until = (uint32_t) (now + SEALED_CLOSED_SECONDS);
    zone->closed++;
    sodium_memzero(mailbox->key, sizeof(mailbox->key));

    notify(zone, reference, wake);
}


static void
remove_mailbox(sealed_zone_t *zone, uint32_t reference)
{
    uint32_t          *link;
    sealed_mailbox_t  *mailbox;

    mailbox = sealed_zone_mailbox(zone, reference);
    link = sealed_zone_mailbox_bucket(zone, mailbox->id);

    while (*link != reference) {
        link = &sealed_zone_mailbox(zone, *link)->hash_next;
    }

    *link = mailbox->hash_next;
    sealed_publish();

    zone->closed--;
    sodium_memzero(mailbox, sizeof(sealed_mailbox_t));
    sealed_arena_give(&zone->arena, reference);
}


static void
notify(sealed_zone_t *zone, uint32_t reference, uint64_t *wake)
{
    unsigned             worker;
    uint64_t             waiting;
    sealed_mailbox_t    *mailbox;
    sealed_wake_ring_t  *ring;

    mailbox = sealed_zone_mailbox(zone, reference);
    waiting = mailbox->waiting;
    mailbox->waiting = 0;
    *wake |= waiting;

    while (waiting) {
        worker = (unsigned) __builtin_ctzll(waiting);
        waiting &= waiting - 1;
        ring = &zone->wake[worker];

        if (ring->count < SEALED_WAKE_RING) {
            ring->mailbox[ring->count++] = reference;

        } else {
            ring->overflow = 1;
        }
    }
}


static uint8_t *
write_item(sealed_zone_t *zone, uint8_t *out, const sealed_record_t *record,
    const sealed_body_t *body)
{
    sealed_bytes_t  no_stamp = { NULL, 0 };

    out = sealed_item_start(out, record->seq, body->hour, body->slice_size);
    out = copy_octets(zone, out, body->header_cell,
                      (size_t) record->index * body->slice_size,
                      body->slice_size);
    out = sealed_item_body_head(out, body->size);
    out = copy_octets(zone, out, body->cell, 0, body->size);

    return sealed_item_end(out, no_stamp);
}


static uint8_t *
copy_octets(sealed_zone_t *zone, uint8_t *out, uint32_t cell, size_t skip,
    size_t size)
{
    size_t          n;
    sealed_cell_t  *object;

    while (size) {
        object = sealed_zone_cell(zone, cell);
        cell = object->next;

        if (skip >= SEALED_CELL_PAYLOAD) {
            skip -= SEALED_CELL_PAYLOAD;
            continue;
        }

        n = SEALED_CELL_PAYLOAD - skip;

        if (n > size) {
            n = size;
        }

        memcpy(out, object->payload + skip, n);
        out += n;
        size -= n;
        skip = 0;
    }

    return out;
}


static uint32_t
cells_for(size_t size)
{
    return (uint32_t) ((size + SEALED_CELL_PAYLOAD - 1)
                       / SEALED_CELL_PAYLOAD);
}
