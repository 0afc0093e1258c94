
#include "commands.h"
#include "call.h"
#include "file.h"
#include "output.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sodium.h>


enum {
    BODY_MAX     = 64 * 1024 * 1024,
    RESPONSE_MAX = 64 * 1024 * 1024,
    HEADER_MAX   = 400,
    SIGNED_MAX   = 60               /* seconds a reader's answer may take */
};


static int run(unsigned count, char **files);
static int read_target(sealed_call_t *call, const char *method,
    const char *target);
static int read_headers(sealed_call_t *call);
static int read_credential(sealed_credential_t **used,
    sealed_credential_t *credential, sealed_gateway_t *gateway,
    sealed_mailbox_t *owner);
static int send_request(const sealed_call_t *call, sealed_gateway_t *gateway,
    const sealed_credential_t *credential);
static int print_request(const sealed_call_t *call,
    const sealed_gateway_t *gateway, const sealed_credential_t *credential);
static void print_response(const sealed_response_t *response);


static const char     *certificate, *mailbox, *mailbox_key, *body, *type;
static unsigned        print;
static uint64_t        created = SEALED_UNSET, nonce = SEALED_UNSET;
static sealed_list_t   header_list;


static const sealed_option_t  options[] = {
    { "certificate", "FILE", SEALED_TEXT, &certificate,
      "sign with this certificate, even one that has ended" },
    { "mailbox", "FILE", SEALED_TEXT, &mailbox,
      "sign as the owner of this mailbox" },
    { "mailbox-key", "FILE", SEALED_TEXT, &mailbox_key,
      "send Sealed-Mailbox-Key of this mailbox" },
    { "body", "FILE", SEALED_TEXT, &body,
      "the request's body" },
    { "content-type", "TYPE", SEALED_TEXT, &type,
      "of the body (application/octet-stream)" },
    { "header", "LINE", SEALED_LIST, &header_list,
      "a header; those of the protocol are signed" },
    { "created", "TIME", SEALED_NUMBER, &created,
      "time in the signature, unix seconds (now)" },
    { "nonce", "N", SEALED_NUMBER, &nonce,
      "nonce in the signature (the key's next)" },
    { "print", NULL, SEALED_FLAG, &print,
      "only print the headers, as curl -H @file reads them" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_request = {
    "request",
    "METHOD TARGET",
    "make one signed request, for looking and testing",
    "Signs one request and prints the answer: status, headers, body. "
    "TARGET is a path\nwith its query. Nothing is repeated and nothing "
    "interpreted; --created and --nonce\nshow what the gateway makes of old "
    "and of repeated requests, and a header edited\nafter --print what it "
    "makes of forged ones. Status 0: answered with 2xx.\n\n"
    "Examples:\n"
    "  sealed request GET /v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4Q \\\n"
    "      --mailbox bob.mailbox\n"
    "  sealed request POST /v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4Q/envelopes "
    "\\\n"
    "      --certificate alice.sender --body envelope --header 'TTL: 60' "
    "\\\n"
    "      --print > headers\n"
    "  curl -H @headers --data-binary @envelope $SEALED_GATEWAY/v1/...",
    options, 2, 2, 1, run
};


static int
run(unsigned count, char **files)
{
    int                   rc;
    char                 *data, key[SEALED_BYTE_SEQUENCE_SIZE(32) + 1];
    size_t                size;
    sealed_call_t         call;
    sealed_gateway_t      gateway;
    sealed_mailbox_t      owner, opened;
    sealed_credential_t   credential, *used;

    memset(&gateway, 0, sizeof(gateway));
    memset(&owner, 0, sizeof(owner));
    data = NULL;
    used = NULL;

    sealed_call_init(&call, files[0]);
    call.created = created;
    call.nonce = nonce;
    call.once = 1;
    call.wait = SIGNED_MAX;
    call.max_response = RESPONSE_MAX;

    rc = read_target(&call, files[0], files[1]);

    if (rc == 0) {
        rc = read_headers(&call);
    }

    if (rc == 0 && body) {
        rc = sealed_file_read(&data, &size, body, BODY_MAX,
                              SEALED_FILE_PUBLIC);
        call.body.data = (const uint8_t *) data;
        call.body.size = rc == 0 ? size : 0;
        call.content_type = type ? type : "application/octet-stream";
    }

    if (rc == 0 && mailbox_key) {
        rc = sealed_mailbox_read(&opened, mailbox_key);

        if (rc == 0) {
            *sealed_byte_sequence_encode(key, opened.public_key, 32) = '\0';
            call.mailbox_key = key;
            sodium_memzero(&opened, sizeof(opened));
        }
    }

    if (rc == 0 && mailbox) {
        rc = sealed_mailbox_read(&owner, mailbox);
    }

    if (rc == 0) {
        rc = sealed_gateway_connect(&gateway, owner.gateway[0]
                                              ? owner.gateway : NULL);
    }

    if (rc == 0) {
        rc = read_credential(&used, &credential, &gateway, &owner);
    }

    if (rc == 0) {
        rc = print ? print_request(&call, &gateway, used)
                   : send_request(&call, &gateway, used);
    }

    sodium_memzero(&owner, sizeof(owner));
    sodium_memzero(&credential, sizeof(credential));
    sealed_gateway_close(&gateway);
    curl_slist_free_all(call.more);
    free(data);

    return rc;
}


static int
read_target(sealed_call_t *call, const char *method, const char *target)
{
    size_t  size;

    if (method[0] == '\0'
        || method[strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] != '\0')
    {
        return sealed_fail(SEALED_EXIT_USAGE, "%s: a method is GET, PUT, "
                           "POST, DELETE or another word of capitals",
                           method);
    }

    size = strcspn(target, "?");

    if (target[0] != '/' || size >= sizeof(call->path)
        || strpbrk(target, " \t\r\n#") != NULL)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "a target begins with / and "
                           "has no spaces, and its path is shorter than %d "
                           "characters", SEALED_CALL_PATH);
    }

    memcpy(call->path, target, size);
    call->path[size] = '\0';
    call->query = target[size] ? target + size + 1 : NULL;

    return SEALED_EXIT_OK;
}


static int
read_headers(sealed_call_t *call)
{
    size_t              j, size;
    unsigned            i;
    const char         *line, *value;
    struct curl_slist  *list;

    const struct {
        const char   *name;
        const char  **value;
    } known[] = {
        { "TTL", &call->ttl },
        { "Sealed-Delivery", &call->delivery },
        { "Sealed-Frank", &call->frank },
        { "Sealed-Mailbox-Key", &call->mailbox_key }
    };

    for (i = 0; i < header_list.count; i++) {
        line = header_list.item[i];
        size = strcspn(line, ":");

        if (size == 0 || line[size] == '\0' || strlen(line) > HEADER_MAX
            || strpbrk(line, "\r\n") != NULL)
        {
            return sealed_fail(SEALED_EXIT_USAGE, "--header: \"Name: "
                               "value\", at most %d characters",
                               HEADER_MAX);
        }

        value = line + size + 1;
        value += strspn(value, " ");

        for (j = 0; j < sizeof(known) / sizeof(known[0]); j++) {
            if (strlen(known[j].name) == size
                && strncasecmp(line, known[j].name, size) == 0)
            {
                *known[j].value = value;
                break;
            }
        }

        if (j < sizeof(known) / sizeof(known[0])) {
            continue;
        }

        list = curl_slist_append(call->more, line);
        if (list == NULL) {
            return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        }

        call->more = list;
    }

    return SEALED_EXIT_OK;
}


static int
read_credential(sealed_credential_t **used, sealed_credential_t *credential,
    sealed_gateway_t *gateway, sealed_mailbox_t *owner)
{
    if (certificate && mailbox) {
        return sealed_fail(SEALED_EXIT_USAGE, "either --certificate or "
                           "--mailbox");
    }

    if (certificate) {
        *used = credential;
        return sealed_credential_certificate(credential, gateway,
                                             certificate, 1);
    }

    if (mailbox) {
        *used = credential;
        return sealed_credential_owner(credential, gateway, owner);
    }

    return SEALED_EXIT_OK;
}


static int
send_request(const sealed_call_t *call, sealed_gateway_t *gateway,
    const sealed_credential_t *credential)
{
    int                rc;
    sealed_response_t  response;

    rc = sealed_call_send(&response, call, gateway, credential);
    if (rc) {
        return rc;
    }

    print_response(&response);

    rc = response.status / 100 == 2 ? SEALED_EXIT_OK : SEALED_EXIT_REFUSED;

    sealed_response_free(&response);

    return rc;
}


static int
print_request(const sealed_call_t *call, const sealed_gateway_t *gateway,
    const sealed_credential_t *credential)
{
    int                 rc;
    struct curl_slist  *headers, *line;

    rc = sealed_call_headers(&headers, call, gateway, credential);
    if (rc) {
        return rc;
    }

    for (line = headers; line; line = line->next) {
        printf("%s\n", line->data);
    }

    for (line = call->more; line; line = line->next) {
        printf("%s\n", line->data);
    }

    curl_slist_free_all(headers);

    return SEALED_EXIT_OK;
}


static void
print_response(const sealed_response_t *response)
{
    json_t  *document;

    if (sealed_common.json) {
        document = json_pack("{s:i, s:s#}", "status", (int) response->status,
                             "headers",
                             sealed_is_text(response->headers,
                                            response->headers_size)
                             ? response->headers : "",
                             sealed_is_text(response->headers,
                                            response->headers_size)
                             ? (int) response->headers_size : 0);

        if (sealed_is_text(response->body, response->size)) {
            json_object_set_new(document, "body",
                                json_stringn((char *) response->body,
                                             response->size));
        } else {
            json_object_set_new(document, "body_base64url",
                                sealed_emit_base64url(response->body,
                                                      response->size));
        }

        sealed_emit(document);
        return;
    }

    fwrite(response->headers, 1, response->headers_size, stdout);

    if (response->size) {
        fwrite(response->body, 1, response->size, stdout);
    }
}
