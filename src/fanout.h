
/*
 * The body of a fan-out, application/vnd.sealed-sender.fanout+cbor: a CBOR
 * array of exactly three byte strings, [recipients, headers, body].
 * recipients are n mailbox ids of 16 octets back to back; headers are empty
 * or n equal slices; the body is shared.  Envelope i is (slice i, body).
 */

#ifndef SEALED_FANOUT_H
#define SEALED_FANOUT_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef struct {
    const uint8_t                *recipients;
    uint32_t                      count;
    const uint8_t                *headers;
    uint32_t                      slice_size;   /* 0: empty headers */
    sealed_bytes_t                body;
} sealed_fanout_t;


typedef struct {
    uint32_t                      max_recipients;
    uint32_t                      envelope_sizes[SEALED_MAX_ENVELOPE_SIZES];
    unsigned                      nsizes;       /* 1 or more, ascending */
} sealed_fanout_limits_t;


/*
 * The layout, from the three heads alone.  SEALED_OK, SEALED_BAD_LAYOUT,
 * SEALED_TOO_MANY_RECIPIENTS, SEALED_SLICE_TOO_LARGE, SEALED_ENVELOPE_SIZE.
 */
sealed_verdict_t sealed_fanout_parse(sealed_fanout_t *fanout,
    sealed_bytes_t data, const sealed_fanout_limits_t *limits);

/*
 * Duplicates in expected O(n): the caller lends `slots` 32-bit words, a
 * power of two of at least twice the recipients, contents irrelevant, and
 * a SipHash key that clients do not know; hash takes the SipHash of each
 * recipient's id.  0, or -1 when an id is repeated, hash is then undefined.
 */
int sealed_fanout_duplicates(const sealed_fanout_t *fanout, uint64_t *hash,
    uint32_t *table, uint32_t slots, const uint8_t key[16]);

/* whether an envelope's body may have this size */
int sealed_envelope_size_allowed(const sealed_fanout_limits_t *limits,
    size_t size);

/* the longest well-formed fan-out under these limits */
size_t sealed_fanout_max_size(const sealed_fanout_limits_t *limits);

/*
 * For clients: writes the whole body when out is not NULL and returns its
 * size.
 */
size_t sealed_fanout_encode(uint8_t *out, const sealed_fanout_t *fanout);


#pragma GCC visibility pop


#endif /* SEALED_FANOUT_H */
