
/* what is looked at here may be wrong, and is told, not trusted */
#undef SEALED_CHECKED

#include "zone_check.h"
#include "body.h"

#include <string.h>


enum {
    BODIES = SEALED_PAGE_SIZE / sizeof(sealed_body_t)
};


/* what is found of a page: objects owned, in a wheel; references to bodies */

typedef struct {
    uint64_t                      owned[3];
    uint64_t                      hung[3];
    uint32_t                      listed;
    uint32_t                      references[BODIES];
} page_marks_t;


typedef struct {
    const sealed_zone_t          *zone;
    page_marks_t                 *pages;
    const char                   *error;
} walk_t;


static void walk_shard(walk_t *walk, const sealed_shard_t *shard);
static int walk_index(walk_t *walk, const sealed_table_t *table);
static uint32_t walk_table(walk_t *walk, const sealed_shard_t *shard,
    const sealed_table_t *table, sealed_pool_t pool);
static void walk_records(walk_t *walk, const sealed_mailbox_t *mailbox);
static void walk_wheel(walk_t *walk, const sealed_shard_t *shard);
static void walk_slot(walk_t *walk, uint32_t head, uint32_t slot);
static void walk_worker(walk_t *walk, const sealed_worker_t *w);
static void own_object(walk_t *walk, uint32_t reference);
static void walk_bodies(walk_t *walk);
static void walk_body(walk_t *walk, const sealed_body_t *body);
static void walk_pages(walk_t *walk);
static void walk_lists(walk_t *walk);
static void check_page(walk_t *walk, uint32_t page);
static int own(walk_t *walk, sealed_pool_t pool, uint32_t reference);
static int own_record(walk_t *walk, uint32_t reference);
static uint32_t *references(walk_t *walk, uint32_t body);
static int mark(walk_t *walk, uint64_t *bits, sealed_pool_t pool,
    uint32_t reference, const char *twice);
static void fail(walk_t *walk, const char *error);


size_t
sealed_zone_check_scratch(const sealed_zone_t *zone)
{
    return zone->arena_lock->used
           ? 0
           : (size_t) zone->header->arena.carved * sizeof(page_marks_t);
}


const char *
sealed_zone_check(const sealed_zone_t *zone, void *scratch)
{
    walk_t    walk;
    uint32_t  i;

    /* what it says of its pages may be half changed */

    if (zone->arena_lock->used) {
        return "the arena's undo log is not empty";
    }

    walk.zone = zone;
    walk.pages = scratch;
    walk.error = NULL;

    memset(scratch, 0, sealed_zone_check_scratch(zone));

    for (i = 0; i <= zone->shard_mask; i++) {
        walk_shard(&walk, &zone->shards[i]);
    }

    for (i = 0; i < SEALED_WORKERS; i++) {
        walk_worker(&walk, &zone->workers[i]);
    }

    walk_bodies(&walk);
    walk_pages(&walk);
    walk_lists(&walk);

    return walk.error;
}


static void
walk_shard(walk_t *walk, const sealed_shard_t *shard)
{
    uint32_t  ended;

    if (shard->lock.used) {
        fail(walk, "a shard's undo log is not empty");
    }

    if (walk_index(walk, &shard->mailboxes) != 0
        || walk_index(walk, &shard->certificates) != 0)
    {
        return;
    }

    ended = walk_table(walk, shard, &shard->mailboxes, SEALED_POOL_MAILBOX);
    (void) walk_table(walk, shard, &shard->certificates,
                      SEALED_POOL_CERTIFICATE);

    if (ended != shard->ended) {
        fail(walk, "ended mailboxes are miscounted");
    }

    walk_wheel(walk, shard);
}


/* -1: its buckets cannot be looked at */

static int
walk_index(walk_t *walk, const sealed_table_t *table)
{
    uint32_t  i, n, *root;

    if (table->buckets > SEALED_TABLE_MAX) {
        fail(walk, "a table that is larger than any");
        return -1;
    }

    n = (table->buckets + SEALED_TABLE_PAGE - 1) / SEALED_TABLE_PAGE;

    if (table->root != SEALED_NONE || n > SEALED_TABLE_DIRECT) {
        if (own(walk, SEALED_POOL_INDEX, table->root) != 0) {
            return -1;
        }
    }

    root = sealed_zone_object(walk->zone, table->root);

    for (i = 0; i < n; i++) {
        if (own(walk, SEALED_POOL_INDEX,
                i < SEALED_TABLE_DIRECT ? table->page[i]
                                        : root[i - SEALED_TABLE_DIRECT])
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


/* returns how many mailboxes have ended */

static uint32_t
walk_table(walk_t *walk, const sealed_shard_t *shard,
    const sealed_table_t *table, sealed_pool_t pool)
{
    uint32_t               i, n, ended, reference, *bucket;
    uint64_t               hash;
    sealed_mailbox_t      *mailbox;
    sealed_table_entry_t  *entry;
    const sealed_zone_t   *zone;

    zone = walk->zone;
    ended = 0;
    n = 0;

    for (i = 0; i < table->buckets; i++) {
        bucket = sealed_table_bucket(zone, table, i);

        for (reference = *bucket; reference != SEALED_NONE;
             reference = entry->next)
        {
            if (own(walk, pool, reference) != 0) {
                break;
            }

            entry = sealed_zone_object(zone, reference);
            hash = sealed_zone_hash(zone, entry->id);
            n++;

            if (sealed_zone_shard(zone, hash) != shard
                || sealed_table_bucket(zone, table, hash) != bucket)
            {
                fail(walk, "an entry where its id does not belong");
            }

            if (pool != SEALED_POOL_MAILBOX) {
                continue;
            }

            mailbox = sealed_zone_mailbox(zone, reference);
            ended += mailbox->tag == 0;
            walk_records(walk, mailbox);
        }
    }

    if (n != table->count) {
        fail(walk, "a table's entries are miscounted");
    }

    return ended;
}


static void
walk_records(walk_t *walk, const sealed_mailbox_t *mailbox)
{
    uint32_t              count, next;
    uint64_t              bytes, seq;
    sealed_body_t        *body;
    sealed_record_t      *record;
    const sealed_zone_t  *zone;

    zone = walk->zone;
    count = 0;
    bytes = 0;
    seq = 0;

    if ((mailbox->head == SEALED_NONE) != (mailbox->tail == SEALED_NONE)) {
        fail(walk, "a mailbox with one end");
        return;
    }

    for (next = mailbox->head; next != SEALED_NONE; next = record->next) {

        if (own_record(walk, next) != 0) {
            return;
        }

        record = sealed_zone_record(zone, next);
        body = sealed_zone_body(zone, record->body);

        if (record->seq <= seq) {
            fail(walk, "sequence numbers that do not ascend");
        }

        if (record->mailbox != sealed_zone_reference(zone, mailbox)) {
            fail(walk, "a record of another mailbox");
        }

        seq = record->seq;
        bytes += (uint64_t) body->size + body->slice_size;
        count++;

        if (next == mailbox->tail) {
            break;
        }
    }

    if (mailbox->count != count || mailbox->bytes != bytes) {
        fail(walk, "a mailbox whose counts are not those of its envelopes");
    }

    if (mailbox->next_seq <= seq) {
        fail(walk, "a mailbox that would give a number twice");
    }
}


static void
walk_wheel(walk_t *walk, const sealed_shard_t *shard)
{
    uint32_t  i;

    walk_slot(walk, shard->wheel.pending, SEALED_WHEEL_SLOTS);

    for (i = 0; i < SEALED_WHEEL_SLOTS; i++) {
        walk_slot(walk, shard->wheel.slot[i], i);
    }
}


/* slot SEALED_WHEEL_SLOTS: what is pending, of any hour */

static void
walk_slot(walk_t *walk, uint32_t head, uint32_t slot)
{
    uint32_t              reference, prev;
    sealed_pool_t         pool;
    sealed_wheel_node_t  *node;
    const sealed_zone_t  *zone;

    zone = walk->zone;
    prev = SEALED_NONE;

    for (reference = head; reference != SEALED_NONE; reference = node->next)
    {
        pool = sealed_arena_valid(zone, SEALED_POOL_MAILBOX, reference)
               ? SEALED_POOL_MAILBOX : SEALED_POOL_CERTIFICATE;

        if (!sealed_arena_valid(zone, pool, reference)) {
            fail(walk, "a wheel with something that is not timed");
            return;
        }

        if (mark(walk, walk->pages[reference / (SEALED_PAGE_SIZE / 8)].hung,
                 pool, reference, "an object twice in a wheel")
            != 0)
        {
            return;
        }

        node = pool == SEALED_POOL_MAILBOX
               ? &sealed_zone_mailbox(zone, reference)->node
               : &sealed_zone_certificate(zone, reference)->node;

        if (node->prev != prev) {
            fail(walk, "a wheel that does not lead back");
        }

        if (slot != SEALED_WHEEL_SLOTS
            && node->due % SEALED_WHEEL_SLOTS != slot)
        {
            fail(walk, "an object in another hour's slot");
        }

        prev = reference;
    }
}


static void
walk_worker(walk_t *walk, const sealed_worker_t *w)
{
    uint32_t              next;
    sealed_body_t        *body;
    sealed_record_t      *record;
    const sealed_zone_t  *zone;

    zone = walk->zone;

    for (next = w->records; next != SEALED_NONE; next = record->next) {

        /* bodies count those that are expected, not these */

        record = sealed_zone_record(zone, next);

        if (own_record(walk, next) != 0) {
            return;
        }

        (*references(walk, record->body))--;
    }

    for (next = w->dropped; next != SEALED_NONE; next = record->next) {
        record = sealed_zone_record(zone, next);

        if (own_record(walk, next) != 0) {
            return;
        }
    }

    if (w->body != SEALED_NONE
        && sealed_arena_valid(zone, SEALED_POOL_BODY, w->body))
    {
        /* not more than there could be records */

        if (w->linked > w->expected
            || w->expected - w->linked
               >= (uint64_t) zone->header->arena.carved * SEALED_PAGE_SIZE
                  / sizeof(sealed_record_t))
        {
            fail(walk, "a worker whose records are miscounted");
            return;
        }

        *references(walk, w->body) += w->expected - w->linked;

        if (w->expected == 0) {
            (void) own(walk, SEALED_POOL_BODY, w->body);
            walk_body(walk, sealed_zone_body(zone, w->body));
        }

    } else if (w->body != SEALED_NONE
               && (w->expected == 0 || w->expected != w->linked))
    {
        /* only one that is linked as often as it is meant to be may be gone */

        fail(walk, "a worker with a body that is not in use");
        return;
    }

    for (next = w->trash; next != SEALED_NONE; next = body->trash_next) {
        body = sealed_zone_body(zone, next);

        if (own(walk, SEALED_POOL_BODY, next) != 0) {
            return;
        }

        walk_body(walk, body);
    }

    own_object(walk, w->object);
    own_object(walk, w->gone);

    if (w->index != SEALED_NONE) {
        (void) own(walk, SEALED_POOL_INDEX, w->index);
    }

    if (w->gone_index != SEALED_NONE) {
        (void) own(walk, SEALED_POOL_INDEX, w->gone_index);
    }
}


/* on its way to a table or from one: in no wheel, and need not be */

static void
own_object(walk_t *walk, uint32_t reference)
{
    sealed_pool_t  pool;

    if (reference == SEALED_NONE) {
        return;
    }

    pool = sealed_arena_valid(walk->zone, SEALED_POOL_MAILBOX, reference)
           ? SEALED_POOL_MAILBOX : SEALED_POOL_CERTIFICATE;

    if (own(walk, pool, reference) == 0) {
        (void) mark(walk, walk->pages[reference / (SEALED_PAGE_SIZE / 8)].hung,
                    pool, reference,
                    "an object in a wheel and in a worker's place");
    }
}


/* each body that is referred to, once */

static void
walk_bodies(walk_t *walk)
{
    uint32_t        page, i, reference;
    sealed_body_t  *body;

    for (page = walk->zone->header->arena.control;
         page < walk->zone->header->arena.carved;
         page++)
    {
        for (i = 0; i < BODIES; i++) {

            if (walk->pages[page].references[i] == 0) {
                continue;
            }

            reference = page * (SEALED_PAGE_SIZE / 8)
                        + i * (uint32_t) (sizeof(sealed_body_t) / 8);
            body = sealed_zone_body(walk->zone, reference);

            if (body->references != walk->pages[page].references[i]) {
                fail(walk, "a body whose references are miscounted");
            }

            if (own(walk, SEALED_POOL_BODY, reference) == 0) {
                walk_body(walk, body);
            }
        }
    }
}


static void
walk_body(walk_t *walk, const sealed_body_t *body)
{
    size_t          room;
    uint32_t        next;
    sealed_cell_t  *cell;

    room = 0;

    for (next = body->page; next != SEALED_NONE; /* void */ ) {

        if (own(walk, SEALED_POOL_PAGE, next) != 0) {
            return;
        }

        room += SEALED_PAGE_SIZE;
        next = sealed_arena_page(walk->zone,
                                 next / (SEALED_PAGE_SIZE / 8))->next;
    }

    for (next = body->cell; next != SEALED_NONE; next = cell->next) {
        cell = sealed_zone_cell(walk->zone, next);

        if (own(walk, SEALED_POOL_CELL, next) != 0) {
            return;
        }

        if (cell->generation != body->generation) {
            fail(walk, "a cell of another body");
        }

        room += SEALED_CELL_PAYLOAD;
    }

    if (body->stamp != SEALED_NONE) {
        (void) own(walk, SEALED_POOL_CELL, body->stamp);
    }

    if (body->references && room < body->size) {
        fail(walk, "a body that is longer than its cells");
    }
}


/* what is marked against what the arena believes */

static void
walk_pages(walk_t *walk)
{
    uint32_t               i, page, free_pages, pages[SEALED_POOLS];
    uint64_t               used[SEALED_POOLS];
    const sealed_page_t   *descriptor;
    const sealed_arena_t  *arena;

    arena = &walk->zone->header->arena;
    free_pages = arena->total
                 - sealed_arena_total(arena->carved, arena->control);

    memset(pages, 0, sizeof(pages));
    memset(used, 0, sizeof(used));

    for (page = arena->control; page < arena->carved; page++) {

        if (page % SEALED_EXTENT_PAGES < SEALED_EXTENT_FIRST) {
            continue;
        }

        descriptor = sealed_arena_page(walk->zone, page);

        if (descriptor->pool >= SEALED_POOLS) {
            fail(walk, "a page of an unknown pool");
            continue;
        }

        if (descriptor->pool == SEALED_POOL_FREE) {
            free_pages++;
            continue;
        }

        pages[descriptor->pool]++;
        used[descriptor->pool] += descriptor->count;
        check_page(walk, page);
    }

    if (free_pages != arena->free_pages) {
        fail(walk, "free pages are miscounted");
    }

    for (i = 1; i < SEALED_POOLS; i++) {
        if (arena->pool[i].pages != pages[i]
            || arena->pool[i].used != used[i])
        {
            fail(walk, "a pool's counts are wrong");
        }
    }
}


static void
check_page(walk_t *walk, uint32_t page)
{
    unsigned              i, count;
    const page_marks_t   *marks;
    const sealed_page_t  *descriptor;

    descriptor = sealed_arena_page(walk->zone, page);
    marks = &walk->pages[page];
    count = 0;

    for (i = 0; i < 3; i++) {
        count += (unsigned) __builtin_popcountll(descriptor->used[i]);

        if (descriptor->used[i] != marks->owned[i]) {
            fail(walk, "an object in use that nobody owns");
        }

        if ((descriptor->pool == SEALED_POOL_MAILBOX
             || descriptor->pool == SEALED_POOL_CERTIFICATE)
            && marks->hung[i] != marks->owned[i])
        {
            fail(walk, "an object that is in no wheel, or there only");
        }
    }

    if (count != descriptor->count || count == 0) {
        fail(walk, "a page's objects are miscounted");
    }
}


static void
walk_lists(walk_t *walk)
{
    uint32_t               i, page, prev, n;
    const sealed_page_t   *descriptor;
    const sealed_arena_t  *arena;

    arena = &walk->zone->header->arena;

    for (i = 0; i < SEALED_POOLS; i++) {
        prev = SEALED_NONE;
        page = i ? arena->pool[i].partial : arena->free_page;

        for ( /* void */ ; page != SEALED_NONE; page = descriptor->next) {

            if (page < arena->control
                || page >= arena->carved
                || page % SEALED_EXTENT_PAGES < SEALED_EXTENT_FIRST
                || walk->pages[page].listed)
            {
                fail(walk, "a list of pages that leads astray");
                return;
            }

            walk->pages[page].listed = 1;
            descriptor = sealed_arena_page(walk->zone, page);

            if (descriptor->pool != i
                || (i && descriptor->prev != prev)
                || (i && descriptor->count == sealed_pool_objects(i)))
            {
                fail(walk, "a page in a list that is not its own");
            }

            prev = page;
        }
    }

    n = 0;

    for (page = arena->control; page < arena->carved; page++) {

        if (page % SEALED_EXTENT_PAGES < SEALED_EXTENT_FIRST) {
            continue;
        }

        descriptor = sealed_arena_page(walk->zone, page);
        n += !walk->pages[page].listed
             && descriptor->pool < SEALED_POOLS
             && (descriptor->pool == SEALED_POOL_FREE
                 || descriptor->count < sealed_pool_objects(descriptor->pool));
    }

    if (n) {
        fail(walk, "a page with room that is in no list");
    }
}


static int
own(walk_t *walk, sealed_pool_t pool, uint32_t reference)
{
    if (!sealed_arena_valid(walk->zone, pool, reference)) {
        fail(walk, "a reference to an object that is not in use");
        return -1;
    }

    return mark(walk, walk->pages[reference / (SEALED_PAGE_SIZE / 8)].owned,
                pool, reference, "an object that is owned twice");
}


/* also counts for its body, which must be one */

static int
own_record(walk_t *walk, uint32_t reference)
{
    if (!sealed_arena_record(walk->zone, reference)
        || own(walk, sealed_arena_pool(walk->zone, reference), reference) != 0)
    {
        fail(walk, "a list of records with something else in it");
        return -1;
    }

    reference = sealed_zone_record(walk->zone, reference)->body;

    if (!sealed_arena_valid(walk->zone, SEALED_POOL_BODY, reference)) {
        fail(walk, "a record without a body");
        return -1;
    }

    (*references(walk, reference))++;

    return 0;
}


static uint32_t *
references(walk_t *walk, uint32_t body)
{
    return &walk->pages[body / (SEALED_PAGE_SIZE / 8)]
                .references[body % (SEALED_PAGE_SIZE / 8)
                            / (sizeof(sealed_body_t) / 8)];
}


static int
mark(walk_t *walk, uint64_t *bits, sealed_pool_t pool, uint32_t reference,
    const char *twice)
{
    uint32_t  slot;
    uint64_t  bit;

    slot = (uint32_t) (reference % (SEALED_PAGE_SIZE / 8) * 8
                       / sealed_pool_object_size(pool));
    bit = (uint64_t) 1 << slot % 64;

    if (bits[slot / 64] & bit) {
        fail(walk, twice);
        return -1;
    }

    bits[slot / 64] |= bit;

    return 0;
}


static void
fail(walk_t *walk, const char *error)
{
    if (walk->error == NULL) {
        walk->error = error;
    }
}
