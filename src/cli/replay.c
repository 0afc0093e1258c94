
#include "replay.h"
#include "options.h"
#include "output.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>


enum {
    ANSWER_MAX      = 65536,
    TIMEOUT         = 30 * 1000,
    PROGRESS        = 4096          /* answers */
};


typedef struct {
    int                           fd;
    sealed_bytes_t                head;
    sealed_bytes_t                body;
    size_t                        sent;
    size_t                        used;
    char                          answer[ANSWER_MAX + 1];
} connection_t;


static int run(sealed_replay_t *replay, connection_t *connection,
    struct pollfd *events);
static int find_host(struct addrinfo **list, const char *url);
static int connect_all(const struct addrinfo *list, const char *url,
    connection_t *connection, unsigned count);
static int take_next(sealed_replay_t *replay, connection_t *connection,
    unsigned n, struct pollfd *event);
static int send_some(connection_t *connection);
static int receive_some(connection_t *connection, unsigned *status);
static double seconds_now(void);


int
sealed_replay(sealed_replay_t *replay)
{
    int               rc;
    double            start;
    unsigned          i;
    connection_t     *connection;
    struct pollfd    *events;
    struct addrinfo  *list;

    rc = find_host(&list, replay->url);
    if (rc) {
        return rc;
    }

    connection = calloc(replay->connections, sizeof(connection_t));
    events = calloc(replay->connections, sizeof(struct pollfd));

    if (connection == NULL || events == NULL) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");

    } else {
        rc = connect_all(list, replay->url, connection, replay->connections);
    }

    freeaddrinfo(list);

    if (rc == 0) {
        start = seconds_now();
        rc = run(replay, connection, events);
        replay->seconds = seconds_now() - start;
    }

    for (i = 0; connection && i < replay->connections; i++) {
        if (connection[i].fd > 0) {
            close(connection[i].fd);
        }
    }

    free(connection);
    free(events);

    return rc;
}


int
sealed_replay_report(const sealed_replay_t *replay)
{
    char      name[8];
    json_t   *statuses;
    uint64_t  good;
    unsigned  i;

    good = 0;
    statuses = json_object();

    for (i = 0; i < SEALED_REPLAY_STATUSES; i++) {
        if (replay->status[i] == 0) {
            continue;
        }

        if (i / 100 == 2) {
            good += replay->status[i];
        }

        snprintf(name, sizeof(name), "%u", i);
        json_object_set_new(statuses, name,
                            json_integer((json_int_t) replay->status[i]));

        if (!sealed_common.json) {
            printf("%s: %llu\n", name,
                   (unsigned long long) replay->status[i]);
        }
    }

    if (sealed_common.json) {
        sealed_emit(json_pack("{s:I, s:f, s:O}", "answers",
                              (json_int_t) replay->answers, "seconds",
                              replay->seconds, "statuses", statuses));
    } else {
        printf("%llu answers in %.2f s\n",
               (unsigned long long) replay->answers, replay->seconds);
    }

    json_decref(statuses);

    if (good != replay->answers) {
        return sealed_fail(SEALED_EXIT_REFUSED, "%llu of %llu requests were "
                           "refused",
                           (unsigned long long) (replay->answers - good),
                           (unsigned long long) replay->answers);
    }

    return SEALED_EXIT_OK;
}


static int
run(sealed_replay_t *replay, connection_t *connection, struct pollfd *events)
{
    int            n;
    unsigned       i, busy, status;
    const char    *broken;

    broken = "%s: the connection broke: %s";
    busy = 0;

    for (i = 0; i < replay->connections; i++) {
        busy += (unsigned) take_next(replay, &connection[i], i, &events[i]);
    }

    while (busy) {
        n = poll(events, replay->connections, TIMEOUT);

        if (n == 0) {
            return sealed_fail(SEALED_EXIT_NETWORK, "%s: no answer in %d s",
                               replay->url, TIMEOUT / 1000);
        }

        if (n == -1) {

            if (errno == EINTR) {
                continue;
            }

            return sealed_fail(SEALED_EXIT_LOCAL, "poll: %s",
                               strerror(errno));
        }

        for (i = 0; i < replay->connections; i++) {

            if (events[i].revents == 0) {
                continue;
            }

            if (events[i].events == POLLOUT) {

                if (send_some(&connection[i]) != 0) {
                    return sealed_fail(SEALED_EXIT_NETWORK, broken,
                                       replay->url, strerror(errno));
                }

                if (connection[i].sent
                    == connection[i].head.size + connection[i].body.size)
                {
                    events[i].events = POLLIN;
                }

                continue;
            }

            status = 0;
            errno = 0;

            if (receive_some(&connection[i], &status) != 0) {
                return sealed_fail(SEALED_EXIT_NETWORK, broken, replay->url,
                                   errno ? strerror(errno)
                                         : "no HTTP answer of known length");
            }

            if (status == 0) {
                continue;
            }

            replay->status[status]++;

            if (++replay->answers % PROGRESS == 0
                || replay->answers == replay->total)
            {
                sealed_progress(replay->label, replay->answers,
                                replay->total);
            }

            if (!take_next(replay, &connection[i], i, &events[i])) {
                busy--;
            }
        }
    }

    return SEALED_EXIT_OK;
}


static int
find_host(struct addrinfo **list, const char *url)
{
    int               rc;
    char              host[256], *port;
    size_t            size;
    struct addrinfo   hints;

    if (strncmp(url, "http://", 7) != 0 || strlen(url + 7) >= sizeof(host)) {
        return sealed_fail(SEALED_EXIT_USAGE, "%s: requests in bulk go over "
                           "plain http://", url);
    }

    strcpy(host, url + 7);
    port = strrchr(host, ':');
    size = strlen(host);

    if (port && strchr(port, ']') == NULL) {
        *port++ = '\0';
        size = strlen(host);

    } else {
        port = NULL;
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;

    if (host[0] == '[' && host[size - 1] == ']') {
        host[size - 1] = '\0';
        rc = getaddrinfo(host + 1, port ? port : "80", &hints, list);

    } else {
        rc = getaddrinfo(host, port ? port : "80", &hints, list);
    }

    if (rc) {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: %s", url,
                           gai_strerror(rc));
    }

    return SEALED_EXIT_OK;
}


static int
connect_all(const struct addrinfo *list, const char *url,
    connection_t *connection, unsigned count)
{
    int                     fd, on;
    unsigned                i;
    const struct addrinfo  *address;

    on = 1;

    for (i = 0; i < count; i++) {
        fd = -1;

        for (address = list; address; address = address->ai_next) {
            fd = socket(address->ai_family, SOCK_STREAM|SOCK_CLOEXEC, 0);

            if (fd == -1
                || connect(fd, address->ai_addr, address->ai_addrlen) == 0)
            {
                break;
            }

            close(fd);
            fd = -1;
        }

        if (fd == -1) {
            return sealed_fail(SEALED_EXIT_NETWORK, "%s: %s", url,
                               strerror(errno));
        }

        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        connection[i].fd = fd;
    }

    return SEALED_EXIT_OK;
}


/* 1, or 0: this connection has nothing more to do */

static int
take_next(sealed_replay_t *replay, connection_t *connection, unsigned n,
    struct pollfd *event)
{
    connection->sent = 0;
    connection->used = 0;

    if (!replay->next(replay->data, n, &connection->head, &connection->body))
    {
        event->fd = -1;
        return 0;
    }

    event->fd = connection->fd;
    event->events = POLLOUT;

    return 1;
}


static int
send_some(connection_t *connection)
{
    size_t        skip;
    ssize_t       n;
    unsigned      i;
    struct iovec  part[2];
    struct msghdr message;

    part[0].iov_base = (void *) connection->head.data;
    part[0].iov_len = connection->head.size;
    part[1].iov_base = (void *) connection->body.data;
    part[1].iov_len = connection->body.size;

    skip = connection->sent;

    for (i = 0; i < 2; i++) {
        n = (ssize_t) (skip < part[i].iov_len ? skip : part[i].iov_len);
        part[i].iov_base = (char *) part[i].iov_base + n;
        part[i].iov_len -= (size_t) n;
        skip -= (size_t) n;
    }

    memset(&message, 0, sizeof(message));
    message.msg_iov = part;
    message.msg_iovlen = 2;

    n = sendmsg(connection->fd, &message, MSG_DONTWAIT|MSG_NOSIGNAL);

    if (n == -1) {
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    }

    connection->sent += (size_t) n;

    return 0;
}


/* *status is set once the whole answer is there */

static int
receive_some(connection_t *connection, unsigned *status)
{
    char           *answer, *end, *line;
    size_t          size;
    ssize_t         n;
    unsigned        known;
    unsigned long   code;

    answer = connection->answer;

    n = recv(connection->fd, answer + connection->used,
             ANSWER_MAX - connection->used, MSG_DONTWAIT);

    if (n <= 0) {
        return n == -1 && (errno == EAGAIN || errno == EINTR) ? 0 : -1;
    }

    connection->used += (size_t) n;
    answer[connection->used] = '\0';

    end = strstr(answer, "\r\n\r\n");

    if (end == NULL) {
        return connection->used < ANSWER_MAX ? 0 : -1;
    }

    if (strncmp(answer, "HTTP/1.1 ", 9) != 0) {
        return -1;
    }

    code = strtoul(answer + 9, NULL, 10);
    if (code < 100 || code >= SEALED_REPLAY_STATUSES) {
        return -1;
    }

    size = 0;
    known = (code == 204);

    for (line = strstr(answer, "\r\n"); line < end;
         line = strstr(line + 2, "\r\n"))
    {
        if (strncasecmp(line + 2, "content-length:", 15) == 0) {
            size = strtoul(line + 17, NULL, 10);
            known = 1;
        }
    }

    size += (size_t) (end + 4 - answer);

    if (!known || size > ANSWER_MAX || connection->used > size) {
        return -1;
    }

    if (connection->used == size) {
        *status = (unsigned) code;
    }

    return 0;
}


static double
seconds_now(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}
