
#include "ngx_http_sealed.h"


static void ngx_http_sealed_offload_answered(ngx_http_request_t *r);

#if (NGX_THREADS)

static void ngx_http_sealed_offload_work(void *data, ngx_log_t *log);
static void ngx_http_sealed_offload_done(ngx_event_t *ev);


typedef struct {
    ngx_http_request_t           *request;
    ngx_http_sealed_ctx_t        *ctx;
    void                        (*work)(void *data);
    void                         *data;
} ngx_http_sealed_offload_t;

#endif


/*
 * Arithmetic that would hold the event loop: in the zone's thread pool if it
 * has one.  work() reads and writes nothing but memory that stays as it is
 * until the request ends.
 *
 * NGX_OK: it is done.  NGX_AGAIN: ctx->pending is set, and cleared again
 * when r->write_event_handler is called with the work done; until then that
 * handler has to ignore calls.  NGX_ERROR: the pool takes no more.
 */

ngx_int_t
ngx_http_sealed_offload(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    void (*work)(void *data), void *data)
{
#if (NGX_THREADS)
    ngx_thread_task_t          *task;
    ngx_http_sealed_offload_t  *offload;

    if (ctx->zone->threads) {

        task = ngx_thread_task_alloc(r->pool,
                                     sizeof(ngx_http_sealed_offload_t));
        if (task == NULL) {
            return NGX_ERROR;
        }

        offload = task->ctx;
        offload->request = r;
        offload->ctx = ctx;
        offload->work = work;
        offload->data = data;

        task->handler = ngx_http_sealed_offload_work;
        task->event.data = offload;
        task->event.handler = ngx_http_sealed_offload_done;
        task->event.log = r->connection->log;

        if (ngx_thread_task_post(ctx->zone->threads, task) != NGX_OK) {
            return NGX_ERROR;
        }

        /* a worker that is leaving stays for those that have a timer */

        ngx_add_timer(&task->event, 60000);

        r->main->blocked++;
        ctx->pending = 1;

        return NGX_AGAIN;
    }

#endif

    work(data);

    return NGX_OK;
}


/*
 * The same for what is answered when the work is done: the request, whose
 * body has been read, is finalized with what respond() gives, now or later.
 * NGX_ERROR: the pool takes no more, and the caller finalizes it.
 */

ngx_int_t
ngx_http_sealed_offload_answer(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, void (*work)(void *data), void *data,
    ngx_http_sealed_respond_pt respond)
{
    ngx_int_t  rc;

    rc = ngx_http_sealed_offload(r, ctx, work, data);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_AGAIN) {
        ctx->respond = respond;
        r->write_event_handler = ngx_http_sealed_offload_answered;

    } else {
        ngx_http_finalize_request(r, respond(r, ctx));
    }

    return NGX_OK;
}


static void
ngx_http_sealed_offload_answered(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ctx->pending) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    ngx_http_finalize_request(r, ctx->respond(r, ctx));
}


#if (NGX_THREADS)

static void
ngx_http_sealed_offload_work(void *data, ngx_log_t *log)
{
    ngx_http_sealed_offload_t  *offload = data;

    offload->work(offload->data);
}


static void
ngx_http_sealed_offload_done(ngx_event_t *ev)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_sealed_offload_t  *offload;

    offload = ev->data;
    r = offload->request;
    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    if (ev->timedout) {
        ngx_log_error(NGX_LOG_ALERT, c->log, 0,
                      "sealed: a thread took too long");
        ev->timedout = 0;
        return;
    }

    if (ev->timer_set) {
        ngx_del_timer(ev);
    }

    r->main->blocked--;
    offload->ctx->pending = 0;

    /* of a request that was terminated meanwhile: the one that ends it */

    r->write_event_handler(r);

    ngx_http_run_posted_requests(c);
}

#endif
