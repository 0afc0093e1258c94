
#include "journal_recovery.h"

#include <string.h>


static void count_streams(sealed_recovery_t *recovery);
static int lives(const sealed_recovery_mailbox_t *mailbox,
    const sealed_recovery_item_t *item);
static void sort(uint32_t *order, uint32_t count,
    const sealed_recovery_item_t *items);
static void sift(uint32_t *order, uint32_t root, uint32_t count,
    const sealed_recovery_item_t *items);
static int emit_bodies(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);
static int emit_mailbox(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink, sealed_recovery_mailbox_t *mailbox);
static int emit_others(sealed_recovery_t *recovery,
    const sealed_recovery_sink_t *sink);


enum {
    PROGRESS = 65536
};


int
sealed_recovery_resolve(sealed_recovery_t *recovery)
{
    size_t                      i;
    uint32_t                   *order, first, last, kept, j;
    sealed_recovery_item_t     *item;
    sealed_recovery_body_t     *body;
    sealed_recovery_result_t   *result;
    sealed_recovery_mailbox_t  *mailbox;

    result = &recovery->result;
    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;
    body = (sealed_recovery_body_t *) recovery->bodies.data;
    item = (sealed_recovery_item_t *) recovery->items.data;

    count_streams(recovery);

    if (recovery->items.count
        && sealed_recovery_reserve(recovery, &recovery->order,
                                   recovery->items.count * sizeof(uint32_t))
           != 0)
    {
        return -1;
    }

    order = (uint32_t *) recovery->order.data;

    /* items of one mailbox beside each other: count, sum up, place */

    for (i = 0; i < recovery->items.count; i++) {

        if (lives(&mailbox[item[i].mailbox], &item[i])) {
            mailbox[item[i].mailbox].count++;

        } else if (!mailbox[item[i].mailbox].opened) {
            result->unopened++;
        }
    }

    first = 0;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        mailbox[i].first = first;
        first += mailbox[i].count;
        mailbox[i].count = 0;

        if (mailbox[i].opened && !mailbox[i].closed) {
            result->mailboxes++;
            mailbox[i].state.next += result->unclean * SEALED_JOURNAL_GAP;
        }
    }

    for (i = 0; i < recovery->items.count; i++) {
        if (lives(&mailbox[item[i].mailbox], &item[i])) {
            j = mailbox[item[i].mailbox].first
                + mailbox[item[i].mailbox].count++;
            order[j] = (uint32_t) i;
        }
    }

    for (i = 0; i < recovery->mailboxes.count; i++) {
        if (mailbox[i].count == 0) {
            continue;
        }

        first = mailbox[i].first;
        last = first + mailbox[i].count;
        sort(order + first, mailbox[i].count, item);

        /* what is in a snapshot may be in a stream as well */

        kept = first;

        for (j = first; j < last; j++) {
            if (kept == first || item[order[kept - 1]].seq
                                 != item[order[j]].seq)
            {
                order[kept++] = order[j];
                body[item[order[j]].body].live++;
                result->slice_octets += item[order[j]].slice_size;
            }
        }

        mailbox[i].count = kept - first;
        result->envelopes += kept - first;
    }

    for (i = 0; i < recovery->bodies.count; i++) {
        result->bodies += body[i].live != 0;
    }

    return 0;
}


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


static void
count_streams(sealed_recovery_t *recovery)
{
    size_t                     i;
    uint64_t                   all, oldest;
    sealed_recovery_stream_t  *stream;

    oldest = 1;
    stream = (sealed_recovery_stream_t *) recovery->streams.data;

    for (i = 0; i < recovery->streams.count; i++) {

        if (i == 0 || stream[i].generation < oldest) {
            oldest = stream[i].generation;
        }

        if (recovery->has_base
            && (stream[i].generation < recovery->base
                || (stream[i].snapshot
                    && stream[i].generation > recovery->base)))
        {
            continue;
        }

        /* a snapshot begins with its first; there may be copies of some */

        all = (uint64_t) stream[i].last + 1
              - (stream[i].snapshot ? 1 : stream[i].first);

        if (all > stream[i].segments) {
            recovery->result.segments_missing += all - stream[i].segments;
        }

        if (!stream[i].snapshot && !stream[i].ended) {
            recovery->result.unclean++;
        }
    }

    /* the first generation has none; of later ones it is removed last */

    recovery->result.headless = !recovery->has_base && oldest > 1;
}


static int
lives(const sealed_recovery_mailbox_t *mailbox,
    const sealed_recovery_item_t *item)
{
    return mailbox->opened
           && !mailbox->closed
           && mailbox->state.life == item->life
           && item->seq > mailbox->state.through;
}


/* nearly always in order already; else a heap sort */

static void
sort(uint32_t *order, uint32_t count, const sealed_recovery_item_t *items)
{
    uint32_t  i, swap;

    for (i = 1; i < count; i++) {
        if (items[order[i - 1]].seq > items[order[i]].seq) {
            break;
        }
    }

    if (i >= count) {
        return;
    }

    for (i = count / 2; i > 0; /* void */ ) {
        i--;
        sift(order, i, count, items);
    }

    for (i = count - 1; i > 0; i--) {
        swap = order[0];
        order[0] = order[i];
        order[i] = swap;
        sift(order, 0, i, items);
    }
}


static void
sift(uint32_t *order, uint32_t root, uint32_t count,
    const sealed_recovery_item_t *items)
{
    uint32_t  child, swap;

    for (child = 2 * root + 1; child < count; child = 2 * root + 1) {

        if (child + 1 < count
            && items[order[child]].seq < items[order[child + 1]].seq)
        {
            child++;
        }

        if (items[order[root]].seq >= items[order[child]].seq) {
            return;
        }

        swap = order[root];
        order[root] = order[child];
        order[child] = swap;
        root = child;
    }
}


static int
emit_bodies(sealed_recovery_t *recovery, const sealed_recovery_sink_t *sink)
{
    int                         rc;
    size_t                      i, offset;
    sealed_bytes_t              payload;
    sealed_recovery_body_t     *body;
    sealed_journal_body_t       shared;
    sealed_journal_record_t     record;
    sealed_recovery_segment_t  *segment;

    body = (sealed_recovery_body_t *) recovery->bodies.data;

    for (i = 0; i < recovery->bodies.count; i++) {

        if (sink->progress && i % PROGRESS == 0) {
            sink->progress(sink->context, i, recovery->bodies.count);
        }

        if (body[i].live == 0) {
            continue;
        }

        segment = (sealed_recovery_segment_t *) recovery->segments.data
                  + body[i].segment;
        offset = (size_t) (body[i].data - segment->data);

        /* it has been read once, so it is whole and fits */

        sealed_journal_record_at(&record, segment->data, offset);
        payload.data = recovery->scratch.data;
        payload.size = record.payload_size;

        if (sealed_journal_record_open(recovery->scratch.data, &record,
                                       &segment->segment, segment->key)
            != 0)
        {
            return -1;
        }

        rc = record.kind == SEALED_JOURNAL_BODY
             ? sealed_journal_body_decode(&shared, payload)
             : sealed_journal_envelope_decode(&shared, payload);

        if (rc != 0
            || sink->body(sink->context, &shared, body[i].live,
                          &body[i].reference)
               != 0)
        {
            return -1;
        }
    }

    return 0;
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
