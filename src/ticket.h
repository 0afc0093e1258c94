
/*
 * Tickets: for readers that cannot set headers.
 *
 *     expiry u64 || random[16] || HMAC-SHA-256(ticket key,
 *         "sealed-sender ticket v1" || mailbox id || expiry || random)
 *
 * in base64url.  The ticket key is the key line's under which the mailbox was
 * opened.  A ticket opens one live read of its mailbox, once, within a
 * minute; it is void at first sight, whatever becomes of the request.
 *
 * What was used is remembered in the zone until it would have ended anyway,
 * in a set without locks: one compare-and-swap writes an entry.  A mailbox
 * shares its part of the set with a few others only, so that who uses up
 * tickets cannot keep many from theirs.
 */

#ifndef SEALED_TICKET_H
#define SEALED_TICKET_H


#include "zone.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_TICKET_SECONDS   = 60,
    SEALED_TICKET_RANDOM    = 16,
    SEALED_TICKET_SIZE      = 8 + SEALED_TICKET_RANDOM + 32,
    SEALED_TICKET_TEXT      = 75
};


typedef struct {
    uint64_t                      expiry;
    uint8_t                       random[SEALED_TICKET_RANDOM];
} sealed_ticket_t;


/* random is the caller's to draw; the text has no zero behind it */
void sealed_ticket_issue(char text[SEALED_TICKET_TEXT],
    const sealed_ticket_t *ticket, const uint8_t key[SEALED_KEY_SIZE],
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE]);

/* whether it is one of this key and mailbox and has not ended; 0 or -1 */
int sealed_ticket_open(sealed_ticket_t *ticket, sealed_bytes_t text,
    const uint8_t key[SEALED_KEY_SIZE],
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE], uint64_t now);

/*
 * SEALED_OK at first sight, of all processes; else SEALED_UNAUTHORIZED.
 * SEALED_TICKETS_BUSY when there is no room to remember it for a moment.
 * Two at the very same time may both be refused.
 */
sealed_verdict_t sealed_ticket_use(sealed_zone_t *zone,
    const sealed_ticket_t *ticket,
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE], uint64_t now);


#pragma GCC visibility pop


#endif /* SEALED_TICKET_H */
