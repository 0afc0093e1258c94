
/*
 * Addresses: where somebody can be written to.  One line of JSON, made by
 * `sealed keygen mailbox` as FILE.pub; several lines make a list (so
 * `cat *.pub` does).
 */

#ifndef SEALED_CLI_ADDRESS_H
#define SEALED_CLI_ADDRESS_H


#include "gateway.h"
#include "../identity.h"


#pragma GCC visibility push(hidden)


typedef struct {
    uint8_t                       mailbox[SEALED_MAILBOX_ID_SIZE];
    uint8_t                       key[32];      /* identity, X25519 */
    char                          name[SEALED_NAME_MAX + 1];
    char                          gateway[SEALED_GATEWAY_URL];
    unsigned                      refused;      /* by the gateway */
} sealed_address_t;


typedef struct {
    sealed_address_t             *address;
    size_t                        count;
} sealed_addresses_t;


/*
 * Adds the addresses of a file; one that is there already is passed over.
 * With nauthorities, the identity certificates have to be theirs.  An exit
 * code.
 */
int sealed_addresses_read(sealed_addresses_t *list, const char *file,
    const uint8_t (*authorities)[32], unsigned nauthorities);

void sealed_addresses_free(sealed_addresses_t *list);


#pragma GCC visibility pop


#endif /* SEALED_CLI_ADDRESS_H */
