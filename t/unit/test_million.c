
#include "store.h"


enum {
    MAILBOXES = 1000000,
    OPENERS = 20,
    FANOUT = 5000
};


/* mailbox n, opened with one of so many certificates */

static sealed_verdict_t
open_one(sealed_zone_t *zone, uint32_t n)
{
    uint8_t                  id[16], opener[16], key[32];
    unsigned                 created;
    sealed_verdict_t         verdict;
    sealed_mailbox_status_t  status;

    store_id(id, n);
    store_id(opener, MAILBOXES + n % OPENERS);
    memset(key, (int) n, sizeof(key));

    verdict = sealed_mailbox_open(zone, id, key, 7, opener, 65535, NOW,
                                  &created, &status);
    assert_true(created);

    return verdict;
}


static void
test_million(void **unused)
{
    uint8_t                  id[16], body[1024];
    uint32_t                 n, base, accepted;
    uint64_t                 wake;
    unsigned                 round;
    sealed_zone_t           *zone;
    sealed_mailbox_status_t  status;

    zone = store_new((size_t) 256 << 20);
    base = zone->header->arena.free_pages;
    memset(body, 1, sizeof(body));

    for (n = 0; n < OPENERS; n++) {
        store_certificate(zone, MAILBOXES + n);
    }

    for (n = 0; n < MAILBOXES; n++) {
        assert_int_equal(open_one(zone, n), SEALED_OK);
    }

    assert_null(store_check(zone));

    for (round = 0; round < 2; round++) {
        for (n = 0; n < MAILBOXES; n += FANOUT) {
            assert_int_equal(store_send(zone, n, FANOUT, body, sizeof(body),
                                        round * 4, NOW, NOW / 3600 + 24,
                                        &accepted),
                             SEALED_OK);
            assert_int_equal(accepted, FANOUT);
        }
    }

    assert_int_equal(store_records(zone), 2 * MAILBOXES);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY),
                     2 * MAILBOXES / FANOUT);
    assert_null(store_check(zone));

    for (n = 0; n < MAILBOXES; n++) {
        store_id(id, n);
        assert_int_equal(sealed_mailbox_status(zone, id, NOW, &status),
                         SEALED_OK);
        assert_int_equal(status.envelopes, 2);
        assert_int_equal(sealed_mailbox_acknowledge(zone, id, 2, NOW),
                         SEALED_OK);
        assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake),
                         SEALED_OK);
    }

    assert_int_equal(store_records(zone), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 0);
    assert_null(store_check(zone));

    (void) store_expire(zone, NOW + 3 * 86400);
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 0);
    assert_int_equal(zone->header->arena.free_pages, base);
    assert_null(store_check(zone));

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_million)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
