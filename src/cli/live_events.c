
#include "live.h"
#include "call.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>


enum {
    SILENCE = 300       /* seconds without a heartbeat: it is not there */
};


typedef struct {
    sealed_live_t                *live;
    CURL                         *curl;
    char                         *line;
    size_t                        used;
    size_t                        size;
    uint8_t                      *octets;
    time_t                        heard;
    sealed_response_t             refusal;      /* of another status */
    int                           rc;
} stream_t;


static int perform(stream_t *stream, struct curl_slist *headers,
    const char *url, char *error);
static size_t on_data(char *data, size_t size, size_t count, void *user);
static int on_progress(void *user, curl_off_t total, curl_off_t now,
    curl_off_t up_total, curl_off_t up);
static int end_of_line(stream_t *stream);
static int take(stream_t *stream, sealed_bytes_t text);


int
sealed_live_events(sealed_live_t *live)
{
    int                 rc;
    char                url[SEALED_GATEWAY_URL + SEALED_CALL_PATH + 64];
    char                query[48], error[CURL_ERROR_SIZE];
    stream_t            stream;
    sealed_call_t       call;
    struct curl_slist  *headers, *more;

    memset(&stream, 0, sizeof(stream));
    stream.live = live;
    stream.size = SEALED_BASE64_SIZE(live->item_max) + 64;
    stream.line = malloc(stream.size);
    stream.octets = malloc(live->item_max + 3);
    stream.curl = curl_easy_init();

    live->retry = 0;
    live->taken = 0;

    if (stream.line == NULL || stream.octets == NULL || stream.curl == NULL)
    {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        goto done;
    }

    snprintf(query, sizeof(query), "after=%llu",
             (unsigned long long) live->after);

    sealed_call_init(&call, "GET");
    sealed_call_mailbox_path(&call, &live->owner->gateway,
                             live->owner->mailbox.id_text, "/envelopes");
    call.query = query;

    rc = sealed_call_headers(&headers, &call, &live->owner->gateway,
                             &live->owner->credential);
    if (rc) {
        goto done;
    }

    more = curl_slist_append(headers, "Accept: text/event-stream");

    if (more == NULL) {
        curl_slist_free_all(headers);
        rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        goto done;
    }

    snprintf(url, sizeof(url), "%s%s?%s", live->owner->gateway.url, call.path,
             query);

    rc = perform(&stream, more, url, error);
    curl_slist_free_all(more);

    if (rc == SEALED_EXIT_NETWORK) {
        sealed_fail(rc, "%s: %s", live->owner->gateway.url, error);
    }

done:

    if (stream.curl) {
        curl_easy_cleanup(stream.curl);
    }

    sealed_response_free(&stream.refusal);
    free(stream.line);
    free(stream.octets);

    return rc;
}


static int
perform(stream_t *stream, struct curl_slist *headers, const char *url,
    char *error)
{
    CURL      *curl;
    long       status;
    CURLcode   rc;

    curl = stream->curl;
    stream->heard = time(NULL);
    error[0] = '\0';

    sealed_http_options(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, stream);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, stream);

    rc = curl_easy_perform(curl);

    if (stream->rc || stream->live->enough) {
        return stream->rc;
    }

    if (rc != CURLE_OK) {

        if (error[0] == '\0') {
            snprintf(error, CURL_ERROR_SIZE, "%s",
                     rc == CURLE_ABORTED_BY_CALLBACK
                     ? "nothing was heard for too long"
                     : curl_easy_strerror(rc));
        }

        return SEALED_EXIT_NETWORK;
    }

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);

    switch (status) {

    case 200:
        return SEALED_EXIT_OK;

    case 409:
    case 503:

        /* another nonce, or when there is room again */

        stream->live->retry = status == 409 ? 1 : 3000;
        return SEALED_EXIT_OK;

    default:
        stream->refusal.status = (unsigned) status;
        stream->refusal.retry_after = SEALED_UNSET;
        return sealed_call_refused(&stream->refusal, "reading");
    }
}


static size_t
on_data(char *data, size_t size, size_t count, void *user)
{
    char       *body;
    long        status;
    size_t      i;
    stream_t   *stream = user;

    count *= size;
    stream->heard = time(NULL);

    curl_easy_getinfo(stream->curl, CURLINFO_RESPONSE_CODE, &status);

    if (status != 200) {

        /* a problem document */

        if (stream->refusal.size + count > 4096) {
            return 0;
        }

        body = realloc(stream->refusal.body, stream->refusal.size + count);
        if (body == NULL) {
            return 0;
        }

        memcpy(body + stream->refusal.size, data, count);
        stream->refusal.body = (uint8_t *) body;
        stream->refusal.size += count;

        return count;
    }

    for (i = 0; i < count; i++) {

        if (data[i] == '\n') {
            stream->rc = end_of_line(stream);
            stream->used = 0;

            if (stream->rc || stream->live->enough) {
                return 0;
            }

        } else if (stream->used < stream->size) {
            stream->line[stream->used++] = data[i];

        } else {
            stream->rc = sealed_fail(SEALED_EXIT_NETWORK,
                                     "%s: its answer is not understood",
                                     stream->live->owner->gateway.url);
            return 0;
        }
    }

    return count;
}


static int
on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total,
    curl_off_t up)
{
    stream_t  *stream = user;

    return time(NULL) - stream->heard > SILENCE;
}


/* of the fields of an event this protocol has only these two that matter */

static int
end_of_line(stream_t *stream)
{
    uint64_t        value;
    sealed_bytes_t  text;

    text.data = (const uint8_t *) stream->line;
    text.size = stream->used;

    if (text.size > 6 && memcmp(text.data, "data: ", 6) == 0) {
        text.data += 6;
        text.size -= 6;

        return take(stream, text);
    }

    if (text.size > 7 && memcmp(text.data, "retry: ", 7) == 0) {
        text.data += 7;
        text.size -= 7;

        if (sealed_decimal_decode(&value, text) == 0) {
            stream->live->retry = value;
        }
    }

    return SEALED_EXIT_OK;
}


static int
take(stream_t *stream, sealed_bytes_t text)
{
    size_t          size;
    uint64_t        acknowledge;
    const uint8_t  *pos;
    sealed_item_t   item;
    sealed_live_t  *live;

    live = stream->live;
    pos = stream->octets;

    if (sealed_base64_decode(stream->octets, live->item_max, &size, text) != 0
        || sealed_item_parse(&item, &pos, stream->octets + size) != 0
        || pos != stream->octets + size)
    {
        return sealed_fail(SEALED_EXIT_NETWORK,
                           "%s: its answer is not understood",
                           live->owner->gateway.url);
    }

    live->taken++;
    acknowledge = 0;

    return live->take(live->user, &item, &acknowledge, &live->enough);
}
