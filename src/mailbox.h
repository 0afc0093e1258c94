
/*
 * Mailboxes: open, look after, acknowledge, close.
 *
 * An envelope stays until acknowledged or expired; sequence numbers begin at
 * 1 and never repeat in a mailbox's life.  Hours are unix time / 3600.
 *
 * Each function takes the lock of the mailbox's shard, for a batch at a time
 * where there is much to do, and gives back what it dropped when it has left
 * it.  The process has a place in the zone (worker.h).
 */

#ifndef SEALED_MAILBOX_H
#define SEALED_MAILBOX_H


#include "zone.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t                      envelopes;
    uint64_t                      bytes;
    uint64_t                      first;
    uint64_t                      next;
    uint32_t                      life;         /* higher than any before */
} sealed_mailbox_status_t;


/* key and key line of an open mailbox; 0 or -1 */
int sealed_mailbox_find(sealed_zone_t *zone, const uint8_t *id,
    uint8_t key[SEALED_KEY_SIZE], uint32_t *tag);

/*
 * Opens, on behalf of a certificate in the table.  SEALED_OK with *created
 * 1 (201) or 0 (it was open already, 200), SEALED_OPENER_LIMIT,
 * SEALED_MAILBOX_CLOSED, SEALED_ZONE_FULL.  The key matches the id; the
 * caller has seen to that.  A death between counts against the certificate.
 */
sealed_verdict_t sealed_mailbox_open(sealed_zone_t *zone, const uint8_t *id,
    const uint8_t key[SEALED_KEY_SIZE], uint32_t tag,
    const uint8_t *certificate_id, unsigned max_opened, uint64_t now,
    unsigned *created, sealed_mailbox_status_t *status);

/*
 * Hours since its owner last asked for it, before a request is spent: a
 * journal is told of it after SEALED_RESTED_HOURS.
 */
uint32_t sealed_mailbox_rested(sealed_zone_t *zone, const uint8_t *id,
    uint64_t now);

/* an owner's nonce; SEALED_OK, SEALED_NONCE_USED, SEALED_UNAUTHORIZED */
sealed_verdict_t sealed_mailbox_spend(sealed_zone_t *zone, const uint8_t *id,
    uint64_t nonce, uint64_t now, uint64_t *next, unsigned *has_next);

/* the rest: SEALED_NO_MAILBOX when there is none that is open */

sealed_verdict_t sealed_mailbox_status(sealed_zone_t *zone,
    const uint8_t *id, uint64_t now, sealed_mailbox_status_t *status);

/* *wake has a bit for each group of workers that shall look (wake.h) */
sealed_verdict_t sealed_mailbox_close(sealed_zone_t *zone, const uint8_t *id,
    uint64_t now, uint64_t *wake);

/* also SEALED_BAD_SEQUENCE when through is at or above next */
sealed_verdict_t sealed_mailbox_acknowledge(sealed_zone_t *zone,
    const uint8_t *id, uint64_t through, uint64_t now);

/* also SEALED_BAD_SEQUENCE: whether after is below next */
sealed_verdict_t sealed_mailbox_check_after(sealed_zone_t *zone,
    const uint8_t *id, uint64_t after);


/*
 * Parts of the above, for the units that work on mailboxes too: with the
 * shard's lock held, and room for SEALED_MAILBOX_WORDS in its log.
 */

enum {
    SEALED_MAILBOX_WORDS  = 64,
    SEALED_MAILBOX_BATCH  = 64,     /* records dropped in one go */
    SEALED_REVISIT_HOURS  = 24,     /* each mailbox is looked at so often */
    SEALED_RESTED_HOURS   = 24,
    SEALED_UNSEEN_HOURS   = 50      /* what a journal may not have seen */
};

/*
 * Hours at rest: a mailbox may live up to one longer than the host's limit,
 * and one that a journal has brought back up to SEALED_UNSEEN_HOURS longer
 * until it is asked for; never shorter.  When it ends, in unix time.
 */
uint64_t sealed_mailbox_idle_end(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox);

/* whether senders and readers find it */
int sealed_mailbox_is_open(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox);

/* everything of a mailbox that changes with an envelope */
void sealed_mailbox_save(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox);

/* what comes after this record in its mailbox */
uint32_t sealed_mailbox_next(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox, uint32_t record);

/* takes a record out, prev is the one before or none; commits at times */
void sealed_mailbox_drop(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint32_t prev, uint32_t record);

/*
 * Drops what has expired and hangs the mailbox in at the hour at which it
 * has to be looked at again; commits.
 */
void sealed_mailbox_purge(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now);

/* moves it in the wheel */
void sealed_mailbox_due(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint32_t due);

/* ends it: no sender and no reader finds it any more; commits */
void sealed_mailbox_end(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now, uint64_t *wake);

/* tells those who wait for it */
void sealed_mailbox_notify(sealed_zone_t *zone, sealed_mailbox_t *mailbox,
    uint64_t *wake);

/* an ended, empty one out of table and wheel, into the worker's place */
void sealed_mailbox_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox);


#pragma GCC visibility pop


#endif /* SEALED_MAILBOX_H */
