
/*
 * Expiry, a little at a time: envelopes past their hour, mailboxes that idle
 * too long or whose key line left, ended ones past their time, certificates
 * that ended.
 *
 * The host calls it with a timer; what is due waits in the shards' timing
 * wheels.  Readers and senders never see what has expired, whether or not it
 * has been given back yet.
 */

#ifndef SEALED_EXPIRY_H
#define SEALED_EXPIRY_H


#include "zone.h"


#pragma GCC visibility push(hidden)


/*
 * Up to `steps` steps in each shard, and a look at the key lines of the
 * mailboxes on so many pages.  *wake as of mailbox.h.  Returns whether there
 * is more to do.
 */
int sealed_expiry_run(sealed_zone_t *zone, unsigned steps, unsigned pages,
    uint64_t now, uint64_t *wake);


#pragma GCC visibility pop


#endif /* SEALED_EXPIRY_H */
