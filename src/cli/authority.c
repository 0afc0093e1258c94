
#include "commands.h"
#include "authority.h"
#include "file.h"
#include "key_file.h"
#include "output.h"
#include "../certificate.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


enum {
    DAY               = 86400,
    DAYS_MAX          = 36500,
    GATEWAY_DAYS_MAX  = 7,
    CLOCK_TOLERANCE   = 300
};


static int run_sign(unsigned count, char **files);
static int validity(uint64_t *not_before, uint64_t *not_after);
static int write_certificate(const char *subject,
    const uint8_t certificate[SEALED_SIGNED_CERTIFICATE_SIZE],
    uint64_t not_after);
static int run_certify(unsigned count, char **files);


static const char  *authority, *name, *output;
static uint64_t     class = SEALED_UNSET;
static uint64_t     days = SEALED_UNSET, hours = SEALED_UNSET;
static uint64_t     given_before = SEALED_UNSET, given_after = SEALED_UNSET;


static const sealed_option_t  sign_options[] = {
    { "authority", "FILE", SEALED_TEXT, &authority,
      "the authority's secret key" },
    { "class", "N", SEALED_NUMBER, &class,
      "the class, a number that the gateway's configuration names" },
    { "days", "N", SEALED_NUMBER, &days,
      "valid for so many days (1); the gateway takes 7 at most" },
    { "hours", "N", SEALED_NUMBER, &hours,
      "valid for so many hours" },
    { "not-before", "TIME", SEALED_NUMBER, &given_before,
      "begin, unix time (five minutes ago)" },
    { "not-after", "TIME", SEALED_NUMBER, &given_after,
      "end, unix time" },
    { "output", "FILE", SEALED_TEXT, &output,
      "where it goes, - for stdout (beside SUBJECT.pub)" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  certify_options[] = {
    { "authority", "FILE", SEALED_TEXT, &authority,
      "the identity authority's secret key" },
    { "name", "NAME", SEALED_TEXT, &name,
      "the name that recipients will see" },
    { "days", "N", SEALED_NUMBER, &days,
      "how long it holds (365)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_authority_sign = {
    "authority sign",
    "SUBJECT.pub",
    "sign a sender certificate",
    "Signs a certificate: its holder is an account in good standing, of "
    "this class,\nuntil then; no name. From alice.sender.pub comes "
    "alice.sender.cert, in place of\nan older one. A class lets its "
    "certificates either send or open mailboxes; the\ngateway's "
    "configuration says which.\n\n"
    "Examples:\n"
    "  sealed authority sign --authority issuer --class 2 alice.sender.pub\n"
    "  sealed authority sign --authority issuer --class 1 --hours 1 "
    "bob.opener.pub",
    sign_options, 1, 1, 0, run_sign
};


const sealed_command_t  sealed_command_authority_certify = {
    "authority certify",
    "IDENTITY.pub",
    "certify the name of an identity",
    "Puts a name and the identity authority's signature into an identity's "
    "public\nfile, which then goes back to its owner. Recipients who trust "
    "the authority\nsee the name on what the owner writes.\n\n"
    "Example:\n"
    "  sealed authority certify --authority names --name alice alice.pub",
    certify_options, 1, 1, 0, run_certify
};


int
sealed_authority_certify(json_t *identity, const uint8_t key[32],
    const char *name, uint64_t days, const char *authority_file)
{
    int             rc;
    size_t          size;
    uint8_t         secret[64], certificate[SEALED_IDENTITY_MAX];
    sealed_bytes_t  bytes;

    bytes.data = (const uint8_t *) name;
    bytes.size = strlen(name);

    if (bytes.size == 0 || bytes.size > SEALED_NAME_MAX
        || !sealed_is_text(bytes.data, bytes.size))
    {
        return sealed_fail(SEALED_EXIT_USAGE, "a name is 1 to %d octets of "
                           "UTF-8", SEALED_NAME_MAX);
    }

    if (days == 0 || days > DAYS_MAX) {
        return sealed_fail(SEALED_EXIT_USAGE, "--days: 1 to %d", DAYS_MAX);
    }

    rc = sealed_authority_secret_read(secret, authority_file);
    if (rc) {
        return rc;
    }

    size = sealed_identity_sign(certificate, bytes, key,
                                (uint64_t) time(NULL) + days * DAY, secret);
    sodium_memzero(secret, sizeof(secret));

    if (size == 0
        || json_object_set_new(identity, "name", json_string(name)) != 0
        || json_object_set_new(identity, "certificate",
                               sealed_emit_base64url(certificate, size))
           != 0)
    {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    return SEALED_EXIT_OK;
}


static int
run_sign(unsigned count, char **files)
{
    int       rc;
    json_t   *document;
    uint8_t   subject[32], secret[64];
    uint8_t   certificate[SEALED_SIGNED_CERTIFICATE_SIZE];
    uint64_t  not_before, not_after;

    if (authority == NULL || class == SEALED_UNSET) {
        return sealed_fail(SEALED_EXIT_USAGE, "--authority FILE and --class "
                           "N are needed");
    }

    if (class > UINT8_MAX) {
        return sealed_fail(SEALED_EXIT_USAGE, "--class: 0 to 255");
    }

    not_before = 0;
    not_after = 0;

    rc = validity(&not_before, &not_after);
    if (rc) {
        return rc;
    }

    rc = sealed_public_read(&document, files[0], "sealed-sender subject");
    if (rc) {
        return rc;
    }

    rc = sealed_public_octets(subject, 32, document, "key", files[0]);
    json_decref(document);

    if (rc == 0) {
        rc = sealed_authority_secret_read(secret, authority);
    }

    if (rc) {
        return rc;
    }

    if (sealed_certificate_sign(certificate, (unsigned) class, not_before,
                                not_after, subject, secret)
        != 0)
    {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: cannot be signed",
                         files[0]);
    }

    sodium_memzero(secret, sizeof(secret));

    return rc ? rc : write_certificate(files[0], certificate, not_after);
}


/* begins a little early, because clocks differ; the length stays as given */

static int
validity(uint64_t *not_before, uint64_t *not_after)
{
    if ((days != SEALED_UNSET) + (hours != SEALED_UNSET)
        + (given_after != SEALED_UNSET)
        > 1)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "one of --days, --hours and "
                           "--not-after is enough");
    }

    *not_before = given_before != SEALED_UNSET
                  ? given_before : (uint64_t) time(NULL) - CLOCK_TOLERANCE;

    if (given_after != SEALED_UNSET) {
        *not_after = given_after;

    } else if ((hours != SEALED_UNSET && hours > DAYS_MAX)
               || (days != SEALED_UNSET && days > DAYS_MAX)
               || *not_before > INT64_MAX)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "that is too long");

    } else {
        *not_after = *not_before + (hours != SEALED_UNSET ? hours * 3600
                                    : days != SEALED_UNSET ? days * DAY
                                    : DAY);
    }

    if (*not_after <= *not_before) {
        return sealed_fail(SEALED_EXIT_USAGE, "it would end before it "
                           "begins");
    }

    if (*not_after - *not_before > GATEWAY_DAYS_MAX * DAY) {
        sealed_remark("Longer than %d days: gateways do not take it.",
                      GATEWAY_DAYS_MAX);
    }

    return SEALED_EXIT_OK;
}


static int
write_certificate(const char *subject,
    const uint8_t certificate[SEALED_SIGNED_CERTIFICATE_SIZE],
    uint64_t not_after)
{
    int      rc;
    char     text[SEALED_BASE64URL_SIZE(SEALED_SIGNED_CERTIFICATE_SIZE) + 1];
    char     when[SEALED_TIME_TEXT], *stem, *file;
    size_t   size;

    sealed_base64url_encode(text, certificate,
                            SEALED_SIGNED_CERTIFICATE_SIZE);
    text[sizeof(text) - 1] = '\n';

    if (output && strcmp(output, "-") == 0) {
        fwrite(text, 1, sizeof(text), stdout);
        return SEALED_EXIT_OK;
    }

    stem = sealed_file_name(output ? output : subject, "");
    if (stem == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    size = strlen(stem);

    if (output == NULL && size > 4 && strcmp(stem + size - 4, ".pub") == 0) {
        stem[size - 4] = '\0';
    }

    file = sealed_file_name(stem, output ? "" : ".cert");
    free(stem);

    if (file == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_file_replace(file, text, sizeof(text), SEALED_FILE_PUBLIC);

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(json_pack("{s:s, s:i, s:I}", "certificate", file,
                                  "class", (int) class, "not_after",
                                  (json_int_t) not_after));
        } else {
            sealed_format_time(when, not_after);
            printf("certificate %s, class %u, until %s\n", file,
                   (unsigned) class, when);
        }
    }

    free(file);

    return rc;
}


static int
run_certify(unsigned count, char **files)
{
    int       rc;
    char     *text;
    json_t   *document;
    uint8_t   key[32];

    if (authority == NULL || name == NULL) {
        return sealed_fail(SEALED_EXIT_USAGE, "--authority FILE and --name "
                           "NAME are needed");
    }

    rc = sealed_public_read(&document, files[0], "sealed-sender identity");
    if (rc) {
        return rc;
    }

    rc = sealed_public_octets(key, 32, document, "key", files[0]);

    if (rc == 0) {
        rc = sealed_authority_certify(document, key, name,
                                      days == SEALED_UNSET ? 365 : days,
                                      authority);
    }

    if (rc == 0) {
        text = sealed_public_text(document);

        rc = text ? sealed_file_replace(files[0], text, strlen(text),
                                        SEALED_FILE_PUBLIC)
                  : sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        free(text);
    }

    json_decref(document);

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(json_pack("{s:s, s:s}", "public", files[0], "name",
                                  name));
        } else {
            printf("%s: certified as %s\n", files[0], name);
        }
    }

    return rc;
}
