
#include "store.h"
#include "../../src/quota.h"


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
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);

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

    assert_null(store_check(zone));
    store_free(zone);
}


/* live entries are never given up; ended ones make room */

static void
test_full_table(void **unused)
{
    uint8_t                     id[16];
    uint32_t                    n, i, base;
    sealed_zone_t              *zone;
    sealed_verdict_t            verdict;
    sealed_certificate_state_t  state;

    zone = store_new(2 << 20);
    base = zone->header->arena.free_pages;

    for (n = 0; /* void */ ; n++) {
        verdict = store_insert(zone, n,
                               NOW + 3600 - SEALED_CLOCK_SLACK + n % 2);

        if (verdict != SEALED_OK) {
            break;
        }
    }

    assert_int_equal(verdict, SEALED_CERTIFICATES_FULL);
    assert_int_equal(n, zone->header->arena.total / 8
                        * sealed_pool_objects(SEALED_POOL_CERTIFICATE));

    for (i = 0; i < n; i++) {
        store_id(id, i);
        assert_int_equal(sealed_certificate_table_find(zone, id, NOW,
                                                       &state),
                         0);
    }

    (void) store_expire(zone, NOW + 3599);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), n);

    (void) store_expire(zone, NOW + 3600);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), n / 2);
    assert_null(store_check(zone));
    assert_int_equal(store_insert(zone, 1000000, NOW + 3600), SEALED_OK);

    (void) store_expire(zone, NOW + 7201);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    assert_int_equal(zone->header->arena.free_pages, base);

    assert_null(store_check(zone));
    store_free(zone);
}


/* mailboxes are counted for their opener, as far as they came to be */

static void
test_opener(void **unused)
{
    uint8_t         id[16];
    sealed_zone_t  *zone;

    zone = store_new(2 << 20);
    store_id(id, 5);

    assert_int_equal(sealed_certificate_table_open(zone, id, 2),
                     SEALED_UNAUTHORIZED);
    sealed_certificate_table_unopen(zone, id);

    store_certificate(zone, 5);
    assert_int_equal(sealed_certificate_table_open(zone, id, 2), SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 2), SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 2),
                     SEALED_OPENER_LIMIT);
    sealed_certificate_table_unopen(zone, id);
    assert_int_equal(sealed_certificate_table_open(zone, id, 2), SEALED_OK);

    /* another entry meanwhile: it has not counted that one */

    (void) store_expire(zone, NOW + 2 * 86400);
    store_certificate(zone, 5);
    sealed_certificate_table_unopen(zone, id);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1), SEALED_OK);

    store_free(zone);
}


/* from then on everything under it is refused, whatever it was before */

static void
test_revoked(void **unused)
{
    uint8_t                      id[16], key[SEALED_KEY_SIZE] = { 0 };
    uint64_t                     next, retry;
    unsigned                     has_next;
    sealed_zone_t               *zone;
    sealed_certificate_state_t   state;

    zone = store_new(2 << 20);
    store_id(id, 5);
    store_certificate(zone, 5);

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state), 0);
    assert_int_equal(state.revoked, 0);

    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 1, NOW),
                     SEALED_OK);

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state), 0);
    assert_int_equal(state.revoked, 1);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 1, &next,
                                                    &has_next),
                     SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1, NOW, &retry),
                     SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_open(zone, id, 2),
                     SEALED_UNAUTHORIZED);

    /* a first use that was being computed meanwhile */

    assert_int_equal(store_insert(zone, 5, NOW + 3600), SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 1, NOW),
                     SEALED_OK);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);

    /* one that nobody has seen */

    store_id(id, 6);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW, NOW),
                     SEALED_OK);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);

    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 7200,
                                                     NOW), SEALED_OK);
    assert_int_equal(store_insert(zone, 6, NOW + 3600), SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW + 7199,
                                                   &state), 0);
    assert_int_equal(state.revoked, 1);
    assert_memory_equal(state.key, key, sizeof(key));
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW + 7200,
                                                   &state), -1);
    assert_null(store_check(zone));

    (void) store_expire(zone, NOW + 2 * 86400);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    assert_null(store_check(zone));
    store_free(zone);
}


static void
test_quota(void **unused)
{
    uint8_t                      id[16], other[16];
    sealed_bytes_t               name;
    sealed_zone_t               *zone;
    sealed_certificate_state_t   state;

    static const uint8_t  key[32] = { 7 }, another[32] = { 8 };

    name.data = (const uint8_t *) "alice";
    name.size = 5;

    /* every part of the row counts */

    sealed_quota_id(id, key, name, 2, 20000);
    sealed_quota_id(other, key, name, 2, 20000);
    assert_memory_equal(id, other, 16);
    sealed_quota_id(other, another, name, 2, 20000);
    assert_memory_not_equal(id, other, 16);
    sealed_quota_id(other, key, name, 3, 20000);
    assert_memory_not_equal(id, other, 16);
    sealed_quota_id(other, key, name, 2, 20001);
    assert_memory_not_equal(id, other, 16);
    name.size = 4;
    sealed_quota_id(other, key, name, 2, 20000);
    assert_memory_not_equal(id, other, 16);

    zone = store_new(2 << 20);

    assert_int_equal(sealed_quota_take(zone, id, 9, 8, NOW + 3600),
                     SEALED_NO_QUOTA);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);

    assert_int_equal(sealed_quota_take(zone, id, 5, 8, NOW + 3600),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 4, 8, NOW + 3600),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, id, 3, 8, NOW + 3600),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 1, 8, NOW + 3600),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, other, 8, 8, NOW + 3600),
                     SEALED_OK);

    /* a larger one, to its end; a smaller one, taken back from nobody */

    assert_int_equal(sealed_quota_take(zone, id, 65527, 65535, NOW + 3600),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 1, 65535, NOW + 3600),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, id, 1, 8, NOW + 3600),
                     SEALED_NO_QUOTA);

    /* it is no certificate */

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state),
                     -1);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1),
                     SEALED_UNAUTHORIZED);

    assert_null(store_check(zone));
    (void) store_expire(zone, NOW + 7200);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    assert_int_equal(sealed_quota_take(zone, id, 8, 8, NOW + 10800),
                     SEALED_OK);

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_find_spend_charge),
        cmocka_unit_test(test_full_table),
        cmocka_unit_test(test_opener),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_quota)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
