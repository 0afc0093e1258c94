
#include "delivery.h"
#include "options.h"
#include "output.h"
#include "../frank.h"
#include "../hash.h"
#include "../sealed_envelope.h"

#include <stdlib.h>
#include <string.h>
#include <sodium.h>


static int plan(sealed_delivery_t *d);
static int send_piece(sealed_delivery_t *d, uint64_t offset, size_t size);
static int send_batch(sealed_delivery_t *d, const uint8_t m[32],
    sealed_bytes_t body, const char *frank, uint32_t n);
static int take_answer(sealed_delivery_t *d,
    const sealed_response_t *response, uint32_t n);
static int nobody_left(const sealed_delivery_t *d);


int
sealed_delivery_run(sealed_delivery_t *d)
{
    int       rc;
    uint64_t  offset, size;

    rc = plan(d);

    for (d->sent = 0; rc == 0 && d->sent < d->pieces; d->sent++) {

        if (d->sent && nobody_left(d)) {
            break;
        }

        offset = d->sent * d->capacity;
        size = d->payload->total - offset;

        rc = send_piece(d, offset,
                        size > d->capacity ? d->capacity : (size_t) size);
        if (rc) {
            break;
        }
    }

    if (rc == 0 && d->done != d->requests) {
        sealed_progress("sending", d->requests, d->requests);
    }

    free(d->message);
    free(d->body);
    free(d->fanout);
    free(d->mailboxes);
    free(d->headers);
    free(d->batch);

    return rc;
}


static int
plan(sealed_delivery_t *d)
{
    size_t                         largest, around, batch, batches;
    sealed_fanout_t                fanout;
    const sealed_fanout_limits_t  *limits;

    limits = &d->gateway->limits;

    if (d->gateway->max_header < SEALED_ENVELOPE_HEADER_SIZE) {
        return sealed_fail(SEALED_EXIT_REFUSED, "%s takes no headers of %d "
                           "octets, which sealed envelopes have",
                           d->gateway->url, SEALED_ENVELOPE_HEADER_SIZE);
    }

    /* around a piece of the largest size; smaller ones have no more */

    largest = limits->envelope_sizes[limits->nsizes - 1];
    around = sealed_envelope_min_size(d->identity->certificate_size, 1,
                                      largest)
             - largest
             + sealed_message_overhead(d->name.size, d->payload->total,
                                       largest);

    if (around >= largest) {
        return sealed_fail(SEALED_EXIT_REFUSED, "the envelopes of %s are too "
                           "small for your certificate", d->gateway->url);
    }

    d->capacity = largest - around;
    d->pieces = d->payload->total
                ? (d->payload->total + d->capacity - 1) / d->capacity : 1;

    batch = d->to->count < limits->max_recipients ? d->to->count
                                                 : limits->max_recipients;
    batches = (d->to->count + batch - 1) / batch;
    d->requests = d->pieces * batches;

    fanout.count = (uint32_t) batch;
    fanout.slice_size = SEALED_ENVELOPE_HEADER_SIZE;
    fanout.body.size = largest;

    d->message = malloc(largest);
    d->body = malloc(largest);
    d->fanout = malloc(sealed_fanout_encode(NULL, &fanout));
    d->mailboxes = malloc(batch * SEALED_MAILBOX_ID_SIZE);
    d->headers = malloc(batch * SEALED_ENVELOPE_HEADER_SIZE);
    d->batch = malloc(batch * sizeof(sealed_address_t *));

    if (d->message == NULL || d->body == NULL || d->fanout == NULL
        || d->mailboxes == NULL || d->headers == NULL || d->batch == NULL)
    {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    randombytes_buf(d->id, sizeof(d->id));

    return SEALED_EXIT_OK;
}


static int
send_piece(sealed_delivery_t *d, uint64_t offset, size_t size)
{
    int                            rc;
    size_t                         i, needed, largest;
    char                           frank[SEALED_BYTE_SEQUENCE_SIZE(
                                             SEALED_COMMITMENT_SIZE) + 1];
    uint8_t                        m[32], kf[32];
    uint8_t                        commitment[SEALED_COMMITMENT_SIZE];
    uint32_t                       n;
    unsigned                       j;
    sealed_bytes_t                 body, encoded, certificate;
    sealed_message_t               message;
    const sealed_fanout_limits_t  *limits;

    limits = &d->gateway->limits;
    largest = limits->envelope_sizes[limits->nsizes - 1];

    /* the body's buffer lends its room for the content until it is encoded */

    rc = sealed_payload_read(d->body, d->payload, offset, size);
    if (rc) {
        return rc;
    }

    message.id = d->id;
    message.name = d->name;
    message.offset = offset;
    message.total = d->payload->total;
    message.digest = d->payload->digest;
    message.content.data = d->body;
    message.content.size = size;

    encoded.data = d->message;
    encoded.size = sealed_message_encode(d->message, largest, &message);

    certificate.data = d->identity->certificate;
    certificate.size = d->identity->certificate_size;

    needed = sealed_envelope_min_size(certificate.size, 1, encoded.size);

    for (j = 0; j < limits->nsizes - 1; j++) {
        if (limits->envelope_sizes[j] >= needed) {
            break;
        }
    }

    body.data = d->body;
    body.size = limits->envelope_sizes[j];

    randombytes_buf(m, sizeof(m));

    /* what the recipient can open towards an operator */

    randombytes_buf(kf, sizeof(kf));
    sealed_frank_commitment(commitment, kf, encoded);
    *sealed_byte_sequence_encode(frank, commitment, sizeof(commitment))
        = '\0';

    if (encoded.size == 0
        || sealed_envelope_seal(d->body, body.size, m, certificate, kf,
                                encoded)
           != 0)
    {
        return sealed_fail(SEALED_EXIT_LOCAL, "sealing failed");
    }

    n = 0;

    for (i = 0; rc == 0 && i < d->to->count; i++) {

        if (!d->to->address[i].refused) {
            d->batch[n++] = &d->to->address[i];
        }

        if (n == limits->max_recipients || (n && i == d->to->count - 1)) {
            rc = send_batch(d, m, body, frank, n);
            n = 0;
        }
    }

    sodium_memzero(m, sizeof(m));
    sodium_memzero(kf, sizeof(kf));

    return rc;
}


static int
send_batch(sealed_delivery_t *d, const uint8_t m[32], sealed_bytes_t body,
    const char *frank, uint32_t n)
{
    int                 rc;
    uint8_t             digest[32];
    uint32_t            i;
    sealed_call_t       call;
    sealed_fanout_t     fanout;
    sealed_response_t   response;

    sealed_sha256(digest, body.data, body.size);

    for (i = 0; i < n; i++) {
        memcpy(d->mailboxes + (size_t) i * SEALED_MAILBOX_ID_SIZE,
               d->batch[i]->mailbox, SEALED_MAILBOX_ID_SIZE);

        if (sealed_envelope_header(d->headers
                                   + (size_t) i * SEALED_ENVELOPE_HEADER_SIZE,
                                   m, digest, d->identity->private_key,
                                   d->identity->public_key, d->batch[i]->key)
            != 0)
        {
            return sealed_fail(SEALED_EXIT_LOCAL, "%s has an unusable "
                               "identity key", d->batch[i]->name);
        }
    }

    fanout.recipients = d->mailboxes;
    fanout.count = n;
    fanout.headers = d->headers;
    fanout.slice_size = SEALED_ENVELOPE_HEADER_SIZE;
    fanout.body = body;

    sealed_call_init(&call, "POST");
    sealed_call_fanout_path(&call, d->gateway);
    call.content_type = "application/vnd.sealed-sender.fanout+cbor";
    call.body.data = d->fanout;
    call.body.size = sealed_fanout_encode(d->fanout, &fanout);
    call.max_response = 4096 + (size_t) n * 64;

    call.ttl = d->ttl;
    call.frank = frank;

    rc = sealed_call_send(&response, &call, d->gateway, d->credential);
    if (rc) {
        return rc;
    }

    rc = response.status == 200 ? take_answer(d, &response, n)
                                : sealed_call_refused(&response, "sending");

    sealed_response_free(&response);

    if (rc == 0) {
        sealed_progress("sending", ++d->done, d->requests);
    }

    return rc;
}


static int
take_answer(sealed_delivery_t *d, const sealed_response_t *response,
    uint32_t n)
{
    size_t       i;
    json_t      *document, *refused, *entry, *place;
    json_int_t   index;
    const char  *reason;

    document = json_loadb((const char *) response->body, response->size, 0,
                          NULL);
    refused = json_object_get(document, "refused");

    if (!json_is_array(refused)) {
        goto nonsense;
    }

    for (i = 0; i < json_array_size(refused); i++) {
        entry = json_array_get(refused, i);
        place = json_object_get(entry, "recipient");
        index = json_integer_value(place);
        reason = json_string_value(json_object_get(entry, "reason"));

        if (!json_is_integer(place)
            || index < 0 || index >= (json_int_t) n || reason == NULL)
        {
            goto nonsense;
        }

        d->batch[index]->refused = strcmp(reason, "full") == 0
                                   ? SEALED_MAILBOX_FULL : SEALED_NO_MAILBOX;
    }

    json_decref(document);

    return SEALED_EXIT_OK;

nonsense:

    json_decref(document);

    return sealed_fail(SEALED_EXIT_NETWORK, "%s: its answer is not "
                       "understood", d->gateway->url);
}


static int
nobody_left(const sealed_delivery_t *d)
{
    size_t  i;

    for (i = 0; i < d->to->count; i++) {
        if (!d->to->address[i].refused) {
            return 0;
        }
    }

    return 1;
}
