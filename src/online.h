
/*
 * Envelopes for whoever is connected now: never in a mailbox, never in a
 * file, gone after five seconds.
 *
 * They lie in memory of their own that the processes of one host share, in
 * the order in which they came: a ring of entries, one for each recipient,
 * and a ring of octets, where the oldest make room for the newest.  A reader
 * keeps the number of the last entry that it has seen.  Of one mailbox the
 * latest sixteen can be read.
 *
 * One robust mutex guards it.  Nothing here is worth a repair: when a process
 * died with it, everything is dropped.
 */

#ifndef SEALED_ONLINE_H
#define SEALED_ONLINE_H


#include "fanout.h"
#include "item.h"

#include <pthread.h>


#pragma GCC visibility push(hidden)


enum {
    SEALED_ONLINE_SECONDS  = 5,
    SEALED_ONLINE_LATEST   = 16,            /* of one mailbox */
    SEALED_ONLINE_ENTRIES  = 8192,
    SEALED_ONLINE_BUCKETS  = 1024,
    SEALED_ONLINE_OCTETS   = 4 << 20
};


typedef struct {
    uint64_t                      number;       /* from 1 on; 0: none */
    uint64_t                      before;       /* in its bucket; 0: none */
    uint64_t                      time;
    uint64_t                      start;        /* stamp, slices, body */
    uint32_t                      index;        /* of its slice */
    uint32_t                      count;        /* of all slices */
    uint32_t                      slice_size;
    uint32_t                      body_size;
    uint32_t                      stamp_size;
    uint32_t                      reserved;
    uint8_t                       mailbox[SEALED_MAILBOX_ID_SIZE];
} sealed_online_entry_t;


typedef struct {
    pthread_mutex_t               mutex;
    uint64_t                      last;         /* number given */
    uint64_t                      oldest;       /* not wiped yet */
    uint64_t                      head;         /* octets written, ever */
    uint64_t                      bucket[SEALED_ONLINE_BUCKETS];
    sealed_online_entry_t         entry[SEALED_ONLINE_ENTRIES];
    uint8_t                       octets[SEALED_ONLINE_OCTETS];
} sealed_online_t;


/* of zeroed memory that processes share; 0 or -1 */
int sealed_online_init(sealed_online_t *online);

/*
 * To those recipients whose result is 0.  hash is keyed, one for each.  What
 * finds no room is dropped like what is too old.
 */
void sealed_online_put(sealed_online_t *online,
    const sealed_fanout_t *fanout, sealed_bytes_t stamp,
    const uint8_t *results, const uint64_t *hash, uint64_t now);

/*
 * Items with number 0 above *seen into out, as far as they fit; *seen moves
 * on, *more tells whether another one did not fit.  The octets written.
 */
size_t sealed_online_read(sealed_online_t *online, const uint8_t *mailbox,
    uint64_t hash, uint64_t now, uint64_t *seen, uint8_t *out, size_t size,
    unsigned *more);

/* what a reader has to have seen that begins now; without a lock */
uint64_t sealed_online_last(const sealed_online_t *online);

/* wipes what is too old */
void sealed_online_sweep(sealed_online_t *online, uint64_t now);


#pragma GCC visibility pop


#endif /* SEALED_ONLINE_H */
