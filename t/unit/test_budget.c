
#include "vectors.h"
#include "budget.h"


#define UNIT  ((uint64_t) 1 << 32)
#define NOW   1800000000


static uint64_t
random_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;

    return *state;
}


static void
test_full_at_first(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = { 100, 10, 1000 };

    sealed_budget_init(&b, &rule, NOW);

    assert_int_equal(sealed_budget_take(&b, &rule, 4, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 6, NOW, &retry), 0);

    assert_int_equal(sealed_budget_take(&b, &rule, 0, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 1, NOW, &retry), -1);
    assert_true(retry >= 10 && retry <= 11);
}


/* waiting as told is enough, a second less is not */

static void
test_retry_after(void **state)
{
    uint32_t         units;
    uint64_t         n, retry, again;
    unsigned         i;
    sealed_budget_t  b, early;

    static const sealed_budget_rule_t  rules[] = {
        { 100, 10, 1000 },
        { 1, 1, 86400 },
        { 3, 3, 604800 },
        { 86400, 500, 86400 },
        { 1000000, 1000, 86400 },
        { INT32_MAX, INT32_MAX, 86400 },
        { INT32_MAX, UINT32_MAX, 1 },
        { 1, UINT32_MAX, UINT32_MAX }
    };

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        for (n = 1; n <= rules[i].burst; n = n * 2 + 1) {
            units = (uint32_t) n;
            sealed_budget_init(&b, &rules[i], NOW);

            assert_int_equal(sealed_budget_take(&b, &rules[i],
                                                rules[i].burst, NOW, &retry),
                             0);
            assert_int_equal(sealed_budget_take(&b, &rules[i], units, NOW,
                                                &retry), -1);
            assert_true(retry >= 1);

            early = b;
            assert_int_equal(sealed_budget_take(&early, &rules[i], units,
                                                NOW + retry - 1, &again), -1);
            assert_true(again == 1);
            assert_int_equal(sealed_budget_take(&b, &rules[i], units,
                                                NOW + retry, &again), 0);
        }
    }
}


/* where a second brings a whole number of units nothing is rounded */

static void
test_exact(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = { 3600, 10, 3600 };

    sealed_budget_init(&b, &rule, NOW);

    assert_int_equal(sealed_budget_take(&b, &rule, 10, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 7, NOW, &retry), -1);
    assert_true(retry == 7);
    assert_int_equal(sealed_budget_take(&b, &rule, 7, NOW + 7, &retry), 0);
    assert_true(b.level == 0);
}


static void
test_never(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = { 100, 10, 1000 };
    static const sealed_budget_rule_t  none = { 0, 5, 1000 };

    sealed_budget_init(&b, &rule, NOW);

    assert_int_equal(sealed_budget_take(&b, &rule, 11, NOW, &retry), -1);
    assert_true(retry == 1000);
    assert_int_equal(sealed_budget_take(&b, &rule, UINT32_MAX, NOW, &retry),
                     -1);
    assert_true(retry == 1000);

    /* a refusal costs nothing */
    assert_int_equal(sealed_budget_take(&b, &rule, 10, NOW, &retry), 0);

    /* a class without units has its first burst */

    sealed_budget_init(&b, &none, NOW);

    assert_int_equal(sealed_budget_take(&b, &none, 5, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &none, 1, NOW + 100000, &retry),
                     -1);
    assert_true(retry == 1000);
}


static void
test_clock_goes_back(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = { 3600, 10, 3600 };

    sealed_budget_init(&b, &rule, NOW);

    assert_int_equal(sealed_budget_take(&b, &rule, 10, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 1, NOW - 100, &retry), -1);
    assert_true(retry == 101);
    assert_int_equal(sealed_budget_take(&b, &rule, 1, 0, &retry), -1);

    /* and does not pay twice for the same seconds */

    assert_int_equal(sealed_budget_take(&b, &rule, 4, NOW + 5, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 1, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &rule, 1, NOW + 5, &retry), -1);
    assert_true(retry == 1);
}


static void
test_no_overflow(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = {
        INT32_MAX, UINT32_MAX, UINT32_MAX
    };
    static const sealed_budget_rule_t  fast = { INT32_MAX, UINT32_MAX, 1 };

    sealed_budget_init(&b, &rule, 0);

    assert_int_equal(sealed_budget_take(&b, &rule, UINT32_MAX, 0, &retry), 0);
    assert_true(b.level == 0);

    assert_int_equal(sealed_budget_take(&b, &rule, UINT32_MAX, UINT64_MAX,
                                        &retry), 0);
    assert_true(b.level == 0);

    sealed_budget_init(&b, &fast, 0);

    assert_int_equal(sealed_budget_take(&b, &fast, UINT32_MAX, 0, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &fast, UINT32_MAX, 1, &retry),
                     -1);
    assert_true(retry == 2);
    assert_int_equal(sealed_budget_take(&b, &fast, UINT32_MAX, UINT64_MAX,
                                        &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &fast, 1, UINT64_MAX, &retry),
                     -1);
}


/* a reload with a smaller burst takes effect at once */

static void
test_smaller_burst(void **state)
{
    uint64_t         retry;
    sealed_budget_t  b;

    static const sealed_budget_rule_t  rule = { 100, 100, 1000 };
    static const sealed_budget_rule_t  smaller = { 100, 10, 1000 };

    sealed_budget_init(&b, &rule, NOW);

    assert_int_equal(sealed_budget_take(&b, &smaller, 11, NOW, &retry), -1);
    assert_int_equal(sealed_budget_take(&b, &smaller, 10, NOW, &retry), 0);
    assert_int_equal(sealed_budget_take(&b, &smaller, 1, NOW, &retry), -1);
}


/*
 * Beside exact arithmetic, in units / epoch_seconds: never more generous,
 * and behind by less than 2^-32 units a second.
 */

static void
test_model(void **state)
{
    uint64_t              seed, now, top, retry, taken, elapsed;
    unsigned              round, step, n, yes, no;
    __uint128_t           level, there, full, want, behind, late;
    sealed_budget_t       b;
    sealed_budget_rule_t  rule;

    seed = 0x2545f4914f6cdd1d;
    yes = 0;
    no = 0;

    for (round = 0; round < 300; round++) {
        rule.units = (uint32_t) (1 + random_number(&seed)
                                     % (round % 3 ? 5000 : INT32_MAX));
        rule.epoch_seconds = (uint32_t) (1 + random_number(&seed) % 700000);
        rule.burst = (uint32_t) (1 + random_number(&seed) % rule.units);

        now = NOW;
        top = now;
        sealed_budget_init(&b, &rule, now);

        full = (__uint128_t) rule.burst * rule.epoch_seconds;
        level = full;
        taken = 0;
        behind = 0;

        for (step = 0; step < 500; step++) {

            switch (random_number(&seed) % 8) {

            case 0:
                now -= random_number(&seed) % 50;
                break;

            case 1:
                now += random_number(&seed) % rule.epoch_seconds;
                break;

            default:
                now += random_number(&seed) % 20;
            }

            /* what there is now; a refusal leaves it as it was */

            there = level;
            late = behind;

            if (now > top) {
                elapsed = now - top;
                there += (__uint128_t) elapsed * rule.units;
                late += (__uint128_t) elapsed * rule.epoch_seconds;

                if (there > full) {
                    there = full;
                }
            }

            n = (unsigned) (random_number(&seed) % rule.burst) + 1;

            if (random_number(&seed) % 2) {
                n = n % 7 + 1;
            }

            want = (__uint128_t) n * rule.epoch_seconds;

            if (sealed_budget_take(&b, &rule, n, now, &retry) == 0) {
                assert_true(want <= there);
                level = there - want;
                behind = late;
                top = now > top ? now : top;
                taken += n;
                yes++;

            } else {
                assert_true(retry >= 1);
                assert_true(n > rule.burst
                            || (there - (want < there ? want : there)) * UNIT
                               <= late);
                no++;
            }

            /* whatever the clock did: the burst and what came since */

            assert_true(((__uint128_t) taken) * rule.epoch_seconds
                        <= full + (__uint128_t) (top - NOW) * rule.units);
        }
    }

    assert_true(yes > 10000);
    assert_true(no > 10000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_full_at_first),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_exact),
        cmocka_unit_test(test_never),
        cmocka_unit_test(test_clock_goes_back),
        cmocka_unit_test(test_no_overflow),
        cmocka_unit_test(test_smaller_burst),
        cmocka_unit_test(test_model)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
