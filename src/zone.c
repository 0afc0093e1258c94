
#include "zone.h"

#include <string.h>
#include <sodium.h>


#define ALIGN(n, a)  (((n) + (a) - 1) / (a) * (a))


/* where the parts of a zone are, in octets from its start */

typedef struct {
    uint64_t                      arena_lock;
    uint64_t                      wake;
    uint64_t                      workers;
    uint64_t                      shards;
    uint64_t                      end;
} parts_t;


static void plan(parts_t *parts, uint32_t shard_bits);
static void map(sealed_zone_t *zone, void *memory, uint32_t shard_bits);
static sealed_lock_t *lock_of(const sealed_zone_t *zone, uint32_t n);
static int init_locks(sealed_zone_t *zone);
static uint32_t shard_bits(size_t size);
static uint32_t layout(void);
static void raise_to(uint64_t *field, uint64_t value);
static int take(sealed_zone_t *zone, sealed_lock_t *lock);


size_t
sealed_zone_min_size(void)
{
    return SEALED_ZONE_MIN_SIZE;
}


int
sealed_zone_format(sealed_zone_t *zone, void *memory, size_t size,
    uint64_t now, const uint8_t hash_key[16])
{
    parts_t                parts;
    uint32_t               i, page[2];
    sealed_shard_t        *shard;
    sealed_zone_header_t  *header;

    if (size < SEALED_ZONE_MIN_SIZE || size > SEALED_ZONE_MAX) {
        return -1;
    }

    header = memory;
    header->version = SEALED_ZONE_VERSION;
    header->layout = layout();
    header->birth = now;
    header->clock = now;
    header->shard_bits = shard_bits(size);
    header->generation = 1;
    memcpy(header->hash_key, hash_key, sizeof(header->hash_key));

    plan(&parts, header->shard_bits);
    sealed_arena_format(&header->arena, (uint32_t) (size / SEALED_PAGE_SIZE),
                        (uint32_t) (parts.end / SEALED_PAGE_SIZE));

    map(zone, memory, header->shard_bits);

    if (header->arena.total < SEALED_ZONE_MIN_PAGES || init_locks(zone) != 0)
    {
        return -1;
    }

    for (i = 0; i <= zone->shard_mask; i++) {
        shard = &zone->shards[i];

        if (sealed_arena_lock(zone) != 0) {
            return -1;
        }

        (void) sealed_arena_take(zone, SEALED_POOL_INDEX, page, 2);
        sealed_arena_unlock(zone);

        sealed_table_init(&shard->mailboxes, page[0]);
        sealed_table_init(&shard->certificates, page[1]);
        sealed_wheel_init(&shard->wheel, SEALED_HOUR(now));
    }

    sealed_publish();
    header->magic = SEALED_ZONE_MAGIC;

    return 0;
}


const char *
sealed_zone_attach(sealed_zone_t *zone, void *memory, size_t size)
{
    parts_t                parts;
    sealed_zone_header_t  *header;

    header = memory;

    if (size < SEALED_ZONE_MIN_SIZE || header->magic != SEALED_ZONE_MAGIC) {
        return "it is not a zone";
    }

    if (header->version != SEALED_ZONE_VERSION
        || header->layout != layout()
        || header->shard_bits > 6)
    {
        return "it has another layout";
    }

    plan(&parts, header->shard_bits);

    if (size > SEALED_ZONE_MAX
        || header->arena.pages > size / SEALED_PAGE_SIZE
        || header->arena.pages < SEALED_ZONE_MIN_SIZE / SEALED_PAGE_SIZE
        || header->arena.control != parts.end / SEALED_PAGE_SIZE)
    {
        return "its size is not what it says";
    }

    map(zone, memory, header->shard_bits);

    /* who died while he changed it has left the former state in the log */

    if (zone->arena_lock->used == 0
        && (header->arena.carved > header->arena.pages
            || header->arena.total
               != sealed_arena_total(header->arena.pages,
                                     header->arena.control)))
    {
        return "its size is not what it says";
    }

    return NULL;
}


uint64_t
sealed_zone_birth(sealed_zone_t *zone, uint64_t now)
{
    uint64_t               seen, forgotten;
    sealed_zone_header_t  *header;

    header = zone->header;
    seen = __atomic_load_n(&header->clock, __ATOMIC_RELAXED);

    if (seen != now) {
        forgotten = __atomic_load_n(&header->forgotten, __ATOMIC_ACQUIRE);

        if (forgotten > now + SEALED_CLOCK_SLACK
            && (seen > now ? seen - now : now - seen) > SEALED_CLOCK_SLACK)
        {
            raise_to(&header->birth, now);
        }

        __atomic_store_n(&header->clock, now, __ATOMIC_RELEASE);
    }

    return __atomic_load_n(&header->birth, __ATOMIC_RELAXED);
}


void
sealed_zone_forget(sealed_zone_t *zone, uint64_t now)
{
    raise_to(&zone->header->forgotten, now);
}


static void
raise_to(uint64_t *field, uint64_t value)
{
    uint64_t  old;

    old = __atomic_load_n(field, __ATOMIC_RELAXED);

    while (old < value
           && !__atomic_compare_exchange_n(field, &old, value, 0,
                                           __ATOMIC_RELEASE,
                                           __ATOMIC_RELAXED))
    {
        /* old is what another one has put there */
    }
}


int
sealed_zone_adopt(sealed_zone_t *zone)
{
    if (sealed_zone_undo(zone, sealed_zone_size(zone)) != 0) {
        return -1;
    }

    sealed_zone_settle(zone);

    return 0;
}


int
sealed_zone_undo(sealed_zone_t *zone, size_t size)
{
    uint32_t       i;
    sealed_zone_t  same;

    for (i = 0; i <= zone->shard_mask + 1; i++) {

        if (!sealed_lock_sound(zone->base, size, lock_of(zone, i))) {
            return -1;
        }

        sealed_lock_undo(zone->base, lock_of(zone, i));
    }

    /* in a damaged one that may have been its header, or another log */

    if (sealed_zone_attach(&same, zone->base, size) != NULL
        || same.shard_mask != zone->shard_mask)
    {
        return -1;
    }

    for (i = 0; i <= zone->shard_mask + 1; i++) {
        if (lock_of(zone, i)->used) {
            return -1;
        }
    }

    return init_locks(zone);
}


void
sealed_zone_settle(sealed_zone_t *zone)
{
    uint32_t       i;
    sealed_zone_t  dead;

    dead = *zone;

    for (i = 0; i < SEALED_WORKERS; i++) {
        dead.worker = i;
        sealed_worker_settle(&dead);
    }
}


int
sealed_zone_resize(sealed_zone_t *zone, size_t size)
{
    int  rc;

    if (size < SEALED_ZONE_MIN_SIZE
        || size > SEALED_ZONE_MAX
        || sealed_arena_lock(zone) != 0)
    {
        return -1;
    }

    rc = sealed_arena_resize(zone, (uint32_t) (size / SEALED_PAGE_SIZE));
    sealed_arena_unlock(zone);

    return rc;
}


size_t
sealed_zone_least_size(sealed_zone_t *zone)
{
    size_t  size;

    if (sealed_arena_lock(zone) != 0) {
        return sealed_zone_size(zone);
    }

    size = (size_t) sealed_arena_least(zone) * SEALED_PAGE_SIZE;
    sealed_arena_unlock(zone);

    return size < SEALED_ZONE_MIN_SIZE ? SEALED_ZONE_MIN_SIZE : size;
}


size_t
sealed_zone_size(const sealed_zone_t *zone)
{
    return (size_t) zone->header->arena.pages * SEALED_PAGE_SIZE;
}


int
sealed_zone_status(sealed_zone_t *zone, sealed_zone_status_t *status)
{
    uint32_t         i;
    sealed_arena_t  *arena;
    sealed_shard_t  *shard;

    memset(status, 0, sizeof(sealed_zone_status_t));

    for (i = 0; i <= zone->shard_mask; i++) {
        shard = &zone->shards[i];

        if (sealed_shard_lock(zone, shard) != 0) {
            return -1;
        }

        status->mailboxes += shard->mailboxes.count - shard->ended;
        status->closed += shard->ended;
        status->certificates += shard->certificates.count;

        sealed_shard_unlock(zone, shard);
    }

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    arena = &zone->header->arena;
    status->size = sealed_zone_size(zone);
    status->pages = arena->total;
    status->pages_free = arena->free_pages;
    status->shards = zone->shard_mask + 1;
    status->bodies = arena->pool[SEALED_POOL_BODY].used;
    status->cells = arena->pool[SEALED_POOL_CELL].used;

    for (i = SEALED_POOL_RECORD; i <= SEALED_POOL_RECORD_LAST; i++) {
        status->envelopes += arena->pool[i].used;
    }

    sealed_arena_unlock(zone);

    status->repairs = __atomic_load_n(&zone->header->repairs,
                                      __ATOMIC_RELAXED);
    status->damaged = __atomic_load_n(&zone->header->damaged,
                                      __ATOMIC_RELAXED);

    return 0;
}


/* SipHash with the zone's secret: chosen ids cannot be piled up */

uint64_t
sealed_zone_hash(const sealed_zone_t *zone, const uint8_t id[16])
{
    uint64_t  hash;

    (void) crypto_shorthash((uint8_t *) &hash, id, 16,
                            zone->header->hash_key);

    return hash;
}


sealed_shard_t *
sealed_zone_shard(const sealed_zone_t *zone, uint64_t hash)
{
    return &zone->shards[(hash >> 32) & zone->shard_mask];
}


int
sealed_shard_lock(sealed_zone_t *zone, sealed_shard_t *shard)
{
    return take(zone, &shard->lock);
}


void
sealed_shard_unlock(sealed_zone_t *zone, sealed_shard_t *shard)
{
    sealed_lock_give(&shard->lock);
}


int
sealed_arena_lock(sealed_zone_t *zone)
{
    return take(zone, zone->arena_lock);
}


void
sealed_arena_unlock(sealed_zone_t *zone)
{
    sealed_lock_give(zone->arena_lock);
}


uint32_t
sealed_zone_keep(const sealed_zone_t *zone)
{
    return zone->header->arena.total / 64;
}


static int
take(sealed_zone_t *zone, sealed_lock_t *lock)
{
    int  rc;

    rc = sealed_lock_take(zone->base, lock);

    if (rc == 1) {
        (void) __atomic_fetch_add(&zone->header->repairs, 1,
                                  __ATOMIC_RELAXED);
        rc = 0;
    }

    return rc;
}


static void
plan(parts_t *parts, uint32_t shard_bits)
{
    uint64_t  offset;

    _Static_assert(sizeof(sealed_zone_header_t)
                   <= SEALED_EXTENT_FIRST * sizeof(sealed_page_t),
                   "the header lies where 16 descriptors would");

    offset = SEALED_EXTENT_FIRST * SEALED_PAGE_SIZE;
    parts->arena_lock = offset;

    offset = ALIGN(offset + sizeof(sealed_lock_t), 64);
    parts->wake = offset;

    offset += SEALED_WORKERS * sizeof(sealed_wake_ring_t);
    offset = ALIGN(offset, 64);
    parts->workers = offset;

    offset += SEALED_WORKERS * sizeof(sealed_worker_t);
    offset = ALIGN(offset, 64);
    parts->shards = offset;

    offset += sizeof(sealed_shard_t) << shard_bits;
    parts->end = ALIGN(offset, SEALED_PAGE_SIZE);
}


static void
map(sealed_zone_t *zone, void *memory, uint32_t shard_bits)
{
    parts_t  parts;

    plan(&parts, shard_bits);

    zone->base = memory;
    zone->header = memory;
    zone->arena_lock = (sealed_lock_t *) (zone->base + parts.arena_lock);
    zone->wake = (sealed_wake_ring_t *) (zone->base + parts.wake);
    zone->workers = (sealed_worker_t *) (zone->base + parts.workers);
    zone->shards = (sealed_shard_t *) (zone->base + parts.shards);
    zone->shard_mask = ((uint32_t) 1 << shard_bits) - 1;
    zone->worker = SEALED_WORKERS;
}


/* the arena's, then those of the shards */

static sealed_lock_t *
lock_of(const sealed_zone_t *zone, uint32_t n)
{
    return n ? &zone->shards[n - 1].lock : zone->arena_lock;
}


static int
init_locks(sealed_zone_t *zone)
{
    uint32_t  i;

    for (i = 0; i < SEALED_WORKERS; i++) {
        if (sealed_lock_init(&zone->workers[i].mutex) != 0) {
            return -1;
        }
    }

    for (i = 0; i <= zone->shard_mask; i++) {
        if (sealed_lock_init(&zone->shards[i].lock.mutex) != 0) {
            return -1;
        }
    }

    return sealed_lock_init(&zone->arena_lock->mutex);
}


static uint32_t
shard_bits(size_t size)
{
    uint32_t  bits;

    bits = 2;

    while (bits < 6 && ((size_t) SEALED_SHARD_MEMORY << bits) < size) {
        bits++;
    }

    return bits;
}


/* changes whenever a struct that lies in a zone does */

static uint32_t
layout(void)
{
    unsigned  i;
    uint32_t  n;

    static const uint32_t  sizes[] = {
        sizeof(sealed_zone_header_t), sizeof(sealed_lock_t),
        sizeof(sealed_wake_ring_t), sizeof(sealed_worker_t),
        sizeof(sealed_shard_t), sizeof(sealed_page_t),
        sizeof(sealed_mailbox_t), sizeof(sealed_certificate_entry_t),
        sizeof(sealed_record_t), sizeof(sealed_body_t),
        sizeof(sealed_cell_t), SEALED_POOLS
    };

    n = 0;

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        n = (uint32_t) ((uint64_t) n * 31 + sizes[i]);
    }

    return n;
}
