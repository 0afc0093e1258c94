
/*
 * Reading a mailbox: a cursor, never a queue.  Whoever reads keeps a number
 * and a hint, so that a slow reader costs nothing and a lost one loses
 * nothing.
 */

#ifndef SEALED_MAILBOX_READ_H
#define SEALED_MAILBOX_READ_H


#include "zone.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t                      after;        /* last one that was read */
    uint32_t                      limit;        /* of items to come */
    uint32_t                      record;       /* hint, or SEALED_NONE */
    uint32_t                      mailbox;      /* out: its reference */
} sealed_cursor_t;


/*
 * Items above cursor->after, at most cursor->limit of them, as a CBOR
 * sequence into out as far as they fit; the cursor moves on.  *more tells
 * whether another item waits and is within the limit.  A worker below
 * SEALED_WAKE_WORKERS that found nothing at all is told of the next one
 * (wake.h).  SEALED_OK or SEALED_NO_MAILBOX.
 */
sealed_verdict_t sealed_mailbox_read(sealed_zone_t *zone, const uint8_t *id,
    uint64_t now, sealed_cursor_t *cursor, uint8_t *out, size_t size,
    size_t *used, unsigned *more, unsigned worker);


#pragma GCC visibility pop


#endif /* SEALED_MAILBOX_READ_H */
