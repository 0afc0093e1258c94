
/*
 * Certificates when the lock of a shard is lost: those of all the others get
 * into the journal, and it is said; what is to be all that lives is none.
 */

#include "journal.h"
#include "store.h"
#include "snapshot.h"

#include <pthread.h>


enum {
    CAPACITY = 1024 * 1024,
    SEGMENT = 256 * 1024,
    ZONE = 16 * 1024 * 1024,
    CERTIFICATES = 48
};


static void *
die_with_it(void *mutex)
{
    assert_int_equal(pthread_mutex_lock(mutex), 0);

    return NULL;
}


/* its holder is gone, and nobody put right what it left */

static void
lose(sealed_shard_t *shard)
{
    pthread_t  thread;

    assert_int_equal(pthread_create(&thread, NULL, die_with_it,
                                    &shard->lock.mutex),
                     0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(pthread_mutex_lock(&shard->lock.mutex), EOWNERDEAD);
    assert_int_equal(pthread_mutex_unlock(&shard->lock.mutex), 0);
}


static void
begin(sealed_journal_writer_t *writer, sealed_journal_output_t *output,
    const sealed_journal_files_t *files,
    const sealed_master_secret_t *secret, uint8_t *buffer, unsigned snapshot)
{
    sealed_journal_segment_t  segment;

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 1;
    segment.stream = 1 + snapshot;
    segment.snapshot = snapshot;
    segment.tag = secret->line[0].tag;

    sealed_journal_writer_init(writer, &segment, secret->line[0].journal_key,
                               SEGMENT, buffer, buffer + CAPACITY, CAPACITY);
    sealed_journal_output_init(output, files, SEALED_JOURNAL_SYNC_ALWAYS,
                               SEGMENT);
}


static void
test_certificates(void **state)
{
    uint8_t                         id[16], *buffer;
    unsigned                        i, n, lost, there;
    found_t                        *found;
    memory_files_t                  memory;
    sealed_zone_t                  *zone;
    sealed_shard_t                 *gone;
    sealed_journal_files_t          files;
    sealed_master_secret_t          secret;
    sealed_journal_output_t         output;
    sealed_journal_writer_t         writer;
    sealed_snapshot_result_t        result;
    const sealed_journal_batch_t   *batch;
    sealed_certificate_snapshot_t   walk;

    zone = store_new(ZONE);
    test_secret(&secret);
    memory_files_init(&memory, &files);
    buffer = malloc(2 * CAPACITY);
    found = calloc(1, sizeof(found_t));
    assert_non_null(buffer);
    assert_non_null(found);

    gone = &zone->shards[1];
    there = 0;

    for (i = 0; i < CERTIFICATES; i++) {
        store_certificate(zone, i);
        store_id(id, i);
        there += sealed_zone_shard(zone, sealed_zone_hash(zone, id)) != gone;
    }

    assert_true(there > 0 && there < CERTIFICATES);
    lose(gone);

    begin(&writer, &output, &files, &secret, buffer, 0);
    sealed_certificate_snapshot_init(&walk, 1);
    lost = 0;

    for (n = 0; n < 10000; n++) {
        result = sealed_certificate_snapshot_step(&walk, zone, &writer, NOW);
        assert_int_not_equal(result, SEALED_SNAPSHOT_WAIT);
        assert_int_not_equal(result, SEALED_SNAPSHOT_FAILED);

        if (result == SEALED_SNAPSHOT_DONE) {
            break;
        }

        lost += result == SEALED_SNAPSHOT_LOST;
    }

    assert_int_equal(result, SEALED_SNAPSHOT_DONE);
    assert_int_equal(lost, 1);

    batch = sealed_journal_take(&writer);
    assert_non_null(batch);
    assert_int_equal(sealed_journal_commit(&output, batch, 0), 0);
    sealed_journal_done(&writer, 0);
    assert_int_equal(sealed_journal_finish(&output), 0);

    recover(found, memory.file, memory.files, &secret, SEALED_HOUR(NOW));
    assert_null(found->error);
    assert_int_equal(found->certificates, there);

    for (i = 0; i < found->certificates; i++) {
        assert_ptr_not_equal(sealed_zone_shard(zone,
                                 sealed_zone_hash(zone,
                                                  found->certificate[i].id)),
                             gone);
    }

    assert_int_equal(sealed_lock_init(&gone->lock.mutex), 0);
    store_free(zone);
    memory_files_free(&memory);
    free(buffer);
    free(found);
}


static void
test_all_that_lives(void **state)
{
    uint8_t                     id[16], key[32], *buffer;
    uint32_t                    n;
    unsigned                    created;
    memory_files_t              memory;
    sealed_zone_t              *zone;
    sealed_shard_t             *gone;
    sealed_snapshot_t           snapshot;
    sealed_journal_files_t      files;
    sealed_master_secret_t      secret;
    sealed_journal_output_t     output;
    sealed_journal_writer_t     writer;
    sealed_mailbox_status_t     status;
    sealed_snapshot_result_t    result;

    zone = store_new(ZONE);
    test_secret(&secret);
    memory_files_init(&memory, &files);
    buffer = malloc(2 * CAPACITY);
    assert_non_null(buffer);

    memset(key, 5, sizeof(key));
    store_certificate(zone, 1);
    store_id(id, 2);
    assert_int_equal(sealed_mailbox_open(zone, id, key, 7,
                                         (uint8_t[16]) { 1, 0, 0, 0, 0xa5,
                                             0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
                                             0xa5, 0xa5, 0xa5, 0xa5, 0xa5,
                                             0xa5 },
                                         1, NOW, &created, &status),
                     SEALED_OK);

    /* with the mailbox's shard, and with one that has only certificates */

    for (n = 0; n < 2; n++) {
        gone = sealed_zone_shard(zone, sealed_zone_hash(zone, id));

        if (n == 1) {
            gone = gone == zone->shards ? gone + 1 : zone->shards;
        }

        lose(gone);
        begin(&writer, &output, &files, &secret, buffer, 1);
        sealed_snapshot_init(&snapshot, test_resize, NULL);

        do {
            result = sealed_snapshot_step(&snapshot, zone, &writer, NOW);
        } while (result == SEALED_SNAPSHOT_MORE);

        assert_int_equal(result, SEALED_SNAPSHOT_LOST);
        sealed_snapshot_free(&snapshot);
        assert_int_equal(sealed_lock_init(&gone->lock.mutex), 0);
    }

    store_free(zone);
    memory_files_free(&memory);
    free(buffer);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_all_that_lives)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
