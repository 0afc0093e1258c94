
/*
 * The journal inside a worker:
 *
 *   ngx_http_sealed_journal.c         its stream, from the beginning on
 *   ngx_http_sealed_journal_put.c     what requests put into it
 *   ngx_http_sealed_journal_answer.c  answers that wait for the disk
 *   ngx_http_sealed_journal_end.c     its stream when the worker leaves
 *   ngx_http_sealed_rewrite.c         a snapshot of all, when it is its turn
 *   ngx_http_sealed_recover.c         all of it back, when nginx starts
 */

#ifndef _NGX_HTTP_SEALED_JOURNAL_H_INCLUDED_
#define _NGX_HTTP_SEALED_JOURNAL_H_INCLUDED_


#include "ngx_http_sealed.h"
#include "../src/host/journal_directory.h"
#include "../src/snapshot.h"

#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif


#pragma GCC visibility push(hidden)


#define NGX_HTTP_SEALED_LOCK_KIND  'j'      /* of what is inherited */


#if (NGX_THREADS)


typedef enum {
    NGX_HTTP_SEALED_REWRITE_IDLE = 0,
    NGX_HTTP_SEALED_REWRITE_WAIT,               /* for streams to rotate */
    NGX_HTTP_SEALED_REWRITE_COPY,
    NGX_HTTP_SEALED_REWRITE_END,                /* the last batch */
    NGX_HTTP_SEALED_REWRITE_TRIM
} ngx_http_sealed_rewrite_state_t;


typedef struct {
    ngx_http_sealed_rewrite_state_t  state;
    uint64_t                      generation;
    uint32_t                      wants;
    time_t                        time;         /* of its beginning */
    sealed_snapshot_t             snapshot;
    sealed_journal_writer_t       writer;
    sealed_journal_output_t       output;
    u_char                       *buffer;
    ngx_thread_task_t            *task;
    ngx_event_t                   next;
    const sealed_journal_batch_t *batch;
    uint64_t                      octets;
    int                           rc;
    int                           bare;         /* why without a reserve */
    ngx_uint_t                    again;        /* with this generation */
    ngx_msec_t                    retry;
    ngx_msec_t                    began;
    unsigned                      busy:1;
    unsigned                      said:1;
    unsigned                      warned:1;     /* of that */
} ngx_http_sealed_rewrite_t;


struct ngx_http_sealed_journal_s {
    ngx_http_sealed_zone_conf_t  *zone;
    ngx_log_t                    *log;
    sealed_journal_directory_t    directory;
    sealed_journal_files_t        files;
    sealed_journal_writer_t       writer;
    sealed_journal_output_t       output;
    u_char                       *buffer;
    ngx_queue_t                   waiting[2];   /* for each batch */
    ngx_thread_task_t            *task;
    ngx_event_t                   turn;
    ngx_event_t                   timer;
    ngx_connection_t              connection;   /* of the timer, for logs */

    /* what the thread does, and how it went */

    const sealed_journal_batch_t *batch;
    uint64_t                      generation;
    uint64_t                      before;
    int                           rc;

    ngx_msec_t                    synced;
    ngx_msec_t                    retry;
    ngx_http_sealed_rewrite_t     rewrite;
    unsigned                      sync:1;
    unsigned                      busy:1;
    unsigned                      said:1;       /* that it failed */
    unsigned                      taken:1;      /* said: by another nginx */
};


void ngx_http_sealed_journal_segment(sealed_journal_segment_t *segment,
    ngx_http_sealed_zone_conf_t *zone, uint64_t generation);

/* a record that says nothing but its kind; NGX_ERROR: there is no room */
ngx_int_t ngx_http_sealed_journal_put_empty(ngx_http_sealed_journal_t *j,
    sealed_journal_kind_t kind);

/* those that waited, whose records are on disk (held) or will not be */
void ngx_http_sealed_journal_answer(ngx_queue_t *queue, ngx_uint_t held);

/* a snapshot is wanted; mail has to wait for it */
void ngx_http_sealed_rewrite_want(ngx_http_sealed_zone_conf_t *zone);
void ngx_http_sealed_rewrite_need(ngx_http_sealed_zone_conf_t *zone);

void ngx_http_sealed_rewrite_tick(ngx_http_sealed_journal_t *j);
void ngx_http_sealed_rewrite_exit(ngx_http_sealed_journal_t *j);


#endif


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_JOURNAL_H_INCLUDED_ */
