
#include "ngx_http_sealed_reader.h"
#include "../src/event_stream.h"
#include "../src/item.h"


/* pieces for one reader before others have their turn */
#define NGX_HTTP_SEALED_TURN  32


static sealed_verdict_t ngx_http_sealed_reader_admit(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const ngx_http_sealed_transport_t *transport);
static ngx_int_t ngx_http_sealed_reader_stage(size_t size);
static ngx_uint_t ngx_http_sealed_reader_stays(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_park(ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_block(ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_writer(ngx_http_request_t *r);
static off_t ngx_http_sealed_reader_progress(
    ngx_http_sealed_reader_t *reader);
static sealed_verdict_t ngx_http_sealed_reader_fill(
    ngx_http_sealed_reader_t *reader, ngx_uint_t *last);
static ngx_int_t ngx_http_sealed_reader_encode(
    ngx_http_sealed_reader_t *reader, size_t used);
static void ngx_http_sealed_reader_cleanup(void *data);
static void ngx_http_sealed_reader_free(void *data);
#if (NGX_HTTP_V2)
static ngx_int_t ngx_http_sealed_reader_stream(ngx_http_request_t *r,
    ngx_uint_t max);
static void ngx_http_sealed_reader_stream_end(void *data);
static void ngx_http_sealed_reader_streams_end(void *data);
#endif


/* what the store writes to, before it is encoded for the client */

static u_char  *ngx_http_sealed_stage;
static size_t   ngx_http_sealed_stage_size;


/* which of the transports the headers ask for */

sealed_operation_t
ngx_http_sealed_read_operation(ngx_http_request_t *r)
{
    sealed_bytes_t  accept;

    if (ngx_http_sealed_websocket_asked(r)) {
        return SEALED_OP_FOLLOW;
    }

    return ngx_http_sealed_header(r, "accept", &accept)
           && sealed_event_stream_accepted(accept)
           ? SEALED_OP_FOLLOW : SEALED_OP_READ;
}


ngx_int_t
ngx_http_sealed_read(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    sealed_bytes_t  last;

    if (ctx->operation == SEALED_OP_READ) {
        return ngx_http_sealed_reader_start(r, ctx, &ngx_http_sealed_plain,
                                            NULL);
    }

    if (ngx_http_sealed_websocket_asked(r)) {
        return ngx_http_sealed_websocket_start(r, ctx);
    }

    if (ngx_http_sealed_header(r, "last-event-id", &last)
        && sealed_decimal_decode(&ctx->query.after, last) != 0)
    {
        return ngx_http_sealed_respond_problem(r, SEALED_BAD_HEADER, ctx);
    }

    return ngx_http_sealed_reader_start(r, ctx,
                                        &ngx_http_sealed_event_stream, NULL);
}


ngx_int_t
ngx_http_sealed_reader_start(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const ngx_http_sealed_transport_t *transport,
    void *data)
{
    ngx_event_t               *rev;
    sealed_verdict_t           verdict;
    ngx_http_cleanup_t        *cln;
    ngx_pool_cleanup_t        *pool_cln;
    ngx_http_sealed_reader_t  *reader;

    verdict = ngx_http_sealed_reader_admit(r, ctx, transport);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    pool_cln = ngx_pool_cleanup_add(r->pool,
                                    sizeof(ngx_http_sealed_reader_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (pool_cln == NULL || cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    reader = pool_cln->data;
    ngx_memzero(reader, sizeof(ngx_http_sealed_reader_t));

    reader->request = r;
    reader->ctx = ctx;
    reader->transport = transport;
    reader->data = data;

    /* who only asks gets what comes while he waits, and nothing twice */

    reader->online = transport->live
                     ? 0 : sealed_online_last(ctx->zone->online);

    ctx->cursor.after = ctx->query.after;
    ctx->cursor.limit = ctx->query.limit;
    ctx->cursor.record = SEALED_NONE;
    ctx->cursor.mailbox = SEALED_NONE;

    /* output may still point to the buffer when the request has ended */

    cln->handler = ngx_http_sealed_reader_cleanup;
    cln->data = reader;
    pool_cln->handler = ngx_http_sealed_reader_free;

    ctx->reader = reader;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    /* that a client has left behind its request is not reported again */

    rev = r->connection->read;

    if (rev->ready) {
        ngx_post_event(rev, &ngx_posted_events);

    } else if (ngx_handle_read_event(rev, 0) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->main->count++;

    (void) ngx_http_sealed_reader_run(reader);

    return NGX_DONE;
}


static sealed_verdict_t
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


/* readers that wait rely on what there is: it only grows */

static ngx_int_t
ngx_http_sealed_reader_stage(size_t size)
{
    u_char  *p;

    if (ngx_http_sealed_stage_size >= size) {
        return NGX_OK;
    }

    p = ngx_alloc(size, ngx_cycle->log);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_free(ngx_http_sealed_stage);

    ngx_http_sealed_stage = p;
    ngx_http_sealed_stage_size = size;

    return NGX_OK;
}


/*
 * Goes on with a reader until there is nothing more, or the client is slower
 * than its mail.  Whether anything was found.  The request may be gone then.
 */

ngx_uint_t
ngx_http_sealed_reader_run(ngx_http_sealed_reader_t *reader)
{
    uint32_t                      mailbox;
    uint64_t                      hash;
    ngx_int_t                     rc;
    ngx_uint_t                    found, last, entered;
    ngx_event_t                  *wev;
    sealed_verdict_t              verdict;
    ngx_http_request_t           *r;
    ngx_http_sealed_zone_conf_t  *zone;

    r = reader->request;
    wev = r->connection->write;
    zone = reader->ctx->zone;
    mailbox = SEALED_NONE;
    hash = 0;
    entered = 0;

    for (found = 0; !reader->finished; found++) {

        if (ngx_http_sealed_reader_busy(reader)) {
            ngx_http_sealed_reader_block(reader);
            break;
        }

        ngx_http_sealed_reader_free(reader);

        if (reader->transport->note) {
            rc = reader->transport->note(reader);

            if (rc == NGX_AGAIN) {
                found--;
                continue;
            }

            if (rc == NGX_DONE) {
                break;
            }
        }

        if (reader->departed) {
            ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_RESTART);
            break;
        }

        if (found == NGX_HTTP_SEALED_TURN) {
            ngx_http_sealed_reader_block(reader);
            ngx_post_event(wev, &ngx_posted_next_events);
            break;
        }

        verdict = ngx_http_sealed_reader_fill(reader, &last);

        if (verdict != SEALED_OK) {
            ngx_http_sealed_reader_leave(reader,
                                         verdict == SEALED_NO_MAILBOX
                                         ? NGX_HTTP_SEALED_GONE
                                         : NGX_HTTP_SEALED_FAILED);
            break;
        }

        if (!reader->entered && ngx_http_sealed_reader_stays(reader)) {
            mailbox = reader->ctx->cursor.mailbox;
            hash = ngx_http_sealed_wait_enter(reader);
            entered = 1;
        }

        if (reader->buf.start == NULL) {
            ngx_http_sealed_reader_park(reader);
            break;
        }

        rc = NGX_OK;

        if (!reader->begun) {
            reader->begun = 1;
            rc = reader->transport->begin(reader, last);
        }

        if (rc == NGX_OK) {
            rc = ngx_http_sealed_reader_output(reader, last);
        }

        if (rc != NGX_OK || last) {
            ngx_http_sealed_reader_finish(reader, rc);
            found++;
            break;
        }
    }

    if (entered) {
        ngx_http_sealed_wait_crowd(zone, mailbox, hash);
    }

    return found;
}


/* whether it counts as a reader of its mailbox, or is an ordinary request */

static ngx_uint_t
ngx_http_sealed_reader_stays(ngx_http_sealed_reader_t *reader)
{
    return reader->transport->live
           || (reader->buf.start == NULL && reader->ctx->query.wait);
}


/* nothing to send: all that stays is the reader itself */

static void
ngx_http_sealed_reader_park(ngx_http_sealed_reader_t *reader)
{
    ngx_int_t            rc;
    ngx_uint_t           patience;
    ngx_http_request_t  *r;

    r = reader->request;

    if (reader->transport->live && !reader->begun) {
        reader->begun = 1;
        rc = reader->transport->begin(reader, 0);

        if (rc != NGX_OK) {
            ngx_http_sealed_reader_finish(reader, rc);
            return;
        }
    }

    patience = reader->transport->patience(reader);

    if (patience == 0 || ngx_exiting || ngx_terminate) {
        ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_RESTART);
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    /* the head may be on its way still; then it goes on when that is gone */

    if (ngx_http_sealed_reader_busy(reader)) {
        ngx_http_sealed_reader_block(reader);
        return;
    }

    if (reader->waiting) {
        return;
    }

    ngx_http_sealed_wait(reader);
    ngx_http_sealed_alarm(reader, patience);
}


ngx_uint_t
ngx_http_sealed_reader_busy(ngx_http_sealed_reader_t *reader)
{
    return reader->request->buffered
           || reader->request->connection->buffered
           || reader->buf.pos != reader->buf.last;
}


static void
ngx_http_sealed_reader_block(ngx_http_sealed_reader_t *reader)
{
    ngx_http_request_t  *r;

    r = reader->request;

    ngx_http_sealed_unwait(reader);

    r->write_event_handler = ngx_http_sealed_reader_writer;
    reader->sent = ngx_http_sealed_reader_progress(reader);
    ngx_http_sealed_alarm(reader, reader->ctx->zone->readers.stall);

    if (ngx_handle_write_event(r->connection->write, 0) != NGX_OK) {
        ngx_http_sealed_reader_finish(reader, NGX_ERROR);
    }
}


static void
ngx_http_sealed_reader_writer(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t     *ctx;
    ngx_http_sealed_reader_t  *reader;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);
    reader = ctx->reader;

    if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
        ngx_http_sealed_reader_finish(reader, NGX_ERROR);
        return;
    }

    (void) ngx_http_sealed_reader_run(reader);
}


/* moves whenever the client takes anything, on HTTP/2 as well */

static off_t
ngx_http_sealed_reader_progress(ngx_http_sealed_reader_t *reader)
{
    return reader->request->connection->sent
           + (reader->buf.pos - reader->buf.start);
}


/* the alarm of a reader went off */

void
ngx_http_sealed_reader_expired(ngx_http_sealed_reader_t *reader)
{
    ngx_http_request_t  *r;

    r = reader->request;

    if (reader->leaving) {
        reader->leaving = 0;
        reader->departed = 1;
        reader->sent = -1;
    }

    if (!ngx_http_sealed_reader_busy(reader)) {

        if (reader->departed) {
            ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_RESTART);
            return;
        }

        reader->transport->alarm(reader);
        return;
    }

    if (ngx_http_sealed_reader_progress(reader) != reader->sent) {
        ngx_http_sealed_reader_block(reader);
        return;
    }

    r->connection->timedout = 1;
    ngx_http_sealed_reader_finish(reader, NGX_HTTP_REQUEST_TIME_OUT);
}


/*
 * A piece from the store, encoded into a buffer of its own.  Without one the
 * reader is registered for a wake-up if it may wait.
 */

static sealed_verdict_t
ngx_http_sealed_reader_fill(ngx_http_sealed_reader_t *reader,
    ngx_uint_t *last)
{
    size_t                  used, room, largest;
    unsigned                more, worker;
    uint32_t                mailbox;
    sealed_verdict_t        verdict;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = reader->ctx;

    if (reader->transport->live) {
        ctx->cursor.limit = SEALED_READ_LIMIT_MAX;
    }

    worker = reader->transport->patience(reader)
             ? ngx_http_sealed_place() : SEALED_WAKE_WORKERS;

    room = NGX_HTTP_SEALED_PIECE;
    mailbox = ctx->cursor.mailbox;

    for ( ;; ) {
        verdict = sealed_mailbox_read(ctx->zone->zone, ctx->mailbox,
                                      ngx_time(), &ctx->cursor,
                                      ngx_http_sealed_stage, room, &used,
                                      &more, worker);

        if (verdict != SEALED_OK) {
            return verdict;
        }

        /* it has ended, and another one has its id: with other numbers */

        if (mailbox != SEALED_NONE && mailbox != ctx->cursor.mailbox) {
            return SEALED_NO_MAILBOX;
        }

        if (used || !more) {
            break;
        }

        if (room != ngx_http_sealed_stage_size) {
            room = ngx_http_sealed_stage_size;
            continue;
        }

        /* of a size that an earlier configuration had */

        largest = sealed_item_largest(SEALED_MAX_ENVELOPE);

        if (room >= largest
            || ngx_http_sealed_reader_stage(largest) != NGX_OK)
        {
            return SEALED_UNAVAILABLE;
        }

        room = largest;
    }

    /* looked at after the reader has been registered: nothing is missed */

    if (used == 0 && !more && worker != SEALED_WAKE_WORKERS) {
        used = sealed_online_read(ctx->zone->online, ctx->mailbox,
                                  sealed_zone_hash(ctx->zone->zone,
                                                   ctx->mailbox),
                                  ngx_time(), &reader->online,
                                  ngx_http_sealed_stage,
                                  ngx_http_sealed_stage_size, &more);
    }

    *last = !reader->transport->live && !more;

    if (used && ngx_http_sealed_reader_encode(reader, used) != NGX_OK) {
        return SEALED_UNAVAILABLE;
    }

    return SEALED_OK;
}


static ngx_int_t
ngx_http_sealed_reader_encode(ngx_http_sealed_reader_t *reader, size_t used)
{
    size_t          size;
    u_char         *out;
    sealed_item_t   item;
    const u_char   *start, *pos, *end;

    size = 0;
    pos = ngx_http_sealed_stage;
    end = pos + used;

    while (pos != end) {
        start = pos;

        if (sealed_item_parse(&item, &pos, end) != 0) {
            return NGX_ERROR;
        }

        size += reader->transport->size(pos - start);
    }

    out = ngx_http_sealed_reader_buffer(reader, size);
    if (out == NULL) {
        return NGX_ERROR;
    }

    pos = ngx_http_sealed_stage;

    while (pos != end) {
        start = pos;
        (void) sealed_item_parse(&item, &pos, end);
        out = reader->transport->encode(reader, out, item.seq, start,
                                        pos - start);
    }

    reader->buf.last = out;

    return NGX_OK;
}


/* room to write to; buf.last is for the caller to set */

u_char *
ngx_http_sealed_reader_buffer(ngx_http_sealed_reader_t *reader, size_t size)
{
    ngx_buf_t  *b;

    b = &reader->buf;
    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = ngx_alloc(size, reader->request->connection->log);
    if (b->start == NULL) {
        return NULL;
    }

    b->pos = b->start;
    b->last = b->start;
    b->end = b->start + size;
    b->tag = (ngx_buf_tag_t) &ngx_http_sealed_module;
    b->memory = 1;

    return b->start;
}


/* the buffer goes out; NGX_OK also when it has not gone yet */

ngx_int_t
ngx_http_sealed_reader_output(ngx_http_sealed_reader_t *reader,
    ngx_uint_t last)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    b = &reader->buf;
    b->flush = !last;
    b->last_buf = last;
    b->last_in_chain = last;

    out.buf = b;
    out.next = NULL;

    rc = ngx_http_output_filter(reader->request, &out);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


/* a few octets besides items, only while the reader is not busy */

ngx_int_t
ngx_http_sealed_reader_say(ngx_http_sealed_reader_t *reader,
    const void *data, size_t size)
{
    u_char  *p;

    ngx_http_sealed_reader_free(reader);

    p = ngx_http_sealed_reader_buffer(reader, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    reader->buf.last = ngx_cpymem(p, data, size);

    if (ngx_http_sealed_reader_output(reader, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_sealed_reader_busy(reader)) {
        ngx_http_sealed_reader_block(reader);

    } else {
        ngx_http_sealed_reader_free(reader);
    }

    return NGX_OK;
}


void
ngx_http_sealed_reader_leave(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why)
{
    ngx_http_sealed_wait_leave(reader);

    if (why == NGX_HTTP_SEALED_CROWDED && ngx_http_sealed_reader_busy(reader))
    {
        reader->request->connection->timedout = 1;
        ngx_http_sealed_reader_finish(reader, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (!reader->begun
        && (why == NGX_HTTP_SEALED_GONE || why == NGX_HTTP_SEALED_FAILED))
    {
        ngx_http_sealed_reader_finish(reader,
            ngx_http_sealed_respond_problem(reader->request,
                                            why == NGX_HTTP_SEALED_GONE
                                            ? SEALED_UNAUTHORIZED
                                            : SEALED_UNAVAILABLE,
                                            reader->ctx));
        return;
    }

    reader->transport->end(reader, why);
}


/* what has not gone out yet is nginx's now */

void
ngx_http_sealed_reader_finish(ngx_http_sealed_reader_t *reader, ngx_int_t rc)
{
    ngx_http_sealed_reader_cleanup(reader);
    ngx_http_finalize_request(reader->request, rc);
}


static void
ngx_http_sealed_reader_cleanup(void *data)
{
    ngx_http_sealed_reader_t  *reader = data;

    reader->finished = 1;

    ngx_http_sealed_wait_leave(reader);
    ngx_http_sealed_disarm(reader);
}


static void
ngx_http_sealed_reader_free(void *data)
{
    ngx_http_sealed_reader_t  *reader = data;

    if (reader->buf.start) {
        ngx_free(reader->buf.start);
        ngx_memzero(&reader->buf, sizeof(ngx_buf_t));
    }
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
