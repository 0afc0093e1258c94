
/*
 * Many readers at once, from one process: t/bench/readers and t/soak drive
 * it.  It opens mailboxes, connects readers, sends, and prints what it sees
 * as "name value" lines.
 *
 *     readers MODE --port N --exchange HEX --opener CERT,KEY,ID
 *         --sender CERT,KEY,ID --count N [--mailboxes N] [--transport NAME]
 *         [--address N]
 *
 * Modes: idle (connect, then wait for the end of stdin), wake (a send to each
 * of some readers in turn), broadcast (fan-outs to all), soak (sends and
 * reconnects until stdin ends, then checks that all is there).
 */

#include "../../src/content_digest.h"
#include "../../src/hash.h"
#include "../../src/mailbox_address.h"
#include "../../src/request_signature.h"
#include "../../src/text.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


#define SEND_EVERY  0.1             /* seconds, while soaking */


enum {
    BODY        = 1024,
    HEAD_MAX    = 2048,
    IN_FLIGHT   = 256,              /* connections being made */
    PER_ADDRESS = 20000,
    PATIENCE    = 20                /* seconds for any one answer */
};


typedef enum {
    EVENT_STREAM = 0,
    WEBSOCKET,
    NCHAN
} transport_t;


typedef struct {
    char                          certificate[200];
    uint8_t                       key[32];
    uint8_t                       id[16];
    uint64_t                      nonce;
} actor_t;


typedef struct {
    uint8_t                       id[16];
    char                          text[23];
    actor_t                       owner;
} box_t;


typedef enum {
    IDLE = 0,                       /* not connected; again at a time */
    CONNECTING,
    ASKED,
    OPEN
} state_t;


typedef struct {
    int                           fd;
    state_t                       state;
    unsigned                      box;
    long                          worker;       /* pid, from X-Worker */
    double                        again;
    uint64_t                      last;         /* number seen */
    unsigned                      resumed;      /* nothing came since */
    char                          line[64];     /* what is being read */
    unsigned                      used;
    uint64_t                      skip;         /* of a frame's payload */
} reader_t;


static int           port, epoll_fd;
static transport_t   transport;
static unsigned      count = 1, boxes, opened, address;
static uint8_t       exchange[32];
static actor_t       opener, sender;
static box_t        *box;
static reader_t     *reader;
static uint64_t      events, resumes, duplicates, wrong, retries, refused;
static char          body[BODY];


static double
now(void)
{
    struct timespec  t;

    clock_gettime(CLOCK_MONOTONIC, &t);

    return (double) t.tv_sec + (double) t.tv_nsec / 1e9;
}


static void
fail(const char *what)
{
    fprintf(stderr, "readers: %s: %s\n", what, strerror(errno));
    exit(1);
}


static void
unhex(uint8_t *out, size_t size, const char *text)
{
    size_t  n;

    if (sodium_hex2bin(out, size, text, strlen(text), NULL, &n, NULL) != 0
        || n != size)
    {
        fail(text);
    }
}


/* "certificate,key,id": the first as in its header, the others in hex */

static void
parse_actor(actor_t *actor, char *text)
{
    char  *key, *id;

    key = strchr(text, ',');
    id = key ? strchr(key + 1, ',') : NULL;

    if (id == NULL || key - text >= (long) sizeof(actor->certificate)) {
        fail("certificate,key,id");
    }

    *key = '\0';
    *id = '\0';
    strcpy(actor->certificate, text);
    unhex(actor->key, 32, key + 1);
    unhex(actor->id, 16, id + 1);
    actor->nonce = (uint64_t) time(NULL) << 20;
}


static int
connect_to(unsigned from_address, int flags)
{
    int                 fd, one;
    struct sockaddr_in  from, to;

    fd = socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC|flags, 0);
    if (fd == -1) {
        fail("socket");
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

static int
sign(char *out, size_t size, actor_t *actor, const char *method,
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


/* a blocking call on a connection that is made anew when it broke */

static int
call(int *fd, actor_t *actor, const char *method, const char *path,
    const char *type, const void *data, size_t length,
    const char *mailbox_key, char *out, size_t size)
{
    int     n, status;
    char   *text;
    size_t  used;

    if (*fd == -1) {
        *fd = connect_to(0, 0);
    }

    if (*fd == -1) {
        return -1;
    }

    text = malloc(HEAD_MAX + length);
    if (text == NULL) {
        fail("malloc");
    }

    n = snprintf(text, HEAD_MAX, "%s %s HTTP/1.1\r\nContent-Length: %zu\r\n"
                 "%s%s%s", method, path, length,
                 type ? "Content-Type: " : "", type ? type : "",
                 type ? "\r\n" : "");
    used = (size_t) n;
    used += (size_t) sign(text + used, HEAD_MAX - used, actor, method, path,
                          NULL, data, length, mailbox_key);
    used += (size_t) snprintf(text + used, HEAD_MAX - used, "\r\n");

    if (length) {
        memcpy(text + used, data, length);
        used += length;
    }

    status = send_all(*fd, text, used) == 0 ? answer(*fd, out, size) : -1;
    free(text);

    if (status == -1 || strcasestr(out, "\r\nConnection: close\r\n")) {
        close(*fd);
        *fd = -1;
    }

    return status;
}


static void
open_boxes(void)
{
    int       fd, status;
    char      path[64], key[64], out[4096];
    uint8_t   private_key[32], public_key[32];
    unsigned  i;

    box = calloc(boxes, sizeof(box_t));
    fd = -1;

    for (i = 0; i < boxes; i++) {
        randombytes_buf(private_key, 32);
        crypto_scalarmult_base(public_key, private_key);
        sealed_mailbox_id(box[i].id, public_key);
        *sealed_base64url_encode(box[i].text, box[i].id, 16) = '\0';

        if (sealed_mailbox_request_key(box[i].owner.key, box[i].id,
                                       private_key, exchange)
            != 0)
        {
            fail("request key");
        }

        memcpy(box[i].owner.id, box[i].id, 16);
        box[i].owner.nonce = (uint64_t) time(NULL) << 20;

        if (transport == NCHAN) {
            continue;
        }

        snprintf(path, sizeof(path), "/v1/mailboxes/%s", box[i].text);
        *sealed_byte_sequence_encode(key, public_key, 32) = '\0';

        status = call(&fd, &opener, "PUT", path, NULL, NULL, 0, key, out,
                      sizeof(out));

        if (status != 201) {
            fprintf(stderr, "readers: opening: %d\n%s\n", status, out);
            exit(1);
        }
    }

    if (fd != -1) {
        close(fd);
    }
}


static void
watch(reader_t *r, uint32_t what, int operation)
{
    struct epoll_event  event;

    event.events = what;
    event.data.ptr = r;

    if (epoll_ctl(epoll_fd, operation, r->fd, &event) == -1) {
        fail("epoll_ctl");
    }
}


static void
begin(reader_t *r)
{
    unsigned  i;

    i = (unsigned) (r - reader);
    r->fd = connect_to(1 + address + i / PER_ADDRESS, SOCK_NONBLOCK);

    if (r->fd == -1) {
        r->again = now() + 0.2;
        return;
    }

    r->state = CONNECTING;
    r->used = 0;
    r->skip = 0;
    watch(r, EPOLLOUT, EPOLL_CTL_ADD);
}


static void
leave(reader_t *r, double pause)
{
    if (r->state == OPEN) {
        opened--;
        resumes++;
    }

    close(r->fd);
    r->fd = -1;
    r->state = IDLE;
    r->again = now() + pause;
}


static void
ask(reader_t *r)
{
    int        n, error;
    char       text[HEAD_MAX], path[80], query[32];
    socklen_t  length;

    length = sizeof(error);

    if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1
        || error)
    {
        leave(r, 0.2);
        return;
    }

    if (transport == NCHAN) {
        n = snprintf(text, sizeof(text),
                     "GET /sub/%s HTTP/1.1\r\nHost: localhost\r\n"
                     "Accept: text/event-stream\r\n\r\n", box[r->box].text);

    } else {
        snprintf(path, sizeof(path), "/v1/mailboxes/%s/envelopes",
                 box[r->box].text);
        snprintf(query, sizeof(query), "after=%llu",
                 (unsigned long long) r->last);
        n = snprintf(text, sizeof(text), "GET %s?%s HTTP/1.1\r\n%s", path,
                     query,
                     transport == WEBSOCKET
                     ? "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     : "Accept: text/event-stream\r\n");
        n += sign(text + n, sizeof(text) - (size_t) n, &box[r->box].owner,
                  "GET", path, query, NULL, 0, NULL);
        n += snprintf(text + n, sizeof(text) - (size_t) n, "\r\n");
    }

    if (send(r->fd, text, (size_t) n, MSG_NOSIGNAL) != n) {
        leave(r, 0.2);
        return;
    }

    r->state = ASKED;
    watch(r, EPOLLIN, EPOLL_CTL_MOD);
}


static void
seen(reader_t *r, uint64_t number)
{
    events++;

    if (number == r->last + 1 || transport == NCHAN) {
        r->last = number;

    } else if (number <= r->last && r->resumed) {
        duplicates++;

    } else {
        wrong++;
        fprintf(stderr, "readers: %llu after %llu\n",
                (unsigned long long) number, (unsigned long long) r->last);
    }

    r->resumed = 0;
}


/* 0, or -1: the reader is to come back */

static int
end_of_line(reader_t *r)
{
    char  *line;

    line = r->line;
    line[r->used < sizeof(r->line) ? r->used : sizeof(r->line) - 1] = '\0';
    r->used = 0;

    if (r->state == ASKED) {

        if (strncmp(line, "HTTP/1.1 ", 9) == 0
            && strncmp(line + 9, transport == WEBSOCKET ? "101" : "200", 3)
               != 0)
        {
            refused++;
            return -1;
        }

        if (strncasecmp(line, "X-Worker: ", 10) == 0) {
            r->worker = atol(line + 10);

        } else if (line[0] == '\r') {
            r->state = OPEN;
            r->resumed = 1;
            opened++;
        }

        return 0;
    }

    if (strncmp(line, "id: ", 4) == 0) {
        seen(r, transport == NCHAN ? r->last + 1 : strtoull(line + 4, NULL,
                                                            10));

    } else if (strncmp(line, "retry: ", 7) == 0) {
        retries++;

    } else if (strcmp(line, "0\r") == 0) {
        return -1;
    }

    return 0;
}


static void
say_frame(reader_t *r, uint8_t opcode, const uint8_t *data, size_t size)
{
    uint8_t  frame[6 + 125];

    /* a mask of zeros is a mask */

    frame[0] = 0x80 | opcode;
    frame[1] = (uint8_t) (0x80 | size);
    memset(frame + 2, 0, 4);

    if (size) {
        memcpy(frame + 6, data, size);
    }

    (void) send(r->fd, frame, 6 + size, MSG_NOSIGNAL|MSG_DONTWAIT);
}


/* head, array and number of an item, or a whole control frame */

static int
frame(reader_t *r, const uint8_t *p, size_t have)
{
    size_t    head, need, size, i;
    uint8_t   acknowledgement[9];
    uint64_t  number;

    if (have < 2) {
        return 0;
    }

    size = p[1] & 0x7f;
    head = size == 126 ? 4 : size == 127 ? 10 : 2;

    if (have < head) {
        return 0;
    }

    if (head > 2) {
        for (size = 0, i = 2; i < head; i++) {
            size = size << 8 | p[i];
        }
    }

    need = p[0] & 8 ? size : 11;

    if (have < head + need) {
        return 0;
    }

    r->skip = head + size - have;
    r->used = 0;

    switch (p[0] & 15) {

    case 2:
        p += head + 1;
        need = *p < 24 ? 1 : (size_t) 1 + ((size_t) 1 << (*p - 24));
        number = *p < 24 ? *p : 0;

        for (i = 1; i < need; i++) {
            number = number << 8 | p[i];
        }

        memcpy(acknowledgement, p, need);
        seen(r, number);
        say_frame(r, 2, acknowledgement, need);
        return 0;

    case 9:
        say_frame(r, 10, p + head, size);
        return 0;

    case 8:
        retries++;
        say_frame(r, 8, p + head, size);
        return -1;

    default:
        return 0;
    }
}


static int
feed(reader_t *r, const char *data, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {

        if (transport == WEBSOCKET && r->state == OPEN) {

            if (r->skip) {
                r->skip--;
                continue;
            }

            r->line[r->used++] = data[i];

            if (frame(r, (uint8_t *) r->line, r->used) != 0) {
                return -1;
            }

            if (r->used == sizeof(r->line)) {
                wrong++;
                return -1;
            }

            continue;
        }

        if (data[i] == '\n') {

            if (end_of_line(r) != 0) {
                return -1;
            }

        } else if (r->used < sizeof(r->line) - 1) {
            r->line[r->used++] = data[i];
        }
    }

    return 0;
}


static void
take(reader_t *r)
{
    ssize_t  n;

    static char  buf[65536];

    for ( ;; ) {
        n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0 || feed(r, buf, (size_t) n) != 0) {
            leave(r, 0.05 + randombytes_uniform(1000) / 2000.0);
            return;
        }
    }
}


/* whatever happens within so many milliseconds */

static void
turn(int wait)
{
    int                 i, n;
    reader_t           *r;
    struct epoll_event  event[256];

    n = epoll_wait(epoll_fd, event, 256, wait);

    for (i = 0; i < n; i++) {
        r = event[i].data.ptr;

        if (r->state == CONNECTING) {
            ask(r);

        } else if (r->state != IDLE) {
            take(r);
        }
    }
}


/* begins again those whose time has come; how many are on their way */

static unsigned
reconnect(unsigned *first)
{
    double    t;
    unsigned  i, n, under_way;

    t = now();
    under_way = 0;

    for (n = 0; n < count && under_way < IN_FLIGHT; n++) {
        i = (*first + n) % count;

        if (reader[i].state == IDLE && reader[i].again <= t) {
            begin(&reader[i]);
        }

        if (reader[i].state == CONNECTING || reader[i].state == ASKED) {
            under_way++;
        }
    }

    *first = (*first + n) % count;

    return under_way;
}


static void
connect_all(void)
{
    double    end;
    unsigned  first;

    first = 0;
    end = now() + 120;

    while (opened < count) {

        if (now() > end) {
            fprintf(stderr, "readers: %u of %u connected, %llu refused\n",
                    opened, count, (unsigned long long) refused);
            exit(1);
        }

        (void) reconnect(&first);
        turn(5);
    }
}


static int
post(int *fd, unsigned number, char *out, size_t size)
{
    char  path[80];

    snprintf(path, sizeof(path),
             transport == NCHAN ? "/pub/%s" : "/v1/mailboxes/%s/envelopes",
             box[number].text);

    return call(fd, &sender, "POST", path, "application/octet-stream", body,
                BODY, NULL, out, size);
}


static int
compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return x < y ? -1 : x > y;
}


/* only to readers on another worker than the one that takes the sends */

static void
wake(void)
{
    int       fd, status;
    char      out[4096], *worker;
    long      here;
    double   *took, start;
    unsigned  i, n, wanted;
    uint64_t  before;

    fd = -1;
    n = 0;
    here = 0;
    wanted = count < 3000 ? count : 3000;
    took = calloc(count, sizeof(double));

    for (i = 0; i < count && n < wanted; i++) {

        if (here && reader[i].worker == here) {
            continue;
        }

        before = events;
        start = now();
        status = post(&fd, reader[i].box, out, sizeof(out));

        if (status / 100 != 2) {
            fprintf(stderr, "readers: sending: %d\n%s\n", status, out);
            exit(1);
        }

        while (events == before) {
            turn(1000);

            if (now() - start > PATIENCE) {
                fprintf(stderr, "readers: a reader was not woken\n");
                exit(1);
            }
        }

        if (here && reader[i].worker != here) {
            took[n++] = (now() - start) * 1e6;
        }

        worker = strcasestr(out, "\r\nX-Worker: ");
        here = worker ? atol(worker + 12) : 0;
    }

    if (n == 0) {
        fprintf(stderr, "readers: none on another worker\n");
        exit(1);
    }

    qsort(took, n, sizeof(double), compare);
    printf("samples %u\np50 %.1f\np99 %.1f\nmax %.1f\n", n, took[n / 2],
           took[n * 99 / 100], took[n - 1]);
    free(took);
}


/* one body to all mailboxes; the status, accepted in *accepted */

static int
fan_out(int *fd, unsigned *accepted)
{
    int       status;
    char     *out, *found;
    uint8_t  *data, *p;
    unsigned  i;

    data = malloc(16 + (size_t) boxes * 16 + BODY);
    out = malloc(65536);
    p = data;

    *p++ = 0x83;
    *p++ = 0x5a;
    *p++ = (uint8_t) (boxes * 16 >> 24);
    *p++ = (uint8_t) (boxes * 16 >> 16);
    *p++ = (uint8_t) (boxes * 16 >> 8);
    *p++ = (uint8_t) (boxes * 16);

    if (boxes * 16 < 65536) {
        p[-4] = p[-2];
        p[-3] = p[-1];
        p[-5] = 0x59;
        p -= 2;
    }

    if (boxes * 16 < 256) {
        p[-2] = p[-1];
        p[-3] = 0x58;
        p -= 1;
    }

    for (i = 0; i < boxes; i++) {
        memcpy(p, box[i].id, 16);
        p += 16;
    }

    *p++ = 0x40;
    *p++ = 0x59;
    *p++ = BODY >> 8;
    *p++ = BODY & 255;
    memcpy(p, body, BODY);
    p += BODY;

    *accepted = 0;
    status = call(fd, &sender, "POST", "/v1/envelopes",
                  "application/vnd.sealed-sender.fanout+cbor", data,
                  (size_t) (p - data), NULL, out, 65536);

    found = status == 200 ? strstr(out, "\"accepted\":") : NULL;

    if (found) {
        *accepted = (unsigned) atol(found + 11);

    } else if (status != -1 && status != 503) {
        fprintf(stderr, "readers: fan-out: %d\n%s\n", status, out);
    }

    free(data);
    free(out);

    return status;
}


static void
broadcast(void)
{
    int       fd;
    double    start, took[20];
    unsigned  i, accepted;
    uint64_t  before;

    fd = -1;

    for (i = 0; i < 20; i++) {
        before = events;
        start = now();

        if (fan_out(&fd, &accepted) != 200 || accepted != boxes) {
            exit(1);
        }

        while (events < before + count) {
            turn(1000);

            if (now() - start > PATIENCE) {
                fprintf(stderr, "readers: %llu of %u\n",
                        (unsigned long long) (events - before), count);
                exit(1);
            }
        }

        took[i] = now() - start;
    }

    qsort(took, 20, sizeof(double), compare);
    printf("deliveries %.0f\nlast_us %.0f\n", count / took[10],
           took[10] * 1e6);
}


/* what the mailbox gives as its next number, less one */

static uint64_t
last_of(int *fd, unsigned number)
{
    int   status, tries;
    char  path[80], out[4096], *next;

    snprintf(path, sizeof(path), "/v1/mailboxes/%s", box[number].text);

    for (tries = 0; tries < 20; tries++) {
        status = call(fd, &box[number].owner, "GET", path, NULL, NULL, 0,
                      NULL, out, sizeof(out));
        next = status == 200 ? strstr(out, "\"next\":") : NULL;

        if (next) {
            return strtoull(next + 7, NULL, 10) - 1;
        }

        usleep(100000);
    }

    fprintf(stderr, "readers: status: %d\n", status);
    exit(1);
}


static void
soak(void)
{
    int            fd, status;
    double         next, end;
    unsigned       i, j, first, accepted, ready;
    uint64_t       sent, total, unknown, least, last, behind;
    struct pollfd  p = { 0, POLLIN, 0 };

    fd = -1;
    first = 0;
    sent = 0;
    total = 0;
    unknown = 0;
    next = now();
    ready = 0;

    while (poll(&p, 1, 0) == 0) {

        if (now() >= next) {
            status = fan_out(&fd, &accepted);
            next = now() + SEND_EVERY;

            /* all or nothing is known of those that were answered */

            if (status == 200 && accepted == boxes) {
                sent++;
                total += accepted;

            } else if (status == -1) {
                unknown++;

            } else if (status == 200) {
                wrong++;
            }
        }

        (void) reconnect(&first);
        turn(5);

        if (!ready && opened == count) {
            ready = 1;
            printf("ready 1\n");
            fflush(stdout);
        }
    }

    /* everybody comes back and gets the rest */

    least = UINT64_MAX;
    behind = 0;

    for (i = 0; i < boxes; i++) {
        last = last_of(&fd, i);
        least = last < least ? last : least;
        end = now() + 60;

        for (j = i; j < count; j += boxes) {

            while (reader[j].last < last && now() < end) {
                (void) reconnect(&first);
                turn(5);
            }

            behind += reader[j].last < last;
        }
    }

    printf("readers %u\nmailboxes %u\nsends %llu\naccepted %llu\n"
           "unanswered %llu\nleast %llu\nevents %llu\nresumes %llu\n"
           "told_to %llu\nduplicates %llu\nwrong %llu\nbehind %llu\n"
           "refused %llu\n", count, boxes, (unsigned long long) sent,
           (unsigned long long) total, (unsigned long long) unknown,
           (unsigned long long) least, (unsigned long long) events,
           (unsigned long long) resumes, (unsigned long long) retries,
           (unsigned long long) duplicates, (unsigned long long) wrong,
           (unsigned long long) behind, (unsigned long long) refused);
}


int
main(int argc, char **argv)
{
    int          c;
    char         line[16];
    unsigned     i;
    const char  *mode;

    static const struct option  options[] = {
        { "port", required_argument, NULL, 'p' },
        { "exchange", required_argument, NULL, 'e' },
        { "opener", required_argument, NULL, 'o' },
        { "sender", required_argument, NULL, 's' },
        { "count", required_argument, NULL, 'n' },
        { "mailboxes", required_argument, NULL, 'm' },
        { "address", required_argument, NULL, 'a' },
        { "transport", required_argument, NULL, 't' },
        { NULL, 0, NULL, 0 }
    };

    if (sodium_init() < 0 || argc < 2) {
        fail("start");
    }

    mode = argv[1];
    optind = 2;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {

        switch (c) {

        case 'p':
            port = atoi(optarg);
            break;

        case 'e':
            unhex(exchange, 32, optarg);
            break;

        case 'o':
            parse_actor(&opener, optarg);
            break;

        case 's':
            parse_actor(&sender, optarg);
            break;

        case 'n':
            count = (unsigned) atoi(optarg);
            break;

        case 'm':
            boxes = (unsigned) atoi(optarg);
            break;

        case 'a':
            address = (unsigned) atoi(optarg);
            break;

        case 't':
            transport = strcmp(optarg, "nchan") == 0 ? NCHAN
                        : strcmp(optarg, "websocket") == 0 ? WEBSOCKET
                        : EVENT_STREAM;
            break;

        default:
            return 2;
        }
    }

    if (count == 0) {
        return 2;
    }

    boxes = boxes ? boxes : count;
    randombytes_buf(body, sizeof(body));
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    reader = calloc(count, sizeof(reader_t));

    if (epoll_fd == -1 || reader == NULL) {
        fail("start");
    }

    /* line feeds would end an event of nchan's */

    for (i = 0; i < BODY; i++) {
        body[i] = 'a' + (body[i] & 15);
    }

    open_boxes();

    for (i = 0; i < count; i++) {
        reader[i].fd = -1;
        reader[i].box = i % boxes;
    }

    printf("mailboxes 1\n");
    fflush(stdout);

    if (fgets(line, sizeof(line), stdin) == NULL) {
        return 1;
    }

    if (strcmp(mode, "soak") == 0) {
        soak();
        return 0;
    }

    connect_all();
    printf("connected %u\n", opened);
    fflush(stdout);

    if (strcmp(mode, "idle") == 0) {

        while (fgets(line, sizeof(line), stdin)) { /* void */ }

    } else if (strcmp(mode, "wake") == 0) {
        wake();

    } else {
        broadcast();
    }

    return 0;
}
