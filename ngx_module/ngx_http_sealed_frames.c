
#include "ngx_http_sealed_websocket.h"


static ssize_t ngx_http_sealed_frames_send(const uint8_t *data, size_t len,
    int flags, void *user);


/* one is kept for whoever comes next */

static sealed_frames_t          *ngx_http_sealed_frames_spare;
static wslay_frame_context_ptr   ngx_http_sealed_frames_writer;
static u_char                   *ngx_http_sealed_frames_out;


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


sealed_frames_t *
ngx_http_sealed_frames_take(void)
{
    sealed_frames_t  *frames;

    frames = ngx_http_sealed_frames_spare;

    if (frames) {
        ngx_http_sealed_frames_spare = NULL;
        return frames;
    }

    frames = ngx_alloc(sizeof(sealed_frames_t), ngx_cycle->log);
    if (frames == NULL) {
        return NULL;
    }

    if (sealed_frames_init(frames) != 0) {
        ngx_free(frames);
        return NULL;
    }

    return frames;
}


/* one that holds the beginning of a frame cannot be used again */

void
ngx_http_sealed_frames_give(sealed_frames_t *frames)
{
    if (ngx_http_sealed_frames_spare == NULL && sealed_frames_idle(frames)) {
        ngx_http_sealed_frames_spare = frames;
        return;
    }

    sealed_frames_free(frames);
    ngx_free(frames);
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
