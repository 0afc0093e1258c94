
#include "ngx_http_sealed.h"


#define NGX_HTTP_SEALED_READ_BUFFER  65536


static ngx_int_t ngx_http_sealed_read_start(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_read_more(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_read_writer(ngx_http_request_t *r);
static void ngx_http_sealed_read_woken(ngx_http_sealed_waiter_t *w,
    ngx_uint_t over);
static void ngx_http_sealed_read_cleanup(void *data);
static ngx_buf_t *ngx_http_sealed_read_buffer(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_fill(ngx_http_sealed_ctx_t *ctx,
    ngx_buf_t *b, unsigned *more);


static ngx_str_t  ngx_http_sealed_sequence_type =
    ngx_string("application/cbor-seq");


ngx_int_t
ngx_http_sealed_read(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    size_t                     used;
    unsigned                   more;
    sealed_verdict_t           verdict;
    ngx_http_cleanup_t        *cln;
    ngx_http_sealed_waiter_t  *w;

    verdict = sealed_mailbox_check_after(ctx->zone->zone, ctx->mailbox,
                                         ctx->query.after);

    if (verdict == SEALED_OK) {
        ctx->cursor.after = ctx->query.after;
        ctx->cursor.limit = ctx->query.limit;
        ctx->cursor.record = SEALED_NONE;
        ctx->cursor.mailbox = SEALED_NONE;

        /* no room at all: only asks, and leaves a mark if it has to wait */

        verdict = sealed_mailbox_read(ctx->zone->zone, ctx->mailbox,
                                      ngx_time(), &ctx->cursor, NULL, 0,
                                      &used, &more,
                                      ctx->query.wait
                                      ? ngx_http_sealed_wake_worker()
                                      : SEALED_WAKE_WORKERS);
    }

    if (verdict == SEALED_NO_MAILBOX) {
        verdict = SEALED_UNAUTHORIZED;
    }

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    if (more) {
        return ngx_http_sealed_read_start(r, ctx);
    }

    if (ctx->query.wait == 0 || ngx_exiting || ngx_terminate) {
        return ngx_http_sealed_respond(r, NGX_HTTP_NO_CONTENT, NULL, NULL, 0);
    }

    cln = ngx_http_cleanup_add(r, 0);
    w = ngx_pcalloc(r->pool, sizeof(ngx_http_sealed_waiter_t));

    if (cln == NULL || w == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    w->request = r;
    w->zone = ctx->zone;
    w->mailbox = ctx->cursor.mailbox;
    w->handler = ngx_http_sealed_read_woken;

    cln->handler = ngx_http_sealed_read_cleanup;
    cln->data = w;

    ctx->waiter = w;
    ngx_http_sealed_wait(w, ctx->query.wait * 1000);

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_sealed_read_cleanup(void *data)
{
    ngx_http_sealed_unwait(data);
}


/* over: the time is up, or the worker goes away */

static void
ngx_http_sealed_read_woken(ngx_http_sealed_waiter_t *w, ngx_uint_t over)
{
    size_t                  used;
    unsigned                more;
    ngx_int_t               rc;
    sealed_verdict_t        verdict;
    ngx_connection_t       *c;
    ngx_http_request_t     *r;
    ngx_http_sealed_ctx_t  *ctx;

    r = w->request;
    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    verdict = sealed_mailbox_read(ctx->zone->zone, ctx->mailbox, ngx_time(),
                                  &ctx->cursor, NULL, 0, &used, &more,
                                  over ? SEALED_WAKE_WORKERS
                                       : ngx_http_sealed_wake_worker());

    if (verdict == SEALED_OK && !more && !over) {
        return;
    }

    ngx_http_sealed_unwait(w);

    if (verdict != SEALED_OK) {
        rc = ngx_http_sealed_respond_problem(r,
                 verdict == SEALED_NO_MAILBOX ? SEALED_UNAUTHORIZED : verdict,
                 ctx);

    } else if (more) {
        rc = ngx_http_sealed_read_start(r, ctx);

    } else {
        rc = ngx_http_sealed_respond(r, NGX_HTTP_NO_CONTENT, NULL, NULL, 0);
    }

    ngx_http_finalize_request(r, rc);
    ngx_http_run_posted_requests(c);
}


static ngx_int_t
ngx_http_sealed_read_start(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    unsigned           more;
    ngx_int_t          rc;
    ngx_buf_t         *b;
    ngx_chain_t        out;
    sealed_verdict_t   verdict;

    b = ngx_http_sealed_read_buffer(r, ctx);
    if (b == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    verdict = ngx_http_sealed_fill(ctx, b, &more);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, SEALED_UNAUTHORIZED, ctx);
    }

    if (!more) {
        return ngx_http_sealed_respond(r, NGX_HTTP_OK,
                                       &ngx_http_sealed_sequence_type,
                                       b->pos, b->last - b->pos);
    }

    /* longer than the buffer: piece by piece, as fast as the client takes */

    if (ngx_http_sealed_add_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_type = ngx_http_sealed_sequence_type;
    r->headers_out.content_type_len = ngx_http_sealed_sequence_type.len;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    b->flush = 1;
    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(r, &out);

    if (rc == NGX_ERROR) {
        return rc;
    }

    r->main->count++;

    rc = ngx_http_sealed_read_more(r, ctx);

    if (rc != NGX_AGAIN) {
        r->main->count--;
        return rc;
    }

    return NGX_DONE;
}


/* NGX_AGAIN while there is more to come than the client has taken */

static ngx_int_t
ngx_http_sealed_read_more(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    unsigned                   more;
    ngx_int_t                  rc;
    ngx_buf_t                 *b;
    ngx_event_t               *wev;
    ngx_chain_t                out;
    ngx_http_core_loc_conf_t  *clcf;

    wev = r->connection->write;

    for ( ;; ) {

        if (r->buffered || r->connection->buffered
            || ctx->buf->pos != ctx->buf->last)
        {
            r->read_event_handler = ngx_http_test_reading;
            r->write_event_handler = ngx_http_sealed_read_writer;

            clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

            if (!wev->delayed) {
                ngx_add_timer(wev, clcf->send_timeout);
            }

            if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
                return NGX_ERROR;
            }

            return NGX_AGAIN;
        }

        b = ctx->buf;
        b->pos = b->start;
        b->last = b->start;

        if (ngx_http_sealed_fill(ctx, b, &more) != SEALED_OK) {
            more = 0;
        }

        b->flush = more;
        b->last_buf = !more;
        b->last_in_chain = !more;

        if (b->last == b->pos) {
            b->temporary = 0;
        }

        out.buf = b;
        out.next = NULL;

        rc = ngx_http_output_filter(r, &out);

        if (rc == NGX_ERROR || !more) {
            return rc == NGX_AGAIN ? NGX_OK : rc;
        }
    }
}


static void
ngx_http_sealed_read_writer(ngx_http_request_t *r)
{
    ngx_int_t               rc;
    ngx_event_t            *wev;
    ngx_http_sealed_ctx_t  *ctx;

    wev = r->connection->write;
    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (wev->timedout) {
        r->connection->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (wev->timer_set && !wev->delayed) {
        ngx_del_timer(wev);
    }

    rc = ngx_http_output_filter(r, NULL);

    if (rc != NGX_ERROR) {
        rc = ngx_http_sealed_read_more(r, ctx);
    }

    if (rc != NGX_AGAIN) {
        ngx_http_finalize_request(r, rc);
    }
}


static ngx_buf_t *
ngx_http_sealed_read_buffer(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    size_t                   size;
    sealed_fanout_limits_t  *limits;

    limits = &ctx->zone->limits;

    /* any one item has to fit */

    size = limits->envelope_sizes[limits->nsizes - 1] + SEALED_MAX_HEADER
           + 64;

    ctx->buf = ngx_create_temp_buf(r->pool,
                                   ngx_max(size,
                                           NGX_HTTP_SEALED_READ_BUFFER));

    return ctx->buf;
}


static sealed_verdict_t
ngx_http_sealed_fill(ngx_http_sealed_ctx_t *ctx, ngx_buf_t *b,
    unsigned *more)
{
    size_t            used;
    sealed_verdict_t  verdict;

    *more = 0;
    used = 0;

    verdict = sealed_mailbox_read(ctx->zone->zone, ctx->mailbox, ngx_time(),
                                  &ctx->cursor, b->pos, b->end - b->pos,
                                  &used, more, SEALED_WAKE_WORKERS);

    b->last = b->pos + used;

    return verdict;
}
