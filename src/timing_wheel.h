
/*
 * A timing wheel on hours: what is due, without looking at what is not.
 *
 * Each mailbox and certificate of a shard hangs in the slot of the hour at
 * which it has to be looked at next.  Hours beyond one turn of the wheel
 * wait for a later turn.  A step handles one object, so that a large slot is
 * worked off over many requests.  A clock may go back: the wheel does, too.
 *
 * A node is part of its object; its place there depends on the pool.  The
 * shard's lock is held.
 */

#ifndef SEALED_TIMING_WHEEL_H
#define SEALED_TIMING_WHEEL_H


#include "arena.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_WHEEL_SLOTS  = 512               /* hours, about three weeks */
};


typedef struct {
    uint32_t                      next;
    uint32_t                      prev;
    uint32_t                      due;          /* hour */
} sealed_wheel_node_t;


typedef struct {
    uint32_t                      hour;         /* slots up to here are done */
    uint32_t                      pending;      /* what is due or waits */
    uint32_t                      slot[SEALED_WHEEL_SLOTS];
} sealed_wheel_t;


void sealed_wheel_init(sealed_wheel_t *wheel, uint32_t hour);

/* the node of an object; the object hangs nowhere */
void sealed_wheel_insert(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t reference, uint32_t due);

/* of an object that hangs in it */
void sealed_wheel_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t reference);

/*
 * An object that is due at this hour, or SEALED_NONE.  It stays where it is:
 * the caller moves or removes it.  *more tells whether another call can find
 * something.  Changes are committed by the caller.
 */
uint32_t sealed_wheel_next(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t hour, int *more);


#pragma GCC visibility pop


#endif /* SEALED_TIMING_WHEEL_H */
