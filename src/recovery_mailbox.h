
/*
 * The mailboxes that records tell of, found by their ids.
 *
 * Of each there is the last life that any record knows; what is of an earlier
 * one is void.  Records may come in any order: what they say is put together
 * so that the order makes no difference.
 */

#ifndef SEALED_RECOVERY_MAILBOX_H
#define SEALED_RECOVERY_MAILBOX_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


typedef struct {
    sealed_journal_mailbox_t      state;
    uint64_t                      closed_until;
    uint64_t                      reference;    /* the sink's */
    uint32_t                      first;        /* in order */
    uint32_t                      count;        /* that live */
    unsigned                      opened:1;
    unsigned                      closed:1;
} sealed_recovery_mailbox_t;


/*
 * The mailbox, moved on to this life when it was in an earlier one, and its
 * index unless that is NULL; or NULL: out of memory.  It may be in a later
 * life than this one.
 */
sealed_recovery_mailbox_t *sealed_recovery_mailbox(
    sealed_recovery_t *recovery, const uint8_t *id, uint32_t life,
    uint32_t *index);

/* what a record says that opened it, of the life that it is in */
void sealed_recovery_mailbox_open(sealed_recovery_mailbox_t *mailbox,
    const sealed_journal_mailbox_t *opened);

/* all up to this number has been acknowledged */
void sealed_recovery_mailbox_through(sealed_recovery_mailbox_t *mailbox,
    uint64_t through);

/* this number and those above it may not have been given out yet */
static inline void
sealed_recovery_mailbox_next(sealed_recovery_mailbox_t *mailbox,
    uint64_t next)
{
    if (next > mailbox->state.next) {
        mailbox->state.next = next;
    }
}


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_MAILBOX_H */
