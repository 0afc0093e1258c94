
#include "vectors.h"
#include "route.h"
#include "text.h"

#include <sodium.h>


#define ID     "bx1Vw5vafPPX3QiO5KCw4Q"
#define ID_AT  14       /* in a mailbox's path */


static sealed_resource_t
route(const char *path, size_t size, uint8_t *id)
{
    sealed_bytes_t     bytes;
    sealed_resource_t  resource;

    bytes = exact_bytes(path, size);
    resource = sealed_route(bytes, text_bytes("/v1"), id);
    free_bytes(bytes);

    return resource;
}


static int
query(sealed_query_t *parsed, sealed_operation_t operation, const char *text)
{
    int             rc;
    sealed_bytes_t  bytes;

    memset(parsed, 0xa5, sizeof(sealed_query_t));

    bytes = exact_text(text);
    rc = sealed_query_parse(parsed, operation, bytes);
    free_bytes(bytes);

    return rc;
}


static void
test_paths(void **state)
{
    uint8_t   id[SEALED_MAILBOX_ID_SIZE];
    unsigned  i;

    static const struct {
        const char         *path;
        sealed_resource_t   resource;
    } cases[] = {
        { "/v1/mailboxes/" ID, SEALED_ROUTE_MAILBOX },
        { "/v1/mailboxes/" ID "/envelopes", SEALED_ROUTE_ENVELOPES },
        { "/v1/mailboxes/" ID "/tickets", SEALED_ROUTE_TICKETS },
        { "/v1/envelopes", SEALED_ROUTE_FANOUT },
        { "/v1/certificates", SEALED_ROUTE_CERTIFICATES },
        { "/v1/reports", SEALED_ROUTE_REPORTS },
        { "/v1/revocations", SEALED_ROUTE_REVOCATIONS }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(id, 0, sizeof(id));

        assert_int_equal(route(cases[i].path, strlen(cases[i].path), id),
                         cases[i].resource);

        if (cases[i].resource < SEALED_ROUTE_FANOUT) {
            assert_hex(id, "6f1d55c39bda7cf3d7dd088ee4a0b0e1");
        }
    }
}


static void
test_paths_refused(void **state)
{
    uint8_t   id[SEALED_MAILBOX_ID_SIZE];
    unsigned  i;

    static const char  *cases[] = {
        "",
        "/",
        "/v1",
        "/v1/",
        "/v2/envelopes",
        "/v1/certificate", "/v1/certificates/", "/v1/certificates/x",
        "/v1/reports/", "/v1/report", "/v1/revocations?", "/v2/reports",
        "/V1/envelopes",
        "v1/envelopes",
        "//v1/envelopes",
        "/v1//envelopes",
        "/v1/envelopes/",
        "/v1/Envelopes",
        "/v1/envelope",
        "/v1/envelopess",
        "/v1/%65nvelopes",
        "/v1/./envelopes",
        "/v1/x/../envelopes",
        "/v1/envelopes?",
        "/v1/mailboxes",
        "/v1/mailboxes/",
        "/v1/mailboxes//envelopes",
        "/v1/mailboxes/" ID "/",
        "/v1/mailboxes/" ID "A",
        "/v1/mailboxes/" ID "=",
        "/v1/mailboxes/" ID "==",
        "/v1/mailboxes/" ID "/envelopes/",
        "/v1/mailboxes/" ID "//envelopes",
        "/v1/mailboxes/" ID "/envelope",
        "/v1/mailboxes/" ID "/envelopesx",
        "/v1/mailboxes/" ID "envelopes",
        "/v1/mailboxes/" ID "/ticket",
        "/v1/mailboxes/" ID "/tickets/",

        /* unused bits, other alphabets, 15 and 17 octets */
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4R",
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4f",
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KC+4Q",
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KC/4Q",
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw",
        "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4QA"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(route(cases[i], strlen(cases[i]), id),
                         SEALED_ROUTE_NONE);
    }
}


/* a path one octet off is another mailbox's in canonical text, or nothing */

static void
test_paths_octet_for_octet(void **state)
{
    char               path[64], text[SEALED_MAILBOX_ID_TEXT], right;
    size_t             i, size;
    uint8_t            id[SEALED_MAILBOX_ID_SIZE];
    unsigned           value, others;
    sealed_resource_t  resource;

    static const char  whole[] = "/v1/mailboxes/" ID "/envelopes";

    size = sizeof(whole) - 1;
    memcpy(path, whole, sizeof(whole));
    others = 0;

    for (i = 0; i < size; i++) {
        right = path[i];

        for (value = 0; value < 256; value++) {

            if ((char) value == right) {
                continue;
            }

            path[i] = (char) value;
            resource = route(path, size, id);

            if (i < ID_AT || i >= ID_AT + SEALED_MAILBOX_ID_TEXT) {
                assert_int_equal(resource, SEALED_ROUTE_NONE);

            } else if (resource != SEALED_ROUTE_NONE) {
                assert_int_equal(resource, SEALED_ROUTE_ENVELOPES);
                (void) sealed_base64url_encode(text, id, sizeof(id));
                assert_memory_equal(text, path + ID_AT, sizeof(text));
                others++;
            }
        }

        path[i] = right;

        if (i != ID_AT + SEALED_MAILBOX_ID_TEXT) {
            assert_int_equal(route(path, i, id), SEALED_ROUTE_NONE);
        }
    }

    /* 21 full characters, and one of which four are canonical */
    assert_int_equal(others, 21 * 63 + 3);

    assert_int_equal(route("/v1/envelopes\0", 14, id), SEALED_ROUTE_NONE);
}


static void
test_prefixes(void **state)
{
    uint8_t  id[SEALED_MAILBOX_ID_SIZE];

    assert_int_equal(sealed_route(text_bytes("/envelopes"), text_bytes(""),
                                  id), SEALED_ROUTE_FANOUT);
    assert_int_equal(sealed_route(text_bytes("/a/b/v1/envelopes"),
                                  text_bytes("/a/b/v1"), id),
                     SEALED_ROUTE_FANOUT);
    assert_int_equal(sealed_route(text_bytes("/a/b/envelopes"),
                                  text_bytes("/a/b/v1"), id),
                     SEALED_ROUTE_NONE);
    assert_int_equal(sealed_route(text_bytes("/v1"), text_bytes("/v1/x"),
                                  id), SEALED_ROUTE_NONE);
}


static void
test_methods(void **state)
{
    unsigned  i, j;

    static const sealed_operation_t
        operations[SEALED_ROUTE_REVOCATIONS + 1][SEALED_OTHER_METHOD + 1] =
    {
        [SEALED_ROUTE_MAILBOX] = {
            [SEALED_GET] = SEALED_OP_STATUS,
            [SEALED_PUT] = SEALED_OP_OPEN,
            [SEALED_DELETE] = SEALED_OP_CLOSE
        },
        [SEALED_ROUTE_ENVELOPES] = {
            [SEALED_GET] = SEALED_OP_READ,
            [SEALED_POST] = SEALED_OP_SEND,
            [SEALED_DELETE] = SEALED_OP_ACKNOWLEDGE
        },
        [SEALED_ROUTE_TICKETS] = {
            [SEALED_POST] = SEALED_OP_TICKET
        },
        [SEALED_ROUTE_FANOUT] = {
            [SEALED_POST] = SEALED_OP_FANOUT
        },
        [SEALED_ROUTE_CERTIFICATES] = {
            [SEALED_POST] = SEALED_OP_ISSUE
        },
        [SEALED_ROUTE_REPORTS] = {
            [SEALED_POST] = SEALED_OP_REPORT
        },
        [SEALED_ROUTE_REVOCATIONS] = {
            [SEALED_POST] = SEALED_OP_REVOKE
        }
    };

    for (i = SEALED_ROUTE_NONE; i <= SEALED_ROUTE_REVOCATIONS; i++) {
        for (j = SEALED_GET; j <= SEALED_OTHER_METHOD; j++) {
            assert_int_equal(sealed_route_operation(i, j), operations[i][j]);
        }
    }
}


static void
test_read_queries(void **state)
{
    unsigned        i;
    sealed_query_t  q;

    static const struct {
        const char  *text;
        uint64_t     after;
        unsigned     limit;
        unsigned     wait;
    } cases[] = {
        { "", 0, 100, 0 },
        { "after=0", 0, 100, 0 },
        { "after=7", 7, 100, 0 },
        { "after=18446744073709551615", UINT64_MAX, 100, 0 },
        { "limit=1", 0, 1, 0 },
        { "limit=1000", 0, 1000, 0 },
        { "wait=0", 0, 100, 0 },
        { "wait=60", 0, 100, 60 },
        { "after=1&limit=2&wait=3", 1, 2, 3 },
        { "after=1&wait=3&limit=2", 1, 2, 3 },
        { "limit=2&after=1&wait=3", 1, 2, 3 },
        { "limit=2&wait=3&after=1", 1, 2, 3 },
        { "wait=3&after=1&limit=2", 1, 2, 3 },
        { "wait=3&limit=2&after=1", 1, 2, 3 }
    };

    static const char  *refused[] = {
        "&", "=", "after", "after=", "=1", "after=1&", "&after=1",
        "after=1&&limit=2", "after=1;limit=2", "after==1", "after=1=2",
        "after=1&after=1", "after=1&limit=2&after=1", "limit=2&limit=2",
        "wait=0&wait=0",
        "after=01", "after=00", "after=-1", "after=+1", "after= 1",
        "after=1 ", "after=0x1", "after=1.0", "after=%31", "after=1e1",
        "after=18446744073709551616", "after=99999999999999999999",
        "after=100000000000000000000",
        "limit=0", "limit=1001", "limit=4294967297", "limit=01",
        "wait=61", "wait=00", "wait=4294967296", "wait=-0",
        "After=1", "afte=1", "afterx=1", " after=1", "through=1",
        "after=1&through=1", "ticket=abc", "after=1&ticket=2", "?", "?after=1"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_READ, cases[i].text), 0);
        assert_true(q.after == cases[i].after);
        assert_int_equal(q.limit, cases[i].limit);
        assert_int_equal(q.wait, cases[i].wait);
    }

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_READ, refused[i]), -1);
    }

    /* a zero octet ends nothing */

    assert_int_equal(sealed_query_parse(&q, SEALED_OP_READ,
                         (sealed_bytes_t) { (uint8_t *) "after=1\0", 8 }),
                     -1);
}


static void
test_acknowledge_queries(void **state)
{
    unsigned        i;
    sealed_query_t  q;

    static const char  *refused[] = {
        "", "through", "through=", "through=01", "through=1&",
        "through=1&through=1", "through=18446744073709551616", "after=1",
        "through=1&after=1", "limit=1", "Through=1", "through=1&wait=0"
    };

    assert_int_equal(query(&q, SEALED_OP_ACKNOWLEDGE, "through=0"), 0);
    assert_true(q.through == 0);

    assert_int_equal(query(&q, SEALED_OP_ACKNOWLEDGE,
                           "through=18446744073709551615"), 0);
    assert_true(q.through == UINT64_MAX);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_ACKNOWLEDGE, refused[i]), -1);
    }
}


static void
test_follow_queries(void **state)
{
    unsigned        i;
    sealed_bytes_t  text;
    sealed_query_t  q;

    static const char  *refused[] = {
        "limit=1", "wait=0", "through=1", "after=", "after=x", "ticket",
        "ticket=", "ticket=a&", "ticket=a&ticket=b", "ticket=&after=1",
        "Ticket=a", "after=1&after=2", "&ticket=a"
    };

    text.data = (const uint8_t *) "after=7&ticket=a=b";
    text.size = strlen("after=7&ticket=a=b");

    assert_int_equal(sealed_query_parse(&q, SEALED_OP_FOLLOW, text), 0);
    assert_true(q.after == 7);
    assert_int_equal(q.ticket.size, 3);
    assert_memory_equal(q.ticket.data, "a=b", 3);

    assert_int_equal(query(&q, SEALED_OP_FOLLOW, "after=7"), 0);
    assert_null(q.ticket.data);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_FOLLOW, refused[i]), -1);
    }

    assert_int_equal(query(&q, SEALED_OP_READ, "ticket=a"), -1);
}


static void
test_issue_queries(void **state)
{
    unsigned        i;
    sealed_query_t  q;

    static const char  *refused[] = {
        "", "class=1", "epoch=1", "class=1&epoch=1&", "class=01&epoch=1",
        "class=1&epoch=1&class=1", "class=1&epoch=1&epoch=1",
        "class=256&epoch=1", "class=1&epoch=4294967296", "class=&epoch=1",
        "class=a&epoch=1", "class=1&epoch=1&after=1", "revoke=1",
        "Class=1&epoch=1", "class=1;epoch=1"
    };

    assert_int_equal(query(&q, SEALED_OP_ISSUE, "class=0&epoch=0"), 0);
    assert_int_equal(q.class, 0);
    assert_int_equal(q.epoch, 0);

    assert_int_equal(query(&q, SEALED_OP_ISSUE,
                           "epoch=4294967295&class=255"), 0);
    assert_int_equal(q.class, 255);
    assert_true(q.epoch == UINT32_MAX);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_ISSUE, refused[i]), -1);
    }
}


static void
test_report_queries(void **state)
{
    unsigned        i;
    sealed_query_t  q;

    static const char  *refused[] = {
        "revoke", "revoke=", "revoke=0", "revoke=2", "revoke=01",
        "revoke=1&revoke=1", "revoke=1&", "class=1", "revoke=true"
    };

    assert_int_equal(query(&q, SEALED_OP_REPORT, ""), 0);
    assert_int_equal(q.revoke, 0);
    assert_int_equal(query(&q, SEALED_OP_REPORT, "revoke=1"), 0);
    assert_int_equal(q.revoke, 1);

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        assert_int_equal(query(&q, SEALED_OP_REPORT, refused[i]), -1);
    }
}


static void
test_no_query(void **state)
{
    unsigned            i, j;
    sealed_query_t      q;
    sealed_bytes_t      none;

    static const sealed_operation_t  without[] = {
        SEALED_OP_OPEN, SEALED_OP_STATUS, SEALED_OP_CLOSE, SEALED_OP_SEND,
        SEALED_OP_FANOUT, SEALED_OP_REVOKE
    };

    static const char  *refused[] = {
        "after=1", "limit=1", "wait=1", "through=1", "x", "&", "="
    };

    none.data = NULL;
    none.size = 0;

    for (i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
        assert_int_equal(sealed_query_parse(&q, without[i], none), 0);
        assert_int_equal(query(&q, without[i], ""), 0);

        for (j = 0; j < sizeof(refused) / sizeof(refused[0]); j++) {
            assert_int_equal(query(&q, without[i], refused[j]), -1);
        }
    }

    assert_int_equal(sealed_query_parse(&q, SEALED_OP_READ, none), 0);
    assert_int_equal(q.limit, SEALED_READ_LIMIT_DEFAULT);
    assert_int_equal(sealed_query_parse(&q, SEALED_OP_ACKNOWLEDGE, none), -1);
}


static void
test_ttl(void **state)
{
    int             rc;
    unsigned        i;
    uint64_t        ttl;
    sealed_bytes_t  bytes;

    static const struct {
        const char  *text;
        uint64_t     ttl;
    } cases[] = {
        { "0", 0 },
        { "0000000000", 0 },
        { "3600", 3600 },
        { "0000003600", 3600 },
        { "9999999999", 9999999999 },
        { "4294967296", 4294967296 }
    };

    static const char  *refused[] = {
        "", "00000000000", "10000000000", "-1", "+1", " 1", "1 ", "1,2",
        "1.0", "0x1", "1a", "/", ":", "\xb1"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bytes = exact_text(cases[i].text);
        ttl = 1;

        assert_int_equal(sealed_ttl_parse(&ttl, bytes), 0);
        assert_true(ttl == cases[i].ttl);

        free_bytes(bytes);
    }

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        bytes = exact_text(refused[i]);
        rc = sealed_ttl_parse(&ttl, bytes);
        free_bytes(bytes);

        assert_int_equal(rc, -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_paths_refused),
        cmocka_unit_test(test_paths_octet_for_octet),
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_methods),
        cmocka_unit_test(test_read_queries),
        cmocka_unit_test(test_acknowledge_queries),
        cmocka_unit_test(test_follow_queries),
        cmocka_unit_test(test_issue_queries),
        cmocka_unit_test(test_report_queries),
        cmocka_unit_test(test_no_query),
        cmocka_unit_test(test_ttl)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
