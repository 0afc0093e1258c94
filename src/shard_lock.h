
/*
 * Locks that survive the death of their holder.
 *
 * Each lock is a robust process-shared mutex with an undo log beside it.  A
 * critical section saves what it is about to change, changes it, and commits
 * by emptying the log, with one store.  When a process dies inside, the next
 * one to lock finds the log and puts everything back: a section has happened
 * whole or not at all, whatever the instruction it died at.
 *
 * No process ever holds two of a zone's locks.  What has to move from the
 * memory that one guards to that of another waits in the place of a worker
 * in between (worker.h).
 */

#ifndef SEALED_SHARD_LOCK_H
#define SEALED_SHARD_LOCK_H


#include "sealed.h"

#include <pthread.h>


#pragma GCC visibility push(hidden)


enum {
    SEALED_UNDO_WORDS  = 448
};


typedef struct {
    pthread_mutex_t               mutex;
    uint32_t                      used;         /* words of the log */
    uint32_t                      reserved;
    uint64_t                      log[SEALED_UNDO_WORDS];
} sealed_lock_t;


/*
 * The mutex of a lock, or of a worker's place, also one whose holders are all
 * gone.  The log stays as it is.  0 or -1.
 */
int sealed_lock_init(pthread_mutex_t *mutex);

/*
 * zone is where offsets in the log count from.  0; 1 when a dead holder's
 * section was put back; -1 when the lock is lost for good.
 */
int sealed_lock_take(void *zone, sealed_lock_t *lock);

/* before a change to size octets at data; they may be saved twice */
void sealed_lock_save(void *zone, sealed_lock_t *lock, const void *data,
    size_t size);

/* makes all changes since the last commit final; the lock stays held */
void sealed_lock_commit(sealed_lock_t *lock);

/* commits and unlocks */
void sealed_lock_give(sealed_lock_t *lock);

/* puts back what processes have left that are all gone, if it is sound */
void sealed_lock_undo(void *zone, sealed_lock_t *lock);

/* whether a log changes nothing but octets of a zone of this size */
int sealed_lock_sound(const void *zone, uint64_t size,
    const sealed_lock_t *lock);

/* what saving takes, in words of the log */
#define SEALED_UNDO_SIZE(size)  (((size) + 7) / 8 + 1)

static inline unsigned
sealed_lock_room(const sealed_lock_t *lock)
{
    return SEALED_UNDO_WORDS - lock->used;
}


/*
 * A build for tests dies at a chosen step, to prove the above: each change of
 * shared memory is one.  It also sees to it that nothing is changed that was
 * not saved, that no log overflows and that no two locks are held.
 */

#if (SEALED_FAULTS)

/* about to change this; data NULL: something that needs no saving */
void sealed_step(const void *data, size_t size);

/* a lock is held; both NULL: none is; zone NULL: its log is full */
void sealed_held(void *zone, const sealed_lock_t *lock);

#else

#define sealed_step(data, size)
#define sealed_held(zone, lock)

#endif

/* a change inside a critical section, of something that was saved */
#define sealed_set(place, value)                                             \
    do {                                                                     \
        sealed_step(&(place), sizeof(place));                                \
        (place) = (value);                                                   \
    } while (0)


#pragma GCC visibility pop


#endif /* SEALED_SHARD_LOCK_H */
