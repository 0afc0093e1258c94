
#include "stock.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "state.h"
#include "../hash.h"
#include "../text.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>


#define DIRECTORY   "certificates"
#define BATCH_TYPE  "sealed-sender certificates"


/* calls back for every batch of a gateway; a result that is not 0 ends it */

typedef int (*visit_t)(const char *path, json_t *batch, void *data);


typedef struct {
    const sealed_gateway_t       *gateway;
    const char                   *use;
    const char                   *class;
    char                          found_class[64];
    const char                   *conversation;
    uint64_t                      now;
    uint64_t                      overlap;
    uint32_t                      epoch;        /* that is looked for */
    unsigned                      fresh;        /* also one that nobody has */
    unsigned                      batches;
    sealed_blind_t               *blind;
    unsigned                      taken;
} search_t;


static int batch_path(char path[SEALED_STATE_PATH],
    const sealed_gateway_t *gateway, const sealed_batch_t *batch);
static void deployment_hash(char out[17], const sealed_gateway_t *gateway);
static int lock(int *fd, const sealed_gateway_t *gateway);
static int each(const sealed_gateway_t *gateway, uint64_t now, visit_t visit,
    void *data);
static int visit_search(const char *path, json_t *batch, void *data);
static int take_entry(const char *path, json_t *batch, json_t *entry,
    search_t *search);
static int switched(const sealed_blind_t *blind, const search_t *search);
static int visit_list(const char *path, json_t *batch, void *data);
static int write_batch(const char *path, json_t *batch);
static uint64_t number(const json_t *document, const char *name);
static int octets(uint8_t *out, size_t size, const json_t *document,
    const char *name);
static const char *text(const json_t *document, const char *name);


int
sealed_stock_has(unsigned *there, const sealed_gateway_t *gateway,
    const sealed_batch_t *batch)
{
    int   rc;
    char  path[SEALED_STATE_PATH];

    rc = batch_path(path, gateway, batch);
    *there = rc == 0 && access(path, F_OK) == 0;

    return rc;
}


int
sealed_stock_add(const sealed_gateway_t *gateway, const sealed_batch_t *batch,
    const sealed_blind_draw_t *draws, unsigned count, uint64_t ends)
{
    int        rc;
    char       path[SEALED_STATE_PATH];
    json_t    *document, *list;
    unsigned   i;

    rc = batch_path(path, gateway, batch);
    if (rc) {
        return rc;
    }

    list = json_array();

    for (i = 0; i < count; i++) {
        json_array_append_new(list, json_pack("{s:o, s:o}",
            "serial", sealed_emit_base64url(draws[i].serial_private, 32),
            "poprf", sealed_emit_base64url(draws[i].poprf,
                                           SEALED_POPRF_OUTPUT)));
    }

    document = json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:o}",
                         "type", BATCH_TYPE, "use", batch->use,
                         "class", batch->class,
                         "number", (int) batch->number,
                         "epoch", (json_int_t) batch->epoch,
                         "ends", (json_int_t) ends, "certificates", list);

    rc = document ? write_batch(path, document)
                  : sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    json_decref(document);

    return rc;
}


int
sealed_stock_take(sealed_blind_t *blind, const sealed_gateway_t *gateway,
    const char *use, const char *class,
    const uint8_t conversation[SEALED_CONVERSATION_SIZE], uint64_t now)
{
    int        rc, fd;
    char       name[SEALED_BASE64URL_SIZE(SEALED_CONVERSATION_SIZE) + 1];
    uint32_t   epoch;
    search_t   search;

    rc = lock(&fd, gateway);
    if (rc) {
        return rc;
    }

    *sealed_base64url_encode(name, conversation, SEALED_CONVERSATION_SIZE)
        = '\0';

    memset(&search, 0, sizeof(search));
    search.gateway = gateway;
    search.use = use;
    search.class = class;
    search.conversation = name;
    search.now = now;
    search.overlap = number(gateway->discovery, "epoch_overlap_seconds");
    search.blind = blind;

    epoch = (uint32_t) (now / gateway->pinned.epoch_seconds);

    /* the old one, for its time in the overlap; then this epoch's */

    if (epoch && now % gateway->pinned.epoch_seconds < search.overlap) {
        search.epoch = epoch - 1;
        rc = each(gateway, now, visit_search, &search);
    }

    search.epoch = epoch;

    if (rc == 0 && !search.taken) {
        rc = each(gateway, now, visit_search, &search);
    }

    if (rc == 0 && !search.taken) {
        search.fresh = 1;
        rc = each(gateway, now, visit_search, &search);
    }

    if (rc == 0 && !search.taken) {
        rc = search.batches
             ? sealed_fail(SEALED_EXIT_LOCAL, "no certificate is left for "
                           "another conversation in this epoch")
             : sealed_fail(SEALED_EXIT_LOCAL, "there are no certificates to "
                           "%s with in stock for this epoch; sealed "
                           "certificates draws them", use);
    }

    close(fd);

    return rc;
}


int
sealed_stock_list(json_t **list, const sealed_gateway_t *gateway,
    uint64_t now)
{
    int  rc, fd;

    rc = lock(&fd, gateway);
    if (rc) {
        return rc;
    }

    *list = json_array();
    rc = each(gateway, now, visit_list, *list);
    close(fd);

    return rc;
}


static int
batch_path(char path[SEALED_STATE_PATH], const sealed_gateway_t *gateway,
    const sealed_batch_t *batch)
{
    char  name[64], hash[17];

    deployment_hash(hash, gateway);
    snprintf(name, sizeof(name), "%s.%lu.%u", hash,
             (unsigned long) batch->epoch, batch->number);

    return sealed_state_path(path, DIRECTORY, name);
}


/* host names may differ: issuing and sending have their own */

static void
deployment_hash(char out[17], const sealed_gateway_t *gateway)
{
    char  key[SEALED_BASE64URL_SIZE(32) + 1];

    *sealed_base64url_encode(key, gateway->pinned.issuer_key, 32) = '\0';
    sealed_state_hash(out, key);
}


static int
lock(int *fd, const sealed_gateway_t *gateway)
{
    int   rc;
    char  path[SEALED_STATE_PATH], name[32];

    deployment_hash(name, gateway);
    strcat(name, ".lock");

    rc = sealed_state_path(path, DIRECTORY, name);

    return rc ? rc : sealed_state_lock(fd, path);
}


static int
each(const sealed_gateway_t *gateway, uint64_t now, visit_t visit, void *data)
{
    int             rc;
    DIR            *directory;
    char            path[SEALED_STATE_PATH], file[SEALED_STATE_PATH + 256];
    char            hash[17], *content;
    json_t         *batch;
    size_t          size;
    struct dirent  *entry;

    deployment_hash(hash, gateway);

    rc = sealed_state_path(path, DIRECTORY, "");
    if (rc) {
        return rc;
    }

    directory = opendir(path);

    if (directory == NULL) {
        return errno == ENOENT ? SEALED_EXIT_OK
                               : sealed_fail(SEALED_EXIT_LOCAL, "%s: %s",
                                             path, strerror(errno));
    }

    while (rc == 0 && (entry = readdir(directory)) != NULL) {

        if (strncmp(entry->d_name, hash, 16) != 0
            || entry->d_name[16] != '.'
            || strspn(entry->d_name + 17, "0123456789.")
               != strlen(entry->d_name + 17))
        {
            continue;
        }

        snprintf(file, sizeof(file), "%s%s", path, entry->d_name);

        rc = sealed_file_read(&content, &size, file, 1024 * 1024,
                              SEALED_FILE_SECRET);
        if (rc) {
            break;
        }

        batch = json_loads(content, JSON_REJECT_DUPLICATES, NULL);
        sealed_file_forget(content, size);

        if (strcmp(text(batch, "type"), BATCH_TYPE) != 0) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is damaged", file);

        } else if (number(batch, "ends") <= now) {
            (void) unlink(file);

        } else {
            rc = visit(file, batch, data);
        }

        json_decref(batch);
    }

    closedir(directory);

    return rc;
}


static int
visit_search(const char *path, json_t *batch, void *data)
{
    size_t       i;
    json_t      *list, *entry;
    search_t    *search = data;
    const char  *owner, *class;

    class = text(batch, "class");

    if (search->taken
        || number(batch, "epoch") != search->epoch
        || strcmp(text(batch, "use"), search->use) != 0
        || (search->class && strcmp(class, search->class) != 0))
    {
        return SEALED_EXIT_OK;
    }

    if (search->found_class[0] && strcmp(search->found_class, class) != 0) {
        return sealed_fail(SEALED_EXIT_USAGE, "there are certificates of "
                           "several classes; say which with --class");
    }

    snprintf(search->found_class, sizeof(search->found_class), "%s", class);
    search->batches++;

    list = json_object_get(batch, "certificates");

    for (i = 0; i < json_array_size(list); i++) {
        entry = json_array_get(list, i);
        owner = json_string_value(json_object_get(entry, "for"));

        if (owner ? strcmp(owner, search->conversation) == 0 : search->fresh)
        {
            return take_entry(path, batch, entry, search);
        }
    }

    return SEALED_EXIT_OK;
}


static int
take_entry(const char *path, json_t *batch, json_t *entry, search_t *search)
{
    int              rc;
    sealed_blind_t  *blind;

    blind = search->blind;
    blind->class = (unsigned) number(batch, "number");
    blind->epoch = search->epoch;

    if (octets(blind->serial_private, 32, entry, "serial") != 0
        || octets(blind->poprf, SEALED_POPRF_OUTPUT, entry, "poprf") != 0)
    {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: is damaged", path);
    }

    if (search->now / search->gateway->pinned.epoch_seconds != blind->epoch
        && switched(blind, search))
    {
        sodium_memzero(blind, sizeof(sealed_blind_t));
        return SEALED_EXIT_OK;
    }

    search->taken = 1;

    if (json_object_get(entry, "for")) {
        return SEALED_EXIT_OK;
    }

    json_object_set_new(entry, "for", json_string(search->conversation));
    rc = write_batch(path, batch);

    if (rc) {
        sodium_memzero(blind, sizeof(sealed_blind_t));
    }

    return rc;
}


/*
 * Whether a conversation has left the certificate of the epoch before: at a
 * moment that nobody else can tell, and that is the same in every process.
 */

static int
switched(const sealed_blind_t *blind, const search_t *search)
{
    uint8_t          digest[32];
    uint64_t         moment;
    sealed_sha256_t  ctx;

    static const char  label[] = "sealed switch v1";

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, label, sizeof(label) - 1);
    sealed_sha256_update(&ctx, blind->serial_private, 32);
    sealed_sha256_final(&ctx, digest);

    moment = (((uint64_t) digest[0] << 24) | ((uint64_t) digest[1] << 16)
              | ((uint64_t) digest[2] << 8) | digest[3]) % search->overlap;

    return search->now % search->gateway->pinned.epoch_seconds >= moment;
}


static int
visit_list(const char *path, json_t *batch, void *data)
{
    size_t   i;
    json_t  *entry, *list, *out = data;
    int      taken, fresh;

    taken = 0;
    fresh = 0;
    list = json_object_get(batch, "certificates");

    json_array_foreach(list, i, entry) {
        if (json_object_get(entry, "for")) {
            taken++;

        } else {
            fresh++;
        }
    }

    json_array_append_new(out, json_pack("{s:s, s:s, s:I, s:I, s:i, s:i}",
        "use", text(batch, "use"), "class", text(batch, "class"),
        "epoch", (json_int_t) number(batch, "epoch"),
        "ends", (json_int_t) number(batch, "ends"),
        "fresh", fresh, "taken", taken));

    return SEALED_EXIT_OK;
}


static int
write_batch(const char *path, json_t *batch)
{
    int    rc;
    char  *content;

    content = sealed_public_text(batch);

    if (content == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_file_replace(path, content, strlen(content),
                             SEALED_FILE_SECRET);
    sealed_file_forget(content, strlen(content));

    return rc;
}


static uint64_t
number(const json_t *document, const char *name)
{
    json_int_t  n;

    n = json_integer_value(json_object_get(document, name));

    return n < 0 ? 0 : (uint64_t) n;
}


static int
octets(uint8_t *out, size_t size, const json_t *document, const char *name)
{
    sealed_bytes_t  encoded;

    encoded.data = (const uint8_t *) text(document, name);
    encoded.size = strlen((const char *) encoded.data);

    return sealed_base64url_decode(out, size, encoded);
}


static const char *
text(const json_t *document, const char *name)
{
    const char  *value;

    value = json_string_value(json_object_get(document, name));

    return value ? value : "";
}
