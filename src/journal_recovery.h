
/*
 * From the segments of a journal back to mailboxes and their mail.
 *
 * The host lends memory and the segments' octets, which stay where they are
 * until the end.  It looks at all segments first, then reads each, resolves,
 * and emits what lives.  Nothing is written, so the same serves a test of a
 * configuration and `sealed journal check`.
 *
 * What is damaged is passed over and counted; what is whole is kept.  Of a
 * mailbox whose life, acknowledgements and end are known, an envelope lives
 * when it belongs to the last life, lies above what was acknowledged, and
 * has not expired.  Streams may be read in any order, segments of a snapshot
 * by their numbers (as their names sort).
 *
 * Memory: 120 octets a mailbox, 36 and the slice an envelope of a recipient,
 * 32 a body that may still live.
 */

#ifndef SEALED_JOURNAL_RECOVERY_H
#define SEALED_JOURNAL_RECOVERY_H


#include "journal.h"
#include "journal_record.h"
#include "master_secret.h"


#pragma GCC visibility push(hidden)


/*
 * While a stream was written that did not end in order, a mailbox may have
 * given out sequence numbers that no record tells of, and its reader may
 * have seen them: numbers go on this much higher for each.
 */
#define SEALED_JOURNAL_GAP  ((uint64_t) 1 << 24)


/* as realloc(); a size of 0 frees */
typedef void *(*sealed_recovery_resize_t)(void *context, void *old,
    size_t size);


typedef struct {
    uint8_t                      *data;
    size_t                        count;
    size_t                        capacity;
} sealed_recovery_array_t;


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
    void                         *context;
    sealed_recovery_resize_t      resize;
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
    sealed_recovery_array_t       references;   /* of a snapshot's bodies */
    sealed_recovery_array_t       items;
    sealed_recovery_array_t       slices;
    sealed_recovery_array_t       order;        /* of items, resolved */
    sealed_recovery_array_t       revocations;
    sealed_recovery_array_t       certificates;
    sealed_recovery_array_t       quotas;
    sealed_recovery_array_t       scratch;      /* a payload */

    sealed_recovery_result_t      result;
} sealed_recovery_t;


/*
 * Where what lives goes.  Each returns 0, or -1 to stop.  References are the
 * sink's own: mailbox and body set them, item gets them back.  Of each
 * mailbox items come in the order of their sequence numbers.  Of a
 * certificate and a quota there may be several states, in any order.
 */

typedef struct {
    void                         *context;

    /* closed_until is 0 for one that is open */
    int                         (*mailbox)(void *context,
                                      const sealed_journal_mailbox_t *mailbox,
                                      uint64_t closed_until,
                                      uint64_t *reference);

    /* references: how many items will come of it */
    int                         (*body)(void *context,
                                      const sealed_journal_body_t *body,
                                      uint32_t references,
                                      uint64_t *reference);

    /* the body's reference is the sink's to change */
    int                         (*item)(void *context, uint64_t mailbox,
                                      uint64_t seq, uint64_t *body,
                                      sealed_bytes_t slice);

    int                         (*revocation)(void *context,
                                const sealed_journal_revocation_t *revocation);

    int                         (*certificate)(void *context,
                              const sealed_journal_certificate_t *certificate);

    int                         (*quota)(void *context,
                                      const sealed_journal_quota_t *quota);

    /* now and then; may be NULL */
    void                        (*progress)(void *context, uint64_t done,
                                      uint64_t all);
} sealed_recovery_sink_t;


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

/* what lives; 0, or -1: out of memory */
int sealed_recovery_resolve(sealed_recovery_t *recovery);

/* 0, or -1 when the sink said so, or memory ran out */
int sealed_recovery_emit(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);

/* the hour since which an open mailbox idles, when all has been read */
uint32_t sealed_recovery_active(const sealed_recovery_t *recovery,
    const sealed_journal_mailbox_t *mailbox);

void sealed_recovery_free(sealed_recovery_t *recovery);


/* between journal_recovery.c and journal_merge.c */

typedef struct {
    sealed_journal_mailbox_t      state;
    uint64_t                      closed_until;
    uint64_t                      reference;
    uint32_t                      first;        /* in order */
    uint32_t                      count;        /* that live */
    unsigned                      opened:1;
    unsigned                      closed:1;
} sealed_recovery_mailbox_t;


typedef struct {
    const uint8_t                *data;         /* the record */
    uint64_t                      reference;
    uint32_t                      segment;
    uint32_t                      live;         /* items */
} sealed_recovery_body_t;


typedef struct {
    uint64_t                      seq;
    uint64_t                      slice;        /* offset */
    uint32_t                      slice_size;
    uint32_t                      mailbox;
    uint32_t                      life;
    uint32_t                      body;
} sealed_recovery_item_t;


typedef struct {
    sealed_journal_segment_t      segment;
    const uint8_t                *key;
    const uint8_t                *data;
} sealed_recovery_segment_t;


typedef struct {
    uint64_t                      generation;
    uint64_t                      stream;
    uint32_t                      first;        /* number */
    uint32_t                      last;
    uint32_t                      segments;
    unsigned                      ended:1;      /* in order */
    unsigned                      snapshot:1;
} sealed_recovery_stream_t;


/* one more element of this size, zero; or NULL */
void *sealed_recovery_push(sealed_recovery_t *recovery,
    sealed_recovery_array_t *array, size_t size);

/* capacity in octets; 0 or -1 */
int sealed_recovery_reserve(sealed_recovery_t *recovery,
    sealed_recovery_array_t *array, size_t size);


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_RECOVERY_H */
