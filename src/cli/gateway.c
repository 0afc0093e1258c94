
#include "gateway.h"
#include "options.h"
#include "output.h"
#include "../text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>


enum {
    DISCOVERY_MAX     = 65536,
    DISCOVERY_TIMEOUT = 20,
    EXCHANGE_KEYS_MAX = 8,
    ENVELOPE_MAX      = 16 * 1024 * 1024
};


static int discover(sealed_gateway_t *gateway);
static const char *read_document(sealed_gateway_t *gateway);
static const char *read_sizes(sealed_gateway_t *gateway);
static int read_number(uint64_t *value, const json_t *document,
    const char *name, uint64_t min, uint64_t max);
static int check_pin(sealed_gateway_t *gateway);
static int pin_given(sealed_gateway_t *gateway, unsigned found);
static int pin_listed(sealed_gateway_t *gateway, size_t position);
static size_t position_of(const sealed_gateway_t *gateway,
    const uint8_t key[32]);
static int listed_key(uint8_t key[32], const sealed_gateway_t *gateway,
    const char *list, size_t position);
static int key_from_text(uint8_t key[32], const char *text, size_t size);


int
sealed_gateway_connect(sealed_gateway_t *gateway, const char *known)
{
    int          rc;
    const char  *url;

    memset(gateway, 0, sizeof(sealed_gateway_t));

    url = sealed_common.gateway;

    if (url == NULL) {
        url = getenv("SEALED_GATEWAY");
    }

    if (url == NULL || url[0] == '\0') {
        url = known;
    }

    if (url == NULL) {
        return sealed_fail(SEALED_EXIT_USAGE, "which gateway? Give "
                           "--gateway URL or set SEALED_GATEWAY");
    }

    rc = sealed_gateway_url(gateway->url, url);

    if (rc == 0) {
        rc = sealed_http_init(&gateway->http);
    }

    if (rc == 0) {
        rc = discover(gateway);
    }

    if (rc == 0) {
        rc = check_pin(gateway);
    }

    if (rc == 0
        && (gateway->clock_difference > SEALED_CLOCK_DIFFERENCE
            || gateway->clock_difference < -SEALED_CLOCK_DIFFERENCE))
    {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "this machine's clock is %lld "
                         "s %s of the gateway's; at most %d s are accepted",
                         llabs((long long) gateway->clock_difference),
                         gateway->clock_difference > 0 ? "behind" : "ahead",
                         SEALED_CLOCK_DIFFERENCE);
    }

    return rc;
}


void
sealed_gateway_close(sealed_gateway_t *gateway)
{
    json_decref(gateway->discovery);
    gateway->discovery = NULL;
    sealed_pin_free(&gateway->pinned);
    sealed_http_close(&gateway->http);
}


int
sealed_gateway_url(char out[SEALED_GATEWAY_URL], const char *text)
{
    size_t       i, size, scheme;
    const char  *host;

    if (strncasecmp(text, "https://", 8) == 0) {
        scheme = 8;

    } else if (strncasecmp(text, "http://", 7) == 0) {
        scheme = 7;

    } else {
        return sealed_fail(SEALED_EXIT_USAGE, "%s: a gateway is "
                           "http(s)://host[:port]", text);
    }

    host = text + scheme;
    size = strcspn(host, "/");

    if (size == 0
        || scheme + size >= SEALED_GATEWAY_URL
        || (host[size] == '/' && host[size + 1] != '\0')
        || strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-_:[]")
           != size)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "%s: a gateway is "
                           "http(s)://host[:port] and nothing behind", text);
    }

    for (i = 0; i < scheme + size; i++) {
        out[i] = (char) tolower((unsigned char) text[i]);
    }

    out[i] = '\0';

    return SEALED_EXIT_OK;
}


static int
discover(sealed_gateway_t *gateway)
{
    int                     rc;
    char                    url[SEALED_GATEWAY_URL + 64];
    uint64_t                time_there;
    const char             *wrong;
    sealed_response_t       response;
    sealed_http_request_t   request;

    snprintf(url, sizeof(url), "%s/.well-known/sealed-sender", gateway->url);

    memset(&request, 0, sizeof(request));
    request.method = "GET";
    request.url = url;
    request.timeout = DISCOVERY_TIMEOUT;
    request.max_size = DISCOVERY_MAX;

    if (sealed_http_send(&gateway->http, &request, &response) != 0) {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: %s", gateway->url,
                           gateway->http.error);
    }

    sealed_detail("GET %s: %u, HTTP/%u.%u, %zu octets", url, response.status,
                  response.version / 10, response.version % 10,
                  response.size);

    if (response.status != 200) {
        rc = sealed_fail(SEALED_EXIT_NETWORK, "%s: no sealed-sender gateway "
                         "there (its discovery document is answered with "
                         "%u)", gateway->url, response.status);
        sealed_response_free(&response);
        return rc;
    }

    gateway->discovery = json_loadb((const char *) response.body,
                                    response.size, JSON_REJECT_DUPLICATES,
                                    NULL);
    sealed_response_free(&response);

    wrong = read_document(gateway);

    if (wrong == NULL
        && read_number(&time_there, gateway->discovery, "time", 1,
                       INT64_MAX)
           != 0)
    {
        wrong = "\"time\"";
    }

    if (wrong) {
        return sealed_fail(SEALED_EXIT_NETWORK, "%s: its discovery document "
                           "is not understood: %s", gateway->url, wrong);
    }

    gateway->clock_difference = (int64_t) time_there - (int64_t) time(NULL);

    return SEALED_EXIT_OK;
}


/* returns what is wrong */

static const char *
read_document(sealed_gateway_t *gateway)
{
    size_t       i, size;
    uint8_t      key[32];
    json_t      *keys;
    uint64_t     value;
    const char  *prefix;

    if (!json_is_object(gateway->discovery)) {
        return "it is not a JSON object";
    }

    if (read_number(&value, gateway->discovery, "version",
                    SEALED_PROTOCOL_VERSION, SEALED_PROTOCOL_VERSION)
        != 0)
    {
        return "another \"version\"";
    }

    prefix = json_string_value(json_object_get(gateway->discovery,
                                               "prefix"));
    size = prefix ? strlen(prefix) : 0;

    if (size == 0
        || size >= SEALED_GATEWAY_PREFIX
        || prefix[0] != '/'
        || strspn(prefix, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
                          "XYZ0123456789._~-/")
           != size)
    {
        return "\"prefix\"";
    }

    strcpy(gateway->prefix, size == 1 ? "" : prefix);

    keys = json_object_get(gateway->discovery, "exchange_keys");
    size = json_array_size(keys);

    if (size == 0 || size > EXCHANGE_KEYS_MAX) {
        return "\"exchange_keys\"";
    }

    for (i = 0; i < size; i++) {
        if (listed_key(key, gateway, "exchange_keys", i) != 0) {
            return "\"exchange_keys\"";
        }

        if (listed_key(key, gateway, "issuer_keys", i) != 0) {
            return "\"issuer_keys\"";
        }
    }

    if (json_array_size(json_object_get(gateway->discovery, "issuer_keys"))
        != size)
    {
        return "\"issuer_keys\"";
    }

    if (!json_is_object(json_object_get(gateway->discovery, "classes"))) {
        return "\"classes\"";
    }

    if (read_number(&value, gateway->discovery, "epoch_seconds", 1,
                    UINT32_MAX)
        != 0)
    {
        return "\"epoch_seconds\"";
    }

    if (read_number(&gateway->max_batch, gateway->discovery, "max_batch", 0,
                    UINT16_MAX)
        != 0)
    {
        return "\"max_batch\"";
    }

    if (read_number(&value, gateway->discovery, "max_header", 0,
                    SEALED_MAX_HEADER)
        != 0)
    {
        return "\"max_header\"";
    }

    gateway->max_header = (uint32_t) value;

    if (read_number(&gateway->max_ttl, gateway->discovery, "max_ttl", 1,
                    UINT32_MAX)
        != 0)
    {
        return "\"max_ttl\"";
    }

    return read_sizes(gateway);
}


static const char *
read_sizes(sealed_gateway_t *gateway)
{
    size_t                   i, size;
    json_t                  *sizes;
    uint64_t                 value;
    json_int_t               last, n;
    sealed_fanout_limits_t  *limits;

    limits = &gateway->limits;

    if (read_number(&value, gateway->discovery, "max_recipients", 1,
                    1024 * 1024)
        != 0)
    {
        return "\"max_recipients\"";
    }

    limits->max_recipients = (uint32_t) value;

    sizes = json_object_get(gateway->discovery, "envelope_sizes");
    size = json_array_size(sizes);

    if (size == 0 || size > SEALED_MAX_ENVELOPE_SIZES) {
        return "\"envelope_sizes\"";
    }

    last = 0;

    for (i = 0; i < size; i++) {
        n = json_integer_value(json_array_get(sizes, i));

        if (n <= last || n > ENVELOPE_MAX) {
            return "\"envelope_sizes\"";
        }

        limits->envelope_sizes[i] = (uint32_t) n;
        last = n;
    }

    limits->nsizes = (unsigned) size;

    return NULL;
}


static int
read_number(uint64_t *value, const json_t *document, const char *name,
    uint64_t min, uint64_t max)
{
    json_t      *member;
    json_int_t   n;

    member = json_object_get(document, name);
    n = json_integer_value(member);

    if (!json_is_integer(member)
        || n < 0 || (uint64_t) n < min || (uint64_t) n > max)
    {
        return -1;
    }

    *value = (uint64_t) n;

    return 0;
}


static int
check_pin(sealed_gateway_t *gateway)
{
    int          rc;
    size_t       position;
    uint8_t      issuer[32];
    unsigned     found;
    const char  *newest;

    rc = sealed_pin_read(&gateway->pinned, &found, gateway->url);

    if (rc == 0 && sealed_common.pin) {
        rc = pin_given(gateway, found);
        found = 1;

    } else if (rc == 0 && !found) {
        gateway->pin = SEALED_PIN_FIRST_USE;
        rc = pin_listed(gateway, 0);
    }

    if (rc) {
        return rc;
    }

    memcpy(gateway->exchange_key, gateway->pinned.exchange_key, 32);

    newest = json_string_value(json_array_get(
                 json_object_get(gateway->discovery, "exchange_keys"), 0));

    if (gateway->pin == SEALED_PIN_FIRST_USE) {
        sealed_remark("First use of %s: from now on its key is expected to "
                      "be %s", gateway->url, newest);
        return SEALED_EXIT_OK;
    }

    position = position_of(gateway, gateway->exchange_key);

    if (position == SIZE_MAX) {
        return sealed_fail(SEALED_EXIT_PIN, "the keys of %s changed: the "
                           "one it was known by is gone, and nothing was "
                           "sent. Ask its operator; if the new key is right,"
                           " say --pin %s once", gateway->url, newest);
    }

    if (!gateway->pinned.has_issuer) {
        return pin_listed(gateway, position);
    }

    if (listed_key(issuer, gateway, "issuer_keys", position) != 0
        || memcmp(issuer, gateway->pinned.issuer_key, 32) != 0)
    {
        return sealed_fail(SEALED_EXIT_PIN, "%s shows another issuer key "
                           "than the one it is known by. Certificates under "
                           "a key of their own could be recognised; nothing "
                           "was sent. Ask its operator", gateway->url);
    }

    return SEALED_EXIT_OK;
}


/* --pin EXCHANGE or EXCHANGE,ISSUER */

static int
pin_given(sealed_gateway_t *gateway, unsigned found)
{
    size_t       size, position;
    uint8_t      key[32], issuer[32], listed[32];
    const char  *text;

    text = sealed_common.pin;
    size = strcspn(text, ",");

    if (key_from_text(key, text, size) != 0
        || (text[size]
            && key_from_text(issuer, text + size + 1,
                             strlen(text + size + 1))
               != 0))
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--pin: a key is 43 "
                           "characters of base64url; an issuer key follows "
                           "a comma");
    }

    position = position_of(gateway, key);

    if (position == SIZE_MAX) {
        return sealed_fail(SEALED_EXIT_PIN, "%s does not have the key given "
                           "with --pin; it has %s", gateway->url,
                           json_string_value(json_array_get(
                               json_object_get(gateway->discovery,
                                               "exchange_keys"), 0)));
    }

    if (text[size]
        && (listed_key(listed, gateway, "issuer_keys", position) != 0
            || memcmp(listed, issuer, 32) != 0))
    {
        return sealed_fail(SEALED_EXIT_PIN, "%s does not have the issuer "
                           "key given with --pin", gateway->url);
    }

    if (!found || memcmp(key, gateway->pinned.exchange_key, 32) != 0) {
        gateway->pin = SEALED_PIN_GIVEN;
    }

    return pin_listed(gateway, position);
}


/* the keys at this position, and what is said about epochs and classes */

static int
pin_listed(sealed_gateway_t *gateway, size_t position)
{
    sealed_pin_t  *pin;

    pin = &gateway->pinned;
    sealed_pin_free(pin);

    if (listed_key(pin->exchange_key, gateway, "exchange_keys", position)
        != 0
        || listed_key(pin->issuer_key, gateway, "issuer_keys", position)
           != 0)
    {
        return SEALED_EXIT_NETWORK;
    }

    pin->has_issuer = 1;
    pin->epoch_seconds = (uint64_t) json_integer_value(
                             json_object_get(gateway->discovery,
                                             "epoch_seconds"));
    pin->classes = json_incref(json_object_get(gateway->discovery,
                                               "classes"));

    return sealed_pin_write(pin, gateway->url);
}


int
sealed_gateway_class(unsigned *number, const sealed_gateway_t *gateway,
    const char *name)
{
    json_t              *known, *listed;
    uint64_t             epoch, seconds;
    const sealed_pin_t  *pin;

    pin = &gateway->pinned;

    known = json_object_get(pin->classes, name);
    listed = json_object_get(json_object_get(gateway->discovery, "classes"),
                             name);

    if (!json_is_integer(known)
        || json_integer_value(known) < 0
        || json_integer_value(known) > UINT8_MAX)
    {
        return sealed_fail(SEALED_EXIT_PIN, "there is no class \"%s\" among "
                           "those that %s is known for; if its operator "
                           "made it later, say --pin once more", name,
                           gateway->url);
    }

    if (!json_equal(known, listed)
        || read_number(&seconds, gateway->discovery, "epoch_seconds", 1,
                       UINT32_MAX)
           != 0
        || seconds != pin->epoch_seconds)
    {
        return sealed_fail(SEALED_EXIT_PIN, "%s says something else about "
                           "its class \"%s\" or its epochs than it is known "
                           "for; nothing was sent", gateway->url, name);
    }

    if (read_number(&epoch, gateway->discovery, "epoch", 0, UINT32_MAX) != 0
        || epoch != (uint64_t) json_integer_value(
                        json_object_get(gateway->discovery, "time"))
                    / seconds)
    {
        return sealed_fail(SEALED_EXIT_PIN, "%s is in another epoch than "
                           "its own time says", gateway->url);
    }

    *number = (unsigned) json_integer_value(known);

    return SEALED_EXIT_OK;
}


int
sealed_gateway_issues(const sealed_gateway_t *gateway)
{
    uint8_t  issuer[32];

    if (gateway->max_batch == 0) {
        return sealed_fail(SEALED_EXIT_REFUSED, "%s issues no certificates",
                           gateway->url);
    }

    if (listed_key(issuer, gateway, "issuer_keys", 0) != 0
        || memcmp(issuer, gateway->pinned.issuer_key, 32) != 0)
    {
        return sealed_fail(SEALED_EXIT_PIN, "%s issues under a newer key "
                           "than the one it is known by; if its operator "
                           "says so, accept it with --pin", gateway->url);
    }

    return SEALED_EXIT_OK;
}


/* of an exchange key, or SIZE_MAX */

static size_t
position_of(const sealed_gateway_t *gateway, const uint8_t key[32])
{
    size_t    i;
    uint8_t   listed[32];

    for (i = 0; listed_key(listed, gateway, "exchange_keys", i) == 0; i++) {
        if (memcmp(listed, key, 32) == 0) {
            return i;
        }
    }

    return SIZE_MAX;
}


static int
listed_key(uint8_t key[32], const sealed_gateway_t *gateway,
    const char *list, size_t position)
{
    const char  *text;

    text = json_string_value(json_array_get(
               json_object_get(gateway->discovery, list), position));

    return text ? key_from_text(key, text, strlen(text)) : -1;
}


static int
key_from_text(uint8_t key[32], const char *text, size_t size)
{
    sealed_bytes_t  encoded;

    encoded.data = (const uint8_t *) text;
    encoded.size = size;

    return sealed_base64url_decode(key, 32, encoded);
}
