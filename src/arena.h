
/*
 * The arena: a zone's memory behind its header, cut into pages of 4 KiB.
 *
 * A page belongs to nobody or to one pool, whose objects all have one size;
 * a bitmap in the page's descriptor tells which are in use.  Taking and
 * giving back are O(1), there is no fragmentation across sizes beyond partly
 * filled pages, and a page that becomes empty returns to all.  "Is there
 * room" can be answered beforehand and exactly.
 *
 * Objects are named by 32-bit references, page << 8 | slot, never by
 * pointers: processes map a zone where they like.  The caller holds the
 * zone's lock.
 */

#ifndef SEALED_ARENA_H
#define SEALED_ARENA_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_NONE        UINT32_MAX

#define SEALED_PAGE_SIZE   4096

/* each critical section publishes with one store; this keeps its place */
#define sealed_publish()   __atomic_thread_fence(__ATOMIC_RELEASE)


typedef enum {
    SEALED_POOL_MAILBOX = 0,
    SEALED_POOL_CERTIFICATE,
    SEALED_POOL_RECORD,
    SEALED_POOL_BODY,
    SEALED_POOL_CELL,
    SEALED_POOLS
} sealed_pool_t;


typedef struct {
    uint64_t                      used[3];
    uint64_t                      mark[3];      /* for check and repair */
    uint32_t                      next;         /* in its list of pages */
    uint32_t                      prev;
    uint16_t                      pool;         /* SEALED_POOLS: free */
    uint16_t                      count;        /* objects in use */
} sealed_page_t;


typedef struct {
    uint32_t                      partial;      /* pages with room */
    uint32_t                      room;         /* objects in those */
    uint32_t                      used;         /* objects in use */
    uint32_t                      pages;
    uint32_t                      max_pages;
} sealed_pool_state_t;


typedef struct {
    uint32_t                      pages;
    uint32_t                      free_page;    /* head of the list */
    uint32_t                      free_pages;
    sealed_pool_state_t           pool[SEALED_POOLS];
    uint64_t                      descriptors;  /* offset from the arena */
    uint64_t                      data;         /* likewise */
} sealed_arena_t;


/*
 * The arena's own struct lies inside the zone; base is where offsets count
 * from and pages lie behind first.  Memory is zero.
 */
void sealed_arena_format(sealed_arena_t *arena, uint64_t descriptors,
    uint64_t data, uint32_t pages);

size_t sealed_pool_object_size(sealed_pool_t pool);
uint32_t sealed_pool_objects(sealed_pool_t pool);   /* in one page */

/* SEALED_NONE when there is no room; contents are whatever was there */
uint32_t sealed_arena_take(sealed_arena_t *arena, sealed_pool_t pool);
void sealed_arena_give(sealed_arena_t *arena, uint32_t reference);

/* whether need[] objects of each pool can all be taken now */
int sealed_arena_has_room(const sealed_arena_t *arena,
    const uint32_t need[SEALED_POOLS]);

void *sealed_arena_object(sealed_arena_t *arena, sealed_pool_t pool,
    uint32_t reference);

sealed_page_t *sealed_arena_page(sealed_arena_t *arena, uint32_t page);

/* whether this names an object in use of this pool */
int sealed_arena_valid(sealed_arena_t *arena, sealed_pool_t pool,
    uint32_t reference);

/* all lists and counts anew from the bitmaps */
void sealed_arena_rebuild(sealed_arena_t *arena);


#pragma GCC visibility pop


#endif /* SEALED_ARENA_H */
