
/*
 * Deaths at every step of every critical section.
 *
 * The core is built with fault points: each change of shared memory is a
 * step.  For each operation there is, a process does it and dies at the
 * first step, on the same zone made anew another dies at the second, and so
 * on until one survives.  After each death others go on, and then:
 *
 * - the checker finds nothing wrong, before what was left is given back and
 *   after;
 * - what was there before is there, octet by octet; what the operation would
 *   have added is there whole or not at all;
 * - the operation can be done again;
 * - when all is read and closed, the zone is as empty as when it was new.
 *
 * Of an operation with more than 2,500 steps only so many are tried, unless
 * SEALED_ALL_STEPS is set.
 *
 * Steps also see to it that nothing is changed that could not be undone, and
 * that no two locks are held.
 */

/* as the core that it is linked with */
#ifndef SEALED_FAULTS
#define SEALED_FAULTS  1
#endif

#include "store.h"
#include "../../src/body.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>


enum {
    SIZE      = 2 << 20,
    BOXES     = 24,         /* 1 .. 24; 1 is full, 2 has ended, 3 is empty */
    MANY      = 70,         /* envelopes in mailbox 4: more than a batch */
    EXPIRED   = 5,          /* mailbox 5 has some of short life */
    DIED      = 99
};

#define EXPIRY  (NOW / 3600 + 48)
#define LATER   (NOW + 7200)


typedef struct {
    const char                   *name;
    void                        (*run)(sealed_zone_t *zone);
    uint32_t                      first;        /* mailboxes that may get */
    uint32_t                      count;        /* one envelope more */
    uint32_t                      loses;        /* mailbox that may lose */
    uint32_t                      opens;        /* that may be new */
    uint64_t                      now;
} operation_t;


/* shared with the children */

typedef struct {
    unsigned long                 steps;
    unsigned long                 countdown;    /* 0: lives for ever */
} life_t;


static life_t               *life;
static void                 *memory;            /* of the zone */
static uint8_t              *base;              /* as it is made anew */
static uint32_t              base_free;
static uint32_t              base_counts[BOXES + 10];
static uint8_t               pattern[70000];
static uint8_t               large[2 << 20];
static const uint8_t        *held_zone;
static const sealed_lock_t  *held;


void
sealed_step(const void *data, size_t size)
{
    uint32_t        used;
    uint64_t        word;
    const uint8_t  *saved;

    life->steps++;

    if (life->countdown && --life->countdown == 0) {
        _exit(DIED);
    }

    if (data == NULL) {
        return;
    }

    for (used = held ? held->used : 0;
         used;
         used -= (uint32_t) SEALED_UNDO_SIZE(word & 0xffff))
    {
        word = held->log[used - 1];
        saved = held_zone + (word >> 16);

        if ((const uint8_t *) data >= saved
            && (const uint8_t *) data + size <= saved + (word & 0xffff))
        {
            return;
        }
    }

    fprintf(stderr, "a change of shared memory that was not saved\n");
    abort();
}


void
sealed_held(void *zone, const sealed_lock_t *lock)
{
    if (lock && zone == NULL) {
        fprintf(stderr, "an undo log is full\n");
        abort();
    }

    if (lock && held) {
        fprintf(stderr, "two locks are held\n");
        abort();
    }

    held_zone = zone;
    held = lock;
}


/* certificates whose ids fall into the first shard, until it has so many */

static void
fill_shard(sealed_zone_t *zone, uint32_t n, uint32_t count, uint64_t end)
{
    uint8_t  id[16];

    for ( /* void */ ; zone->shards[0].certificates.count < count; n++) {
        store_id(id, n);

        if (sealed_zone_shard(zone, sealed_zone_hash(zone, id))
            == zone->shards)
        {
            (void) store_insert(zone, n, end);
        }
    }
}


/* operations */

static void
send_one(sealed_zone_t *zone)
{
    uint32_t  accepted;

    (void) store_send(zone, 3, 1, pattern, 1024, 0, NOW, EXPIRY, &accepted);
}


/* to unknown and full ones too; whole pages, cells, slices and a stamp */

static void
send_many(sealed_zone_t *zone)
{
    uint8_t          recipients[(BOXES + 4) * 16], results[BOXES + 4];
    uint8_t          headers[(BOXES + 4) * 48];
    uint64_t         scratch[2 * (BOXES + 4)];
    uint32_t         i;
    sealed_append_t  append;
    sealed_fanout_t  fanout;

    for (i = 0; i < BOXES + 4; i++) {
        store_id(recipients + i * 16, i + 1);
        memset(headers + i * 48, (int) (i + 1), 48);
    }

    fanout.recipients = recipients;
    fanout.count = BOXES + 4;
    fanout.headers = headers;
    fanout.slice_size = 48;
    fanout.body.data = pattern;
    fanout.body.size = 9000;

    append.fanout = &fanout;
    append.stamp.data = pattern;
    append.stamp.size = SEALED_STAMP_SIZE;
    append.expiry_hour = EXPIRY;
    append.scratch = scratch;
    append.hashed = 0;
    append.results = results;

    (void) sealed_append(zone, &append, NOW);
}


/* short-lived, so that mailboxes move in their wheels */

static void
send_short(sealed_zone_t *zone)
{
    uint32_t  accepted;

    (void) store_send(zone, 6, 8, pattern, 100, 4, NOW, NOW / 3600 + 1,
                      &accepted);
}


static void
send_refused(sealed_zone_t *zone)
{
    uint32_t  accepted;

    (void) store_send(zone, 1, 1, pattern, 20000, 4, NOW, EXPIRY, &accepted);
}


static void
send_too_much(sealed_zone_t *zone)
{
    uint32_t  accepted;

    zone->limits.bytes = UINT32_MAX;
    (void) store_send(zone, 6, 2, large, sizeof(large), 4, NOW, EXPIRY,
                      &accepted);
    zone->limits = store_limits;
}


static void
open_new(sealed_zone_t *zone)
{
    (void) store_open(zone, BOXES + 5);
}


static void
open_again(sealed_zone_t *zone)
{
    uint8_t                  id[16], opener[16], key[32];
    unsigned                 created;
    sealed_mailbox_status_t  status;

    store_id(id, 2);
    store_id(opener, 0);
    memset(key, 2, sizeof(key));
    (void) sealed_mailbox_open(zone, id, key, 7, opener, 65535, LATER,
                               &created, &status);
}


static void
acknowledge(sealed_zone_t *zone)
{
    uint8_t  id[16];

    store_id(id, 4);
    (void) sealed_mailbox_acknowledge(zone, id, MANY - 1, NOW);
}


static void
close_full(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint64_t  wake;

    store_id(id, 4);
    (void) sealed_mailbox_close(zone, id, NOW, &wake);
}


static void
use_certificate(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint64_t  next;
    unsigned  has_next;

    (void) store_insert(zone, 500, NOW + 5000);
    (void) store_insert(zone, 500, NOW + 5000);
    store_id(id, 500);
    (void) sealed_certificate_table_spend(zone, id, 7, &next, &has_next);
    (void) sealed_certificate_table_charge(zone, id, &store_rule, 7, NOW,
                                           &next);
    (void) sealed_certificate_table_open(zone, id, 1);
    sealed_certificate_table_unopen(zone, id);
}


static void
draw(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint32_t  taken;

    store_id(id, 502);
    (void) sealed_certificate_table_count(zone, id, 3, 9, NOW + 5000, &taken);
    (void) sealed_certificate_table_count(zone, id, 2, 9, NOW + 5000, &taken);
    sealed_certificate_table_uncount(zone, id, 2);
}


static void
come_back(sealed_zone_t *zone)
{
    sealed_certificate_entry_t  row;

    memset(&row, 0, sizeof(row));
    store_id(row.entry.id, 501);
    row.kind = SEALED_ENTRY_REMEMBERED;
    row.end = NOW + 5000;
    row.window_highest = 9;
    row.window[0] = 1 << 9;
    (void) sealed_certificate_table_remember(zone, &row);

    row.opened = 1;
    row.budget.time = NOW;
    row.window_highest = 300;
    (void) sealed_certificate_table_remember(zone, &row);
    (void) store_insert(zone, 501, NOW + 5000);
}


static void
spend(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint64_t  next;
    unsigned  has_next;

    store_id(id, 4);
    (void) sealed_mailbox_spend(zone, id, 12345, NOW, &next, &has_next);
    (void) sealed_mailbox_spend(zone, id, 12346, NOW, &next, &has_next);
}


/* drops what has expired, and waits */

static void
read_and_wait(sealed_zone_t *zone)
{
    size_t           used;
    uint8_t          id[16];
    unsigned         more;
    sealed_cursor_t  cursor = { 100, 100, SEALED_NONE, SEALED_NONE };

    store_id(id, EXPIRED);
    (void) sealed_mailbox_read(zone, id, LATER, &cursor, NULL, 0, &used,
                               &more, 3);
}


/* ended mailboxes and certificates go, expired mail, idle mailboxes */

static void
expire(sealed_zone_t *zone)
{
    (void) store_expire(zone, LATER);
}


static void
expire_all(sealed_zone_t *zone)
{
    (void) store_expire(zone, NOW + 30 * 86400);
}


static void
key_line_left(sealed_zone_t *zone)
{
    zone->limits.tag[0] = 8;
    (void) store_expire(zone, NOW);
    zone->limits.tag[0] = 7;
}


static void
shrink_and_grow(sealed_zone_t *zone)
{
    (void) sealed_zone_resize(zone, sealed_zone_least_size(zone) + 8192);
    (void) sealed_zone_resize(zone, SIZE);
}


/* so many that a table gets a second index page, and gives it back */

static void
tables(sealed_zone_t *zone)
{
    fill_shard(zone, 100000, SEALED_TABLE_PAGE + 4, NOW + 5000);
}


static void
claim_and_release(sealed_zone_t *zone)
{
    sealed_zone_t  other;

    other = *zone;

    if (sealed_worker_claim(&other) == 0) {
        (void) sealed_worker_take(&other, SEALED_POOL_MAILBOX, 0);
        (void) sealed_worker_take(&other, SEALED_POOL_INDEX, 0);
        sealed_worker_release(&other);
    }
}


static const operation_t  operations[] = {
    { "send to one", send_one, 3, 1, 0, 0, NOW },
    { "send to many", send_many, 3, BOXES - 2, 0, 0, NOW },
    { "send what is short-lived", send_short, 6, 8, 0, 0, NOW },
    { "send to a full one", send_refused, 0, 0, 0, 0, NOW },
    { "send what has no room", send_too_much, 0, 0, 0, 0, NOW },
    { "open", open_new, 0, 0, 0, BOXES + 5, NOW },
    { "open again", open_again, 0, 0, 0, 2, LATER },
    { "acknowledge", acknowledge, 0, 0, 4, 0, NOW },
    { "close", close_full, 0, 0, 4, 0, NOW },
    { "use a certificate", use_certificate, 0, 0, 0, 0, NOW },
    { "an account draws", draw, 0, 0, 0, 0, NOW },
    { "a certificate comes back", come_back, 0, 0, 0, 0, NOW },
    { "spend", spend, 0, 0, 0, 0, NOW },
    { "read and wait", read_and_wait, 0, 0, EXPIRED, 0, LATER },
    { "expire", expire, 0, 0, EXPIRED, 0, LATER },
    { "a key line that left", key_line_left, 0, 0, 0, 0, 0 },
    { "everything expires", expire_all, 0, 0, 0, 0, 0 },
    { "shrink and grow", shrink_and_grow, 0, 0, 0, 0, NOW },
    { "tables grow", tables, 0, 0, 0, 0, NOW },
    { "claim and release", claim_and_release, 0, 0, 0, 0, NOW }
};


/* the zone as each operation finds it, of one process that is gone */

static int
make_base(void **unused)
{
    size_t          i;
    uint8_t         id[16];
    uint32_t        n, accepted;
    uint64_t        wake;
    sealed_zone_t  *zone;

    for (i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t) (i * 7 + i / 256);
    }

    memory = store_memory(SIZE);
    zone = store_in(memory, SIZE);
    base_free = zone->header->arena.free_pages;

    assert_int_equal(store_insert(zone, 0, NOW + 20 * 86400), SEALED_OK);

    for (n = 1; n <= 20; n++) {
        assert_int_equal(store_insert(zone, 900 + n, NOW + 3600), SEALED_OK);
    }

    /* one shard's table of certificates is about to grow */

    fill_shard(zone, 1000, SEALED_TABLE_PAGE - 4, NOW + 20 * 86400);

    for (n = 1; n <= BOXES; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    for (n = 0; n < 100; n++) {
        assert_int_equal(store_send(zone, 1, 1, pattern, 10, 0, NOW, EXPIRY,
                                    &accepted),
                         SEALED_OK);
    }

    for (n = 0; n < MANY; n++) {
        assert_int_equal(store_send(zone, 4, 1, pattern, 130 * (n % 40), 48,
                                    NOW, EXPIRY, &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 1);
    }

    for (n = 0; n < 6; n++) {
        assert_int_equal(store_send(zone, EXPIRED, 3, pattern, 300, 4, NOW,
                                    n % 2 ? EXPIRY : NOW / 3600 + 1,
                                    &accepted),
                         SEALED_OK);
    }

    store_id(id, 2);
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);

    for (n = 1; n <= BOXES; n++) {
        base_counts[n] = store_mailbox(zone, n)->count;
    }

    assert_null(store_check(zone));
    sealed_worker_release(zone);

    base = malloc(SIZE);
    memcpy(base, memory, SIZE);
    free(zone);

    return 0;
}


/* runs it in a process of its own; the steps it lived, or 0: to its end */

static int
live(sealed_zone_t *zone, const operation_t *operation,
    unsigned long countdown)
{
    int    status;
    pid_t  pid;

    life->steps = 0;
    pid = fork();

    if (pid == 0) {

        /* whose operation is to reap does that when it claims its place */

        if (operation->run) {
            assert_int_equal(sealed_worker_claim(zone), 0);
        }

        life->steps = 0;
        life->countdown = countdown;

        if (operation->run) {
            operation->run(zone);

        } else {
            assert_int_equal(sealed_worker_claim(zone), 0);
        }

        life->countdown = 0;
        sealed_worker_release(zone);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    life->countdown = 0;
    assert_true(WIFEXITED(status));

    return WEXITSTATUS(status);
}


/* every item whole, in order; how many */

static uint32_t
count_items(sealed_zone_t *zone, uint32_t n, uint64_t now)
{
    size_t                used;
    uint32_t              count;
    uint64_t              seq;
    sealed_item_t         item;
    const uint8_t        *pos;
    static uint8_t        out[1 << 20];

    used = store_read(zone, n, 0, 1000, out, sizeof(out), now);
    count = 0;
    seq = 0;

    for (pos = out; pos < out + used; count++) {
        assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
        assert_true(item.seq > seq);
        assert_memory_equal(item.body.data, pattern, item.body.size);

        if (item.header.size) {
            assert_int_equal(item.header.data[item.header.size - 1], n);
        }

        if (item.stamp.data) {
            assert_memory_equal(item.stamp.data, pattern, item.stamp.size);
        }

        seq = item.seq;
    }

    return count;
}


static void
check_mail(sealed_zone_t *zone, const operation_t *operation, int died)
{
    uint32_t  n, count, more;

    for (n = 1; n <= BOXES; n++) {

        if (n == 2 || (n == operation->loses
                       && (store_mailbox(zone, n) == (void *) zone->base
                           || store_mailbox(zone, n)->tag == 0)))
        {
            continue;
        }

        count = count_items(zone, n, operation->now);
        more = n >= operation->first
               && n < operation->first + operation->count;

        if (n == operation->loses
            || (operation->now == LATER && n >= EXPIRED && n < EXPIRED + 3))
        {
            assert_true(count <= base_counts[n]);
            continue;
        }

        if (died) {
            assert_in_range(count, base_counts[n], base_counts[n] + more);

        } else {
            assert_int_equal(count, base_counts[n] + more);
        }
    }
}


/* nothing is left that cannot be given back */

static void
drain(sealed_zone_t *zone)
{
    (void) store_expire(zone, NOW + 60 * 86400);
    (void) store_expire(zone, NOW + 60 * 86400 + 7200);

    assert_null(store_check(zone));
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_CELL), 0);
    assert_int_equal(store_records(zone), 0);
    assert_int_equal(zone->header->arena.free_pages, base_free);
}


static void
after_death(sealed_zone_t *zone, const operation_t *operation)
{
    assert_in_range(sealed_worker_reap(zone), 0, 2);
    assert_null(store_check(zone));

    if (operation->now) {
        check_mail(zone, operation, 1);
    }

    operation->run(zone);
    assert_null(store_check(zone));

    if (operation->opens && operation->now == NOW) {
        assert_int_equal(store_mailbox(zone, operation->opens)->tag, 7);
    }

    drain(zone);
    sealed_worker_release(zone);
}


static void
make_anew(sealed_zone_t *zone)
{
    memcpy(memory, base, SIZE);
    assert_null(sealed_zone_attach(zone, memory, SIZE));
    zone->limits = store_limits;
}


static void
test_every_step(void **state)
{
    int                 status;
    sealed_zone_t       zone;
    unsigned long       n, stride, deaths;
    const operation_t  *operation;

    operation = *state;

    make_anew(&zone);
    assert_int_equal(live(&zone, operation, 0), 0);

    /* the longest repeat themselves: all of their steps take minutes */

    stride = getenv("SEALED_ALL_STEPS") ? 1 : life->steps / 2500 * 2 + 1;
    deaths = 0;

    for (n = 1; /* void */ ; n += stride) {
        make_anew(&zone);
        status = live(&zone, operation, n);
        assert_int_equal(sealed_worker_claim(&zone), 0);

        if (status == 0) {
            break;
        }

        assert_int_equal(status, DIED);
        after_death(&zone, operation);
        deaths++;
    }

    assert_null(store_check(&zone));

    if (operation->now) {
        check_mail(&zone, operation, 0);
    }

    drain(&zone);
    sealed_worker_release(&zone);

    assert_true(deaths > 2 || operation->run == send_too_much);
    print_message("# %s: %lu deaths\n", operation->name, deaths);
}


/* who puts right what a dead one has left may die of it as well */

static void
test_deaths_while_reaping(void **state)
{
    int                status;
    size_t             i;
    sealed_zone_t      zone;
    unsigned long      n, first, total, deaths, stride;
    const operation_t  reaping = { "reap", NULL, 0, 0, 0, 0, 0 };

    static const size_t  chosen[] = { 1, 5, 7 };

    stride = getenv("SEALED_ALL_STEPS") ? 1 : 23;
    deaths = 0;

    for (i = 0; i < sizeof(chosen) / sizeof(chosen[0]); i++) {

        make_anew(&zone);
        (void) live(&zone, &operations[chosen[i]], 0);
        total = life->steps;

        for (first = 1; first < total; first += total / 12) {
            for (n = 1; /* void */ ; n += stride) {
                make_anew(&zone);
                assert_int_equal(live(&zone, &operations[chosen[i]], first),
                                 DIED);
                status = live(&zone, &reaping, n);
                assert_int_equal(sealed_worker_claim(&zone), 0);

                if (status == 0) {
                    sealed_worker_release(&zone);
                    break;
                }

                deaths++;
                after_death(&zone, &operations[chosen[i]]);
            }
        }
    }

    assert_true(deaths > 100);
    print_message("# %lu deaths of who puts things right\n", deaths);
}


int
main(void)
{
    size_t                    i, n;
    struct CMUnitTest         tests[32];

    life = mmap(NULL, sizeof(life_t), PROT_READ|PROT_WRITE,
                MAP_SHARED|MAP_ANONYMOUS, -1, 0);

    if (life == MAP_FAILED) {
        return 1;
    }

    memset(tests, 0, sizeof(tests));
    n = sizeof(operations) / sizeof(operations[0]);

    for (i = 0; i < n; i++) {
        tests[i].name = operations[i].name;
        tests[i].test_func = test_every_step;
        tests[i].initial_state = (void *) &operations[i];
    }

    tests[n].name = "deaths while reaping";
    tests[n].test_func = test_deaths_while_reaping;

    return _cmocka_run_group_tests("deaths", tests, n + 1, make_base, NULL);
}
