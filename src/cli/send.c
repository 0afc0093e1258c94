
#include "commands.h"
#include "delivery.h"
#include "output.h"
#include "../hash.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


typedef struct {
    sealed_gateway_t              gateway;
    sealed_credential_t           credential;
    sealed_identity_key_t         identity;
    sealed_addresses_t            to;
    sealed_payload_t              payload;
    sealed_delivery_t             delivery;
} sealed_sending_t;


static int run(unsigned count, char **files);
static int read_recipients(sealed_sending_t *s);
static int read_identity(sealed_sending_t *s);
static int read_certificate(sealed_sending_t *s);
static int compare_ids(const void *one, const void *two);
static int open_payload(sealed_sending_t *s, const char *file);
static const char *common_gateway(const sealed_sending_t *s);
static int report(const sealed_sending_t *s);


static const char     *certificate, *class, *identity, *text, *given_name;
static uint64_t        ttl = SEALED_UNSET;
static sealed_list_t   to, to_files, authorities;


static const sealed_option_t  options[] = {
    { "certificate", "FILE", SEALED_TEXT, &certificate,
      "its key, FILE.cert beside it; else one in stock" },
    { "class", "NAME", SEALED_TEXT, &class,
      "of the certificate from the stock, if there are several" },
    { "identity", "FILE", SEALED_TEXT, &identity,
      "who you are; only recipients learn it" },
    { "to", "FILE", SEALED_LIST, &to,
      "a recipient's address, the .pub file" },
    { "to-file", "FILE", SEALED_LIST, &to_files,
      "many addresses, one a line" },
    { "message", "TEXT", SEALED_TEXT, &text,
      "the message itself, instead of a file" },
    { "name", "NAME", SEALED_TEXT, &given_name,
      "the file's name for recipients (the one it has)" },
    { "ttl", "TIME", SEALED_DURATION, &ttl,
      "how long it waits: 90s, 15m, 12h, 7d (the longest)" },
    { "identity-authority", "FILE", SEALED_LIST, &authorities,
      "check the recipients' names with this authority" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_send = {
    "send",
    "[FILE]",
    "send a message or a file",
    "Seals FILE, standard input or --message for one or many recipients. A "
    "named file\narrives as a file, standard input and --message as a text. "
    "What does not fit\ninto one envelope travels in several; the reader "
    "puts them together again.\nThe gateway sees a certificate and "
    "mailboxes, never who writes nor what.\n\n"
    "Without --certificate one in stock (sealed certificates) is taken, one "
    "for each\nset of recipients: conversations have nothing in common. "
    "Recipients can report\na message to the gateway's operator, who then "
    "keeps that certificate out.\n\n"
    "Status 6: some recipients were refused; everybody else has it.\n\n"
    "Examples:\n"
    "  sealed send --certificate alice.sender --identity alice \\\n"
    "      --to bob.mailbox.pub --message 'Hello, Bob.'\n"
    "  sealed send --certificate alice.sender --identity alice \\\n"
    "      --to-file team.list --ttl 1d report.pdf",
    options, 0, 1, 1, run
};


static int
run(unsigned count, char **files)
{
    int               rc;
    char              ttl_text[SEALED_DECIMAL_SIZE + 1];
    sealed_sending_t  s;

    memset(&s, 0, sizeof(s));
    s.payload.fd = -1;

    if (identity == NULL || to.count + to_files.count == 0
        || (certificate && class))
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--identity and --to are "
                           "needed, and either --certificate or --class; "
                           "see sealed send --help");
    }

    if (text && count) {
        return sealed_fail(SEALED_EXIT_USAGE, "either --message or a file");
    }

    rc = read_recipients(&s);

    if (rc == 0) {
        rc = read_identity(&s);
    }

    if (rc == 0) {
        rc = open_payload(&s, count ? files[0] : NULL);
    }

    if (rc == 0) {
        rc = sealed_gateway_connect(&s.gateway, common_gateway(&s));
    }

    if (rc == 0) {
        rc = read_certificate(&s);
    }

    if (rc == 0) {
        s.delivery.gateway = &s.gateway;
        s.delivery.credential = &s.credential;
        s.delivery.identity = &s.identity;
        s.delivery.payload = &s.payload;
        s.delivery.to = &s.to;

        if (ttl != SEALED_UNSET) {
            *sealed_decimal_encode(ttl_text, ttl) = '\0';
            s.delivery.ttl = ttl_text;
        }

        rc = sealed_delivery_run(&s.delivery);

        if (rc && s.delivery.sent) {
            sealed_remark("The first %llu of %llu envelopes were sent.",
                          (unsigned long long) s.delivery.sent,
                          (unsigned long long) s.delivery.pieces);
        }
    }

    if (rc == 0) {
        rc = report(&s);
    }

    sodium_memzero(s.identity.private_key, 32);
    sealed_gateway_close(&s.gateway);
    sealed_payload_close(&s.payload);
    sealed_addresses_free(&s.to);

    return rc;
}


static int
read_recipients(sealed_sending_t *s)
{
    int       rc;
    uint8_t   (*keys)[32];
    unsigned  i;

    keys = calloc(authorities.count + 1, 32);
    if (keys == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = SEALED_EXIT_OK;

    for (i = 0; rc == 0 && i < authorities.count; i++) {
        rc = sealed_authority_public_read(keys[i], authorities.item[i]);
    }

    for (i = 0; rc == 0 && i < to.count; i++) {
        rc = sealed_addresses_read(&s->to, to.item[i],
                                   (const uint8_t (*)[32]) keys,
                                   authorities.count);
    }

    for (i = 0; rc == 0 && i < to_files.count; i++) {
        rc = sealed_addresses_read(&s->to, to_files.item[i],
                                   (const uint8_t (*)[32]) keys,
                                   authorities.count);
    }

    free(keys);

    if (rc == 0 && s->to.count == 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "there is no recipient in the "
                         "list");
    }

    return rc;
}


static int
read_identity(sealed_sending_t *s)
{
    int                rc;
    char               when[SEALED_TIME_TEXT];
    sealed_bytes_t     encoded;
    sealed_identity_t  parsed;

    rc = sealed_identity_key_read(&s->identity, identity);
    if (rc) {
        return rc;
    }

    encoded.data = s->identity.certificate;
    encoded.size = s->identity.certificate_size;

    if (encoded.size == 0 || sealed_identity_parse(&parsed, encoded) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s.pub: has no name certified"
                           " yet; an authority does that with sealed "
                           "authority certify", identity);
    }

    if (memcmp(parsed.key, s->identity.public_key, 32) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s.pub: belongs to another "
                           "key than %s", identity, identity);
    }

    if (parsed.not_after <= (uint64_t) time(NULL)) {
        sealed_format_time(when, parsed.not_after);
        return sealed_fail(SEALED_EXIT_LOCAL, "%s.pub: the name's "
                           "certificate ended %s", identity, when);
    }

    return SEALED_EXIT_OK;
}


static int
read_certificate(sealed_sending_t *s)
{
    size_t            i;
    uint8_t         (*ids)[SEALED_MAILBOX_ID_SIZE], digest[32];
    sealed_sha256_t   ctx;

    static const char  label[] = "sealed conversation v1";

    if (certificate) {
        return sealed_credential_certificate(&s->credential, &s->gateway,
                                             certificate, 0);
    }

    /* a conversation is with these recipients, in whatever order */

    ids = calloc(s->to.count, SEALED_MAILBOX_ID_SIZE);
    if (ids == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    for (i = 0; i < s->to.count; i++) {
        memcpy(ids[i], s->to.address[i].mailbox, SEALED_MAILBOX_ID_SIZE);
    }

    qsort(ids, s->to.count, SEALED_MAILBOX_ID_SIZE, compare_ids);

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, label, sizeof(label) - 1);
    sealed_sha256_update(&ctx, ids, s->to.count * SEALED_MAILBOX_ID_SIZE);
    sealed_sha256_final(&ctx, digest);
    free(ids);

    return sealed_credential_stock(&s->credential, &s->gateway, "send",
                                   class, digest);
}


static int
compare_ids(const void *one, const void *two)
{
    return memcmp(one, two, SEALED_MAILBOX_ID_SIZE);
}


static int
open_payload(sealed_sending_t *s, const char *file)
{
    const char  *name, *slash;

    name = given_name;

    if (name == NULL && file && strcmp(file, "-") != 0) {
        slash = strrchr(file, '/');
        name = slash ? slash + 1 : file;
    }

    if (name) {
        s->delivery.name.data = (const uint8_t *) name;
        s->delivery.name.size = strlen(name);

        if (name[0] == '\0' || strlen(name) > SEALED_MESSAGE_NAME_MAX) {
            return sealed_fail(SEALED_EXIT_USAGE, "a file's name is 1 to %d "
                               "octets long; give another with --name",
                               SEALED_MESSAGE_NAME_MAX);
        }
    }

    return text ? sealed_payload_text(&s->payload, text)
                : sealed_payload_open(&s->payload, file);
}


/* where the addresses say their mailboxes are, if they agree */

static const char *
common_gateway(const sealed_sending_t *s)
{
    size_t  i;

    for (i = 1; i < s->to.count; i++) {
        if (strcmp(s->to.address[i].gateway, s->to.address[0].gateway)
            != 0)
        {
            return NULL;
        }
    }

    return s->to.address[0].gateway[0] ? s->to.address[0].gateway : NULL;
}


static int
report(const sealed_sending_t *s)
{
    size_t                   i, accepted;
    json_t                  *refused;
    const char              *reason;
    const sealed_address_t  *address;

    accepted = 0;
    refused = json_array();

    for (i = 0; i < s->to.count; i++) {
        address = &s->to.address[i];

        if (!address->refused) {
            accepted++;
            continue;
        }

        reason = address->refused == SEALED_MAILBOX_FULL ? "full" : "unknown";

        json_array_append_new(refused, json_pack("{s:s, s:o, s:s}", "name",
                                                 address->name, "mailbox",
                                                 sealed_emit_base64url(
                                                     address->mailbox,
                                                     SEALED_MAILBOX_ID_SIZE),
                                                 "reason", reason));

        sealed_remark("%s: refused, %s", address->name,
                      address->refused == SEALED_MAILBOX_FULL
                      ? "the mailbox is full" : "there is no such mailbox");
    }

    if (sealed_common.json) {
        sealed_emit(json_pack("{s:I, s:o, s:I, s:I}", "accepted",
                              (json_int_t) accepted, "refused", refused,
                              "envelopes",
                              (json_int_t) s->delivery.pieces, "octets",
                              (json_int_t) s->payload.total));
    } else {
        json_decref(refused);
        printf("accepted for %zu of %zu recipient%s, %llu octets in %llu "
               "envelope%s\n", accepted, s->to.count,
               s->to.count == 1 ? "" : "s",
               (unsigned long long) s->payload.total,
               (unsigned long long) s->delivery.pieces,
               s->delivery.pieces == 1 ? "" : "s");
    }

    return accepted == s->to.count ? SEALED_EXIT_OK
           : accepted ? SEALED_EXIT_PARTLY : SEALED_EXIT_REFUSED;
}
