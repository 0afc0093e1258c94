
/*
 * What a gateway is known by, in pins/HASH of the state: one line of JSON
 *
 *   {"type":"sealed-sender pin","gateway":"https://...",
 *    "exchange_key":"...","issuer_key":"...","epoch_seconds":86400,
 *    "classes":{"verified":2}}
 *
 * Keys, classes and the length of an epoch are the same for everybody.  An
 * issuer that shows somebody others than everybody else could recognise him
 * by them, so they are taken once and never changed without a word.
 */

#ifndef SEALED_CLI_PIN_H
#define SEALED_CLI_PIN_H


#include "../sealed.h"

#include <jansson.h>


#pragma GCC visibility push(hidden)


typedef struct {
    uint8_t                       exchange_key[32];
    uint8_t                       issuer_key[32];
    unsigned                      has_issuer;   /* and what follows */
    uint64_t                      epoch_seconds;
    json_t                       *classes;
} sealed_pin_t;


/* *found is cleared when there is none yet; an exit code */
int sealed_pin_read(sealed_pin_t *pin, unsigned *found, const char *url);
int sealed_pin_write(const sealed_pin_t *pin, const char *url);
void sealed_pin_free(sealed_pin_t *pin);


#pragma GCC visibility pop


#endif /* SEALED_CLI_PIN_H */
