
/*
 * A zone, its log and a snapshot of it, and everything from both into
 * another zone.
 */

#ifndef SEALED_TEST_SNAPSHOT_WORLD_H
#define SEALED_TEST_SNAPSHOT_WORLD_H


#include "journal_stream.h"
#include "store.h"
#include "restore.h"
#include "snapshot.h"


enum {
    CAPACITY = 1024 * 1024,
    SEGMENT = 256 * 1024,
    ZONE = 16 * 1024 * 1024
};


/* where it all comes back, and in which order certificates came */

typedef struct {
    sealed_zone_t           *zone;
    size_t                   certificates;
    size_t                   ascents;
    uint32_t                 last;
} restored_t;


typedef struct {
    sealed_zone_t           *zone;
    sealed_master_secret_t   secret;
    sealed_journal_files_t   files;
    memory_files_t           memory;
    stream_t                 log;
    stream_t                 snapshot;
    uint32_t                 random;
    unsigned                 sent;
    restored_t               restored;
} world_t;


static inline void
world_stream(world_t *w, stream_t *s, uint64_t stream, unsigned snapshot,
    uint64_t segment_size)
{
    sealed_journal_segment_t  segment;

    memset(&segment, 0, sizeof(segment));
    segment.generation = 5;
    segment.stream = stream;
    segment.snapshot = snapshot;

    s->hour = 1;
    stream_init(s, &w->files, &w->secret, &segment, segment_size, CAPACITY);
    s->output.policy = SEALED_JOURNAL_SYNC_OFF;
}


static inline world_t *
world_new(uint32_t random, uint64_t segment_size)
{
    world_t  *w;

    w = calloc(1, sizeof(world_t));
    assert_non_null(w);
    w->random = random;
    test_secret(&w->secret);
    memory_files_init(&w->memory, &w->files);
    w->zone = store_new(ZONE);
    store_certificate(w->zone, 0);
    world_stream(w, &w->log, 1, 0, segment_size);
    world_stream(w, &w->snapshot, 2, 1, segment_size);

    return w;
}


static inline void
world_free(world_t *w)
{
    stream_free(&w->log);
    stream_free(&w->snapshot);
    memory_files_free(&w->memory);
    store_free(w->zone);
    free(w);
}


static inline uint32_t
draw(world_t *w, uint32_t n)
{
    w->random = w->random * 1664525 + 1013904223;

    return (w->random >> 8) % n;
}


static inline void
do_open(world_t *w, uint32_t n, unsigned logged)
{
    uint8_t                    id[16], opener[16], key[32];
    unsigned                   created;
    sealed_mailbox_status_t    status;
    sealed_journal_mailbox_t   state;

    store_id(id, n);
    store_id(opener, 0);
    memset(key, (int) n, sizeof(key));

    if (sealed_mailbox_open(w->zone, id, key, 7, opener, 65535, NOW, &created,
                            &status)
        != SEALED_OK || !logged)
    {
        return;
    }

    memcpy(state.id, id, sizeof(id));
    memcpy(state.key, key, sizeof(key));
    state.life = status.life;
    state.tag = 7;
    state.active_hour = NOW / 3600;
    state.through = status.first - 1;
    state.next = status.next;

    sealed_journal_open_encode(stream_reserve(&w->log,
                                              SEALED_JOURNAL_OPEN_SIZE),
                               &state);
    sealed_journal_put(&w->log.writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);
}


static inline int
restore_mailbox(void *context, const sealed_journal_mailbox_t *mailbox,
    uint64_t closed_until, uint64_t *reference)
{
    int          rc;
    uint32_t     place;
    restored_t  *restored = context;

    rc = sealed_restore_mailbox(restored->zone, mailbox, closed_until, NOW,
                                &place);
    *reference = place;

    return rc;
}


static inline int
restore_body(void *context, const sealed_journal_body_t *body,
    uint32_t references, uint64_t *reference)
{
    int          rc;
    uint32_t     records;
    restored_t  *restored = context;

    rc = sealed_restore_body(restored->zone, body, references, &records);
    *reference = records;

    return rc;
}


static inline int
restore_item(void *context, uint64_t mailbox, uint64_t seq, uint64_t *body,
    sealed_bytes_t slice)
{
    int          rc;
    uint32_t     records;
    restored_t  *restored = context;

    records = (uint32_t) *body;
    rc = sealed_restore_item(restored->zone, (uint32_t) mailbox, seq,
                             &records, slice);
    *body = records;

    return rc;
}


static inline int
restore_revocation(void *context,
    const sealed_journal_revocation_t *revocation)
{
    restored_t  *restored = context;

    return sealed_certificate_table_revoke(restored->zone, revocation->id,
                                           revocation->until, NOW)
           == SEALED_OK ? 0 : -1;
}


static inline int
restore_certificate(void *context,
    const sealed_journal_certificate_t *certificate)
{
    uint32_t     n;
    restored_t  *restored = context;

    memcpy(&n, certificate->id, sizeof(n));
    restored->certificates++;
    restored->ascents += n > restored->last;
    restored->last = n;

    /* a fraction of a unit would tell when it was used */

    assert_int_equal(certificate->budget_level & UINT32_MAX, 0);

    return sealed_restore_certificate(restored->zone, certificate, NOW);
}


static inline int
restore_quota(void *context, const sealed_journal_quota_t *quota)
{
    restored_t  *restored = context;

    return sealed_restore_quota(restored->zone, quota, NOW);
}


/* everything that is in files of w, into an empty zone; 0, or no room */

static inline int
restore(world_t *w, sealed_zone_t *zone)
{
    int                              i, rc;
    sealed_recovery_t                recovery;
    sealed_recovery_sink_t           sink;
    sealed_recovery_report_t         report;
    sealed_journal_header_result_t   header;

    w->restored.certificates = 0;
    w->restored.ascents = 0;
    w->restored.last = 0;
    w->restored.zone = zone;

    sink.context = &w->restored;
    sink.mailbox = restore_mailbox;
    sink.body = restore_body;
    sink.item = restore_item;
    sink.revocation = restore_revocation;
    sink.certificate = restore_certificate;
    sink.quota = restore_quota;
    sink.progress = NULL;

    sealed_recovery_init(&recovery, test_zone, &w->secret, NOW / 3600,
                         test_resize, NULL);

    for (i = 0; i < w->memory.files; i++) {
        assert_null(sealed_recovery_examine(&recovery,
                                            w->memory.file[i].data,
                                            w->memory.file[i].size,
                                            &header));
        assert_int_equal(header, SEALED_JOURNAL_HEADER_OK);
    }

    for (i = 0; i < w->memory.files; i++) {
        assert_null(sealed_recovery_read(&recovery, w->memory.file[i].data,
                                         w->memory.file[i].size, &report));
        assert_int_equal(report.damaged, 0);
        assert_int_equal(report.torn_octets, 0);
    }

    assert_int_equal(sealed_recovery_resolve(&recovery), 0);
    assert_int_equal(recovery.result.bodiless, 0);
    assert_int_equal(recovery.result.unclean, 0);
    sealed_restore_lives(zone, recovery.result.lives);
    rc = sealed_recovery_emit(&recovery, &sink);
    sealed_recovery_free(&recovery);

    return rc;
}


/* 7003 was used, 7004 not, 7005 has drawn five of eight */

static inline void
use_certificates(sealed_zone_t *zone)
{
    uint8_t   id[16];
    uint32_t  taken;
    uint64_t  next, retry;
    unsigned  has_next;

    assert_int_equal(store_insert(zone, 7003, NOW + 7200), SEALED_OK);
    assert_int_equal(store_insert(zone, 7004, NOW + 7200), SEALED_OK);

    store_id(id, 7003);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 9, &next,
                                                    &has_next),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     997, NOW, &retry),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1), SEALED_OK);

    store_id(id, 7005);
    assert_int_equal(sealed_certificate_table_count(zone, id, 5, 8,
                                                    NOW + 7200, &taken),
                     SEALED_OK);
}


#endif /* SEALED_TEST_SNAPSHOT_WORLD_H */
