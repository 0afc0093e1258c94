
#include "store.h"


static void
test_find_spend_charge(void **unused)
{
    uint8_t                     id[16];
    uint64_t                    next, retry;
    unsigned                    has_next;
    sealed_zone_t              *zone;
    sealed_certificate_state_t  state;

    zone = store_new(2 << 20);
    store_id(id, 5);

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state),
                     -1);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 1, &next,
                                                    &has_next),
                     SEALED_UNAUTHORIZED);

    store_certificate(zone, 5);
    store_certificate(zone, 5);
    assert_int_equal(zone->arena.pool[SEALED_POOL_CERTIFICATE].used, 1);

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state), 0);
    assert_int_equal(state.class, 1);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW + 86400,
                                                   &state),
                     -1);

    assert_int_equal(sealed_certificate_table_spend(zone, id, 9, &next,
                                                    &has_next),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 9, &next,
                                                    &has_next),
                     SEALED_NONCE_USED);
    assert_true(has_next);
    assert_int_equal(next, 10);

    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1000, NOW, &retry),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1, NOW, &retry),
                     SEALED_NO_BUDGET);
    assert_in_range(retry, 1, 5);

    assert_null(sealed_zone_check(zone));
    store_free(zone);
}


/* live entries are never given up; ended ones make room */

static void
test_full_table(void **unused)
{
    uint8_t                     id[16];
    uint32_t                    n, i;
    uint64_t                    wake;
    sealed_zone_t              *zone;
    sealed_verdict_t            verdict;
    sealed_certificate_state_t  state;

    zone = store_new(2 << 20);
    memset(&state, 0, sizeof(state));
    state.end = NOW + 100;

    for (n = 0; /* void */ ; n++) {
        store_id(id, n);
        verdict = sealed_certificate_table_insert(zone, id, &state,
                                                  &store_rule, NOW);
        if (verdict != SEALED_OK) {
            break;
        }
    }

    assert_int_equal(verdict, SEALED_CERTIFICATES_FULL);
    assert_int_equal(n, zone->arena.pages / 8 * 32);

    for (i = 0; i < n; i++) {
        store_id(id, i);
        assert_int_equal(sealed_certificate_table_find(zone, id, NOW,
                                                       &state),
                         0);
    }

    sealed_mailbox_sweep(zone, &store_limits, NULL, 0, zone->arena.pages,
                         NOW + 99, &wake);
    assert_int_equal(zone->arena.pool[SEALED_POOL_CERTIFICATE].used, n);

    sealed_mailbox_sweep(zone, &store_limits, NULL, 0, zone->arena.pages,
                         NOW + 100, &wake);
    assert_int_equal(zone->arena.pool[SEALED_POOL_CERTIFICATE].used, 0);
    assert_int_equal(zone->arena.free_pages, zone->arena.pages);

    assert_null(sealed_zone_check(zone));
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_find_spend_charge),
        cmocka_unit_test(test_full_table)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
