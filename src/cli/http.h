
/*
 * HTTP through libcurl: one connection kept open, HTTP/2 where TLS offers
 * it, no redirects, no cookies, answers bounded.
 */

#ifndef SEALED_CLI_HTTP_H
#define SEALED_CLI_HTTP_H


#include "../sealed.h"

#include <curl/curl.h>


#pragma GCC visibility push(hidden)


enum {
    SEALED_HTTP_HEADERS_MAX = 65536
};


typedef struct {
    CURL                         *curl;
    char                          error[CURL_ERROR_SIZE];
} sealed_http_t;


typedef struct {
    const char                   *method;
    const char                   *url;
    struct curl_slist            *headers;
    sealed_bytes_t                body;
    long                          timeout;      /* seconds, all of it */
    size_t                        max_size;     /* of the answer's body */
} sealed_http_request_t;


typedef struct {
    unsigned                      status;
    unsigned                      version;      /* 10, 11, 20 */
    uint64_t                      retry_after;  /* SEALED_UNSET: none */
    char                         *headers;      /* as received */
    size_t                        headers_size;
    uint8_t                      *body;
    size_t                        size;
    size_t                        max_size;
} sealed_response_t;


/* what every connection of this command has, whatever it is used for */
void sealed_http_options(CURL *curl);

/* an exit code; to be closed in any case */
int sealed_http_init(sealed_http_t *http);
void sealed_http_close(sealed_http_t *http);

/* 0, or -1 with http->error set; the response is freed in both cases */
int sealed_http_send(sealed_http_t *http,
    const sealed_http_request_t *request, sealed_response_t *response);

/* what is in it; the struct is the caller's */
void sealed_response_free(sealed_response_t *response);


#pragma GCC visibility pop


#endif /* SEALED_CLI_HTTP_H */
