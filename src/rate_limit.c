
#include "rate_limit.h"

#include <string.h>
#include <sodium.h>


enum {
    ONE           = 1000,
    NEVER_SECONDS = 60
};


static void refill(sealed_rate_bucket_t *bucket, const sealed_rate_t *rate,
    uint64_t now_ms);
static uint64_t seconds_until_one(const sealed_rate_t *rate);


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
    uint64_t               hash;
    sealed_rate_bucket_t  *bucket;

    (void) crypto_shorthash((uint8_t *) &hash, address, address_size,
                            limit->key);

    bucket = &limit->slot[hash % SEALED_RATE_SLOTS];

    /* the time 0 means that a bucket was never used */

    refill(bucket, per_address, now_ms + 1);
    refill(&limit->all, all, now_ms + 1);

    if (bucket->level < ONE) {
        *retry_after = seconds_until_one(per_address);
        return -1;
    }

    if (limit->all.level < ONE) {
        *retry_after = seconds_until_one(all);
        return -1;
    }

    bucket->level -= ONE;
    limit->all.level -= ONE;

    return 0;
}


/* a rate of n per second is n thousandths per millisecond */

static void
refill(sealed_rate_bucket_t *bucket, const sealed_rate_t *rate,
    uint64_t now_ms)
{
    uint64_t  elapsed, full;

    full = (uint64_t) rate->burst * ONE;

    if (bucket->time == 0) {
        bucket->level = full;
        bucket->time = now_ms;
        return;
    }

    /* the time never goes back: what it covers would be refilled twice */

    if (now_ms > bucket->time) {
        elapsed = now_ms - bucket->time;
        bucket->time = now_ms;

        if (rate->rate && elapsed > full / rate->rate) {
            bucket->level = full;
            return;
        }

        bucket->level += elapsed * rate->rate;
    }

    if (bucket->level > full) {
        bucket->level = full;
    }
}


/* whatever the rate is, unless it is none, it brings one within a second */

static uint64_t
seconds_until_one(const sealed_rate_t *rate)
{
    return rate->rate && rate->burst ? 1 : NEVER_SECONDS;
}
