
#include "store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>


static void
test_foreign_memory_is_refused(void **unused)
{
    void           *memory;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);

    zone->layout++;
    assert_non_null(sealed_zone_attach(zone, zone->size));
    zone->layout--;

    zone->version++;
    assert_non_null(sealed_zone_attach(zone, zone->size));
    zone->version--;

    assert_non_null(sealed_zone_attach(zone, zone->size - 4096));

    zone->magic++;
    assert_non_null(sealed_zone_attach(zone, zone->size));

    memory = calloc(1, 4096);
    assert_non_null(sealed_zone_attach(memory, 16));
    assert_int_equal(sealed_zone_format(memory, 4096, NOW, memory), -1);
    free(memory);

    store_free(zone);
}


static void
test_smallest_zone_works(void **unused)
{
    uint32_t        accepted;
    sealed_zone_t  *zone;

    zone = store_new(sealed_zone_min_size());
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_send(zone, 1, 1, "hello", 5, 0, NOW, 600000,
                                &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 1);
    assert_null(sealed_zone_check(zone));
    store_free(zone);
}


/* the check finds what is wrong, one thing at a time */

static void
test_check_finds_damage(void **unused)
{
    uint32_t           accepted, reference;
    sealed_zone_t     *zone;
    sealed_mailbox_t  *mailbox;
    sealed_record_t   *record;
    uint8_t            id[16];

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_open(zone, 2), SEALED_OK);
    assert_int_equal(store_send(zone, 1, 2, "hello", 5, 8, NOW, 600000,
                                &accepted),
                     SEALED_OK);
    assert_null(sealed_zone_check(zone));

    store_id(id, 1);
    mailbox = sealed_zone_mailbox(zone, *sealed_zone_mailbox_bucket(zone,
                                                                    id));
    record = sealed_zone_record(zone, mailbox->head);

    mailbox->count++;
    assert_non_null(sealed_zone_check(zone));
    mailbox->count--;

    mailbox->bytes++;
    assert_non_null(sealed_zone_check(zone));
    mailbox->bytes--;

    mailbox->next_seq = 1;
    assert_non_null(sealed_zone_check(zone));
    mailbox->next_seq = 2;

    sealed_zone_body(zone, record->body)->references++;
    assert_non_null(sealed_zone_check(zone));
    sealed_zone_body(zone, record->body)->references--;

    reference = record->body;
    record->body = SEALED_NONE - 1;
    assert_non_null(sealed_zone_check(zone));
    record->body = reference;

    reference = sealed_arena_take(&zone->arena, SEALED_POOL_CELL);
    assert_non_null(sealed_zone_check(zone));
    sealed_arena_give(&zone->arena, reference);

    zone->arena.free_pages--;
    assert_non_null(sealed_zone_check(zone));
    zone->arena.free_pages++;

    assert_null(sealed_zone_check(zone));
    store_free(zone);
}


/* a child takes the lock and some objects, and dies with them */

static void
test_repair_after_death(void **unused)
{
    int                   status, i;
    pid_t                 pid;
    uint8_t               out[4096];
    size_t                used;
    uint32_t              accepted;
    sealed_zone_t        *zone;
    sealed_zone_status_t  before, after;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_send(zone, 1, 1, "hello", 5, 0, NOW, 600000,
                                &accepted),
                     SEALED_OK);
    sealed_zone_status(zone, &before);

    pid = fork();

    if (pid == 0) {
        (void) sealed_zone_lock(zone);

        for (i = 0; i < 100; i++) {
            (void) sealed_arena_take(&zone->arena, i % SEALED_POOLS);
        }

        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    assert_int_equal(sealed_zone_lock(zone), 0);
    sealed_zone_unlock(zone);
    assert_int_equal(zone->repairs, 1);
    assert_null(sealed_zone_check(zone));

    sealed_zone_status(zone, &after);
    assert_int_equal(after.cells, before.cells);
    assert_int_equal(after.pages_free, before.pages_free);
    assert_int_equal(after.envelopes, 1);

    used = store_read(zone, 1, 0, 10, out, sizeof(out), NOW);
    assert_true(used > 5);

    store_free(zone);
}


/*
 * Children that work on the zone without end, killed at random moments:
 * whatever they were about, the next one finds a sound zone.
 */

static void
test_kill_at_random(void **unused)
{
    int              i, status;
    pid_t            pid;
    uint8_t          id[16];
    uint32_t         accepted, n;
    sealed_zone_t   *zone;
    struct timespec  pause;

    zone = store_new(4 << 20);
    store_certificate(zone, 0);

    for (n = 1; n <= 50; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    for (i = 0; i < 60; i++) {
        pid = fork();

        if (pid == 0) {
            for ( ;; ) {
                n = 1 + (uint32_t) (rand() % 50);
                (void) store_send(zone, n, 51 - n, id, sizeof(id), 48, NOW,
                                  600000, &accepted);
                store_id(id, n);
                (void) sealed_mailbox_acknowledge(zone, id,
                           sealed_zone_mailbox(zone,
                               *sealed_zone_mailbox_bucket(zone, id))
                           ->next_seq - 1,
                           NOW);
            }
        }

        srand((unsigned) i);
        pause.tv_sec = 0;
        pause.tv_nsec = 1000000 + rand() % 4000000;
        (void) nanosleep(&pause, NULL);

        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);

        assert_int_equal(sealed_zone_lock(zone), 0);
        sealed_zone_unlock(zone);
        assert_null(sealed_zone_check(zone));
    }

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_foreign_memory_is_refused),
        cmocka_unit_test(test_smallest_zone_works),
        cmocka_unit_test(test_check_finds_damage),
        cmocka_unit_test(test_repair_after_death),
        cmocka_unit_test(test_kill_at_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
