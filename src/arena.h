
/*
 * The arena: a zone's memory, cut into pages of 4 KiB.
 *
 * Extents of 1,024 pages follow each other; the first 16 pages of each hold
 * the descriptors of all 1,024.  Descriptors of those 16 themselves are not
 * needed: in the first extent that kilobyte is the zone's header.  A zone
 * grows by pages at its end, and nothing ever moves.
 *
 * A page is free, or belongs to one pool, whose objects all have one size; a
 * bitmap in its descriptor tells which are in use.  Taking and giving back
 * are O(1), there is no fragmentation across sizes beyond partly filled
 * pages, and a page that becomes empty returns to all.  "Is there room" can
 * be answered beforehand and exactly.
 *
 * Objects are named by 32-bit references, their offset in the zone divided
 * by 8, never by pointers: processes map a zone where they like, and it may
 * be 32 GiB large.
 *
 * Everything here but has_room, object and valid changes the zone and is
 * called with the arena's lock held; a change stands when the caller
 * commits.
 */

#ifndef SEALED_ARENA_H
#define SEALED_ARENA_H


#include "shard_lock.h"


#pragma GCC visibility push(hidden)


/* no object is at offset 0, where the zone's header is */
#define SEALED_NONE         0

#define SEALED_PAGE_SIZE    4096
#define SEALED_EXTENT_PAGES 1024
#define SEALED_EXTENT_FIRST 16              /* page that is not descriptors */
#define SEALED_ZONE_MAX     ((uint64_t) 32 << 30)

/* each object is complete before the store that links it */
#define sealed_publish()    __atomic_thread_fence(__ATOMIC_RELEASE)


/* records come in sizes, by the slice of headers that they carry */

typedef enum {
    SEALED_POOL_FREE = 0,           /* a page of nobody */
    SEALED_POOL_MAILBOX,
    SEALED_POOL_CERTIFICATE,
    SEALED_POOL_BODY,
    SEALED_POOL_CELL,
    SEALED_POOL_PAGE,               /* 4 KiB of a large body */
    SEALED_POOL_INDEX,              /* of a table */
    SEALED_POOL_RECORD,
    SEALED_POOL_RECORD_LAST = SEALED_POOL_RECORD + 8,
    SEALED_POOLS
} sealed_pool_t;


typedef struct {
    uint64_t                      used[3];
    uint32_t                      next;         /* in its list of pages */
    uint32_t                      prev;
    uint16_t                      pool;
    uint16_t                      count;        /* objects in use */
    uint8_t                       reserved[28];
} sealed_page_t;


typedef struct {
    uint32_t                      partial;      /* pages with room */
    uint32_t                      pages;
    uint64_t                      used;         /* objects in use */
} sealed_pool_state_t;


typedef struct {
    uint32_t                      pages;        /* of the zone, all */
    uint32_t                      control;      /* first for objects */
    uint32_t                      carved;       /* never used from here on */
    uint32_t                      free_page;    /* head of the list */
    uint32_t                      free_pages;   /* listed or not yet carved */
    uint32_t                      total;        /* that can hold objects */
    sealed_pool_state_t           pool[SEALED_POOLS];
} sealed_arena_t;


/* what a process knows of a zone, and a part of one: see zone.h */
typedef struct sealed_zone_s   sealed_zone_t;
typedef struct sealed_shard_s  sealed_shard_t;


/* pages from control on are free; memory is zero */
void sealed_arena_format(sealed_arena_t *arena, uint32_t pages,
    uint32_t control);

/* pages that can hold objects among the first `pages` */
uint32_t sealed_arena_total(uint32_t pages, uint32_t control);

/* how many pages are needed at least for what is there */
uint32_t sealed_arena_least(const sealed_zone_t *zone);

/* another number of pages; -1 when one that would go is in use */
int sealed_arena_resize(sealed_zone_t *zone, uint32_t pages);

/* of one object, in octets; objects in one page */
size_t sealed_pool_object_size(sealed_pool_t pool);
uint32_t sealed_pool_objects(sealed_pool_t pool);

/* the pool of records with this slice */
sealed_pool_t sealed_pool_record(uint32_t slice_size);

/*
 * Takes up to n objects, contents whatever was there; returns how many.
 * Fewer than n when there is no more room, or the undo log has no more: the
 * caller links what it got, commits and asks again.
 */
uint32_t sealed_arena_take(sealed_zone_t *zone, sealed_pool_t pool,
    uint32_t *references, uint32_t n);

/* one that is in use; what is in it stays until it is taken again */
void sealed_arena_give(sealed_zone_t *zone, uint32_t reference);

/* what one page's objects or one object can take of the undo log, at most */
#define SEALED_ARENA_WORDS  40

/*
 * Whether need[] objects of each pool can all be taken now, with `keep` free
 * pages left.
 */
int sealed_arena_has_room(const sealed_zone_t *zone,
    const uint32_t need[SEALED_POOLS], uint32_t keep);

/* the descriptor of a page, by its number from the zone's beginning */
sealed_page_t *sealed_arena_page(const sealed_zone_t *zone, uint32_t page);

/* whether this names an object in use of this pool */
int sealed_arena_valid(const sealed_zone_t *zone, sealed_pool_t pool,
    uint32_t reference);

/* whether this, which may be anything, names a record in use */
int sealed_arena_record(const sealed_zone_t *zone, uint32_t reference);

#if (SEALED_CHECKED)

/* ends the process where this is neither SEALED_NONE nor an object in use */
void sealed_arena_expect(const sealed_zone_t *zone, uint32_t reference);

#endif

/* the pool of the page that a reference points into */
sealed_pool_t sealed_arena_pool(const sealed_zone_t *zone,
    uint32_t reference);


#pragma GCC visibility pop


#endif /* SEALED_ARENA_H */
