
#include "recovery_merge.h"
#include "recovery_body.h"
#include "recovery_mailbox.h"
#include "recovery_stream.h"


static void count_items(sealed_recovery_t *recovery);
static void give_places(sealed_recovery_t *recovery);
static void place_items(sealed_recovery_t *recovery);
static void settle(sealed_recovery_t *recovery,
    sealed_recovery_mailbox_t *mailbox);
static int lives(const sealed_recovery_mailbox_t *mailbox,
    const sealed_recovery_item_t *item);
static void sort(uint32_t *order, uint32_t count,
    const sealed_recovery_item_t *items);
static void sift(uint32_t *order, uint32_t root, uint32_t count,
    const sealed_recovery_item_t *items);


int
sealed_recovery_resolve(sealed_recovery_t *recovery)
{
    size_t                      i;
    sealed_recovery_body_t     *body;
    sealed_recovery_mailbox_t  *mailbox;

    sealed_recovery_stream_count(recovery);

    if (recovery->items.count
        && sealed_recovery_reserve(&recovery->memory, &recovery->order,
                                   recovery->items.count * sizeof(uint32_t))
           != 0)
    {
        return -1;
    }

    /* items of one mailbox beside each other */

    count_items(recovery);
    give_places(recovery);
    place_items(recovery);

    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        if (mailbox[i].count) {
            settle(recovery, &mailbox[i]);
        }
    }

    body = (sealed_recovery_body_t *) recovery->bodies.data;

    for (i = 0; i < recovery->bodies.count; i++) {
        recovery->result.bodies += body[i].live != 0;
    }

    return 0;
}


static void
count_items(sealed_recovery_t *recovery)
{
    size_t                      i;
    sealed_recovery_item_t     *item;
    sealed_recovery_mailbox_t  *mailbox;

    item = (sealed_recovery_item_t *) recovery->items.data;
    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->items.count; i++) {

        if (lives(&mailbox[item[i].mailbox], &item[i])) {
            mailbox[item[i].mailbox].count++;

        } else if (!mailbox[item[i].mailbox].opened) {
            recovery->result.unopened++;
        }
    }
}


static void
give_places(sealed_recovery_t *recovery)
{
    size_t                      i;
    uint32_t                    first;
    sealed_recovery_mailbox_t  *mailbox;

    first = 0;
    mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        mailbox[i].first = first;
        first += mailbox[i].count;
        mailbox[i].count = 0;

        if (mailbox[i].opened && !mailbox[i].closed) {
            recovery->result.mailboxes++;
            mailbox[i].state.next += recovery->result.unclean
                                     * SEALED_JOURNAL_GAP;
        }
    }
}


static void
place_items(sealed_recovery_t *recovery)
{
    size_t                      i;
    uint32_t                   *order;
    sealed_recovery_item_t     *item;
    sealed_recovery_mailbox_t  *mailbox;

    order = (uint32_t *) recovery->order.data;
    item = (sealed_recovery_item_t *) recovery->items.data;

    for (i = 0; i < recovery->items.count; i++) {
        mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data
                  + item[i].mailbox;

        if (lives(mailbox, &item[i])) {
            order[mailbox->first + mailbox->count++] = (uint32_t) i;
        }
    }
}


/* by sequence number, each once: a snapshot may have what a stream has */

static void
settle(sealed_recovery_t *recovery, sealed_recovery_mailbox_t *mailbox)
{
    uint32_t                *order, kept, i;
    sealed_recovery_item_t  *items, *item;
    sealed_recovery_body_t  *body;

    body = (sealed_recovery_body_t *) recovery->bodies.data;
    items = (sealed_recovery_item_t *) recovery->items.data;
    order = (uint32_t *) recovery->order.data + mailbox->first;

    sort(order, mailbox->count, items);

    kept = 0;

    for (i = 0; i < mailbox->count; i++) {
        item = &items[order[i]];

        if (kept == 0 || items[order[kept - 1]].seq != item->seq) {
            order[kept++] = order[i];
            body[item->body].live++;
            recovery->result.slice_octets += item->slice_size;
        }
    }

    mailbox->count = kept;
    recovery->result.envelopes += kept;
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
