
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


static ngx_int_t ngx_http_sealed_journal_begin(ngx_cycle_t *cycle,
    ngx_http_sealed_zone_conf_t *zone);
static int ngx_http_sealed_journal_open(ngx_http_sealed_journal_t *j,
    sealed_journal_directory_t *directory);
static ngx_int_t ngx_http_sealed_journal_put_empty(
    ngx_http_sealed_journal_t *j, sealed_journal_kind_t kind);
static ngx_uint_t ngx_http_sealed_journal_last(
    ngx_http_sealed_zone_conf_t *zone);
static int ngx_http_sealed_journal_certificates(
    ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_journal_turn(ngx_event_t *ev);
static void ngx_http_sealed_journal_write(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_journal_thread(void *data, ngx_log_t *log);
static void ngx_http_sealed_journal_written(ngx_event_t *ev);
static void ngx_http_sealed_journal_failed(ngx_http_sealed_journal_t *j,
    int err);
static void ngx_http_sealed_journal_reopen(ngx_http_sealed_journal_t *j);
static void ngx_http_sealed_journal_answer(ngx_queue_t *queue,
    ngx_uint_t held);
static void ngx_http_sealed_journal_cleanup(void *data);
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


/* all that waits is written, and that this was the end */

void
ngx_http_sealed_journals_exit(ngx_http_sealed_main_conf_t *smcf)
{
    int                             rc;
    ngx_uint_t                      i;
    ngx_http_sealed_journal_t      *j;
    ngx_http_sealed_zone_conf_t   **zone;
    const sealed_journal_batch_t   *batch;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        j = zone[i]->journal.stream;

        if (j == NULL) {
            continue;
        }

        /* nginx has waited for the threads, but tells nobody any more */

        if (j->busy) {
            if (j->writer.under_way) {
                sealed_journal_done(&j->writer, j->rc ? -1 : 0);
            }

            j->busy = 0;
        }

        ngx_http_sealed_rewrite_exit(j);

        rc = ngx_http_sealed_journal_last(zone[i])
             ? ngx_http_sealed_journal_certificates(j) : 0;

        if (rc == 0
            && ngx_http_sealed_journal_put_empty(j, SEALED_JOURNAL_END)
               == NGX_OK)
        {
            batch = sealed_journal_take(&j->writer);
            rc = batch ? sealed_journal_commit(&j->output, batch, 0) : 0;
        }

        if (rc == 0) {
            rc = sealed_journal_finish(&j->output);
        }

        if (rc != 0) {
            ngx_log_error(NGX_LOG_ERR, j->log, rc,
                          "the end of journal \"%V\" could not be written",
                          &zone[i]->journal.path);
        }

        sealed_journal_directory_close(&j->directory);
        sodium_memzero(j->writer.key, sizeof(j->writer.key));
        zone[i]->journal.stream = NULL;
    }
}


/*
 * Whether no other worker writes any more.  Of two that leave at once both
 * may see that, which does no harm.
 */

static ngx_uint_t
ngx_http_sealed_journal_last(ngx_http_sealed_zone_conf_t *zone)
{
    uint32_t        i;
    sealed_zone_t  *z;

    z = zone->zone;

    __atomic_store_n(&z->workers[z->worker].journal, 0, __ATOMIC_SEQ_CST);

    for (i = 0; i < SEALED_WORKERS; i++) {
        if (i != z->worker
            && __atomic_load_n(&z->workers[i].journal, __ATOMIC_SEQ_CST)
            && sealed_worker_taken(z, i))
        {
            return 0;
        }
    }

    return 1;
}


/*
 * At the end of nginx: budgets and windows of the certificates that were used
 * since the last snapshot began.  An error number, or 0.
 */

static int
ngx_http_sealed_journal_certificates(ngx_http_sealed_journal_t *j)
{
    int                             rc;
    uint64_t                        since;
    ngx_uint_t                      lost;
    sealed_zone_t                  *zone;
    sealed_snapshot_result_t        result;
    const sealed_journal_batch_t   *batch;
    sealed_certificate_snapshot_t   walk;

    zone = j->zone->zone;
    since = zone->header->journal.begun;

    /* none yet, or the clock was put back: all certificates */

    if (since == 0 || since > (uint64_t) ngx_time()) {
        since = 1;
    }

    sealed_certificate_snapshot_init(&walk, since);
    lost = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, zone, &j->writer,
                                                  ngx_time());

        if (result == SEALED_SNAPSHOT_WAIT) {
            batch = sealed_journal_take(&j->writer);
            rc = batch ? sealed_journal_commit(&j->output, batch, 0)
                       : NGX_ENOSPC;
            sealed_journal_done(&j->writer, rc ? -1 : 0);

            if (rc != 0) {
                return rc;
            }
        }

        lost += result == SEALED_SNAPSHOT_LOST;

    } while (result != SEALED_SNAPSHOT_DONE);

    if (lost) {
        ngx_log_error(NGX_LOG_ERR, j->log, 0,
                      "the locks of %ui of %uD parts of sealed zone \"%V\" "
                      "are lost: what certificates in them have spent since "
                      "the last rewriting is not in journal \"%V\"", lost,
                      zone->shard_mask + 1, &j->zone->name,
                      &j->zone->journal.path);
    }

    return 0;
}


/* a worker died; what it had answered and not yet written is in the zone */

void
ngx_http_sealed_journals_reaped(ngx_http_sealed_zone_conf_t *zone)
{
    if (zone->journal.stream) {
        ngx_http_sealed_rewrite_want(zone);
    }
}


/* whether mail can be taken: what is answered will be on disk */

ngx_uint_t
ngx_http_sealed_journal_ready(ngx_http_sealed_zone_conf_t *zone)
{
    ngx_http_sealed_journal_t     *j;
    sealed_zone_journal_t         *shared;

    j = zone->journal.stream;

    if (j == NULL) {
        return zone->journal.path.len == 0;
    }

    shared = &zone->zone->header->journal;

    return !j->writer.failed
           && __atomic_load_n(&shared->complete, __ATOMIC_ACQUIRE)
              >= __atomic_load_n(&shared->needed, __ATOMIC_ACQUIRE);
}


/*
 * Room for a record, or NULL.  Mail leaves an eighth of the batch to records
 * that make room.
 */

u_char *
ngx_http_sealed_journal_reserve(ngx_http_sealed_zone_conf_t *zone,
    size_t size, ngx_uint_t mail)
{
    sealed_journal_batch_t     *batch;
    ngx_http_sealed_journal_t  *j;

    j = zone->journal.stream;

    if (j == NULL) {
        return NULL;
    }

    batch = &j->writer.batch[j->writer.filling];

    if (mail
        && (!ngx_http_sealed_journal_ready(zone)
            || (batch->used
                && batch->used + size
                   > batch->capacity - batch->capacity / 8)))
    {
        return NULL;
    }

    return sealed_journal_reserve(&j->writer, size,
                                  (uint32_t) (ngx_time() / 3600));
}


void
ngx_http_sealed_journal_put(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, size_t size)
{
    ngx_http_sealed_journal_t  *j;

    j = ctx->zone->journal.stream;
    sealed_journal_put(&j->writer, kind, size);
    ctx->journaled = 1;

    /* once for all requests of this turn */

    ngx_post_event(&j->turn, &ngx_posted_events);
}


/* of the owner's mailbox, before it is changed; 0: there is no journal */

uint32_t
ngx_http_sealed_journal_life(ngx_http_sealed_ctx_t *ctx)
{
    sealed_mailbox_status_t  status;

    return ctx->zone->journal.stream
           && sealed_mailbox_status(ctx->zone->zone, ctx->mailbox, ngx_time(),
                                    &status)
              == SEALED_OK
           ? status.life : 0;
}


/* an end or an acknowledgement: never refused for the journal's sake */

void
ngx_http_sealed_journal_change(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, uint32_t life, uint64_t value)
{
    u_char                   *payload;
    sealed_journal_change_t   change;

    if (ctx->zone->journal.stream == NULL || life == 0) {
        return;
    }

    payload = ngx_http_sealed_journal_reserve(ctx->zone,
                                              SEALED_JOURNAL_CLOSE_SIZE, 0);

    if (payload == NULL) {
        ngx_http_sealed_rewrite_want(ctx->zone);
        return;
    }

    ngx_memcpy(change.id, ctx->mailbox, SEALED_MAILBOX_ID_SIZE);
    change.life = life;
    change.value = value;

    sealed_journal_change_encode(payload, &change);
    ngx_http_sealed_journal_put(ctx, kind, SEALED_JOURNAL_CLOSE_SIZE);
}


/*
 * A mailbox that is asked for after a day or more.  Nobody waits for it;
 * should it not get to the disk, the next snapshot has it.
 */

void
ngx_http_sealed_journal_active(ngx_http_sealed_zone_conf_t *zone,
    const u_char *id)
{
    u_char                     *payload;
    ngx_http_sealed_journal_t  *j;

    j = zone->journal.stream;
    payload = ngx_http_sealed_journal_reserve(zone, SEALED_JOURNAL_OPEN_SIZE,
                                              0);

    if (payload == NULL) {
        ngx_http_sealed_rewrite_want(zone);
        return;
    }

    if (sealed_snapshot_mailbox(zone->zone, id, payload) == 0) {
        sealed_journal_put(&j->writer, SEALED_JOURNAL_OPEN,
                           SEALED_JOURNAL_OPEN_SIZE);
        ngx_post_event(&j->turn, &ngx_posted_events);
    }
}


/*
 * A mailbox that idled too long, or whose key line left.  Nobody waits for
 * it; should it not get to the disk, the next snapshot is without it.
 */

void
ngx_http_sealed_journal_ended(ngx_http_sealed_zone_conf_t *zone,
    const sealed_expiry_note_t *note)
{
    u_char                     *payload;
    sealed_journal_change_t     change;
    ngx_http_sealed_journal_t  *j;

    j = zone->journal.stream;
    payload = ngx_http_sealed_journal_reserve(zone,
                                              SEALED_JOURNAL_CLOSE_SIZE, 0);

    if (payload == NULL) {
        ngx_http_sealed_rewrite_want(zone);
        return;
    }

    ngx_memcpy(change.id, note->id, SEALED_MAILBOX_ID_SIZE);
    change.life = note->life;
    change.value = note->until;

    sealed_journal_change_encode(payload, &change);
    sealed_journal_put(&j->writer, SEALED_JOURNAL_CLOSE,
                       SEALED_JOURNAL_CLOSE_SIZE);
    ngx_post_event(&j->turn, &ngx_posted_events);
}


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


static ngx_int_t
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
ngx_http_sealed_journals_exit(ngx_http_sealed_main_conf_t *smcf)
{
}


void
ngx_http_sealed_journals_reaped(ngx_http_sealed_zone_conf_t *zone)
{
}


ngx_uint_t
ngx_http_sealed_journal_ready(ngx_http_sealed_zone_conf_t *zone)
{
    return 1;
}


u_char *
ngx_http_sealed_journal_reserve(ngx_http_sealed_zone_conf_t *zone,
    size_t size, ngx_uint_t mail)
{
    return NULL;
}


void
ngx_http_sealed_journal_put(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, size_t size)
{
}


uint32_t
ngx_http_sealed_journal_life(ngx_http_sealed_ctx_t *ctx)
{
    return 0;
}


void
ngx_http_sealed_journal_change(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, uint32_t life, uint64_t value)
{
}


void
ngx_http_sealed_journal_active(ngx_http_sealed_zone_conf_t *zone,
    const u_char *id)
{
}


void
ngx_http_sealed_journal_ended(ngx_http_sealed_zone_conf_t *zone,
    const sealed_expiry_note_t *note)
{
}


ngx_int_t
ngx_http_sealed_journal_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    u_char *data, size_t size)
{
    return ngx_http_sealed_respond(r, status, type, data, size);
}


#endif
