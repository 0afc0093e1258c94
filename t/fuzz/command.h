
/*
 * What the targets of the command "sealed" share.  It sees the same time
 * always, waits for nothing, says nothing, and has a home that is empty at
 * the beginning of each input.
 */

#ifndef SEALED_FUZZ_COMMAND_H
#define SEALED_FUZZ_COMMAND_H


#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <time.h>
#include <unistd.h>
#include <sys/stat.h>


#define NOW  1800000000


static char   home[64];
static FILE  *nowhere, *errors, *output;


/* instead of libc's */

time_t
time(time_t *now)
{
    if (now) {
        *now = NOW;
    }

    return NOW;
}


unsigned
sleep(unsigned seconds)
{
    return 0;
}


static const char *
numbers_name(void)
{
    return "counter";
}


static uint32_t
numbers_next(void)
{
    static uint32_t  counter;

    return ++counter;
}


static void
numbers_fill(void *out, const size_t size)
{
    memset(out, 0x5a, size);
}


/* the files of a directory, and those of the directories in it */

static void
empty(const char *name)
{
    DIR            *directory;
    char            path[PATH_MAX];
    struct dirent  *entry;

    directory = opendir(name);
    CHECK(directory != NULL);

    while ((entry = readdir(directory)) != NULL) {

        if (strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0)
        {
            continue;
        }

        CHECK(snprintf(path, sizeof(path), "%s/%s", name, entry->d_name)
              < (int) sizeof(path));

        if (entry->d_type == DT_DIR) {
            empty(path);

        } else {
            CHECK(unlink(path) == 0);
        }
    }

    CHECK(closedir(directory) == 0);
}


static void
remove_home(void)
{
    DIR            *directory;
    char            path[PATH_MAX];
    struct dirent  *entry;

    empty(home);
    directory = opendir(home);

    while (directory && (entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void) snprintf(path, sizeof(path), "%s/%s", home,
                            entry->d_name);
            (void) rmdir(path);
        }
    }

    if (directory) {
        (void) closedir(directory);
    }

    (void) rmdir(home);
}


static void
begin_command(void)
{
    static randombytes_implementation  numbers = {
        numbers_name, numbers_next, NULL, NULL, numbers_fill, NULL
    };

    if (home[0] == '\0') {
        strcpy(home, access("/dev/shm", W_OK) == 0
                     ? "/dev/shm/sealed-fuzz-XXXXXX"
                     : "/tmp/sealed-fuzz-XXXXXX");
        CHECK(mkdtemp(home) != NULL);
        CHECK(setenv("SEALED_HOME", home, 1) == 0);
        CHECK(atexit(remove_home) == 0);
        CHECK(randombytes_set_implementation(&numbers) == 0);

        nowhere = fopen("/dev/null", "w");
        CHECK(nowhere != NULL);
    }

    empty(home);

    errors = stderr;
    output = stdout;
    stderr = nowhere;
    stdout = nowhere;
}


static void
end_command(void)
{
    stderr = errors;
    stdout = output;
}


/* a file in the home, as only its owner could have written it */

static inline void
write_file(char path[PATH_MAX], const char *name, const void *data,
    size_t size)
{
    int  fd;

    CHECK(snprintf(path, PATH_MAX, "%s/%s", home, name) < PATH_MAX);

    fd = open(path, O_WRONLY|O_CREAT|O_TRUNC, 0600);
    CHECK(fd != -1);
    CHECK(write(fd, data, size) == (ssize_t) size);
    CHECK(close(fd) == 0);
}


#endif /* SEALED_FUZZ_COMMAND_H */
