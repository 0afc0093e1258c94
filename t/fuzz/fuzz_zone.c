
/*
 * A zone in whose memory some words are others: it is not attached to, or
 * what does not hold is told.  Nothing outside of it is looked at.
 *
 * Aims at: zone_check.c
 */

#include "zones.h"


enum {
    CHANGES  = 64,

    /* of a change's first octet */

    COPY     = 1,                       /* of another word */
    BEHIND   = 2                        /* the word after it */
};


typedef struct {
    uint32_t  at;
    uint32_t  was;
} change_t;


static void look(void);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t   i, n, at, value;
    change_t   change[CHANGES];

    prepare_zone();

    /* by seven octets: how, which place, and what is turned there or copied */

    for (n = 0; n < CHANGES && size >= 7; n++, data += 7, size -= 7) {
        at = used[((uint32_t) data[1] << 8 | data[2]) % nused];
        at = (at + (data[0] & BEHIND) / BEHIND) % WORDS;
        memcpy(&value, data + 3, 4);

        if (data[0] & COPY) {
            value = memory[used[value % nused]] ^ memory[at];
        }

        change[n].at = at;
        change[n].was = memory[at];
        memory[at] ^= value;
    }

    /* nothing is written */

    CHECK(mprotect(memory, SEALED_ZONE_MIN_SIZE, PROT_READ) == 0);
    look();
    CHECK(mprotect(memory, SEALED_ZONE_MIN_SIZE, PROT_READ|PROT_WRITE) == 0);

    for (i = n; i; i--) {
        memory[change[i - 1].at] = change[i - 1].was;
    }

    return 0;
}


static void
look(void)
{
    sealed_zone_t  attached;

    if (sealed_zone_attach(&attached, memory, SEALED_ZONE_MIN_SIZE) == NULL) {
        (void) check_zone(&attached);
    }
}
