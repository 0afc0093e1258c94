
/* Envelopes for whoever is connected: in order, for a while, bounded. */

#include "store.h"

#include "online.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/wait.h>


enum {
    ROOM  = 1 << 20
};

static uint8_t  out[ROOM];


static sealed_online_t *
online_new(void)
{
    sealed_online_t  *online;

    online = store_memory(sizeof(sealed_online_t));
    assert_int_equal(sealed_online_init(online), 0);

    return online;
}


static void
online_free(sealed_online_t *online)
{
    (void) munmap(online, sizeof(sealed_online_t));
}


/* one body of n octets to the mailboxes whose ids begin with these */

static void
put(sealed_online_t *online, const char *mailboxes, uint8_t fill, size_t n,
    uint64_t now)
{
    size_t           i, count;
    uint8_t          ids[8 * 16], slices[8 * 4], results[8], *body;
    uint64_t         hash[8];
    sealed_bytes_t   stamp = { NULL, 0 };
    sealed_fanout_t  fanout;

    count = strlen(mailboxes);
    memset(ids, 0, sizeof(ids));
    memset(results, 0, sizeof(results));

    for (i = 0; i < count; i++) {
        ids[i * 16] = (uint8_t) mailboxes[i];
        hash[i] = 7;
        memset(slices + i * 4, mailboxes[i], 4);

        if (mailboxes[i] == '-') {
            results[i] = SEALED_REFUSED_FULL;
        }
    }

    body = malloc(n);
    assert_non_null(body);
    memset(body, fill, n);

    fanout.recipients = ids;
    fanout.count = (uint32_t) count;
    fanout.headers = slices;
    fanout.slice_size = 4;
    fanout.body.data = body;
    fanout.body.size = n;

    sealed_online_put(online, &fanout, stamp, results, hash, now);
    free(body);
}


/* the fill octets of what one mailbox reads, as a string */

static const char *
get(sealed_online_t *online, char mailbox, uint64_t now, uint64_t *seen)
{
    size_t          used;
    uint8_t         id[16] = { 0 };
    unsigned        n, more;
    sealed_item_t   item;
    const uint8_t  *pos;

    static char  read[64];

    id[0] = (uint8_t) mailbox;
    used = sealed_online_read(online, id, 7, now, seen, out, sizeof(out),
                              &more);
    assert_false(more);

    n = 0;
    pos = out;

    while (pos < out + used) {
        assert_int_equal(sealed_item_parse(&item, &pos, out + used), 0);
        assert_true(item.seq == 0);
        assert_true(item.hour == now / 3600);
        assert_int_equal(item.header.size, 4);
        assert_int_equal(item.header.data[0], mailbox);
        assert_null(item.stamp.data);
        read[n++] = (char) item.body.data[0];
        assert_int_equal(item.body.data[item.body.size - 1], read[n - 1]);
    }

    read[n] = '\0';

    return read;
}


static void
test_order(void **state)
{
    uint64_t          a, b, late;
    sealed_online_t  *online;

    online = online_new();
    a = b = 0;

    assert_string_equal(get(online, 'a', NOW, &a), "");

    put(online, "ab", '1', 100, NOW);
    put(online, "a", '2', 100, NOW);
    put(online, "b-", '3', 100, NOW + 1);

    assert_string_equal(get(online, 'a', NOW + 1, &a), "12");
    assert_string_equal(get(online, 'a', NOW + 1, &a), "");
    assert_string_equal(get(online, 'b', NOW + 1, &b), "13");
    late = 0;
    assert_string_equal(get(online, '-', NOW + 1, &late), "");

    /* one who begins now, one who came a little late, one too late */

    late = sealed_online_last(online);
    put(online, "a", '4', 100, NOW + 2);
    assert_string_equal(get(online, 'a', NOW + 2, &late), "4");
    late = 0;
    assert_string_equal(get(online, 'a', NOW + 4, &late), "124");
    late = 0;
    assert_string_equal(get(online, 'a', NOW + 5, &late), "4");
    late = 0;
    assert_string_equal(get(online, 'a', NOW + 7, &late), "");

    online_free(online);
}


static void
test_bounds(void **state)
{
    size_t            used;
    uint8_t           id[16] = { 'a' };
    uint64_t          seen;
    unsigned          i, more;
    sealed_online_t  *online;

    online = online_new();

    /* sixteen of a mailbox */

    for (i = 0; i < 20; i++) {
        put(online, "a", (uint8_t) ('a' + i), 50, NOW);
    }

    seen = 0;
    assert_string_equal(get(online, 'a', NOW, &seen), "efghijklmnopqrst");

    /* as far as they fit */

    seen = 0;
    used = sealed_online_read(online, id, 7, NOW, &seen, out, 200, &more);
    assert_int_equal(more, 1);
    assert_true(used > 0 && used <= 200);
    assert_string_equal(get(online, 'a', NOW, &seen), "hijklmnopqrst");

    /* one too large is nobody's, and larger ones push out the older */

    put(online, "a", 'x', SEALED_ONLINE_OCTETS, NOW);
    assert_string_equal(get(online, 'a', NOW, &seen), "");

    put(online, "b", 'y', 1000, NOW);

    for (i = 0; i < 8; i++) {
        put(online, "a", (uint8_t) ('A' + i), SEALED_ONLINE_OCTETS / 4, NOW);
    }

    seen = 0;
    assert_string_equal(get(online, 'b', NOW, &seen), "");

    /* entries as well */

    for (i = 0; i < 3 * SEALED_ONLINE_ENTRIES; i++) {
        put(online, "c", 'c', 10, NOW);
    }

    put(online, "d", 'd', 10, NOW);
    seen = 0;
    assert_string_equal(get(online, 'd', NOW, &seen), "d");
    seen = 0;
    assert_string_equal(get(online, 'a', NOW, &seen), "");

    online_free(online);
}


static void
test_sweep(void **state)
{
    size_t            i;
    uint64_t          seen;
    sealed_online_t  *online;

    online = online_new();

    put(online, "a", 'x', 5000, NOW);
    put(online, "b", 'y', 5000, NOW + 3);
    sealed_online_sweep(online, NOW + 4);
    seen = 0;
    assert_string_equal(get(online, 'a', NOW + 4, &seen), "x");

    sealed_online_sweep(online, NOW + 5);

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] != 'x');
    }

    seen = 0;
    assert_string_equal(get(online, 'b', NOW + 5, &seen), "y");
    sealed_online_sweep(online, NOW + 8);

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] == 0);
    }

    sealed_online_sweep(online, NOW + 8);

    online_free(online);
}


/* octets until the end of the ring */

static size_t
left(const sealed_online_t *online)
{
    return SEALED_ONLINE_OCTETS - online->head % SEALED_ONLINE_OCTETS;
}


/* nothing is left either of what made room for newer ones before its time */

static void
test_sweep_replaced(void **state)
{
    size_t            i;
    uint64_t          seen;
    sealed_online_t  *online;

    online = online_new();

    /* by their entries */

    put(online, "a", 'x', 100, NOW);
    put(online, "bcdefghi", 'y', 100, NOW);

    for (i = 0; i < SEALED_ONLINE_ENTRIES - 4; i++) {
        put(online, "c", 'c', 10, NOW);
    }

    seen = 0;
    assert_string_equal(get(online, 'f', NOW, &seen), "y");

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] != 'x');
    }

    sealed_online_sweep(online, NOW + 5);

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] == 0);
    }

    /* by some of their octets */

    put(online, "a", 'x', SEALED_ONLINE_OCTETS / 2, NOW + 5);

    for (i = 0; i < 3; i++) {
        put(online, "b", 'y', SEALED_ONLINE_OCTETS / 4 - 100, NOW + 5);
    }

    put(online, "c", 'c', 10, NOW + 5);
    sealed_online_sweep(online, NOW + 10);

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] == 0);
    }

    /* by what did not fit at the end: its slice is of four */

    put(online, "a", 'x', left(online) - 4, NOW + 10);
    assert_true(left(online) == SEALED_ONLINE_OCTETS);
    put(online, "b", 'y', SEALED_ONLINE_OCTETS - 104, NOW + 10);
    assert_true(left(online) == 100);
    put(online, "c", 'z', 100, NOW + 10);
    sealed_online_sweep(online, NOW + 15);

    for (i = 0; i < sizeof(online->octets); i++) {
        assert_true(online->octets[i] == 0);
    }

    online_free(online);
}


/* who dies with the lock takes along what was there, and no more */

static void
test_death(void **state)
{
    int               status;
    pid_t             pid;
    uint64_t          seen;
    sealed_online_t  *online;

    online = online_new();
    put(online, "a", '1', 100, NOW);
    seen = 0;
    assert_string_equal(get(online, 'a', NOW, &seen), "1");

    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        (void) pthread_mutex_lock(&online->mutex);
        _exit(0);
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    put(online, "a", '2', 100, NOW);
    assert_string_equal(get(online, 'a', NOW, &seen), "2");
    seen = 0;
    assert_string_equal(get(online, 'a', NOW, &seen), "2");

    online_free(online);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_sweep),
        cmocka_unit_test(test_sweep_replaced),
        cmocka_unit_test(test_death)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
