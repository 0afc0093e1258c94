
#include "crowd.h"

#include "../../src/mailbox_address.h"
#include "../../src/text.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>


enum {
    IN_FLIGHT   = 256,                  /* connections being made */
    PER_ADDRESS = 20000
};


static void watch(crowd_t *crowd, reader_t *r, uint32_t what, int operation);
static void begin(crowd_t *crowd, reader_t *r);
static void leave(crowd_t *crowd, reader_t *r, double pause);
static void ask(crowd_t *crowd, reader_t *r);
static void take(crowd_t *crowd, reader_t *r);
static int feed(crowd_t *crowd, reader_t *r, const char *data, size_t size);
static int end_of_line(crowd_t *crowd, reader_t *r);
static int frame(crowd_t *crowd, reader_t *r, const uint8_t *p, size_t have);
static void say_frame(reader_t *r, uint8_t opcode, const uint8_t *data,
    size_t size);
static void seen(crowd_t *crowd, reader_t *r, uint64_t number);


void
crowd_open(crowd_t *crowd)
{
    int       status;
    char      path[64], key[64], out[4096];
    uint8_t   private_key[32], public_key[32];
    unsigned  i;
    box_t    *box;

    crowd->box = calloc(crowd->boxes, sizeof(box_t));

    for (i = 0; i < crowd->boxes; i++) {
        box = &crowd->box[i];

        randombytes_buf(private_key, 32);
        crypto_scalarmult_base(public_key, private_key);
        sealed_mailbox_id(box->id, public_key);
        *sealed_base64url_encode(box->text, box->id, 16) = '\0';

        if (sealed_mailbox_request_key(box->owner.key, box->id, private_key,
                                       crowd->exchange)
            != 0)
        {
            client_fail("request key");
        }

        memcpy(box->owner.id, box->id, 16);
        box->owner.nonce = (uint64_t) time(NULL) << 20;

        if (crowd->transport == NCHAN) {
            continue;
        }

        snprintf(path, sizeof(path), "/v1/mailboxes/%s", box->text);
        *sealed_byte_sequence_encode(key, public_key, 32) = '\0';

        status = client_call(&crowd->client, &crowd->opener, "PUT", path,
                             NULL, NULL, 0, key, out, sizeof(out));

        if (status != 201) {
            fprintf(stderr, "readers: opening: %d\n%s\n", status, out);
            exit(1);
        }
    }

    if (crowd->client.fd != -1) {
        close(crowd->client.fd);
        crowd->client.fd = -1;
    }
}


void
crowd_connect(crowd_t *crowd)
{
    double  end;

    end = client_now() + 120;

    while (crowd->opened < crowd->count) {

        if (client_now() > end) {
            fprintf(stderr, "readers: %u of %u connected, %llu refused\n",
                    crowd->opened, crowd->count,
                    (unsigned long long) crowd->refused);
            exit(1);
        }

        (void) crowd_reconnect(crowd);
        crowd_turn(crowd, 5);
    }
}


/* begins again those whose time has come; how many are on their way */

unsigned
crowd_reconnect(crowd_t *crowd)
{
    double     t;
    unsigned   i, n, under_way;
    reader_t  *r;

    t = client_now();
    under_way = 0;

    for (n = 0; n < crowd->count && under_way < IN_FLIGHT; n++) {
        i = (crowd->first + n) % crowd->count;

        r = &crowd->reader[i];

        if (r->state == IDLE && r->again <= t) {
            begin(crowd, r);
        }

        if (r->state == CONNECTING || r->state == ASKED) {
            under_way++;
        }
    }

    crowd->first = (crowd->first + n) % crowd->count;

    return under_way;
}


/* whatever happens within so many milliseconds */

void
crowd_turn(crowd_t *crowd, int wait)
{
    int                 i, n;
    reader_t           *r;
    struct epoll_event  event[256];

    n = epoll_wait(crowd->epoll_fd, event, 256, wait);

    for (i = 0; i < n; i++) {
        r = event[i].data.ptr;

        if (r->state == CONNECTING) {
            ask(crowd, r);

        } else if (r->state != IDLE) {
            take(crowd, r);
        }
    }
}


static void
watch(crowd_t *crowd, reader_t *r, uint32_t what, int operation)
{
    struct epoll_event  event;

    event.events = what;
    event.data.ptr = r;

    if (epoll_ctl(crowd->epoll_fd, operation, r->fd, &event) == -1) {
        client_fail("epoll_ctl");
    }
}


static void
begin(crowd_t *crowd, reader_t *r)
{
    unsigned  i;

    i = (unsigned) (r - crowd->reader);
    r->fd = client_connect(crowd->port, 1 + crowd->address + i / PER_ADDRESS,
                           SOCK_NONBLOCK);

    if (r->fd == -1) {
        r->again = client_now() + 0.2;
        return;
    }

    r->state = CONNECTING;
    r->used = 0;
    r->skip = 0;
    watch(crowd, r, EPOLLOUT, EPOLL_CTL_ADD);
}


static void
leave(crowd_t *crowd, reader_t *r, double pause)
{
    if (r->state == OPEN) {
        crowd->opened--;
        crowd->resumes++;
    }

    close(r->fd);
    r->fd = -1;
    r->state = IDLE;
    r->again = client_now() + pause;
}


static void
ask(crowd_t *crowd, reader_t *r)
{
    int        n, error;
    char       text[HEAD_MAX], path[80], query[32];
    box_t     *box;
    socklen_t  length;

    length = sizeof(error);

    if (getsockopt(r->fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1
        || error)
    {
        leave(crowd, r, 0.2);
        return;
    }

    box = &crowd->box[r->box];

    if (crowd->transport == NCHAN) {
        n = snprintf(text, sizeof(text),
                     "GET /sub/%s HTTP/1.1\r\nHost: localhost\r\n"
                     "Accept: text/event-stream\r\n\r\n", box->text);

    } else {
        snprintf(path, sizeof(path), "/v1/mailboxes/%s/envelopes",
                 box->text);
        snprintf(query, sizeof(query), "after=%llu",
                 (unsigned long long) r->last);
        n = snprintf(text, sizeof(text), "GET %s?%s HTTP/1.1\r\n%s", path,
                     query,
                     crowd->transport == WEBSOCKET
                     ? "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                       "Sec-WebSocket-Version: 13\r\n"
                       "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                     : "Accept: text/event-stream\r\n");
        n += client_sign(text + n, sizeof(text) - (size_t) n, &box->owner,
                         "GET", path, query, NULL, 0, NULL);
        n += snprintf(text + n, sizeof(text) - (size_t) n, "\r\n");
    }

    if (send(r->fd, text, (size_t) n, MSG_NOSIGNAL) != n) {
        leave(crowd, r, 0.2);
        return;
    }

    r->state = ASKED;
    watch(crowd, r, EPOLLIN, EPOLL_CTL_MOD);
}


static void
take(crowd_t *crowd, reader_t *r)
{
    ssize_t  n;

    static char  buf[65536];

    for ( ;; ) {
        n = recv(r->fd, buf, sizeof(buf), MSG_DONTWAIT);

        if (n == -1 && errno == EAGAIN) {
            return;
        }

        if (n <= 0 || feed(crowd, r, buf, (size_t) n) != 0) {
            leave(crowd, r, 0.05 + randombytes_uniform(1000) / 2000.0);
            return;
        }
    }
}


static int
feed(crowd_t *crowd, reader_t *r, const char *data, size_t size)
{
    size_t  i;

    for (i = 0; i < size; i++) {

        if (crowd->transport == WEBSOCKET && r->state == OPEN) {

            if (r->skip) {
                r->skip--;
                continue;
            }

            r->line[r->used++] = data[i];

            if (frame(crowd, r, (uint8_t *) r->line, r->used) != 0) {
                return -1;
            }

            if (r->used == sizeof(r->line)) {
                crowd->wrong++;
                return -1;
            }

            continue;
        }

        if (data[i] == '\n') {

            if (end_of_line(crowd, r) != 0) {
                return -1;
            }

        } else if (r->used < sizeof(r->line) - 1) {
            r->line[r->used++] = data[i];
        }
    }

    return 0;
}


/* 0, or -1: the reader is to come back */

static int
end_of_line(crowd_t *crowd, reader_t *r)
{
    char  *line;

    line = r->line;
    line[r->used < sizeof(r->line) ? r->used : sizeof(r->line) - 1] = '\0';
    r->used = 0;

    if (r->state == ASKED) {

        if (strncmp(line, "HTTP/1.1 ", 9) == 0
            && strncmp(line + 9,
                       crowd->transport == WEBSOCKET ? "101" : "200", 3)
               != 0)
        {
            crowd->refused++;
            return -1;
        }

        if (strncasecmp(line, "X-Worker: ", 10) == 0) {
            r->worker = atol(line + 10);

        } else if (line[0] == '\r') {
            r->state = OPEN;
            r->resumed = 1;
            crowd->opened++;
        }

        return 0;
    }

    if (strncmp(line, "id: ", 4) == 0) {
        seen(crowd, r, crowd->transport == NCHAN
                       ? r->last + 1 : strtoull(line + 4, NULL, 10));

    } else if (strncmp(line, "retry: ", 7) == 0) {
        crowd->retries++;

    } else if (strcmp(line, "0\r") == 0) {
        return -1;
    }

    return 0;
}


/* head, array and number of an item, or a whole control frame */

static int
frame(crowd_t *crowd, reader_t *r, const uint8_t *p, size_t have)
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
        seen(crowd, r, number);
        say_frame(r, 2, acknowledgement, need);
        return 0;

    case 9:
        say_frame(r, 10, p + head, size);
        return 0;

    case 8:
        crowd->retries++;
        say_frame(r, 8, p + head, size);
        return -1;

    default:
        return 0;
    }
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


static void
seen(crowd_t *crowd, reader_t *r, uint64_t number)
{
    crowd->events++;

    if (number == r->last + 1 || crowd->transport == NCHAN) {
        r->last = number;

    } else if (number <= r->last && r->resumed) {
        crowd->duplicates++;

    } else {
        crowd->wrong++;
        fprintf(stderr, "readers: %llu after %llu\n",
                (unsigned long long) number, (unsigned long long) r->last);
    }

    r->resumed = 0;
}
