
/*
 * What a journal brings back into a zone with so many free pages (0: all):
 * whatever its records say, the zone is sound afterwards, or there was no
 * room, or a record is one that no gateway writes.
 *
 * Aims at: restore.c
 */

#include "segments.h"

#include "certificate_table.h"
#include "recovery_emit.h"
#include "recovery_merge.h"
#include "restore.h"
#include "zone_check.h"

#include <sys/mman.h>


#define NOW  ((uint64_t) HOUR * 3600)


enum {
    PAGES = SEALED_ZONE_MIN_SIZE / SEALED_PAGE_SIZE
};


static uint8_t        *memory;
static uint32_t        taken[PAGES], ntaken;
static sealed_zone_t   zone;


static void
prepare_zone(uint32_t room)
{
    static const uint8_t  hash_key[16] = { 7 };

    if (memory == NULL) {
        memory = mmap(NULL, SEALED_ZONE_MIN_SIZE, PROT_READ|PROT_WRITE,
                      MAP_SHARED|MAP_ANONYMOUS, -1, 0);
        CHECK(memory != MAP_FAILED);
    }

    memset(memory, 0, SEALED_ZONE_MIN_SIZE);
    CHECK(sealed_zone_format(&zone, memory, SEALED_ZONE_MIN_SIZE, NOW,
                             hash_key)
          == 0);
    CHECK(sealed_worker_claim(&zone) == 0);
    zone.limits.idle_seconds = 30 * 86400;

    /* a section is as long as the undo log has room */

    ntaken = 0;

    while (room && zone.header->arena.free_pages > room) {
        CHECK(sealed_arena_lock(&zone) == 0);
        CHECK(sealed_arena_take(&zone, SEALED_POOL_INDEX, &taken[ntaken++],
                                1)
              == 1);
        sealed_arena_unlock(&zone);
    }
}


static void
give_back(void)
{
    while (ntaken) {
        CHECK(sealed_arena_lock(&zone) == 0);
        sealed_arena_give(&zone, taken[--ntaken]);
        sealed_arena_unlock(&zone);
    }
}


static void *
resize(void *context, void *old, size_t size)
{
    if (size == 0) {
        free(old);
        return NULL;
    }

    return realloc(old, size);
}


static int
mailbox(void *context, const sealed_journal_mailbox_t *state,
    uint64_t closed_until, uint64_t *reference)
{
    int       rc;
    uint32_t  place;

    if (closed_until && closed_until <= NOW) {
        return 0;
    }

    place = SEALED_NONE;
    rc = sealed_restore_mailbox(&zone, state, closed_until, NOW, &place);
    *reference = place;

    return rc;
}


static int
body(void *context, const sealed_journal_body_t *shared, uint32_t references,
    uint64_t *reference)
{
    int       rc;
    uint32_t  records;

    records = SEALED_NONE;
    rc = sealed_restore_body(&zone, shared, references, &records);
    *reference = records;

    return rc;
}


static int
item(void *context, uint64_t place, uint64_t seq, uint64_t *reference,
    sealed_bytes_t slice)
{
    int       rc;
    uint32_t  records;

    records = (uint32_t) *reference;
    rc = sealed_restore_item(&zone, (uint32_t) place, seq, &records, slice);
    *reference = records;

    return rc;
}


static int
revocation(void *context, const sealed_journal_revocation_t *revoked)
{
    return sealed_certificate_table_revoke(&zone, revoked->id,
                                           revoked->until, NOW)
           == SEALED_OK ? 0 : -1;
}


static int
certificate(void *context, const sealed_journal_certificate_t *entry)
{
    return sealed_restore_certificate(&zone, entry, NOW);
}


static int
quota(void *context, const sealed_journal_quota_t *entry)
{
    return sealed_restore_quota(&zone, entry, NOW);
}


static void
check_zone(const sealed_recovery_t *recovery)
{
    const char            *error;
    sealed_zone_status_t   status;

    static uint64_t  scratch[1 << 16];

    CHECK(sealed_zone_check_scratch(&zone) <= sizeof(scratch));
    error = sealed_zone_check(&zone, scratch);

    if (error) {
        failed(__FILE__, __LINE__, error);
    }

    CHECK(sealed_zone_status(&zone, &status) == 0);
    CHECK(status.mailboxes == recovery->result.mailboxes);
    CHECK(status.envelopes == recovery->result.envelopes);
    CHECK(status.bodies == recovery->result.bodies);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                          room;
    unsigned                         i;
    const char                      *error;
    sealed_recovery_t                recovery;
    sealed_recovery_report_t         report;
    sealed_journal_header_result_t   header[FILES];

    const sealed_recovery_sink_t  sink = {
        NULL, mailbox, body, item, revocation, certificate, quota, NULL
    };

    if (size == 0) {
        return 0;
    }

    room = *data++;
    prepare_segments();
    build_segments(data, size - 1);

    sealed_recovery_init(&recovery, zone_identity, &secret, HOUR, resize,
                         NULL);

    error = NULL;

    for (i = 0; i < files && error == NULL; i++) {
        error = sealed_recovery_examine(&recovery, file[i], file_size[i],
                                        &header[i]);
    }

    for (i = 0; i < files && error == NULL; i++) {
        if (header[i] == SEALED_JOURNAL_HEADER_OK) {
            error = sealed_recovery_read(&recovery, file[i], file_size[i],
                                         &report);
        }
    }

    if (error == NULL) {
        CHECK(sealed_recovery_resolve(&recovery) == 0);

        prepare_zone(room);
        sealed_restore_lives(&zone, recovery.result.lives);

        /* one that failed is thrown away as a whole */

        if (sealed_recovery_emit(&recovery, &sink) == 0) {
            give_back();
            check_zone(&recovery);
        }

        sealed_worker_release(&zone);
    }

    sealed_recovery_free(&recovery);

    return 0;
}
