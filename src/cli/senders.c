
#include "senders.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "state.h"
#include "../certificate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


enum {
    VALID_BEFORE = 300,             /* seconds; clocks differ */
    VALID_AFTER  = 86400 - VALID_BEFORE,

    RECORD_KEY   = SEALED_SIGNED_CERTIFICATE_SIZE,
    RECORD_NONCE = RECORD_KEY + SEALED_KEY_SIZE,
    RECORD_SIZE  = RECORD_NONCE + 8
};


static const sealed_certificate_rules_t  rules = { UINT64_MAX, 86400, 0 };


static int allocate(sealed_senders_t *senders, uint32_t count);
static int identify(sealed_sender_t *sender);


int
sealed_sender_make(sealed_sender_t *sender, unsigned class,
    const uint8_t authority_secret[64], const uint8_t exchange_key[32])
{
    int                   rc;
    uint8_t               subject[32], public_key[32];
    uint64_t              now;
    sealed_bytes_t        encoded;
    sealed_certificate_t  certificate;

    now = (uint64_t) time(NULL);
    sender->nonce = sealed_nonce_first();

    randombytes_buf(subject, sizeof(subject));
    crypto_scalarmult_base(public_key, subject);

    rc = sealed_certificate_sign(sender->encoded, class, now - VALID_BEFORE,
                                 now + VALID_AFTER, public_key,
                                 authority_secret);

    encoded.data = sender->encoded;
    encoded.size = sizeof(sender->encoded);

    if (rc == 0) {
        rc = sealed_certificate_parse(&certificate, encoded, &rules);
    }

    if (rc == 0) {
        rc = sealed_certificate_request_key(sender->credential.key,
                                            &certificate, NULL, subject,
                                            exchange_key);
    }

    sodium_memzero(subject, sizeof(subject));

    if (rc) {
        return sealed_fail(SEALED_EXIT_LOCAL, "a certificate could not be "
                           "made");
    }

    return identify(sender);
}


int
sealed_senders_make(sealed_senders_t *senders, uint32_t count,
    unsigned class, const char *authority, const uint8_t exchange_key[32])
{
    int       rc;
    uint8_t   secret[64];
    uint32_t  i;

    rc = allocate(senders, count);

    if (rc == 0) {
        rc = sealed_authority_secret_read(secret, authority);
    }

    for (i = 0; rc == 0 && i < count; i++) {
        rc = sealed_sender_make(&senders->sender[i], class, secret,
                                exchange_key);
    }

    sodium_memzero(secret, sizeof(secret));

    return rc;
}


int
sealed_senders_read(sealed_senders_t *senders, const char *file)
{
    int               rc;
    char             *text;
    size_t            i, size;
    unsigned          octet;
    const uint8_t    *record;
    sealed_sender_t  *sender;

    senders->sender = NULL;
    senders->count = 0;

    rc = sealed_file_read(&text, &size, file,
                          (size_t) SEALED_SENDERS_MAX * RECORD_SIZE,
                          SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    if (size == 0 || size % RECORD_SIZE) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not a file of sender "
                         "certificates", file);
    }

    if (rc == 0) {
        rc = allocate(senders, (uint32_t) (size / RECORD_SIZE));
    }

    for (i = 0; rc == 0 && i < senders->count; i++) {
        sender = &senders->sender[i];
        record = (const uint8_t *) text + i * RECORD_SIZE;

        memcpy(sender->encoded, record, sizeof(sender->encoded));
        memcpy(sender->credential.key, record + RECORD_KEY, SEALED_KEY_SIZE);

        sender->nonce = 0;

        for (octet = 0; octet < 8; octet++) {
            sender->nonce = sender->nonce << 8 | record[RECORD_NONCE + octet];
        }

        rc = identify(sender);
    }

    sealed_file_forget(text, size);

    return rc;
}


int
sealed_senders_write(const sealed_senders_t *senders, const char *file)
{
    int                     rc;
    size_t                  i, size;
    uint8_t                *data, *record;
    unsigned                octet;
    const sealed_sender_t  *sender;

    size = (size_t) senders->count * RECORD_SIZE;

    data = malloc(size);
    if (data == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    for (i = 0; i < senders->count; i++) {
        sender = &senders->sender[i];
        record = data + i * RECORD_SIZE;

        memcpy(record, sender->encoded, sizeof(sender->encoded));
        memcpy(record + RECORD_KEY, sender->credential.key, SEALED_KEY_SIZE);

        for (octet = 0; octet < 8; octet++) {
            record[RECORD_NONCE + octet]
                = (uint8_t) (sender->nonce >> (56 - 8 * octet));
        }
    }

    rc = sealed_file_replace(file, data, size, SEALED_FILE_SECRET);

    sodium_memzero(data, size);
    free(data);

    return rc;
}


void
sealed_senders_free(sealed_senders_t *senders)
{
    if (senders->sender) {
        sodium_memzero(senders->sender,
                       senders->count * sizeof(sealed_sender_t));
        free(senders->sender);
    }

    senders->sender = NULL;
    senders->count = 0;
}


static int
allocate(sealed_senders_t *senders, uint32_t count)
{
    senders->count = 0;

    senders->sender = calloc(count, sizeof(sealed_sender_t));
    if (senders->sender == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    senders->count = count;

    return SEALED_EXIT_OK;
}


/* what follows from the encoded certificate */

static int
identify(sealed_sender_t *sender)
{
    char                  *end;
    sealed_bytes_t         encoded;
    sealed_certificate_t   certificate;

    encoded.data = sender->encoded;
    encoded.size = sizeof(sender->encoded);

    if (sealed_certificate_parse(&certificate, encoded, &rules) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "a record does not hold a "
                           "certificate");
    }

    memcpy(sender->credential.keyid, certificate.id,
           SEALED_CERTIFICATE_ID_SIZE);

    end = sealed_byte_sequence_encode(sender->credential.certificate,
                                      encoded.data, encoded.size);
    *end = '\0';

    return SEALED_EXIT_OK;
}
