
#include "body.h"

#include <string.h>
#include <sodium.h>


enum {
    BATCH = 64              /* objects for which the arena's lock is held */
};


/* puts objects of the worker's body in front of a list, whose head is saved */

typedef void (*link_pt)(sealed_zone_t *zone, const uint32_t *reference,
    uint32_t n, uint32_t *head);


static int take_body(sealed_zone_t *zone, const sealed_fanout_t *fanout,
    uint32_t hour, uint32_t expiry);
static int take(sealed_zone_t *zone, sealed_pool_t pool, uint32_t n,
    uint32_t *head, link_pt link);
static void link_pages(sealed_zone_t *zone, const uint32_t *reference,
    uint32_t n, uint32_t *head);
static void link_cells(sealed_zone_t *zone, const uint32_t *reference,
    uint32_t n, uint32_t *head);
static void link_records(sealed_zone_t *zone, const uint32_t *reference,
    uint32_t n, uint32_t *head);
static void store(sealed_zone_t *zone, const sealed_body_t *body,
    const uint8_t *data, sealed_bytes_t stamp);
static int give_records(sealed_zone_t *zone);
static int drop_records(sealed_zone_t *zone);
static void wipe(sealed_zone_t *zone, sealed_body_t *body);
static int give_body(sealed_zone_t *zone, uint32_t reference);
static int breathe(sealed_zone_t *zone, unsigned *n);
static uint32_t *page_next(const sealed_zone_t *zone, uint32_t page);


int
sealed_body_build(sealed_zone_t *zone, const sealed_fanout_t *fanout,
    sealed_bytes_t stamp, uint32_t hour, uint32_t expiry, uint32_t n)
{
    int               rc;
    uint32_t          pages, cells, need[SEALED_POOLS];
    sealed_pool_t     pool;
    sealed_body_t    *body;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    pool = sealed_pool_record(fanout->slice_size);
    sealed_body_measure(fanout->body.size, &pages, &cells);

    memset(need, 0, sizeof(need));
    need[SEALED_POOL_BODY] = 1;
    need[SEALED_POOL_PAGE] = pages;
    need[SEALED_POOL_CELL] = cells + (stamp.data ? 1 : 0);
    need[pool] = n;

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    rc = -1;

    if (sealed_arena_has_room(zone, need, sealed_zone_keep(zone))
        && take_body(zone, fanout, hour, expiry) == 0)
    {
        body = sealed_zone_body(zone, w->body);

        /* another may have been faster since, when the lock was given */

        if (take(zone, SEALED_POOL_PAGE, pages, &body->page, link_pages) == 0
            && take(zone, SEALED_POOL_CELL, cells, &body->cell, link_cells)
               == 0
            && take(zone, SEALED_POOL_CELL, stamp.data ? 1 : 0, &body->stamp,
                    link_cells)
               == 0
            && take(zone, pool, n, &w->records, link_records) == 0)
        {
            sealed_arena_save(zone, &body->references, sizeof(uint32_t));
            sealed_arena_save(zone, &w->expected, sizeof(uint32_t));
            sealed_set(body->references, n);
            sealed_set(w->expected, n);
            rc = 0;
        }
    }

    sealed_arena_unlock(zone);

    if (rc == 0) {
        store(zone, sealed_zone_body(zone, w->body), fanout->body.data,
              stamp);

    } else if (w->body != SEALED_NONE) {
        sealed_body_finish(zone);
        sealed_body_settle(zone);
    }

    return rc;
}


void
sealed_body_finish(sealed_zone_t *zone)
{
    uint32_t          unused;
    sealed_body_t    *body;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (give_records(zone) != 0 || sealed_arena_lock(zone) != 0) {
        return;
    }

    unused = w->expected - w->linked;

    sealed_arena_save(zone, &w->body, 4 * sizeof(uint32_t));

    /* all linked: others may have dropped the body already */

    if (unused || w->expected == 0) {
        body = sealed_zone_body(zone, w->body);
        sealed_arena_save(zone, &body->references, sizeof(uint32_t));
        sealed_arena_save(zone, &body->trash_next, sizeof(uint32_t));
        sealed_arena_save(zone, &w->trash, sizeof(uint32_t));
        sealed_set(body->references, body->references - unused);

        if (body->references == 0) {
            sealed_set(body->trash_next, w->trash);
            sealed_set(w->trash, w->body);
        }
    }

    sealed_set(w->body, SEALED_NONE);
    sealed_set(w->expected, 0);
    sealed_set(w->linked, 0);

    sealed_arena_unlock(zone);
}


void
sealed_body_settle(sealed_zone_t *zone)
{
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    while (w->dropped != SEALED_NONE || w->trash != SEALED_NONE) {

        if (w->dropped != SEALED_NONE && drop_records(zone) != 0) {
            return;
        }

        if (w->trash != SEALED_NONE) {
            wipe(zone, sealed_zone_body(zone, w->trash));

            if (give_body(zone, w->trash) != 0) {
                return;
            }
        }
    }
}


int
sealed_body_copy(sealed_zone_t *zone, const sealed_body_t *body,
    uint8_t *out)
{
    size_t          size, n;
    uint32_t        page, cell;
    sealed_cell_t  *object;

    size = body->size;

    for (page = body->page; page != SEALED_NONE && size; size -= n) {
        n = size < SEALED_PAGE_SIZE ? size : SEALED_PAGE_SIZE;
        memcpy(out, sealed_zone_object(zone, page), n);
        out += n;
        page = *page_next(zone, page);
    }

    for (cell = body->cell; cell != SEALED_NONE && size; size -= n) {
        object = sealed_zone_cell(zone, cell);

        if (object->generation != body->generation) {
            return -1;
        }

        n = size < SEALED_CELL_PAYLOAD ? size : SEALED_CELL_PAYLOAD;
        memcpy(out, object->payload, n);
        out += n;
        cell = object->next;

        if (cell != SEALED_NONE) {
            __builtin_prefetch(sealed_zone_object(zone, cell));
        }
    }

    return size == 0 ? 0 : -1;
}


int
sealed_body_copy_stamp(sealed_zone_t *zone, const sealed_body_t *body,
    uint8_t *out)
{
    sealed_cell_t  *cell;

    cell = sealed_zone_cell(zone, body->stamp);

    if (cell->generation != body->generation) {
        return -1;
    }

    memcpy(out, cell->payload, SEALED_STAMP_SIZE);

    return 0;
}


void
sealed_body_measure(size_t size, uint32_t *pages, uint32_t *cells)
{
    size_t  rest;

    *pages = (uint32_t) (size / SEALED_PAGE_SIZE);
    rest = size % SEALED_PAGE_SIZE;
    *cells = (uint32_t) ((rest + SEALED_CELL_PAYLOAD - 1)
                         / SEALED_CELL_PAYLOAD);

    if (*cells * sizeof(sealed_cell_t) >= SEALED_PAGE_SIZE) {
        (*pages)++;
        *cells = 0;
    }
}


static int
take_body(sealed_zone_t *zone, const sealed_fanout_t *fanout, uint32_t hour,
    uint32_t expiry)
{
    uint32_t               reference;
    sealed_body_t         *body;
    sealed_worker_t       *w;
    sealed_zone_header_t  *header;

    w = &zone->workers[zone->worker];
    header = zone->header;

    if (sealed_arena_take(zone, SEALED_POOL_BODY, &reference, 1) == 0) {
        return -1;
    }

    body = sealed_zone_body(zone, reference);
    memset(body, 0, sizeof(sealed_body_t));
    body->generation = header->generation;
    body->size = (uint32_t) fanout->body.size;
    body->slice_size = fanout->slice_size;
    body->hour = hour;
    body->expiry = expiry;

    sealed_arena_save(zone, &header->generation, sizeof(uint32_t));
    sealed_arena_save(zone, &w->body, 4 * sizeof(uint32_t));
    sealed_set(header->generation, header->generation + 1);
    sealed_set(w->body, reference);
    sealed_set(w->records, SEALED_NONE);
    sealed_set(w->expected, 0);
    sealed_set(w->linked, 0);

    sealed_lock_commit(zone->arena_lock);

    return 0;
}


/* so many objects, a batch at a time, to the list that begins at head */

static int
take(sealed_zone_t *zone, sealed_pool_t pool, uint32_t n, uint32_t *head,
    link_pt link)
{
    uint32_t  got, reference[BATCH];
    unsigned  held;

    held = 0;

    while (n) {
        got = sealed_arena_take(zone, pool, reference, n < BATCH ? n : BATCH);

        if (got == 0) {
            return -1;
        }

        sealed_arena_save(zone, head, sizeof(uint32_t));
        link(zone, reference, got, head);

        n -= got;
        held += got;

        if (breathe(zone, &held) != 0) {
            return -1;
        }
    }

    return 0;
}


/* the descriptors were saved when the pages were taken */

static void
link_pages(sealed_zone_t *zone, const uint32_t *reference, uint32_t n,
    uint32_t *head)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        sealed_set(*page_next(zone, reference[i]), *head);
        sealed_set(*head, reference[i]);
    }
}


static void
link_cells(sealed_zone_t *zone, const uint32_t *reference, uint32_t n,
    uint32_t *head)
{
    uint32_t        i;
    sealed_body_t  *body;
    sealed_cell_t  *cell;

    body = sealed_zone_body(zone, zone->workers[zone->worker].body);

    for (i = 0; i < n; i++) {
        cell = sealed_zone_cell(zone, reference[i]);
        cell->generation = body->generation;
        cell->next = *head;
        sealed_set(*head, reference[i]);
    }
}


/* the list begins with the lowest: it is walked upwards */

static void
link_records(sealed_zone_t *zone, const uint32_t *reference, uint32_t n,
    uint32_t *head)
{
    uint32_t          i;
    sealed_record_t  *record;

    for (i = n; i > 0; /* void */ ) {
        i--;
        record = sealed_zone_record(zone, reference[i]);
        record->body = zone->workers[zone->worker].body;
        record->next = *head;
        sealed_set(*head, reference[i]);
    }
}


/* nobody else knows of this body yet: no lock */

static void
store(sealed_zone_t *zone, const sealed_body_t *body, const uint8_t *data,
    sealed_bytes_t stamp)
{
    size_t          size, n;
    uint32_t        page, cell;
    sealed_cell_t  *object;

    size = body->size;

    for (page = body->page; page != SEALED_NONE; size -= n) {
        n = size < SEALED_PAGE_SIZE ? size : SEALED_PAGE_SIZE;
        memcpy(sealed_zone_object(zone, page), data, n);
        data += n;
        page = *page_next(zone, page);
    }

    for (cell = body->cell; cell != SEALED_NONE; size -= n) {
        object = sealed_zone_cell(zone, cell);
        n = size < SEALED_CELL_PAYLOAD ? size : SEALED_CELL_PAYLOAD;
        memcpy(object->payload, data, n);
        data += n;
        cell = object->next;
    }

    if (stamp.data) {
        memcpy(sealed_zone_cell(zone, body->stamp)->payload, stamp.data,
               SEALED_STAMP_SIZE);
    }

    sealed_publish();
}


/* those of a delivery that no mailbox got */

static int
give_records(sealed_zone_t *zone)
{
    unsigned          held;
    uint32_t          reference;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (w->records == SEALED_NONE) {
        return 0;
    }

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    held = 0;

    while (w->records != SEALED_NONE) {
        reference = w->records;

        sealed_arena_save(zone, &w->records, sizeof(uint32_t));
        sealed_set(w->records, sealed_zone_record(zone, reference)->next);
        sealed_arena_give(zone, reference);

        held++;

        if (breathe(zone, &held) != 0) {
            return -1;
        }
    }

    sealed_arena_unlock(zone);

    return 0;
}


static int
drop_records(sealed_zone_t *zone)
{
    unsigned          held;
    uint32_t          reference;
    sealed_body_t    *body;
    sealed_record_t  *record;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    held = 0;

    while (w->dropped != SEALED_NONE) {
        reference = w->dropped;
        record = sealed_zone_record(zone, reference);
        body = sealed_zone_body(zone, record->body);

        sodium_memzero(record->slice, body->slice_size);

        sealed_arena_save(zone, &w->dropped, 2 * sizeof(uint32_t));
        sealed_arena_save(zone, &body->references, sizeof(uint32_t));
        sealed_set(w->dropped, record->next);
        sealed_set(body->references, body->references - 1);

        if (body->references == 0) {
            sealed_arena_save(zone, &body->trash_next, sizeof(uint32_t));
            sealed_set(body->trash_next, w->trash);
            sealed_set(w->trash, record->body);
        }

        sealed_arena_give(zone, reference);

        held++;

        if (breathe(zone, &held) != 0) {
            return -1;
        }
    }

    sealed_arena_unlock(zone);

    return 0;
}


/* nobody else knows of this body any more: no lock */

static void
wipe(sealed_zone_t *zone, sealed_body_t *body)
{
    uint32_t  page, cell;

    for (page = body->page; page != SEALED_NONE; /* void */ ) {
        sodium_memzero(sealed_zone_object(zone, page), SEALED_PAGE_SIZE);
        page = *page_next(zone, page);
    }

    for (cell = body->cell; cell != SEALED_NONE; /* void */ ) {
        sodium_memzero(sealed_zone_cell(zone, cell)->payload,
                       SEALED_CELL_PAYLOAD);
        cell = sealed_zone_cell(zone, cell)->next;
    }

    if (body->stamp != SEALED_NONE) {
        sodium_memzero(sealed_zone_cell(zone, body->stamp)->payload,
                       SEALED_CELL_PAYLOAD);
    }
}


static int
give_body(sealed_zone_t *zone, uint32_t reference)
{
    unsigned          held;
    uint32_t          piece, next, *head;
    sealed_body_t    *body;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    body = sealed_zone_body(zone, reference);

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    held = 0;

    for ( ;; ) {

        if (body->page != SEALED_NONE) {
            head = &body->page;
            next = *page_next(zone, body->page);

        } else if (body->cell != SEALED_NONE) {
            head = &body->cell;
            next = sealed_zone_cell(zone, body->cell)->next;

        } else if (body->stamp != SEALED_NONE) {
            head = &body->stamp;
            next = SEALED_NONE;

        } else {
            break;
        }

        piece = *head;
        sealed_arena_save(zone, head, sizeof(uint32_t));
        sealed_set(*head, next);
        sealed_arena_give(zone, piece);

        held++;

        if (breathe(zone, &held) != 0) {
            return -1;
        }
    }

    sealed_arena_save(zone, &w->trash, sizeof(uint32_t));
    sealed_set(w->trash, body->trash_next);
    sealed_arena_give(zone, reference);

    sealed_arena_unlock(zone);

    return 0;
}


/* commits in time, and lets others in now and then; -1: the lock is lost */

static int
breathe(sealed_zone_t *zone, unsigned *n)
{
    if (*n >= BATCH) {
        *n = 0;
        sealed_arena_unlock(zone);
        return sealed_arena_lock(zone);
    }

    if (sealed_lock_room(zone->arena_lock) < 3 * SEALED_ARENA_WORDS) {
        sealed_lock_commit(zone->arena_lock);
    }

    return 0;
}


/* a page of a body is full, and in no list of pages: its link is free */

static uint32_t *
page_next(const sealed_zone_t *zone, uint32_t page)
{
    return &sealed_arena_page(zone, page / (SEALED_PAGE_SIZE / 8))->next;
}
