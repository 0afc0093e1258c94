
#include "fanout.h"
#include "cbor.h"

#include <string.h>
#include <sodium.h>


sealed_verdict_t
sealed_fanout_parse(sealed_fanout_t *fanout, sealed_bytes_t data,
    const sealed_fanout_limits_t *limits)
{
    size_t                n;
    uint64_t              count;
    sealed_bytes_t        recipients, headers, body;
    sealed_cbor_reader_t  r;

    if (data.size == 0) {
        return SEALED_BAD_LAYOUT;
    }

    r.pos = data.data;
    r.end = data.data + data.size;

    if (sealed_cbor_read_array(&r, &count) != 0
        || count != 3
        || sealed_cbor_read_bytes(&r, &recipients) != 0
        || sealed_cbor_read_bytes(&r, &headers) != 0
        || sealed_cbor_read_bytes(&r, &body) != 0
        || r.pos != r.end)
    {
        return SEALED_BAD_LAYOUT;
    }

    n = recipients.size / SEALED_MAILBOX_ID_SIZE;

    if (n == 0
        || recipients.size % SEALED_MAILBOX_ID_SIZE
        || headers.size % n)
    {
        return SEALED_BAD_LAYOUT;
    }

    if (n > limits->max_recipients) {
        return SEALED_TOO_MANY_RECIPIENTS;
    }

    if (headers.size / n > SEALED_MAX_HEADER) {
        return SEALED_SLICE_TOO_LARGE;
    }

    if (!sealed_envelope_size_allowed(limits, body.size)) {
        return SEALED_ENVELOPE_SIZE;
    }

    fanout->recipients = recipients.data;
    fanout->count = (uint32_t) n;
    fanout->headers = headers.data;
    fanout->slice_size = (uint32_t) (headers.size / n);
    fanout->body = body;

    return SEALED_OK;
}


int
sealed_fanout_duplicates(const sealed_fanout_t *fanout, uint64_t *hash,
    uint32_t *table, uint32_t slots, const uint8_t key[16])
{
    uint32_t        i, slot;
    const uint8_t  *id;

    memset(table, 0, slots * sizeof(uint32_t));

    for (i = 0; i < fanout->count; i++) {
        id = fanout->recipients + (size_t) i * SEALED_MAILBOX_ID_SIZE;

        (void) crypto_shorthash((uint8_t *) &hash[i], id,
                                SEALED_MAILBOX_ID_SIZE, key);

        for (slot = (uint32_t) hash[i] & (slots - 1);
             table[slot];
             slot = (slot + 1) & (slots - 1))
        {
            if (memcmp(fanout->recipients
                       + (size_t) (table[slot] - 1) * SEALED_MAILBOX_ID_SIZE,
                       id, SEALED_MAILBOX_ID_SIZE)
                == 0)
            {
                return -1;
            }
        }

        table[slot] = i + 1;
    }

    return 0;
}


int
sealed_envelope_size_allowed(const sealed_fanout_limits_t *limits,
    size_t size)
{
    unsigned  i;

    for (i = 0; i < limits->nsizes; i++) {
        if (limits->envelope_sizes[i] == size) {
            return 1;
        }
    }

    return 0;
}


size_t
sealed_fanout_max_size(const sealed_fanout_limits_t *limits)
{
    return 1 + 3 * SEALED_CBOR_HEAD_MAX
           + (size_t) limits->max_recipients
             * (SEALED_MAILBOX_ID_SIZE + SEALED_MAX_HEADER)
           + limits->envelope_sizes[limits->nsizes - 1];
}


size_t
sealed_fanout_encode(uint8_t *out, const sealed_fanout_t *fanout)
{
    size_t                size, recipients, headers;
    sealed_cbor_writer_t  w;

    recipients = (size_t) fanout->count * SEALED_MAILBOX_ID_SIZE;
    headers = (size_t) fanout->count * fanout->slice_size;

    size = 1 + sealed_cbor_head_size(recipients) + recipients
           + sealed_cbor_head_size(headers) + headers
           + sealed_cbor_head_size(fanout->body.size) + fanout->body.size;

    if (out) {
        w.pos = out;
        w.end = out + size;
        w.overflow = 0;

        sealed_cbor_write_array(&w, 3);
        sealed_cbor_write_bytes(&w, fanout->recipients, recipients);
        sealed_cbor_write_bytes(&w, fanout->headers, headers);
        sealed_cbor_write_bytes(&w, fanout->body.data, fanout->body.size);
    }

    return size;
}
