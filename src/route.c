
#include "route.h"
#include "text.h"

#include <string.h>


static int skip(sealed_bytes_t *in, const char *text);
static int take_parameter(sealed_bytes_t *in, sealed_bytes_t *name,
    sealed_bytes_t *value);
static int is_name(sealed_bytes_t name, const char *text);


sealed_resource_t
sealed_route(sealed_bytes_t path, sealed_bytes_t prefix,
    uint8_t id[SEALED_MAILBOX_ID_SIZE])
{
    unsigned        i;
    sealed_bytes_t  text;

    static const struct {
        const char         *path;
        sealed_resource_t   resource;
    } fixed[] = {
        { "/envelopes", SEALED_ROUTE_FANOUT },
        { "/certificates", SEALED_ROUTE_CERTIFICATES },
        { "/reports", SEALED_ROUTE_REPORTS },
        { "/revocations", SEALED_ROUTE_REVOCATIONS }
    };

    if (path.size < prefix.size
        || (prefix.size && memcmp(path.data, prefix.data, prefix.size) != 0))
    {
        return SEALED_ROUTE_NONE;
    }

    path.data += prefix.size;
    path.size -= prefix.size;

    for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        if (is_name(path, fixed[i].path)) {
            return fixed[i].resource;
        }
    }

    if (skip(&path, "/mailboxes/") != 0
        || path.size < SEALED_MAILBOX_ID_TEXT)
    {
        return SEALED_ROUTE_NONE;
    }

    text.data = path.data;
    text.size = SEALED_MAILBOX_ID_TEXT;

    if (sealed_base64url_decode(id, SEALED_MAILBOX_ID_SIZE, text) != 0) {
        return SEALED_ROUTE_NONE;
    }

    path.data += text.size;
    path.size -= text.size;

    if (path.size == 0) {
        return SEALED_ROUTE_MAILBOX;
    }

    return is_name(path, "/envelopes") ? SEALED_ROUTE_ENVELOPES
           : is_name(path, "/tickets") ? SEALED_ROUTE_TICKETS
           : SEALED_ROUTE_NONE;
}


sealed_operation_t
sealed_route_operation(sealed_resource_t resource,
    sealed_http_method_t method)
{
    switch (resource) {

    case SEALED_ROUTE_MAILBOX:
        return method == SEALED_GET ? SEALED_OP_STATUS
               : method == SEALED_PUT ? SEALED_OP_OPEN
               : method == SEALED_DELETE ? SEALED_OP_CLOSE
               : SEALED_OP_NONE;

    case SEALED_ROUTE_ENVELOPES:
        return method == SEALED_GET ? SEALED_OP_READ
               : method == SEALED_POST ? SEALED_OP_SEND
               : method == SEALED_DELETE ? SEALED_OP_ACKNOWLEDGE
               : SEALED_OP_NONE;

    case SEALED_ROUTE_TICKETS:
        return method == SEALED_POST ? SEALED_OP_TICKET : SEALED_OP_NONE;

    case SEALED_ROUTE_FANOUT:
        return method == SEALED_POST ? SEALED_OP_FANOUT : SEALED_OP_NONE;

    case SEALED_ROUTE_CERTIFICATES:
        return method == SEALED_POST ? SEALED_OP_ISSUE : SEALED_OP_NONE;

    case SEALED_ROUTE_REPORTS:
        return method == SEALED_POST ? SEALED_OP_REPORT : SEALED_OP_NONE;

    case SEALED_ROUTE_REVOCATIONS:
        return method == SEALED_POST ? SEALED_OP_REVOKE : SEALED_OP_NONE;

    default:
        return SEALED_OP_NONE;
    }
}


int
sealed_query_parse(sealed_query_t *query, sealed_operation_t operation,
    sealed_bytes_t text)
{
    unsigned        seen, bit;
    uint64_t        value;
    sealed_bytes_t  name, words;

    query->after = 0;
    query->limit = SEALED_READ_LIMIT_DEFAULT;
    query->wait = 0;
    query->ticket.data = NULL;
    query->ticket.size = 0;
    query->through = 0;
    query->class = 0;
    query->epoch = 0;
    query->revoke = 0;

    seen = 0;

    while (text.size) {

        if (take_parameter(&text, &name, &words) != 0) {
            return -1;
        }

        if (operation == SEALED_OP_FOLLOW && is_name(name, "ticket")) {

            if (words.size == 0 || (seen & 128)) {
                return -1;
            }

            seen |= 128;
            query->ticket = words;
            continue;
        }

        if (sealed_decimal_decode(&value, words) != 0) {
            return -1;
        }

        if ((operation == SEALED_OP_READ || operation == SEALED_OP_FOLLOW)
            && is_name(name, "after"))
        {
            bit = 1;
            query->after = value;

        } else if (operation == SEALED_OP_READ && is_name(name, "limit")) {
            bit = 2;

            if (value == 0 || value > SEALED_READ_LIMIT_MAX) {
                return -1;
            }

            query->limit = (unsigned) value;

        } else if (operation == SEALED_OP_READ && is_name(name, "wait")) {
            bit = 4;

            if (value > SEALED_READ_WAIT_MAX) {
                return -1;
            }

            query->wait = (unsigned) value;

        } else if (operation == SEALED_OP_ACKNOWLEDGE
                   && is_name(name, "through"))
        {
            bit = 8;
            query->through = value;

        } else if (operation == SEALED_OP_ISSUE && is_name(name, "class")) {
            bit = 16;

            if (value > UINT8_MAX) {
                return -1;
            }

            query->class = (unsigned) value;

        } else if (operation == SEALED_OP_ISSUE && is_name(name, "epoch")) {
            bit = 32;

            if (value > UINT32_MAX) {
                return -1;
            }

            query->epoch = (uint32_t) value;

        } else if (operation == SEALED_OP_REPORT && is_name(name, "revoke")
                   && value == 1)
        {
            bit = 64;
            query->revoke = 1;

        } else {
            return -1;
        }

        if (seen & bit) {
            return -1;
        }

        seen |= bit;
    }

    switch (operation) {

    case SEALED_OP_ACKNOWLEDGE:
        return seen == 8 ? 0 : -1;

    case SEALED_OP_ISSUE:
        return seen == (16 | 32) ? 0 : -1;

    default:
        return 0;
    }
}


int
sealed_ttl_parse(uint64_t *ttl, sealed_bytes_t value)
{
    size_t  i;

    if (value.size == 0 || value.size > 10) {
        return -1;
    }

    *ttl = 0;

    for (i = 0; i < value.size; i++) {

        if (value.data[i] < '0' || value.data[i] > '9') {
            return -1;
        }

        *ttl = *ttl * 10 + (value.data[i] - '0');
    }

    return 0;
}


/* "name=value" and the "&" behind it, which another one has to follow */

static int
take_parameter(sealed_bytes_t *in, sealed_bytes_t *name,
    sealed_bytes_t *value)
{
    size_t          size;
    const uint8_t  *equals, *end;

    end = memchr(in->data, '&', in->size);
    size = end ? (size_t) (end - in->data) : in->size;

    equals = memchr(in->data, '=', size);
    if (equals == NULL) {
        return -1;
    }

    name->data = in->data;
    name->size = (size_t) (equals - in->data);
    value->data = equals + 1;
    value->size = size - name->size - 1;

    if (end) {
        size++;

        if (size == in->size) {
            return -1;
        }
    }

    in->data += size;
    in->size -= size;

    return 0;
}


static int
is_name(sealed_bytes_t name, const char *text)
{
    return name.size == strlen(text)
           && memcmp(name.data, text, name.size) == 0;
}


static int
skip(sealed_bytes_t *in, const char *text)
{
    size_t  size;

    size = strlen(text);

    if (in->size < size || memcmp(in->data, text, size) != 0) {
        return -1;
    }

    in->data += size;
    in->size -= size;

    return 0;
}
