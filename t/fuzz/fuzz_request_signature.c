
/*
 * Lines: Signature-Input, Signature, then the nine components in the order
 * of sealed_component_t, "-" where one is absent, then "body" if there is
 * one.
 */

#include "fuzz.h"
#include "request_signature.h"
#include "text.h"


/* those of the protocol's signed requests */

static const char  *keys[] = {
    "63b2eed87d44a54e7a943dbc0567bbcae23dfb48d95ff591a363031664bca659",
    "936cd225e9549da644570f9cfe4043b9263a94c8e15dabf8cc27101a3e786045",
    "bd537a948556346a3dcd51cb646a8dce2ddf3f64b0819e0d39355897e0d8650c"
};


static void check_parsed(const sealed_request_signature_t *signature,
    sealed_bytes_t input, sealed_bytes_t value);
static void check_occurs(sealed_bytes_t text, const char *name,
    const char *value, size_t size, const char *quote);
static int well_formed(const sealed_request_t *request);
static void check_coverage(const sealed_request_signature_t *signature,
    const sealed_request_t *request);
static void check_verify(const sealed_request_signature_t *signature,
    const sealed_request_t *request);
static void check_sign(const sealed_request_t *request, uint64_t created,
    uint64_t nonce, const uint8_t keyid[16]);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t                      digest[32];
    uint64_t                     created, nonce;
    unsigned                     i;
    sealed_bytes_t               input, value, body;
    const uint8_t               *pos, *end;
    sealed_request_t             request;
    sealed_request_signature_t   signature;

    pos = data;
    end = data + size;

    input = next_line(&pos, end);
    value = next_line(&pos, end);

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        request.value[i] = next_line(&pos, end);

        if (i >= SEALED_QUERY
            && request.value[i].size == 1
            && request.value[i].data[0] == '-')
        {
            free_copy(request.value[i]);
            request.value[i].data = NULL;
            request.value[i].size = 0;
        }
    }

    body = next_line(&pos, end);
    request.has_body = body.size == 4 && memcmp(body.data, "body", 4) == 0;

    crypto_hash_sha256(digest, data, size);
    memcpy(&created, digest, sizeof(created));
    memcpy(&nonce, digest + 8, sizeof(nonce));
    created %= 1000000000000000;

    if (sealed_request_signature_parse(&signature, input, value) == 0) {
        check_parsed(&signature, input, value);
        check_coverage(&signature, &request);
        check_verify(&signature, &request);

        created = signature.created;
        nonce = signature.nonce;
    }

    check_sign(&request, created, nonce, digest + 16);

    free_copy(input);
    free_copy(value);
    free_copy(body);

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        free_copy(request.value[i]);
    }

    return 0;
}


static void
check_parsed(const sealed_request_signature_t *signature,
    sealed_bytes_t input, sealed_bytes_t value)
{
    char      text[128], *end;
    uint64_t  now;
    unsigned  i, seen;

    CHECK(signature->params.data == input.data + 7);
    CHECK(signature->params.size == input.size - 7);
    CHECK(signature->count >= 1 && signature->count <= SEALED_COMPONENTS);

    seen = 0;

    for (i = 0; i < signature->count; i++) {
        CHECK(signature->component[i] < SEALED_COMPONENTS);
        CHECK(!(seen & (1u << signature->component[i])));
        seen |= 1u << signature->component[i];
    }

    /* what was understood stands there, in the only way to write it */

    end = sealed_decimal_encode(text, signature->created);
    check_occurs(input, ";created=", text, (size_t) (end - text), "");

    end = sealed_decimal_encode(text, signature->nonce);
    check_occurs(input, ";nonce=\"", text, (size_t) (end - text), "\"");

    end = sealed_base64url_encode(text, signature->keyid, 16);
    check_occurs(input, ";keyid=\"", text, (size_t) (end - text), "\"");

    check_occurs(input, ";tag=\"", "sealed-sender", 13, "\"");

    if (signature->expires != UINT64_MAX) {
        end = sealed_decimal_encode(text, signature->expires);
        check_occurs(input, ";expires=", text, (size_t) (end - text), "");
    }

    memcpy(text, "sealed=", 7);
    end = sealed_byte_sequence_encode(text + 7, signature->mac, 32);
    CHECK(value.size == (size_t) (end - text));
    CHECK(memcmp(value.data, text, value.size) == 0);

    for (i = 0; i < 4; i++) {
        now = i == 0 ? 0 : i == 1 ? signature->created
              : i == 2 ? signature->created + 301
              : signature->created > 61 ? signature->created - 61 : 0;

        CHECK((sealed_request_signature_fresh(signature, now) == 0)
              == (now <= signature->created + 300
                  && signature->created <= now + 60
                  && signature->expires >= now));
    }
}


static void
check_occurs(sealed_bytes_t text, const char *name, const char *value,
    size_t size, const char *quote)
{
    char    whole[128], *p;

    p = stpcpy(whole, name);
    memcpy(p, value, size);
    p = stpcpy(p + size, quote);

    CHECK(memmem(text.data, text.size, whole, (size_t) (p - whole)) != NULL);
}


/* whether any signature at all can cover it */

static int
well_formed(const sealed_request_t *request)
{
    size_t    j;
    unsigned  i;

    for (i = SEALED_CONTENT_DIGEST; i < SEALED_COMPONENTS; i++) {
        for (j = 0; j < request->value[i].size; j++) {
            if (request->value[i].data[j] < ' '
                || request->value[i].data[j] > '~')
            {
                return 0;
            }
        }
    }

    return (request->value[SEALED_CONTENT_DIGEST].data != NULL)
           == (request->has_body != 0);
}


static void
check_coverage(const sealed_request_signature_t *signature,
    const sealed_request_t *request)
{
    int       right, there;
    unsigned  i, j;

    right = well_formed(request);

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        there = 0;

        for (j = 0; j < signature->count; j++) {
            there |= signature->component[j] == i;
        }

        right = right
                && there == (i <= SEALED_QUERY
                             || request->value[i].data != NULL);
    }

    CHECK(sealed_request_signature_covers(signature, request)
          == (right ? 0 : -1));
}


static void
check_verify(const sealed_request_signature_t *signature,
    const sealed_request_t *request)
{
    uint8_t                     key[32];
    unsigned                    i, held;
    sealed_request_signature_t  other;

    held = 0;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        unhex(key, sizeof(key), keys[i]);

        if (sealed_request_signature_verify(signature, request, key) != 0) {
            continue;
        }

        held++;

        other = *signature;
        other.mac[signature->nonce % 32] ^= 0x80;
        CHECK(sealed_request_signature_verify(&other, request, key) != 0);

        key[31] ^= 1;
        CHECK(sealed_request_signature_verify(signature, request, key) != 0);
    }

    CHECK(held <= 1);
}


/* what a client signs a gateway takes, and nothing next to it */

static void
check_sign(const sealed_request_t *request, uint64_t created, uint64_t nonce,
    const uint8_t keyid[16])
{
    char                        *input, *value;
    uint8_t                      key[32];
    unsigned                     i;
    sealed_bytes_t               in, out;
    sealed_request_t             other;
    sealed_request_signature_t   signature;

    unhex(key, sizeof(key), keys[0]);

    input = malloc(SEALED_SIGNATURE_INPUT_MAX);
    value = malloc(SEALED_SIGNATURE_MAX);
    CHECK(input != NULL && value != NULL);

    sealed_request_signature_sign(input, value, request, key, keyid, created,
                                  nonce);

    in = copy(input, strlen(input));
    out = copy(value, strlen(value));

    CHECK(sealed_request_signature_parse(&signature, in, out) == 0);
    CHECK(signature.created == created);
    CHECK(signature.nonce == nonce);
    CHECK(signature.expires == UINT64_MAX);
    CHECK(memcmp(signature.keyid, keyid, 16) == 0);
    CHECK(sealed_request_signature_verify(&signature, request, key) == 0);
    CHECK(sealed_request_signature_covers(&signature, request)
          == (well_formed(request) ? 0 : -1));

    /* each value counts: without its last octet it does not hold */

    for (i = 0; i < SEALED_COMPONENTS; i++) {

        if (request->value[i].size == 0) {
            continue;
        }

        other = *request;
        other.value[i].size--;

        CHECK(sealed_request_signature_verify(&signature, &other, key) != 0);
    }

    free(input);
    free(value);
    free_copy(in);
    free_copy(out);
}
