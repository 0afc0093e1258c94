
#include "recovery_record.h"
#include "recovery_body.h"
#include "recovery_mailbox.h"

#include <string.h>


static sealed_recovery_verdict_t read_open(sealed_recovery_t *recovery,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t read_change(sealed_recovery_t *recovery,
    unsigned kind, sealed_bytes_t payload);
static sealed_recovery_verdict_t read_envelope(sealed_recovery_t *recovery,
    uint32_t segment, const sealed_journal_record_t *record,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t read_body(sealed_recovery_t *recovery,
    uint32_t segment, const sealed_journal_record_t *record,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t read_items(sealed_recovery_t *recovery,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t read_revocation(sealed_recovery_t *recovery,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t read_certificate(
    sealed_recovery_t *recovery, sealed_bytes_t payload);
static sealed_recovery_verdict_t read_quota(sealed_recovery_t *recovery,
    sealed_bytes_t payload);
static sealed_recovery_verdict_t keep(sealed_recovery_t *recovery,
    sealed_recovery_array_t *array, const void *state, size_t size);


sealed_recovery_verdict_t
sealed_recovery_record(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    switch (record->kind) {

    case SEALED_JOURNAL_OPEN:
        return read_open(recovery, payload);

    case SEALED_JOURNAL_CLOSE:
    case SEALED_JOURNAL_ACKNOWLEDGE:
        return read_change(recovery, record->kind, payload);

    case SEALED_JOURNAL_ENVELOPE:
        return read_envelope(recovery, segment, record, payload);

    case SEALED_JOURNAL_BODY:
        return read_body(recovery, segment, record, payload);

    case SEALED_JOURNAL_ITEMS:
        return read_items(recovery, payload);

    case SEALED_JOURNAL_REVOKE:
        return read_revocation(recovery, payload);

    case SEALED_JOURNAL_CERTIFICATE:
        return read_certificate(recovery, payload);

    case SEALED_JOURNAL_QUOTA:
        return read_quota(recovery, payload);

    case SEALED_JOURNAL_BEGIN:
    case SEALED_JOURNAL_END:
        return payload.size == 0 ? SEALED_RECOVERY_OK
                                 : SEALED_RECOVERY_MALFORMED;

    default:
        return SEALED_RECOVERY_UNKNOWN;
    }
}


static sealed_recovery_verdict_t
read_open(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    sealed_journal_mailbox_t    opened;
    sealed_recovery_mailbox_t  *mailbox;

    if (sealed_journal_open_decode(&opened, payload) != 0) {
        return SEALED_RECOVERY_MALFORMED;
    }

    mailbox = sealed_recovery_mailbox(recovery, opened.id, opened.life, NULL);
    if (mailbox == NULL) {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    if (mailbox->state.life == opened.life) {
        sealed_recovery_mailbox_open(mailbox, &opened);
    }

    return SEALED_RECOVERY_OK;
}


/* a mailbox's end, or an acknowledgement */

static sealed_recovery_verdict_t
read_change(sealed_recovery_t *recovery, unsigned kind,
    sealed_bytes_t payload)
{
    sealed_journal_change_t     change;
    sealed_recovery_mailbox_t  *mailbox;

    if (sealed_journal_change_decode(&change, payload) != 0) {
        return SEALED_RECOVERY_MALFORMED;
    }

    mailbox = sealed_recovery_mailbox(recovery, change.id, change.life, NULL);
    if (mailbox == NULL) {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    if (mailbox->state.life != change.life) {
        return SEALED_RECOVERY_OK;
    }

    if (kind == SEALED_JOURNAL_CLOSE) {

        /* 0 would be one that is open */

        if (change.value == 0 || change.value > UINT32_MAX) {
            return SEALED_RECOVERY_MALFORMED;
        }

        mailbox->closed = 1;
        mailbox->closed_until = change.value;

        return SEALED_RECOVERY_OK;
    }

    if (change.value >= SEALED_JOURNAL_SEQ_END) {
        return SEALED_RECOVERY_MALFORMED;
    }

    sealed_recovery_mailbox_through(mailbox, change.value);
    sealed_recovery_mailbox_next(mailbox, change.value + 1);

    return SEALED_RECOVERY_OK;
}


static sealed_recovery_verdict_t
read_envelope(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    uint32_t                     i;
    sealed_bytes_t               slice;
    sealed_journal_body_t        shared;
    sealed_recovery_item_t       item;
    sealed_recovery_mailbox_t   *mailbox;
    sealed_journal_recipient_t   recipient;

    if (sealed_journal_envelope_decode(&shared, payload) != 0) {
        return SEALED_RECOVERY_MALFORMED;
    }

    memset(&item, 0, sizeof(item));
    item.body = SEALED_RECOVERY_NONE;

    for (i = 0; i < shared.count; i++) {
        sealed_journal_recipient(&recipient, &shared, i);

        if (recipient.seq >= SEALED_JOURNAL_SEQ_END) {
            return SEALED_RECOVERY_MALFORMED;
        }

        mailbox = sealed_recovery_mailbox(recovery, recipient.id,
                                          recipient.life, &item.mailbox);
        if (mailbox == NULL) {
            return SEALED_RECOVERY_NO_MEMORY;
        }

        if (mailbox->state.life != recipient.life) {
            continue;
        }

        sealed_recovery_mailbox_next(mailbox, recipient.seq + 1);

        if (shared.expiry_hour <= recovery->hour
            || recipient.seq <= mailbox->state.through)
        {
            continue;
        }

        if (item.body == SEALED_RECOVERY_NONE
            && sealed_recovery_body_add(recovery, segment, record,
                                        &item.body)
               != 0)
        {
            return SEALED_RECOVERY_NO_MEMORY;
        }

        item.life = recipient.life;
        item.seq = recipient.seq;
        slice.data = shared.headers.data + (size_t) i * shared.slice_size;
        slice.size = shared.slice_size;

        if (sealed_recovery_item_add(recovery, &item, slice) != 0) {
            return SEALED_RECOVERY_NO_MEMORY;
        }
    }

    return SEALED_RECOVERY_OK;
}


static sealed_recovery_verdict_t
read_body(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, sealed_bytes_t payload)
{
    uint32_t               body;
    sealed_journal_body_t  shared;

    if (sealed_journal_body_decode(&shared, payload) != 0) {
        return SEALED_RECOVERY_MALFORMED;
    }

    body = SEALED_RECOVERY_NONE;

    if (shared.expiry_hour > recovery->hour
        && sealed_recovery_body_add(recovery, segment, record, &body) != 0)
    {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    return sealed_recovery_body_name(recovery, shared.reference, body) == 0
           ? SEALED_RECOVERY_OK : SEALED_RECOVERY_NO_MEMORY;
}


static sealed_recovery_verdict_t
read_items(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    int                         rc;
    sealed_journal_item_t       item;
    sealed_journal_items_t      items;
    sealed_recovery_item_t      entry;
    sealed_recovery_mailbox_t  *mailbox;

    if (sealed_journal_items_decode(&items, payload) != 0) {
        return SEALED_RECOVERY_MALFORMED;
    }

    memset(&entry, 0, sizeof(entry));
    entry.life = items.life;

    mailbox = sealed_recovery_mailbox(recovery, items.id, items.life,
                                      &entry.mailbox);
    if (mailbox == NULL) {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    if (mailbox->state.life != items.life) {
        return SEALED_RECOVERY_OK;
    }

    for ( ;; ) {
        rc = sealed_journal_item_next(&item, &items);

        if (rc <= 0) {
            return rc == 0 ? SEALED_RECOVERY_OK : SEALED_RECOVERY_MALFORMED;
        }

        if (item.seq >= SEALED_JOURNAL_SEQ_END) {
            return SEALED_RECOVERY_MALFORMED;
        }

        sealed_recovery_mailbox_next(mailbox, item.seq + 1);

        if (sealed_recovery_body_find(recovery, item.body, &entry.body) != 0)
        {
            recovery->result.bodiless++;
            continue;
        }

        entry.seq = item.seq;

        if (entry.body != SEALED_RECOVERY_NONE
            && item.seq > mailbox->state.through
            && sealed_recovery_item_add(recovery, &entry, item.slice) != 0)
        {
            return SEALED_RECOVERY_NO_MEMORY;
        }
    }
}


static sealed_recovery_verdict_t
read_revocation(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    sealed_journal_revocation_t  revocation;

    return sealed_journal_revoke_decode(&revocation, payload) == 0
           ? keep(recovery, &recovery->revocations, &revocation,
                  sizeof(revocation))
           : SEALED_RECOVERY_MALFORMED;
}


static sealed_recovery_verdict_t
read_certificate(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    sealed_journal_certificate_t  certificate;

    return sealed_journal_certificate_decode(&certificate, payload) == 0
           ? keep(recovery, &recovery->certificates, &certificate,
                  sizeof(certificate))
           : SEALED_RECOVERY_MALFORMED;
}


static sealed_recovery_verdict_t
read_quota(sealed_recovery_t *recovery, sealed_bytes_t payload)
{
    sealed_journal_quota_t  quota;

    return sealed_journal_quota_decode(&quota, payload) == 0
           ? keep(recovery, &recovery->quotas, &quota, sizeof(quota))
           : SEALED_RECOVERY_MALFORMED;
}


/* until all is emitted */

static sealed_recovery_verdict_t
keep(sealed_recovery_t *recovery, sealed_recovery_array_t *array,
    const void *state, size_t size)
{
    void  *place;

    place = sealed_recovery_push(&recovery->memory, array, size);
    if (place == NULL) {
        return SEALED_RECOVERY_NO_MEMORY;
    }

    memcpy(place, state, size);

    return SEALED_RECOVERY_OK;
}
