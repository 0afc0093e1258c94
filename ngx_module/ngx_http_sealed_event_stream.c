
#include "ngx_http_sealed_reader.h"
#include "../src/event_stream.h"


/* text/event-stream, over any version of HTTP */


static u_char *ngx_http_sealed_event_stream_encode(
    ngx_http_sealed_reader_t *reader, u_char *out, uint64_t seq,
    const u_char *item, size_t size);
static ngx_int_t ngx_http_sealed_event_stream_begin(
    ngx_http_sealed_reader_t *reader, ngx_uint_t alone);
static ngx_uint_t ngx_http_sealed_event_stream_patience(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_event_stream_alarm(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_event_stream_end(
    ngx_http_sealed_reader_t *reader, ngx_http_sealed_end_t why);


const ngx_http_sealed_transport_t  ngx_http_sealed_event_stream = {
    1,
    sealed_event_size,
    ngx_http_sealed_event_stream_encode,
    ngx_http_sealed_event_stream_begin,
    NULL,
    ngx_http_sealed_event_stream_patience,
    ngx_http_sealed_event_stream_alarm,
    ngx_http_sealed_event_stream_end
};


static u_char *
ngx_http_sealed_event_stream_encode(ngx_http_sealed_reader_t *reader,
    u_char *out, uint64_t seq, const u_char *item, size_t size)
{
    return sealed_event_encode(out, seq, item, size);
}


static ngx_int_t
ngx_http_sealed_event_stream_begin(ngx_http_sealed_reader_t *reader,
    ngx_uint_t alone)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    static ngx_str_t  type = ngx_string("text/event-stream");

    r = reader->request;

    /* a proxy in front must not wait for more */

    if (ngx_http_sealed_add_header(r, "X-Accel-Buffering", (u_char *) "no",
                                   2)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_sealed_respond_head(r, NGX_HTTP_OK, &type, -1);

    if (rc != NGX_OK || reader->buf.start) {
        return rc;
    }

    rc = ngx_http_send_special(r, NGX_HTTP_FLUSH);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


static ngx_uint_t
ngx_http_sealed_event_stream_patience(ngx_http_sealed_reader_t *reader)
{
    return reader->ctx->zone->readers.heartbeat;
}


static void
ngx_http_sealed_event_stream_alarm(ngx_http_sealed_reader_t *reader)
{
    if (ngx_http_sealed_reader_say(reader, SEALED_EVENT_HEARTBEAT,
                                   sizeof(SEALED_EVENT_HEARTBEAT) - 1)
        != NGX_OK)
    {
        ngx_http_sealed_reader_finish(reader, NGX_ERROR);
        return;
    }

    if (reader->waiting) {
        ngx_http_sealed_alarm(reader, reader->ctx->zone->readers.heartbeat);
    }
}


/* a client comes back after "retry", by itself */

static void
ngx_http_sealed_event_stream_end(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why)
{
    u_char               text[SEALED_EVENT_RETRY_SIZE];
    size_t               size;
    ngx_int_t            rc;
    ngx_msec_t           retry;
    ngx_http_request_t  *r;

    r = reader->request;

    if (!reader->begun) {
        reader->begun = 1;

        if (ngx_http_sealed_event_stream_begin(reader, 0) != NGX_OK) {
            ngx_http_sealed_reader_finish(reader, NGX_ERROR);
            return;
        }
    }

    /* whoever was pushed out by other readers had better not push back */

    retry = why == NGX_HTTP_SEALED_RESTART
            ? 500 + ngx_random() % 1000 : 60000 + ngx_random() % 60000;

    size = sealed_event_retry(text, retry) - text;

    rc = NGX_ERROR;

    if (ngx_http_sealed_reader_say(reader, text, size) == NGX_OK) {
        rc = ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    ngx_http_sealed_reader_finish(reader, rc);
}
