
#include "file.h"
#include "options.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include <sys/stat.h>


static int is_public(const char *file);
static int write_new(const char *file, const void *data, size_t size,
    unsigned secret);


int
sealed_file_read(char **text, size_t *size, const char *file, size_t max,
    unsigned secret)
{
    int          fd, rc;
    char        *buf;
    size_t       n;
    ssize_t      got;
    struct stat  st;

    fd = open(file, O_RDONLY|O_CLOEXEC|O_NONBLOCK);
    if (fd == -1) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                           strerror(errno));
    }

    buf = NULL;
    rc = SEALED_EXIT_LOCAL;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        sealed_fail(rc, "%s: not a regular file", file);
        goto done;
    }

    if (secret && (st.st_mode & 077) && is_public(file)) {
        sealed_fail(rc, "%s: what may be given away; the secret is in the "
                    "file without \".pub\"", file);
        goto done;
    }

    if (secret && (st.st_mode & 077)) {
        sealed_fail(rc, "%s: holds a secret, but others may open it (mode "
                    "%04o); chmod 600 it, or make a new one if others had "
                    "access", file, (unsigned) (st.st_mode & 07777));
        goto done;
    }

    if ((uint64_t) st.st_size > max) {
        sealed_fail(rc, "%s: longer than %zu octets", file, max);
        goto done;
    }

    buf = malloc((size_t) st.st_size + 1);
    if (buf == NULL) {
        sealed_fail(rc, "out of memory");
        goto done;
    }

    for (n = 0; n < (size_t) st.st_size; n += (size_t) got) {
        got = read(fd, buf + n, (size_t) st.st_size - n);

        if (got == -1 && errno == EINTR) {
            got = 0;
            continue;
        }

        if (got <= 0) {
            break;
        }
    }

    if (n != (size_t) st.st_size) {
        sealed_fail(rc, "%s: could not be read to its end", file);
        sealed_file_forget(buf, n);
        goto done;
    }

    buf[n] = '\0';
    *text = buf;
    *size = n;
    rc = SEALED_EXIT_OK;

done:

    close(fd);

    return rc;
}


static int
is_public(const char *file)
{
    size_t  length;

    length = strlen(file);

    return length > 4 && strcmp(file + length - 4, ".pub") == 0;
}


void
sealed_file_forget(char *text, size_t size)
{
    if (text) {
        sodium_memzero(text, size);
        free(text);
    }
}


int
sealed_file_create(const char *file, const void *data, size_t size,
    unsigned secret)
{
    if (write_new(file, data, size, secret) == 0) {
        return SEALED_EXIT_OK;
    }

    if (errno == EEXIST) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: exists already and is "
                           "not overwritten", file);
    }

    return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file, strerror(errno));
}


int
sealed_file_replace(const char *file, const void *data, size_t size,
    unsigned secret)
{
    int    rc;
    char  *beside, suffix[32];

    snprintf(suffix, sizeof(suffix), ".new-%08x", randombytes_random());

    beside = sealed_file_name(file, suffix);
    if (beside == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = SEALED_EXIT_OK;

    if (write_new(beside, data, size, secret) != 0
        || rename(beside, file) == -1)
    {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                         strerror(errno));
        unlink(beside);
    }

    free(beside);

    return rc;
}


char *
sealed_file_name(const char *name, const char *suffix)
{
    char    *result;
    size_t   a, b;

    a = strlen(name);
    b = strlen(suffix);

    result = malloc(a + b + 1);

    if (result) {
        memcpy(result, name, a);
        memcpy(result + a, suffix, b + 1);
    }

    return result;
}


int
sealed_write_all(int fd, const void *data, size_t size)
{
    ssize_t         n;
    const uint8_t  *p;

    for (p = data; size; p += n, size -= (size_t) n) {
        n = write(fd, p, size);

        if (n == -1) {

            if (errno != EINTR) {
                return -1;
            }

            n = 0;
        }
    }

    return 0;
}


static int
write_new(const char *file, const void *data, size_t size, unsigned secret)
{
    int  fd, error;

    fd = open(file, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC,
              secret ? 0600 : 0644);
    if (fd == -1) {
        return -1;
    }

    error = 0;

    if (sealed_write_all(fd, data, size) != 0 || fsync(fd) == -1) {
        error = errno;
    }

    if (close(fd) == -1 && error == 0) {
        error = errno;
    }

    if (error) {
        unlink(file);
        errno = error;
        return -1;
    }

    return 0;
}
