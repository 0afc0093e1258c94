
/*
 * What "sealed read" does with an item: it is opened, its sender's name is
 * verified, what came before is dropped, and the rest goes into the inbox
 * and is shown.
 *
 * The owner of a sealed_reading_t fills in the upper part, and keeps
 * identity, authorities and plaintext, which has room for the gateway's
 * largest envelope.
 */

#ifndef SEALED_CLI_READING_H
#define SEALED_CLI_READING_H


#include "inbox.h"
#include "key_file.h"
#include "mailbox.h"

#include "../item.h"


#pragma GCC visibility push(hidden)


typedef struct {
    sealed_owner_t                owner;
    sealed_identity_key_t         identity;
    uint8_t                     (*authorities)[32];
    unsigned                      nauthorities;
    const char                   *evidence;     /* directory, or NULL */
    sealed_seen_t                 seen;
    sealed_inbox_t                inbox;
    uint8_t                      *plaintext;

    uint64_t                      cursor;
    uint64_t                      handled;      /* envelopes */
    uint64_t                      pieces;       /* of unfinished ones */
    uint64_t                      shown;        /* messages, bad ones too */
    uint64_t                      verified;
    uint64_t                      page_verified;
    unsigned                      enough;       /* --count reached */
} sealed_reading_t;


/*
 * SEALED_EXIT_OK also for an item that is refused, which is shown; another
 * status, with its message, when something failed on this side.  Counts
 * pieces, shown, verified and page_verified.
 */
int sealed_reading_item(sealed_reading_t *r, const sealed_item_t *item);


#pragma GCC visibility pop


#endif /* SEALED_CLI_READING_H */
