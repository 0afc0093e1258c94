
#include "journal_record.h"
#include "octets.h"

#include <string.h>


#define DATED  ((uint32_t) 1 << 31)


static uint8_t *put(uint8_t *p, const void *data, size_t size);
static const uint8_t *get(void *out, const uint8_t *p, size_t size);
static uint8_t *put_head(uint8_t *p, const sealed_journal_body_t *body);
static int get_parts(sealed_journal_body_t *body, sealed_bytes_t payload);


void
sealed_journal_open_encode(uint8_t out[SEALED_JOURNAL_OPEN_SIZE],
    const sealed_journal_mailbox_t *mailbox)
{
    out = put(out, mailbox->id, sizeof(mailbox->id));
    out = put(out, mailbox->key, sizeof(mailbox->key));
    out = sealed_put32(out, mailbox->life);
    out = sealed_put32(out, mailbox->tag);
    out = sealed_put32(out, mailbox->active_hour
                            | (mailbox->dated ? DATED : 0));
    out = sealed_put64(out, mailbox->through);
    (void) sealed_put64(out, mailbox->next);
}


int
sealed_journal_open_decode(sealed_journal_mailbox_t *mailbox,
    sealed_bytes_t payload)
{
    const uint8_t  *p;

    if (payload.size != SEALED_JOURNAL_OPEN_SIZE) {
        return -1;
    }

    p = get(mailbox->id, payload.data, sizeof(mailbox->id));
    p = get(mailbox->key, p, sizeof(mailbox->key));
    mailbox->life = sealed_get32(p);
    mailbox->tag = sealed_get32(p + 4);
    mailbox->active_hour = sealed_get32(p + 8) & ~DATED;
    mailbox->dated = (sealed_get32(p + 8) & DATED) != 0;
    mailbox->through = sealed_get64(p + 12);
    mailbox->next = sealed_get64(p + 20);

    /* a tag of 0 is that of one that has ended, which no record says */

    return mailbox->tag != 0
           && mailbox->through < mailbox->next
           && mailbox->next <= SEALED_JOURNAL_SEQ_END ? 0 : -1;
}


void
sealed_journal_change_encode(uint8_t out[SEALED_JOURNAL_CLOSE_SIZE],
    const sealed_journal_change_t *change)
{
    out = put(out, change->id, sizeof(change->id));
    out = sealed_put32(out, change->life);
    (void) sealed_put64(out, change->value);
}


int
sealed_journal_change_decode(sealed_journal_change_t *change,
    sealed_bytes_t payload)
{
    const uint8_t  *p;

    if (payload.size != SEALED_JOURNAL_CLOSE_SIZE) {
        return -1;
    }

    p = get(change->id, payload.data, sizeof(change->id));
    change->life = sealed_get32(p);
    change->value = sealed_get64(p + 4);

    return 0;
}


void
sealed_journal_revoke_encode(uint8_t out[SEALED_JOURNAL_REVOKE_SIZE],
    const sealed_journal_revocation_t *revocation)
{
    out = put(out, revocation->id, sizeof(revocation->id));
    (void) sealed_put64(out, revocation->until);
}


int
sealed_journal_revoke_decode(sealed_journal_revocation_t *revocation,
    sealed_bytes_t payload)
{
    const uint8_t  *p;

    if (payload.size != SEALED_JOURNAL_REVOKE_SIZE) {
        return -1;
    }

    p = get(revocation->id, payload.data, sizeof(revocation->id));
    revocation->until = sealed_get64(p);

    return revocation->until < SEALED_JOURNAL_TIME_END ? 0 : -1;
}


void
sealed_journal_certificate_encode(
    uint8_t out[SEALED_JOURNAL_CERTIFICATE_SIZE],
    const sealed_journal_certificate_t *certificate)
{
    unsigned  i;

    out = put(out, certificate->id, sizeof(certificate->id));
    out = sealed_put32(out, certificate->class);
    out = sealed_put32(out, certificate->opened);
    out = sealed_put32(out, certificate->budget_hour);
    out = sealed_put64(out, certificate->end);
    out = sealed_put64(out, certificate->budget_level);
    out = sealed_put64(out, certificate->window_highest);

    for (i = 0; i < SEALED_CERTIFICATE_WINDOW / 64; i++) {
        out = sealed_put64(out, certificate->window[i]);
    }
}


int
sealed_journal_certificate_decode(sealed_journal_certificate_t *certificate,
    sealed_bytes_t payload)
{
    unsigned        i;
    const uint8_t  *p;

    if (payload.size != SEALED_JOURNAL_CERTIFICATE_SIZE) {
        return -1;
    }

    p = get(certificate->id, payload.data, sizeof(certificate->id));
    certificate->class = sealed_get32(p);
    certificate->opened = sealed_get32(p + 4);
    certificate->budget_hour = sealed_get32(p + 8);
    certificate->end = sealed_get64(p + 12);
    certificate->budget_level = sealed_get64(p + 20);
    certificate->window_highest = sealed_get64(p + 28);

    for (i = 0; i < SEALED_CERTIFICATE_WINDOW / 64; i++) {
        certificate->window[i] = sealed_get64(p + 36 + 8 * i);
    }

    return certificate->class < 256
           && certificate->opened < 65536
           && certificate->end < SEALED_JOURNAL_TIME_END ? 0 : -1;
}


void
sealed_journal_quota_encode(uint8_t out[SEALED_JOURNAL_QUOTA_SIZE],
    const sealed_journal_quota_t *quota)
{
    out = put(out, quota->id, sizeof(quota->id));
    out = sealed_put32(out, quota->drawn);
    (void) sealed_put64(out, quota->end);
}


int
sealed_journal_quota_decode(sealed_journal_quota_t *quota,
    sealed_bytes_t payload)
{
    const uint8_t  *p;

    if (payload.size != SEALED_JOURNAL_QUOTA_SIZE) {
        return -1;
    }

    p = get(quota->id, payload.data, sizeof(quota->id));
    quota->drawn = sealed_get32(p);
    quota->end = sealed_get64(p + 4);

    return quota->drawn < 65536
           && quota->end < SEALED_JOURNAL_TIME_END ? 0 : -1;
}


size_t
sealed_journal_envelope_size(uint32_t count, uint32_t slice_size,
    size_t stamp_size, size_t body_size)
{
    return SEALED_JOURNAL_BODY_HEAD
           + (size_t) count * (SEALED_JOURNAL_RECIPIENT_SIZE + slice_size)
           + stamp_size + body_size;
}


void
sealed_journal_envelope_encode(uint8_t *out, const sealed_fanout_t *fanout,
    const uint8_t *results, uint32_t accepted, const uint32_t *lives,
    const uint64_t *seqs, uint32_t hour, uint32_t expiry_hour,
    sealed_bytes_t stamp)
{
    uint32_t               i;
    sealed_journal_body_t  body;

    body.hour = hour;
    body.expiry_hour = expiry_hour;
    body.count = accepted;
    body.slice_size = fanout->slice_size;
    body.reference = 0;
    body.stamp = stamp;
    body.body = fanout->body;

    out = put_head(out, &body);

    for (i = 0; i < fanout->count; i++) {
        if (results[i] == 0) {
            out = put(out, fanout->recipients + i * SEALED_MAILBOX_ID_SIZE,
                      SEALED_MAILBOX_ID_SIZE);
            out = sealed_put32(out, lives[i]);
            out = sealed_put64(out, seqs[i]);
        }
    }

    for (i = 0; i < fanout->count; i++) {
        if (results[i] == 0 && fanout->slice_size) {
            out = put(out,
                      fanout->headers + (size_t) i * fanout->slice_size,
                      fanout->slice_size);
        }
    }

    out = put(out, stamp.data, stamp.size);
    (void) put(out, fanout->body.data, fanout->body.size);
}


int
sealed_journal_envelope_decode(sealed_journal_body_t *body,
    sealed_bytes_t payload)
{
    return get_parts(body, payload) == 0 && body->count ? 0 : -1;
}


void
sealed_journal_recipient(sealed_journal_recipient_t *recipient,
    const sealed_journal_body_t *body, uint32_t i)
{
    const uint8_t  *p;

    p = body->recipients + (size_t) i * SEALED_JOURNAL_RECIPIENT_SIZE;
    p = get(recipient->id, p, sizeof(recipient->id));
    recipient->life = sealed_get32(p);
    recipient->seq = sealed_get64(p + 4);
}


size_t
sealed_journal_body_size(const sealed_journal_body_t *body)
{
    return SEALED_JOURNAL_BODY_HEAD + body->stamp.size + body->body.size;
}


uint8_t *
sealed_journal_body_encode(uint8_t *out, const sealed_journal_body_t *body)
{
    out = put_head(out, body);
    out = put(out, body->stamp.data, body->stamp.size);

    return body->body.data ? put(out, body->body.data, body->body.size) : out;
}


int
sealed_journal_body_decode(sealed_journal_body_t *body,
    sealed_bytes_t payload)
{
    return get_parts(body, payload) == 0 && body->count == 0 ? 0 : -1;
}


uint8_t *
sealed_journal_items_encode(uint8_t *out, const sealed_journal_items_t *items)
{
    out = put(out, items->id, sizeof(items->id));
    out = sealed_put32(out, items->life);

    return sealed_put32(out, items->count);
}


uint8_t *
sealed_journal_item_encode(uint8_t *out, const sealed_journal_item_t *item)
{
    out = sealed_put64(out, item->seq);
    out = sealed_put64(out, item->body);
    out = sealed_put32(out, (uint32_t) item->slice.size);

    return put(out, item->slice.data, item->slice.size);
}


int
sealed_journal_items_decode(sealed_journal_items_t *items,
    sealed_bytes_t payload)
{
    const uint8_t  *p;

    if (payload.size < SEALED_JOURNAL_ITEMS_HEAD) {
        return -1;
    }

    p = get(items->id, payload.data, sizeof(items->id));
    items->life = sealed_get32(p);
    items->count = sealed_get32(p + 4);
    items->pos = p + 8;
    items->end = payload.data + payload.size;

    return 0;
}


int
sealed_journal_item_next(sealed_journal_item_t *item,
    sealed_journal_items_t *items)
{
    size_t          size;
    const uint8_t  *p;

    p = items->pos;
    size = (size_t) (items->end - p);

    if (items->count == 0) {
        return size == 0 ? 0 : -1;
    }

    if (size < SEALED_JOURNAL_ITEM_HEAD) {
        return -1;
    }

    item->seq = sealed_get64(p);
    item->body = sealed_get64(p + 8);
    item->slice.size = sealed_get32(p + 16);
    item->slice.data = p + SEALED_JOURNAL_ITEM_HEAD;

    if (item->slice.size > SEALED_MAX_HEADER
        || item->slice.size > size - SEALED_JOURNAL_ITEM_HEAD)
    {
        return -1;
    }

    items->pos = item->slice.data + item->slice.size;
    items->count--;

    return 1;
}


static uint8_t *
put(uint8_t *p, const void *data, size_t size)
{
    if (size) {
        memcpy(p, data, size);
    }

    return p + size;
}


static const uint8_t *
get(void *out, const uint8_t *p, size_t size)
{
    memcpy(out, p, size);

    return p + size;
}


static uint8_t *
put_head(uint8_t *p, const sealed_journal_body_t *body)
{
    p = sealed_put32(p, body->hour);
    p = sealed_put32(p, body->expiry_hour);
    p = sealed_put32(p, body->count);
    p = sealed_put32(p, body->slice_size);
    p = sealed_put64(p, body->reference);
    p = sealed_put32(p, (uint32_t) body->stamp.size);

    return sealed_put32(p, (uint32_t) body->body.size);
}


static int
get_parts(sealed_journal_body_t *body, sealed_bytes_t payload)
{
    uint64_t        recipients, headers;
    const uint8_t  *p;

    if (payload.size < SEALED_JOURNAL_BODY_HEAD) {
        return -1;
    }

    p = payload.data;
    body->hour = sealed_get32(p);
    body->expiry_hour = sealed_get32(p + 4);
    body->count = sealed_get32(p + 8);
    body->slice_size = sealed_get32(p + 12);
    body->reference = sealed_get64(p + 16);
    body->stamp.size = sealed_get32(p + 24);
    body->body.size = sealed_get32(p + 28);

    if (body->slice_size > SEALED_MAX_HEADER
        || body->stamp.size > SEALED_JOURNAL_STAMP_MAX)
    {
        return -1;
    }

    recipients = (uint64_t) body->count * SEALED_JOURNAL_RECIPIENT_SIZE;
    headers = (uint64_t) body->count * body->slice_size;

    if (SEALED_JOURNAL_BODY_HEAD + recipients + headers + body->stamp.size
        + body->body.size != payload.size)
    {
        return -1;
    }

    p += SEALED_JOURNAL_BODY_HEAD;
    body->recipients = p;
    p += recipients;

    body->headers.data = p;
    body->headers.size = (size_t) headers;
    p += headers;

    body->stamp.data = p;
    p += body->stamp.size;

    body->body.data = p;

    return 0;
}
