
/*
 * The first use of a certificate: curve arithmetic that gives its request
 * key, about 125 us for a blind and 85 us for a signed one.  It reads memory
 * and writes its own, so that it can run in another thread; everything that
 * it points to must stay as it is until it ends.
 */

#ifndef SEALED_FIRST_USE_H
#define SEALED_FIRST_USE_H


#include "certificate.h"
#include "master_secret.h"
#include "request_signature.h"


#pragma GCC visibility push(hidden)


typedef struct {
    const sealed_certificate_t          *certificate;
    const sealed_request_signature_t    *signature;
    const sealed_request_t              *request;
    const sealed_master_secret_t        *secret;
    const uint8_t                       *authority;  /* key; blind: NULL */

    uint8_t                              key[32];    /* the request key */
    uint32_t                             tag;        /* of the key line */
} sealed_first_use_t;


/*
 * Tries the key lines, newest first, until the request's signature holds
 * under one; of a signed certificate the authority's signature after that,
 * since garbage does not get so far.  0 with key and tag, or -1; the caller
 * wipes key.
 */
int sealed_first_use_check(sealed_first_use_t *use);


#pragma GCC visibility pop


#endif /* SEALED_FIRST_USE_H */
