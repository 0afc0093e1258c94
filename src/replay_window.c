
#include "replay_window.h"

#include <string.h>


static int is_empty(uint64_t highest, const uint64_t *bitmap, unsigned bits);


#define WORD(n, bits)  (((n) & ((bits) - 1)) / 64)
#define BIT(n)         ((uint64_t) 1 << ((n) % 64))


int
sealed_replay_window_spend(uint64_t *highest, uint64_t *bitmap,
    unsigned bits, uint64_t nonce)
{
    uint64_t  n;

    if (is_empty(*highest, bitmap, bits)) {
        *highest = nonce;
        bitmap[WORD(nonce, bits)] = BIT(nonce);
        return 0;
    }

    if (nonce > *highest) {

        if (nonce - *highest >= bits) {
            memset(bitmap, 0, bits / 8);

        } else {
            for (n = *highest + 1; n != nonce; n++) {
                bitmap[WORD(n, bits)] &= ~BIT(n);
            }
        }

        *highest = nonce;
        bitmap[WORD(nonce, bits)] |= BIT(nonce);
        return 0;
    }

    if (*highest - nonce >= bits
        || (bitmap[WORD(nonce, bits)] & BIT(nonce)))
    {
        return -1;
    }

    bitmap[WORD(nonce, bits)] |= BIT(nonce);

    return 0;
}


int
sealed_replay_window_next(uint64_t highest, const uint64_t *bitmap,
    unsigned bits, uint64_t *next)
{
    unsigned  i;
    uint64_t  n;

    if (is_empty(highest, bitmap, bits)) {
        *next = 0;
        return 0;
    }

    if (highest != UINT64_MAX) {
        *next = highest + 1;
        return 0;
    }

    for (i = 0; i < bits; i++) {
        n = highest - i;

        if (!(bitmap[WORD(n, bits)] & BIT(n))) {
            *next = n;
            return 0;
        }
    }

    return -1;
}


/* the highest value's bit is always set in a window that is in use */

static int
is_empty(uint64_t highest, const uint64_t *bitmap, unsigned bits)
{
    return !(bitmap[WORD(highest, bits)] & BIT(highest));
}
