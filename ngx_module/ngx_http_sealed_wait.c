
#include "ngx_http_sealed_reader.h"


/*
 * Readers are found by their mailbox, from the moment on at which they may
 * have to wait; those that do are looked at.  Every reader, waiting or not,
 * has one place in a timing wheel; a single timer turns it, and only while
 * there are readers.  It is not cancelable: a worker that was told to leave
 * stays until its readers have been sent home.
 *
 * How many readers a mailbox has is counted in all workers (readers.h).  Each
 * worker sends away only its own: where the first of too many is another's,
 * it is told.
 */

#define NGX_HTTP_SEALED_BUCKETS  8192
#define NGX_HTTP_SEALED_SLOTS    1024
#define NGX_HTTP_SEALED_TICK     100


static ngx_queue_t *ngx_http_sealed_bucket(uint32_t mailbox);
static ngx_uint_t ngx_http_sealed_reads(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox);
static ngx_uint_t ngx_http_sealed_wait_bucket(ngx_queue_t *bucket,
    ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox);
static ngx_http_sealed_reader_t *ngx_http_sealed_wait_first(
    ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox, ngx_uint_t *count);
static void ngx_http_sealed_wait_send_away(ngx_http_sealed_reader_t *reader);
static ngx_http_sealed_reader_t *ngx_http_sealed_wait_seated(
    uint32_t mailbox, uint32_t seat);
static void ngx_http_sealed_wait_told(ngx_queue_t *bucket);
static void ngx_http_sealed_arm(ngx_http_sealed_reader_t *reader,
    ngx_uint_t ticks);
static void ngx_http_sealed_turn(ngx_event_t *ev);
static void ngx_http_sealed_slot(ngx_uint_t tick);


static ngx_queue_t       ngx_http_sealed_buckets[NGX_HTTP_SEALED_BUCKETS];
static ngx_queue_t       ngx_http_sealed_slots[NGX_HTTP_SEALED_SLOTS];
static ngx_uint_t        ngx_http_sealed_readers;
static ngx_uint_t        ngx_http_sealed_ticks;
static ngx_msec_t        ngx_http_sealed_turned;
static ngx_event_t       ngx_http_sealed_wheel;
static ngx_connection_t  ngx_http_sealed_wheel_connection;


void
ngx_http_sealed_wait_init(ngx_log_t *log)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_SEALED_BUCKETS; i++) {
        ngx_queue_init(&ngx_http_sealed_buckets[i]);
    }

    for (i = 0; i < NGX_HTTP_SEALED_SLOTS; i++) {
        ngx_queue_init(&ngx_http_sealed_slots[i]);
    }

    /* nginx logs the descriptor of whatever a timer belongs to */

    ngx_http_sealed_wheel_connection.fd = (ngx_socket_t) -1;
    ngx_http_sealed_wheel.data = &ngx_http_sealed_wheel_connection;
    ngx_http_sealed_wheel.handler = ngx_http_sealed_turn;
    ngx_http_sealed_wheel.log = log;
}


static ngx_queue_t *
ngx_http_sealed_bucket(uint32_t mailbox)
{
    return &ngx_http_sealed_buckets[mailbox % NGX_HTTP_SEALED_BUCKETS];
}


static ngx_uint_t
ngx_http_sealed_reads(ngx_http_sealed_reader_t *reader,
    ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox)
{
    return reader->ctx->cursor.mailbox == mailbox
           && reader->ctx->zone == zone;
}


/* once its mailbox is known; the hash that it is counted by */

uint64_t
ngx_http_sealed_wait_enter(ngx_http_sealed_reader_t *reader)
{
    uint64_t                hash;
    ngx_uint_t              place;
    ngx_queue_t            *bucket;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = reader->ctx;
    place = ngx_http_sealed_place();
    hash = sealed_zone_hash(ctx->zone->zone, ctx->mailbox);

    bucket = ngx_http_sealed_bucket(ctx->cursor.mailbox);
    ngx_queue_insert_tail(bucket, &reader->queue);
    reader->entered = 1;

    if (place < SEALED_WAKE_WORKERS) {
        reader->seat = sealed_readers_enter(ngx_http_sealed_place_readers(),
                                            place, hash);
    }

    return hash;
}


void
ngx_http_sealed_wait_leave(ngx_http_sealed_reader_t *reader)
{
    ngx_uint_t  place;

    if (!reader->entered) {
        return;
    }

    place = ngx_http_sealed_place();

    ngx_queue_remove(&reader->queue);
    reader->entered = 0;
    reader->waiting = 0;

    if (reader->seat && place < SEALED_WAKE_WORKERS) {
        sealed_readers_leave(ngx_http_sealed_place_readers(), place,
                             reader->seat);
        reader->seat = 0;
    }
}


/*
 * Sends away those that came first, as many as a mailbox has too many.  The
 * caller's own is never among them: his request is in use, and who came after
 * it counts as well and tells it.
 */

void
ngx_http_sealed_wait_crowd(ngx_http_sealed_zone_conf_t *zone,
    uint32_t mailbox, uint64_t hash, uint32_t seat)
{
    uint64_t                   after, groups;
    ngx_uint_t                 place, count, left;
    sealed_readers_t          *readers;
    sealed_reader_place_t      first;
    ngx_http_sealed_reader_t  *reader;

    readers = ngx_http_sealed_place_readers();
    place = ngx_http_sealed_place();

    if (place == SEALED_WAKE_WORKERS) {
        reader = ngx_http_sealed_wait_first(zone, mailbox, &count);

        if (count > zone->readers.mailbox) {
            ngx_http_sealed_wait_send_away(reader);
        }

        return;
    }

    after = 0;
    groups = 0;
    count = sealed_readers_count(readers, place, hash, after, &first);

    while (count > zone->readers.mailbox
           && first.worker < SEALED_WAKE_WORKERS)
    {
        if (first.worker == place) {

            if (first.seat == seat) {
                break;
            }

            ngx_http_sealed_wait_send_away(
                        ngx_http_sealed_wait_seated(mailbox, first.seat));

        } else {
            sealed_readers_tell(readers, &first);
            groups |= (uint64_t) 1 << first.worker % SEALED_WAKE_GROUPS;
        }

        /* others may have left meanwhile; who was told has not yet */

        after = first.arrival;
        left = sealed_readers_count(readers, place, hash, after, &first);
        count = ngx_min(count - 1, left);
    }

    if (groups) {
        sealed_wake_notify(zone->zone, (uint32_t) groups, mailbox);
        ngx_http_sealed_wake(groups);
    }
}


static void
ngx_http_sealed_wait_send_away(ngx_http_sealed_reader_t *reader)
{
    ngx_connection_t  *c;

    if (reader) {
        c = reader->request->connection;
        ngx_http_sealed_reader_leave(reader, NGX_HTTP_SEALED_CROWDED);
        ngx_http_run_posted_requests(c);
    }
}


static ngx_http_sealed_reader_t *
ngx_http_sealed_wait_seated(uint32_t mailbox, uint32_t seat)
{
    ngx_queue_t               *bucket, *q;
    ngx_http_sealed_reader_t  *reader;

    bucket = ngx_http_sealed_bucket(mailbox);

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, queue);

        if (reader->seat == seat) {
            return reader;
        }
    }

    return NULL;
}


/* of those of this worker; they stand in order of arrival */

static ngx_http_sealed_reader_t *
ngx_http_sealed_wait_first(ngx_http_sealed_zone_conf_t *zone,
    uint32_t mailbox, ngx_uint_t *count)
{
    ngx_queue_t               *bucket, *q;
    ngx_http_sealed_reader_t  *reader, *first;

    bucket = ngx_http_sealed_bucket(mailbox);
    first = NULL;
    *count = 0;

    for (q = ngx_queue_head(bucket);
         q != ngx_queue_sentinel(bucket);
         q = ngx_queue_next(q))
    {
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, queue);

        if (ngx_http_sealed_reads(reader, zone, mailbox)) {
            first = first ? first : reader;
            (*count)++;
        }
    }

    return first;
}


/* which other workers have found too many of */

static void
ngx_http_sealed_wait_told(ngx_queue_t *bucket)
{
    ngx_queue_t               *q;
    ngx_http_sealed_ctx_t     *ctx;
    ngx_http_sealed_reader_t  *reader;

    q = ngx_queue_head(bucket);

    while (q != ngx_queue_sentinel(bucket)) {
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, queue);
        q = ngx_queue_next(q);

        if (reader->seat == 0
            || !sealed_readers_told(ngx_http_sealed_place_readers(),
                                    ngx_http_sealed_place(), reader->seat))
        {
            continue;
        }

        ctx = reader->ctx;
        ngx_http_sealed_wait_crowd(ctx->zone, ctx->cursor.mailbox,
                                   sealed_zone_hash(ctx->zone->zone,
                                                    ctx->mailbox), 0);

        /* nothing is known of the others any more */

        q = ngx_queue_head(bucket);
    }
}


void
ngx_http_sealed_wait(ngx_http_sealed_reader_t *reader)
{
    reader->waiting = reader->entered;
}


void
ngx_http_sealed_unwait(ngx_http_sealed_reader_t *reader)
{
    reader->waiting = 0;
}


/* a reader on its way out keeps the time at which it leaves */

void
ngx_http_sealed_alarm(ngx_http_sealed_reader_t *reader, ngx_uint_t seconds)
{
    if (!reader->leaving) {
        ngx_http_sealed_arm(reader, seconds * (1000 / NGX_HTTP_SEALED_TICK));
    }
}


static void
ngx_http_sealed_arm(ngx_http_sealed_reader_t *reader, ngx_uint_t ticks)
{
    ngx_uint_t  due;

    if (!ngx_http_sealed_wheel.timer_set) {
        ngx_http_sealed_turned = ngx_current_msec;
        ngx_add_timer(&ngx_http_sealed_wheel, NGX_HTTP_SEALED_TICK);
    }

    due = ngx_http_sealed_ticks + ngx_max(ticks, 1);

    if (reader->armed) {
        ngx_queue_remove(&reader->slot);

    } else {
        reader->armed = 1;
        ngx_http_sealed_readers++;
    }

    reader->due = due;
    ngx_queue_insert_tail(&ngx_http_sealed_slots[due % NGX_HTTP_SEALED_SLOTS],
                          &reader->slot);
}


void
ngx_http_sealed_disarm(ngx_http_sealed_reader_t *reader)
{
    if (!reader->armed) {
        return;
    }

    ngx_queue_remove(&reader->slot);
    reader->armed = 0;
    ngx_http_sealed_readers--;

    if (ngx_http_sealed_readers == 0 && ngx_http_sealed_wheel.timer_set) {
        ngx_del_timer(&ngx_http_sealed_wheel);
    }
}


ngx_uint_t
ngx_http_sealed_wait_readers(void)
{
    return ngx_http_sealed_readers;
}


ngx_uint_t
ngx_http_sealed_wait_look(ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox)
{
    return ngx_http_sealed_wait_bucket(ngx_http_sealed_bucket(mailbox), zone,
                                       mailbox);
}


ngx_uint_t
ngx_http_sealed_wait_look_all(ngx_uint_t part, ngx_uint_t parts)
{
    ngx_uint_t  i, found;

    found = 0;

    for (i = part; i < NGX_HTTP_SEALED_BUCKETS; i += parts) {
        found += ngx_http_sealed_wait_bucket(&ngx_http_sealed_buckets[i],
                                             NULL, 0);
    }

    return found;
}


/*
 * A reader may end its own request, and with it others on the same HTTP/2
 * connection: only the head of a private queue is ever held on to.
 */

static ngx_uint_t
ngx_http_sealed_wait_bucket(ngx_queue_t *bucket,
    ngx_http_sealed_zone_conf_t *zone, uint32_t mailbox)
{
    ngx_uint_t                 found;
    ngx_queue_t                private, *q;
    ngx_connection_t          *c;
    ngx_http_sealed_reader_t  *reader;

    ngx_http_sealed_wait_told(bucket);

    if (ngx_queue_empty(bucket)) {
        return 0;
    }

    found = 0;

    ngx_queue_init(&private);
    ngx_queue_add(&private, bucket);
    ngx_queue_init(bucket);

    while (!ngx_queue_empty(&private)) {
        q = ngx_queue_head(&private);
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, queue);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(bucket, q);

        /* with a release quantum, the time of those is still to come */

        if (reader->waiting
            && (zone == NULL ? !reader->ctx->zone->release.timer_set
                             : ngx_http_sealed_reads(reader, zone, mailbox)))
        {
            c = reader->request->connection;
            found += ngx_http_sealed_reader_run(reader);
            ngx_http_run_posted_requests(c);
        }
    }

    return found;
}


/* the clock may have jumped over several ticks */

static void
ngx_http_sealed_turn(ngx_event_t *ev)
{
    ngx_uint_t  n;

    n = (ngx_current_msec - ngx_http_sealed_turned) / NGX_HTTP_SEALED_TICK;
    n = ngx_min(n, NGX_HTTP_SEALED_SLOTS);

    ngx_http_sealed_turned += n * NGX_HTTP_SEALED_TICK;

    while (n--) {
        ngx_http_sealed_slot(++ngx_http_sealed_ticks);
    }

    if (ngx_http_sealed_readers && !ev->timer_set) {
        ngx_add_timer(ev, NGX_HTTP_SEALED_TICK);
    }
}


static void
ngx_http_sealed_slot(ngx_uint_t tick)
{
    ngx_queue_t                private, *slot, *q;
    ngx_connection_t          *c;
    ngx_http_sealed_reader_t  *reader;

    slot = &ngx_http_sealed_slots[tick % NGX_HTTP_SEALED_SLOTS];

    if (ngx_queue_empty(slot)) {
        return;
    }

    ngx_queue_init(&private);
    ngx_queue_add(&private, slot);
    ngx_queue_init(slot);

    while (!ngx_queue_empty(&private)) {
        q = ngx_queue_head(&private);
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, slot);

        ngx_queue_remove(q);
        ngx_queue_insert_tail(slot, q);

        /* signed: a later round of the wheel is not due yet */

        if ((ngx_int_t) (reader->due - tick) <= 0) {
            c = reader->request->connection;
            ngx_http_sealed_reader_expired(reader);
            ngx_http_run_posted_requests(c);
        }
    }
}


void
ngx_http_sealed_wait_drain(void)
{
    ngx_uint_t                 i, window;
    ngx_queue_t                all, *q;
    ngx_http_sealed_reader_t  *reader;

    ngx_queue_init(&all);

    for (i = 0; i < NGX_HTTP_SEALED_SLOTS; i++) {

        if (!ngx_queue_empty(&ngx_http_sealed_slots[i])) {
            ngx_queue_add(&all, &ngx_http_sealed_slots[i]);
            ngx_queue_init(&ngx_http_sealed_slots[i]);
        }
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        reader = ngx_queue_data(q, ngx_http_sealed_reader_t, slot);

        window = reader->ctx->zone->readers.jitter / NGX_HTTP_SEALED_TICK;

        ngx_http_sealed_arm(reader, 1 + ngx_random() % (window + 1));
        reader->leaving = 1;
    }
}
