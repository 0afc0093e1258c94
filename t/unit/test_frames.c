
/* Frames as they come, in pieces: what they mean, and when all is read. */

#include "vectors.h"

#include "frames.h"


/* a fragment, a ping, the other fragment: the number 258 */

static const char  letter[] =
    "\x02\x81\1\2\3\4\x18" "\x89\x84\1\2\3\4qkmc" "\x80\x82\1\2\3\4\0\0";


static void
test_pieces(void **state)
{
    size_t                       i, n, size;
    uint64_t                     value;
    unsigned                     count;
    sealed_bytes_t               piece;
    sealed_frames_t              frames;
    sealed_websocket_event_t     event;
    sealed_websocket_message_t   message;

    static const sealed_websocket_event_t  expected[] = {
        SEALED_WEBSOCKET_NOTHING, SEALED_WEBSOCKET_PING,
        SEALED_WEBSOCKET_ACKNOWLEDGE
    };

    memset(&message, 0, sizeof(message));
    assert_int_equal(sealed_frames_init(&frames), 0);

    /* one after the other in the same, as connections come and go */

    for (n = 1; n < sizeof(letter); n++) {
        count = 0;

        for (i = 0; i < sizeof(letter) - 1; i += n) {
            size = sizeof(letter) - 1 - i;
            size = size < n ? size : n;

            piece.data = memcpy(malloc(size), letter + i, size);
            piece.size = size;
            sealed_frames_feed(&frames, piece.data, size);

            while (sealed_frames_next(&frames, &message, &event, &value)) {
                assert_true(count < 3);
                assert_int_equal(event, expected[count++]);

                if (event == SEALED_WEBSOCKET_PING) {
                    assert_int_equal(frames.frame.size, 4);
                    assert_memory_equal(frames.frame.payload, "ping", 4);
                }
            }

            assert_int_equal(sealed_frames_idle(&frames),
                             i + size == 7 || i + size == 17
                             || i + size == sizeof(letter) - 1);
            free_bytes(piece);
        }

        assert_int_equal(count, 3);
        assert_true(value == 258);
    }

    sealed_frames_free(&frames);
}


static void
test_wrong(void **state)
{
    size_t                       i;
    uint64_t                     value;
    sealed_frames_t              frames;
    sealed_websocket_event_t     event;
    sealed_websocket_message_t   message;

    static const struct {
        const char  *data;
        size_t       size;
        uint64_t     code;
    } cases[] = {
        { "\x82\1x", 3, 1002 },                         /* no mask */
        { "\xc2\x81\0\0\0\0\1", 7, 1002 },
        { "\x83\x80\0\0\0\0", 6, 1002 },
        { "\x8b\x80\0\0\0\0", 6, 1002 },
        { "\x09\x80", 2, 1002 },                        /* a ping's half */
        { "\x89\xfe", 2, 1002 },                        /* a long one */
        { "\x82\xfe\0\x7d", 4, 1002 },                  /* in a longer form */
        { "\x82\xff\0\0\0\0\0\0\xff\xff", 10, 1002 },
        { "\x82\xff\x80\0\0\0\0\0\0\0", 10, 1002 },     /* 2^63 octets */
        { "\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15, 1009 },
        { "\x82\xfe\0\x7e\0\0\0\0x", 9, 1009 },
        { "\x81\x81\0\0\0\0x", 7, 1003 },
        { "\x82\x80\0\0\0\0", 6, 1008 },
        { "\x88\x81\0\0\0\0\x03", 7, 1002 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(&message, 0, sizeof(message));
        assert_int_equal(sealed_frames_init(&frames), 0);

        sealed_frames_feed(&frames, (const uint8_t *) cases[i].data,
                           cases[i].size);
        assert_int_equal(sealed_frames_next(&frames, &message, &event,
                                            &value),
                         1);
        assert_int_equal(event, SEALED_WEBSOCKET_WRONG);
        assert_true(value == cases[i].code);

        sealed_frames_free(&frames);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_wrong)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
