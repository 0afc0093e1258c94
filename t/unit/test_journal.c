
#include "journal.h"

#include "octets.h"


enum {
    CAPACITY = 64 * 1024,
    SEGMENT = 12 * 1024
};


typedef struct {
    sealed_master_secret_t   secret;
    sealed_journal_writer_t  writer;
    sealed_journal_files_t   files;
    sealed_journal_output_t  output;
    memory_files_t           memory;
    uint8_t                  buffer[2][CAPACITY];
} journal_t;


static journal_t *
journal_new(size_t capacity, uint64_t segment_size)
{
    journal_t                 *j;
    sealed_journal_segment_t   segment;

    j = calloc(1, sizeof(journal_t));
    assert_non_null(j);

    test_secret(&j->secret);

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 1;
    segment.stream = 0x1234;
    segment.tag = j->secret.line[0].tag;

    sealed_journal_writer_init(&j->writer, &segment,
                               j->secret.line[0].journal_key, segment_size,
                               j->buffer[0], j->buffer[1], capacity);

    memory_files_init(&j->memory, &j->files);
    sealed_journal_output_init(&j->output, &j->files,
                               SEALED_JOURNAL_SYNC_ALWAYS, segment_size);

    return j;
}


static void
journal_free(journal_t *j)
{
    memory_files_free(&j->memory);
    free(j);
}


static int
put(journal_t *j, unsigned kind, const void *data, size_t size)
{
    uint8_t  *p;

    p = sealed_journal_reserve(&j->writer, size, 10);

    if (p == NULL) {
        return -1;
    }

    if (size) {
        memcpy(p, data, size);
    }

    sealed_journal_put(&j->writer, kind, size);

    return 0;
}


static int
commit(journal_t *j)
{
    int                            rc;
    const sealed_journal_batch_t  *batch;

    batch = sealed_journal_take(&j->writer);
    assert_non_null(batch);

    rc = sealed_journal_commit(&j->output, batch, 0);
    sealed_journal_done(&j->writer, rc ? -1 : 0);

    return rc;
}


/* the n-th record of a file holds so many octets of this value */

static size_t
expect_records(journal_t *j, int file, const uint8_t *values, size_t count,
    size_t payload)
{
    size_t                    n, i, offset;
    uint8_t                   out[8192];
    sealed_journal_record_t   record;
    sealed_journal_segment_t  segment;

    assert_int_equal(sealed_journal_header_decode(&segment,
                         j->memory.file[file].data,
                         j->memory.file[file].size),
                     SEALED_JOURNAL_HEADER_OK);

    offset = SEALED_JOURNAL_BLOCK;

    for (n = 0;
         sealed_journal_scan(&record, j->memory.file[file].data,
                             j->memory.file[file].size, &offset, &segment)
         == SEALED_JOURNAL_RECORD;
         n++)
    {
        assert_true(n < count);
        assert_int_equal(record.payload_size, payload);
        assert_int_equal(sealed_journal_record_open(out, &record, &segment,
                             j->secret.line[0].journal_key),
                         0);

        for (i = 0; i < payload; i++) {
            assert_int_equal(out[i], values[n]);
        }
    }

    return n;
}


static void
test_batches(void **state)
{
    journal_t                     *j;
    uint8_t                        data[100];
    const sealed_journal_batch_t  *batch;

    j = journal_new(CAPACITY, 1 << 20);

    assert_true(sealed_journal_is_empty(&j->writer));
    assert_null(sealed_journal_take(&j->writer));

    memset(data, 1, sizeof(data));
    assert_int_equal(put(j, 3, data, sizeof(data)), 0);
    assert_false(sealed_journal_is_empty(&j->writer));

    batch = sealed_journal_take(&j->writer);
    assert_non_null(batch);
    assert_int_equal(batch->parts, 1);
    assert_int_equal(batch->part[0].offset, 0);
    assert_int_equal(batch->records, 1);

    /* the other fills meanwhile, and waits */

    memset(data, 2, sizeof(data));
    assert_int_equal(put(j, 3, data, sizeof(data)), 0);
    assert_int_equal(put(j, 3, data, sizeof(data)), 0);
    assert_null(sealed_journal_take(&j->writer));

    assert_int_equal(sealed_journal_commit(&j->output, batch, 0), 0);
    sealed_journal_done(&j->writer, 0);

    batch = sealed_journal_take(&j->writer);
    assert_non_null(batch);
    assert_int_equal(batch->records, 2);
    assert_true(batch->part[0].offset > SEALED_JOURNAL_BLOCK);
    assert_int_equal(sealed_journal_commit(&j->output, batch, 0), 0);
    sealed_journal_done(&j->writer, 0);

    assert_int_equal(expect_records(j, 0, (uint8_t *) "\1\2\2", 3, 100), 3);
    assert_int_equal(sealed_journal_finish(&j->output), 0);
    assert_int_equal(j->memory.file[0].size,
                     SEALED_JOURNAL_BLOCK
                     + 3 * sealed_journal_record_size(100));

    journal_free(j);
}


static void
test_limits(void **state)
{
    int         n;
    uint8_t     data[5000];
    journal_t  *j;

    j = journal_new(CAPACITY, SEGMENT);
    memset(data, 9, sizeof(data));

    /* more than a segment holds, more than anything holds */

    assert_null(sealed_journal_reserve(&j->writer, SEGMENT, 0));
    assert_null(sealed_journal_reserve(&j->writer, SIZE_MAX - 40, 0));
    assert_true(sealed_journal_is_empty(&j->writer));

    /* one record a segment: parts are used up, then the buffer */

    for (n = 0; put(j, 3, data, sizeof(data)) == 0; n++) {
        /* void */
    }

    assert_int_equal(n, CAPACITY / (SEALED_JOURNAL_BLOCK
                                    + sealed_journal_record_size(5000)));
    assert_int_equal(commit(j), 0);
    assert_int_equal(j->memory.files, n);

    /* room again */
    assert_int_equal(put(j, 3, data, sizeof(data)), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(j->memory.files, n + 1);

    for (n = 0; n < j->memory.files; n++) {
        assert_int_equal(expect_records(j, n, (uint8_t *) "\11", 1, 5000), 1);
    }

    journal_free(j);
}


static void
test_order_of_steps(void **state)
{
    size_t       i;
    journal_t   *j;

    static const step_kind_t  always[] = {
        STEP_CREATE, STEP_WRITE, STEP_SYNC, STEP_NAMES, STEP_WRITE,
        STEP_SYNC, STEP_FINISH
    };

    static const step_kind_t  off[] = {
        STEP_CREATE, STEP_WRITE, STEP_WRITE, STEP_FINISH
    };

    j = journal_new(CAPACITY, 1 << 20);
    assert_int_equal(put(j, 3, "x", 1), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(put(j, 3, "x", 1), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(sealed_journal_finish(&j->output), 0);

    assert_int_equal(j->memory.steps, sizeof(always) / sizeof(always[0]));

    for (i = 0; i < j->memory.steps; i++) {
        assert_int_equal(j->memory.step[i].kind, always[i]);
    }

    journal_free(j);

    j = journal_new(CAPACITY, 1 << 20);
    j->output.policy = SEALED_JOURNAL_SYNC_OFF;
    assert_int_equal(put(j, 3, "x", 1), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(put(j, 3, "x", 1), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(sealed_journal_finish(&j->output), 0);
    assert_int_equal(sealed_journal_finish(&j->output), 0);

    assert_int_equal(j->memory.steps, sizeof(off) / sizeof(off[0]));

    for (i = 0; i < j->memory.steps; i++) {
        assert_int_equal(j->memory.step[i].kind, off[i]);
    }

    journal_free(j);

    /* timed: when told, and only what needs it */

    j = journal_new(CAPACITY, 1 << 20);
    j->output.policy = SEALED_JOURNAL_SYNC_TIMED;
    assert_int_equal(put(j, 3, "x", 1), 0);
    assert_int_equal(commit(j), 0);
    assert_int_equal(j->memory.steps, 2);
    assert_int_equal(sealed_journal_commit(&j->output, NULL, 1), 0);
    assert_int_equal(j->memory.steps, 4);
    assert_int_equal(sealed_journal_commit(&j->output, NULL, 1), 0);
    assert_int_equal(j->memory.steps, 4);

    journal_free(j);
}


/* whichever step fails: it is said, and what comes later is as ever */

static void
test_failures(void **state)
{
    int         rc, file;
    size_t      step;
    step_t     *create;
    journal_t  *j;

    for (step = 1; step <= 6; step++) {
        j = journal_new(CAPACITY, SEGMENT);
        j->memory.fail_at = step;
        j->memory.fail_with = ENOSPC;

        assert_int_equal(put(j, 3, "\1", 1), 0);
        rc = commit(j);
        assert_int_equal(rc, step <= 4 ? ENOSPC : 0);

        if (rc == 0) {
            assert_int_equal(put(j, 3, "\2", 1), 0);
            rc = commit(j);
        }

        assert_int_equal(rc, ENOSPC);

        /* until it is told to go on */

        assert_null(sealed_journal_reserve(&j->writer, 1, 0));
        assert_null(sealed_journal_take(&j->writer));
        sealed_journal_rotate(&j->writer, 2);

        /* there may be room for no more than this */

        j->memory.fail_at = j->memory.steps + 1;

        file = j->memory.files;
        assert_int_equal(put(j, 3, "\3", 1), 0);
        assert_int_equal(commit(j), 0);
        assert_int_equal(j->memory.files, file + 1);
        assert_int_equal(expect_records(j, file, (uint8_t *) "\3", 1, 1), 1);

        for (create = j->memory.step + j->memory.steps - 1;
             create->kind != STEP_CREATE;
             create--)
        {
            /* void */
        }

        assert_int_equal(create->size, SEALED_JOURNAL_BLOCK
                                       + sealed_journal_record_size(1));

        sealed_journal_rotate(&j->writer, 3);
        create = j->memory.step + j->memory.steps;
        assert_int_equal(put(j, 3, "\4", 1), 0);
        assert_int_equal(commit(j), 0);

        while (create->kind != STEP_CREATE) {
            create++;
        }

        assert_int_equal(create->size, SEGMENT);

        journal_free(j);
    }

    /* what was filling is lost with it */

    j = journal_new(CAPACITY, SEGMENT);
    assert_int_equal(put(j, 3, "\1", 1), 0);
    assert_non_null(sealed_journal_take(&j->writer));
    assert_int_equal(put(j, 3, "\2", 1), 0);
    sealed_journal_done(&j->writer, -1);
    sealed_journal_rotate(&j->writer, 1);
    assert_null(sealed_journal_take(&j->writer));
    journal_free(j);
}


static void
test_header(void **state)
{
    unsigned                  i;
    uint8_t                   block[SEALED_JOURNAL_BLOCK];
    sealed_bytes_t            bytes;
    sealed_master_secret_t    secret;
    sealed_journal_segment_t  segment, read;

    char  saved, name[SEALED_JOURNAL_NAME_SIZE];

    test_secret(&secret);
    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 0x1122334455667788;
    segment.stream = 0x99aabbccddeeff00;
    segment.number = 0x12345678;
    segment.tag = 3;
    segment.hour = 4;
    segment.snapshot = 1;
    sealed_journal_segment_keys(&segment, secret.line[0].journal_key);

    sealed_journal_segment_name(name, &segment);
    assert_string_equal(name, "1122334455667788-99aabbccddeeff00-12345678"
                              ".snapshot");
    segment.snapshot = 0;
    sealed_journal_segment_name(name, &segment);
    assert_string_equal(name, "1122334455667788-99aabbccddeeff00-12345678"
                              ".journal");

    /* and back, from that alone */

    memset(&read, 7, sizeof(read));
    assert_int_equal(sealed_journal_segment_parse(&read, name), 0);
    assert_int_equal(read.generation, segment.generation);
    assert_int_equal(read.stream, segment.stream);
    assert_int_equal(read.number, segment.number);
    assert_int_equal(read.snapshot, 0);
    assert_int_equal(read.tag, 0);

    for (i = 0; i < strlen(name); i++) {
        saved = name[i];
        name[i] = saved == '-' || saved == '.' ? '0' : 'A';
        assert_int_equal(sealed_journal_segment_parse(&read, name), -1);
        name[i] = '\0';
        assert_int_equal(sealed_journal_segment_parse(&read, name), -1);
        name[i] = saved;
    }

    assert_int_equal(sealed_journal_segment_parse(&read,
                         "0000000000000001-0000000000000002-00000003"
                         ".snapshot"),
                     0);
    assert_int_equal(read.generation, 1);
    assert_int_equal(read.stream, 2);
    assert_int_equal(read.number, 3);
    assert_int_equal(read.snapshot, 1);
    assert_int_equal(sealed_journal_segment_parse(&read,
                         "0000000000000001-0000000000000002-00000003"
                         ".snapshots"),
                     -1);
    assert_int_equal(sealed_journal_segment_parse(&read, ""), -1);

    sealed_journal_header_encode(block, &segment);
    memset(&read, 0, sizeof(read));
    assert_int_equal(sealed_journal_header_decode(&read, block,
                                                  sizeof(block)),
                     SEALED_JOURNAL_HEADER_OK);
    assert_memory_equal(&read, &segment, sizeof(read));

    /* one of the two is enough */

    for (i = 0; i < sizeof(block); i++) {
        block[i] ^= 0x41;
        memset(&read, 0, sizeof(read));
        assert_int_equal(sealed_journal_header_decode(&read, block,
                                                      sizeof(block)),
                         SEALED_JOURNAL_HEADER_OK);
        assert_memory_equal(&read, &segment, sizeof(read));
        block[i] ^= 0x41;
    }

    block[100] ^= 1;
    block[2048 + 40] ^= 1;
    assert_int_equal(sealed_journal_header_decode(&read, block,
                                                  sizeof(block)),
                     SEALED_JOURNAL_HEADER_DAMAGED);
    block[100] ^= 1;
    block[2048 + 40] ^= 1;

    /* another version's is refused, not guessed */

    block[11]++;
    block[2048 + 11]++;
    assert_int_equal(sealed_journal_header_decode(&read, block,
                                                  sizeof(block)),
                     SEALED_JOURNAL_HEADER_VERSION);

    for (i = 0; i < sizeof(block); i += 61) {
        bytes = exact_bytes(block, i);
        assert_int_equal(sealed_journal_header_decode(&read, bytes.data, i),
                         i == 0 ? SEALED_JOURNAL_HEADER_BLANK
                                : SEALED_JOURNAL_HEADER_DAMAGED);
        free_bytes(bytes);
    }

    memset(block, 0, sizeof(block));
    assert_int_equal(sealed_journal_header_decode(&read, block,
                                                  sizeof(block)),
                     SEALED_JOURNAL_HEADER_BLANK);
}


/*
 * One octet wrong takes the record it is in and no other; of a file that was
 * cut, all before the cut is left.
 */

static void
test_damage(void **state)
{
    size_t                         i, n, end, offset, whole, payload;
    uint8_t                        data[64], out[64], *copy;
    unsigned                       seen;
    journal_t                     *j;
    memory_file_t                 *file;
    sealed_journal_record_t        record;
    sealed_journal_segment_t       segment;
    sealed_journal_scan_result_t   result;

    j = journal_new(CAPACITY, SEGMENT);

    for (i = 0; i < 6; i++) {
        memset(data, (int) i, sizeof(data));
        assert_int_equal(put(j, 3, data, 3 + 10 * i), 0);
    }

    assert_int_equal(commit(j), 0);

    file = &j->memory.file[0];
    assert_int_equal(sealed_journal_header_decode(&segment, file->data,
                                                  file->size),
                     SEALED_JOURNAL_HEADER_OK);

    end = (size_t) j->output.end;

    for (i = SEALED_JOURNAL_BLOCK; i < end; i++) {
        file->data[i] ^= 0x80;

        seen = 0;
        offset = SEALED_JOURNAL_BLOCK;

        for ( ;; ) {
            result = sealed_journal_scan(&record, file->data, file->size,
                                         &offset, &segment);

            if (result == SEALED_JOURNAL_RECORD) {
                n = (record.payload_size - 3) / 10;
                assert_true(n < 6 && !(seen & 1u << n));
                seen |= 1u << n;
                assert_int_equal(sealed_journal_record_open(out, &record,
                                     &segment,
                                     j->secret.line[0].journal_key),
                                 0);
                memset(data, (int) n, sizeof(data));
                assert_memory_equal(out, data, record.payload_size);

            } else if (result == SEALED_JOURNAL_DONE
                       || result == SEALED_JOURNAL_TORN)
            {
                break;

            } else {
                assert_true(i >= record.offset
                            && i < record.offset + record.size);
            }
        }

        /* at most one is gone: none when padding was hit */

        assert_true(__builtin_popcount(seen) >= 5);
        file->data[i] ^= 0x80;
    }

    for (i = SEALED_JOURNAL_BLOCK; i <= end; i++) {
        copy = malloc(i);
        assert_non_null(copy);
        memcpy(copy, file->data, i);

        offset = SEALED_JOURNAL_BLOCK;
        whole = SEALED_JOURNAL_BLOCK;

        for (n = 0; ; n++) {
            result = sealed_journal_scan(&record, copy, i, &offset,
                                         &segment);

            if (result != SEALED_JOURNAL_RECORD) {
                break;
            }

            whole = record.offset + record.size;
        }

        payload = 3 + 10 * n;

        if (n < 6 && whole % 8) {
            whole += 8 - whole % 8;
        }

        assert_true(n == 6 || i < whole + SEALED_JOURNAL_FRAME + payload
                                  + SEALED_JOURNAL_TAG);
        assert_true(result == SEALED_JOURNAL_TORN
                    || result == SEALED_JOURNAL_DONE);
        free(copy);
    }

    journal_free(j);
}


/* a record does not hold at another place, in another segment, or clear */

static void
test_place(void **state)
{
    size_t                    offset, size;
    uint8_t                   out[64], *copy, *at;
    journal_t                *j;
    memory_file_t            *file;
    sealed_journal_record_t   record;
    sealed_journal_segment_t  segment, other;

    j = journal_new(CAPACITY, SEGMENT);
    assert_int_equal(put(j, 4, "something that is nobody's", 26), 0);
    assert_int_equal(commit(j), 0);

    file = &j->memory.file[0];
    size = sealed_journal_record_size(26);
    at = file->data + SEALED_JOURNAL_BLOCK;

    (void) sealed_journal_header_decode(&segment, file->data, file->size);
    assert_null(memmem(file->data, file->size, "nobody", 6));

    copy = malloc(file->size);
    assert_non_null(copy);
    memcpy(copy, file->data, file->size);
    memcpy(copy + SEALED_JOURNAL_BLOCK + size, at, size);

    offset = SEALED_JOURNAL_BLOCK;
    assert_int_equal(sealed_journal_scan(&record, copy, file->size, &offset,
                                         &segment),
                     SEALED_JOURNAL_RECORD);
    assert_int_equal(sealed_journal_scan(&record, copy, file->size, &offset,
                                         &segment),
                     SEALED_JOURNAL_TORN);
    free(copy);

    other = segment;
    other.number++;
    sealed_journal_segment_keys(&other, j->secret.line[0].journal_key);
    offset = SEALED_JOURNAL_BLOCK;
    assert_int_equal(sealed_journal_scan(&record, file->data, file->size,
                                         &offset, &other),
                     SEALED_JOURNAL_TORN);

    /* whole, and nothing to read without the key */

    offset = SEALED_JOURNAL_BLOCK;
    assert_int_equal(sealed_journal_scan(&record, file->data, file->size,
                                         &offset, &segment),
                     SEALED_JOURNAL_RECORD);
    assert_int_equal(record.kind, 4);
    assert_int_equal(sealed_journal_record_open(out, &record, &segment,
                         j->secret.line[0].zone_key),
                     -1);

    journal_free(j);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_order_of_steps),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_place)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
