
#include "store.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>


static void
test_foreign_memory_is_refused(void **unused)
{
    void                  *memory;
    size_t                 size;
    sealed_zone_t         *zone, other;
    sealed_zone_header_t  *header;

    size = 2 << 20;
    zone = store_new(size);
    header = zone->header;

    header->layout++;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));
    header->layout--;

    header->version++;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));
    header->version--;

    header->shard_bits = 31;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));
    header->shard_bits = 2;

    assert_non_null(sealed_zone_attach(&other, zone->base, size - 4096));
    assert_null(sealed_zone_attach(&other, zone->base, size));

    header->arena.total++;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));
    header->arena.total--;

    header->arena.pages = 8;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));
    header->arena.pages = (uint32_t) (size / SEALED_PAGE_SIZE);

    header->magic++;
    assert_non_null(sealed_zone_attach(&other, zone->base, size));

    memory = calloc(1, 4096);
    assert_non_null(sealed_zone_attach(&other, memory, 16));
    assert_int_equal(sealed_zone_format(&other, memory, 4096, NOW, memory),
                     -1);
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
    assert_null(store_check(zone));
    store_free(zone);
}


/* a clock that was ahead for a while, and had certificates end */

static void
test_birth_after_a_step(void **unused)
{
    uint64_t        now, end;
    uint32_t        i;
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    now = zone->header->birth;
    end = now + 100000;

    /* a clock that goes, goes back a little, or ahead, forgets nothing */

    for (i = 0; i < 1000; i++) {
        assert_int_equal(sealed_zone_birth(zone, now + i), now);
        assert_int_equal(sealed_zone_birth(zone, now + i - 1), now);
    }

    assert_int_equal(sealed_zone_birth(zone, end), now);
    assert_int_equal(sealed_zone_birth(zone, now + 1000), now);

    /* what ends on time is in the past */

    sealed_zone_forget(zone, now + 1000);
    assert_int_equal(sealed_zone_birth(zone, now + 1001), now);
    assert_int_equal(sealed_zone_birth(zone, now + 990), now);

    /* ahead, and back: once, and again when it is put right in steps */

    assert_int_equal(sealed_zone_birth(zone, end), now);
    sealed_zone_forget(zone, end);
    assert_int_equal(sealed_zone_birth(zone, end + 1), now);
    assert_int_equal(sealed_zone_birth(zone, end - 30), now);
    assert_int_equal(sealed_zone_birth(zone, now + 2000), now + 2000);
    assert_int_equal(sealed_zone_birth(zone, now + 2001), now + 2000);
    assert_int_equal(sealed_zone_birth(zone, now - 5000), now + 2000);
    assert_int_equal(sealed_zone_birth(zone, now + 2010), now + 2010);
    assert_int_equal(sealed_zone_birth(zone, now + 2060), now + 2010);

    /* until the clock has come to that end */

    assert_int_equal(sealed_zone_birth(zone, end), now + 2010);
    assert_int_equal(sealed_zone_birth(zone, end + 5000), now + 2010);

    store_free(zone);
}


/* nothing ends before the clocks of all workers say so */

static void
test_certificate_outlives_its_end(void **unused)
{
    uint64_t              end;
    sealed_zone_t        *zone;
    sealed_zone_status_t  status;

    zone = store_new(2 << 20);
    end = NOW / 3600 * 3600 + 7200;
    assert_int_equal(store_insert(zone, 0, end), SEALED_OK);

    (void) store_expire(zone, end + SEALED_CLOCK_SLACK - 1);
    assert_int_equal(sealed_zone_status(zone, &status), 0);
    assert_int_equal(status.certificates, 1);
    assert_int_equal(zone->header->forgotten, 0);

    end += 3600;
    (void) store_expire(zone, end);
    assert_int_equal(sealed_zone_status(zone, &status), 0);
    assert_int_equal(status.certificates, 0);
    assert_int_equal(zone->header->forgotten, end);

    store_free(zone);
}


/* the check finds what is wrong, one thing at a time */

static void
test_check_finds_damage(void **unused)
{
    uint32_t           accepted, reference, page;
    sealed_zone_t     *zone;
    sealed_mailbox_t  *mailbox;
    sealed_record_t   *record;
    sealed_shard_t    *shard;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_open(zone, 2), SEALED_OK);
    assert_int_equal(store_send(zone, 1, 2, "hello", 5, 8, NOW, 600000,
                                &accepted),
                     SEALED_OK);
    assert_null(store_check(zone));

    mailbox = store_mailbox(zone, 1);
    record = sealed_zone_record(zone, mailbox->head);
    shard = sealed_zone_shard(zone, sealed_zone_hash(zone,
                                                     mailbox->entry.id));

#define DAMAGED(place, value)                                               \
    do {                                                                    \
        uint64_t  saved = (place);                                          \
                                                                            \
        (place) = (value);                                                  \
        assert_non_null(store_check(zone));                                 \
        (place) = saved;                                                    \
        assert_null(store_check(zone));                                     \
    } while (0)

    DAMAGED(mailbox->count, 2);
    DAMAGED(mailbox->bytes, 1);
    DAMAGED(mailbox->next_seq, 1);
    DAMAGED(mailbox->tail, SEALED_NONE);
    DAMAGED(mailbox->tag, 0);
    DAMAGED(mailbox->entry.id[3], 1);
    DAMAGED(mailbox->node.due, mailbox->node.due + 1);
    DAMAGED(mailbox->node.prev, record->body);
    DAMAGED(record->seq, 0);
    DAMAGED(record->mailbox, SEALED_NONE);
    DAMAGED(record->body, 77);
    DAMAGED(sealed_zone_body(zone, record->body)->references, 3);
    DAMAGED(sealed_zone_body(zone, record->body)->generation, 0);
    DAMAGED(sealed_zone_body(zone, record->body)->size, 5000);
    DAMAGED(sealed_zone_body(zone, record->body)->cell, SEALED_NONE);
    DAMAGED(shard->ended, 1);
    DAMAGED(shard->mailboxes.count, 99);
    DAMAGED(shard->lock.used, 2);
    DAMAGED(zone->arena_lock->used, 2);
    DAMAGED(zone->workers[9].object, mailbox->head);
    DAMAGED(zone->header->arena.free_pages, 1);
    DAMAGED(zone->header->arena.pool[SEALED_POOL_CELL].used, 7);
    DAMAGED(zone->header->arena.pool[SEALED_POOL_CELL].partial, SEALED_NONE);

    page = mailbox->head / (SEALED_PAGE_SIZE / 8);
    DAMAGED(sealed_arena_page(zone, page)->count, 1);
    DAMAGED(sealed_arena_page(zone, page)->pool, SEALED_POOL_BODY);
    DAMAGED(sealed_arena_page(zone, page)->pool, SEALED_POOLS);
    DAMAGED(sealed_arena_page(zone, page)->pool, UINT16_MAX);

    /* what leads nowhere is not followed */

    DAMAGED(shard->mailboxes.page[0], SEALED_NONE);
    DAMAGED(shard->mailboxes.page[0], mailbox->head);
    DAMAGED(shard->mailboxes.root, UINT32_C(1) << 31);
    DAMAGED(shard->mailboxes.buckets, UINT32_MAX);
    DAMAGED(shard->mailboxes.buckets,
            SEALED_TABLE_DIRECT * SEALED_TABLE_PAGE + 1);
    DAMAGED(zone->workers[9].object, UINT32_C(1) << 31);
    DAMAGED(zone->workers[9].object, 1);
    DAMAGED(shard->wheel.pending,
            sealed_zone_reference(zone, mailbox)
            + 4 * (uint32_t) (sizeof(sealed_mailbox_t) / 8));

    /* an object that nobody owns */

    assert_int_equal(sealed_arena_lock(zone), 0);
    assert_int_equal(sealed_arena_take(zone, SEALED_POOL_CELL, &reference, 1),
                     1);
    sealed_arena_unlock(zone);
    assert_non_null(store_check(zone));
    assert_int_equal(sealed_arena_lock(zone), 0);
    sealed_arena_give(zone, reference);
    sealed_arena_unlock(zone);
    assert_null(store_check(zone));

    store_free(zone);
}


/* twice as large while it is in use, and back when that is possible */

static void
test_resize(void **unused)
{
    void            *memory;
    size_t           size, least;
    uint8_t         *body, id[16];
    uint32_t         accepted, n;
    sealed_zone_t   *zone, other;

    size = 2 << 20;
    body = calloc(1, 65536);
    memory = store_memory(3 * size);
    zone = store_in(memory, size);
    assert_null(sealed_zone_attach(&other, memory, size));
    store_certificate(zone, 0);

    for (n = 1; n < 100; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    for (n = 1; n < 100; n++) {
        if (store_send(zone, n, 1, body, 65536, 0, NOW, 600000, &accepted)
            != SEALED_OK)
        {
            break;
        }
    }

    assert_in_range(n, 20, 40);
    assert_int_equal(sealed_zone_resize(zone, SEALED_ZONE_MAX + 4096), -1);
    assert_int_equal(sealed_zone_resize(zone, 4096), -1);
    assert_int_equal(sealed_zone_resize(&other, 3 * size), 0);
    assert_null(store_check(zone));
    assert_int_equal(sealed_zone_size(zone), 3 * size);

    for ( /* void */ ; n < 70; n++) {
        assert_int_equal(store_send(zone, n, 1, body, 65536, 0, NOW, 600000,
                                    &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 1);
    }

    least = sealed_zone_least_size(zone);
    assert_true(least > 4 << 20);
    assert_int_equal(sealed_zone_resize(zone, least - 4096), -1);
    assert_int_equal(sealed_zone_resize(zone, least), 0);
    assert_null(store_check(zone));

    for (n = 2; n < 70; n++) {
        store_id(id, n);
        assert_int_equal(sealed_mailbox_acknowledge(zone, id, 1, NOW),
                         SEALED_OK);
    }

    assert_true(sealed_zone_least_size(zone) < size);
    assert_int_equal(sealed_zone_resize(zone, size), 0);
    assert_null(store_check(zone));
    assert_null(sealed_zone_attach(&other, memory, size));

    /* what is carved again is what was given back */

    for (n = 20; n < 25; n++) {
        assert_int_equal(store_send(zone, n, 1, body, 65536, 0, NOW, 600000,
                                    &accepted),
                         SEALED_OK);
    }

    assert_null(store_check(zone));

    free(body);
    sealed_worker_release(zone);
    free(zone);
    (void) munmap(memory, 3 * size);
}


/* memory that outlived all processes: locks are made new, the rest is kept */

/*
 * Whatever stands in a file after a power cut: what puts right and what checks
 * stay within it.
 */

static void
test_damage(void **unused)
{
    size_t          size;
    uint8_t        *memory, *saved;
    uint32_t        accepted, i, n, at, found, refused;
    uint64_t        random, *word;
    const char     *error;
    sealed_zone_t  *zone, other;

    static uint8_t  marks[4 << 20] __attribute__((aligned(8)));
    static uint8_t  body[9000];

    size = sealed_zone_min_size();
    zone = store_new(size);
    store_certificate(zone, 0);

    for (i = 1; i <= 30; i++) {
        assert_int_equal(store_open(zone, i), SEALED_OK);
        assert_int_equal(store_send(zone, i, 1, "body", 4, 0, NOW, 600000,
                                    &accepted),
                         SEALED_OK);
        assert_int_equal(store_send(zone, i / 2 + 1, 1, body,
                                    sizeof(body) / (i % 3 + 1), 0, NOW,
                                    600000, &accepted),
                         SEALED_OK);
    }

    sealed_worker_release(zone);

    memory = zone->base;
    saved = malloc(size);
    assert_non_null(saved);
    memcpy(saved, memory, size);

    random = 88172645463325252ull;
    found = 0;
    refused = 0;

    for (n = 0; n < 3000; n++) {
        memcpy(memory, saved, size);

        for (i = 0; i < 1 + n % 3; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;

            at = (uint32_t) (random >> 20) % (uint32_t) (size / 8);

            /* rather what is in use, and as often what stands elsewhere */

            while (((uint64_t *) saved)[at] == 0) {
                at = (at + 1) % (uint32_t) (size / 8);
            }

            word = (uint64_t *) memory + at;
            *word = n & 4 ? random
                    : *word ^ (uint64_t) 1 << (random >> 8) % 64;
        }

        error = sealed_zone_attach(&other, memory, size);

        if (error || sealed_zone_undo(&other, size) != 0) {
            refused++;
            continue;
        }

        assert_true(sealed_zone_check_scratch(&other) <= sizeof(marks));
        found += sealed_zone_check(&other, marks) != NULL;
    }

    assert_true(found > 300);
    assert_true(refused > 0);

    /* a log that would put something elsewhere */

    memcpy(memory, saved, size);
    assert_null(sealed_zone_attach(&other, memory, size));

    word = other.shards[0].lock.log;

    for (i = 0; i < 5; i++) {
        other.shards[0].lock.used = i == 0 ? SEALED_UNDO_WORDS + 1 : 2;
        word[1] = i == 1 ? (uint64_t) size << 16 | 1
                  : i == 2 ? (uint64_t) (size - 4) << 16 | 8
                  : i == 3 ? (uint64_t) 4096 << 16 | 9
                  : (uint64_t) ((uint8_t *) word - memory) << 16 | 8;
        assert_int_equal(sealed_zone_undo(&other, size), -1);
    }

    /* one that would put something into another log */

    other.shards[1].lock.used = 2;
    word = other.shards[1].lock.log;
    word[0] = 2;
    word[1] = (uint64_t) ((uint8_t *) &other.shards[0].lock.used - memory)
              << 16 | 4;
    other.shards[0].lock.used = 0;
    assert_int_equal(sealed_zone_undo(&other, size), -1);

    /* and into a mutex, which is made new */

    other.shards[0].lock.used = 0;
    other.shards[1].lock.used = 2;
    word[0] = UINT64_MAX;
    word[1] = (uint64_t) ((uint8_t *) &other.shards[0].lock.mutex - memory)
              << 16 | 8;
    assert_int_equal(sealed_zone_undo(&other, size), 0);
    assert_int_equal(sealed_shard_lock(&other, &other.shards[0]), 0);
    sealed_shard_unlock(&other, &other.shards[0]);

    word = other.shards[0].lock.log;
    other.shards[0].lock.used = 2;
    word[0] = *(uint64_t *) (memory + size - 8);
    word[1] = (uint64_t) (size - 8) << 16 | 8;
    assert_int_equal(sealed_zone_undo(&other, size), 0);
    assert_null(sealed_zone_check(&other, marks));

    free(saved);
    (void) munmap(memory, size);
    free(zone);
}


static void
test_adopt(void **unused)
{
    int              status;
    pid_t            pid;
    size_t           size;
    uint32_t         accepted;
    sealed_zone_t   *zone, other;

    size = 2 << 20;
    zone = store_new(size);
    store_certificate(zone, 0);
    assert_int_equal(store_open(zone, 1), SEALED_OK);
    assert_int_equal(store_send(zone, 1, 1, "hello", 5, 8, NOW, 600000,
                                &accepted),
                     SEALED_OK);

    pid = fork();

    if (pid == 0) {
        (void) sealed_worker_claim(zone);
        (void) sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0);
        (void) sealed_shard_lock(zone, &zone->shards[0]);
        sealed_shard_save(zone, &zone->shards[0], &zone->shards[0].ended, 4);
        zone->shards[0].ended = 12345;
        (void) sealed_arena_lock(zone);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_non_null(store_check(zone));
    assert_null(sealed_zone_attach(&other, zone->base, size));
    assert_int_equal(sealed_zone_adopt(&other), 0);
    assert_null(store_check(zone));
    assert_int_equal(zone->shards[0].ended, 0);
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 1);

    store_free(zone);
}


/*
 * A zone that was about to grow when its process died: with the memory that
 * was made ready for it, and in the middle of a change of its size.
 */

static void
test_adopt_in_growth(void **unused)
{
    size_t                 size, larger;
    uint32_t               pages;
    unsigned               step;
    sealed_zone_t         *zone, other;
    sealed_zone_header_t  *header;

    size = 2 << 20;
    larger = 3 << 20;
    zone = store_new(size);
    header = zone->header;
    pages = header->arena.pages;

    for (step = 0; step < 4; step++) {
        sealed_arena_save(zone, &header->arena,
                          offsetof(sealed_arena_t, pool));

        if (step > 0) {
            header->arena.free_pages += 256;
        }

        if (step > 1) {
            header->arena.total += 256;
        }

        if (step > 2) {
            header->arena.pages += 256;
        }

        assert_null(sealed_zone_attach(&other, zone->base, larger));
        assert_int_equal(sealed_zone_undo(&other, larger), 0);
        assert_int_equal(header->arena.pages, pages);
        assert_int_equal(sealed_zone_size(&other), size);
        assert_null(store_check(zone));
    }

    store_free(zone);
}


/*
 * Children that work on the zone without end, killed at random moments:
 * whatever they were about, the next one finds a sound zone.
 */

static void
test_kill_at_random(void **unused)
{
    int              i, k, status;
    pid_t            pid[3];
    uint8_t          id[16], *body;
    uint32_t         accepted, n;
    unsigned         seed;
    sealed_zone_t   *zone;
    struct timespec  pause;

    zone = store_new(4 << 20);
    body = calloc(1, 9000);
    store_certificate(zone, 0);

    for (n = 1; n <= 50; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    for (i = 0; i < 60; i++) {

        for (k = 0; k < 3; k++) {
            pid[k] = fork();

            if (pid[k] != 0) {
                continue;
            }

            seed = (unsigned) (i * 3 + k);
            (void) sealed_worker_claim(zone);

            for ( ;; ) {
                n = 1 + (uint32_t) (rand_r(&seed) % 50);
                (void) store_send(zone, n, 51 - n, body,
                                  (size_t) rand_r(&seed) % 9000, 48, NOW,
                                  600000, &accepted);
                store_id(id, n);
                (void) sealed_mailbox_acknowledge(zone, id,
                           store_mailbox(zone, n)->next_seq - 1, NOW);
                (void) store_open(zone, 100 + n);
                store_id(id, 100 + n);
                (void) sealed_mailbox_close(zone, id, NOW,
                                            &(uint64_t) { 0 });
                store_id(id, 1000 + (uint32_t) (rand_r(&seed) % 3000));
                (void) sealed_certificate_table_revoke(zone, id, NOW + 9999,
                                                       NOW);
                store_id(id, 5000 + (uint32_t) (rand_r(&seed) % 3000));
                (void) sealed_certificate_table_count(zone, id, 3, 8,
                                                      NOW + 9999,
                                                      &(uint32_t) { 0 });
            }
        }

        seed = (unsigned) i;
        pause.tv_sec = 0;
        pause.tv_nsec = 1000000 + rand_r(&seed) % 4000000;
        (void) nanosleep(&pause, NULL);

        for (k = 0; k < 3; k++) {
            assert_int_equal(kill(pid[k], SIGKILL), 0);
            assert_int_equal(waitpid(pid[k], &status, 0), pid[k]);
        }

        assert_in_range(sealed_worker_reap(zone), 0, 3);
        assert_null(store_check(zone));
    }

    free(body);
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_foreign_memory_is_refused),
        cmocka_unit_test(test_smallest_zone_works),
        cmocka_unit_test(test_birth_after_a_step),
        cmocka_unit_test(test_certificate_outlives_its_end),
        cmocka_unit_test(test_check_finds_damage),
        cmocka_unit_test(test_resize),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_adopt),
        cmocka_unit_test(test_adopt_in_growth),
        cmocka_unit_test(test_kill_at_random)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
