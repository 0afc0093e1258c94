
/*
 * Readers by the thousand in one process, each on a connection of its own:
 * an epoll descriptor, and a state for each of them.
 */

#ifndef SEALED_BENCH_CROWD_H
#define SEALED_BENCH_CROWD_H


#include "client.h"


enum { BODY = 1024 };                   /* octets of what is sent */


typedef enum {
    EVENT_STREAM = 0,
    WEBSOCKET,
    NCHAN
} transport_t;


typedef struct {
    uint8_t                       id[16];
    char                          text[23];
    actor_t                       owner;
} box_t;


typedef enum {
    IDLE = 0,                       /* not connected; again at a time */
    CONNECTING,
    ASKED,
    OPEN
} state_t;


typedef struct {
    int                           fd;
    state_t                       state;
    unsigned                      box;
    long                          worker;       /* pid, from X-Worker */
    double                        again;
    uint64_t                      last;         /* number seen */
    unsigned                      resumed;      /* nothing came since */
    char                          line[64];     /* what is being read */
    unsigned                      used;
    uint64_t                      skip;         /* of a frame's payload */
} reader_t;


typedef struct {
    int                           port;
    int                           epoll_fd;
    transport_t                   transport;
    unsigned                      address;      /* of the first, 127.0.0.1+ */
    uint8_t                       exchange[32];
    actor_t                       opener;
    actor_t                       sender;
    client_t                      client;       /* for both */
    char                          body[BODY];

    box_t                        *box;
    unsigned                      boxes;
    reader_t                     *reader;
    unsigned                      count;        /* of readers */
    unsigned                      first;        /* to be looked at next */

    unsigned                      opened;       /* readers, now */
    uint64_t                      events;
    uint64_t                      resumes;
    uint64_t                      retries;      /* told to come back */
    uint64_t                      refused;
    uint64_t                      duplicates;   /* right after a resume */
    uint64_t                      wrong;        /* out of order, or missing */
} crowd_t;


/* makes the mailboxes, and on a gateway opens them */
void crowd_open(crowd_t *crowd);

/* until all readers are connected; ends the process after two minutes */
void crowd_connect(crowd_t *crowd);

/* begins again with those whose time has come; how many are on their way */
unsigned crowd_reconnect(crowd_t *crowd);

/* whatever happens within so many milliseconds */
void crowd_turn(crowd_t *crowd, int wait);


#endif /* SEALED_BENCH_CROWD_H */
