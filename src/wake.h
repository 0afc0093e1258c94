
/*
 * Which mailboxes a worker shall look at: a ring for each worker that has
 * readers waiting.
 *
 * A wake-up is a hint.  Rings are written without a lock and may lose an
 * entry, never silently: what does not fit, or was not yet written when the
 * ring was read, becomes "look at everything".  The truth is in the
 * mailboxes, and a timer of the host looks again.
 *
 * A mailbox has room for 32 bits only, so that workers whose numbers are
 * alike modulo 32 are woken together.
 */

#ifndef SEALED_WAKE_H
#define SEALED_WAKE_H


#include "arena.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_WAKE_WORKERS  = 128,
    SEALED_WAKE_GROUPS   = 32,
    SEALED_WAKE_RING     = 61
};


typedef struct {
    uint32_t                      present;      /* somebody reads it */
    uint32_t                      count;
    uint32_t                      overflow;
    uint32_t                      mailbox[SEALED_WAKE_RING];
} sealed_wake_ring_t;


/* worker < SEALED_WAKE_WORKERS has readers from now on, all to be looked at */
void sealed_wake_attach(sealed_zone_t *zone, unsigned worker);

/* tells the workers of these groups */
void sealed_wake_notify(sealed_zone_t *zone, uint32_t groups,
    uint32_t mailbox);

/*
 * What a worker shall look at since it last asked: up to SEALED_WAKE_RING
 * references; *all when it has to look at everything.
 */
unsigned sealed_wake_take(sealed_zone_t *zone, unsigned worker,
    uint32_t *mailboxes, unsigned *all);


#pragma GCC visibility pop


#endif /* SEALED_WAKE_H */
