
#include "ngx_http_sealed_journal.h"

#include <sodium.h>


#if (NGX_THREADS)


/*
 * A worker's stream of the journal.  Records of all requests of one turn of
 * the event loop go into a batch; a thread writes and syncs it while the
 * next one fills; requests are answered when their batch is on disk.
 *
 * When a batch cannot be written, its requests and all further ones that
 * would bring mail get 503, until a second attempt in a new segment holds
 * and a snapshot has put down what the journal missed.  Readers and
 * acknowledgements go on.
 */

#define NGX_HTTP_SEALED_JOURNAL_TICK   250
#define NGX_HTTP_SEALED_JOURNAL_RETRY  1000


static ngx_int_t ngx_http_sealed_journal_begin(ngx_cycle_t *cycle,
    ngx_http_sealed_zone_conf_t *zone);
static int ngx_http_sealed_journal_open(ngx_http_sealed_journal_t *j,
    sealed_journal_directory_t *directory);
static void ngx_http_sealed_journal_turn(ngx_event_t *ev);
static void ngx_http_sealed_journal_write(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_journal_thread(void *data, ngx_log_t *log);
static void ngx_http_sealed_journal_written(ngx_event_t *ev);
static void ngx_http_sealed_journal_failed(ngx_http_sealed_journal_t *j,
    int err);
static void ngx_http_sealed_journal_reopen(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_journal_tick(ngx_event_t *ev);


ngx_int_t
ngx_http_sealed_journals_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        if (zone[i]->journal.path.len
            && ngx_http_sealed_journal_begin(cycle, zone[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_journal_begin(ngx_cycle_t *cycle,
    ngx_http_sealed_zone_conf_t *zone)
{
    int                             rc, opened;
    ngx_http_sealed_journal_t      *j;
    const sealed_journal_batch_t   *batch;
    sealed_journal_segment_t        segment;

    j = ngx_pcalloc(cycle->pool, sizeof(ngx_http_sealed_journal_t));
    if (j == NULL) {
        return NGX_ERROR;
    }

    j->buffer = ngx_pmemalign(cycle->pool, 2 * zone->journal.buffer, 64);
    j->task = ngx_thread_task_alloc(cycle->pool, 0);

    if (j->buffer == NULL || j->task == NULL) {
        return NGX_ERROR;
    }

    j->zone = zone;
    j->log = cycle->log;

    /* readers can be served without it */

    opened = ngx_http_sealed_journal_open(j, &j->directory);

    sealed_journal_directory_files(&j->files, &j->directory);

    ngx_http_sealed_journal_segment(&segment, zone,
                                    zone->zone->header->journal.generation);

    sealed_journal_writer_init(&j->writer, &segment,
                               zone->secret->line[0].journal_key,
                               zone->journal.segment, j->buffer,
                               j->buffer + zone->journal.buffer,
                               zone->journal.buffer);
    sealed_journal_output_init(&j->output, &j->files, zone->journal.sync,
                               zone->journal.segment);

    ngx_queue_init(&j->waiting[0]);
    ngx_queue_init(&j->waiting[1]);

    j->task->ctx = j;
    j->task->handler = ngx_http_sealed_journal_thread;
    j->task->event.data = j;
    j->task->event.handler = ngx_http_sealed_journal_written;
    j->task->event.log = cycle->log;

    j->turn.data = j;
    j->turn.handler = ngx_http_sealed_journal_turn;
    j->turn.log = cycle->log;

    j->connection.fd = (ngx_socket_t) -1;
    j->timer.data = &j->connection;
    j->connection.data = j;
    j->timer.handler = ngx_http_sealed_journal_tick;
    j->timer.log = cycle->log;
    j->timer.cancelable = 1;

    zone->journal.stream = j;

    /*
     * Before anything else of this stream is given out, it is known of: who
     * recovers can tell how many did not end in order.
     */

    (void) ngx_http_sealed_journal_put_empty(j, SEALED_JOURNAL_BEGIN);
    batch = sealed_journal_take(&j->writer);
    rc = batch ? sealed_journal_commit(&j->output, batch, 1) : NGX_ENOSPC;
    sealed_journal_done(&j->writer, rc ? -1 : 0);

    if (rc != 0) {
        ngx_http_sealed_journal_failed(j, opened < 0 ? -opened : rc);

    } else {

        /* where there is no room it is said when the journal is rewritten */

        (void) sealed_journal_directory_reserve(&j->directory,
                                                zone->journal.segment);
    }

    /* one that had this place died with what it had not written yet */

    if (zone->zone->workers[zone->zone->worker].journal) {
        ngx_http_sealed_rewrite_want(zone);
    }

    __atomic_store_n(&zone->zone->workers[zone->zone->worker].journal,
                     segment.generation, __ATOMIC_RELEASE);

    ngx_add_timer(&j->timer, NGX_HTTP_SEALED_JOURNAL_TICK);

    return NGX_OK;
}


/*
 * The master has locked what was there when nginx started.  Of another
 * directory in its place each worker has a share of the lock, so that no other
 * nginx comes to it.  0 or a negated error number.
 */

static int
ngx_http_sealed_journal_open(ngx_http_sealed_journal_t *j,
    sealed_journal_directory_t *directory)
{
    int         rc;
    ngx_fd_t    fd;
    ngx_uint_t  i;

    rc = sealed_journal_directory_open(directory,
                                       (char *) j->zone->journal.path.data);
    if (rc < 0) {
        return rc;
    }

    for (i = 0; /* void */ ; i++) {
        fd = ngx_http_sealed_bequeathed(NGX_HTTP_SEALED_LOCK_KIND, i);

        if (fd == NGX_INVALID_FILE) {
            break;
        }

        if (sealed_journal_directory_locked(directory, fd)) {
            return 0;
        }
    }

    rc = sealed_journal_directory_share(directory);

    if (rc < 0) {
        sealed_journal_directory_close(directory);
        directory->fd = -1;

        if (!j->taken) {
            ngx_log_error(NGX_LOG_ERR, j->log, rc == -NGX_EAGAIN ? 0 : -rc,
                          "journal \"%V\" was made anew and cannot be "
                          "locked%s, senders get 503 until it can",
                          &j->zone->journal.path,
                          rc == -NGX_EAGAIN ? ", another nginx uses it" : "");
            j->taken = 1;
            j->said = 1;
        }
    }

    return rc;
}


void
ngx_http_sealed_journal_segment(sealed_journal_segment_t *segment,
    ngx_http_sealed_zone_conf_t *zone, uint64_t generation)
{
    ngx_memzero(segment, sizeof(sealed_journal_segment_t));

    sealed_journal_identity(segment->zone, (char *) zone->name.data,
                            zone->name.len);
    segment->generation = generation;
    segment->tag = zone->secret->line[0].tag;
    randombytes_buf(&segment->stream, sizeof(segment->stream));
}


/* a worker died; what it had answered and not yet written is in the zone */

void
ngx_http_sealed_journals_reaped(ngx_http_sealed_zone_conf_t *zone)
{
    if (zone->journal.stream) {
        ngx_http_sealed_rewrite_want(zone);
    }
}


ngx_int_t
ngx_http_sealed_journal_put_empty(ngx_http_sealed_journal_t *j,
    sealed_journal_kind_t kind)
{
    if (sealed_journal_reserve(&j->writer, 0, (uint32_t) (ngx_time() / 3600))
        == NULL)
    {
        return NGX_ERROR;
    }

    sealed_journal_put(&j->writer, kind, 0);

    return NGX_OK;
}


static void
ngx_http_sealed_journal_turn(ngx_event_t *ev)
{
    ngx_http_sealed_journal_write(ev->data);
}


/* hands the next batch to a thread, or only what has to be synced */

static void
ngx_http_sealed_journal_write(ngx_http_sealed_journal_t *j)
{
    uint64_t                      generation;
    ngx_http_sealed_zone_conf_t  *zone;

    if (j->busy) {
        return;
    }

    zone = j->zone;
    generation = __atomic_load_n(&zone->zone->header->journal.generation,
                                 __ATOMIC_ACQUIRE);

    if (generation != j->writer.segment.generation && !j->writer.failed) {

        /* what stands in the batch is of the old one, and ends it */

        sealed_journal_rotate(&j->writer, generation);
        (void) ngx_http_sealed_journal_put_empty(j, SEALED_JOURNAL_BEGIN);
    }

    j->sync = zone->journal.sync == SEALED_JOURNAL_SYNC_TIMED
              && ngx_current_msec - j->synced >= zone->journal.interval;

    j->batch = sealed_journal_take(&j->writer);

    if (j->batch == NULL && !(j->sync && j->output.unsynced)) {
        return;
    }

    j->generation = j->writer.segment.generation;
    j->before = j->output.written;

    if (ngx_thread_task_post(zone->threads, j->task) != NGX_OK) {

        if (j->batch) {
            sealed_journal_done(&j->writer, -1);
        }

        ngx_http_sealed_journal_failed(j, NGX_EAGAIN);
        return;
    }

    j->busy = 1;
}


static void
ngx_http_sealed_journal_thread(void *data, ngx_log_t *log)
{
    ngx_http_sealed_journal_t  *j = data;

    j->rc = sealed_journal_commit(&j->output, j->batch, j->sync);
}


static void
ngx_http_sealed_journal_written(ngx_event_t *ev)
{
    ngx_uint_t                    held;
    ngx_queue_t                   queue;
    sealed_zone_t                *zone;
    ngx_http_sealed_journal_t    *j = ev->data;

    j->busy = 0;
    zone = j->zone->zone;

    (void) __atomic_fetch_add(&zone->header->journal.written,
                              j->output.written - j->before,
                              __ATOMIC_RELAXED);

    if (j->rc != 0) {

        if (j->batch) {
            sealed_journal_done(&j->writer, -1);
        }

        ngx_http_sealed_journal_failed(j, j->rc);
        return;
    }

    if (j->sync || j->zone->journal.sync == SEALED_JOURNAL_SYNC_ALWAYS) {
        j->synced = ngx_current_msec;
    }

    if (j->batch == NULL) {
        return;
    }

    j->output.urgent = 0;

    /* the batch that was under way has the other number */

    held = !j->writer.filling;
    sealed_journal_done(&j->writer, 0);

    __atomic_store_n(&zone->workers[zone->worker].journal, j->generation,
                     __ATOMIC_RELEASE);

    if (j->said) {
        ngx_log_error(NGX_LOG_NOTICE, j->log, 0,
                      "journal \"%V\" can be written again",
                      &j->zone->journal.path);
        j->said = 0;
        j->taken = 0;
    }

    if (!ngx_queue_empty(&j->waiting[held])) {
        ngx_queue_init(&queue);
        ngx_queue_add(&queue, &j->waiting[held]);
        ngx_queue_init(&j->waiting[held]);
        ngx_http_sealed_journal_answer(&queue, 1);
    }

    ngx_http_sealed_journal_write(j);

    j->timer.cancelable = ngx_queue_empty(&j->waiting[0])
                          && ngx_queue_empty(&j->waiting[1]);
}


static void
ngx_http_sealed_journal_failed(ngx_http_sealed_journal_t *j, int err)
{
    ngx_uint_t   i;
    ngx_queue_t  queue;

    j->writer.failed = 1;
    j->retry = ngx_current_msec + NGX_HTTP_SEALED_JOURNAL_RETRY;

    if (!j->said) {
        ngx_log_error(NGX_LOG_ERR, j->log, err,
                      "journal \"%V\" cannot be written, senders get 503 "
                      "until it can", &j->zone->journal.path);
        j->said = 1;
    }

    /* the journal lacks what goes on meanwhile */

    ngx_http_sealed_rewrite_need(j->zone);

    ngx_queue_init(&queue);

    for (i = 0; i < 2; i++) {
        if (!ngx_queue_empty(&j->waiting[i])) {
            ngx_queue_add(&queue, &j->waiting[i]);
            ngx_queue_init(&j->waiting[i]);
        }
    }

    ngx_http_sealed_journal_answer(&queue, 0);

    j->timer.cancelable = ngx_queue_empty(&j->waiting[0])
                          && ngx_queue_empty(&j->waiting[1]);
}


/* a directory that was not there, or was made anew; no thread is in it */

static void
ngx_http_sealed_journal_reopen(ngx_http_sealed_journal_t *j)
{
    sealed_journal_directory_t  directory;

    if (!j->rewrite.busy
        && ngx_http_sealed_journal_open(j, &directory) == 0)
    {
        sealed_journal_directory_close(&j->directory);
        j->directory = directory;
    }
}


static void
ngx_http_sealed_journal_tick(ngx_event_t *ev)
{
    ngx_connection_t           *c = ev->data;
    ngx_http_sealed_journal_t  *j = c->data;

    if (j->writer.failed
        && !j->busy
        && (ngx_msec_int_t) (ngx_current_msec - j->retry) >= 0)
    {
        j->retry = ngx_current_msec + NGX_HTTP_SEALED_JOURNAL_RETRY;

        ngx_http_sealed_journal_reopen(j);

        /* another stream, or the segment that was not made would be missed */

        randombytes_buf(&j->writer.segment.stream,
                        sizeof(j->writer.segment.stream));
        j->writer.segment.number = 0;
        j->output.urgent = 1;
        sealed_journal_rotate(&j->writer,
                              __atomic_load_n(
                                 &j->zone->zone->header->journal.generation,
                                 __ATOMIC_ACQUIRE));
        (void) ngx_http_sealed_journal_put_empty(j, SEALED_JOURNAL_BEGIN);
    }

    ngx_http_sealed_journal_write(j);

    /* a worker that leaves goes on with its stream as long as it is there */

    if (!ngx_exiting) {
        ngx_http_sealed_rewrite_tick(j);

    } else if (j->rewrite.state <= NGX_HTTP_SEALED_REWRITE_WAIT) {
        ngx_http_sealed_rewrite_exit(j);
    }

    ngx_add_timer(ev, ngx_min(NGX_HTTP_SEALED_JOURNAL_TICK,
                              j->zone->journal.interval));
}


#else /* !NGX_THREADS: a configuration with a journal is refused */


ngx_int_t
ngx_http_sealed_journals_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    return NGX_OK;
}


void
ngx_http_sealed_journals_reaped(ngx_http_sealed_zone_conf_t *zone)
{
}


#endif
