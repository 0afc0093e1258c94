
#include "wake.h"
#include "zone.h"


/* the count of a ring: its entries, and how often it has been read */

#define ENTRIES(count)   ((count) & 0xffff)
#define READINGS(count)  ((count) >> 16)


void
sealed_wake_attach(sealed_zone_t *zone, unsigned worker)
{
    sealed_wake_ring_t  *ring;

    ring = &zone->wake[worker];

    __atomic_store_n(&ring->overflow, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&ring->present, 1, __ATOMIC_RELEASE);
}


void
sealed_wake_notify(sealed_zone_t *zone, uint32_t groups, uint32_t mailbox)
{
    uint32_t             count;
    unsigned             worker;
    sealed_wake_ring_t  *ring;

    while (groups) {
        worker = (unsigned) __builtin_ctz(groups);
        groups &= groups - 1;

        for ( /* void */ ;
             worker < SEALED_WAKE_WORKERS;
             worker += SEALED_WAKE_GROUPS)
        {
            ring = &zone->wake[worker];

            if (!__atomic_load_n(&ring->present, __ATOMIC_RELAXED)) {
                continue;
            }

            count = __atomic_load_n(&ring->count, __ATOMIC_RELAXED);

            if (ENTRIES(count) < SEALED_WAKE_RING) {
                count = __atomic_fetch_add(&ring->count, 1, __ATOMIC_SEQ_CST);

                if (ENTRIES(count) < SEALED_WAKE_RING) {
                    __atomic_store_n(&ring->mailbox[ENTRIES(count)], mailbox,
                                     __ATOMIC_SEQ_CST);

                    /* read meanwhile: an older one may have been there */

                    if (READINGS(__atomic_load_n(&ring->count,
                                                 __ATOMIC_SEQ_CST))
                        == READINGS(count))
                    {
                        continue;
                    }
                }
            }

            __atomic_store_n(&ring->overflow, 1, __ATOMIC_RELEASE);
        }
    }
}


unsigned
sealed_wake_take(sealed_zone_t *zone, unsigned worker, uint32_t *mailboxes,
    unsigned *all)
{
    uint32_t             i, n, count, mailbox;
    sealed_wake_ring_t  *ring;

    ring = &zone->wake[worker];

    *all = __atomic_exchange_n(&ring->overflow, 0, __ATOMIC_ACQ_REL);

    count = __atomic_load_n(&ring->count, __ATOMIC_RELAXED);
    count = __atomic_exchange_n(&ring->count,
                                ENTRIES(READINGS(count) + 1) << 16,
                                __ATOMIC_SEQ_CST);
    count = ENTRIES(count);

    if (count > SEALED_WAKE_RING) {
        count = SEALED_WAKE_RING;
    }

    n = 0;

    for (i = 0; i < count; i++) {
        mailbox = __atomic_exchange_n(&ring->mailbox[i], SEALED_NONE,
                                      __ATOMIC_SEQ_CST);

        if (mailbox == SEALED_NONE) {
            *all = 1;
            continue;
        }

        mailboxes[n++] = mailbox;
    }

    return n;
}
