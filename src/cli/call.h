
/*
 * Signed requests.  A call signs anew for every attempt, with a nonce of its
 * own, and repeats by itself what may be repeated: a 503 that says to come
 * back within 10 seconds, a 409 (with the nonce that the gateway names), a
 * connection that broke.  Repeating is safe: readers drop duplicates.
 */

#ifndef SEALED_CLI_CALL_H
#define SEALED_CLI_CALL_H


#include "credential.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_CALL_PATH = 160
};


typedef struct {
    const char                   *method;
    char                          path[SEALED_CALL_PATH];
    const char                   *query;        /* without "?", or NULL */
    sealed_bytes_t                body;
    const char                   *content_type;
    const char                   *ttl;          /* headers, NULL: absent */
    const char                   *delivery;
    const char                   *frank;
    const char                   *mailbox_key;
    struct curl_slist            *more;         /* unsigned headers */
    unsigned                      wait;         /* seconds it may hold */
    size_t                        max_response; /* 0: 64 Ki octets */
    uint64_t                      created;      /* SEALED_UNSET: now */
    uint64_t                      nonce;        /* SEALED_UNSET: the next */
    unsigned                      once;         /* never repeated */
} sealed_call_t;


void sealed_call_init(sealed_call_t *call, const char *method);

/* the paths of protocol version 1 */
void sealed_call_fanout_path(sealed_call_t *call,
    const sealed_gateway_t *gateway);
void sealed_call_mailbox_path(sealed_call_t *call,
    const sealed_gateway_t *gateway, const char *id_text,
    const char *below);

/* the headers with their signature, for libcurl; NULL: unsigned */
int sealed_call_headers(struct curl_slist **headers,
    const sealed_call_t *call, const sealed_gateway_t *gateway,
    const sealed_credential_t *credential);

/* SEALED_EXIT_OK for any answer, whatever its status */
int sealed_call_send(sealed_response_t *response, const sealed_call_t *call,
    sealed_gateway_t *gateway, const sealed_credential_t *credential);

/* explains a refusal and returns SEALED_EXIT_REFUSED; what: "opening ..." */
int sealed_call_refused(const sealed_response_t *response, const char *what);


#pragma GCC visibility pop


#endif /* SEALED_CLI_CALL_H */
