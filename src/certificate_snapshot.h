
/*
 * What the tables of certificates give to the journal: in a snapshot all that
 * lives, at the end of nginx the certificates that were used since some time.
 *
 * It walks the tables bucket by bucket: in the order of a keyed hash of the
 * ids.  The order in which rows were made would tell, beside that of the
 * mailboxes, which certificate opened which.
 */

#ifndef SEALED_CERTIFICATE_SNAPSHOT_H
#define SEALED_CERTIFICATE_SNAPSHOT_H


#include "journal_writer.h"
#include "zone.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_CERTIFICATE_BUCKETS = 16     /* of a step, under a lock */
};


typedef enum {
    SEALED_SNAPSHOT_MORE = 0,
    SEALED_SNAPSHOT_WAIT,               /* for the batch to be written */
    SEALED_SNAPSHOT_DONE,
    SEALED_SNAPSHOT_LOST,               /* a shard, with its lock */
    SEALED_SNAPSHOT_FAILED              /* no memory */
} sealed_snapshot_result_t;


typedef struct {
    uint64_t                      since;
    uint32_t                      shard;
    uint32_t                      bucket;
    uint32_t                      buckets;      /* as they were last seen */
} sealed_certificate_snapshot_t;


/* since: nothing but certificates that were used then or later; 0: all */
void sealed_certificate_snapshot_init(sealed_certificate_snapshot_t *walk,
    uint64_t since);

/*
 * A step; one that has to wait goes on where it was, the one after a lost
 * shard with the next shard.
 */
sealed_snapshot_result_t sealed_certificate_snapshot_step(
    sealed_certificate_snapshot_t *walk, sealed_zone_t *zone,
    sealed_journal_writer_t *writer, uint64_t now);


#pragma GCC visibility pop


#endif /* SEALED_CERTIFICATE_SNAPSHOT_H */
