
/*
 * Bounded rate limiting for work that strangers can ask for: first uses of
 * certificates.  A fixed table of buckets, one per hashed address, plus one
 * for all; state never grows, whatever arrives.  Addresses that share a slot
 * share its bucket: an attacker can spend his neighbours' first uses for
 * as long as he goes on, never the memory.
 *
 * One table per worker, in the worker's own memory.  Time is in
 * milliseconds and need not start anywhere.
 */

#ifndef SEALED_RATE_LIMIT_H
#define SEALED_RATE_LIMIT_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_RATE_SLOTS = 4096
};


typedef struct {
    uint32_t                      rate;         /* per second */
    uint32_t                      burst;
} sealed_rate_t;


typedef struct {
    uint64_t                      time;         /* 0: never used, full */
    uint64_t                      level;        /* 1/1000 */
} sealed_rate_bucket_t;


typedef struct {
    uint8_t                       key[16];      /* SipHash, random */
    sealed_rate_bucket_t          all;
    sealed_rate_bucket_t          slot[SEALED_RATE_SLOTS];
} sealed_rate_limit_t;


/* key from a good source of randomness */
void sealed_rate_limit_init(sealed_rate_limit_t *limit,
    const uint8_t key[16]);

/*
 * Takes one from the address's bucket and one from all's, or nothing.
 * 0, or -1 with *retry_after in seconds, at least 1.
 */
int sealed_rate_limit_take(sealed_rate_limit_t *limit,
    const sealed_rate_t *per_address, const sealed_rate_t *all,
    const void *address, size_t address_size, uint64_t now_ms,
    uint64_t *retry_after);


#pragma GCC visibility pop


#endif /* SEALED_RATE_LIMIT_H */
