
#include "address.h"
#include "file.h"
#include "key_file.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>


enum {
    LIST_MAX = 64 * 1024 * 1024
};


static int read_line(sealed_address_t *address, const char *text, size_t size,
    const char *where, const uint8_t (*authorities)[32],
    unsigned nauthorities);
static int read_identity(sealed_address_t *address, const json_t *document,
    const char *where, const uint8_t (*authorities)[32],
    unsigned nauthorities);
static int add(sealed_addresses_t *list, const sealed_address_t *address);
static int unique(sealed_addresses_t *list);
static int by_mailbox(const void *one, const void *two);


int
sealed_addresses_read(sealed_addresses_t *list, const char *file,
    const uint8_t (*authorities)[32], unsigned nauthorities)
{
    int                rc;
    char              *text, *line, *end, *where, number[32];
    size_t             size;
    unsigned           n;
    sealed_address_t   address;

    rc = sealed_file_read(&text, &size, file, LIST_MAX, SEALED_FILE_PUBLIC);
    if (rc) {
        return rc;
    }

    n = 0;

    for (line = text; rc == 0 && *line; line = *end ? end + 1 : end) {
        end = line + strcspn(line, "\n");
        n++;

        if (line + strspn(line, " \t\r") == end || *line == '#') {
            continue;
        }

        snprintf(number, sizeof(number), ", line %u", n);
        where = sealed_file_name(file, number);
        if (where == NULL) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
            break;
        }

        rc = read_line(&address, line, (size_t) (end - line), where,
                       authorities, nauthorities);
        if (rc == 0) {
            rc = add(list, &address);
        }

        free(where);
    }

    free(text);

    return rc ? rc : unique(list);
}


void
sealed_addresses_free(sealed_addresses_t *list)
{
    free(list->address);
    list->address = NULL;
    list->count = 0;
}


static int
read_line(sealed_address_t *address, const char *text, size_t size,
    const char *where, const uint8_t (*authorities)[32],
    unsigned nauthorities)
{
    int          rc;
    json_t      *document;
    const char  *value;

    memset(address, 0, sizeof(sealed_address_t));

    document = json_loadb(text, size, JSON_REJECT_DUPLICATES, NULL);
    value = json_string_value(json_object_get(document, "type"));

    if (value == NULL || strcmp(value, "sealed-sender address") != 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not an address%s", where,
                         json_object_get(document, "secret")
                         ? " but a secret key; the address ends in .pub"
                         : "");
        json_decref(document);
        return rc;
    }

    rc = sealed_public_octets(address->mailbox, SEALED_MAILBOX_ID_SIZE,
                              document, "mailbox", where);
    if (rc == 0) {
        rc = read_identity(address, document, where, authorities,
                           nauthorities);
    }

    value = json_string_value(json_object_get(document, "gateway"));

    if (rc == 0 && value) {
        rc = sealed_gateway_url(address->gateway, value);
    }

    json_decref(document);

    return rc;
}


static int
read_identity(sealed_address_t *address, const json_t *document,
    const char *where, const uint8_t (*authorities)[32],
    unsigned nauthorities)
{
    uint8_t             encoded[SEALED_IDENTITY_MAX];
    uint64_t            now;
    unsigned            i;
    const char         *text;
    sealed_bytes_t      bytes;
    sealed_identity_t   identity;

    text = json_string_value(json_object_get(document, "identity"));

    if (text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: has no identity, so "
                           "nothing can be sealed for it; its owner makes "
                           "it with sealed keygen mailbox --identity",
                           where);
    }

    bytes.data = (const uint8_t *) text;
    bytes.size = strlen(text);

    if (bytes.size > SEALED_BASE64URL_SIZE(SEALED_IDENTITY_MAX)) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: \"identity\" is too long",
                           where);
    }

    i = (unsigned) (bytes.size / 4 * 3
                    + (bytes.size % 4 ? bytes.size % 4 - 1 : 0));

    if (sealed_base64url_decode(encoded, i, bytes) != 0) {
        goto damaged;
    }

    bytes.data = encoded;
    bytes.size = i;

    if (sealed_identity_parse(&identity, bytes) != 0
        || !sealed_is_text(identity.name.data, identity.name.size))
    {
        goto damaged;
    }

    memcpy(address->key, identity.key, 32);
    memcpy(address->name, identity.name.data, identity.name.size);

    now = (uint64_t) time(NULL);

    for (i = 0; i < nauthorities; i++) {
        if (sealed_identity_verify(&identity, authorities[i], now) == 0) {
            return SEALED_EXIT_OK;
        }
    }

    if (nauthorities) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: the identity of %s has "
                           "ended or is not signed by the given authority",
                           where, address->name);
    }

    return SEALED_EXIT_OK;

damaged:

    return sealed_fail(SEALED_EXIT_LOCAL, "%s: \"identity\" is damaged",
                       where);
}


static int
add(sealed_addresses_t *list, const sealed_address_t *address)
{
    size_t             room;
    sealed_address_t  *larger;

    /* room is the next power of two */

    if (list->count == 0 || (list->count & (list->count - 1)) == 0) {
        room = list->count ? list->count * 2 : 1;

        larger = realloc(list->address, room * sizeof(sealed_address_t));
        if (larger == NULL) {
            return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        }

        list->address = larger;
    }

    list->address[list->count++] = *address;

    return SEALED_EXIT_OK;
}


/* in the order of mailboxes, which also hides the order of the list */

static int
unique(sealed_addresses_t *list)
{
    size_t  i, n;

    if (list->count == 0) {
        return SEALED_EXIT_OK;
    }

    qsort(list->address, list->count, sizeof(sealed_address_t), by_mailbox);

    n = 1;

    for (i = 1; i < list->count; i++) {

        if (by_mailbox(&list->address[i], &list->address[n - 1]) == 0) {

            if (memcmp(list->address[i].key, list->address[n - 1].key, 32)
                != 0)
            {
                return sealed_fail(SEALED_EXIT_LOCAL, "%s and %s: one "
                                   "mailbox with two identities",
                                   list->address[n - 1].name,
                                   list->address[i].name);
            }

            continue;
        }

        list->address[n++] = list->address[i];
    }

    list->count = n;

    return SEALED_EXIT_OK;
}


static int
by_mailbox(const void *one, const void *two)
{
    const sealed_address_t  *a = one;
    const sealed_address_t  *b = two;

    return memcmp(a->mailbox, b->mailbox, SEALED_MAILBOX_ID_SIZE);
}
