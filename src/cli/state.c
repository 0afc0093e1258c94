
#include "state.h"
#include "options.h"
#include "output.h"
#include "../hash.h"
#include "../text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>
#include <sys/file.h>
#include <sys/stat.h>


enum {
    NONCE_BITS = 48                     /* of the first: much is above it */
};


static int make_directories(char *path);
static int nonce_file(char path[SEALED_STATE_PATH], const char *url,
    const uint8_t keyid[16]);
static int nonce_update(uint64_t *taken, uint64_t at_least, const char *url,
    const uint8_t keyid[16]);


int
sealed_state_path(char out[SEALED_STATE_PATH], const char *directory,
    const char *name)
{
    int          n;
    const char  *home, *below;

    below = "";
    home = getenv("SEALED_HOME");

    if (home == NULL || home[0] == '\0') {
        home = getenv("HOME");
        below = "/.config/sealed";
    }

    if (home == NULL || home[0] == '\0') {
        return sealed_fail(SEALED_EXIT_LOCAL, "neither SEALED_HOME nor HOME "
                           "is set; there is nowhere to remember nonces");
    }

    n = snprintf(out, SEALED_STATE_PATH, "%s%s/%s/%s", home, below,
                 directory, name);

    if (n < 0 || n >= SEALED_STATE_PATH) {
        return sealed_fail(SEALED_EXIT_LOCAL, "SEALED_HOME is too long");
    }

    return make_directories(out);
}


void
sealed_state_hash(char out[17], const char *url)
{
    uint8_t   digest[32];
    unsigned  i;

    sealed_sha256(digest, url, strlen(url));

    for (i = 0; i < 8; i++) {
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    }
}


int
sealed_state_lock(int *fd, const char *path)
{
    int  rc;

    *fd = open(path, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (*fd != -1) {

        do {
            rc = flock(*fd, LOCK_EX);
        } while (rc == -1 && errno == EINTR);

        if (rc == 0) {
            return SEALED_EXIT_OK;
        }

        close(*fd);
    }

    return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path, strerror(errno));
}


uint64_t
sealed_nonce_first(void)
{
    uint64_t  nonce;

    randombytes_buf(&nonce, sizeof(nonce));

    return nonce >> (64 - NONCE_BITS);
}


int
sealed_nonce_take(uint64_t *nonce, const char *url, const uint8_t keyid[16])
{
    return nonce_update(nonce, 0, url, keyid);
}


int
sealed_nonce_raise(uint64_t next, const char *url, const uint8_t keyid[16])
{
    return nonce_update(NULL, next, url, keyid);
}


/*
 * A counter that is missing or unreadable starts at random.  Where the one
 * that was lost had come further, the gateway says how far.
 */

static int
nonce_update(uint64_t *taken, uint64_t at_least, const char *url,
    const uint8_t keyid[16])
{
    int             fd, rc;
    char            path[SEALED_STATE_PATH], digits[SEALED_DECIMAL_SIZE + 1];
    char           *end;
    ssize_t         n;
    uint64_t        next;
    sealed_bytes_t  text;

    rc = nonce_file(path, url, keyid);
    if (rc) {
        return rc;
    }

    rc = sealed_state_lock(&fd, path);
    if (rc) {
        return rc;
    }

    n = pread(fd, digits, sizeof(digits), 0);

    text.data = (const uint8_t *) digits;
    text.size = n > 0 ? (size_t) n - (digits[n - 1] == '\n') : 0;

    if (sealed_decimal_decode(&next, text) != 0) {
        next = sealed_nonce_first();
    }

    if (next < at_least) {
        next = at_least;
    }

    if (taken) {
        *taken = next++;
    }

    end = sealed_decimal_encode(digits, next);
    *end++ = '\n';

    if (ftruncate(fd, 0) == -1
        || pwrite(fd, digits, (size_t) (end - digits), 0) != end - digits)
    {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path,
                         strerror(errno));
    }

    close(fd);

    return rc;
}


static int
nonce_file(char path[SEALED_STATE_PATH], const char *url,
    const uint8_t keyid[16])
{
    char  name[17 + SEALED_CERTIFICATE_ID_TEXT + 1], *end;

    sealed_state_hash(name, url);
    name[16] = '.';
    end = sealed_base64url_encode(name + 17, keyid, 16);
    *end = '\0';

    return sealed_state_path(path, "nonces", name);
}


static int
make_directories(char *path)
{
    int    rc;
    char  *p;

    for (p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
        *p = '\0';
        rc = mkdir(path, 0700);

        if (rc == -1 && errno != EEXIST) {
            return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path,
                               strerror(errno));
        }

        *p = '/';
    }

    return SEALED_EXIT_OK;
}
