
#include "request_headers.h"
#include "text.h"
#include "websocket.h"

#include <string.h>
#include <strings.h>


static int is_name(sealed_bytes_t name, const char *text);
static void take(sealed_single_header_t *header, sealed_bytes_t value);
static void set(sealed_bytes_t *known, sealed_bytes_t value);


void
sealed_request_target(sealed_request_t *request, sealed_bytes_t target)
{
    sealed_bytes_t  *path, *query;
    const uint8_t   *mark;

    path = &request->value[SEALED_PATH];
    query = &request->value[SEALED_QUERY];

    mark = target.size ? memchr(target.data, '?', target.size) : NULL;

    *path = target;

    if (mark == NULL) {
        query->data = NULL;
        query->size = 0;
        return;
    }

    path->size = (size_t) (mark - target.data);
    query->data = mark + 1;
    query->size = target.size - path->size - 1;
}


void
sealed_request_header(sealed_request_t *request, sealed_bytes_t name,
    sealed_bytes_t value)
{
    unsigned         i;
    sealed_bytes_t  *known;

    static const char  *names[SEALED_COMPONENTS] = {
        [SEALED_CONTENT_DIGEST] = "content-digest",
        [SEALED_CERTIFICATE] = "sealed-certificate",
        [SEALED_TTL] = "ttl",
        [SEALED_DELIVERY] = "sealed-delivery",
        [SEALED_FRANK] = "sealed-frank",
        [SEALED_MAILBOX_KEY] = "sealed-mailbox-key"
    };

    known = is_name(name, "signature-input") ? &request->signature_input
            : is_name(name, "signature") ? &request->signature : NULL;

    for (i = SEALED_CONTENT_DIGEST; known == NULL; i++) {

        if (i == SEALED_COMPONENTS) {
            return;
        }

        if (is_name(name, names[i])) {
            known = &request->value[i];
        }
    }

    request->repeated |= known->data != NULL;

    set(known, value);
}


void
sealed_reading_header(sealed_reading_headers_t *headers, sealed_bytes_t name,
    sealed_bytes_t value)
{
    if (is_name(name, "upgrade")) {
        headers->websocket |= sealed_token_listed(value, "websocket") != 0;

    } else if (is_name(name, "accept")) {
        sealed_accept(&headers->accept, value);

    } else if (is_name(name, "connection")) {
        take(&headers->connection, value);

    } else if (is_name(name, "sec-websocket-key")) {
        take(&headers->key, value);

    } else if (is_name(name, "sec-websocket-version")) {
        take(&headers->version, value);

    } else if (is_name(name, "origin")) {
        take(&headers->origin, value);

    } else if (is_name(name, "last-event-id")) {
        take(&headers->last_event_id, value);
    }
}


sealed_verdict_t
sealed_reading_after(uint64_t *after, const sealed_reading_headers_t *headers)
{
    const sealed_single_header_t  *last;

    last = &headers->last_event_id;

    return last->count == 0
           || (last->count == 1
               && sealed_decimal_decode(after, last->value) == 0)
           ? SEALED_OK : SEALED_BAD_HEADER;
}


sealed_verdict_t
sealed_reading_handshake(const sealed_reading_headers_t *headers)
{
    if (headers->connection.count != 1
        || !sealed_token_listed(headers->connection.value, "upgrade")
        || headers->key.count != 1
        || sealed_websocket_key_check(headers->key.value) != 0
        || headers->version.count != 1)
    {
        return SEALED_BAD_HANDSHAKE;
    }

    return is_name(headers->version.value, "13") ? SEALED_OK
                                                 : SEALED_HANDSHAKE_VERSION;
}


int
sealed_reading_origin(const sealed_reading_headers_t *headers,
    const sealed_bytes_t *allowed, size_t n)
{
    size_t          i;
    sealed_bytes_t  origin;

    if (headers->origin.count != 1) {
        return headers->origin.count == 0;
    }

    origin = headers->origin.value;

    for (i = 0; i < n; i++) {
        if (allowed[i].size == origin.size
            && strncasecmp((const char *) allowed[i].data,
                           (const char *) origin.data, origin.size)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
is_name(sealed_bytes_t name, const char *text)
{
    return name.size == strlen(text)
           && memcmp(name.data, text, name.size) == 0;
}


static void
take(sealed_single_header_t *header, sealed_bytes_t value)
{
    set(&header->value, value);
    header->count++;
}


/* a header without a value is there */

static void
set(sealed_bytes_t *known, sealed_bytes_t value)
{
    known->data = value.data ? value.data : (const uint8_t *) "";
    known->size = value.size;
}
