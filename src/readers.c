
#include "readers.h"
#include "shard_lock.h"

#include <errno.h>


enum {
    TRIES = 10000           /* of a count, in a table that keeps changing */
};


static unsigned alive(sealed_readers_t *readers, unsigned worker);
static void begin(sealed_readers_worker_t *w);
static void end(sealed_readers_worker_t *w);
static uint32_t load(const uint32_t *place);
static void store(uint32_t *place, uint32_t value);
static unsigned count(const sealed_readers_t *readers, unsigned worker,
    uint64_t hash, uint64_t after, sealed_reader_place_t *first);
static unsigned walk(const sealed_readers_table_t *table, uint64_t hash,
    uint64_t after, sealed_reader_place_t *first);


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

    begin(w);

    if (w->carved) {
        for (n = 0; n < SEALED_READERS_BUCKETS; n++) {
            store(&readers->table[i].bucket[n], 0);
        }
    }

    w->carved = 0;
    w->free = 0;
    store(&w->count, 0);

    end(w);

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

    begin(w);

    if (w->free) {
        w->free = s->next;

    } else {
        w->carved = seat;
    }

    __atomic_store_n(&s->hash, hash, __ATOMIC_SEQ_CST);
    __atomic_store_n(&s->arrival,
                     __atomic_add_fetch(&readers->arrivals, 1,
                                        __ATOMIC_SEQ_CST),
                     __ATOMIC_SEQ_CST);
    store(&s->told, 0);
    store(&s->next, *bucket);
    store(bucket, seat);
    store(&w->count, w->count + 1);

    end(w);

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

    begin(w);

    store(link, s->next);
    store(&s->next, w->free);
    w->free = seat;
    store(&w->count, w->count - 1);

    end(w);
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


/*
 * A single change puts one in or takes one out, so that one that is never
 * finished, since its worker was stopped, leaves either count.
 */

static unsigned
count(const sealed_readers_t *readers, unsigned worker, uint64_t hash,
    uint64_t after, sealed_reader_place_t *first)
{
    unsigned                        n, tries;
    uint32_t                        before;
    const sealed_readers_worker_t  *w;

    w = &readers->worker[worker];
    first->worker = worker;

    for (tries = 0; /* void */ ; tries++) {
        before = load(&w->changes);

        n = walk(&readers->table[worker], hash, after, first);

        if (tries == TRIES || (before % 2 == 0 && load(&w->changes) == before))
        {
            return n;
        }
    }
}


static unsigned
walk(const sealed_readers_table_t *table, uint64_t hash, uint64_t after,
    sealed_reader_place_t *first)
{
    unsigned              n, steps;
    uint32_t              seat;
    uint64_t              arrival, other;
    const sealed_seat_t  *s;

    n = 0;
    first->arrival = UINT64_MAX;
    first->seat = 0;

    seat = load(&table->bucket[hash % SEALED_READERS_BUCKETS]);

    for (steps = 0; seat != 0 && steps < SEALED_READERS_MAX; steps++) {
        s = &table->seat[seat];
        other = __atomic_load_n(&s->hash, __ATOMIC_SEQ_CST);

        /* it has been taken out meanwhile */

        if ((other ^ hash) % SEALED_READERS_BUCKETS != 0) {
            break;
        }

        if (other == hash) {
            arrival = __atomic_load_n(&s->arrival, __ATOMIC_SEQ_CST);
            n++;

            if (arrival > after && arrival < first->arrival) {
                first->arrival = arrival;
                first->seat = seat;
            }
        }

        seat = load(&s->next);
    }

    return n;
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


static void
begin(sealed_readers_worker_t *w)
{
    store(&w->changes, w->changes | 1);
}


static void
end(sealed_readers_worker_t *w)
{
    store(&w->changes, w->changes + 1);
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
