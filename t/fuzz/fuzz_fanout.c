
/*
 * Fan-outs: the verdict of a second reader, written for this; the same
 * octets when written again; duplicates as found by comparing all pairs.
 */

#include "fuzz.h"
#include "fanout.h"


static const sealed_fanout_limits_t  limits = {
    24, { 1, 16, 300, 512 }, 4
};


static sealed_verdict_t expected(const uint8_t *data, size_t size);
static int string_size(const uint8_t **pos, const uint8_t *end,
    uint64_t *length);
static void check_duplicates(const sealed_fanout_t *fanout);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t             encoded;
    uint8_t           *again;
    sealed_bytes_t     bytes;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    bytes.data = data;
    bytes.size = size;

    verdict = sealed_fanout_parse(&fanout, bytes, &limits);
    CHECK(verdict == expected(data, size));

    if (verdict != SEALED_OK) {
        return 0;
    }

    CHECK(size <= sealed_fanout_max_size(&limits));
    CHECK(fanout.count >= 1 && fanout.count <= limits.max_recipients);
    CHECK(fanout.slice_size <= SEALED_MAX_HEADER);
    CHECK(sealed_envelope_size_allowed(&limits, fanout.body.size));

    CHECK(inside(fanout.recipients,
                 (size_t) fanout.count * SEALED_MAILBOX_ID_SIZE, data, size));
    CHECK(inside(fanout.headers, (size_t) fanout.count * fanout.slice_size,
                 data, size));
    CHECK(inside(fanout.body.data, fanout.body.size, data, size));

    encoded = sealed_fanout_encode(NULL, &fanout);
    CHECK(encoded == size);

    again = malloc(encoded);
    CHECK(again != NULL);
    CHECK(sealed_fanout_encode(again, &fanout) == encoded);
    CHECK(memcmp(again, data, size) == 0);
    free(again);

    check_duplicates(&fanout);

    return 0;
}


static sealed_verdict_t
expected(const uint8_t *data, size_t size)
{
    uint64_t        recipients, headers, body, n;
    const uint8_t  *pos, *end;

    pos = data;
    end = data + size;

    if (size == 0 || *pos++ != 0x83
        || !string_size(&pos, end, &recipients)
        || !string_size(&pos, end, &headers)
        || !string_size(&pos, end, &body)
        || pos != end)
    {
        return SEALED_BAD_LAYOUT;
    }

    n = recipients / 16;

    if (n == 0 || n * 16 != recipients || headers / n * n != headers) {
        return SEALED_BAD_LAYOUT;
    }

    if (n > 24) {
        return SEALED_TOO_MANY_RECIPIENTS;
    }

    if (headers > n * 256) {
        return SEALED_SLICE_TOO_LARGE;
    }

    return body == 1 || body == 16 || body == 300 || body == 512
           ? SEALED_OK : SEALED_ENVELOPE_SIZE;
}


/* inputs are short: a length in more than two octets is too long anyway */

static int
string_size(const uint8_t **pos, const uint8_t *end, uint64_t *length)
{
    size_t          left;
    const uint8_t  *p = *pos;

    left = (size_t) (end - p);

    if (left >= 1 && p[0] >= 0x40 && p[0] < 0x58) {
        *length = p[0] - 0x40;
        p += 1;

    } else if (left >= 2 && p[0] == 0x58 && p[1] >= 24) {
        *length = p[1];
        p += 2;

    } else if (left >= 3 && p[0] == 0x59 && p[1]) {
        *length = (uint64_t) p[1] << 8 | p[2];
        p += 3;

    } else {
        return 0;
    }

    if (*length > (size_t) (end - p)) {
        return 0;
    }

    *pos = p + *length;

    return 1;
}


static void
check_duplicates(const sealed_fanout_t *fanout)
{
    int        repeated;
    uint8_t    key[16];
    uint32_t   i, j, slots, *table;
    uint64_t  *hash;

    repeated = 0;

    for (i = 0; i < fanout->count; i++) {
        for (j = 0; j < i; j++) {
            repeated |= memcmp(fanout->recipients + i * 16,
                               fanout->recipients + j * 16, 16) == 0;
        }
    }

    memcpy(key, fanout->recipients, sizeof(key));

    for (slots = 2; slots < fanout->count * 2; slots *= 2) {
        /* the smallest table that is allowed */
    }

    for (i = 0; i < 3; i++, slots *= 4) {
        table = malloc(slots * sizeof(uint32_t));
        CHECK(table != NULL);
        memset(table, 0xff, slots * sizeof(uint32_t));

        hash = malloc(fanout->count * sizeof(uint64_t));
        CHECK(hash != NULL);

        CHECK(sealed_fanout_duplicates(fanout, hash, table, slots, key)
              == (repeated ? -1 : 0));

        free(hash);
        free(table);
    }
}
