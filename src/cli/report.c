
#include "account.h"
#include "call.h"
#include "commands.h"
#include "file.h"
#include "output.h"
#include "../certificate.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sodium.h>


enum {
    REPORT_MAX = 32 * 1024 * 1024
};


static int run_report(unsigned count, char **files);
static int run_revoke(unsigned count, char **files);
static int connect_as(sealed_gateway_t *gateway, struct curl_slist **account);
static int report(sealed_gateway_t *gateway, struct curl_slist *account,
    const char *file, unsigned *valid);
static int show(const sealed_response_t *response, const char *file,
    unsigned *valid);
static int post(sealed_response_t *response, sealed_gateway_t *gateway,
    struct curl_slist *account, const char *resource, const char *query,
    sealed_bytes_t body, const char *what);


static const char  *account;
static unsigned     revoke;
static uint64_t     until = 7 * 86400;


static const sealed_option_t  report_options[] = {
    { "account", "FILE", SEALED_TEXT, &account,
      "the operator's credentials, see sealed certificates" },
    { "revoke", NULL, SEALED_FLAG, &revoke,
      "also revoke the certificate that sent it" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  revoke_options[] = {
    { "account", "FILE", SEALED_TEXT, &account,
      "the operator's credentials" },
    { "for", "TIME", SEALED_DURATION, &until,
      "how long it is kept out, if not known yet (7d)" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_report = {
    "report",
    "FILE...",
    "have an operator check that messages came through a gateway",
    "Shows a gateway what sealed read --evidence stored. It answers whether "
    "this very\nmessage came through it, in which hour, from a certificate "
    "of which class; who\nsent it nobody can tell. A report proves content, "
    "not that it is abuse: that is\nfor a person to judge, who then says "
    "--revoke.\n\n"
    "Status 7: a report does not hold.\n\n"
    "Example:\n"
    "  sealed report --gateway https://mail.example --account operator \\\n"
    "      --revoke etZCuZV-UXNPctwQwSQJTQ.report",
    report_options, 1, 1024, 1, run_report
};


const sealed_command_t  sealed_command_revoke = {
    "revoke",
    "CERTIFICATEID...",
    "keep certificates out",
    "Revokes certificates by their id (22 characters), whether they were "
    "used already\nor not. It acts at once, in all workers.\n\n"
    "Example:\n"
    "  sealed revoke --gateway https://mail.example --account operator \\\n"
    "      4c5BnIOIgkT3wvup0f6Cpg",
    revoke_options, 1, 1024, 1, run_revoke
};


static int
run_report(unsigned count, char **files)
{
    int                 rc;
    unsigned            i, valid;
    sealed_gateway_t    gateway;
    struct curl_slist  *list;

    valid = 0;
    rc = connect_as(&gateway, &list);

    for (i = 0; rc == 0 && i < count; i++) {
        rc = report(&gateway, list, files[i], &valid);
    }

    sealed_account_forget(list);
    sealed_gateway_close(&gateway);

    if (rc == 0 && valid < count) {
        rc = sealed_fail(SEALED_EXIT_UNPROVEN, "%u of %u reports do not "
                         "hold", count - valid, count);
    }

    return rc;
}


static int
run_revoke(unsigned count, char **files)
{
    int                  rc;
    char                 text[128];
    uint8_t              id[SEALED_CERTIFICATE_ID_SIZE];
    unsigned             i;
    sealed_bytes_t       body, name;
    sealed_gateway_t     gateway;
    sealed_response_t    response;
    struct curl_slist   *list;

    for (i = 0; i < count; i++) {
        name.data = (const uint8_t *) files[i];
        name.size = strlen(files[i]);

        if (sealed_base64url_decode(id, sizeof(id), name) != 0) {
            return sealed_fail(SEALED_EXIT_USAGE, "%s: a certificate's id "
                               "is 22 characters of base64url", files[i]);
        }
    }

    rc = connect_as(&gateway, &list);

    for (i = 0; rc == 0 && i < count; i++) {
        snprintf(text, sizeof(text), "{\"certificate_id\":\"%s\","
                 "\"until\":%llu}", files[i],
                 (unsigned long long) ((uint64_t) time(NULL) + until));
        body.data = (const uint8_t *) text;
        body.size = strlen(text);

        rc = post(&response, &gateway, list, "revocations", NULL, body,
                  "revoking");

        if (rc == 0) {
            sealed_response_free(&response);

            if (sealed_common.json) {
                sealed_emit(json_pack("{s:s}", "revoked", files[i]));

            } else {
                printf("%s: revoked\n", files[i]);
            }
        }
    }

    sealed_account_forget(list);
    sealed_gateway_close(&gateway);

    return rc;
}


static int
connect_as(sealed_gateway_t *gateway, struct curl_slist **list)
{
    int  rc;

    memset(gateway, 0, sizeof(sealed_gateway_t));
    *list = NULL;
    rc = account ? sealed_account_header(list, account) : SEALED_EXIT_OK;

    return rc ? rc : sealed_gateway_connect(gateway, NULL);
}


static int
report(sealed_gateway_t *gateway, struct curl_slist *list, const char *file,
    unsigned *valid)
{
    int                 rc;
    char               *text;
    size_t              size;
    sealed_bytes_t      body;
    sealed_response_t   response;

    rc = sealed_file_read(&text, &size, file, REPORT_MAX,
                          SEALED_FILE_PUBLIC);
    if (rc) {
        return rc;
    }

    body.data = (const uint8_t *) text;
    body.size = size;

    rc = post(&response, gateway, list, "reports",
              revoke ? "revoke=1" : NULL, body, "reporting");
    sealed_file_forget(text, size);

    if (rc == 0) {
        rc = show(&response, file, valid);
        sealed_response_free(&response);
    }

    return rc;
}


static int
show(const sealed_response_t *response, const char *file, unsigned *valid)
{
    char     when[SEALED_TIME_TEXT];
    json_t  *document, *holds;

    document = json_loadb((const char *) response->body, response->size,
                          JSON_REJECT_DUPLICATES, NULL);
    holds = json_object_get(document, "valid");

    if (!json_is_boolean(holds)) {
        json_decref(document);
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: the gateway's answer is "
                           "not understood", file);
    }

    *valid += json_is_true(holds);

    if (sealed_common.json) {
        json_object_set_new(document, "file", json_string(file));
        sealed_emit(document);
        return SEALED_EXIT_OK;
    }

    if (json_is_true(holds)) {
        sealed_format_time(when, (uint64_t) json_integer_value(
                                     json_object_get(document, "hour"))
                                 * 3600);
        printf("%s: holds, class %lld, epoch %lld, %s%s\n", file,
               (long long) json_integer_value(
                   json_object_get(document, "class")),
               (long long) json_integer_value(
                   json_object_get(document, "epoch")), when,
               revoke ? "; its certificate is revoked" : "");

    } else {
        printf("%s: does not hold\n", file);
    }

    json_decref(document);

    return SEALED_EXIT_OK;
}


static int
post(sealed_response_t *response, sealed_gateway_t *gateway,
    struct curl_slist *list, const char *resource, const char *query,
    sealed_bytes_t body, const char *what)
{
    int            rc;
    sealed_call_t  call;

    sealed_call_init(&call, "POST");
    snprintf(call.path, sizeof(call.path), "%s/%s", gateway->prefix,
             resource);
    call.query = query;
    call.body = body;
    call.content_type = "application/json";
    call.more = list;

    rc = sealed_call_send(response, &call, gateway, NULL);
    if (rc) {
        return rc;
    }

    if (response->status == 200 || response->status == 204) {
        return SEALED_EXIT_OK;
    }

    rc = response->status == 401 || response->status == 403
         ? sealed_fail(SEALED_EXIT_REFUSED, "%s was refused: %u, the "
                       "operator's credentials", what, response->status)
         : sealed_call_refused(response, what);

    sealed_response_free(response);

    return rc;
}
