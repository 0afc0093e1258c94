
/*
 * A client of the gateway for benches: who acts, signed requests, and calls
 * that wait for their answer.  What cannot go on ends the process and says
 * why.
 */

#ifndef SEALED_BENCH_CLIENT_H
#define SEALED_BENCH_CLIENT_H


#include "../../src/request_signature.h"

#include <stddef.h>
#include <stdint.h>


enum { HEAD_MAX = 2048 };               /* octets of a request's head */


typedef struct {
    char                          certificate[200];     /* or "" */
    uint8_t                       key[32];
    uint8_t                       id[16];
    uint64_t                      nonce;                /* the next */
} actor_t;


/* one connection for one call after the other */

typedef struct {
    int                           port;
    int                           fd;           /* -1: not connected */
} client_t;


/* seconds, for differences */
double client_now(void);

/* says what, and the errno there is */
void client_fail(const char *what);

/* so many octets from as many pairs of digits */
void client_unhex(uint8_t *out, size_t size, const char *text);

/* from "certificate,key,id": the first as in its header, the others in hex */
void client_actor(actor_t *actor, char *text);

/* from 127.0.0.1 and from_address behind it; -1 when it cannot be tried */
int client_connect(int port, unsigned from_address, int flags);

/*
 * The headers of a signed request behind its request line, up to the empty
 * line, which is the caller's; how many octets.  query and mailbox_key may
 * be NULL.
 */
int client_sign(char *out, size_t size, actor_t *actor, const char *method,
    const char *path, const char *query, const void *data, size_t length,
    const char *mailbox_key);

/*
 * The status of the answer, which is in out with a zero behind it; -1: the
 * connection broke, and is made anew by the next call.  type may be NULL.
 */
int client_call(client_t *client, actor_t *actor, const char *method,
    const char *path, const char *type, const void *data, size_t length,
    const char *mailbox_key, char *out, size_t size);


#endif /* SEALED_BENCH_CLIENT_H */
