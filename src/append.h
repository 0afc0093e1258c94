
/*
 * Delivery: one body to many mailboxes, each whole or not at all.
 *
 * Appending is bound by memory latency, so it goes in passes.  All ids are
 * hashed and put in the order of their shards; for a batch of one shard the
 * buckets are on their way before the lock is taken, then the mailboxes,
 * then the last records, and only then are the new ones linked.  No lock is
 * held for longer than a batch.
 *
 * The body and a record for each recipient are taken before the first is
 * linked: there is room for all or nothing happens.  What is accepted is in
 * its mailbox when the function returns.
 */

#ifndef SEALED_APPEND_H
#define SEALED_APPEND_H


#include "fanout.h"
#include "item.h"
#include "zone.h"


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_ACCEPTED = 0,
    SEALED_REFUSED_UNKNOWN,
    SEALED_REFUSED_FULL
} sealed_recipient_result_t;


typedef struct {
    const sealed_fanout_t        *fanout;       /* no id twice */
    sealed_bytes_t                stamp;        /* data NULL: none */
    uint64_t                      expiry_hour;
    void                         *scratch;      /* aligned to 8 */
    unsigned                      hashed;       /* scratch begins with the
                                                   sealed_zone_hash() of each
                                                   id, and keeps them */
    uint8_t                      *results;      /* of each recipient */

    uint32_t                      accepted;     /* out */
    uint64_t                      wake;         /* out, see wake.h */
} sealed_append_t;


/* octets of scratch for so many recipients */
size_t sealed_append_scratch(uint32_t count);

/*
 * SEALED_OK with results, or SEALED_ZONE_FULL or SEALED_UNAVAILABLE with
 * nothing changed.
 */
sealed_verdict_t sealed_append(sealed_zone_t *zone, sealed_append_t *append,
    uint64_t now);

/*
 * The same, for a journal: of each recipient that accepted also the number
 * that it gave, and which life of its mailbox that was.
 */
sealed_verdict_t sealed_append_noted(sealed_zone_t *zone,
    sealed_append_t *append, uint64_t *seqs, uint32_t *lives, uint64_t now);

/*
 * For envelopes that are not stored (online.h): decides as sealed_append()
 * does and takes what that would take, but nothing stays.  And wakes those
 * who wait for mailboxes that accepted; append->accepted is 0 then.
 */
sealed_verdict_t sealed_append_judge(sealed_zone_t *zone,
    sealed_append_t *append, uint64_t now);
void sealed_append_notify(sealed_zone_t *zone, sealed_append_t *append,
    uint64_t now);

/*
 * Asks for the memory that an append to this mailbox will need, while the
 * caller has other things to do: its bucket, and once that is there (nearer
 * 1) the mailbox.  Takes no lock, changes nothing.
 */
void sealed_append_prefetch(const sealed_zone_t *zone, const uint8_t *id,
    int nearer);


#pragma GCC visibility pop


#endif /* SEALED_APPEND_H */
