
#include "http.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>


static size_t on_body(char *data, size_t size, size_t count, void *user);
static size_t on_header(char *data, size_t size, size_t count, void *user);
static int append(void **buf, size_t *size, const void *data, size_t n,
    size_t max);


void
sealed_http_options(CURL *curl)
{
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_2TLS);
    curl_easy_setopt(curl, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 10L);

    if (sealed_common.cacert) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, sealed_common.cacert);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
}


int
sealed_http_init(sealed_http_t *http)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);

    http->curl = curl_easy_init();
    if (http->curl == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "libcurl cannot start");
    }

    return SEALED_EXIT_OK;
}


void
sealed_http_close(sealed_http_t *http)
{
    if (http->curl) {
        curl_easy_cleanup(http->curl);
        http->curl = NULL;
        curl_global_cleanup();
    }
}


int
sealed_http_send(sealed_http_t *http, const sealed_http_request_t *request,
    sealed_response_t *response)
{
    CURL        *curl;
    long         status, version;
    CURLcode     rc;
    const char  *method;

    memset(response, 0, sizeof(sealed_response_t));
    response->retry_after = SEALED_UNSET;
    response->max_size = request->max_size;

    curl = http->curl;
    method = request->method;
    http->error[0] = '\0';

    /* keeps connections, forgets everything else */

    curl_easy_reset(curl);

    sealed_http_options(curl);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, http->error);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, request->timeout);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, response);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, response);

    /* with a body, even an empty one, libcurl sends Content-Length */

    if (request->body.size
        || strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0)
    {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                         request->body.size
                         ? (const char *) request->body.data : "");
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) request->body.size);

    } else if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    }

    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);

    rc = curl_easy_perform(curl);

    if (rc != CURLE_OK) {

        if (http->error[0] == '\0') {
            snprintf(http->error, sizeof(http->error), "%s",
                     curl_easy_strerror(rc));
        }

        if (rc == CURLE_WRITE_ERROR) {
            strcpy(http->error, "the answer is longer than it may be");
        }

        sealed_response_free(response);
        return -1;
    }

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    response->status = (unsigned) status;

    curl_easy_getinfo(curl, CURLINFO_HTTP_VERSION, &version);
    response->version = version == CURL_HTTP_VERSION_1_0 ? 10
                        : version == CURL_HTTP_VERSION_2_0 ? 20
                        : 11;

    return 0;
}


void
sealed_response_free(sealed_response_t *response)
{
    free(response->headers);
    free(response->body);
    response->headers = NULL;
    response->body = NULL;
    response->size = 0;
}


static size_t
on_body(char *data, size_t size, size_t count, void *user)
{
    void               *body;
    sealed_response_t  *response;

    response = user;
    body = response->body;
    count *= size;

    if (append(&body, &response->size, data, count, response->max_size)
        != 0)
    {
        return 0;
    }

    response->body = body;

    return count;
}


static size_t
on_header(char *data, size_t size, size_t count, void *user)
{
    void               *headers;
    size_t              n;
    sealed_bytes_t      value;
    sealed_response_t  *response;

    static const char  retry_after[] = "retry-after: ";

    response = user;
    count *= size;

    /* a new answer begins: what came before was a 1xx */

    if (count > 5 && memcmp(data, "HTTP/", 5) == 0) {
        response->headers_size = 0;
    }

    headers = response->headers;

    if (append(&headers, &response->headers_size, data, count,
               SEALED_HTTP_HEADERS_MAX)
        != 0)
    {
        return 0;
    }

    response->headers = headers;
    n = sizeof(retry_after) - 1;

    if (count > n && strncasecmp(data, retry_after, n) == 0) {
        value.data = (const uint8_t *) data + n;
        value.size = count - n;

        while (value.size && (value.data[value.size - 1] == '\r'
                              || value.data[value.size - 1] == '\n'))
        {
            value.size--;
        }

        if (sealed_decimal_decode(&response->retry_after, value) != 0) {
            response->retry_after = SEALED_UNSET;
        }
    }

    return count;
}


static int
append(void **buf, size_t *size, const void *data, size_t n, size_t max)
{
    void    *larger;
    size_t   room;

    if (n > max - *size) {
        return -1;
    }

    /* grows by doubling: a power of two at least as large as what is there */

    for (room = 4096; room < *size; room *= 2) { /* void */ }

    if (*buf == NULL || *size + n > room) {

        while (room < *size + n) {
            room *= 2;
        }

        larger = realloc(*buf, room);
        if (larger == NULL) {
            return -1;
        }

        *buf = larger;
    }

    memcpy((uint8_t *) *buf + *size, data, n);
    *size += n;

    return 0;
}
