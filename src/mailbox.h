
/*
 * Mailboxes: open, append, read, acknowledge, close, expire.
 *
 * Each function takes the zone's lock and works on one state of it.  An
 * envelope stays until acknowledged or expired; sequence numbers begin at 1
 * and never repeat in a mailbox's life.  Hours are unix time / 3600.
 */

#ifndef SEALED_MAILBOX_H
#define SEALED_MAILBOX_H


#include "fanout.h"
#include "zone.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint32_t                      envelopes;    /* in one mailbox */
    uint64_t                      bytes;
    uint32_t                      idle_seconds;
} sealed_mailbox_limits_t;


typedef struct {
    uint64_t                      envelopes;
    uint64_t                      bytes;
    uint64_t                      first;
    uint64_t                      next;
} sealed_mailbox_status_t;


typedef enum {
    SEALED_ACCEPTED = 0,
    SEALED_REFUSED_UNKNOWN,
    SEALED_REFUSED_FULL
} sealed_recipient_result_t;


/* key and key line of an open mailbox; 0 or -1 */
int sealed_mailbox_find(sealed_zone_t *zone, const uint8_t *id,
    uint8_t key[SEALED_KEY_SIZE], uint32_t *tag);

/*
 * Opens, on behalf of a certificate in the table.  SEALED_OK with *created
 * 1 (201) or 0 (it was open already, 200), SEALED_OPENER_LIMIT,
 * SEALED_MAILBOX_CLOSED, SEALED_ZONE_FULL.  The key matches the id; the
 * caller has seen to that.
 */
sealed_verdict_t sealed_mailbox_open(sealed_zone_t *zone, const uint8_t *id,
    const uint8_t key[SEALED_KEY_SIZE], uint32_t tag,
    const uint8_t *certificate_id, unsigned max_opened, uint64_t now,
    unsigned *created, sealed_mailbox_status_t *status);

/* an owner's nonce; SEALED_OK, SEALED_NONCE_USED, SEALED_UNAUTHORIZED */
sealed_verdict_t sealed_mailbox_spend(sealed_zone_t *zone, const uint8_t *id,
    uint64_t nonce, uint64_t now, uint64_t *next, unsigned *has_next);

/* the rest: SEALED_NO_MAILBOX when there is none that is open */

sealed_verdict_t sealed_mailbox_status(sealed_zone_t *zone,
    const uint8_t *id, uint64_t now, sealed_mailbox_status_t *status);

sealed_verdict_t sealed_mailbox_close(sealed_zone_t *zone, const uint8_t *id,
    uint64_t now, uint64_t *wake);

/* also SEALED_BAD_SEQUENCE when through is at or above next */
sealed_verdict_t sealed_mailbox_acknowledge(sealed_zone_t *zone,
    const uint8_t *id, uint64_t through, uint64_t now);

/*
 * One body to many mailboxes, each whole or not at all.  mailboxes is
 * scratch of count references, results tells of each recipient.  SEALED_OK,
 * or SEALED_ZONE_FULL with nothing changed.  *wake has a bit for each worker
 * that shall look.
 */
sealed_verdict_t sealed_mailbox_append(sealed_zone_t *zone,
    const sealed_fanout_t *fanout, const sealed_mailbox_limits_t *limits,
    uint64_t expiry_hour, uint64_t now, uint32_t *mailboxes,
    uint8_t *results, uint32_t *accepted, uint64_t *wake);

/*
 * Items above *after, at most *limit of them, as a CBOR sequence into out as
 * far as they fit; *after and *limit move on.  *more tells whether another
 * item waits.  A worker below SEALED_WORKERS that found nothing at all is
 * registered for a wake-up; *mailbox is then the reference it will be told.
 */
sealed_verdict_t sealed_mailbox_read(sealed_zone_t *zone, const uint8_t *id,
    uint64_t now, uint64_t *after, unsigned *limit, uint8_t *out,
    size_t size, size_t *used, unsigned *more, unsigned worker,
    uint32_t *mailbox);

/* also SEALED_BAD_SEQUENCE: whether after is below next */
sealed_verdict_t sealed_mailbox_check_after(sealed_zone_t *zone,
    const uint8_t *id, uint64_t after);

/*
 * What a worker shall look at since it last asked: up to SEALED_WAKE_RING
 * references; *all when it has to look at everything.
 */
unsigned sealed_mailbox_wakes(sealed_zone_t *zone, unsigned worker,
    uint32_t *mailboxes, unsigned *all);

/*
 * Expiry, a few pages at a time: envelopes past their hour, mailboxes that
 * idle too long or whose key line left, closed ones past their time,
 * certificates that ended.
 */
void sealed_mailbox_sweep(sealed_zone_t *zone,
    const sealed_mailbox_limits_t *limits, const uint32_t *tags,
    unsigned ntags, unsigned pages, uint64_t now, uint64_t *wake);


#pragma GCC visibility pop


#endif /* SEALED_MAILBOX_H */
