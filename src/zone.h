
/*
 * A zone: everything that the gateway holds, in one piece of memory that all
 * workers map.  Nothing in it is a pointer.
 *
 *   header | mailbox buckets | certificate buckets | page descriptors | pages
 *
 * One robust process-shared mutex guards all of it.  When a process dies
 * with the lock, the next one to lock repairs the zone: what can be reached
 * from the two hash tables is kept, everything else is freed, and all counts
 * are made anew.  That is right after a death anywhere because every object
 * is complete before the one store that links it, and unlinked by one store
 * before it is freed.
 *
 * What is in a mailbox, and what an operator can find here: an id, a request
 * key, ciphertext, rounded hours.  No names, no addresses.
 */

#ifndef SEALED_ZONE_H
#define SEALED_ZONE_H


#include "arena.h"
#include "budget.h"

#include <pthread.h>


#pragma GCC visibility push(hidden)


#define SEALED_ZONE_MAGIC    0x7365616c65647a31ULL     /* "sealedz1" */
#define SEALED_ZONE_VERSION  1

enum {
    SEALED_ZONE_MIN_PAGES  = 64,
    SEALED_WORKERS         = 64,    /* with a reader that can wait */
    SEALED_WAKE_RING       = 128,
    SEALED_CELL_PAYLOAD    = 124
};


typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint8_t                       key[SEALED_KEY_SIZE];
    uint64_t                      waiting;      /* a bit per worker */
    uint64_t                      next_seq;
    uint64_t                      window_highest;
    uint64_t                      window;
    uint32_t                      hash_next;
    uint32_t                      head;
    uint32_t                      tail;
    uint32_t                      count;
    uint64_t                      bytes;
    uint32_t                      tag;          /* of the key line */
    uint32_t                      active_hour;  /* of the owner */
    uint32_t                      closed_until; /* 0: open */
    uint32_t                      expiry;       /* the earliest, hours */
} sealed_mailbox_t;


typedef struct {
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
    uint8_t                       key[SEALED_KEY_SIZE];
    uint64_t                      window_highest;
    uint64_t                      window[SEALED_CERTIFICATE_WINDOW / 64];
    sealed_budget_t               budget;
    uint64_t                      end;
    uint32_t                      hash_next;
    uint32_t                      tag;
    uint16_t                      opened;       /* mailboxes */
    uint8_t                       class;
} sealed_certificate_entry_t;


/* one recipient's claim on a body */

typedef struct {
    uint64_t                      seq;
    uint32_t                      next;
    uint32_t                      body;
    uint32_t                      index;        /* of its header slice */
} sealed_record_t;


typedef struct {
    uint32_t                      references;
    uint32_t                      marked;       /* for check and repair */
    uint32_t                      cell;         /* the body's first */
    uint32_t                      header_cell;  /* the slices' first */
    uint32_t                      size;
    uint32_t                      slice_size;
    uint32_t                      hour;
    uint32_t                      expiry;       /* hours */
} sealed_body_t;


typedef struct {
    uint32_t                      next;
    uint8_t                       payload[SEALED_CELL_PAYLOAD];
} sealed_cell_t;


/* mailboxes that a worker shall look at; overflow means all */

typedef struct {
    uint32_t                      count;
    uint32_t                      overflow;
    uint32_t                      mailbox[SEALED_WAKE_RING];
} sealed_wake_ring_t;


typedef struct {
    uint64_t                      magic;
    uint32_t                      version;
    uint32_t                      layout;       /* sizes of the structs */
    uint64_t                      size;
    uint64_t                      birth;
    uint8_t                       hash_key[16];
    uint64_t                      repairs;
    uint32_t                      mailbox_buckets;      /* power of two */
    uint32_t                      certificate_buckets;  /* likewise */
    uint64_t                      buckets;      /* offset of the first */
    uint32_t                      sweep_page;
    uint32_t                      closed;       /* mailboxes that ended */
    pthread_mutex_t               mutex;
    sealed_wake_ring_t            wake[SEALED_WORKERS];
    sealed_arena_t                arena;
} sealed_zone_t;


typedef struct {
    uint64_t                      size;
    uint64_t                      pages;
    uint64_t                      pages_free;
    uint64_t                      mailboxes;    /* open */
    uint64_t                      closed;       /* answered with 410 */
    uint64_t                      certificates;
    uint64_t                      envelopes;
    uint64_t                      bodies;
    uint64_t                      cells;
    uint64_t                      repairs;
} sealed_zone_status_t;


/* the smallest size that works */
size_t sealed_zone_min_size(void);

/*
 * Makes a zone in zeroed, page-aligned memory.  hash_key is random; at most
 * an eighth of the pages will hold certificates.  0 or -1 (too small, or
 * over 64 GiB, or no robust mutexes).
 */
int sealed_zone_format(void *memory, size_t size, uint64_t now,
    const uint8_t hash_key[16]);

/* NULL, or why this memory is not a zone that this code can use */
const char *sealed_zone_attach(void *memory, size_t size);

/* 0, or -1: the lock is lost for good */
int sealed_zone_lock(sealed_zone_t *zone);
void sealed_zone_unlock(sealed_zone_t *zone);

void sealed_zone_status(sealed_zone_t *zone, sealed_zone_status_t *status);

/*
 * Looks at all invariants; the zone must be quiet.  Writes only marks.
 * NULL, or what does not hold.
 */
const char *sealed_zone_check(sealed_zone_t *zone);

/* by a locker that found the owner dead */
void sealed_zone_repair(sealed_zone_t *zone);

/* the heads of the two hash tables' chains */
uint32_t *sealed_zone_mailbox_bucket(sealed_zone_t *zone, const uint8_t *id);
uint32_t *sealed_zone_certificate_bucket(sealed_zone_t *zone,
    const uint8_t *id);


static inline sealed_mailbox_t *
sealed_zone_mailbox(sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_object(&zone->arena, SEALED_POOL_MAILBOX, reference);
}


static inline sealed_certificate_entry_t *
sealed_zone_certificate(sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_object(&zone->arena, SEALED_POOL_CERTIFICATE,
                               reference);
}


static inline sealed_record_t *
sealed_zone_record(sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_object(&zone->arena, SEALED_POOL_RECORD, reference);
}


static inline sealed_body_t *
sealed_zone_body(sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_object(&zone->arena, SEALED_POOL_BODY, reference);
}


static inline sealed_cell_t *
sealed_zone_cell(sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_object(&zone->arena, SEALED_POOL_CELL, reference);
}


#pragma GCC visibility pop


#endif /* SEALED_ZONE_H */
