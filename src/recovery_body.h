
/*
 * The envelopes that records tell of: bodies, which stay in the journal, and
 * items, each of one mailbox with a slice and a body.
 *
 * A snapshot names its bodies, and its items name them again: a name stands
 * for the last body that got it.  Whether an item lives is not known before
 * all has been read (recovery_merge.h).
 */

#ifndef SEALED_RECOVERY_BODY_H
#define SEALED_RECOVERY_BODY_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


typedef struct {
    const uint8_t                *data;         /* the record */
    uint64_t                      reference;    /* the sink's */
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


/* the body that stands in this record of this segment; 0, or -1: no memory */
int sealed_recovery_body_add(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, uint32_t *body);

/* copies the slice; 0, or -1: out of memory */
int sealed_recovery_item_add(sealed_recovery_t *recovery,
    const sealed_recovery_item_t *item, sealed_bytes_t slice);

/*
 * SEALED_RECOVERY_NONE is the body of a name that has expired: it is known,
 * and its items are not missed.  0, or -1: out of memory.
 */
int sealed_recovery_body_name(sealed_recovery_t *recovery, uint64_t name,
    uint32_t body);

/* 0, or -1: no body has this name */
int sealed_recovery_body_find(const sealed_recovery_t *recovery,
    uint64_t name, uint32_t *body);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_BODY_H */
