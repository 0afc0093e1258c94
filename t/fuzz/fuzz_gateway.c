
/*
 * A gateway that answers the command as it likes: what is believed of its
 * discovery document lies within bounds, its keys are those that it is known
 * by, and nothing is sent to one with others.
 *
 * A line is what it is known by, or "=" and what --pin says; then come its
 * answers.
 *
 * Aims at: cli/gateway.c cli/pin.c
 */

#include "libcurl.h"

#include "cli/call.h"
#include "cli/mailbox.h"
#include "cli/options.h"
#include "cli/state.h"


static const char *given_pin(sealed_bytes_t pin);
static void write_pin(sealed_bytes_t pin);
static void check_gateway(const sealed_gateway_t *gateway);
static void ask(sealed_gateway_t *gateway);


#define URL  "https://gateway.example"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int               rc;
    unsigned          found;
    sealed_bytes_t    pin;
    sealed_pin_t      before;
    const uint8_t    *pos, *end;
    sealed_gateway_t  gateway;

    begin_command();

    pos = data;
    end = data + size;
    pin = next_line(&pos, end);
    sealed_common.pin = given_pin(pin);

    if (sealed_common.pin == NULL) {
        write_pin(pin);
    }

    free_copy(pin);
    begin_network(pos, end);

    rc = sealed_pin_read(&before, &found, URL);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_LOCAL);

    if (sealed_gateway_connect(&gateway, URL) == SEALED_EXIT_OK) {
        CHECK(!found || memcmp(before.exchange_key, gateway.exchange_key, 32)
                        == 0);
        CHECK(!found || !before.has_issuer
              || memcmp(before.issuer_key, gateway.pinned.issuer_key, 32)
                 == 0);
        check_gateway(&gateway);
        ask(&gateway);
    }

    sealed_gateway_close(&gateway);
    sealed_pin_free(&before);
    end_command();

    return 0;
}


static const char *
given_pin(sealed_bytes_t pin)
{
    size_t  size;

    static char  text[128];

    if (pin.size == 0 || pin.data[0] != '=') {
        return NULL;
    }

    size = pin.size < sizeof(text) ? pin.size : sizeof(text);
    memcpy(text, pin.data + 1, size - 1);
    text[size - 1] = '\0';

    return text;
}


static void
write_pin(sealed_bytes_t pin)
{
    char  path[PATH_MAX], name[32];

    if (pin.size == 0) {
        return;
    }

    (void) snprintf(path, sizeof(path), "%s/pins", home);
    CHECK(mkdir(path, 0700) == 0 || errno == EEXIST);

    memcpy(name, "pins/", 5);
    sealed_state_hash(name + 5, URL);
    write_file(path, name, pin.data, pin.size);
}


static void
check_gateway(const sealed_gateway_t *gateway)
{
    unsigned                       i, number;
    const sealed_fanout_limits_t  *limits;

    limits = &gateway->limits;

    CHECK(strcmp(gateway->url, URL) == 0);
    CHECK(memcmp(gateway->exchange_key, gateway->pinned.exchange_key, 32)
          == 0);
    CHECK(strlen(gateway->prefix) < SEALED_GATEWAY_PREFIX);
    CHECK(gateway->prefix[0] == '\0' || gateway->prefix[0] == '/');
    CHECK(limits->max_recipients >= 1);
    CHECK(limits->nsizes >= 1 && limits->nsizes <= SEALED_MAX_ENVELOPE_SIZES);
    CHECK(limits->envelope_sizes[0] >= 1);
    CHECK(gateway->max_header <= SEALED_MAX_HEADER);
    CHECK(gateway->max_ttl >= 1);
    CHECK(gateway->max_batch <= UINT16_MAX);
    CHECK(llabs((long long) gateway->clock_difference)
          <= SEALED_CLOCK_DIFFERENCE);

    for (i = 1; i < limits->nsizes; i++) {
        CHECK(limits->envelope_sizes[i - 1] < limits->envelope_sizes[i]);
    }

    if (sealed_gateway_class(&number, gateway, "verified")
        == SEALED_EXIT_OK)
    {
        CHECK(number <= UINT8_MAX);
    }

    (void) sealed_gateway_issues(gateway);
}


/* the status of a mailbox, as its owner, and away with what was read */

static void
ask(sealed_gateway_t *gateway)
{
    int                       rc;
    json_t                   *shown;
    sealed_seen_t             seen;
    sealed_owner_t            owner;
    sealed_mailbox_status_t   status;

    memset(&owner, 0, sizeof(owner));
    owner.gateway = *gateway;
    strcpy(owner.mailbox.id_text, "AAAAAAAAAAAAAAAAAAAAAA");

    rc = sealed_owner_status(&status, &owner);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_NETWORK
          || rc == SEALED_EXIT_REFUSED);

    if (rc == SEALED_EXIT_OK) {
        CHECK(status.next >= 1);
        shown = sealed_mailbox_status_json(json_object(), &status);
        CHECK(json_integer_value(json_object_get(shown, "next"))
              == (json_int_t) status.next);
        json_decref(shown);
        sealed_mailbox_status_show(&status);
    }

    memset(&seen, 0, sizeof(seen));
    CHECK(sealed_state_path(seen.path, "seen", "mailbox") == SEALED_EXIT_OK);
    (void) snprintf(seen.lock, sizeof(seen.lock), "%s.lock", seen.path);

    rc = sealed_owner_acknowledge(&owner, 9, &seen);
    CHECK(rc == SEALED_EXIT_OK || rc == SEALED_EXIT_NETWORK
          || rc == SEALED_EXIT_REFUSED);
    CHECK((rc == SEALED_EXIT_OK) == (seen.through == 9));
}
