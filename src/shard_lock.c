
#include "shard_lock.h"

#include <errno.h>
#include <string.h>


#define OFFSET(zone, p)  ((uint64_t) ((const uint8_t *) (p)                  \
                                      - (const uint8_t *) (zone)))

/* the order in which others find the stores of a process that died */
#define ordered()        __atomic_thread_fence(__ATOMIC_RELEASE)


int
sealed_lock_init(pthread_mutex_t *mutex)
{
    int                  rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return -1;
    }

    rc = -1;

    if (pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED) == 0
        && pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST) == 0
        && pthread_mutex_init(mutex, &attr) == 0)
    {
        rc = 0;
    }

    (void) pthread_mutexattr_destroy(&attr);

    return rc;
}


int
sealed_lock_take(void *zone, sealed_lock_t *lock)
{
    int  rc;

    rc = pthread_mutex_lock(&lock->mutex);

    if (rc != 0 && rc != EOWNERDEAD) {
        return -1;
    }

    sealed_held(zone, lock);

    if (rc == 0) {
        return 0;
    }

    sealed_lock_undo(zone, lock);

    if (pthread_mutex_consistent(&lock->mutex) != 0) {
        sealed_lock_give(lock);
        return -1;
    }

    return 1;
}


void
sealed_lock_save(void *zone, sealed_lock_t *lock, const void *data,
    size_t size)
{
    uint64_t  *word;

    /*
     * Callers keep within the log.  Should one not, atomicity is what is
     * given up, not memory.
     */

    if (sealed_lock_room(lock) < SEALED_UNDO_SIZE(size)) {
        sealed_held(NULL, lock);
        sealed_lock_commit(lock);
    }

    sealed_step(NULL, 0);

    word = &lock->log[lock->used];
    memcpy(word, data, size);
    word += (size + 7) / 8;
    *word = OFFSET(zone, data) << 16 | size;

    ordered();
    lock->used += (uint32_t) SEALED_UNDO_SIZE(size);
    ordered();
}


void
sealed_lock_commit(sealed_lock_t *lock)
{
    sealed_step(NULL, 0);
    ordered();
    lock->used = 0;
    ordered();
    sealed_step(NULL, 0);
}


void
sealed_lock_give(sealed_lock_t *lock)
{
    sealed_lock_commit(lock);

    sealed_held(NULL, NULL);
    (void) pthread_mutex_unlock(&lock->mutex);
}


int
sealed_lock_sound(const void *zone, uint64_t size, const sealed_lock_t *lock)
{
    size_t    length;
    uint32_t  used;
    uint64_t  offset, own;

    used = lock->used;
    own = OFFSET(zone, lock);

    if (used > SEALED_UNDO_WORDS) {
        return 0;
    }

    while (used) {
        length = lock->log[used - 1] & 0xffff;
        offset = lock->log[used - 1] >> 16;

        if (SEALED_UNDO_SIZE(length) > used
            || offset > size
            || length > size - offset
            || (offset < own + sizeof(sealed_lock_t) && own < offset + length))
        {
            return 0;
        }

        used -= (uint32_t) SEALED_UNDO_SIZE(length);
    }

    return 1;
}


/* may itself die half way and be done again */

void
sealed_lock_undo(void *zone, sealed_lock_t *lock)
{
    size_t     size;
    uint32_t   used;
    uint64_t  *word;

    used = lock->used;

    while (used) {
        word = &lock->log[used - 1];
        size = *word & 0xffff;
        used -= (uint32_t) SEALED_UNDO_SIZE(size);

        sealed_step(NULL, 0);
        memcpy((uint8_t *) zone + (*word >> 16), &lock->log[used], size);
    }

    sealed_lock_commit(lock);
}
