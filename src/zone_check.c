
/*
 * Check and repair: both walk all that can be reached from the hash tables
 * and mark it.  The check then compares marks with what the zone believes;
 * the repair makes the zone believe the marks.
 */

#include "zone.h"

#include <string.h>


typedef struct {
    sealed_zone_t                *zone;
    int                           repair;
    uint32_t                      closed;
    const char                   *error;
} walk_t;


static void clear_marks(sealed_zone_t *zone);
static int mark(walk_t *walk, sealed_pool_t pool, uint32_t reference);
static void walk_mailboxes(walk_t *walk);
static void walk_records(walk_t *walk, sealed_mailbox_t *mailbox);
static void walk_body(walk_t *walk, uint32_t reference);
static void walk_cells(walk_t *walk, uint32_t *link);
static void walk_certificates(walk_t *walk);
static const char *compare(sealed_zone_t *zone);
static void fail(walk_t *walk, const char *error);


const char *
sealed_zone_check(sealed_zone_t *zone)
{
    walk_t  walk = { zone, 0, 0, NULL };

    clear_marks(zone);
    walk_mailboxes(&walk);
    walk_certificates(&walk);

    if (walk.closed != zone->closed) {
        fail(&walk, "closed mailboxes are miscounted");
    }

    return walk.error ? walk.error : compare(zone);
}


void
sealed_zone_repair(sealed_zone_t *zone)
{
    walk_t          walk = { zone, 1, 0, NULL };
    uint32_t        page, slot;
    sealed_body_t  *body;
    sealed_page_t  *descriptor;

    clear_marks(zone);
    walk_mailboxes(&walk);
    walk_certificates(&walk);

    for (page = 0; page < zone->arena.pages; page++) {
        descriptor = sealed_arena_page(&zone->arena, page);
        memcpy(descriptor->used, descriptor->mark,
               sizeof(descriptor->used));

        if (descriptor->pool != SEALED_POOL_BODY) {
            continue;
        }

        for (slot = 0; slot < sealed_pool_objects(SEALED_POOL_BODY); slot++) {
            body = sealed_zone_body(zone, page << 8 | slot);
            body->references = body->marked;
        }
    }

    sealed_arena_rebuild(&zone->arena);
    zone->closed = walk.closed;

    memset(zone->wake, 0, sizeof(zone->wake));

    for (slot = 0; slot < SEALED_WORKERS; slot++) {
        zone->wake[slot].overflow = 1;
    }

    zone->repairs++;
}


static void
clear_marks(sealed_zone_t *zone)
{
    uint32_t        page, slot;
    sealed_page_t  *descriptor;

    for (page = 0; page < zone->arena.pages; page++) {
        descriptor = sealed_arena_page(&zone->arena, page);
        memset(descriptor->mark, 0, sizeof(descriptor->mark));

        if (descriptor->pool != SEALED_POOL_BODY) {
            continue;
        }

        for (slot = 0; slot < sealed_pool_objects(SEALED_POOL_BODY); slot++) {
            sealed_zone_body(zone, page << 8 | slot)->marked = 0;
        }
    }
}


/* 0 when this is an object seen for the first time, -1 otherwise */

static int
mark(walk_t *walk, sealed_pool_t pool, uint32_t reference)
{
    uint32_t        slot;
    uint64_t        bit;
    sealed_page_t  *descriptor;

    if (!sealed_arena_valid(&walk->zone->arena, pool, reference)) {
        fail(walk, "a reference to an object that is not in use");
        return -1;
    }

    descriptor = sealed_arena_page(&walk->zone->arena, reference >> 8);
    slot = reference & 0xff;
    bit = (uint64_t) 1 << (slot % 64);

    if (descriptor->mark[slot / 64] & bit) {
        fail(walk, "an object that is owned twice");
        return -1;
    }

    descriptor->mark[slot / 64] |= bit;

    return 0;
}


static void
walk_mailboxes(walk_t *walk)
{
    uint32_t          i, *link, *buckets;
    sealed_mailbox_t *mailbox;

    buckets = (uint32_t *) ((uint8_t *) walk->zone + walk->zone->buckets);

    for (i = 0; i < walk->zone->mailbox_buckets; i++) {
        link = &buckets[i];

        while (*link != SEALED_NONE) {

            if (mark(walk, SEALED_POOL_MAILBOX, *link) != 0) {
                if (walk->repair) {
                    *link = SEALED_NONE;
                }

                break;
            }

            mailbox = sealed_zone_mailbox(walk->zone, *link);

            if (sealed_zone_mailbox_bucket(walk->zone, mailbox->id)
                != &buckets[i])
            {
                fail(walk, "a mailbox in a bucket that is not its own");
            }

            if (mailbox->closed_until) {
                walk->closed++;
            }

            walk_records(walk, mailbox);
            link = &mailbox->hash_next;
        }
    }
}


static void
walk_records(walk_t *walk, sealed_mailbox_t *mailbox)
{
    uint32_t          *link, count, tail;
    uint64_t           bytes, seq;
    sealed_body_t     *body;
    sealed_record_t   *record;

    link = &mailbox->head;
    count = 0;
    bytes = 0;
    seq = 0;
    tail = SEALED_NONE;

    while (*link != SEALED_NONE) {

        if (mark(walk, SEALED_POOL_RECORD, *link) != 0) {
            if (walk->repair) {
                *link = SEALED_NONE;
            }

            break;
        }

        record = sealed_zone_record(walk->zone, *link);

        if (record->seq <= seq) {
            fail(walk, "sequence numbers that do not ascend");
        }

        seq = record->seq;

        if (!sealed_arena_valid(&walk->zone->arena, SEALED_POOL_BODY,
                                record->body))
        {
            fail(walk, "a record without a body");

            if (walk->repair) {
                *link = record->next;
                continue;
            }

            break;
        }

        walk_body(walk, record->body);

        body = sealed_zone_body(walk->zone, record->body);
        bytes += (uint64_t) body->size + body->slice_size;

        tail = *link;
        count++;
        link = &record->next;
    }

    if (walk->repair) {
        mailbox->tail = tail;
        mailbox->count = count;
        mailbox->bytes = bytes;
        mailbox->waiting = 0;

        if (mailbox->next_seq <= seq) {
            mailbox->next_seq = seq + 1;
        }

        return;
    }

    if (mailbox->tail != tail
        || mailbox->count != count
        || mailbox->bytes != bytes)
    {
        fail(walk, "a mailbox whose counts are not those of its envelopes");
    }

    if (mailbox->next_seq <= seq) {
        fail(walk, "a mailbox that would give a number twice");
    }

    if (mailbox->closed_until && count) {
        fail(walk, "a closed mailbox with envelopes");
    }
}


static void
walk_body(walk_t *walk, uint32_t reference)
{
    sealed_body_t  *body;

    body = sealed_zone_body(walk->zone, reference);

    if (body->marked++) {
        return;
    }

    if (mark(walk, SEALED_POOL_BODY, reference) == 0) {
        walk_cells(walk, &body->cell);
        walk_cells(walk, &body->header_cell);
    }
}


static void
walk_cells(walk_t *walk, uint32_t *link)
{
    while (*link != SEALED_NONE) {

        if (mark(walk, SEALED_POOL_CELL, *link) != 0) {
            if (walk->repair) {
                *link = SEALED_NONE;
            }

            return;
        }

        link = &sealed_zone_cell(walk->zone, *link)->next;
    }
}


static void
walk_certificates(walk_t *walk)
{
    uint32_t  i, *link, *buckets;

    buckets = (uint32_t *) ((uint8_t *) walk->zone + walk->zone->buckets)
              + walk->zone->mailbox_buckets;

    for (i = 0; i < walk->zone->certificate_buckets; i++) {
        link = &buckets[i];

        while (*link != SEALED_NONE) {

            if (mark(walk, SEALED_POOL_CERTIFICATE, *link) != 0) {
                if (walk->repair) {
                    *link = SEALED_NONE;
                }

                break;
            }

            link = &sealed_zone_certificate(walk->zone, *link)->hash_next;
        }
    }
}


static const char *
compare(sealed_zone_t *zone)
{
    uint32_t              i, page, slot, free_pages, pages[SEALED_POOLS];
    uint32_t              used[SEALED_POOLS];
    sealed_body_t        *body;
    sealed_page_t        *descriptor;
    sealed_pool_state_t  *state;

    free_pages = 0;
    memset(used, 0, sizeof(used));
    memset(pages, 0, sizeof(pages));

    for (page = 0; page < zone->arena.pages; page++) {
        descriptor = sealed_arena_page(&zone->arena, page);

        if (descriptor->pool >= SEALED_POOLS) {
            free_pages++;
            continue;
        }

        if (memcmp(descriptor->used, descriptor->mark,
                   sizeof(descriptor->used))
            != 0)
        {
            return "an object in use that nobody owns";
        }

        pages[descriptor->pool]++;
        used[descriptor->pool] += descriptor->count;

        if (descriptor->pool != SEALED_POOL_BODY) {
            continue;
        }

        for (slot = 0; slot < sealed_pool_objects(SEALED_POOL_BODY); slot++) {

            if (!(descriptor->used[slot / 64] >> (slot % 64) & 1)) {
                continue;
            }

            body = sealed_zone_body(zone, page << 8 | slot);

            if (body->references != body->marked) {
                return "a body whose references are miscounted";
            }
        }
    }

    if (free_pages != zone->arena.free_pages) {
        return "free pages are miscounted";
    }

    for (i = 0; i < SEALED_POOLS; i++) {
        state = &zone->arena.pool[i];

        if (state->pages != pages[i]
            || state->used != used[i]
            || (uint64_t) state->room + state->used
               != (uint64_t) pages[i] * sealed_pool_objects(i))
        {
            return "a pool's counts are wrong";
        }
    }

    return NULL;
}


static void
fail(walk_t *walk, const char *error)
{
    if (walk->error == NULL) {
        walk->error = error;
    }
}
