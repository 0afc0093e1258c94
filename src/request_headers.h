
/*
 * What a request says before any of it is judged: its target and those of
 * its headers that this protocol reads, taken one after the other as they
 * came.  Names are in lower case, as HTTP/2 has them; others are passed
 * over.  Values are not copied.
 *
 * Two groups, each all zero at its beginning: what a signature covers, and
 * how somebody wants to read.
 */

#ifndef SEALED_REQUEST_HEADERS_H
#define SEALED_REQUEST_HEADERS_H


#include "event_stream.h"
#include "request_signature.h"


#pragma GCC visibility push(hidden)


/* the target as received, up to its first "?" and behind it */
void sealed_request_target(sealed_request_t *request, sealed_bytes_t target);

/* covered headers, and the two of the signature */
void sealed_request_header(sealed_request_t *request, sealed_bytes_t name,
    sealed_bytes_t value);


/* headers that must not be there twice: how often, and the last value */

typedef struct {
    sealed_bytes_t                value;
    unsigned                      count;
} sealed_single_header_t;


/*
 * Upgrade and Accept are lists (RFC 9110, section 5.3): several of them are
 * one, whose members are in all of them.
 */

typedef struct {
    unsigned                      websocket;    /* in Upgrade */
    sealed_accept_t               accept;
    sealed_single_header_t        connection;
    sealed_single_header_t        key;
    sealed_single_header_t        version;
    sealed_single_header_t        origin;
    sealed_single_header_t        last_event_id;
} sealed_reading_headers_t;


void sealed_reading_header(sealed_reading_headers_t *headers,
    sealed_bytes_t name, sealed_bytes_t value);

/*
 * Last-Event-ID, where an event stream goes on: *after stays what it is
 * without one.  SEALED_OK, or SEALED_BAD_HEADER: no number, or more than
 * one.
 */
sealed_verdict_t sealed_reading_after(uint64_t *after,
    const sealed_reading_headers_t *headers);

/*
 * The handshake of a WebSocket (RFC 6455, section 4.2.1) that was asked for.
 * SEALED_OK, SEALED_BAD_HANDSHAKE or SEALED_HANDSHAKE_VERSION.
 */
sealed_verdict_t sealed_reading_handshake(
    const sealed_reading_headers_t *headers);

/*
 * Whether a page may open it, when only those of some origins may: who
 * names no origin is no page, who names two is nobody.  Schemes and hosts
 * in any case.
 */
int sealed_reading_origin(const sealed_reading_headers_t *headers,
    const sealed_bytes_t *allowed, size_t n);


#pragma GCC visibility pop


#endif /* SEALED_REQUEST_HEADERS_H */
