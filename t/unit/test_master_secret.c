
#include "vectors.h"
#include "master_secret.h"

#include <sodium.h>


#define KEY1                                                                 \
    "9a6190d0d274b03a688580d6a632810a43478a490a85c5c617e627401c85922a"
#define KEY2                                                                 \
    "0000000000000000000000000000000000000000000000000000000000000002"
#define KEY3                                                                 \
    "0300000000000000000000000000000000000000000000000000000000000000"
#define KEY4                                                                 \
    "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"

#define ID32  "abcdefghijklmnopqrstuvwxyz012345"


static int
all_zero(const void *data, size_t size)
{
    return sodium_is_zero(data, size);
}


/* the error's text, NULL when all is well */

static const char *
parse(sealed_master_secret_t *secret, const char *text, size_t size,
    unsigned *line_number)
{
    const char      *error;
    sealed_bytes_t   bytes;

    memset(secret, 0x5a, sizeof(sealed_master_secret_t));
    *line_number = 4711;

    bytes = exact_bytes(text, size);
    error = sealed_master_secret_parse(secret, (const char *) bytes.data,
                                       size, line_number);
    free_bytes(bytes);

    return error;
}


/* every key of a gateway, from one line */

static void
test_derive(void **state)
{
    uint8_t            zero[32], public_key[32];
    sealed_key_line_t  line;

    memset(&line, 0, sizeof(line));
    memset(zero, 0, sizeof(zero));
    (void) unhex(line.master, 32, KEY1);

    assert_int_equal(sealed_key_line_derive(&line), 0);

    assert_hex(line.exchange_private, "da66d61b035fdd918eca66a1915f2bbf"
                                      "12f3c605e3799549c545b1cbcb94c78b");
    assert_hex(line.exchange_public, "480bbe05635150cd103bf6ace1a763ac"
                                     "10139827c8de9e1a262c6aa2c83d2e25");
    assert_hex(line.issuer_private, "204f590c21f629b7722f675e599f40db"
                                    "35799467e9c587e7313058398f988504");
    assert_hex(line.issuer_public, "021c152d4d8c5abadb42934baad5b114"
                                   "27857886185f952a87b72027a156ce07");
    assert_hex(line.ticket_key, "d15b80a6d7fd1bc275f26a1cb21ccf1e"
                                "ee01f98f8aa88f6e56851a012d639621");
    assert_hex(line.zone_key, "7ffe5702c9d6fe9e2cf579db6531581c"
                              "332d432c644c6ebfbd07ff7268756ff5");

    /* SHA-256 over label and zone key, computed with other code */

    assert_true(line.tag == 0x4d3f5c6f);

    assert_hex(line.master, KEY1);

    assert_int_equal(crypto_scalarmult_base(public_key,
                                            line.exchange_private), 0);
    assert_memory_equal(public_key, line.exchange_public, 32);
    assert_memory_not_equal(line.ticket_key, zero, 32);
}


static void
test_files(void **state)
{
    unsigned                 i, n, number;
    sealed_master_secret_t   secret;

    static const struct {
        unsigned     count;
        const char  *text;
    } cases[] = {
        { 1, "a " KEY1 },
        { 1, "a " KEY1 "\n" },
        { 1, "a " KEY1 "\r\n" },
        { 1, "a " KEY1 "\r" },
        { 1, "\n\n# a comment\n#\na " KEY1 "\n\n#b " KEY2 "\n" },
        { 1, "\r\n#\r\na " KEY1 "\r\n\r\n" },
        { 2, "a " KEY1 "\nb " KEY2 "\n" },
        { 2, "a " KEY1 "\n# between\nA " KEY2 },
        { 3, "a " KEY1 "\nb " KEY2 "\nc " KEY3 "\n" },
        { 3, "a " KEY1 "\nb " KEY2 "\nc " KEY3 "\n\n# the end" },
        { 1, ID32 " " KEY1 "\n" },
        { 1, "2026-01._Z-9 " KEY1 "\n" },
        { 1, "- " KEY1 "\n" }
    };

    static const char  *const keys[] = { KEY1, KEY2, KEY3 };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_null(parse(&secret, cases[i].text, strlen(cases[i].text),
                          &number));
        assert_int_equal(number, 0);
        assert_int_equal(secret.count, cases[i].count);

        for (n = 0; n < secret.count; n++) {
            assert_hex(secret.line[n].master, keys[n]);
            assert_false(all_zero(secret.line[n].issuer_public, 32));
            assert_false(all_zero(secret.line[n].zone_key, 32));
        }

        /* what is not used is empty */

        for (n = secret.count; n < SEALED_MAX_KEY_LINES; n++) {
            assert_true(all_zero(&secret.line[n], sizeof(secret.line[n])));
        }

        assert_hex(secret.line[0].exchange_public,
                   "480bbe05635150cd103bf6ace1a763ac"
                   "10139827c8de9e1a262c6aa2c83d2e25");
    }

    assert_null(parse(&secret, ID32 " " KEY1, 32 + 1 + 64, &number));
    assert_string_equal(secret.line[0].id, ID32);

    assert_null(parse(&secret, "new " KEY1 "\nold " KEY2 "\n",
                      4 + 64 + 1 + 4 + 64 + 1, &number));
    assert_string_equal(secret.line[0].id, "new");
    assert_string_equal(secret.line[1].id, "old");
}


/* capital digits are digits */

static void
test_capitals(void **state)
{
    unsigned                number;
    sealed_master_secret_t  secret;

    static const char  text[] =
        "a 9A6190D0D274B03A688580D6A632810A43478A490A85C5C617E627401C85922A";

    assert_null(parse(&secret, text, sizeof(text) - 1, &number));
    assert_hex(secret.line[0].master, KEY1);
}


static void
test_refused(void **state)
{
    unsigned                 i, number;
    const char              *error;
    sealed_master_secret_t   secret;

    static const struct {
        unsigned     line;
        const char  *text;
    } cases[] = {

        /* no key at all */

        { 0, "" },
        { 0, "\n" },
        { 0, "\r\n\n\n" },
        { 0, "#" },
        { 0, "# a " KEY1 "\n" },

        /* too many, and the fourth may be anything */

        { 4, "a " KEY1 "\nb " KEY2 "\nc " KEY3 "\nd " KEY4 "\n" },
        { 6, "a " KEY1 "\nb " KEY2 "\n\n#\nc " KEY3 "\nx\n" },

        /* the key-id */

        { 1, KEY1 },
        { 1, " " KEY1 },
        { 1, "  " KEY1 },
        { 1, " a " KEY1 },
        { 1, "\ta " KEY1 },
        { 1, ID32 "6 " KEY1 },
        { 1, "a/b " KEY1 },
        { 1, "a:b " KEY1 },
        { 1, "a# " KEY1 },
        { 1, "\"a\" " KEY1 },
        { 1, "\xc3\xa4 " KEY1 },
        { 1, "a" },
        { 1, "a " },
        { 1, "a\n" KEY1 },
        { 1, "a\r " KEY1 },
        { 1, "a a " KEY1 },

        /* what is between */

        { 1, "a\t" KEY1 },
        { 1, "a  " KEY1 },
        { 1, "a=" KEY1 },
        { 1, "a:" KEY1 },
        { 1, "a," KEY1 },

        /* the digits */

        { 1, "a " KEY1 "0" },
        { 1, "a " KEY1 "00" },
        { 1, "a " KEY1 " " },
        { 1, "a " KEY1 "\t" },
        { 1, "a " KEY1 " \r\n" },
        { 1, "a " KEY1 "\r\r\n" },
        { 1, "a " KEY1 " # comment" },
        { 1, "a 0x" KEY1 },
        { 1, "a 9a6190d0d274b03a688580d6a632810a"
             "43478a490a85c5c617e627401c85922" },
        { 1, "a ga6190d0d274b03a688580d6a632810a"
             "43478a490a85c5c617e627401c85922a" },
        { 1, "a 9a6190d0d274b03a688580d6a632810a"
             "43478a490a85c5c617e627401c85922g" },
        { 1, "a 9a:6190d0d274b03a688580d6a632810"
             "a43478a490a85c5c617e627401c8592:" },
        { 1, "a 9a6190d0d274b03a688580d6a632810 "
             "43478a490a85c5c617e627401c85922a" },
        { 1, "a 9a6190d0d274b03a688580d6a632810a\xff"
             "3478a490a85c5c617e627401c85922a" },
        { 1, "a 00000000000000000000000000000000"
             "00000000000000000000000000000000" },

        /* a later line, with the right number */

        { 2, "a " KEY1 "\nb\n" },
        { 4, "\n# one\na " KEY1 "\nb " KEY1 "x\n" },
        { 3, "a " KEY1 "\r\n\r\nb x\r\n" },

        /* repeated */

        { 2, "a " KEY1 "\na " KEY2 "\n" },
        { 3, "a " KEY1 "\nb " KEY2 "\na " KEY3 "\n" },
        { 3, "a " KEY1 "\nb " KEY2 "\nb " KEY3 "\n" },
        { 2, "a " KEY1 "\nb " KEY1 "\n" },
        { 3, "a " KEY1 "\nb " KEY2 "\nc " KEY1 "\n" },
        { 3, "a " KEY1 "\nb " KEY2 "\nc " KEY2 "\n" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        error = parse(&secret, cases[i].text, strlen(cases[i].text), &number);

        assert_non_null(error);
        assert_int_equal(number, cases[i].line);

        /* words for an error message, and never a secret in them */

        assert_in_range(strlen(error), 4, 60);
        assert_null(strstr(error, "9a6190"));

        /* and no half of it is left */

        assert_true(all_zero(&secret, sizeof(secret)));
    }
}


/* zero octets are not the end of anything */

static void
test_zero_octets(void **state)
{
    unsigned                number;
    sealed_master_secret_t  secret;

    assert_non_null(parse(&secret, "\0", 1, &number));
    assert_int_equal(number, 1);

    assert_non_null(parse(&secret, "a\0 " KEY1, 3 + 64, &number));
    assert_non_null(parse(&secret, "a " KEY1 "\0", 2 + 64 + 1, &number));
    assert_non_null(parse(&secret, "a " KEY1 "\n\0", 2 + 64 + 2, &number));
    assert_int_equal(number, 2);

    memset(&secret, 0x5a, sizeof(secret));
    assert_non_null(sealed_master_secret_parse(&secret, NULL, 0, &number));
    assert_int_equal(number, 0);
    assert_int_equal(secret.count, 0);
}


static void
test_find_and_wipe(void **state)
{
    unsigned                number;
    uint32_t                tag;
    sealed_master_secret_t  secret;

    static const char  text[] = "new " KEY2 "\nold " KEY1 "\n";

    assert_null(parse(&secret, text, sizeof(text) - 1, &number));

    assert_ptr_equal(sealed_master_secret_find(&secret, 0x4d3f5c6f),
                     &secret.line[1]);
    assert_ptr_equal(sealed_master_secret_find(&secret, secret.line[0].tag),
                     &secret.line[0]);
    assert_null(sealed_master_secret_find(&secret, 0x4d3f5c6e));

    /* an unused line, whose tag is zero, is not found */

    assert_null(sealed_master_secret_find(&secret, 0));

    tag = secret.line[0].tag;
    sealed_master_secret_wipe(&secret);
    assert_true(all_zero(&secret, sizeof(secret)));
    assert_null(sealed_master_secret_find(&secret, tag));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_derive),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_capitals),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_zero_octets),
        cmocka_unit_test(test_find_and_wipe)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
