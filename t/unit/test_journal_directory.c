
#include "journal.h"
#include "host/journal_directory.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>


enum {
    CAPACITY = 64 * 1024,
    SEGMENT = 10 * 1024
};


typedef struct {
    char                         path[64];
    sealed_journal_directory_t   directory;
    sealed_journal_files_t       files;
    sealed_master_secret_t       secret;
    sealed_journal_writer_t      writer;
    sealed_journal_output_t      output;
    uint8_t                      buffer[2][CAPACITY];
} disk_t;


typedef struct {
    char      text[4096];
    unsigned  count[3];
} said_t;


static disk_t *
disk_new(void)
{
    disk_t  *d;

    d = calloc(1, sizeof(disk_t));
    assert_non_null(d);
    test_secret(&d->secret);

    strcpy(d->path, "/tmp/test-journal-XXXXXX");
    assert_non_null(mkdtemp(d->path));
    assert_int_equal(sealed_journal_directory_open(&d->directory, d->path),
                     0);
    sealed_journal_directory_files(&d->files, &d->directory);

    return d;
}


static void
disk_begin(disk_t *d, uint64_t generation, uint64_t stream, unsigned snapshot)
{
    sealed_journal_segment_t  segment;

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = generation;
    segment.stream = stream;
    segment.snapshot = snapshot;
    segment.tag = d->secret.line[0].tag;

    sealed_journal_writer_init(&d->writer, &segment,
                               d->secret.line[0].journal_key, SEGMENT,
                               d->buffer[0], d->buffer[1], CAPACITY);
    sealed_journal_output_init(&d->output, &d->files,
                               SEALED_JOURNAL_SYNC_ALWAYS, SEGMENT);
}


static void
disk_free(disk_t *d)
{
    char                    wrong[SEALED_JOURNAL_WRONG_SIZE];
    size_t                  i, count;
    sealed_journal_file_t  *files;

    assert_int_equal(sealed_journal_directory_map(&d->directory, &files,
                                                  &count, wrong),
                     0);

    for (i = 0; i < count; i++) {
        assert_int_equal(d->files.remove(d->files.context, files[i].name),
                         0);
    }

    sealed_journal_directory_unmap(files, count);
    (void) unlinkat(d->directory.fd, "lock", 0);
    sealed_journal_directory_close(&d->directory);
    assert_int_equal(rmdir(d->path), 0);
    free(d);
}


static int
put_open(disk_t *d, unsigned mailbox)
{
    int                            rc;
    uint8_t                       *p;
    sealed_journal_mailbox_t       m;
    const sealed_journal_batch_t  *batch;

    memset(&m, 0, sizeof(m));
    memset(m.id, (int) mailbox, sizeof(m.id));
    m.life = 1;
    m.tag = d->secret.line[0].tag;
    m.next = 1;

    p = sealed_journal_reserve(&d->writer, SEALED_JOURNAL_OPEN_SIZE, 1);
    assert_non_null(p);
    sealed_journal_open_encode(p, &m);
    sealed_journal_put(&d->writer, SEALED_JOURNAL_OPEN,
                       SEALED_JOURNAL_OPEN_SIZE);

    batch = sealed_journal_take(&d->writer);
    assert_non_null(batch);
    rc = sealed_journal_commit(&d->output, batch, 0);
    sealed_journal_done(&d->writer, rc ? -1 : 0);

    return rc;
}


static void
say(void *context, sealed_journal_level_t level, const char *text)
{
    said_t  *said = context;

    assert_true(strlen(said->text) + strlen(text) + 2 < sizeof(said->text));
    strcat(said->text, text);
    strcat(said->text, "\n");
    said->count[level]++;
}


static int
load(disk_t *d, said_t *said, sealed_recovery_result_t *result)
{
    int                     rc;
    char                    wrong[SEALED_JOURNAL_WRONG_SIZE];
    size_t                  count;
    sealed_recovery_t       recovery;
    sealed_journal_file_t  *files;

    memset(said, 0, sizeof(said_t));

    assert_int_equal(sealed_journal_directory_map(&d->directory, &files,
                                                  &count, wrong),
                     0);

    sealed_recovery_init(&recovery, test_zone, &d->secret, 1,
                         sealed_journal_resize, NULL);
    rc = sealed_journal_load(&recovery, files, count, say, said);
    *result = recovery.result;

    sealed_recovery_free(&recovery);
    sealed_journal_directory_unmap(files, count);

    return rc;
}


static void
flip(disk_t *d, const char *name, off_t offset)
{
    int   fd;
    char  byte;

    fd = openat(d->directory.fd, name, O_RDWR);
    assert_true(fd != -1);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 1;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    close(fd);
}


static void
test_segments(void **state)
{
    int                        fd;
    disk_t                    *d;
    said_t                     said;
    unsigned                   i;
    struct stat                st;
    sealed_recovery_result_t   result;

    static const char  first[] =
        "0000000000000001-0000000000000abc-00000001.journal";
    static const char  second[] =
        "0000000000000001-0000000000000abc-00000002.journal";

    d = disk_new();

    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 0);
    assert_string_equal(said.text, "");

    disk_begin(d, 1, 0xabc, 0);

    for (i = 0; i < 100; i++) {
        assert_int_equal(put_open(d, i), 0);
    }

    /* allocated beforehand, for nobody else, and cut when it is full */

    assert_int_equal(fstatat(d->directory.fd, second, &st, 0), 0);
    assert_int_equal(st.st_size, SEGMENT);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(fstatat(d->directory.fd, first, &st, 0), 0);
    assert_true(st.st_size <= SEGMENT);
    assert_true(st.st_size > SEGMENT - (off_t) sealed_journal_record_size(
                                                  SEALED_JOURNAL_OPEN_SIZE));

    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 100);
    assert_int_equal(said.count[SEALED_JOURNAL_ERROR], 0);
    assert_int_equal(said.count[SEALED_JOURNAL_WARNING], 0);
    assert_non_null(strstr(said.text, "1 streams did not end in order"));

    /* what is not a segment by its name is left alone */

    fd = openat(d->directory.fd, "0000000000000001-notes", O_CREAT|O_WRONLY,
                0600);
    assert_true(fd != -1);
    close(fd);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 100);
    assert_int_equal(unlinkat(d->directory.fd, "0000000000000001-notes", 0),
                     0);

    /* a damaged middle, a torn end */

    flip(d, first, SEALED_JOURNAL_BLOCK + 30);
    flip(d, second, d->output.end - 20);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 98);
    assert_int_equal(said.count[SEALED_JOURNAL_ERROR], 1);
    assert_int_equal(said.count[SEALED_JOURNAL_WARNING], 1);
    assert_non_null(strstr(said.text, "is damaged in 1 places from offset "
                                      "4096 on"));
    assert_non_null(strstr(said.text, "ends in the middle of a write"));

    /* both headers of one */

    flip(d, first, 20);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 98);
    flip(d, first, 2048 + 20);
    assert_int_equal(load(d, &said, &result), 0);
    assert_true(result.mailboxes < 50);
    assert_non_null(strstr(said.text, "both copies of its header"));

    /* an empty file is what a power cut leaves of a new one, of the last */

    fd = openat(d->directory.fd, first, O_WRONLY|O_TRUNC);
    assert_true(fd != -1);
    close(fd);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(said.count[SEALED_JOURNAL_ERROR], 1);
    assert_non_null(strstr(said.text, "1 segments are missing"));

    fd = openat(d->directory.fd, second, O_WRONLY|O_TRUNC);
    assert_true(fd != -1);
    close(fd);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(said.count[SEALED_JOURNAL_ERROR], 0);

    disk_free(d);
}


static void
test_lock(void **state)
{
    int                          status, go[2];
    pid_t                        pid;
    char                         byte;
    disk_t                      *d;
    sealed_journal_directory_t   other;

    d = disk_new();
    assert_int_equal(sealed_journal_directory_open(&other, d->path), 0);

    assert_int_equal(sealed_journal_directory_lock(&d->directory, 0), 0);
    assert_int_equal(sealed_journal_directory_lock(&other, 0), -EWOULDBLOCK);

    /* a child has it too, and longer */

    assert_int_equal(pipe(go), 0);
    pid = fork();
    assert_true(pid != -1);

    if (pid == 0) {
        close(go[1]);
        _exit(read(go[0], &byte, 1) == 0 ? 0 : 1);
    }

    close(go[0]);
    close(d->directory.lock);
    d->directory.lock = -1;
    assert_int_equal(sealed_journal_directory_lock(&other, 0), -EWOULDBLOCK);

    close(go[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(sealed_journal_directory_lock(&other, 0), 0);
    assert_true(sealed_journal_directory_locked(&d->directory, other.lock));
    assert_int_equal(sealed_journal_directory_share(&d->directory),
                     -EWOULDBLOCK);
    assert_int_equal(d->directory.lock, -1);
    sealed_journal_directory_close(&other);

    /* several may share it, and then nobody has it alone */

    assert_int_equal(sealed_journal_directory_open(&other, d->path), 0);
    assert_int_equal(sealed_journal_directory_share(&other), 0);
    assert_int_equal(sealed_journal_directory_share(&d->directory), 0);
    sealed_journal_directory_close(&other);
    assert_int_equal(sealed_journal_directory_open(&other, d->path), 0);
    assert_int_equal(sealed_journal_directory_lock(&other, 0), -EWOULDBLOCK);

    /* the file that has this name by now is another one */

    assert_true(sealed_journal_directory_locked(&other, d->directory.lock));
    assert_int_equal(unlinkat(other.fd, "lock", 0), 0);
    assert_false(sealed_journal_directory_locked(&other, d->directory.lock));
    assert_int_equal(sealed_journal_directory_lock(&other, 0), 0);
    assert_false(sealed_journal_directory_locked(&other, d->directory.lock));
    assert_false(sealed_journal_directory_locked(&other, -1));
    sealed_journal_directory_close(&other);

    assert_int_equal(sealed_journal_directory_open(&other, "/nowhere"),
                     -ENOENT);
    disk_free(d);
}


/* what has a segment's name and is none is named, and not waited for */

static void
test_no_segments(void **state)
{
    int                     fd;
    char                    path[128], wrong[SEALED_JOURNAL_WRONG_SIZE];
    disk_t                 *d;
    size_t                  count;
    uint64_t                generation, octets;
    unsigned                i;
    struct sockaddr_un      address;
    sealed_journal_file_t  *files;

    static const char  name[] =
        "0000000000000001-0000000000000abc-00000001.journal";

    static const char  *const kind[] = {
        "a symbolic link", "a FIFO", "a directory", "a socket", "larger than"
    };

    d = disk_new();
    (void) snprintf(path, sizeof(path), "%s/%s", d->path, name);

    for (i = 0; i < sizeof(kind) / sizeof(kind[0]); i++) {

        switch (i) {

        case 0:
            assert_int_equal(symlink("/dev/null", path), 0);
            break;

        case 1:
            assert_int_equal(mkfifo(path, 0600), 0);
            break;

        case 2:
            assert_int_equal(mkdir(path, 0700), 0);
            break;

        case 3:
            fd = socket(AF_UNIX, SOCK_STREAM, 0);
            assert_true(fd != -1);
            memset(&address, 0, sizeof(address));
            address.sun_family = AF_UNIX;
            assert_true(strlen(path) < sizeof(address.sun_path));
            strcpy(address.sun_path, path);
            assert_int_equal(bind(fd, (struct sockaddr *) &address,
                                  sizeof(address)),
                             0);
            close(fd);
            break;

        default:
            fd = open(path, O_WRONLY|O_CREAT|O_EXCL, 0600);
            assert_true(fd != -1);
            assert_int_equal(ftruncate(fd,
                                  (off_t) SEALED_JOURNAL_SEGMENT_MAX + 1),
                             0);
            close(fd);
        }

        wrong[0] = '\0';
        assert_int_equal(sealed_journal_directory_map(&d->directory, &files,
                                                      &count, wrong),
                         -EINVAL);
        assert_null(files);
        assert_int_equal(count, 0);
        assert_non_null(strstr(wrong, name));
        assert_non_null(strstr(wrong, kind[i]));

        if (i < 4) {
            wrong[0] = '\0';
            assert_int_equal(sealed_journal_directory_highest(&d->directory,
                                                              &generation,
                                                              wrong),
                             -EINVAL);
            assert_non_null(strstr(wrong, kind[i]));
        }

        /* rewriting goes on: a directory stays, the others go */

        assert_int_equal(sealed_journal_directory_trim(&d->directory, 2,
                                                       &octets),
                         0);
        assert_int_equal(rmdir(path), i == 2 ? 0 : -1);
        assert_int_equal(sealed_journal_directory_map(&d->directory, &files,
                                                      &count, wrong),
                         0);
        assert_int_equal(count, 0);
        sealed_journal_directory_unmap(files, count);
    }

    (void) snprintf(path, sizeof(path), "%s/lock", d->path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(sealed_journal_directory_lock(&d->directory, 0),
                     -EINVAL);

    disk_free(d);
}


static void
test_trim(void **state)
{
    disk_t                    *d;
    said_t                     said;
    uint64_t                   octets;
    sealed_recovery_result_t   result;

    d = disk_new();

    disk_begin(d, 1, 1, 0);
    assert_int_equal(put_open(d, 1), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);
    disk_begin(d, 2, 2, 0);
    assert_int_equal(put_open(d, 2), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);
    disk_begin(d, 2, 3, 1);
    assert_int_equal(put_open(d, 3), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);
    disk_begin(d, 3, 4, 1);
    assert_int_equal(put_open(d, 4), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);
    disk_begin(d, 3, 5, 0);
    assert_int_equal(put_open(d, 5), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);

    assert_int_equal(sealed_journal_directory_trim(&d->directory, 2,
                                                   &octets),
                     0);
    assert_int_equal(octets, 3 * (SEALED_JOURNAL_BLOCK
                                  + sealed_journal_record_size(
                                                SEALED_JOURNAL_OPEN_SIZE)));

    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 3);

    /* a snapshot that did not become one, and nothing else */

    disk_begin(d, 4, 6, 1);
    assert_int_equal(put_open(d, 6), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);
    disk_begin(d, 4, 7, 0);
    assert_int_equal(put_open(d, 7), 0);
    assert_int_equal(sealed_journal_finish(&d->output), 0);

    assert_int_equal(sealed_journal_directory_drop(&d->directory, 4), 0);
    assert_int_equal(sealed_journal_directory_drop(&d->directory, 9), 0);
    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 4);

    disk_free(d);
}


/* a disk that is full: said, given back, and later written again */

static void
test_full(void **state)
{
    disk_t                    *d;
    said_t                     said;
    struct rlimit              limit, all;
    sealed_recovery_result_t   result;

    d = disk_new();

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
    signal(SIGXFSZ, SIG_IGN);

    disk_begin(d, 1, 1, 0);
    assert_int_equal(put_open(d, 1), 0);

    limit = all;
    limit.rlim_cur = SEALED_JOURNAL_BLOCK
                     + sealed_journal_record_size(SEALED_JOURNAL_OPEN_SIZE)
                     + 50;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);

    assert_int_equal(put_open(d, 2), EFBIG);
    sealed_journal_rotate(&d->writer, 1);
    assert_int_equal(put_open(d, 3), EFBIG);

    assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
    sealed_journal_rotate(&d->writer, 1);
    assert_int_equal(put_open(d, 4), 0);

    assert_int_equal(load(d, &said, &result), 0);
    assert_int_equal(result.mailboxes, 2);
    assert_int_equal(said.count[SEALED_JOURNAL_WARNING], 0);

    disk_free(d);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_segments),
        cmocka_unit_test(test_lock),
        cmocka_unit_test(test_no_segments),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_full)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
