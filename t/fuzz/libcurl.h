
/*
 * A libcurl whose network is the input.  Answers follow one another, each
 * ends with a zero octet:
 *
 *     HTTP/1.1 200 OK CRLF name: value CRLF CRLF body
 *
 * A connection that breaks is an answer without a status.  What is left of
 * the input can be received by who only connects.
 */

#ifndef SEALED_FUZZ_LIBCURL_H
#define SEALED_FUZZ_LIBCURL_H


#include "command.h"

#include <stdarg.h>
#include <curl/curl.h>


/* the macros check types */
#undef curl_easy_setopt
#undef curl_easy_getinfo


typedef struct {
    curl_write_callback         body;
    void                       *body_data;
    curl_write_callback         header;
    void                       *header_data;
    curl_xferinfo_callback      progress;
    void                       *progress_data;
    long                        connect_only;
    long                        status;
} handle_t;


static const uint8_t  *network, *network_end;
static int             network_fd = -1;
static unsigned        network_stops;       /* at which sending, from 1 on */
static CURLcode        network_error;       /* what it says then */


static inline void
begin_network(const uint8_t *pos, const uint8_t *end)
{
    network = pos;
    network_end = end;
    network_stops = 0;

    /* always ready */

    if (network_fd == -1) {
        network_fd = open("/dev/null", O_RDWR);
        CHECK(network_fd != -1);
    }
}


CURLcode
curl_global_init(long flags)
{
    return CURLE_OK;
}


void
curl_global_cleanup(void)
{
}


CURL *
curl_easy_init(void)
{
    return calloc(1, sizeof(handle_t));
}


void
curl_easy_cleanup(CURL *curl)
{
    free(curl);
}


void
curl_easy_reset(CURL *curl)
{
    memset(curl, 0, sizeof(handle_t));
}


const char *
curl_easy_strerror(CURLcode code)
{
    return "the network";
}


CURLcode
curl_easy_setopt(CURL *curl, CURLoption option, ...)
{
    va_list    args;
    handle_t  *handle = curl;

    va_start(args, option);

    switch (option) {

    case CURLOPT_WRITEFUNCTION:
        handle->body = va_arg(args, curl_write_callback);
        break;

    case CURLOPT_WRITEDATA:
        handle->body_data = va_arg(args, void *);
        break;

    case CURLOPT_HEADERFUNCTION:
        handle->header = va_arg(args, curl_write_callback);
        break;

    case CURLOPT_HEADERDATA:
        handle->header_data = va_arg(args, void *);
        break;

    case CURLOPT_XFERINFOFUNCTION:
        handle->progress = va_arg(args, curl_xferinfo_callback);
        break;

    case CURLOPT_XFERINFODATA:
        handle->progress_data = va_arg(args, void *);
        break;

    case CURLOPT_CONNECT_ONLY:
        handle->connect_only = va_arg(args, long);
        break;

    default:
        break;
    }

    va_end(args);

    return CURLE_OK;
}


CURLcode
curl_easy_getinfo(CURL *curl, CURLINFO info, ...)
{
    va_list    args;
    handle_t  *handle = curl;

    va_start(args, info);

    switch (info) {

    case CURLINFO_RESPONSE_CODE:
        *va_arg(args, long *) = handle->status;
        break;

    case CURLINFO_HTTP_VERSION:
        *va_arg(args, long *) = CURL_HTTP_VERSION_1_1;
        break;

    default: /* CURLINFO_ACTIVESOCKET */
        *va_arg(args, curl_socket_t *) = network_fd;
    }

    va_end(args);

    return CURLE_OK;
}


/* a copy, so that nothing beyond it is read without being seen */

static int
hand_over(curl_write_callback to, void *user, const uint8_t *data,
    size_t size)
{
    size_t          taken;
    sealed_bytes_t  part;

    if (to == NULL || size == 0) {
        return 0;
    }

    part = copy(data, size);
    taken = to((char *) part.data, 1, size, user);
    free_copy(part);

    return taken == size ? 0 : -1;
}


/* of three digits */

static long
status(const uint8_t *digits)
{
    long      n;
    unsigned  i;

    n = 0;

    for (i = 0; i < 3; i++) {
        n = n * 10 + (digits[i] - '0') % 10;
    }

    return n < 0 ? -n : n;
}


CURLcode
curl_easy_perform(CURL *curl)
{
    size_t          size, part;
    handle_t       *handle = curl;
    const uint8_t  *pos, *end, *lf;

    if (handle->connect_only) {
        return CURLE_OK;
    }

    end = memchr(network, 0, (size_t) (network_end - network));
    end = end ? end : network_end;
    pos = network;
    network = end < network_end ? end + 1 : end;

    if (end - pos < 12 || memcmp(pos, "HTTP/1.1 ", 9) != 0) {
        return CURLE_COULDNT_CONNECT;
    }

    handle->status = status(pos + 9);

    do {
        lf = memchr(pos, '\n', (size_t) (end - pos));
        size = (size_t) ((lf ? lf + 1 : end) - pos);

        if (hand_over(handle->header, handle->header_data, pos, size) != 0) {
            return CURLE_WRITE_ERROR;
        }

        pos += size;

    } while (pos < end && size > 2);

    /* in parts as they come */

    for (/* void */; pos < end; pos += part) {
        size = (size_t) (end - pos);
        part = 1 + (size_t) pos[0] * 8;
        part = part < size ? part : size;

        if (hand_over(handle->body, handle->body_data, pos, part) != 0) {
            return CURLE_WRITE_ERROR;
        }

        if (handle->progress
            && handle->progress(handle->progress_data, 0, 0, 0, 0) != 0)
        {
            return CURLE_ABORTED_BY_CALLBACK;
        }
    }

    return CURLE_OK;
}


CURLcode
curl_easy_send(CURL *curl, const void *data, size_t size, size_t *sent)
{
    *sent = 0;

    if (network_stops && --network_stops == 0) {
        return network_error;
    }

    *sent = size;

    return CURLE_OK;
}


/* as many octets as the first one says; 0: come back */

CURLcode
curl_easy_recv(CURL *curl, void *out, size_t room, size_t *size)
{
    size_t  n;

    *size = 0;

    if (network == network_end) {
        return CURLE_OK;
    }

    n = *network++;

    if (n == 0) {
        return CURLE_AGAIN;
    }

    n = n < room ? n : room;
    n = n < (size_t) (network_end - network)
        ? n : (size_t) (network_end - network);
    memcpy(out, network, n);
    network += n;
    *size = n;

    return CURLE_OK;
}


struct curl_slist *
curl_slist_append(struct curl_slist *list, const char *text)
{
    struct curl_slist  *last, *line;

    line = malloc(sizeof(struct curl_slist));
    CHECK(line != NULL);
    line->data = strdup(text);
    CHECK(line->data != NULL);
    line->next = NULL;

    if (list == NULL) {
        return line;
    }

    for (last = list; last->next; last = last->next) { /* void */ }
    last->next = line;

    return list;
}


void
curl_slist_free_all(struct curl_slist *list)
{
    struct curl_slist  *next;

    for (/* void */; list; list = next) {
        next = list->next;
        free(list->data);
        free(list);
    }
}


#endif /* SEALED_FUZZ_LIBCURL_H */
