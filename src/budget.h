
/*
 * Budgets: a token bucket per certificate.  A class allows `units` an epoch,
 * refilled evenly, and holds at most `burst` at once; a new bucket is full.
 *
 * The level is kept in 2^-32 units so that slow refills lose nothing worth
 * mentioning (units <= 2^31 - 1).
 */

#ifndef SEALED_BUDGET_H
#define SEALED_BUDGET_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint64_t                      level;        /* 2^-32 units */
    uint64_t                      time;         /* of the level, seconds */
} sealed_budget_t;


typedef struct {
    uint32_t                      units;        /* an epoch */
    uint32_t                      burst;        /* at most at once */
    uint32_t                      epoch_seconds;
} sealed_budget_rule_t;


void sealed_budget_init(sealed_budget_t *budget,
    const sealed_budget_rule_t *rule, uint64_t now);

/*
 * Takes n units or none: 0, or -1 with *retry_after set to the seconds until
 * enough are back (at least 1; epoch_seconds when n exceeds the burst and
 * they never will be).  A clock that goes back refills nothing.
 */
int sealed_budget_take(sealed_budget_t *budget,
    const sealed_budget_rule_t *rule, uint32_t n, uint64_t now,
    uint64_t *retry_after);


#pragma GCC visibility pop


#endif /* SEALED_BUDGET_H */
