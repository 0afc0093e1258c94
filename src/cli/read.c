
#include "commands.h"
#include "key_file.h"
#include "live.h"
#include "output.h"
#include "reading.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>


enum {
    PAGE_OCTETS      = 32 * 1024 * 1024,
    PLACE_MAX        = 1024,        /* of an item besides its body */
    RECONNECT_MAX    = 30,          /* seconds */
    RETRY_MAX        = 120000,      /* milliseconds */
    FILE_SIZE_MAX    = 1024 * 1024 * 1024
};


static int run(unsigned count, char **files);
static int prepare(sealed_reading_t *r);
static int check_directory(const char *name);
static int read_all(sealed_reading_t *r);
static int read_live(sealed_reading_t *r);
static int take_live(void *user, const sealed_item_t *item,
    uint64_t *acknowledged, unsigned *enough);
static int read_page(sealed_reading_t *r, unsigned wait, unsigned *empty);
static int handle_page(sealed_reading_t *r,
    const sealed_response_t *response);


static const char     *mailbox, *identity, *directory = ".", *evidence;
static const char     *transport = "events";
static unsigned        follow, acknowledge, websocket;
static uint64_t        wait_seconds, after, limit = SEALED_READ_LIMIT_DEFAULT;
static uint64_t        wanted = SEALED_UNSET, max_size = FILE_SIZE_MAX;
static sealed_list_t   authorities;


static const sealed_option_t  options[] = {
    { "mailbox", "FILE", SEALED_TEXT, &mailbox,
      "the mailbox's key" },
    { "identity", "FILE", SEALED_TEXT, &identity,
      "your identity, for which messages are sealed" },
    { "identity-authority", "FILE", SEALED_LIST, &authorities,
      "whose word on senders' names counts" },
    { "ack", NULL, SEALED_FLAG, &acknowledge,
      "acknowledge what was read, which removes it" },
    { "output-dir", "DIR", SEALED_TEXT, &directory,
      "where received files go (the current directory)" },
    { "evidence", "DIR", SEALED_TEXT, &evidence,
      "store there what sealed report can show an operator" },
    { "follow", NULL, SEALED_FLAG, &follow,
      "stay and show what comes, until interrupted" },
    { "transport", "NAME", SEALED_TEXT, &transport,
      "with --follow: events (default), websocket or plain" },
    { "wait", "SECONDS", SEALED_NUMBER, &wait_seconds,
      "if there is nothing, wait so long (0, at most 60)" },
    { "count", "N", SEALED_NUMBER, &wanted,
      "stop after so many messages" },
    { "after", "N", SEALED_NUMBER, &after,
      "begin behind this number (0)" },
    { "limit", "N", SEALED_NUMBER, &limit,
      "envelopes to fetch at once (100, at most 1000)" },
    { "max-size", "OCTETS", SEALED_NUMBER, &max_size,
      "longest file to accept (1 GiB)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_read = {
    "read",
    "",
    "read a mailbox",
    "Fetches what waits, opens it and shows the sender's name, which an "
    "identity\nauthority vouches for, the hour and the text. Files are "
    "stored under a harmless\nform of their name and never replace one; "
    "those that came in several envelopes\nare put together and compared "
    "with their digest. What cannot be verified is\nreported, not shown. "
    "Envelopes that were sent twice are shown once.\n\n"
    "Without --ack everything stays at the gateway and is shown again next "
    "time.\nWith it envelopes are removed, also unverifiable ones, unless "
    "a page holds no\nverified message at all (that is how a wrong "
    "--identity-authority looks).\n\n"
    "Status 7: something came, nothing of it could be verified.\n\n"
    "Examples:\n"
    "  sealed read --mailbox bob.mailbox --identity bob \\\n"
    "      --identity-authority names.pub --ack\n"
    "  sealed read --mailbox bob.mailbox --identity bob \\\n"
    "      --identity-authority names.pub --follow --ack --json",
    options, 0, 0, 1, run
};


static int
run(unsigned count, char **files)
{
    int               rc;
    sealed_reading_t  r;

    if (mailbox == NULL || identity == NULL || authorities.count == 0) {
        return sealed_fail(SEALED_EXIT_USAGE, "--mailbox, --identity and "
                           "--identity-authority are needed; see sealed "
                           "read --help");
    }

    if (wait_seconds > SEALED_READ_WAIT_MAX
        || limit == 0 || limit > SEALED_READ_LIMIT_MAX || wanted == 0)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--wait is at most %d, --limit "
                           "1 to %d, --count at least 1",
                           SEALED_READ_WAIT_MAX, SEALED_READ_LIMIT_MAX);
    }

    memset(&r, 0, sizeof(r));
    websocket = strcmp(transport, "websocket") == 0;

    if (!websocket && strcmp(transport, "events") != 0
        && strcmp(transport, "plain") != 0)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--transport is events, "
                           "websocket or plain");
    }

    rc = prepare(&r);

    if (rc == 0) {
        rc = follow && strcmp(transport, "plain") != 0 ? read_live(&r)
                                                       : read_all(&r);
    }

    if (rc == 0 && r.handled && r.verified == 0) {
        rc = sealed_fail(SEALED_EXIT_UNPROVEN, "none of %llu envelopes could "
                         "be verified", (unsigned long long) r.handled);
    }

    if (rc == 0 && r.shown == 0 && r.pieces == 0) {
        sealed_remark("Nothing new.");
    }

    sodium_memzero(r.identity.private_key, 32);
    sealed_seen_close(&r.seen);
    sealed_owner_close(&r.owner);
    free(r.authorities);
    free(r.plaintext);

    return rc;
}


static int
prepare(sealed_reading_t *r)
{
    int       rc;
    size_t    largest;
    uint64_t  now;
    unsigned  i;

    r->nauthorities = authorities.count;
    r->authorities = calloc(authorities.count, 32);
    if (r->authorities == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_identity_key_read(&r->identity, identity);

    for (i = 0; rc == 0 && i < authorities.count; i++) {
        rc = sealed_authority_public_read(r->authorities[i],
                                          authorities.item[i]);
    }

    if (rc == 0) {
        rc = check_directory(directory);
    }

    if (rc == 0 && evidence) {
        rc = check_directory(evidence);
    }

    if (rc == 0) {
        rc = sealed_owner_open(&r->owner, mailbox);
    }

    now = (uint64_t) time(NULL);

    if (rc == 0) {
        rc = sealed_seen_open(&r->seen, r->owner.mailbox.id_text, now);
    }

    if (rc) {
        return rc;
    }

    r->evidence = evidence;
    r->inbox.directory = directory;
    r->inbox.max_size = max_size;
    r->inbox.mailbox_id = r->owner.mailbox.id;
    r->inbox.seen = &r->seen;
    r->cursor = after;

    largest = r->owner.gateway.limits.envelope_sizes[
                  r->owner.gateway.limits.nsizes - 1];

    r->plaintext = malloc(largest);
    if (r->plaintext == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    if (limit > PAGE_OCTETS / (largest + PLACE_MAX)) {
        limit = PAGE_OCTETS / (largest + PLACE_MAX);
        limit = limit ? limit : 1;
    }

    return SEALED_EXIT_OK;
}


static int
check_directory(const char *name)
{
    return access(name, W_OK|X_OK) == 0
           ? SEALED_EXIT_OK
           : sealed_fail(SEALED_EXIT_LOCAL, "%s: is no directory that can "
                         "be written to", name);
}


/* page after page until one is empty; with --follow for ever */

static int
read_all(sealed_reading_t *r)
{
    int       rc;
    unsigned  wait, empty, pause;

    wait = follow ? SEALED_READ_WAIT_MAX : (unsigned) wait_seconds;
    pause = 1;

    for ( ;; ) {
        rc = read_page(r, wait, &empty);

        /* a gateway that restarts comes back */

        if (follow && rc == SEALED_EXIT_NETWORK) {
            sealed_remark("Trying again in %u s.", pause);
            sleep(pause);
            pause = pause * 2 < RECONNECT_MAX ? pause * 2 : RECONNECT_MAX;
            continue;
        }

        pause = 1;

        if (rc || r->enough || (empty && !follow)) {
            return rc;
        }

        if (!follow) {
            wait = 0;
        }
    }
}


/* connection after connection, each going on where the one before ended */

static int
read_live(sealed_reading_t *r)
{
    int            rc;
    unsigned       pause;
    sealed_live_t  live;

    memset(&live, 0, sizeof(live));
    live.owner = &r->owner;
    live.take = take_live;
    live.user = r;
    live.item_max = sealed_item_largest(
                        r->owner.gateway.limits.envelope_sizes[
                            r->owner.gateway.limits.nsizes - 1]);
    pause = 1;

    for ( ;; ) {
        live.after = r->cursor;

        rc = websocket ? sealed_live_websocket(&live)
                          : sealed_live_events(&live);

        if (r->enough || (rc && rc != SEALED_EXIT_NETWORK)) {
            return rc;
        }

        if (live.taken) {
            pause = 1;
        }

        if (rc) {
            sealed_remark("Trying again in %u s.", pause);
            sleep(pause);
            pause = pause * 2 < RECONNECT_MAX ? pause * 2 : RECONNECT_MAX;
            continue;
        }

        /* told to come back: when, or soon */

        if (live.retry == 0) {
            live.retry = 300;
        }

        if (live.retry > RETRY_MAX) {
            live.retry = RETRY_MAX;
        }

        usleep((useconds_t) (live.retry % 1000) * 1000);
        sleep((unsigned) (live.retry / 1000));
    }
}


static int
take_live(void *user, const sealed_item_t *item, uint64_t *acknowledged,
    unsigned *enough)
{
    int                rc;
    sealed_reading_t  *r = user;

    if (item->seq && item->seq <= r->cursor) {
        return SEALED_EXIT_OK;
    }

    r->page_verified = 0;

    rc = sealed_reading_item(r, item);
    if (rc) {
        return rc;
    }

    if (item->seq) {
        r->cursor = item->seq;
    }

    r->handled++;
    r->enough = (r->shown >= wanted);
    *enough = r->enough;

    /* what could not be verified goes with the next one that could */

    if (!acknowledge || item->seq == 0 || r->page_verified == 0) {
        return SEALED_EXIT_OK;
    }

    if (websocket) {
        *acknowledged = r->cursor;
        return sealed_seen_acknowledged(&r->seen, r->cursor);
    }

    return sealed_owner_acknowledge(&r->owner, r->cursor, &r->seen);
}


static int
read_page(sealed_reading_t *r, unsigned wait, unsigned *empty)
{
    int                 rc, acknowledged;
    char                query[96];
    size_t              largest;
    uint64_t            n, before;
    sealed_call_t       call;
    sealed_response_t   response;

    n = wanted - r->shown < limit ? wanted - r->shown : limit;
    largest = r->owner.gateway.limits.envelope_sizes[
                  r->owner.gateway.limits.nsizes - 1];

    snprintf(query, sizeof(query), "after=%llu&limit=%llu&wait=%u",
             (unsigned long long) r->cursor, (unsigned long long) n, wait);

    sealed_call_init(&call, "GET");
    sealed_call_mailbox_path(&call, &r->owner.gateway,
                             r->owner.mailbox.id_text, "/envelopes");
    call.query = query;
    call.wait = wait;
    call.max_response = (size_t) n * (largest + PLACE_MAX);

    rc = sealed_call_send(&response, &call, &r->owner.gateway,
                          &r->owner.credential);
    if (rc) {
        return rc;
    }

    *empty = (response.status == 204);
    before = r->cursor;
    r->page_verified = 0;

    if (response.status == 200) {
        rc = handle_page(r, &response);

    } else if (!*empty) {
        rc = sealed_call_refused(&response, "reading");
    }

    sealed_response_free(&response);

    /* also when a later one failed: what was handled is safe */

    if (acknowledge && r->cursor > before) {

        if (r->page_verified == 0) {
            sealed_remark("Nothing there could be verified, so nothing is "
                          "acknowledged; sealed ack removes it.");

        } else {
            acknowledged = sealed_owner_acknowledge(&r->owner, r->cursor,
                                                    &r->seen);
            rc = rc ? rc : acknowledged;
        }
    }

    return rc;
}


static int
handle_page(sealed_reading_t *r, const sealed_response_t *response)
{
    int             rc;
    sealed_item_t   item;
    const uint8_t  *pos, *end;

    pos = response->body;
    end = pos + response->size;

    while (pos < end && !r->enough) {

        if (sealed_item_parse(&item, &pos, end) != 0
            || (item.seq && item.seq <= r->cursor))
        {
            return sealed_fail(SEALED_EXIT_NETWORK, "%s: its answer is not "
                               "understood", r->owner.gateway.url);
        }

        rc = sealed_reading_item(r, &item);
        if (rc) {
            return rc;
        }

        if (item.seq) {
            r->cursor = item.seq;
        }

        r->handled++;
        r->enough = (r->shown >= wanted);
    }

    return SEALED_EXIT_OK;
}
