
/* sound requests with anything in them changed, missing or more */

#include "request_signature_vectors.h"

#include <sodium.h>


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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_every_octet_of_headers),
        cmocka_unit_test(test_every_octet_of_request),
        cmocka_unit_test(test_every_size)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
