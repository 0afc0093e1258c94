
/*
 * Room that is kept for a disk that is full: what it is, and that nothing but
 * what makes room gets it.
 */

#include "journal.h"
#include "host/journal_directory.h"

#include <fcntl.h>
#include <unistd.h>
#include <sys/stat.h>


enum {
    CAPACITY = 64 * 1024,
    SEGMENT = 12 * 1024,
    NOBODY = 65534
};


/* a disk that is full until what is kept is given up, from some call on */

typedef struct {
    memory_files_t           memory;
    unsigned                 released;
    unsigned                 kept;      /* so often */
    unsigned                 creates;   /* that go well, of less than this */
    unsigned                 writes;
    uint64_t                 largest;
} full_disk_t;


typedef struct {
    full_disk_t              disk;
    sealed_master_secret_t   secret;
    sealed_journal_files_t   files;
    sealed_journal_output_t  output;
    sealed_journal_writer_t  writer;
    uint8_t                  buffer[2][CAPACITY];
} full_t;


static int
full_create(void *context, const char *name, uint64_t size)
{
    full_disk_t  *disk = context;

    if (disk->creates == 0 || size > disk->largest) {
        return -ENOSPC;
    }

    disk->creates--;

    return memory_create(&disk->memory, name, size);
}


static int
full_write(void *context, int file, const uint8_t *data, size_t size,
    uint64_t offset)
{
    full_disk_t  *disk = context;

    if (disk->writes == 0) {
        return -ENOSPC;
    }

    disk->writes--;

    return memory_write(&disk->memory, file, data, size, offset);
}


static int
full_release(void *context)
{
    full_disk_t  *disk = context;

    disk->released++;

    if (disk->kept == 0) {
        return 0;
    }

    disk->kept--;
    disk->creates = 100;
    disk->writes = 100;

    return 1;
}


static full_t *
full_new(void)
{
    full_t                    *f;
    sealed_journal_segment_t   segment;

    f = calloc(1, sizeof(full_t));
    assert_non_null(f);

    test_secret(&f->secret);
    memory_files_init(&f->disk.memory, &f->files);
    f->files.context = &f->disk;
    f->files.create = full_create;
    f->files.write = full_write;
    f->files.release = full_release;
    f->disk.largest = SEGMENT - 1;
    f->disk.kept = 1;

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 1;
    segment.stream = 1;
    segment.tag = f->secret.line[0].tag;

    sealed_journal_writer_init(&f->writer, &segment,
                               f->secret.line[0].journal_key, SEGMENT,
                               f->buffer[0], f->buffer[1], CAPACITY);
    sealed_journal_output_init(&f->output, &f->files,
                               SEALED_JOURNAL_SYNC_OFF, SEGMENT);

    return f;
}


static void
full_free(full_t *f)
{
    memory_files_free(&f->disk.memory);
    free(f);
}


static int
put(full_t *f)
{
    int                            rc;
    const sealed_journal_batch_t  *batch;

    assert_non_null(sealed_journal_reserve(&f->writer, 0, 1));
    sealed_journal_put(&f->writer, SEALED_JOURNAL_BEGIN, 0);
    batch = sealed_journal_take(&f->writer);
    assert_non_null(batch);
    rc = sealed_journal_commit(&f->output, batch, 0);
    sealed_journal_done(&f->writer, rc ? -1 : 0);

    return rc;
}


static void
test_begin(void **state)
{
    full_t  *f;

    f = full_new();

    /* not for mail, whether or not it has failed before */

    assert_int_equal(put(f), ENOSPC);
    assert_int_equal(f->output.scarce, 1);
    sealed_journal_rotate(&f->writer, 1);
    assert_int_equal(put(f), ENOSPC);
    assert_int_equal(f->disk.released, 0);

    /* for a stream that begins anew */

    f->output.urgent = 1;
    sealed_journal_rotate(&f->writer, 1);
    assert_int_equal(put(f), 0);
    assert_int_equal(f->disk.released, 1);
    assert_int_equal(f->disk.kept, 0);

    /* which goes on without */

    f->output.urgent = 0;
    f->disk.writes = 0;
    assert_int_equal(put(f), ENOSPC);
    assert_int_equal(f->disk.released, 1);

    /* nothing is kept any more: tried once, and said */

    f->output.urgent = 1;
    f->disk.creates = 0;
    sealed_journal_rotate(&f->writer, 1);
    assert_int_equal(put(f), ENOSPC);
    assert_int_equal(f->disk.released, 2);

    full_free(f);
}


static void
test_write(void **state)
{
    full_t  *f;

    /* there is room for a name, and none for what is in the file */

    f = full_new();
    f->output.urgent = 1;
    f->output.scarce = 1;
    f->disk.creates = 1;
    assert_int_equal(put(f), 0);
    assert_int_equal(f->disk.released, 1);
    full_free(f);

    /* other failures are not those of a disk that is full */

    f = full_new();
    f->output.urgent = 1;
    f->output.scarce = 1;
    f->disk.creates = 1;
    f->disk.writes = 1;
    f->disk.memory.fail_at = 2;
    f->disk.memory.fail_with = EIO;
    assert_int_equal(put(f), EIO);
    assert_int_equal(f->disk.released, 0);
    full_free(f);
}


static void
test_directory(void **state)
{
    int                         fd;
    char                        path[64], name[80];
    struct stat                 st;
    sealed_journal_files_t      files;
    sealed_journal_directory_t  directory;

    strcpy(path, "/tmp/test-reserve-XXXXXX");
    assert_non_null(mkdtemp(path));
    (void) snprintf(name, sizeof(name), "%s/reserve", path);
    assert_int_equal(sealed_journal_directory_open(&directory, path), 0);
    sealed_journal_directory_files(&files, &directory);

    assert_int_equal(files.release(files.context), 0);

    assert_int_equal(sealed_journal_directory_reserve(&directory, 40000), 0);
    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);

    if (st.st_size == 0) {
        print_message("this file system keeps nothing in reserve\n");

    } else {
        assert_int_equal(st.st_size, 40000);
        assert_true(st.st_blocks * 512 >= 40000);

        assert_int_equal(sealed_journal_directory_reserve(&directory, 80000),
                         0);
        assert_int_equal(stat(name, &st), 0);
        assert_int_equal(st.st_size, 80000);

        /* more than is there: none rather than some */

        assert_true(sealed_journal_directory_reserve(&directory,
                                                     (uint64_t) 1 << 62)
                    < 0);
        assert_int_equal(stat(name, &st), -1);

        assert_int_equal(sealed_journal_directory_reserve(&directory, 40000),
                         0);
        assert_int_equal(files.release(files.context), 1);
        assert_int_equal(files.release(files.context), 0);
    }

    (void) unlink(name);

    /* of workers that ran as another user; root may open it all the same */

    fd = open(name, O_WRONLY|O_CREAT, 0);
    assert_true(fd != -1);
    close(fd);

    if (geteuid() == 0) {
        assert_int_equal(chown(path, NOBODY, NOBODY), 0);
        assert_int_equal(seteuid(NOBODY), 0);
    }

    assert_int_equal(sealed_journal_directory_reserve(&directory, 40000), 0);

    if (getuid() == 0) {
        assert_int_equal(seteuid(0), 0);
    }

    assert_int_equal(stat(name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(unlink(name), 0);

    /* what somebody else put there */

    assert_int_equal(symlink("/tmp/sealed-nowhere", name), 0);
    assert_int_equal(sealed_journal_directory_reserve(&directory, 40000),
                     -ELOOP);
    assert_int_equal(unlink(name), 0);
    assert_int_equal(mkfifo(name, 0600), 0);
    assert_true(sealed_journal_directory_reserve(&directory, 40000) < 0);
    fd = open(name, O_RDONLY|O_NONBLOCK);
    assert_true(fd != -1);
    assert_int_equal(sealed_journal_directory_reserve(&directory, 40000),
                     -EINVAL);
    close(fd);
    assert_int_equal(unlink(name), 0);

    sealed_journal_directory_close(&directory);
    assert_int_equal(rmdir(path), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_begin),
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_directory)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
