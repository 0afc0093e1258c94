
#include "ngx_http_sealed_websocket.h"
#include "../src/text.h"

#include <ngx_sha1.h>


/* what stands before a WebSocket (RFC 6455, section 4.2) */

#define NGX_HTTP_SEALED_GUID  "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


ngx_uint_t
ngx_http_sealed_websocket_asked(ngx_http_request_t *r,
    const sealed_reading_headers_t *headers)
{
    return r->http_version == NGX_HTTP_VERSION_11 && headers->websocket;
}


sealed_verdict_t
ngx_http_sealed_handshake_check(ngx_http_sealed_ctx_t *ctx,
    const sealed_reading_headers_t *headers)
{
    ngx_array_t       *origins;
    sealed_verdict_t   verdict;

    verdict = sealed_reading_handshake(headers);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    origins = ctx->zone->readers.origins;

    return origins == NULL
           || sealed_reading_origin(headers, origins->elts, origins->nelts)
           ? SEALED_OK : SEALED_ORIGIN;
}


ngx_int_t
ngx_http_sealed_handshake_accept(ngx_http_request_t *r)
{
    u_char                    *p, digest[20];
    ngx_sha1_t                 sha1;
    sealed_reading_headers_t   headers;

    ngx_http_sealed_reading_headers(r, &headers);

    ngx_sha1_init(&sha1);
    ngx_sha1_update(&sha1, headers.key.value.data, headers.key.value.size);
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
