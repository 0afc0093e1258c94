
/*
 * Sealed-sender gateway: sizes, limits and verdicts of the protocol.
 *
 * This page holds every number that an auditor has to know.  Code below this
 * directory is plain C: it takes bytes, lengths and the time, returns a
 * verdict, and never allocates, logs, blocks or reads a clock.
 *
 * Sizes are in octets, times in unix seconds unless a name says otherwise.
 * Integers on the wire are big-endian.
 */

#ifndef SEALED_H
#define SEALED_H


#include <stddef.h>
#include <stdint.h>


#pragma GCC visibility push(hidden)


#define SEALED_PROTOCOL_VERSION           1


enum {
    SEALED_KEY_SIZE                     = 32,   /* X25519, HMAC, master */
    SEALED_SHA256_SIZE                  = 32,
    SEALED_SIGNATURE_SIZE               = 64,   /* Ed25519 */

    SEALED_MAILBOX_ID_SIZE              = 16,
    SEALED_MAILBOX_ID_TEXT              = 22,   /* base64url, unpadded */

    SEALED_CERTIFICATE_ID_SIZE          = 16,
    SEALED_CERTIFICATE_ID_TEXT          = 22,
    SEALED_SIGNED_CERTIFICATE_SIZE      = 122,
    SEALED_BLIND_CERTIFICATE_SIZE       = 38,
    SEALED_CERTIFICATE_MAX              = 122,  /* of either kind */
    SEALED_AUTHORITY_ID_SIZE            = 8,

    SEALED_MAX_KEY_LINES                = 3,    /* in a master secret file */
    SEALED_MAX_HEADER                   = 256,  /* a recipient's slice */
    SEALED_MAX_ENVELOPE_SIZES           = 16,
    SEALED_MAX_ENVELOPE                 = 16 * 1024 * 1024,
    SEALED_MAX_CLASSES                  = 32,

    SEALED_CREATED_PAST                 = 300,  /* a request's age */
    SEALED_CREATED_FUTURE               = 60,
    SEALED_CLOCK_SLACK                  = 60,   /* between workers */
    SEALED_CERTIFICATE_WINDOW           = 256,  /* nonces remembered */
    SEALED_OWNER_WINDOW                 = 64,
    SEALED_CLOSED_SECONDS               = 600,  /* 410 after the end */

    SEALED_READ_LIMIT_DEFAULT           = 100,
    SEALED_READ_LIMIT_MAX               = 1000,
    SEALED_READ_WAIT_MAX                = 60
};


/*
 * What a check found.  Everything but SEALED_OK is answered with a problem
 * document; problem.h tells status, title and detail of each.
 */

typedef enum {
    SEALED_OK = 0,

    SEALED_NO_RESOURCE,             /* 404 path is not one of ours */
    SEALED_METHOD_NOT_ALLOWED,      /* 405 */
    SEALED_LENGTH_REQUIRED,         /* 411 */
    SEALED_MEDIA_TYPE,              /* 415 */
    SEALED_BODY_TOO_LARGE,          /* 413 longer than anything allowed */
    SEALED_ENVELOPE_SIZE,           /* 413 not one of the envelope sizes */
    SEALED_TOO_MANY_RECIPIENTS,     /* 413 */
    SEALED_SLICE_TOO_LARGE,         /* 413 a recipient's header */

    SEALED_UNAUTHORIZED,            /* 401 the one */
    SEALED_FIRST_USE_BUSY,          /* 503 too many new certificates */
    SEALED_ZONE_YOUNG,              /* 503 signed before the zone's birth */

    SEALED_DIGEST_MISMATCH,         /* 400 */
    SEALED_BAD_QUERY,               /* 400 */
    SEALED_BAD_HEADER,              /* 400 TTL and the like */
    SEALED_BAD_LAYOUT,              /* 400 CBOR */
    SEALED_DUPLICATE_RECIPIENT,     /* 400 */
    SEALED_BAD_MAILBOX_KEY,         /* 400 */
    SEALED_BAD_SEQUENCE,            /* 400 at or above next */
    SEALED_BAD_HANDSHAKE,           /* 400 WebSocket */
    SEALED_HANDSHAKE_VERSION,       /* 426 likewise */
    SEALED_ORIGIN,                  /* 403 likewise */
    SEALED_BAD_BATCH,               /* 400 elements to be evaluated */
    SEALED_BAD_DOCUMENT,            /* 400 JSON of an operator */

    SEALED_NONCE_USED,              /* 409 */
    SEALED_TOO_MANY_READERS,        /* 429 on this connection */
    SEALED_NO_BUDGET,               /* 429 */
    SEALED_OPENER_LIMIT,            /* 429 */
    SEALED_NO_QUOTA,                /* 429 certificates drawn already */

    SEALED_NO_MAILBOX,              /* 404 */
    SEALED_MAILBOX_CLOSED,          /* 410 */
    SEALED_MAILBOX_FULL,            /* 507 */
    SEALED_ZONE_FULL,               /* 503 */
    SEALED_CERTIFICATES_FULL,       /* 503 */
    SEALED_TICKETS_BUSY,            /* 503 too many of one place used */
    SEALED_READERS_BUSY,            /* 503 this worker has enough */
    SEALED_UNAVAILABLE,             /* 503 the store cannot work now */

    SEALED_VERDICTS
} sealed_verdict_t;


/* bytes owned by somebody else; data is NULL when there is nothing at all */

typedef struct {
    const uint8_t                *data;
    size_t                        size;
} sealed_bytes_t;


#pragma GCC visibility pop


#endif /* SEALED_H */
