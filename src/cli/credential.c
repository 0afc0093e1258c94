
#include "credential.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "../certificate.h"
#include "../mailbox_address.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


static int read_certificate(sealed_certificate_t *certificate,
    uint8_t *encoded, const char *file, unsigned any);


int
sealed_credential_certificate(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const char *file, unsigned any)
{
    int                    rc;
    char                  *key_file, *certificate_file, *end;
    size_t                 size;
    uint8_t                subject[32], public_key[32];
    uint8_t                encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t   certificate;

    key_file = sealed_file_name(file, "");
    if (key_file == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    size = strlen(key_file);

    if (size > 5 && strcmp(key_file + size - 5, ".cert") == 0) {
        key_file[size - 5] = '\0';
    }

    certificate_file = sealed_file_name(key_file, ".cert");
    if (certificate_file == NULL) {
        free(key_file);
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_key_read(subject, key_file, SEALED_CERTIFICATE_KEY);

    if (rc == 0) {
        rc = read_certificate(&certificate, encoded, certificate_file, any);
    }

    if (rc == 0) {
        crypto_scalarmult_base(public_key, subject);

        if (memcmp(public_key, certificate.subject, 32) != 0) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: was made for another "
                             "key than %s", certificate_file, key_file);
        }
    }

    if (rc == 0) {
        memcpy(credential->keyid, certificate.id, 16);
        end = sealed_byte_sequence_encode(credential->certificate, encoded,
                                          sizeof(encoded));
        *end = '\0';

        if (sealed_certificate_request_key(credential->key, &certificate,
                                           NULL, subject,
                                           gateway->exchange_key)
            != 0)
        {
            rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: its exchange key is "
                             "not a usable one", gateway->url);
        }
    }

    sodium_memzero(subject, sizeof(subject));
    free(key_file);
    free(certificate_file);

    return rc;
}


int
sealed_credential_stock(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const char *use, const char *class,
    const uint8_t conversation[SEALED_CONVERSATION_SIZE])
{
    int                          rc;
    uint8_t                      serial[32];
    uint8_t                      encoded[SEALED_BLIND_CERTIFICATE_SIZE];
    sealed_bytes_t               bytes;
    sealed_blind_t               blind;
    sealed_certificate_t         certificate;
    sealed_certificate_rules_t   rules = { 0, 0, 0 };

    rc = sealed_stock_take(&blind, gateway, use, class, conversation,
                           (uint64_t) time(NULL));
    if (rc) {
        return rc;
    }

    crypto_scalarmult_base(serial, blind.serial_private);
    sealed_blind_certificate(encoded, blind.class, blind.epoch, serial);

    bytes.data = encoded;
    bytes.size = sizeof(encoded);
    rules.epoch_seconds = gateway->pinned.epoch_seconds;

    if (sealed_certificate_parse(&certificate, bytes, &rules) != 0
        || sealed_certificate_request_key(credential->key, &certificate,
                                          blind.poprf, blind.serial_private,
                                          gateway->exchange_key)
           != 0)
    {
        rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: its exchange key is not a "
                         "usable one", gateway->url);
    }

    memcpy(credential->keyid, certificate.id, 16);
    *sealed_byte_sequence_encode(credential->certificate, encoded,
                                 sizeof(encoded)) = '\0';

    sodium_memzero(&blind, sizeof(blind));

    return rc;
}


int
sealed_mailbox_read(sealed_mailbox_t *mailbox, const char *file)
{
    int          rc;
    char        *pub, *end;
    json_t      *document;
    const char  *gateway;

    rc = sealed_key_read(mailbox->private_key, file, SEALED_MAILBOX_KEY_FILE);
    if (rc) {
        return rc;
    }

    crypto_scalarmult_base(mailbox->public_key, mailbox->private_key);
    sealed_mailbox_id(mailbox->id, mailbox->public_key);
    end = sealed_base64url_encode(mailbox->id_text, mailbox->id,
                                  SEALED_MAILBOX_ID_SIZE);
    *end = '\0';

    mailbox->gateway[0] = '\0';

    pub = sealed_file_name(file, ".pub");
    if (pub == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_public_read(&document, pub, "sealed-sender address");
    free(pub);

    if (rc) {
        return rc;
    }

    gateway = json_string_value(json_object_get(document, "gateway"));

    if (gateway) {
        rc = sealed_gateway_url(mailbox->gateway, gateway);
    }

    json_decref(document);

    return rc;
}


int
sealed_credential_owner(sealed_credential_t *credential,
    const sealed_gateway_t *gateway, const sealed_mailbox_t *mailbox)
{
    memcpy(credential->keyid, mailbox->id, 16);
    credential->certificate[0] = '\0';

    if (sealed_mailbox_request_key(credential->key, mailbox->id,
                                   mailbox->private_key,
                                   gateway->exchange_key)
        != 0)
    {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: its exchange key is "
                           "not a usable one", gateway->url);
    }

    return SEALED_EXIT_OK;
}


static int
read_certificate(sealed_certificate_t *certificate, uint8_t *encoded,
    const char *file, unsigned any)
{
    int             rc;
    char            when[SEALED_TIME_TEXT];
    size_t          size;
    uint64_t        now;
    sealed_bytes_t  bytes;

    static const sealed_certificate_rules_t  rules = { UINT64_MAX, 1, 0 };

    rc = sealed_line_read(encoded, SEALED_SIGNED_CERTIFICATE_SIZE, &size,
                          file);
    if (rc) {
        return rc;
    }

    bytes.data = encoded;
    bytes.size = size;

    if (sealed_certificate_parse(certificate, bytes, &rules) != 0
        || certificate->kind != SEALED_CERTIFICATE_SIGNED)
    {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: is not a certificate",
                           file);
    }

    now = (uint64_t) time(NULL);

    if (any || sealed_certificate_current(certificate, now)) {
        return SEALED_EXIT_OK;
    }

    if (now < certificate->not_before) {
        sealed_format_time(when, certificate->not_before);
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: not valid before %s",
                           file, when);
    }

    sealed_format_time(when, certificate->not_after);

    return sealed_fail(SEALED_EXIT_LOCAL, "%s: ended %s; have its authority "
                       "sign a new one", file, when);
}
