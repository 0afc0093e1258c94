
/*
 * The power cut.  A run of operations on two streams, and the power goes at
 * each step of the files: what was not synced is there, or is not, or is
 * there up to some octet.
 */

#include "journal_run.h"


enum { SEGMENT = SEALED_JOURNAL_BLOCK + 2500 };


/*
 * The files after so many steps: the last write of each file that was not
 * synced up to an octet, `keep` tells of those before it.
 */

static void
cut(run_t *run, memory_file_t *disk, size_t steps, size_t octets,
    unsigned keep)
{
    int              file;
    size_t           i, synced[FILES_MAX], named, last[FILES_MAX], size;
    step_t          *step;
    memory_files_t  *m;

    m = &run->w->memory;
    named = 0;
    memset(synced, 0, sizeof(synced));
    memset(last, 0, sizeof(last));

    for (i = 0; i < steps; i++) {
        step = &m->step[i];

        if (step->kind == STEP_NAMES) {
            named = i;

        } else if (step->kind == STEP_SYNC) {
            synced[step->file] = i + 1;

        } else if (step->kind == STEP_WRITE) {
            last[step->file] = i + 1;
        }
    }

    for (file = 0; file < m->files; file++) {
        disk[file].there = 0;
        memset(disk[file].data, 0, disk[file].size);
    }

    for (i = 0; i < steps; i++) {
        step = &m->step[i];
        file = step->file;

        if (step->kind == STEP_CREATE) {
            disk[file].there = i < named || keep;

        } else if (step->kind == STEP_WRITE) {
            size = step->size;

            if (i >= synced[file]) {
                size = i + 1 < last[file] ? (keep ? size : 0)
                       : octets < size ? octets : size;
            }

            memcpy(disk[file].data + step->offset, step->data, size);
        }
    }
}


/* two streams by turns, a few operations in each batch */

static run_t *
run_new(sealed_journal_sync_t policy)
{
    int        i;
    run_t     *run;
    unsigned   n, first, waiting[2];
    stream_t  *s[2];
    uint32_t   random;

    run = calloc(1, sizeof(run_t));
    assert_non_null(run);
    run->w = world_new();
    random = 12345 + policy;

    for (n = 0; n < 2; n++) {
        s[n] = world_stream(run->w, 1, 0, SEGMENT);
        s[n]->output.policy = policy;
    }

    first = 0;

    for (n = 0; n < 28; n++) {
        waiting[0] = run->ops;

        for (i = 0; i < 1 + (int) (random >> 16) % 5; i++) {
            random = random * 1664525 + 1013904223;
            one_op(run, s[n % 2], random >> 8);
        }

        waiting[1] = run->ops;
        stream_flush(s[n % 2]);

        if (policy == SEALED_JOURNAL_SYNC_ALWAYS) {
            answer(run, waiting[0], waiting[1]);

        } else if (n % 4 == 3) {

            /* what is promised with a time is promised from here on */

            for (i = 0; i < 2; i++) {
                assert_int_equal(sealed_journal_commit(&s[i]->output, NULL,
                                                       1),
                                 0);
            }

            answer(run, first, waiting[1]);
            first = waiting[1];
        }
    }

    return run;
}


/* the most records that came back from whole steps */

static size_t
cut_everywhere(run_t *run, memory_file_t *disk)
{
    size_t           steps, octets, size, records;
    memory_files_t  *m;

    m = &run->w->memory;
    records = 0;

    for (steps = 0; steps <= m->steps; steps++) {

        /* a write is torn everywhere, other steps are done or not */

        size = steps && m->step[steps - 1].kind == STEP_WRITE
               ? m->step[steps - 1].size : 0;

        for (octets = 0; octets <= size; octets++) {

            /* within a header, where nothing changes, not each */

            if (size > SEALED_JOURNAL_BLOCK
                && octets > 256 && octets < SEALED_JOURNAL_BLOCK
                && octets % 97)
            {
                continue;
            }

            cut(run, disk, steps, octets, (octets ^ steps) & 1);
            recover(&run->w->found, disk, m->files, &run->w->secret, NOW);
            judge(run, steps);

            if (octets == size && run->w->found.report.records > records) {
                records = run->w->found.report.records;
            }
        }
    }

    return records;
}


static void
test_power_cut(void **state)
{
    int             i;
    run_t          *run;
    unsigned        policy;
    memory_file_t  *disk;

    for (policy = SEALED_JOURNAL_SYNC_TIMED;
         policy <= SEALED_JOURNAL_SYNC_ALWAYS;
         policy++)
    {
        run = run_new(policy);

        disk = calloc(FILES_MAX, sizeof(memory_file_t));
        assert_non_null(disk);

        for (i = 0; i < run->w->memory.files; i++) {
            disk[i] = run->w->memory.file[i];
            disk[i].size = SEGMENT;
            disk[i].data = calloc(1, disk[i].size);
            assert_non_null(disk[i].data);
        }

        assert_true(cut_everywhere(run, disk) >= run->ops);
        print_message("%u operations, %lu cuts\n", run->ops,
                      (unsigned long) run->cuts);

        for (i = 0; i < run->w->memory.files; i++) {
            free(disk[i].data);
        }

        free(disk);
        world_free(run->w);
        free(run);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_power_cut)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
