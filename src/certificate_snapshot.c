
#include "certificate_snapshot.h"
#include "journal_record.h"

#include <string.h>


static void next_shard(sealed_certificate_snapshot_t *walk);
static int write_bucket(const sealed_certificate_snapshot_t *walk,
    const sealed_zone_t *zone, const sealed_table_t *table,
    sealed_journal_writer_t *writer, uint64_t now);
static int write_row(const sealed_certificate_snapshot_t *walk,
    const sealed_certificate_entry_t *entry, sealed_journal_writer_t *writer,
    uint64_t now);
static int write_revocation(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour);
static int write_quota(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour);
static int write_certificate(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour);


void
sealed_certificate_snapshot_init(sealed_certificate_snapshot_t *walk,
    uint64_t since)
{
    memset(walk, 0, sizeof(sealed_certificate_snapshot_t));

    walk->since = since;
}


sealed_snapshot_result_t
sealed_certificate_snapshot_step(sealed_certificate_snapshot_t *walk,
    sealed_zone_t *zone, sealed_journal_writer_t *writer, uint64_t now)
{
    unsigned                   n;
    sealed_shard_t            *shard;
    sealed_table_t            *table;
    sealed_snapshot_result_t   result;

    if (walk->shard > zone->shard_mask) {
        return SEALED_SNAPSHOT_DONE;
    }

    shard = &zone->shards[walk->shard];
    table = &shard->certificates;

    if (sealed_shard_lock(zone, shard) != 0) {
        next_shard(walk);
        return SEALED_SNAPSHOT_LOST;
    }

    /* rows of a bucket that went may have moved to one passed already */

    if (table->buckets < walk->buckets) {
        walk->bucket = 0;
    }

    walk->buckets = table->buckets;
    result = SEALED_SNAPSHOT_MORE;

    for (n = 0;
         n < SEALED_CERTIFICATE_BUCKETS && walk->bucket < table->buckets;
         n++)
    {
        if (write_bucket(walk, zone, table, writer, now) != 0) {
            result = SEALED_SNAPSHOT_WAIT;
            break;
        }

        walk->bucket++;
    }

    if (walk->bucket >= table->buckets) {
        next_shard(walk);
    }

    sealed_shard_unlock(zone, shard);

    return result;
}


static void
next_shard(sealed_certificate_snapshot_t *walk)
{
    walk->shard++;
    walk->bucket = 0;
    walk->buckets = 0;
}


/* once more from its beginning after a wait: records may be there twice */

static int
write_bucket(const sealed_certificate_snapshot_t *walk,
    const sealed_zone_t *zone, const sealed_table_t *table,
    sealed_journal_writer_t *writer, uint64_t now)
{
    uint32_t                     reference;
    sealed_certificate_entry_t  *entry;

    for (reference = *sealed_table_bucket(zone, table, walk->bucket);
         reference != SEALED_NONE;
         reference = entry->entry.next)
    {
        entry = sealed_zone_certificate(zone, reference);

        if (write_row(walk, entry, writer, now) != 0) {
            return -1;
        }
    }

    return 0;
}


/* what is no certificate was written when it came */

static int
write_row(const sealed_certificate_snapshot_t *walk,
    const sealed_certificate_entry_t *entry, sealed_journal_writer_t *writer,
    uint64_t now)
{
    if (entry->end <= now) {
        return 0;
    }

    switch (entry->kind) {

    case SEALED_ENTRY_REVOKED:
        return walk->since ? 0 : write_revocation(entry, writer,
                                                  SEALED_HOUR(now));

    case SEALED_ENTRY_QUOTA:
        return walk->since ? 0 : write_quota(entry, writer,
                                             SEALED_HOUR(now));

    default:
        return entry->budget.time < walk->since
               ? 0 : write_certificate(entry, writer, SEALED_HOUR(now));
    }
}


static int
write_revocation(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t                      *payload;
    sealed_journal_revocation_t   revocation;

    payload = sealed_journal_reserve(writer, SEALED_JOURNAL_REVOKE_SIZE,
                                     hour);
    if (payload == NULL) {
        return -1;
    }

    memcpy(revocation.id, entry->entry.id, sizeof(revocation.id));
    revocation.until = entry->end;

    sealed_journal_revoke_encode(payload, &revocation);
    sealed_journal_put(writer, SEALED_JOURNAL_REVOKE,
                       SEALED_JOURNAL_REVOKE_SIZE);

    return 0;
}


static int
write_quota(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t                 *payload;
    sealed_journal_quota_t   quota;

    payload = sealed_journal_reserve(writer, SEALED_JOURNAL_QUOTA_SIZE,
                                     hour);
    if (payload == NULL) {
        return -1;
    }

    memcpy(quota.id, entry->entry.id, sizeof(quota.id));
    quota.drawn = entry->opened;
    quota.end = entry->end;

    sealed_journal_quota_encode(payload, &quota);
    sealed_journal_put(writer, SEALED_JOURNAL_QUOTA,
                       SEALED_JOURNAL_QUOTA_SIZE);

    return 0;
}


/*
 * Until the hour is over nothing is refilled, and only whole units are kept:
 * rounded against the sender, and when exactly he sent is not written down.  A
 * fraction of a unit would tell, to the second.
 */

static int
write_certificate(const sealed_certificate_entry_t *entry,
    sealed_journal_writer_t *writer, uint32_t hour)
{
    uint8_t                       *payload;
    sealed_journal_certificate_t   certificate;

    payload = sealed_journal_reserve(writer, SEALED_JOURNAL_CERTIFICATE_SIZE,
                                     hour);
    if (payload == NULL) {
        return -1;
    }

    memcpy(certificate.id, entry->entry.id, sizeof(certificate.id));
    certificate.class = entry->class;
    certificate.opened = entry->opened;
    certificate.budget_hour = SEALED_HOUR(entry->budget.time + 3599);
    certificate.end = entry->end;
    certificate.budget_level = entry->budget.level
                               & ~(uint64_t) UINT32_MAX;
    certificate.window_highest = entry->window_highest;
    memcpy(certificate.window, entry->window, sizeof(certificate.window));

    sealed_journal_certificate_encode(payload, &certificate);
    sealed_journal_put(writer, SEALED_JOURNAL_CERTIFICATE,
                       SEALED_JOURNAL_CERTIFICATE_SIZE);

    return 0;
}
