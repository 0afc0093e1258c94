
#include "ngx_http_sealed.h"


/*
 * A request before any key is looked at: its context, its headers, and what
 * its path, method, length and type allow.
 */

/* a place in the headers of a request */

typedef struct {
    ngx_list_part_t              *part;
    ngx_uint_t                    n;
} ngx_http_sealed_header_t;


static void ngx_http_sealed_ctx_cleanup(void *data);
static void ngx_http_sealed_collect(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_headers(ngx_http_request_t *r,
    ngx_http_sealed_header_t *header);
static ngx_uint_t ngx_http_sealed_next_header(
    ngx_http_sealed_header_t *header, sealed_bytes_t *name,
    sealed_bytes_t *value);
static ngx_uint_t ngx_http_sealed_has_type(ngx_http_request_t *r,
    ngx_str_t *type);
static ngx_uint_t ngx_http_sealed_serves(ngx_http_sealed_loc_conf_t *slcf,
    sealed_resource_t resource, const char **methods);


/* one for each zone, and for each of the two ways to use it */

ngx_http_sealed_ctx_t *
ngx_http_sealed_get_ctx(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf)
{
    ngx_uint_t                    access;
    ngx_pool_cleanup_t           *cln;
    ngx_http_sealed_ctx_t        *ctx;
    ngx_http_sealed_zone_conf_t  *zone;

    access = slcf->access != NULL;
    zone = slcf->zone ? slcf->zone
           : slcf->access ? slcf->access
           : slcf->issue ? slcf->issue : slcf->moderated;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ctx && ctx->zone == zone && ctx->access == access) {
        return ctx;
    }

    /*
     * An internal redirect clears contexts; a request that was checked
     * already must not have to spend its nonce twice.
     */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler == ngx_http_sealed_ctx_cleanup) {
            ctx = cln->data;

            if (ctx->zone == zone && ctx->access == access) {
                break;
            }
        }
    }

    if (cln == NULL) {
        cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_sealed_ctx_t));
        if (cln == NULL) {
            return NULL;
        }

        cln->handler = ngx_http_sealed_ctx_cleanup;

        ctx = cln->data;
        ngx_memzero(ctx, sizeof(ngx_http_sealed_ctx_t));
        ctx->zone = zone;
        ctx->access = access;

        ngx_http_sealed_collect(r, ctx);
    }

    ngx_http_set_ctx(r, ctx, ngx_http_sealed_module);

    return ctx;
}


/* marks the context among the pool's cleanups; there is nothing to clean */

static void
ngx_http_sealed_ctx_cleanup(void *data)
{
}


static void
ngx_http_sealed_collect(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    sealed_bytes_t             target, name, value;
    sealed_request_t          *request;
    ngx_http_sealed_header_t   header;

    request = &ctx->request;

    request->value[SEALED_METHOD].data = r->method_name.data;
    request->value[SEALED_METHOD].size = r->method_name.len;

    target.data = r->unparsed_uri.data;
    target.size = r->unparsed_uri.len;
    sealed_request_target(request, target);

    request->has_body = r->headers_in.content_length_n > 0;

    ngx_http_sealed_headers(r, &header);

    while (ngx_http_sealed_next_header(&header, &name, &value)) {
        sealed_request_header(request, name, value);
    }
}


/* how a client wants to read, and from where on */

void
ngx_http_sealed_reading_headers(ngx_http_request_t *r,
    sealed_reading_headers_t *headers)
{
    sealed_bytes_t            name, value;
    ngx_http_sealed_header_t  header;

    ngx_memzero(headers, sizeof(sealed_reading_headers_t));

    ngx_http_sealed_headers(r, &header);

    while (ngx_http_sealed_next_header(&header, &name, &value)) {
        sealed_reading_header(headers, name, value);
    }
}


static void
ngx_http_sealed_headers(ngx_http_request_t *r,
    ngx_http_sealed_header_t *header)
{
    header->part = &r->headers_in.headers.part;
    header->n = 0;
}


static ngx_uint_t
ngx_http_sealed_next_header(ngx_http_sealed_header_t *header,
    sealed_bytes_t *name, sealed_bytes_t *value)
{
    ngx_table_elt_t  *elt;

    while (header->n == header->part->nelts) {

        if (header->part->next == NULL) {
            return 0;
        }

        header->part = header->part->next;
        header->n = 0;
    }

    elt = (ngx_table_elt_t *) header->part->elts + header->n++;

    name->data = elt->lowcase_key;
    name->size = elt->key.len;
    value->data = elt->value.data;
    value->size = elt->value.len;

    return 1;
}


sealed_resource_t
ngx_http_sealed_route(ngx_http_sealed_ctx_t *ctx)
{
    sealed_bytes_t  prefix;

    prefix.data = ctx->zone->prefix.data;
    prefix.size = ctx->zone->prefix.len;

    return sealed_route(ctx->request.value[SEALED_PATH], prefix,
                        ctx->mailbox);
}


sealed_verdict_t
ngx_http_sealed_precheck(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx,
    const char **methods)
{
    off_t                 length;
    sealed_resource_t     resource;
    sealed_http_method_t  method;

    static ngx_str_t  fanout_type =
        ngx_string("application/vnd.sealed-sender.fanout+cbor");

    resource = ngx_http_sealed_route(ctx);

    if (!ngx_http_sealed_serves(slcf, resource, methods)) {
        return SEALED_NO_RESOURCE;
    }

    method = r->method == NGX_HTTP_GET ? SEALED_GET
             : r->method == NGX_HTTP_PUT ? SEALED_PUT
             : r->method == NGX_HTTP_POST ? SEALED_POST
             : r->method == NGX_HTTP_DELETE ? SEALED_DELETE
             : r->method == NGX_HTTP_OPTIONS ? SEALED_OPTIONS
             : SEALED_OTHER_METHOD;

    if (method == SEALED_OPTIONS) {
        return SEALED_OK;
    }

    ctx->operation = sealed_route_operation(resource, method);

    if (ctx->operation == SEALED_OP_NONE
        || (ctx->operation == SEALED_OP_SEND
            && !(slcf->resources & NGX_HTTP_SEALED_SEND))
        || (resource == SEALED_ROUTE_ENVELOPES
            && ctx->operation != SEALED_OP_SEND
            && !(slcf->resources & NGX_HTTP_SEALED_MAILBOX)))
    {
        return SEALED_METHOD_NOT_ALLOWED;
    }

    if (ctx->operation == SEALED_OP_READ) {
        ctx->operation = ngx_http_sealed_read_operation(r);
    }

    length = r->headers_in.content_length_n;

    if (ngx_http_sealed_length_unknown(r)
        || (length < 0 && (method == SEALED_POST || method == SEALED_PUT)))
    {
        return SEALED_LENGTH_REQUIRED;
    }

    if (ctx->operation == SEALED_OP_FANOUT) {
        if (!ngx_http_sealed_has_type(r, &fanout_type)) {
            return SEALED_MEDIA_TYPE;
        }

        return length > (off_t) sealed_fanout_max_size(&slcf->zone->limits)
               ? SEALED_BODY_TOO_LARGE : SEALED_OK;
    }

    if (ctx->operation == SEALED_OP_SEND) {
        return sealed_envelope_size_allowed(&slcf->zone->limits, length)
               ? SEALED_OK : SEALED_ENVELOPE_SIZE;
    }

    return length > 0 ? SEALED_BODY_TOO_LARGE : SEALED_OK;
}


/* a location may serve half of what there is to do with envelopes */

static ngx_uint_t
ngx_http_sealed_serves(ngx_http_sealed_loc_conf_t *slcf,
    sealed_resource_t resource, const char **methods)
{
    switch (resource) {

    case SEALED_ROUTE_MAILBOX:
        *methods = "GET, PUT, DELETE, OPTIONS";
        return slcf->resources & NGX_HTTP_SEALED_MAILBOX;

    case SEALED_ROUTE_ENVELOPES:
        *methods = !(slcf->resources & NGX_HTTP_SEALED_SEND)
                   ? "GET, DELETE, OPTIONS"
                   : !(slcf->resources & NGX_HTTP_SEALED_MAILBOX)
                   ? "POST, OPTIONS" : "GET, POST, DELETE, OPTIONS";
        return slcf->resources
               & (NGX_HTTP_SEALED_MAILBOX|NGX_HTTP_SEALED_SEND);

    case SEALED_ROUTE_TICKETS:
        *methods = "POST, OPTIONS";
        return slcf->resources & NGX_HTTP_SEALED_MAILBOX;

    case SEALED_ROUTE_FANOUT:
        *methods = "POST, OPTIONS";
        return slcf->resources & NGX_HTTP_SEALED_SEND;

    default:
        return 0;
    }
}


/* what path, method, length and type allow of a POST of its own resource */

sealed_verdict_t
ngx_http_sealed_post(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_resource_t resource, ngx_str_t *type)
{
    if (ngx_http_sealed_route(ctx) != resource) {
        return SEALED_NO_RESOURCE;
    }

    if (r->method != NGX_HTTP_POST) {
        return SEALED_METHOD_NOT_ALLOWED;
    }

    if (r->headers_in.content_length_n < 0) {
        return SEALED_LENGTH_REQUIRED;
    }

    return ngx_http_sealed_has_type(r, type) ? SEALED_OK : SEALED_MEDIA_TYPE;
}


static ngx_uint_t
ngx_http_sealed_has_type(ngx_http_request_t *r, ngx_str_t *type)
{
    ngx_str_t  *given;

    if (r->headers_in.content_type == NULL) {
        return 0;
    }

    given = &r->headers_in.content_type->value;

    return given->len == type->len
           && ngx_strncasecmp(given->data, type->data, type->len) == 0;
}


/* chunked, or on HTTP/2 a stream left open without Content-Length */

ngx_uint_t
ngx_http_sealed_length_unknown(ngx_http_request_t *r)
{
    if (r->headers_in.content_length_n >= 0) {
        return 0;
    }

    if (r->headers_in.chunked) {
        return 1;
    }

#if (NGX_HTTP_V2)
    if (r->stream && !r->stream->in_closed) {
        return 1;
    }
#endif

    return 0;
}
