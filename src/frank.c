
#include "frank.h"
#include "hash.h"
#include "octets.h"

#include <string.h>
#include <sodium.h>


enum {
    AT_NONCE   = SEALED_COMMITMENT_SIZE,
    AT_SECRET  = AT_NONCE + SEALED_STAMP_NONCE_SIZE,
    PLAIN_SIZE = SEALED_CERTIFICATE_ID_SIZE + 1 + 4 + 4
};


static void additional_data(uint8_t out[64], const uint8_t *commitment,
    const uint8_t *body_digest);


void
sealed_frank_commitment(uint8_t out[SEALED_COMMITMENT_SIZE],
    const uint8_t kf[32], sealed_bytes_t message)
{
    sealed_hmac_t  hmac;

    static const char  label[] = "sealed-sender frank v1";

    sealed_hmac_init(&hmac, kf, 32);
    sealed_hmac_update(&hmac, label, sizeof(label) - 1);
    sealed_hmac_update(&hmac, message.data, message.size);
    sealed_hmac_final(&hmac, out);

    sodium_memzero(&hmac, sizeof(hmac));
}


void
sealed_stamp_make(uint8_t out[SEALED_STAMP_SIZE], const sealed_stamp_t *stamp,
    const uint8_t commitment[SEALED_COMMITMENT_SIZE],
    const uint8_t nonce[SEALED_STAMP_NONCE_SIZE], const uint8_t key[32],
    const uint8_t body_digest[32])
{
    uint8_t  plain[PLAIN_SIZE], ad[64];

    memcpy(plain, stamp->certificate_id, SEALED_CERTIFICATE_ID_SIZE);
    plain[16] = (uint8_t) stamp->class;
    (void) sealed_put32(plain + 17, stamp->epoch);
    (void) sealed_put32(plain + 21, stamp->hour);

    additional_data(ad, commitment, body_digest);

    memcpy(out, commitment, SEALED_COMMITMENT_SIZE);
    memcpy(out + AT_NONCE, nonce, SEALED_STAMP_NONCE_SIZE);
    (void) crypto_aead_xchacha20poly1305_ietf_encrypt(out + AT_SECRET, NULL,
               plain, sizeof(plain), ad, sizeof(ad), NULL, nonce, key);
}


int
sealed_stamp_open(sealed_stamp_t *stamp,
    const uint8_t encoded[SEALED_STAMP_SIZE], const uint8_t key[32],
    const uint8_t body_digest[32])
{
    uint8_t  plain[PLAIN_SIZE], ad[64];

    additional_data(ad, encoded, body_digest);

    if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL,
            encoded + AT_SECRET, SEALED_STAMP_SIZE - AT_SECRET, ad,
            sizeof(ad), encoded + AT_NONCE, key)
        != 0)
    {
        return -1;
    }

    memcpy(stamp->certificate_id, plain, SEALED_CERTIFICATE_ID_SIZE);
    stamp->class = plain[16];
    stamp->epoch = sealed_get32(plain + 17);
    stamp->hour = sealed_get32(plain + 21);

    return 0;
}


int
sealed_report_verify(sealed_stamp_t *stamp, const sealed_report_t *report,
    const sealed_master_secret_t *secret, uint32_t newest, uint32_t epochs)
{
    int       rc;
    uint8_t   commitment[SEALED_COMMITMENT_SIZE], key[32];
    uint32_t  epoch;
    unsigned  i;

    if (report->stamp.size != SEALED_STAMP_SIZE) {
        return -1;
    }

    sealed_frank_commitment(commitment, report->kf, report->message);

    if (sodium_memcmp(commitment, report->stamp.data,
                      SEALED_COMMITMENT_SIZE)
        != 0)
    {
        return -1;
    }

    rc = -1;

    for (epoch = newest; rc != 0 && epochs; epoch--, epochs--) {

        for (i = 0; rc != 0 && i < secret->count; i++) {
            sealed_key_line_franking_key(key, &secret->line[i], epoch);
            rc = sealed_stamp_open(stamp, report->stamp.data, key,
                                   report->body_digest);
        }

        if (epoch == 0) {
            break;
        }
    }

    sodium_memzero(key, sizeof(key));

    return rc;
}


void
sealed_report_id(uint8_t out[SEALED_REPORT_ID_SIZE],
    const uint8_t stamp[SEALED_STAMP_SIZE])
{
    uint8_t  digest[32];

    sealed_sha256(digest, stamp, SEALED_STAMP_SIZE);
    memcpy(out, digest, SEALED_REPORT_ID_SIZE);
}


static void
additional_data(uint8_t out[64], const uint8_t *commitment,
    const uint8_t *body_digest)
{
    memcpy(out, commitment, 32);
    memcpy(out + 32, body_digest, 32);
}
