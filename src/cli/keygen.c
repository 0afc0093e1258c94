
#include "commands.h"
#include "authority.h"
#include "file.h"
#include "key_file.h"
#include "output.h"
#include "../mailbox_address.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sodium.h>


static int run_authority(unsigned count, char **files);
static int run_certificate(unsigned count, char **files);
static int run_identity(unsigned count, char **files);
static int run_mailbox(unsigned count, char **files);
static int add_identity(json_t *address);
static int create(const char *file, sealed_key_type_t type,
    const uint8_t secret[32], json_t *public);
static int absent(const char *file);
static void report(const char *file, const char *what, const char *then);


static const char   *name, *authority, *owner;
static uint64_t      days = 365;


static const sealed_option_t  no_options[] = {
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  identity_options[] = {
    { "name", "NAME", SEALED_TEXT, &name,
      "the name that recipients will see" },
    { "authority", "FILE", SEALED_TEXT, &authority,
      "certify it with this identity authority's key" },
    { "days", "N", SEALED_NUMBER, &days,
      "how long the name is certified (365)" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  mailbox_options[] = {
    { "identity", "FILE", SEALED_TEXT, &owner,
      "whose mailbox it is; without it nobody can write to it" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_keygen_authority = {
    "keygen authority",
    "FILE",
    "an authority that signs certificates or identities",
    "Makes an Ed25519 key: FILE is secret, FILE.pub is for everybody. An "
    "authority\nfor sender certificates is made known to the gateway by "
    "FILE.pub; one for\nidentities is made known to people, who give it to "
    "sealed read. Let these be\ntwo different keys.\n\n"
    "Example:\n"
    "  sealed keygen authority issuer",
    no_options, 1, 1, 0, run_authority
};


const sealed_command_t  sealed_command_keygen_certificate = {
    "keygen certificate",
    "FILE",
    "a key to get a sender certificate for",
    "Makes the key behind a sender certificate: FILE is secret, FILE.pub "
    "goes to the\nauthority, whose answer, FILE.cert, is put beside them. "
    "From then on\n--certificate FILE is all that sending needs. Make a new "
    "one for every\ncertificate: who uses a key twice can be recognised.\n\n"
    "Example:\n"
    "  sealed keygen certificate alice.sender\n"
    "  sealed authority sign --authority issuer --class 2 alice.sender.pub",
    no_options, 1, 1, 0, run_certificate
};


const sealed_command_t  sealed_command_keygen_identity = {
    "keygen identity",
    "FILE",
    "who you are towards those you write to",
    "Makes an X25519 identity: FILE is secret, FILE.pub carries your name "
    "and the\nproof of it, an identity certificate. The gateway never sees "
    "either. Without\n--authority the name is certified later, by sealed "
    "authority certify FILE.pub.\n\n"
    "Example:\n"
    "  sealed keygen identity alice --name alice --authority names",
    identity_options, 1, 1, 0, run_identity
};


const sealed_command_t  sealed_command_keygen_mailbox = {
    "keygen mailbox",
    "FILE",
    "a mailbox's owner key and its address",
    "Makes the key of a mailbox: FILE is secret, FILE.pub is its address, "
    "one line to\ngive to those who may write to you. It opens with sealed "
    "open. Make as many as\nyou like; nothing ties them together for the "
    "gateway.\n\n"
    "Example:\n"
    "  sealed keygen mailbox bob.mailbox --identity bob",
    mailbox_options, 1, 1, 0, run_mailbox
};


static int
run_authority(unsigned count, char **files)
{
    int      rc;
    char     text[SEALED_BASE64URL_SIZE(32) + 1];
    uint8_t  seed[32], key[32], secret[64];

    rc = absent(files[0]);
    if (rc) {
        return rc;
    }

    randombytes_buf(seed, sizeof(seed));
    crypto_sign_seed_keypair(key, secret, seed);

    sealed_base64url_encode(text, key, sizeof(key));
    text[sizeof(text) - 1] = '\n';

    rc = sealed_key_pair_create(files[0], SEALED_AUTHORITY_KEY, seed, text,
                                sizeof(text));
    if (rc == 0) {
        report(files[0], "authority", "known by");
    }

    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(secret, sizeof(secret));

    return rc;
}


static int
run_certificate(unsigned count, char **files)
{
    int      rc;
    uint8_t  secret[32], key[32];

    crypto_box_keypair(key, secret);

    rc = create(files[0], SEALED_CERTIFICATE_KEY, secret,
                json_pack("{s:s, s:o}", "type", "sealed-sender subject",
                          "key", sealed_emit_base64url(key, 32)));
    if (rc == 0) {
        report(files[0], "certificate key", "to be signed:");
    }

    sodium_memzero(secret, sizeof(secret));

    return rc;
}


static int
run_identity(unsigned count, char **files)
{
    int      rc;
    json_t  *public;
    uint8_t  secret[32], key[32];

    if ((name == NULL) != (authority == NULL)) {
        return sealed_fail(SEALED_EXIT_USAGE, "--name and --authority go "
                           "together");
    }

    crypto_box_keypair(key, secret);

    public = json_pack("{s:s, s:o}", "type", "sealed-sender identity", "key",
                       sealed_emit_base64url(key, 32));

    rc = SEALED_EXIT_OK;

    if (authority) {
        rc = sealed_authority_certify(public, key, name, days, authority);
    }

    if (rc == 0) {
        rc = create(files[0], SEALED_IDENTITY_KEY, secret, public);

    } else {
        json_decref(public);
    }

    if (rc == 0) {
        report(files[0], "identity", authority ? "to give away:"
                                               : "to be certified:");
    }

    sodium_memzero(secret, sizeof(secret));

    return rc;
}


static int
run_mailbox(unsigned count, char **files)
{
    int      rc;
    json_t  *address;
    uint8_t  secret[32], key[32], id[SEALED_MAILBOX_ID_SIZE];

    crypto_box_keypair(key, secret);
    sealed_mailbox_id(id, key);

    address = json_pack("{s:s, s:o}", "type", "sealed-sender address",
                        "mailbox", sealed_emit_base64url(id, sizeof(id)));

    rc = owner ? add_identity(address) : SEALED_EXIT_OK;

    if (rc == 0) {
        rc = create(files[0], SEALED_MAILBOX_KEY_FILE, secret, address);

    } else {
        json_decref(address);
    }

    if (rc == 0) {
        report(files[0], "mailbox", "its address:");
    }

    sodium_memzero(secret, sizeof(secret));

    return rc;
}


/* FILE.pub of the identity; its name may be given with or without .pub */

static int
add_identity(json_t *address)
{
    int      rc;
    char    *pub;
    size_t   size;
    json_t  *identity, *certificate;

    size = strlen(owner);

    pub = sealed_file_name(owner,
                           size > 4 && strcmp(owner + size - 4, ".pub") == 0
                           ? "" : ".pub");
    if (pub == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_public_read(&identity, pub, "sealed-sender identity");

    if (rc == 0) {
        certificate = json_object_get(identity, "certificate");

        if (!json_is_string(certificate)) {
            rc = sealed_fail(SEALED_EXIT_LOCAL, "%s: has no name certified "
                             "yet; an authority does that with sealed "
                             "authority certify", pub);
        } else {
            json_object_set(address, "name",
                            json_object_get(identity, "name"));
            json_object_set(address, "identity", certificate);
        }

        json_decref(identity);
    }

    free(pub);

    return rc;
}


/* takes over the reference */

static int
create(const char *file, sealed_key_type_t type, const uint8_t secret[32],
    json_t *public)
{
    int    rc;
    char  *text;

    text = sealed_public_text(public);
    json_decref(public);

    if (text == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = absent(file);

    if (rc == 0) {
        rc = sealed_key_pair_create(file, type, secret, text, strlen(text));
    }

    free(text);

    return rc;
}


/* a clear word before anything is written; O_EXCL decides later */

static int
absent(const char *file)
{
    if (access(file, F_OK) == 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: exists already and is "
                           "not overwritten", file);
    }

    return SEALED_EXIT_OK;
}


static void
report(const char *file, const char *what, const char *then)
{
    char  *pub;

    pub = sealed_file_name(file, ".pub");
    if (pub == NULL) {
        return;
    }

    if (sealed_common.json) {
        sealed_emit(json_pack("{s:s, s:s}", "secret", file, "public", pub));

    } else {
        printf("%s %s (secret), %s %s\n", what, file, then, pub);
    }

    free(pub);
}
