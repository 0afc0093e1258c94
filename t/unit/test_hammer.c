
/*
 * Several processes, or threads with a handle each, that work on one zone as
 * hard as they can.  What each of them reads has to be whole and in order,
 * and when all are gone the zone has to be sound.
 *
 * Built with ThreadSanitizer only the threads are run; what is looked at
 * without a lock on purpose is named in tsan.supp.
 */

#include "store.h"

#include "readers.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


#if (__SANITIZE_THREAD__)
#define TURNS  1500
#else
#define TURNS  3000
#endif

enum {
    BOXES = 60,
    WORKERS = 4
};

typedef struct {
    sealed_zone_t                 zone;         /* its own handle */
    unsigned                      seed;
    unsigned                      turns;        /* 0: until it is killed */
    uint32_t                     *clock;        /* hours since NOW */
    unsigned                      wrong;        /* line of what was */
    uint64_t                      last[BOXES + 1];
    sealed_cursor_t               cursor[BOXES + 1];
} hammer_t;


static uint64_t
now_of(const hammer_t *h)
{
    return NOW + (uint64_t) __atomic_load_n(h->clock, __ATOMIC_RELAXED)
                 * 3600;
}


/* first octet of a body: how all the others are made */

static void
fill(uint8_t *body, size_t size, unsigned seed)
{
    size_t  i;

    for (i = 0; i < size; i++) {
        body[i] = (uint8_t) (seed + i * (seed | 1));
    }
}


static void
look(hammer_t *h, uint32_t n)
{
    size_t            used, i;
    uint8_t           id[16], out[40000];
    unsigned          more;
    uint64_t          after;
    const uint8_t    *pos;
    sealed_item_t     item;
    sealed_cursor_t  *cursor;

    store_id(id, n);
    cursor = &h->cursor[n];
    cursor->limit = 1 + (uint32_t) rand_r(&h->seed) % 20;

    if (rand_r(&h->seed) % 8 == 0) {
        cursor->after = 0;
    }

    after = cursor->after;

    if (sealed_mailbox_read(&h->zone, id, now_of(h), cursor, out,
                            sizeof(out), &used, &more,
                            (unsigned) rand_r(&h->seed) % 200)
        != SEALED_OK)
    {
        /* closed; the next of its name begins anew */

        cursor->after = 0;
        return;
    }

    for (pos = out; pos < out + used; /* void */ ) {

        if (sealed_item_parse(&item, &pos, out + used) != 0
            || item.seq <= after)
        {
            h->wrong = __LINE__;
            return;
        }

        after = item.seq;

        for (i = 0; i < item.body.size; i++) {
            if (item.body.data[i]
                != (uint8_t) (item.body.data[0]
                              + i * (item.body.data[0] | 1)))
            {
                h->wrong = __LINE__;
                return;
            }
        }

        for (i = 0; i < item.header.size; i++) {
            if (item.header.data[i] != (uint8_t) n) {
                h->wrong = __LINE__;
                return;
            }
        }
    }
}


static void
send(hammer_t *h)
{
    size_t            size;
    uint8_t           body[9000];
    uint32_t          n, accepted;
    uint64_t          hour;
    sealed_verdict_t  verdict;

    n = 1 + (uint32_t) rand_r(&h->seed) % BOXES;
    size = (size_t) rand_r(&h->seed) % sizeof(body);
    fill(body, size, (unsigned) rand_r(&h->seed) % 256);
    hour = now_of(h) / 3600;

    verdict = store_send(&h->zone, n,
                         1 + (uint32_t) rand_r(&h->seed) % (BOXES + 1 - n),
                         body, size, (uint32_t) rand_r(&h->seed) % 100,
                         now_of(h), hour + 1
                                    + (unsigned) rand_r(&h->seed) % 4,
                         &accepted);

    if (verdict != SEALED_OK && verdict != SEALED_ZONE_FULL) {
        h->wrong = __LINE__;
    }
}


static void
turn(hammer_t *h)
{
    uint8_t                     id[16], key[32];
    uint32_t                    n;
    uint64_t                    next, wake;
    unsigned                    has_next, created;
    sealed_mailbox_status_t     status;
    sealed_certificate_state_t  state;

    n = 1 + (uint32_t) rand_r(&h->seed) % BOXES;
    store_id(id, n);

    switch (rand_r(&h->seed) % 16) {

    case 0:
    case 1:
    case 2:
    case 3:
        send(h);
        break;

    case 4:
    case 5:
    case 6:
    case 7:
        look(h, n);
        break;

    case 8:
        if (sealed_mailbox_status(&h->zone, id, now_of(h), &status)
            == SEALED_OK)
        {
            (void) sealed_mailbox_acknowledge(&h->zone, id,
                       status.first + (unsigned) rand_r(&h->seed) % 30,
                       now_of(h));
            (void) sealed_mailbox_acknowledge(&h->zone, id, status.first,
                                              now_of(h));
        }

        break;

    case 9:
        (void) sealed_mailbox_spend(&h->zone, id,
                                    (unsigned) rand_r(&h->seed) % 1000,
                                    now_of(h), &next, &has_next);
        break;

    case 10:
        (void) sealed_mailbox_close(&h->zone, id, now_of(h), &wake);
        break;

    case 11:
        memset(&state, 0, sizeof(state));
        state.end = now_of(h) + 7200;
        store_id(key, 2000 + n);
        (void) sealed_certificate_table_insert(&h->zone, key, &state,
                                               &store_rule, now_of(h));
        (void) sealed_certificate_table_spend(&h->zone, key,
                   (unsigned) rand_r(&h->seed) % 1000, &next, &has_next);
        (void) sealed_certificate_table_find(&h->zone, key, now_of(h),
                                             &state);
        break;

    case 12:
        (void) sealed_expiry_run(&h->zone, 20, 50, now_of(h), &wake);
        (void) sealed_worker_reap(&h->zone);

        if (rand_r(&h->seed) % 16 == 0) {
            (void) __atomic_fetch_add(h->clock, 1, __ATOMIC_RELAXED);
        }

        break;

    default:
        memset(&state, 0, sizeof(state));
        state.end = now_of(h) + 7200;
        store_id(key, 1000 + h->zone.worker);
        (void) sealed_certificate_table_insert(&h->zone, key, &state,
                                               &store_rule, now_of(h));
        memset(key + 16, 1, 16);
        (void) sealed_mailbox_open(&h->zone, id, key, 7, key, 60000,
                                   now_of(h), &created, &status);
    }
}


static void *
hammer(void *data)
{
    unsigned   i;
    hammer_t  *h;

    h = data;
    h->zone.worker = SEALED_WORKERS;

    if (sealed_worker_claim(&h->zone) != 0) {
        h->wrong = __LINE__;
        return NULL;
    }

    for (i = 0; (h->turns == 0 || i < h->turns) && h->wrong == 0; i++) {
        turn(h);
    }

    sealed_worker_release(&h->zone);

    return NULL;
}


static void
prepare(hammer_t *h, const sealed_zone_t *zone, uint32_t *clock,
    unsigned seed, unsigned turns)
{
    memset(h, 0, sizeof(hammer_t));
    h->zone = *zone;
    h->clock = clock;
    h->seed = seed;
    h->turns = turns;
}


/* nothing is left in the end of what so many have done */

static void
finish(sealed_zone_t *zone, uint32_t base, const uint32_t *clock)
{
    unsigned  i;
    uint64_t  now;

    (void) sealed_worker_reap(zone);
    assert_null(store_check(zone));

    now = NOW + ((uint64_t) *clock + 10 * 24) * 3600;
    (void) store_expire(zone, now);
    (void) store_expire(zone, now + 7200);
    assert_null(store_check(zone));

    for (i = 1; i < SEALED_POOLS; i++) {
        assert_true(i == SEALED_POOL_INDEX || store_used(zone, i) == 0);
    }

    assert_int_equal(zone->header->arena.free_pages, base);
    assert_int_equal(zone->header->damaged, 0);
}


static void
test_threads(void **unused)
{
    unsigned        i, round;
    uint32_t        base, clock;
    hammer_t       *h;
    pthread_t       thread[WORKERS];
    sealed_zone_t  *zone;

    zone = store_new(4 << 20);
    base = zone->header->arena.free_pages;
    h = calloc(WORKERS, sizeof(hammer_t));
    clock = 0;

    for (round = 2; round <= WORKERS; round += 2) {

        for (i = 0; i < round; i++) {
            prepare(&h[i], zone, &clock, round * 10 + i, TURNS);
            assert_int_equal(pthread_create(&thread[i], NULL, hammer, &h[i]),
                             0);
        }

        for (i = 0; i < round; i++) {
            assert_int_equal(pthread_join(thread[i], NULL), 0);
            assert_int_equal(h[i].wrong, 0);
        }

        finish(zone, base, &clock);
    }

    assert_int_equal(zone->header->repairs, 0);

    free(h);
    store_free(zone);
}


static void
child(const sealed_zone_t *zone, uint32_t *clock, unsigned seed,
    unsigned turns)
{
    hammer_t  *h;

    h = malloc(sizeof(hammer_t));
    prepare(h, zone, clock, seed, turns);
    (void) hammer(h);

    if (h->wrong) {
        fprintf(stderr, "# line %u\n", h->wrong);
    }

    _exit(h->wrong ? 1 : 0);
}


static void
test_processes(void **unused)
{
    int             status;
    pid_t           pid[WORKERS];
    unsigned        i, round;
    uint32_t        base, *clock;
    sealed_zone_t  *zone;

    zone = store_new(4 << 20);
    clock = store_memory(SEALED_PAGE_SIZE);
    base = zone->header->arena.free_pages;

    for (round = 2; round <= WORKERS; round += 2) {

        for (i = 0; i < round; i++) {
            pid[i] = fork();

            if (pid[i] == 0) {
                child(zone, clock, round * 20 + i, TURNS);
            }
        }

        for (i = 0; i < round; i++) {
            assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
            assert_int_equal(status, 0);
        }

        finish(zone, base, clock);
    }

    assert_int_equal(zone->header->repairs, 0);

    (void) munmap(clock, SEALED_PAGE_SIZE);
    store_free(zone);
}


/*
 * Some are killed at any time, others take their places; the zone is sound
 * whenever all have come to rest.
 */

static void
test_kills(void **unused)
{
    int               status;
    pid_t             pid[WORKERS];
    unsigned          i, k, round, seed, kills;
    uint32_t          base, *clock;
    const char       *value;
    sealed_zone_t    *zone;
    struct timespec   pause;

    zone = store_new(4 << 20);
    clock = store_memory(SEALED_PAGE_SIZE);
    base = zone->header->arena.free_pages;
    value = getenv("SEALED_KILLS");
    kills = value ? (unsigned) strtoul(value, NULL, 10) : 60;
    seed = 1;

    for (round = 0; round * 6 < kills; round++) {

        for (i = 0; i < WORKERS; i++) {
            pid[i] = fork();

            if (pid[i] == 0) {
                child(zone, clock, round * 1000 + i, 0);
            }
        }

        for (k = 0; k < 6; k++) {
            pause.tv_sec = 0;
            pause.tv_nsec = rand_r(&seed) % 8000000;
            (void) nanosleep(&pause, NULL);

            i = (unsigned) rand_r(&seed) % WORKERS;
            assert_int_equal(kill(pid[i], SIGKILL), 0);
            assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), SIGKILL);

            pid[i] = fork();

            if (pid[i] == 0) {
                child(zone, clock, round * 1000 + k * 10 + i, 0);
            }
        }

        for (i = 0; i < WORKERS; i++) {
            assert_int_equal(kill(pid[i], SIGKILL), 0);
            assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
            assert_true(WIFSIGNALED(status));
            assert_int_equal(WTERMSIG(status), SIGKILL);
        }

        (void) sealed_worker_reap(zone);
        assert_null(store_check(zone));
    }

    finish(zone, base, clock);
    printf("# %u sections were put back\n", zone->header->repairs);

    (void) munmap(clock, SEALED_PAGE_SIZE);
    store_free(zone);
}


/* tables are taken, counted by all and given back, with readers left there */

typedef struct {
    sealed_readers_t             *readers;
    unsigned                      wrong;
} counter_t;


static void *
count(void *data)
{
    unsigned                i, n, worker;
    uint32_t                seat[8];
    counter_t              *c;
    sealed_reader_place_t   first;

    c = data;

    for (i = 0; i < TURNS / 10 && c->wrong == 0; i++) {
        worker = sealed_readers_claim(c->readers);

        if (worker == SEALED_WAKE_WORKERS) {
            c->wrong = __LINE__;
            break;
        }

        for (n = 0; n < 8; n++) {
            seat[n] = sealed_readers_enter(c->readers, worker, 7);

            if (sealed_readers_count(c->readers, worker, 7, 0, &first)
                <= n
                || first.worker == SEALED_WAKE_WORKERS)
            {
                c->wrong = __LINE__;
            }
        }

        for (n = 0; n < i % 8; n++) {
            sealed_readers_leave(c->readers, worker, seat[n]);
        }

        sealed_readers_release(c->readers, worker);
    }

    return NULL;
}


static void
test_readers(void **unused)
{
    unsigned                i;
    counter_t               c[WORKERS];
    pthread_t               thread[WORKERS];
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = mmap(NULL, sizeof(sealed_readers_t), PROT_READ|PROT_WRITE,
                   MAP_ANON|MAP_SHARED|MAP_NORESERVE, -1, 0);
    assert_true(readers != MAP_FAILED);
    assert_int_equal(sealed_readers_init(readers), 0);

    for (i = 0; i < WORKERS; i++) {
        c[i].readers = readers;
        c[i].wrong = 0;
        assert_int_equal(pthread_create(&thread[i], NULL, count, &c[i]), 0);
    }

    for (i = 0; i < WORKERS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
        assert_int_equal(c[i].wrong, 0);
    }

    assert_int_equal(sealed_readers_count(readers, SEALED_WAKE_WORKERS, 7, 0,
                                          &first),
                     0);

    (void) munmap(readers, sizeof(sealed_readers_t));
}


int
main(void)
{
    const struct CMUnitTest  threads[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_readers)
    };

    const struct CMUnitTest  all[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_readers),
        cmocka_unit_test(test_processes),
        cmocka_unit_test(test_kills)
    };

#if (__SANITIZE_THREAD__)
    (void) all;
    (void) test_processes;
    return cmocka_run_group_tests(threads, NULL, NULL);
#else
    (void) threads;
    return cmocka_run_group_tests(all, NULL, NULL);
#endif
}
