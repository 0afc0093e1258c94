
#include "restore.h"
#include "body.h"
#include "certificate_table.h"
#include "mailbox.h"

#include <string.h>


static int insert(sealed_zone_t *zone,
    const sealed_journal_mailbox_t *state, uint64_t closed_until,
    uint64_t now, uint32_t *reference);
static int balance(sealed_zone_t *zone, sealed_shard_t *shard);


void
sealed_restore_lives(sealed_zone_t *zone, uint32_t lives)
{
    zone->header->lives = lives;
}


int
sealed_restore_mailbox(sealed_zone_t *zone,
    const sealed_journal_mailbox_t *mailbox, uint64_t closed_until,
    uint64_t now, uint32_t *reference)
{
    if (sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0) != 0) {
        return -1;
    }

    return insert(zone, mailbox, closed_until, now, reference);
}


int
sealed_restore_body(sealed_zone_t *zone, const sealed_journal_body_t *body,
    uint32_t references, uint32_t *records)
{
    sealed_bytes_t    stamp;
    sealed_fanout_t   fanout;
    sealed_worker_t  *w;

    stamp = body->stamp;

    if (stamp.size == 0) {
        stamp.data = NULL;

    } else if (stamp.size != SEALED_STAMP_SIZE) {
        return -1;
    }

    memset(&fanout, 0, sizeof(fanout));
    fanout.slice_size = body->slice_size;
    fanout.body = body->body;

    if (sealed_body_build(zone, &fanout, stamp, body->hour,
                          body->expiry_hour, references)
        != 0)
    {
        return -1;
    }

    /* they go to their mailboxes later, when all bodies are there */

    w = &zone->workers[zone->worker];
    *records = w->records;
    w->records = SEALED_NONE;
    w->body = SEALED_NONE;
    w->expected = 0;
    w->linked = 0;

    return 0;
}


int
sealed_restore_item(sealed_zone_t *zone, uint32_t mailbox, uint64_t seq,
    uint32_t *records, sealed_bytes_t slice)
{
    uint32_t           reference;
    sealed_body_t     *body;
    sealed_shard_t    *shard;
    sealed_record_t   *record;
    sealed_mailbox_t  *m;

    m = sealed_zone_mailbox(zone, mailbox);
    reference = *records;

    if (reference == SEALED_NONE) {
        return -1;
    }

    record = sealed_zone_record(zone, reference);
    body = sealed_zone_body(zone, record->body);

    if (slice.size != body->slice_size
        || m->bytes > UINT32_MAX - body->size - body->slice_size)
    {
        return -1;
    }

    *records = record->next;

    shard = sealed_zone_shard(zone, sealed_zone_hash(zone, m->entry.id));

    if (sealed_shard_lock(zone, shard) != 0) {
        return -1;
    }

    record->seq = seq;
    record->mailbox = mailbox;
    record->next = SEALED_NONE;

    if (slice.size) {
        memcpy(record->slice, slice.data, slice.size);
    }

    sealed_mailbox_save(zone, shard, m);

    if (m->tail == SEALED_NONE) {
        sealed_set(m->head, reference);

    } else {
        sealed_step(NULL, 0);
        sealed_zone_record(zone, m->tail)->next = reference;
    }

    sealed_set(m->tail, reference);
    sealed_set(m->count, m->count + 1);
    sealed_set(m->bytes, m->bytes + body->size + body->slice_size);

    if (body->expiry < m->node.due) {
        sealed_mailbox_due(zone, shard, m, body->expiry);
    }

    sealed_shard_unlock(zone, shard);

    return 0;
}


int
sealed_restore_certificate(sealed_zone_t *zone,
    const sealed_journal_certificate_t *certificate, uint64_t now)
{
    sealed_certificate_entry_t  row;

    if (certificate->end <= now) {
        return 0;
    }

    memset(&row, 0, sizeof(row));
    memcpy(row.entry.id, certificate->id, sizeof(row.entry.id));
    row.kind = SEALED_ENTRY_REMEMBERED;
    row.end = certificate->end;
    row.class = (uint8_t) certificate->class;
    row.opened = (uint16_t) certificate->opened;
    row.budget.level = certificate->budget_level;
    row.budget.time = (uint64_t) certificate->budget_hour * 3600;
    row.window_highest = certificate->window_highest;
    memcpy(row.window, certificate->window, sizeof(row.window));

    return sealed_certificate_table_remember(zone, &row) == SEALED_OK ? 0 : -1;
}


int
sealed_restore_quota(sealed_zone_t *zone, const sealed_journal_quota_t *quota,
    uint64_t now)
{
    sealed_certificate_entry_t  row;

    if (quota->end <= now) {
        return 0;
    }

    memset(&row, 0, sizeof(row));
    memcpy(row.entry.id, quota->id, sizeof(row.entry.id));
    row.kind = SEALED_ENTRY_QUOTA;
    row.end = quota->end;
    row.opened = (uint16_t) quota->drawn;

    return sealed_certificate_table_remember(zone, &row) == SEALED_OK ? 0 : -1;
}


static int
insert(sealed_zone_t *zone, const sealed_journal_mailbox_t *state,
    uint64_t closed_until, uint64_t now, uint32_t *reference)
{
    uint64_t           hash;
    uint32_t           due, idle;
    sealed_shard_t    *shard;
    sealed_worker_t   *w;
    sealed_mailbox_t  *mailbox;

    w = &zone->workers[zone->worker];
    hash = sealed_zone_hash(zone, state->id);
    shard = sealed_zone_shard(zone, hash);

    if (sealed_shard_lock(zone, shard) != 0) {
        return -1;
    }

    *reference = w->object;
    mailbox = sealed_zone_mailbox(zone, w->object);

    memcpy(mailbox->entry.id, state->id, SEALED_MAILBOX_ID_SIZE);
    mailbox->life = state->life;
    mailbox->next_seq = state->next;

    sealed_shard_save(zone, shard, &w->object, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &shard->ended, sizeof(uint32_t));
    sealed_set(w->object, SEALED_NONE);

    if (closed_until) {
        mailbox->active = (uint32_t) closed_until;
        due = SEALED_HOUR(closed_until + 3599);
        sealed_set(shard->ended, shard->ended + 1);

    } else {
        memcpy(mailbox->key, state->key, SEALED_KEY_SIZE);
        mailbox->tag = state->tag;

        mailbox->active = state->active_hour < SEALED_HOUR(now)
                          ? state->active_hour : SEALED_HOUR(now);
        idle = SEALED_HOUR(sealed_mailbox_idle_end(zone, mailbox) + 3599);
        due = SEALED_HOUR(now) + SEALED_REVISIT_HOURS;
        due = idle < due ? idle : due;
    }

    sealed_table_insert(zone, shard, &shard->mailboxes, hash, *reference);
    sealed_wheel_insert(zone, shard, *reference, due);

    sealed_shard_unlock(zone, shard);

    return balance(zone, shard);
}


/* a table that grows wants an index page now and then */

static int
balance(sealed_zone_t *zone, sealed_shard_t *shard)
{
    int  grow;

    if (sealed_shard_lock(zone, shard) != 0) {
        return -1;
    }

    grow = sealed_table_balance(zone, shard, &shard->mailboxes);
    sealed_shard_unlock(zone, shard);

    if (grow
        && sealed_worker_take(zone, SEALED_POOL_INDEX, 0) == 0
        && sealed_shard_lock(zone, shard) == 0)
    {
        (void) sealed_table_balance(zone, shard, &shard->mailboxes);
        sealed_shard_unlock(zone, shard);
    }

    return 0;
}
