
/*
 * What a client sends on a WebSocket: the first octet says in which pieces
 * it comes, the rest are frames, if they are.  They are read here once more,
 * from the whole and by the words of RFC 6455, section 5: the same has to
 * come out whatever the pieces are.
 *
 * Aims at: frames.c websocket.c
 */

#include "frames.h"
#include "fuzz.h"


enum {
    WAITING = -1        /* for more of a frame */
};


/* what is known of a connection by its frames so far */

typedef struct {
    sealed_bytes_t   in;
    unsigned         begun;
    uint8_t          message[64];
    size_t           size;
} model_t;


static int expect(model_t *model, sealed_bytes_t *payload, uint64_t *value);
static int expect_control(unsigned opcode, sealed_bytes_t payload,
    uint64_t *value);
static int expect_message(model_t *model, uint64_t *value);
static int refuse(uint64_t *value, uint64_t code);
static size_t utf8_size(const uint8_t *p, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                          expected;
    size_t                       n;
    uint8_t                      unmasked[125];
    uint64_t                     pieces, value, expected_value;
    model_t                      model;
    sealed_bytes_t               piece, payload;
    sealed_frames_t              frames;
    sealed_websocket_event_t     event;
    sealed_websocket_message_t   message;

    if (size == 0) {
        return 0;
    }

    pieces = *data++;
    size--;

    memset(&model, 0, sizeof(model));
    model.in.data = data;
    model.in.size = size;

    memset(&message, 0, sizeof(message));
    CHECK(sealed_frames_init(&frames) == 0);
    CHECK(sealed_frames_idle(&frames));

    payload.data = unmasked;
    event = SEALED_WEBSOCKET_NOTHING;
    expected = WAITING;

    while (size && event != SEALED_WEBSOCKET_WRONG) {

        /* of one octet up to all */

        pieces = (pieces * 1103515245 + 12345) % 2147483648;
        n = pieces >> 16 & 7;
        n = n == 7 ? size : n + 1 < size ? n + 1 : size;

        piece = copy(data, n);
        sealed_frames_feed(&frames, piece.data, n);

        while (sealed_frames_next(&frames, &message, &event, &value)) {
            expected = expect(&model, &payload, &expected_value);
            CHECK((int) event == expected);

            if (event == SEALED_WEBSOCKET_PING
                || event == SEALED_WEBSOCKET_PONG)
            {
                CHECK(frames.frame.size == payload.size);
                CHECK(memcmp(frames.frame.payload, unmasked, payload.size)
                      == 0);

            } else if (event != SEALED_WEBSOCKET_NOTHING) {
                CHECK(value == expected_value);
            }

            if (event == SEALED_WEBSOCKET_WRONG) {
                break;
            }
        }

        free_copy(piece);
        data += n;
        size -= n;
    }

    /* nothing was passed over, and nothing is left but a begun frame */

    if (event != SEALED_WEBSOCKET_WRONG) {
        CHECK(expect(&model, &payload, &expected_value) == WAITING);
        CHECK(sealed_frames_idle(&frames) == (model.in.size == 0));
    }

    sealed_frames_free(&frames);

    return 0;
}


/*
 * The next frame: what its head shows to be wrong is wrong when some of its
 * payload is there, or none is to come.
 */

static int
expect(model_t *model, sealed_bytes_t *payload, uint64_t *value)
{
    size_t          i, n;
    uint8_t        *unmasked;
    uint64_t        length;
    unsigned        fin, rsv, opcode, masked;
    const uint8_t  *p, *end;

    p = model->in.data;
    end = p + model->in.size;

    if (end - p < 2) {
        return WAITING;
    }

    fin = p[0] >> 7;
    rsv = p[0] >> 4 & 7;
    opcode = p[0] & 15;
    masked = p[1] >> 7;
    length = p[1] & 127;
    p += 2;

    if (opcode >= 8 && (length > 125 || !fin)) {
        return refuse(value, 1002);
    }

    if (length > 125) {
        n = length == 126 ? 2 : 8;

        if ((size_t) (end - p) < n) {
            return WAITING;
        }

        for (i = 0, length = 0; i < n; i++) {
            length = length << 8 | *p++;
        }

        if (length < (n == 2 ? 126 : 65536) || length >> 63) {
            return refuse(value, 1002);
        }
    }

    if ((size_t) (end - p) < (masked ? 4 : 0) + (length > 0)) {
        return WAITING;
    }

    if (rsv || !masked || (opcode > 2 && opcode < 8) || opcode > 10) {
        return refuse(value, 1002);
    }

    if (opcode < 8) {

        if (model->begun != (opcode == 0)) {
            return refuse(value, 1002);
        }

        if (opcode == 1) {
            return refuse(value, 1003);
        }

        model->size = model->begun ? model->size : 0;

        if (length > 9 - model->size) {
            return refuse(value, 1009);
        }
    }

    if ((uint64_t) (end - p) - 4 < length) {
        return WAITING;
    }

    unmasked = (uint8_t *) payload->data;
    payload->size = (size_t) length;

    for (i = 0; i < length; i++) {
        unmasked[i] = p[4 + i] ^ p[i % 4];
    }

    p += 4 + length;
    model->in.data = p;
    model->in.size = (size_t) (end - p);

    if (opcode >= 8) {
        return expect_control(opcode, *payload, value);
    }

    memcpy(model->message + model->size, unmasked, payload->size);
    model->size += payload->size;
    model->begun = !fin;

    return fin ? expect_message(model, value) : SEALED_WEBSOCKET_NOTHING;
}


static int
expect_control(unsigned opcode, sealed_bytes_t payload, uint64_t *value)
{
    size_t    i, n;
    unsigned  code;

    if (opcode != 8) {
        return opcode == 9 ? SEALED_WEBSOCKET_PING : SEALED_WEBSOCKET_PONG;
    }

    *value = 0;

    if (payload.size == 0) {
        return SEALED_WEBSOCKET_CLOSE;
    }

    if (payload.size == 1) {
        return refuse(value, 1002);
    }

    code = payload.data[0] * 256u + payload.data[1];

    if (code < 1000 || code > 4999 || (code > 1014 && code < 3000)
        || (code >= 1004 && code <= 1006))
    {
        return refuse(value, 1002);
    }

    for (i = 2; i < payload.size; i += n) {
        n = utf8_size(payload.data + i, payload.size - i);

        if (n == 0) {
            return refuse(value, 1007);
        }
    }

    *value = code;

    return SEALED_WEBSOCKET_CLOSE;
}


/* RFC 8949: an unsigned integer in its shortest form, and nothing behind */

static int
expect_message(model_t *model, uint64_t *value)
{
    size_t    i, n;
    uint64_t  least;

    static const size_t    sizes[] = { 1, 2, 4, 8 };
    static const uint64_t  leasts[] = { 24, 256, 65536, 4294967296 };

    if (model->size == 0 || model->message[0] > 27) {
        return refuse(value, 1008);
    }

    if (model->message[0] < 24) {
        *value = model->message[0];
        return model->size == 1 ? SEALED_WEBSOCKET_ACKNOWLEDGE
                                : refuse(value, 1008);
    }

    n = sizes[model->message[0] - 24];
    least = leasts[model->message[0] - 24];

    if (model->size != n + 1) {
        return refuse(value, 1008);
    }

    for (i = 0, *value = 0; i < n; i++) {
        *value = *value << 8 | model->message[1 + i];
    }

    return *value >= least ? SEALED_WEBSOCKET_ACKNOWLEDGE
                           : refuse(value, 1008);
}


static int
refuse(uint64_t *value, uint64_t code)
{
    *value = code;

    return SEALED_WEBSOCKET_WRONG;
}


/* of one character, by the table of RFC 3629, section 4; 0: it is none */

static size_t
utf8_size(const uint8_t *p, size_t size)
{
    size_t  i, n;

    static const struct {
        uint8_t  first[4][2];
    } forms[] = {
        { { { 0x00, 0x7f } } },
        { { { 0xc2, 0xdf }, { 0x80, 0xbf } } },
        { { { 0xe0, 0xe0 }, { 0xa0, 0xbf }, { 0x80, 0xbf } } },
        { { { 0xe1, 0xec }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
        { { { 0xed, 0xed }, { 0x80, 0x9f }, { 0x80, 0xbf } } },
        { { { 0xee, 0xef }, { 0x80, 0xbf }, { 0x80, 0xbf } } },
        { { { 0xf0, 0xf0 }, { 0x90, 0xbf }, { 0x80, 0xbf },
            { 0x80, 0xbf } } },
        { { { 0xf1, 0xf3 }, { 0x80, 0xbf }, { 0x80, 0xbf },
            { 0x80, 0xbf } } },
        { { { 0xf4, 0xf4 }, { 0x80, 0x8f }, { 0x80, 0xbf },
            { 0x80, 0xbf } } }
    };

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {

        for (n = 0; n < 4 && forms[i].first[n][1]; n++) {
            if (n == size
                || p[n] < forms[i].first[n][0]
                || p[n] > forms[i].first[n][1])
            {
                break;
            }
        }

        if (n == 4 || forms[i].first[n][1] == 0) {
            return n;
        }
    }

    return 0;
}
