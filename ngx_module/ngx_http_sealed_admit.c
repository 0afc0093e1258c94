
#include "ngx_http_sealed_reader.h"
#include "../src/event_stream.h"
#include "../src/item.h"


/* who reads, on which transport, and whether there is room for him */

#if (NGX_HTTP_V2)
static ngx_int_t ngx_http_sealed_reader_stream(ngx_http_request_t *r,
    ngx_uint_t max);
static void ngx_http_sealed_reader_stream_end(void *data);
static void ngx_http_sealed_reader_streams_end(void *data);
#endif


/* which of the transports the headers ask for */

sealed_operation_t
ngx_http_sealed_read_operation(ngx_http_request_t *r)
{
    sealed_reading_headers_t  headers;

    ngx_http_sealed_reading_headers(r, &headers);

    return ngx_http_sealed_websocket_asked(r, &headers)
           || sealed_event_stream_accepted(&headers.accept)
           ? SEALED_OP_FOLLOW : SEALED_OP_READ;
}


ngx_int_t
ngx_http_sealed_read(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    sealed_verdict_t          verdict;
    sealed_reading_headers_t  headers;

    if (ctx->operation == SEALED_OP_READ) {
        return ngx_http_sealed_reader_start(r, ctx, &ngx_http_sealed_plain,
                                            NULL);
    }

    ngx_http_sealed_reading_headers(r, &headers);

    if (ngx_http_sealed_websocket_asked(r, &headers)) {
        return ngx_http_sealed_websocket_start(r, ctx, &headers);
    }

    verdict = sealed_reading_after(&ctx->query.after, &headers);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    return ngx_http_sealed_reader_start(r, ctx,
                                        &ngx_http_sealed_event_stream, NULL);
}


sealed_verdict_t
ngx_http_sealed_reader_admit(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const ngx_http_sealed_transport_t *transport)
{
    size_t                   size;
    sealed_verdict_t         verdict;
    sealed_fanout_limits_t  *limits;

    verdict = sealed_mailbox_check_after(ctx->zone->zone, ctx->mailbox,
                                         ctx->query.after);

    if (verdict != SEALED_OK) {
        return verdict == SEALED_NO_MAILBOX ? SEALED_UNAUTHORIZED : verdict;
    }

    if (transport->live || ctx->query.wait) {

        if (ngx_http_sealed_wait_readers() >= ctx->zone->readers.worker) {
            ctx->retry_after = 1 + ngx_random() % 10;
            return SEALED_READERS_BUSY;
        }

#if (NGX_HTTP_V2)
        switch (ngx_http_sealed_reader_stream(r,
                                              ctx->zone->readers.connection))
        {
        case NGX_OK:
            break;

        case NGX_DECLINED:
            return SEALED_TOO_MANY_READERS;

        default:
            return SEALED_UNAVAILABLE;
        }
#endif
    }

    limits = &ctx->zone->limits;
    size = sealed_item_largest(limits->envelope_sizes[limits->nsizes - 1]);

    return ngx_http_sealed_reader_stage(ngx_max(size, NGX_HTTP_SEALED_PIECE))
           == NGX_OK ? SEALED_OK : SEALED_UNAVAILABLE;
}


#if (NGX_HTTP_V2)

/* readers of one connection are counted in a cleanup of its pool */

static ngx_int_t
ngx_http_sealed_reader_stream(ngx_http_request_t *r, ngx_uint_t max)
{
    ngx_pool_t          *pool;
    ngx_uint_t          *streams;
    ngx_http_cleanup_t  *cln;
    ngx_pool_cleanup_t  *counter;

    if (r->stream == NULL) {
        return NGX_OK;
    }

    pool = r->stream->connection->connection->pool;

    for (counter = pool->cleanup; counter; counter = counter->next) {
        if (counter->handler == ngx_http_sealed_reader_streams_end) {
            break;
        }
    }

    if (counter == NULL) {
        counter = ngx_pool_cleanup_add(pool, sizeof(ngx_uint_t));
        if (counter == NULL) {
            return NGX_ERROR;
        }

        counter->handler = ngx_http_sealed_reader_streams_end;
        ngx_memzero(counter->data, sizeof(ngx_uint_t));
    }

    streams = counter->data;

    if (*streams >= max) {
        return NGX_DECLINED;
    }

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_sealed_reader_stream_end;
    cln->data = streams;
    (*streams)++;

    return NGX_OK;
}


static void
ngx_http_sealed_reader_stream_end(void *data)
{
    ngx_uint_t  *streams = data;

    (*streams)--;
}


/* marks the count among the pool's cleanups; there is nothing to clean */

static void
ngx_http_sealed_reader_streams_end(void *data)
{
}

#endif
