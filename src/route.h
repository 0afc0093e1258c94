
/*
 * The resources of the protocol: which one a path names, which methods it
 * has, and what its query says.  Paths are compared octet for octet as
 * received, nothing is decoded.
 */

#ifndef SEALED_ROUTE_H
#define SEALED_ROUTE_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_ROUTE_NONE = 0,
    SEALED_ROUTE_MAILBOX,           /* {prefix}/mailboxes/{id} */
    SEALED_ROUTE_ENVELOPES,         /* {prefix}/mailboxes/{id}/envelopes */
    SEALED_ROUTE_TICKETS,           /* {prefix}/mailboxes/{id}/tickets */
    SEALED_ROUTE_FANOUT,            /* {prefix}/envelopes */
    SEALED_ROUTE_CERTIFICATES,      /* {prefix}/certificates */
    SEALED_ROUTE_REPORTS,           /* {prefix}/reports */
    SEALED_ROUTE_REVOCATIONS        /* {prefix}/revocations */
} sealed_resource_t;


typedef enum {
    SEALED_GET = 0,
    SEALED_PUT,
    SEALED_POST,
    SEALED_DELETE,
    SEALED_OPTIONS,
    SEALED_OTHER_METHOD
} sealed_http_method_t;


/* what a request does; each is one row of the protocol's tables */

typedef enum {
    SEALED_OP_NONE = 0,
    SEALED_OP_OPEN,                 /* PUT a mailbox, by an opener */
    SEALED_OP_STATUS,               /* GET a mailbox, by its owner */
    SEALED_OP_CLOSE,                /* DELETE a mailbox, by its owner */
    SEALED_OP_SEND,                 /* POST one envelope, by a sender */
    SEALED_OP_FANOUT,               /* POST many, by a sender */
    SEALED_OP_READ,                 /* GET envelopes, by the owner */
    SEALED_OP_FOLLOW,               /* the same on a live transport */
    SEALED_OP_TICKET,               /* POST a mailbox's tickets, by it */
    SEALED_OP_ACKNOWLEDGE,          /* DELETE envelopes, by the owner */
    SEALED_OP_ISSUE,                /* POST blinded, by an account */
    SEALED_OP_REPORT,               /* POST a report, by an operator */
    SEALED_OP_REVOKE                /* POST a revocation, by an operator */
} sealed_operation_t;


typedef struct {
    uint64_t                      after;        /* read, follow */
    unsigned                      limit;        /* read, 1 to 1,000 */
    unsigned                      wait;         /* read, seconds, 0 to 60 */
    sealed_bytes_t                ticket;       /* follow */
    uint64_t                      through;      /* acknowledge */
    unsigned                      class;        /* issue */
    uint32_t                      epoch;        /* issue */
    unsigned                      revoke;       /* report */
} sealed_query_t;


/* id is set for the three mailbox resources */
sealed_resource_t sealed_route(sealed_bytes_t path, sealed_bytes_t prefix,
    uint8_t id[SEALED_MAILBOX_ID_SIZE]);

/* SEALED_OP_NONE: the resource does not have this method */
sealed_operation_t sealed_route_operation(sealed_resource_t resource,
    sealed_http_method_t method);

/*
 * The query of an operation, data NULL when there is none.  Parameters each
 * at most once, in any order, plain decimal values (a ticket is some text);
 * anything else, and any query at all where the operation has none, is -1.
 * An acknowledgement must have "through", issuing "class" and "epoch".
 */
int sealed_query_parse(sealed_query_t *query, sealed_operation_t operation,
    sealed_bytes_t text);

/* TTL header: 1 to 10 decimal digits (leading zeros allowed); 0 or -1 */
int sealed_ttl_parse(uint64_t *ttl, sealed_bytes_t value);


#pragma GCC visibility pop


#endif /* SEALED_ROUTE_H */
