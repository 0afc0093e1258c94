
/*
 * Issuing blind certificates: the bodies of POST {prefix}/certificates and
 * what both sides do with them (certificate.h tells what a blind certificate
 * is, poprf.h how it comes about).
 *
 *   request   u16 n || n blinded elements of 32 octets
 *   answer    u16 n || n evaluated elements || 0x02 || proof[64]
 *
 * as the npm package @cloudflare/voprf-ts serialises them.  One proof shows
 * that the whole batch was evaluated with the issuer's key, for this class
 * and epoch.
 */

#ifndef SEALED_ISSUANCE_H
#define SEALED_ISSUANCE_H


#include "certificate.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_MAX_BATCH = 64           /* that max_batch can be set to */
};


#define SEALED_ISSUANCE_REQUEST_SIZE(n)  (2 + 32 * (size_t) (n))
#define SEALED_ISSUANCE_ANSWER_SIZE(n)                                        \
    (2 + 32 * (size_t) (n) + 1 + SEALED_POPRF_PROOF)


#define SEALED_ISSUANCE_TYPE  "application/vnd.sealed-sender.blind"


/*
 * Layout and every element, about 5 us each: afterwards nothing in the
 * request can make sealed_issuance_answer() fail.  *count is 1 to max.
 * 0 or -1.
 */
int sealed_issuance_check(unsigned *count, sealed_bytes_t request,
    unsigned max);

/*
 * Evaluates a checked request; nonce is a fresh uniform scalar.  out has
 * SEALED_ISSUANCE_ANSWER_SIZE(count) octets.  About 100 us each and 250 us
 * for the proof.  0, or -1: the key is not usable for this class and epoch.
 */
int sealed_issuance_answer(uint8_t *out, sealed_bytes_t request,
    const uint8_t issuer_private[32], unsigned class, uint32_t epoch,
    const uint8_t nonce[32]);


/* the client */

/* what is drawn for one certificate; secret until it has a request key */

typedef struct {
    uint8_t                       serial_private[32];
    uint8_t                       serial[32];
    uint8_t                       blind[32];
    uint8_t                       poprf[SEALED_POPRF_OUTPUT];
} sealed_blind_draw_t;


/* fresh serials and blinds; out has SEALED_ISSUANCE_REQUEST_SIZE(count) */
int sealed_issuance_draw(sealed_blind_draw_t *draws, uint8_t *out,
    unsigned count);

/*
 * Takes the answer to a request: refuses what the pinned key did not make
 * for this class and epoch, and sets poprf of each.  0 or -1.
 */
int sealed_issuance_accept(sealed_blind_draw_t *draws, unsigned count,
    sealed_bytes_t request, sealed_bytes_t answer,
    const uint8_t issuer_public[32], unsigned class, uint32_t epoch);


#pragma GCC visibility pop


#endif /* SEALED_ISSUANCE_H */
