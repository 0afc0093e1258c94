
#include "vectors.h"
#include "json_object.h"


static const sealed_json_member_t  members[3] = {
    { "a", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
    { "bb", SEALED_JSON_NUMBER, { NULL, 0 }, 0, 0 },
    { "c", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 }
};


static int
read_text(sealed_json_member_t found[3], const char *text)
{
    /* kept for the strings that point into it, until the next one */

    static sealed_bytes_t  document;

    free_bytes(document);
    document = exact_text(text);
    memcpy(found, members, sizeof(members));

    return sealed_json_object_read(found, 3, document);
}


static void
test_taken(void **state)
{
    size_t                i;
    sealed_json_member_t  found[3];

    static const char *const  same[] = {
        "{\"a\":\"x-_y\",\"bb\":17,\"c\":\"\"}",
        "{\"c\":\"\",\"bb\":17,\"a\":\"x-_y\"}",
        " \t\r\n{ \"a\" : \"x-_y\" , \"bb\" : 17 , \"c\" : \"\" } \n"
    };

    for (i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
        assert_int_equal(read_text(found, same[i]), 0);
        assert_int_equal(found[0].text.size, 4);
        assert_memory_equal(found[0].text.data, "x-_y", 4);
        assert_int_equal(found[1].number, 17);
        assert_int_equal(found[2].text.size, 0);
    }

    assert_int_equal(read_text(found, "{\"a\":\"\",\"bb\":"
                                      "18446744073709551615,\"c\":\"\"}"), 0);
    assert_true(found[1].number == UINT64_MAX);
}


static void
test_refused(void **state)
{
    size_t                i;
    sealed_json_member_t  found[3];

    static const char *const  bad[] = {
        "", " ", "{", "{}", "null", "[]",
        "{\"a\":\"x\",\"bb\":1}",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"\",\"d\":\"\"}",
        "{\"a\":\"x\",\"bb\":1,\"d\":\"\"}",
        "{\"a\":\"x\",\"bb\":1,\"a\":\"\"}",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"\",}",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"\"}}",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"\"}x",
        "{\"a\":\"x\" \"bb\":1,\"c\":\"\"}",
        "{\"a\":1,\"bb\":1,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":\"1\",\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":-1,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":1.0,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":1e3,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":01,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":18446744073709551616,\"c\":\"\"}",
        "{\"a\":\"\\u0041\",\"bb\":1,\"c\":\"\"}",
        "{\"a\":\"x\\\"\",\"bb\":1,\"c\":\"\"}",
        "{\"a\":\"\n\",\"bb\":1,\"c\":\"\"}",
        "{\"a\":\"\xc3\xa4\",\"bb\":1,\"c\":\"\"}",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"",
        "{\"a\":\"x\",\"bb\":1,\"c\":\"\"",
        "{\"a\":\"x\",\"bb\":1,\"c\"",
        "{a:\"x\",\"bb\":1,\"c\":\"\"}",
        "{\"a\":null,\"bb\":1,\"c\":\"\"}",
        "{\"A\":\"x\",\"bb\":1,\"c\":\"\"}",
        "\xef\xbb\xbf{\"a\":\"x\",\"bb\":1,\"c\":\"\"}"
    };

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(read_text(found, bad[i]), -1);
    }
}


/* cut anywhere, nothing of it is taken and nothing behind it is read */

static void
test_cut(void **state)
{
    size_t                size;
    sealed_bytes_t        document;
    sealed_json_member_t  found[3];

    static const char  text[] = "{ \"a\" : \"x\" , \"bb\" : 12 , \"c\" : "
                                "\"yz\" }";

    for (size = 0; size < sizeof(text) - 1; size++) {
        document = exact_bytes(text, size);
        memcpy(found, members, sizeof(members));
        assert_int_equal(sealed_json_object_read(found, 3, document), -1);
        free_bytes(document);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_taken),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_cut)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
