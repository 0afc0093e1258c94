
/*
 * The deployment's master secret and the keys that follow from it.
 *
 * The file holds up to three lines "key-id 64-hex-digits", newest first.
 * Empty lines and lines beginning with "#" are passed over; key-id is 1 to
 * 32 letters, digits, ".", "_" or "-", each once.  The caller reads the file
 * (mode 0600) and wipes its copy.
 *
 * Subkeys: crypto_kdf (BLAKE2b, libsodium) with context "sealedv1"; 1 the
 * exchange key, 2 the issuer's seed, 3 tickets, 4 the zone, 5 the journal.
 */

#ifndef SEALED_MASTER_SECRET_H
#define SEALED_MASTER_SECRET_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_KEY_ID_MAX = 32
};


typedef struct {
    char                          id[SEALED_KEY_ID_MAX + 1];
    uint8_t                       master[32];
    uint8_t                       exchange_private[32];
    uint8_t                       exchange_public[32];
    uint8_t                       issuer_private[32];
    uint8_t                       issuer_public[32];
    uint8_t                       ticket_key[32];
    uint8_t                       zone_key[32];
    uint8_t                       journal_key[32];

    /*
     * Marks what was made under this line; the first four octets of
     * SHA-256("sealed-sender key line v1" || zone_key).  Not a secret.
     */
    uint32_t                      tag;
} sealed_key_line_t;


typedef struct {
    unsigned                      count;
    sealed_key_line_t             line[SEALED_MAX_KEY_LINES];
} sealed_master_secret_t;


/*
 * Returns NULL, or what is wrong in words that go into an error message;
 * *line_number then tells the line, 0 for the file as a whole, and nothing
 * is left in secret.  Lines may end with CR LF.
 */
const char *sealed_master_secret_parse(sealed_master_secret_t *secret,
    const char *text, size_t size, unsigned *line_number);

/* all derived members of a line whose id and master are set; 0 or -1 */
int sealed_key_line_derive(sealed_key_line_t *line);

/* the key of an epoch's stamps (frank.h), about 1 us; the caller wipes it */
void sealed_key_line_franking_key(uint8_t out[32],
    const sealed_key_line_t *line, uint32_t epoch);

/* the line with this tag, or NULL */
const sealed_key_line_t *sealed_master_secret_find(
    const sealed_master_secret_t *secret, uint32_t tag);

/* zeros instead of all keys; the struct is the caller's */
void sealed_master_secret_wipe(sealed_master_secret_t *secret);


#pragma GCC visibility pop


#endif /* SEALED_MASTER_SECRET_H */
