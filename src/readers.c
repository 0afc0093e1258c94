
#include "readers.h"
#include "shard_lock.h"

#include <errno.h>


enum {
    TRIES = 10000           /* of a count; each meets a seat used again */
};


static unsigned alive(sealed_readers_t *readers, unsigned worker);
static unsigned count(const sealed_readers_t *readers, unsigned worker,
    uint64_t hash, uint64_t after, sealed_reader_place_t *first);
static unsigned walk(const sealed_readers_t *readers, unsigned worker,
    uint64_t hash, uint64_t after, sealed_reader_place_t *first,
    unsigned *n);
static uint32_t load(const uint32_t *place);
static void store(uint32_t *place, uint32_t value);
static uint64_t load64(const uint64_t *place);
static void store64(uint64_t *place, uint64_t value);


int
sealed_readers_init(sealed_readers_t *readers)
{
    unsigned  i;

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {
        if (sealed_lock_init(&readers->worker[i].mutex) != 0) {
            return -1;
        }
    }

    readers->size = sizeof(sealed_readers_t);

    return 0;
}


unsigned
sealed_readers_claim(sealed_readers_t *readers)
{
    int                       rc;
    unsigned                  i, n;
    sealed_readers_worker_t  *w;

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {
        w = &readers->worker[i];

        rc = pthread_mutex_trylock(&w->mutex);

        if (rc == EOWNERDEAD) {
            rc = pthread_mutex_consistent(&w->mutex);
        }

        if (rc == 0) {
            break;
        }
    }

    if (i == SEALED_WAKE_WORKERS) {
        return i;
    }

    /* nobody counts what the one before has left */

    store(&w->claims, w->claims | 1);

    if (w->carved) {
        for (n = 0; n < SEALED_READERS_BUCKETS; n++) {
            store(&readers->table[i].bucket[n], 0);
        }
    }

    w->carved = 0;
    w->free = 0;
    store(&w->count, 0);

    store(&w->claims, w->claims + 1);
    store(&w->taken, 1);

    return i;
}


void
sealed_readers_release(sealed_readers_t *readers, unsigned worker)
{
    store(&readers->worker[worker].taken, 0);
    (void) pthread_mutex_unlock(&readers->worker[worker].mutex);
}


unsigned
sealed_readers_taken(const sealed_readers_t *readers, unsigned worker)
{
    return load(&readers->worker[worker].taken);
}


/* also the first to find that he does not, tells the others */

static unsigned
alive(sealed_readers_t *readers, unsigned worker)
{
    sealed_readers_worker_t  *w;

    w = &readers->worker[worker];

    switch (pthread_mutex_trylock(&w->mutex)) {

    case EBUSY:
        return 1;

    case EOWNERDEAD:
        store(&w->taken, 0);
        (void) pthread_mutex_consistent(&w->mutex);

        /* fall through */

    case 0:
        (void) pthread_mutex_unlock(&w->mutex);
    }

    return 0;
}


uint32_t
sealed_readers_enter(sealed_readers_t *readers, unsigned worker,
    uint64_t hash)
{
    uint32_t                  seat, *bucket;
    sealed_seat_t            *s;
    sealed_readers_table_t   *table;
    sealed_readers_worker_t  *w;

    w = &readers->worker[worker];
    table = &readers->table[worker];

    if (w->free) {
        seat = w->free;

    } else if (w->carved < SEALED_READERS_MAX) {
        seat = w->carved + 1;

    } else {
        return 0;
    }

    s = &table->seat[seat];
    bucket = &table->bucket[hash % SEALED_READERS_BUCKETS];

    /* from here on it is another one for whoever came across it */

    store64(&s->arrival, 0);

    if (w->free) {
        w->free = (uint32_t) s->hash;

    } else {
        w->carved = seat;
    }

    store64(&s->hash, hash);
    store(&s->told, 0);
    store(&s->next, *bucket);
    store64(&s->arrival, __atomic_add_fetch(&readers->arrivals, 1,
                                            __ATOMIC_SEQ_CST));
    store(bucket, seat);
    store(&w->count, w->count + 1);

    return seat;
}


void
sealed_readers_leave(sealed_readers_t *readers, unsigned worker,
    uint32_t seat)
{
    uint32_t                 *link;
    sealed_seat_t            *s;
    sealed_readers_table_t   *table;
    sealed_readers_worker_t  *w;

    w = &readers->worker[worker];
    table = &readers->table[worker];
    s = &table->seat[seat];

    link = &table->bucket[s->hash % SEALED_READERS_BUCKETS];

    while (*link != seat) {
        link = &table->seat[*link].next;
    }

    store(link, s->next);
    store64(&s->hash, w->free);
    w->free = seat;
    store(&w->count, w->count - 1);
}


unsigned
sealed_readers_count(sealed_readers_t *readers, unsigned own, uint64_t hash,
    uint64_t after, sealed_reader_place_t *first)
{
    unsigned               i, n, total;
    sealed_reader_place_t  place;

    first->arrival = UINT64_MAX;
    first->worker = SEALED_WAKE_WORKERS;
    first->seat = 0;
    total = 0;

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {

        if (!sealed_readers_taken(readers, i)) {
            continue;
        }

        n = count(readers, i, hash, after, &place);

        /* one that lives has not got there what a dead one has left */

        if (n && i != own) {
            n = alive(readers, i) ? count(readers, i, hash, after, &place)
                                  : 0;
        }

        total += n;

        if (n && place.arrival < first->arrival) {
            *first = place;
        }
    }

    return total;
}


unsigned
sealed_readers_all(sealed_readers_t *readers, unsigned own)
{
    unsigned  i, total;

    total = 0;

    for (i = 0; i < SEALED_WAKE_WORKERS; i++) {
        if (sealed_readers_taken(readers, i)
            && (i == own || alive(readers, i)))
        {
            total += load(&readers->worker[i].count);
        }
    }

    return total;
}


static unsigned
count(const sealed_readers_t *readers, unsigned worker, uint64_t hash,
    uint64_t after, sealed_reader_place_t *first)
{
    unsigned                        n, tries, whole;
    uint32_t                        claims;
    const sealed_readers_worker_t  *w;

    w = &readers->worker[worker];
    n = 0;

    for (tries = 0; tries < TRIES; tries++) {
        claims = load(&w->claims);

        if (claims % 2) {
            return 0;
        }

        whole = walk(readers, worker, hash, after, first, &n);

        if (load(&w->claims) == claims && whole) {
            break;
        }
    }

    return n;
}


/* whether it got to the end; n and first are what it saw on the way */

static unsigned
walk(const sealed_readers_t *readers, unsigned worker, uint64_t hash,
    uint64_t after, sealed_reader_place_t *first, unsigned *n)
{
    uint32_t                       seat, next;
    uint64_t                       arrival, limit, other;
    const sealed_seat_t           *s;
    const sealed_readers_table_t  *table;

    table = &readers->table[worker];

    first->arrival = UINT64_MAX;
    first->worker = worker;
    first->seat = 0;
    *n = 0;

    limit = load64(&readers->arrivals) + 1;
    seat = load(&table->bucket[hash % SEALED_READERS_BUCKETS]);

    while (seat != 0) {
        s = &table->seat[seat];

        arrival = load64(&s->arrival);
        other = load64(&s->hash);
        next = load(&s->next);

        if (arrival == 0 || arrival >= limit
            || load64(&s->arrival) != arrival)
        {
            return 0;
        }

        if (other == hash) {
            (*n)++;

            if (arrival > after) {
                first->arrival = arrival;
                first->seat = seat;
            }
        }

        limit = arrival;
        seat = next;
    }

    return 1;
}


void
sealed_readers_tell(sealed_readers_t *readers,
    const sealed_reader_place_t *reader)
{
    store(&readers->table[reader->worker].seat[reader->seat].told, 1);
}


unsigned
sealed_readers_told(sealed_readers_t *readers, unsigned worker,
    uint32_t seat)
{
    uint32_t  *told;

    told = &readers->table[worker].seat[seat].told;

    return load(told) && __atomic_exchange_n(told, 0, __ATOMIC_SEQ_CST);
}


static uint32_t
load(const uint32_t *place)
{
    return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}


static void
store(uint32_t *place, uint32_t value)
{
    __atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}


static uint64_t
load64(const uint64_t *place)
{
    return __atomic_load_n(place, __ATOMIC_SEQ_CST);
}


static void
store64(uint64_t *place, uint64_t value)
{
    __atomic_store_n(place, value, __ATOMIC_SEQ_CST);
}
