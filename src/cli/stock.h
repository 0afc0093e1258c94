
/*
 * Blind certificates in stock: drawn ahead of time, taken one for each
 * conversation.  A file for each batch in certificates/ of the state, mode
 * 0600,
 *
 *   HASH.EPOCH.CLASS    {"type":"sealed-sender certificates",
 *                        "use":"send","class":"verified","number":2,
 *                        "epoch":20000,"ends":1800000000,"certificates":[
 *                        {"serial":"...","poprf":"...","for":"..."}]}
 *
 * HASH is of the pinned issuer key, so that what was drawn at one host name
 * of a deployment is used at another.
 *
 * "for" names the conversation that took it, a hash; a fresh one has none.
 * Batches that have ended are removed.  Several processes may use them at
 * once.
 */

#ifndef SEALED_CLI_STOCK_H
#define SEALED_CLI_STOCK_H


#include "gateway.h"
#include "../issuance.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_CONVERSATION_SIZE = 16
};


/* which batch */

typedef struct {
    const char                   *use;          /* "send" or "open" */
    const char                   *class;        /* name; NULL: any */
    unsigned                      number;
    uint32_t                      epoch;
} sealed_batch_t;


/* one that was taken; to be wiped */

typedef struct {
    unsigned                      class;
    uint32_t                      epoch;
    uint8_t                       serial_private[32];
    uint8_t                       poprf[SEALED_POPRF_OUTPUT];
} sealed_blind_t;


/* whether a batch is there, of any size */
int sealed_stock_has(unsigned *there, const sealed_gateway_t *gateway,
    const sealed_batch_t *batch);

/* a batch that was issued, kept until it ends, in seconds; an exit code */
int sealed_stock_add(const sealed_gateway_t *gateway,
    const sealed_batch_t *batch, const sealed_blind_draw_t *draws,
    unsigned count, uint64_t ends);

/*
 * The certificate of a conversation: the one it has, else a fresh one, which
 * is its own from then on.  At the beginning of an epoch each conversation
 * goes over to a new one at a time of its own within the overlap.  class may
 * be NULL if there is one class of this use only.
 */
int sealed_stock_take(sealed_blind_t *blind, const sealed_gateway_t *gateway,
    const char *use, const char *class,
    const uint8_t conversation[SEALED_CONVERSATION_SIZE], uint64_t now);

/* [{"use":...,"class":...,"epoch":...,"ends":...,"fresh":N,"taken":N}] */
int sealed_stock_list(json_t **list, const sealed_gateway_t *gateway,
    uint64_t now);


#pragma GCC visibility pop


#endif /* SEALED_CLI_STOCK_H */
