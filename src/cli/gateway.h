
/*
 * A gateway as the command sees it: found by its URL, asked for its
 * discovery document, and trusted through pinned keys: the exchange key and
 * the issuer key that belongs to it.
 *
 * First use pins the newest keys and says so; --pin names them instead.  While
 * the pinned key is listed it is used, also when a newer one came in front.
 * When it is not listed any more, or with another issuer key, nothing is
 * sent: exit code 5.
 */

#ifndef SEALED_CLI_GATEWAY_H
#define SEALED_CLI_GATEWAY_H


#include "http.h"
#include "pin.h"
#include "../fanout.h"

#include <jansson.h>


#pragma GCC visibility push(hidden)


enum {
    SEALED_GATEWAY_URL      = 256,
    SEALED_GATEWAY_PREFIX   = 64,
    SEALED_CLOCK_DIFFERENCE = 60    /* seconds that are still accepted */
};


typedef enum {
    SEALED_PIN_KNOWN = 0,
    SEALED_PIN_FIRST_USE,
    SEALED_PIN_GIVEN
} sealed_pin_state_t;


typedef struct {
    char                          url[SEALED_GATEWAY_URL];
    char                          prefix[SEALED_GATEWAY_PREFIX];
    uint8_t                       exchange_key[32];     /* the pinned one */
    sealed_pin_state_t            pin;
    sealed_pin_t                  pinned;
    sealed_fanout_limits_t        limits;
    uint32_t                      max_header;
    uint64_t                      max_ttl;
    uint64_t                      max_batch;    /* 0: it issues nothing */
    int64_t                       clock_difference;     /* gateway - here */
    json_t                       *discovery;
    sealed_http_t                 http;
} sealed_gateway_t;


/*
 * Finds the gateway by --gateway, $SEALED_GATEWAY or, when neither is given,
 * known (may be NULL); an exit code.  Also after a failure
 * sealed_gateway_close() is to be called.
 */
int sealed_gateway_connect(sealed_gateway_t *gateway, const char *known);
void sealed_gateway_close(sealed_gateway_t *gateway);

/*
 * For blind certificates: a class as it is pinned, and that the gateway still
 * says the same of it and of epochs; an exit code.
 */
int sealed_gateway_class(unsigned *number, const sealed_gateway_t *gateway,
    const char *name);

/* that it issues under the pinned key, which has to be its newest */
int sealed_gateway_issues(const sealed_gateway_t *gateway);

/* scheme://host[:port], lower case, nothing behind; an exit code */
int sealed_gateway_url(char out[SEALED_GATEWAY_URL], const char *text);


#pragma GCC visibility pop


#endif /* SEALED_CLI_GATEWAY_H */
