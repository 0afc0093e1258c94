
/*
 * How a received message looks: on a terminal
 *
 *   #17 alice, 2026-01-31 13:00 UTC
 *   Hello, Bob.
 *
 * and with --json
 *
 *   {"seq":17,"hour":...,"time":"...","from":"alice","key":"...",
 *    "text":"Hello, Bob."}
 *
 * or "file" and "size", or "note" or "error".  Pieces of what is not complete
 * yet show as a bar.
 */

#ifndef SEALED_CLI_SHOW_H
#define SEALED_CLI_SHOW_H


#include "inbox.h"
#include "../item.h"
#include "../sealed_envelope.h"


#pragma GCC visibility push(hidden)


/* the sender has been verified */
void sealed_show_message(const sealed_item_t *item,
    const sealed_envelope_t *envelope, const sealed_message_t *message,
    const sealed_inbox_result_t *result);

/* nothing about the sender is certain */
void sealed_show_refused(const sealed_item_t *item, const char *why);


#pragma GCC visibility pop


#endif /* SEALED_CLI_SHOW_H */
