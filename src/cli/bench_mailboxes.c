
#include "commands.h"
#include "file.h"
#include "key_file.h"
#include "output.h"
#include "prepared.h"
#include "replay.h"
#include "../mailbox_address.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


enum {
    MAILBOXES_MAX       = 100000000,
    PER_OPENER_MAX      = 65535,
    CONNECTIONS_DEFAULT = 32
};


/* a connection's own, so that its nonces arrive in order */

typedef struct {
    sealed_sender_t               sender;
    uint64_t                      used;
    char                          head[SEALED_PREPARED_HEAD_MAX];
} opener_t;


typedef struct {
    sealed_prepared_t             request;
    opener_t                     *opener;
    uint8_t                       authority[64];
    const uint8_t                *exchange_key;
    const char                   *prefix;
    uint8_t                      *ids;
    uint64_t                      made;
} openings_t;


static int run(unsigned number, char **files);
static int open_mailboxes(sealed_gateway_t *gateway, const char *file);
static int next_opening(void *data, unsigned connection,
    sealed_bytes_t *head, sealed_bytes_t *body);


static const char  *authority;
static uint64_t     class = SEALED_UNSET, count = SEALED_UNSET;
static uint64_t     each = 1, connections = CONNECTIONS_DEFAULT;


static const sealed_option_t  options[] = {
    { "authority", "FILE", SEALED_TEXT, &authority,
      "the authority's secret key" },
    { "class", "N", SEALED_NUMBER, &class,
      "a class that may open mailboxes" },
    { "count", "N", SEALED_NUMBER, &count,
      "how many" },
    { "each", "N", SEALED_NUMBER, &each,
      "mailboxes that the class may open with a certificate (1)" },
    { "connections", "N", SEALED_NUMBER, &connections,
      "at once, 1 to 128 (32)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_bench_mailboxes = {
    "bench mailboxes",
    "FILE",
    "open mailboxes in bulk",
    "Opens mailboxes that nobody will ever read and writes their ids to "
    "FILE, 16 octets\neach. Certificates for opening are made as needed.\n\n"
    "Example:\n"
    "  sealed bench mailboxes --authority issuer --class 1 --each 1000 "
    "--count 100000 ids",
    options, 1, 1, 1, run
};


static int
run(unsigned number, char **files)
{
    int               rc;
    sealed_gateway_t  gateway;

    if (authority == NULL || class > UINT8_MAX || count == 0
        || count > MAILBOXES_MAX)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--authority FILE, --class N "
                           "(0 to 255) and --count N (1 to %d) are needed",
                           MAILBOXES_MAX);
    }

    if (each == 0 || each > PER_OPENER_MAX
        || connections == 0 || connections > SEALED_REPLAY_CONNECTIONS_MAX)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--each: 1 to %d; "
                           "--connections: 1 to %d", PER_OPENER_MAX,
                           SEALED_REPLAY_CONNECTIONS_MAX);
    }

    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {
        rc = open_mailboxes(&gateway, files[0]);
    }

    sealed_gateway_close(&gateway);

    return rc;
}


static int
open_mailboxes(sealed_gateway_t *gateway, const char *file)
{
    int              rc;
    openings_t       openings;
    sealed_replay_t  replay;

    memset(&openings, 0, sizeof(openings));
    memset(&replay, 0, sizeof(replay));

    openings.request.method = "PUT";
    openings.request.host = strstr(gateway->url, "://") + 3;
    openings.exchange_key = gateway->exchange_key;
    openings.prefix = gateway->prefix;

    rc = sealed_authority_secret_read(openings.authority, authority);

    if (rc == 0) {
        openings.ids = malloc(count * SEALED_MAILBOX_ID_SIZE);
        openings.opener = calloc(connections, sizeof(opener_t));

        if (openings.ids == NULL || openings.opener == NULL) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        }
    }

    if (rc == 0) {
        replay.url = gateway->url;
        replay.connections = (unsigned) connections;
        replay.label = "mailboxes";
        replay.total = count;
        replay.next = next_opening;
        replay.data = &openings;

        rc = sealed_replay(&replay);
    }

    if (rc == 0) {
        rc = sealed_replay_report(&replay);
    }

    if (rc == 0 && replay.answers != count) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "a certificate or a request "
                         "could not be made");
    }

    if (rc == 0) {
        rc = sealed_file_replace(file, openings.ids,
                                 count * SEALED_MAILBOX_ID_SIZE,
                                 SEALED_FILE_PUBLIC);
    }

    sodium_memzero(openings.authority, sizeof(openings.authority));
    free(openings.ids);
    free(openings.opener);

    return rc;
}


/*
 * Any octets are an owner's public key; whose private key nobody knows.  The
 * gateway cannot tell, and it costs less here.
 */

static int
next_opening(void *data, unsigned connection, sealed_bytes_t *head,
    sealed_bytes_t *body)
{
    char        path[SEALED_GATEWAY_PREFIX + 64], *end;
    char        key[SEALED_BYTE_SEQUENCE_SIZE(32) + 1];
    uint8_t     owner[32], *id;
    opener_t   *opener;
    openings_t *openings;

    openings = data;
    opener = &openings->opener[connection];

    if (openings->made == count) {
        return 0;
    }

    if (opener->used++ % each == 0
        && sealed_sender_make(&opener->sender, (unsigned) class,
                              openings->authority, openings->exchange_key)
           != 0)
    {
        return 0;
    }

    id = openings->ids + openings->made++ * SEALED_MAILBOX_ID_SIZE;

    randombytes_buf(owner, sizeof(owner));
    sealed_mailbox_id(id, owner);

    end = path + snprintf(path, sizeof(path), "%s/mailboxes/",
                          openings->prefix);
    *sealed_base64url_encode(end, id, SEALED_MAILBOX_ID_SIZE) = '\0';
    *sealed_byte_sequence_encode(key, owner, sizeof(owner)) = '\0';

    openings->request.path = path;
    openings->request.mailbox_key = key;

    head->data = (const uint8_t *) opener->head;
    head->size = sealed_prepared_head(opener->head, &openings->request,
                                      &opener->sender, (uint64_t) time(NULL));
    body->data = NULL;
    body->size = 0;

    return head->size != 0;
}
