
#include "vectors.h"
#include "content_digest.h"
#include "hash.h"

#include <sodium.h>


static int
parse(uint8_t digest[32], const char *text)
{
    int             rc;
    sealed_bytes_t  value;

    value = exact_text(text);
    rc = sealed_content_digest_parse(digest, value);
    free_bytes(value);

    return rc;
}


/* RFC 9530's examples: {"hello": "world"} with and without a line feed */

static void
test_published(void **state)
{
    char      text[SEALED_CONTENT_DIGEST_SIZE + 1];
    unsigned  i;
    uint8_t   digest[32], parsed[32];

    static const struct {
        const char  *body;
        const char  *value;
    } cases[] = {
        { "{\"hello\": \"world\"}\n",
          "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:" },
        { "{\"hello\": \"world\"}",
          "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        sealed_sha256(digest, cases[i].body, strlen(cases[i].body));

        memset(text, '#', sizeof(text));
        sealed_content_digest_format(text, digest);
        assert_int_equal(strlen(cases[i].value), SEALED_CONTENT_DIGEST_SIZE);
        assert_memory_equal(text, cases[i].value, SEALED_CONTENT_DIGEST_SIZE);
        assert_int_equal(text[SEALED_CONTENT_DIGEST_SIZE], '#');

        assert_int_equal(parse(parsed, cases[i].value), 0);
        assert_memory_equal(parsed, digest, 32);
    }
}


static void
test_refused(void **state)
{
    unsigned        i;
    uint8_t         digest[32];
    sealed_bytes_t  none;

#define A42  "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

    static const char  *const cases[] = {
        "",
        "sha-256=",
        "sha-256=::",
        "sha-256=:" A42 "A=",
        "sha-256=:" A42 "A:",
        "sha-256=:" A42 "A= :",
        "sha-256=:" A42 "B=:",              /* unused bits */
        "sha-256=:" A42 "AA:",              /* 33 octets */
        "sha-256=:" A42 "==:",              /* 31 octets */
        "sha-256=:" A42 "A==:",
        "sha-256=: " A42 "=:",
        "sha-256=:_" A42 "=:",
        "sha-256=:-" A42 "=:",
        "sha-256=" A42 "A=::",
        "sha-256= " A42 "A=:",
        "sha-256=:" A42 "A=:;a",
        "sha-256=:" A42 "A=: ",
        " sha-256=:" A42 "A=:",
        "sha-256 =:" A42 "A=:",
        "SHA-256=:" A42 "A=:",
        "sha-512=:" A42 "A=:",
        "sha_256=:" A42 "A=:",
        "sha-256=:" A42 "A=:, sha-256=:" A42 "A=:",
        "sha-256=:" A42 "A=:,md5=:AAAA:",
        "md5=:AAAA:, sha-256=:" A42 "A=:",
        "sha-256=\"" A42 "A=\""
    };

    assert_int_equal(parse(digest, "sha-256=:" A42 "A=:"), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse(digest, cases[i]), -1);
    }

    none.data = NULL;
    none.size = 0;

    assert_int_equal(sealed_content_digest_parse(digest, none), -1);
}


/* every other octet at every place is refused or another digest */

static void
test_every_octet(void **state)
{
    char            text[SEALED_CONTENT_DIGEST_SIZE];
    size_t          i;
    unsigned        octet;
    uint8_t         digest[32], parsed[32];
    sealed_bytes_t  value;

    randombytes_buf(digest, sizeof(digest));
    sealed_content_digest_format(text, digest);

    for (i = 0; i < sizeof(text); i++) {
        for (octet = 1; octet < 256; octet++) {
            text[i] = (char) (text[i] ^ octet);

            value = exact_bytes(text, sizeof(text));

            if (sealed_content_digest_parse(parsed, value) == 0) {
                assert_memory_not_equal(parsed, digest, 32);
                assert_in_range(i, 9, sizeof(text) - 3);
            }

            free_bytes(value);

            text[i] = (char) (text[i] ^ octet);
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_every_octet)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
