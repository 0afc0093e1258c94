
/*
 * How many blind certificates an account has drawn for a class and epoch.
 *
 * All that is kept is a number beside a keyed hash: without the master
 * secret nobody can tell from the memory whether a name is in it.  Nothing
 * ties the number to what was issued.  It goes when its epoch ends, and
 * begins anew when the zone key does, with a new master secret.
 */

#ifndef SEALED_QUOTA_H
#define SEALED_QUOTA_H


#include "zone.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_QUOTA_ID_SIZE = 16
};


/*
 * First octets of HMAC-SHA-256(zone key, "sealed-sender quota v1" || class u8
 * || epoch u32 || account), so that no two rows of an account look alike.
 */
void sealed_quota_id(uint8_t out[SEALED_QUOTA_ID_SIZE],
    const uint8_t zone_key[32], sealed_bytes_t account, unsigned class,
    uint32_t epoch);

/*
 * Takes n of limit (at most 65,535), or nothing.  SEALED_OK with what has
 * been taken in all, SEALED_NO_QUOTA, SEALED_CERTIFICATES_FULL (no room for
 * another account), SEALED_UNAVAILABLE.
 */
sealed_verdict_t sealed_quota_take(sealed_zone_t *zone,
    const uint8_t id[SEALED_QUOTA_ID_SIZE], uint32_t n, uint32_t limit,
    uint64_t end, uint32_t *taken);

/*
 * Gives back n that were taken, for which nobody got anything and which were
 * told to no journal.
 */
void sealed_quota_return(sealed_zone_t *zone,
    const uint8_t id[SEALED_QUOTA_ID_SIZE], uint32_t n);


#pragma GCC visibility pop


#endif /* SEALED_QUOTA_H */
