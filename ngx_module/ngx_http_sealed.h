
/*
 * Sealed-sender gateway, the part that knows nginx.
 *
 *   ngx_http_sealed_module.c      directives, phases, request entry
 *   ngx_http_sealed_location.c    what a location serves
 *   ngx_http_sealed_zone.c        zones, from their block to their end
 *   ngx_http_sealed_zone_conf.c   the directives of a sealed_zone block
 *   ngx_http_sealed_limit.h       what their values have in common
 *   ngx_http_sealed_class.c       classes of certificates
 *   ngx_http_sealed_key_files.c   directives that read keys
 *   ngx_http_sealed_map.h         shared memory and files behind zones
 *   ngx_http_sealed_inherit.c     what a new binary takes over
 *   ngx_http_sealed_recover.c     a journal when nginx starts
 *   ngx_http_sealed_journal.h     a worker's stream of the journal
 *   ngx_http_sealed_rewrite.c     snapshots, so that the journal stays short
 *   ngx_http_sealed_request.c     a request before any key is looked at
 *   ngx_http_sealed_body.c        what it brings along
 *   ngx_http_sealed_check.c       its authentication
 *   ngx_http_sealed_first_use.c   certificates that were not seen before
 *   ngx_http_sealed_access.c      sealed_access, in front of any content
 *   ngx_http_sealed_variables.c   what a configuration may ask about it
 *   ngx_http_sealed_quiet.c       what nginx does not log about it
 *   ngx_http_sealed_operation.c   send, fan-out, mailboxes
 *   ngx_http_sealed_issue.c       issuing blind certificates
 *   ngx_http_sealed_report.c      abuse reports and revocations
 *   ngx_http_sealed_offload.c     arithmetic in nginx's thread pool
 *   ngx_http_sealed_online.c      mail for whoever is connected
 *   ngx_http_sealed_reader.h      readers, and how mail travels to them
 *   ngx_http_sealed_place.c       workers among all of a host
 *   ngx_http_sealed_wake.c        wake-ups across workers, sweeping
 *   ngx_http_sealed_respond.c     answers
 *   ngx_http_sealed_discovery.c   discovery and status
 */

#ifndef _NGX_HTTP_SEALED_H_INCLUDED_
#define _NGX_HTTP_SEALED_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>
#if (NGX_THREADS)
#include <ngx_thread_pool.h>
#endif

#include "../src/append.h"
#include "../src/certificate.h"
#include "../src/certificate_table.h"
#include "../src/content_digest.h"
#include "../src/expiry.h"
#include "../src/fanout.h"
#include "../src/first_use.h"
#include "../src/frank.h"
#include "../src/hash.h"
#include "../src/issuance.h"
#include "../src/journal_commit.h"
#include "../src/journal_record.h"
#include "../src/json.h"
#include "../src/json_object.h"
#include "../src/mailbox.h"
#include "../src/mailbox_address.h"
#include "../src/mailbox_read.h"
#include "../src/master_secret.h"
#include "../src/online.h"
#include "../src/problem.h"
#include "../src/quota.h"
#include "../src/rate_limit.h"
#include "../src/readers.h"
#include "../src/request_headers.h"
#include "../src/request_signature.h"
#include "../src/route.h"
#include "../src/text.h"
#include "../src/ticket.h"


extern ngx_module_t  ngx_http_sealed_module;
extern ngx_module_t  ngx_http_sealed_zone_module;


#pragma GCC visibility push(hidden)


#define NGX_SEALED_MODULE     0x4C414553    /* "SEAL" */
#define NGX_SEALED_ZONE_CONF  0x02000000

#define NGX_HTTP_SEALED_SEND     1
#define NGX_HTTP_SEALED_MAILBOX  2

/* longer requests are not read; what is shorter and wrong is a 400 */
#define NGX_HTTP_SEALED_ISSUE_MAX  8192

#define NGX_HTTP_SEALED_REPORTS      1
#define NGX_HTTP_SEALED_REVOCATIONS  2


typedef struct {
    ngx_str_t                     name;
    ngx_uint_t                    number;
    ngx_uint_t                    mailboxes;    /* that one may open */
    ngx_uint_t                    quota;        /* an account and epoch */
    sealed_budget_rule_t          rule;
    unsigned                      defined:1;
    unsigned                      open:1;       /* or else sends */
} ngx_http_sealed_class_t;


typedef struct {
    u_char                        key[32];
    u_char                        id[SEALED_AUTHORITY_ID_SIZE];
} ngx_http_sealed_authority_t;


typedef struct {
    ngx_uint_t                    heartbeat;    /* seconds */
    ngx_uint_t                    stall;        /* seconds */
    ngx_msec_t                    jitter;
    ngx_uint_t                    mailbox;      /* readers at most */
    ngx_uint_t                    connection;
    ngx_uint_t                    worker;
    ngx_uint_t                    frames;       /* a second */
    size_t                        unacknowledged;
    ngx_array_t                  *origins;      /* sealed_bytes_t; NULL: any */
    ngx_msec_t                    quantum;      /* 0: at once */
} ngx_http_sealed_readers_conf_t;


typedef struct ngx_http_sealed_journal_s  ngx_http_sealed_journal_t;


typedef struct {
    ngx_str_t                     path;         /* or empty: none */
    sealed_journal_sync_t         sync;
    ngx_msec_t                    interval;
    size_t                        segment;
    size_t                        buffer;       /* of a batch, two a worker */
    ngx_http_sealed_journal_t    *stream;       /* of this process */
} ngx_http_sealed_journal_conf_t;


typedef struct {
    ngx_str_t                     name;
    size_t                        size;
    ngx_str_t                     path;         /* file=, or empty */
    ngx_http_sealed_journal_conf_t  journal;
    sealed_zone_t                *zone;         /* as this process has it */

    sealed_online_t              *online;       /* likewise */

    sealed_master_secret_t       *secret;
    ngx_array_t                   authorities;
    ngx_http_sealed_class_t       classes[256];

    ngx_str_t                     prefix;
    ngx_event_t                   release;      /* with a quantum */
    sealed_fanout_limits_t        limits;
    sealed_mailbox_limits_t       mailbox;
    ngx_http_sealed_readers_conf_t
                                  readers;
    sealed_rate_t                 first_use_address;
    sealed_rate_t                 first_use_worker;

    time_t                        epoch;
    time_t                        epoch_overlap;
    time_t                        certificate_lifetime;
    time_t                        max_ttl;

    ngx_uint_t                    issues;       /* classes with a quota */
    ngx_uint_t                    max_batch;
    ngx_str_t                     threads_name;
    ngx_uint_t                    threads_off;
#if (NGX_THREADS)
    ngx_thread_pool_t            *threads;      /* NULL: none */
#endif

    uint32_t                      given;        /* directives, a bit each */

    ngx_str_t                     file;         /* for messages */
    ngx_uint_t                    line;
} ngx_http_sealed_zone_conf_t;


typedef struct {
    ngx_array_t                   zones;        /* of pointers */
} ngx_http_sealed_main_conf_t;


typedef struct {
    ngx_str_t                     access_name;
    ngx_array_t                  *access_classes;       /* of ngx_str_t */
    ngx_http_sealed_zone_conf_t  *access;
    u_char                        access_class[256];
    ngx_uint_t                    access_off;
    off_t                         access_body;          /* 0: any size */

    ngx_str_t                     name;         /* of the zone served */
    ngx_http_sealed_zone_conf_t  *zone;
    ngx_uint_t                    resources;

    ngx_str_t                     discovery_name;
    ngx_http_sealed_zone_conf_t  *discovery;
    ngx_uint_t                    status;

    ngx_str_t                     issue_name;
    ngx_http_sealed_zone_conf_t  *issue;
    ngx_http_complex_value_t     *issue_account;
    ngx_array_t                  *issue_origins;        /* of ngx_str_t */

    ngx_str_t                     moderated_name;
    ngx_http_sealed_zone_conf_t  *moderated;
    ngx_uint_t                    moderation;
} ngx_http_sealed_loc_conf_t;


typedef struct ngx_http_sealed_reader_s  ngx_http_sealed_reader_t;
typedef struct ngx_http_sealed_issue_s   ngx_http_sealed_issue_t;
typedef struct ngx_http_sealed_report_s  ngx_http_sealed_report_t;
typedef struct ngx_http_sealed_ctx_s     ngx_http_sealed_ctx_t;

/* sends an answer, or queues it; what the request is finalized with */
typedef ngx_int_t (*ngx_http_sealed_respond_pt)(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);


/* a certificate's first use, while it is computed */

typedef struct {
    sealed_first_use_t            use;
    int                           rc;
} ngx_http_sealed_first_use_t;


struct ngx_http_sealed_ctx_s {
    ngx_http_sealed_zone_conf_t  *zone;

    sealed_request_t              request;
    sealed_request_signature_t    signature;
    u_char                        digest[32];

    u_char                        encoded[SEALED_CERTIFICATE_MAX];
    sealed_certificate_t          certificate;
    ngx_http_sealed_first_use_t  *first_use;
    ngx_http_sealed_class_t      *class;
    u_char                        id[16];       /* certificate's, owner's */
    uint32_t                      tag;          /* of the key line */

    sealed_operation_t            operation;
    u_char                        mailbox[SEALED_MAILBOX_ID_SIZE];
    sealed_query_t                query;
    sealed_cursor_t               cursor;

    void                         *checked;      /* loc conf it held for */
    sealed_verdict_t              verdict;
    sealed_verdict_t              nonce_verdict;
    sealed_verdict_t              ticket_verdict;
    sealed_verdict_t              outcome;      /* what was answered */
    uint64_t                      retry_after;
    uint64_t                      next;
    unsigned                      has_next;

    ngx_http_sealed_reader_t     *reader;
    ngx_http_sealed_issue_t      *issue;
    ngx_http_sealed_report_t     *report;
    ngx_http_sealed_respond_pt    respond;      /* when work is done */

    unsigned                      pending:1;    /* in another thread */
    unsigned                      journaled:1;  /* its record is in a batch */
    unsigned                      access:1;     /* of sealed_access */
    unsigned                      by_owner:1;
    unsigned                      by_ticket:1;
    unsigned                      online:1;     /* not to be stored */
    unsigned                      settled:1;
    unsigned                      body_done:1;
};


/*
 * What follows is common to all of it.  A function that gives an ngx_int_t
 * while a configuration is read has said what is wrong, with [emerg]; what
 * such a function keeps belongs to the pool of the configuration.  While a
 * request is served, NGX_ERROR is a lack of memory or an end of the
 * connection, and what is kept belongs to the request's pool.  Times are in
 * seconds since 1970 unless they are of type ngx_msec_t.
 */


/* _module.c: sends and mailboxes */
ngx_int_t ngx_http_sealed_handler(ngx_http_request_t *r);

/*
 * _location.c: what is in a location's configuration, from its directives
 * to what its requests see, zones by then
 */
void *ngx_http_sealed_create_loc_conf(ngx_conf_t *cf);
char *ngx_http_sealed_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
char *ngx_http_sealed_serve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_sealed_moderate(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_sealed_discover(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_sealed_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/*
 * _zone.c: a zone's block; its memory and its journal, while everything can
 * still be refused; a worker's place in each zone, and its end.  A zone that
 * is not there is NULL.
 */
char *ngx_http_sealed_zone_block(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
ngx_int_t ngx_http_sealed_zones_init(ngx_conf_t *cf,
    ngx_http_sealed_main_conf_t *smcf);
ngx_int_t ngx_http_sealed_zones_init_process(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf);
void ngx_http_sealed_zones_exit_process(ngx_http_sealed_main_conf_t *smcf);
ngx_http_sealed_zone_conf_t *ngx_http_sealed_zone_find(
    ngx_http_sealed_main_conf_t *smcf, ngx_str_t *name);

/* _class.c, _key_files.c: directives of a zone's block */
char *ngx_http_sealed_class(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_sealed_master_secret(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_sealed_authority(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* _access.c: the handler's NGX_OK lets a request pass to what is behind */
char *ngx_http_sealed_access(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
ngx_int_t ngx_http_sealed_access_resolve(ngx_conf_t *cf,
    ngx_http_sealed_loc_conf_t *conf);
ngx_int_t ngx_http_sealed_access_handler(ngx_http_request_t *r);

/* _variables.c: those of the module are declared */
ngx_int_t ngx_http_sealed_variables(ngx_conf_t *cf);

/*
 * _quiet.c: a phase that takes away what would be logged; a body that is too
 * large for sealed_access is refused there, after it
 */
ngx_int_t ngx_http_sealed_quiet_handler(ngx_http_request_t *r);

/*
 * _map.c: the memory of a zone, found or made, in zone->zone; the sizes and
 * owners of a configuration that was accepted; the end of the master, when
 * what is in files is written
 */
ngx_int_t ngx_http_sealed_map(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
ngx_int_t ngx_http_sealed_maps_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf);
void ngx_http_sealed_maps_exit(ngx_cycle_t *cycle);

/*
 * _recover.c: the journal's directory is locked, and an empty zone filled
 * from it.  found is 0 for an empty zone, 1 for a file, 2 for one in use.
 */
ngx_int_t ngx_http_sealed_recover(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf, sealed_zone_t *zone,
    ngx_uint_t found);
ngx_uint_t ngx_http_sealed_recover_any(ngx_http_sealed_zone_conf_t *conf);
ngx_int_t ngx_http_sealed_recover_same(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf);

/*
 * _journal.c, _journal_put.c, _journal_answer.c, _journal_end.c: this worker's
 * stream of each zone's journal.
 *
 * Room for a record of so many octets, or NULL, and then for mail the answer
 * is a 503; filled and put before anything else happens.  life is a
 * mailbox's, from before it is changed, 0 without a journal; a change is an
 * acknowledgement or an end, and never refused.  What is answered leaves
 * when what the request put is on disk: what to finalize it with.
 */
ngx_int_t ngx_http_sealed_journals_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf);
void ngx_http_sealed_journals_exit(ngx_http_sealed_main_conf_t *smcf);

/* a worker died; what it had answered and not yet written is in the zone */
void ngx_http_sealed_journals_reaped(ngx_http_sealed_zone_conf_t *zone);

ngx_uint_t ngx_http_sealed_journal_ready(ngx_http_sealed_zone_conf_t *zone);
u_char *ngx_http_sealed_journal_reserve(ngx_http_sealed_zone_conf_t *zone,
    size_t size, ngx_uint_t mail);
void ngx_http_sealed_journal_put(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, size_t size);
uint32_t ngx_http_sealed_journal_life(ngx_http_sealed_ctx_t *ctx);
void ngx_http_sealed_journal_change(ngx_http_sealed_ctx_t *ctx,
    sealed_journal_kind_t kind, uint32_t life, uint64_t value);
void ngx_http_sealed_journal_active(ngx_http_sealed_zone_conf_t *zone,
    const u_char *id);
void ngx_http_sealed_journal_ended(ngx_http_sealed_zone_conf_t *zone,
    const sealed_expiry_note_t *note);
ngx_int_t ngx_http_sealed_journal_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t status, ngx_str_t *type,
    u_char *data, size_t size);

/*
 * _inherit.c: descriptors that the running binary left, the n-th of a kind
 * or NGX_INVALID_FILE; one to be left to the next binary, which the master
 * keeps open for good; and the environment in which they are named.  Kinds
 * are letters of the units that use them.
 */
ngx_fd_t ngx_http_sealed_inherited(u_char kind, ngx_uint_t n);
ngx_fd_t ngx_http_sealed_bequeathed(u_char kind, ngx_uint_t n);
ngx_int_t ngx_http_sealed_bequeath(ngx_log_t *log, u_char kind, ngx_fd_t fd);
ngx_int_t ngx_http_sealed_inherit_export(ngx_cycle_t *cycle);

/*
 * _request.c: what there is to know of a request before any key is looked
 * at.  The context is of the request's pool; NULL: no memory.  A precheck
 * judges path, method, length and type, and sets ctx->operation and, where
 * there is such a resource, the methods that it has.
 */
ngx_http_sealed_ctx_t *ngx_http_sealed_get_ctx(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf);
sealed_verdict_t ngx_http_sealed_precheck(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx,
    const char **methods);
sealed_verdict_t ngx_http_sealed_post(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_resource_t resource, ngx_str_t *type);
sealed_resource_t ngx_http_sealed_route(ngx_http_sealed_ctx_t *ctx);
ngx_uint_t ngx_http_sealed_length_unknown(ngx_http_request_t *r);
void ngx_http_sealed_reading_headers(ngx_http_request_t *r,
    sealed_reading_headers_t *headers);

/*
 * _body.c: octets of the body that was read, in one piece, of the request's
 * pool; whether they have the digest that was signed
 */
ngx_int_t ngx_http_sealed_read_body(ngx_http_request_t *r,
    ngx_http_client_body_handler_pt handler);
ngx_int_t ngx_http_sealed_body(ngx_http_request_t *r, sealed_bytes_t *body);
sealed_verdict_t ngx_http_sealed_check_digest(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);

/* _check.c: whether a request is allowed, then its nonce and its budget */
ngx_int_t ngx_http_sealed_check(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t offload);
void ngx_http_sealed_spend(ngx_http_sealed_ctx_t *ctx);
sealed_verdict_t ngx_http_sealed_charge(ngx_http_sealed_ctx_t *ctx,
    ngx_uint_t units);

/*
 * _first_use.c: sets ctx->verdict, or NGX_AGAIN, only with offload set, and
 * then the end is to be called when ctx->pending is clear
 */
ngx_int_t ngx_http_sealed_first_use(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, const u_char *authority, ngx_uint_t offload);
void ngx_http_sealed_first_use_end(ngx_http_sealed_ctx_t *ctx);

/* _offload.c: arithmetic in another thread, and what is answered then */
ngx_int_t ngx_http_sealed_offload(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, void (*work)(void *data), void *data);
ngx_int_t ngx_http_sealed_offload_answer(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, void (*work)(void *data), void *data,
    ngx_http_sealed_respond_pt respond);

/* _operation.c: what was checked is done; what to finalize it with */
ngx_int_t ngx_http_sealed_operate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);

/*
 * _issue.c: certificates for accounts; before that, what a browser asks
 * without credentials; and the origin of a request, NULL when it has none
 * that may ask
 */
ngx_int_t ngx_http_sealed_issue_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_sealed_preflight_handler(ngx_http_request_t *r);
ngx_str_t *ngx_http_sealed_issue_origin(ngx_http_request_t *r);
char *ngx_http_sealed_issue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* _report.c: reports and revocations, and the octets of the longest report */
ngx_int_t ngx_http_sealed_report_handler(ngx_http_request_t *r);
size_t ngx_http_sealed_report_max(ngx_http_sealed_zone_conf_t *zone);

/* _online.c: zone->online, as long as the master; mail for who is there */
ngx_int_t ngx_http_sealed_online_init(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone);
sealed_verdict_t ngx_http_sealed_online_send(
    ngx_http_sealed_zone_conf_t *zone, sealed_append_t *append);

/* _admit.c: how a client wants to read; the reading, with NGX_DONE */
sealed_operation_t ngx_http_sealed_read_operation(ngx_http_request_t *r);
ngx_int_t ngx_http_sealed_read(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);

/*
 * _place.c: this worker's place among all of the host, taken when it starts,
 * SEALED_WAKE_WORKERS when all are taken; its eventfd; wake-ups for groups
 * of workers, a bit for each (wake.h), and those that were missed and have
 * been made up for
 */
ngx_int_t ngx_http_sealed_places_create(ngx_log_t *log);
ngx_uint_t ngx_http_sealed_place_take(void);
void ngx_http_sealed_place_leave(void);
ngx_uint_t ngx_http_sealed_place(void);
ngx_socket_t ngx_http_sealed_place_fd(void);
sealed_readers_t *ngx_http_sealed_place_readers(void);
void ngx_http_sealed_wake(uint64_t workers);
void ngx_http_sealed_place_healed(ngx_uint_t wakeups);
void ngx_http_sealed_place_counts(ngx_uint_t *readers, ngx_uint_t *healed);

/* _wake.c: what a worker does when it is called, and at times by itself */
ngx_int_t ngx_http_sealed_wake_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf);

/*
 * _respond.c: answers, and what to finalize the request with.  data has to
 * stay as long as the request.  A refusal takes the body that was not read
 * out of the way, and may have no ctx.  Names and values of headers are not
 * copied.
 */
ngx_int_t ngx_http_sealed_respond_head(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *type, off_t size);
ngx_int_t ngx_http_sealed_respond(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, u_char *data, size_t size);
ngx_int_t ngx_http_sealed_respond_problem(ngx_http_request_t *r,
    sealed_verdict_t verdict, ngx_http_sealed_ctx_t *ctx);
ngx_int_t ngx_http_sealed_refuse(ngx_http_request_t *r,
    sealed_verdict_t verdict, ngx_http_sealed_ctx_t *ctx,
    const char *methods);
ngx_int_t ngx_http_sealed_respond_options(ngx_http_request_t *r,
    const char *methods);
ngx_int_t ngx_http_sealed_add_headers(ngx_http_request_t *r);
ngx_int_t ngx_http_sealed_add_header(ngx_http_request_t *r, const char *name,
    u_char *value, size_t size);

extern ngx_str_t  ngx_http_sealed_json_type;

/* _discovery.c: what a gateway says of itself, to clients and to operators */
ngx_int_t ngx_http_sealed_discovery_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_sealed_status_handler(ngx_http_request_t *r);


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_H_INCLUDED_ */
