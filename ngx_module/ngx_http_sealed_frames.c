
#include "ngx_http_sealed_websocket.h"


struct ngx_http_sealed_frames_s {
    wslay_frame_context_ptr       wslay;
    sealed_websocket_frame_t      frame;
    u_char                       *pos;          /* what is still to be read */
    u_char                       *last;
    uint64_t                      begun;        /* octets of this frame */
    uint64_t                      left;         /* of its payload */
    unsigned                      inside:1;     /* a frame's payload */
    ngx_http_sealed_frames_t     *next;
};


static ssize_t ngx_http_sealed_frames_recv(uint8_t *buf, size_t len,
    int flags, void *data);
static ssize_t ngx_http_sealed_frames_send(const uint8_t *data, size_t len,
    int flags, void *user);


/* one is kept for whoever comes next */

static ngx_http_sealed_frames_t  *ngx_http_sealed_frames_spare;
static wslay_frame_context_ptr    ngx_http_sealed_frames_writer;
static u_char                    *ngx_http_sealed_frames_out;


ngx_int_t
ngx_http_sealed_frames_init(void)
{
    struct wslay_frame_callbacks  callbacks;

    if (ngx_http_sealed_frames_writer) {
        return NGX_OK;
    }

    callbacks.send_callback = ngx_http_sealed_frames_send;
    callbacks.recv_callback = NULL;
    callbacks.genmask_callback = NULL;

    if (wslay_frame_context_init(&ngx_http_sealed_frames_writer, &callbacks,
                                 NULL)
        != 0)
    {
        ngx_http_sealed_frames_writer = NULL;
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_http_sealed_frames_t *
ngx_http_sealed_frames_take(void)
{
    ngx_http_sealed_frames_t      *frames;
    struct wslay_frame_callbacks   callbacks;

    frames = ngx_http_sealed_frames_spare;

    if (frames) {
        ngx_http_sealed_frames_spare = NULL;
        return frames;
    }

    frames = ngx_calloc(sizeof(ngx_http_sealed_frames_t), ngx_cycle->log);
    if (frames == NULL) {
        return NULL;
    }

    callbacks.send_callback = NULL;
    callbacks.recv_callback = ngx_http_sealed_frames_recv;
    callbacks.genmask_callback = NULL;

    if (wslay_frame_context_init(&frames->wslay, &callbacks, frames) != 0) {
        ngx_free(frames);
        return NULL;
    }

    return frames;
}


/* one that holds the beginning of a frame cannot be used again */

void
ngx_http_sealed_frames_give(ngx_http_sealed_frames_t *frames)
{
    if (ngx_http_sealed_frames_spare == NULL
        && ngx_http_sealed_frames_idle(frames))
    {
        ngx_http_sealed_frames_spare = frames;
        return;
    }

    wslay_frame_context_free(frames->wslay);
    ngx_free(frames);
}


void
ngx_http_sealed_frames_feed(ngx_http_sealed_frames_t *frames, u_char *data,
    size_t size)
{
    frames->pos = data;
    frames->last = data + size;
}


ngx_uint_t
ngx_http_sealed_frames_idle(ngx_http_sealed_frames_t *frames)
{
    return frames->begun == 0 && frames->pos == frames->last;
}


ngx_int_t
ngx_http_sealed_frames_next(ngx_http_sealed_frames_t *frames,
    sealed_websocket_message_t *message, sealed_websocket_event_t *event,
    sealed_websocket_frame_t **frame, uint64_t *value)
{
    ssize_t                   n;
    struct wslay_frame_iocb   iocb;

    for ( ;; ) {
        ngx_memzero(&iocb, sizeof(struct wslay_frame_iocb));
        n = wslay_frame_recv(frames->wslay, &iocb);

        if (n == WSLAY_ERR_WANT_READ) {
            return NGX_AGAIN;
        }

        *frame = &frames->frame;

        if (n < 0) {
            *event = SEALED_WEBSOCKET_WRONG;
            *value = SEALED_CLOSE_PROTOCOL;
            return NGX_OK;
        }

        if (!frames->inside) {
            *event = sealed_websocket_begin(&frames->frame, message,
                                            iocb.fin, iocb.rsv, iocb.opcode,
                                            iocb.mask, iocb.payload_length,
                                            value);

            if (*event == SEALED_WEBSOCKET_WRONG) {
                return NGX_OK;
            }

            frames->inside = 1;
            frames->left = iocb.payload_length;
        }

        sealed_websocket_data(&frames->frame, iocb.data, n);
        frames->left -= n;

        if (frames->left == 0) {
            frames->inside = 0;

            /* such short frames have a head of six octets */

            frames->begun -= 6 + iocb.payload_length;

            *event = sealed_websocket_end(&frames->frame, message, value);

            return NGX_OK;
        }
    }
}


static ssize_t
ngx_http_sealed_frames_recv(uint8_t *buf, size_t len, int flags, void *data)
{
    ngx_http_sealed_frames_t  *frames = data;

    len = ngx_min(len, (size_t) (frames->last - frames->pos));

    if (len == 0) {
        return -1;
    }

    ngx_memcpy(buf, frames->pos, len);
    frames->pos += len;
    frames->begun += len;

    return len;
}


u_char *
ngx_http_sealed_frames_write(u_char *out, ngx_uint_t opcode,
    const u_char *data, size_t size)
{
    struct wslay_frame_iocb  iocb;

    ngx_memzero(&iocb, sizeof(struct wslay_frame_iocb));
    iocb.fin = 1;
    iocb.opcode = opcode;
    iocb.payload_length = size;
    iocb.data = data;
    iocb.data_length = size;

    ngx_http_sealed_frames_out = out;

    (void) wslay_frame_send(ngx_http_sealed_frames_writer, &iocb);

    return ngx_http_sealed_frames_out;
}


static ssize_t
ngx_http_sealed_frames_send(const uint8_t *data, size_t len, int flags,
    void *user)
{
    ngx_http_sealed_frames_out = ngx_cpymem(ngx_http_sealed_frames_out, data,
                                            len);

    return len;
}
