
#include "ngx_http_sealed_reader.h"

#include <sodium.h>


/*
 * A wake-up says only "look": the truth is in shared memory.  What a wake-up
 * missed is found by a timer.
 */

#define NGX_HTTP_SEALED_TICK     1000
#define NGX_HTTP_SEALED_RECHECK  5
#define NGX_HTTP_SEALED_STEPS    1000
#define NGX_HTTP_SEALED_NOTES    256
#define NGX_HTTP_SEALED_ROUNDS   16


static void ngx_http_sealed_wake_read(ngx_event_t *ev);
static ngx_uint_t ngx_http_sealed_wake_take(ngx_connection_t *c);
static ngx_uint_t ngx_http_sealed_wake_look(void);
static void ngx_http_sealed_release(ngx_event_t *ev);
static ngx_uint_t ngx_http_sealed_wake_zone(
    ngx_http_sealed_zone_conf_t *zone);
static void ngx_http_sealed_heal(void);
static void ngx_http_sealed_tick(ngx_event_t *ev);
static void ngx_http_sealed_expire(ngx_http_sealed_zone_conf_t *zone);
static void ngx_http_sealed_reap(void);
static void ngx_http_sealed_drain(ngx_event_t *ev);
static ngx_int_t ngx_http_sealed_drain_init(ngx_cycle_t *cycle);
static ngx_connection_t *ngx_http_sealed_connection(ngx_socket_t fd,
    ngx_log_t *log, ngx_event_handler_pt handler);


static ngx_http_sealed_main_conf_t  *ngx_http_sealed_conf;
static ngx_event_t                   ngx_http_sealed_timer;
static ngx_connection_t              ngx_http_sealed_timer_connection;
static ngx_connection_t             *ngx_http_sealed_wake_connection;
static ngx_connection_t             *ngx_http_sealed_idle_connection;
static ngx_socket_t                  ngx_http_sealed_idle_peer;
static ngx_uint_t                    ngx_http_sealed_ticks;
static ngx_msec_t                    ngx_http_sealed_phase;


ngx_int_t
ngx_http_sealed_wake_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i, place;
    ngx_http_sealed_zone_conf_t  **zone;

    ngx_http_sealed_conf = smcf;

    ngx_http_sealed_wait_init(cycle->log);
    ngx_http_sealed_phase = randombytes_uniform(60000);

    place = ngx_http_sealed_place_take();

    if (place == SEALED_WAKE_WORKERS) {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "sealed: more than %d workers, waiting readers of this "
                      "one are served every %d seconds", SEALED_WAKE_WORKERS,
                      NGX_HTTP_SEALED_RECHECK);

    } else {
        zone = smcf->zones.elts;

        for (i = 0; i < smcf->zones.nelts; i++) {
            sealed_wake_attach(zone[i]->zone, place);

            zone[i]->release.handler = ngx_http_sealed_release;
            zone[i]->release.data = &ngx_http_sealed_timer_connection;
            zone[i]->release.log = cycle->log;
            zone[i]->release.cancelable = 1;
        }

        ngx_http_sealed_wake_connection =
            ngx_http_sealed_connection(ngx_http_sealed_place_fd(),
                                       cycle->log,
                                       ngx_http_sealed_wake_read);

        if (ngx_http_sealed_wake_connection == NULL) {
            return NGX_ERROR;
        }
    }

    if (ngx_http_sealed_drain_init(cycle) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_sealed_timer.handler = ngx_http_sealed_tick;
    ngx_http_sealed_timer.log = cycle->log;
    /* nginx logs the descriptor of whatever a timer belongs to */

    ngx_http_sealed_timer_connection.fd = (ngx_socket_t) -1;
    ngx_http_sealed_timer.data = &ngx_http_sealed_timer_connection;
    ngx_http_sealed_timer.cancelable = 1;
    ngx_add_timer(&ngx_http_sealed_timer, NGX_HTTP_SEALED_TICK);

    return NGX_OK;
}


static void
ngx_http_sealed_wake_read(ngx_event_t *ev)
{
    (void) ngx_http_sealed_wake_take(ev->data);

    /* all of it was taken; poll() and select() would not ask again */

    ev->ready = 0;

    (void) ngx_http_sealed_wake_look();

    if (ngx_handle_read_event(ev, 0) != NGX_OK) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, 0,
                      "sealed: cannot listen for wake-ups");
    }
}


/* whether anybody has called */

static ngx_uint_t
ngx_http_sealed_wake_take(ngx_connection_t *c)
{
    uint64_t  count;

    if (read(c->fd, &count, sizeof(count)) != -1) {
        return 1;
    }

    if (ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, c->log, ngx_errno,
                      "read() from eventfd failed");
    }

    return 0;
}


static ngx_uint_t
ngx_http_sealed_wake_look(void)
{
    ngx_msec_t                     quantum;
    ngx_uint_t                     i, found;
    ngx_http_sealed_zone_conf_t  **zone;

    found = 0;
    zone = ngx_http_sealed_conf->zones.elts;

    for (i = 0; i < ngx_http_sealed_conf->zones.nelts; i++) {
        quantum = zone[i]->readers.quantum;

        if (quantum == 0) {
            found += ngx_http_sealed_wake_zone(zone[i]);
            continue;
        }

        /* at the next tick, whose phase tells nothing */

        if (!zone[i]->release.timer_set) {
            ngx_add_timer(&zone[i]->release,
                          quantum - (ngx_current_msec
                                     + ngx_http_sealed_phase) % quantum);
        }
    }

    return found;
}


static void
ngx_http_sealed_release(ngx_event_t *ev)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = ngx_http_sealed_conf->zones.elts;

    for (i = 0; i < ngx_http_sealed_conf->zones.nelts; i++) {
        if (ev == &zone[i]->release) {
            (void) ngx_http_sealed_wake_zone(zone[i]);
        }
    }
}


static ngx_uint_t
ngx_http_sealed_wake_zone(ngx_http_sealed_zone_conf_t *zone)
{
    unsigned    all, n, j;
    uint32_t    mailboxes[SEALED_WAKE_RING];
    ngx_uint_t  found;

    n = sealed_wake_take(zone->zone, ngx_http_sealed_place(), mailboxes,
                         &all);

    if (all) {
        return ngx_http_sealed_wait_look_all(0, 1);
    }

    found = 0;

    for (j = 0; j < n; j++) {
        found += ngx_http_sealed_wait_look(zone, mailboxes[j]);
    }

    return found;
}


static void
ngx_http_sealed_tick(ngx_event_t *ev)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = ngx_http_sealed_conf->zones.elts;

    for (i = 0; i < ngx_http_sealed_conf->zones.nelts; i++) {

        (void) sealed_zone_birth(zone[i]->zone, ngx_time());
        ngx_http_sealed_expire(zone[i]);

        sealed_online_sweep(zone[i]->online, ngx_time());
    }

    ngx_http_sealed_heal();

    if (++ngx_http_sealed_ticks % NGX_HTTP_SEALED_RECHECK == 0) {
        ngx_http_sealed_reap();
    }

    if (!ngx_exiting) {
        ngx_add_timer(ev, NGX_HTTP_SEALED_TICK);
    }
}


static void
ngx_http_sealed_expire(ngx_http_sealed_zone_conf_t *zone)
{
    uint64_t               wake;
    ngx_uint_t             i, pages, rounds;
    sealed_expiry_notes_t  notes;

    static sealed_expiry_note_t  note[NGX_HTTP_SEALED_NOTES];

    pages = 64 + zone->zone->header->arena.pages / 1024;

    if (zone->journal.stream == NULL) {
        (void) sealed_expiry_run(zone->zone, NGX_HTTP_SEALED_STEPS, pages,
                                 ngx_time(), &wake);
        ngx_http_sealed_wake(wake);
        return;
    }

    notes.note = note;
    notes.capacity = NGX_HTTP_SEALED_NOTES;
    rounds = NGX_HTTP_SEALED_ROUNDS;

    do {
        notes.count = 0;

        (void) sealed_expiry_run_noted(zone->zone, NGX_HTTP_SEALED_STEPS,
                                       pages, ngx_time(), &wake, &notes);
        ngx_http_sealed_wake(wake);

        for (i = 0; i < notes.count; i++) {
            ngx_http_sealed_journal_ended(zone, &note[i]);
        }

    } while (notes.count == notes.capacity && --rounds);
}


/* what workers that were killed had under way */

static void
ngx_http_sealed_reap(void)
{
    unsigned                       n;
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = ngx_http_sealed_conf->zones.elts;

    for (i = 0; i < ngx_http_sealed_conf->zones.nelts; i++) {
        n = sealed_worker_reap(zone[i]->zone);

        if (n) {
            ngx_http_sealed_journals_reaped(zone[i]);
            ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                          "sealed zone \"%V\": put right what %ud dead "
                          "worker%s had under way", &zone[i]->name, n,
                          n == 1 ? "" : "s");
        }
    }
}


/*
 * Whatever a waiting reader finds without having been called is a wake-up
 * that was lost.  (Or one that is between the store and the eventfd just
 * now, which would be a matter of microseconds.)
 */

static void
ngx_http_sealed_heal(void)
{
    ngx_uint_t         healed;
    ngx_connection_t  *c;

    healed = 0;
    c = ngx_http_sealed_wake_connection;

    if (c) {
        if (ngx_http_sealed_wake_take(c)) {
            (void) ngx_http_sealed_wake_look();

        } else {
            healed = ngx_http_sealed_wake_look();
        }
    }

    healed += ngx_http_sealed_wait_look_all(ngx_http_sealed_ticks
                                            % NGX_HTTP_SEALED_RECHECK,
                                            NGX_HTTP_SEALED_RECHECK);

    /* what has come since it was asked for first, its call just behind it */

    if (c && healed && ngx_http_sealed_wake_take(c)) {
        (void) ngx_http_sealed_wake_look();
        healed = 0;
    }

    if (c && healed) {
        ngx_http_sealed_place_healed(healed);

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "sealed: %ui lost wake-ups were made up for", healed);
    }
}


/*
 * nginx calls the read handlers of idle connections when a worker is told
 * to leave; there is no other hook.  Waiting readers are sent home then.
 */

static ngx_int_t
ngx_http_sealed_drain_init(ngx_cycle_t *cycle)
{
    ngx_socket_t  pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, pair) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_socket_errno,
                      "socketpair() failed");
        return NGX_ERROR;
    }

    ngx_http_sealed_idle_peer = pair[1];

    ngx_http_sealed_idle_connection =
        ngx_http_sealed_connection(pair[0], cycle->log,
                                   ngx_http_sealed_drain);

    if (ngx_http_sealed_idle_connection == NULL) {
        return NGX_ERROR;
    }

    ngx_http_sealed_idle_connection->idle = 1;

    return NGX_OK;
}


static void
ngx_http_sealed_drain(ngx_event_t *ev)
{
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close) {
        return;
    }

    ngx_http_sealed_wait_drain();

    (void) close(ngx_http_sealed_idle_peer);
    ngx_close_connection(c);
    ngx_http_sealed_idle_connection = NULL;
}


static ngx_connection_t *
ngx_http_sealed_connection(ngx_socket_t fd, ngx_log_t *log,
    ngx_event_handler_pt handler)
{
    ngx_connection_t  *c;

    c = ngx_get_connection(fd, log);
    if (c == NULL) {
        return NULL;
    }

    c->log = log;
    c->read->log = log;
    c->write->log = log;
    c->read->handler = handler;

    /* tells nginx that this one is not a client's */

    c->read->channel = 1;
    c->write->channel = 1;

    if (ngx_nonblocking(fd) == -1
        || ngx_add_event(c->read, NGX_READ_EVENT,
                         ngx_event_flags & NGX_USE_CLEAR_EVENT
                         ? NGX_CLEAR_EVENT : NGX_LEVEL_EVENT)
           != NGX_OK)
    {
        ngx_free_connection(c);
        return NULL;
    }

    return c;
}
