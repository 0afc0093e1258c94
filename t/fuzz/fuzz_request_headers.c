
/*
 * A target, an origin that is allowed, and headers, a line each.  They are
 * judged here once more, from the list of headers as it is.
 */

#include "fuzz.h"
#include "request_headers.h"
#include "text.h"
#include "websocket.h"

#include <ctype.h>


enum {
    HEADERS = 64
};


typedef struct {
    sealed_bytes_t   line;
    sealed_bytes_t   name;
    sealed_bytes_t   value;
} header_t;


static header_t  headers[HEADERS];
static size_t    nheaders;


static void check_target(sealed_bytes_t target);
static void check_signed(const sealed_request_t *request);
static void check_reading(const sealed_reading_headers_t *reading,
    sealed_bytes_t allowed);
static size_t count(const char *name, sealed_bytes_t *last);
static sealed_bytes_t joined(const char *name);
static int same(sealed_bytes_t one, sealed_bytes_t other);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                     i;
    header_t                  *h;
    sealed_bytes_t             target, allowed;
    const uint8_t             *pos, *end, *colon;
    sealed_request_t           request;
    sealed_reading_headers_t   reading;

    pos = data;
    end = data + size;

    target = next_line(&pos, end);
    allowed = next_line(&pos, end);

    memset(&request, 0, sizeof(request));
    memset(&reading, 0, sizeof(reading));

    for (nheaders = 0; pos < end && nheaders < HEADERS; nheaders++) {
        h = &headers[nheaders];
        h->line = next_line(&pos, end);

        colon = h->line.size ? memchr(h->line.data, ':', h->line.size) : NULL;

        h->name = h->line;
        h->value.data = NULL;
        h->value.size = 0;

        if (colon) {
            h->name.size = (size_t) (colon - h->line.data);
            h->value.data = colon + 1;
            h->value.size = h->line.size - h->name.size - 1;
        }

        sealed_request_header(&request, h->name, h->value);
        sealed_reading_header(&reading, h->name, h->value);
    }

    check_target(target);
    check_signed(&request);
    check_reading(&reading, allowed);

    for (i = 0; i < nheaders; i++) {
        free_copy(headers[i].line);
    }

    free_copy(target);
    free_copy(allowed);

    return 0;
}


static void
check_target(sealed_bytes_t target)
{
    sealed_bytes_t    path, query;
    sealed_request_t  request;

    memset(&request, 0, sizeof(request));
    sealed_request_target(&request, target);

    path = request.value[SEALED_PATH];
    query = request.value[SEALED_QUERY];

    CHECK(path.data == target.data);
    CHECK(path.size == 0 || memchr(path.data, '?', path.size) == NULL);

    if (query.data == NULL) {
        CHECK(path.size == target.size);
        return;
    }

    CHECK(path.size + 1 + query.size == target.size);
    CHECK(query.data == target.data + path.size + 1);
    CHECK(target.data[path.size] == '?');
}


static void
check_signed(const sealed_request_t *request)
{
    size_t                 i, n;
    unsigned               repeated;
    sealed_bytes_t         last;
    const sealed_bytes_t  *taken;

    static const struct {
        const char          *name;
        sealed_component_t   component;
    } known[] = {
        { "content-digest", SEALED_CONTENT_DIGEST },
        { "sealed-certificate", SEALED_CERTIFICATE },
        { "ttl", SEALED_TTL },
        { "sealed-delivery", SEALED_DELIVERY },
        { "sealed-frank", SEALED_FRANK },
        { "sealed-mailbox-key", SEALED_MAILBOX_KEY },
        { "signature-input", SEALED_COMPONENTS },
        { "signature", SEALED_COMPONENTS + 1 }
    };

    repeated = 0;

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        taken = known[i].component < SEALED_COMPONENTS
                ? &request->value[known[i].component]
                : known[i].component == SEALED_COMPONENTS
                ? &request->signature_input : &request->signature;

        n = count(known[i].name, &last);
        repeated |= n > 1;

        CHECK((n > 0) == (taken->data != NULL));
        CHECK(n == 0 || same(*taken, last));
    }

    CHECK(request->repeated == repeated);
    CHECK(request->value[SEALED_METHOD].data == NULL);
    CHECK(request->value[SEALED_PATH].data == NULL);
    CHECK(request->value[SEALED_QUERY].data == NULL);
}


static void
check_reading(const sealed_reading_headers_t *reading, sealed_bytes_t allowed)
{
    size_t            i, n, connections, versions;
    uint64_t          after, number;
    sealed_bytes_t    last, list, connection, key;
    sealed_accept_t   accept;
    sealed_verdict_t  verdict;

    list = joined("upgrade");
    CHECK((int) reading->websocket == sealed_token_listed(list, "websocket"));
    free_copy(list);

    list = joined("accept");
    memset(&accept, 0, sizeof(accept));
    sealed_accept(&accept, list);
    CHECK(sealed_event_stream_accepted(&accept)
          == sealed_event_stream_accepted(&reading->accept));
    free_copy(list);

    after = 17;
    verdict = sealed_reading_after(&after, reading);
    n = count("last-event-id", &last);

    CHECK(verdict == SEALED_OK || verdict == SEALED_BAD_HEADER);
    CHECK(n == 0 || (verdict == SEALED_OK)
                    == (n == 1 && sealed_decimal_decode(&number, last) == 0));
    CHECK(n > 0 || verdict == SEALED_OK);
    CHECK(verdict != SEALED_OK || after == (n ? number : 17));

    verdict = sealed_reading_handshake(reading);
    connections = count("connection", &connection);
    n = count("sec-websocket-key", &key);
    versions = count("sec-websocket-version", &last);

    if (connections != 1 || n != 1 || versions != 1) {
        CHECK(verdict == SEALED_BAD_HANDSHAKE);

    } else if (!sealed_token_listed(connection, "upgrade")
               || sealed_websocket_key_check(key) != 0)
    {
        CHECK(verdict == SEALED_BAD_HANDSHAKE);

    } else {
        CHECK(verdict == (last.size == 2 && memcmp(last.data, "13", 2) == 0
                          ? SEALED_OK : SEALED_HANDSHAKE_VERSION));
    }

    CHECK(sealed_reading_origin(reading, NULL, 0)
          == (count("origin", &last) == 0));

    n = count("origin", &last);

    if (n == 1 && last.size == allowed.size) {

        for (i = 0; i < last.size; i++) {
            if (tolower(last.data[i]) != tolower(allowed.data[i])) {
                break;
            }
        }

        CHECK(sealed_reading_origin(reading, &allowed, 1)
              == (i == last.size));

    } else {
        CHECK(sealed_reading_origin(reading, &allowed, 1) == (n == 0));
    }
}


static size_t
count(const char *name, sealed_bytes_t *last)
{
    size_t  i, n;

    last->data = NULL;
    last->size = 0;

    for (i = 0, n = 0; i < nheaders; i++) {
        if (headers[i].name.size == strlen(name)
            && memcmp(headers[i].name.data, name, strlen(name)) == 0)
        {
            *last = headers[i].value;
            n++;
        }
    }

    return n;
}


/* several headers as one, with commas between their values */

static sealed_bytes_t
joined(const char *name)
{
    size_t           i, size;
    uint8_t          text[8192];
    sealed_bytes_t   value;

    for (i = 0, size = 0; i < nheaders; i++) {
        value = headers[i].value;

        if (headers[i].name.size != strlen(name)
            || memcmp(headers[i].name.data, name, strlen(name)) != 0)
        {
            continue;
        }

        CHECK(size + value.size + 1 <= sizeof(text));

        if (value.size) {
            memcpy(text + size, value.data, value.size);
        }

        size += value.size;
        text[size++] = ',';
    }

    return copy(text, size);
}


static int
same(sealed_bytes_t one, sealed_bytes_t other)
{
    return one.size == other.size
           && (one.size == 0 || memcmp(one.data, other.data, one.size) == 0);
}
