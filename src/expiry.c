
#include "expiry.h"
#include "certificate_table.h"
#include "mailbox.h"

#include <string.h>


enum {
    BATCH = 32              /* steps for which a lock is held */
};


/* a call's arguments and what it found */

typedef struct {
    sealed_zone_t                *zone;
    uint64_t                      now;
    uint64_t                     *wake;
    sealed_expiry_notes_t        *notes;        /* or NULL */
} run_t;


static int run_shard(run_t *run, sealed_shard_t *shard, unsigned steps);
static int handle(run_t *run, sealed_shard_t *shard, uint32_t reference);
static int handle_mailbox(run_t *run, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox);
static void look_at_page(run_t *run, uint32_t page);
static int is_full(const run_t *run);
static void end(run_t *run, sealed_shard_t *shard, sealed_mailbox_t *mailbox);


int
sealed_expiry_run(sealed_zone_t *zone, unsigned steps, unsigned pages,
    uint64_t now, uint64_t *wake)
{
    return sealed_expiry_run_noted(zone, steps, pages, now, wake, NULL);
}


int
sealed_expiry_run_noted(sealed_zone_t *zone, unsigned steps, unsigned pages,
    uint64_t now, uint64_t *wake, sealed_expiry_notes_t *notes)
{
    int              more;
    run_t            run;
    uint32_t         i, page;
    sealed_arena_t  *arena;

    run.zone = zone;
    run.now = now;
    run.wake = wake;
    run.notes = notes;

    *wake = 0;
    more = 0;

    for (i = 0; i <= zone->shard_mask; i++) {
        more |= run_shard(&run, &zone->shards[i], steps);
    }

    arena = &zone->header->arena;

    for ( /* void */ ; pages && !is_full(&run); pages--) {
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
            look_at_page(&run, page);
        }
    }

    return more || is_full(&run);
}


static int
run_shard(run_t *run, sealed_shard_t *shard, unsigned steps)
{
    int             more, stop;
    uint32_t        reference;
    unsigned        n;
    sealed_zone_t  *zone;

    zone = run->zone;
    more = 1;

    while (more && steps && !is_full(run)) {

        if (sealed_shard_lock(zone, shard) != 0) {
            return 0;
        }

        stop = 0;

        /* what was taken out has to be given back before there is more */

        for (n = 0; more && steps && !stop && n < BATCH; n++) {
            reference = sealed_wheel_next(zone, shard, SEALED_HOUR(run->now),
                                          &more);

            if (reference != SEALED_NONE) {
                stop = handle(run, shard, reference);
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
handle(run_t *run, sealed_shard_t *shard, uint32_t reference)
{
    uint64_t                     now;
    sealed_zone_t               *zone;
    sealed_certificate_entry_t  *entry;

    now = run->now;
    zone = run->zone;

    if (sealed_arena_pool(zone, reference) == SEALED_POOL_MAILBOX) {
        return handle_mailbox(run, shard,
                              sealed_zone_mailbox(zone, reference));
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
handle_mailbox(run_t *run, sealed_shard_t *shard, sealed_mailbox_t *mailbox)
{
    unsigned        n;
    uint64_t        now;
    sealed_zone_t  *zone;

    now = run->now;
    zone = run->zone;

    if (mailbox->tag) {

        if (sealed_mailbox_idle_end(zone, mailbox) <= now
            || !sealed_mailbox_is_open(zone, mailbox))
        {
            if (is_full(run)) {
                return 1;
            }

            end(run, shard, mailbox);

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
look_at_page(run_t *run, uint32_t page)
{
    uint8_t            id[SEALED_MAILBOX_ID_SIZE];
    uint32_t           slot, reference;
    uint64_t           hash;
    sealed_page_t     *descriptor;
    sealed_zone_t     *zone;
    sealed_shard_t    *shard;
    sealed_mailbox_t  *mailbox;

    zone = run->zone;
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

            if (mailbox->tag
                && !sealed_mailbox_is_open(zone, mailbox)
                && !is_full(run))
            {
                end(run, shard, mailbox);
            }
        }

        sealed_shard_unlock(zone, shard);
    }
}


static int
is_full(const run_t *run)
{
    return run->notes && run->notes->count == run->notes->capacity;
}


/* what is in it goes with the next steps */

static void
end(run_t *run, sealed_shard_t *shard, sealed_mailbox_t *mailbox)
{
    sealed_expiry_note_t  *note;

    sealed_mailbox_end(run->zone, shard, mailbox, run->now, run->wake);

    if (run->notes) {
        note = &run->notes->note[run->notes->count++];
        memcpy(note->id, mailbox->entry.id, sizeof(note->id));
        note->life = mailbox->life;
        note->until = mailbox->active;
    }

    sealed_mailbox_due(run->zone, shard, mailbox, SEALED_HOUR(run->now));
}
