
#include "account.h"
#include "call.h"
#include "commands.h"
#include "output.h"
#include "stock.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sodium.h>


typedef struct {
    struct curl_slist            *account;
    uint64_t                      drawn;        /* certificates */
} sealed_drawing_t;


static int run(unsigned count, char **files);
static int list_stock(void);
static int draw_missing(sealed_drawing_t *d, unsigned next,
    uint64_t *epoch_seconds);
static int draw_class(sealed_drawing_t *d, sealed_gateway_t *gateway,
    const char *use, const char *class, unsigned next);
static int draw(sealed_drawing_t *d, sealed_gateway_t *gateway,
    const sealed_batch_t *batch);
static int request(sealed_response_t *response, sealed_gateway_t *gateway,
    const sealed_batch_t *batch, sealed_drawing_t *d, sealed_bytes_t body);
static void wait_randomly(uint64_t most);
static void wait_for_epoch(uint64_t epoch_seconds);


static const char     *account;
static uint64_t        batch_count = 8, delay;
static unsigned        follow;
static sealed_list_t   senders, openers;


static const sealed_option_t  options[] = {
    { "account", "FILE", SEALED_TEXT, &account,
      "credentials: \"name:password\" or \"Header: value\"" },
    { "send", "CLASS", SEALED_LIST, &senders,
      "draw certificates of this class, to send with" },
    { "open", "CLASS", SEALED_LIST, &openers,
      "draw certificates of this class, to open mailboxes" },
    { "count", "N", SEALED_NUMBER, &batch_count,
      "how many of each class and epoch (8), the whole quota" },
    { "delay", "TIME", SEALED_DURATION, &delay,
      "wait a random time first, at most so long" },
    { "follow", NULL, SEALED_FLAG, &follow,
      "stay, and draw ahead in every epoch, at a random time" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_certificates = {
    "certificates",
    "",
    "draw blind certificates, or show what is there",
    "Draws sender certificates in the name of an account, in such a way that "
    "nobody,\nthe gateway included, can tell later which account drew one: a "
    "batch of the same\nsize for this epoch, if there is none, and one for "
    "the next. They are kept in\nstock; sealed send takes one for each "
    "conversation, sealed open one for each\nmailbox, over connections of "
    "their own.\n\n"
    "Draw at a random time ahead of need, in every epoch, all that the "
    "account may\nhave: who draws one and uses it at once can be recognised "
    "by that. With --follow\nthis happens by itself; from cron use "
    "--delay.\n\n"
    "What is not proved to come from the gateway's one issuer key, known "
    "from --pin or\nthe first use, is refused.\n\n"
    "Without --account it shows what is in stock.\n\n"
    "Examples:\n"
    "  sealed certificates --gateway https://issue.example --account me \\\n"
    "      --send verified --open opener --follow\n"
    "  sealed certificates",
    options, 0, 0, 1, run
};


static int
run(unsigned count, char **files)
{
    int               rc;
    uint64_t          seconds;
    sealed_drawing_t  d;

    if (account == NULL) {
        return senders.count + openers.count
               ? sealed_fail(SEALED_EXIT_USAGE, "--account is needed; see "
                             "sealed certificates --help")
               : list_stock();
    }

    if (senders.count + openers.count == 0
        || batch_count == 0 || batch_count > SEALED_MAX_BATCH)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--send or --open is needed, "
                           "and --count is 1 to %d", SEALED_MAX_BATCH);
    }

    memset(&d, 0, sizeof(d));

    rc = sealed_account_header(&d.account, account);

    if (rc == 0) {
        wait_randomly(delay);
    }

    /* this epoch's too, where there is none: somebody has to begin */

    if (rc == 0) {
        rc = draw_missing(&d, 0, &seconds);
    }

    if (rc == 0 && follow) {
        wait_randomly(seconds - (uint64_t) time(NULL) % seconds);
    }

    if (rc == 0) {
        rc = draw_missing(&d, 1, &seconds);
    }

    while (follow && (rc == 0 || rc == SEALED_EXIT_NETWORK)) {

        if (rc == 0) {
            wait_for_epoch(seconds);
        }

        wait_randomly(rc ? 600
                         : seconds - (uint64_t) time(NULL) % seconds);
        rc = draw_missing(&d, 1, &seconds);
    }

    sealed_account_forget(d.account);

    if (rc == 0 && !sealed_common.json) {
        printf("%llu certificates drawn\n", (unsigned long long) d.drawn);

    } else if (rc == 0) {
        sealed_emit(json_pack("{s:I}", "drawn", (json_int_t) d.drawn));
    }

    return rc;
}


static int
list_stock(void)
{
    int                rc;
    char               when[SEALED_TIME_TEXT];
    size_t             i;
    json_t            *list, *batch;
    sealed_gateway_t   gateway;

    list = NULL;
    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {
        rc = sealed_stock_list(&list, &gateway, (uint64_t) time(NULL));
    }

    if (rc == 0 && sealed_common.json) {
        sealed_emit(json_pack("{s:O}", "batches", list));

    } else if (rc == 0) {

        json_array_foreach(list, i, batch) {
            sealed_format_time(when, (uint64_t) json_integer_value(
                                         json_object_get(batch, "ends")));
            printf("%s %s: epoch %lld, %lld fresh, %lld taken, until %s\n",
                   json_string_value(json_object_get(batch, "use")),
                   json_string_value(json_object_get(batch, "class")),
                   (long long) json_integer_value(
                       json_object_get(batch, "epoch")),
                   (long long) json_integer_value(
                       json_object_get(batch, "fresh")),
                   (long long) json_integer_value(
                       json_object_get(batch, "taken")), when);
        }

        if (json_array_size(list) == 0) {
            sealed_remark("None in stock.");
        }
    }

    json_decref(list);
    sealed_gateway_close(&gateway);

    return rc;
}


/* all classes, each over the connection of this call and no other */

static int
draw_missing(sealed_drawing_t *d, unsigned next, uint64_t *epoch_seconds)
{
    int               rc;
    unsigned          i;
    sealed_gateway_t  gateway;

    rc = sealed_gateway_connect(&gateway, NULL);
    *epoch_seconds = gateway.pinned.epoch_seconds;

    if (rc == 0) {
        rc = sealed_gateway_issues(&gateway);
    }

    for (i = 0; rc == 0 && i < senders.count; i++) {
        rc = draw_class(d, &gateway, "send", senders.item[i], next);
    }

    for (i = 0; rc == 0 && i < openers.count; i++) {
        rc = draw_class(d, &gateway, "open", openers.item[i], next);
    }

    sealed_gateway_close(&gateway);

    return rc;
}


static int
draw_class(sealed_drawing_t *d, sealed_gateway_t *gateway, const char *use,
    const char *class, unsigned next)
{
    int             rc;
    unsigned        there;
    sealed_batch_t  batch;

    batch.use = use;
    batch.class = class;

    rc = sealed_gateway_class(&batch.number, gateway, class);
    if (rc) {
        return rc;
    }

    /* by this machine's clock, never by what the gateway says */

    batch.epoch = (uint32_t) ((uint64_t) time(NULL)
                              / gateway->pinned.epoch_seconds) + next;

    rc = sealed_stock_has(&there, gateway, &batch);

    return rc || there ? rc : draw(d, gateway, &batch);
}


static int
draw(sealed_drawing_t *d, sealed_gateway_t *gateway,
    const sealed_batch_t *batch)
{
    int                   rc;
    uint8_t               body[SEALED_ISSUANCE_REQUEST_SIZE(SEALED_MAX_BATCH)];
    unsigned              n;
    uint64_t              overlap;
    sealed_bytes_t        sent, answer;
    sealed_response_t     response;
    sealed_blind_draw_t   draws[SEALED_MAX_BATCH];

    n = (unsigned) (batch_count < gateway->max_batch ? batch_count
                                                     : gateway->max_batch);
    sent.data = body;
    sent.size = SEALED_ISSUANCE_REQUEST_SIZE(n);

    if (sealed_issuance_draw(draws, body, n) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "drawing failed");
    }

    rc = request(&response, gateway, batch, d, sent);

    if (rc == 0) {
        answer.data = response.body;
        answer.size = response.size;

        if (sealed_issuance_accept(draws, n, sent, answer,
                                   gateway->pinned.issuer_key,
                                   batch->number, batch->epoch)
            != 0)
        {
            rc = sealed_fail(SEALED_EXIT_PIN, "%s cannot prove that these "
                             "certificates are like everybody's: another "
                             "issuer key, class or epoch. None of them is "
                             "kept. Tell others, and ask its operator",
                             gateway->url);
        }

        sealed_response_free(&response);
    }

    if (rc == 0) {
        overlap = (uint64_t) json_integer_value(
                      json_object_get(gateway->discovery,
                                      "epoch_overlap_seconds"));
        rc = sealed_stock_add(gateway, batch, draws, n,
                              ((uint64_t) batch->epoch + 1)
                              * gateway->pinned.epoch_seconds + overlap);
    }

    if (rc == 0) {
        d->drawn += n;
    }

    sodium_memzero(draws, sizeof(draws));

    return rc;
}


static int
request(sealed_response_t *response, sealed_gateway_t *gateway,
    const sealed_batch_t *batch, sealed_drawing_t *d, sealed_bytes_t body)
{
    int            rc;
    char           query[64];
    sealed_call_t  call;

    snprintf(query, sizeof(query), "class=%u&epoch=%lu", batch->number,
             (unsigned long) batch->epoch);

    sealed_call_init(&call, "POST");
    snprintf(call.path, sizeof(call.path), "%s/certificates",
             gateway->prefix);
    call.query = query;
    call.body = body;
    call.content_type = SEALED_ISSUANCE_TYPE;
    call.more = d->account;

    /* again would be charged again */

    call.once = 1;

    rc = sealed_call_send(response, &call, gateway, NULL);
    if (rc) {
        return rc;
    }

    if (response->status != 200) {
        rc = response->status == 401 || response->status == 403
             ? sealed_fail(SEALED_EXIT_REFUSED, "drawing certificates was "
                           "refused: %u, the account's credentials",
                           response->status)
             : sealed_call_refused(response, "drawing certificates");
        sealed_response_free(response);
    }

    return rc;
}


static void
wait_randomly(uint64_t most)
{
    uint64_t  seconds;

    if (most == 0) {
        return;
    }

    seconds = randombytes_uniform(most < UINT32_MAX ? (uint32_t) most
                                                    : UINT32_MAX);
    sealed_detail("waiting %llu s", (unsigned long long) seconds);

    while (seconds) {
        seconds = sleep((unsigned) seconds);
    }
}


static void
wait_for_epoch(uint64_t epoch_seconds)
{
    uint64_t  end;

    end = ((uint64_t) time(NULL) / epoch_seconds + 1) * epoch_seconds;

    while ((uint64_t) time(NULL) < end) {
        (void) sleep((unsigned) (end - (uint64_t) time(NULL)));
    }
}
