
#include "vectors.h"
#include "json.h"


/* a document with everything in it, and its text */

static const char  everything[] =
    "{\"a\":1,\"b\":[],\"c\":{},\"d\":[true,false,null,\"x\","
    "18446744073709551615,[0],{\"e\":\"\"}],\"f\":\"_-8\","
    "\"g\":\"q\\\"b\\\\\"}";


static void
write_everything(sealed_json_t *json)
{
    sealed_json_object(json);
    sealed_json_name(json, "a");
    sealed_json_uint(json, 1);
    sealed_json_name(json, "b");
    sealed_json_array(json);
    sealed_json_array_end(json);
    sealed_json_name(json, "c");
    sealed_json_object(json);
    sealed_json_object_end(json);
    sealed_json_name(json, "d");
    sealed_json_array(json);
    sealed_json_bool(json, 1);
    sealed_json_bool(json, 0);
    sealed_json_null(json);
    sealed_json_string(json, "x", 1);
    sealed_json_uint(json, UINT64_MAX);
    sealed_json_array(json);
    sealed_json_uint(json, 0);
    sealed_json_array_end(json);
    sealed_json_object(json);
    sealed_json_name(json, "e");
    sealed_json_string(json, "", 0);
    sealed_json_object_end(json);
    sealed_json_array_end(json);
    sealed_json_name(json, "f");
    sealed_json_base64url(json, "\xff\xef", 2);
    sealed_json_name(json, "g");
    sealed_json_string(json, "q\"b\\", 4);
    sealed_json_object_end(json);
}


static void
assert_written(const sealed_json_t *json, const char *text)
{
    assert_int_equal(json->overflow, 0);
    assert_int_equal(json->pos - json->start, strlen(text));
    assert_memory_equal(json->start, text, strlen(text));
}


static void
test_everything(void **state)
{
    char           out[256];
    sealed_json_t  json;

    sealed_json_init(&json, out, sizeof(out));
    write_everything(&json);

    assert_written(&json, everything);
    assert_int_equal(json.depth, 0);
}


/* in every room that is too small: overflow, a beginning, nothing beyond */

static void
test_overflow(void **state)
{
    char           *out;
    size_t          size, whole;
    sealed_json_t   json;

    whole = strlen(everything);

    for (size = 0; size <= whole; size++) {
        out = malloc(size);
        assert_true(out != NULL || size == 0);

        sealed_json_init(&json, out, size);
        write_everything(&json);

        assert_int_equal(json.overflow != 0, size < whole);
        assert_true((size_t) (json.pos - out) <= size);

        if (size) {
            assert_memory_equal(out, everything, (size_t) (json.pos - out));
        }

        free(out);
    }
}


/* smaller things do not fill the gap that a larger one left */

static void
test_overflow_stays(void **state)
{
    char           out[8], *pos;
    sealed_json_t  json;

    sealed_json_init(&json, out, sizeof(out));
    sealed_json_array(&json);
    sealed_json_base64url(&json, "too long for it", 15);
    assert_int_not_equal(json.overflow, 0);

    pos = json.pos;

    sealed_json_uint(&json, 1);
    sealed_json_null(&json);
    sealed_json_string(&json, "", 0);
    sealed_json_base64url(&json, "", 0);
    sealed_json_array_end(&json);

    assert_int_not_equal(json.overflow, 0);
    assert_ptr_equal(json.pos, pos);
}


static void
test_escapes(void **state)
{
    char           out[64], expected[64], octet;
    unsigned       i;
    sealed_json_t  json;

    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < 256; i++) {
        octet = (char) i;

        if (i < 0x20) {
            strcpy(expected, "\"\\u0000\"");
            expected[5] = hex[i >> 4];
            expected[6] = hex[i & 0xf];

        } else if (i == '"' || i == '\\') {
            strcpy(expected, "\"\\?\"");
            expected[2] = octet;

        } else {
            strcpy(expected, "\"?\"");
            expected[1] = octet;
        }

        sealed_json_init(&json, out, sizeof(out));
        sealed_json_string(&json, &octet, 1);

        assert_written(&json, expected);
    }

    sealed_json_init(&json, out, sizeof(out));
    sealed_json_string(&json, "\xc3\xa4\xe2\x82\xac" "/", 6);
    assert_written(&json, "\"\xc3\xa4\xe2\x82\xac/\"");

    /* names are strings */

    sealed_json_init(&json, out, sizeof(out));
    sealed_json_object(&json);
    sealed_json_name(&json, "a\"b");
    sealed_json_null(&json);
    sealed_json_object_end(&json);
    assert_written(&json, "{\"a\\\"b\":null}");
}


static void
test_base64url(void **state)
{
    char           out[64];
    unsigned       i;
    sealed_json_t  json;

    static const char  *texts[] = {
        "\"\"", "\"-A\"", "\"-_8\"", "\"-_-_\"", "\"-_-__w\""
    };
    static const char  *octets[] = {
        "", "\xf8", "\xfb\xff", "\xfb\xff\xbf", "\xfb\xff\xbf\xff"
    };

    for (i = 0; i < 5; i++) {
        sealed_json_init(&json, out, sizeof(out));
        sealed_json_base64url(&json, octets[i], i);

        assert_written(&json, texts[i]);
    }
}


static void
test_depth(void **state)
{
    char           out[128];
    unsigned       i;
    sealed_json_t  json;

    sealed_json_init(&json, out, sizeof(out));

    for (i = 0; i < 16; i++) {
        sealed_json_array(&json);
    }

    assert_int_equal(json.overflow, 0);

    for (i = 0; i < 16; i++) {
        sealed_json_uint(&json, i);
        sealed_json_array_end(&json);
    }

    assert_written(&json, "[[[[[[[[[[[[[[[[0],1],2],3],4],5],6],7],8],9]"
                          ",10],11],12],13],14],15]");

    sealed_json_init(&json, out, sizeof(out));

    for (i = 0; i < 17; i++) {
        sealed_json_object(&json);
        sealed_json_name(&json, "a");
    }

    assert_int_not_equal(json.overflow, 0);

    /* one end too many */

    sealed_json_init(&json, out, sizeof(out));
    sealed_json_object(&json);
    sealed_json_object_end(&json);
    sealed_json_object_end(&json);

    assert_int_not_equal(json.overflow, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_overflow_stays),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_base64url),
        cmocka_unit_test(test_depth)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
