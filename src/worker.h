
/*
 * The place of a worker in a zone: what it has under way between two locks.
 *
 * Objects come from the arena and go to mailboxes and tables by way of the
 * worker's place, and back the same way, each move being one critical
 * section.  So an object is at every moment free, in a place, or where it
 * belongs.
 *
 * A worker holds the robust mutex of its place as long as it lives.  When it
 * dies the mutex tells, and any other worker gives back what the place still
 * names.  Nothing is asked of process numbers, which are used again.
 */

#ifndef SEALED_WORKER_H
#define SEALED_WORKER_H


#include "arena.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_WORKERS         = 256
};


typedef struct {
    pthread_mutex_t               mutex;

    uint32_t                      body;         /* being delivered */
    uint32_t                      records;      /* for it, not linked yet */
    uint32_t                      expected;     /* records it is meant for */
    uint32_t                      linked;       /* of these */

    uint32_t                      object;       /* to be put in a table */
    uint32_t                      index;        /* a page for a table */

    uint32_t                      dropped;      /* records out of mailboxes */
    uint32_t                      trash;        /* bodies without records */
    uint32_t                      gone;         /* out of a table */
    uint32_t                      gone_index;   /* likewise, a page */

    uint64_t                      journal;      /* generation of its stream */
    uint32_t                      reserved[10];
} sealed_worker_t;


/* a place for this process, or thread, in zone->worker; 0 or -1: none left */
int sealed_worker_claim(sealed_zone_t *zone);

/* gives back everything, then the place; also without one */
void sealed_worker_release(sealed_zone_t *zone);

/* gives back what dead workers have left; returns how many there were */
unsigned sealed_worker_reap(sealed_zone_t *zone);

/* whether a worker that lives has this place; else nothing is left in it */
unsigned sealed_worker_taken(sealed_zone_t *zone, uint32_t place);

/* how many of those that live have not come to this generation yet */
unsigned sealed_worker_behind(sealed_zone_t *zone, uint64_t generation);

/* how many workers live; gives back what dead ones have left */
unsigned sealed_worker_live(sealed_zone_t *zone);

/*
 * Takes an object of this pool, or an index page (zeroed), into the place;
 * up to `keep` free pages are left.  0 or -1.
 */
int sealed_worker_take(sealed_zone_t *zone, sealed_pool_t pool,
    uint32_t keep);

/*
 * Gives back what no mailbox and no table needs any more: wipes it first, so
 * that ciphertext and keys do not outlive their use.  Cheap when there is
 * nothing.
 */
void sealed_worker_settle(sealed_zone_t *zone);

#pragma GCC visibility pop


#endif /* SEALED_WORKER_H */
