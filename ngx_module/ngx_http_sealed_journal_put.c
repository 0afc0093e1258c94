
#include "ngx_http_sealed_journal.h"


#if (NGX_THREADS)


/*
 * What requests, and the clock, put into a worker's stream.  Of mailboxes
 * that end and envelopes that are acknowledged the journal is told whatever
 * its state: what it misses the next snapshot has.
 */


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


#else /* !NGX_THREADS: a configuration with a journal is refused */


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


#endif
