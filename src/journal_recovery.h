
/*
 * From the segments of a journal back to mailboxes and their mail.
 *
 * The host lends memory and the segments' octets, which stay where they are
 * until the end.  It examines all segments first, then reads each; after the
 * last it resolves (recovery_merge.h) and emits what lives (recovery_emit.h).
 * Nothing is written, so the same serves `sealed journal check`.
 *
 * What is damaged is passed over and counted; what is whole is kept.  Streams
 * may be read in any order, segments of a snapshot by their numbers (as their
 * names sort).
 *
 * Behind it are the streams and what is missing of them (recovery_stream.h),
 * what one record changes (recovery_record.h), the mailboxes
 * (recovery_mailbox.h), and their envelopes (recovery_body.h).
 *
 * Memory: 120 octets a mailbox, 36 and the slice an envelope of a recipient,
 * 32 a body that may still live.
 */

#ifndef SEALED_JOURNAL_RECOVERY_H
#define SEALED_JOURNAL_RECOVERY_H


#include "journal.h"
#include "journal_record.h"
#include "master_secret.h"
#include "recovery_array.h"


#pragma GCC visibility push(hidden)


/*
 * While a stream was written that did not end in order, a mailbox may have
 * given out sequence numbers that no record tells of, and its reader may
 * have seen them: numbers go on this much higher for each.
 */
#define SEALED_JOURNAL_GAP  ((uint64_t) 1 << 24)


/*
 * A mailbox's last request may have come so many hours later than the journal
 * knows: up to a day after one that it knows of, or that a snapshot has, and
 * there is a snapshot a day.  A stop of nginx counts as it would with a file,
 * but for what is longer than this; the end of a run is known no better.
 */
enum {
    SEALED_JOURNAL_STOP_HOURS = 26
};


/* what reading found, in one segment or in all */

typedef struct {
    uint64_t                      records;
    uint64_t                      octets;       /* of records */
    uint64_t                      damaged;      /* places passed over */
    uint64_t                      damaged_octets;
    uint64_t                      first_damage; /* offset, in one segment */
    uint64_t                      torn;         /* offset of a torn end */
    uint64_t                      torn_octets;  /* 0: there is none */
} sealed_recovery_report_t;


/* what resolving left over, and what is missing */

typedef struct {
    uint64_t                      mailboxes;
    uint64_t                      envelopes;
    uint64_t                      bodies;
    uint64_t                      slice_octets;
    uint64_t                      unopened;     /* without a mailbox */
    uint64_t                      bodiless;     /* without a body */
    uint64_t                      segments_missing;
    uint64_t                      unclean;      /* streams cut short */
    uint32_t                      lives;        /* the highest seen */
    unsigned                      headless;     /* no snapshot to begin with */
} sealed_recovery_result_t;


typedef struct {
    sealed_journal_segment_t      segment;
    const uint8_t                *key;
    const uint8_t                *data;
} sealed_recovery_segment_t;


typedef struct {
    sealed_recovery_memory_t      memory;
    const sealed_master_secret_t *secret;
    uint8_t                       zone[SEALED_JOURNAL_IDENTITY];
    uint32_t                      hour;
    uint32_t                      last_hour;    /* in which it was written */

    uint64_t                      base;         /* generation that counts */
    uint64_t                      generation;   /* the highest there is */
    unsigned                      has_base;

    sealed_recovery_array_t       segments;
    sealed_recovery_array_t       streams;
    sealed_recovery_array_t       mailboxes;
    sealed_recovery_array_t       buckets;      /* of mailboxes */
    sealed_recovery_array_t       bodies;
    sealed_recovery_array_t       names;        /* of a snapshot's bodies */
    sealed_recovery_array_t       items;
    sealed_recovery_array_t       slices;
    sealed_recovery_array_t       order;        /* of items, resolved */
    sealed_recovery_array_t       revocations;
    sealed_recovery_array_t       certificates;
    sealed_recovery_array_t       quotas;
    sealed_recovery_array_t       scratch;      /* a payload */

    sealed_recovery_result_t      result;
} sealed_recovery_t;


void sealed_recovery_init(sealed_recovery_t *recovery,
    const uint8_t zone[SEALED_JOURNAL_IDENTITY],
    const sealed_master_secret_t *secret, uint32_t hour,
    sealed_recovery_resize_t resize, void *context);

/*
 * First of all, for each segment.  NULL, or why the journal as a whole
 * cannot be used (another zone's, a key line that is missing, another
 * version).  A header that is blank or damaged is not such a reason; the
 * segment is not read then.
 */
const char *sealed_recovery_examine(sealed_recovery_t *recovery,
    const uint8_t *data, size_t size,
    sealed_journal_header_result_t *header);

/*
 * Then again for each whose header is in order.  NULL, or why the journal
 * cannot be used.  A segment that a later snapshot replaced reports no
 * records.
 */
const char *sealed_recovery_read(sealed_recovery_t *recovery,
    const uint8_t *data, size_t size, sealed_recovery_report_t *report);

/* the hour since which an open mailbox idles, when all has been read */
uint32_t sealed_recovery_active(const sealed_recovery_t *recovery,
    const sealed_journal_mailbox_t *mailbox);

void sealed_recovery_free(sealed_recovery_t *recovery);


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_RECOVERY_H */
