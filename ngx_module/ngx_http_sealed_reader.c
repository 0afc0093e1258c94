
#include "ngx_http_sealed_reader.h"


/* pieces for one reader before others have their turn */
#define NGX_HTTP_SEALED_TURN  32


static ngx_uint_t ngx_http_sealed_reader_stays(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_park(ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_block(ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_writer(ngx_http_request_t *r);
static off_t ngx_http_sealed_reader_progress(
    ngx_http_sealed_reader_t *reader);
static void ngx_http_sealed_reader_cleanup(void *data);


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


/*
 * Goes on with a reader until there is nothing more, or the client is slower
 * than its mail.  Whether anything was found.  The request may be gone then.
 */

ngx_uint_t
ngx_http_sealed_reader_run(ngx_http_sealed_reader_t *reader)
{
    uint32_t                      mailbox, seat;
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
    seat = 0;
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
            seat = reader->seat;
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
        ngx_http_sealed_wait_crowd(zone, mailbox, hash, seat);
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
