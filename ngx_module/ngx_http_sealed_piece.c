
#include "ngx_http_sealed_reader.h"
#include "../src/item.h"


/*
 * Pieces of mail on their way from the store to a client.  All readers of a
 * worker share what the store writes to; a piece has memory of its own, from
 * when it is encoded until it is gone.
 */

static ngx_int_t ngx_http_sealed_reader_encode(
    ngx_http_sealed_reader_t *reader, size_t used);


static u_char  *ngx_http_sealed_stage;
static size_t   ngx_http_sealed_stage_size;


/* readers that wait rely on what there is: it only grows */

ngx_int_t
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
 * A piece from the store, encoded into a buffer of its own.  Without one the
 * reader is registered for a wake-up if it may wait.
 */

sealed_verdict_t
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


void
ngx_http_sealed_reader_free(void *data)
{
    ngx_http_sealed_reader_t  *reader = data;

    if (reader->buf.start) {
        ngx_free(reader->buf.start);
        ngx_memzero(&reader->buf, sizeof(ngx_buf_t));
    }
}
