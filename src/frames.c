
#include "frames.h"

#include <string.h>
#include <wslay/wslay.h>


enum {
    MASKED_HEAD = 6     /* octets, of a frame that is no longer than 125 */
};


static ssize_t receive(uint8_t *buf, size_t len, int flags, void *data);


int
sealed_frames_init(sealed_frames_t *frames)
{
    struct wslay_frame_callbacks  callbacks;

    memset(frames, 0, sizeof(sealed_frames_t));

    callbacks.send_callback = NULL;
    callbacks.recv_callback = receive;
    callbacks.genmask_callback = NULL;

    return wslay_frame_context_init(&frames->wslay, &callbacks, frames) == 0
           ? 0 : -1;
}


void
sealed_frames_free(sealed_frames_t *frames)
{
    wslay_frame_context_free(frames->wslay);
}


void
sealed_frames_feed(sealed_frames_t *frames, const uint8_t *data, size_t size)
{
    frames->pos = data;
    frames->end = size ? data + size : data;
}


int
sealed_frames_idle(const sealed_frames_t *frames)
{
    return frames->begun == 0 && frames->pos == frames->end;
}


int
sealed_frames_next(sealed_frames_t *frames,
    sealed_websocket_message_t *message, sealed_websocket_event_t *event,
    uint64_t *value)
{
    ssize_t                   n;
    struct wslay_frame_iocb   iocb;

    for ( ;; ) {
        memset(&iocb, 0, sizeof(struct wslay_frame_iocb));
        n = wslay_frame_recv(frames->wslay, &iocb);

        if (n == WSLAY_ERR_WANT_READ) {
            return 0;
        }

        if (n < 0) {
            *event = SEALED_WEBSOCKET_WRONG;
            *value = SEALED_CLOSE_PROTOCOL;
            return 1;
        }

        if (!frames->inside) {
            *event = sealed_websocket_begin(&frames->frame, message,
                                            iocb.fin, iocb.rsv, iocb.opcode,
                                            iocb.mask, iocb.payload_length,
                                            value);

            if (*event == SEALED_WEBSOCKET_WRONG) {
                return 1;
            }

            frames->inside = 1;
            frames->left = iocb.payload_length;
        }

        sealed_websocket_data(&frames->frame, iocb.data, (size_t) n);
        frames->left -= (uint64_t) n;

        if (frames->left == 0) {
            frames->inside = 0;
            frames->begun -= MASKED_HEAD + iocb.payload_length;

            *event = sealed_websocket_end(&frames->frame, message, value);

            return 1;
        }
    }
}


/* of wslay: 0 would be the end of the connection */

static ssize_t
receive(uint8_t *buf, size_t len, int flags, void *data)
{
    size_t            there;
    sealed_frames_t  *frames = data;

    there = (size_t) (frames->end - frames->pos);
    len = len < there ? len : there;

    if (len == 0) {
        return -1;
    }

    memcpy(buf, frames->pos, len);
    frames->pos += len;
    frames->begun += len;

    return (ssize_t) len;
}
