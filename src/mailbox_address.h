
/*
 * A mailbox's address and its owner's request key.
 *
 * id = first 16 octets of SHA-256("sealed-sender mailbox id v1" || owner key)
 * request key = HKDF(X25519(owner, exchange),
 *                    "sealed-sender mailbox key v1" || id)
 *
 * In paths an id is canonical base64url, 22 characters.
 */

#ifndef SEALED_MAILBOX_ADDRESS_H
#define SEALED_MAILBOX_ADDRESS_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/* from the owner's X25519 public key */
void sealed_mailbox_id(uint8_t out[SEALED_MAILBOX_ID_SIZE],
    const uint8_t owner_public[32]);

/* the gateway: exchange private, owner public; the owner: the other way
   round; -1 on an all-zero X25519 result */
int sealed_mailbox_request_key(uint8_t out[32],
    const uint8_t id[SEALED_MAILBOX_ID_SIZE], const uint8_t private_key[32],
    const uint8_t public_key[32]);


#pragma GCC visibility pop


#endif /* SEALED_MAILBOX_ADDRESS_H */
