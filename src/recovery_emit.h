
/*
 * What lives, resolved, on its way to where it goes: mailboxes first, then
 * bodies, items, and all the rest.
 */

#ifndef SEALED_RECOVERY_EMIT_H
#define SEALED_RECOVERY_EMIT_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


/*
 * Where it goes.  Each returns 0, or -1 to stop.  References are the
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


/* 0, or -1 when the sink said so, or memory ran out */
int sealed_recovery_emit(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_EMIT_H */
