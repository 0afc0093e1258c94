
/*
 * What authorities sign.
 */

#ifndef SEALED_CLI_AUTHORITY_H
#define SEALED_CLI_AUTHORITY_H


#include "../sealed.h"

#include <jansson.h>


#pragma GCC visibility push(hidden)


/*
 * Sets "name" and "certificate" in an identity's public document; an exit
 * code.
 */
int sealed_authority_certify(json_t *identity, const uint8_t key[32],
    const char *name, uint64_t days, const char *authority_file);


#pragma GCC visibility pop


#endif /* SEALED_CLI_AUTHORITY_H */
