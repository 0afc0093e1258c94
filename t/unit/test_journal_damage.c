
#include "journal_run.h"


/*
 * Each octet of a journal wrong, and each length of it: what comes back was
 * sent, one record at most is missing, and nothing comes back twice.
 */

static void
test_each_octet(void **state)
{
    run_t     *run;
    size_t     i, all, size;
    unsigned   n;
    uint32_t   random;
    stream_t  *s;

    run = calloc(1, sizeof(run_t));
    assert_non_null(run);
    run->w = world_new();
    s = world_stream(run->w, 1, 0, SEALED_JOURNAL_BLOCK + 8192);
    random = 99;

    for (n = 0; n < 30; n++) {
        random = random * 1664525 + 1013904223;
        one_op(run, s, random >> 8);
    }

    stream_flush(s);
    assert_int_equal(run->w->memory.files, 1);
    size = (size_t) s->output.end;
    all = recovered(run->w)->report.records;
    assert_int_equal(all, run->ops);

    for (i = 0; i < size; i++) {
        run->w->memory.file[0].data[i] ^= (uint8_t) (1 << i % 8);
        (void) recovered(run->w);
        judge(run, 0);
        assert_true(run->w->found.report.records >= all - 1);
        assert_true(run->w->found.report.records == all
                    || run->w->found.report.damaged
                    || run->w->found.report.torn_octets);
        run->w->memory.file[0].data[i] ^= (uint8_t) (1 << i % 8);
    }

    for (i = size; i-- > 0; /* void */) {
        run->w->memory.file[0].size = i;
        (void) recovered(run->w);
        judge(run, 0);
        assert_int_equal(run->w->found.report.damaged, 0);
        assert_true(run->w->found.report.records <= all);
        all = run->w->found.report.records;
    }

    assert_int_equal(all, 0);

    world_free(run->w);
    free(run);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_each_octet)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
