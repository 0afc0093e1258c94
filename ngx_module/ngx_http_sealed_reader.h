
/*
 * Readers of mailboxes: one part that knows the store and the worker, and a
 * transport for each way in which items travel.
 *
 *   ngx_http_sealed_wait.c          who waits, for what, until when
 *   ngx_http_sealed_admit.c         who is let in
 *   ngx_http_sealed_reader.c        a reader, from its beginning to its end
 *   ngx_http_sealed_piece.c         from the store to the client
 *   ngx_http_sealed_plain.c         a CBOR sequence, once
 *   ngx_http_sealed_event_stream.c  text/event-stream
 *   ngx_http_sealed_websocket.c     WebSocket, and _handshake.c before it
 *
 * A reader has a cursor and no queue.  While it waits it holds no buffer:
 * one is made for a piece of what is to be sent and freed once the piece is
 * gone.  A reader whose client does not take a piece in time is cut.
 *
 * A reader owns one reference of its request (r->main->count) until
 * ngx_http_sealed_reader_finish().
 */

#ifndef _NGX_HTTP_SEALED_READER_H_INCLUDED_
#define _NGX_HTTP_SEALED_READER_H_INCLUDED_


#include "ngx_http_sealed.h"


#pragma GCC visibility push(hidden)


/* octets of one piece, unless a single item is longer */
#define NGX_HTTP_SEALED_PIECE  16384


typedef enum {
    NGX_HTTP_SEALED_RESTART = 0,    /* the worker goes away: come back */
    NGX_HTTP_SEALED_CROWDED,        /* newer readers of the mailbox */
    NGX_HTTP_SEALED_GONE,           /* the mailbox has ended */
    NGX_HTTP_SEALED_FAILED          /* the store cannot work now */
} ngx_http_sealed_end_t;


typedef struct {
    ngx_uint_t                    live;     /* until somebody ends it */

    /* an item as it travels: octets at most, and the end of what it wrote */
    size_t                      (*size)(size_t item);
    u_char                     *(*encode)(ngx_http_sealed_reader_t *reader,
                                          u_char *out, uint64_t seq,
                                          const u_char *item, size_t size);

    /*
     * The head of the answer, in front of the first piece; alone is set when
     * that is also the last.  With no piece, which only live transports
     * have, it goes out now.  NGX_OK, or what the request ends with.
     */
    ngx_int_t                   (*begin)(ngx_http_sealed_reader_t *reader,
                                         ngx_uint_t alone);

    /*
     * May be NULL: what is to be said before more is read.  NGX_OK: nothing;
     * NGX_AGAIN: something went out; NGX_DONE: nothing is to be read now.
     */
    ngx_int_t                   (*note)(ngx_http_sealed_reader_t *reader);

    /* seconds until alarm() while it waits */
    ngx_uint_t                  (*patience)(ngx_http_sealed_reader_t *reader);
    void                        (*alarm)(ngx_http_sealed_reader_t *reader);

    /* the reader is sent away */
    void                        (*end)(ngx_http_sealed_reader_t *reader,
                                       ngx_http_sealed_end_t why);
} ngx_http_sealed_transport_t;


struct ngx_http_sealed_reader_s {
    ngx_queue_t                   queue;    /* of a bucket, once entered */
    ngx_queue_t                   slot;     /* of the wheel */
    ngx_uint_t                    due;      /* in ticks */
    ngx_http_request_t           *request;
    ngx_http_sealed_ctx_t        *ctx;
    const ngx_http_sealed_transport_t
                                 *transport;
    void                         *data;     /* the transport's */
    ngx_buf_t                     buf;      /* start NULL: nothing to send */
    off_t                         sent;     /* at the last alarm */
    uint64_t                      online;   /* seen of what is not stored */
    uint32_t                      seat;     /* among all workers' readers */
    unsigned                      entered:1;
    unsigned                      waiting:1;
    unsigned                      armed:1;
    unsigned                      begun:1;      /* the answer has */
    unsigned                      leaving:1;    /* due tells when */
    unsigned                      departed:1;   /* that time has come */
    unsigned                      finished:1;   /* the request is nginx's */
};


/*
 * _wait.c: readers by their mailbox, once entered, and by when they are due.
 * A reader is entered once, the hash of its mailbox is returned; the oldest
 * of a mailbox that has too many are sent away.  A waiting reader is run
 * when there may be mail, or its alarm goes off after so many seconds.
 */
void ngx_http_sealed_wait_init(ngx_log_t *log);
uint64_t ngx_http_sealed_wait_enter(ngx_http_sealed_reader_t *reader);
void ngx_http_sealed_wait_leave(ngx_http_sealed_reader_t *reader);
void ngx_http_sealed_wait_crowd(ngx_http_sealed_zone_conf_t *zone,
    uint32_t mailbox, uint64_t hash, uint32_t seat);
void ngx_http_sealed_wait(ngx_http_sealed_reader_t *reader);
void ngx_http_sealed_unwait(ngx_http_sealed_reader_t *reader);
void ngx_http_sealed_alarm(ngx_http_sealed_reader_t *reader,
    ngx_uint_t seconds);
void ngx_http_sealed_disarm(ngx_http_sealed_reader_t *reader);
ngx_uint_t ngx_http_sealed_wait_readers(void);

/* one mailbox, or all readers of a part of the buckets; how many found any */
ngx_uint_t ngx_http_sealed_wait_look(ngx_http_sealed_zone_conf_t *zone,
    uint32_t mailbox);
ngx_uint_t ngx_http_sealed_wait_look_all(ngx_uint_t part, ngx_uint_t parts);

/* the worker was told to leave: so are its readers, one after the other */
void ngx_http_sealed_wait_drain(void);

/* _admit.c: whether there is room for one reader more */
sealed_verdict_t ngx_http_sealed_reader_admit(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const ngx_http_sealed_transport_t *transport);

/*
 * _reader.c: a reader begins, NGX_DONE, or what to answer with; goes on
 * until it waits, and says whether it found any mail; is busy while its
 * client takes what was sent; is sent away by its transport; and is over,
 * with its request.  After a run, a leave, a finish or an alarm there may be
 * no reader any more.
 */
ngx_int_t ngx_http_sealed_reader_start(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const ngx_http_sealed_transport_t *transport,
    void *data);
ngx_uint_t ngx_http_sealed_reader_run(ngx_http_sealed_reader_t *reader);
ngx_uint_t ngx_http_sealed_reader_busy(ngx_http_sealed_reader_t *reader);
ngx_int_t ngx_http_sealed_reader_say(ngx_http_sealed_reader_t *reader,
    const void *data, size_t size);
void ngx_http_sealed_reader_finish(ngx_http_sealed_reader_t *reader,
    ngx_int_t rc);
void ngx_http_sealed_reader_leave(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_end_t why);
void ngx_http_sealed_reader_expired(ngx_http_sealed_reader_t *reader);

/*
 * _piece.c: memory for so many octets of the store; a piece, in reader->buf
 * if there is any mail, *last when no more will follow; room for a piece,
 * whose buf.last is for the caller to set; out with it, NGX_OK also when it
 * has not gone yet; its end, when it has
 */
ngx_int_t ngx_http_sealed_reader_stage(size_t size);
sealed_verdict_t ngx_http_sealed_reader_fill(
    ngx_http_sealed_reader_t *reader, ngx_uint_t *last);
u_char *ngx_http_sealed_reader_buffer(ngx_http_sealed_reader_t *reader,
    size_t size);
ngx_int_t ngx_http_sealed_reader_output(ngx_http_sealed_reader_t *reader,
    ngx_uint_t last);
void ngx_http_sealed_reader_free(void *data);

/* the transports */
extern const ngx_http_sealed_transport_t  ngx_http_sealed_plain;
extern const ngx_http_sealed_transport_t  ngx_http_sealed_event_stream;

ngx_uint_t ngx_http_sealed_websocket_asked(ngx_http_request_t *r,
    const sealed_reading_headers_t *headers);
ngx_int_t ngx_http_sealed_websocket_start(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const sealed_reading_headers_t *headers);


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_READER_H_INCLUDED_ */
