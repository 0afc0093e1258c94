
/*
 * What the command remembers between calls, in $SEALED_HOME or else
 * ~/.config/sealed (mode 0700, files 0600):
 *
 *   pins/HASH            what a gateway is known by (pin.h)
 *   certificates/        blind certificates in stock (stock.h)
 *   nonces/HASH.KEYID    the next nonce of a key at a gateway, one number
 *   seen/MAILBOX         envelopes shown already (seen.h)
 *
 * HASH is 16 hex digits of SHA-256 of the gateway's URL.  Every file may be
 * used by several processes at once.
 */

#ifndef SEALED_CLI_STATE_H
#define SEALED_CLI_STATE_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_STATE_PATH = 1024
};


/* path of a file in a directory of the state's, made if need be */
int sealed_state_path(char out[SEALED_STATE_PATH], const char *directory,
    const char *name);

/* 16 hex digits and a zero */
void sealed_state_hash(char out[17], const char *url);

/* opens for reading and writing, creates, takes the lock; *fd is closed by
   the caller */
int sealed_state_lock(int *fd, const char *path);

/*
 * Where a counter of nonces begins, anywhere: a gateway keeps the highest,
 * and one that is a time would tell when it began.
 */
uint64_t sealed_nonce_first(void);

/* takes the next nonce of a key */
int sealed_nonce_take(uint64_t *nonce, const char *url,
    const uint8_t keyid[16]);

/* what the gateway said it would accept */
int sealed_nonce_raise(uint64_t next, const char *url,
    const uint8_t keyid[16]);


#pragma GCC visibility pop


#endif /* SEALED_CLI_STATE_H */
