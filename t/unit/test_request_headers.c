
/* Requests as they came: what is signed, and how somebody wants to read. */

#include "vectors.h"

#include "request_headers.h"


static sealed_bytes_t
text(const char *text)
{
    sealed_bytes_t  bytes;

    bytes.data = (const uint8_t *) text;
    bytes.size = strlen(text);

    return bytes;
}


/* "name: value" each, up to NULL */

static void
take(sealed_request_t *request, sealed_reading_headers_t *reading,
    const char *const *headers)
{
    const char      *colon;
    sealed_bytes_t   name, value;

    memset(request, 0, sizeof(sealed_request_t));
    memset(reading, 0, sizeof(sealed_reading_headers_t));

    for ( /* void */ ; *headers; headers++) {
        colon = strchr(*headers, ':');
        name = text(*headers);
        name.size = (size_t) (colon - *headers);
        value = text(colon + 2);

        sealed_request_header(request, name, value);
        sealed_reading_header(reading, name, value);
    }
}


static void
assert_bytes(sealed_bytes_t bytes, const char *expected)
{
    if (expected == NULL) {
        assert_null(bytes.data);
        return;
    }

    assert_non_null(bytes.data);
    assert_int_equal(bytes.size, strlen(expected));
    assert_memory_equal(bytes.data, expected, bytes.size);
}


static void
test_target(void **state)
{
    size_t            i;
    sealed_bytes_t    target;
    sealed_request_t  request;

    static const struct {
        const char  *target;
        const char  *path;
        const char  *query;
    } cases[] = {
        { "/v1/envelopes", "/v1/envelopes", NULL },
        { "/v1/envelopes?", "/v1/envelopes", "" },
        { "/a?b=c", "/a", "b=c" },
        { "/a?b?c", "/a", "b?c" },
        { "?", "", "" },
        { "", "", NULL },
        { "/%3f?%3f", "/%3f", "%3f" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&request, 0xff, sizeof(request));
        target = exact_text(cases[i].target);

        sealed_request_target(&request, target);

        assert_bytes(request.value[SEALED_PATH], cases[i].path);
        assert_bytes(request.value[SEALED_QUERY], cases[i].query);
        free_bytes(target);
    }
}


static void
test_signed(void **state)
{
    sealed_bytes_t            nothing;
    sealed_request_t          request;
    sealed_reading_headers_t  reading;

    static const char *const  all[] = {
        "host: gateway", "content-digest: a", "sealed-certificate: b",
        "ttl: c", "sealed-delivery: d", "sealed-frank: e",
        "sealed-mailbox-key: f", "signature-input: g", "signature: h", NULL
    };
    static const char *const  alike[] = {
        "@method: a", "sealed-certificates: b", "sealed-certificat: c",
        "TTL: d", "signature-inputs: e", "signatur: f", NULL
    };

    take(&request, &reading, all);
    assert_bytes(request.value[SEALED_CONTENT_DIGEST], "a");
    assert_bytes(request.value[SEALED_CERTIFICATE], "b");
    assert_bytes(request.value[SEALED_TTL], "c");
    assert_bytes(request.value[SEALED_DELIVERY], "d");
    assert_bytes(request.value[SEALED_FRANK], "e");
    assert_bytes(request.value[SEALED_MAILBOX_KEY], "f");
    assert_bytes(request.signature_input, "g");
    assert_bytes(request.signature, "h");
    assert_int_equal(request.repeated, 0);

    take(&request, &reading, alike);
    nothing.data = NULL;
    nothing.size = 0;
    sealed_request_header(&request, nothing, text("i"));
    assert_memory_equal(&request, &(sealed_request_t) { .has_body = 0 },
                        sizeof(request));
}


/* a header without a value is there, even where its octets are nowhere */

static void
test_repeated(void **state)
{
    size_t            i, j;
    sealed_bytes_t    value;
    sealed_request_t  request;

    static const char  *names[] = {
        "content-digest", "sealed-certificate", "ttl", "sealed-delivery",
        "sealed-frank", "sealed-mailbox-key", "signature-input", "signature"
    };

    value.data = NULL;
    value.size = 0;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        memset(&request, 0, sizeof(request));

        for (j = 0; j <= i; j++) {
            sealed_request_header(&request, text(names[j]), value);
        }

        sealed_request_header(&request, text("accept"), value);
        sealed_request_header(&request, text("accept"), value);
        assert_int_equal(request.repeated, 0);

        sealed_request_header(&request, text(names[i]), text("x"));
        assert_int_equal(request.repeated, 1);
    }
}


static void
test_transport(void **state)
{
    size_t                    i;
    sealed_request_t          request;
    sealed_reading_headers_t  reading;

    static const struct {
        const char  *headers[5];
        unsigned     websocket;
        int          stream;
    } cases[] = {
        { { NULL }, 0, 0 },
        { { "upgrade: websocket" }, 1, 0 },
        { { "upgrade: h2c, WebSocket" }, 1, 0 },
        { { "upgrade: h2c", "upgrade: websocket" }, 1, 0 },
        { { "upgrade: websocket", "upgrade: h2c" }, 1, 0 },
        { { "upgrade: websockets" }, 0, 0 },
        { { "accept: text/event-stream" }, 0, 1 },
        { { "accept: text/html", "accept: text/event-stream" }, 0, 1 },
        { { "accept: text/event-stream", "accept: text/html" }, 0, 1 },
        { { "accept: text/event-stream;q=0.5",
            "accept: application/cbor-seq" }, 0, 0 },
        { { "accept: application/cbor-seq;q=0.5",
            "accept: text/event-stream;q=0.5" }, 0, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        take(&request, &reading, cases[i].headers);

        assert_int_equal(reading.websocket, cases[i].websocket);
        assert_int_equal(sealed_event_stream_accepted(&reading.accept),
                         cases[i].stream);
    }
}


static void
test_after(void **state)
{
    size_t                    i;
    uint64_t                  after;
    sealed_verdict_t          verdict;
    sealed_request_t          request;
    sealed_reading_headers_t  reading;

    static const struct {
        const char        *headers[3];
        sealed_verdict_t   verdict;
        uint64_t           after;
    } cases[] = {
        { { NULL }, SEALED_OK, 17 },
        { { "last-event-id: 0" }, SEALED_OK, 0 },
        { { "last-event-id: 18446744073709551615" }, SEALED_OK, UINT64_MAX },
        { { "last-event-id: " }, SEALED_BAD_HEADER, 0 },
        { { "last-event-id: 07" }, SEALED_BAD_HEADER, 0 },
        { { "last-event-id: 7, 7" }, SEALED_BAD_HEADER, 0 },
        { { "last-event-id: 7", "last-event-id: 7" }, SEALED_BAD_HEADER, 0 },
        { { "last-event-id: 7", "last-event-id: " }, SEALED_BAD_HEADER, 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        take(&request, &reading, cases[i].headers);

        after = 17;
        verdict = sealed_reading_after(&after, &reading);

        assert_int_equal(verdict, cases[i].verdict);
        assert_true(verdict != SEALED_OK || after == cases[i].after);
    }
}


#define KEY  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="


static void
test_handshake(void **state)
{
    size_t                    i;
    sealed_request_t          request;
    sealed_reading_headers_t  reading;

    static const struct {
        const char        *headers[6];
        sealed_verdict_t   verdict;
    } cases[] = {
        { { "connection: Upgrade", KEY, "sec-websocket-version: 13" },
          SEALED_OK },
        { { "sec-websocket-version: 13", KEY, "connection: close,upgrade" },
          SEALED_OK },
        { { KEY, "sec-websocket-version: 13" }, SEALED_BAD_HANDSHAKE },
        { { "connection: close", KEY, "sec-websocket-version: 13" },
          SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", "connection: upgrade", KEY,
            "sec-websocket-version: 13" }, SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", "sec-websocket-version: 13" },
          SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", KEY, KEY, "sec-websocket-version: 13" },
          SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", "sec-websocket-key: ",
            "sec-websocket-version: 13" }, SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", KEY }, SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", KEY, "sec-websocket-version: 13",
            "sec-websocket-version: 13" }, SEALED_BAD_HANDSHAKE },
        { { "connection: upgrade", KEY, "sec-websocket-version: " },
          SEALED_HANDSHAKE_VERSION },
        { { "connection: upgrade", KEY, "sec-websocket-version: 8" },
          SEALED_HANDSHAKE_VERSION },
        { { "connection: upgrade", KEY, "sec-websocket-version: 130" },
          SEALED_HANDSHAKE_VERSION }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        take(&request, &reading, cases[i].headers);

        assert_int_equal(sealed_reading_handshake(&reading),
                         cases[i].verdict);
    }
}


static void
test_origin(void **state)
{
    size_t                    i;
    sealed_bytes_t            allowed[2];
    sealed_request_t          request;
    sealed_reading_headers_t  reading;

    static const struct {
        const char  *headers[3];
        int          allowed;
    } cases[] = {
        { { NULL }, 1 },
        { { "origin: https://one.example" }, 1 },
        { { "origin: https://two.example" }, 1 },
        { { "origin: HTTPS://Two.Example" }, 1 },
        { { "origin: https://two.example/" }, 0 },
        { { "origin: https://two.exampl" }, 0 },
        { { "origin: null" }, 0 },
        { { "origin: " }, 0 },
        { { "origin: https://one.example",
            "origin: https://one.example" }, 0 },
        { { "origin: https://evil.example",
            "origin: https://one.example" }, 0 }
    };

    allowed[0] = exact_text("https://one.example");
    allowed[1] = exact_text("https://two.example");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        take(&request, &reading, cases[i].headers);

        assert_int_equal(sealed_reading_origin(&reading, allowed, 2),
                         cases[i].allowed);
    }

    free_bytes(allowed[0]);
    free_bytes(allowed[1]);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_target),
        cmocka_unit_test(test_signed),
        cmocka_unit_test(test_repeated),
        cmocka_unit_test(test_transport),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_handshake),
        cmocka_unit_test(test_origin)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
