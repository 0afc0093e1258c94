
#include "ngx_http_sealed_websocket.h"


/*
 * WebSocket (RFC 6455): an item is a binary message, a CBOR integer that
 * comes back acknowledges.  Frames are read and written by wslay.
 */

#define NGX_HTTP_SEALED_BYE  5     /* seconds for the other's close frame */


typedef struct {
    sealed_websocket_message_t    message;
    sealed_websocket_rate_t       rate;
    sealed_frames_t              *frames;       /* while one is half read */

    /* what was sent and is not acknowledged, in two parts */
    uint64_t                      first;        /* the last number of it */
    uint64_t                      second_last;
    size_t                        first_size;
    size_t                        second_size;

    u_char                       *pong;         /* to be said when there is */
    size_t                        pong_size;    /* room */
    uint16_t                      code;         /* likewise, to close with */

    unsigned                      pinged:1;     /* and not answered yet */
    unsigned                      closed:1;     /* the close frame went out */
    unsigned                      answered:1;   /* the other's has come */
    unsigned                      deaf:1;       /* what comes has no sense */
} ngx_http_sealed_websocket_t;


static void ngx_http_sealed_websocket_read(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_websocket_feed(
    ngx_http_sealed_reader_t *reader, u_char *data, size_t size);
static ngx_int_t ngx_http_sealed_websocket_event(
    ngx_http_sealed_reader_t *reader, sealed_websocket_event_t event,
    sealed_websocket_frame_t *frame, uint64_t value);
static ngx_int_t ngx_http_sealed_websocket_acknowledge(
    ngx_http_sealed_reader_t *reader, uint64_t through);
static ngx_int_t ngx_http_sealed_websocket_close(
    ngx_http_sealed_reader_t *reader, ngx_uint_t code);
static ngx_int_t ngx_http_sealed_websocket_say(
    ngx_http_sealed_reader_t *reader, ngx_uint_t opcode, const u_char *data,
    size_t size);
static void ngx_http_sealed_websocket_cleanup(void *data);

static u_char *ngx_http_sealed_websocket_encode(
    ngx_http_sealed_reader_t *reader, u_char *out, uint64_t seq,
    const u_char *item, size_t size);
static size_t ngx_http_sealed_websocket_size(size_t item);
static ngx_int_t ngx_http_sealed_websocket_begin(
    ngx_http_sealed_reader_t *reader, ngx_uint_t alone);
static ngx_int_t ngx_http_sealed_websocket_note(
    ngx_http_sealed_reader_t *reader);
static ngx_uint_t ngx_http_sealed_websocket_full(
    ngx_http_sealed_reader_t *reader);
static ngx_uint_t ngx_http_sealed_websocket_patience(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_websocket_alarm(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_websocket_end(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why);


static const ngx_http_sealed_transport_t  ngx_http_sealed_websocket = {
    1,
    ngx_http_sealed_websocket_size,
    ngx_http_sealed_websocket_encode,
    ngx_http_sealed_websocket_begin,
    ngx_http_sealed_websocket_note,
    ngx_http_sealed_websocket_patience,
    ngx_http_sealed_websocket_alarm,
    ngx_http_sealed_websocket_end
};


ngx_int_t
ngx_http_sealed_websocket_start(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const sealed_reading_headers_t *headers)
{
    ngx_int_t                     rc;
    sealed_verdict_t              verdict;
    ngx_pool_cleanup_t           *cln;
    ngx_http_sealed_websocket_t  *ws;

    verdict = ngx_http_sealed_handshake_check(ctx, headers);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_sealed_websocket_t));
    if (cln == NULL || ngx_http_sealed_frames_init() != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ws = cln->data;
    ngx_memzero(ws, sizeof(ngx_http_sealed_websocket_t));
    cln->handler = ngx_http_sealed_websocket_cleanup;

    rc = ngx_http_sealed_reader_start(r, ctx, &ngx_http_sealed_websocket, ws);

    if (rc != NGX_DONE || ctx->reader->finished) {
        return rc;
    }

    r->read_event_handler = ngx_http_sealed_websocket_read;

    /* what came behind the handshake */

    rc = ngx_http_sealed_websocket_feed(ctx->reader, r->header_in->pos,
                                        r->header_in->last
                                        - r->header_in->pos);
    r->header_in->pos = r->header_in->last;

    if (rc == NGX_OK) {
        ngx_http_sealed_websocket_read(r);
    }

    return NGX_DONE;
}


static ngx_int_t
ngx_http_sealed_websocket_begin(ngx_http_sealed_reader_t *reader,
    ngx_uint_t alone)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = reader->request;
    r->keepalive = 0;

    if (ngx_http_sealed_handshake_accept(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_str_set(&r->headers_out.status_line, "101 Switching Protocols");

    rc = ngx_http_sealed_respond_head(r, NGX_HTTP_SWITCHING_PROTOCOLS, NULL,
                                      -1);

    if (rc != NGX_OK || reader->buf.start) {
        return rc;
    }

    rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


static void
ngx_http_sealed_websocket_read(ngx_http_request_t *r)
{
    u_char                     buf[4096];
    ssize_t                    n;
    ngx_connection_t          *c;
    ngx_http_sealed_ctx_t     *ctx;
    ngx_http_sealed_reader_t  *reader;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);
    reader = ctx->reader;

    while (!reader->finished) {
        n = c->recv(c, buf, sizeof(buf));

        if (n == NGX_AGAIN) {

            if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
                ngx_http_sealed_reader_finish(reader, NGX_ERROR);
            }

            return;
        }

        if (n == NGX_ERROR || n == 0) {
            c->error = 1;
            ngx_http_sealed_reader_finish(reader,
                                          NGX_HTTP_CLIENT_CLOSED_REQUEST);
            return;
        }

        if (ngx_http_sealed_websocket_feed(reader, buf, n) != NGX_OK) {
            return;
        }
    }
}


/* NGX_OK, or NGX_DONE: the reader has been finished */

static ngx_int_t
ngx_http_sealed_websocket_feed(ngx_http_sealed_reader_t *reader,
    u_char *data, size_t size)
{
    uint64_t                      value;
    ngx_int_t                     rc;
    sealed_websocket_event_t      event;
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    if (size == 0 || ws->answered || ws->deaf) {
        return NGX_OK;
    }

    if (ws->frames == NULL) {
        ws->frames = ngx_http_sealed_frames_take();

        if (ws->frames == NULL) {
            return ngx_http_sealed_websocket_close(reader,
                                                   SEALED_CLOSE_FAILURE);
        }
    }

    sealed_frames_feed(ws->frames, data, size);

    /* nothing that follows a close frame has a meaning */

    while (!ws->answered
           && sealed_frames_next(ws->frames, &ws->message, &event, &value))
    {
        if (event == SEALED_WEBSOCKET_WRONG) {
            ws->deaf = 1;
            rc = ngx_http_sealed_websocket_close(reader, value);

        } else if (sealed_websocket_flooded(&ws->rate, ngx_time(),
                                            reader->ctx->zone->readers.frames))
        {
            ws->deaf = 1;
            rc = ngx_http_sealed_websocket_close(reader,
                                                 SEALED_CLOSE_POLICY);

        } else {
            rc = ngx_http_sealed_websocket_event(reader, event,
                                                 &ws->frames->frame, value);
        }

        if (rc != NGX_OK || ws->deaf) {
            return rc;
        }
    }

    if (sealed_frames_idle(ws->frames)) {
        ngx_http_sealed_frames_give(ws->frames);
        ws->frames = NULL;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_websocket_event(ngx_http_sealed_reader_t *reader,
    sealed_websocket_event_t event, sealed_websocket_frame_t *frame,
    uint64_t value)
{
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    if (ws->pinged && !ws->closed) {
        ws->pinged = 0;

        if (!ngx_http_sealed_reader_busy(reader)) {
            ngx_http_sealed_alarm(reader,
                                  reader->ctx->zone->readers.heartbeat);
        }
    }

    switch (event) {

    case SEALED_WEBSOCKET_ACKNOWLEDGE:
        return ws->closed ? NGX_OK
                          : ngx_http_sealed_websocket_acknowledge(reader,
                                                                  value);

    case SEALED_WEBSOCKET_PING:

        if (ws->closed) {
            return NGX_OK;
        }

        if (!ngx_http_sealed_reader_busy(reader)) {
            return ngx_http_sealed_websocket_say(reader, WSLAY_PONG,
                                                 frame->payload,
                                                 frame->size);
        }

        /* only the last one has to be answered */

        if (ws->pong == NULL) {
            ws->pong = ngx_alloc(SEALED_WEBSOCKET_CONTROL_MAX,
                                 reader->request->connection->log);
            if (ws->pong == NULL) {
                return NGX_OK;
            }
        }

        ngx_memcpy(ws->pong, frame->payload, frame->size);
        ws->pong_size = frame->size;

        return NGX_OK;

    case SEALED_WEBSOCKET_CLOSE:
        ws->answered = 1;

        if (ws->closed) {
            ngx_http_sealed_reader_finish(reader, NGX_OK);
            return NGX_DONE;
        }

        return ngx_http_sealed_websocket_close(reader, value ? value
                                                    : SEALED_CLOSE_NORMAL);

    default: /* SEALED_WEBSOCKET_NOTHING, SEALED_WEBSOCKET_PONG */
        return NGX_OK;
    }
}


static ngx_int_t
ngx_http_sealed_websocket_acknowledge(ngx_http_sealed_reader_t *reader,
    uint64_t through)
{
    uint32_t                      life;
    ngx_uint_t                    full;
    sealed_verdict_t              verdict;
    ngx_http_sealed_ctx_t        *ctx;
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;
    ctx = reader->ctx;

    life = ngx_http_sealed_journal_life(ctx);
    verdict = sealed_mailbox_acknowledge(ctx->zone->zone, ctx->mailbox,
                                         through, ngx_time());

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_websocket_close(reader,
                                               verdict == SEALED_UNAVAILABLE
                                               ? SEALED_CLOSE_FAILURE
                                               : SEALED_CLOSE_POLICY);
    }

    ngx_http_sealed_journal_change(ctx, SEALED_JOURNAL_ACKNOWLEDGE, life,
                                   through);

    full = ngx_http_sealed_websocket_full(reader);

    if (through >= ws->second_last) {
        ws->first_size = 0;
        ws->second_size = 0;

    } else if (through >= ws->first) {
        ws->first = ws->second_last;
        ws->first_size = ws->second_size;
        ws->second_size = 0;
    }

    if (full) {
        (void) ngx_http_sealed_reader_run(reader);
    }

    return reader->finished ? NGX_DONE : NGX_OK;
}


static u_char *
ngx_http_sealed_websocket_encode(ngx_http_sealed_reader_t *reader,
    u_char *out, uint64_t seq, const u_char *item, size_t size)
{
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    if (seq) {

        if (ws->second_size == 0
            && ws->first_size
               < reader->ctx->zone->readers.unacknowledged / 2)
        {
            ws->first_size += size;
            ws->first = seq;

        } else {
            ws->second_size += size;
        }

        ws->second_last = seq;
    }

    return ngx_http_sealed_frames_write(out, WSLAY_BINARY_FRAME, item, size);
}


static size_t
ngx_http_sealed_websocket_size(size_t item)
{
    return NGX_HTTP_SEALED_FRAME_HEAD + item;
}


static ngx_int_t
ngx_http_sealed_websocket_note(ngx_http_sealed_reader_t *reader)
{
    ngx_int_t                     rc;
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    if (!reader->begun) {
        return NGX_OK;
    }

    if (ws->pong && !ws->closed) {
        rc = ngx_http_sealed_websocket_say(reader, WSLAY_PONG, ws->pong,
                                           ws->pong_size);
        ngx_free(ws->pong);
        ws->pong = NULL;

        return rc == NGX_OK ? NGX_AGAIN : rc;
    }

    if (ws->code) {

        if (!ws->closed) {
            (void) ngx_http_sealed_websocket_close(reader, ws->code);
        }

        return NGX_DONE;
    }

    if (!ngx_http_sealed_websocket_full(reader) || reader->departed) {
        return NGX_OK;
    }

    /* goes on with the next acknowledgement */

    ngx_http_sealed_unwait(reader);
    ngx_http_sealed_alarm(reader,
                          ngx_http_sealed_websocket_patience(reader));

    return NGX_DONE;
}


static ngx_uint_t
ngx_http_sealed_websocket_full(ngx_http_sealed_reader_t *reader)
{
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    return ws->first_size + ws->second_size
           >= reader->ctx->zone->readers.unacknowledged;
}


static ngx_uint_t
ngx_http_sealed_websocket_patience(ngx_http_sealed_reader_t *reader)
{
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    return ws->pinged ? reader->ctx->zone->readers.stall
                      : reader->ctx->zone->readers.heartbeat;
}


static void
ngx_http_sealed_websocket_alarm(ngx_http_sealed_reader_t *reader)
{
    sealed_mailbox_status_t       status;
    ngx_http_sealed_ctx_t        *ctx;
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;
    ctx = reader->ctx;

    if (ws->closed || ws->pinged) {
        reader->request->connection->timedout = 1;
        ngx_http_sealed_reader_finish(reader, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    /* what is waited for is an acknowledgement: it was not woken */

    if (ngx_http_sealed_websocket_full(reader)
        && sealed_mailbox_status(ctx->zone->zone, ctx->mailbox, ngx_time(),
                                 &status)
           == SEALED_NO_MAILBOX)
    {
        ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_GONE);
        return;
    }

    ws->pinged = 1;

    if (ngx_http_sealed_websocket_say(reader, WSLAY_PING, NULL, 0) == NGX_OK
        && !ngx_http_sealed_reader_busy(reader))
    {
        ngx_http_sealed_alarm(reader, reader->ctx->zone->readers.stall);
    }
}


static void
ngx_http_sealed_websocket_end(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why)
{
    ngx_int_t                     rc;
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    if (ws->closed) {
        ngx_http_sealed_reader_finish(reader, NGX_OK);
        return;
    }

    if (!reader->begun) {
        reader->begun = 1;
        rc = ngx_http_sealed_websocket_begin(reader, 0);

        if (rc != NGX_OK) {
            ngx_http_sealed_reader_finish(reader, rc);
            return;
        }
    }

    (void) ngx_http_sealed_websocket_close(reader,
               why == NGX_HTTP_SEALED_RESTART ? SEALED_CLOSE_RESTART
               : why == NGX_HTTP_SEALED_FAILED ? SEALED_CLOSE_FAILURE
               : SEALED_CLOSE_POLICY);
}


/* NGX_OK: the other's close frame is waited for; or NGX_DONE */

static ngx_int_t
ngx_http_sealed_websocket_close(ngx_http_sealed_reader_t *reader,
    ngx_uint_t code)
{
    u_char                        data[2];
    ngx_http_sealed_websocket_t  *ws;

    ws = reader->data;

    ngx_http_sealed_unwait(reader);

    ws->code = code;

    if (ws->closed || ngx_http_sealed_reader_busy(reader)) {
        return NGX_OK;
    }

    data[0] = (u_char) (code >> 8);
    data[1] = (u_char) code;

    ws->closed = 1;

    if (ngx_http_sealed_websocket_say(reader, WSLAY_CONNECTION_CLOSE, data, 2)
        != NGX_OK)
    {
        return NGX_DONE;
    }

    if (ws->answered || ws->deaf) {

        /* what is still under way must not reset the close frame away */

        reader->request->lingering_close = ws->deaf;
        ngx_http_sealed_reader_finish(reader, NGX_OK);
        return NGX_DONE;
    }

    reader->leaving = 0;
    ngx_http_sealed_alarm(reader, NGX_HTTP_SEALED_BYE);

    return NGX_OK;
}


/* only while the reader is not busy */

static ngx_int_t
ngx_http_sealed_websocket_say(ngx_http_sealed_reader_t *reader,
    ngx_uint_t opcode, const u_char *data, size_t size)
{
    u_char  frame[NGX_HTTP_SEALED_FRAME_HEAD + SEALED_WEBSOCKET_CONTROL_MAX];

    size = ngx_http_sealed_frames_write(frame, opcode, data, size) - frame;

    if (ngx_http_sealed_reader_say(reader, frame, size) == NGX_OK) {
        return reader->finished ? NGX_DONE : NGX_OK;
    }

    ngx_http_sealed_reader_finish(reader, NGX_ERROR);

    return NGX_DONE;
}


static void
ngx_http_sealed_websocket_cleanup(void *data)
{
    ngx_http_sealed_websocket_t  *ws = data;

    if (ws->frames) {
        ngx_http_sealed_frames_give(ws->frames);
    }

    if (ws->pong) {
        ngx_free(ws->pong);
    }
}
