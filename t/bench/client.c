
#include "client.h"

#include "../../src/content_digest.h"
#include "../../src/hash.h"
#include "../../src/text.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


enum { PATIENCE = 60 };                 /* seconds for any one answer */


static int answer(int fd, char *out, size_t size);
static int send_all(int fd, const char *data, size_t size);


double
client_now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


void
client_fail(const char *what)
{
    fprintf(stderr, "readers: %s: %s\n", what, strerror(errno));
    exit(1);
}


void
client_unhex(uint8_t *out, size_t size, const char *text)
{
    size_t  n;

    if (sodium_hex2bin(out, size, text, strlen(text), NULL, &n, NULL) != 0
        || n != size)
    {
        client_fail(text);
    }
}


/* "certificate,key,id": the first as in its header, the others in hex */

void
client_actor(actor_t *actor, char *text)
{
    char  *key, *id;

    key = strchr(text, ',');
    id = key ? strchr(key + 1, ',') : NULL;

    if (id == NULL || key - text >= (long) sizeof(actor->certificate)) {
        client_fail("certificate,key,id");
    }

    *key = '\0';
    *id = '\0';
    strcpy(actor->certificate, text);
    client_unhex(actor->key, 32, key + 1);
    client_unhex(actor->id, 16, id + 1);
    actor->nonce = (uint64_t) time(NULL) << 20;
}


int
client_connect(int port, unsigned from_address, int flags)
{
    int                 fd, one;
    struct sockaddr_in  from, to;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|flags, 0);
    if (fd == -1) {
        client_fail("socket");
    }

    memset(&from, 0, sizeof(from));
    from.sin_family = AF_INET;
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + from_address);

    /* the port is chosen when the other end is known */

    one = 1;
    (void) setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one,
                      sizeof(one));
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));

    memset(&to, 0, sizeof(to));
    to.sin_family = AF_INET;
    to.sin_port = htons((uint16_t) port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    if (bind(fd, (struct sockaddr *) &from, sizeof(from)) == -1
        || (connect(fd, (struct sockaddr *) &to, sizeof(to)) == -1
            && errno != EINPROGRESS))
    {
        close(fd);
        return -1;
    }

    return fd;
}


/* headers of a signed request, behind the request line */

int
client_sign(char *out, size_t size, actor_t *actor, const char *method,
    const char *path, const char *query, const void *data, size_t length,
    const char *mailbox_key)
{
    int               n;
    char              input[SEALED_SIGNATURE_INPUT_MAX];
    char              value[SEALED_SIGNATURE_MAX];
    char              digest[SEALED_CONTENT_DIGEST_SIZE + 1];
    uint8_t           sha256[32];
    sealed_request_t  request;

    memset(&request, 0, sizeof(request));
    digest[0] = '\0';

    if (length) {
        sealed_sha256(sha256, data, length);
        sealed_content_digest_format(digest, sha256);
        digest[SEALED_CONTENT_DIGEST_SIZE] = '\0';
        request.has_body = 1;
    }

    const struct {
        sealed_component_t  component;
        const char         *text;
    } covered[] = {
        { SEALED_METHOD, method },
        { SEALED_PATH, path },
        { SEALED_QUERY, query },
        { SEALED_CONTENT_DIGEST, length ? digest : NULL },
        { SEALED_CERTIFICATE,
          actor->certificate[0] ? actor->certificate : NULL },
        { SEALED_MAILBOX_KEY, mailbox_key }
    };

    for (n = 0; n < (int) (sizeof(covered) / sizeof(covered[0])); n++) {
        if (covered[n].text) {
            request.value[covered[n].component].data =
                (const uint8_t *) covered[n].text;
            request.value[covered[n].component].size =
                strlen(covered[n].text);
        }
    }

    sealed_request_signature_sign(input, value, &request, actor->key,
                                  actor->id, (uint64_t) time(NULL),
                                  actor->nonce++);

    n = snprintf(out, size,
                 "Host: localhost\r\nSignature-Input: %s\r\n"
                 "Signature: %s\r\n%s%s%s%s%s%s%s%s%s", input, value,
                 actor->certificate[0] ? "Sealed-Certificate: " : "",
                 actor->certificate, actor->certificate[0] ? "\r\n" : "",
                 length ? "Content-Digest: " : "", digest,
                 length ? "\r\n" : "",
                 mailbox_key ? "Sealed-Mailbox-Key: " : "",
                 mailbox_key ? mailbox_key : "", mailbox_key ? "\r\n" : "");

    return n;
}


/* a blocking call on a connection that is made anew when it broke */

int
client_call(client_t *client, actor_t *actor, const char *method,
    const char *path, const char *type, const void *data, size_t length,
    const char *mailbox_key, char *out, size_t size)
{
    int     n, status;
    char   *text;
    size_t  used;

    if (client->fd == -1) {
        client->fd = client_connect(client->port, 0, 0);
    }

    if (client->fd == -1) {
        return -1;
    }

    text = malloc(HEAD_MAX + length);
    if (text == NULL) {
        client_fail("malloc");
    }

    n = snprintf(text, HEAD_MAX, "%s %s HTTP/1.1\r\nContent-Length: %zu\r\n"
                 "%s%s%s", method, path, length,
                 type ? "Content-Type: " : "", type ? type : "",
                 type ? "\r\n" : "");
    used = (size_t) n;
    used += (size_t) client_sign(text + used, HEAD_MAX - used, actor, method,
                                 path, NULL, data, length, mailbox_key);
    used += (size_t) snprintf(text + used, HEAD_MAX - used, "\r\n");

    if (length) {
        memcpy(text + used, data, length);
        used += length;
    }

    status = send_all(client->fd, text, used) == 0
             ? answer(client->fd, out, size) : -1;
    free(text);

    if (status == -1 || strcasestr(out, "\r\nConnection: close\r\n")) {
        close(client->fd);
        client->fd = -1;
    }

    return status;
}


/* one answer with Content-Length or none; its status, -1: broken */

static int
answer(int fd, char *out, size_t size)
{
    char          *end, *length;
    size_t         used, whole;
    ssize_t        n;
    struct pollfd  p = { fd, POLLIN, 0 };

    used = 0;
    whole = 0;

    while (whole == 0 || used < whole) {

        if (poll(&p, 1, PATIENCE * 1000) != 1) {
            return -1;
        }

        n = read(fd, out + used, size - 1 - used);

        if (n <= 0) {
            return -1;
        }

        used += (size_t) n;
        out[used] = '\0';
        end = strstr(out, "\r\n\r\n");

        if (end && whole == 0) {
            length = strcasestr(out, "\r\nContent-Length: ");
            whole = (size_t) (end + 4 - out)
                    + (length && length < end ? strtoul(length + 18, NULL, 10)
                                              : 0);
        }
    }

    return atoi(out + 9);
}


static int
send_all(int fd, const char *data, size_t size)
{
    ssize_t  n;

    while (size) {
        n = send(fd, data, size, MSG_NOSIGNAL);

        if (n <= 0) {
            return -1;
        }

        data += n;
        size -= (size_t) n;
    }

    return 0;
}
