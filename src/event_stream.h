
/*
 * Server-sent events (WHATWG HTML, section 9.2): one event an item.
 *
 *     id: 7                        (none for number 0)
 *     data: base64 of the item
 *     (empty line)
 */

#ifndef SEALED_EVENT_STREAM_H
#define SEALED_EVENT_STREAM_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/* a comment: keeps what is between client and server awake */
#define SEALED_EVENT_HEARTBEAT   ":\n\n"

#define SEALED_EVENT_RETRY_SIZE  32


/* octets that the event of an item of this size takes at most */
size_t sealed_event_size(size_t item);

/* the end of what was written */
uint8_t *sealed_event_encode(uint8_t *out, uint64_t seq, const uint8_t *item,
    size_t size);

/* how long the client shall wait before it comes back, in milliseconds */
uint8_t *sealed_event_retry(uint8_t out[SEALED_EVENT_RETRY_SIZE],
    uint64_t milliseconds);

/*
 * Accept (RFC 9110, section 12.5.1): what its members say, of all headers of
 * this name; all zero before the first.  Whether an event stream is asked
 * for by name, at least as gladly as a CBOR sequence.
 */

typedef struct {
    unsigned                      stream;       /* in thousandths */
    unsigned                      sequence;
} sealed_accept_t;


void sealed_accept(sealed_accept_t *accept, sealed_bytes_t value);
int sealed_event_stream_accepted(const sealed_accept_t *accept);


#pragma GCC visibility pop


#endif /* SEALED_EVENT_STREAM_H */
