
/*
 * HTTP message signatures (RFC 9421) with hmac-sha256, one strict profile.
 *
 * Signature-Input and Signature have exactly one member, "sealed", in
 * canonical serialisation (RFC 8941, section 4.1).  Covered components, in
 * any order, each once and without parameters: "@method", "@path", "@query";
 * "content-digest" if there is a body; each of the other headers below that
 * is present.  Parameters, each once, in any order: created, nonce, keyid,
 * tag="sealed-sender", optionally alg="hmac-sha256" and expires.
 *
 * The signature base is fed to the HMAC piece by piece and never built.
 */

#ifndef SEALED_REQUEST_SIGNATURE_H
#define SEALED_REQUEST_SIGNATURE_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_METHOD = 0,
    SEALED_PATH,
    SEALED_QUERY,                   /* the part behind "?", data NULL: none */
    SEALED_CONTENT_DIGEST,
    SEALED_CERTIFICATE,
    SEALED_TTL,
    SEALED_DELIVERY,
    SEALED_FRANK,
    SEALED_MAILBOX_KEY,
    SEALED_COMPONENTS
} sealed_component_t;


/*
 * What was received; data is NULL for a header that is absent.  The last
 * three are only filled in and looked at where requests are received.
 */

typedef struct {
    sealed_bytes_t                value[SEALED_COMPONENTS];
    unsigned                      has_body;     /* of at least one octet */
    unsigned                      repeated;     /* a header came twice */
    sealed_bytes_t                signature_input;
    sealed_bytes_t                signature;
} sealed_request_t;


typedef struct {
    unsigned                      count;        /* of covered components */
    uint8_t                       component[SEALED_COMPONENTS];
    uint64_t                      created;
    uint64_t                      expires;      /* UINT64_MAX when absent */
    uint64_t                      nonce;
    uint8_t                       keyid[16];
    sealed_bytes_t                params;       /* from "(" to the end */
    uint8_t                       mac[32];
} sealed_request_signature_t;


/*
 * Grammar only; params points into input.  0, or -1: the one 401.
 */
int sealed_request_signature_parse(sealed_request_signature_t *signature,
    sealed_bytes_t input, sealed_bytes_t value);

/*
 * Coverage: exactly the components that the request has to cover, header
 * values of octets 0x20-0x7e only, no Content-Digest without a body and no
 * body without one.  0 or -1.
 */
int sealed_request_signature_covers(
    const sealed_request_signature_t *signature,
    const sealed_request_t *request);

/*
 * created within [now - 300, now + 60], expires not yet passed.  0 or -1.
 */
int sealed_request_signature_fresh(
    const sealed_request_signature_t *signature, uint64_t now);

/* one HMAC, compared in constant time; 0 or -1 */
int sealed_request_signature_verify(
    const sealed_request_signature_t *signature,
    const sealed_request_t *request, const uint8_t key[32]);

/*
 * For clients: the two header values for a request, covering what it has.
 * input and value hold at least SEALED_SIGNATURE_INPUT_MAX and
 * SEALED_SIGNATURE_MAX octets and are zero-terminated.
 */

#define SEALED_SIGNATURE_INPUT_MAX  384
#define SEALED_SIGNATURE_MAX        64

void sealed_request_signature_sign(char *input, char *value,
    const sealed_request_t *request, const uint8_t key[32],
    const uint8_t keyid[16], uint64_t created, uint64_t nonce);


#pragma GCC visibility pop


#endif /* SEALED_REQUEST_SIGNATURE_H */
