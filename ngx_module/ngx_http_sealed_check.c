
#include "ngx_http_sealed.h"

#include <sodium.h>


static void ngx_http_sealed_ctx_cleanup(void *data);
static void ngx_http_sealed_collect(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_check_owner(
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_check_ticket(ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_check_birth(ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_check_certificate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t offload);
static const u_char *ngx_http_sealed_authority_key(
    ngx_http_sealed_zone_conf_t *zone, const u_char *id);
static ngx_int_t ngx_http_sealed_first_use(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const u_char *authority, ngx_uint_t offload);
static void ngx_http_sealed_address(ngx_connection_t *c,
    ngx_str_t *address);
static void ngx_http_sealed_first_use_work(void *data);
static void ngx_http_sealed_first_use_end(ngx_http_sealed_ctx_t *ctx);
static ngx_uint_t ngx_http_sealed_class_fits(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_hash_body(ngx_http_request_t *r,
    u_char digest[32]);


typedef struct {
    ngx_str_t                     name;
    ngx_uint_t                    component;
} ngx_http_sealed_header_t;


#define NGX_HTTP_SEALED_INPUT  SEALED_COMPONENTS
#define NGX_HTTP_SEALED_VALUE  (SEALED_COMPONENTS + 1)


static ngx_http_sealed_header_t  ngx_http_sealed_headers[] = {
    { ngx_string("content-digest"), SEALED_CONTENT_DIGEST },
    { ngx_string("sealed-certificate"), SEALED_CERTIFICATE },
    { ngx_string("ttl"), SEALED_TTL },
    { ngx_string("sealed-delivery"), SEALED_DELIVERY },
    { ngx_string("sealed-frank"), SEALED_FRANK },
    { ngx_string("sealed-mailbox-key"), SEALED_MAILBOX_KEY },
    { ngx_string("signature-input"), NGX_HTTP_SEALED_INPUT },
    { ngx_string("signature"), NGX_HTTP_SEALED_VALUE },
    { ngx_null_string, 0 }
};


static sealed_rate_limit_t  ngx_http_sealed_first_uses;
static ngx_uint_t           ngx_http_sealed_first_uses_ready;


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
    u_char                    *query;
    ngx_uint_t                 i;
    sealed_bytes_t            *value;
    ngx_list_part_t           *part;
    ngx_table_elt_t           *header;
    sealed_request_t          *request;
    ngx_http_sealed_header_t  *known;

    request = &ctx->request;

    request->value[SEALED_METHOD].data = r->method_name.data;
    request->value[SEALED_METHOD].size = r->method_name.len;

    value = &request->value[SEALED_PATH];
    value->data = r->unparsed_uri.data;
    value->size = r->unparsed_uri.len;

    query = ngx_strlchr(r->unparsed_uri.data,
                        r->unparsed_uri.data + r->unparsed_uri.len, '?');

    if (query) {
        value->size = query - value->data;
        value = &request->value[SEALED_QUERY];
        value->data = query + 1;
        value->size = r->unparsed_uri.data + r->unparsed_uri.len - value->data;
    }

    request->has_body = r->headers_in.content_length_n > 0;

    part = &r->headers_in.headers.part;
    header = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                break;
            }

            part = part->next;
            header = part->elts;
            i = 0;
        }

        for (known = ngx_http_sealed_headers; known->name.len; known++) {
            if (header[i].key.len == known->name.len
                && ngx_strncmp(header[i].lowcase_key, known->name.data,
                               known->name.len)
                   == 0)
            {
                break;
            }
        }

        if (known->name.len == 0) {
            continue;
        }

        value = known->component == NGX_HTTP_SEALED_INPUT
                ? &ctx->signature_input
                : known->component == NGX_HTTP_SEALED_VALUE
                ? &ctx->signature_value
                : &request->value[known->component];

        if (value->data) {
            ctx->repeated = 1;
        }

        value->data = header[i].value.data;
        value->size = header[i].value.len;
    }
}


/* how often a header is there, and what its last one says */

ngx_uint_t
ngx_http_sealed_header(ngx_http_request_t *r, const char *name,
    sealed_bytes_t *value)
{
    size_t            len;
    ngx_uint_t        i, n;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *header;

    n = 0;
    len = ngx_strlen(name);

    for (part = &r->headers_in.headers.part; part; part = part->next) {
        header = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (header[i].key.len == len
                && ngx_strncmp(header[i].lowcase_key, name, len) == 0)
            {
                value->data = header[i].value.data;
                value->size = header[i].value.len;
                n++;
            }
        }
    }

    return n;
}


/*
 * Everything that the headers alone allow; the body has not been read.  The
 * result is remembered, since variables may ask before the access phase does,
 * but for this location only: another one lets other classes pass.
 *
 * NGX_OK: ctx->verdict is it.  NGX_AGAIN, only with offload set: ask again
 * when ctx->pending is clear.
 */

ngx_int_t
ngx_http_sealed_check(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    ngx_uint_t offload)
{
    ngx_http_sealed_loc_conf_t  *slcf;

    if (ctx->pending) {
        return NGX_AGAIN;
    }

    if (ctx->first_use) {
        ngx_http_sealed_first_use_end(ctx);
        return NGX_OK;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (ctx->settled || ctx->checked == slcf) {
        return NGX_OK;
    }

    ctx->checked = slcf;
    ctx->class = NULL;
    ctx->by_owner = 0;
    ctx->verdict = SEALED_UNAUTHORIZED;

    if (ctx->operation == SEALED_OP_SEND) {
        sealed_append_prefetch(ctx->zone->zone, ctx->mailbox, 0);
    }

    if (ctx->operation == SEALED_OP_FOLLOW
        && sealed_query_parse(&ctx->query, SEALED_OP_FOLLOW,
                              ctx->request.value[SEALED_QUERY])
           == 0
        && ctx->query.ticket.data)
    {
        ngx_http_sealed_check_ticket(ctx);
        return NGX_OK;
    }

    if (ctx->repeated
        || ctx->signature_input.data == NULL
        || ctx->signature_value.data == NULL
        || sealed_request_signature_parse(&ctx->signature,
                                          ctx->signature_input,
                                          ctx->signature_value)
           != 0
        || sealed_request_signature_covers(&ctx->signature, &ctx->request)
           != 0
        || sealed_request_signature_fresh(&ctx->signature, ngx_time()) != 0)
    {
        return NGX_OK;
    }

    if (ctx->request.has_body
        && sealed_content_digest_parse(ctx->digest,
                                   ctx->request.value[SEALED_CONTENT_DIGEST])
           != 0)
    {
        return NGX_OK;
    }

    switch (ctx->operation) {

    case SEALED_OP_STATUS:
    case SEALED_OP_CLOSE:
    case SEALED_OP_READ:
    case SEALED_OP_FOLLOW:
    case SEALED_OP_TICKET:
    case SEALED_OP_ACKNOWLEDGE:
        ctx->by_owner = 1;
        ctx->verdict = ngx_http_sealed_check_owner(ctx);
        break;

    default:
        if (ngx_http_sealed_check_certificate(r, ctx, offload) == NGX_AGAIN)
        {
            return NGX_AGAIN;
        }
    }

    ngx_http_sealed_check_birth(ctx);

    return NGX_OK;
}


/* stands in for a signature: not beside one */

static void
ngx_http_sealed_check_ticket(ngx_http_sealed_ctx_t *ctx)
{
    u_char                    key[SEALED_KEY_SIZE];
    uint32_t                  tag;
    ngx_uint_t                known;
    sealed_ticket_t           ticket;
    const sealed_key_line_t  *line;

    if (ctx->by_ticket) {

        /* looked at before, in another location */

        ctx->by_owner = 1;
        ctx->verdict = ctx->ticket_verdict;
        return;
    }

    if (ctx->signature_input.data || ctx->signature_value.data) {
        return;
    }

    /* an unknown mailbox costs the same HMAC */

    line = NULL;
    known = sealed_mailbox_find(ctx->zone->zone, ctx->mailbox, key, &tag)
            == 0;
    ngx_explicit_memzero(key, sizeof(key));

    if (known) {
        line = sealed_master_secret_find(ctx->zone->secret, tag);
    }

    if (sealed_ticket_open(&ticket, ctx->query.ticket,
                           line ? line->ticket_key
                                : ctx->zone->secret->line[0].ticket_key,
                           ctx->mailbox, ngx_time())
        != 0
        || line == NULL
        || ticket.expiry
           <= ctx->zone->zone->header->birth + SEALED_TICKET_SECONDS)
    {
        return;
    }

    ctx->verdict = sealed_ticket_use(ctx->zone->zone, &ticket, ctx->mailbox,
                                     ngx_time());
    ctx->by_owner = 1;
    ctx->by_ticket = 1;
    ctx->ticket_verdict = ctx->verdict;
    ngx_memcpy(ctx->id, ctx->mailbox, SEALED_MAILBOX_ID_SIZE);
}


/* nothing from before a loss of the state can be replayed */

static void
ngx_http_sealed_check_birth(ngx_http_sealed_ctx_t *ctx)
{
    uint64_t  birth, created;

    birth = sealed_zone_birth(ctx->zone->zone, ngx_time());
    created = ctx->signature.created;

    if (ctx->verdict == SEALED_OK && created <= birth) {
        ctx->verdict = SEALED_ZONE_YOUNG;
        ctx->retry_after = birth - created + 1;
    }
}


static sealed_verdict_t
ngx_http_sealed_check_owner(ngx_http_sealed_ctx_t *ctx)
{
    int       found;
    u_char    key[SEALED_KEY_SIZE];
    uint32_t  tag;

    if (ctx->request.value[SEALED_CERTIFICATE].data
        || ngx_memcmp(ctx->signature.keyid, ctx->mailbox,
                      SEALED_MAILBOX_ID_SIZE)
           != 0)
    {
        return SEALED_UNAUTHORIZED;
    }

    ngx_memzero(key, sizeof(key));

    found = sealed_mailbox_find(ctx->zone->zone, ctx->mailbox, key, &tag);

    if (found == 0 && !sealed_master_secret_find(ctx->zone->secret, tag)) {
        found = -1;
    }

    /* an unknown mailbox costs the same HMAC */

    if (sealed_request_signature_verify(&ctx->signature, &ctx->request, key)
        != 0)
    {
        found = -1;
    }

    ngx_explicit_memzero(key, sizeof(key));

    if (found != 0) {
        return SEALED_UNAUTHORIZED;
    }

    ngx_memcpy(ctx->id, ctx->mailbox, SEALED_MAILBOX_ID_SIZE);

    return SEALED_OK;
}


/* sets ctx->verdict, or returns NGX_AGAIN */

static ngx_int_t
ngx_http_sealed_check_certificate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t offload)
{
    size_t                       size;
    const u_char                *authority;
    sealed_bytes_t               value;
    sealed_certificate_t        *certificate;
    sealed_certificate_rules_t   rules;
    sealed_certificate_state_t   state;

    value = ctx->request.value[SEALED_CERTIFICATE];

    if (value.data == NULL
        || sealed_byte_sequence_decode(ctx->encoded, sizeof(ctx->encoded),
                                       &size, value)
           != 0)
    {
        return NGX_OK;
    }

    value.data = ctx->encoded;
    value.size = size;

    rules.max_lifetime = ctx->zone->certificate_lifetime;
    rules.epoch_seconds = ctx->zone->epoch;
    rules.epoch_overlap = ctx->zone->epoch_overlap;

    certificate = &ctx->certificate;

    if (sealed_certificate_parse(certificate, value, &rules) != 0
        || !sealed_certificate_current(certificate, ngx_time())
        || ngx_memcmp(certificate->id, ctx->signature.keyid, 16) != 0)
    {
        return NGX_OK;
    }

    ctx->class = &ctx->zone->classes[certificate->class];

    if (!ngx_http_sealed_class_fits(r, ctx)) {
        return NGX_OK;
    }

    authority = NULL;

    if (certificate->kind == SEALED_CERTIFICATE_SIGNED) {
        authority = ngx_http_sealed_authority_key(ctx->zone,
                                                  certificate->authority);
        if (authority == NULL) {
            return NGX_OK;
        }
    }

    if (sealed_certificate_table_find(ctx->zone->zone, certificate->id,
                                      ngx_time(), &state)
        != 0
        || (!state.revoked
            && !sealed_master_secret_find(ctx->zone->secret, state.tag)))
    {
        return ngx_http_sealed_first_use(r, ctx, authority, offload);
    }

    ctx->tag = state.tag;

    if (sealed_request_signature_verify(&ctx->signature, &ctx->request,
                                        state.key)
        == 0
        && !state.revoked)
    {
        ngx_memcpy(ctx->id, certificate->id, SEALED_CERTIFICATE_ID_SIZE);
        ctx->verdict = SEALED_OK;
    }

    ngx_explicit_memzero(state.key, sizeof(state.key));

    return NGX_OK;
}


static const u_char *
ngx_http_sealed_authority_key(ngx_http_sealed_zone_conf_t *zone,
    const u_char *id)
{
    ngx_uint_t                    i;
    ngx_http_sealed_authority_t  *authority;

    authority = zone->authorities.elts;

    for (i = 0; i < zone->authorities.nelts; i++) {
        if (ngx_memcmp(authority[i].id, id, SEALED_AUTHORITY_ID_SIZE) == 0) {
            return authority[i].key;
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_sealed_first_use(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    const u_char *authority, ngx_uint_t offload)
{
    ngx_int_t                     rc;
    u_char                        key[16];
    ngx_str_t                     address;
    ngx_http_sealed_first_use_t  *first_use;

    if (!ngx_http_sealed_first_uses_ready) {
        randombytes_buf(key, sizeof(key));
        sealed_rate_limit_init(&ngx_http_sealed_first_uses, key);
        ngx_http_sealed_first_uses_ready = 1;
    }

    ngx_http_sealed_address(r->connection, &address);

    if (sealed_rate_limit_take(&ngx_http_sealed_first_uses,
                               &ctx->zone->first_use_address,
                               &ctx->zone->first_use_worker, address.data,
                               address.len, ngx_current_msec,
                               &ctx->retry_after)
        != 0)
    {
        ctx->verdict = SEALED_FIRST_USE_BUSY;
        return NGX_OK;
    }

    first_use = ngx_palloc(r->pool, sizeof(ngx_http_sealed_first_use_t));

    if (first_use == NULL) {
        ctx->verdict = SEALED_UNAVAILABLE;
        return NGX_OK;
    }

    first_use->use.certificate = &ctx->certificate;
    first_use->use.signature = &ctx->signature;
    first_use->use.request = &ctx->request;
    first_use->use.secret = ctx->zone->secret;
    first_use->use.authority = authority;

    if (!offload) {
        ngx_http_sealed_first_use_work(first_use);
        rc = NGX_OK;

    } else {
        rc = ngx_http_sealed_offload(r, ctx, ngx_http_sealed_first_use_work,
                                     first_use);
    }

    if (rc == NGX_ERROR) {
        ctx->verdict = SEALED_FIRST_USE_BUSY;
        return NGX_OK;
    }

    ctx->first_use = first_use;

    if (rc == NGX_OK) {
        ngx_http_sealed_first_use_end(ctx);
    }

    return rc;
}


/* whoever has one IPv6 address has the other 2^64 of its network too */

static void
ngx_http_sealed_address(ngx_connection_t *c, ngx_str_t *address)
{
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;

    if (c->sockaddr->sa_family == AF_INET6) {
        sin6 = (struct sockaddr_in6 *) c->sockaddr;

        address->data = sin6->sin6_addr.s6_addr;
        address->len = IN6_IS_ADDR_V4MAPPED(&sin6->sin6_addr) ? 16 : 8;

        return;
    }
#endif

    *address = c->addr_text;
}


static void
ngx_http_sealed_first_use_work(void *data)
{
    ngx_http_sealed_first_use_t  *first_use = data;

    first_use->rc = sealed_first_use_check(&first_use->use);
}


static void
ngx_http_sealed_first_use_end(ngx_http_sealed_ctx_t *ctx)
{
    sealed_first_use_t          *use;
    sealed_certificate_state_t   state;

    use = &ctx->first_use->use;

    if (ctx->first_use->rc == 0) {
        ngx_memcpy(state.key, use->key, sizeof(state.key));
        state.end = ctx->certificate.not_after;
        state.tag = use->tag;
        state.class = ctx->certificate.class;

        ctx->tag = use->tag;
        ngx_memcpy(ctx->id, ctx->certificate.id, SEALED_CERTIFICATE_ID_SIZE);

        ctx->verdict = sealed_certificate_table_insert(ctx->zone->zone,
                                                       ctx->id, &state,
                                                       &ctx->class->rule,
                                                       ngx_time());

        ngx_explicit_memzero(state.key, sizeof(state.key));
    }

    ngx_explicit_memzero(use->key, sizeof(use->key));
    ctx->first_use = NULL;

    ngx_http_sealed_check_birth(ctx);
}


static ngx_uint_t
ngx_http_sealed_class_fits(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    ngx_http_sealed_loc_conf_t  *slcf;

    if (!ctx->class->defined) {
        return 0;
    }

    switch (ctx->operation) {

    case SEALED_OP_OPEN:
        return ctx->class->open;

    case SEALED_OP_SEND:
    case SEALED_OP_FANOUT:
        return !ctx->class->open;

    default:
        slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);
        return slcf->access_class[ctx->class->number];
    }
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


/* whatever is answered afterwards, the nonce is gone */

void
ngx_http_sealed_spend(ngx_http_sealed_ctx_t *ctx)
{
    if (ctx->by_ticket) {
        ctx->nonce_verdict = SEALED_OK;
        return;
    }

    ctx->nonce_verdict = ctx->by_owner
        ? sealed_mailbox_spend(ctx->zone->zone, ctx->id,
                               ctx->signature.nonce, ngx_time(), &ctx->next,
                               &ctx->has_next)
        : sealed_certificate_table_spend(ctx->zone->zone, ctx->id,
                                         ctx->signature.nonce, &ctx->next,
                                         &ctx->has_next);
}


sealed_verdict_t
ngx_http_sealed_charge(ngx_http_sealed_ctx_t *ctx, ngx_uint_t units)
{
    return sealed_certificate_table_charge(ctx->zone->zone, ctx->id,
                                           &ctx->class->rule, units,
                                           ngx_time(), &ctx->retry_after);
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


sealed_resource_t
ngx_http_sealed_route(ngx_http_sealed_ctx_t *ctx)
{
    sealed_bytes_t  prefix;

    prefix.data = ctx->zone->prefix.data;
    prefix.size = ctx->zone->prefix.len;

    return sealed_route(ctx->request.value[SEALED_PATH], prefix,
                        ctx->mailbox);
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


ngx_uint_t
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
