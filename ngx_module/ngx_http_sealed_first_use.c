
#include "ngx_http_sealed.h"

#include <sodium.h>


/*
 * A certificate that is not in the table: curve arithmetic, for so many of
 * an address and of a worker as the zone allows, and then a row.
 */

static void ngx_http_sealed_address(ngx_connection_t *c,
    ngx_str_t *address);
static void ngx_http_sealed_first_use_work(void *data);


static sealed_rate_limit_t  ngx_http_sealed_first_uses;
static ngx_uint_t           ngx_http_sealed_first_uses_ready;


ngx_int_t
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


void
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
}
