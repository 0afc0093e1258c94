
/*
 * Signed requests of the protocol, each with the text under its signature,
 * and the gateway's way through one.
 */

#ifndef SEALED_TEST_REQUEST_SIGNATURE_VECTORS_H
#define SEALED_TEST_REQUEST_SIGNATURE_VECTORS_H


#include "vectors.h"
#include "request_signature.h"


#define NOW  1800000100

#define PATH  "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4Q"

#define CERTIFICATE_BLIND                                                    \
    ":AgEAB6EgX8GlNqdpZcN/E2HtyKIVQ7/AYyYOeZdSQk8TAX8DZWM=:"
#define CERTIFICATE_SIGNED                                                   \
    ":AQIAAAAAa0nSAAAAAABrSyOA94W4h5uo2iFlXsfvsneQvwS/pIIlUwvLtyLxtQj9"      \
    "2lVpK86UwzCAeRp2mpXht9LUWlZJnBLYf8pnlHS3QiGdv+FpwaOjJ34SozrOIMh8"      \
    "fkTUS1McGnF5FV6vkHXJE+Q7vnkSg2DLhAY=:"
#define DIGEST  "sha-256=:u4bd27phzjEeV40H9pMTjF920ZJMgBChp8xc5SKG8dY=:"
#define OWNER_KEY  ":FY7pgHxvOSy5ugakhAQJcVT4AYOVRAW0oTRpprkFGQI=:"

#define DERIVED  "\"@method\" \"@path\" \"@query\""


/*
 * The protocol's signed requests: an envelope, opening a mailbox, reading,
 * status; the text under each signature, without its last line's value.
 */

#define PARAMS1                                                              \
    "(" DERIVED " \"content-digest\" \"sealed-certificate\" \"ttl\")"        \
    ";created=1800000100;nonce=\"1\""                                        \
    ";keyid=\"4c5BnIOIgkT3wvup0f6Cpg\";tag=\"sealed-sender\""

#define PARAMS2                                                              \
    "(" DERIVED " \"sealed-certificate\" \"sealed-mailbox-key\")"            \
    ";created=1800000100;nonce=\"18446744073709551615\""                     \
    ";keyid=\"9MAMX5-kD5oxsJbt69ugTQ\";tag=\"sealed-sender\""

#define PARAMS3                                                              \
    "(" DERIVED ");created=1800000100;nonce=\"2\""                           \
    ";keyid=\"bx1Vw5vafPPX3QiO5KCw4Q\";tag=\"sealed-sender\""

#define PARAMS4                                                              \
    "(" DERIVED ");created=1800000100;nonce=\"3\""                           \
    ";keyid=\"bx1Vw5vafPPX3QiO5KCw4Q\";tag=\"sealed-sender\""

#define LAST_LINE  "\"@signature-params\": "


typedef struct {
    const char                   *key;
    const char                   *value[SEALED_COMPONENTS];
    unsigned                      has_body;
    unsigned                      count;
    const char                   *keyid;
    uint64_t                      nonce;
    const char                   *base;
    const char                   *input;
    const char                   *signature;
} vector_t;


static const vector_t  vectors[] = {
    {
        "63b2eed87d44a54e7a943dbc0567bbcae23dfb48d95ff591a363031664bca659",
        { "POST", PATH "/envelopes", NULL, DIGEST, CERTIFICATE_BLIND, "3600",
          NULL, NULL, NULL },
        1, 6, "e1ce419c83888244f7c2fba9d1fe82a6", 1,
        "\"@method\": POST\n"
        "\"@path\": " PATH "/envelopes\n"
        "\"@query\": ?\n"
        "\"content-digest\": " DIGEST "\n"
        "\"sealed-certificate\": " CERTIFICATE_BLIND "\n"
        "\"ttl\": 3600\n"
        LAST_LINE PARAMS1,
        "sealed=" PARAMS1,
        "sealed=:czlhr2/WpTYUH9SJNyCW+/3efXXPnFYvj56jlo32LUA=:"
    },

    {
        "936cd225e9549da644570f9cfe4043b9263a94c8e15dabf8cc27101a3e786045",
        { "PUT", PATH, NULL, NULL, CERTIFICATE_SIGNED, NULL, NULL, NULL,
          OWNER_KEY },
        0, 5, "f4c00c5f9fa40f9a31b096edebdba04d", UINT64_MAX,
        "\"@method\": PUT\n"
        "\"@path\": " PATH "\n"
        "\"@query\": ?\n"
        "\"sealed-certificate\": " CERTIFICATE_SIGNED "\n"
        "\"sealed-mailbox-key\": " OWNER_KEY "\n"
        LAST_LINE PARAMS2,
        "sealed=" PARAMS2,
        "sealed=:9Rg+KS5yhz1oKa1Xtw89eHbifIrsFPiieY9mUU9H2wY=:"
    },

    {
        "bd537a948556346a3dcd51cb646a8dce2ddf3f64b0819e0d39355897e0d8650c",
        { "GET", PATH "/envelopes", "after=0&limit=100&wait=60", NULL, NULL,
          NULL, NULL, NULL, NULL },
        0, 3, "6f1d55c39bda7cf3d7dd088ee4a0b0e1", 2,
        "\"@method\": GET\n"
        "\"@path\": " PATH "/envelopes\n"
        "\"@query\": ?after=0&limit=100&wait=60\n"
        LAST_LINE PARAMS3,
        "sealed=" PARAMS3,
        "sealed=:XHY/r7bRphAqCC/FZ7W8iOrH9MJaAS64esAFZOQ0bzY=:"
    },

    {
        "bd537a948556346a3dcd51cb646a8dce2ddf3f64b0819e0d39355897e0d8650c",
        { "GET", PATH, NULL, NULL, NULL, NULL, NULL, NULL, NULL },
        0, 3, "6f1d55c39bda7cf3d7dd088ee4a0b0e1", 3,
        "\"@method\": GET\n"
        "\"@path\": " PATH "\n"
        "\"@query\": ?\n"
        LAST_LINE PARAMS4,
        "sealed=" PARAMS4,
        "sealed=:613M6Jdeo3Zs5RgAir9JSJ6ZcxBnZwOVwAbNdhQ4jW8=:"
    }
};

#define VECTORS  (sizeof(vectors) / sizeof(vectors[0]))


/* inputs in blocks of exactly their size; free_request() it */

static inline void
make_request(sealed_request_t *request, const vector_t *v)
{
    unsigned  i;

    memset(request, 0, sizeof(sealed_request_t));
    request->has_body = v->has_body;

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        if (v->value[i]) {
            request->value[i] = exact_text(v->value[i]);
        }
    }
}


static inline void
free_request(sealed_request_t *request)
{
    unsigned  i;

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        free_bytes(request->value[i]);
    }
}


/* the gateway's way: 0 when everything holds */

static inline int
check(const sealed_request_t *request, sealed_bytes_t input,
    sealed_bytes_t value, const uint8_t key[32])
{
    sealed_request_signature_t  s;

    if (sealed_request_signature_parse(&s, input, value) != 0
        || sealed_request_signature_covers(&s, request) != 0
        || sealed_request_signature_fresh(&s, NOW) != 0)
    {
        return -1;
    }

    return sealed_request_signature_verify(&s, request, key);
}


#endif /* SEALED_TEST_REQUEST_SIGNATURE_VECTORS_H */
