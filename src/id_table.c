
#include "id_table.h"
#include "zone.h"

#include <string.h>


enum {
    STEPS = 4,                  /* buckets to split or merge at a time */
    CHAIN = 96                  /* what the undo log has room for */
};


static uint32_t *place(const sealed_zone_t *zone,
    const sealed_table_t *table, uint32_t bucket);
static int split(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);
static int merge(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);
static int add_page(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);
static void drop_page(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);
static int drop_root(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);
static uint32_t low_power(uint32_t n);


void
sealed_table_init(sealed_table_t *table, uint32_t page)
{
    table->page[0] = page;
    table->buckets = SEALED_TABLE_PAGE;
}


uint32_t *
sealed_table_bucket(const sealed_zone_t *zone, const sealed_table_t *table,
    uint64_t hash)
{
    uint32_t  bucket, buckets, power;

    /* prefetching looks without the lock: one value, whichever it is */

    buckets = __atomic_load_n(&table->buckets, __ATOMIC_RELAXED);
    power = low_power(buckets);
    bucket = (uint32_t) hash & (2 * power - 1);

    if (bucket >= buckets) {
        bucket -= power;
    }

    return place(zone, table, bucket);
}


uint32_t
sealed_table_find(const sealed_zone_t *zone, const sealed_table_t *table,
    uint64_t hash, const uint8_t id[16])
{
    uint32_t               reference;
    sealed_table_entry_t  *entry;

    reference = *sealed_table_bucket(zone, table, hash);

    while (reference != SEALED_NONE) {
        entry = sealed_zone_object(zone, reference);

        if (memcmp(entry->id, id, 16) == 0) {
            break;
        }

        reference = entry->next;
    }

    return reference;
}


void
sealed_table_insert(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table, uint64_t hash, uint32_t reference)
{
    uint32_t              *bucket;
    sealed_table_entry_t  *entry;

    bucket = sealed_table_bucket(zone, table, hash);

    entry = sealed_zone_object(zone, reference);
    entry->next = *bucket;

    sealed_publish();
    sealed_shard_save(zone, shard, bucket, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &table->count, sizeof(uint32_t));
    sealed_set(*bucket, reference);
    sealed_set(table->count, table->count + 1);
}


void
sealed_table_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table, uint64_t hash, uint32_t reference)
{
    uint32_t              *link;
    sealed_table_entry_t  *entry;

    entry = sealed_zone_object(zone, reference);
    link = sealed_table_bucket(zone, table, hash);

    while (*link != reference) {
        link = &((sealed_table_entry_t *) sealed_zone_object(zone, *link))
                ->next;
    }

    sealed_shard_save(zone, shard, link, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &table->count, sizeof(uint32_t));
    sealed_set(*link, entry->next);
    sealed_set(table->count, table->count - 1);
}


int
sealed_table_balance(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table)
{
    int       rc;
    unsigned  i;

    for (i = 0; i < STEPS; i++) {

        if (table->count > table->buckets
            && table->buckets < SEALED_TABLE_MAX)
        {
            rc = split(zone, shard, table);

        } else if (table->count < table->buckets / 2
                   && table->buckets > SEALED_TABLE_PAGE)
        {
            rc = merge(zone, shard, table);

        } else if (table->root != SEALED_NONE
                   && table->count < table->buckets
                   && table->buckets <= SEALED_TABLE_DIRECT
                                        * SEALED_TABLE_PAGE)
        {
            rc = drop_root(zone, shard, table);

        } else {
            return 0;
        }

        sealed_lock_commit(&shard->lock);

        if (rc != 0) {
            return rc == 1;
        }
    }

    return 0;
}


/* also while prefetching, when it may be of a moment ago */

static uint32_t *
place(const sealed_zone_t *zone, const sealed_table_t *table,
    uint32_t bucket)
{
    uint32_t  n, *root, *page;

    n = bucket / SEALED_TABLE_PAGE;

    if (n < SEALED_TABLE_DIRECT) {
        page = sealed_zone_address(zone, table->page[n]);

    } else {
        root = sealed_zone_address(zone, table->root);
        page = sealed_zone_address(zone, root[n - SEALED_TABLE_DIRECT]);
    }

    return &page[bucket % SEALED_TABLE_PAGE];
}


/*
 * One more bucket: its entries come out of one other's chain.  0; 1 when a
 * page is missing; -1 when it has to stay as it is.
 */

static int
split(sealed_zone_t *zone, sealed_shard_t *shard, sealed_table_t *table)
{
    unsigned               n;
    uint32_t               power, reference, *link, *old, *new;
    uint64_t               hash;
    sealed_table_entry_t  *entry;

    power = low_power(table->buckets);
    old = place(zone, table, table->buckets - power);
    n = 0;

    for (link = old; *link != SEALED_NONE; link = &entry->next) {
        entry = sealed_zone_object(zone, *link);

        if (++n > CHAIN) {
            return -1;
        }
    }

    if (table->buckets % SEALED_TABLE_PAGE == 0
        && add_page(zone, shard, table) != 0)
    {
        return 1;
    }

    new = place(zone, table, table->buckets);

    sealed_shard_save(zone, shard, &table->buckets, sizeof(uint32_t));
    sealed_shard_save(zone, shard, new, sizeof(uint32_t));
    sealed_set(*new, SEALED_NONE);

    link = old;

    while (*link != SEALED_NONE) {
        reference = *link;
        entry = sealed_zone_object(zone, reference);
        hash = sealed_zone_hash(zone, entry->id);

        if (((uint32_t) hash & (2 * power - 1)) != table->buckets) {
            link = &entry->next;
            continue;
        }

        sealed_shard_save(zone, shard, link, sizeof(uint32_t));
        sealed_shard_save(zone, shard, &entry->next, sizeof(uint32_t));
        sealed_set(*link, entry->next);
        sealed_set(entry->next, *new);
        sealed_set(*new, reference);
    }

    sealed_set(table->buckets, table->buckets + 1);

    return 0;
}


/* the last bucket's chain goes behind that of the one it came from */

static int
merge(sealed_zone_t *zone, sealed_shard_t *shard, sealed_table_t *table)
{
    uint32_t          last, *link, *old;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    last = table->buckets - 1;

    /* an index page that will go has to find its place empty */

    if (last % SEALED_TABLE_PAGE == 0 && w->gone_index != SEALED_NONE) {
        return -1;
    }

    old = place(zone, table, last);
    link = place(zone, table, last - low_power(last));

    while (*link != SEALED_NONE) {
        link = &((sealed_table_entry_t *) sealed_zone_object(zone, *link))
                ->next;
    }

    sealed_shard_save(zone, shard, &table->buckets, sizeof(uint32_t));
    sealed_shard_save(zone, shard, link, sizeof(uint32_t));
    sealed_shard_save(zone, shard, old, sizeof(uint32_t));
    sealed_set(*link, *old);
    sealed_set(*old, SEALED_NONE);
    sealed_set(table->buckets, last);

    if (last % SEALED_TABLE_PAGE == 0) {
        drop_page(zone, shard, table);
    }

    return 0;
}


/* from the worker's place; the page of pages comes first */

static int
add_page(sealed_zone_t *zone, sealed_shard_t *shard, sealed_table_t *table)
{
    uint32_t          n, *slot;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (w->index == SEALED_NONE) {
        return -1;
    }

    n = table->buckets / SEALED_TABLE_PAGE;

    if (n < SEALED_TABLE_DIRECT) {
        slot = &table->page[n];

    } else if (table->root == SEALED_NONE) {
        slot = &table->root;

    } else {
        slot = (uint32_t *) sealed_zone_object(zone, table->root)
               + (n - SEALED_TABLE_DIRECT);
    }

    sealed_shard_save(zone, shard, slot, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &w->index, sizeof(uint32_t));
    sealed_set(*slot, w->index);
    sealed_set(w->index, SEALED_NONE);

    if (slot == &table->root) {
        sealed_lock_commit(&shard->lock);
        return -1;
    }

    return 0;
}


static void
drop_page(sealed_zone_t *zone, sealed_shard_t *shard, sealed_table_t *table)
{
    uint32_t          n, *slot;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    n = table->buckets / SEALED_TABLE_PAGE;

    slot = n < SEALED_TABLE_DIRECT
           ? &table->page[n]
           : (uint32_t *) sealed_zone_object(zone, table->root)
             + (n - SEALED_TABLE_DIRECT);

    sealed_shard_save(zone, shard, slot, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &w->gone_index, sizeof(uint32_t));
    sealed_set(w->gone_index, *slot);
    sealed_set(*slot, SEALED_NONE);
}


/* the page of pages, when it names none any more */

static int
drop_root(sealed_zone_t *zone, sealed_shard_t *shard, sealed_table_t *table)
{
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (w->gone_index != SEALED_NONE) {
        return -1;
    }

    sealed_shard_save(zone, shard, &table->root, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &w->gone_index, sizeof(uint32_t));
    sealed_set(w->gone_index, table->root);
    sealed_set(table->root, SEALED_NONE);

    return 0;
}


/* the largest power of two that is not above n */

static uint32_t
low_power(uint32_t n)
{
    return (uint32_t) 1 << (31 - __builtin_clz(n));
}
