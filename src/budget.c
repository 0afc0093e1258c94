
#include "budget.h"


#define UNIT  ((uint64_t) 1 << 32)


static uint64_t refilled(const sealed_budget_t *budget,
    const sealed_budget_rule_t *rule, uint64_t now);


void
sealed_budget_init(sealed_budget_t *budget, const sealed_budget_rule_t *rule,
    uint64_t now)
{
    budget->level = rule->burst * UNIT;
    budget->time = now;
}


int
sealed_budget_take(sealed_budget_t *budget, const sealed_budget_rule_t *rule,
    uint32_t n, uint64_t now, uint64_t *retry_after)
{
    uint64_t  level, missing, speed;

    level = refilled(budget, rule, now);

    if (n * UNIT <= level) {
        budget->level = level - n * UNIT;

        if (now > budget->time) {
            budget->time = now;
        }

        return 0;
    }

    if (n > rule->burst || rule->units == 0) {
        *retry_after = rule->epoch_seconds;
        return -1;
    }

    missing = n * UNIT - level;
    speed = rule->units * UNIT / rule->epoch_seconds;
    *retry_after = (missing - 1) / speed + 1;

    /* nothing comes back before the clock is where it was */

    if (now < budget->time) {
        *retry_after += budget->time - now;
    }

    return -1;
}


static uint64_t
refilled(const sealed_budget_t *budget, const sealed_budget_rule_t *rule,
    uint64_t now)
{
    uint64_t  elapsed, full, level, speed;

    full = rule->burst * UNIT;
    level = budget->level < full ? budget->level : full;

    if (now <= budget->time) {
        return level;
    }

    elapsed = now - budget->time;
    speed = rule->units * UNIT / rule->epoch_seconds;

    if (speed && elapsed > (full - level) / speed) {
        return full;
    }

    return level + elapsed * speed;
}
