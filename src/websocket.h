
/*
 * What a reader says on a WebSocket (RFC 6455): frames become messages, and
 * messages acknowledgements.  How frames lie in octets is in frames.h; here
 * is what they may hold.
 *
 * The only message a reader sends is binary: a CBOR unsigned integer, "I
 * have stored everything up to this number".  Between its fragments control
 * frames may come.  Nothing is compressed and no extension is spoken.
 *
 *     begin()   a frame's head has come
 *     data()    some of its payload, any number of times
 *     end()     all of its payload
 */

#ifndef SEALED_WEBSOCKET_H
#define SEALED_WEBSOCKET_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_WEBSOCKET_KEY_TEXT       = 24,
    SEALED_WEBSOCKET_MESSAGE_MAX    = 9,    /* a CBOR integer's */
    SEALED_WEBSOCKET_CONTROL_MAX    = 125
};


/* why a connection ends, RFC 6455, section 7.4 */

typedef enum {
    SEALED_CLOSE_NORMAL             = 1000,
    SEALED_CLOSE_PROTOCOL           = 1002,
    SEALED_CLOSE_NOT_BINARY         = 1003,
    SEALED_CLOSE_NOT_UTF8           = 1007,
    SEALED_CLOSE_POLICY             = 1008,
    SEALED_CLOSE_TOO_BIG            = 1009,
    SEALED_CLOSE_FAILURE            = 1011,
    SEALED_CLOSE_RESTART            = 1012
} sealed_close_code_t;


typedef enum {
    SEALED_WEBSOCKET_NOTHING = 0,   /* more has to come */
    SEALED_WEBSOCKET_ACKNOWLEDGE,   /* value: up to this number */
    SEALED_WEBSOCKET_PING,          /* payload and size: to be sent back */
    SEALED_WEBSOCKET_PONG,
    SEALED_WEBSOCKET_CLOSE,         /* value: the code, 0 for none */
    SEALED_WEBSOCKET_WRONG          /* value: the code to close with */
} sealed_websocket_event_t;


/* lives as long as the connection; all zero at its beginning */

typedef struct {
    uint8_t                       begun;        /* a fragmented message */
    uint8_t                       size;
    uint8_t                       data[SEALED_WEBSOCKET_MESSAGE_MAX];
} sealed_websocket_message_t;


/* likewise: frames within a second */

typedef struct {
    uint64_t                      second;
    unsigned                      count;
} sealed_websocket_rate_t;


/* lives from a frame's head to its end */

typedef struct {
    uint8_t                       opcode;
    uint8_t                       fin;
    uint8_t                       size;
    uint8_t                       payload[SEALED_WEBSOCKET_CONTROL_MAX];
} sealed_websocket_frame_t;


/* SEALED_WEBSOCKET_NOTHING or _WRONG */
sealed_websocket_event_t sealed_websocket_begin(
    sealed_websocket_frame_t *frame, sealed_websocket_message_t *message,
    unsigned fin, unsigned rsv, unsigned opcode, unsigned masked,
    uint64_t length, uint64_t *value);

/* no more than the length that begin() was told */
void sealed_websocket_data(sealed_websocket_frame_t *frame,
    const uint8_t *data, size_t size);

/* when all of the length has come */
sealed_websocket_event_t sealed_websocket_end(
    sealed_websocket_frame_t *frame, sealed_websocket_message_t *message,
    uint64_t *value);

/* another frame has come now: whether it is one too many */
int sealed_websocket_flooded(sealed_websocket_rate_t *rate, uint64_t now,
    unsigned max);

/* Sec-WebSocket-Key: canonical base64 of 16 octets; 0 or -1 */
int sealed_websocket_key_check(sealed_bytes_t key);

/* whether a comma-separated list of tokens has this one, in any case */
int sealed_token_listed(sealed_bytes_t list, const char *token);


#pragma GCC visibility pop


#endif /* SEALED_WEBSOCKET_H */
