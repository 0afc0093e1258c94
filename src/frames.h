
/*
 * The frames of a WebSocket as a server receives them, in pieces of any
 * size.  wslay reads their heads and takes their masks off; what they may
 * hold is in websocket.h.
 *
 *     init()    takes memory, 4k of it wslay's
 *     feed()    what came
 *     next()    until there is nothing more; then feed() again
 *     free()
 *
 * One that is idle may go on with another connection, one that was given
 * something wrong with none.  It must not be moved.
 */

#ifndef SEALED_FRAMES_H
#define SEALED_FRAMES_H


#include "websocket.h"


#pragma GCC visibility push(hidden)


struct wslay_frame_context;


typedef struct {
    struct wslay_frame_context   *wslay;
    sealed_websocket_frame_t      frame;        /* of the last event */
    const uint8_t                *pos;          /* what is still to be read */
    const uint8_t                *end;
    uint64_t                      begun;        /* octets of a frame */
    uint64_t                      left;         /* of its payload */
    unsigned                      inside;       /* a frame's payload */
} sealed_frames_t;


/* 0, or -1: no memory */
int sealed_frames_init(sealed_frames_t *frames);
void sealed_frames_free(sealed_frames_t *frames);

/* not copied: it has to stay until next() has nothing more */
void sealed_frames_feed(sealed_frames_t *frames, const uint8_t *data,
    size_t size);

/*
 * 1 with what a frame means and the value of that, or 0: more has to come.
 * After SEALED_WEBSOCKET_WRONG there is nothing more.
 */
int sealed_frames_next(sealed_frames_t *frames,
    sealed_websocket_message_t *message, sealed_websocket_event_t *event,
    uint64_t *value);

/* whether all that came has been read, and no frame is begun */
int sealed_frames_idle(const sealed_frames_t *frames);


#pragma GCC visibility pop


#endif /* SEALED_FRAMES_H */
