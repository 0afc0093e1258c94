
#include "vectors.h"
#include "fanout.h"
#include "cbor.h"

#include <sodium.h>


#define FANOUT                                                               \
    "835830d60d58309e9d6532af96bd8f092fa08825e1bafcc8fe1f0eaec4d042fa"       \
    "322879cf67053568e1b0a1dc948dc67a22b3e458903ccad6beb6d9773a4f17d2"       \
    "e8618e60201e3c7ccb987aecbb9e64a5e8447bf205151c4db5e828de7f91220e"       \
    "6868ed6805d5eb1769b68aafb98a8f971b82366ba6c653e97e853d22b56e79c0"       \
    "f33bf46aa580a41b8223dc655a574e6616c3fdd9b7e4e4eb7d06efdb08becaee"       \
    "9699f7f908c9ffaa66fbb75bad27ac78438f7316f5cf367a6f6ae2607f5f60b6"       \
    "84171f857559012c87dac2a02e1fe665272b878fda6c8c6e7ea11619753fe4aa"       \
    "c6cf0f9cc22308514e8420aa7d2da2918b78bfad6d3f8ac0a3deb8b6db18937c"       \
    "1762be7c2c8747e3f038e2fbe5df1196ad87a149888f47f6b6fd097b7f43e5f0"       \
    "474847126a1494192cf2640a5ad60c4e9a1cdfc9e98bb1c6595b8c59de818f2b"       \
    "24df8fd1ed6600c7bd0fe275d66470ddf3e0ba990906bcd097ceb38f86dea182"       \
    "8425e6ae1b935a81d0fca5991ea774c31125a7bd08dc633dd86793822901e1ca"       \
    "5c63aa3a6d0b313949b67bdb5fb5bf72335641ca96dc959a2eb0e5ecc31a71c6"       \
    "980cd4d3dbb84dda4d94bdf57239b68b8949282f780bd1d01270fb90c5eff003"       \
    "e3d80042fd9a837e88a1cee6b65b6823294273ddc7e013905080abfad1ceee5a"       \
    "0ef9883caeb0ab45b499813de8e3845394edf8bc"

#define RECIPIENTS                                                           \
    "d60d58309e9d6532af96bd8f092fa08825e1bafcc8fe1f0eaec4d042fa322879"       \
    "cf67053568e1b0a1dc948dc67a22b3e4"

#define HEADERS                                                              \
    "3ccad6beb6d9773a4f17d2e8618e60201e3c7ccb987aecbb9e64a5e8447bf205"       \
    "151c4db5e828de7f91220e6868ed6805d5eb1769b68aafb98a8f971b82366ba6"       \
    "c653e97e853d22b56e79c0f33bf46aa580a41b8223dc655a574e6616c3fdd9b7"       \
    "e4e4eb7d06efdb08becaee9699f7f908c9ffaa66fbb75bad27ac78438f7316f5"       \
    "cf367a6f6ae2607f5f60b684171f8575"

#define BODY                                                                 \
    "87dac2a02e1fe665272b878fda6c8c6e7ea11619753fe4aac6cf0f9cc2230851"       \
    "4e8420aa7d2da2918b78bfad6d3f8ac0a3deb8b6db18937c1762be7c2c8747e3"       \
    "f038e2fbe5df1196ad87a149888f47f6b6fd097b7f43e5f0474847126a149419"       \
    "2cf2640a5ad60c4e9a1cdfc9e98bb1c6595b8c59de818f2b24df8fd1ed6600c7"       \
    "bd0fe275d66470ddf3e0ba990906bcd097ceb38f86dea1828425e6ae1b935a81"       \
    "d0fca5991ea774c31125a7bd08dc633dd86793822901e1ca5c63aa3a6d0b3139"       \
    "49b67bdb5fb5bf72335641ca96dc959a2eb0e5ecc31a71c6980cd4d3dbb84dda"       \
    "4d94bdf57239b68b8949282f780bd1d01270fb90c5eff003e3d80042fd9a837e"       \
    "88a1cee6b65b6823294273ddc7e013905080abfad1ceee5a0ef9883caeb0ab45"       \
    "b499813de8e3845394edf8bc"


#define MAX_COUNT  16

static const sealed_fanout_limits_t  limits = {
    MAX_COUNT, { 300, 512, 1024 }, 3
};

static const uint8_t  hash_key[16] = "not a secret key";


static sealed_verdict_t
parse(sealed_fanout_t *fanout, const void *data, size_t size)
{
    sealed_bytes_t    bytes;
    sealed_verdict_t  verdict;

    bytes = exact_bytes(data, size);
    verdict = sealed_fanout_parse(fanout, bytes, &limits);
    free_bytes(bytes);

    return verdict;
}


static sealed_verdict_t
parse_hex(const char *hex)
{
    size_t           size;
    uint8_t          data[UNHEX_MAX];
    sealed_fanout_t  fanout;

    size = unhex(data, sizeof(data), hex);

    return parse(&fanout, data, size);
}


/* three byte strings of these sizes, whatever they make together */

static size_t
strings(uint8_t *out, size_t max, size_t recipients, size_t headers,
    size_t body)
{
    static uint8_t        zeros[8192];
    sealed_cbor_writer_t  w;

    w.pos = out;
    w.end = out + max;
    w.overflow = 0;

    sealed_cbor_write_array(&w, 3);
    sealed_cbor_write_bytes(&w, zeros, recipients);
    sealed_cbor_write_bytes(&w, zeros, headers);
    sealed_cbor_write_bytes(&w, zeros, body);

    assert_false(w.overflow);

    return (size_t) (w.pos - out);
}


static uint64_t
random_number(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;

    return *state;
}


static void
test_vector(void **state)
{
    size_t           size;
    uint8_t         *again;
    sealed_bytes_t   data;
    sealed_fanout_t  fanout;

    data = exact_hex(FANOUT);

    assert_int_equal(sealed_fanout_parse(&fanout, data, &limits), SEALED_OK);

    assert_int_equal(fanout.count, 3);
    assert_int_equal(fanout.slice_size, 48);
    assert_int_equal(fanout.body.size, 300);
    assert_hex(fanout.recipients, RECIPIENTS);
    assert_hex(fanout.headers, HEADERS);
    assert_hex(fanout.body.data, BODY);

    /* what was read points into the input */
    assert_ptr_equal(fanout.body.data + 300, data.data + data.size);

    size = sealed_fanout_encode(NULL, &fanout);
    assert_int_equal(size, data.size);

    again = malloc(size);
    assert_non_null(again);
    assert_int_equal(sealed_fanout_encode(again, &fanout), size);
    assert_memory_equal(again, data.data, size);

    free(again);
    free_bytes(data);
}


static void
test_cut_short(void **state)
{
    size_t           i, size;
    uint8_t          data[512];
    sealed_fanout_t  fanout;

    size = unhex(data, sizeof(data), FANOUT);

    for (i = 0; i < size; i++) {
        assert_int_equal(parse(&fanout, data, i), SEALED_BAD_LAYOUT);
    }

    assert_int_equal(parse(&fanout, data, size), SEALED_OK);

    data[size] = 0;
    assert_int_equal(parse(&fanout, data, size + 1), SEALED_BAD_LAYOUT);

    assert_int_equal(sealed_fanout_parse(&fanout,
                         (sealed_bytes_t) { NULL, 0 }, &limits),
                     SEALED_BAD_LAYOUT);
}


static void
test_lengths(void **state)
{
    size_t            size;
    uint8_t           data[8192];
    unsigned          i;
    sealed_fanout_t   fanout;

    static const struct {
        size_t            recipients;
        size_t            headers;
        size_t            body;
        sealed_verdict_t  verdict;
    } cases[] = {
        { 16, 0, 512, SEALED_OK },
        { 16, 1, 512, SEALED_OK },
        { 16, 256, 512, SEALED_OK },
        { 32, 2, 300, SEALED_OK },
        { 16 * MAX_COUNT, 256 * MAX_COUNT, 1024, SEALED_OK },
        { 16 * MAX_COUNT, 0, 1024, SEALED_OK },

        { 0, 0, 512, SEALED_BAD_LAYOUT },
        { 0, 16, 512, SEALED_BAD_LAYOUT },
        { 1, 0, 512, SEALED_BAD_LAYOUT },
        { 15, 0, 512, SEALED_BAD_LAYOUT },
        { 17, 0, 512, SEALED_BAD_LAYOUT },
        { 31, 0, 512, SEALED_BAD_LAYOUT },
        { 32, 1, 512, SEALED_BAD_LAYOUT },
        { 32, 97, 512, SEALED_BAD_LAYOUT },
        { 48, 256, 512, SEALED_BAD_LAYOUT },

        { 16 * (MAX_COUNT + 1), 0, 512, SEALED_TOO_MANY_RECIPIENTS },
        { 16, 257, 512, SEALED_SLICE_TOO_LARGE },
        { 32, 514, 512, SEALED_SLICE_TOO_LARGE },
        { 16, 0, 0, SEALED_ENVELOPE_SIZE },
        { 16, 0, 299, SEALED_ENVELOPE_SIZE },
        { 16, 0, 301, SEALED_ENVELOPE_SIZE },
        { 16, 0, 1025, SEALED_ENVELOPE_SIZE },

        /* with several defects: layout, recipients, slice, envelope */
        { 16 * (MAX_COUNT + 1), 1, 513, SEALED_BAD_LAYOUT },
        { 17 * 16, 17 * 257, 513, SEALED_TOO_MANY_RECIPIENTS },
        { 17 * 16, 0, 513, SEALED_TOO_MANY_RECIPIENTS },
        { 16, 257, 513, SEALED_SLICE_TOO_LARGE }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size = strings(data, sizeof(data), cases[i].recipients,
                       cases[i].headers, cases[i].body);

        assert_int_equal(parse(&fanout, data, size), cases[i].verdict);
    }
}


/* other CBOR, also where it says the same in more octets */

static void
test_other_cbor(void **state)
{
    unsigned  i;

    static const char  *cases[] = {
        "80",
        "a0",
        "f6",
        "00",
        "8240" "40",
        "8340" "40" "40",
        "8440" "40" "40" "40",
        "9f" "40" "40" "40" "ff",
        "9803" "40" "40" "40",
        "c1" "83" "40" "40" "40",

        /* three strings behind another number */
        "82" "5000000000000000000000000000000000" "40" "40",
        "84" "5000000000000000000000000000000000" "40" "40",

        /* text, null and an integer in place of a byte string */
        "83" "60" "40" "40",
        "83" "5000000000000000000000000000000000" "f6" "40",
        "83" "5000000000000000000000000000000000" "40" "00",

        /* longer heads, indefinite lengths, reserved information */
        "83" "581000000000000000000000000000000000" "40" "40",
        "83" "59001000000000000000000000000000000000" "40" "40",
        "83" "5f" "5000000000000000000000000000000000" "ff" "40" "40",
        "83" "5c" "40" "40",

        /* more than there is */
        "83" "5bffffffffffffffff" "40" "40",
        "83" "5b8000000000000000" "40" "40",
        "83" "5affffffff" "40" "40",
        "83" "5000000000000000000000000000000000" "5bfffffffffffffff0" "40"
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_hex(cases[i]), SEALED_BAD_LAYOUT);
    }
}


static void
test_envelope_sizes(void **state)
{
    size_t  size;

    for (size = 0; size < 2000; size++) {
        assert_int_equal(sealed_envelope_size_allowed(&limits, size),
                         size == 300 || size == 512 || size == 1024);
    }

    assert_int_equal(sealed_envelope_size_allowed(&limits,
                         (size_t) 300 + UINT32_MAX + 1), 0);
}


static void
test_max_size(void **state)
{
    size_t           size, max;
    static uint8_t   zeros[8192];
    sealed_fanout_t  fanout;

    fanout.recipients = zeros;
    fanout.count = MAX_COUNT;
    fanout.headers = zeros;
    fanout.slice_size = SEALED_MAX_HEADER;
    fanout.body.data = zeros;
    fanout.body.size = 1024;

    size = sealed_fanout_encode(NULL, &fanout);
    max = sealed_fanout_max_size(&limits);

    assert_true(size <= max);
    assert_true(max - size < 3 * SEALED_CBOR_HEAD_MAX);
}


static int
duplicates(const uint8_t *ids, uint32_t count, uint32_t slots)
{
    int               rc;
    uint32_t         *table, i;
    uint64_t         *hash, expected;
    sealed_bytes_t    recipients;
    sealed_fanout_t   fanout;

    recipients = exact_bytes(ids, (size_t) count * SEALED_MAILBOX_ID_SIZE);

    memset(&fanout, 0, sizeof(fanout));
    fanout.recipients = recipients.data;
    fanout.count = count;

    table = malloc(slots * sizeof(uint32_t));
    hash = malloc(count * sizeof(uint64_t));
    assert_non_null(table);
    assert_non_null(hash);
    memset(table, 0xa5, slots * sizeof(uint32_t));

    rc = sealed_fanout_duplicates(&fanout, hash, table, slots, hash_key);

    for (i = 0; rc == 0 && i < count; i++) {
        (void) crypto_shorthash((uint8_t *) &expected,
                                ids + (size_t) i * SEALED_MAILBOX_ID_SIZE,
                                SEALED_MAILBOX_ID_SIZE, hash_key);
        assert_true(hash[i] == expected);
    }

    free(hash);
    free(table);
    free_bytes(recipients);

    return rc;
}


/* the smallest table that is allowed: half of it is used at the end */

static void
test_duplicates(void **state)
{
    uint8_t   ids[256 * SEALED_MAILBOX_ID_SIZE], kept[16];
    uint32_t  n, i, j;
    uint64_t  seed;

    seed = 88172645463325252;

    for (i = 0; i < sizeof(ids); i++) {
        ids[i] = (uint8_t) random_number(&seed);
    }

    for (n = 1; n <= 256; n *= 2) {
        assert_int_equal(duplicates(ids, n, n * 2), 0);

        for (i = 0; i < n; i += n > 16 ? 5 : 1) {
            for (j = 0; j < n; j += n > 16 ? 7 : 1) {

                if (i == j) {
                    continue;
                }

                memcpy(kept, ids + i * 16, 16);
                memcpy(ids + i * 16, ids + j * 16, 16);

                assert_int_equal(duplicates(ids, n, n * 2), -1);

                memcpy(ids + i * 16, kept, 16);
            }
        }
    }
}


/* ids of which only one bit is another one */

static void
test_near_duplicates(void **state)
{
    uint8_t   ids[129 * SEALED_MAILBOX_ID_SIZE];
    unsigned  i;

    memset(ids, 0, sizeof(ids));

    for (i = 0; i < 128; i++) {
        ids[i * 16 + i / 8] = (uint8_t) (1u << (i % 8));
    }

    assert_int_equal(duplicates(ids, 129, 512), 0);

    ids[128 * 16] = 1;
    assert_int_equal(duplicates(ids, 129, 512), -1);
}


static void
test_many(void **state)
{
    uint8_t   *ids;
    uint32_t   i;

    enum {
        MANY = 50000
    };

    ids = calloc(MANY, SEALED_MAILBOX_ID_SIZE);
    assert_non_null(ids);

    for (i = 0; i < MANY; i++) {
        memcpy(ids + (size_t) i * 16, &i, sizeof(i));
    }

    assert_int_equal(duplicates(ids, MANY, 131072), 0);

    memcpy(ids + (size_t) (MANY - 1) * 16, ids, 16);
    assert_int_equal(duplicates(ids, MANY, 131072), -1);

    free(ids);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_other_cbor),
        cmocka_unit_test(test_envelope_sizes),
        cmocka_unit_test(test_max_size),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_near_duplicates),
        cmocka_unit_test(test_many)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
