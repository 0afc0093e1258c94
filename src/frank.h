
/*
 * Abuse reports without knowing the sender (message franking).
 *
 * A sender commits to his message with a key that only the recipient learns:
 *
 *   C = HMAC-SHA-256(kf, "sealed-sender frank v1" || message)
 *
 * The gateway puts a stamp onto the envelope, 97 octets, whose last part
 * only it can read:
 *
 *   C[32] || nonce[24] || XChaCha20-Poly1305(franking key, nonce,
 *       certificate id[16] || class u8 || epoch u32 || hour u32,
 *       AD = C || SHA-256(body))
 *
 * The franking key belongs to a key line and to the epoch of acceptance.  A
 * report opens C, and the stamp tells which pseudonym sent it, when.
 */

#ifndef SEALED_FRANK_H
#define SEALED_FRANK_H


#include "item.h"
#include "master_secret.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_COMMITMENT_SIZE  = 32,
    SEALED_STAMP_NONCE_SIZE = 24,
    SEALED_REPORT_ID_SIZE   = 16
};


/* what a stamp says to who can read it */

typedef struct {
    uint8_t                       certificate_id[SEALED_CERTIFICATE_ID_SIZE];
    unsigned                      class;
    uint32_t                      epoch;        /* of acceptance */
    uint32_t                      hour;         /* unix time / 3600 */
} sealed_stamp_t;


typedef struct {
    sealed_bytes_t                message;
    const uint8_t                *kf;           /* 32 octets */
    const uint8_t                *body_digest;  /* 32 octets */
    sealed_bytes_t                stamp;        /* of any size */
} sealed_report_t;


/* by senders, with a franking key of their own for each message */
void sealed_frank_commitment(uint8_t out[SEALED_COMMITMENT_SIZE],
    const uint8_t kf[32], sealed_bytes_t message);

/* nonce is random */
void sealed_stamp_make(uint8_t out[SEALED_STAMP_SIZE],
    const sealed_stamp_t *stamp,
    const uint8_t commitment[SEALED_COMMITMENT_SIZE],
    const uint8_t nonce[SEALED_STAMP_NONCE_SIZE], const uint8_t key[32],
    const uint8_t body_digest[32]);

/* 0 or -1 */
int sealed_stamp_open(sealed_stamp_t *stamp,
    const uint8_t encoded[SEALED_STAMP_SIZE], const uint8_t key[32],
    const uint8_t body_digest[32]);

/*
 * Whether a report holds: the commitment is that of its message, and some
 * franking key of the last `epochs` epochs up to `newest`, under any key
 * line, made the stamp.  One HMAC, then about 2 us a key, newest first.
 * 0 and *stamp, or -1.
 */
int sealed_report_verify(sealed_stamp_t *stamp,
    const sealed_report_t *report, const sealed_master_secret_t *secret,
    uint32_t newest, uint32_t epochs);

/* names a report without telling anything of it */
void sealed_report_id(uint8_t out[SEALED_REPORT_ID_SIZE],
    const uint8_t stamp[SEALED_STAMP_SIZE]);


#pragma GCC visibility pop


#endif /* SEALED_FRANK_H */
