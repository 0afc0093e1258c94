
/*
 * Bodies: the part of an envelope that all its recipients share, stored
 * once.
 *
 * Whole pages first, the rest in a chain of cells, a stamp in a cell of its
 * own; the slices of headers lie with the recipients' records.  A body is
 * built in the worker's place, with one record for each recipient: either
 * all of it is there, or nothing was taken.  References are counted under
 * the arena's lock; the last record to be dropped takes the body along.
 *
 * Cells carry the generation of the body that they were taken for: a chain
 * that leads elsewhere is seen, not followed.
 */

#ifndef SEALED_BODY_H
#define SEALED_BODY_H


#include "fanout.h"
#include "item.h"
#include "zone.h"


#pragma GCC visibility push(hidden)


/*
 * A body and n records into the worker's place, with the arena's lock taken
 * and given in between.  stamp.data is NULL, or SEALED_STAMP_SIZE octets.
 * 0, or -1 when there is no room for all of it.
 */
int sealed_body_build(sealed_zone_t *zone, const sealed_fanout_t *fanout,
    sealed_bytes_t stamp, uint32_t hour, uint32_t expiry, uint32_t n);

/*
 * Ends what was built: records that no mailbox got go back, and the body
 * when none did.
 */
void sealed_body_finish(sealed_zone_t *zone);

/* drops the worker's dropped records, then bodies without any */
void sealed_body_settle(sealed_zone_t *zone);

/*
 * The octets, or the stamp's, to out: the caller has room for body->size, or
 * SEALED_STAMP_SIZE, and holds a lock under which a record of the body
 * stays.  0, or -1 when the chain is damaged.
 */
int sealed_body_copy(sealed_zone_t *zone, const sealed_body_t *body,
    uint8_t *out);
int sealed_body_copy_stamp(sealed_zone_t *zone, const sealed_body_t *body,
    uint8_t *out);

/* how many whole pages and how many cells a body takes */
void sealed_body_measure(size_t size, uint32_t *pages, uint32_t *cells);


#pragma GCC visibility pop


#endif /* SEALED_BODY_H */
