
/*
 * Messages, and what is put together of their pieces: what is taken is
 * written again as the same octets, and a file or a text that is complete is
 * what its digest says, under a harmless name in its own directory.
 *
 * Aims at: cli/message.c cli/inbox.c cli/seen.c
 */

#include "command.h"

#include "cbor.h"
#include "hash.h"
#include "cli/inbox.h"
#include "cli/options.h"
#include "cli/output.h"


enum {
    CONTENT = 64,                       /* of what is cut into pieces */
    MAX     = 4096                      /* of what is taken */
};


static void check_message(sealed_bytes_t encoded);
static size_t make_piece(uint8_t out[512], const uint8_t *data);
static void remember(const uint8_t e[32], uint64_t seq);
static void take(const sealed_message_t *message);
static void check_file(const sealed_inbox_result_t *result,
    const sealed_message_t *message);
static void check_name(const char *name);


static sealed_seen_t  seen;


/*
 * An octet's lowest bit says what follows: the size of a message and the
 * message as it is, or what a piece of one is made of.
 */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          n;
    char            path[PATH_MAX];
    uint8_t         piece[512];
    sealed_bytes_t  encoded, text;
    const uint8_t  *pos, *end;

    begin_command();

    pos = data;
    end = data + size;

    /* what was seen before */

    text = next_line(&pos, end);

    if (text.size) {
        (void) snprintf(path, sizeof(path), "%s/seen", home);
        CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);

        for (n = 0; n < text.size; n++) {
            if (text.data[n] == ';') {
                ((uint8_t *) text.data)[n] = '\n';
            }
        }

        write_file(path, "seen/mailbox", text.data, text.size);
    }

    free_copy(text);

    CHECK(sealed_seen_open(&seen, "mailbox", NOW) == SEALED_EXIT_OK);

    while (end - pos >= 8) {

        if (pos[0] & 1) {
            n = make_piece(piece, pos);
            pos += 8;
            encoded = copy(piece, n);

        } else {
            n = (size_t) pos[1] << 8 | pos[2];
            pos += 3;
            n = n < (size_t) (end - pos) ? n : (size_t) (end - pos);
            encoded = copy(pos, n);
            pos += n;
        }

        check_message(encoded);
        free_copy(encoded);
    }

    sealed_seen_close(&seen);
    end_command();

    return 0;
}


static void
check_message(sealed_bytes_t encoded)
{
    uint8_t           *again;
    sealed_message_t   message;

    if (sealed_message_parse(&message, encoded) != 0) {
        return;
    }

    again = malloc(encoded.size);
    CHECK(again != NULL);

    CHECK(sealed_message_overhead(message.name.size, message.total,
                                  message.content.size)
          + message.content.size
          + sealed_cbor_head_size(message.offset)
          - sealed_cbor_head_size(message.total) == encoded.size);
    CHECK(sealed_message_encode(again, encoded.size, &message)
          == encoded.size);
    CHECK(memcmp(again, encoded.data, encoded.size) == 0);
    CHECK(sealed_message_encode(again, encoded.size - 1, &message) == 0);
    free(again);

    CHECK(inside(message.id, SEALED_MESSAGE_ID_SIZE, encoded.data,
                 encoded.size));
    CHECK(inside(message.digest, 32, encoded.data, encoded.size));
    CHECK(message.offset + message.content.size <= message.total);

    /* twice: the second one may have been stored before */

    take(&message);
    take(&message);

    remember(message.digest, message.total % 8);
}


/* an envelope is new once, shown again until acknowledged, then dropped */

static void
remember(const uint8_t e[32], uint64_t seq)
{
    sealed_seen_state_t  state;

    state = sealed_seen_envelope(&seen, e, seq);

    if (state == SEALED_SEEN_NEW) {
        CHECK(sealed_seen_add_envelope(&seen, e, seq, NOW + 9)
              == SEALED_EXIT_OK);
        CHECK(sealed_seen_envelope(&seen, e, seq)
              == (seq > seen.through ? SEALED_SEEN_UNACKNOWLEDGED
                                     : SEALED_SEEN_REPEATED));
    }

    CHECK(sealed_seen_envelope(&seen, e, seq + 1) != SEALED_SEEN_NEW);

    if (seq == 7) {
        CHECK(sealed_seen_acknowledged(&seen, seq) == SEALED_EXIT_OK);
        CHECK(sealed_seen_envelope(&seen, e, seq) == SEALED_SEEN_REPEATED);
    }
}


/*
 * Which of four transfers, text or file, where it begins, how long it is,
 * how much there is of it, its name, whether its digest is right.
 */

static size_t
make_piece(uint8_t out[512], const uint8_t *data)
{
    size_t            i, n;
    uint8_t           id[SEALED_MESSAGE_ID_SIZE] = { data[0] >> 1 & 3 };
    uint8_t           content[CONTENT], digest[32];
    sealed_message_t  message;

    static const char  *const names[] = {
        "a.txt", "../.x", "dir/", "-", "long-name-without-a-dot", "\xc3\xa4"
    };

    message.total = data[4] % (CONTENT + 1);
    message.offset = message.total ? data[2] % message.total : 0;
    n = (size_t) (message.total - message.offset);

    for (i = 0; i < sizeof(content); i++) {
        content[i] = data[0] & 8 ? (uint8_t) (200 + i) : (uint8_t) ('a' + i);
    }

    sealed_sha256(digest, content, message.total);
    digest[0] ^= data[6];

    message.id = id;
    message.digest = digest;
    message.content.data = content + message.offset;
    message.content.size = n ? 1 + data[3] % n : 0;
    message.name.data = NULL;
    message.name.size = 0;

    if (data[1] & 1) {
        message.name.data = (const uint8_t *)
                            names[data[5] % (sizeof(names)
                                             / sizeof(names[0]))];
        message.name.size = strlen((const char *) message.name.data);
    }

    n = sealed_message_encode(out, 512, &message);
    CHECK(n != 0);

    return n;
}


static void
take(const sealed_message_t *message)
{
    char                   directory[PATH_MAX];
    uint8_t                digest[32];
    sealed_inbox_t         inbox;
    sealed_inbox_result_t  result;

    static const uint8_t  mailbox[SEALED_MAILBOX_ID_SIZE], sender[32];

    (void) snprintf(directory, sizeof(directory), "%s/inbox", home);
    (void) mkdir(directory, 0700);

    inbox.directory = directory;
    inbox.max_size = MAX;
    inbox.mailbox_id = mailbox;
    inbox.seen = &seen;
    inbox.until = NOW + 1;

    CHECK(sealed_inbox_add(&result, &inbox, message, sender)
          == SEALED_EXIT_OK);

    switch (result.state) {

    case SEALED_INBOX_TEXT:
        CHECK(result.size == message->total);
        CHECK(sealed_is_text(result.text, result.size));
        sealed_sha256(digest, result.text, result.size);
        CHECK(memcmp(digest, message->digest, 32) == 0);
        break;

    case SEALED_INBOX_FILE:
        CHECK(strncmp(result.path, directory, strlen(directory)) == 0);
        check_name(result.path + strlen(directory));
        check_file(&result, message);
        break;

    case SEALED_INBOX_TOO_LARGE:
        CHECK(message->total > MAX);
        break;

    case SEALED_INBOX_PIECE:
    case SEALED_INBOX_PASSED_OVER:
    case SEALED_INBOX_STORED_BEFORE:
    case SEALED_INBOX_GAP:
    case SEALED_INBOX_DAMAGED:
        break;
    }

    free(result.text);
}


static void
check_file(const sealed_inbox_result_t *result,
    const sealed_message_t *message)
{
    int          fd;
    uint8_t      digest[32], octets[MAX];
    struct stat  st;

    fd = open(result->path, O_RDONLY);
    CHECK(fd != -1);
    CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
    CHECK((uint64_t) st.st_size == message->total);
    CHECK(read(fd, octets, sizeof(octets)) == (ssize_t) message->total);
    CHECK(close(fd) == 0);

    sealed_sha256(digest, octets, message->total);
    CHECK(memcmp(digest, message->digest, 32) == 0);
}


/* in the directory itself, and nothing that a shell or a terminal acts on */

static void
check_name(const char *name)
{
    CHECK(name[0] == '/' && name[1] != '\0' && strchr(name + 1, '/') == NULL);
    CHECK(strchr(".-~", name[1]) == NULL);

    for (name++; *name; name++) {
        CHECK((uint8_t) *name >= 0x20 && *name != 0x7f
              && strchr("\\:*?\"<>|", *name) == NULL);
    }
}
