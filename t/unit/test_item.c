
#include "vectors.h"
#include "item.h"
#include "cbor.h"


#define HEADER                                                               \
    "3ccad6beb6d9773a4f17d2e8618e60201e3c7ccb987aecbb9e64a5e8447bf205"       \
    "151c4db5e828de7f91220e6868ed6805"

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

#define STAMP                                                                \
    "3034bb8a699d02bede2d43be7327a4865390bc381bc83437e573c407e6c1199c"       \
    "7f10e46a0d56623545cc72d5ee89ccfbd8409065fa4ed7222d1a3fd43e1f59e4"       \
    "2360d1da410b0dd2632db4411efe59105af874f8ae142738c1e05d99a00d9ac3"       \
    "bf"

/* sequence number 1 and no stamp; 70000 and a stamp */

#define ITEM_1                                                               \
    "85011a0007a13c58303ccad6beb6d9773a4f17d2e8618e60201e3c7ccb987aec"       \
    "bb9e64a5e8447bf205151c4db5e828de7f91220e6868ed680559012c87dac2a0"       \
    "2e1fe665272b878fda6c8c6e7ea11619753fe4aac6cf0f9cc22308514e8420aa"       \
    "7d2da2918b78bfad6d3f8ac0a3deb8b6db18937c1762be7c2c8747e3f038e2fb"       \
    "e5df1196ad87a149888f47f6b6fd097b7f43e5f0474847126a1494192cf2640a"       \
    "5ad60c4e9a1cdfc9e98bb1c6595b8c59de818f2b24df8fd1ed6600c7bd0fe275"       \
    "d66470ddf3e0ba990906bcd097ceb38f86dea1828425e6ae1b935a81d0fca599"       \
    "1ea774c31125a7bd08dc633dd86793822901e1ca5c63aa3a6d0b313949b67bdb"       \
    "5fb5bf72335641ca96dc959a2eb0e5ecc31a71c6980cd4d3dbb84dda4d94bdf5"       \
    "7239b68b8949282f780bd1d01270fb90c5eff003e3d80042fd9a837e88a1cee6"       \
    "b65b6823294273ddc7e013905080abfad1ceee5a0ef9883caeb0ab45b499813d"       \
    "e8e3845394edf8bcf6"

#define ITEM_2                                                               \
    "851a000111701a0007a13c58303ccad6beb6d9773a4f17d2e8618e60201e3c7c"       \
    "cb987aecbb9e64a5e8447bf205151c4db5e828de7f91220e6868ed680559012c"       \
    "87dac2a02e1fe665272b878fda6c8c6e7ea11619753fe4aac6cf0f9cc2230851"       \
    "4e8420aa7d2da2918b78bfad6d3f8ac0a3deb8b6db18937c1762be7c2c8747e3"       \
    "f038e2fbe5df1196ad87a149888f47f6b6fd097b7f43e5f0474847126a149419"       \
    "2cf2640a5ad60c4e9a1cdfc9e98bb1c6595b8c59de818f2b24df8fd1ed6600c7"       \
    "bd0fe275d66470ddf3e0ba990906bcd097ceb38f86dea1828425e6ae1b935a81"       \
    "d0fca5991ea774c31125a7bd08dc633dd86793822901e1ca5c63aa3a6d0b3139"       \
    "49b67bdb5fb5bf72335641ca96dc959a2eb0e5ecc31a71c6980cd4d3dbb84dda"       \
    "4d94bdf57239b68b8949282f780bd1d01270fb90c5eff003e3d80042fd9a837e"       \
    "88a1cee6b65b6823294273ddc7e013905080abfad1ceee5a0ef9883caeb0ab45"       \
    "b499813de8e3845394edf8bc58613034bb8a699d02bede2d43be7327a4865390"       \
    "bc381bc83437e573c407e6c1199c7f10e46a0d56623545cc72d5ee89ccfbd840"       \
    "9065fa4ed7222d1a3fd43e1f59e42360d1da410b0dd2632db4411efe59105af8"       \
    "74f8ae142738c1e05d99a00d9ac3bf"


#define HOUR  500028


static size_t
write_item(uint8_t *out, uint64_t seq, uint64_t hour, sealed_bytes_t header,
    sealed_bytes_t body, sealed_bytes_t stamp)
{
    uint8_t  *p;

    p = sealed_item_start(out, seq, hour, header.size);

    if (header.size) {
        memcpy(p, header.data, header.size);
    }

    p = sealed_item_body_head(p + header.size, body.size);

    if (body.size) {
        memcpy(p, body.data, body.size);
    }

    return (size_t) (sealed_item_end(p + body.size, stamp) - out);
}


static int
parse_hex(const char *hex)
{
    int              rc;
    sealed_item_t    item;
    sealed_bytes_t   data;
    const uint8_t   *pos;

    data = exact_hex(hex);
    pos = data.data;

    rc = sealed_item_parse(&item, &pos, data.data + data.size);

    if (rc != 0) {
        assert_ptr_equal(pos, data.data);
    }

    free_bytes(data);

    return rc;
}


static void
test_write(void **state)
{
    size_t          size;
    uint8_t         out[1024];
    sealed_bytes_t  header, body, stamp, none;

    header = exact_hex(HEADER);
    body = exact_hex(BODY);
    stamp = exact_hex(STAMP);
    none.data = NULL;
    none.size = 0;

    size = write_item(out, 1, HOUR, header, body, none);
    assert_int_equal(size, strlen(ITEM_1) / 2);
    assert_hex(out, ITEM_1);
    assert_int_equal(sealed_item_size(1, HOUR, 48, 300, 0), size);

    size = write_item(out, 70000, HOUR, header, body, stamp);
    assert_int_equal(size, strlen(ITEM_2) / 2);
    assert_hex(out, ITEM_2);
    assert_int_equal(sealed_item_size(70000, HOUR, 48, 300,
                                      SEALED_STAMP_SIZE), size);

    free_bytes(header);
    free_bytes(body);
    free_bytes(stamp);
}


static void
test_sequence(void **state)
{
    sealed_item_t    item;
    sealed_bytes_t   data;
    const uint8_t   *pos, *end;

    data = exact_hex(ITEM_1 ITEM_2);
    pos = data.data;
    end = data.data + data.size;

    assert_int_equal(sealed_item_parse(&item, &pos, end), 0);
    assert_ptr_equal(pos, data.data + strlen(ITEM_1) / 2);
    assert_true(item.seq == 1);
    assert_true(item.hour == HOUR);
    assert_int_equal(item.header.size, 48);
    assert_hex(item.header.data, HEADER);
    assert_int_equal(item.body.size, 300);
    assert_hex(item.body.data, BODY);
    assert_null(item.stamp.data);
    assert_int_equal(item.stamp.size, 0);

    assert_int_equal(sealed_item_parse(&item, &pos, end), 0);
    assert_ptr_equal(pos, end);
    assert_true(item.seq == 70000);
    assert_int_equal(item.stamp.size, SEALED_STAMP_SIZE);
    assert_hex(item.stamp.data, STAMP);

    assert_int_equal(sealed_item_parse(&item, &pos, end), -1);
    assert_ptr_equal(pos, end);

    free_bytes(data);
}


static void
test_cut_short(void **state)
{
    size_t           i, size;
    uint8_t          data[512];
    sealed_item_t    item;
    sealed_bytes_t   part;
    const uint8_t   *pos;

    size = unhex(data, sizeof(data), ITEM_2);

    for (i = 0; i < size; i++) {
        part = exact_bytes(data, i);
        pos = part.data;

        assert_int_equal(sealed_item_parse(&item, &pos, part.data + i), -1);
        assert_ptr_equal(pos, part.data);

        free_bytes(part);
    }
}


static void
test_refused(void **state)
{
    unsigned  i;

    static const char  *cases[] = {
        "80",
        "8401" "02" "40" "40",
        "8601" "02" "40" "40" "f6" "f6",

        /* five members behind another number */
        "8401" "02" "40" "40" "f6",
        "8601" "02" "40" "40" "f6",
        "9f01" "02" "40" "40" "f6" "ff",
        "980501" "02" "40" "40" "f6",
        "a501" "02" "40" "40" "f6",

        /* members of other types */
        "8520" "02" "40" "40" "f6",
        "8501" "40" "40" "40" "f6",
        "8501" "02" "60" "40" "f6",
        "8501" "02" "40" "f6" "f6",
        "85f6" "02" "40" "40" "f6",

        /* not the shortest form */
        "851801" "02" "40" "40" "f6",
        "8501" "190002" "40" "40" "f6",
        "8501" "02" "5800" "40" "f6",
        "8501" "02" "40" "5900010a" "f6",

        /* a stamp is null or has 97 octets */
        "8501" "02" "40" "40" "40",
        "8501" "02" "40" "40" "f7",
        "8501" "02" "40" "40" "f4",
        "8501" "02" "40" "40" "00",
        "8501" "02" "40" "40" "4100",

        /* beyond the input, also beyond what a pointer holds */
        "8501" "02" "5bffffffffffffffff" "40" "f6",
        "8501" "02" "40" "5b7fffffffffffffff" "f6",
        "8501" "02" "40" "5affffffff" "f6"
    };

    assert_int_equal(parse_hex("8501" "02" "40" "40" "f6"), 0);
    assert_int_equal(parse_hex("8500" "00" "40" "40" "f6"), 0);

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(parse_hex(cases[i]), -1);
    }
}


/* 96 and 98 octets are no stamp */

static void
test_stamp_sizes(void **state)
{
    int                   rc;
    size_t                n;
    uint8_t               data[256];
    sealed_item_t         item;
    sealed_bytes_t        bytes;
    const uint8_t        *pos;
    sealed_cbor_writer_t  w;

    static const uint8_t  zeros[128];

    for (n = 90; n <= 100; n++) {
        w.pos = data;
        w.end = data + sizeof(data);
        w.overflow = 0;

        sealed_cbor_write_array(&w, 5);
        sealed_cbor_write_uint(&w, 1);
        sealed_cbor_write_uint(&w, 2);
        sealed_cbor_write_bytes(&w, zeros, 0);
        sealed_cbor_write_bytes(&w, zeros, 0);
        sealed_cbor_write_bytes(&w, zeros, n);

        bytes = exact_bytes(data, (size_t) (w.pos - data));
        pos = bytes.data;

        rc = sealed_item_parse(&item, &pos, bytes.data + bytes.size);
        assert_int_equal(rc, n == SEALED_STAMP_SIZE ? 0 : -1);

        free_bytes(bytes);
    }
}


/* all sizes of heads; a header longer than this gateway allows, too */

static void
test_round_trips(void **state)
{
    size_t           size;
    uint8_t         *out;
    unsigned         i, j;
    sealed_item_t    item;
    sealed_bytes_t   header, body, stamp;
    const uint8_t   *pos;
    static uint8_t   octets[70000];

    static const uint64_t  numbers[] = {
        0, 1, 23, 24, 255, 256, 65535, 65536, UINT32_MAX,
        (uint64_t) UINT32_MAX + 1, UINT64_MAX
    };
    static const size_t  lengths[] = {
        0, 1, 23, 24, 48, 255, 256, 1000, 65535, 65536, 70000
    };

    memset(octets, 0x85, sizeof(octets));

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        for (j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
            header.data = octets;
            header.size = lengths[j];
            body.data = octets;
            body.size = lengths[(i + j) % 11];
            stamp.data = j % 2 ? octets : NULL;
            stamp.size = j % 2 ? SEALED_STAMP_SIZE : 0;

            size = sealed_item_size(numbers[i], numbers[(i + j) % 11],
                                    header.size, body.size, stamp.size);
            out = malloc(size + SEALED_ITEM_START_MAX);
            assert_non_null(out);

            assert_int_equal(write_item(out, numbers[i],
                                        numbers[(i + j) % 11], header, body,
                                        stamp), size);

            pos = out;
            assert_int_equal(sealed_item_parse(&item, &pos, out + size), 0);
            assert_ptr_equal(pos, out + size);
            assert_true(item.seq == numbers[i]);
            assert_true(item.hour == numbers[(i + j) % 11]);
            assert_int_equal(item.header.size, header.size);
            assert_int_equal(item.body.size, body.size);
            assert_int_equal(item.stamp.size, stamp.size);
            assert_int_equal(item.stamp.data != NULL, stamp.data != NULL);

            free(out);
        }
    }
}


/* the start of the longest item fits where it says that it does */

static void
test_start_max(void **state)
{
    size_t   size;
    uint8_t  out[SEALED_ITEM_START_MAX], *p;

    p = sealed_item_start(out, UINT64_MAX, UINT64_MAX, SEALED_MAX_HEADER);
    size = (size_t) (p - out) + SEALED_MAX_HEADER;
    size += (size_t) (sealed_item_body_head(out, SIZE_MAX) - out);

    assert_int_equal(size, SEALED_ITEM_START_MAX);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_write),
        cmocka_unit_test(test_sequence),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_stamp_sizes),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_start_max)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
