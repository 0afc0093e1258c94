
#include "online.h"
#include "shard_lock.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sodium.h>


static int enter(sealed_online_t *online);
static void leave(sealed_online_t *online);
static sealed_online_entry_t *find(sealed_online_t *online, uint64_t number);
static void drop(sealed_online_t *online, sealed_online_entry_t *entry);
static int readable(const sealed_online_t *online,
    const sealed_online_entry_t *entry, uint64_t now);
static uint8_t *write_item(const sealed_online_t *online,
    const sealed_online_entry_t *entry, uint8_t *out);


int
sealed_online_init(sealed_online_t *online)
{
    return sealed_lock_init(&online->mutex);
}


void
sealed_online_put(sealed_online_t *online, const sealed_fanout_t *fanout,
    sealed_bytes_t stamp, const uint8_t *results, const uint64_t *hash,
    uint64_t now)
{
    size_t                 size, headers;
    uint8_t               *p;
    uint32_t               i;
    uint64_t               start, left, *bucket;
    sealed_online_entry_t  *entry;

    headers = (size_t) fanout->count * fanout->slice_size;
    size = stamp.size + headers + fanout->body.size;

    if (size > SEALED_ONLINE_OCTETS || enter(online) != 0) {
        return;
    }

    /* in one piece: what is left at the end of the ring is passed over */

    start = online->head;
    left = SEALED_ONLINE_OCTETS - start % SEALED_ONLINE_OCTETS;

    if (left < size) {
        sodium_memzero(online->octets + start % SEALED_ONLINE_OCTETS,
                       (size_t) left);
        start += left;
    }

    online->head = start + size;
    p = online->octets + start % SEALED_ONLINE_OCTETS;

    if (stamp.size) {
        memcpy(p, stamp.data, stamp.size);
        p += stamp.size;
    }

    if (headers) {
        memcpy(p, fanout->headers, headers);
        p += headers;
    }

    memcpy(p, fanout->body.data, fanout->body.size);

    for (i = 0; i < fanout->count; i++) {

        if (results[i] != 0) {
            continue;
        }

        bucket = &online->bucket[hash[i] % SEALED_ONLINE_BUCKETS];
        online->last++;

        entry = &online->entry[online->last % SEALED_ONLINE_ENTRIES];

        if (entry->number) {
            drop(online, entry);
        }

        entry->number = online->last;
        entry->before = *bucket;
        entry->time = now;
        entry->start = start;
        entry->index = i;
        entry->count = fanout->count;
        entry->slice_size = fanout->slice_size;
        entry->body_size = (uint32_t) fanout->body.size;
        entry->stamp_size = (uint32_t) stamp.size;
        memcpy(entry->mailbox,
               fanout->recipients + (size_t) i * SEALED_MAILBOX_ID_SIZE,
               SEALED_MAILBOX_ID_SIZE);

        *bucket = online->last;
    }

    leave(online);
}


size_t
sealed_online_read(sealed_online_t *online, const uint8_t *mailbox,
    uint64_t hash, uint64_t now, uint64_t *seen, uint8_t *out, size_t size,
    unsigned *more)
{
    size_t                  need;
    uint8_t                *pos;
    uint64_t                number;
    unsigned                n;
    sealed_online_entry_t  *entry, *latest[SEALED_ONLINE_LATEST];

    *more = 0;

    if (sealed_online_last(online) == *seen || enter(online) != 0) {
        return 0;
    }

    /* from the newest on backwards */

    n = 0;

    for (number = online->bucket[hash % SEALED_ONLINE_BUCKETS];
         number > *seen && n < SEALED_ONLINE_LATEST;
         number = entry->before)
    {
        entry = find(online, number);

        if (entry == NULL || !readable(online, entry, now)) {
            break;
        }

        if (memcmp(entry->mailbox, mailbox, SEALED_MAILBOX_ID_SIZE) == 0) {
            latest[n++] = entry;
        }
    }

    pos = out;

    while (n) {
        entry = latest[n - 1];
        need = sealed_item_size(0, entry->time / 3600, entry->slice_size,
                                entry->body_size, entry->stamp_size);

        if (need > size - (size_t) (pos - out)) {
            *more = 1;
            break;
        }

        pos = write_item(online, entry, pos);
        *seen = entry->number;
        n--;
    }

    if (n == 0) {
        *seen = online->last;
    }

    leave(online);

    return (size_t) (pos - out);
}


uint64_t
sealed_online_last(const sealed_online_t *online)
{
    return __atomic_load_n(&online->last, __ATOMIC_ACQUIRE);
}


void
sealed_online_sweep(sealed_online_t *online, uint64_t now)
{
    uint64_t                number;
    sealed_online_entry_t  *entry;

    if (online->oldest == sealed_online_last(online) || enter(online) != 0) {
        return;
    }

    for (number = online->oldest + 1; number <= online->last; number++) {
        entry = find(online, number);

        if (entry) {

            if (entry->time + SEALED_ONLINE_SECONDS > now
                && entry->time <= now)
            {
                break;
            }

            drop(online, entry);
        }

        online->oldest = number;
    }

    leave(online);
}


/* 0, or -1: lost for good */

static int
enter(sealed_online_t *online)
{
    uint64_t  last;

    switch (pthread_mutex_lock(&online->mutex)) {

    case 0:
        return 0;

    case EOWNERDEAD:
        break;

    default:
        return -1;
    }

    /* numbers go on, so that nobody takes new ones for seen */

    last = online->last;

    memset((uint8_t *) online + offsetof(sealed_online_t, last), 0,
           sizeof(sealed_online_t) - offsetof(sealed_online_t, last));

    online->last = last + 1;
    online->oldest = last + 1;

    return pthread_mutex_consistent(&online->mutex) == 0 ? 0 : -1;
}


static void
leave(sealed_online_t *online)
{
    (void) pthread_mutex_unlock(&online->mutex);
}


static sealed_online_entry_t *
find(sealed_online_t *online, uint64_t number)
{
    sealed_online_entry_t  *entry;

    entry = &online->entry[number % SEALED_ONLINE_ENTRIES];

    return number && entry->number == number ? entry : NULL;
}


/* the last entry of an envelope takes along what is left of its octets */

static void
drop(sealed_online_t *online, sealed_online_entry_t *entry)
{
    uint64_t                start, end;
    sealed_online_entry_t  *next;

    next = find(online, entry->number + 1);

    if (next == NULL || next->start != entry->start) {
        start = entry->start;
        end = start + entry->stamp_size
              + (uint64_t) entry->count * entry->slice_size
              + entry->body_size;

        if (start + SEALED_ONLINE_OCTETS < online->head) {
            start = online->head - SEALED_ONLINE_OCTETS;
        }

        if (start < end) {
            sodium_memzero(online->octets + start % SEALED_ONLINE_OCTETS,
                           (size_t) (end - start));
        }
    }

    sodium_memzero(entry, sizeof(sealed_online_entry_t));
}


/* whether it is young enough, and its octets have not been written over */

static int
readable(const sealed_online_t *online, const sealed_online_entry_t *entry,
    uint64_t now)
{
    return entry->time <= now + 1
           && now < entry->time + SEALED_ONLINE_SECONDS
           && entry->start + SEALED_ONLINE_OCTETS >= online->head;
}


static uint8_t *
write_item(const sealed_online_t *online, const sealed_online_entry_t *entry,
    uint8_t *out)
{
    const uint8_t   *p;
    sealed_bytes_t   stamp;

    p = online->octets + entry->start % SEALED_ONLINE_OCTETS;

    stamp.data = entry->stamp_size ? p : NULL;
    stamp.size = entry->stamp_size;
    p += entry->stamp_size;

    out = sealed_item_start(out, 0, entry->time / 3600, entry->slice_size);
    memcpy(out, p + (size_t) entry->index * entry->slice_size,
           entry->slice_size);

    out = sealed_item_body_head(out + entry->slice_size, entry->body_size);
    memcpy(out, p + (size_t) entry->count * entry->slice_size,
           entry->body_size);

    return sealed_item_end(out + entry->body_size, stamp);
}
