
#include "inbox.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "../hash.h"
#include "../text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>


enum {
    TEXT_MAX      = 1024 * 1024,    /* longer ones become files */
    SAME_NAME_MAX = 10000
};


static void transfer_id(uint8_t id[32], const sealed_inbox_t *inbox,
    const sealed_message_t *message, const uint8_t sender_key[32]);
static sealed_inbox_state_t with_last(const sealed_message_t *message,
    sealed_inbox_state_t state);
static int is_short_text(const sealed_message_t *message);
static int take_text(sealed_inbox_result_t *result,
    const sealed_message_t *message);
static int write_piece(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message);
static int finish(sealed_inbox_result_t *result, sealed_inbox_t *inbox,
    int fd, const sealed_message_t *message, const uint8_t id[32]);
static int check_digest(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message);
static int read_text(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message);
static int place(sealed_inbox_result_t *result, const sealed_inbox_t *inbox,
    const char *part, const sealed_message_t *message);
static int failed(const char *path);


int
sealed_inbox_add(sealed_inbox_result_t *result, sealed_inbox_t *inbox,
    const sealed_message_t *message, const uint8_t sender_key[32])
{
    int      fd, n, rc;
    char     name[SEALED_BASE64URL_SIZE(32)];
    uint8_t  id[32];

    result->text = NULL;
    result->path[0] = '\0';

    transfer_id(id, inbox, message, sender_key);

    if (sealed_seen_file(inbox->seen, id)) {
        result->state = with_last(message, SEALED_INBOX_STORED_BEFORE);
        return SEALED_EXIT_OK;
    }

    if (message->total > inbox->max_size) {
        result->state = with_last(message, SEALED_INBOX_TOO_LARGE);
        return SEALED_EXIT_OK;
    }

    if (is_short_text(message)) {
        return take_text(result, message);
    }

    sealed_base64url_encode(name, id, sizeof(id));

    n = snprintf(result->path, sizeof(result->path), "%s/.sealed-%.22s.part",
                 inbox->directory, name);

    if (n < 0 || (size_t) n >= sizeof(result->path)) {
        return sealed_fail(SEALED_EXIT_LOCAL, "the directory's name is too "
                           "long");
    }

    fd = open(result->path, O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);
    if (fd == -1) {
        return failed(result->path);
    }

    rc = write_piece(result, fd, message);

    if (rc == 0 && result->state == SEALED_INBOX_FILE) {
        rc = finish(result, inbox, fd, message, id);
    }

    close(fd);

    return rc;
}


/* whoever sends pieces under another's transfer gets a file of his own */

static void
transfer_id(uint8_t id[32], const sealed_inbox_t *inbox,
    const sealed_message_t *message, const uint8_t sender_key[32])
{
    uint8_t          total[8];
    unsigned         i;
    sealed_sha256_t  ctx;

    for (i = 0; i < 8; i++) {
        total[i] = (uint8_t) (message->total >> (56 - 8 * i));
    }

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, inbox->mailbox_id, SEALED_MAILBOX_ID_SIZE);
    sealed_sha256_update(&ctx, sender_key, 32);
    sealed_sha256_update(&ctx, message->id, SEALED_MESSAGE_ID_SIZE);
    sealed_sha256_update(&ctx, total, sizeof(total));
    sealed_sha256_update(&ctx, message->digest, 32);
    sealed_sha256_final(&ctx, id);
}


static sealed_inbox_state_t
with_last(const sealed_message_t *message, sealed_inbox_state_t state)
{
    return message->offset + message->content.size < message->total
           ? SEALED_INBOX_PASSED_OVER : state;
}


static int
is_short_text(const sealed_message_t *message)
{
    return message->name.data == NULL
           && message->content.size == message->total
           && message->total <= TEXT_MAX
           && sealed_is_text(message->content.data, message->content.size);
}


/* one that came whole touches no disk */

static int
take_text(sealed_inbox_result_t *result, const sealed_message_t *message)
{
    uint8_t  digest[32];

    sealed_sha256(digest, message->content.data, message->content.size);

    if (memcmp(digest, message->digest, 32) != 0) {
        result->state = SEALED_INBOX_DAMAGED;
        return SEALED_EXIT_OK;
    }

    result->size = message->content.size;
    result->text = malloc(result->size + 1);

    if (result->text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    memcpy(result->text, message->content.data, result->size);
    result->state = SEALED_INBOX_TEXT;

    return SEALED_EXIT_OK;
}


/* the state is SEALED_INBOX_FILE when all is there */

static int
write_piece(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message)
{
    size_t       skip;
    uint64_t     have;
    struct stat  st;

    if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode)) {
        return failed(result->path);
    }

    have = (uint64_t) st.st_size;

    if (message->offset > have) {

        result->state = with_last(message, SEALED_INBOX_GAP);

        if (have == 0) {
            unlink(result->path);
        }

        return SEALED_EXIT_OK;
    }

    if (message->offset + message->content.size > have) {
        skip = (size_t) (have - message->offset);

        if (lseek(fd, st.st_size, SEEK_SET) == -1
            || sealed_write_all(fd, message->content.data + skip,
                                message->content.size - skip)
               != 0)
        {
            return failed(result->path);
        }

        have = message->offset + message->content.size;
    }

    result->state = have < message->total ? SEALED_INBOX_PIECE
                                          : SEALED_INBOX_FILE;

    if (fsync(fd) == -1) {
        return failed(result->path);
    }

    return SEALED_EXIT_OK;
}


static int
finish(sealed_inbox_result_t *result, sealed_inbox_t *inbox, int fd,
    const sealed_message_t *message, const uint8_t id[32])
{
    int   rc;
    char  part[PATH_MAX];

    strcpy(part, result->path);

    rc = check_digest(result, fd, message);
    if (rc) {
        return rc;
    }

    if (result->state == SEALED_INBOX_DAMAGED) {
        unlink(part);
        return SEALED_EXIT_OK;
    }

    if (message->name.data == NULL && message->total <= TEXT_MAX) {
        rc = read_text(result, fd, message);

        if (rc || result->state == SEALED_INBOX_TEXT) {
            unlink(part);
            return rc;
        }
    }

    rc = place(result, inbox, part, message);

    if (rc == 0) {
        rc = sealed_seen_add_file(inbox->seen, id, inbox->until);
    }

    return rc;
}


static int
check_digest(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message)
{
    uint8_t          buf[65536], digest[32];
    off_t            at;
    ssize_t          n;
    sealed_sha256_t  ctx;

    sealed_sha256_init(&ctx);

    for (at = 0; /* void */ ; at += n) {
        n = pread(fd, buf, sizeof(buf), at);

        if (n == -1) {
            return failed(result->path);
        }

        if (n == 0) {
            break;
        }

        sealed_sha256_update(&ctx, buf, (size_t) n);
    }

    sealed_sha256_final(&ctx, digest);

    if ((uint64_t) at != message->total
        || memcmp(digest, message->digest, 32) != 0)
    {
        result->state = SEALED_INBOX_DAMAGED;
    }

    return SEALED_EXIT_OK;
}


static int
read_text(sealed_inbox_result_t *result, int fd,
    const sealed_message_t *message)
{
    result->size = (size_t) message->total;
    result->text = malloc(result->size + 1);

    if (result->text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    if (pread(fd, result->text, result->size, 0) != (ssize_t) result->size) {
        free(result->text);
        result->text = NULL;
        return failed(result->path);
    }

    if (sealed_is_text(result->text, result->size)) {
        result->state = SEALED_INBOX_TEXT;

    } else {
        free(result->text);
        result->text = NULL;
    }

    return SEALED_EXIT_OK;
}


/* the name is taken first, then the file renamed over it */

static int
place(sealed_inbox_result_t *result, const sealed_inbox_t *inbox,
    const char *part, const sealed_message_t *message)
{
    int              fd, n;
    char             name[SEALED_MESSAGE_NAME_MAX + 1], number[16], *dot;
    unsigned         i;
    sealed_bytes_t   given;

    static const char  text[] = "message";

    given = message->name;

    if (given.data == NULL) {
        given.data = (const uint8_t *) text;
        given.size = sizeof(text) - 1;
    }

    sealed_message_file_name(name, given);
    number[0] = '\0';

    dot = strrchr(name, '.');
    if (dot == NULL) {
        dot = name + strlen(name);
    }

    for (i = 2; i < SAME_NAME_MAX; i++) {
        n = snprintf(result->path, sizeof(result->path), "%s/%.*s%s%s",
                     inbox->directory, (int) (dot - name), name, number,
                     dot);

        if (n < 0 || (size_t) n >= sizeof(result->path)) {
            return sealed_fail(SEALED_EXIT_LOCAL, "the directory's name is "
                               "too long");
        }

        fd = open(result->path, O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0600);

        if (fd != -1) {
            close(fd);

            if (rename(part, result->path) == -1) {
                unlink(result->path);
                return failed(result->path);
            }

            return SEALED_EXIT_OK;
        }

        if (errno != EEXIST) {
            break;
        }

        snprintf(number, sizeof(number), " (%u)", i);
    }

    return failed(result->path);
}


static int
failed(const char *path)
{
    return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", path, strerror(errno));
}
