
/* fallocate() */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "journal_directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>


#define LOCK     "lock"
#define RESERVE  "reserve"


enum {
    LOCK_PAUSE = 50                     /* milliseconds */
};


static int lock(sealed_journal_directory_t *directory, int how,
    unsigned wait);
static int create_file(void *context, const char *name, uint64_t size);
static int allocate(int fd, uint64_t size);
static int write_file(void *context, int file, const uint8_t *data,
    size_t size, uint64_t offset);
static int sync_file(void *context, int file);
static int finish_file(void *context, int file, uint64_t size);
static int remove_file(void *context, const char *name);
static int sync_names(void *context);
static int release(void *context);
static int list(const sealed_journal_directory_t *directory,
    sealed_journal_file_t **files, size_t *count);
static int look(const sealed_journal_directory_t *directory,
    const char *name, char *wrong);
static int map_file(const sealed_journal_directory_t *directory,
    sealed_journal_file_t *file, char *wrong);
static const char *kind_of(mode_t mode);
static int say(char *wrong, int rc, const char *name, const char *what);
static int compare(const void *one, const void *two);


int
sealed_journal_directory_open(sealed_journal_directory_t *directory,
    const char *path)
{
    directory->lock = -1;
    directory->fd = open(path, O_RDONLY|O_DIRECTORY|O_CLOEXEC);

    return directory->fd == -1 ? -errno : 0;
}


void
sealed_journal_directory_close(sealed_journal_directory_t *directory)
{
    if (directory->lock != -1) {
        (void) close(directory->lock);
    }

    (void) close(directory->fd);
}


int
sealed_journal_directory_lock(sealed_journal_directory_t *directory,
    unsigned wait)
{
    return lock(directory, LOCK_EX, wait);
}


int
sealed_journal_directory_share(sealed_journal_directory_t *directory)
{
    return lock(directory, LOCK_SH, 0);
}


unsigned
sealed_journal_directory_locked(const sealed_journal_directory_t *directory,
    int lock)
{
    struct stat  there, held;

    return fstatat(directory->fd, LOCK, &there, AT_SYMLINK_NOFOLLOW) == 0
           && fstat(lock, &held) == 0
           && there.st_dev == held.st_dev
           && there.st_ino == held.st_ino;
}


static int
lock(sealed_journal_directory_t *directory, int how, unsigned wait)
{
    int          fd, rc;
    struct stat  st;

    const struct timespec  pause = { 0, LOCK_PAUSE * 1000000 };

    fd = openat(directory->fd, LOCK,
                O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK, 0600);
    if (fd == -1) {
        return -errno;
    }

    rc = fstat(fd, &st) == -1 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;

    if (rc < 0) {
        (void) close(fd);
        return rc;
    }

    /* flock(), since a lock of fcntl() would not pass to a fork */

    while (flock(fd, how|LOCK_NB) == -1) {

        if (errno != EWOULDBLOCK || wait < LOCK_PAUSE) {
            rc = -errno;
            (void) close(fd);
            return rc;
        }

        /* processes that were killed may take a moment to go */

        wait -= LOCK_PAUSE;
        (void) nanosleep(&pause, NULL);
    }

    directory->lock = fd;

    return 0;
}


void
sealed_journal_directory_files(sealed_journal_files_t *files,
    sealed_journal_directory_t *directory)
{
    files->context = directory;
    files->create = create_file;
    files->write = write_file;
    files->sync = sync_file;
    files->finish = finish_file;
    files->remove = remove_file;
    files->sync_names = sync_names;
    files->release = release;
}


int
sealed_journal_directory_map(const sealed_journal_directory_t *directory,
    sealed_journal_file_t **files, size_t *count,
    char wrong[SEALED_JOURNAL_WRONG_SIZE])
{
    int     rc;
    size_t  i;

    rc = list(directory, files, count);

    if (rc != 0) {
        (void) say(wrong, rc, NULL, NULL);
    }

    for (i = 0; rc == 0 && i < *count; i++) {
        rc = map_file(directory, *files + i, wrong);
    }

    if (rc != 0) {
        sealed_journal_directory_unmap(*files, *count);
        *files = NULL;
        *count = 0;
    }

    return rc;
}


void
sealed_journal_directory_unmap(sealed_journal_file_t *files, size_t count)
{
    size_t  i;

    for (i = 0; i < count; i++) {
        if (files[i].data) {
            (void) munmap((void *) files[i].data, files[i].size);
        }
    }

    free(files);
}


int
sealed_journal_directory_highest(
    const sealed_journal_directory_t *directory, uint64_t *generation,
    char wrong[SEALED_JOURNAL_WRONG_SIZE])
{
    int                     rc;
    size_t                  i, count;
    sealed_journal_file_t  *files;

    *generation = 0;
    rc = list(directory, &files, &count);

    if (rc != 0) {
        (void) say(wrong, rc, NULL, NULL);
    }

    for (i = 0; rc == 0 && i < count; i++) {
        rc = look(directory, files[i].name, wrong);

        if (files[i].named.generation > *generation) {
            *generation = files[i].named.generation;
        }
    }

    free(files);

    return rc;
}


int
sealed_journal_directory_trim(const sealed_journal_directory_t *directory,
    uint64_t generation, uint64_t *octets)
{
    int                     rc;
    size_t                  i, count;
    struct stat             st;
    sealed_journal_file_t  *files;

    *octets = 0;
    rc = list(directory, &files, &count);

    for (i = 0; rc == 0 && i < count; i++) {

        if (files[i].named.generation < generation
            || (files[i].named.snapshot
                && files[i].named.generation != generation))
        {

            /* what is no segment is said at the next start */

            if (unlinkat(directory->fd, files[i].name, 0) == -1
                && errno != ENOENT
                && errno != EISDIR)
            {
                rc = -errno;
            }

        } else if (fstatat(directory->fd, files[i].name, &st,
                           AT_SYMLINK_NOFOLLOW)
                   == 0)
        {
            *octets += (uint64_t) st.st_size;
        }
    }

    free(files);

    return rc;
}


int
sealed_journal_directory_drop(const sealed_journal_directory_t *directory,
    uint64_t generation)
{
    int                     rc;
    size_t                  i, count;
    sealed_journal_file_t  *files;

    rc = list(directory, &files, &count);

    for (i = count; rc == 0 && i > 0; i--) {

        if (files[i - 1].named.generation != generation
            || !files[i - 1].named.snapshot)
        {
            continue;
        }

        /* it counts as long as its end is there: that has to go for good */

        if (unlinkat(directory->fd, files[i - 1].name, 0) == -1
            || fsync(directory->fd) == -1)
        {
            rc = -errno;
        }
    }

    free(files);

    return rc;
}


int
sealed_journal_directory_reserve(
    const sealed_journal_directory_t *directory, uint64_t size)
{
    int          fd, rc;
    struct stat  st;

    const int  flags = O_WRONLY|O_CREAT|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK;

    fd = openat(directory->fd, RESERVE, flags, 0600);

    /* of workers that ran as another user */

    if (fd == -1 && errno == EACCES
        && unlinkat(directory->fd, RESERVE, 0) == 0)
    {
        fd = openat(directory->fd, RESERVE, flags, 0600);
    }

    if (fd == -1) {
        return -errno;
    }

    rc = fstat(fd, &st) == -1 ? -errno : S_ISREG(st.st_mode) ? 0 : -EINVAL;

    if (rc == 0 && (uint64_t) st.st_blocks * 512 < size) {

        do {
            rc = fallocate(fd, 0, 0, (off_t) size) == -1 ? -errno : 0;
        } while (rc == -EINTR);

        /* a part of it would only be missed elsewhere */

        if (rc != 0) {
            (void) unlinkat(directory->fd, RESERVE, 0);
        }
    }

    (void) close(fd);

    return rc == -EOPNOTSUPP ? 0 : rc;
}


static int
create_file(void *context, const char *name, uint64_t size)
{
    int                          fd, rc;
    sealed_journal_directory_t  *directory = context;

    fd = openat(directory->fd, name,
                O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC|O_NOFOLLOW, 0600);
    if (fd == -1) {
        return -errno;
    }

    rc = allocate(fd, size);

    if (rc < 0) {
        (void) close(fd);
        (void) unlinkat(directory->fd, name, 0);
        return rc;
    }

    return fd;
}


static int
allocate(int fd, uint64_t size)
{
    int  rc;

    do {
        rc = fallocate(fd, 0, 0, (off_t) size);
    } while (rc == -1 && errno == EINTR);

    /* not each file system can; writing will then tell */

    if (rc == -1 && errno == EOPNOTSUPP) {
        rc = ftruncate(fd, (off_t) size);
    }

    return rc == -1 ? -errno : 0;
}


static int
write_file(void *context, int file, const uint8_t *data, size_t size,
    uint64_t offset)
{
    ssize_t  n;

    while (size) {
        n = pwrite(file, data, size, (off_t) offset);

        if (n == -1) {

            if (errno == EINTR) {
                continue;
            }

            return -errno;
        }

        if (n == 0) {
            return -EIO;
        }

        data += n;
        size -= (size_t) n;
        offset += (uint64_t) n;
    }

    return 0;
}


/* what is in a file that somebody has removed outlives nothing */

static int
sync_file(void *context, int file)
{
    struct stat  st;

    if (fdatasync(file) == -1 || fstat(file, &st) == -1) {
        return -errno;
    }

    return st.st_nlink ? 0 : -ENOENT;
}


static int
finish_file(void *context, int file, uint64_t size)
{
    int  rc;

    rc = size && ftruncate(file, (off_t) size) == -1 ? -errno : 0;

    if (close(file) == -1 && rc == 0) {
        rc = -errno;
    }

    return rc;
}


static int
remove_file(void *context, const char *name)
{
    sealed_journal_directory_t  *directory = context;

    return unlinkat(directory->fd, name, 0) == -1 ? -errno : 0;
}


static int
sync_names(void *context)
{
    sealed_journal_directory_t  *directory = context;

    return fsync(directory->fd) == -1 ? -errno : 0;
}


static int
release(void *context)
{
    sealed_journal_directory_t  *directory = context;

    return unlinkat(directory->fd, RESERVE, 0) == 0;
}


static int
list(const sealed_journal_directory_t *directory,
    sealed_journal_file_t **files, size_t *count)
{
    int                        fd, rc;
    DIR                       *dir;
    size_t                     room;
    struct dirent             *entry;
    sealed_journal_file_t     *more;
    sealed_journal_segment_t   segment;

    *files = NULL;
    *count = 0;
    room = 0;
    rc = 0;

    /* another description, so that each reading begins at the beginning */

    fd = openat(directory->fd, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC);
    if (fd == -1) {
        return -errno;
    }

    dir = fdopendir(fd);
    if (dir == NULL) {
        rc = -errno;
        (void) close(fd);
        return rc;
    }

    for ( ;; ) {
        errno = 0;
        entry = readdir(dir);

        if (entry == NULL) {
            rc = -errno;
            break;
        }

        if (sealed_journal_segment_parse(&segment, entry->d_name) != 0) {
            continue;
        }

        if (*count == room) {
            room = room * 2 + 64;
            more = realloc(*files, room * sizeof(sealed_journal_file_t));

            if (more == NULL) {
                rc = -ENOMEM;
                break;
            }

            *files = more;
        }

        more = *files + (*count)++;
        memset(more, 0, sizeof(sealed_journal_file_t));
        memcpy(more->name, entry->d_name, strlen(entry->d_name) + 1);
        more->named = segment;
    }

    (void) closedir(dir);

    if (*count) {
        qsort(*files, *count, sizeof(sealed_journal_file_t), compare);
    }

    return rc;
}


/* opening a device may already do something to it */

static int
look(const sealed_journal_directory_t *directory, const char *name,
    char *wrong)
{
    struct stat  st;

    if (fstatat(directory->fd, name, &st, AT_SYMLINK_NOFOLLOW) == -1) {
        return say(wrong, -errno, name, NULL);
    }

    if (!S_ISREG(st.st_mode)) {
        return say(wrong, -EINVAL, name, kind_of(st.st_mode));
    }

    return 0;
}


static int
map_file(const sealed_journal_directory_t *directory,
    sealed_journal_file_t *file, char *wrong)
{
    int          fd, rc;
    void        *data;
    struct stat  st;

    rc = look(directory, file->name, wrong);
    if (rc != 0) {
        return rc;
    }

    /* it may be another one by now */

    fd = openat(directory->fd, file->name,
                O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);
    if (fd == -1) {
        return say(wrong, -errno, file->name, NULL);
    }

    if (fstat(fd, &st) == -1) {
        rc = say(wrong, -errno, file->name, NULL);

    } else if (!S_ISREG(st.st_mode)) {
        rc = say(wrong, -EINVAL, file->name, kind_of(st.st_mode));

    } else if (st.st_size > SEALED_JOURNAL_SEGMENT_MAX) {
        rc = say(wrong, -EINVAL, file->name, "larger than a segment can be");

    } else if (st.st_size) {
        data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_SHARED, fd, 0);

        if (data == MAP_FAILED) {
            rc = say(wrong, -errno, file->name, NULL);

        } else {
            (void) madvise(data, (size_t) st.st_size, MADV_SEQUENTIAL);
            file->data = data;
            file->size = (size_t) st.st_size;
        }
    }

    (void) close(fd);

    return rc;
}


static const char *
kind_of(mode_t mode)
{
    return S_ISLNK(mode) ? "a symbolic link, which is not followed"
           : S_ISDIR(mode) ? "a directory"
           : S_ISFIFO(mode) ? "a FIFO"
           : S_ISSOCK(mode) ? "a socket"
           : "a device";
}


/* what is NULL: the error says it */

static int
say(char *wrong, int rc, const char *name, const char *what)
{
    if (name == NULL) {
        (void) snprintf(wrong, SEALED_JOURNAL_WRONG_SIZE, "%s",
                        strerror(-rc));

    } else if (what == NULL) {
        (void) snprintf(wrong, SEALED_JOURNAL_WRONG_SIZE, "\"%s\": %s",
                        name, strerror(-rc));

    } else {
        (void) snprintf(wrong, SEALED_JOURNAL_WRONG_SIZE,
                        "\"%s\" is no segment but %s", name, what);
    }

    return rc;
}


static int
compare(const void *one, const void *two)
{
    return strcmp(((const sealed_journal_file_t *) one)->name,
                  ((const sealed_journal_file_t *) two)->name);
}
