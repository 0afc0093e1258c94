
/*
 * A text that nobody issued, which opens nothing; and tickets that were
 * issued, shown in any order at any time: each is good once at most, while it
 * lasts, for its mailbox.
 */

#include "fuzz.h"
#include "ticket.h"

#include <sys/mman.h>


enum {
    TICKETS   = 32,
    MAILBOXES = 4
};


static void forget(void);
static void check_text(sealed_bytes_t text);
static void check_issued(const uint8_t *data, size_t size);
static void show(const uint8_t *data, size_t size);


#define NOW  UINT64_C(1800000000)

static const uint8_t  key[SEALED_KEY_SIZE] = { 1, 2, 3 };
static const uint8_t  mailbox[MAILBOXES + 1][SEALED_MAILBOX_ID_SIZE] = {
    { 1 }, { 2 }, { 3 }, { 4 }, { 5 }
};
static sealed_zone_t  zone;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_bytes_t   text;
    const uint8_t   *pos, *end;

    forget();

    pos = data;
    end = data + size;

    text = next_line(&pos, end);
    check_text(text);
    free_copy(text);

    check_issued(pos, (size_t) (end - pos));
    show(pos, (size_t) (end - pos));

    return 0;
}


static void
forget(void)
{
    void      *memory;
    uint32_t   i;

    static const uint8_t  hash_key[16] = { 7 };

    if (zone.base == NULL) {
        memory = mmap(NULL, SEALED_ZONE_MIN_SIZE, PROT_READ|PROT_WRITE,
                      MAP_SHARED|MAP_ANONYMOUS, -1, 0);
        CHECK(memory != MAP_FAILED);
        CHECK(sealed_zone_format(&zone, memory, SEALED_ZONE_MIN_SIZE, NOW,
                                 hash_key)
              == 0);
    }

    for (i = 0; i <= zone.shard_mask; i++) {
        memset(zone.shards[i].tickets, 0, sizeof(zone.shards[i].tickets));
    }
}


static void
check_text(sealed_bytes_t text)
{
    sealed_ticket_t  ticket;

    CHECK(sealed_ticket_open(&ticket, text, key, mailbox[0], NOW) != 0);
}


/* expiry, random octets, the time, which bit of the text to change */

static void
check_issued(const uint8_t *data, size_t size)
{
    int               good;
    char              text[SEALED_TICKET_TEXT], again[SEALED_TICKET_TEXT];
    uint8_t           other[SEALED_KEY_SIZE];
    uint64_t          now;
    sealed_bytes_t    shown;
    sealed_ticket_t   ticket, opened;

    if (size < 8 + SEALED_TICKET_RANDOM + 2 + 2) {
        return;
    }

    memcpy(&ticket.expiry, data, 8);
    ticket.expiry = ticket.expiry >> 1 | 128;
    memcpy(ticket.random, data + 8, SEALED_TICKET_RANDOM);
    data += 8 + SEALED_TICKET_RANDOM;

    now = ticket.expiry - 128 + data[0];

    sealed_ticket_issue(text, &ticket, key, mailbox[0]);
    shown = copy(text, sizeof(text));

    good = now < ticket.expiry
           && ticket.expiry - now <= SEALED_TICKET_SECONDS + 2;
    CHECK((sealed_ticket_open(&opened, shown, key, mailbox[0], now) == 0)
          == good);

    CHECK(sealed_ticket_open(&opened, shown, key, mailbox[1], now) != 0);

    memcpy(other, key, sizeof(other));
    other[data[2] % sizeof(other)] ^= 1;
    CHECK(sealed_ticket_open(&opened, shown, other, mailbox[0], now) != 0);

    if (good) {
        CHECK(opened.expiry == ticket.expiry);
        CHECK(memcmp(opened.random, ticket.random, SEALED_TICKET_RANDOM)
              == 0);
        sealed_ticket_issue(again, &opened, key, mailbox[0]);
        CHECK(memcmp(again, text, sizeof(text)) == 0);
    }

    /* not a single bit may be another one, nor one character be missing */

    ((uint8_t *) shown.data)[data[2] % sizeof(text)]
        ^= (uint8_t) (1 << data[3] % 8);
    CHECK(sealed_ticket_open(&opened, shown, key, mailbox[0], now) != 0);
    free_copy(shown);

    shown = copy(text, sizeof(text) - 1);
    CHECK(sealed_ticket_open(&opened, shown, key, mailbox[0], now) != 0);
    free_copy(shown);
}


/*
 * Octets by two: which ticket, and how many seconds are over until then.  The
 * first mailbox has more of them than fit.
 */

static void
show(const uint8_t *data, size_t size)
{
    unsigned           i, used[TICKETS];
    uint64_t           now, expiry[TICKETS];
    sealed_ticket_t    ticket;
    sealed_verdict_t   verdict;

    memset(used, 0, sizeof(used));
    memset(expiry, 0, sizeof(expiry));
    now = NOW;

    while (size >= 2) {
        i = data[0] % TICKETS;
        now += data[1] % 16 ? 0 : data[1] / 16;
        data += 2;
        size -= 2;

        /* what has ended is issued anew */

        if (expiry[i] <= now) {
            expiry[i] = now + SEALED_TICKET_SECONDS;
            used[i] = 0;
        }

        memset(&ticket, 0, sizeof(ticket));
        ticket.expiry = expiry[i];
        ticket.random[7] = (uint8_t) (1 + i);

        verdict = sealed_ticket_use(&zone, &ticket,
                                    mailbox[i < 20 ? 0 : i % MAILBOXES],
                                    now);

        CHECK(verdict == SEALED_OK || verdict == SEALED_UNAUTHORIZED
              || verdict == SEALED_TICKETS_BUSY);
        CHECK(verdict != SEALED_OK || !used[i]);
        CHECK(verdict != SEALED_UNAUTHORIZED || used[i]);

        if (verdict == SEALED_OK) {
            used[i] = 1;
        }
    }
}
