
#include "key_file.h"
#include "file.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>


static const char  *types[] = {
    "sealed-sender authority key",
    "sealed-sender identity key",
    "sealed-sender mailbox key",
    "sealed-sender certificate key"
};


static int read_json(json_t **document, const char *file, unsigned secret);
static size_t decoded_size(size_t text);


int
sealed_key_pair_create(const char *file, sealed_key_type_t type,
    const uint8_t secret[32], const char *public, size_t public_size)
{
    int    rc, n;
    char   line[160], text[SEALED_BASE64URL_SIZE(32)], *pub;

    pub = sealed_file_name(file, ".pub");
    if (pub == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    sealed_base64url_encode(text, secret, 32);

    n = snprintf(line, sizeof(line),
                 "{\"type\":\"%s\",\"secret\":\"%.*s\"}\n", types[type],
                 (int) sizeof(text), text);

    rc = sealed_file_create(file, line, (size_t) n, SEALED_FILE_SECRET);

    if (rc == 0) {
        rc = sealed_file_create(pub, public, public_size,
                                SEALED_FILE_PUBLIC);
        if (rc) {
            unlink(file);
        }
    }

    sodium_memzero(line, sizeof(line));
    sodium_memzero(text, sizeof(text));
    free(pub);

    return rc;
}


int
sealed_key_read(uint8_t secret[32], const char *file, sealed_key_type_t type)
{
    int          rc;
    json_t      *document;
    const char  *found;

    rc = read_json(&document, file, SEALED_FILE_SECRET);
    if (rc) {
        return rc;
    }

    found = json_string_value(json_object_get(document, "type"));

    if (found == NULL || strcmp(found, types[type]) != 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is a %s, not a %s", file,
                         found ? found : "file of another kind",
                         types[type]);
    } else {
        rc = sealed_public_octets(secret, 32, document, "secret", file);
    }

    json_decref(document);

    return rc;
}


int
sealed_authority_public_read(uint8_t key[32], const char *file)
{
    int      rc;
    char    *text;
    size_t   size;
    uint8_t  secret[64];

    rc = sealed_file_read(&text, &size, file, SEALED_KEY_FILE_MAX,
                          SEALED_FILE_PUBLIC);
    if (rc) {
        return rc;
    }

    if (text[0] == '{') {
        sealed_file_forget(text, size);

        rc = sealed_authority_secret_read(secret, file);
        if (rc == 0) {
            memcpy(key, secret + 32, 32);
            sodium_memzero(secret, sizeof(secret));
        }

        return rc;
    }

    free(text);

    rc = sealed_line_read(key, 32, &size, file);

    if (rc == 0 && size != 32) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not an authority's "
                         "public key (43 characters)", file);
    }

    return rc;
}


int
sealed_authority_secret_read(uint8_t secret[64], const char *file)
{
    int      rc;
    uint8_t  seed[32], key[32];

    rc = sealed_key_read(seed, file, SEALED_AUTHORITY_KEY);

    if (rc == 0) {
        crypto_sign_seed_keypair(key, secret, seed);
        sodium_memzero(seed, sizeof(seed));
    }

    return rc;
}


int
sealed_identity_key_read(sealed_identity_key_t *identity, const char *file)
{
    int              rc;
    char            *pub;
    json_t          *document;
    const char      *text;
    sealed_bytes_t   encoded;

    identity->certificate_size = 0;

    rc = sealed_key_read(identity->private_key, file, SEALED_IDENTITY_KEY);
    if (rc) {
        return rc;
    }

    crypto_scalarmult_base(identity->public_key, identity->private_key);

    pub = sealed_file_name(file, ".pub");
    if (pub == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_public_read(&document, pub, "sealed-sender identity");

    if (rc == 0) {
        text = json_string_value(json_object_get(document, "certificate"));

        if (text) {
            encoded.data = (const uint8_t *) text;
            encoded.size = strlen(text);
            identity->certificate_size = decoded_size(encoded.size);

            if (encoded.size > SEALED_BASE64URL_SIZE(SEALED_IDENTITY_MAX)
                || sealed_base64url_decode(identity->certificate,
                                           identity->certificate_size,
                                           encoded)
                   != 0)
            {
                rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: \"certificate\" is "
                                 "damaged", pub);
            }
        }

        json_decref(document);
    }

    free(pub);

    return rc;
}


int
sealed_public_read(json_t **document, const char *file, const char *type)
{
    int          rc;
    const char  *found;

    rc = read_json(document, file, SEALED_FILE_PUBLIC);
    if (rc) {
        return rc;
    }

    found = json_string_value(json_object_get(*document, "type"));

    if (found && strcmp(found, type) == 0) {
        return SEALED_EXIT_OK;
    }

    rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is a %s, not a %s%s", file,
                     found ? found : "file of another kind", type,
                     json_object_get(*document, "secret")
                     ? "; the public file ends in .pub" : "");

    json_decref(*document);

    return rc;
}


int
sealed_public_octets(uint8_t *out, size_t size, const json_t *document,
    const char *member, const char *file)
{
    const char      *text;
    sealed_bytes_t   encoded;

    text = json_string_value(json_object_get(document, member));

    if (text) {
        encoded.data = (const uint8_t *) text;
        encoded.size = strlen(text);

        if (sealed_base64url_decode(out, size, encoded) == 0) {
            return SEALED_EXIT_OK;
        }
    }

    return sealed_fail(SEALED_EXIT_LOCAL, "%s: \"%s\" is %s", file, member,
                       text ? "damaged" : "missing");
}


char *
sealed_public_text(json_t *document)
{
    char    *text, *line;

    text = json_dumps(document, JSON_COMPACT|JSON_PRESERVE_ORDER);
    if (text == NULL) {
        return NULL;
    }

    line = sealed_file_name(text, "\n");
    free(text);

    return line;
}


int
sealed_line_read(uint8_t *out, size_t max, size_t *size, const char *file)
{
    int              rc;
    char            *text;
    size_t           n;
    sealed_bytes_t   encoded;

    rc = sealed_file_read(&text, &n, file, SEALED_KEY_FILE_MAX,
                          SEALED_FILE_PUBLIC);
    if (rc) {
        return rc;
    }

    while (n && (text[n - 1] == '\n' || text[n - 1] == '\r')) {
        n--;
    }

    encoded.data = (const uint8_t *) text;
    encoded.size = n;
    *size = decoded_size(n);

    if (*size > max || sealed_base64url_decode(out, *size, encoded) != 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: is not one line of "
                         "base64url of the expected length", file);
    }

    free(text);

    return rc;
}


static int
read_json(json_t **document, const char *file, unsigned secret)
{
    int           rc;
    char         *text;
    size_t        size;
    json_error_t  error;

    rc = sealed_file_read(&text, &size, file, SEALED_KEY_FILE_MAX, secret);
    if (rc) {
        return rc;
    }

    *document = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);

    sealed_file_forget(text, size);

    if (*document == NULL) {

        /* the parser's words may quote the file, so a secret gets none */

        return sealed_fail(SEALED_EXIT_LOCAL, "%s: is not one of this "
                           "program's files%s%s", file, secret ? "" : ": ",
                           secret ? "" : error.text);
    }

    return SEALED_EXIT_OK;
}


static size_t
decoded_size(size_t text)
{
    return text / 4 * 3 + (text % 4 ? text % 4 - 1 : 0);
}
