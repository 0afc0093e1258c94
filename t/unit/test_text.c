
#include "vectors.h"
#include "text.h"

#include <sodium.h>


static int
decode_base64url(uint8_t *out, size_t size, const char *text)
{
    int             rc;
    sealed_bytes_t  bytes;

    bytes = exact_text(text);
    rc = sealed_base64url_decode(out, size, bytes);
    free_bytes(bytes);

    return rc;
}


static int
decode_sequence(uint8_t *out, size_t max, size_t *size, const char *text)
{
    int             rc;
    sealed_bytes_t  bytes;

    bytes = exact_text(text);
    rc = sealed_byte_sequence_decode(out, max, size, bytes);
    free_bytes(bytes);

    return rc;
}


static int
decode_decimal(uint64_t *value, const char *text)
{
    int             rc;
    sealed_bytes_t  bytes;

    bytes = exact_text(text);
    rc = sealed_decimal_decode(value, bytes);
    free_bytes(bytes);

    return rc;
}


/* RFC 4648, section 10, and both characters of its own alphabet */

static void
test_base64url(void **state)
{
    char      text[16], *end;
    size_t    size;
    unsigned  i;
    uint8_t   out[16];

    static const struct {
        const char  *data;
        const char  *text;
    } cases[] = {
        { "", "" },
        { "f", "Zg" },
        { "fo", "Zm8" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg" },
        { "fooba", "Zm9vYmE" },
        { "foobar", "Zm9vYmFy" },
        { "\xfb\xff\xbf", "-_-_" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size = strlen(cases[i].data);

        memset(text, '#', sizeof(text));
        end = sealed_base64url_encode(text, cases[i].data, size);

        assert_int_equal(end - text, strlen(cases[i].text));
        assert_int_equal(end - text, SEALED_BASE64URL_SIZE(size));
        assert_memory_equal(text, cases[i].text, strlen(cases[i].text));
        assert_int_equal(*end, '#');

        assert_int_equal(decode_base64url(out, size, cases[i].text), 0);
        assert_memory_equal(out, cases[i].data, size);

        /* one size only */

        assert_int_equal(decode_base64url(out, size + 1, cases[i].text), -1);

        if (size) {
            assert_int_equal(decode_base64url(out, size - 1, cases[i].text),
                             -1);
        }
    }
}


static void
test_base64url_refused(void **state)
{
    unsigned  i;
    uint8_t   out[16];

    static const struct {
        size_t       size;
        const char  *text;
    } cases[] = {
        { 1, "Zg==" },              /* padded */
        { 1, "Zg=" },
        { 2, "Zm8=" },
        { 1, "Zh" },                /* unused bits */
        { 1, "Zv" },
        { 2, "Zm9" },
        { 2, "Zm-" },
        { 3, "Zm9v=" },
        { 3, "+/+/" },              /* the other alphabet */
        { 3, "-/-/" },
        { 3, "Zm9 " },              /* white space */
        { 3, " m9v" },
        { 3, "Zm\n9" },
        { 3, "Zm\t9" },
        { 3, "Zm9v\n" },
        { 3, "Zm9\x80" },
        { 3, "Zm9\xff" },
        { 3, "Zm9." },
        { 3, "Zm9=" },
        { 3, "====" },
        { 0, "=" },
        { 0, "A" },
        { 3, "" },
        { 1, "Z" },
        { 4, "Zm9vY" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(decode_base64url(out, cases[i].size, cases[i].text),
                         -1);
    }
}


/* of all texts of n characters exactly those decode that encode back */

static void
test_base64url_canonical(void **state)
{
    int             rc;
    char            back[2];
    unsigned        i, j, accepted;
    uint8_t         out[1], text[2];
    sealed_bytes_t  bytes;

    accepted = 0;
    bytes.data = text;
    bytes.size = 2;

    for (i = 0; i < 256; i++) {
        for (j = 0; j < 256; j++) {
            text[0] = (uint8_t) i;
            text[1] = (uint8_t) j;

            rc = sealed_base64url_decode(out, 1, bytes);
            assert_true(rc == 0 || rc == -1);

            if (rc == 0) {
                accepted++;
                (void) sealed_base64url_encode(back, out, 1);
                assert_memory_equal(back, text, 2);
            }
        }
    }

    assert_int_equal(accepted, 256);
}


static void
test_round_trips(void **state)
{
    char            text[SEALED_BYTE_SEQUENCE_SIZE(130)], *end;
    size_t          size, decoded;
    uint8_t         data[130], out[130];
    sealed_bytes_t  bytes;

    for (size = 0; size <= sizeof(data); size++) {
        randombytes_buf(data, sizeof(data));

        end = sealed_base64url_encode(text, data, size);
        assert_int_equal(end - text, SEALED_BASE64URL_SIZE(size));

        bytes = exact_bytes(text, (size_t) (end - text));
        assert_int_equal(sealed_base64url_decode(out, size, bytes), 0);
        assert_memory_equal(out, data, size);
        free_bytes(bytes);

        end = sealed_byte_sequence_encode(text, data, size);
        assert_int_equal(end - text, SEALED_BYTE_SEQUENCE_SIZE(size));

        bytes = exact_bytes(text, (size_t) (end - text));
        assert_int_equal(sealed_byte_sequence_decode(out, size, &decoded,
                                                     bytes), 0);
        assert_int_equal(decoded, size);
        assert_memory_equal(out, data, size);

        if (size) {
            assert_int_equal(sealed_byte_sequence_decode(out, size - 1,
                                                         &decoded, bytes),
                             -1);
        }

        free_bytes(bytes);
    }
}


static void
test_byte_sequence(void **state)
{
    char      text[16], *end;
    size_t    size;
    unsigned  i;
    uint8_t   out[16];

    static const struct {
        const char  *data;
        const char  *text;
    } cases[] = {
        { "", "::" },
        { "f", ":Zg==:" },
        { "fo", ":Zm8=:" },
        { "foo", ":Zm9v:" },
        { "foob", ":Zm9vYg==:" },
        { "\xfb\xff\xbf", ":+/+/:" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(text, '#', sizeof(text));
        end = sealed_byte_sequence_encode(text, cases[i].data,
                                          strlen(cases[i].data));

        assert_int_equal(end - text, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, strlen(cases[i].text));
        assert_int_equal(*end, '#');

        assert_int_equal(decode_sequence(out, sizeof(out), &size,
                                         cases[i].text), 0);
        assert_int_equal(size, strlen(cases[i].data));
        assert_memory_equal(out, cases[i].data, size);
    }
}


static void
test_byte_sequence_refused(void **state)
{
    size_t          size;
    unsigned        i;
    uint8_t         out[16];
    sealed_bytes_t  none;

    static const char  *const cases[] = {
        "",
        ":",
        ":::",
        "Zm9v",
        ":Zm9v",
        ":Zm9vx",
        ":Zm9v=",
        "xZm9v:",
        "Zm9v:",
        " :Zm9v:",
        ":Zm9v: ",
        ": Zm9v:",
        ":Zm9v :",
        ":Zm9v:;a",
        ":Zm9v:Zm9v:",
        ":Zm9v::",
        ":Zg:",
        ":Zg=:",
        ":Zg===:",
        ":Zg====:",
        ":Zh==:",
        ":Zm8:",
        ":Zm9=:",
        ":Zm9v====:",
        ":Zm9v=:",
        ":====:",
        ":=:",
        ":==:",
        ":=Zm9v:",
        ":Zg==Zg==:",
        ":Zm=v:",
        ":-_-_:",
        ":Z:",
        ":Zm9vZ:",
        ":Zm\n9v:",
        ":Zm\x80v:",
        "\"Zm9v\"",
        ":AAAAAAAAAAAAAAAAAAAAAAA=:"        /* 17 octets, room for 16 */
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(decode_sequence(out, sizeof(out), &size, cases[i]),
                         -1);
    }

    assert_int_equal(decode_sequence(out, sizeof(out), &size,
                                     ":AAAAAAAAAAAAAAAAAAAAAA==:"), 0);
    assert_int_equal(size, 16);

    none.data = NULL;
    none.size = 0;

    assert_int_equal(sealed_byte_sequence_decode(out, 16, &size, none), -1);
    assert_int_equal(sealed_base64url_decode(out, 16, none), -1);

    /* a zero octet ends nothing */

    none.data = (const uint8_t *) ":Zm9v\0:";
    none.size = 7;

    assert_int_equal(sealed_byte_sequence_decode(out, 16, &size, none), -1);
}


static void
test_decimal(void **state)
{
    char      text[SEALED_DECIMAL_SIZE + 1], *end;
    unsigned  i;
    uint64_t  value;

    static const struct {
        uint64_t     value;
        const char  *text;
    } cases[] = {
        { 0, "0" },
        { 1, "1" },
        { 9, "9" },
        { 10, "10" },
        { 99, "99" },
        { 100, "100" },
        { 4294967295u, "4294967295" },
        { 4294967296u, "4294967296" },
        { 9999999999999999999u, "9999999999999999999" },
        { 10000000000000000000u, "10000000000000000000" },
        { UINT64_MAX - 1, "18446744073709551614" },
        { UINT64_MAX, "18446744073709551615" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        value = ~cases[i].value;
        assert_int_equal(decode_decimal(&value, cases[i].text), 0);
        assert_true(value == cases[i].value);

        memset(text, '#', sizeof(text));
        end = sealed_decimal_encode(text, cases[i].value);
        assert_int_equal(end - text, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, strlen(cases[i].text));
        assert_int_equal(*end, '#');
    }
}


static void
test_decimal_refused(void **state)
{
    unsigned        i;
    uint64_t        value;
    sealed_bytes_t  none;

    static const char  *const cases[] = {
        "",
        "00",
        "01",
        "007",
        "000000000000000000001",
        "18446744073709551616",
        "18446744073709551620",
        "18446744073709551625",
        "20000000000000000000",
        "99999999999999999999",
        "100000000000000000000",
        "184467440737095516150",
        "-1",
        "-0",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1.0",
        "1e3",
        "0x1",
        "1,000",
        "a",
        "1a",
        "/",
        ":",
        "\xb2",
        "\xd9\xa1"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(decode_decimal(&value, cases[i]), -1);
    }

    none.data = NULL;
    none.size = 0;

    assert_int_equal(sealed_decimal_decode(&value, none), -1);

    none.data = (const uint8_t *) "1\0";
    none.size = 2;

    assert_int_equal(sealed_decimal_decode(&value, none), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_base64url_refused),
        cmocka_unit_test(test_base64url_canonical),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_byte_sequence),
        cmocka_unit_test(test_byte_sequence_refused),
        cmocka_unit_test(test_decimal),
        cmocka_unit_test(test_decimal_refused)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
