
/*
 * What a journal brings back, into a zone that is empty and that nobody else
 * uses yet.  A death here leaves a zone that has to be thrown away.
 *
 * The process has a place in the zone (worker.h); the functions are made for
 * sealed_recovery_emit(), which calls them in the right order.
 */

#ifndef SEALED_RESTORE_H
#define SEALED_RESTORE_H


#include "journal_record.h"
#include "zone.h"


#pragma GCC visibility push(hidden)


/* the highest life of which a record is left: the next is higher */
void sealed_restore_lives(sealed_zone_t *zone, uint32_t lives);

/*
 * A mailbox, open and idling since its active_hour, or ended and remembered
 * until closed_until.  0 with its reference, or -1: there is no room.
 */
int sealed_restore_mailbox(sealed_zone_t *zone,
    const sealed_journal_mailbox_t *mailbox, uint64_t closed_until,
    uint64_t now, uint32_t *reference);

/*
 * A body, and a record for each of those who will name it: *records is the
 * first of them.  0 or -1.
 */
int sealed_restore_body(sealed_zone_t *zone,
    const sealed_journal_body_t *body, uint32_t references,
    uint32_t *records);

/*
 * The next of a body's records, at the end of a mailbox.  slice has the size
 * that the body says.  0 or -1.
 */
int sealed_restore_item(sealed_zone_t *zone, uint32_t mailbox, uint64_t seq,
    uint32_t *records, sealed_bytes_t slice);

/*
 * States of certificates and of what accounts have drawn, in any order; what
 * has ended is passed over.  0 or -1.
 */
int sealed_restore_certificate(sealed_zone_t *zone,
    const sealed_journal_certificate_t *certificate, uint64_t now);
int sealed_restore_quota(sealed_zone_t *zone,
    const sealed_journal_quota_t *quota, uint64_t now);


#pragma GCC visibility pop


#endif /* SEALED_RESTORE_H */
