
#include "payload.h"
#include "options.h"
#include "output.h"
#include "../hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


static int read_stdin(sealed_payload_t *payload);
static int digest_file(sealed_payload_t *payload);


int
sealed_payload_open(sealed_payload_t *payload, const char *file)
{
    struct stat  st;

    memset(payload, 0, sizeof(sealed_payload_t));
    payload->fd = -1;

    if (file == NULL || strcmp(file, "-") == 0) {
        payload->file = "standard input";
        return read_stdin(payload);
    }

    payload->file = file;
    payload->fd = open(file, O_RDONLY|O_CLOEXEC|O_NONBLOCK);

    if (payload->fd == -1 || fstat(payload->fd, &st) == -1) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                           strerror(errno));
    }

    if (!S_ISREG(st.st_mode)) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: not a regular file",
                           file);
    }

    payload->total = (uint64_t) st.st_size;

    return digest_file(payload);
}


int
sealed_payload_text(sealed_payload_t *payload, const char *text)
{
    memset(payload, 0, sizeof(sealed_payload_t));
    payload->fd = -1;
    payload->file = "--message";
    payload->total = strlen(text);
    payload->data = malloc((size_t) payload->total + 1);

    if (payload->data == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    memcpy(payload->data, text, (size_t) payload->total);
    sealed_sha256(payload->digest, payload->data, (size_t) payload->total);

    return SEALED_EXIT_OK;
}


void
sealed_payload_close(sealed_payload_t *payload)
{
    if (payload->fd != -1) {
        close(payload->fd);
    }

    free(payload->data);
    payload->fd = -1;
    payload->data = NULL;
}


int
sealed_payload_read(uint8_t *out, const sealed_payload_t *payload,
    uint64_t offset, size_t size)
{
    size_t   n;
    ssize_t  got;

    if (payload->fd == -1) {
        memcpy(out, payload->data + offset, size);
        return SEALED_EXIT_OK;
    }

    for (n = 0; n < size; n += (size_t) got) {
        got = pread(payload->fd, out + n, size - n, (off_t) (offset + n));

        if (got == -1 && errno == EINTR) {
            got = 0;
            continue;
        }

        if (got <= 0) {
            return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", payload->file,
                               got ? strerror(errno)
                                   : "became shorter while it was read");
        }
    }

    return SEALED_EXIT_OK;
}


static int
read_stdin(sealed_payload_t *payload)
{
    size_t    room;
    ssize_t   n;
    uint8_t  *larger;

    if (isatty(STDIN_FILENO)) {
        sealed_remark("Type the message; Ctrl-D on a line of its own ends "
                      "it.");
    }

    room = 0;

    for ( ;; ) {

        if (payload->total == room) {
            room = room ? room * 2 : 65536;

            larger = realloc(payload->data, room);
            if (larger == NULL) {
                return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
            }

            payload->data = larger;
        }

        n = read(STDIN_FILENO, payload->data + payload->total,
                 room - (size_t) payload->total);

        if (n == -1) {

            if (errno == EINTR) {
                continue;
            }

            return sealed_fail(SEALED_EXIT_LOCAL, "standard input: %s",
                               strerror(errno));
        }

        if (n == 0) {
            break;
        }

        payload->total += (uint64_t) n;

        if (payload->total > SEALED_PAYLOAD_STDIN_MAX) {
            return sealed_fail(SEALED_EXIT_LOCAL, "standard input is longer "
                               "than %d octets; use a file",
                               SEALED_PAYLOAD_STDIN_MAX);
        }
    }

    sealed_sha256(payload->digest, payload->data, (size_t) payload->total);

    return SEALED_EXIT_OK;
}


static int
digest_file(sealed_payload_t *payload)
{
    int              rc;
    size_t           n;
    uint8_t          buf[65536];
    uint64_t         at;
    sealed_sha256_t  ctx;

    sealed_sha256_init(&ctx);

    for (at = 0; at < payload->total; at += n) {
        n = payload->total - at < sizeof(buf) ? (size_t) (payload->total - at)
                                              : sizeof(buf);

        rc = sealed_payload_read(buf, payload, at, n);
        if (rc) {
            return rc;
        }

        sealed_sha256_update(&ctx, buf, n);
    }

    sealed_sha256_final(&ctx, payload->digest);

    return SEALED_EXIT_OK;
}
