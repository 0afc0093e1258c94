
/*
 * Many requests over a few connections, each sent once: plain HTTP/1.1, one
 * request at a time on a connection.
 */

#ifndef SEALED_CLI_REPLAY_H
#define SEALED_CLI_REPLAY_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_REPLAY_CONNECTIONS_MAX = 128,    /* nonces in flight */
    SEALED_REPLAY_STATUSES        = 600
};


typedef struct {
    const char                   *url;          /* http://host[:port] */
    unsigned                      connections;
    const char                   *label;        /* of the progress bar */
    uint64_t                      total;

    /*
     * The next request, which stays where it is until the one after it on
     * this connection is asked for; 1, or 0 when there is none left.
     */
    int                         (*next)(void *data, unsigned connection,
                                        sealed_bytes_t *head,
                                        sealed_bytes_t *body);
    void                         *data;

    /* what came of it */
    uint64_t                      answers;
    uint64_t                      status[SEALED_REPLAY_STATUSES];
    double                        seconds;
} sealed_replay_t;


/* an exit code; SEALED_EXIT_OK whatever the answers say */
int sealed_replay(sealed_replay_t *replay);

/* the result for people or programs; SEALED_EXIT_REFUSED unless all 2xx */
int sealed_replay_report(const sealed_replay_t *replay);


#pragma GCC visibility pop


#endif /* SEALED_CLI_REPLAY_H */
