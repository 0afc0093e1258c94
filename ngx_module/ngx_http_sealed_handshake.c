
#include "ngx_http_sealed_websocket.h"
#include "../src/text.h"

#include <ngx_sha1.h>


/* what stands before a WebSocket (RFC 6455, section 4.2) */

#define NGX_HTTP_SEALED_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


static ngx_uint_t ngx_http_sealed_handshake_origin(
    ngx_http_sealed_ctx_t *ctx, sealed_bytes_t origin);


ngx_uint_t
ngx_http_sealed_websocket_asked(ngx_http_request_t *r)
{
    sealed_bytes_t  upgrade;

    return r->http_version == NGX_HTTP_VERSION_11
           && ngx_http_sealed_header(r, "upgrade", &upgrade)
           && sealed_token_listed(upgrade, "websocket");
}


sealed_verdict_t
ngx_http_sealed_handshake_check(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    sealed_bytes_t  connection, key, version, origin;

    if (ngx_http_sealed_header(r, "connection", &connection) != 1
        || !sealed_token_listed(connection, "upgrade")
        || ngx_http_sealed_header(r, "sec-websocket-key", &key) != 1
        || sealed_websocket_key_check(key) != 0
        || ngx_http_sealed_header(r, "sec-websocket-version", &version) != 1)
    {
        return SEALED_BAD_HANDSHAKE;
    }

    if (version.size != 2 || ngx_memcmp(version.data, "13", 2) != 0) {
        return SEALED_HANDSHAKE_VERSION;
    }

    if (ctx->zone->readers.origins
        && ngx_http_sealed_header(r, "origin", &origin)
        && !ngx_http_sealed_handshake_origin(ctx, origin))
    {
        return SEALED_ORIGIN;
    }

    return SEALED_OK;
}


static ngx_uint_t
ngx_http_sealed_handshake_origin(ngx_http_sealed_ctx_t *ctx,
    sealed_bytes_t origin)
{
    ngx_str_t   *allowed;
    ngx_uint_t   i;

    allowed = ctx->zone->readers.origins->elts;

    for (i = 0; i < ctx->zone->readers.origins->nelts; i++) {
        if (allowed[i].len == origin.size
            && ngx_strncasecmp(allowed[i].data, (u_char *) origin.data,
                               origin.size)
               == 0)
        {
            return 1;
        }
    }

    return 0;
}


ngx_int_t
ngx_http_sealed_handshake_accept(ngx_http_request_t *r)
{
    u_char          *p, digest[20];
    ngx_sha1_t       sha1;
    sealed_bytes_t   key;

    if (ngx_http_sealed_header(r, "sec-websocket-key", &key) != 1) {
        return NGX_ERROR;
    }

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, key.data, key.size);
    ngx_sha1_update(&sha1, NGX_HTTP_SEALED_GUID,
                    sizeof(NGX_HTTP_SEALED_GUID) - 1);
    ngx_sha1_final(digest, &sha1);

    p = ngx_pnalloc(r->pool, SEALED_BASE64_SIZE(sizeof(digest)));
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) sealed_base64_encode((char *) p, digest, sizeof(digest));

    if (ngx_http_sealed_add_header(r, "Sec-WebSocket-Accept", p,
                                   SEALED_BASE64_SIZE(sizeof(digest)))
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_sealed_add_header(r, "Upgrade", (u_char *) "websocket",
                                      9);
}
