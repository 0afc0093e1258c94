
/*
 * Which envelopes of a mailbox have been read: an envelope that comes again
 * under another number, or after it was acknowledged, was sent twice or is
 * replayed and is dropped; one that is merely not acknowledged yet is shown
 * again.  Files that are complete are remembered too, so that they are not
 * stored twice.
 *
 * A line a record: "E" or "F", 32 octets as base64url (an envelope's E, or
 * what identifies a file), sequence number, time until which it is kept; and
 * "A", the number up to which the mailbox was acknowledged.
 */

#ifndef SEALED_CLI_SEEN_H
#define SEALED_CLI_SEEN_H


#include "state.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint8_t                       key[32];
    char                          kind;         /* 'E', 'F', 0: free */
    uint64_t                      seq;
    uint64_t                      until;
} sealed_seen_entry_t;


typedef struct {
    char                          path[SEALED_STATE_PATH];
    char                          lock[SEALED_STATE_PATH + 8];
    sealed_seen_entry_t          *table;
    size_t                        slots;        /* a power of two */
    size_t                        count;
    uint64_t                      through;
    uint8_t                       hash_key[16];
} sealed_seen_t;


typedef enum {
    SEALED_SEEN_NEW = 0,
    SEALED_SEEN_UNACKNOWLEDGED,
    SEALED_SEEN_REPEATED
} sealed_seen_state_t;


/* an exit code; sealed_seen_close() in any case */
int sealed_seen_open(sealed_seen_t *seen, const char *mailbox_id,
    uint64_t now);
void sealed_seen_close(sealed_seen_t *seen);

/* an envelope by its ephemeral key; whether a file is there, by its id */
sealed_seen_state_t sealed_seen_envelope(const sealed_seen_t *seen,
    const uint8_t e[32], uint64_t seq);
int sealed_seen_file(const sealed_seen_t *seen, const uint8_t id[32]);

/* exit codes */
int sealed_seen_add_envelope(sealed_seen_t *seen, const uint8_t e[32],
    uint64_t seq, uint64_t until);
int sealed_seen_add_file(sealed_seen_t *seen, const uint8_t id[32],
    uint64_t until);
int sealed_seen_acknowledged(sealed_seen_t *seen, uint64_t through);


#pragma GCC visibility pop


#endif /* SEALED_CLI_SEEN_H */
