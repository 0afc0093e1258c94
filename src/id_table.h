
/*
 * Tables of objects with 16-octet ids: linear hashing, so that they grow and
 * shrink with what is in them, a bucket at a time and never all at once.
 *
 * Buckets are references, 1,024 in an index page of the arena; the first
 * pages are named in the table itself, the others in a page of their own.  A
 * bucket's chain holds one entry on average.  Ids are hashed with a secret
 * of the zone (SipHash), so that chosen ids cannot be piled up.
 *
 * The shard that a table belongs to is locked.  Index pages come and go by
 * way of the worker's place: a table that should grow and lacks a page says
 * so, works on as it is, and is asked again when the page is there.
 */

#ifndef SEALED_ID_TABLE_H
#define SEALED_ID_TABLE_H


#include "arena.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_TABLE_DIRECT  = 8,               /* index pages */
    SEALED_TABLE_PAGE    = SEALED_PAGE_SIZE / 4,   /* buckets */
    SEALED_TABLE_MAX     = (SEALED_TABLE_DIRECT + SEALED_TABLE_PAGE)
                           * SEALED_TABLE_PAGE
};


/* how each object in a table begins */

typedef struct {
    uint8_t                       id[16];
    uint32_t                      next;         /* in its bucket */
} sealed_table_entry_t;


typedef struct {
    uint32_t                      count;        /* entries */
    uint32_t                      buckets;      /* 0: no entry ever */
    uint32_t                      root;         /* references to pages */
    uint32_t                      reserved;
    uint32_t                      page[SEALED_TABLE_DIRECT];
} sealed_table_t;


/* of zeroed memory; page is the reference of a zeroed index page */
void sealed_table_init(sealed_table_t *table, uint32_t page);

/* the place of the hash's bucket, to be prefetched too */
uint32_t *sealed_table_bucket(const sealed_zone_t *zone,
    const sealed_table_t *table, uint64_t hash);

/* the entry's reference, or SEALED_NONE */
uint32_t sealed_table_find(const sealed_zone_t *zone,
    const sealed_table_t *table, uint64_t hash, const uint8_t id[16]);

/* an entry that is not there yet; takes 16 words of the undo log */
void sealed_table_insert(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table, uint64_t hash, uint32_t reference);

/* an entry that is there; likewise */
void sealed_table_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table, uint64_t hash, uint32_t reference);

/*
 * Brings the number of buckets nearer to that of entries, by a few at a
 * time, and commits.  1 when it needs an index page in the worker's place
 * for it, else 0.  A page that it no longer needs is left in the worker's
 * place.
 */
int sealed_table_balance(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_table_t *table);


#pragma GCC visibility pop


#endif /* SEALED_ID_TABLE_H */
