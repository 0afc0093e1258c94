
#include "ngx_http_sealed.h"

#include <sodium.h>


static void ngx_http_sealed_ctx_cleanup(void *data);
static void ngx_http_sealed_collect(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_check_owner(
    ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_check_certificate(
    ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx);
static sealed_verdict_t ngx_http_sealed_first_use(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_certificate_t *certificate,
    ngx_http_sealed_authority_t *authority);
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


ngx_http_sealed_ctx_t *
ngx_http_sealed_get_ctx(ngx_http_request_t *r,
    ngx_http_sealed_zone_conf_t *zone)
{
    ngx_pool_cleanup_t     *cln;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ctx == NULL) {

        /*
         * An internal redirect clears contexts; a request that was checked
         * already must not have to spend its nonce twice.
         */

        for (cln = r->pool->cleanup; cln; cln = cln->next) {
            if (cln->handler == ngx_http_sealed_ctx_cleanup) {
                ctx = cln->data;

                if (ctx->zone == zone) {
                    break;
                }
            }
        }

        if (cln == NULL) {
            cln = ngx_pool_cleanup_add(r->pool,
                                       sizeof(ngx_http_sealed_ctx_t));
            if (cln == NULL) {
                return NULL;
            }

            cln->handler = ngx_http_sealed_ctx_cleanup;

            ctx = cln->data;
            ngx_memzero(ctx, sizeof(ngx_http_sealed_ctx_t));
            ctx->zone = zone;
        }

        ngx_http_set_ctx(r, ctx, ngx_http_sealed_module);
    }

    if (!ctx->collected) {
        ngx_http_sealed_collect(r, ctx);
        ctx->collected = 1;
    }

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


/*
 * Everything that the headers alone allow; the body has not been read.  The
 * result is remembered: variables may ask before the access phase does.
 */

sealed_verdict_t
ngx_http_sealed_check(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    uint64_t  birth, created;

    if (ctx->checked) {
        return ctx->verdict;
    }

    ctx->checked = 1;
    ctx->verdict = SEALED_UNAUTHORIZED;

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
        return ctx->verdict;
    }

    if (ctx->request.has_body
        && sealed_content_digest_parse(ctx->digest,
                                   ctx->request.value[SEALED_CONTENT_DIGEST])
           != 0)
    {
        return ctx->verdict;
    }

    switch (ctx->operation) {

    case SEALED_OP_STATUS:
    case SEALED_OP_CLOSE:
    case SEALED_OP_READ:
    case SEALED_OP_ACKNOWLEDGE:
        ctx->by_owner = 1;
        ctx->verdict = ngx_http_sealed_check_owner(ctx);
        break;

    default:
        ctx->verdict = ngx_http_sealed_check_certificate(r, ctx);
    }

    if (ctx->verdict != SEALED_OK) {
        return ctx->verdict;
    }

    birth = ctx->zone->zone->birth;
    created = ctx->signature.created;

    if (created <= birth) {
        ctx->verdict = SEALED_ZONE_YOUNG;
        ctx->retry_after = birth - created + 1;
    }

    return ctx->verdict;
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


static sealed_verdict_t
ngx_http_sealed_check_certificate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    size_t                        size;
    ngx_uint_t                    i;
    sealed_bytes_t                encoded;
    sealed_verdict_t              verdict;
    sealed_certificate_t          certificate;
    sealed_certificate_state_t    state;
    ngx_http_sealed_authority_t  *authority;

    encoded = ctx->request.value[SEALED_CERTIFICATE];

    if (encoded.data == NULL
        || encoded.size
           != SEALED_BYTE_SEQUENCE_SIZE(SEALED_SIGNED_CERTIFICATE_SIZE)
        || sealed_byte_sequence_decode(ctx->certificate,
                                       sizeof(ctx->certificate), &size,
                                       encoded)
           != 0)
    {
        return SEALED_UNAUTHORIZED;
    }

    encoded.data = ctx->certificate;
    encoded.size = size;

    if (sealed_certificate_parse(&certificate, encoded,
                                 ctx->zone->certificate_lifetime)
        != 0
        || !sealed_certificate_current(&certificate, ngx_time())
        || ngx_memcmp(certificate.id, ctx->signature.keyid, 16) != 0)
    {
        return SEALED_UNAUTHORIZED;
    }

    ctx->class = &ctx->zone->classes[certificate.class];

    if (!ngx_http_sealed_class_fits(r, ctx)) {
        return SEALED_UNAUTHORIZED;
    }

    authority = ctx->zone->authorities.elts;

    for (i = 0; i < ctx->zone->authorities.nelts; i++) {
        if (ngx_memcmp(authority[i].id, certificate.authority,
                       SEALED_AUTHORITY_ID_SIZE)
            == 0)
        {
            break;
        }
    }

    if (i == ctx->zone->authorities.nelts) {
        return SEALED_UNAUTHORIZED;
    }

    if (sealed_certificate_table_find(ctx->zone->zone, certificate.id,
                                      ngx_time(), &state)
        != 0
        || !sealed_master_secret_find(ctx->zone->secret, state.tag))
    {
        verdict = ngx_http_sealed_first_use(r, ctx, &certificate,
                                            &authority[i]);

    } else {
        ctx->tag = state.tag;
        verdict = sealed_request_signature_verify(&ctx->signature,
                                                  &ctx->request, state.key)
                  == 0 ? SEALED_OK : SEALED_UNAUTHORIZED;

        ngx_explicit_memzero(state.key, sizeof(state.key));
    }

    if (verdict == SEALED_OK) {
        ngx_memcpy(ctx->id, certificate.id, SEALED_CERTIFICATE_ID_SIZE);
    }

    return verdict;
}


/* the HMAC comes before the signature: it is what garbage fails first */

static sealed_verdict_t
ngx_http_sealed_first_use(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_certificate_t *certificate, ngx_http_sealed_authority_t *authority)
{
    u_char                      key[16];
    unsigned                    i;
    sealed_verdict_t            verdict;
    sealed_key_line_t          *line;
    sealed_certificate_state_t  state;

    if (!ngx_http_sealed_first_uses_ready) {
        randombytes_buf(key, sizeof(key));
        sealed_rate_limit_init(&ngx_http_sealed_first_uses, key);
        ngx_http_sealed_first_uses_ready = 1;
    }

    if (sealed_rate_limit_take(&ngx_http_sealed_first_uses,
                               &ctx->zone->first_use_address,
                               &ctx->zone->first_use_worker,
                               r->connection->addr_text.data,
                               r->connection->addr_text.len,
                               ngx_current_msec, &ctx->retry_after)
        != 0)
    {
        return SEALED_FIRST_USE_BUSY;
    }

    for (i = 0; i < ctx->zone->secret->count; i++) {
        line = &ctx->zone->secret->line[i];

        if (sealed_certificate_request_key(state.key, certificate,
                                           line->exchange_private,
                                           certificate->subject)
            != 0)
        {
            return SEALED_UNAUTHORIZED;
        }

        if (sealed_request_signature_verify(&ctx->signature, &ctx->request,
                                            state.key)
            == 0)
        {
            break;
        }
    }

    if (i == ctx->zone->secret->count
        || sealed_certificate_verify(certificate, authority->key) != 0)
    {
        return SEALED_UNAUTHORIZED;
    }

    state.end = certificate->not_after;
    state.tag = ctx->zone->secret->line[i].tag;
    ctx->tag = state.tag;
    state.class = certificate->class;

    verdict = sealed_certificate_table_insert(ctx->zone->zone,
                                              certificate->id, &state,
                                              &ctx->class->rule, ngx_time());

    ngx_explicit_memzero(state.key, sizeof(state.key));

    return verdict;
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
