
#include "live.h"
#include "call.h"
#include "options.h"
#include "output.h"
#include "../cbor.h"
#include "../text.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sodium.h>
#include <openssl/sha.h>
#include <wslay/wslay.h>


/* libcurl makes the connection, TLS included; what travels on it is ours */

enum {
    SILENCE  = 300,     /* seconds without a ping: it is not there */
    HEAD_MAX = 8192
};


typedef struct {
    sealed_live_t                *live;
    CURL                         *curl;
    wslay_event_context_ptr       wslay;
    char                          head[HEAD_MAX];   /* and what follows it */
    size_t                        used;
    size_t                        pos;
    unsigned                      broken;
    int                           rc;
} socket_t;


static int shake_hands(socket_t *s, const struct curl_slist *headers,
    const sealed_call_t *call);
static int send_request(socket_t *s, const struct curl_slist *headers,
    const sealed_call_t *call, const char *key);
static int receive_head(socket_t *s, char **end);
static void expected(char accept[SEALED_BASE64_SIZE(20) + 1],
    const char *key);
static int wait_for(socket_t *s, short what);
static int run(socket_t *s);
static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len,
    int flags, void *user);
static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data,
    size_t len, int flags, void *user);
static ssize_t transferred(wslay_event_context_ptr ctx, socket_t *s,
    CURLcode code, size_t n);
static int on_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len,
    void *user);
static void on_message(wslay_event_context_ptr ctx,
    const struct wslay_event_on_msg_recv_arg *arg, void *user);


int
sealed_live_websocket(sealed_live_t *live)
{
    int                 rc;
    char                query[48], error[CURL_ERROR_SIZE];
    CURLcode            code;
    socket_t           *s;
    sealed_call_t       call;
    struct curl_slist  *headers;

    live->retry = 0;
    live->taken = 0;

    s = calloc(1, sizeof(socket_t));
    if (s == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    s->live = live;
    s->curl = curl_easy_init();

    if (s->curl == NULL) {
        free(s);
        return sealed_fail(SEALED_EXIT_LOCAL, "libcurl cannot start");
    }

    snprintf(query, sizeof(query), "after=%llu",
             (unsigned long long) live->after);

    sealed_call_init(&call, "GET");
    sealed_call_mailbox_path(&call, &live->owner->gateway,
                             live->owner->mailbox.id_text, "/envelopes");
    call.query = query;

    rc = sealed_call_headers(&headers, &call, &live->owner->gateway,
                             &live->owner->credential);

    if (rc == 0) {
        error[0] = '\0';

        sealed_http_options(s->curl);
        curl_easy_setopt(s->curl, CURLOPT_ERRORBUFFER, error);
        curl_easy_setopt(s->curl, CURLOPT_URL, live->owner->gateway.url);
        curl_easy_setopt(s->curl, CURLOPT_HTTP_VERSION,
                         (long) CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(s->curl, CURLOPT_CONNECT_ONLY, 1L);

        code = curl_easy_perform(s->curl);

        if (code != CURLE_OK) {
            rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: %s",
                             live->owner->gateway.url,
                             error[0] ? error : curl_easy_strerror(code));
        }

        if (rc == 0) {
            rc = shake_hands(s, headers, &call);
        }

        curl_slist_free_all(headers);
    }

    if (rc == 0) {
        rc = run(s);
    }

    curl_easy_cleanup(s->curl);
    free(s);

    return rc;
}


static int
shake_hands(socket_t *s, const struct curl_slist *headers,
    const sealed_call_t *call)
{
    int                 rc;
    char               *end, *found;
    char                accept[SEALED_BASE64_SIZE(20) + 1];
    char                key[SEALED_BASE64_SIZE(16) + 1];
    uint8_t             random[16];
    sealed_response_t   response;

    randombytes_buf(random, sizeof(random));
    *sealed_base64_encode(key, random, sizeof(random)) = '\0';
    expected(accept, key);

    rc = send_request(s, headers, call, key);

    if (rc == 0) {
        rc = receive_head(s, &end);
    }

    if (rc != 0) {
        return rc;
    }

    memset(&response, 0, sizeof(response));
    response.retry_after = SEALED_UNSET;
    response.status = s->used > 12 ? (unsigned) atoi(s->head + 9) : 0;

    if (response.status == 409 || response.status == 503) {
        s->live->retry = response.status == 409 ? 1 : 3000;
        s->broken = 1;
        return SEALED_EXIT_OK;
    }

    if (response.status != 101) {

        /* the document may come in another piece; its status says enough */

        return sealed_call_refused(&response, "reading");
    }

    *end = '\0';
    found = strcasestr(s->head, "\r\nSec-WebSocket-Accept: ");

    if (found == NULL
        || strncmp(found + strlen("\r\nSec-WebSocket-Accept: "), accept,
                   strlen(accept))
           != 0)
    {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: its handshake is not "
                           "understood", s->live->owner->gateway.url);
    }

    s->pos = (size_t) (end + 4 - s->head);

    return SEALED_EXIT_OK;
}


static int
send_request(socket_t *s, const struct curl_slist *headers,
    const sealed_call_t *call, const char *key)
{
    char         request[HEAD_MAX];
    size_t       used, n, sent;
    CURLcode     code;
    const char  *url, *host;

    url = s->live->owner->gateway.url;
    host = strstr(url, "://");

    if (host == NULL) {
        return sealed_fail(SEALED_EXIT_USAGE, "%s: is no URL", url);
    }

    used = (size_t) snprintf(request, sizeof(request),
                             "GET %s?%s HTTP/1.1\r\nHost: %s\r\n"
                             "Upgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: %s\r\n", call->path,
                             call->query, host + 3, key);

    for ( /* void */ ; headers; headers = headers->next) {
        n = strlen(headers->data);

        /* "Name:" tells libcurl to leave it out */

        if (strchr(headers->data, ':') == headers->data + n - 1) {
            continue;
        }

        if (used + n + 5 > sizeof(request)) {
            return sealed_fail(SEALED_EXIT_LOCAL, "the headers are too long");
        }

        memcpy(request + used, headers->data, n);
        memcpy(request + used + n, "\r\n", 3);
        used += n + 2;
    }

    memcpy(request + used, "\r\n", 3);
    used += 2;

    for (sent = 0; sent < used; sent += n) {
        code = curl_easy_send(s->curl, request + sent, used - sent, &n);

        if (code == CURLE_AGAIN) {
            n = 0;
            code = wait_for(s, POLLOUT) > 0 ? CURLE_OK : CURLE_SEND_ERROR;
        }

        if (code != CURLE_OK) {
            return sealed_fail(SEALED_EXIT_NETWORK, "%s: %s", url,
                               curl_easy_strerror(code));
        }
    }

    return SEALED_EXIT_OK;
}


/* in s->head, *end where its empty line begins; what follows comes along */

static int
receive_head(socket_t *s, char **end)
{
    size_t    n;
    CURLcode  code;

    do {
        code = curl_easy_recv(s->curl, s->head + s->used,
                              sizeof(s->head) - 1 - s->used, &n);

        if (code == CURLE_AGAIN) {
            n = 0;
            code = wait_for(s, POLLIN) > 0 ? CURLE_OK : CURLE_RECV_ERROR;

        } else if (code == CURLE_OK && n == 0) {
            code = CURLE_GOT_NOTHING;
        }

        if (code != CURLE_OK || s->used + n >= sizeof(s->head) - 1) {
            return sealed_fail(SEALED_EXIT_NETWORK, "%s: %s",
                               s->live->owner->gateway.url,
                               curl_easy_strerror(code));
        }

        s->used += n;
        s->head[s->used] = '\0';
        *end = strstr(s->head, "\r\n\r\n");

    } while (*end == NULL);

    return SEALED_EXIT_OK;
}


static int
run(socket_t *s)
{
    struct wslay_event_callbacks  callbacks;

    if (s->broken) {
        return SEALED_EXIT_OK;
    }

    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.recv_callback = on_recv;
    callbacks.send_callback = on_send;
    callbacks.genmask_callback = on_mask;
    callbacks.on_msg_recv_callback = on_message;

    if (wslay_event_context_client_init(&s->wslay, &callbacks, s) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    wslay_event_config_set_max_recv_msg_length(s->wslay, s->live->item_max);

    while (s->rc == 0
           && !s->broken
           && (wslay_event_want_read(s->wslay)
               || wslay_event_want_write(s->wslay)))
    {
        if (wslay_event_recv(s->wslay) != 0
            || wslay_event_send(s->wslay) != 0)
        {
            break;
        }

        if (s->live->enough && !wslay_event_get_close_sent(s->wslay)) {
            (void) wslay_event_queue_close(s->wslay,
                                           WSLAY_CODE_NORMAL_CLOSURE, NULL,
                                           0);
            continue;
        }

        if (s->rc == 0
            && !s->broken
            && (wslay_event_want_read(s->wslay)
                || wslay_event_want_write(s->wslay))
            && wait_for(s, wslay_event_want_write(s->wslay)
                           ? POLLIN|POLLOUT : POLLIN)
               <= 0)
        {
            s->broken = 1;
        }
    }

    if (wslay_event_get_status_code_received(s->wslay)
        == WSLAY_CODE_POLICY_VIOLATION)
    {
        s->live->retry = 30000;
    }

    wslay_event_context_free(s->wslay);

    if (s->rc == 0 && s->broken && !s->live->enough) {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: the connection broke",
                           s->live->owner->gateway.url);
    }

    return s->rc;
}


static int
wait_for(socket_t *s, short what)
{
    curl_socket_t  fd;
    struct pollfd  p;

    if (curl_easy_getinfo(s->curl, CURLINFO_ACTIVESOCKET, &fd) != CURLE_OK
        || fd == CURL_SOCKET_BAD)
    {
        return -1;
    }

    p.fd = fd;
    p.events = what;

    return poll(&p, 1, SILENCE * 1000);
}


static ssize_t
on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags,
    void *user)
{
    size_t     n;
    socket_t  *s = user;
    CURLcode   code;

    /* first what came behind the handshake */

    if (s->pos < s->used) {
        n = s->used - s->pos < len ? s->used - s->pos : len;
        memcpy(buf, s->head + s->pos, n);
        s->pos += n;
        return (ssize_t) n;
    }

    code = curl_easy_recv(s->curl, buf, len, &n);

    if (code == CURLE_OK && n == 0) {
        code = CURLE_GOT_NOTHING;
    }

    return transferred(ctx, s, code, n);
}


static ssize_t
on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len,
    int flags, void *user)
{
    size_t     n;
    socket_t  *s = user;
    CURLcode   code;

    code = curl_easy_send(s->curl, data, len, &n);

    return transferred(ctx, s, code, n);
}


/* octets that went through, or why there are none, in wslay's words */

static ssize_t
transferred(wslay_event_context_ptr ctx, socket_t *s, CURLcode code,
    size_t n)
{
    if (code == CURLE_OK) {
        return (ssize_t) n;
    }

    if (code == CURLE_AGAIN) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);

    } else {
        s->broken = 1;
        wslay_event_set_error(ctx, WSLAY_ERR_CALLBACK_FAILURE);
    }

    return -1;
}


static int
on_mask(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, void *user)
{
    randombytes_buf(buf, len);

    return 0;
}


static void
on_message(wslay_event_context_ptr ctx,
    const struct wslay_event_on_msg_recv_arg *arg, void *user)
{
    uint8_t                 number[SEALED_CBOR_HEAD_MAX];
    uint64_t                acknowledge;
    socket_t               *s = user;
    const uint8_t          *pos, *end;
    sealed_item_t           item;
    sealed_live_t          *live;
    sealed_cbor_writer_t    writer;
    struct wslay_event_msg  message;

    live = s->live;

    if (arg->opcode != WSLAY_BINARY_FRAME || s->rc || live->enough) {
        return;
    }

    /* of an empty message there is no place either */

    pos = arg->msg_length ? arg->msg : (const uint8_t *) "";
    end = pos + arg->msg_length;

    if (sealed_item_parse(&item, &pos, end) != 0 || pos != end) {
        s->rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: its answer is not "
                            "understood", live->owner->gateway.url);
        return;
    }

    live->taken++;
    acknowledge = 0;
    s->rc = live->take(live->user, &item, &acknowledge, &live->enough);

    if (acknowledge) {
        writer.pos = number;
        writer.end = number + sizeof(number);
        writer.overflow = 0;
        sealed_cbor_write_uint(&writer, acknowledge);

        message.opcode = WSLAY_BINARY_FRAME;
        message.msg = number;
        message.msg_length = (size_t) (writer.pos - number);
        (void) wslay_event_queue_msg(ctx, &message);
    }
}


/* what the server has to answer to this key, RFC 6455, section 4.2.2 */

static void
expected(char accept[SEALED_BASE64_SIZE(20) + 1], const char *key)
{
    char     text[64];
    uint8_t  digest[20];

    snprintf(text, sizeof(text), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11",
             key);

    (void) SHA1((const unsigned char *) text, strlen(text), digest);
    *sealed_base64_encode(accept, digest, sizeof(digest)) = '\0';
}
