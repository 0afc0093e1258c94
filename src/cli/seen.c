
#include "seen.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>


enum {
    FILE_MAX    = 256 * 1024 * 1024,
    RECORD_MAX  = 128,
    FEW_EXPIRED = 256
};


static int load(sealed_seen_t *seen, uint64_t now);
static int read_line(sealed_seen_t *seen, const char *line, size_t size,
    uint64_t now, size_t *expired);
static int rewrite(const sealed_seen_t *seen);
static sealed_seen_entry_t *find(const sealed_seen_t *seen, char kind,
    const uint8_t key[32]);
static int insert(sealed_seen_t *seen, const sealed_seen_entry_t *entry);
static int grow(sealed_seen_t *seen);
static int record(sealed_seen_t *seen, const sealed_seen_entry_t *entry);
static int append(const sealed_seen_t *seen, const char *line, size_t size);
static size_t format(char line[RECORD_MAX], const sealed_seen_entry_t *entry);


int
sealed_seen_open(sealed_seen_t *seen, const char *mailbox_id, uint64_t now)
{
    int  fd, rc;

    memset(seen, 0, sizeof(sealed_seen_t));
    randombytes_buf(seen->hash_key, sizeof(seen->hash_key));

    rc = sealed_state_path(seen->path, "seen", mailbox_id);
    if (rc) {
        return rc;
    }

    snprintf(seen->lock, sizeof(seen->lock), "%s.lock", seen->path);

    rc = sealed_state_lock(&fd, seen->lock);
    if (rc) {
        return rc;
    }

    rc = load(seen, now);
    close(fd);

    return rc;
}


void
sealed_seen_close(sealed_seen_t *seen)
{
    free(seen->table);
    seen->table = NULL;
    seen->slots = 0;
}


sealed_seen_state_t
sealed_seen_envelope(const sealed_seen_t *seen, const uint8_t e[32],
    uint64_t seq)
{
    const sealed_seen_entry_t  *entry;

    entry = find(seen, 'E', e);

    if (entry == NULL || entry->kind == 0) {
        return SEALED_SEEN_NEW;
    }

    if (seq == 0 || entry->seq != seq || seq <= seen->through) {
        return SEALED_SEEN_REPEATED;
    }

    return SEALED_SEEN_UNACKNOWLEDGED;
}


int
sealed_seen_file(const sealed_seen_t *seen, const uint8_t id[32])
{
    const sealed_seen_entry_t  *entry;

    entry = find(seen, 'F', id);

    return entry && entry->kind;
}


int
sealed_seen_add_envelope(sealed_seen_t *seen, const uint8_t e[32],
    uint64_t seq, uint64_t until)
{
    sealed_seen_entry_t  entry;

    memcpy(entry.key, e, 32);
    entry.kind = 'E';
    entry.seq = seq;
    entry.until = until;

    return record(seen, &entry);
}


int
sealed_seen_add_file(sealed_seen_t *seen, const uint8_t id[32],
    uint64_t until)
{
    sealed_seen_entry_t  entry;

    memcpy(entry.key, id, 32);
    entry.kind = 'F';
    entry.seq = 0;
    entry.until = until;

    return record(seen, &entry);
}


int
sealed_seen_acknowledged(sealed_seen_t *seen, uint64_t through)
{
    int   n;
    char  line[RECORD_MAX];

    if (through > seen->through) {
        seen->through = through;
    }

    n = snprintf(line, sizeof(line), "A %llu\n",
                 (unsigned long long) through);

    return append(seen, line, (size_t) n);
}


static int
load(sealed_seen_t *seen, uint64_t now)
{
    int      rc;
    char    *text, *line, *end;
    size_t   size, expired;

    if (access(seen->path, F_OK) == -1 && errno == ENOENT) {
        return SEALED_EXIT_OK;
    }

    rc = sealed_file_read(&text, &size, seen->path, FILE_MAX,
                          SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    expired = 0;

    for (line = text; rc == 0 && *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        rc = read_line(seen, line, (size_t) (end - line), now, &expired);
    }

    sealed_file_forget(text, size);

    if (rc == 0 && expired > FEW_EXPIRED && expired > seen->count) {
        rc = rewrite(seen);
    }

    return rc;
}


/* a line cut short by a crash is passed over */

static int
read_line(sealed_seen_t *seen, const char *line, size_t size, uint64_t now,
    size_t *expired)
{
    char                  number[2][24], key[48];
    sealed_bytes_t        text[2], encoded;
    sealed_seen_entry_t   entry;
    char                  copy[RECORD_MAX];

    if (size >= sizeof(copy)) {
        return SEALED_EXIT_OK;
    }

    memcpy(copy, line, size);
    copy[size] = '\0';

    if (sscanf(copy, "A %23s", number[0]) == 1) {
        text[0].data = (const uint8_t *) number[0];
        text[0].size = strlen(number[0]);

        if (sealed_decimal_decode(&entry.seq, text[0]) == 0
            && entry.seq > seen->through)
        {
            seen->through = entry.seq;
        }

        return SEALED_EXIT_OK;
    }

    if (sscanf(copy, "%c %47s %23s %23s", &entry.kind, key, number[0],
               number[1])
        != 4)
    {
        return SEALED_EXIT_OK;
    }

    encoded.data = (const uint8_t *) key;
    encoded.size = strlen(key);
    text[0].data = (const uint8_t *) number[0];
    text[0].size = strlen(number[0]);
    text[1].data = (const uint8_t *) number[1];
    text[1].size = strlen(number[1]);

    if ((entry.kind != 'E' && entry.kind != 'F')
        || sealed_base64url_decode(entry.key, 32, encoded) != 0
        || sealed_decimal_decode(&entry.seq, text[0]) != 0
        || sealed_decimal_decode(&entry.until, text[1]) != 0)
    {
        return SEALED_EXIT_OK;
    }

    if (entry.until <= now) {
        (*expired)++;
        return SEALED_EXIT_OK;
    }

    return insert(seen, &entry);
}


static int
rewrite(const sealed_seen_t *seen)
{
    int      rc;
    char    *text;
    size_t   i, size;

    text = malloc((seen->count + 1) * RECORD_MAX);
    if (text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    size = (size_t) snprintf(text, RECORD_MAX, "A %llu\n",
                             (unsigned long long) seen->through);

    for (i = 0; i < seen->slots; i++) {
        if (seen->table[i].kind) {
            size += format(text + size, &seen->table[i]);
        }
    }

    rc = sealed_file_replace(seen->path, text, size, SEALED_FILE_SECRET);
    free(text);

    return rc;
}


/* the entry, or the free slot where it belongs; NULL: no table yet */

static sealed_seen_entry_t *
find(const sealed_seen_t *seen, char kind, const uint8_t key[32])
{
    size_t                i;
    uint64_t              hash;
    sealed_seen_entry_t  *entry;

    if (seen->slots == 0) {
        return NULL;
    }

    crypto_shorthash((uint8_t *) &hash, key, 32, seen->hash_key);

    for (i = hash & (seen->slots - 1); /* void */ ;
         i = (i + 1) & (seen->slots - 1))
    {
        entry = &seen->table[i];

        if (entry->kind == 0
            || (entry->kind == kind && memcmp(entry->key, key, 32) == 0))
        {
            return entry;
        }
    }
}


static int
insert(sealed_seen_t *seen, const sealed_seen_entry_t *entry)
{
    sealed_seen_entry_t  *slot;

    if ((seen->count + 1) * 2 > seen->slots && grow(seen) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    slot = find(seen, entry->kind, entry->key);

    if (slot->kind == 0) {
        seen->count++;
        *slot = *entry;
    }

    return SEALED_EXIT_OK;
}


static int
grow(sealed_seen_t *seen)
{
    size_t                i, slots;
    sealed_seen_entry_t  *old, *entry;

    old = seen->table;
    slots = seen->slots;

    entry = calloc(slots ? slots * 2 : 1024, sizeof(sealed_seen_entry_t));
    if (entry == NULL) {
        return -1;
    }

    seen->table = entry;
    seen->slots = slots ? slots * 2 : 1024;

    for (i = 0; i < slots; i++) {
        if (old[i].kind) {
            *find(seen, old[i].kind, old[i].key) = old[i];
        }
    }

    free(old);

    return 0;
}


static int
record(sealed_seen_t *seen, const sealed_seen_entry_t *entry)
{
    int     rc;
    char    line[RECORD_MAX];
    size_t  size;

    rc = insert(seen, entry);
    if (rc) {
        return rc;
    }

    size = format(line, entry);

    return append(seen, line, size);
}


static int
append(const sealed_seen_t *seen, const char *line, size_t size)
{
    int  fd, lock, rc;

    rc = sealed_state_lock(&lock, seen->lock);
    if (rc) {
        return rc;
    }

    fd = open(seen->path, O_WRONLY|O_APPEND|O_CREAT|O_CLOEXEC|O_NOFOLLOW,
              0600);

    if (fd == -1 || sealed_write_all(fd, line, size) != 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", seen->path,
                         strerror(errno));
    }

    if (fd != -1) {
        close(fd);
    }

    close(lock);

    return rc;
}


static size_t
format(char line[RECORD_MAX], const sealed_seen_entry_t *entry)
{
    int   n;
    char  key[SEALED_BASE64URL_SIZE(32)];

    sealed_base64url_encode(key, entry->key, 32);

    n = snprintf(line, RECORD_MAX, "%c %.*s %llu %llu\n", entry->kind,
                 (int) sizeof(key), key, (unsigned long long) entry->seq,
                 (unsigned long long) entry->until);

    return (size_t) n;
}
