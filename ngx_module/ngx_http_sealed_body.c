
#include "ngx_http_sealed.h"


static ngx_int_t ngx_http_sealed_hash_body(ngx_http_request_t *r,
    u_char digest[32]);


/* for a content handler, whose request handler() finalizes */

ngx_int_t
ngx_http_sealed_read_body(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler)
{
    ngx_int_t  rc;

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


/* in one piece; the location's buffer is large enough for any body */

ngx_int_t
ngx_http_sealed_body(ngx_http_request_t *r, sealed_bytes_t *body)
{
    size_t        size;
    u_char       *p;
    ngx_chain_t  *cl, *bufs;

    body->data = (u_char *) "";
    body->size = 0;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    if (bufs == NULL) {
        return NGX_OK;
    }

    if (bufs->next == NULL && !bufs->buf->in_file) {
        body->data = bufs->buf->pos;
        body->size = bufs->buf->last - bufs->buf->pos;
        return NGX_OK;
    }

    size = 0;

    for (cl = bufs; cl; cl = cl->next) {

        if (cl->buf->in_file) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "sealed: request body is not in memory");
            return NGX_ERROR;
        }

        size += cl->buf->last - cl->buf->pos;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    body->data = p;
    body->size = size;

    for (cl = bufs; cl; cl = cl->next) {
        p = ngx_cpymem(p, cl->buf->pos, cl->buf->last - cl->buf->pos);
    }

    return NGX_OK;
}


sealed_verdict_t
ngx_http_sealed_check_digest(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    u_char  digest[32];

    if (!ctx->request.has_body) {
        return SEALED_OK;
    }

    if (ctx->operation == SEALED_OP_SEND) {
        sealed_append_prefetch(ctx->zone->zone, ctx->mailbox, 1);
    }

    if (ngx_http_sealed_hash_body(r, digest) != NGX_OK) {
        return SEALED_UNAVAILABLE;
    }

    return ngx_memcmp(digest, ctx->digest, 32) == 0 ? SEALED_OK
                                                    : SEALED_DIGEST_MISMATCH;
}


static ngx_int_t
ngx_http_sealed_hash_body(ngx_http_request_t *r, u_char digest[32])
{
    off_t             offset;
    u_char           *page;
    size_t            size;
    ssize_t           n;
    ngx_buf_t        *b;
    ngx_chain_t      *cl;
    sealed_sha256_t   sha256;

    sealed_sha256_init(&sha256);
    page = NULL;

    for (cl = r->request_body ? r->request_body->bufs : NULL;
         cl;
         cl = cl->next)
    {
        b = cl->buf;

        if (!b->in_file) {
            sealed_sha256_update(&sha256, b->pos, b->last - b->pos);
            continue;
        }

        /* only in front of other content, with a body over the buffer */

        if (page == NULL) {
            page = ngx_pnalloc(r->pool, ngx_pagesize);
            if (page == NULL) {
                return NGX_ERROR;
            }
        }

        for (offset = b->file_pos; offset < b->file_last; offset += n) {
            size = ngx_min((off_t) ngx_pagesize, b->file_last - offset);
            n = ngx_read_file(b->file, page, size, offset);

            if (n <= 0) {
                return NGX_ERROR;
            }

            sealed_sha256_update(&sha256, page, n);
        }
    }

    sealed_sha256_final(&sha256, digest);

    return NGX_OK;
}
