
/*
 * Sliding window over nonces, as in IPsec (RFC 4303, section 3.4.3) and
 * WireGuard: constant memory per certificate or mailbox, whatever arrives.
 *
 * A window is a highest value seen and a bitmap of the last `bits` values
 * (64 or 256; a power of two), bit (n mod bits) for value n.  All zero is
 * the empty window: the first accepted nonce places it.
 */

#ifndef SEALED_REPLAY_WINDOW_H
#define SEALED_REPLAY_WINDOW_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/*
 * Spends the nonce: 0, or -1 when it was seen or lies below the window.
 * Nothing changes on -1.  *highest and bitmap are the caller's storage.
 */
int sealed_replay_window_spend(uint64_t *highest, uint64_t *bitmap,
    unsigned bits, uint64_t nonce);

/*
 * A nonce that will be accepted: highest + 1, at 2^64 - 1 the highest unused
 * one in the window; -1 when there is none.
 */
int sealed_replay_window_next(uint64_t highest, const uint64_t *bitmap,
    unsigned bits, uint64_t *next);


#pragma GCC visibility pop


#endif /* SEALED_REPLAY_WINDOW_H */
