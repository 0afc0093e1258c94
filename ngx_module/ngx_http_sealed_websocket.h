
/*
 * _handshake.c: the handshake of a WebSocket.
 *
 * _frames.c: where its frames are read, and how they are written, by wslay.
 *
 * A context of wslay takes 4k, so a reader has one only while a frame is
 * half read; when all that came has been understood it goes back.  Writing
 * has one context for all, since whole frames are written to memory.
 */

#ifndef _NGX_HTTP_SEALED_WEBSOCKET_H_INCLUDED_
#define _NGX_HTTP_SEALED_WEBSOCKET_H_INCLUDED_


#include "ngx_http_sealed_reader.h"
#include "../src/frames.h"

#include <wslay/wslay.h>


#pragma GCC visibility push(hidden)


/* the longest head of a frame that a server sends */
#define NGX_HTTP_SEALED_FRAME_HEAD  10


/* whether it can be accepted; the headers that accept it */
sealed_verdict_t ngx_http_sealed_handshake_check(ngx_http_sealed_ctx_t *ctx,
    const sealed_reading_headers_t *headers);
ngx_int_t ngx_http_sealed_handshake_accept(ngx_http_request_t *r);

/* before anything is written */
ngx_int_t ngx_http_sealed_frames_init(void);

/* what they are read in, NULL: no memory; to be given back */
sealed_frames_t *ngx_http_sealed_frames_take(void);
void ngx_http_sealed_frames_give(sealed_frames_t *frames);

/* one whole frame of a server; the end of what was written */
u_char *ngx_http_sealed_frames_write(u_char *out, ngx_uint_t opcode,
    const u_char *data, size_t size);


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_WEBSOCKET_H_INCLUDED_ */
