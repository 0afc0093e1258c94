
/*
 * Three lines: a path, a query, a TTL.  Whatever is taken can be written
 * again from what was understood, and is the same text.
 */

#include "fuzz.h"
#include "route.h"
#include "text.h"


enum {
    PARAMETERS = 7
};


static void check_path(sealed_bytes_t path);
static void check_query(sealed_operation_t operation, sealed_bytes_t text);
static void check_parameter(sealed_operation_t operation,
    const sealed_query_t *query, const uint8_t *text, size_t size,
    unsigned seen[PARAMETERS]);
static void check_ttl(sealed_bytes_t value);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_bytes_t      path, query, ttl;
    const uint8_t      *pos, *end;
    sealed_operation_t  operation;

    pos = data;
    end = data + size;

    path = next_line(&pos, end);
    query = next_line(&pos, end);
    ttl = next_line(&pos, end);

    check_path(path);
    check_ttl(ttl);

    for (operation = SEALED_OP_OPEN;
         operation <= SEALED_OP_REVOKE;
         operation++)
    {
        check_query(operation, query);
    }

    free_copy(path);
    free_copy(query);
    free_copy(ttl);

    return 0;
}


static void
check_path(sealed_bytes_t path)
{
    char                  again[64], *p;
    uint8_t               id[SEALED_MAILBOX_ID_SIZE];
    sealed_bytes_t        prefix;
    sealed_resource_t     resource;
    sealed_operation_t    operation;
    sealed_http_method_t  method;

    prefix = copy("/v1", 3);
    resource = sealed_route(path, prefix, id);
    free_copy(prefix);

    for (method = SEALED_GET; method <= SEALED_OTHER_METHOD; method++) {
        operation = sealed_route_operation(resource, method);
        CHECK(resource != SEALED_ROUTE_NONE || operation == SEALED_OP_NONE);
    }

    if (resource == SEALED_ROUTE_NONE) {
        return;
    }

    p = again;

    switch (resource) {

    case SEALED_ROUTE_FANOUT:
        p = stpcpy(p, "/v1/envelopes");
        break;

    case SEALED_ROUTE_CERTIFICATES:
        p = stpcpy(p, "/v1/certificates");
        break;

    case SEALED_ROUTE_REPORTS:
        p = stpcpy(p, "/v1/reports");
        break;

    case SEALED_ROUTE_REVOCATIONS:
        p = stpcpy(p, "/v1/revocations");
        break;

    default:
        p = stpcpy(p, "/v1/mailboxes/");
        p = sealed_base64url_encode(p, id, sizeof(id));

        if (resource == SEALED_ROUTE_ENVELOPES) {
            p = stpcpy(p, "/envelopes");

        } else if (resource == SEALED_ROUTE_TICKETS) {
            p = stpcpy(p, "/tickets");
        }
    }

    CHECK((size_t) (p - again) == path.size);
    CHECK(memcmp(again, path.data, path.size) == 0);
}


static void
check_query(sealed_operation_t operation, sealed_bytes_t text)
{
    size_t           size;
    unsigned         seen[PARAMETERS];
    const uint8_t   *p, *end, *ampersand;
    sealed_query_t   query;

    memset(&query, 0xa5, sizeof(query));

    if (sealed_query_parse(&query, operation, text) != 0) {
        return;
    }

    CHECK(query.limit >= 1 && query.limit <= 1000);
    CHECK(query.wait <= 60);

    memset(seen, 0, sizeof(seen));
    p = text.data;
    end = p + text.size;

    while (p < end) {
        ampersand = memchr(p, '&', (size_t) (end - p));
        size = (size_t) ((ampersand ? ampersand : end) - p);

        if (query.ticket.data && query.ticket.data - 7 == p) {
            CHECK(operation == SEALED_OP_FOLLOW);
            CHECK(memcmp(p, "ticket=", 7) == 0);
            CHECK(query.ticket.size == size - 7);

        } else {
            check_parameter(operation, &query, p, size, seen);
        }

        p += size;

        if (ampersand) {
            p++;
            CHECK(p < end);
        }
    }

    CHECK(seen[0] || query.after == 0);
    CHECK(seen[1] || query.limit == 100);
    CHECK(seen[2] || query.wait == 0);
    CHECK(seen[3] || query.through == 0);
    CHECK(seen[3] == (operation == SEALED_OP_ACKNOWLEDGE));
    CHECK(seen[4] == (operation == SEALED_OP_ISSUE));
    CHECK(seen[5] == (operation == SEALED_OP_ISSUE));
    CHECK(query.class <= UINT8_MAX);
    CHECK(query.revoke == seen[6]);
}


static void
check_parameter(sealed_operation_t operation, const sealed_query_t *query,
    const uint8_t *text, size_t size, unsigned seen[PARAMETERS])
{
    char                again[64];
    unsigned            i;
    unsigned long long  values[PARAMETERS];

    static const struct {
        const char          *name;
        sealed_operation_t   operation;
    } known[PARAMETERS] = {
        { "after", SEALED_OP_READ },
        { "limit", SEALED_OP_READ },
        { "wait", SEALED_OP_READ },
        { "through", SEALED_OP_ACKNOWLEDGE },
        { "class", SEALED_OP_ISSUE },
        { "epoch", SEALED_OP_ISSUE },
        { "revoke", SEALED_OP_REPORT }
    };

    values[0] = query->after;
    values[1] = query->limit;
    values[2] = query->wait;
    values[3] = query->through;
    values[4] = query->class;
    values[5] = query->epoch;
    values[6] = query->revoke;

    for (i = 0; i < PARAMETERS; i++) {
        snprintf(again, sizeof(again), "%s=%llu", known[i].name, values[i]);

        if (strlen(again) == size && memcmp(again, text, size) == 0) {
            break;
        }
    }

    CHECK(i < PARAMETERS);
    CHECK(operation == known[i].operation
          || (operation == SEALED_OP_FOLLOW
              && strcmp(known[i].name, "after") == 0));
    CHECK(!seen[i]);
    seen[i] = 1;
}


static void
check_ttl(sealed_bytes_t value)
{
    char      again[32];
    uint64_t  ttl;

    if (sealed_ttl_parse(&ttl, value) != 0) {
        return;
    }

    CHECK(value.size >= 1 && value.size <= 10);

    snprintf(again, sizeof(again), "%0*llu", (int) value.size,
             (unsigned long long) ttl);
    CHECK(strlen(again) == value.size);
    CHECK(memcmp(again, value.data, value.size) == 0);
}
