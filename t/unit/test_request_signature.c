
#include "vectors.h"
#include "request_signature.h"
#include "hash.h"
#include "text.h"

#include <sodium.h>


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

static void
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


static void
free_request(sealed_request_t *request)
{
    unsigned  i;

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        free_bytes(request->value[i]);
    }
}


/* the gateway's way: 0 when everything holds */

static int
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


static int
parse(sealed_request_signature_t *s, const char *input, const char *value)
{
    int             rc;
    sealed_bytes_t  in, val;

    in = exact_text(input);
    val = exact_text(value);

    memset(s, 0x5a, sizeof(sealed_request_signature_t));
    rc = sealed_request_signature_parse(s, in, val);

    free_bytes(in);
    free_bytes(val);

    return rc;
}


static void
test_vectors(void **state)
{
    char                        input[SEALED_SIGNATURE_INPUT_MAX];
    char                        value[SEALED_SIGNATURE_MAX];
    uint8_t                     key[32], mac[32], keyid[16];
    unsigned                    i;
    sealed_hmac_t               ctx;
    sealed_bytes_t              in, val;
    const vector_t             *v;
    sealed_request_t            request;
    sealed_request_signature_t  s;

    for (i = 0; i < VECTORS; i++) {
        v = &vectors[i];
        make_request(&request, v);
        (void) unhex(key, 32, v->key);
        (void) unhex(keyid, 16, v->keyid);

        in = exact_text(v->input);
        val = exact_text(v->signature);

        assert_int_equal(sealed_request_signature_parse(&s, in, val), 0);
        assert_int_equal(s.count, v->count);
        assert_int_equal(s.component[0], SEALED_METHOD);
        assert_int_equal(s.component[1], SEALED_PATH);
        assert_int_equal(s.component[2], SEALED_QUERY);
        assert_int_equal(s.created, NOW);
        assert_true(s.expires == UINT64_MAX);
        assert_true(s.nonce == v->nonce);
        assert_memory_equal(s.keyid, keyid, 16);
        assert_ptr_equal(s.params.data, in.data + 7);
        assert_int_equal(s.params.size, in.size - 7);

        assert_int_equal(sealed_request_signature_covers(&s, &request), 0);
        assert_int_equal(sealed_request_signature_fresh(&s, NOW), 0);
        assert_int_equal(sealed_request_signature_verify(&s, &request, key),
                         0);

        /* the text in one piece gives the same */

        sealed_hmac_init(&ctx, key, sizeof(key));
        sealed_hmac_update(&ctx, v->base, strlen(v->base));
        sealed_hmac_final(&ctx, mac);
        assert_memory_equal(mac, s.mac, 32);

        /* and the client writes exactly this */

        memset(input, '#', sizeof(input));
        memset(value, '#', sizeof(value));
        sealed_request_signature_sign(input, value, &request, key, keyid,
                                      NOW, v->nonce);
        assert_string_equal(input, v->input);
        assert_string_equal(value, v->signature);

        free_bytes(in);
        free_bytes(val);
        free_request(&request);
    }
}


/* any octet of either header replaced by any other */

static void
test_every_octet_of_headers(void **state)
{
    size_t             n;
    uint8_t            key[32], *p;
    unsigned           i, other;
    sealed_bytes_t     in, val;
    sealed_request_t   request;

    for (i = 0; i < VECTORS; i++) {
        make_request(&request, &vectors[i]);
        (void) unhex(key, 32, vectors[i].key);
        in = exact_text(vectors[i].input);
        val = exact_text(vectors[i].signature);
        assert_int_equal(check(&request, in, val, key), 0);

        p = (uint8_t *) in.data;

        for (n = 0; n < in.size; n++) {
            for (other = 1; other < 256; other++) {
                p[n] ^= (uint8_t) other;
                assert_int_equal(check(&request, in, val, key), -1);
                p[n] ^= (uint8_t) other;
            }
        }

        p = (uint8_t *) val.data;

        for (n = 0; n < val.size; n++) {
            for (other = 1; other < 256; other++) {
                p[n] ^= (uint8_t) other;
                assert_int_equal(check(&request, in, val, key), -1);
                p[n] ^= (uint8_t) other;
            }
        }

        assert_int_equal(check(&request, in, val, key), 0);

        free_bytes(in);
        free_bytes(val);
        free_request(&request);
    }
}


/* any octet of what is signed, of the key; anything missing or more */

static void
test_every_octet_of_request(void **state)
{
    size_t             n;
    uint8_t            key[32], *p;
    unsigned           i, c, other;
    sealed_bytes_t     in, val, shorter, none, again;
    sealed_request_t   request;

    none.data = NULL;
    none.size = 0;

    for (i = 0; i < VECTORS; i++) {
        make_request(&request, &vectors[i]);
        (void) unhex(key, 32, vectors[i].key);
        in = exact_text(vectors[i].input);
        val = exact_text(vectors[i].signature);

        for (c = 0; c < SEALED_COMPONENTS; c++) {

            p = (uint8_t *) request.value[c].data;

            for (n = 0; n < request.value[c].size; n++) {
                for (other = 1; other < 256; other++) {
                    p[n] ^= (uint8_t) other;
                    assert_int_equal(check(&request, in, val, key), -1);
                    p[n] ^= (uint8_t) other;
                }
            }

            again = request.value[c];

            if (again.data) {
                shorter = again;
                shorter.size--;
                request.value[c] = shorter;
                assert_int_equal(check(&request, in, val, key), -1);

                request.value[c] = none;
                assert_int_equal(check(&request, in, val, key), -1);

            } else {
                request.value[c] = text_bytes("x");
                assert_int_equal(check(&request, in, val, key), -1);

                /* an empty query is no query, an empty header is one */

                request.value[c] = text_bytes("");
                assert_int_equal(check(&request, in, val, key),
                                 c == SEALED_QUERY ? 0 : -1);
            }

            request.value[c] = again;
            assert_int_equal(check(&request, in, val, key), 0);
        }

        for (n = 0; n < 32; n++) {
            for (other = 1; other < 256; other <<= 1) {
                key[n] ^= (uint8_t) other;
                assert_int_equal(check(&request, in, val, key), -1);
                key[n] ^= (uint8_t) other;
            }
        }

        request.has_body = !request.has_body;
        assert_int_equal(check(&request, in, val, key), -1);
        request.has_body = !request.has_body;
        assert_int_equal(check(&request, in, val, key), 0);

        free_bytes(in);
        free_bytes(val);
        free_request(&request);
    }
}


/* a header that ends anywhere else, and with anything behind it */

static void
test_every_size(void **state)
{
    size_t                      n;
    unsigned                    i, last;
    uint8_t                     longer[512];
    sealed_bytes_t              in, val, cut;
    sealed_request_signature_t  s;

    for (i = 0; i < VECTORS; i++) {
        in = text_bytes(vectors[i].input);
        val = text_bytes(vectors[i].signature);

        for (n = 0; n < in.size; n++) {
            cut = exact_bytes(in.data, n);
            assert_int_equal(sealed_request_signature_parse(&s, cut, val),
                             -1);
            free_bytes(cut);
        }

        for (n = 0; n < val.size; n++) {
            cut = exact_bytes(val.data, n);
            assert_int_equal(sealed_request_signature_parse(&s, in, cut),
                             -1);
            free_bytes(cut);
        }

        assert_true(in.size < sizeof(longer));

        for (last = 0; last < 256; last++) {
            memcpy(longer, in.data, in.size);
            longer[in.size] = (uint8_t) last;
            cut = exact_bytes(longer, in.size + 1);
            assert_int_equal(sealed_request_signature_parse(&s, cut, val),
                             -1);
            free_bytes(cut);

            memcpy(longer, val.data, val.size);
            longer[val.size] = (uint8_t) last;
            cut = exact_bytes(longer, val.size + 1);
            assert_int_equal(sealed_request_signature_parse(&s, in, cut),
                             -1);
            free_bytes(cut);
        }
    }

    cut.data = NULL;
    cut.size = 0;
    in = text_bytes(vectors[0].input);
    val = text_bytes(vectors[0].signature);
    assert_int_equal(sealed_request_signature_parse(&s, cut, val), -1);
    assert_int_equal(sealed_request_signature_parse(&s, in, cut), -1);
    assert_int_equal(sealed_request_signature_parse(&s, cut, cut), -1);
}


/* the grammar: one sound text and what may be varied in it */

#define MAC     "sealed=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:"

#define LIST    "(" DERIVED ")"
#define CREATED ";created=1800000100"
#define NONCE   ";nonce=\"1\""
#define KEYID   ";keyid=\"4c5BnIOIgkT3wvup0f6Cpg\""
#define TAG     ";tag=\"sealed-sender\""
#define ALG     ";alg=\"hmac-sha256\""
#define EXPIRES ";expires=1800000200"
#define REST    CREATED NONCE KEYID TAG
#define SOUND   "sealed=" LIST REST


static void
test_taken(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

    static const struct {
        unsigned     count;
        uint64_t     created;
        uint64_t     expires;
        uint64_t     nonce;
        const char  *input;
    } cases[] = {
        { 3, NOW, UINT64_MAX, 1, SOUND },
        { 3, NOW, UINT64_MAX, 1, SOUND ALG },
        { 3, NOW, 1800000200, 1, SOUND EXPIRES },
        { 3, NOW, 1800000200, 1, SOUND ALG EXPIRES },

        /* parameters in any order */

        { 3, NOW, UINT64_MAX, 1, "sealed=" LIST TAG KEYID NONCE CREATED },
        { 3, NOW, 1800000200, 1,
          "sealed=" LIST EXPIRES ALG NONCE TAG CREATED KEYID },
        { 3, NOW, UINT64_MAX, 1, "sealed=" LIST KEYID CREATED ALG TAG NONCE },

        /* components too; what has to be covered is not grammar */

        { 3, NOW, UINT64_MAX, 1,
          "sealed=(\"@query\" \"@method\" \"@path\")" REST },
        { 1, NOW, UINT64_MAX, 1, "sealed=(\"ttl\")" REST },
        { 9, NOW, UINT64_MAX, 1,
          "sealed=(\"sealed-mailbox-key\" \"sealed-frank\""
          " \"sealed-delivery\" \"ttl\" \"sealed-certificate\""
          " \"content-digest\" \"@query\" \"@path\" \"@method\")" REST },

        /* numbers */

        { 3, 0, UINT64_MAX, 1, "sealed=" LIST ";created=0" NONCE KEYID TAG },
        { 3, 999999999999999u, UINT64_MAX, 1,
          "sealed=" LIST ";created=999999999999999" NONCE KEYID TAG },
        { 3, NOW, 0, 1, SOUND ";expires=0" },
        { 3, NOW, 999999999999999u, 1, SOUND ";expires=999999999999999" },
        { 3, NOW, UINT64_MAX, 0,
          "sealed=" LIST CREATED ";nonce=\"0\"" KEYID TAG },
        { 3, NOW, UINT64_MAX, UINT64_MAX,
          "sealed=" LIST CREATED ";nonce=\"18446744073709551615\""
          KEYID TAG }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(&s, cases[i].input, MAC), 0);
        assert_int_equal(s.count, cases[i].count);
        assert_true(s.created == cases[i].created);
        assert_true(s.expires == cases[i].expires);
        assert_true(s.nonce == cases[i].nonce);
        assert_int_equal(s.params.size, strlen(cases[i].input) - 7);
        assert_hex(s.keyid, "e1ce419c83888244f7c2fba9d1fe82a6");
    }

    assert_int_equal(parse(&s, "sealed=(\"ttl\" \"@path\" \"sealed-frank\")"
                               REST, MAC), 0);
    assert_int_equal(s.count, 3);
    assert_int_equal(s.component[0], SEALED_TTL);
    assert_int_equal(s.component[1], SEALED_PATH);
    assert_int_equal(s.component[2], SEALED_FRANK);
}


static void
test_refused_inputs(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

    static const char  *const cases[] = {

        "",
        "sealed",
        "sealed=",
        LIST REST,

        /* members: another name, twice, more than one */

        "sig1=" LIST REST,
        "Sealed=" LIST REST,
        "SEALED=" LIST REST,
        "sealed2=" LIST REST,
        "xsealed=" LIST REST,
        SOUND "," SOUND,
        SOUND ", " SOUND,
        SOUND ",sig1=" LIST REST,
        SOUND ", sig1=" LIST REST,
        "sig1=" LIST REST ", " SOUND,
        SOUND ",",
        SOUND ", ",
        "," SOUND,

        /* white space and other octets where none belong */

        " " SOUND,
        SOUND " ",
        "\t" SOUND,
        SOUND "\t",
        SOUND "\n",
        SOUND "\r\n",
        SOUND "x",
        SOUND ";",
        SOUND "; ",
        SOUND ";;",
        "sealed =" LIST REST,
        "sealed= " LIST REST,
        "sealed=" LIST " " REST,
        "sealed=" LIST "; created=1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created =1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created= 1800000100" NONCE KEYID TAG,
        "sealed=" LIST CREATED " " NONCE KEYID TAG,
        "sealed=" LIST CREATED "\t" NONCE KEYID TAG,
        "sealed=" LIST CREATED ";" NONCE KEYID TAG,

        /* the list */

        "sealed=()" REST,
        "sealed=( )" REST,
        "sealed=( " DERIVED ")" REST,
        "sealed=(" DERIVED " )" REST,
        "sealed=(\"@method\"  \"@path\" \"@query\")" REST,
        "sealed=(\"@method\"\t\"@path\" \"@query\")" REST,
        "sealed=(\"@method\"\"@path\" \"@query\")" REST,
        "sealed=(\"@method\",\"@path\" \"@query\")" REST,
        "sealed=(\"@method\", \"@path\" \"@query\")" REST,
        "sealed=" DERIVED REST,
        "sealed=(" DERIVED REST,
        "sealed=" DERIVED ")" REST,
        "sealed=((" DERIVED "))" REST,
        "sealed=(" DERIVED "))" REST,
        "sealed=(" LIST ")" REST,
        "sealed=" LIST LIST REST,

        /* components: unknown, in capitals, twice, tokens, parameters */

        "sealed=(\"@method\" \"@path\" \"@query\" \"date\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@authority\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@target-uri\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@signature-params\")"
        REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"\")" REST,
        "sealed=(\"\")" REST,
        "sealed=(\"@METHOD\" \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"TTL\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"Content-Digest\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"ttl \")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \" ttl\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"tt\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"ttll\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\" \"@path\")" REST,
        "sealed=(\"@method\" \"@method\" \"@path\" \"@query\")" REST,
        "sealed=(" DERIVED " \"ttl\" \"ttl\")" REST,
        "sealed=(@method @path @query)" REST,
        "sealed=('@method' \"@path\" \"@query\")" REST,
        "sealed=(\"@method\";req \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query\";req)" REST,
        "sealed=(" DERIVED " \"ttl\";sf)" REST,
        "sealed=(" DERIVED " \"ttl\";bs)" REST,
        "sealed=(" DERIVED " \"ttl\";tr)" REST,
        "sealed=(" DERIVED " \"ttl\";key=\"a\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query-param\";name=\"a\")" REST,
        "sealed=(\"\\@method\" \"@path\" \"@query\")" REST,
        "sealed=(\"@method\" \"@path\" \"@query)" REST,
        "sealed=(\"@method\" \"@path\" \"@query",
        "sealed=(\"",

        /* parameters: missing */

        "sealed=" LIST,
        "sealed=" LIST NONCE KEYID TAG,
        "sealed=" LIST CREATED KEYID TAG,
        "sealed=" LIST CREATED NONCE TAG,
        "sealed=" LIST CREATED NONCE KEYID,
        "sealed=" LIST ALG EXPIRES,
        "sealed=" LIST CREATED NONCE KEYID ALG EXPIRES,

        /* twice, the same or not */

        SOUND CREATED,
        SOUND NONCE,
        SOUND KEYID,
        SOUND TAG,
        SOUND ALG ALG,
        SOUND EXPIRES EXPIRES,
        SOUND ";created=1800000101",
        SOUND ";nonce=\"2\"",
        SOUND ";expires=1800000200;expires=1800000300",

        /* unknown */

        SOUND ";foo",
        SOUND ";foo=1",
        SOUND ";foo=\"bar\"",
        SOUND ";CREATED=1",
        SOUND ";Alg=\"hmac-sha256\"",
        SOUND ";created",
        SOUND ";alg",
        SOUND ";expires",
        SOUND ";expires=",
        "sealed=" LIST ";Created=1800000100" NONCE KEYID TAG,
        "sealed=" LIST CREATED ";NONCE=\"1\"" KEYID TAG,
        "sealed=" LIST ";create=1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";createdd=1800000100" NONCE KEYID TAG,

        /* created and expires */

        "sealed=" LIST ";created=" NONCE KEYID TAG,
        "sealed=" LIST ";created" NONCE KEYID TAG,
        "sealed=" LIST ";created=01800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=00" NONCE KEYID TAG,
        "sealed=" LIST ";created=-1" NONCE KEYID TAG,
        "sealed=" LIST ";created=-0" NONCE KEYID TAG,
        "sealed=" LIST ";created=+1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=1800000100.0" NONCE KEYID TAG,
        "sealed=" LIST ";created=1.8e9" NONCE KEYID TAG,
        "sealed=" LIST ";created=\"1800000100\"" NONCE KEYID TAG,
        "sealed=" LIST ";created=:MTgwMA==:" NONCE KEYID TAG,
        "sealed=" LIST ";created=?1" NONCE KEYID TAG,
        "sealed=" LIST ";created=@1800000100" NONCE KEYID TAG,
        "sealed=" LIST ";created=1000000000000000" NONCE KEYID TAG,
        "sealed=" LIST ";created=000000000000001" NONCE KEYID TAG,
        "sealed=" LIST ";created=18446744073709551616" NONCE KEYID TAG,
        "sealed=" LIST ";created=18446744075509551716" NONCE KEYID TAG,
        "sealed=" LIST ";created=99999999999999999999999" NONCE KEYID TAG,
        "sealed=" LIST ";created=0x6b49d264" NONCE KEYID TAG,
        SOUND ";expires=01",
        SOUND ";expires=-1",
        SOUND ";expires=\"1800000200\"",
        SOUND ";expires=1000000000000000",
        SOUND ";expires=1800000200.5",

        /* nonce */

        "sealed=" LIST CREATED ";nonce=\"\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=" KEYID TAG,
        "sealed=" LIST CREATED ";nonce" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=1" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"01\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"00\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"18446744073709551616\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"99999999999999999999\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"100000000000000000000\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"000000000000000000001\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"-1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"+1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\" 1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1 \"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1a\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"0x1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1.0\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"\\1\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1\\\"\"" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"1" KEYID TAG,
        "sealed=" LIST CREATED ";nonce=\"\xb1\"" KEYID TAG,

        /* keyid */

        "sealed=" LIST CREATED NONCE ";keyid=\"\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=4c5BnIOIgkT3wvup0f6Cpg" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cp\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpgg\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6CpgA\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpg==\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cph\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6Cpv\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C+g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C/g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"4c5BnIOIgkT3wvup0f6C=g\"" TAG,
        "sealed=" LIST CREATED NONCE ";keyid=\"\200c5BnIOIgkT3wvup0f6Cpg\""
        TAG,
        "sealed=" LIST CREATED NONCE ";keyid=:4c5BnIOIgkT3wvup0f6Cpg==:" TAG,

        /* tag and alg */

        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"Sealed-Sender\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed-sender2\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed-sender \"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag=sealed-sender",
        "sealed=" LIST CREATED NONCE KEYID ";tag=\"sealed\\-sender\"",
        "sealed=" LIST CREATED NONCE KEYID ";tag",
        SOUND ";alg=\"hmac-sha512\"",
        SOUND ";alg=\"ed25519\"",
        SOUND ";alg=\"HMAC-SHA256\"",
        SOUND ";alg=\"hmac-sha256",
        SOUND ";alg=hmac-sha256",
        SOUND ";alg=\"\"",
        SOUND ";alg=\"none\""
    };

    assert_int_equal(parse(&s, SOUND, MAC), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse(&s, cases[i], MAC) != -1) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}


static void
test_refused_signatures(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

#define A42  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    static const char  *const cases[] = {
        "",
        "sealed",
        "sealed=",
        "sealed=::",
        "sealed=:" A42 "A=",
        "sealed=:" A42 "A:",
        "sealed=:" A42 "A:;",
        "sealed=:" A42 "AA:",               /* 33 octets */
        "sealed=:" A42 "==:",               /* 31 octets */
        "sealed=:" A42 "B=:",               /* unused bits */
        "sealed=:" A42 "D=:",
        "sealed=:" A42 "A==:",
        "sealed=:" A42 "A= :",
        "sealed=: " A42 "=:",
        "sealed=:-" A42 "=:",
        "sealed=:_" A42 "=:",
        "sealed=:\x80" A42 "=:",
        "sealed=" A42 "A=::",
        "sealed=\"" A42 "A=\"",
        "sealed= " A42 "A=:",
        "sealed=:" A42 "A=:;a",
        "sealed=:" A42 "A=: ",
        " sealed=:" A42 "A=:",
        "sealed =:" A42 "A=:",
        "sealed= :" A42 "A=:",
        "Sealed=:" A42 "A=:",
        "sig1=:" A42 "A=:",
        "sig12=:" A42 "A=:",
        ":" A42 "A=:",
        MAC "," MAC,
        MAC ", " MAC,
        MAC ", sig1=:AAAA:",
        ("sig1=:AAAA:, " MAC)
    };

    assert_int_equal(parse(&s, SOUND, "sealed=:" A42 "A=:"), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (parse(&s, SOUND, cases[i]) != -1) {
            fail_msg("taken: %s", cases[i]);
        }
    }
}


/* a zero octet ends nothing */

static void
test_zero_octets(void **state)
{
    uint8_t                     text[256];
    sealed_bytes_t              in, val;
    sealed_request_signature_t  s;

    memcpy(text, SOUND, sizeof(SOUND));
    in.data = text;
    in.size = sizeof(SOUND);
    val = text_bytes(MAC);

    assert_int_equal(sealed_request_signature_parse(&s, in, val), -1);
    in.size--;
    assert_int_equal(sealed_request_signature_parse(&s, in, val), 0);

    val.size++;
    assert_int_equal(sealed_request_signature_parse(&s, in, val), -1);
}


/*
 * Of all sets of components covered and all sets of headers present exactly
 * those go together that are the same, with the three derived ones always
 * covered and a digest exactly with a body.
 */

static void
test_coverage(void **state)
{
    unsigned                    covered, present, body, i;
    unsigned                    derived, headers, expected;
    sealed_request_t            request;
    sealed_request_signature_t  s;

    derived = (1u << SEALED_METHOD) | (1u << SEALED_PATH)
              | (1u << SEALED_QUERY);

    memset(&s, 0, sizeof(s));

    for (covered = 0; covered < 1u << SEALED_COMPONENTS; covered++) {

        s.count = 0;

        /* backwards: the order does not matter */

        for (i = SEALED_COMPONENTS; i-- > 0; /* void */) {
            if (covered & (1u << i)) {
                s.component[s.count++] = (uint8_t) i;
            }
        }

        for (headers = 0; headers < 1u << 6; headers++) {
            for (body = 0; body < 2; body++) {

                present = derived | (headers << SEALED_CONTENT_DIGEST);

                memset(&request, 0, sizeof(request));
                request.has_body = body;
                request.value[SEALED_METHOD] = text_bytes("GET");
                request.value[SEALED_PATH] = text_bytes("/");

                for (i = SEALED_CONTENT_DIGEST; i < SEALED_COMPONENTS; i++) {
                    if (present & (1u << i)) {
                        request.value[i] = text_bytes("v");
                    }
                }

                expected = covered == present
                           && body == ((present >> SEALED_CONTENT_DIGEST)
                                       & 1);

                assert_int_equal(sealed_request_signature_covers(&s,
                                                                 &request),
                                 expected ? 0 : -1);
            }
        }
    }
}


/* 0x20 to 0x7e and nothing else, anywhere in any covered header */

static void
test_header_octets(void **state)
{
    char                        value[3];
    unsigned                    c, at, octet;
    sealed_request_t            request;
    sealed_request_signature_t  s;

    assert_int_equal(SEALED_MAILBOX_KEY + 1, SEALED_COMPONENTS);

    for (c = SEALED_CONTENT_DIGEST; c < SEALED_COMPONENTS; c++) {

        memset(&s, 0, sizeof(s));
        s.count = 4;
        s.component[0] = SEALED_METHOD;
        s.component[1] = SEALED_PATH;
        s.component[2] = SEALED_QUERY;
        s.component[3] = (uint8_t) c;

        memset(&request, 0, sizeof(request));
        request.has_body = c == SEALED_CONTENT_DIGEST;
        request.value[SEALED_METHOD] = text_bytes("GET");
        request.value[SEALED_PATH] = text_bytes("/");
        request.value[c].data = (uint8_t *) value;
        request.value[c].size = sizeof(value);

        for (at = 0; at < sizeof(value); at++) {
            for (octet = 0; octet < 256; octet++) {
                memset(value, 'v', sizeof(value));
                value[at] = (char) octet;

                assert_int_equal(sealed_request_signature_covers(&s,
                                                                 &request),
                                 octet >= 0x20 && octet <= 0x7e ? 0 : -1);
            }
        }
    }
}


static void
test_fresh(void **state)
{
    unsigned                    i;
    sealed_request_signature_t  s;

    static const struct {
        int       rc;
        uint64_t  created;
        uint64_t  expires;
        uint64_t  now;
    } cases[] = {
        { 0, NOW, UINT64_MAX, NOW },
        { 0, NOW - 300, UINT64_MAX, NOW },
        { -1, NOW - 301, UINT64_MAX, NOW },
        { 0, NOW + 60, UINT64_MAX, NOW },
        { -1, NOW + 61, UINT64_MAX, NOW },
        { -1, 0, UINT64_MAX, NOW },
        { -1, 999999999999999u, UINT64_MAX, NOW },

        /* expires is honoured, and never makes a request live longer */

        { 0, NOW, NOW + 1, NOW },
        { 0, NOW, NOW, NOW },
        { -1, NOW, NOW - 1, NOW },
        { -1, NOW, 0, NOW },
        { -1, NOW - 301, NOW + 1000, NOW },
        { -1, NOW + 61, NOW + 1000, NOW },

        /* a clock at the beginning of time */

        { 0, 0, UINT64_MAX, 0 },
        { 0, 60, UINT64_MAX, 0 },
        { -1, 61, UINT64_MAX, 0 },
        { 0, 0, UINT64_MAX, 300 },
        { -1, 0, UINT64_MAX, 301 }
    };

    memset(&s, 0, sizeof(s));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        s.created = cases[i].created;
        s.expires = cases[i].expires;
        assert_int_equal(sealed_request_signature_fresh(&s, cases[i].now),
                         cases[i].rc);
    }
}


/*
 * What another client writes, in another order and with every parameter:
 * the lines follow its order and the last one is verbatim.
 */

static void
test_other_client(void **state)
{
    char                        value[SEALED_SIGNATURE_MAX], *end;
    uint8_t                     key[32], mac[32];
    sealed_hmac_t               ctx;
    sealed_bytes_t              in, val;
    sealed_request_t            request;

#define PARAMS5                                                              \
    "(\"ttl\" \"@query\" \"sealed-delivery\" \"content-digest\""             \
    " \"sealed-frank\" \"@path\" \"sealed-certificate\" \"@method\")"        \
    ";alg=\"hmac-sha256\";tag=\"sealed-sender\";expires=1800000200"          \
    ";nonce=\"7\";keyid=\"4c5BnIOIgkT3wvup0f6Cpg\";created=1800000100"

    static const char  base[] =
        "\"ttl\": 0\n"
        "\"@query\": ?a=b&c\n"
        "\"sealed-delivery\": online\n"
        "\"content-digest\": " DIGEST "\n"
        "\"sealed-frank\": :AA==:\n"
        "\"@path\": /v1/envelopes\n"
        "\"sealed-certificate\": " CERTIFICATE_BLIND "\n"
        "\"@method\": POST\n"
        LAST_LINE PARAMS5;

    memset(key, 0x42, sizeof(key));

    sealed_hmac_init(&ctx, key, sizeof(key));
    sealed_hmac_update(&ctx, base, sizeof(base) - 1);
    sealed_hmac_final(&ctx, mac);

    memcpy(value, "sealed=", 7);
    end = sealed_byte_sequence_encode(value + 7, mac, sizeof(mac));
    *end = '\0';

    memset(&request, 0, sizeof(request));
    request.has_body = 1;
    request.value[SEALED_METHOD] = text_bytes("POST");
    request.value[SEALED_PATH] = text_bytes("/v1/envelopes");
    request.value[SEALED_QUERY] = text_bytes("a=b&c");
    request.value[SEALED_CONTENT_DIGEST] = text_bytes(DIGEST);
    request.value[SEALED_CERTIFICATE] = text_bytes(CERTIFICATE_BLIND);
    request.value[SEALED_TTL] = text_bytes("0");
    request.value[SEALED_DELIVERY] = text_bytes("online");
    request.value[SEALED_FRANK] = text_bytes(":AA==:");

    in = exact_text("sealed=" PARAMS5);
    val = exact_text(value);
    assert_int_equal(check(&request, in, val, key), 0);

    /* two values that changed places */

    request.value[SEALED_TTL] = text_bytes("online");
    request.value[SEALED_DELIVERY] = text_bytes("0");
    assert_int_equal(check(&request, in, val, key), -1);

    free_bytes(in);
    free_bytes(val);
}


/* every component and the longest numbers still fit */

static void
test_sign_longest(void **state)
{
    char                        input[SEALED_SIGNATURE_INPUT_MAX];
    char                        value[SEALED_SIGNATURE_MAX];
    uint8_t                     key[32], keyid[16];
    unsigned                    i;
    sealed_request_t            request;
    sealed_request_signature_t  s;

    memset(key, 1, sizeof(key));
    memset(keyid, 0xff, sizeof(keyid));
    memset(&request, 0, sizeof(request));
    request.has_body = 1;

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        request.value[i] = text_bytes("v");
    }

    sealed_request_signature_sign(input, value, &request, key, keyid,
                                  UINT64_MAX, UINT64_MAX);
    assert_true(strlen(input) < sizeof(input));
    assert_int_equal(strlen(value), 53);

    sealed_request_signature_sign(input, value, &request, key, keyid,
                                  999999999999999u, UINT64_MAX);
    assert_int_equal(sealed_request_signature_parse(&s, text_bytes(input),
                                                    text_bytes(value)), 0);
    assert_int_equal(s.count, SEALED_COMPONENTS);
    assert_int_equal(s.created, 999999999999999u);
    assert_memory_equal(s.keyid, keyid, 16);

    for (i = 0; i < SEALED_COMPONENTS; i++) {
        assert_int_equal(s.component[i], i);
    }

    assert_int_equal(sealed_request_signature_covers(&s, &request), 0);
    assert_int_equal(sealed_request_signature_verify(&s, &request, key), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_every_octet_of_headers),
        cmocka_unit_test(test_every_octet_of_request),
        cmocka_unit_test(test_every_size),
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused_inputs),
        cmocka_unit_test(test_refused_signatures),
        cmocka_unit_test(test_zero_octets),
        cmocka_unit_test(test_coverage),
        cmocka_unit_test(test_header_octets),
        cmocka_unit_test(test_fresh),
        cmocka_unit_test(test_other_client),
        cmocka_unit_test(test_sign_longest)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
