
#include "call.h"
#include "options.h"
#include "output.h"
#include "state.h"
#include "../content_digest.h"
#include "../hash.h"
#include "../request_signature.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


enum {
    ATTEMPTS        = 6,
    RETRY_AFTER_MAX = 10,
    TIMEOUT         = 60,
    RESPONSE_MAX    = 65536
};


static int attempt(sealed_response_t *response, const sealed_call_t *call,
    sealed_gateway_t *gateway, const sealed_credential_t *credential);
static int use_next(const sealed_response_t *response,
    const sealed_gateway_t *gateway, const sealed_credential_t *credential);
static int sign(char *input, char *value, const char *digest,
    const sealed_call_t *call, const sealed_gateway_t *gateway,
    const sealed_credential_t *credential);
static int add(struct curl_slist **headers, const char *name,
    const char *value);
static json_t *problem(const sealed_response_t *response);


void
sealed_call_init(sealed_call_t *call, const char *method)
{
    memset(call, 0, sizeof(sealed_call_t));
    call->method = method;
    call->created = SEALED_UNSET;
    call->nonce = SEALED_UNSET;
}


void
sealed_call_fanout_path(sealed_call_t *call, const sealed_gateway_t *gateway)
{
    snprintf(call->path, sizeof(call->path), "%s/envelopes",
             gateway->prefix);
}


void
sealed_call_mailbox_path(sealed_call_t *call,
    const sealed_gateway_t *gateway, const char *id_text, const char *below)
{
    snprintf(call->path, sizeof(call->path), "%s/mailboxes/%s%s",
             gateway->prefix, id_text, below);
}


int
sealed_call_headers(struct curl_slist **headers, const sealed_call_t *call,
    const sealed_gateway_t *gateway, const sealed_credential_t *credential)
{
    int      rc;
    char     digest[SEALED_CONTENT_DIGEST_SIZE + 1];
    char     input[SEALED_SIGNATURE_INPUT_MAX], value[SEALED_SIGNATURE_MAX];
    uint8_t  sha256[32];

    *headers = NULL;
    digest[0] = '\0';

    /* libcurl would add some of its own */

    rc = add(headers, "Expect", NULL);
    rc |= add(headers, "Content-Type", call->content_type);

    if (call->body.size) {
        sealed_sha256(sha256, call->body.data, call->body.size);
        sealed_content_digest_format(digest, sha256);
        digest[SEALED_CONTENT_DIGEST_SIZE] = '\0';
        rc |= add(headers, "Content-Digest", digest);
    }

    if (call->ttl) {
        rc |= add(headers, "TTL", call->ttl);
    }

    if (call->delivery) {
        rc |= add(headers, "Sealed-Delivery", call->delivery);
    }

    if (call->frank) {
        rc |= add(headers, "Sealed-Frank", call->frank);
    }

    if (call->mailbox_key) {
        rc |= add(headers, "Sealed-Mailbox-Key", call->mailbox_key);
    }

    if (rc == 0 && credential) {
        rc = sign(input, value, digest, call, gateway, credential);

        if (rc == 0 && credential->certificate[0]) {
            rc = add(headers, "Sealed-Certificate",
                     credential->certificate);
        }

        if (rc == 0) {
            rc = add(headers, "Signature-Input", input);
            rc |= add(headers, "Signature", value);
        }
    }

    if (rc) {
        curl_slist_free_all(*headers);
        *headers = NULL;
    }

    return rc;
}


int
sealed_call_send(sealed_response_t *response, const sealed_call_t *call,
    sealed_gateway_t *gateway, const sealed_credential_t *credential)
{
    int       rc;
    unsigned  n, broken, wait;

    broken = 0;

    for (n = 1; /* void */ ; n++) {
        rc = attempt(response, call, gateway, credential);

        if (call->once || n == ATTEMPTS) {
            break;
        }

        if (rc == SEALED_EXIT_NETWORK && ++broken < 3) {
            wait = broken;

        } else if (rc == SEALED_EXIT_OK && response->status == 503
                   && response->retry_after <= RETRY_AFTER_MAX)
        {
            wait = (unsigned) response->retry_after;

        } else if (rc == SEALED_EXIT_OK && response->status == 409
                   && use_next(response, gateway, credential) == 0)
        {
            wait = 0;

        } else {
            break;
        }

        sealed_response_free(response);

        /* a signature has to be later than the store's birth, not equal */

        sleep(wait);
    }

    if (rc == SEALED_EXIT_NETWORK) {
        sealed_fail(rc, "%s: %s", gateway->url, gateway->http.error);
    }

    return rc;
}


int
sealed_call_refused(const sealed_response_t *response, const char *what)
{
    int          rc;
    char         again[64];
    json_t      *document;
    const char  *title, *detail, *hint;

    document = problem(response);
    title = json_string_value(json_object_get(document, "title"));
    detail = json_string_value(json_object_get(document, "detail"));

    again[0] = '\0';
    hint = "";

    if (response->retry_after != SEALED_UNSET) {
        snprintf(again, sizeof(again), " Try again in %llu s.",
                 (unsigned long long) response->retry_after);
    }

    /* the gateway answers every such defect alike; here are the usual ones */

    if (response->status == 401) {
        hint = " Usual reasons: the certificate is of a class that may not "
               "do this, of an unknown authority, or ended; the mailbox is "
               "not open.";
    }

    rc = sealed_fail(SEALED_EXIT_REFUSED, "%s was refused: %u %s%s%s%s%s",
                     what, response->status,
                     title ? title : "without a reason",
                     detail ? ". " : "", detail ? detail : "", hint, again);

    json_decref(document);

    return rc;
}


static int
attempt(sealed_response_t *response, const sealed_call_t *call,
    sealed_gateway_t *gateway, const sealed_credential_t *credential)
{
    int                     rc;
    char                    url[SEALED_GATEWAY_URL + SEALED_CALL_PATH + 512];
    struct curl_slist      *headers, *last;
    sealed_http_request_t   request;

    memset(response, 0, sizeof(sealed_response_t));

    rc = snprintf(url, sizeof(url), "%s%s%s%s", gateway->url, call->path,
                  call->query ? "?" : "", call->query ? call->query : "");

    if (rc < 0 || (size_t) rc >= sizeof(url)) {
        return sealed_fail(SEALED_EXIT_USAGE, "the query is too long");
    }

    rc = sealed_call_headers(&headers, call, gateway, credential);
    if (rc) {
        return rc;
    }

    /* the caller's own list is hung behind and taken off again */

    for (last = headers; last->next; last = last->next) { /* void */ }
    last->next = call->more;

    request.method = call->method;
    request.url = url;
    request.headers = headers;
    request.body = call->body;
    request.timeout = TIMEOUT + (long) call->wait;
    request.max_size = call->max_response ? call->max_response
                                          : RESPONSE_MAX;

    rc = SEALED_EXIT_OK;

    if (sealed_http_send(&gateway->http, &request, response) != 0) {
        rc = SEALED_EXIT_NETWORK;
        sealed_detail("%s %s: %s", call->method, url, gateway->http.error);

    } else {
        sealed_detail("%s %s, %zu octets: %u, HTTP/%u.%u, %zu octets",
                      call->method, url, call->body.size, response->status,
                      response->version / 10, response->version % 10,
                      response->size);
    }

    last->next = NULL;
    curl_slist_free_all(headers);

    return rc;
}


static int
use_next(const sealed_response_t *response, const sealed_gateway_t *gateway,
    const sealed_credential_t *credential)
{
    int              rc;
    json_t          *document;
    uint64_t         next;
    const char      *digits;
    sealed_bytes_t   text;

    document = problem(response);
    digits = json_string_value(json_object_get(document, "next"));
    rc = -1;

    if (digits && credential) {
        text.data = (const uint8_t *) digits;
        text.size = strlen(digits);

        if (sealed_decimal_decode(&next, text) == 0) {
            rc = sealed_nonce_raise(next, gateway->url, credential->keyid);
        }
    }

    json_decref(document);

    return rc;
}


static int
sign(char *input, char *value, const char *digest, const sealed_call_t *call,
    const sealed_gateway_t *gateway, const sealed_credential_t *credential)
{
    int               rc;
    unsigned          i;
    uint64_t          now, nonce;
    sealed_request_t  request;

    const char  *covered[SEALED_COMPONENTS] = {
        call->method,
        call->path,
        call->query,
        digest[0] ? digest : NULL,
        credential->certificate[0] ? credential->certificate : NULL,
        call->ttl,
        call->delivery,
        call->frank,
        call->mailbox_key
    };

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        request.value[i].data = (const uint8_t *) covered[i];
        request.value[i].size = covered[i] ? strlen(covered[i]) : 0;
    }

    request.has_body = (call->body.size != 0);

    now = (uint64_t) time(NULL);
    nonce = call->nonce;

    if (nonce == SEALED_UNSET) {
        rc = sealed_nonce_take(&nonce, gateway->url, credential->keyid);
        if (rc) {
            return rc;
        }
    }

    sealed_request_signature_sign(input, value, &request, credential->key,
                                  credential->keyid,
                                  call->created == SEALED_UNSET
                                  ? now : call->created,
                                  nonce);

    return SEALED_EXIT_OK;
}


/* value NULL: libcurl is told to leave the header out */

static int
add(struct curl_slist **headers, const char *name, const char *value)
{
    char               line[512];
    struct curl_slist  *list;

    snprintf(line, sizeof(line), "%s:%s%s", name, value ? " " : "",
             value ? value : "");

    list = curl_slist_append(*headers, line);
    if (list == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    *headers = list;

    return SEALED_EXIT_OK;
}


static json_t *
problem(const sealed_response_t *response)
{
    if (response->size == 0) {
        return NULL;
    }

    return json_loadb((const char *) response->body, response->size, 0,
                      NULL);
}
