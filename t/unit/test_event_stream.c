
/* Events as they travel, and what an Accept header asks for. */

#include "event_stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>


static void
test_event(void **state)
{
    uint8_t  out[128], *end;

    end = sealed_event_encode(out, 7, (const uint8_t *) "\0\377a", 3);
    assert_int_equal(end - out, strlen("id: 7\ndata: AP9h\n\n"));
    assert_memory_equal(out, "id: 7\ndata: AP9h\n\n", end - out);

    end = sealed_event_encode(out, 0, (const uint8_t *) "ab", 2);
    assert_memory_equal(out, "data: YWI=\n\n", end - out);
    assert_int_equal(end - out, strlen("data: YWI=\n\n"));
}


static void
test_size_is_enough(void **state)
{
    size_t   size;
    uint8_t *out, item[301];

    memset(item, 0xaa, sizeof(item));

    for (size = 0; size <= sizeof(item); size++) {
        out = malloc(sealed_event_size(size));
        assert_non_null(out);
        assert_true((size_t) (sealed_event_encode(out, UINT64_MAX, item, size)
                              - out)
                    <= sealed_event_size(size));
        free(out);
    }
}


static void
test_retry(void **state)
{
    uint8_t  out[SEALED_EVENT_RETRY_SIZE], *end;

    end = sealed_event_retry(out, 1500);
    assert_int_equal(end - out, strlen("retry: 1500\n\n"));
    assert_memory_equal(out, "retry: 1500\n\n", end - out);

    end = sealed_event_retry(out, UINT64_MAX);
    assert_true((size_t) (end - out) <= sizeof(out));
}


static void
test_accept(void **state)
{
    size_t           i;
    sealed_accept_t  said;

    static const struct {
        const char  *accept;
        int          wanted;
    } cases[] = {
        { "text/event-stream", 1 },
        { " Text/Event-Stream ", 1 },
        { "text/html,text/event-stream", 1 },
        { "text/event-stream;q=0.001", 1 },
        { "text/event-stream; charset=utf-8 ; q=1.0", 1 },
        { "text/event-stream;q=0.5, application/cbor-seq;q=0.5", 1 },
        { "application/cbor-seq;q=0.4,text/event-stream;q=0.41", 1 },
        { "text/event-stream;q=0", 0 },
        { "text/event-stream;q=0.000", 0 },
        { "text/event-stream;q=", 0 },
        { "text/event-stream;q=x", 0 },
        { "text/event-stream;q=0.49, application/cbor-seq;q=0.5", 0 },
        { "application/cbor-seq, text/event-stream;q=0.9", 0 },
        { "text/*", 0 },
        { "*/*", 0 },
        { "", 0 },
        { ",,;,", 0 },
        { "text/event-streams", 0 },
        { "xtext/event-stream", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sealed_bytes_t  accept;

        /* of exactly this size, for the sanitizer */

        accept.size = strlen(cases[i].accept);
        accept.data = memcpy(malloc(accept.size + 1), cases[i].accept,
                             accept.size);

        memset(&said, 0, sizeof(said));
        sealed_accept(&said, accept);

        if (sealed_event_stream_accepted(&said) != cases[i].wanted) {
            fail_msg("\"%s\"", cases[i].accept);
        }

        free((void *) accept.data);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_event),
        cmocka_unit_test(test_size_is_enough),
        cmocka_unit_test(test_retry),
        cmocka_unit_test(test_accept)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
