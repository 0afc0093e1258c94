
#include "commands.h"
#include "file.h"
#include "output.h"
#include "../master_secret.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


static int run(unsigned count, char **files);
static int make_line(sealed_key_line_t *line,
    const sealed_master_secret_t *old);
static int make_id(char id[SEALED_KEY_ID_MAX + 1],
    const sealed_master_secret_t *old);
static int has_id(const sealed_master_secret_t *secret, const char *id);
static int read_old(sealed_master_secret_t *old, const char *file);
static size_t format(char *out, const sealed_key_line_t *line);
static void report(const char *file, const sealed_key_line_t *line,
    unsigned lines);


enum {
    LINE_SIZE = SEALED_KEY_ID_MAX + 1 + 64 + 1
};


static unsigned     rotate, drop_oldest;
static const char  *given_id;


static const sealed_option_t  options[] = {
    { "rotate", NULL, SEALED_FLAG, &rotate,
      "put a new line in front of those in FILE" },
    { "drop-oldest", NULL, SEALED_FLAG, &drop_oldest,
      "with --rotate: make room when FILE has three lines" },
    { "id", "NAME", SEALED_TEXT, &given_id,
      "name of the new line (default: today's date)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_keygen_deployment = {
    "keygen deployment",
    "FILE",
    "a gateway's master secret",
    "Makes FILE, the master secret of a gateway, from which all its keys "
    "follow.\nnginx reads it; nobody else may. It prints the exchange and the "
    "issuer key, which\nare public: clients that are given both with --pin "
    "need not trust their first\ncontact.\n\n"
    "With --rotate the new secret goes in front of the old ones, which stay "
    "valid\nuntil their lines leave the file; a mailbox ends with the line "
    "under which it\nwas opened. A file has three lines at most.\n\n"
    "Examples:\n"
    "  sealed keygen deployment /etc/nginx/sealed.key\n"
    "  sealed keygen deployment --rotate /etc/nginx/sealed.key",
    options, 1, 1, 0, run
};


static int
run(unsigned count, char **files)
{
    int                     rc;
    char                    text[SEALED_MAX_KEY_LINES * LINE_SIZE];
    size_t                  size;
    unsigned                i, kept;
    sealed_key_line_t       line;
    sealed_master_secret_t  old;

    old.count = 0;

    if (drop_oldest && !rotate) {
        return sealed_fail(SEALED_EXIT_USAGE, "--drop-oldest goes with "
                           "--rotate");
    }

    if (rotate) {
        rc = read_old(&old, files[0]);
        if (rc) {
            return rc;
        }
    }

    kept = old.count;

    if (kept == SEALED_MAX_KEY_LINES) {

        if (!drop_oldest) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: has %u lines already; "
                             "with --drop-oldest the last one (%s) goes, "
                             "and with it the mailboxes opened under it",
                             files[0], kept, old.line[kept - 1].id);
            goto done;
        }

        kept--;
    }

    rc = make_line(&line, &old);
    if (rc) {
        goto done;
    }

    size = format(text, &line);

    for (i = 0; i < kept; i++) {
        size += format(text + size, &old.line[i]);
    }

    rc = rotate ? sealed_file_replace(files[0], text, size,
                                      SEALED_FILE_SECRET)
                : sealed_file_create(files[0], text, size,
                                     SEALED_FILE_SECRET);
    if (rc == 0) {
        report(files[0], &line, kept + 1);

    } else if (!rotate) {
        sealed_remark("To add a new secret to the file say --rotate.");
    }

    sodium_memzero(text, sizeof(text));
    sodium_memzero(&line, sizeof(line));

done:

    sealed_master_secret_wipe(&old);

    return rc;
}


static int
make_line(sealed_key_line_t *line, const sealed_master_secret_t *old)
{
    int  rc;

    memset(line, 0, sizeof(sealed_key_line_t));

    rc = make_id(line->id, old);
    if (rc) {
        return rc;
    }

    /* that a secret has no usable keys is possible in theory only */

    do {
        randombytes_buf(line->master, sizeof(line->master));
    } while (sealed_key_line_derive(line) != 0);

    return SEALED_EXIT_OK;
}


static int
make_id(char id[SEALED_KEY_ID_MAX + 1], const sealed_master_secret_t *old)
{
    char       today[16];
    time_t     now;
    unsigned   n;
    struct tm  tm;

    if (given_id) {

        if (given_id[0] == '\0'
            || strlen(given_id) > SEALED_KEY_ID_MAX
            || given_id[strspn(given_id, "abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                         "0123456789._-")])
        {
            return sealed_fail(SEALED_EXIT_USAGE, "--id: 1 to %d letters, "
                               "digits, \".\", \"_\" or \"-\"",
                               SEALED_KEY_ID_MAX);
        }

        if (has_id(old, given_id)) {
            return sealed_fail(SEALED_EXIT_USAGE, "--id: there is a line %s "
                               "already", given_id);
        }

        strcpy(id, given_id);

        return SEALED_EXIT_OK;
    }

    now = time(NULL);
    gmtime_r(&now, &tm);
    strftime(today, sizeof(today), "%Y-%m-%d", &tm);
    snprintf(id, SEALED_KEY_ID_MAX + 1, "%s", today);

    for (n = 2; has_id(old, id); n++) {
        snprintf(id, SEALED_KEY_ID_MAX + 1, "%s.%u", today, n);
    }

    return SEALED_EXIT_OK;
}


static int
has_id(const sealed_master_secret_t *secret, const char *id)
{
    unsigned  i;

    for (i = 0; i < secret->count; i++) {
        if (strcmp(secret->line[i].id, id) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
read_old(sealed_master_secret_t *old, const char *file)
{
    int          rc;
    char        *text;
    size_t       size;
    unsigned     line;
    const char  *wrong;

    rc = sealed_file_read(&text, &size, file, SEALED_KEY_FILE_MAX,
                          SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    wrong = sealed_master_secret_parse(old, text, size, &line);
    sealed_file_forget(text, size);

    if (wrong) {
        old->count = 0;
        return sealed_fail(SEALED_EXIT_LOCAL, "%s, line %u: %s", file, line,
                           wrong);
    }

    return SEALED_EXIT_OK;
}


static size_t
format(char *out, const sealed_key_line_t *line)
{
    char    hex[2 * sizeof(line->master) + 1];
    size_t  size;

    sodium_bin2hex(hex, sizeof(hex), line->master, sizeof(line->master));

    size = strlen(line->id);
    memcpy(out, line->id, size);
    out[size++] = ' ';
    memcpy(out + size, hex, sizeof(hex) - 1);
    size += sizeof(hex) - 1;
    out[size++] = '\n';

    sodium_memzero(hex, sizeof(hex));

    return size;
}


static void
report(const char *file, const sealed_key_line_t *line, unsigned lines)
{
    json_t  *key, *issuer;

    key = sealed_emit_base64url(line->exchange_public, 32);
    issuer = sealed_emit_base64url(line->issuer_public, 32);

    if (sealed_common.json) {
        sealed_emit(json_pack("{s:s, s:s, s:i, s:o, s:o}", "file", file,
                              "id", line->id, "lines", (int) lines,
                              "exchange_key", key, "issuer_key", issuer));
        return;
    }

    printf("%s: master secret %s%s\n", file, line->id,
           lines > 1 ? ", in front of the older ones" : "");
    printf("exchange key (public, for --pin): %s\n", json_string_value(key));
    printf("issuer key (public, behind it and a comma): %s\n",
           json_string_value(issuer));

    json_decref(key);
    json_decref(issuer);
}
