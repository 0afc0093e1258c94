
#include "store.h"


#define HOUR    (NOW / 3600)
#define EXPIRY  (HOUR + 24)


static int
is_open(sealed_zone_t *zone, uint32_t n)
{
    uint8_t  id[16];

    store_id(id, n);

    return sealed_mailbox_check_after(zone, id, 0) == SEALED_OK;
}


static void
send(sealed_zone_t *zone, uint32_t n, unsigned times, uint64_t expiry)
{
    uint32_t  accepted;

    while (times--) {
        assert_int_equal(store_send(zone, n, 1, "hello", 5, 0, NOW, expiry,
                                    &accepted),
                         SEALED_OK);
        assert_int_equal(accepted, 1);
    }
}


/* envelopes leave at their hour, from each place in a mailbox */

static void
test_envelopes(void **unused)
{
    unsigned         n, k, left;
    uint64_t         hour;
    sealed_zone_t   *zone;

    zone = store_new(2 << 20);
    store_certificate(zone, 0);

    for (n = 1; n <= 20; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);

        for (k = 0; k < 20; k++) {
            send(zone, n, 1, HOUR + 1 + k * n % 20);
        }
    }

    for (hour = HOUR; hour <= HOUR + 21; hour++) {
        (void) store_expire(zone, hour * 3600 + 3599);
        assert_null(store_check(zone));

        for (n = 1; n <= 20; n++) {
            left = 0;

            for (k = 0; k < 20; k++) {
                left += HOUR + 1 + k * n % 20 > hour;
            }

            assert_int_equal(store_mailbox(zone, n)->count, left);
        }
    }

    assert_int_equal(store_records(zone), 0);
    assert_int_equal(store_used(zone, SEALED_POOL_BODY), 0);
    store_free(zone);
}


/* certificates leave when they end, not before and not much later */

static void
test_certificates(void **unused)
{
    uint32_t         n;
    uint64_t         base;
    sealed_zone_t   *zone;

    zone = store_new(2 << 20);
    base = zone->header->arena.free_pages;

    for (n = 0; n < 300; n++) {
        assert_int_equal(store_insert(zone, n, NOW + n * 13000), SEALED_OK);
    }

    for (n = 0; n < 300; n++) {
        (void) store_expire(zone, NOW + n * 13000 - 1);
        assert_in_range(store_used(zone, SEALED_POOL_CERTIFICATE), 300 - n,
                        301 - n);
        (void) store_expire(zone, NOW + n * 13000 + 3600);
        assert_int_equal(store_used(zone, SEALED_POOL_CERTIFICATE), 299 - n);
    }

    assert_int_equal(zone->header->arena.free_pages, base);
    assert_null(store_check(zone));
    store_free(zone);
}


/* a mailbox that nobody asks for ends, with all that is in it */

static void
test_idle_mailboxes(void **unused)
{
    uint8_t          id[16];
    unsigned         has_next;
    uint32_t         base, n;
    uint64_t         next, now;
    sealed_zone_t   *zone;

    zone = store_new(2 << 20);
    base = zone->header->arena.free_pages;
    store_certificate(zone, 0);

    for (n = 1; n <= 50; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
        send(zone, n, 99, HOUR + 1000);
    }

    for (now = NOW; now <= NOW + 86400; now += 1800) {
        (void) store_expire(zone, now);
        store_id(id, 7);
        assert_int_equal(sealed_mailbox_spend(zone, id, now, now, &next,
                                              &has_next),
                         SEALED_OK);
        assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 50);
        assert_true(is_open(zone, 1));
    }

    (void) store_expire(zone, NOW + 86400 + 2 * 3600);
    assert_false(is_open(zone, 1));
    assert_true(is_open(zone, 7));
    assert_int_equal(store_records(zone), 99);

    /* closed ones are answered for a while, then they are gone as well */

    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 50);
    (void) store_expire(zone, NOW + 86400 + 4 * 3600);
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 1);
    assert_null(store_check(zone));

    (void) store_expire(zone, NOW + 3 * 86400);
    (void) store_expire(zone, NOW + 3 * 86400 + 7200);
    assert_int_equal(zone->header->arena.free_pages, base);
    store_free(zone);
}


/*
 * What was read or has ended is nowhere in the memory any more: neither where
 * it was nor among what a process notes to undo its steps.
 */

static int
holds(const sealed_zone_t *zone, const void *octets, size_t size)
{
    return memmem(zone->base, sealed_zone_size(zone), octets, size) != NULL;
}


static void
test_wiped(void **unused)
{
    size_t                      i;
    uint8_t                     body[5000], id[16], sender[16], slice[32];
    uint32_t                    accepted;
    sealed_zone_t              *zone;
    sealed_certificate_state_t  state;

    enum { BOX = 0x5c };

    for (i = 0; i < sizeof(body); i++) {
        body[i] = (uint8_t) (i * i / 7 + i);
    }

    zone = store_new(2 << 20);
    store_certificate(zone, 0);

    memset(&state, 0, sizeof(state));
    memset(state.key, 0xd7, sizeof(state.key));
    state.end = NOW + 86400;
    state.class = 1;
    store_id(sender, 1);
    assert_int_equal(sealed_certificate_table_insert(zone, sender, &state,
                                                     &store_rule, NOW),
                     SEALED_OK);

    /* the key of the mailbox is BOX, BOX, ..., and so are slices for it */

    store_id(id, BOX);
    memset(slice, BOX, sizeof(slice));
    assert_int_equal(store_open(zone, BOX), SEALED_OK);
    assert_true(holds(zone, slice, sizeof(slice)));

    memset(store_mailbox(zone, BOX)->key, 0, 32);
    assert_false(holds(zone, slice, sizeof(slice)));

    assert_int_equal(store_send(zone, BOX, 1, body, sizeof(body), 48, NOW,
                                EXPIRY, &accepted),
                     SEALED_OK);
    assert_int_equal(accepted, 1);
    assert_true(holds(zone, body, 64));
    assert_true(holds(zone, body + 4096, 64));
    assert_true(holds(zone, body + sizeof(body) - 16, 16));
    assert_true(holds(zone, slice, sizeof(slice)));

    assert_int_equal(sealed_mailbox_acknowledge(zone, id, 1, NOW), SEALED_OK);
    assert_false(holds(zone, body, 64));
    assert_false(holds(zone, body + 4096, 64));
    assert_false(holds(zone, body + sizeof(body) - 16, 16));
    assert_false(holds(zone, slice, sizeof(slice)));

    /* the same of what nobody acknowledges, and of the mailbox itself */

    memset(store_mailbox(zone, BOX)->key, 0x3e, 32);
    memset(slice, 0x3e, sizeof(slice));
    assert_int_equal(store_send(zone, BOX, 1, body, sizeof(body), 0, NOW,
                                EXPIRY, &accepted),
                     SEALED_OK);
    assert_true(holds(zone, body, 64));
    assert_true(holds(zone, slice, sizeof(slice)));
    assert_true(holds(zone, state.key, sizeof(state.key)));

    (void) store_expire(zone, NOW + 25 * 3600);
    assert_false(holds(zone, body, 64));
    assert_false(holds(zone, body + 4096, 64));

    (void) store_expire(zone, NOW + 3 * 86400);
    (void) store_expire(zone, NOW + 3 * 86400 + 7200);
    assert_false(holds(zone, slice, sizeof(slice)));
    assert_false(holds(zone, id, sizeof(id)));
    assert_false(holds(zone, state.key, sizeof(state.key)));
    assert_false(holds(zone, sender, sizeof(sender)));

    assert_null(store_check(zone));
    store_free(zone);
}


/* a budget of steps is kept, and the rest comes with the next calls */

static void
test_steps(void **unused)
{
    int              more;
    uint32_t         n, calls;
    uint64_t         wake, before, after;
    sealed_zone_t   *zone;

    zone = store_new(4 << 20);

    for (n = 0; n < 1000; n++) {
        assert_int_equal(store_insert(zone, n,
                                      NOW + 3600 - SEALED_CLOCK_SLACK),
                         SEALED_OK);
    }

    calls = 0;

    do {
        before = store_used(zone, SEALED_POOL_CERTIFICATE);
        more = sealed_expiry_run(zone, 3, 0, NOW + 3600, &wake);
        after = store_used(zone, SEALED_POOL_CERTIFICATE);
        assert_in_range(before - after, 0, 3 * (zone->shard_mask + 1));
        calls++;
    } while (more);

    assert_int_equal(after, 0);
    assert_in_range(calls, 1000 / 12, 150);
    assert_int_equal(sealed_expiry_run(zone, 3, 0, NOW + 3600, &wake), 0);
    assert_null(store_check(zone));

    store_free(zone);
}


/* what a journal has to be told, however little it can take at once */

static void
test_notes(void **unused)
{
    int                    more;
    uint8_t                id[16];
    uint32_t               n, i, open, life[60];
    uint64_t               wake, now;
    unsigned               capacity, calls;
    sealed_zone_t         *zone;
    sealed_expiry_note_t   note[64];
    sealed_expiry_notes_t  notes;

    for (capacity = 1; capacity <= 64; capacity += 9) {
        zone = store_new(2 << 20);
        store_certificate(zone, 0);

        for (n = 1; n < 60; n++) {
            assert_int_equal(store_open(zone, n), SEALED_OK);
            send(zone, n, 3, HOUR + 1000);
            life[n] = store_mailbox(zone, n)->life;
        }

        notes.note = note;
        notes.capacity = capacity;
        now = NOW + 86400 + 2 * 3600;
        open = 59;
        calls = 0;

        do {
            notes.count = 0;
            more = sealed_expiry_run_noted(zone, 1000, 64, now, &wake,
                                           &notes);
            assert_true(notes.count <= capacity);
            assert_true(more || notes.count < capacity);

            for (i = 0; i < notes.count; i++) {
                assert_int_equal(note[i].until, now + SEALED_CLOSED_SECONDS);

                for (n = 1; n < 60; n++) {
                    store_id(id, n);

                    if (memcmp(id, note[i].id, sizeof(id)) == 0) {
                        assert_int_equal(note[i].life, life[n]);
                        assert_false(is_open(zone, n));
                        life[n] = 0;    /* each once */
                        open--;
                    }
                }
            }

            assert_true(calls++ < 1000);
        } while (more);

        assert_int_equal(open, 0);
        assert_int_equal(store_records(zone), 0);

        /* those that are closed already, or of a line that left */

        now += 2 * 3600;
        (void) store_expire(zone, now);
        assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 0);
        store_certificate(zone, 0);
        assert_int_equal(store_open(zone, 1), SEALED_OK);
        assert_int_equal(store_open(zone, 2), SEALED_OK);
        store_id(id, 1);
        assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake),
                         SEALED_OK);
        zone->limits.tag[0] = 9;
        store_id(id, 2);
        calls = 0;

        for (i = 0; i < 40; i++) {
            notes.count = 0;
            (void) sealed_expiry_run_noted(zone, 100, 64, NOW, &wake, &notes);
            calls += notes.count;

            if (notes.count) {
                assert_int_equal(notes.count, 1);
                assert_memory_equal(note[0].id, id, sizeof(id));
            }
        }

        assert_int_equal(calls, 1);
        assert_null(store_check(zone));
        store_free(zone);
    }
}


/* mailboxes of a key line that left go before their time, readers are told */

static void
test_key_line_that_left(void **unused)
{
    size_t            used;
    uint8_t           id[16];
    unsigned          more;
    uint32_t          n, pages;
    uint64_t          wake, all;
    sealed_zone_t    *zone;
    sealed_cursor_t   cursor = { 0, 1, SEALED_NONE, SEALED_NONE };

    zone = store_new(4 << 20);
    store_certificate(zone, 0);

    for (n = 1; n <= 300; n++) {
        assert_int_equal(store_open(zone, n), SEALED_OK);
    }

    store_id(id, 300);
    assert_int_equal(sealed_mailbox_read(zone, id, NOW, &cursor, NULL, 0,
                                         &used, &more, 9),
                     SEALED_OK);
    send(zone, 1, 99, HOUR + 1000);

    /* in a file with two lines the old one still counts */

    zone->limits.ntags = 2;
    zone->limits.tag[0] = 8;
    zone->limits.tag[1] = 7;
    (void) store_expire(zone, NOW);
    assert_true(is_open(zone, 1));
    assert_int_equal(store_mailbox(zone, 1)->count, 99);

    zone->limits.ntags = 1;
    assert_false(is_open(zone, 1));
    assert_int_equal(store_open(zone, 1), SEALED_MAILBOX_CLOSED);

    /* some pages at a time */

    all = 0;

    for (pages = 0; pages < zone->header->arena.carved; pages += 16) {
        (void) sealed_expiry_run(zone, 100, 16, NOW, &wake);
        all |= wake;
    }

    (void) sealed_expiry_run(zone, 100, 16, NOW, &wake);
    all |= wake;
    assert_int_equal(all, 1 << 9);
    assert_int_equal(store_records(zone), 0);

    (void) store_expire(zone, NOW + 7200);
    assert_int_equal(store_used(zone, SEALED_POOL_MAILBOX), 0);
    assert_null(store_check(zone));

    store_free(zone);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_envelopes),
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_idle_mailboxes),
        cmocka_unit_test(test_wiped),
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_notes),
        cmocka_unit_test(test_key_line_that_left)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
