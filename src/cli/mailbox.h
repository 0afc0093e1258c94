
/*
 * What the commands of a mailbox's owner have in common.
 */

#ifndef SEALED_CLI_MAILBOX_H
#define SEALED_CLI_MAILBOX_H


#include "call.h"
#include "seen.h"


#pragma GCC visibility push(hidden)


typedef struct {
    sealed_mailbox_t              mailbox;
    sealed_gateway_t              gateway;
    sealed_credential_t           credential;
} sealed_owner_t;


typedef struct {
    uint64_t                      envelopes;
    uint64_t                      bytes;
    uint64_t                      first;
    uint64_t                      next;
    uint64_t                      max_envelopes;
    uint64_t                      max_bytes;
    uint64_t                      idle_seconds;
} sealed_mailbox_status_t;


/* reads the key, connects; an exit code; sealed_owner_close() in any case */
int sealed_owner_open(sealed_owner_t *owner, const char *file);
void sealed_owner_close(sealed_owner_t *owner);

/* GET {mailbox} */
int sealed_owner_status(sealed_mailbox_status_t *status,
    sealed_owner_t *owner);

/* DELETE {mailbox}/envelopes?through=N, and remembers it */
int sealed_owner_acknowledge(sealed_owner_t *owner, uint64_t through,
    sealed_seen_t *seen);

/* the body of a status answer; 0 or -1 */
int sealed_mailbox_status_parse(sealed_mailbox_status_t *status,
    const sealed_response_t *response);

/* people's form on stdout */
void sealed_mailbox_status_show(const sealed_mailbox_status_t *status);

/* members of a JSON object; takes over and returns it */
json_t *sealed_mailbox_status_json(json_t *document,
    const sealed_mailbox_status_t *status);


#pragma GCC visibility pop


#endif /* SEALED_CLI_MAILBOX_H */
