
/* Tickets: made, opened, used once by however many at a time. */

#include "store.h"

#include "ticket.h"

#include <pthread.h>
#include <stdio.h>


enum {
    THREADS  = 4,
    ROUNDS   = 2000
};


static const uint8_t  key[32] = { 9, 8, 7 };
static const uint8_t  box[16] = { 1 };


static sealed_bytes_t
text_of(const char *text)
{
    sealed_bytes_t  bytes = { (const uint8_t *) text, SEALED_TICKET_TEXT };

    return bytes;
}


static void
test_open(void **state)
{
    char             text[SEALED_TICKET_TEXT], other[SEALED_TICKET_TEXT];
    uint8_t          wrong[32];
    unsigned         i;
    sealed_bytes_t   bytes;
    sealed_ticket_t  ticket = { NOW + 60, { 1, 2, 3 } }, opened;

    sealed_ticket_issue(text, &ticket, key, box);

    assert_int_equal(sealed_ticket_open(&opened, text_of(text), key, box,
                                        NOW), 0);
    assert_true(opened.expiry == NOW + 60);
    assert_memory_equal(opened.random, ticket.random, sizeof(ticket.random));

    /* its time */

    assert_int_equal(sealed_ticket_open(&opened, text_of(text), key, box,
                                        NOW + 59), 0);
    assert_int_equal(sealed_ticket_open(&opened, text_of(text), key, box,
                                        NOW + 60), -1);
    assert_int_equal(sealed_ticket_open(&opened, text_of(text), key, box,
                                        NOW - 10), -1);

    /* another key, another mailbox, every other character */

    memcpy(wrong, key, 32);
    wrong[31] ^= 1;
    assert_int_equal(sealed_ticket_open(&opened, text_of(text), wrong, box,
                                        NOW), -1);
    memcpy(wrong, box, 16);
    wrong[15] ^= 1;
    assert_int_equal(sealed_ticket_open(&opened, text_of(text), key, wrong,
                                        NOW), -1);

    for (i = 0; i < SEALED_TICKET_TEXT; i++) {
        memcpy(other, text, sizeof(other));
        other[i] = other[i] == 'A' ? 'B' : 'A';
        assert_int_equal(sealed_ticket_open(&opened, text_of(other), key,
                                            box, NOW), -1);
    }

    bytes = text_of(text);

    for (bytes.size = 0; bytes.size < SEALED_TICKET_TEXT; bytes.size++) {
        assert_int_equal(sealed_ticket_open(&opened, bytes, key, box, NOW),
                         -1);
    }
}


static void
test_use(void **state)
{
    uint8_t          other[16] = { 2 };
    unsigned         i;
    sealed_zone_t   *zone;
    sealed_ticket_t  ticket = { NOW + 60, { 0 } };

    zone = store_new(2 << 20);

    for (i = 0; i < SEALED_TICKETS; i++) {
        ticket.random[7] = (uint8_t) (i + 1);
        assert_int_equal(sealed_ticket_use(zone, &ticket, box, NOW),
                         SEALED_OK);
        assert_int_equal(sealed_ticket_use(zone, &ticket, box, NOW),
                         SEALED_UNAUTHORIZED);
    }

    /* there is no room for more of this mailbox, nor is one forgotten */

    ticket.random[7] = 99;
    assert_int_equal(sealed_ticket_use(zone, &ticket, box, NOW + 59),
                     SEALED_TICKETS_BUSY);
    ticket.random[7] = 1;
    assert_int_equal(sealed_ticket_use(zone, &ticket, box, NOW + 59),
                     SEALED_UNAUTHORIZED);

    /* others have theirs, as a rule */

    for (i = 0; sealed_zone_hash(zone, other) % SEALED_TICKET_PLACES
                == sealed_zone_hash(zone, box) % SEALED_TICKET_PLACES; i++)
    {
        other[1] = (uint8_t) i;
    }

    assert_int_equal(sealed_ticket_use(zone, &ticket, other, NOW),
                     SEALED_OK);

    /* when they have ended there is room again */

    ticket.expiry = NOW + 200;
    ticket.random[7] = 99;
    assert_int_equal(sealed_ticket_use(zone, &ticket, box, NOW + 140),
                     SEALED_OK);

    assert_null(store_check(zone));
    store_free(zone);
}


typedef struct {
    sealed_zone_t      *zone;
    pthread_barrier_t  *barrier;
    unsigned            used[ROUNDS];
} racer_t;


static void *
race(void *data)
{
    racer_t          *racer = data;
    unsigned          i;
    sealed_ticket_t   ticket = { NOW + 60, { 0 } };

    for (i = 0; i < ROUNDS; i++) {
        ticket.random[6] = (uint8_t) (i >> 8);
        ticket.random[7] = (uint8_t) i;
        ticket.random[5] = 1;
        ticket.expiry = NOW + 60 + i * 10;

        pthread_barrier_wait(racer->barrier);
        racer->used[i] = sealed_ticket_use(racer->zone, &ticket, box,
                                           NOW + i * 10)
                         == SEALED_OK;
    }

    return NULL;
}


static void
test_race(void **state)
{
    unsigned           i, j, used, all;
    pthread_t          thread[THREADS];
    sealed_zone_t     *zone;
    pthread_barrier_t  barrier;

    static racer_t  racer[THREADS];

    zone = store_new(2 << 20);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);

    for (i = 0; i < THREADS; i++) {
        racer[i].zone = zone;
        racer[i].barrier = &barrier;
        assert_int_equal(pthread_create(&thread[i], NULL, race, &racer[i]),
                         0);
    }

    for (i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }

    all = 0;

    for (i = 0; i < ROUNDS; i++) {
        used = 0;

        for (j = 0; j < THREADS; j++) {
            used += racer[j].used[i];
        }

        assert_true(used <= 1);
        all += used;
    }

    assert_true(all > 0);
    printf("# %u of %d tickets had a winner\n", all, ROUNDS);

    pthread_barrier_destroy(&barrier);
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_open),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_race)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
