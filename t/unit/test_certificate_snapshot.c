
/* certificates and revocations of a zone, written while it is walked */

#include "snapshot_world.h"


enum { CERTIFICATES = 12000 };


/* those alone that were used since, as many as batches hold */

static void
test_certificates(void **state)
{
    size_t                     i, written, unused;
    uint8_t                    id[16];
    world_t                   *w;
    uint32_t                   n;
    uint64_t                   retry;
    sealed_zone_t             *zone;
    sealed_snapshot_result_t   result;

    sealed_certificate_snapshot_t  walk;

    w = world_new(1, SEGMENT);
    do_open(w, 1, 0);
    unused = 0;

    for (i = 0; i < CERTIFICATES; i++) {
        n = 8000 + (uint32_t) i;
        assert_int_equal(store_insert(w->zone, n, NOW + 7200), SEALED_OK);

        if (i % 10 == 0) {
            unused++;
            continue;
        }

        store_id(id, n);
        assert_int_equal(sealed_certificate_table_charge(w->zone, id,
                                          &store_rule, 999, NOW + 5, &retry),
                         SEALED_OK);
    }

    use_certificates(w->zone);
    sealed_certificate_snapshot_init(&walk, NOW + 1);
    written = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, w->zone,
                                                  &w->log.writer, NOW + 5);

        if (result == SEALED_SNAPSHOT_WAIT) {
            stream_flush(&w->log);
            written++;
        }

    } while (result != SEALED_SNAPSHOT_DONE);

    assert_true(written > 0);
    stream_end(&w->log);

    zone = store_new(ZONE);
    assert_int_equal(restore(w, zone), 0);

    /* not in the order in which they came: as often up as down */

    assert_in_range(w->restored.certificates, CERTIFICATES - unused,
                    CERTIFICATES - unused + 1000);
    assert_in_range(w->restored.ascents, w->restored.certificates * 4 / 10,
                    w->restored.certificates * 6 / 10);
    assert_null(store_check(zone));
    assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE),
                     CERTIFICATES - unused);

    for (i = 0; i < CERTIFICATES; i++) {
        n = 8000 + (uint32_t) i;
        assert_int_equal(store_insert(zone, n, NOW + 7200), SEALED_OK);

        store_id(id, n);
        assert_int_equal(sealed_certificate_table_charge(zone, id,
                                            &store_rule, 2, NOW + 5, &retry),
                         i % 10 ? SEALED_NO_BUDGET : SEALED_OK);
    }

    store_free(zone);
    world_free(w);
}


/* a table that shrinks while it is walked hides nothing */

static void
test_shrinking(void **state)
{
    world_t                        *w;
    uint8_t                         id[16];
    uint32_t                        n;
    unsigned                        steps, kept;
    sealed_zone_t                  *zone;
    sealed_snapshot_result_t        result;
    sealed_certificate_state_t      found;
    sealed_certificate_snapshot_t   walk;

    enum { MOST = 30000, EACH = 150 };

    w = world_new(1, SEGMENT);

    for (n = 1; n < MOST; n++) {
        store_id(id, n);
        (void) sealed_certificate_table_revoke(w->zone, id, NOW
                                        + (n % EACH ? 3000 : 900000), NOW);
    }

    sealed_certificate_snapshot_init(&walk, 0);
    steps = 0;

    do {
        result = sealed_certificate_snapshot_step(&walk, w->zone,
                                                  &w->snapshot.writer, NOW);

        if (result == SEALED_SNAPSHOT_WAIT) {
            stream_flush(&w->snapshot);
        }

        if (++steps == 40) {
            (void) store_expire(w->zone, NOW + 7200);
        }

    } while (result != SEALED_SNAPSHOT_DONE);

    stream_end(&w->snapshot);
    stream_end(&w->log);

    zone = store_new(ZONE);
    assert_int_equal(restore(w, zone), 0);
    kept = 0;

    for (n = EACH; n < MOST; n += EACH) {
        store_id(id, n);

        if (sealed_certificate_table_find(w->zone, id, NOW, &found) == 0) {
            assert_int_equal(sealed_certificate_table_find(zone, id, NOW,
                                                           &found),
                             0);
            assert_true(found.revoked);
            kept++;
        }
    }

    assert_true(kept > 10);
    store_free(zone);
    world_free(w);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_shrinking)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
