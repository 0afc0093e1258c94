
/* a path, "?", a query */

#include "fuzz.h"

#include "../../src/route.h"
#include "../../src/text.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char               text[SEALED_MAILBOX_ID_TEXT];
    uint8_t            id[16];
    uint64_t           ttl;
    const uint8_t     *mark;
    sealed_bytes_t     path, query, prefix;
    sealed_query_t     parsed;
    sealed_resource_t  resource;

    mark = size ? memchr(data, '?', size) : NULL;
    path.data = data;
    path.size = mark ? (size_t) (mark - data) : size;
    query.data = mark ? mark + 1 : NULL;
    query.size = mark ? size - path.size - 1 : 0;
    prefix.data = (const uint8_t *) "/v1";
    prefix.size = 3;

    resource = sealed_route(path, prefix, id);

    if (resource == SEALED_ROUTE_MAILBOX
        || resource == SEALED_ROUTE_ENVELOPES)
    {
        /* there is one way to write an id */

        (void) sealed_base64url_encode(text, id, 16);
        must(memcmp(path.data + 14, text, sizeof(text)) == 0);
    }

    if (sealed_query_parse(&parsed, SEALED_OP_READ, query) == 0) {
        must(parsed.limit >= 1 && parsed.limit <= SEALED_READ_LIMIT_MAX);
        must(parsed.wait <= SEALED_READ_WAIT_MAX);
    }

    (void) sealed_query_parse(&parsed, SEALED_OP_ACKNOWLEDGE, query);

    if (sealed_ttl_parse(&ttl, path) == 0) {
        must(path.size <= 10 && ttl <= 9999999999ULL);
    }

    return 0;
}
