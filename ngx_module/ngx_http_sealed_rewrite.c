
#include "ngx_http_sealed_journal.h"


#if (NGX_THREADS)


/*
 * Rewriting the journal: one worker at a time begins a generation, waits
 * until every stream has moved on to it, copies what lives into a snapshot,
 * a little at each turn of the event loop, and removes what is older.
 *
 * It is done when the journal has grown to twice what a snapshot takes, an
 * hour after the last one if anything was written since, a day after it in
 * any case, for what is known of who reads, and when the journal may lack
 * something.
 */

#define NGX_HTTP_SEALED_REWRITE_STEPS  64
#define NGX_HTTP_SEALED_REWRITE_RETRY  5000
#define NGX_HTTP_SEALED_REWRITE_EVERY  3600
#define NGX_HTTP_SEALED_REWRITE_DAILY  86400


static ngx_uint_t ngx_http_sealed_rewrite_due(ngx_http_sealed_journal_t *j);
static ngx_int_t ngx_http_sealed_rewrite_claim(ngx_http_sealed_journal_t *j);
static ngx_int_t ngx_http_sealed_rewrite_begin(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_rewrite_next(ngx_event_t *ev);
static void ngx_http_sealed_rewrite_post(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_rewrite_thread(void *data, ngx_log_t *log);
static void ngx_http_sealed_rewrite_written(ngx_event_t *ev);
static void ngx_http_sealed_rewrite_over(ngx_http_sealed_journal_t *j,
    int err);
static void ngx_http_sealed_rewrite_end(ngx_http_sealed_journal_t *j);


void
ngx_http_sealed_rewrite_want(ngx_http_sealed_zone_conf_t *zone)
{
    (void) __atomic_fetch_add(&zone->zone->header->journal.wants, 1,
                              __ATOMIC_RELEASE);
}


void
ngx_http_sealed_rewrite_need(ngx_http_sealed_zone_conf_t *zone)
{
    uint64_t                needed, seen;
    sealed_zone_journal_t  *shared;

    shared = &zone->zone->header->journal;

    /* one that begins after this moment */

    needed = __atomic_load_n(&shared->generation, __ATOMIC_ACQUIRE) + 1;
    seen = __atomic_load_n(&shared->needed, __ATOMIC_ACQUIRE);

    while (seen < needed
           && !__atomic_compare_exchange_n(&shared->needed, &seen, needed, 0,
                                           __ATOMIC_ACQ_REL,
                                           __ATOMIC_ACQUIRE))
    {
        /* void */
    }

    ngx_http_sealed_rewrite_want(zone);
}


void
ngx_http_sealed_rewrite_tick(ngx_http_sealed_journal_t *j)
{
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;

    switch (w->state) {

    case NGX_HTTP_SEALED_REWRITE_IDLE:

        if (ngx_http_sealed_rewrite_due(j)
            && ngx_http_sealed_rewrite_claim(j) == NGX_OK
            && ngx_http_sealed_rewrite_begin(j) != NGX_OK)
        {
            ngx_http_sealed_rewrite_over(j, NGX_ENOMEM);
        }

        break;

    case NGX_HTTP_SEALED_REWRITE_WAIT:

        /* a stream that is behind may be one that cannot be written */

        if (sealed_worker_behind(j->zone->zone, w->generation) == 0) {
            w->state = NGX_HTTP_SEALED_REWRITE_COPY;
            ngx_post_event(&w->next, &ngx_posted_events);
        }

        break;

    default:
        break;
    }
}


static ngx_uint_t
ngx_http_sealed_rewrite_due(ngx_http_sealed_journal_t *j)
{
    uint64_t                now, written, least;
    sealed_zone_journal_t  *shared;

    now = ngx_time();
    shared = &j->zone->zone->header->journal;

    if (j->writer.failed
        || (ngx_msec_int_t) (ngx_current_msec - j->rewrite.retry) < 0)
    {
        return 0;
    }

    if (shared->wants != shared->served) {
        return 1;
    }

    written = __atomic_load_n(&shared->written, __ATOMIC_RELAXED);
    least = ngx_max(shared->snapshot, 2 * j->zone->journal.segment);

    return written > least
           || now >= shared->since + (written
                                      ? NGX_HTTP_SEALED_REWRITE_EVERY
                                      : NGX_HTTP_SEALED_REWRITE_DAILY);
}


static ngx_int_t
ngx_http_sealed_rewrite_claim(ngx_http_sealed_journal_t *j)
{
    uint64_t                writer;
    sealed_zone_t          *zone;
    sealed_zone_journal_t  *shared;

    zone = j->zone->zone;
    shared = &zone->header->journal;
    writer = __atomic_load_n(&shared->writer, __ATOMIC_ACQUIRE);

    /* one that died leaves its place, and whoever has it then goes on */

    if (writer
        && writer - 1 != zone->worker
        && sealed_worker_taken(zone, (uint32_t) (writer - 1)))
    {
        return NGX_BUSY;
    }

    return __atomic_compare_exchange_n(&shared->writer, &writer,
                                       (uint64_t) zone->worker + 1, 0,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)
           ? NGX_OK : NGX_BUSY;
}


static ngx_int_t
ngx_http_sealed_rewrite_begin(ngx_http_sealed_journal_t *j)
{
    uint64_t                       generation;
    sealed_zone_journal_t         *shared;
    sealed_journal_segment_t       segment;
    ngx_http_sealed_rewrite_t     *w;
    ngx_http_sealed_zone_conf_t   *zone;

    w = &j->rewrite;
    zone = j->zone;
    shared = &zone->zone->header->journal;

    if (w->task == NULL) {
        w->task = ngx_thread_task_alloc(ngx_cycle->pool, 0);
        if (w->task == NULL) {
            return NGX_ERROR;
        }

        w->task->ctx = j;
        w->task->handler = ngx_http_sealed_rewrite_thread;
        w->task->event.data = j;
        w->task->event.handler = ngx_http_sealed_rewrite_written;
        w->task->event.log = j->log;

        w->next.data = j;
        w->next.handler = ngx_http_sealed_rewrite_next;
        w->next.log = j->log;
    }

    w->buffer = ngx_alloc(2 * zone->journal.buffer, j->log);
    if (w->buffer == NULL) {
        return NGX_ERROR;
    }

    w->wants = __atomic_load_n(&shared->wants, __ATOMIC_ACQUIRE);
    generation = __atomic_load_n(&shared->generation, __ATOMIC_ACQUIRE);

    /* streams need not begin segments anew for each attempt */

    if (!w->again
        || w->generation != generation
        || __atomic_load_n(&shared->needed, __ATOMIC_ACQUIRE) > generation)
    {
        generation = __atomic_add_fetch(&shared->generation, 1,
                                        __ATOMIC_ACQ_REL);
    }

    w->generation = generation;
    w->again = 0;
    w->began = ngx_current_msec;
    w->time = ngx_time();

    ngx_http_sealed_journal_segment(&segment, zone, w->generation);
    segment.snapshot = 1;

    sealed_journal_writer_init(&w->writer, &segment,
                               zone->secret->line[0].journal_key,
                               zone->journal.segment, w->buffer,
                               w->buffer + zone->journal.buffer,
                               zone->journal.buffer);
    sealed_journal_output_init(&w->output, &j->files,
                               SEALED_JOURNAL_SYNC_TIMED,
                               zone->journal.segment);
    w->output.scarce = w->said;

    /* as long as mail is taken it would take what is kept in reserve */

    w->output.urgent = w->said
                       && __atomic_load_n(&shared->complete, __ATOMIC_ACQUIRE)
                          < __atomic_load_n(&shared->needed,
                                            __ATOMIC_ACQUIRE);

    sealed_snapshot_init(&w->snapshot, sealed_journal_resize, NULL);

    w->state = NGX_HTTP_SEALED_REWRITE_WAIT;

    return NGX_OK;
}


static void
ngx_http_sealed_rewrite_next(ngx_event_t *ev)
{
    ngx_uint_t                  i;
    sealed_snapshot_result_t    result;
    ngx_http_sealed_journal_t  *j = ev->data;
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;

    if (w->state != NGX_HTTP_SEALED_REWRITE_COPY || w->busy) {
        return;
    }

    result = SEALED_SNAPSHOT_MORE;

    for (i = 0;
         i < NGX_HTTP_SEALED_REWRITE_STEPS && result == SEALED_SNAPSHOT_MORE;
         i++)
    {
        result = sealed_snapshot_step(&w->snapshot, j->zone->zone,
                                      &w->writer, ngx_time());
    }

    switch (result) {

    case SEALED_SNAPSHOT_MORE:
        ngx_post_event(&w->next, &ngx_posted_next_events);
        return;

    case SEALED_SNAPSHOT_WAIT:
        break;

    case SEALED_SNAPSHOT_DONE:
        if (sealed_journal_reserve(&w->writer, 0,
                                   (uint32_t) (ngx_time() / 3600)))
        {
            sealed_journal_put(&w->writer, SEALED_JOURNAL_END, 0);
            w->state = NGX_HTTP_SEALED_REWRITE_END;
        }

        break;

    case SEALED_SNAPSHOT_LOST:
        ngx_http_sealed_rewrite_over(j, ENOTRECOVERABLE);
        return;

    default: /* SEALED_SNAPSHOT_FAILED */
        ngx_http_sealed_rewrite_over(j, NGX_ENOMEM);
        return;
    }

    ngx_http_sealed_rewrite_post(j);
}


static void
ngx_http_sealed_rewrite_post(ngx_http_sealed_journal_t *j)
{
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;
    w->batch = sealed_journal_take(&w->writer);

    if (ngx_thread_task_post(j->zone->threads, w->task) != NGX_OK) {
        ngx_http_sealed_rewrite_over(j, NGX_EAGAIN);
        return;
    }

    w->busy = 1;
}


static void
ngx_http_sealed_rewrite_thread(void *data, ngx_log_t *log)
{
    int                         rc;
    ngx_http_sealed_journal_t  *j = data;
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;

    if (w->state == NGX_HTTP_SEALED_REWRITE_TRIM) {
        rc = sealed_journal_directory_trim(&j->directory, w->generation,
                                           &w->octets);
        w->rc = -rc;
        w->bare = -sealed_journal_directory_reserve(&j->directory,
                                                    j->zone->journal.segment);
        return;
    }

    w->rc = sealed_journal_commit(&w->output, w->batch, 0);

    if (w->rc == 0 && w->state == NGX_HTTP_SEALED_REWRITE_END) {
        w->rc = sealed_journal_finish(&w->output);
    }

    /* a disk that is full gets back what a snapshot in pieces takes */

    if (w->rc != 0) {
        rc = sealed_journal_directory_drop(&j->directory, w->generation);
        w->again = rc == 0;
    }
}


static void
ngx_http_sealed_rewrite_written(ngx_event_t *ev)
{
    sealed_zone_journal_t      *shared;
    ngx_http_sealed_journal_t  *j = ev->data;
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;
    w->busy = 0;
    shared = &j->zone->zone->header->journal;

    if (w->batch) {
        sealed_journal_done(&w->writer, w->rc ? -1 : 0);
        w->batch = NULL;
    }

    if (w->rc != 0) {
        ngx_http_sealed_rewrite_over(j, w->rc);
        return;
    }

    switch (w->state) {

    case NGX_HTTP_SEALED_REWRITE_COPY:
        ngx_post_event(&w->next, &ngx_posted_events);
        return;

    case NGX_HTTP_SEALED_REWRITE_END:

        /* from here on all that is older is void */

        shared->snapshot = w->output.written;
        shared->since = ngx_time();
        shared->begun = w->time;
        shared->served = w->wants;
        __atomic_store_n(&shared->written, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&shared->complete, w->generation, __ATOMIC_RELEASE);

        w->state = NGX_HTTP_SEALED_REWRITE_TRIM;
        ngx_http_sealed_rewrite_post(j);
        return;

    default: /* NGX_HTTP_SEALED_REWRITE_TRIM */
        shared->octets = w->octets;
        ngx_http_sealed_rewrite_over(j, 0);
    }
}


static void
ngx_http_sealed_rewrite_over(ngx_http_sealed_journal_t *j, int err)
{
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;

    if (err == 0) {
        ngx_log_error(NGX_LOG_NOTICE, j->log, 0,
                      "journal \"%V\" rewritten: %uL mailboxes and %uL "
                      "envelopes in %uL bytes, %M ms, %uL bytes in all",
                      &j->zone->journal.path, w->snapshot.mailboxes,
                      w->snapshot.envelopes, w->output.written,
                      ngx_current_msec - w->began, w->octets);
        w->said = 0;

        if (w->bare && !w->warned) {
            ngx_log_error(NGX_LOG_WARN, j->log, w->bare,
                          "journal \"%V\" has no room for a segment in "
                          "reserve: when the disk is full, somebody may have "
                          "to make room", &j->zone->journal.path);
        }

        w->warned = w->bare != 0;

    } else {

        if (!w->said) {
            ngx_log_error(NGX_LOG_ERR, j->log, err,
                          "journal \"%V\" cannot be rewritten, it grows "
                          "until it can", &j->zone->journal.path);
            w->said = 1;
        }

        w->retry = ngx_current_msec + NGX_HTTP_SEALED_REWRITE_RETRY;
        ngx_http_sealed_rewrite_want(j->zone);
    }

    ngx_http_sealed_rewrite_end(j);

    /* who has tried in vain tries again, and no other meanwhile */

    if (err == 0) {
        ngx_http_sealed_rewrite_exit(j);
    }
}


static void
ngx_http_sealed_rewrite_end(ngx_http_sealed_journal_t *j)
{
    ngx_http_sealed_rewrite_t  *w;

    w = &j->rewrite;

    if (w->state != NGX_HTTP_SEALED_REWRITE_IDLE) {
        (void) sealed_journal_finish(&w->output);
        sealed_snapshot_free(&w->snapshot);
        w->state = NGX_HTTP_SEALED_REWRITE_IDLE;
    }

    if (w->buffer) {
        ngx_explicit_memzero(&w->writer.key, sizeof(w->writer.key));
        ngx_free(w->buffer);
        w->buffer = NULL;
    }
}


void
ngx_http_sealed_rewrite_exit(ngx_http_sealed_journal_t *j)
{
    uint64_t        writer;
    sealed_zone_t  *zone;

    ngx_http_sealed_rewrite_end(j);

    zone = j->zone->zone;
    writer = (uint64_t) zone->worker + 1;
    (void) __atomic_compare_exchange_n(&zone->header->journal.writer,
                                       &writer, 0, 0, __ATOMIC_ACQ_REL,
                                       __ATOMIC_ACQUIRE);
}


#endif
