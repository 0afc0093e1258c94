
/*
 * Files that the command reads, whoever wrote them: of what is taken each
 * part is within bounds.  An octet says which kind of file.
 *
 * Aims at: cli/address.c cli/key_file.c cli/account.c cli/stock.c
 */

#include "libcurl.h"

#include "identity.h"
#include "cli/account.h"
#include "cli/address.h"
#include "cli/key_file.h"
#include "cli/options.h"
#include "cli/prepared.h"
#include "cli/stock.h"


enum {
    ADDRESSES = 0,
    SECRET,
    AUTHORITY,
    IDENTITY,
    LINE,
    ACCOUNT,
    STOCK,
    PREPARED,
    URL,
    KINDS
};


static void check_addresses(const char *file);
static void check_identity(const char *file);
static void check_account(const char *file);
static void check_stock(const uint8_t *data, size_t size);
static void replace_batch(const uint8_t *data, size_t size);
static void check_prepared(const char *file);
static void check_url(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int      rc;
    char     file[PATH_MAX];
    size_t   n;
    uint8_t  octets[64];

    if (size == 0) {
        return 0;
    }

    begin_command();
    write_file(file, "file", data + 1, size - 1);

    switch (data[0] % KINDS) {

    case ADDRESSES:
        check_addresses(file);
        break;

    case SECRET:
        rc = sealed_key_read(octets, file, (sealed_key_type_t)
                                           (data[0] / KINDS % 4));
        CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL);
        break;

    case AUTHORITY:
        rc = sealed_authority_public_read(octets, file);
        CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL);
        break;

    case IDENTITY:
        check_identity(file);
        break;

    case LINE:
        rc = sealed_line_read(octets, sizeof(octets), &n, file);
        CHECK(rc == SEALED_EXIT_LOCAL
              || (rc == SEALED_EXIT_OK && n <= sizeof(octets)));
        break;

    case ACCOUNT:
        check_account(file);
        break;

    case STOCK:
        check_stock(data + 1, size - 1);
        break;

    case PREPARED:
        check_prepared(file);
        break;

    default:
        check_url(data + 1, size - 1);
    }

    end_command();

    return 0;
}


static void
check_addresses(const char *file)
{
    int                 rc;
    size_t              i;
    uint8_t             authority[1][32], secret[64];
    sealed_addresses_t  list, checked;

    static const uint8_t  seed[32] = { 1 };

    crypto_sign_seed_keypair(authority[0], secret, seed);

    memset(&list, 0, sizeof(list));
    memset(&checked, 0, sizeof(checked));

    rc = sealed_addresses_read(&list, file, NULL, 0);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL
          || rc == SEALED_EXIT_USAGE);

    for (i = 0; rc == SEALED_EXIT_OK && i < list.count; i++) {
        CHECK(memchr(list.address[i].name, '\0',
                     sizeof(list.address[i].name))
              != NULL);
        CHECK(memchr(list.address[i].gateway, '\0', SEALED_GATEWAY_URL)
              != NULL);
        CHECK(i == 0 || memcmp(list.address[i - 1].mailbox,
                               list.address[i].mailbox,
                               SEALED_MAILBOX_ID_SIZE) < 0);
    }

    /* with an authority, no more of them are taken */

    if (sealed_addresses_read(&checked, file,
                              (const uint8_t (*)[32]) authority, 1)
        == SEALED_EXIT_OK)
    {
        CHECK(rc == SEALED_EXIT_OK && checked.count == list.count);
    }

    sealed_addresses_free(&list);
    sealed_addresses_free(&checked);
}


/* beside a secret that is in order */

static void
check_identity(const char *file)
{
    int                    rc;
    char                   secret[PATH_MAX], pub[PATH_MAX];
    sealed_identity_key_t  identity;

    static const char  text[] =
        "{\"type\":\"sealed-sender identity key\",\"secret\":"
        "\"AQIDAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}\n";

    write_file(secret, "identity", text, sizeof(text) - 1);
    (void) snprintf(pub, sizeof(pub), "%s/identity.pub", home);
    CHECK(rename(file, pub) == 0);

    rc = sealed_identity_key_read(&identity, secret);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL);
    CHECK(rc != SEALED_EXIT_OK
          || identity.certificate_size <= SEALED_IDENTITY_MAX);
}


/* a header that is one line */

static void
check_account(const char *file)
{
    int                 rc;
    struct curl_slist  *headers;

    headers = NULL;
    rc = sealed_account_header(&headers, file);
    CHECK((rc == SEALED_EXIT_OK) == (headers != NULL));

    if (headers) {
        CHECK(strpbrk(headers->data, "\r\n") == NULL);
        CHECK(strchr(headers->data, ':') != NULL);
    }

    sealed_account_forget(headers);
}


static void
check_stock(const uint8_t *data, size_t size)
{
    int               rc;
    json_t           *list;
    unsigned          there;
    sealed_batch_t    batch;
    sealed_blind_t    blind, again;
    sealed_gateway_t  gateway;

    static const uint8_t  conversation[SEALED_CONVERSATION_SIZE] = { 1 };

    memset(&gateway, 0, sizeof(gateway));
    gateway.pinned.epoch_seconds = 86400;
    gateway.discovery = json_pack("{s:i}", "epoch_overlap_seconds", 86400);

    /* one that is there already, so that the file has its name */

    memset(&batch, 0, sizeof(batch));
    batch.use = "open";
    batch.class = "verified";
    batch.number = 2;
    batch.epoch = NOW / 86400;
    CHECK(sealed_stock_add(&gateway, &batch, NULL, 0, NOW + 1)
          == SEALED_EXIT_OK);
    CHECK(sealed_stock_has(&there, &gateway, &batch) == SEALED_EXIT_OK);
    CHECK(there);

    replace_batch(data, size);

    rc = sealed_stock_take(&blind, &gateway, "send", NULL, conversation, NOW);

    if (rc == SEALED_EXIT_OK) {

        /* the same one again, for the same conversation */

        CHECK(blind.epoch == batch.epoch || blind.epoch == batch.epoch - 1);
        CHECK(sealed_stock_take(&again, &gateway, "send", NULL, conversation,
                                NOW)
              == SEALED_EXIT_OK);
        CHECK(memcmp(blind.poprf, again.poprf, sizeof(blind.poprf)) == 0);
    }

    list = NULL;
    rc = sealed_stock_list(&list, &gateway, NOW);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL);

    json_decref(list);
    json_decref(gateway.discovery);
}


/* the only file there that is not a lock */

static void
replace_batch(const uint8_t *data, size_t size)
{
    DIR            *directory;
    char            path[PATH_MAX], name[NAME_MAX + 16];
    unsigned        n;
    struct dirent  *entry;

    (void) snprintf(path, sizeof(path), "%s/certificates", home);
    directory = opendir(path);
    CHECK(directory != NULL);
    n = 0;

    while ((entry = readdir(directory)) != NULL) {
        if (entry->d_name[0] != '.' && strstr(entry->d_name, ".lock") == NULL)
        {
            (void) snprintf(name, sizeof(name), "certificates/%s",
                            entry->d_name);
            n++;
        }
    }

    CHECK(closedir(directory) == 0 && n == 1);
    write_file(path, name, data, size);
}


static void
check_prepared(const char *file)
{
    size_t                   offset;
    uint32_t                 i;
    sealed_bytes_t           head, body;
    sealed_prepared_file_t   prepared;

    if (sealed_prepared_open(&prepared, file) != SEALED_EXIT_OK) {
        return;
    }

    offset = prepared.first;

    for (i = 0; i < prepared.requests; i++) {
        sealed_prepared_next(&prepared, &offset, &head, &body);
        CHECK(inside(head.data, head.size, prepared.memory, prepared.size));
        CHECK(body.data == NULL
              || inside(body.data, body.size, prepared.memory,
                        prepared.size));
    }

    CHECK(offset == prepared.size);
    sealed_prepared_close(&prepared);
}


static void
check_url(const uint8_t *data, size_t size)
{
    char            out[SEALED_GATEWAY_URL], again[SEALED_GATEWAY_URL];
    sealed_bytes_t  text;

    text.data = malloc(size + 1);
    CHECK(text.data != NULL);
    memcpy((uint8_t *) text.data, data, size);
    ((uint8_t *) text.data)[size] = '\0';

    if (sealed_gateway_url(out, (const char *) text.data) == SEALED_EXIT_OK) {
        CHECK(strlen(out) <= size);
        CHECK(sealed_gateway_url(again, out) == SEALED_EXIT_OK);
        CHECK(strcmp(out, again) == 0);
    }

    free_copy(text);
}
