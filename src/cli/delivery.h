
/*
 * A delivery: one text or file to many recipients.  It is cut into pieces
 * that fit the gateway's envelopes; each piece is sealed once, and goes out
 * in fan-outs of at most max_recipients with a header for each recipient.
 * Who was refused gets no further pieces.
 */

#ifndef SEALED_CLI_DELIVERY_H
#define SEALED_CLI_DELIVERY_H


#include "address.h"
#include "call.h"
#include "key_file.h"
#include "message.h"
#include "payload.h"


#pragma GCC visibility push(hidden)


typedef struct {

    /* set by the caller and owned by him */

    sealed_gateway_t             *gateway;
    const sealed_credential_t    *credential;
    const sealed_identity_key_t  *identity;
    const sealed_payload_t       *payload;
    sealed_bytes_t                name;         /* data NULL: a text */
    const char                   *ttl;          /* NULL: the longest */
    sealed_addresses_t           *to;           /* refused is set there:
                                                   a sealed_verdict_t */

    uint64_t                      pieces;       /* envelopes altogether */
    uint64_t                      sent;         /* of them, completely */

    size_t                        capacity;     /* content of a piece */
    uint64_t                      done;         /* requests */
    uint64_t                      requests;
    uint8_t                       id[SEALED_MESSAGE_ID_SIZE];
    uint8_t                      *message;      /* buffers */
    uint8_t                      *body;
    uint8_t                      *fanout;
    uint8_t                      *mailboxes;
    uint8_t                      *headers;
    sealed_address_t            **batch;
} sealed_delivery_t;


/* an exit code; OK also when recipients were refused */
int sealed_delivery_run(sealed_delivery_t *delivery);


#pragma GCC visibility pop


#endif /* SEALED_CLI_DELIVERY_H */
