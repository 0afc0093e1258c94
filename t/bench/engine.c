
/*
 * engine MAILBOXES RECIPIENTS SECONDS: how many records a second the store
 * alone appends on one processor.  Prints the figure.
 *
 * Envelopes of 1 KiB go to RECIPIENTS random mailboxes at a time, in this
 * process, without nginx.  When the zone is full all mailboxes are emptied,
 * as their owners would; only the time of appending counts, and of it what
 * this process had a processor for.
 */

#include "../../src/append.h"
#include "../../src/certificate_table.h"
#include "../../src/mailbox.h"
#include "../../src/worker.h"
#include "../../src/zone_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>


enum {
    ROOM        = 128 * 1024 * 1024,    /* for envelopes */
    MAILBOX     = 256,              /* octets, ample */
    BODY_SIZE   = 1024,
    PER_OPENER  = 60000,
    PREPARED    = 64,               /* fan-outs between two looks at a clock */
    DRAW_MAX    = 100000,
    TAG         = 1                 /* of the key line */
};


typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
} mailbox_id_t;


static void make_zone(sealed_zone_t *zone, uint32_t mailboxes);
static void check_zone(sealed_zone_t *zone);
static void open_mailboxes(sealed_zone_t *zone, mailbox_id_t *ids,
    uint32_t count);
static void open_one(sealed_zone_t *zone, const mailbox_id_t *id,
    const uint8_t *opener);
static void draw(mailbox_id_t *out, const mailbox_id_t *ids,
    uint32_t mailboxes, uint32_t recipients);
static sealed_verdict_t append(sealed_zone_t *zone,
    const mailbox_id_t *recipients, uint32_t count, uint32_t *accepted);
static void drain(sealed_zone_t *zone, const mailbox_id_t *ids,
    uint32_t count);
static uint64_t random_number(void);
static double seconds_now(void);
static void fail(const char *what);


static const sealed_mailbox_limits_t  limits = {
    1000000, UINT32_MAX, 86400, 1, { TAG }
};

static uint64_t  now;


int
main(int argc, char **argv)
{
    mailbox_id_t             *ids, *prepared;
    double             limit, spent, start;
    uint32_t           i, mailboxes, recipients, accepted;
    uint64_t           appended;
    sealed_zone_t      zone;
    sealed_verdict_t   verdict;

    if (argc != 4) {
        fail("usage: engine MAILBOXES RECIPIENTS SECONDS");
    }

    mailboxes = (uint32_t) strtoul(argv[1], NULL, 10);
    recipients = (uint32_t) strtoul(argv[2], NULL, 10);
    limit = strtod(argv[3], NULL);

    if (mailboxes == 0 || recipients == 0 || recipients > mailboxes
        || recipients > DRAW_MAX)
    {
        fail("as many mailboxes as recipients are needed");
    }

    now = (uint64_t) time(NULL);

    ids = calloc(mailboxes, sizeof(mailbox_id_t));
    prepared = calloc((size_t) recipients * PREPARED, sizeof(mailbox_id_t));

    if (ids == NULL || prepared == NULL) {
        fail("out of memory");
    }

    make_zone(&zone, mailboxes);
    open_mailboxes(&zone, ids, mailboxes);

    /* once around, so that every page has been touched */

    do {
        draw(prepared, ids, mailboxes, recipients);
        verdict = append(&zone, prepared, recipients, &accepted);
    } while (verdict == SEALED_OK && accepted == recipients);

    if (verdict != SEALED_ZONE_FULL) {
        fail("a recipient was refused");
    }

    drain(&zone, ids, mailboxes);

    appended = 0;
    spent = 0;

    while (spent < limit) {

        for (i = 0; i < PREPARED; i++) {
            draw(prepared + (size_t) i * recipients, ids, mailboxes,
                 recipients);
        }

        start = seconds_now();

        for (i = 0; i < PREPARED; i++) {
            verdict = append(&zone, prepared + (size_t) i * recipients,
                             recipients, &accepted);

            if (verdict == SEALED_ZONE_FULL) {
                break;
            }

            if (verdict != SEALED_OK || accepted != recipients) {
                fail("a recipient was refused");
            }

            appended += recipients;
        }

        spent += seconds_now() - start;

        if (verdict == SEALED_ZONE_FULL) {
            drain(&zone, ids, mailboxes);
        }
    }

    drain(&zone, ids, mailboxes);

    check_zone(&zone);

    printf("%.0f\n", (double) appended / spent);

    return 0;
}


static void
make_zone(sealed_zone_t *zone, uint32_t mailboxes)
{
    void   *memory;
    size_t  size;

    static const uint8_t  hash_key[16] = { 's', 'i', 'p' };

    size = ROOM + (size_t) mailboxes * MAILBOX;

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);

    if (memory == MAP_FAILED
        || sealed_zone_format(zone, memory, size, now, hash_key) != 0
        || sealed_worker_claim(zone) != 0)
    {
        fail("no memory for the zone");
    }

    zone->limits = limits;
}


static void
check_zone(sealed_zone_t *zone)
{
    void        *scratch;
    const char  *error;

    scratch = malloc(sealed_zone_check_scratch(zone));
    if (scratch == NULL) {
        fail("out of memory");
    }

    error = sealed_zone_check(zone, scratch);
    if (error) {
        fail(error);
    }

    free(scratch);
    sealed_worker_release(zone);
}


static void
open_mailboxes(sealed_zone_t *zone, mailbox_id_t *ids, uint32_t count)
{
    uint8_t                     opener[SEALED_CERTIFICATE_ID_SIZE];
    uint32_t                    i;
    uint64_t                    half;
    sealed_certificate_state_t  state;

    static const sealed_budget_rule_t  rule = { 1000000, 1000000, 3600 };

    memset(&state, 0, sizeof(state));
    memset(opener, 0, sizeof(opener));
    state.end = now + 86400;

    for (i = 0; i < count; i++) {

        if (i % PER_OPENER == 0) {
            memcpy(opener, &i, sizeof(i));

            if (sealed_certificate_table_insert(zone, opener, &state, &rule,
                                                now)
                != SEALED_OK)
            {
                fail("no room for a certificate");
            }
        }

        half = random_number();
        memcpy(ids[i].id, &half, 8);
        half = random_number();
        memcpy(ids[i].id + 8, &half, 8);

        open_one(zone, &ids[i], opener);
    }
}


static void
open_one(sealed_zone_t *zone, const mailbox_id_t *id, const uint8_t *opener)
{
    unsigned                 created;
    sealed_mailbox_status_t  status;

    static const uint8_t  key[SEALED_KEY_SIZE];

    if (sealed_mailbox_open(zone, id->id, key, TAG, opener, PER_OPENER, now,
                            &created, &status)
        != SEALED_OK || !created)
    {
        fail("a mailbox cannot be opened");
    }
}


/* recipients that are all different */

static void
draw(mailbox_id_t *out, const mailbox_id_t *ids, uint32_t mailboxes,
    uint32_t recipients)
{
    uint32_t  i, n;

    static uint32_t   round;
    static uint32_t  *drawn;

    if (drawn == NULL) {
        drawn = calloc(mailboxes, sizeof(uint32_t));

        if (drawn == NULL) {
            fail("out of memory");
        }
    }

    round++;

    for (i = 0; i < recipients; i++) {

        do {
            n = (uint32_t) (random_number() % mailboxes);
        } while (drawn[n] == round);

        drawn[n] = round;
        out[i] = ids[n];
    }
}


static sealed_verdict_t
append(sealed_zone_t *zone, const mailbox_id_t *recipients,
    uint32_t count, uint32_t *accepted)
{
    sealed_append_t    work;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    static void     *scratch;
    static uint8_t   body[BODY_SIZE], results[DRAW_MAX];

    if (scratch == NULL) {
        scratch = malloc(sealed_append_scratch(DRAW_MAX));

        if (scratch == NULL) {
            fail("out of memory");
        }
    }

    memset(&fanout, 0, sizeof(fanout));
    fanout.recipients = recipients->id;
    fanout.count = count;
    fanout.body.data = body;
    fanout.body.size = sizeof(body);

    memset(&work, 0, sizeof(work));
    work.fanout = &fanout;
    work.expiry_hour = now / 3600 + 24;
    work.scratch = scratch;
    work.results = results;

    verdict = sealed_append(zone, &work, now);
    *accepted = work.accepted;

    return verdict;
}


static void
drain(sealed_zone_t *zone, const mailbox_id_t *ids, uint32_t count)
{
    uint32_t                 i;
    sealed_mailbox_status_t  status;

    for (i = 0; i < count; i++) {
        if (sealed_mailbox_status(zone, ids[i].id, now, &status)
            != SEALED_OK
            || (status.next > 1
                && sealed_mailbox_acknowledge(zone, ids[i].id,
                                              status.next - 1, now)
                   != SEALED_OK))
        {
            fail("a mailbox cannot be emptied");
        }
    }
}


/* xorshift64*: fast, the same in every run, good enough to spread */

static uint64_t
random_number(void)
{
    static uint64_t  state = 0x9e3779b97f4a7c15;

    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;

    return (state * 0x2545f4914f6cdd1d) >> 16;
}


static double
seconds_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static void
fail(const char *what)
{
    fprintf(stderr, "engine: %s\n", what);
    exit(1);
}
