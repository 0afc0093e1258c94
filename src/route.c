
#include "route.h"
#include "text.h"

#include <string.h>


static int skip(sealed_bytes_t *in, const char *text);
static int take_parameter(sealed_bytes_t *in, sealed_bytes_t *name,
    sealed_bytes_t *value);
static int is_name(sealed_bytes_t name, const char *text);
static unsigned find_parameter(sealed_operation_t operation,
    sealed_bytes_t name);
static void set_parameter(sealed_query_t *query, unsigned n, uint64_t value);


#define OF(operation)  (1u << (operation))


enum {
    AFTER = 0,
    LIMIT,
    WAIT,
    TICKET,
    THROUGH,
    CLASS,
    EPOCH,
    REVOKE,
    PARAMETERS
};


/* of queries: the operations that have it, and its bounds */

static const struct {
    const char  *name;
    unsigned     operations;
    uint64_t     min;
    uint64_t     max;
} parameters[PARAMETERS] = {
    { "after", OF(SEALED_OP_READ)|OF(SEALED_OP_FOLLOW), 0, UINT64_MAX },
    { "limit", OF(SEALED_OP_READ), 1, SEALED_READ_LIMIT_MAX },
    { "wait", OF(SEALED_OP_READ), 0, SEALED_READ_WAIT_MAX },
    { "ticket", OF(SEALED_OP_FOLLOW), 0, 0 },
    { "through", OF(SEALED_OP_ACKNOWLEDGE), 0, UINT64_MAX },
    { "class", OF(SEALED_OP_ISSUE), 0, UINT8_MAX },
    { "epoch", OF(SEALED_OP_ISSUE), 0, UINT32_MAX },
    { "revoke", OF(SEALED_OP_REPORT), 1, 1 }
};


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
    unsigned        seen, n;
    uint64_t        value;
    sealed_bytes_t  name, words;

    memset(query, 0, sizeof(sealed_query_t));
    query->limit = SEALED_READ_LIMIT_DEFAULT;

    seen = 0;

    while (text.size) {

        if (take_parameter(&text, &name, &words) != 0) {
            return -1;
        }

        n = find_parameter(operation, name);

        if (n == PARAMETERS || (seen & 1u << n)) {
            return -1;
        }

        seen |= 1u << n;

        if (n == TICKET) {

            if (words.size == 0) {
                return -1;
            }

            query->ticket = words;
            continue;
        }

        if (sealed_decimal_decode(&value, words) != 0
            || value < parameters[n].min
            || value > parameters[n].max)
        {
            return -1;
        }

        set_parameter(query, n, value);
    }

    switch (operation) {

    case SEALED_OP_ACKNOWLEDGE:
        return seen == 1u << THROUGH ? 0 : -1;

    case SEALED_OP_ISSUE:
        return seen == (1u << CLASS | 1u << EPOCH) ? 0 : -1;

    default:
        return 0;
    }
}


/* PARAMETERS: there is none of this name */

static unsigned
find_parameter(sealed_operation_t operation, sealed_bytes_t name)
{
    unsigned  n;

    for (n = 0; n < PARAMETERS; n++) {
        if ((parameters[n].operations & OF(operation))
            && is_name(name, parameters[n].name))
        {
            break;
        }
    }

    return n;
}


static void
set_parameter(sealed_query_t *query, unsigned n, uint64_t value)
{
    switch (n) {

    case AFTER:
        query->after = value;
        break;

    case LIMIT:
        query->limit = (unsigned) value;
        break;

    case WAIT:
        query->wait = (unsigned) value;
        break;

    case THROUGH:
        query->through = value;
        break;

    case CLASS:
        query->class = (unsigned) value;
        break;

    case EPOCH:
        query->epoch = (uint32_t) value;
        break;

    default: /* REVOKE */
        query->revoke = (unsigned) value;
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
