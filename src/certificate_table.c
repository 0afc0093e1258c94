
#include "certificate_table.h"
#include "replay_window.h"

#include <string.h>
#include <sodium.h>


int
sealed_certificate_table_find(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t now,
    sealed_certificate_state_t *state)
{
    int                          rc;
    uint32_t                     reference;
    sealed_certificate_entry_t  *entry;

    if (sealed_zone_lock(zone) != 0) {
        return -1;
    }

    rc = -1;
    reference = sealed_certificate_table_lookup(zone, id);

    if (reference != SEALED_NONE) {
        entry = sealed_zone_certificate(zone, reference);

        if (now < entry->end) {
            memcpy(state->key, entry->key, SEALED_KEY_SIZE);
            state->end = entry->end;
            state->tag = entry->tag;
            state->class = entry->class;
            rc = 0;
        }
    }

    sealed_zone_unlock(zone);

    return rc;
}


sealed_verdict_t
sealed_certificate_table_insert(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_certificate_state_t *state,
    const sealed_budget_rule_t *rule, uint64_t now)
{
    uint32_t                     reference, *bucket;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_OK;

    reference = sealed_certificate_table_lookup(zone, id);

    if (reference != SEALED_NONE) {

        /* known under a key line that left: window and budget go on */

        entry = sealed_zone_certificate(zone, reference);
        memcpy(entry->key, state->key, SEALED_KEY_SIZE);
        entry->tag = state->tag;
        goto done;
    }

    reference = sealed_arena_take(&zone->arena, SEALED_POOL_CERTIFICATE);

    if (reference == SEALED_NONE) {
        verdict = SEALED_CERTIFICATES_FULL;
        goto done;
    }

    bucket = sealed_zone_certificate_bucket(zone, id);

    entry = sealed_zone_certificate(zone, reference);
    memset(entry, 0, sizeof(sealed_certificate_entry_t));
    memcpy(entry->id, id, SEALED_CERTIFICATE_ID_SIZE);
    memcpy(entry->key, state->key, SEALED_KEY_SIZE);
    entry->end = state->end;
    entry->tag = state->tag;
    entry->class = (uint8_t) state->class;
    entry->hash_next = *bucket;
    sealed_budget_init(&entry->budget, rule, now);

    sealed_publish();
    *bucket = reference;

done:

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_certificate_table_spend(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t nonce,
    uint64_t *next, unsigned *has_next)
{
    uint32_t                     reference;
    sealed_verdict_t             verdict;
    sealed_certificate_entry_t  *entry;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_UNAUTHORIZED;
    reference = sealed_certificate_table_lookup(zone, id);

    if (reference != SEALED_NONE) {
        entry = sealed_zone_certificate(zone, reference);
        verdict = SEALED_OK;

        if (sealed_replay_window_spend(&entry->window_highest, entry->window,
                                       SEALED_CERTIFICATE_WINDOW, nonce)
            != 0)
        {
            verdict = SEALED_NONCE_USED;
            *has_next = sealed_replay_window_next(entry->window_highest,
                                                  entry->window,
                                                  SEALED_CERTIFICATE_WINDOW,
                                                  next)
                        == 0;
        }
    }

    sealed_zone_unlock(zone);

    return verdict;
}


sealed_verdict_t
sealed_certificate_table_charge(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_budget_rule_t *rule, uint32_t units, uint64_t now,
    uint64_t *retry_after)
{
    uint32_t          reference;
    sealed_verdict_t  verdict;

    if (sealed_zone_lock(zone) != 0) {
        return SEALED_UNAVAILABLE;
    }

    verdict = SEALED_UNAUTHORIZED;
    reference = sealed_certificate_table_lookup(zone, id);

    if (reference != SEALED_NONE) {
        verdict = sealed_budget_take(
                      &sealed_zone_certificate(zone, reference)->budget,
                      rule, units, now, retry_after)
                  == 0 ? SEALED_OK : SEALED_NO_BUDGET;
    }

    sealed_zone_unlock(zone);

    return verdict;
}


uint32_t
sealed_certificate_table_lookup(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE])
{
    uint32_t                     reference;
    sealed_certificate_entry_t  *entry;

    reference = *sealed_zone_certificate_bucket(zone, id);

    while (reference != SEALED_NONE) {
        entry = sealed_zone_certificate(zone, reference);

        if (memcmp(entry->id, id, SEALED_CERTIFICATE_ID_SIZE) == 0) {
            break;
        }

        reference = entry->hash_next;
    }

    return reference;
}


void
sealed_certificate_table_remove(sealed_zone_t *zone, uint32_t reference)
{
    uint32_t                    *link;
    sealed_certificate_entry_t  *entry;

    entry = sealed_zone_certificate(zone, reference);
    link = sealed_zone_certificate_bucket(zone, entry->id);

    while (*link != reference) {
        link = &sealed_zone_certificate(zone, *link)->hash_next;
    }

    *link = entry->hash_next;
    sealed_publish();

    sodium_memzero(entry, sizeof(sealed_certificate_entry_t));
    sealed_arena_give(&zone->arena, reference);
}
