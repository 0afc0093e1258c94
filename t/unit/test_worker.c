
#include "store.h"

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>


#define EXPIRY  (NOW / 3600 + 24)


/* a place of its own in a child, which works on the same memory */

static sealed_zone_t *
child_zone(sealed_zone_t *zone)
{
    zone->worker = SEALED_WORKERS;

    if (sealed_worker_claim(zone) != 0) {
        _exit(2);
    }

    return zone;
}


static void
wait_for(pid_t pid, int code)
{
    int  status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}


static void
test_places(void **unused)
{
    uint32_t        i, k;
    sealed_zone_t  *zone, *others;

    zone = store_new(2 << 20);
    others = calloc(SEALED_WORKERS, sizeof(sealed_zone_t));
    assert_int_equal(zone->worker, 0);

    /* without a place there is nothing to give back */

    others[0] = *zone;
    others[0].worker = SEALED_WORKERS;
    sealed_worker_release(&others[0]);

    for (i = 1; i < SEALED_WORKERS; i++) {
        others[i] = *zone;
        others[i].worker = SEALED_WORKERS;
        assert_int_equal(sealed_worker_claim(&others[i]), 0);
        assert_int_equal(others[i].worker, i);
    }

    /* all are taken, by the living */

    assert_int_equal(sealed_worker_claim(&others[0]), -1);
    assert_int_equal(others[0].worker, SEALED_WORKERS);
    assert_int_equal(sealed_worker_reap(zone), 0);

    sealed_worker_release(&others[77]);
    assert_int_equal(others[77].worker, SEALED_WORKERS);
    assert_int_equal(sealed_worker_claim(&others[0]), 0);
    assert_int_equal(others[0].worker, 77);
    assert_int_equal(sealed_worker_claim(&others[77]), -1);

    sealed_worker_release(&others[0]);

    for (k = 1; k < SEALED_WORKERS; k++) {
        sealed_worker_release(&others[k]);
    }

    assert_null(store_check(zone));
    free(others);
    store_free(zone);
}


/* who only asks for a place of the dead neither keeps it nor what is there */

static void
test_asked(void **unused)
{
    pid_t           pid;
    uint32_t        free_pages;
    sealed_zone_t  *zone, other;

    zone = store_new(2 << 20);
    free_pages = zone->header->arena.free_pages;

    assert_int_equal(sealed_worker_taken(zone, zone->worker), 1);
    assert_int_equal(sealed_worker_taken(zone, 1), 0);

    pid = fork();

    if (pid == 0) {
        (void) child_zone(zone);
        zone->workers[zone->worker].journal = 1;
        _exit(sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0) == 0
              ? (int) zone->worker : 3);
    }

    wait_for(pid, 1);

    assert_int_equal(sealed_worker_taken(zone, 1), 0);
    assert_int_equal(sealed_worker_taken(zone, 1), 0);
    assert_int_equal(sealed_worker_behind(zone, 2), 1);     /* itself */
    assert_int_equal(zone->header->arena.free_pages, free_pages);
    assert_null(store_check(zone));

    other = *zone;
    other.worker = SEALED_WORKERS;
    assert_int_equal(sealed_worker_claim(&other), 0);
    assert_int_equal(other.worker, 1);
    sealed_worker_release(&other);

    store_free(zone);
}


static void
test_take_and_give(void **unused)
{
    uint8_t          *object;
    uint32_t          base, reference;
    sealed_zone_t    *zone;
    sealed_worker_t  *w;

    zone = store_new(2 << 20);
    base = zone->header->arena.free_pages;
    w = &zone->workers[zone->worker];

    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0), 0);
    reference = w->object;
    assert_true(sealed_arena_valid(zone, SEALED_POOL_MAILBOX, reference));

    /* one at a time: what is there is not taken again */

    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0), 0);
    assert_int_equal(w->object, reference);
    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_INDEX, 0), 0);
    assert_int_not_equal(w->index, SEALED_NONE);
    assert_null(store_check(zone));

    object = sealed_zone_object(zone, reference);
    memset(object, 0x55, sizeof(sealed_mailbox_t));
    sealed_worker_settle(zone);
    assert_int_equal(w->object, SEALED_NONE);
    assert_int_equal(w->index, SEALED_NONE);
    assert_int_equal(zone->header->arena.free_pages, base);
    assert_int_equal(object[0], 0);
    assert_int_equal(object[sizeof(sealed_mailbox_t) - 1], 0);

    /* what comes is zero, whatever was there */

    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0), 0);
    object = sealed_zone_object(zone, w->object);
    sealed_worker_settle(zone);
    memset(object, 0x55, sizeof(sealed_mailbox_t));
    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0), 0);
    assert_ptr_equal(sealed_zone_object(zone, w->object), object);
    assert_int_equal(object[0], 0);
    assert_int_equal(object[sizeof(sealed_mailbox_t) - 1], 0);
    sealed_worker_settle(zone);

    /* pages that are kept for others */

    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, base), -1);
    assert_int_equal(sealed_worker_take(zone, SEALED_POOL_MAILBOX, base - 1),
                     0);

    sealed_worker_release(zone);
    assert_null(store_check(zone));
    assert_int_equal(zone->header->arena.free_pages, base);
    assert_int_equal(sealed_worker_claim(zone), 0);
    store_free(zone);
}


/* those of a round all have a place before the first of them dies */

static volatile int  *arrived;


/* a child with everything under way that there can be, then it is gone */

static void
die_busy(sealed_zone_t *zone, uint32_t n, int all)
{
    uint8_t            body[9000];
    sealed_fanout_t    fanout;
    sealed_shard_t    *shard;
    sealed_mailbox_t  *mailbox;

    zone = child_zone(zone);
    (void) __atomic_fetch_add(arrived, 1, __ATOMIC_SEQ_CST);

    while (*arrived < all) {
        (void) sched_yield();
    }

    memset(body, 1, sizeof(body));
    memset(&fanout, 0, sizeof(fanout));
    fanout.body.data = body;
    fanout.body.size = sizeof(body);
    fanout.slice_size = 40;
    fanout.count = 20;

    (void) sealed_body_build(zone, &fanout, fanout.body, 1, 2, 20);
    (void) sealed_worker_take(zone, SEALED_POOL_CERTIFICATE, 0);
    (void) sealed_worker_take(zone, SEALED_POOL_INDEX, 0);

    mailbox = store_mailbox(zone, n);
    shard = sealed_zone_shard(zone, sealed_zone_hash(zone,
                                                     mailbox->entry.id));

    (void) sealed_shard_lock(zone, shard);

    while (mailbox->head != SEALED_NONE) {
        sealed_mailbox_drop(zone, shard, mailbox, SEALED_NONE,
                            mailbox->head);
    }

    sealed_shard_unlock(zone, shard);

    /* and in the middle of two sections */

    (void) sealed_shard_lock(zone, shard);
    sealed_shard_save(zone, shard, &shard->ended, sizeof(uint32_t));
    shard->ended = 999;

    (void) sealed_arena_lock(zone);
    sealed_arena_save(zone, &zone->header->generation, sizeof(uint32_t));
    zone->header->generation = 0;
}


static void
test_reap(void **unused)
{
    pid_t           pid;
    uint32_t        n, accepted, generation;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_open(zone, 2), SEALED_OK);

    for (n = 0; n < 10; n++) {
        assert_int_equal(store_send(zone, 1, 2, "hello", 5, 3, NOW, EXPIRY,
                                    &accepted),
                         SEALED_OK);
    }

    generation = zone->header->generation;
    pid = fork();

    if (pid == 0) {
        die_busy(zone, 1, 1);
        _exit(0);
    }

    wait_for(pid, 0);
    assert_non_null(store_check(zone));
    assert_int_equal(store_records(zone), 20 + 20);

    assert_int_equal(sealed_worker_reap(zone), 1);
    assert_int_equal(sealed_worker_reap(zone), 0);
    assert_null(store_check(zone));

    /* what was dropped is, what was not delivered is not there */

    assert_int_equal(store_records(zone), 10);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 10);
    assert_int_equal(store_used(zone, SEALED_POOL_PAGE), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);
    assert_int_equal(store_mailbox(zone, 2)->count, 10);
    assert_int_equal(zone->header->generation, generation + 1);
    assert_int_equal(zone->header->repairs, 2);

    /* or whoever comes next takes the place, and what is in it */

    pid = fork();

    if (pid == 0) {
        die_busy(zone, 2, 1);
        _exit(0);
    }

    wait_for(pid, 0);
    pid = fork();

    if (pid == 0) {
        zone = child_zone(zone);
        _exit(zone->worker == 1 ? 0 : 1);
    }

    wait_for(pid, 0);
    assert_int_equal(store_records(zone), 0);
    assert_int_equal(sealed_worker_reap(zone), 1);
    assert_null(store_check(zone));

    store_free(zone);
}


/* many at once, and some of them die while they do it */

static void
test_reap_and_die(void **unused)
{
    int              round, i, status;
    pid_t            busy[4], reaper[4];
    uint32_t         n, accepted, total;
    sealed_zone_t   *zone;
    struct timespec  pause;

    zone = store_new(4 << 20);
    store_certificate(zone, 0);

    for (n = 1; n <= 4; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    for (round = 0; round < 30; round++) {

        for (n = 0; n < 20; n++) {
            assert_int_equal(store_send(zone, 1, 4, "hello", 5, 3, NOW,
                                        EXPIRY, &accepted),
                             SEALED_OK);
            assert_int_equal(accepted, 4);
        }

        *arrived = 0;

        for (i = 0; i < 4; i++) {
            busy[i] = fork();

            if (busy[i] == 0) {
                die_busy(zone, (uint32_t) i + 1, 4);
                _exit(0);
            }
        }

        for (i = 0; i < 4; i++) {
            wait_for(busy[i], 0);
        }

        for (i = 0; i < 4; i++) {
            reaper[i] = fork();

            if (reaper[i] == 0) {
                zone->worker = SEALED_WORKERS;
                _exit((int) sealed_worker_reap(zone));
            }
        }

        pause.tv_sec = 0;
        pause.tv_nsec = 50000 * round;
        (void) nanosleep(&pause, NULL);

        if (round % 3) {
            for (i = 0; i < 3; i++) {
                (void) kill(reaper[i], SIGKILL);
            }
        }

        total = 0;

        for (i = 0; i < 4; i++) {
            assert_int_equal(waitpid(reaper[i], &status, 0), reaper[i]);
            total += WIFEXITED(status) ? (uint32_t) WEXITSTATUS(status) : 0;
        }

        total += sealed_worker_reap(zone);

        if (round % 3 == 0) {
            assert_int_equal(total, 4);
        }

        assert_null(store_check(zone));
        assert_int_equal(store_records(zone), 0);
        assert_int_equal(store_used(zone, SEALED_POOL_BODY), 0);
        assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);
    }

    store_free(zone);
}


int
main(void)
{
    int  rc;

    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_asked),
        cmocka_unit_test(test_take_and_give),
        cmocka_unit_test(test_reap),
        cmocka_unit_test(test_reap_and_die)
    };

    arrived = store_memory(SEALED_PAGE_SIZE);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void) munmap((void *) arrived, SEALED_PAGE_SIZE);

    return rc;
}
