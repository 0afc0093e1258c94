
#include "worker.h"
#include "body.h"
#include "zone.h"

#include <errno.h>
#include <string.h>
#include <sodium.h>


static int try_lock(sealed_zone_t *zone, uint32_t place);
static void reap(sealed_zone_t *zone, uint32_t place);
static void give(sealed_zone_t *zone, uint32_t *place);


int
sealed_worker_claim(sealed_zone_t *zone)
{
    uint32_t  i;

    for (i = 0; i < SEALED_WORKERS; i++) {
        if (try_lock(zone, i) == 0) {
            zone->worker = i;
            return 0;
        }
    }

    return -1;
}


/* of a place whose worker has died what it left is given back first */

static int
try_lock(sealed_zone_t *zone, uint32_t place)
{
    int  rc;

    rc = pthread_mutex_trylock(&zone->workers[place].mutex);

    if (rc == EOWNERDEAD) {
        reap(zone, place);
        rc = pthread_mutex_consistent(&zone->workers[place].mutex);
    }

    return rc;
}


void
sealed_worker_release(sealed_zone_t *zone)
{
    if (zone->worker == SEALED_WORKERS) {
        return;
    }

    sealed_worker_settle(zone);
    (void) pthread_mutex_unlock(&zone->workers[zone->worker].mutex);
    zone->worker = SEALED_WORKERS;
}


unsigned
sealed_worker_reap(sealed_zone_t *zone)
{
    int       rc;
    unsigned  n;
    uint32_t  i;

    n = 0;

    for (i = 0; i < SEALED_WORKERS; i++) {

        if (i == zone->worker) {
            continue;
        }

        rc = pthread_mutex_trylock(&zone->workers[i].mutex);

        if (rc == EOWNERDEAD) {
            reap(zone, i);
            rc = pthread_mutex_consistent(&zone->workers[i].mutex);
            n++;
        }

        if (rc == 0) {
            (void) pthread_mutex_unlock(&zone->workers[i].mutex);
        }
    }

    return n;
}


unsigned
sealed_worker_taken(sealed_zone_t *zone, uint32_t place)
{
    if (place == zone->worker || try_lock(zone, place) != 0) {
        return 1;
    }

    (void) pthread_mutex_unlock(&zone->workers[place].mutex);

    return 0;
}


unsigned
sealed_worker_behind(sealed_zone_t *zone, uint64_t generation)
{
    unsigned  n;
    uint32_t  i;

    n = 0;

    (void) sealed_worker_reap(zone);

    for (i = 0; i < SEALED_WORKERS; i++) {
        n += sealed_worker_taken(zone, i)
             && __atomic_load_n(&zone->workers[i].journal, __ATOMIC_ACQUIRE)
                < generation;
    }

    return n;
}


unsigned
sealed_worker_live(sealed_zone_t *zone)
{
    unsigned  n;
    uint32_t  i;

    n = 0;

    (void) sealed_worker_reap(zone);

    for (i = 0; i < SEALED_WORKERS; i++) {
        n += sealed_worker_taken(zone, i);
    }

    return n;
}


int
sealed_worker_take(sealed_zone_t *zone, sealed_pool_t pool, uint32_t keep)
{
    int               rc;
    uint32_t          reference, *place;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    place = pool == SEALED_POOL_INDEX ? &w->index : &w->object;

    if (*place != SEALED_NONE) {
        return 0;
    }

    if (sealed_arena_lock(zone) != 0) {
        return -1;
    }

    rc = -1;

    if ((zone->header->arena.pool[pool].partial != SEALED_NONE
         || zone->header->arena.free_pages > keep)
        && sealed_arena_take(zone, pool, &reference, 1) == 1)
    {
        memset(sealed_zone_object(zone, reference), 0,
               sealed_pool_object_size(pool));
        sealed_arena_save(zone, place, sizeof(uint32_t));
        sealed_set(*place, reference);
        rc = 0;
    }

    sealed_arena_unlock(zone);

    return rc;
}


void
sealed_worker_settle(sealed_zone_t *zone)
{
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];

    if (w->body != SEALED_NONE) {
        sealed_body_finish(zone);
    }

    sealed_body_settle(zone);

    give(zone, &w->object);
    give(zone, &w->index);
    give(zone, &w->gone);
    give(zone, &w->gone_index);
}


/*
 * In the name of the dead: first each lock once, so that no section of his
 * is left half done, then as he would have done himself.
 */

static void
reap(sealed_zone_t *zone, uint32_t place)
{
    uint32_t       i;
    sealed_zone_t  dead;

    for (i = 0; i <= zone->shard_mask; i++) {
        if (sealed_shard_lock(zone, &zone->shards[i]) == 0) {
            sealed_shard_unlock(zone, &zone->shards[i]);
        }
    }

    if (sealed_arena_lock(zone) == 0) {
        sealed_arena_unlock(zone);
    }

    dead = *zone;
    dead.worker = place;
    sealed_worker_settle(&dead);
}


static void
give(sealed_zone_t *zone, uint32_t *place)
{
    uint32_t  reference;

    reference = *place;

    if (reference == SEALED_NONE) {
        return;
    }

    sodium_memzero(sealed_zone_object(zone, reference),
                   sealed_pool_object_size(sealed_arena_pool(zone,
                                                             reference)));

    if (sealed_arena_lock(zone) != 0) {
        return;
    }

    sealed_arena_save(zone, place, sizeof(uint32_t));
    sealed_set(*place, SEALED_NONE);
    sealed_arena_give(zone, reference);

    sealed_arena_unlock(zone);
}
