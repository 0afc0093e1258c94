
/*
 * Sender certificates in bulk, for measuring: each with its request key and
 * its next nonce, in one file.
 *
 * The file is a row of records, certificate[122] || request key[32] ||
 * next nonce u64.  It holds secrets, of certificates that nobody else uses.
 */

#ifndef SEALED_CLI_SENDERS_H
#define SEALED_CLI_SENDERS_H


#include "credential.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_SENDERS_MAX = 1000000
};


typedef struct {
    sealed_credential_t           credential;
    uint8_t                       encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
    uint64_t                      nonce;
} sealed_sender_t;


typedef struct {
    sealed_sender_t              *sender;
    uint32_t                      count;
} sealed_senders_t;


/* a new key and a certificate for it, valid for a day; an exit code */
int sealed_sender_make(sealed_sender_t *sender, unsigned class,
    const uint8_t authority_secret[64], const uint8_t exchange_key[32]);

/* count of them; to be given to sealed_senders_free() in any case */
int sealed_senders_make(sealed_senders_t *senders, uint32_t count,
    unsigned class, const char *authority, const uint8_t exchange_key[32]);

/* exit codes; what was read is freed in any case as well */
int sealed_senders_read(sealed_senders_t *senders, const char *file);
int sealed_senders_write(const sealed_senders_t *senders, const char *file);
void sealed_senders_free(sealed_senders_t *senders);


#pragma GCC visibility pop


#endif /* SEALED_CLI_SENDERS_H */
