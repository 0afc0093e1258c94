
/*
 * Frames in any order: a byte for fin, reserved bits and opcode, one for the
 * length, then the payload in pieces.
 */

#include "fuzz.h"
#include "websocket.h"

#include <string.h>


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                      length, half;
    uint64_t                    value;
    sealed_bytes_t              text;
    sealed_websocket_frame_t    frame;
    sealed_websocket_event_t    event;
    sealed_websocket_message_t  message;

    text.data = data;
    text.size = size;
    (void) sealed_websocket_key_check(text);
    (void) sealed_token_listed(text, "upgrade");

    memset(&message, 0, sizeof(message));

    while (size >= 2) {
        length = data[1] & 0x7f;

        event = sealed_websocket_begin(&frame, &message, data[0] >> 7,
                                       (data[0] >> 4) & 7, data[0] & 15, 1,
                                       length, &value);
        data += 2;
        size -= 2;

        if (event == SEALED_WEBSOCKET_WRONG || size < length) {
            break;
        }

        half = length / 2;
        sealed_websocket_data(&frame, data, half);
        sealed_websocket_data(&frame, data + half, length - half);
        event = sealed_websocket_end(&frame, &message, &value);

        data += length;
        size -= length;

        if (event == SEALED_WEBSOCKET_WRONG) {
            break;
        }
    }

    return 0;
}
