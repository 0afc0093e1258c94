
/*
 * A mailbox read live: one connection that stays open and brings each
 * envelope as it comes, as an event stream or as a WebSocket.
 */

#ifndef SEALED_CLI_LIVE_H
#define SEALED_CLI_LIVE_H


#include "mailbox.h"
#include "../item.h"


#pragma GCC visibility push(hidden)


typedef struct {
    sealed_owner_t               *owner;
    uint64_t                      after;        /* begin behind it */
    size_t                        item_max;     /* octets */

    /*
     * Takes an item; an exit code.  *acknowledge is set to the number up to
     * which everything may go, or left; *enough ends it.
     */
    int                         (*take)(void *user, const sealed_item_t *item,
                                        uint64_t *acknowledge,
                                        unsigned *enough);
    void                         *user;

    uint64_t                      retry;        /* out: come back in so many
                                                   milliseconds */
    uint64_t                      taken;        /* out: items */
    unsigned                      enough;       /* out */
} sealed_live_t;


/*
 * Until the gateway ends it, the connection breaks or somebody has enough.
 * SEALED_EXIT_OK: come back, unless enough is set; SEALED_EXIT_NETWORK: it
 * could not be reached or broke, which has been said; else a failure.
 */
int sealed_live_events(sealed_live_t *live);

/* the same, and acknowledges on the connection itself */
int sealed_live_websocket(sealed_live_t *live);


#pragma GCC visibility pop


#endif /* SEALED_CLI_LIVE_H */
