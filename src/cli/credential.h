
/*
 * With what a request is signed: a certificate and its key, from files or
 * from the stock, or a mailbox's owner key.  All give a request key shared
 * with the gateway.
 */

#ifndef SEALED_CLI_CREDENTIAL_H
#define SEALED_CLI_CREDENTIAL_H


#include "gateway.h"
#include "stock.h"
#include "../text.h"


#pragma GCC visibility push(hidden)


#define SEALED_CERTIFICATE_TEXT                                               \
    SEALED_BYTE_SEQUENCE_SIZE(SEALED_CERTIFICATE_MAX)


typedef struct {
    uint8_t                       key[32];
    uint8_t                       keyid[16];
    char                          certificate[SEALED_CERTIFICATE_TEXT + 1];
                                                /* "" for an owner */
} sealed_credential_t;


typedef struct {
    uint8_t                       private_key[32];
    uint8_t                       public_key[32];
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    char                          id_text[SEALED_MAILBOX_ID_TEXT + 1];
    char                          gateway[SEALED_GATEWAY_URL];
                                                /* "" when not known */
} sealed_mailbox_t;


/*
 * From FILE and FILE.cert; either name may be given.  With any set, one that
 * is not valid now is taken too.  An exit code.
 */
int sealed_credential_certificate(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const char *file, unsigned any);

/* the blind certificate of a conversation, see stock.h; class may be NULL */
int sealed_credential_stock(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const char *use, const char *class,
    const uint8_t conversation[SEALED_CONVERSATION_SIZE]);

/* a mailbox's key, and the gateway where it was opened from FILE.pub */
int sealed_mailbox_read(sealed_mailbox_t *mailbox, const char *file);

/* of a mailbox, which has no certificate; an exit code */
int sealed_credential_owner(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const sealed_mailbox_t *mailbox);


#pragma GCC visibility pop


#endif /* SEALED_CLI_CREDENTIAL_H */
