
#include "expiry.h"
#include "certificate_table.h"
#include "mailbox.h"

#include <string.h>


enum {
    BATCH = 32              /* steps for which a lock is held */
};


static int run_shard(sealed_zone_t *zone, sealed_shard_t *shard,
    unsigned steps, uint64_t now, uint64_t *wake);
static int handle(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t reference, uint64_t now, uint64_t *wake);
static int handle_mailbox(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now, uint64_t *wake);
static void look_at_page(sealed_zone_t *zone, uint32_t page, uint64_t now,
    uint64_t *wake);


int
sealed_expiry_run(sealed_zone_t *zone, unsigned steps, unsigned pages,
    uint64_t now, uint64_t *wake)
{
    int              more;
    uint32_t         i, page;
    sealed_arena_t  *arena;

    *wake = 0;
    more = 0;

    for (i = 0; i <= zone->shard_mask; i++) {
        more |= run_shard(zone, &zone->shards[i], steps, now, wake);
    }

    arena = &zone->header->arena;

    while (pages--) {
        page = __atomic_fetch_add(&zone->header->sweep_page, 1,
                                  __ATOMIC_RELAXED);

        if (page >= arena->carved) {
            __atomic_store_n(&zone->header->sweep_page, arena->control,
                             __ATOMIC_RELAXED);
            break;
        }

        if (page >= arena->control
            && page % SEALED_EXTENT_PAGES >= SEALED_EXTENT_FIRST)
        {
            look_at_page(zone, page, now, wake);
        }
    }

    return more;
}


static int
run_shard(sealed_zone_t *zone, sealed_shard_t *shard, unsigned steps,
    uint64_t now, uint64_t *wake)
{
    int       more, stop;
    uint32_t  reference;
    unsigned  n;

    more = 1;

    while (more && steps) {

        if (sealed_shard_lock(zone, shard) != 0) {
            return 0;
        }

        stop = 0;

        /* what was taken out has to be given back before there is more */

        for (n = 0; more && steps && !stop && n < BATCH; n++) {
            reference = sealed_wheel_next(zone, shard, SEALED_HOUR(now),
                                          &more);

            if (reference != SEALED_NONE) {
                stop = handle(zone, shard, reference, now, wake);
            }

            sealed_lock_commit(&shard->lock);
            steps--;
        }

        (void) sealed_table_balance(zone, shard, &shard->mailboxes);
        (void) sealed_table_balance(zone, shard, &shard->certificates);

        sealed_shard_unlock(zone, shard);
        sealed_worker_settle(zone);
    }

    return more;
}


/* 1 when something has come into the worker's place */

static int
handle(sealed_zone_t *zone, sealed_shard_t *shard, uint32_t reference,
    uint64_t now, uint64_t *wake)
{
    sealed_certificate_entry_t  *entry;

    if (sealed_arena_pool(zone, reference) == SEALED_POOL_MAILBOX) {
        return handle_mailbox(zone, shard,
                              sealed_zone_mailbox(zone, reference), now,
                              wake);
    }

    entry = sealed_zone_certificate(zone, reference);

    if (now < entry->end + SEALED_CLOCK_SLACK) {
        sealed_wheel_remove(zone, shard, reference);
        sealed_wheel_insert(zone, shard, reference, SEALED_HOUR(now) + 1);
        return 0;
    }

    sealed_zone_forget(zone, now);
    sealed_certificate_table_remove(zone, shard, entry);

    return 1;
}


static int
handle_mailbox(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now, uint64_t *wake)
{
    unsigned  n;
    uint64_t  idle;

    if (mailbox->tag) {

        /* hours at rest: it may live up to one longer, never shorter */

        idle = ((uint64_t) mailbox->active + 1) * 3600
               + zone->limits.idle_seconds;

        if (idle <= now || !sealed_mailbox_is_open(zone, mailbox)) {
            sealed_mailbox_end(zone, shard, mailbox, now, wake);
            sealed_mailbox_due(zone, shard, mailbox, SEALED_HOUR(now));
            return 0;
        }

        sealed_mailbox_purge(zone, shard, mailbox, now);
        return 1;
    }

    for (n = 0; mailbox->head != SEALED_NONE; n++) {

        if (n == SEALED_MAILBOX_BATCH) {
            return 1;
        }

        sealed_mailbox_drop(zone, shard, mailbox, SEALED_NONE,
                            mailbox->head);
    }

    if (mailbox->active > now) {
        sealed_mailbox_due(zone, shard, mailbox, SEALED_HOUR(now) + 1);
        return 1;
    }

    sealed_zone_forget(zone, now);
    sealed_mailbox_remove(zone, shard, mailbox);

    return 1;
}


/*
 * Mailboxes whose key line has left the file are not waited for.  What is
 * read here without a lock is only a reason to look with one.
 */

static void
look_at_page(sealed_zone_t *zone, uint32_t page, uint64_t now,
    uint64_t *wake)
{
    uint8_t            id[SEALED_MAILBOX_ID_SIZE];
    uint32_t           slot, reference;
    uint64_t           hash;
    sealed_page_t     *descriptor;
    sealed_shard_t    *shard;
    sealed_mailbox_t  *mailbox;

    descriptor = sealed_arena_page(zone, page);

    if (descriptor->pool != SEALED_POOL_MAILBOX) {
        return;
    }

    for (slot = 0; slot < sealed_pool_objects(SEALED_POOL_MAILBOX); slot++) {
        reference = page * (SEALED_PAGE_SIZE / 8)
                    + slot * (sizeof(sealed_mailbox_t) / 8);

        if (!sealed_arena_valid(zone, SEALED_POOL_MAILBOX, reference)) {
            continue;
        }

        mailbox = sealed_zone_address(zone, reference);

        if (mailbox->tag == 0 || sealed_mailbox_is_open(zone, mailbox)) {
            continue;
        }

        memcpy(id, mailbox->entry.id, sizeof(id));
        hash = sealed_zone_hash(zone, id);
        shard = sealed_zone_shard(zone, hash);

        if (sealed_shard_lock(zone, shard) != 0) {
            return;
        }

        reference = sealed_table_find(zone, &shard->mailboxes, hash, id);

        if (reference != SEALED_NONE) {
            mailbox = sealed_zone_mailbox(zone, reference);

            if (mailbox->tag && !sealed_mailbox_is_open(zone, mailbox)) {
                sealed_mailbox_end(zone, shard, mailbox, now, wake);
                sealed_mailbox_due(zone, shard, mailbox, SEALED_HOUR(now));
            }
        }

        sealed_shard_unlock(zone, shard);
    }
}
