
/*
 * Key files.  A key is a pair of files: FILE, the secret, mode 0600, and
 * FILE.pub, what may be given away.
 *
 * FILE is one line of JSON:
 *
 *   {"type":"sealed-sender authority key","secret":"..."}
 *
 * with "authority", "identity", "mailbox" or "certificate" in the type and 32
 * octets as base64url: an Ed25519 seed for an authority, an X25519 private
 * key otherwise.
 *
 * FILE.pub is
 *   of an authority    its public key, one line of base64url (43 characters)
 *   of an identity     {"type":"sealed-sender identity","key":"...",
 *                      "name":"alice","certificate":"..."}
 *                      the last two once an authority has certified it
 *   of a mailbox       {"type":"sealed-sender address","mailbox":"...",
 *                      "name":"bob","identity":"...","gateway":"..."}
 *                      identity is the owner's identity certificate; gateway
 *                      appears when the mailbox is opened; address.h reads it
 *   of a certificate   {"type":"sealed-sender subject","key":"..."}
 *
 * FILE.cert, beside a certificate's key, is the certificate that an authority
 * made from FILE.pub: one line of base64url.
 */

#ifndef SEALED_CLI_KEY_FILE_H
#define SEALED_CLI_KEY_FILE_H


#include "../identity.h"

#include <jansson.h>


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_AUTHORITY_KEY = 0,
    SEALED_IDENTITY_KEY,
    SEALED_MAILBOX_KEY_FILE,
    SEALED_CERTIFICATE_KEY
} sealed_key_type_t;


typedef struct {
    uint8_t                       private_key[32];
    uint8_t                       public_key[32];
    uint8_t                       certificate[SEALED_IDENTITY_MAX];
    size_t                        certificate_size;     /* 0: none yet */
} sealed_identity_key_t;


/* all return an exit code and have printed the reason */

/* a new FILE and FILE.pub, or neither; public is the latter's text */
int sealed_key_pair_create(const char *file, sealed_key_type_t type,
    const uint8_t secret[32], const char *public, size_t public_size);

int sealed_key_read(uint8_t secret[32], const char *file,
    sealed_key_type_t type);

/* FILE or FILE.pub of an authority */
int sealed_authority_public_read(uint8_t key[32], const char *file);

/* libsodium's 64 octets */
int sealed_authority_secret_read(uint8_t secret[64], const char *file);

/* FILE and, beside it, FILE.pub */
int sealed_identity_key_read(sealed_identity_key_t *identity,
    const char *file);

/* FILE.pub: JSON of this type; the caller gives up the reference */
int sealed_public_read(json_t **document, const char *file,
    const char *type);

/* a member of base64url, exactly size octets */
int sealed_public_octets(uint8_t *out, size_t size, const json_t *document,
    const char *member, const char *file);

/* one line, "\n" at its end; to be given to free() */
char *sealed_public_text(json_t *document);

/* whole line of base64url, at most max octets */
int sealed_line_read(uint8_t *out, size_t max, size_t *size,
    const char *file);


#pragma GCC visibility pop


#endif /* SEALED_CLI_KEY_FILE_H */
