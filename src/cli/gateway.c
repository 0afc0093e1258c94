
#include "gateway.h"
#include "options.h"
#include "output.h"
#include "state.h"
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
static int lists_key(const sealed_gateway_t *gateway,
    const uint8_t key[32]);
static int key_from_text(uint8_t key[32], const char *text);


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
        if (key_from_text(key, json_string_value(json_array_get(keys, i)))
            != 0)
        {
            return "\"exchange_keys\"";
        }
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
    uint8_t      key[32];
    unsigned     found;
    const char  *newest;

    newest = json_string_value(json_array_get(
                 json_object_get(gateway->discovery, "exchange_keys"), 0));

    rc = sealed_pin_read(gateway->exchange_key, &found, gateway->url);
    if (rc) {
        return rc;
    }

    if (sealed_common.pin) {

        if (key_from_text(key, sealed_common.pin) != 0) {
            return sealed_fail(SEALED_EXIT_USAGE, "--pin: a key is 43 "
                               "characters of base64url");
        }

        if (!lists_key(gateway, key)) {
            return sealed_fail(SEALED_EXIT_PIN, "%s does not have the key "
                               "given with --pin; it has %s", gateway->url,
                               newest);
        }

        if (found && memcmp(key, gateway->exchange_key, 32) == 0) {
            return SEALED_EXIT_OK;
        }

        memcpy(gateway->exchange_key, key, 32);
        gateway->pin = SEALED_PIN_GIVEN;

        return sealed_pin_write(key, gateway->url);
    }

    if (!found) {

        if (key_from_text(gateway->exchange_key, newest) != 0) {
            return SEALED_EXIT_NETWORK;
        }

        gateway->pin = SEALED_PIN_FIRST_USE;

        sealed_remark("First use of %s: from now on its key is expected to "
                      "be %s", gateway->url, newest);

        return sealed_pin_write(gateway->exchange_key, gateway->url);
    }

    if (!lists_key(gateway, gateway->exchange_key)) {
        return sealed_fail(SEALED_EXIT_PIN, "the keys of %s changed: the "
                           "one it was known by is gone, and nothing was "
                           "sent. Ask its operator; if the new key is right,"
                           " say --pin %s once", gateway->url, newest);
    }

    return SEALED_EXIT_OK;
}


static int
lists_key(const sealed_gateway_t *gateway, const uint8_t key[32])
{
    size_t    i;
    json_t   *keys;
    uint8_t   listed[32];

    keys = json_object_get(gateway->discovery, "exchange_keys");

    for (i = 0; i < json_array_size(keys); i++) {
        if (key_from_text(listed, json_string_value(json_array_get(keys, i)))
            == 0
            && memcmp(listed, key, 32) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static int
key_from_text(uint8_t key[32], const char *text)
{
    sealed_bytes_t  encoded;

    if (text == NULL) {
        return -1;
    }

    encoded.data = (const uint8_t *) text;
    encoded.size = strlen(text);

    return sealed_base64url_decode(key, 32, encoded);
}
