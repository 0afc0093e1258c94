
#include "commands.h"
#include "mailbox.h"
#include "output.h"

#include <string.h>


static int run(unsigned count, char **files);
static int gateway_status(void);
static void show_gateway(const sealed_gateway_t *gateway);
static json_int_t number(const sealed_gateway_t *gateway, const char *name);
static int mailbox_status(void);


static const char  *mailbox;


static const sealed_option_t  options[] = {
    { "mailbox", "FILE", SEALED_TEXT, &mailbox,
      "ask for this mailbox of yours instead of the gateway" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_status = {
    "status",
    "",
    "what a gateway offers, or how full a mailbox is",
    "Without --mailbox shows a gateway's discovery document: its keys and "
    "the one\npinned here, classes, envelope sizes, limits, epoch and how "
    "far its clock is\nfrom this machine's. With --mailbox shows what waits "
    "in it, and keeps it alive.\n\n"
    "Examples:\n"
    "  sealed status --gateway https://mail.example\n"
    "  sealed status --mailbox bob.mailbox",
    options, 0, 0, 1, run
};


static int
run(unsigned count, char **files)
{
    return mailbox ? mailbox_status() : gateway_status();
}


static int
gateway_status(void)
{
    int               rc;
    json_t           *document;
    sealed_gateway_t  gateway;

    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {

        if (sealed_common.json) {
            document = json_pack("{s:s, s:o, s:s, s:I}", "gateway",
                                 gateway.url, "pinned_key",
                                 sealed_emit_base64url(gateway.exchange_key,
                                                       32),
                                 "pin", gateway.pin == SEALED_PIN_KNOWN
                                 ? "known" : "new", "clock_difference",
                                 (json_int_t) gateway.clock_difference);
            json_object_set(document, "discovery", gateway.discovery);
            sealed_emit(document);

        } else {
            show_gateway(&gateway);
        }
    }

    sealed_gateway_close(&gateway);

    return rc;
}


static void
show_gateway(const sealed_gateway_t *gateway)
{
    size_t       i;
    json_t      *key, *keys, *value;
    const char  *text, *name, *pinned;

    key = sealed_emit_base64url(gateway->exchange_key, 32);
    pinned = json_string_value(key);
    keys = json_object_get(gateway->discovery, "exchange_keys");

    printf("gateway:         %s, protocol 1\n", gateway->url);

    for (i = 0; i < json_array_size(keys); i++) {
        text = json_string_value(json_array_get(keys, i));
        printf("%s %s%s\n", i ? "                " : "exchange keys:  ", text,
               strcmp(text, pinned) == 0 ? "  <- pinned" : "");
    }

    printf("classes:        ");

    json_object_foreach(json_object_get(gateway->discovery, "classes"), name,
                        value)
    {
        putchar(' ');
        sealed_show_text(stdout, name, strlen(name), 0);
        printf("=%lld", (long long) json_integer_value(value));
    }

    printf("\nenvelope sizes: ");

    for (i = 0; i < gateway->limits.nsizes; i++) {
        printf(" %u", gateway->limits.envelope_sizes[i]);
    }

    printf("\nrecipients:      at most %u at once\n",
           gateway->limits.max_recipients);
    printf("keeps mail:      at most %llu hours\n",
           (unsigned long long) gateway->max_ttl / 3600);
    printf("epoch:           %lld, of %lld s\n",
           (long long) number(gateway, "epoch"),
           (long long) number(gateway, "epoch_seconds"));
    printf("clock:           %lld s from this one\n",
           (long long) gateway->clock_difference);

    json_decref(key);
}


static json_int_t
number(const sealed_gateway_t *gateway, const char *name)
{
    return json_integer_value(json_object_get(gateway->discovery, name));
}


static int
mailbox_status(void)
{
    int                      rc;
    sealed_owner_t           owner;
    sealed_mailbox_status_t  status;

    rc = sealed_owner_open(&owner, mailbox);

    if (rc == 0) {
        rc = sealed_owner_status(&status, &owner);
    }

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(sealed_mailbox_status_json(
                            json_pack("{s:s, s:s}", "mailbox",
                                      owner.mailbox.id_text, "gateway",
                                      owner.gateway.url),
                            &status));
        } else {
            printf("mailbox:   %s at %s\n", owner.mailbox.id_text,
                   owner.gateway.url);
            sealed_mailbox_status_show(&status);
        }
    }

    sealed_owner_close(&owner);

    return rc;
}
