
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


/* nothing that is revoked gets lost in a table that is full */

static void
test_full_revocation(void **unused)
{
    uint8_t                     id[16];
    uint32_t                    n;
    sealed_zone_t              *zone;
    sealed_certificate_state_t  found;

    zone = store_new(2 << 20);

    for (n = 1; store_insert(zone, n, NOW + 7200) == SEALED_OK; n++) {
        assert_true(n < 100000);
    }

    store_id(id, 100001);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 7200,
                                                     NOW),
                     SEALED_CERTIFICATES_FULL);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &found),
                     -1);

    /* one that is in it needs no room */

    store_id(id, n - 1);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 7200,
                                                     NOW),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &found), 0);
    assert_true(found.revoked);

    /* and when others have ended there is some */

    (void) store_expire(zone, NOW + 11000);
    store_id(id, 100001);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 20000,
                                                     NOW + 11000),
                     SEALED_OK);
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
    uint32_t                     taken;
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

    assert_int_equal(sealed_quota_take(zone, id, 9, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);

    assert_int_equal(sealed_quota_take(zone, id, 5, 8, NOW + 3600, &taken),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 4, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, id, 3, 8, NOW + 3600, &taken),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 1, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, other, 8, 8, NOW + 3600, &taken),
                     SEALED_OK);

    /* what was taken in vain is there again, and never more than that */

    sealed_quota_return(zone, other, 9);
    assert_int_equal(sealed_quota_take(zone, other, 1, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    sealed_quota_return(zone, other, 8);
    sealed_quota_return(zone, other, 1);
    assert_int_equal(sealed_quota_take(zone, other, 9, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, other, 8, 8, NOW + 3600, &taken),
                     SEALED_OK);
    assert_int_equal(taken, 8);

    /* a larger one, to its end; a smaller one, taken back from nobody */

    assert_int_equal(sealed_quota_take(zone, id, 65527, 65535, NOW + 3600,
                                       &taken),
                     SEALED_OK);
    assert_int_equal(sealed_quota_take(zone, id, 1, 65535, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, id, 1, 8, NOW + 3600, &taken),
                     SEALED_NO_QUOTA);

    /* it is no certificate */

    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state),
                     -1);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1),
                     SEALED_UNAUTHORIZED);

    assert_int_equal(taken, 65535);

    /* nor does a certificate take anything for one */

    store_id(other, 900);
    assert_int_equal(store_insert(zone, 900, NOW + 3600), SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, other, 1),
                     SEALED_OK);
    sealed_quota_return(zone, other, 1);
    assert_int_equal(sealed_certificate_table_open(zone, other, 1),
                     SEALED_OPENER_LIMIT);

    store_id(other, 901);
    sealed_quota_return(zone, other, 1);

    assert_null(store_check(zone));
    (void) store_expire(zone, NOW + 7200);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    assert_int_equal(sealed_quota_take(zone, id, 8, 8, NOW + 10800, &taken),
                     SEALED_OK);

    store_free(zone);
}


static sealed_certificate_entry_t
remembered(uint32_t n, uint64_t highest, uint32_t units, uint64_t time,
    uint16_t opened)
{
    sealed_certificate_entry_t  row;

    memset(&row, 0, sizeof(row));
    store_id(row.entry.id, n);
    row.kind = SEALED_ENTRY_REMEMBERED;
    row.end = NOW + 86400;
    row.class = 1;
    row.opened = opened;
    row.budget.level = (uint64_t) units << 32;
    row.budget.time = time;
    row.window_highest = highest;
    row.window[highest % SEALED_CERTIFICATE_WINDOW / 64] |=
        (uint64_t) 1 << highest % 64;

    return row;
}


/* nothing can be done with it until its key is there again */

static void
test_remembered(void **unused)
{
    uint8_t                      id[16];
    uint64_t                     next, retry;
    unsigned                     has_next;
    sealed_zone_t               *zone;
    sealed_certificate_entry_t   row;
    sealed_certificate_state_t   state;

    zone = store_new(2 << 20);
    store_id(id, 5);
    row = remembered(5, 70, 3, NOW + 100, 1);

    assert_int_equal(sealed_certificate_table_remember(zone, &row),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state),
                     -1);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 71, &next,
                                                    &has_next),
                     SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1, NOW, &retry),
                     SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_open(zone, id, 9),
                     SEALED_UNAUTHORIZED);
    assert_null(store_check(zone));

    store_certificate(zone, 5);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state), 0);
    assert_false(state.revoked);

    assert_int_equal(sealed_certificate_table_spend(zone, id, 70, &next,
                                                    &has_next),
                     SEALED_NONCE_USED);
    assert_int_equal(sealed_certificate_table_spend(zone, id, 71, &next,
                                                    &has_next),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_open(zone, id, 1),
                     SEALED_OPENER_LIMIT);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     4, NOW, &retry),
                     SEALED_NO_BUDGET);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     3, NOW, &retry),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1, NOW + 100, &retry),
                     SEALED_NO_BUDGET);
    assert_int_equal(sealed_certificate_table_charge(zone, id, &store_rule,
                                                     1, NOW + 110, &retry),
                     SEALED_OK);

    /* revoked before it came back */

    row = remembered(6, 1, 1, NOW, 0);
    store_id(id, 6);
    assert_int_equal(sealed_certificate_table_remember(zone, &row),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_revoke(zone, id, NOW + 9, NOW),
                     SEALED_OK);
    assert_int_equal(sealed_certificate_table_find(zone, id, NOW, &state), 0);
    assert_true(state.revoked);
    assert_int_equal(store_insert(zone, 6, NOW + 86400), SEALED_UNAUTHORIZED);
    assert_int_equal(sealed_certificate_table_remember(zone, &row),
                     SEALED_OK);
    assert_int_equal(store_insert(zone, 6, NOW + 86400), SEALED_UNAUTHORIZED);

    assert_null(store_check(zone));
    (void) store_expire(zone, NOW + 2 * 86400);
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 0);
    store_free(zone);
}


/* whatever comes first, the strictest of all is kept */

static void
test_remembered_order(void **unused)
{
    uint8_t                      id[16];
    uint64_t                     next, retry;
    unsigned                     i, j, order, has_next;
    sealed_zone_t               *zone;
    sealed_certificate_entry_t   row[4];

    static const unsigned  permutation[][4] = {
        { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 1, 0, 3, 2 }, { 2, 3, 0, 1 },
        { 1, 3, 2, 0 }, { 3, 0, 2, 1 }
    };

    row[0] = remembered(5, 10, 900, NOW - 3600, 0);
    row[1] = remembered(5, 300, 7, NOW + 50, 2);
    row[2] = remembered(5, 300, 5, NOW + 50, 1);
    row[2].window[0] |= 1 << 7;
    row[3] = remembered(5, 299, 3, NOW + 40, 0);

    for (order = 0; order < 6; order++) {
        zone = store_new(2 << 20);
        store_id(id, 5);

        for (i = 0; i < 2; i++) {
            for (j = 0; j < 4; j++) {
                assert_int_equal(sealed_certificate_table_remember(
                                     zone, &row[permutation[order][j]]),
                                 SEALED_OK);
            }
        }

        assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 1);
        store_certificate(zone, 5);

        assert_int_equal(sealed_certificate_table_charge(zone, id,
                                               &store_rule, 6, NOW, &retry),
                         SEALED_NO_BUDGET);
        assert_int_equal(sealed_certificate_table_charge(zone, id,
                                               &store_rule, 5, NOW, &retry),
                         SEALED_OK);
        assert_int_equal(sealed_certificate_table_open(zone, id, 2),
                         SEALED_OPENER_LIMIT);

        /* 263 is at the place of 7 */

        assert_int_equal(sealed_certificate_table_spend(zone, id, 300, &next,
                                                        &has_next),
                         SEALED_NONCE_USED);
        assert_int_equal(sealed_certificate_table_spend(zone, id, 263, &next,
                                                        &has_next),
                         SEALED_NONCE_USED);
        assert_int_equal(sealed_certificate_table_spend(zone, id, 44, &next,
                                                        &has_next),
                         SEALED_NONCE_USED);
        assert_int_equal(sealed_certificate_table_spend(zone, id, 264, &next,
                                                        &has_next),
                         SEALED_OK);

        assert_null(store_check(zone));
        store_free(zone);
    }
}


static void
test_remembered_quota(void **unused)
{
    uint8_t                      id[16];
    uint32_t                     taken;
    sealed_zone_t               *zone;
    sealed_certificate_entry_t   row;

    zone = store_new(2 << 20);
    row = remembered(5, 0, 0, 0, 5);
    row.kind = SEALED_ENTRY_QUOTA;
    row.window[0] = 0;
    store_id(id, 5);

    assert_int_equal(sealed_certificate_table_remember(zone, &row),
                     SEALED_OK);
    row.opened = 3;
    assert_int_equal(sealed_certificate_table_remember(zone, &row),
                     SEALED_OK);

    assert_int_equal(sealed_quota_take(zone, id, 4, 8, NOW + 86400, &taken),
                     SEALED_NO_QUOTA);
    assert_int_equal(sealed_quota_take(zone, id, 3, 8, NOW + 86400, &taken),
                     SEALED_OK);
    assert_int_equal(taken, 8);

    assert_null(store_check(zone));
    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_find_spend_charge),
        cmocka_unit_test(test_full_table),
        cmocka_unit_test(test_full_revocation),
        cmocka_unit_test(test_opener),
        cmocka_unit_test(test_revoked),
        cmocka_unit_test(test_quota),
        cmocka_unit_test(test_remembered),
        cmocka_unit_test(test_remembered_order),
        cmocka_unit_test(test_remembered_quota)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
