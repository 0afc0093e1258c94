
#include "ngx_http_sealed_reader.h"


/* application/cbor-seq: what there is, or the first that comes */


static size_t ngx_http_sealed_plain_size(size_t item);
static u_char *ngx_http_sealed_plain_encode(ngx_http_sealed_reader_t *reader,
    u_char *out, uint64_t seq, const u_char *item, size_t size);
static ngx_int_t ngx_http_sealed_plain_begin(
    ngx_http_sealed_reader_t *reader, ngx_uint_t alone);
static ngx_uint_t ngx_http_sealed_plain_patience(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_plain_alarm(ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_plain_end(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why);


const ngx_http_sealed_transport_t  ngx_http_sealed_plain = {
    0,
    ngx_http_sealed_plain_size,
    ngx_http_sealed_plain_encode,
    ngx_http_sealed_plain_begin,
    NULL,
    ngx_http_sealed_plain_patience,
    ngx_http_sealed_plain_alarm,
    ngx_http_sealed_plain_end
};


static size_t
ngx_http_sealed_plain_size(size_t item)
{
    return item;
}


static u_char *
ngx_http_sealed_plain_encode(ngx_http_sealed_reader_t *reader, u_char *out,
    uint64_t seq, const u_char *item, size_t size)
{
    return ngx_cpymem(out, item, size);
}


static ngx_int_t
ngx_http_sealed_plain_begin(ngx_http_sealed_reader_t *reader,
    ngx_uint_t alone)
{
    static ngx_str_t  type = ngx_string("application/cbor-seq");

    return ngx_http_sealed_respond_head(reader->request, NGX_HTTP_OK, &type,
                                        alone
                                        ? reader->buf.last - reader->buf.pos
                                        : -1);
}


/* an answer that has begun ends with what there is */

static ngx_uint_t
ngx_http_sealed_plain_patience(ngx_http_sealed_reader_t *reader)
{
    return reader->begun ? 0 : reader->ctx->query.wait;
}


static void
ngx_http_sealed_plain_alarm(ngx_http_sealed_reader_t *reader)
{
    ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_RESTART);
}


static void
ngx_http_sealed_plain_end(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why)
{
    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = reader->request;

    if (reader->begun) {

        /* cut short: a client must not take it for complete */

        rc = why == NGX_HTTP_SEALED_RESTART
             ? ngx_http_send_special(r, NGX_HTTP_LAST) : NGX_ERROR;

    } else {

        if (ngx_exiting) {
            r->keepalive = 0;
        }

        rc = ngx_http_sealed_respond(r, NGX_HTTP_NO_CONTENT, NULL, NULL, 0);
    }

    ngx_http_sealed_reader_finish(reader, rc);
}
