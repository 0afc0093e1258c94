
/*
 * Certificates in use: id -> request key, class, end, budget, replay window.
 *
 * Revocations and what accounts have drawn are in the same table, under ids
 * of their own.
 *
 * An entry lives until its certificate ends.  When the table is full of live
 * entries new ones are refused: nothing that a replay window remembers is
 * ever given up early.  Each function takes the lock of the entry's shard; the
 * process has a place in the zone (worker.h).
 */

#ifndef SEALED_CERTIFICATE_TABLE_H
#define SEALED_CERTIFICATE_TABLE_H


#include "zone.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint8_t                       key[SEALED_KEY_SIZE];
    uint64_t                      end;
    uint32_t                      tag;
    unsigned                      class;
    unsigned                      revoked;      /* set by find only */
} sealed_certificate_state_t;


/*
 * 0, or -1 when it is not in the table or has ended.  Of one that was
 * revoked before it was seen the key is zeros.
 */
int sealed_certificate_table_find(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t now,
    sealed_certificate_state_t *state);

/*
 * SEALED_OK, SEALED_CERTIFICATES_FULL, SEALED_UNAVAILABLE.  An entry that is
 * there already gets this key and key line and keeps everything else.
 * SEALED_UNAUTHORIZED when it was revoked.
 */
sealed_verdict_t sealed_certificate_table_insert(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_certificate_state_t *state,
    const sealed_budget_rule_t *rule, uint64_t now);

/*
 * SEALED_OK, SEALED_NONCE_USED with *next (and *has_next), or
 * SEALED_UNAUTHORIZED when the entry is gone
 */
sealed_verdict_t sealed_certificate_table_spend(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t nonce,
    uint64_t *next, unsigned *has_next);

/* SEALED_OK, SEALED_NO_BUDGET with *retry_after, SEALED_UNAUTHORIZED */
sealed_verdict_t sealed_certificate_table_charge(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE],
    const sealed_budget_rule_t *rule, uint32_t units, uint64_t now,
    uint64_t *retry_after);

/*
 * Counts a mailbox that this certificate opens, and takes that back.
 * SEALED_OK, SEALED_OPENER_LIMIT, SEALED_UNAUTHORIZED.
 */
sealed_verdict_t sealed_certificate_table_open(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], unsigned max_opened);
void sealed_certificate_table_unopen(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE]);

/*
 * Whatever is asked of the certificate from now on is SEALED_UNAUTHORIZED.
 * An id that is not in the table is kept there until `until`.  SEALED_OK,
 * SEALED_CERTIFICATES_FULL, SEALED_UNAVAILABLE.
 */
sealed_verdict_t sealed_certificate_table_revoke(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint64_t until,
    uint64_t now);

/*
 * For quota.h: takes n of limit (at most 65,535) from a count under an id of
 * its own, which begins at 0 and is kept until `end`.  SEALED_OK with what
 * has been taken in all, SEALED_NO_QUOTA, SEALED_CERTIFICATES_FULL,
 * SEALED_UNAVAILABLE.
 */
sealed_verdict_t sealed_certificate_table_count(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint32_t n, uint32_t limit,
    uint64_t end, uint32_t *taken);

/* n that were taken and nothing was given for; no more than there are */
void sealed_certificate_table_uncount(sealed_zone_t *zone,
    const uint8_t id[SEALED_CERTIFICATE_ID_SIZE], uint32_t n);

/*
 * What a journal remembers of a row that is SEALED_ENTRY_REMEMBERED or
 * SEALED_ENTRY_QUOTA: id, end, class, opened, budget and window of *row.  A
 * row that is there already keeps the stricter of both, so that the order
 * does not matter.  A certificate that comes back gets its key by
 * sealed_certificate_table_insert().  SEALED_OK, SEALED_CERTIFICATES_FULL,
 * SEALED_UNAVAILABLE.
 */
sealed_verdict_t sealed_certificate_table_remember(sealed_zone_t *zone,
    const sealed_certificate_entry_t *row);

/* out of table and wheel, into the worker's place; the shard is locked */
void sealed_certificate_table_remove(sealed_zone_t *zone,
    sealed_shard_t *shard, sealed_certificate_entry_t *entry);


#pragma GCC visibility pop


#endif /* SEALED_CERTIFICATE_TABLE_H */
