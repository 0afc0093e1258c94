
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

#include "crowd.h"

#include <getopt.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>


#define SEND_EVERY  0.1                 /* seconds, while soaking */


enum { PATIENCE = 60 };                 /* seconds for any one event */


static int
compare(const void *a, const void *b)
{
    double  x = *(const double *) a, y = *(const double *) b;

    return x < y ? -1 : x > y;
}


static int
post(crowd_t *crowd, unsigned number, char *out, size_t size)
{
    char  path[80];

    snprintf(path, sizeof(path),
             crowd->transport == NCHAN ? "/pub/%s"
                                       : "/v1/mailboxes/%s/envelopes",
             crowd->box[number].text);

    return client_call(&crowd->client, &crowd->sender, "POST", path,
                       "application/octet-stream", crowd->body, BODY, NULL,
                       out, size);
}


/* only to readers on another worker than the one that takes the sends */

static void
wake(crowd_t *crowd)
{
    int       status;
    char      out[4096], *worker;
    long      here;
    double   *took, start;
    unsigned  i, n, wanted;
    uint64_t  before;

    n = 0;
    here = 0;
    wanted = crowd->count < 3000 ? crowd->count : 3000;
    took = calloc(crowd->count, sizeof(double));

    for (i = 0; i < crowd->count && n < wanted; i++) {

        if (here && crowd->reader[i].worker == here) {
            continue;
        }

        before = crowd->events;
        start = client_now();
        status = post(crowd, crowd->reader[i].box, out, sizeof(out));

        if (status / 100 != 2) {
            fprintf(stderr, "readers: sending: %d\n%s\n", status, out);
            exit(1);
        }

        while (crowd->events == before) {
            crowd_turn(crowd, 1000);

            if (client_now() - start > PATIENCE) {
                fprintf(stderr, "readers: a reader was not woken\n");
                exit(1);
            }
        }

        if (here && crowd->reader[i].worker != here) {
            took[n++] = (client_now() - start) * 1e6;
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
fan_out(crowd_t *crowd, unsigned *accepted)
{
    int       status;
    char     *out, *found;
    uint8_t  *data, *p;
    unsigned  i;

    data = malloc(16 + (size_t) crowd->boxes * 16 + BODY);
    out = malloc(65536);
    p = data;

    *p++ = 0x83;
    *p++ = 0x5a;
    *p++ = (uint8_t) (crowd->boxes * 16 >> 24);
    *p++ = (uint8_t) (crowd->boxes * 16 >> 16);
    *p++ = (uint8_t) (crowd->boxes * 16 >> 8);
    *p++ = (uint8_t) (crowd->boxes * 16);

    if (crowd->boxes * 16 < 65536) {
        p[-4] = p[-2];
        p[-3] = p[-1];
        p[-5] = 0x59;
        p -= 2;
    }

    if (crowd->boxes * 16 < 256) {
        p[-2] = p[-1];
        p[-3] = 0x58;
        p -= 1;
    }

    for (i = 0; i < crowd->boxes; i++) {
        memcpy(p, crowd->box[i].id, 16);
        p += 16;
    }

    *p++ = 0x40;
    *p++ = 0x59;
    *p++ = BODY >> 8;
    *p++ = BODY & 255;
    memcpy(p, crowd->body, BODY);
    p += BODY;

    *accepted = 0;
    status = client_call(&crowd->client, &crowd->sender, "POST",
                         "/v1/envelopes",
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
broadcast(crowd_t *crowd)
{
    double    start, took[20];
    unsigned  i, accepted;
    uint64_t  before;

    for (i = 0; i < 20; i++) {
        before = crowd->events;
        start = client_now();

        if (fan_out(crowd, &accepted) != 200 || accepted != crowd->boxes) {
            exit(1);
        }

        while (crowd->events < before + crowd->count) {
            crowd_turn(crowd, 1000);

            if (client_now() - start > PATIENCE) {
                fprintf(stderr, "readers: %llu of %u\n",
                        (unsigned long long) (crowd->events - before),
                        crowd->count);
                exit(1);
            }
        }

        took[i] = client_now() - start;
    }

    qsort(took, 20, sizeof(double), compare);
    printf("deliveries %.0f\nlast_us %.0f\n", crowd->count / took[10],
           took[10] * 1e6);
}


/* what the mailbox gives as its next number, less one */

static uint64_t
last_of(crowd_t *crowd, unsigned number)
{
    int   status, tries;
    char  path[80], out[4096], *next;

    snprintf(path, sizeof(path), "/v1/mailboxes/%s", crowd->box[number].text);

    for (tries = 0; tries < 20; tries++) {
        status = client_call(&crowd->client, &crowd->box[number].owner,
                             "GET", path, NULL, NULL, 0, NULL, out,
                             sizeof(out));
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
soak(crowd_t *crowd)
{
    int            status;
    double         next, end;
    unsigned       i, j, accepted, ready;
    uint64_t       sent, total, unknown, least, last, behind;
    struct pollfd  p = { 0, POLLIN, 0 };

    sent = 0;
    total = 0;
    unknown = 0;
    next = client_now();
    ready = 0;

    while (poll(&p, 1, 0) == 0) {

        if (client_now() >= next) {
            status = fan_out(crowd, &accepted);
            next = client_now() + SEND_EVERY;

            /* all or nothing is known of those that were answered */

            if (status == 200 && accepted == crowd->boxes) {
                sent++;
                total += accepted;

            } else if (status == -1) {
                unknown++;

            } else if (status == 200) {
                crowd->wrong++;
            }
        }

        (void) crowd_reconnect(crowd);
        crowd_turn(crowd, 5);

        if (!ready && crowd->opened == crowd->count) {
            ready = 1;
            printf("ready 1\n");
            fflush(stdout);
        }
    }

    /* everybody comes back and gets the rest */

    least = UINT64_MAX;
    behind = 0;

    for (i = 0; i < crowd->boxes; i++) {
        last = last_of(crowd, i);
        least = last < least ? last : least;
        end = client_now() + 60;

        for (j = i; j < crowd->count; j += crowd->boxes) {

            while (crowd->reader[j].last < last && client_now() < end) {
                (void) crowd_reconnect(crowd);
                crowd_turn(crowd, 5);
            }

            behind += crowd->reader[j].last < last;
        }
    }

    printf("readers %u\nmailboxes %u\nsends %llu\naccepted %llu\n"
           "unanswered %llu\nleast %llu\nevents %llu\nresumes %llu\n"
           "told_to %llu\nduplicates %llu\nwrong %llu\nbehind %llu\n"
           "refused %llu\n", crowd->count, crowd->boxes,
           (unsigned long long) sent, (unsigned long long) total,
           (unsigned long long) unknown, (unsigned long long) least,
           (unsigned long long) crowd->events,
           (unsigned long long) crowd->resumes,
           (unsigned long long) crowd->retries,
           (unsigned long long) crowd->duplicates,
           (unsigned long long) crowd->wrong, (unsigned long long) behind,
           (unsigned long long) crowd->refused);
}


/* 0, or 2: the words are off */

static int
parse(crowd_t *crowd, int argc, char **argv)
{
    int  c;

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

    memset(crowd, 0, sizeof(crowd_t));
    crowd->client.fd = -1;
    crowd->count = 1;
    optind = 2;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {

        switch (c) {

        case 'p':
            crowd->port = atoi(optarg);
            crowd->client.port = crowd->port;
            break;

        case 'e':
            client_unhex(crowd->exchange, 32, optarg);
            break;

        case 'o':
            client_actor(&crowd->opener, optarg);
            break;

        case 's':
            client_actor(&crowd->sender, optarg);
            break;

        case 'n':
            crowd->count = (unsigned) atoi(optarg);
            break;

        case 'm':
            crowd->boxes = (unsigned) atoi(optarg);
            break;

        case 'a':
            crowd->address = (unsigned) atoi(optarg);
            break;

        case 't':
            crowd->transport = strcmp(optarg, "nchan") == 0 ? NCHAN
                               : strcmp(optarg, "websocket") == 0 ? WEBSOCKET
                               : EVENT_STREAM;
            break;

        default:
            return 2;
        }
    }

    if (crowd->boxes == 0) {
        crowd->boxes = crowd->count;
    }

    return crowd->count ? 0 : 2;
}


int
main(int argc, char **argv)
{
    int          rc;
    char         line[16];
    crowd_t      crowd;
    unsigned     i;
    const char  *mode;

    if (sodium_init() < 0 || argc < 2) {
        client_fail("start");
    }

    rc = parse(&crowd, argc, argv);

    if (rc) {
        return rc;
    }

    mode = argv[1];
    crowd.epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    crowd.reader = calloc(crowd.count, sizeof(reader_t));

    if (crowd.epoll_fd == -1 || crowd.reader == NULL) {
        client_fail("start");
    }

    /* line feeds would end an event of nchan's */

    randombytes_buf(crowd.body, BODY);

    for (i = 0; i < BODY; i++) {
        crowd.body[i] = 'a' + (crowd.body[i] & 15);
    }

    crowd_open(&crowd);

    for (i = 0; i < crowd.count; i++) {
        crowd.reader[i].fd = -1;
        crowd.reader[i].box = i % crowd.boxes;
    }

    printf("mailboxes 1\n");
    fflush(stdout);

    if (fgets(line, sizeof(line), stdin) == NULL) {
        return 1;
    }

    if (strcmp(mode, "soak") == 0) {
        soak(&crowd);
        return 0;
    }

    crowd_connect(&crowd);
    printf("connected %u\n", crowd.opened);
    fflush(stdout);

    if (strcmp(mode, "idle") == 0) {

        while (fgets(line, sizeof(line), stdin)) { /* void */ }

    } else if (strcmp(mode, "wake") == 0) {
        wake(&crowd);

    } else {
        broadcast(&crowd);
    }

    return 0;
}
