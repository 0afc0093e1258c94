
#include "ngx_http_sealed.h"


#define ngx_http_sealed_const(s)  (u_char *) s, sizeof(s) - 1


ngx_str_t  ngx_http_sealed_json_type = ngx_string("application/json");

static ngx_int_t ngx_http_sealed_add_credentials(ngx_http_request_t *r,
    ngx_str_t *origin);


static ngx_str_t  ngx_http_sealed_problem_type =
    ngx_string("application/problem+json");


ngx_int_t
ngx_http_sealed_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t size)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = value;
    h->value.len = size;

    return NGX_OK;
}


/* what every answer of the gateway itself has */

ngx_int_t
ngx_http_sealed_add_headers(ngx_http_request_t *r)
{
    ngx_str_t                   *origin;
    ngx_http_sealed_loc_conf_t  *slcf;

    /* what a request asked for has been done: not to be called unmodified */

    r->disable_not_modified = 1;

    if (ngx_http_sealed_add_header(r, "Cache-Control",
                                   ngx_http_sealed_const("no-store"))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    /* pages that an operator happens to look at are not to work for him */

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->moderation || slcf->status) {
        return NGX_OK;
    }

    origin = ngx_http_sealed_issue_origin(r);

    if ((origin && ngx_http_sealed_add_credentials(r, origin) != NGX_OK)
        || (!origin
            && ngx_http_sealed_add_header(r, "Access-Control-Allow-Origin",
                                          ngx_http_sealed_const("*"))
               != NGX_OK)
        || ngx_http_sealed_add_header(r, "Access-Control-Expose-Headers",
                                  ngx_http_sealed_const("Retry-After, Date"))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* cookies and the like of an account may come along, from this origin */

static ngx_int_t
ngx_http_sealed_add_credentials(ngx_http_request_t *r, ngx_str_t *origin)
{
    if (ngx_http_sealed_add_header(r, "Access-Control-Allow-Origin",
                                   origin->data, origin->len)
        != NGX_OK
        || ngx_http_sealed_add_header(r, "Access-Control-Allow-Credentials",
                                      ngx_http_sealed_const("true"))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_sealed_add_header(r, "Vary",
                                      ngx_http_sealed_const("Origin"));
}


/* size -1: not known; NGX_OK, or what the request ends with */

ngx_int_t
ngx_http_sealed_respond_head(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, off_t size)
{
    ngx_int_t  rc;

    if (ngx_http_sealed_add_headers(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_length_n = size;

    if (type) {
        r->headers_out.content_type = *type;
        r->headers_out.content_type_len = type->len;
        r->headers_out.content_type_lowcase = NULL;
    }

#if (NGX_HTTP_GZIP)

    /* ciphertext gains nothing, and the state takes 256k for each reader */

    r->gzip_tested = 1;
    r->gzip_ok = 0;

#endif

    rc = ngx_http_send_header(r);

    return rc == NGX_AGAIN ? NGX_OK : rc;
}


ngx_int_t
ngx_http_sealed_respond(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, u_char *data, size_t size)
{
    ngx_int_t    rc;
    ngx_buf_t   *b;
    ngx_chain_t  out;

    if (status == NGX_HTTP_NO_CONTENT) {
        r->header_only = 1;
    }

    rc = ngx_http_sealed_respond_head(r, status, size ? type : NULL,
                                      r->header_only ? -1 : (off_t) size);

    if (rc != NGX_OK || r->header_only) {
        return rc;
    }

    b = ngx_calloc_buf(r->pool);
    if (b == NULL) {
        return NGX_ERROR;
    }

    if (size) {
        b->pos = data;
        b->last = data + size;
        b->memory = 1;
    }

    b->last_buf = (r == r->main);
    b->last_in_chain = 1;

    out.buf = b;
    out.next = NULL;

    return ngx_http_output_filter(r, &out);
}


ngx_int_t
ngx_http_sealed_respond_problem(ngx_http_request_t *r,
    sealed_verdict_t verdict, ngx_http_sealed_ctx_t *ctx)
{
    size_t                   size;
    u_char                  *data, *p;
    uint64_t                 retry_after;
    const sealed_problem_t  *problem;

    problem = sealed_problem(verdict);

    if (ctx) {
        ctx->outcome = verdict;
    }

    data = ngx_pnalloc(r->pool, SEALED_PROBLEM_MAX);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = sealed_problem_format((char *) data, verdict,
                                 verdict == SEALED_NONCE_USED && ctx
                                 && ctx->has_next
                                 ? &ctx->next : NULL);

    if (verdict == SEALED_UNAUTHORIZED
        && ngx_http_sealed_add_header(r, "WWW-Authenticate",
                                      ngx_http_sealed_const("SealedSender"))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (verdict == SEALED_HANDSHAKE_VERSION
        && ngx_http_sealed_add_header(r, "Sec-WebSocket-Version",
                                      ngx_http_sealed_const("13"))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    retry_after = ctx ? ctx->retry_after : 0;

    if (problem->status == NGX_HTTP_SERVICE_UNAVAILABLE && retry_after == 0) {
        retry_after = 5;
    }

    if (retry_after
        && (problem->status == NGX_HTTP_SERVICE_UNAVAILABLE
            || verdict == SEALED_NO_BUDGET || verdict == SEALED_NO_QUOTA))
    {
        p = ngx_pnalloc(r->pool, SEALED_DECIMAL_SIZE);
        if (p == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        if (ngx_http_sealed_add_header(r, "Retry-After", p,
                       (u_char *) sealed_decimal_encode((char *) p,
                                                        retry_after)
                       - p)
            != NGX_OK)
        {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    return ngx_http_sealed_respond(r, problem->status,
                                   &ngx_http_sealed_problem_type, data, size);
}


/* before the body was read; methods are those that the resource has */

ngx_int_t
ngx_http_sealed_refuse(ngx_http_request_t *r, sealed_verdict_t verdict,
    ngx_http_sealed_ctx_t *ctx, const char *methods)
{
    ngx_int_t  rc;

    /* who asks before it sends a body is not told to go on */

    r->expect_tested = 1;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    if (verdict == SEALED_METHOD_NOT_ALLOWED
        && ngx_http_sealed_add_header(r, "Allow", (u_char *) methods,
                                      ngx_strlen(methods))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_sealed_respond_problem(r, verdict, ctx);
}


ngx_int_t
ngx_http_sealed_respond_options(ngx_http_request_t *r, const char *methods)
{
    if (ngx_http_sealed_add_header(r, "Allow", (u_char *) methods,
                                   ngx_strlen(methods))
        != NGX_OK
        || ngx_http_sealed_add_header(r, "Access-Control-Allow-Methods",
                                      (u_char *) methods,
                                      ngx_strlen(methods))
           != NGX_OK
        || ngx_http_sealed_add_header(r, "Access-Control-Allow-Headers",
               ngx_http_sealed_const("Content-Type, Content-Digest, "
                   "Sealed-Certificate, Sealed-Mailbox-Key, Sealed-Delivery, "
                   "Sealed-Frank, Signature, Signature-Input, TTL"))
           != NGX_OK
        || ngx_http_sealed_add_header(r, "Access-Control-Max-Age",
                                      ngx_http_sealed_const("86400"))
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_sealed_respond(r, NGX_HTTP_NO_CONTENT, NULL, NULL, 0);
}
