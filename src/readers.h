
/*
 * Who reads which mailbox, in all workers of a host.
 *
 * Each worker has a table in memory that all of them share: it alone puts
 * readers there and takes them out, everybody counts.  It holds the robust
 * mutex of its table as long as it lives.  What a dead worker has left is
 * nobody's and counts no more; the table is emptied before another one gets
 * it.  So a count is never kept beside what it counts, and nothing has to be
 * put right when a worker dies, whenever that is.
 *
 * Counting takes no lock and waits for nobody, even if the table's worker
 * was stopped within a change.  A list holds who came last first, so that
 * arrivals fall along it, and a seat that was left still leads on to those
 * behind it until it is used again, for a later arrival: who meets one begins
 * anew.  So readers that stay while they are counted count once, those that
 * come or go meanwhile count or do not.
 *
 * Mailboxes are known by the keyed hash of their id, which is another one in
 * each zone.  The memory is as large as it may ever become; what was never
 * used of it does not exist.
 */

#ifndef SEALED_READERS_H
#define SEALED_READERS_H


#include "wake.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_READERS_MAX      = 131072,           /* in one worker */
    SEALED_READERS_BUCKETS  = 16384
};


typedef struct {
    uint64_t                      hash;         /* left: the next such seat */
    uint64_t                      arrival;      /* numbered, in all workers;
                                                   0: being taken */
    uint32_t                      next;         /* came before; 0: none did */
    uint32_t                      told;         /* to leave, by another one */
} sealed_seat_t;


typedef struct {
    pthread_mutex_t               mutex;
    uint32_t                      taken;        /* by a worker */
    uint32_t                      claims;       /* odd: being emptied */
    uint32_t                      count;
    uint32_t                      free;         /* left last */
    uint32_t                      carved;       /* never used above */
    uint32_t                      reserved;
} sealed_readers_worker_t;


typedef struct {
    uint32_t                      bucket[SEALED_READERS_BUCKETS];
    sealed_seat_t                 seat[SEALED_READERS_MAX + 1];
} sealed_readers_table_t;


typedef struct {
    uint64_t                      size;         /* of all of it */
    uint64_t                      arrivals;
    sealed_readers_worker_t       worker[SEALED_WAKE_WORKERS];
    sealed_readers_table_t        table[SEALED_WAKE_WORKERS];
} sealed_readers_t;


/* the one among some that came first */

typedef struct {
    uint64_t                      arrival;
    unsigned                      worker;
    uint32_t                      seat;
} sealed_reader_place_t;


/* zeroed memory; 0 or -1 */
int sealed_readers_init(sealed_readers_t *readers);

/* an empty table for this process, or SEALED_WAKE_WORKERS: none is left */
unsigned sealed_readers_claim(sealed_readers_t *readers);

/* gives the table back, whoever sits there */
void sealed_readers_release(sealed_readers_t *readers, unsigned worker);

/* whether somebody may have it; without asking whether he lives */
unsigned sealed_readers_taken(const sealed_readers_t *readers,
    unsigned worker);

/* one more reader in the caller's own table; a seat, or 0: none is left */
uint32_t sealed_readers_enter(sealed_readers_t *readers, unsigned worker,
    uint64_t hash);

/* gives the seat back, which was the caller's */
void sealed_readers_leave(sealed_readers_t *readers, unsigned worker,
    uint32_t seat);

/*
 * How many readers a mailbox has in all workers that live, and which of them
 * came first after this arrival: worker is SEALED_WAKE_WORKERS when none did.
 * own is the caller's table, or SEALED_WAKE_WORKERS.
 */
unsigned sealed_readers_count(sealed_readers_t *readers, unsigned own,
    uint64_t hash, uint64_t after, sealed_reader_place_t *first);

/* of all mailboxes */
unsigned sealed_readers_all(sealed_readers_t *readers, unsigned own);

/*
 * That a reader of another worker is one too many; he looks for himself.
 * Who finds n too many tells the first n: when one of them leaves for
 * another reason, as many are told as are too many still.
 */
void sealed_readers_tell(sealed_readers_t *readers,
    const sealed_reader_place_t *reader);

/* whether somebody has said so; once */
unsigned sealed_readers_told(sealed_readers_t *readers, unsigned worker,
    uint32_t seat);


#pragma GCC visibility pop


#endif /* SEALED_READERS_H */
