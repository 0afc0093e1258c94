
#include "vectors.h"
#include "cbor.h"


typedef enum {
    UINT,
    BYTES,
    TEXT,
    ARRAY,
    NUL,
    KINDS
} kind_t;


/* one item of this kind, whatever it holds; 0 or -1 */

static int
read_kind(sealed_cbor_reader_t *r, kind_t kind)
{
    uint64_t        n;
    sealed_bytes_t  string;

    switch (kind) {
    case UINT:
        return sealed_cbor_read_uint(r, &n);

    case BYTES:
        return sealed_cbor_read_bytes(r, &string);

    case TEXT:
        return sealed_cbor_read_text(r, &string);

    case ARRAY:
        return sealed_cbor_read_array(r, &n);

    default:
        return sealed_cbor_read_null(r);
    }
}


static sealed_cbor_reader_t
reader(sealed_bytes_t bytes)
{
    sealed_cbor_reader_t  r;

    r.pos = bytes.data;
    r.end = bytes.data + bytes.size;

    return r;
}


/* RFC 8949, appendix A, and both sides of every step of the head's size */

static const struct {
    uint64_t     value;
    const char  *hex;
} integers[] = {
    { 0, "00" },
    { 1, "01" },
    { 10, "0a" },
    { 23, "17" },
    { 24, "1818" },
    { 25, "1819" },
    { 100, "1864" },
    { 255, "18ff" },
    { 256, "190100" },
    { 1000, "1903e8" },
    { 65535, "19ffff" },
    { 65536, "1a00010000" },
    { 1000000, "1a000f4240" },
    { 4294967295u, "1affffffff" },
    { 4294967296u, "1b0000000100000000" },
    { 1000000000000u, "1b000000e8d4a51000" },
    { UINT64_MAX, "1bffffffffffffffff" }
};

#define INTEGERS  (sizeof(integers) / sizeof(integers[0]))


static void
test_integers(void **state)
{
    size_t                size;
    unsigned              i;
    uint8_t               out[SEALED_CBOR_HEAD_MAX + 1];
    uint64_t              value;
    sealed_bytes_t        bytes;
    sealed_cbor_reader_t  r;
    sealed_cbor_writer_t  w;

    for (i = 0; i < INTEGERS; i++) {
        bytes = exact_hex(integers[i].hex);
        size = bytes.size;

        assert_int_equal(sealed_cbor_head_size(integers[i].value), size);

        r = reader(bytes);
        value = ~integers[i].value;
        assert_int_equal(sealed_cbor_read_uint(&r, &value), 0);
        assert_true(value == integers[i].value);
        assert_ptr_equal(r.pos, r.end);

        w.pos = out;
        w.end = out + size;
        w.overflow = 0;
        out[size] = '#';

        sealed_cbor_write_uint(&w, integers[i].value);
        assert_int_equal(w.overflow, 0);
        assert_ptr_equal(w.pos, out + size);
        assert_memory_equal(out, bytes.data, size);
        assert_int_equal(out[size], '#');

        free_bytes(bytes);
    }
}


/* the same heads are counts of arrays and sizes of strings */

static void
test_heads(void **state)
{
    unsigned              i;
    uint8_t               head[SEALED_CBOR_HEAD_MAX], *p;
    uint64_t              count;
    sealed_bytes_t        bytes;
    sealed_cbor_reader_t  r;
    sealed_cbor_writer_t  w;

    for (i = 0; i < INTEGERS; i++) {
        bytes = exact_hex(integers[i].hex);
        p = (uint8_t *) bytes.data;

        w.pos = head;
        w.end = head + sizeof(head);
        w.overflow = 0;
        sealed_cbor_write_array(&w, integers[i].value);
        p[0] |= 4 << 5;
        assert_int_equal(w.pos - head, bytes.size);
        assert_memory_equal(head, p, bytes.size);

        r = reader(bytes);
        assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
        assert_true(count == integers[i].value);

        w.pos = head;
        sealed_cbor_write_bytes_head(&w, integers[i].value);
        p[0] = (uint8_t) ((p[0] & 0x1f) | (2 << 5));
        assert_int_equal(w.overflow, 0);
        assert_int_equal(w.pos - head, bytes.size);
        assert_memory_equal(head, p, bytes.size);

        /* nothing follows: only the empty string is whole */

        r = reader(bytes);
        assert_int_equal(read_kind(&r, BYTES), i == 0 ? 0 : -1);

        r = reader(bytes);
        p[0] = (uint8_t) ((p[0] & 0x1f) | (3 << 5));
        assert_int_equal(read_kind(&r, TEXT), i == 0 ? 0 : -1);

        free_bytes(bytes);
    }
}


static void
test_strings(void **state)
{
    unsigned              i;
    uint8_t               out[32];
    sealed_bytes_t        bytes, string;
    sealed_cbor_reader_t  r;
    sealed_cbor_writer_t  w;

    static const struct {
        kind_t       kind;
        size_t       size;
        const char  *data;
        const char  *hex;
    } cases[] = {
        { BYTES, 0, "", "40" },
        { BYTES, 4, "\1\2\3\4", "4401020304" },
        { BYTES, 3, "\0\0\0", "43000000" },
        { TEXT, 0, "", "60" },
        { TEXT, 1, "a", "6161" },
        { TEXT, 4, "IETF", "6449455446" },
        { TEXT, 2, "\"\\", "62225c" },
        { TEXT, 2, "\xc3\xbc", "62c3bc" },
        { TEXT, 3, "\xe6\xb0\xb4", "63e6b0b4" },
        { TEXT, 4, "\xf0\x90\x85\x91", "64f0908591" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bytes = exact_hex(cases[i].hex);
        r = reader(bytes);

        assert_int_equal(cases[i].kind == BYTES
                         ? sealed_cbor_read_bytes(&r, &string)
                         : sealed_cbor_read_text(&r, &string), 0);
        assert_int_equal(string.size, cases[i].size);
        assert_ptr_equal(string.data, bytes.data + 1);
        assert_memory_equal(string.data, cases[i].data, string.size);
        assert_ptr_equal(r.pos, r.end);

        w.pos = out;
        w.end = out + bytes.size;
        w.overflow = 0;

        if (cases[i].kind == BYTES) {
            sealed_cbor_write_bytes(&w, cases[i].data, cases[i].size);

        } else {
            sealed_cbor_write_text(&w, cases[i].data, cases[i].size);
        }

        assert_int_equal(w.overflow, 0);
        assert_ptr_equal(w.pos, w.end);
        assert_memory_equal(out, bytes.data, bytes.size);

        free_bytes(bytes);
    }
}


/* lengths of one, two and four octets, the string and what follows it */

static void
test_long_strings(void **state)
{
    size_t                i, n, head;
    uint8_t              *data, *out;
    uint64_t              value;
    sealed_bytes_t        string;
    sealed_cbor_reader_t  r;
    sealed_cbor_writer_t  w;

    static const size_t  sizes[] = {
        23, 24, 255, 256, 65535, 65536, 70000
    };

    data = malloc(70000);
    assert_non_null(data);

    for (i = 0; i < 70000; i++) {
        data[i] = (uint8_t) (i * 31);
    }

    for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        n = sizes[i];
        head = sealed_cbor_head_size(n);

        out = malloc(head + n + 1);
        assert_non_null(out);

        w.pos = out;
        w.end = out + head + n + 1;
        w.overflow = 0;

        sealed_cbor_write_bytes(&w, data, n);
        sealed_cbor_write_uint(&w, 7);
        assert_int_equal(w.overflow, 0);
        assert_ptr_equal(w.pos, w.end);

        r.pos = out;
        r.end = w.end;
        assert_int_equal(sealed_cbor_read_bytes(&r, &string), 0);
        assert_int_equal(string.size, n);
        assert_memory_equal(string.data, data, n);
        assert_int_equal(sealed_cbor_read_uint(&r, &value), 0);
        assert_int_equal(value, 7);
        assert_ptr_equal(r.pos, r.end);

        /* one octet short */

        r.pos = out;
        r.end = out + head + n - 1;
        assert_int_equal(sealed_cbor_read_bytes(&r, &string), -1);
        assert_ptr_equal(r.pos, out);

        free(out);
    }

    free(data);
}


/* RFC 8949, appendix A: [], [1, 2, 3], the one of 25, null; a sequence */

static void
test_arrays_and_null(void **state)
{
    uint8_t               out[64];
    uint64_t              count, value, i;
    sealed_bytes_t        bytes, string;
    sealed_cbor_reader_t  r;
    sealed_cbor_writer_t  w;

    bytes = exact_hex("80" "83010203" "f6"
                      "98190102030405060708090a0b0c0d0e0f10111213141516"
                      "1718181819" "8301820203820405");
    r = reader(bytes);

    assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
    assert_int_equal(count, 0);

    assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
    assert_int_equal(count, 3);

    for (i = 1; i <= 3; i++) {
        assert_int_equal(sealed_cbor_read_uint(&r, &value), 0);
        assert_int_equal(value, i);
    }

    assert_int_equal(sealed_cbor_read_null(&r), 0);

    assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
    assert_int_equal(count, 25);

    for (i = 1; i <= 25; i++) {
        assert_int_equal(sealed_cbor_read_uint(&r, &value), 0);
        assert_int_equal(value, i);
    }

    assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
    assert_int_equal(count, 3);
    assert_int_equal(sealed_cbor_read_bytes(&r, &string), -1);
    assert_int_equal(sealed_cbor_read_uint(&r, &value), 0);
    assert_int_equal(sealed_cbor_read_array(&r, &count), 0);
    assert_int_equal(count, 2);

    w.pos = out;
    w.end = out + 11;
    w.overflow = 0;
    sealed_cbor_write_array(&w, 0);
    sealed_cbor_write_array(&w, 3);
    sealed_cbor_write_uint(&w, 1);
    sealed_cbor_write_uint(&w, 2);
    sealed_cbor_write_uint(&w, 3);
    sealed_cbor_write_null(&w);
    assert_int_equal(w.overflow, 0);
    assert_int_equal(w.pos - out, 6);
    assert_memory_equal(out, bytes.data, 6);

    free_bytes(bytes);
}


/* nothing takes any of these, and no reader moves */

static void
test_refused(void **state)
{
    unsigned              i;
    kind_t                kind;
    sealed_bytes_t        bytes;
    sealed_cbor_reader_t  r;

    static const char  *const cases[] = {

        "",

        /* not the shortest form */

        "1800", "1817", "190000", "190017", "190018", "1900ff",
        "1a00000000", "1a00000018", "1a000000ff", "1a0000ffff",
        "1b0000000000000000", "1b0000000000000018", "1b000000000000ffff",
        "1b00000000ffffffff",
        "580100", "5817000000000000000000000000000000000000000000000000",
        "59000100", "5a0000000100", "5b000000000000000100",
        "780161", "79000161", "7a0000000161", "7b000000000000000161",
        "980101", "99000101", "9a0000000101", "9b000000000000000101",

        /* reserved: 28 to 30 */

        "1c", "1d", "1e", "5c", "5d", "5e", "7c", "7d", "7e", "9c", "9d",
        "9e", "fc", "fd", "fe", "1c0000", "5c0000", "1d00000000000000000000",

        /* indefinite lengths, and what ends them */

        "1f", "5f42010243030405ff", "7f657374726561646d696e67ff", "9fff",
        "9f018202039f0405ffff", "5fff", "7fff", "ff",

        /* negative integers, maps, tags, simple values, floating point */

        "20", "29", "3863", "3903e7", "3bffffffffffffffff", "a0",
        "a201020304", "bf61610161629f0203ffff", "c0", "c11a514b67b0",
        "c249010000000000000000", "d74401020304", "f4", "f5", "f7", "f0",
        "f818", "f8ff", "f8f6", "f90000", "fa47c35000",
        "fb3ff199999999999a", "e0", "f3",

        /* heads that are cut off */

        "18", "19", "1901", "1a", "1a000100", "1b", "1b00000001000000",
        "58", "59", "5901", "5a", "5a000100", "5b", "5b00000001000000",
        "78", "79", "7901", "98", "99", "9901", "9a000100",
        "9b00000001000000",

        /* strings that are cut off, sizes that no memory has */

        "41", "440102", "44010203", "57", "5818", "58ff00", "590100",
        "5affffffff", "5bffffffffffffffff", "5b7fffffffffffffff",
        "5b8000000000000000", "5bffffffffffffffff00000000000000",
        "61", "644945", "7bffffffffffffffff00", "7affffffff00"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bytes = exact_hex(cases[i]);

        for (kind = UINT; kind < KINDS; kind++) {
            r = reader(bytes);
            assert_int_equal(read_kind(&r, kind), -1);
            assert_ptr_equal(r.pos, bytes.data);
            assert_ptr_equal(r.end, bytes.data + bytes.size);
        }

        free_bytes(bytes);
    }
}


/* a first octet means one kind or none */

static void
test_kinds(void **state)
{
    unsigned              first, taken;
    kind_t                kind;
    uint8_t               data[64];
    sealed_cbor_reader_t  r;

    memset(data, 0xff, sizeof(data));

    for (first = 0; first < 256; first++) {
        data[0] = (uint8_t) first;
        taken = 0;

        for (kind = UINT; kind < KINDS; kind++) {
            r.pos = data;
            r.end = data + sizeof(data);

            if (read_kind(&r, kind) == 0) {
                taken |= 1u << kind;
                assert_true(r.pos > data && r.pos <= r.end);

            } else {
                assert_ptr_equal(r.pos, data);
            }
        }

        if (first == 0xf6) {
            assert_int_equal(taken, 1u << NUL);

        } else if (first < 0x1c) {
            assert_int_equal(taken, 1u << UINT);

        } else if (first >= 0x40 && first <= 0x57) {
            assert_int_equal(taken, 1u << BYTES);

        } else if (first >= 0x60 && first <= 0x77) {
            assert_int_equal(taken, 1u << TEXT);

        } else if (first >= 0x80 && first <= 0x9b) {
            assert_int_equal(taken, 1u << ARRAY);

        } else {

            /* strings of 255 octets and more do not fit into 64 */

            assert_int_equal(taken, 0);
        }
    }
}


/* whatever the room: a prefix or all of it, and never beyond */

static void
test_overflow(void **state)
{
    size_t                room, whole;
    uint8_t               full[64], *out;
    unsigned              failed;
    sealed_cbor_writer_t  w;

    whole = 0;

    for (room = sizeof(full); /* void */ ; room--) {
        out = malloc(room);
        assert_true(out != NULL || room == 0);

        w.pos = out;
        w.end = out + room;
        w.overflow = 0;

        sealed_cbor_write_array(&w, 5);
        sealed_cbor_write_uint(&w, 1000000000000u);
        sealed_cbor_write_bytes(&w, "\1\2\3\4", 4);
        sealed_cbor_write_text(&w, "IETF", 4);
        sealed_cbor_write_null(&w);
        sealed_cbor_write_bytes_head(&w, 300);

        if (room == sizeof(full)) {
            whole = (size_t) (w.pos - out);
            assert_int_equal(whole, 1 + 9 + 5 + 5 + 1 + 3);
            memcpy(full, out, whole);
        }

        failed = room < whole;
        assert_int_equal(w.overflow != 0, failed);
        assert_true(w.pos <= w.end);
        assert_memory_equal(out, full, (size_t) (w.pos - out));

        if (failed) {

            /* what would still fit is not written either */

            uint8_t  *pos = w.pos;

            sealed_cbor_write_null(&w);
            sealed_cbor_write_uint(&w, 1);
            sealed_cbor_write_bytes(&w, NULL, 0);
            sealed_cbor_write_text(&w, "", 0);
            sealed_cbor_write_array(&w, 0);
            assert_ptr_equal(w.pos, pos);
            assert_int_not_equal(w.overflow, 0);
        }

        free(out);

        if (room == 0) {
            break;
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_integers),
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_long_strings),
        cmocka_unit_test(test_arrays_and_null),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_overflow)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
