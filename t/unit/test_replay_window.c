
#include "vectors.h"
#include "replay_window.h"


#define MAX_WORDS  (SEALED_CERTIFICATE_WINDOW / 64)
#define MAX_SPENT  3000


typedef struct {
    unsigned                      bits;
    uint64_t                      highest;
    uint64_t                      bitmap[MAX_WORDS];
} window_t;


/* what a window is, told without any cleverness: all that was spent */

typedef struct {
    unsigned                      bits;
    unsigned                      count;
    uint64_t                      highest;
    uint64_t                      spent[MAX_SPENT];
} model_t;


static const unsigned  sizes[] = { SEALED_OWNER_WINDOW,
                                   SEALED_CERTIFICATE_WINDOW };


static int
spend(window_t *w, uint64_t nonce)
{
    return sealed_replay_window_spend(&w->highest, w->bitmap, w->bits, nonce);
}


static int
next(window_t *w, uint64_t *nonce)
{
    return sealed_replay_window_next(w->highest, w->bitmap, w->bits, nonce);
}


static void
make_empty(window_t *w, unsigned bits)
{
    memset(w, 0, sizeof(window_t));
    w->bits = bits;
}


static int
model_has(const model_t *m, uint64_t nonce)
{
    unsigned  i;

    for (i = m->count; i > 0; i--) {
        if (m->spent[i - 1] == nonce) {
            return 1;
        }
    }

    return 0;
}


static int
model_spend(model_t *m, uint64_t nonce)
{
    if (m->count) {

        if (nonce <= m->highest && m->highest - nonce >= m->bits) {
            return -1;
        }

        if (model_has(m, nonce)) {
            return -1;
        }
    }

    assert_true(m->count < MAX_SPENT);
    m->spent[m->count++] = nonce;

    if (m->count == 1 || nonce > m->highest) {
        m->highest = nonce;
    }

    return 0;
}


static int
model_next(const model_t *m, uint64_t *nonce)
{
    unsigned  i;

    if (m->highest != UINT64_MAX) {
        *nonce = m->highest + 1;
        return 0;
    }

    for (i = 0; i < m->bits; i++) {
        *nonce = m->highest - i;

        if (!model_has(m, *nonce)) {
            return 0;
        }
    }

    return -1;
}


static uint64_t
random_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;

    return *state;
}


static void
test_first_places_window(void **state)
{
    unsigned  i, j;
    window_t  w;

    static const uint64_t  first[] = {
        0, 1, 5, 63, 64, 255, 256, 1000000, UINT64_MAX - 1, UINT64_MAX
    };

    for (i = 0; i < 2; i++) {
        for (j = 0; j < sizeof(first) / sizeof(first[0]); j++) {
            make_empty(&w, sizes[i]);

            assert_int_equal(spend(&w, first[j]), 0);
            assert_true(w.highest == first[j]);
            assert_int_equal(spend(&w, first[j]), -1);
        }
    }
}


static void
test_zero(void **state)
{
    unsigned  i;
    uint64_t  nonce;
    window_t  w;

    for (i = 0; i < 2; i++) {
        make_empty(&w, sizes[i]);

        assert_int_equal(spend(&w, 0), 0);
        assert_int_equal(next(&w, &nonce), 0);
        assert_true(nonce == 1);
        assert_int_equal(spend(&w, 0), -1);
        assert_int_equal(spend(&w, 1), 0);
        assert_int_equal(spend(&w, 0), -1);
        assert_int_equal(spend(&w, 1), -1);
    }
}


/* below the window, its last place, inside, and at a distance of 2^64 - 1 */

static void
test_edges(void **state)
{
    unsigned  i, bits;
    window_t  w;

    for (i = 0; i < 2; i++) {
        bits = sizes[i];
        make_empty(&w, bits);

        assert_int_equal(spend(&w, 10000), 0);
        assert_int_equal(spend(&w, 10000 - bits), -1);
        assert_int_equal(spend(&w, 10000 - bits - 1), -1);
        assert_int_equal(spend(&w, 0), -1);
        assert_int_equal(spend(&w, 10000 - bits + 1), 0);
        assert_int_equal(spend(&w, 10000 - bits + 1), -1);

        /* one further: that place is now the new one's */

        assert_int_equal(spend(&w, 10001), 0);
        assert_int_equal(spend(&w, 10001 - bits), -1);
        assert_int_equal(spend(&w, 10001 - bits + 1), 0);

        make_empty(&w, bits);

        assert_int_equal(spend(&w, UINT64_MAX), 0);
        assert_int_equal(spend(&w, 0), -1);
        assert_int_equal(spend(&w, bits - 1), -1);
        assert_int_equal(spend(&w, UINT64_MAX - bits), -1);
        assert_int_equal(spend(&w, UINT64_MAX - bits + 1), 0);

        make_empty(&w, bits);

        assert_int_equal(spend(&w, 0), 0);
        assert_int_equal(spend(&w, UINT64_MAX), 0);
        assert_int_equal(spend(&w, 0), -1);
    }
}


/* after a jump nothing of the former places is taken for spent */

static void
test_jumps(void **state)
{
    unsigned  i, j, k, bits;
    uint64_t  base;
    window_t  w;

    static const int  offsets[] = { -2, -1, 0, 1, 2 };

    for (i = 0; i < 2; i++) {
        bits = sizes[i];

        for (j = 1; j <= 3; j++) {
            for (k = 0; k < sizeof(offsets) / sizeof(offsets[0]); k++) {
                make_empty(&w, bits);

                for (base = 5000; base < 5000 + bits; base++) {
                    assert_int_equal(spend(&w, base), 0);
                }

                base = 5000 + bits - 1;
                base += (uint64_t) ((int) (j * bits) + offsets[k]);

                assert_int_equal(spend(&w, base), 0);

                for (base -= bits - 1; base < w.highest; base++) {
                    assert_int_equal(spend(&w, base),
                                     base < 5000 + bits ? -1 : 0);
                }

                assert_int_equal(spend(&w, base), -1);
            }
        }
    }
}


static void
test_refusal_changes_nothing(void **state)
{
    unsigned  i;
    window_t  w, before;

    for (i = 0; i < 2; i++) {
        make_empty(&w, sizes[i]);

        assert_int_equal(spend(&w, 100000), 0);
        assert_int_equal(spend(&w, 99990), 0);

        before = w;

        assert_int_equal(spend(&w, 100000), -1);
        assert_int_equal(spend(&w, 99990), -1);
        assert_int_equal(spend(&w, 3), -1);

        assert_memory_equal(&w, &before, sizeof(w));
    }
}


static void
test_next_at_the_end(void **state)
{
    unsigned  i, bits;
    uint64_t  nonce;
    window_t  w;

    for (i = 0; i < 2; i++) {
        bits = sizes[i];
        make_empty(&w, bits);

        assert_int_equal(next(&w, &nonce), 0);

        assert_int_equal(spend(&w, UINT64_MAX - 1), 0);
        assert_int_equal(next(&w, &nonce), 0);
        assert_true(nonce == UINT64_MAX);
        assert_int_equal(spend(&w, nonce), 0);

        /* UINT64_MAX and the one below are gone: bits - 2 are left */

        while (next(&w, &nonce) == 0) {
            bits--;
            assert_true(nonce == UINT64_MAX - (sizes[i] - bits) - 1);
            assert_int_equal(spend(&w, nonce), 0);
        }

        assert_int_equal(bits, 2);
    }
}


/* random walks of all kinds beside the model */

static void
test_model(void **state)
{
    unsigned         round, step, accepted, refused;
    uint64_t         seed, nonce, kind, expected;
    window_t         w;
    static model_t   m;

    static const uint64_t  bases[] = {
        0, 1, 40, 300, (uint64_t) 1 << 32, UINT64_MAX - 5000,
        UINT64_MAX - 300, UINT64_MAX - 70, UINT64_MAX
    };

    seed = 0x9e3779b97f4a7c15;
    accepted = 0;
    refused = 0;

    for (round = 0; round < 180; round++) {
        make_empty(&w, sizes[round % 2]);
        m.bits = w.bits;
        m.count = 0;
        m.highest = 0;

        nonce = bases[round / 2 % (sizeof(bases) / sizeof(bases[0]))];

        for (step = 0; step < 1200; step++) {

            if (spend(&w, nonce) == 0) {
                assert_int_equal(model_spend(&m, nonce), 0);
                accepted++;

            } else {
                assert_int_equal(model_spend(&m, nonce), -1);
                refused++;
            }

            assert_true(w.highest == m.highest);

            assert_int_equal(next(&w, &nonce), model_next(&m, &expected));

            if (m.highest != UINT64_MAX || model_next(&m, &expected) == 0) {
                assert_true(nonce == expected);
            }

            kind = random_number(&seed) % 100;

            if (kind < 55) {
                nonce = m.highest - random_number(&seed) % (m.bits + 4);

            } else if (kind < 85) {
                nonce = m.highest + random_number(&seed) % 4;

            } else if (kind < 98) {
                nonce = m.highest + m.bits - 3 + random_number(&seed) % 6;

            } else if (kind == 98) {
                nonce = m.highest + random_number(&seed) % 5000;

            } else {
                nonce = random_number(&seed) % (m.bits * 2);
            }
        }
    }

    /* neither answer is an exception */
    assert_true(accepted > 20000);
    assert_true(refused > 20000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_first_places_window),
        cmocka_unit_test(test_zero),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_refusal_changes_nothing),
        cmocka_unit_test(test_next_at_the_end),
        cmocka_unit_test(test_model)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
