
#include "certificate_table.h"
#include "replay_window.h"

#include <string.h>


/* an entry and the shard that is locked for it */

typedef struct {
    uint64_t                      hash;
    sealed_shard_t               *shard;
    sealed_certificate_entry_t   *entry;        /* NULL: there is none */
} place_t;


static int enter(sealed_zone_t *zone, place_t *place, const uint8_t *id);
static sealed_certificate_entry_t *enter_known(sealed_zone_t *zone,
    place_t *place, const uint8_t *id);
static sealed_certificate_entry_t *enter_valid(sealed_zone_t *zone,
    place_t *place, const uint8_t *id);
static sealed_verdict_t enter_or_take(sealed_zone_t *zone, place_t *place,
    const uint8_t *id);
static void leave(sealed_zone_t *zone, place_t *place);
static sealed_certificate_entry_t *put(sealed_zone_t *zone, place_t *place,
    const uint8_t *id, uint64_t end);
static void set_key(sealed_zone_t *zone, place_t *place,
    const sealed_certificate_state_t *state);
static void join(sealed_certificate_entry_t *entry,
    const sealed_certificate_entry_t *row);


int
sealed_certificate_table_find(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t now,
    sealed_certificate_state_t *state)
{
    int                          rc;
    place_t                      place;
    sealed_certificate_entry_t  *entry;

    rc = -1;
    entry = enter_known(zone, &place, id);

    if (entry == NULL) {
        return -1;
    }

    if (now < entry->end
        && (entry->kind == SEALED_ENTRY_CERTIFICATE
            || entry->kind == SEALED_ENTRY_REVOKED))
    {
        memcpy(state->key, entry->key, SEALED_KEY_SIZE);
        state->end = entry->end;
        state->tag = entry->tag;
        state->class = entry->class;
        state->revoked = entry->kind == SEALED_ENTRY_REVOKED;
        rc = 0;
    }

    sealed_shard_unlock(zone, place.shard);

    return rc;
}


sealed_verdict_t
sealed_certificate_table_insert(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_certificate_state_t *state,
    const sealed_budget_rule_t *rule, uint64_t now)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    verdict = enter_or_take(zone, &place, id);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    if (place.entry == NULL) {
        entry = put(zone, &place, id, state->end);
        memcpy(entry->key, state->key, SEALED_KEY_SIZE);
        entry->tag = state->tag;
        entry->class = (uint8_t) state->class;
        sealed_budget_init(&entry->budget, rule, now);

    } else if (place.entry->kind == SEALED_ENTRY_CERTIFICATE
               || place.entry->kind == SEALED_ENTRY_REMEMBERED)
    {
        /* without its key, or of a line that left: the rest goes on */

        set_key(zone, &place, state);

    } else {
        verdict = SEALED_UNAUTHORIZED;
    }

    leave(zone, &place);

    return verdict;
}


sealed_verdict_t
sealed_certificate_table_revoke(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t until,
    uint64_t now)
{
    place_t            place;
    sealed_verdict_t   verdict;

    verdict = enter_or_take(zone, &place, id);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    if (place.entry) {

        /* its own end is when it can be forgotten */

        sealed_shard_save(zone, place.shard, &place.entry->kind,
                          sizeof(uint8_t));
        sealed_set(place.entry->kind, SEALED_ENTRY_REVOKED);

    } else if (now < until) {
        put(zone, &place, id, until)->kind = SEALED_ENTRY_REVOKED;
    }

    leave(zone, &place);

    return SEALED_OK;
}


sealed_verdict_t
sealed_certificate_table_count(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint32_t n, uint32_t limit,
    uint64_t end, uint32_t *taken)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    if (n > limit) {
        return SEALED_NO_QUOTA;
    }

    verdict = enter_or_take(zone, &place, id);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    entry = place.entry;

    if (entry == NULL) {
        entry = put(zone, &place, id, end);
        entry->kind = SEALED_ENTRY_QUOTA;
        entry->opened = (uint16_t) n;

    } else if (entry->opened > limit - n) {
        verdict = SEALED_NO_QUOTA;

    } else {
        sealed_shard_save(zone, place.shard, &entry->opened,
                          sizeof(entry->opened));
        sealed_set(entry->opened, (uint16_t) (entry->opened + n));
    }

    *taken = entry->opened;

    leave(zone, &place);

    return verdict;
}


void
sealed_certificate_table_uncount(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint32_t n)
{
    place_t                      place;
    sealed_certificate_entry_t  *entry;

    entry = enter_known(zone, &place, id);

    if (entry == NULL) {
        return;
    }

    /* fewer: it is another entry, the one that counted has ended */

    if (entry->kind == SEALED_ENTRY_QUOTA && entry->opened >= n) {
        sealed_shard_save(zone, place.shard, &entry->opened,
                          sizeof(entry->opened));
        sealed_set(entry->opened, (uint16_t) (entry->opened - n));
    }

    sealed_shard_unlock(zone, place.shard);
}


sealed_verdict_t
sealed_certificate_table_remember(sealed_zone_t *zone,
    const sealed_certificate_entry_t *row)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    verdict = enter_or_take(zone, &place, row->entry.id);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    entry = place.entry;

    if (entry == NULL) {
        entry = put(zone, &place, row->entry.id, row->end);
        entry->kind = row->kind;
        entry->class = row->class;
        entry->opened = row->opened;
        entry->budget = row->budget;
        entry->window_highest = row->window_highest;
        memcpy(entry->window, row->window, sizeof(entry->window));

    } else {
        sealed_shard_save(zone, place.shard, &entry->window_highest,
                          sizeof(entry->window_highest)
                          + sizeof(entry->window));
        sealed_shard_save(zone, place.shard, &entry->budget,
                          sizeof(entry->budget));
        sealed_shard_save(zone, place.shard, &entry->opened,
                          sizeof(entry->opened));
        sealed_step(NULL, 0);
        join(entry, row);
    }

    leave(zone, &place);

    return SEALED_OK;
}


sealed_verdict_t
sealed_certificate_table_spend(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t nonce,
    uint64_t *next, unsigned *has_next)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    entry = enter_valid(zone, &place, id);

    if (entry == NULL) {
        return SEALED_UNAUTHORIZED;
    }

    verdict = SEALED_OK;

    sealed_shard_save(zone, place.shard, &entry->window_highest,
                      sizeof(entry->window_highest) + sizeof(entry->window));
    sealed_step(NULL, 0);

    if (sealed_replay_window_spend(&entry->window_highest, entry->window,
                                   SEALED_CERTIFICATE_WINDOW, nonce)
        != 0)
    {
        verdict = SEALED_NONCE_USED;
        *has_next = sealed_replay_window_next(entry->window_highest,
                                              entry->window,
                                              SEALED_CERTIFICATE_WINDOW, next)
                    == 0;
    }

    sealed_shard_unlock(zone, place.shard);

    return verdict;
}


sealed_verdict_t
sealed_certificate_table_charge(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_budget_rule_t *rule, uint32_t units, uint64_t now,
    uint64_t *retry_after)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    entry = enter_valid(zone, &place, id);

    if (entry == NULL) {
        return SEALED_UNAUTHORIZED;
    }

    sealed_shard_save(zone, place.shard, &entry->budget,
                      sizeof(sealed_budget_t));
    sealed_step(NULL, 0);

    verdict = sealed_budget_take(&entry->budget, rule, units, now,
                                 retry_after)
              == 0 ? SEALED_OK : SEALED_NO_BUDGET;

    sealed_shard_unlock(zone, place.shard);

    return verdict;
}


sealed_verdict_t
sealed_certificate_table_open(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], unsigned max_opened)
{
    place_t                      place;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    entry = enter_valid(zone, &place, id);

    if (entry == NULL) {
        return SEALED_UNAUTHORIZED;
    }

    verdict = SEALED_OPENER_LIMIT;

    if (entry->opened < max_opened) {
        sealed_shard_save(zone, place.shard, &entry->opened,
                          sizeof(entry->opened));
        sealed_set(entry->opened, (uint16_t) (entry->opened + 1));
        verdict = SEALED_OK;
    }

    sealed_shard_unlock(zone, place.shard);

    return verdict;
}


void
sealed_certificate_table_unopen(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE])
{
    place_t                      place;
    sealed_certificate_entry_t  *entry;

    entry = enter_known(zone, &place, id);

    if (entry == NULL) {
        return;
    }

    /* none: it is another entry, the one that counted has ended */

    if (entry->opened) {
        sealed_shard_save(zone, place.shard, &entry->opened,
                          sizeof(entry->opened));
        sealed_set(entry->opened, (uint16_t) (entry->opened - 1));
    }

    sealed_shard_unlock(zone, place.shard);
}


void
sealed_certificate_table_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_certificate_entry_t *entry)
{
    uint32_t          reference;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    reference = sealed_zone_reference(zone, entry);

    sealed_wheel_remove(zone, shard, reference);
    sealed_table_remove(zone, shard, &shard->certificates,
                        sealed_zone_hash(zone, entry->entry.id), reference);

    sealed_shard_save(zone, shard, &w->gone, sizeof(uint32_t));
    sealed_set(w->gone, reference);
}


/* locks the shard and looks; 0 or -1, then it is not locked */

static int
enter(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    uint32_t  reference;

    place->hash = sealed_zone_hash(zone, id);
    place->shard = sealed_zone_shard(zone, place->hash);

    if (sealed_shard_lock(zone, place->shard) != 0) {
        return -1;
    }

    reference = sealed_table_find(zone, &place->shard->certificates,
                                  place->hash, id);

    place->entry = reference == SEALED_NONE
                   ? NULL : sealed_zone_certificate(zone, reference);

    return 0;
}


/* NULL, and not locked, when there is none */

static sealed_certificate_entry_t *
enter_known(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    if (enter(zone, place, id) != 0) {
        return NULL;
    }

    if (place->entry == NULL) {
        sealed_shard_unlock(zone, place->shard);
    }

    return place->entry;
}


/* likewise when it was revoked */

static sealed_certificate_entry_t *
enter_valid(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    sealed_certificate_entry_t  *entry;

    entry = enter_known(zone, place, id);

    if (entry && entry->kind != SEALED_ENTRY_CERTIFICATE) {
        sealed_shard_unlock(zone, place->shard);
        return NULL;
    }

    return entry;
}


/*
 * The same for an entry that is wanted: when there is none, an object for it
 * is in the worker's place.  Locked if SEALED_OK; leave() comes after it.
 */

static sealed_verdict_t
enter_or_take(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    if (enter(zone, place, id) != 0) {
        return SEALED_UNAVAILABLE;
    }

    if (place->entry) {
        return SEALED_OK;
    }

    sealed_shard_unlock(zone, place->shard);

    if (sealed_worker_take(zone, SEALED_POOL_CERTIFICATE, 0) != 0) {
        return SEALED_CERTIFICATES_FULL;
    }

    if (enter(zone, place, id) != 0) {
        sealed_worker_settle(zone);
        return SEALED_UNAVAILABLE;
    }

    return SEALED_OK;
}


/* unlocks, and lets the table grow by what it may have got */

static void
leave(sealed_zone_t *zone, place_t *place)
{
    int  grow;

    sealed_lock_commit(&place->shard->lock);
    grow = sealed_table_balance(zone, place->shard,
                                &place->shard->certificates);
    sealed_shard_unlock(zone, place->shard);

    if (grow
        && sealed_worker_take(zone, SEALED_POOL_INDEX, 0) == 0
        && sealed_shard_lock(zone, place->shard) == 0)
    {
        (void) sealed_table_balance(zone, place->shard,
                                    &place->shard->certificates);
        sealed_shard_unlock(zone, place->shard);
    }

    sealed_worker_settle(zone);
}


/* the object in the worker's place becomes the entry; the rest is zeros */

static sealed_certificate_entry_t *
put(sealed_zone_t *zone, place_t *place, const uint8_t *id, uint64_t end)
{
    uint32_t                     reference;
    sealed_worker_t             *w;
    sealed_certificate_entry_t  *entry;

    w = &zone->workers[zone->worker];
    reference = w->object;

    entry = sealed_zone_certificate(zone, reference);
    memcpy(entry->entry.id, id, SEALED_CERTIFICATE_ID_SIZE);
    entry->end = end;

    sealed_shard_save(zone, place->shard, &w->object, sizeof(uint32_t));
    sealed_set(w->object, SEALED_NONE);
    sealed_table_insert(zone, place->shard, &place->shard->certificates,
                        place->hash, reference);
    sealed_wheel_insert(zone, place->shard, reference,
                        SEALED_HOUR(end + 3599));

    return entry;
}


static void
set_key(sealed_zone_t *zone, place_t *place,
    const sealed_certificate_state_t *state)
{
    sealed_certificate_entry_t  *entry;

    entry = place->entry;

    sealed_shard_save(zone, place->shard, entry->key, SEALED_KEY_SIZE);
    sealed_shard_save(zone, place->shard, &entry->tag, sizeof(uint32_t));
    sealed_shard_save(zone, place->shard, &entry->kind, sizeof(uint8_t));
    sealed_step(NULL, 0);
    memcpy(entry->key, state->key, SEALED_KEY_SIZE);
    sealed_set(entry->tag, state->tag);
    sealed_set(entry->kind, SEALED_ENTRY_CERTIFICATE);
}


/* states of one row at different times: none forgets what another knows */

static void
join(sealed_certificate_entry_t *entry, const sealed_certificate_entry_t *row)
{
    unsigned  i;

    if (row->opened > entry->opened) {
        entry->opened = row->opened;
    }

    if (row->budget.time > entry->budget.time
        || (row->budget.time == entry->budget.time
            && row->budget.level < entry->budget.level))
    {
        entry->budget = row->budget;
    }

    /* values below a window count as seen, so the higher one knows more */

    if (row->window_highest > entry->window_highest) {
        entry->window_highest = row->window_highest;
        memcpy(entry->window, row->window, sizeof(entry->window));

    } else if (row->window_highest == entry->window_highest) {
        for (i = 0; i < SEALED_CERTIFICATE_WINDOW / 64; i++) {
            entry->window[i] |= row->window[i];
        }
    }
}
