
#include "recovery_emit.h"
#include "recovery_body.h"
#include "recovery_mailbox.h"


static int emit_bodies(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);
static int open_body(sealed_recovery_t *recovery,
    const sealed_recovery_body_t *body, sealed_journal_body_t *shared);
static int emit_mailbox(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink, sealed_recovery_mailbox_t *mailbox);
static int emit_others(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);


enum {
    PROGRESS = 65536
};


int
sealed_recovery_emit(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink)
{
    size_t                      i;
    sealed_recovery_mailbox_t  *mailbox;

    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        if (mailbox[i].opened
            && sink->mailbox(sink->context, &mailbox[i].state,
                             mailbox[i].closed ? mailbox[i].closed_until : 0,
                             &mailbox[i].reference)
               != 0)
        {
            return -1;
        }
    }

    if (emit_bodies(recovery, sink) != 0) {
        return -1;
    }

    for (i = 0; i < recovery->mailboxes.count; i++) {
        if (mailbox[i].count && emit_mailbox(recovery, sink, &mailbox[i])) {
            return -1;
        }
    }

    return emit_others(recovery, sink);
}


static int
emit_bodies(sealed_recovery_t *recovery, const sealed_recovery_sink_t *sink)
{
    size_t                   i;
    sealed_journal_body_t    shared;
    sealed_recovery_body_t  *body;

    body = (sealed_recovery_body_t *) recovery->bodies.data;

    for (i = 0; i < recovery->bodies.count; i++) {

        if (sink->progress && i % PROGRESS == 0) {
            sink->progress(sink->context, i, recovery->bodies.count);
        }

        if (body[i].live
            && (open_body(recovery, &body[i], &shared) != 0
                || sink->body(sink->context, &shared, body[i].live,
                              &body[i].reference)
                   != 0))
        {
            return -1;
        }
    }

    return 0;
}


/* it has been read once, so it is whole and fits */

static int
open_body(sealed_recovery_t *recovery, const sealed_recovery_body_t *body,
    sealed_journal_body_t *shared)
{
    sealed_bytes_t              payload;
    sealed_journal_record_t     record;
    sealed_recovery_segment_t  *segment;

    segment = (sealed_recovery_segment_t *) recovery->segments.data
              + body->segment;

    sealed_journal_record_at(&record, segment->data,
                             (size_t) (body->data - segment->data));
    payload.data = recovery->scratch.data;
    payload.size = record.payload_size;

    if (sealed_journal_record_open(recovery->scratch.data, &record,
                                   &segment->segment, segment->key)
        != 0)
    {
        return -1;
    }

    return record.kind == SEALED_JOURNAL_BODY
           ? sealed_journal_body_decode(shared, payload)
           : sealed_journal_envelope_decode(shared, payload);
}


static int
emit_mailbox(sealed_recovery_t *recovery, const sealed_recovery_sink_t *sink,
    sealed_recovery_mailbox_t *mailbox)
{
    uint32_t                 i, *order;
    sealed_bytes_t           slice;
    sealed_recovery_body_t  *body;
    sealed_recovery_item_t  *items, *item;

    body = (sealed_recovery_body_t *) recovery->bodies.data;
    items = (sealed_recovery_item_t *) recovery->items.data;
    order = (uint32_t *) recovery->order.data + mailbox->first;

    for (i = 0; i < mailbox->count; i++) {
        item = &items[order[i]];

        slice.size = item->slice_size;
        slice.data = slice.size ? recovery->slices.data + item->slice
                                : (const uint8_t *) "";

        if (sink->item(sink->context, mailbox->reference, item->seq,
                       &body[item->body].reference, slice)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


static int
emit_others(sealed_recovery_t *recovery, const sealed_recovery_sink_t *sink)
{
    size_t                         i;
    sealed_journal_revocation_t   *revocation;
    sealed_journal_certificate_t  *certificate;
    sealed_journal_quota_t        *quota;

    revocation = (sealed_journal_revocation_t *) recovery->revocations.data;

    for (i = 0; i < recovery->revocations.count; i++) {
        if (sink->revocation(sink->context, &revocation[i]) != 0) {
            return -1;
        }
    }

    certificate = (sealed_journal_certificate_t *)
                                                 recovery->certificates.data;

    for (i = 0; i < recovery->certificates.count; i++) {
        if (sink->certificate(sink->context, &certificate[i]) != 0) {
            return -1;
        }
    }

    quota = (sealed_journal_quota_t *) recovery->quotas.data;

    for (i = 0; i < recovery->quotas.count; i++) {
        if (sink->quota(sink->context, &quota[i]) != 0) {
            return -1;
        }
    }

    return 0;
}
