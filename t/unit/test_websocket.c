
/* Frames that readers send: how messages come together, and what is wrong. */

#include "websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>


typedef struct {
    sealed_websocket_frame_t    frame;
    sealed_websocket_message_t  message;
    uint64_t                    value;
} sealed_test_t;


/* payload in pieces of n octets */

static sealed_websocket_event_t
receive(sealed_test_t *t, unsigned fin, unsigned opcode, const char *payload,
    size_t size, size_t n)
{
    size_t                    i;
    sealed_websocket_event_t  event;

    event = sealed_websocket_begin(&t->frame, &t->message, fin, 0, opcode, 1,
                                   size, &t->value);

    if (event != SEALED_WEBSOCKET_NOTHING) {
        return event;
    }

    for (i = 0; i < size; i += n) {
        sealed_websocket_data(&t->frame, (const uint8_t *) payload + i,
                              size - i < n ? size - i : n);
    }

    return sealed_websocket_end(&t->frame, &t->message, &t->value);
}


static void
test_acknowledge(void **state)
{
    size_t         n;
    sealed_test_t  t;

    memset(&t, 0, sizeof(t));

    for (n = 1; n < 10; n++) {
        assert_int_equal(receive(&t, 1, 2, "\x1b\1\2\3\4\5\6\7\x08", 9, n),
                         SEALED_WEBSOCKET_ACKNOWLEDGE);
        assert_true(t.value == 0x0102030405060708);

        assert_int_equal(receive(&t, 1, 2, "\x17", 1, n),
                         SEALED_WEBSOCKET_ACKNOWLEDGE);
        assert_true(t.value == 23);
    }
}


static void
test_fragments(void **state)
{
    sealed_test_t  t;

    memset(&t, 0, sizeof(t));

    assert_int_equal(receive(&t, 0, 2, "\x19", 1, 1),
                     SEALED_WEBSOCKET_NOTHING);
    assert_int_equal(receive(&t, 1, 9, "ping", 4, 3), SEALED_WEBSOCKET_PING);
    assert_int_equal(t.frame.size, 4);
    assert_memory_equal(t.frame.payload, "ping", 4);
    assert_int_equal(receive(&t, 0, 0, "\1", 1, 1), SEALED_WEBSOCKET_NOTHING);
    assert_int_equal(receive(&t, 1, 10, "", 0, 1), SEALED_WEBSOCKET_PONG);
    assert_int_equal(receive(&t, 1, 0, "\2", 1, 1),
                     SEALED_WEBSOCKET_ACKNOWLEDGE);
    assert_true(t.value == 0x0102);

    /* the end of one is the end of it */

    assert_int_equal(receive(&t, 1, 0, "\2", 1, 1), SEALED_WEBSOCKET_WRONG);
    assert_true(t.value == SEALED_CLOSE_PROTOCOL);
}


static void
test_limits(void **state)
{
    unsigned       i;
    sealed_test_t  t;

    memset(&t, 0, sizeof(t));

    assert_int_equal(sealed_websocket_begin(&t.frame, &t.message, 1, 0, 2, 1,
                                            UINT64_MAX, &t.value),
                     SEALED_WEBSOCKET_WRONG);
    assert_true(t.value == SEALED_CLOSE_TOO_BIG);

    memset(&t, 0, sizeof(t));

    /* any number of empty fragments, but no octet too many */

    assert_int_equal(receive(&t, 0, 2, "", 0, 1), SEALED_WEBSOCKET_NOTHING);

    for (i = 0; i < SEALED_WEBSOCKET_MESSAGE_MAX; i++) {
        assert_int_equal(receive(&t, 0, 0, "", 0, 1),
                         SEALED_WEBSOCKET_NOTHING);
        assert_int_equal(receive(&t, 0, 0, "x", 1, 1),
                         SEALED_WEBSOCKET_NOTHING);
    }

    assert_int_equal(receive(&t, 0, 0, "x", 1, 1), SEALED_WEBSOCKET_WRONG);
    assert_true(t.value == SEALED_CLOSE_TOO_BIG);
}


static void
test_rate(void **state)
{
    unsigned                 i;
    uint64_t                 now;
    sealed_websocket_rate_t  rate;

    memset(&rate, 0, sizeof(rate));

    for (now = 1000; now < 1003; now++) {

        for (i = 0; i < 5; i++) {
            assert_int_equal(sealed_websocket_flooded(&rate, now, 5), 0);
        }

        assert_int_equal(sealed_websocket_flooded(&rate, now, 5), 1);
        assert_int_equal(sealed_websocket_flooded(&rate, now, 5), 1);
    }
}


static void
test_key(void **state)
{
    size_t          i;
    sealed_bytes_t  key;

    static const char  *wrong[] = {
        "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZQAA",
        "dGhlIHNhbXBsZSBub25j_w==", "dGhlIHNhbXBsZSBub25jZQA="
    };

    key.data = (const uint8_t *) "dGhlIHNhbXBsZSBub25jZQ==";
    key.size = 24;
    assert_int_equal(sealed_websocket_key_check(key), 0);

    for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        key.data = (const uint8_t *) wrong[i];
        key.size = strlen(wrong[i]);
        assert_int_equal(sealed_websocket_key_check(key), -1);
    }
}


static void
test_tokens(void **state)
{
    size_t          i;
    sealed_bytes_t  list;

    static const struct {
        const char  *list;
        int          listed;
    } cases[] = {
        { "upgrade", 1 },
        { "Upgrade", 1 },
        { "keep-alive, Upgrade", 1 },
        { " upgrade\t,close", 1 },
        { ",,upgrade,", 1 },
        { "", 0 },
        { ",", 0 },
        { "upgrades", 0 },
        { "up grade", 0 },
        { "keep-alive", 0 },
        { "keep-alive upgrade", 0 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        list.data = (const uint8_t *) cases[i].list;
        list.size = strlen(cases[i].list);

        if (sealed_token_listed(list, "upgrade") != cases[i].listed) {
            fail_msg("\"%s\"", cases[i].list);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_acknowledge),
        cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_tokens)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
