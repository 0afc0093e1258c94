
#include "zone.h"

#include <errno.h>
#include <string.h>
#include <sodium.h>


#define ALIGN(n, a)  (((n) + (a) - 1) / (a) * (a))


typedef struct {
    uint32_t                      mailbox_buckets;
    uint32_t                      certificate_buckets;
    uint64_t                      buckets;
    uint64_t                      descriptors;
    uint64_t                      data;
    uint64_t                      pages;
} geometry_t;


static int plan(geometry_t *geometry, uint64_t size);
static uint32_t layout(void);
static uint32_t *bucket(sealed_zone_t *zone, uint32_t first, uint32_t count,
    const uint8_t *id);
static int init_mutex(pthread_mutex_t *mutex);


size_t
sealed_zone_min_size(void)
{
    return ALIGN(sizeof(sealed_zone_t), SEALED_PAGE_SIZE)
           + (SEALED_ZONE_MIN_PAGES + 8) * SEALED_PAGE_SIZE;
}


int
sealed_zone_format(void *memory, size_t size, uint64_t now,
    const uint8_t hash_key[16])
{
    geometry_t      geometry;
    sealed_zone_t  *zone = memory;

    if (plan(&geometry, size) != 0) {
        return -1;
    }

    zone->version = SEALED_ZONE_VERSION;
    zone->layout = layout();
    zone->size = size;
    zone->birth = now;
    memcpy(zone->hash_key, hash_key, sizeof(zone->hash_key));

    zone->mailbox_buckets = geometry.mailbox_buckets;
    zone->certificate_buckets = geometry.certificate_buckets;
    zone->buckets = geometry.buckets;

    memset((uint8_t *) memory + geometry.buckets, 0xff,
           ((size_t) geometry.mailbox_buckets
            + geometry.certificate_buckets)
           * sizeof(uint32_t));

    if (init_mutex(&zone->mutex) != 0) {
        return -1;
    }

    sealed_arena_format(&zone->arena,
                        geometry.descriptors
                        - offsetof(sealed_zone_t, arena),
                        geometry.data - offsetof(sealed_zone_t, arena),
                        (uint32_t) geometry.pages);

    zone->arena.pool[SEALED_POOL_CERTIFICATE].max_pages =
                                               (uint32_t) geometry.pages / 8;

    sealed_publish();
    zone->magic = SEALED_ZONE_MAGIC;

    return 0;
}


const char *
sealed_zone_attach(void *memory, size_t size)
{
    geometry_t      geometry;
    sealed_zone_t  *zone = memory;

    if (size < sizeof(sealed_zone_t) || zone->magic != SEALED_ZONE_MAGIC) {
        return "it is not a zone";
    }

    if (zone->version != SEALED_ZONE_VERSION || zone->layout != layout()) {
        return "it has another layout";
    }

    if (zone->size != size
        || plan(&geometry, size) != 0
        || zone->mailbox_buckets != geometry.mailbox_buckets
        || zone->certificate_buckets != geometry.certificate_buckets
        || zone->buckets != geometry.buckets
        || zone->arena.pages != geometry.pages)
    {
        return "its size is not what it says";
    }

    return NULL;
}


int
sealed_zone_lock(sealed_zone_t *zone)
{
    int  rc;

    rc = pthread_mutex_lock(&zone->mutex);

    if (rc == 0) {
        return 0;
    }

    if (rc != EOWNERDEAD) {
        return -1;
    }

    sealed_zone_repair(zone);

    if (pthread_mutex_consistent(&zone->mutex) != 0) {
        (void) pthread_mutex_unlock(&zone->mutex);
        return -1;
    }

    return 0;
}


void
sealed_zone_unlock(sealed_zone_t *zone)
{
    (void) pthread_mutex_unlock(&zone->mutex);
}


void
sealed_zone_status(sealed_zone_t *zone, sealed_zone_status_t *status)
{
    sealed_arena_t  *arena;

    arena = &zone->arena;

    status->size = zone->size;
    status->pages = arena->pages;
    status->pages_free = arena->free_pages;
    status->mailboxes = arena->pool[SEALED_POOL_MAILBOX].used - zone->closed;
    status->closed = zone->closed;
    status->certificates = arena->pool[SEALED_POOL_CERTIFICATE].used;
    status->envelopes = arena->pool[SEALED_POOL_RECORD].used;
    status->bodies = arena->pool[SEALED_POOL_BODY].used;
    status->cells = arena->pool[SEALED_POOL_CELL].used;
    status->repairs = zone->repairs;
}


uint32_t *
sealed_zone_mailbox_bucket(sealed_zone_t *zone, const uint8_t *id)
{
    return bucket(zone, 0, zone->mailbox_buckets, id);
}


uint32_t *
sealed_zone_certificate_bucket(sealed_zone_t *zone, const uint8_t *id)
{
    return bucket(zone, zone->mailbox_buckets, zone->certificate_buckets, id);
}


/* SipHash with the zone's secret: chosen ids cannot be piled up */

static uint32_t *
bucket(sealed_zone_t *zone, uint32_t first, uint32_t count,
    const uint8_t *id)
{
    uint64_t   hash;
    uint32_t  *buckets;

    (void) crypto_shorthash((uint8_t *) &hash, id, 16, zone->hash_key);

    buckets = (uint32_t *) ((uint8_t *) zone + zone->buckets);

    return &buckets[first + ((uint32_t) hash & (count - 1))];
}


static int
plan(geometry_t *geometry, uint64_t size)
{
    uint64_t  n, offset;

    if (size < sealed_zone_min_size() || size > (uint64_t) 64 << 30) {
        return -1;
    }

    n = 64;

    while (n * 512 < size) {
        n *= 2;
    }

    geometry->mailbox_buckets = (uint32_t) n;
    geometry->certificate_buckets = (uint32_t) (n / 8);

    offset = ALIGN(sizeof(sealed_zone_t), 64);
    geometry->buckets = offset;

    offset += (n + n / 8) * sizeof(uint32_t);
    offset = ALIGN(offset, 64);
    geometry->descriptors = offset;

    geometry->pages = (size - offset - SEALED_PAGE_SIZE)
                      / (SEALED_PAGE_SIZE + sizeof(sealed_page_t));

    offset += geometry->pages * sizeof(sealed_page_t);
    geometry->data = ALIGN(offset, SEALED_PAGE_SIZE);

    return geometry->pages >= SEALED_ZONE_MIN_PAGES ? 0 : -1;
}


/* changes whenever a struct that lies in a zone does */

static uint32_t
layout(void)
{
    uint32_t  n;

    n = (uint32_t) sizeof(sealed_zone_t);
    n = n * 31 + (uint32_t) sizeof(sealed_page_t);
    n = n * 31 + (uint32_t) sizeof(sealed_mailbox_t);
    n = n * 31 + (uint32_t) sizeof(sealed_certificate_entry_t);
    n = n * 31 + (uint32_t) sizeof(sealed_record_t);
    n = n * 31 + (uint32_t) sizeof(sealed_body_t);
    n = n * 31 + (uint32_t) sizeof(sealed_cell_t);

    return n;
}


static int
init_mutex(pthread_mutex_t *mutex)
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
