
#include "commands.h"
#include "file.h"
#include "key_file.h"
#include "mailbox.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <sodium.h>


static int run(unsigned count, char **files);
static int open_mailbox(sealed_gateway_t *gateway,
    const sealed_credential_t *credential, const sealed_mailbox_t *mailbox);
static int report(const sealed_response_t *response,
    const sealed_gateway_t *gateway, const sealed_mailbox_t *mailbox);
static int remember_gateway(const sealed_gateway_t *gateway);


static const char  *mailbox_file, *certificate, *class;


static const sealed_option_t  options[] = {
    { "mailbox", "FILE", SEALED_TEXT, &mailbox_file,
      "the mailbox's key, from sealed keygen mailbox" },
    { "certificate", "FILE", SEALED_TEXT, &certificate,
      "a certificate of a class that opens; else one in stock" },
    { "class", "NAME", SEALED_TEXT, &class,
      "of the certificate from the stock, if there are several" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_open = {
    "open",
    "",
    "open a mailbox at a gateway",
    "Opens the mailbox; once open it takes what others send to its address "
    "until it\nis closed or not read for long. Opening it again does no "
    "harm. The certificate\nused for this is never one that also sends, so "
    "that opening and writing do not\nmeet under one pseudonym; from the "
    "stock (sealed certificates) each mailbox gets\none of its own. The "
    "gateway's URL is added to the address, FILE.pub.\n\n"
    "Example:\n"
    "  sealed open --gateway https://mail.example \\\n"
    "      --mailbox bob.mailbox --certificate bob.opener",
    options, 0, 0, 1, run
};


static int
run(unsigned count, char **files)
{
    int                  rc;
    sealed_gateway_t     gateway;
    sealed_mailbox_t     mailbox;
    sealed_credential_t  credential;

    if (mailbox_file == NULL || (certificate && class)) {
        return sealed_fail(SEALED_EXIT_USAGE, "--mailbox is needed, and "
                           "either --certificate or --class; see sealed "
                           "open --help");
    }

    memset(&gateway, 0, sizeof(gateway));

    rc = sealed_mailbox_read(&mailbox, mailbox_file);

    if (rc == 0) {
        rc = sealed_gateway_connect(&gateway, mailbox.gateway[0]
                                              ? mailbox.gateway : NULL);
    }

    if (rc == 0) {
        rc = certificate
             ? sealed_credential_certificate(&credential, &gateway,
                                             certificate, 0)
             : sealed_credential_stock(&credential, &gateway, "open", class,
                                       mailbox.id);
    }

    if (rc == 0) {
        rc = open_mailbox(&gateway, &credential, &mailbox);
        sodium_memzero(&credential, sizeof(credential));
    }

    if (rc == 0) {
        rc = remember_gateway(&gateway);
    }

    sodium_memzero(&mailbox, sizeof(mailbox));
    sealed_gateway_close(&gateway);

    return rc;
}


static int
open_mailbox(sealed_gateway_t *gateway,
    const sealed_credential_t *credential, const sealed_mailbox_t *mailbox)
{
    int                rc;
    char               key[SEALED_BYTE_SEQUENCE_SIZE(32) + 1];
    sealed_call_t      call;
    sealed_response_t  response;

    *sealed_byte_sequence_encode(key, mailbox->public_key, 32) = '\0';

    sealed_call_init(&call, "PUT");
    sealed_call_mailbox_path(&call, gateway, mailbox->id_text, "");
    call.mailbox_key = key;

    rc = sealed_call_send(&response, &call, gateway, credential);
    if (rc) {
        return rc;
    }

    rc = response.status == 201 || response.status == 200
         ? report(&response, gateway, mailbox)
         : sealed_call_refused(&response, "opening the mailbox");

    sealed_response_free(&response);

    return rc;
}


static int
report(const sealed_response_t *response, const sealed_gateway_t *gateway,
    const sealed_mailbox_t *mailbox)
{
    sealed_mailbox_status_t  status;

    if (sealed_mailbox_status_parse(&status, response) != 0) {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: its answer is not "
                           "understood", gateway->url);
    }

    if (sealed_common.json) {
        sealed_emit(sealed_mailbox_status_json(
                        json_pack("{s:s, s:s, s:b}", "mailbox",
                                  mailbox->id_text, "gateway", gateway->url,
                                  "created", response->status == 201),
                        &status));
        return SEALED_EXIT_OK;
    }

    printf("mailbox %s %s at %s\n", mailbox->id_text,
           response->status == 201 ? "opened" : "was open already",
           gateway->url);
    sealed_mailbox_status_show(&status);
    printf("address:   %s.pub, give it to those who may write\n",
           mailbox_file);

    return SEALED_EXIT_OK;
}


static int
remember_gateway(const sealed_gateway_t *gateway)
{
    int          rc;
    char        *pub, *text;
    json_t      *document;
    const char  *known;

    pub = sealed_file_name(mailbox_file, ".pub");
    if (pub == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_public_read(&document, pub, "sealed-sender address");

    if (rc) {
        free(pub);
        return rc;
    }

    known = json_string_value(json_object_get(document, "gateway"));

    if (known == NULL || strcmp(known, gateway->url) != 0) {
        json_object_set_new(document, "gateway", json_string(gateway->url));

        text = sealed_public_text(document);

        rc = text ? sealed_file_replace(pub, text, strlen(text),
                                        SEALED_FILE_PUBLIC)
                  : sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        free(text);
    }

    json_decref(document);
    free(pub);

    return rc;
}
