
#include "commands.h"
#include "file.h"
#include "output.h"
#include "prepared.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


enum {
    COUNT_MAX      = 10000000,
    BODIES_MAX     = 1000000,
    BODIES_DEFAULT = 64,
    IDS_MAX        = 100000000
};


#define OCTETS_TYPE  "application/octet-stream"
#define FANOUT_TYPE  "application/vnd.sealed-sender.fanout+cbor"


typedef struct {
    sealed_prepared_t             request;
    char                        (*digest)[SEALED_CONTENT_DIGEST_SIZE + 1];
    uint32_t                      bodies;
    const uint8_t                *id;
    uint32_t                      ids;
    const char                   *prefix;
} work_t;


static int run(unsigned number, char **files);
static int check_options(const sealed_gateway_t *gateway);
static int write_requests(const char *file, work_t *work,
    sealed_senders_t *senders);
static int write_bodies(FILE *file, work_t *work);
static void choose_recipients(uint8_t *out, uint32_t *chosen,
    uint32_t round, const work_t *work);
static int write_heads(FILE *file, work_t *work, sealed_senders_t *senders);


static const char  *certificates, *mailboxes, *path;
static uint64_t     count = SEALED_UNSET, recipients = 0, size = 1024;
static uint64_t     slice = 0, bodies = BODIES_DEFAULT;


static const sealed_option_t  options[] = {
    { "certificates", "FILE", SEALED_TEXT, &certificates,
      "from \"bench certificates\"; used in turn, nonces move on" },
    { "mailboxes", "FILE", SEALED_TEXT, &mailboxes,
      "from \"bench mailboxes\"; chosen at random" },
    { "count", "N", SEALED_NUMBER, &count,
      "how many requests" },
    { "recipients", "N", SEALED_NUMBER, &recipients,
      "fan-outs to so many mailboxes, not single sends" },
    { "size", "N", SEALED_NUMBER, &size,
      "octets of an envelope's body (1024)" },
    { "slice", "N", SEALED_NUMBER, &slice,
      "octets of header for each recipient of a fan-out (0)" },
    { "bodies", "N", SEALED_NUMBER, &bodies,
      "different bodies among the requests (64)" },
    { "path", "PATH", SEALED_TEXT, &path,
      "POST there instead, where sealed_access checks" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_bench_requests = {
    "bench requests",
    "FILE",
    "prepare signed requests",
    "Writes signed requests to FILE, complete and as of now, for \"bench "
    "replay\" or\nanother load generator. A gateway takes them for five "
    "minutes, each once. The\nformat: \"sealed requests\" and a line feed, "
    "number of bodies, number of requests;\nfor each body its size and its "
    "octets; for each request the number of its body,\nthe size of line and "
    "headers, and those; integers of four octets, big-endian.\n\n"
    "Example:\n"
    "  sealed bench requests --certificates senders --mailboxes ids "
    "\\\n"
    "      --recipients 1000 --bodies 256 --count 20000 requests",
    options, 1, 1, 1, run
};


static int
run(unsigned number, char **files)
{
    int               rc;
    char             *text;
    size_t            octets;
    work_t            work;
    sealed_gateway_t  gateway;
    sealed_senders_t  senders;

    memset(&senders, 0, sizeof(senders));
    memset(&work, 0, sizeof(work));
    text = NULL;

    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {
        rc = check_options(&gateway);
    }

    if (rc == 0) {
        rc = sealed_senders_read(&senders, certificates);
    }

    if (rc == 0 && mailboxes) {
        rc = sealed_file_read(&text, &octets, mailboxes,
                              (size_t) IDS_MAX * SEALED_MAILBOX_ID_SIZE,
                              SEALED_FILE_PUBLIC);

        if (rc == 0) {
            work.id = (const uint8_t *) text;
            work.ids = (uint32_t) (octets / SEALED_MAILBOX_ID_SIZE);
        }

        if (rc == 0 && (work.ids == 0 || work.ids < recipients)) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: has fewer mailboxes "
                             "than recipients are wanted", mailboxes);
        }
    }

    if (rc == 0) {
        work.request.method = "POST";
        work.request.host = strstr(gateway.url, "://") + 3;
        work.request.content_type = recipients ? FANOUT_TYPE : OCTETS_TYPE;
        work.prefix = gateway.prefix;
        work.bodies = (uint32_t) (bodies < count ? bodies : count);

        rc = write_requests(files[0], &work, &senders);
    }

    /* before anybody can send a nonce twice */

    if (rc == 0) {
        rc = sealed_senders_write(&senders, certificates);
    }

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(json_pack("{s:I}", "requests", (json_int_t) count));

        } else {
            printf("%llu requests in %s\n", (unsigned long long) count,
                   files[0]);
        }
    }

    free(text);
    sealed_senders_free(&senders);
    sealed_gateway_close(&gateway);

    return rc;
}


static int
check_options(const sealed_gateway_t *gateway)
{
    if (certificates == NULL || (mailboxes == NULL) == (path == NULL)
        || (path && (recipients || path[0] != '/')))
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--certificates FILE and "
                           "--mailboxes FILE, or a --path without "
                           "--recipients, are needed");
    }

    if (count == 0 || count > COUNT_MAX || bodies == 0
        || bodies > BODIES_MAX)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--count: 1 to %d; --bodies: "
                           "1 to %d", COUNT_MAX, BODIES_MAX);
    }

    if (recipients > gateway->limits.max_recipients
        || slice > gateway->max_header
        || !sealed_envelope_size_allowed(&gateway->limits, size))
    {
        return sealed_fail(SEALED_EXIT_USAGE, "the gateway takes %u "
                           "recipients, slices of %u octets, and not every "
                           "--size (see sealed status)",
                           gateway->limits.max_recipients,
                           gateway->max_header);
    }

    return SEALED_EXIT_OK;
}


static int
write_requests(const char *file, work_t *work, sealed_senders_t *senders)
{
    int    rc;
    FILE  *out;

    work->digest = calloc(work->bodies, SEALED_CONTENT_DIGEST_SIZE + 1);
    if (work->digest == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    out = fopen(file, "we");
    if (out == NULL) {
        free(work->digest);
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                           strerror(errno));
    }

    sealed_prepared_begin(out, work->bodies, (uint32_t) count);

    rc = write_bodies(out, work);

    if (rc == 0) {
        rc = write_heads(out, work, senders);
    }

    if (ferror(out) + fclose(out) != 0 && rc == 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: could not be written",
                         file);
    }

    free(work->digest);

    return rc;
}


static int
write_bodies(FILE *file, work_t *work)
{
    size_t           octets;
    uint8_t         *data, *body;
    uint32_t         i, *chosen;
    sealed_bytes_t   bytes;
    sealed_fanout_t  fanout;

    memset(&fanout, 0, sizeof(fanout));

    octets = (size_t) (size + recipients * (SEALED_MAILBOX_ID_SIZE + slice));
    data = calloc(2, octets + 64);
    chosen = calloc(work->ids + (size_t) 1, sizeof(uint32_t));

    if (data == NULL || chosen == NULL) {
        free(data);
        free(chosen);
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    body = data + octets + 64;

    for (i = 0; i < work->bodies; i++) {
        randombytes_buf(data, octets);

        bytes.data = data;
        bytes.size = (size_t) size;

        if (recipients) {
            choose_recipients(data + size, chosen, i + 1, work);

            fanout.body = bytes;
            fanout.recipients = data + size;
            fanout.count = (uint32_t) recipients;
            fanout.headers = fanout.recipients
                             + recipients * SEALED_MAILBOX_ID_SIZE;
            fanout.slice_size = (uint32_t) slice;

            bytes.data = body;
            bytes.size = sealed_fanout_encode(body, &fanout);
        }

        sealed_prepared_body(&work->request, bytes);
        memcpy(work->digest[i], work->request.digest,
               sizeof(work->request.digest));

        sealed_prepared_add_body(file, bytes);
    }

    free(data);
    free(chosen);

    return SEALED_EXIT_OK;
}


/* all different: chosen tells in which round one was taken last */

static void
choose_recipients(uint8_t *out, uint32_t *chosen, uint32_t round,
    const work_t *work)
{
    uint32_t  i, n;

    for (i = 0; i < recipients; i++) {

        do {
            n = randombytes_uniform(work->ids);
        } while (chosen[n] == round);

        chosen[n] = round;
        memcpy(out + (size_t) i * SEALED_MAILBOX_ID_SIZE,
               work->id + (size_t) n * SEALED_MAILBOX_ID_SIZE,
               SEALED_MAILBOX_ID_SIZE);
    }
}


static int
write_heads(FILE *file, work_t *work, sealed_senders_t *senders)
{
    char             place[SEALED_GATEWAY_PREFIX + 64], *end;
    char             head[SEALED_PREPARED_HEAD_MAX];
    size_t           octets;
    uint64_t         i, now;
    uint32_t         body;
    const uint8_t   *id;

    snprintf(place, sizeof(place), "%s/envelopes", work->prefix);
    work->request.path = path ? path : place;

    now = (uint64_t) time(NULL);

    for (i = 0; i < count; i++) {

        if (path == NULL && recipients == 0) {
            id = work->id + (size_t) randombytes_uniform(work->ids)
                            * SEALED_MAILBOX_ID_SIZE;

            end = place + snprintf(place, sizeof(place), "%s/mailboxes/",
                                   work->prefix);
            end = sealed_base64url_encode(end, id, SEALED_MAILBOX_ID_SIZE);
            strcpy(end, "/envelopes");
        }

        body = (uint32_t) (i % work->bodies);
        memcpy(work->request.digest, work->digest[body],
               sizeof(work->request.digest));

        octets = sealed_prepared_head(head, &work->request,
                                      &senders->sender[i % senders->count],
                                      now);
        if (octets == 0) {
            return sealed_fail(SEALED_EXIT_USAGE, "--path: is too long");
        }

        sealed_prepared_add_request(file, body, head, octets);
    }

    return SEALED_EXIT_OK;
}
