
#include "ticket.h"
#include "hash.h"
#include "octets.h"
#include "text.h"

#include <string.h>
#include <sodium.h>


enum {
    EXPIRY_BITS  = 24,              /* of an entry; the rest is random */
    LATE         = 2                /* seconds that processes' clocks differ */
};


static void authenticate(uint8_t mac[32], const uint8_t *octets,
    const uint8_t *key, const uint8_t *mailbox);
static int alive(uint64_t entry, uint64_t now);


void
sealed_ticket_issue(char text[SEALED_TICKET_TEXT],
    const sealed_ticket_t *ticket, const uint8_t key[SEALED_KEY_SIZE],
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE])
{
    uint8_t  octets[SEALED_TICKET_SIZE];

    (void) sealed_put64(octets, ticket->expiry);
    memcpy(octets + 8, ticket->random, SEALED_TICKET_RANDOM);
    authenticate(octets + 8 + SEALED_TICKET_RANDOM, octets, key, mailbox);

    (void) sealed_base64url_encode(text, octets, sizeof(octets));
}


int
sealed_ticket_open(sealed_ticket_t *ticket, sealed_bytes_t text,
    const uint8_t key[SEALED_KEY_SIZE],
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE], uint64_t now)
{
    uint8_t  octets[SEALED_TICKET_SIZE], mac[32];

    if (text.size != SEALED_TICKET_TEXT
        || sealed_base64url_decode(octets, sizeof(octets), text) != 0)
    {
        return -1;
    }

    authenticate(mac, octets, key, mailbox);

    if (sodium_memcmp(mac, octets + 8 + SEALED_TICKET_RANDOM, sizeof(mac))
        != 0)
    {
        return -1;
    }

    ticket->expiry = sealed_get64(octets);
    memcpy(ticket->random, octets + 8, SEALED_TICKET_RANDOM);

    return now < ticket->expiry
           && ticket->expiry - now <= SEALED_TICKET_SECONDS + LATE
           ? 0 : -1;
}


sealed_verdict_t
sealed_ticket_use(sealed_zone_t *zone, const sealed_ticket_t *ticket,
    const uint8_t mailbox[SEALED_MAILBOX_ID_SIZE], uint64_t now)
{
    int              room;
    uint64_t         hash, entry, old, *place;
    unsigned         i, own;
    sealed_shard_t  *shard;

    hash = sealed_zone_hash(zone, mailbox);
    shard = sealed_zone_shard(zone, hash);
    place = shard->tickets[hash % SEALED_TICKET_PLACES];

    entry = sealed_get64(ticket->random) << EXPIRY_BITS
            | (ticket->expiry & (((uint64_t) 1 << EXPIRY_BITS) - 1));

    do {
        room = 0;
        own = 0;
        old = 0;

        for (i = 0; i < SEALED_TICKETS; i++) {
            old = __atomic_load_n(&place[i], __ATOMIC_SEQ_CST);

            if (old == entry) {
                return SEALED_UNAUTHORIZED;
            }

            if (!room && !alive(old, now)) {
                room = 1;
                own = i;
            }
        }

        if (!room) {
            return SEALED_TICKETS_BUSY;
        }

        old = __atomic_load_n(&place[own], __ATOMIC_SEQ_CST);

    } while (alive(old, now)
             || !__atomic_compare_exchange_n(&place[own], &old, entry, 0,
                                             __ATOMIC_SEQ_CST,
                                             __ATOMIC_SEQ_CST));

    /* somebody else may have written it to another place meanwhile */

    for (i = 0; i < SEALED_TICKETS; i++) {
        if (i != own
            && __atomic_load_n(&place[i], __ATOMIC_SEQ_CST) == entry)
        {
            return SEALED_UNAUTHORIZED;
        }
    }

    return SEALED_OK;
}


static void
authenticate(uint8_t mac[32], const uint8_t *octets, const uint8_t *key,
    const uint8_t *mailbox)
{
    sealed_hmac_t  hmac;

    static const char  label[] = "sealed-sender ticket v1";

    sealed_hmac_init(&hmac, key, SEALED_KEY_SIZE);
    sealed_hmac_update(&hmac, label, sizeof(label) - 1);
    sealed_hmac_update(&hmac, mailbox, SEALED_MAILBOX_ID_SIZE);
    sealed_hmac_update(&hmac, octets, 8 + SEALED_TICKET_RANDOM);
    sealed_hmac_final(&hmac, mac);
}


/* whether a ticket of this entry could still be shown anywhere */

static int
alive(uint64_t entry, uint64_t now)
{
    uint64_t  mask;

    if (entry == 0) {
        return 0;
    }

    mask = ((uint64_t) 1 << EXPIRY_BITS) - 1;

    return ((entry + LATE + mask + 1 - (now & mask)) & mask)
           <= SEALED_TICKET_SECONDS + 2 * LATE;
}
