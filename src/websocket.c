
#include "websocket.h"
#include "cbor.h"
#include "text.h"

#include <string.h>
#include <strings.h>


enum {
    CONTINUATION = 0,
    TEXT         = 1,
    BINARY       = 2,
    CLOSE        = 8,
    PING         = 9,
    PONG         = 10,
    CONTROL_BIT  = 8
};


static sealed_websocket_event_t wrong(uint64_t *value,
    sealed_close_code_t code);
static sealed_websocket_event_t end_message(
    sealed_websocket_message_t *message, uint64_t *value);
static sealed_websocket_event_t end_close(
    const sealed_websocket_frame_t *frame, uint64_t *value);
static int is_close_code(unsigned code);
static int is_utf8(const uint8_t *p, size_t size);


sealed_websocket_event_t
sealed_websocket_begin(sealed_websocket_frame_t *frame,
    sealed_websocket_message_t *message, unsigned fin, unsigned rsv,
    unsigned opcode, unsigned masked, uint64_t length, uint64_t *value)
{
    frame->opcode = (uint8_t) opcode;
    frame->fin = fin != 0;
    frame->size = 0;

    if (rsv || !masked) {
        return wrong(value, SEALED_CLOSE_PROTOCOL);
    }

    if (opcode & CONTROL_BIT) {
        return !fin || length > SEALED_WEBSOCKET_CONTROL_MAX || opcode > PONG
               ? wrong(value, SEALED_CLOSE_PROTOCOL)
               : SEALED_WEBSOCKET_NOTHING;
    }

    switch (opcode) {

    case CONTINUATION:

        if (!message->begun) {
            return wrong(value, SEALED_CLOSE_PROTOCOL);
        }

        break;

    case TEXT:
    case BINARY:

        if (message->begun) {
            return wrong(value, SEALED_CLOSE_PROTOCOL);
        }

        if (opcode == TEXT) {
            return wrong(value, SEALED_CLOSE_NOT_BINARY);
        }

        message->begun = 1;
        message->size = 0;
        break;

    default:
        return wrong(value, SEALED_CLOSE_PROTOCOL);
    }

    return length > (uint64_t) (SEALED_WEBSOCKET_MESSAGE_MAX - message->size)
           ? wrong(value, SEALED_CLOSE_TOO_BIG) : SEALED_WEBSOCKET_NOTHING;
}


void
sealed_websocket_data(sealed_websocket_frame_t *frame, const uint8_t *data,
    size_t size)
{
    if (size) {
        memcpy(frame->payload + frame->size, data, size);
        frame->size = (uint8_t) (frame->size + size);
    }
}


sealed_websocket_event_t
sealed_websocket_end(sealed_websocket_frame_t *frame,
    sealed_websocket_message_t *message, uint64_t *value)
{
    switch (frame->opcode) {

    case PING:
        return SEALED_WEBSOCKET_PING;

    case PONG:
        return SEALED_WEBSOCKET_PONG;

    case CLOSE:
        return end_close(frame, value);

    default:
        memcpy(message->data + message->size, frame->payload, frame->size);
        message->size = (uint8_t) (message->size + frame->size);

        return frame->fin ? end_message(message, value)
                          : SEALED_WEBSOCKET_NOTHING;
    }
}


static sealed_websocket_event_t
end_message(sealed_websocket_message_t *message, uint64_t *value)
{
    sealed_cbor_reader_t  reader;

    message->begun = 0;

    reader.pos = message->data;
    reader.end = message->data + message->size;

    return sealed_cbor_read_uint(&reader, value) != 0
           || reader.pos != reader.end
           ? wrong(value, SEALED_CLOSE_POLICY)
           : SEALED_WEBSOCKET_ACKNOWLEDGE;
}


static sealed_websocket_event_t
end_close(const sealed_websocket_frame_t *frame, uint64_t *value)
{
    *value = 0;

    if (frame->size == 0) {
        return SEALED_WEBSOCKET_CLOSE;
    }

    *value = frame->size == 1 ? 0
                              : frame->payload[0] << 8 | frame->payload[1];

    if (!is_close_code((unsigned) *value)) {
        return wrong(value, SEALED_CLOSE_PROTOCOL);
    }

    return is_utf8(frame->payload + 2, frame->size - 2)
           ? SEALED_WEBSOCKET_CLOSE
           : wrong(value, SEALED_CLOSE_NOT_UTF8);
}


int
sealed_websocket_flooded(sealed_websocket_rate_t *rate, uint64_t now,
    unsigned max)
{
    if (rate->second != now) {
        rate->second = now;
        rate->count = 0;
    }

    if (rate->count >= max) {
        return 1;
    }

    rate->count++;

    return 0;
}


int
sealed_websocket_key_check(sealed_bytes_t key)
{
    size_t   size;
    uint8_t  octets[16];

    return key.size == SEALED_WEBSOCKET_KEY_TEXT
           && sealed_base64_decode(octets, sizeof(octets), &size, key) == 0
           && size == sizeof(octets)
           ? 0 : -1;
}


int
sealed_token_listed(sealed_bytes_t list, const char *token)
{
    size_t          size, length;
    const uint8_t  *p, *next, *end;

    if (list.size == 0) {
        return 0;
    }

    length = strlen(token);
    end = list.data + list.size;

    for (p = list.data; p < end; p = next + 1) {
        next = memchr(p, ',', (size_t) (end - p));
        next = next ? next : end;

        while (p < next && (*p == ' ' || *p == '\t')) {
            p++;
        }

        size = (size_t) (next - p);

        while (size && (p[size - 1] == ' ' || p[size - 1] == '\t')) {
            size--;
        }

        if (size == length
            && strncasecmp((const char *) p, token, size) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static sealed_websocket_event_t
wrong(uint64_t *value, sealed_close_code_t code)
{
    *value = code;

    return SEALED_WEBSOCKET_WRONG;
}


/* 1004 to 1006 and 1015 never travel */

static int
is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003)
           || (code >= 1007 && code <= 1014)
           || (code >= 3000 && code <= 4999);
}


static int
is_utf8(const uint8_t *p, size_t size)
{
    unsigned        n;
    uint32_t        code, least;
    const uint8_t  *end;

    for (end = p + size; p < end; /* void */ ) {

        if (*p < 0x80) {
            p++;
            continue;
        }

        if (*p >= 0xc2 && *p <= 0xdf) {
            n = 1;
            least = 0x80;

        } else if ((*p & 0xf0) == 0xe0) {
            n = 2;
            least = 0x800;

        } else if (*p >= 0xf0 && *p <= 0xf4) {
            n = 3;
            least = 0x10000;

        } else {
            return 0;
        }

        code = *p++ & (0x3f >> n);

        if ((size_t) (end - p) < n) {
            return 0;
        }

        for ( /* void */ ; n; n--) {

            if ((*p & 0xc0) != 0x80) {
                return 0;
            }

            code = code << 6 | (*p++ & 0x3f);
        }

        if (code < least || code > 0x10ffff
            || (code >= 0xd800 && code <= 0xdfff))
        {
            return 0;
        }
    }

    return 1;
}
