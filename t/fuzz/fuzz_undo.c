
/*
 * A zone's file after its processes died, with undo logs as they leave them
 * or as damage does: nothing outside of it is changed, and what is taken over
 * is whole, has all its locks, and no log that somebody would undo later.
 *
 * Aims at: shard_lock.c zone.c
 */

#include "zones.h"


/* in two bits of an operation's first octet; the others say in which log */

enum {
    DIED = 0,                           /* saved, and then changed */
    SAVED,                              /* what may never have stood there */
    ELSEWHERE,                          /* likewise, at any offset */
    DAMAGED,                            /* a word of the log, or its size */
    KINDS
};


static uint8_t   before[SEALED_ZONE_MIN_SIZE];
static unsigned  honest;                /* as a process leaves it */
static unsigned  logs;                  /* with something in them, bits */


static size_t operate(const uint8_t *data, size_t size);
static sealed_lock_t *log_of(unsigned n);
static int in_a_lock(const void *data, size_t size);
static int overlap(const void *one, size_t one_size, const void *two,
    size_t two_size);
static void put(sealed_lock_t *lock, uint64_t offset, const void *data,
    size_t size);
static void look(void);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t  n;

    prepare_zone();
    memcpy(before, memory, sizeof(before));

    honest = 1;
    logs = 0;

    do {
        n = operate(data, size);
        data += n;
        size -= n;
    } while (n);

    look();

    memcpy(memory, before, sizeof(before));

    return 0;
}


/* what it took of the input, 0: the rest is too short */

static size_t
operate(const uint8_t *data, size_t size)
{
    size_t          length;
    uint8_t        *place;
    uint64_t        value;
    unsigned        n;
    sealed_lock_t  *lock;

    if (size < 12) {
        return 0;
    }

    n = data[0] / KINDS % (zone.shard_mask + 2);
    lock = log_of(n);
    memcpy(&value, data + 4, sizeof(value));

    if (data[0] % KINDS == DAMAGED) {
        honest = 0;

        if (data[1] & 1) {
            lock->used = (uint32_t) value % (SEALED_UNDO_WORDS + 2);

        } else {
            lock->log[((unsigned) data[2] << 8 | data[3])
                      % SEALED_UNDO_WORDS] ^= value;
        }

        return 12;
    }

    length = data[1] % 17;

    if (size < 12 + length
        || lock->used > SEALED_UNDO_WORDS
        || sealed_lock_room(lock) < SEALED_UNDO_SIZE(length))
    {
        return 0;
    }

    place = (uint8_t *) &memory[used[((uint32_t) data[2] << 8 | data[3])
                                     % nused]];

    if (data[0] % KINDS != DIED) {
        honest = 0;
        put(lock,
            data[0] % KINDS == SAVED
            ? (uint64_t) (place - (uint8_t *) memory)
            : value % (SEALED_ZONE_MIN_SIZE + 64),
            data + 12, length);

    } else if (place + length <= (uint8_t *) memory + SEALED_ZONE_MIN_SIZE
               && !in_a_lock(place, length))
    {
        /* no two guard the same */

        logs |= 1U << n;
        honest = honest && (logs & (logs - 1)) == 0;

        put(lock, (uint64_t) (place - (uint8_t *) memory), place, length);
        memcpy(place, data + 12, length);
    }

    return 12 + length;
}


static sealed_lock_t *
log_of(unsigned n)
{
    return n ? &zone.shards[n - 1].lock : zone.arena_lock;
}


static int
in_a_lock(const void *data, size_t size)
{
    unsigned  i;

    for (i = 0; i <= zone.shard_mask + 1; i++) {
        if (overlap(data, size, log_of(i), sizeof(sealed_lock_t))) {
            return 1;
        }
    }

    for (i = 0; i < SEALED_WORKERS; i++) {
        if (overlap(data, size, &zone.workers[i].mutex,
                    sizeof(pthread_mutex_t)))
        {
            return 1;
        }
    }

    return 0;
}


static int
overlap(const void *one, size_t one_size, const void *two, size_t two_size)
{
    return (const uint8_t *) one < (const uint8_t *) two + two_size
           && (const uint8_t *) two < (const uint8_t *) one + one_size;
}


static void
put(sealed_lock_t *lock, uint64_t offset, const void *data, size_t size)
{
    memcpy(&lock->log[lock->used], data, size);
    lock->used += (uint32_t) SEALED_UNDO_SIZE(size);
    lock->log[lock->used - 1] = offset << 16 | size;
}


static void
look(void)
{
    size_t    at, i;
    unsigned  n;

    if (sealed_zone_undo(&zone, SEALED_ZONE_MIN_SIZE) != 0) {
        CHECK(!honest);
        return;
    }

    for (n = 0; n <= zone.shard_mask + 1; n++) {
        CHECK(log_of(n)->used == 0);
        CHECK(sealed_lock_take(zone.base, log_of(n)) == 0);
        sealed_lock_give(log_of(n));
    }

    if (check_zone(&zone) != NULL) {
        CHECK(!honest);
        return;
    }

    /* as if the section had never begun, but for locks and what they had */

    for (at = 0; honest && at < WORDS; at += 1024) {

        if (memcmp(memory + at, before + at * 4, 4096) == 0) {
            continue;
        }

        for (i = at; i < at + 1024; i++) {
            CHECK(memcmp(memory + i, before + i * 4, 4) == 0
                  || in_a_lock(memory + i, 4));
        }
    }

    sealed_zone_settle(&zone);
    CHECK(check_zone(&zone) == NULL);
}
