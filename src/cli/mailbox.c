
#include "mailbox.h"
#include "options.h"
#include "output.h"

#include <string.h>
#include <sodium.h>


static int number(uint64_t *value, const json_t *document, const char *name);


int
sealed_owner_open(sealed_owner_t *owner, const char *file)
{
    int  rc;

    memset(owner, 0, sizeof(sealed_owner_t));

    rc = sealed_mailbox_read(&owner->mailbox, file);

    if (rc == 0) {
        rc = sealed_gateway_connect(&owner->gateway,
                                    owner->mailbox.gateway[0]
                                    ? owner->mailbox.gateway : NULL);
    }

    if (rc == 0) {
        rc = sealed_credential_owner(&owner->credential, &owner->gateway,
                                     &owner->mailbox);
    }

    return rc;
}


void
sealed_owner_close(sealed_owner_t *owner)
{
    sealed_gateway_close(&owner->gateway);
    sodium_memzero(owner, sizeof(sealed_owner_t));
}


int
sealed_owner_status(sealed_mailbox_status_t *status, sealed_owner_t *owner)
{
    int                rc;
    sealed_call_t      call;
    sealed_response_t  response;

    sealed_call_init(&call, "GET");
    sealed_call_mailbox_path(&call, &owner->gateway, owner->mailbox.id_text,
                             "");

    rc = sealed_call_send(&response, &call, &owner->gateway,
                          &owner->credential);
    if (rc) {
        return rc;
    }

    if (response.status != 200) {
        rc = sealed_call_refused(&response, "the mailbox's status");

    } else if (sealed_mailbox_status_parse(status, &response) != 0) {
        rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: its answer is not "
                         "understood", owner->gateway.url);
    }

    sealed_response_free(&response);

    return rc;
}


int
sealed_owner_acknowledge(sealed_owner_t *owner, uint64_t through,
    sealed_seen_t *seen)
{
    int                rc;
    char               query[64];
    sealed_call_t      call;
    sealed_response_t  response;

    snprintf(query, sizeof(query), "through=%llu",
             (unsigned long long) through);

    sealed_call_init(&call, "DELETE");
    sealed_call_mailbox_path(&call, &owner->gateway, owner->mailbox.id_text,
                             "/envelopes");
    call.query = query;

    rc = sealed_call_send(&response, &call, &owner->gateway,
                          &owner->credential);
    if (rc) {
        return rc;
    }

    if (response.status != 204) {
        rc = sealed_call_refused(&response, "acknowledging");
    }

    sealed_response_free(&response);

    return rc ? rc : sealed_seen_acknowledged(seen, through);
}


int
sealed_mailbox_status_parse(sealed_mailbox_status_t *status,
    const sealed_response_t *response)
{
    int      rc;
    json_t  *document, *limits;

    document = json_loadb((const char *) response->body, response->size, 0,
                          NULL);
    limits = json_object_get(document, "limits");

    rc = 0;

    if (number(&status->envelopes, document, "envelopes") != 0
        || number(&status->bytes, document, "bytes") != 0
        || number(&status->first, document, "first") != 0
        || number(&status->next, document, "next") != 0
        || number(&status->max_envelopes, limits, "envelopes") != 0
        || number(&status->max_bytes, limits, "bytes") != 0
        || number(&status->idle_seconds, limits, "idle_seconds") != 0
        || status->next == 0)
    {
        rc = -1;
    }

    json_decref(document);

    return rc;
}


void
sealed_mailbox_status_show(const sealed_mailbox_status_t *status)
{
    printf("envelopes: %llu of at most %llu",
           (unsigned long long) status->envelopes,
           (unsigned long long) status->max_envelopes);

    if (status->envelopes) {
        printf(", numbers %llu to %llu", (unsigned long long) status->first,
               (unsigned long long) status->next - 1);
    }

    printf("\noctets:    %llu of at most %llu\n",
           (unsigned long long) status->bytes,
           (unsigned long long) status->max_bytes);
    printf("ends:      after %llu %s without being read\n",
           (unsigned long long) status->idle_seconds
           / (status->idle_seconds < 172800 ? 3600 : 86400),
           status->idle_seconds < 172800 ? "hours" : "days");
}


json_t *
sealed_mailbox_status_json(json_t *document,
    const sealed_mailbox_status_t *status)
{
    json_t  *members;

    members = json_pack("{s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I}}",
                        "envelopes", (json_int_t) status->envelopes,
                        "bytes", (json_int_t) status->bytes,
                        "first", (json_int_t) status->first,
                        "next", (json_int_t) status->next, "limits",
                        "envelopes", (json_int_t) status->max_envelopes,
                        "bytes", (json_int_t) status->max_bytes,
                        "idle_seconds",
                        (json_int_t) status->idle_seconds);

    json_object_update(document, members);
    json_decref(members);

    return document;
}


static int
number(uint64_t *value, const json_t *document, const char *name)
{
    json_t  *member;

    member = json_object_get(document, name);

    if (!json_is_integer(member) || json_integer_value(member) < 0) {
        return -1;
    }

    *value = (uint64_t) json_integer_value(member);

    return 0;
}
