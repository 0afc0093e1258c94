
#include "request_signature_vectors.h"
#include "hash.h"
#include "text.h"

#include <sodium.h>


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
