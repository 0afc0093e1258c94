
#include "rate_limit.h"

#include <string.h>
#include <sodium.h>


#define ONE  1000


static uint64_t level(const sealed_rate_bucket_t *bucket,
    const sealed_rate_t *rate, uint64_t now_ms);
static uint64_t seconds_until_one(uint64_t level, const sealed_rate_t *rate);


void
sealed_rate_limit_init(sealed_rate_limit_t *limit, const uint8_t key[16])
{
    memset(limit, 0, sizeof(sealed_rate_limit_t));
    memcpy(limit->key, key, 16);
}


int
sealed_rate_limit_take(sealed_rate_limit_t *limit,
    const sealed_rate_t *per_address, const sealed_rate_t *all,
    const void *address, size_t address_size, uint64_t now_ms,
    uint64_t *retry_after)
{
    uint64_t               hash, mine, total;
    sealed_rate_bucket_t  *bucket;

    (void) crypto_shorthash((uint8_t *) &hash, address, address_size,
                            limit->key);

    now_ms++;
    bucket = &limit->slot[hash % SEALED_RATE_SLOTS];

    mine = level(bucket, per_address, now_ms);
    total = level(&limit->all, all, now_ms);

    if (mine < ONE) {
        *retry_after = seconds_until_one(mine, per_address);
        return -1;
    }

    if (total < ONE) {
        *retry_after = seconds_until_one(total, all);
        return -1;
    }

    bucket->level = mine - ONE;
    bucket->time = now_ms;
    limit->all.level = total - ONE;
    limit->all.time = now_ms;

    return 0;
}


/* a rate of n per second is n thousandths per millisecond */

static uint64_t
level(const sealed_rate_bucket_t *bucket, const sealed_rate_t *rate,
    uint64_t now_ms)
{
    uint64_t  elapsed, full, now;

    full = (uint64_t) rate->burst * ONE;

    if (bucket->time == 0) {
        return full;
    }

    elapsed = now_ms > bucket->time ? now_ms - bucket->time : 0;

    if (rate->rate && elapsed > full / rate->rate) {
        return full;
    }

    now = bucket->level + elapsed * rate->rate;

    return now < full ? now : full;
}


static uint64_t
seconds_until_one(uint64_t level, const sealed_rate_t *rate)
{
    if (rate->rate == 0) {
        return 60;
    }

    return (ONE - level) / ((uint64_t) rate->rate * 1000) + 1;
}
