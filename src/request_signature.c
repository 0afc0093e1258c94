
#include "request_signature.h"
#include "hash.h"
#include "text.h"

#include <string.h>
#include <sodium.h>


enum {
    PARAM_CREATED = 1,
    PARAM_NONCE   = 2,
    PARAM_KEYID   = 4,
    PARAM_TAG     = 8,
    PARAM_ALG     = 16,
    PARAM_EXPIRES = 32,

    PARAMS_NEEDED = PARAM_CREATED|PARAM_NONCE|PARAM_KEYID|PARAM_TAG,

    MAX_INTEGER_DIGITS = 15         /* RFC 8941, section 3.3.1 */
};


typedef struct {
    const char                   *name;
    size_t                        size;
} component_name_t;


#define NAME(s)  { s, sizeof(s) - 1 }

static const component_name_t  names[SEALED_COMPONENTS] = {
    NAME("@method"),
    NAME("@path"),
    NAME("@query"),
    NAME("content-digest"),
    NAME("sealed-certificate"),
    NAME("ttl"),
    NAME("sealed-delivery"),
    NAME("sealed-frank"),
    NAME("sealed-mailbox-key")
};


static int skip(sealed_bytes_t *in, const char *text, size_t size);
static int read_components(sealed_request_signature_t *signature,
    sealed_bytes_t *in);
static int read_params(sealed_request_signature_t *signature,
    sealed_bytes_t *in);
static int read_integer(uint64_t *value, sealed_bytes_t *in);
static int read_string(sealed_bytes_t *value, sealed_bytes_t *in);
static void signature_base(uint8_t mac[32], const uint8_t *component,
    unsigned count, const sealed_request_t *request, sealed_bytes_t params,
    const uint8_t key[32]);

#define SKIP(in, text)  skip(in, text, sizeof(text) - 1)


int
sealed_request_signature_parse(sealed_request_signature_t *signature,
    sealed_bytes_t input, sealed_bytes_t value)
{
    size_t  size;

    if (SKIP(&value, "sealed=") != 0
        || value.size != SEALED_BYTE_SEQUENCE_SIZE(32)
        || sealed_byte_sequence_decode(signature->mac, 32, &size, value) != 0
        || size != 32)
    {
        return -1;
    }

    if (SKIP(&input, "sealed=") != 0) {
        return -1;
    }

    signature->params = input;

    if (read_components(signature, &input) != 0
        || read_params(signature, &input) != 0)
    {
        return -1;
    }

    return 0;
}


int
sealed_request_signature_covers(const sealed_request_signature_t *signature,
    const sealed_request_t *request)
{
    size_t                 j;
    unsigned               i, covered, needed;
    const sealed_bytes_t  *value;

    covered = 0;

    for (i = 0; i < signature->count; i++) {
        covered |= 1u << signature->component[i];
    }

    needed = (1u << SEALED_METHOD) | (1u << SEALED_PATH)
             | (1u << SEALED_QUERY);

    for (i = SEALED_CONTENT_DIGEST; i < SEALED_COMPONENTS; i++) {
        value = &request->value[i];

        if (value->data == NULL) {
            continue;
        }

        needed |= 1u << i;

        for (j = 0; j < value->size; j++) {
            if (value->data[j] < 0x20 || value->data[j] > 0x7e) {
                return -1;
            }
        }
    }

    if ((request->value[SEALED_CONTENT_DIGEST].data != NULL)
        != (request->has_body != 0))
    {
        return -1;
    }

    return covered == needed ? 0 : -1;
}


int
sealed_request_signature_fresh(const sealed_request_signature_t *signature,
    uint64_t now)
{
    if (signature->created > now + SEALED_CREATED_FUTURE
        || signature->created + SEALED_CREATED_PAST < now
        || signature->expires < now)
    {
        return -1;
    }

    return 0;
}


int
sealed_request_signature_verify(const sealed_request_signature_t *signature,
    const sealed_request_t *request, const uint8_t key[32])
{
    uint8_t  mac[32];

    signature_base(mac, signature->component, signature->count, request,
                   signature->params, key);

    return sodium_memcmp(mac, signature->mac, sizeof(mac));
}


void
sealed_request_signature_sign(char *input, char *value,
    const sealed_request_t *request, const uint8_t key[32],
    const uint8_t keyid[16], uint64_t created, uint64_t nonce)
{
    char            *p;
    uint8_t          mac[32], component[SEALED_COMPONENTS];
    unsigned         i, count;
    sealed_bytes_t   params;

    static const char  label[] = "sealed=";

    count = 0;
    p = input;
    memcpy(p, label, sizeof(label) - 1);
    p += sizeof(label) - 1;
    params.data = (const uint8_t *) p;
    *p++ = '(';

    for (i = 0; i < SEALED_COMPONENTS; i++) {

        if (i > SEALED_QUERY && request->value[i].data == NULL) {
            continue;
        }

        if (count) {
            *p++ = ' ';
        }

        *p++ = '"';
        memcpy(p, names[i].name, names[i].size);
        p += names[i].size;
        *p++ = '"';

        component[count++] = (uint8_t) i;
    }

    memcpy(p, ");created=", 10);
    p = sealed_decimal_encode(p + 10, created);
    memcpy(p, ";nonce=\"", 8);
    p = sealed_decimal_encode(p + 8, nonce);
    memcpy(p, "\";keyid=\"", 9);
    p = sealed_base64url_encode(p + 9, keyid, 16);
    memcpy(p, "\";tag=\"sealed-sender\"", 21);
    p += 21;
    *p = '\0';

    params.size = (size_t) (p - (const char *) params.data);

    signature_base(mac, component, count, request, params, key);

    memcpy(value, label, sizeof(label) - 1);
    p = sealed_byte_sequence_encode(value + sizeof(label) - 1, mac,
                                    sizeof(mac));
    *p = '\0';
}


static int
read_components(sealed_request_signature_t *signature, sealed_bytes_t *in)
{
    unsigned        i, seen;
    sealed_bytes_t  name;

    if (SKIP(in, "(") != 0) {
        return -1;
    }

    seen = 0;
    signature->count = 0;

    for ( ;; ) {

        if (read_string(&name, in) != 0) {
            return -1;
        }

        for (i = 0; i < SEALED_COMPONENTS; i++) {
            if (name.size == names[i].size
                && memcmp(name.data, names[i].name, name.size) == 0)
            {
                break;
            }
        }

        if (i == SEALED_COMPONENTS || (seen & (1u << i))) {
            return -1;
        }

        seen |= 1u << i;
        signature->component[signature->count++] = (uint8_t) i;

        if (SKIP(in, ")") == 0) {
            return 0;
        }

        if (SKIP(in, " ") != 0) {
            return -1;
        }
    }
}


static int
read_params(sealed_request_signature_t *signature, sealed_bytes_t *in)
{
    unsigned        seen, param;
    sealed_bytes_t  string;

    seen = 0;
    signature->expires = UINT64_MAX;

    while (in->size) {

        if (SKIP(in, ";created=") == 0) {
            param = PARAM_CREATED;

            if (read_integer(&signature->created, in) != 0) {
                return -1;
            }

        } else if (SKIP(in, ";expires=") == 0) {
            param = PARAM_EXPIRES;

            if (read_integer(&signature->expires, in) != 0) {
                return -1;
            }

        } else if (SKIP(in, ";nonce=") == 0) {
            param = PARAM_NONCE;

            if (read_string(&string, in) != 0
                || sealed_decimal_decode(&signature->nonce, string) != 0)
            {
                return -1;
            }

        } else if (SKIP(in, ";keyid=") == 0) {
            param = PARAM_KEYID;

            if (read_string(&string, in) != 0
                || sealed_base64url_decode(signature->keyid, 16, string) != 0)
            {
                return -1;
            }

        } else if (SKIP(in, ";tag=\"sealed-sender\"") == 0) {
            param = PARAM_TAG;

        } else if (SKIP(in, ";alg=\"hmac-sha256\"") == 0) {
            param = PARAM_ALG;

        } else {
            return -1;
        }

        if (seen & param) {
            return -1;
        }

        seen |= param;
    }

    return (seen & PARAMS_NEEDED) == PARAMS_NEEDED ? 0 : -1;
}


static int
read_integer(uint64_t *value, sealed_bytes_t *in)
{
    size_t          n;
    sealed_bytes_t  digits;

    n = 0;

    while (n < in->size && in->data[n] >= '0' && in->data[n] <= '9') {
        n++;
    }

    if (n > MAX_INTEGER_DIGITS) {
        return -1;
    }

    digits.data = in->data;
    digits.size = n;

    in->data += n;
    in->size -= n;

    return sealed_decimal_decode(value, digits);
}


/* none of the profile's strings needs an escape, so none is taken */

static int
read_string(sealed_bytes_t *value, sealed_bytes_t *in)
{
    const uint8_t  *quote;

    if (SKIP(in, "\"") != 0 || in->size == 0) {
        return -1;
    }

    quote = memchr(in->data, '"', in->size);
    if (quote == NULL) {
        return -1;
    }

    value->data = in->data;
    value->size = (size_t) (quote - in->data);

    in->data = quote + 1;
    in->size -= value->size + 1;

    return 0;
}


static int
skip(sealed_bytes_t *in, const char *text, size_t size)
{
    if (in->size < size || memcmp(in->data, text, size) != 0) {
        return -1;
    }

    in->data += size;
    in->size -= size;

    return 0;
}


/* RFC 9421, section 2.5 */

static void
signature_base(uint8_t mac[32], const uint8_t *component, unsigned count,
    const sealed_request_t *request, sealed_bytes_t params,
    const uint8_t key[32])
{
    unsigned        i;
    sealed_hmac_t   ctx;
    sealed_bytes_t  value;

    sealed_hmac_init(&ctx, key, SEALED_KEY_SIZE);

    for (i = 0; i < count; i++) {
        sealed_hmac_update(&ctx, "\"", 1);
        sealed_hmac_update(&ctx, names[component[i]].name,
                           names[component[i]].size);
        sealed_hmac_update(&ctx, "\": ", 3);

        if (component[i] == SEALED_QUERY) {
            sealed_hmac_update(&ctx, "?", 1);
        }

        value = request->value[component[i]];

        if (value.size) {
            sealed_hmac_update(&ctx, value.data, value.size);
        }

        sealed_hmac_update(&ctx, "\n", 1);
    }

    sealed_hmac_update(&ctx, "\"@signature-params\": ", 21);
    sealed_hmac_update(&ctx, params.data, params.size);
    sealed_hmac_final(&ctx, mac);
}
