
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


typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint32_t                      life;
    uint32_t                      until;        /* it is answered with 410 */
} sealed_expiry_note_t;


typedef struct {
    sealed_expiry_note_t         *note;
    unsigned                      capacity;
    unsigned                      count;
} sealed_expiry_notes_t;


/*
 * Up to `steps` steps in each shard, and a look at the key lines of the
 * mailboxes on so many pages.  *wake as of mailbox.h.  Returns whether there
 * is more to do.
 */
int sealed_expiry_run(sealed_zone_t *zone, unsigned steps, unsigned pages,
    uint64_t now, uint64_t *wake);

/*
 * The same for a zone with a journal, which has to tell of mailboxes that
 * ended, or they would come back: those of this call are in the notes.  It
 * returns early, and 1, when these are full.
 */
int sealed_expiry_run_noted(sealed_zone_t *zone, unsigned steps,
    unsigned pages, uint64_t now, uint64_t *wake,
    sealed_expiry_notes_t *notes);


#pragma GCC visibility pop


#endif /* SEALED_EXPIRY_H */
