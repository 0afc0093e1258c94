
/*
 * Puts received pieces together.  Files go into a directory under a harmless
 * name and never replace one that is there; while pieces are missing, what
 * has come is kept beside them in ".sealed-....part".  Everything is compared
 * with the digest that its sender gave.
 */

#ifndef SEALED_CLI_INBOX_H
#define SEALED_CLI_INBOX_H


#include "message.h"
#include "seen.h"

#include <limits.h>


#pragma GCC visibility push(hidden)


typedef struct {
    const char                   *directory;
    uint64_t                      max_size;     /* of one file */
    const uint8_t                *mailbox_id;
    sealed_seen_t                *seen;
    uint64_t                      until;        /* how long to remember */
} sealed_inbox_t;


typedef enum {
    SEALED_INBOX_TEXT = 0,          /* text and size are set */
    SEALED_INBOX_FILE,              /* path */
    SEALED_INBOX_PIECE,             /* more to come */
    SEALED_INBOX_PASSED_OVER,       /* the last piece will say why */
    SEALED_INBOX_STORED_BEFORE,
    SEALED_INBOX_GAP,               /* an earlier piece is missing */
    SEALED_INBOX_TOO_LARGE,
    SEALED_INBOX_DAMAGED            /* not what the digest says */
} sealed_inbox_state_t;


typedef struct {
    sealed_inbox_state_t          state;
    char                          path[PATH_MAX];
    uint8_t                      *text;         /* to be given to free() */
    size_t                        size;
} sealed_inbox_result_t;


/* an exit code: only this machine can fail, the message's faults are states */
int sealed_inbox_add(sealed_inbox_result_t *result, sealed_inbox_t *inbox,
    const sealed_message_t *message, const uint8_t sender_key[32]);


#pragma GCC visibility pop


#endif /* SEALED_CLI_INBOX_H */
