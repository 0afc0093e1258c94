
/*
 * A snapshot: records of all that lives in a zone, to begin a generation of
 * its journal with.
 *
 * It is written while workers go on.  Whatever they do meanwhile is in the
 * journal of the same generation, so that a mailbox may be seen before or
 * after it: records say the same either way (journal_record.h).  Each step
 * locks one shard, for at most SEALED_SNAPSHOT_ITEMS envelopes or
 * SEALED_SNAPSHOT_OCTETS of bodies.
 *
 * Certificates are written without anything that ties them to mailboxes, and
 * times are rounded up to the hour.  A snapshot of certificates alone, of
 * those that were used since an earlier one, is for the end of nginx.
 *
 * A body is written once, before the first items that name it.  Which ones
 * have been written is kept in a table that the host lends memory to: 16
 * octets a body and as many again.
 */

#ifndef SEALED_SNAPSHOT_H
#define SEALED_SNAPSHOT_H


#include "certificate_snapshot.h"
#include "journal_record.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_SNAPSHOT_ITEMS   = 64,
    SEALED_SNAPSHOT_OCTETS  = 256 * 1024
};


typedef struct {
    void                         *context;
    void                       *(*resize)(void *context, void *old,
                                          size_t size);

    uint32_t                      page;
    uint32_t                      slot;
    uint32_t                      begun;        /* the mailbox */
    uint64_t                      after;        /* its last one written */

    uint64_t                     *seen;         /* names of bodies */
    size_t                        seen_size;
    size_t                        seen_count;

    sealed_certificate_snapshot_t  certificates;        /* come last */

    uint64_t                      mailboxes;
    uint64_t                      envelopes;
} sealed_snapshot_t;


/* resize as realloc(); a size of 0 frees */
void sealed_snapshot_init(sealed_snapshot_t *snapshot,
    void *(*resize)(void *context, void *old, size_t size), void *context);
void sealed_snapshot_free(sealed_snapshot_t *snapshot);

/*
 * A step.  The writer has room for the largest body and
 * SEALED_SNAPSHOT_ITEMS slices when its batch is empty.  After
 * SEALED_SNAPSHOT_LOST it is no snapshot of all that lives any more.
 */
sealed_snapshot_result_t sealed_snapshot_step(sealed_snapshot_t *snapshot,
    sealed_zone_t *zone, sealed_journal_writer_t *writer, uint64_t now);


/* what a record says of an open mailbox; 0, or -1 when there is none */
int sealed_snapshot_mailbox(sealed_zone_t *zone,
    const uint8_t id[SEALED_MAILBOX_ID_SIZE],
    uint8_t out[SEALED_JOURNAL_OPEN_SIZE]);


#pragma GCC visibility pop


#endif /* SEALED_SNAPSHOT_H */
