
#include "ngx_http_sealed_journal.h"


#if (NGX_THREADS)


/* Answers that leave when what they tell of is on disk. */


typedef struct {
    ngx_queue_t                   queue;
    ngx_http_request_t           *request;
    ngx_http_sealed_ctx_t        *ctx;
    ngx_uint_t                    status;
    ngx_str_t                    *type;
    u_char                       *data;
    size_t                        size;
    unsigned                      queued:1;
} ngx_http_sealed_answer_t;


static void ngx_http_sealed_journal_cleanup(void *data);


/*
 * An answer that leaves when what the request did is on disk.  Where it need
 * not wait for that it does all the same when the batch is half full: those
 * who send more than the disk takes are held up rather than turned away.
 */

ngx_int_t
ngx_http_sealed_journal_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    u_char *data, size_t size)
{
    ngx_http_cleanup_t         *cln;
    sealed_journal_batch_t     *batch;
    ngx_http_sealed_answer_t   *answer;
    ngx_http_sealed_journal_t  *j;

    j = ctx->zone->journal.stream;

    if (!ctx->journaled || j == NULL) {
        return ngx_http_sealed_respond(r, status, type, data, size);
    }

    batch = &j->writer.batch[j->writer.filling];

    if (ctx->zone->journal.sync != SEALED_JOURNAL_SYNC_ALWAYS
        && batch->used <= batch->capacity / 2)
    {
        return ngx_http_sealed_respond(r, status, type, data, size);
    }

    cln = ngx_http_cleanup_add(r, 0);
    answer = ngx_pcalloc(r->pool, sizeof(ngx_http_sealed_answer_t));

    if (cln == NULL || answer == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    answer->request = r;
    answer->ctx = ctx;
    answer->status = status;
    answer->type = type;
    answer->data = data;
    answer->size = size;
    answer->queued = 1;
    ngx_queue_insert_tail(&j->waiting[j->writer.filling], &answer->queue);

    /* nginx leaves when only such timers are left that may be cancelled */

    j->timer.cancelable = 0;

    cln->handler = ngx_http_sealed_journal_cleanup;
    cln->data = answer;

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static void
ngx_http_sealed_journal_cleanup(void *data)
{
    ngx_http_sealed_answer_t  *answer = data;

    if (answer->queued) {
        ngx_queue_remove(&answer->queue);
        answer->queued = 0;
    }
}


void
ngx_http_sealed_journal_answer(ngx_queue_t *queue, ngx_uint_t held)
{
    ngx_int_t                  rc;
    ngx_queue_t               *q;
    ngx_connection_t          *c;
    ngx_http_request_t        *r;
    ngx_http_sealed_answer_t  *answer;

    while (!ngx_queue_empty(queue)) {
        q = ngx_queue_head(queue);
        ngx_queue_remove(q);

        answer = ngx_queue_data(q, ngx_http_sealed_answer_t, queue);
        answer->queued = 0;

        r = answer->request;
        c = r->connection;

        /* what makes room is done, whether or not it was put down */

        rc = held
             || answer->ctx->operation == SEALED_OP_ACKNOWLEDGE
             || answer->ctx->operation == SEALED_OP_CLOSE
             ? ngx_http_sealed_respond(r, answer->status, answer->type,
                                       answer->data, answer->size)
             : ngx_http_sealed_respond_problem(r, SEALED_UNAVAILABLE,
                                               answer->ctx);

        ngx_http_finalize_request(r, rc);
        ngx_http_run_posted_requests(c);
    }
}


#else /* !NGX_THREADS: a configuration with a journal is refused */


ngx_int_t
ngx_http_sealed_journal_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    u_char *data, size_t size)
{
    return ngx_http_sealed_respond(r, status, type, data, size);
}


#endif
