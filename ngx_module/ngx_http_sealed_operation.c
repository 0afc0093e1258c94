
#include "ngx_http_sealed.h"

#include <sodium.h>


static ngx_int_t ngx_http_sealed_open(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_open_record(ngx_http_sealed_ctx_t *ctx,
    u_char *record, u_char *key, uint32_t tag,
    sealed_mailbox_status_t *status);
static ngx_int_t ngx_http_sealed_ticket(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_respond_status(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status,
    sealed_mailbox_status_t *mailbox);
static ngx_int_t ngx_http_sealed_send(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_frank(ngx_http_sealed_ctx_t *ctx,
    u_char commitment[SEALED_COMMITMENT_SIZE]);
static void ngx_http_sealed_stamp(ngx_http_sealed_ctx_t *ctx,
    sealed_fanout_t *fanout, const u_char *commitment, u_char *stamp);
static sealed_verdict_t ngx_http_sealed_layout(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_fanout_t *fanout,
    sealed_append_t *append);
static sealed_verdict_t ngx_http_sealed_append(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_append_t *append);
static ngx_int_t ngx_http_sealed_respond_fanout(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_append_t *append);
static void ngx_http_sealed_log_full(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);


/* the body, if any, has been read; headers hold */

ngx_int_t
ngx_http_sealed_operate(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    uint32_t                 life;
    uint64_t                 wake;
    sealed_verdict_t         verdict;
    sealed_mailbox_status_t  status;

    verdict = ngx_http_sealed_check_digest(r, ctx);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    ngx_http_sealed_spend(ctx);

    if (ctx->operation == SEALED_OP_SEND
        || ctx->operation == SEALED_OP_FANOUT)
    {
        return ngx_http_sealed_send(r, ctx);
    }

    if (sealed_query_parse(&ctx->query, ctx->operation,
                           ctx->request.value[SEALED_QUERY])
        != 0)
    {
        return ngx_http_sealed_respond_problem(r, SEALED_BAD_QUERY, ctx);
    }

    if (ctx->operation == SEALED_OP_OPEN) {
        return ngx_http_sealed_open(r, ctx);
    }

    if (ctx->nonce_verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, ctx->nonce_verdict, ctx);
    }

    switch (ctx->operation) {

    case SEALED_OP_STATUS:
        verdict = sealed_mailbox_status(ctx->zone->zone, ctx->mailbox,
                                        ngx_time(), &status);

        if (verdict == SEALED_OK) {
            return ngx_http_sealed_respond_status(r, ctx, NGX_HTTP_OK,
                                                  &status);
        }

        break;

    case SEALED_OP_CLOSE:
        life = ngx_http_sealed_journal_life(ctx);
        verdict = sealed_mailbox_close(ctx->zone->zone, ctx->mailbox,
                                       ngx_time(), &wake);
        ngx_http_sealed_wake(wake);

        if (verdict == SEALED_OK) {
            ngx_http_sealed_journal_change(ctx, SEALED_JOURNAL_CLOSE, life,
                                           ngx_time()
                                           + SEALED_CLOSED_SECONDS);
        }

        break;

    case SEALED_OP_TICKET:
        return ngx_http_sealed_ticket(r, ctx);

    case SEALED_OP_ACKNOWLEDGE:
        life = ngx_http_sealed_journal_life(ctx);
        verdict = sealed_mailbox_acknowledge(ctx->zone->zone, ctx->mailbox,
                                             ctx->query.through, ngx_time());

        if (verdict == SEALED_OK) {
            ngx_http_sealed_journal_change(ctx, SEALED_JOURNAL_ACKNOWLEDGE,
                                           life, ctx->query.through);
        }

        break;

    default: /* SEALED_OP_READ, SEALED_OP_FOLLOW */
        return ngx_http_sealed_read(r, ctx);
    }

    /* ended since it was checked: an owner is told what strangers are */

    if (verdict == SEALED_NO_MAILBOX) {
        verdict = SEALED_UNAUTHORIZED;
    }

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    return ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_NO_CONTENT, NULL,
                                           NULL, 0);
}


static ngx_int_t
ngx_http_sealed_open(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    int                       rc;
    size_t                    size;
    u_char                    owner[32], id[SEALED_MAILBOX_ID_SIZE], key[32];
    u_char                   *record;
    unsigned                  created;
    sealed_bytes_t            value;
    sealed_verdict_t          verdict;
    const sealed_key_line_t  *line;
    sealed_mailbox_status_t   status;

    value = ctx->request.value[SEALED_MAILBOX_KEY];

    /* the client's: it may still know an older one */

    line = sealed_master_secret_find(ctx->zone->secret, ctx->tag);

    rc = value.data == NULL
         || sealed_byte_sequence_decode(owner, sizeof(owner), &size, value)
         || size != sizeof(owner)
         || line == NULL;

    if (rc == 0) {
        sealed_mailbox_id(id, owner);

        rc = ngx_memcmp(id, ctx->mailbox, sizeof(id)) != 0
             || sealed_mailbox_request_key(key, id, line->exchange_private,
                                           owner);
    }

    if (rc != 0) {
        return ngx_http_sealed_respond_problem(r, SEALED_BAD_MAILBOX_KEY,
                                               ctx);
    }

    verdict = ctx->nonce_verdict;

    if (verdict == SEALED_OK) {
        verdict = ngx_http_sealed_charge(ctx, 1);
    }

    record = NULL;

    if (verdict == SEALED_OK && ctx->zone->journal.path.len) {
        record = ngx_http_sealed_journal_reserve(ctx->zone,
                                                 SEALED_JOURNAL_OPEN_SIZE, 1);
        if (record == NULL) {
            verdict = SEALED_UNAVAILABLE;
        }
    }

    if (verdict == SEALED_OK) {
        verdict = sealed_mailbox_open(ctx->zone->zone, ctx->mailbox, key,
                                      line->tag, ctx->id,
                                      ctx->class->mailboxes, ngx_time(),
                                      &created, &status);
    }

    /* also when it is open: an earlier answer may never have left */

    if (verdict == SEALED_OK && record) {
        ngx_http_sealed_open_record(ctx, record, key, line->tag, &status);
    }

    ngx_explicit_memzero(key, sizeof(key));

    if (verdict == SEALED_ZONE_FULL) {
        ngx_http_sealed_log_full(r, ctx);
    }

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    return ngx_http_sealed_respond_status(r, ctx, created ? NGX_HTTP_CREATED
                                                          : NGX_HTTP_OK,
                                          &status);
}


static void
ngx_http_sealed_open_record(ngx_http_sealed_ctx_t *ctx, u_char *record,
    u_char *key, uint32_t tag, sealed_mailbox_status_t *status)
{
    sealed_journal_mailbox_t  mailbox;

    ngx_memcpy(mailbox.id, ctx->mailbox, sizeof(mailbox.id));
    ngx_memcpy(mailbox.key, key, sizeof(mailbox.key));
    mailbox.life = status->life;
    mailbox.tag = tag;
    mailbox.active_hour = (uint32_t) (ngx_time() / 3600);
    mailbox.dated = 1;
    mailbox.through = status->first - 1;
    mailbox.next = status->next;

    sealed_journal_open_encode(record, &mailbox);
    ngx_http_sealed_journal_put(ctx, SEALED_JOURNAL_OPEN,
                                SEALED_JOURNAL_OPEN_SIZE);
    ngx_explicit_memzero(mailbox.key, sizeof(mailbox.key));
}


static ngx_int_t
ngx_http_sealed_ticket(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    char                      text[SEALED_TICKET_TEXT];
    u_char                   *data, key[SEALED_KEY_SIZE];
    uint32_t                  tag;
    sealed_json_t             json;
    sealed_ticket_t           ticket;
    const sealed_key_line_t  *line;

    line = NULL;

    if (sealed_mailbox_find(ctx->zone->zone, ctx->mailbox, key, &tag) == 0) {
        line = sealed_master_secret_find(ctx->zone->secret, tag);
        ngx_explicit_memzero(key, sizeof(key));
    }

    if (line == NULL) {
        return ngx_http_sealed_respond_problem(r, SEALED_UNAUTHORIZED, ctx);
    }

    data = ngx_pnalloc(r->pool, 64 + SEALED_TICKET_TEXT);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ticket.expiry = ngx_time() + SEALED_TICKET_SECONDS;
    randombytes_buf(ticket.random, sizeof(ticket.random));
    sealed_ticket_issue(text, &ticket, line->ticket_key, ctx->mailbox);

    sealed_json_init(&json, (char *) data, 64 + SEALED_TICKET_TEXT);
    sealed_json_object(&json);
    sealed_json_name(&json, "ticket");
    sealed_json_string(&json, text, sizeof(text));
    sealed_json_name(&json, "expires_in");
    sealed_json_uint(&json, SEALED_TICKET_SECONDS);
    sealed_json_object_end(&json);

    return ngx_http_sealed_respond(r, NGX_HTTP_OK,
                                   &ngx_http_sealed_json_type, data,
                                   (u_char *) json.pos - data);
}


static ngx_int_t
ngx_http_sealed_respond_status(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status,
    sealed_mailbox_status_t *mailbox)
{
    u_char         *data;
    sealed_json_t   json;

    data = ngx_pnalloc(r->pool, 256);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sealed_json_init(&json, (char *) data, 256);
    sealed_json_object(&json);
    sealed_json_name(&json, "envelopes");
    sealed_json_uint(&json, mailbox->envelopes);
    sealed_json_name(&json, "bytes");
    sealed_json_uint(&json, mailbox->bytes);
    sealed_json_name(&json, "first");
    sealed_json_uint(&json, mailbox->first);
    sealed_json_name(&json, "next");
    sealed_json_uint(&json, mailbox->next);
    sealed_json_name(&json, "limits");
    sealed_json_object(&json);
    sealed_json_name(&json, "envelopes");
    sealed_json_uint(&json, ctx->zone->mailbox.envelopes);
    sealed_json_name(&json, "bytes");
    sealed_json_uint(&json, ctx->zone->mailbox.bytes);
    sealed_json_name(&json, "idle_seconds");
    sealed_json_uint(&json, ctx->zone->mailbox.idle_seconds);
    sealed_json_object_end(&json);
    sealed_json_object_end(&json);

    return ngx_http_sealed_journal_respond(r, ctx, status,
                                           &ngx_http_sealed_json_type, data,
                                           (u_char *) json.pos - data);
}


static ngx_int_t
ngx_http_sealed_send(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    u_char             commitment[SEALED_COMMITMENT_SIZE];
    u_char             stamp[SEALED_STAMP_SIZE];
    sealed_append_t    append;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    verdict = ngx_http_sealed_layout(r, ctx, &fanout, &append);

    if (verdict == SEALED_OK) {
        verdict = ngx_http_sealed_frank(ctx, commitment);
    }

    if (verdict == SEALED_OK) {
        verdict = ctx->nonce_verdict;
    }

    if (verdict == SEALED_OK) {
        verdict = ngx_http_sealed_charge(ctx, fanout.count);
    }

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    append.fanout = &fanout;
    append.stamp.data = NULL;
    append.stamp.size = 0;

    if (ctx->request.value[SEALED_FRANK].data) {
        ngx_http_sealed_stamp(ctx, &fanout, commitment, stamp);
        append.stamp.data = stamp;
        append.stamp.size = SEALED_STAMP_SIZE;
    }

    append.results = ngx_pnalloc(r->pool, fanout.count);
    if (append.results == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    verdict = ctx->online
              ? ngx_http_sealed_online_send(ctx->zone, &append)
              : ctx->zone->journal.path.len
              ? ngx_http_sealed_append(r, ctx, &append)
              : sealed_append(ctx->zone->zone, &append, ngx_time());

    ngx_http_sealed_wake(append.wake);

    if (verdict == SEALED_ZONE_FULL) {
        ngx_http_sealed_log_full(r, ctx);
    }

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    if (ctx->operation == SEALED_OP_FANOUT) {
        return ngx_http_sealed_respond_fanout(r, ctx, &append);
    }

    if (append.accepted == 0) {
        verdict = append.results[0] == SEALED_REFUSED_FULL
                  ? SEALED_MAILBOX_FULL : SEALED_NO_MAILBOX;

        return ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    return ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_CREATED, NULL,
                                           NULL, 0);
}


/* with a record, for which there has to be room before anything is done */

static sealed_verdict_t
ngx_http_sealed_append(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_append_t *append)
{
    size_t                  size;
    u_char                 *record;
    uint32_t               *lives, count;
    uint64_t               *seqs;
    sealed_verdict_t        verdict;
    const sealed_fanout_t  *fanout;

    fanout = append->fanout;
    count = fanout->count;
    append->accepted = 0;
    append->wake = 0;

    seqs = ngx_palloc(r->pool, count * sizeof(uint64_t));
    lives = ngx_palloc(r->pool, count * sizeof(uint32_t));

    if (seqs == NULL || lives == NULL) {
        return SEALED_UNAVAILABLE;
    }

    size = sealed_journal_envelope_size(count, fanout->slice_size,
                                        append->stamp.size,
                                        fanout->body.size);

    record = ngx_http_sealed_journal_reserve(ctx->zone, size, 1);

    if (record == NULL) {
        return SEALED_UNAVAILABLE;
    }

    verdict = sealed_append_noted(ctx->zone->zone, append, seqs, lives,
                                  ngx_time());

    if (append->accepted) {
        size = sealed_journal_envelope_size(append->accepted,
                                            fanout->slice_size,
                                            append->stamp.size,
                                            fanout->body.size);

        sealed_journal_envelope_encode(record, fanout, append->results,
                                       append->accepted, lives, seqs,
                                       (uint32_t) (ngx_time() / 3600),
                                       (uint32_t) append->expiry_hour,
                                       append->stamp);
        ngx_http_sealed_journal_put(ctx, SEALED_JOURNAL_ENVELOPE, size);
    }

    return verdict;
}


/* Sealed-Frank, if it is there */

static sealed_verdict_t
ngx_http_sealed_frank(ngx_http_sealed_ctx_t *ctx,
    u_char commitment[SEALED_COMMITMENT_SIZE])
{
    size_t          size;
    sealed_bytes_t  value;

    value = ctx->request.value[SEALED_FRANK];

    return value.data == NULL
           || (sealed_byte_sequence_decode(commitment,
                                           SEALED_COMMITMENT_SIZE, &size,
                                           value)
               == 0
               && size == SEALED_COMMITMENT_SIZE)
           ? SEALED_OK : SEALED_BAD_HEADER;
}


/* for a report; without the franking key it says nothing */

static void
ngx_http_sealed_stamp(ngx_http_sealed_ctx_t *ctx, sealed_fanout_t *fanout,
    const u_char *commitment, u_char *stamp)
{
    u_char          key[32], nonce[SEALED_STAMP_NONCE_SIZE], digest[32];
    sealed_stamp_t  what;

    ngx_memcpy(what.certificate_id, ctx->id, SEALED_CERTIFICATE_ID_SIZE);
    what.class = ctx->class->number;
    what.epoch = (uint32_t) (ngx_time() / ctx->zone->epoch);
    what.hour = (uint32_t) (ngx_time() / 3600);

    sealed_key_line_franking_key(key, &ctx->zone->secret->line[0],
                                 what.epoch);
    randombytes_buf(nonce, sizeof(nonce));
    sealed_sha256(digest, fanout->body.data, fanout->body.size);

    sealed_stamp_make(stamp, &what, commitment, nonce, key, digest);

    ngx_explicit_memzero(key, sizeof(key));
}


static sealed_verdict_t
ngx_http_sealed_layout(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_fanout_t *fanout, sealed_append_t *append)
{
    uint32_t          *table, slots;
    uint64_t           ttl;
    sealed_bytes_t     body, value;
    sealed_verdict_t   verdict;

    if (sealed_query_parse(&ctx->query, ctx->operation,
                           ctx->request.value[SEALED_QUERY])
        != 0)
    {
        return SEALED_BAD_QUERY;
    }

    if (ngx_http_sealed_body(r, &body) != NGX_OK) {
        return SEALED_UNAVAILABLE;
    }

    ttl = ctx->zone->max_ttl;
    value = ctx->request.value[SEALED_TTL];

    if (value.data && sealed_ttl_parse(&ttl, value) != 0) {
        return SEALED_BAD_HEADER;
    }

    value = ctx->request.value[SEALED_DELIVERY];

    if (value.data
        && (value.size != sizeof("online") - 1
            || ngx_memcmp(value.data, "online", value.size) != 0))
    {
        return SEALED_BAD_HEADER;
    }

    ctx->online = value.data || ttl == 0;

    ttl = ngx_min(ttl, (uint64_t) ctx->zone->max_ttl);
    append->expiry_hour = (ngx_time() + ttl + 3599) / 3600;
    append->hashed = 0;

    if (ctx->operation == SEALED_OP_SEND) {
        fanout->recipients = ctx->mailbox;
        fanout->count = 1;
        fanout->headers = NULL;
        fanout->slice_size = 0;
        fanout->body = body;

        append->scratch = ngx_palloc(r->pool, sealed_append_scratch(1));

        return append->scratch ? SEALED_OK : SEALED_UNAVAILABLE;
    }

    verdict = sealed_fanout_parse(fanout, body, &ctx->zone->limits);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    slots = 4;

    while (slots < fanout->count * 2) {
        slots *= 2;
    }

    table = ngx_palloc(r->pool, slots * sizeof(uint32_t));
    append->scratch = ngx_palloc(r->pool,
                                 sealed_append_scratch(fanout->count));

    if (table == NULL || append->scratch == NULL) {
        return SEALED_UNAVAILABLE;
    }

    /* by the zone's key, so that the ids are not hashed once more */

    if (sealed_fanout_duplicates(fanout, append->scratch, table, slots,
                                 ctx->zone->zone->header->hash_key)
        != 0)
    {
        return SEALED_DUPLICATE_RECIPIENT;
    }

    append->hashed = 1;

    return SEALED_OK;
}


static ngx_int_t
ngx_http_sealed_respond_fanout(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_append_t *append)
{
    size_t          size;
    u_char         *data;
    uint32_t        i, count;
    sealed_json_t   json;

    count = append->fanout->count;

    size = 64 + (size_t) (count - append->accepted)
                * (sizeof("{\"recipient\":4294967295,"
                          "\"reason\":\"unknown\"},"));

    data = ngx_pnalloc(r->pool, size);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sealed_json_init(&json, (char *) data, size);
    sealed_json_object(&json);
    sealed_json_name(&json, "accepted");
    sealed_json_uint(&json, append->accepted);
    sealed_json_name(&json, "refused");
    sealed_json_array(&json);

    for (i = 0; i < count; i++) {

        if (append->results[i] == SEALED_ACCEPTED) {
            continue;
        }

        sealed_json_object(&json);
        sealed_json_name(&json, "recipient");
        sealed_json_uint(&json, i);
        sealed_json_name(&json, "reason");

        if (append->results[i] == SEALED_REFUSED_FULL) {
            sealed_json_string(&json, "full", 4);

        } else {
            sealed_json_string(&json, "unknown", 7);
        }

        sealed_json_object_end(&json);
    }

    sealed_json_array_end(&json);
    sealed_json_object_end(&json);

    return ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_OK,
                                           &ngx_http_sealed_json_type, data,
                                           (u_char *) json.pos - data);
}


/* once a minute and worker is enough to be seen */

static void
ngx_http_sealed_log_full(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    static time_t  next;

    if (ngx_time() < next) {
        return;
    }

    next = ngx_time() + 60;

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "sealed zone \"%V\" is full, requests are refused",
                  &ctx->zone->name);
}
