
#include "vectors.h"

/* the command's framing: pure, and no part of the core */
#include "cli/message.c"


static const uint8_t  id[16] = "0123456789abcde";
static const uint8_t  digest[32] = "0123456789abcdef0123456789abcde";


static sealed_message_t
message(const char *name, uint64_t offset, uint64_t total, size_t size)
{
    sealed_message_t  m;

    static uint8_t  content[1024];

    memset(&m, 0, sizeof(m));
    m.id = id;
    m.digest = digest;
    m.offset = offset;
    m.total = total;
    m.content.data = content;
    m.content.size = size;

    if (name) {
        m.name = text_bytes(name);
    }

    return m;
}


static int
parse(const uint8_t *data, size_t size)
{
    int               rc;
    sealed_bytes_t    encoded;
    sealed_message_t  m;

    encoded = exact_bytes(data, size);
    rc = sealed_message_parse(&m, encoded);
    free_bytes(encoded);

    return rc;
}


static void
test_round_trip(void **state)
{
    size_t            size;
    uint8_t           data[2048];
    unsigned          i;
    sealed_bytes_t    encoded;
    sealed_message_t  in, out;

    static const struct {
        const char  *name;
        uint64_t     offset;
        uint64_t     total;
        size_t       size;
    } cases[] = {
        { NULL,         0,              0,              0 },
        { NULL,         0,              5,              5 },
        { "a",          0,              1,              1 },
        { "report.pdf", 1000,           2000,           1000 },
        { "report.pdf", 0,              5000000000,     1024 },
        { "report.pdf", UINT64_MAX - 3, UINT64_MAX,     3 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        in = message(cases[i].name, cases[i].offset, cases[i].total,
                     cases[i].size);

        size = sealed_message_encode(data, sizeof(data), &in);
        assert_true(size != 0);

        /* what a sender counts on when he cuts */

        assert_true(size <= sealed_message_overhead(in.name.size, in.total,
                                                    in.content.size)
                            + in.content.size);

        encoded = exact_bytes(data, size);
        assert_int_equal(sealed_message_parse(&out, encoded), 0);

        assert_memory_equal(out.id, id, sizeof(id));
        assert_memory_equal(out.digest, digest, sizeof(digest));
        assert_int_equal(out.offset, in.offset);
        assert_int_equal(out.total, in.total);
        assert_int_equal(out.name.data != NULL, cases[i].name != NULL);
        assert_int_equal(out.name.size, in.name.size);
        assert_memory_equal(out.name.data, in.name.data, in.name.size);
        assert_int_equal(out.content.size, in.content.size);

        free_bytes(encoded);

        assert_int_equal(sealed_message_encode(data, size - 1, &in), 0);
    }
}


static void
test_refused(void **state)
{
    size_t            i, size;
    uint8_t           data[2048];
    sealed_message_t  m;

    /* beyond the whole; nothing where something is missing */

    m = message("a", 5, 9, 5);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), -1);

    m = message("a", 10, 9, 0);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), -1);

    m = message("a", UINT64_MAX, UINT64_MAX, 1);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), -1);

    m = message("a", 0, 9, 0);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), -1);

    /* an empty name is none */

    m = message("", 0, 1, 1);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), -1);

    m = message("a", 0, 9, 9);
    size = sealed_message_encode(data, sizeof(data), &m);
    assert_int_equal(parse(data, size), 0);

    for (i = 0; i < size; i++) {
        assert_int_equal(parse(data, i), -1);
    }

    data[size] = 0;
    assert_int_equal(parse(data, size + 1), -1);

    /* another count, another version */

    data[0]++;
    assert_int_equal(parse(data, size), -1);
    data[0]--;

    data[1]++;
    assert_int_equal(parse(data, size), -1);
}


static void
test_file_names(void **state)
{
    char            out[SEALED_MESSAGE_NAME_MAX + 1];
    size_t          i;
    sealed_bytes_t  name;

    static const struct {
        const char  *given;
        const char  *stored;
    } cases[] = {
        { "report.pdf",            "report.pdf" },
        { "../../etc/passwd",      "passwd" },
        { "/etc/passwd",           "passwd" },
        { "dir/",                  "file" },
        { "/",                     "file" },
        { "..",                    "_." },
        { ".bashrc",               "_bashrc" },
        { "-rf",                   "_rf" },
        { "~",                     "_" },
        { "a\nb\033[31m\177",      "a_b_[31m_" },
        { "c:\\windows\\x",        "c__windows_x" },
        { "a*?<>|\"b",             "a______b" },
        { "gr\303\274\303\237e",   "gr\303\274\303\237e" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        name = exact_text(cases[i].given);
        sealed_message_file_name(out, name);
        free_bytes(name);

        assert_string_equal(out, cases[i].stored);
    }
}


/* zero octets, and cut at the start of a character */

static void
test_long_names(void **state)
{
    char            out[SEALED_MESSAGE_NAME_MAX + 1];
    size_t          i;
    uint8_t         text[255];
    sealed_bytes_t  name;

    memset(text, 0, sizeof(text));
    name = exact_bytes(text, sizeof(text));
    sealed_message_file_name(out, name);
    free_bytes(name);

    assert_int_equal(strlen(out), STORED_NAME_MAX);
    assert_int_equal(strspn(out, "_"), STORED_NAME_MAX);

    text[0] = 'x';

    for (i = 1; i + 1 < sizeof(text); i += 2) {
        text[i] = 0xc3;
        text[i + 1] = 0xbc;
    }

    name = exact_bytes(text, sizeof(text));
    sealed_message_file_name(out, name);
    free_bytes(name);

    assert_int_equal(strlen(out), STORED_NAME_MAX - 1);
    assert_int_equal((uint8_t) out[STORED_NAME_MAX - 2], 0xbc);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_file_names),
        cmocka_unit_test(test_long_names)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
