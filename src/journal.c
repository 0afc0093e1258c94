
#include "journal.h"
#include "hash.h"
#include "octets.h"

#include <string.h>
#include <sodium.h>


enum {
    HEADER_SIZE = 128,
    HEADER_COPY = 2048,
    CHECKED = 8,            /* a record's octets that the check leaves out */
    KINDS = 16
};


static sealed_journal_header_result_t decode(
    sealed_journal_segment_t *segment, const uint8_t *header);
static uint64_t check(const uint8_t *data, size_t size,
    const sealed_journal_segment_t *segment, size_t offset);
static uint16_t short_check(const uint8_t *record,
    const sealed_journal_segment_t *segment, size_t offset);
static int is_record(sealed_journal_record_t *record, const uint8_t *data,
    size_t size, size_t offset, const sealed_journal_segment_t *segment);
static void nonce_at(uint8_t nonce[24],
    const sealed_journal_segment_t *segment, size_t offset);
static char *hexadecimal(char *out, uint64_t n, unsigned digits);
static const char *from_hexadecimal(uint64_t *n, const char *text,
    unsigned digits, char end);


void
sealed_journal_identity(uint8_t identity[SEALED_JOURNAL_IDENTITY],
    const char *name, size_t size)
{
    uint8_t          digest[SEALED_SHA256_SIZE];
    sealed_sha256_t  ctx;

    static const char  label[] = "sealed-sender journal v1";

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, label, sizeof(label) - 1);
    sealed_sha256_update(&ctx, name, size);
    sealed_sha256_final(&ctx, digest);

    memcpy(identity, digest, SEALED_JOURNAL_IDENTITY);
}


void
sealed_journal_segment_keys(sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE])
{
    uint8_t  *p, name[SEALED_JOURNAL_IDENTITY + 24], keys[32];

    memcpy(name, segment->zone, SEALED_JOURNAL_IDENTITY);
    p = name + SEALED_JOURNAL_IDENTITY;
    p = sealed_put64(p, segment->generation);
    p = sealed_put64(p, segment->stream);
    p = sealed_put32(p, segment->number);
    (void) sealed_put32(p, segment->snapshot);

    (void) crypto_generichash(keys, sizeof(keys), name, sizeof(name), key,
                              SEALED_KEY_SIZE);

    memcpy(segment->check_key, keys, 16);
    memcpy(segment->nonce, keys + 16, 16);

    sodium_memzero(keys, sizeof(keys));
}


void
sealed_journal_segment_name(char name[SEALED_JOURNAL_NAME_SIZE],
    const sealed_journal_segment_t *segment)
{
    const char  *ending;

    name = hexadecimal(name, segment->generation, 16);
    *name++ = '-';
    name = hexadecimal(name, segment->stream, 16);
    *name++ = '-';
    name = hexadecimal(name, segment->number, 8);

    ending = segment->snapshot ? ".snapshot" : ".journal";
    memcpy(name, ending, strlen(ending) + 1);
}


int
sealed_journal_segment_parse(sealed_journal_segment_t *segment,
    const char *name)
{
    uint64_t  number;

    memset(segment, 0, sizeof(sealed_journal_segment_t));

    name = from_hexadecimal(&segment->generation, name, 16, '-');
    name = name ? from_hexadecimal(&segment->stream, name, 16, '-') : NULL;
    name = name ? from_hexadecimal(&number, name, 8, '.') : NULL;

    if (name == NULL) {
        return -1;
    }

    segment->number = (uint32_t) number;
    segment->snapshot = strcmp(name, "snapshot") == 0;

    return segment->snapshot || strcmp(name, "journal") == 0 ? 0 : -1;
}


void
sealed_journal_header_encode(uint8_t block[SEALED_JOURNAL_BLOCK],
    const sealed_journal_segment_t *segment)
{
    uint8_t  *p;

    memset(block, 0, SEALED_JOURNAL_BLOCK);

    p = sealed_put64(block, SEALED_JOURNAL_MAGIC);
    p = sealed_put32(p, SEALED_JOURNAL_VERSION);
    p = sealed_put32(p, HEADER_SIZE);
    memcpy(p, segment->zone, SEALED_JOURNAL_IDENTITY);
    p += SEALED_JOURNAL_IDENTITY;
    memcpy(p, segment->check_key, 16);
    p += 16;
    memcpy(p, segment->nonce, 16);
    p += 16;
    p = sealed_put64(p, segment->generation);
    p = sealed_put64(p, segment->stream);
    p = sealed_put32(p, segment->number);
    p = sealed_put32(p, segment->tag);
    p = sealed_put32(p, segment->hour);
    (void) sealed_put32(p, segment->snapshot);

    (void) sealed_put64(block + HEADER_SIZE - 8,
                        check(block, HEADER_SIZE - 8, segment, 0));

    memcpy(block + HEADER_COPY, block, HEADER_SIZE);
}


sealed_journal_header_result_t
sealed_journal_header_decode(sealed_journal_segment_t *segment,
    const uint8_t *data, size_t size)
{
    sealed_journal_header_result_t  first, second;

    if (sodium_is_zero(data, size < SEALED_JOURNAL_BLOCK
                             ? size : SEALED_JOURNAL_BLOCK))
    {
        return SEALED_JOURNAL_HEADER_BLANK;
    }

    if (size < SEALED_JOURNAL_BLOCK) {
        return SEALED_JOURNAL_HEADER_DAMAGED;
    }

    first = decode(segment, data);

    if (first == SEALED_JOURNAL_HEADER_OK) {
        return first;
    }

    second = decode(segment, data + HEADER_COPY);

    return second == SEALED_JOURNAL_HEADER_OK || first == second
           ? second : SEALED_JOURNAL_HEADER_DAMAGED;
}


void
sealed_journal_record_seal(uint8_t *record, uint32_t payload_size,
    sealed_journal_kind_t kind, const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE], size_t offset)
{
    uint8_t   nonce[24], *payload;
    uint16_t  n;
    uint32_t  size;

    size = SEALED_JOURNAL_FRAME + payload_size + SEALED_JOURNAL_TAG;
    payload = record + SEALED_JOURNAL_FRAME;

    (void) sealed_put32(record + 8, size);
    record[12] = (uint8_t) kind;
    record[13] = 0;

    n = short_check(record, segment, offset);
    record[14] = (uint8_t) (n >> 8);
    record[15] = (uint8_t) n;

    nonce_at(nonce, segment, offset);

    (void) crypto_aead_xchacha20poly1305_ietf_encrypt_detached(payload,
               payload + payload_size, NULL, payload, payload_size,
               record + CHECKED, SEALED_JOURNAL_FRAME - CHECKED, NULL,
               nonce, key);

    memset(record + size, 0, sealed_journal_record_size(payload_size) - size);

    (void) sealed_put64(record, check(record + CHECKED, size - CHECKED,
                                      segment, offset));
}


void
sealed_journal_record_at(sealed_journal_record_t *record,
    const uint8_t *data, size_t offset)
{
    record->data = data + offset;
    record->offset = offset;
    record->size = sealed_get32(record->data + 8);
    record->payload_size = record->size - SEALED_JOURNAL_FRAME
                           - SEALED_JOURNAL_TAG;
    record->kind = record->data[12];
}


int
sealed_journal_record_open(uint8_t *out,
    const sealed_journal_record_t *record,
    const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE])
{
    uint8_t         nonce[24];
    const uint8_t  *payload;

    nonce_at(nonce, segment, record->offset);
    payload = record->data + SEALED_JOURNAL_FRAME;

    return crypto_aead_xchacha20poly1305_ietf_decrypt_detached(out, NULL,
               payload, record->payload_size,
               payload + record->payload_size, record->data + CHECKED,
               SEALED_JOURNAL_FRAME - CHECKED, nonce, key);
}


sealed_journal_scan_result_t
sealed_journal_scan(sealed_journal_record_t *record, const uint8_t *data,
    size_t size, size_t *offset, const sealed_journal_segment_t *segment)
{
    size_t  at, begin, last;

    begin = *offset;

    /* the end of damage that is not zero, should nothing whole follow */
    last = begin;

    for (at = begin; at < size; at += 8) {

        if (at + 8 > size || sealed_get64(data + at) != 0) {

            if (is_record(record, data, size, at, segment)) {

                if (at == begin) {
                    *offset = at + sealed_journal_record_size(
                                                      record->payload_size);
                    return SEALED_JOURNAL_RECORD;
                }

                record->offset = begin;
                record->size = (uint32_t) (at - begin);
                *offset = at;

                return SEALED_JOURNAL_DAMAGED;
            }

            last = at + 8 < size ? at + 8 : size;
        }
    }

    *offset = size;

    while (last > begin && data[last - 1] == 0) {
        last--;
    }

    if (last == begin) {
        return SEALED_JOURNAL_DONE;
    }

    record->offset = begin;
    record->size = (uint32_t) (last - begin);

    return SEALED_JOURNAL_TORN;
}


static sealed_journal_header_result_t
decode(sealed_journal_segment_t *segment, const uint8_t *header)
{
    const uint8_t  *p;

    if (sealed_get64(header) != SEALED_JOURNAL_MAGIC) {
        return SEALED_JOURNAL_HEADER_DAMAGED;
    }

    if (sealed_get32(header + 8) != SEALED_JOURNAL_VERSION
        || sealed_get32(header + 12) != HEADER_SIZE)
    {
        return SEALED_JOURNAL_HEADER_VERSION;
    }

    p = header + 16;
    memcpy(segment->zone, p, SEALED_JOURNAL_IDENTITY);
    p += SEALED_JOURNAL_IDENTITY;
    memcpy(segment->check_key, p, 16);
    p += 16;
    memcpy(segment->nonce, p, 16);
    p += 16;

    segment->generation = sealed_get64(p);
    segment->stream = sealed_get64(p + 8);
    segment->number = sealed_get32(p + 16);
    segment->tag = sealed_get32(p + 20);
    segment->hour = sealed_get32(p + 24);
    segment->snapshot = sealed_get32(p + 28);

    if (sealed_get64(header + HEADER_SIZE - 8)
        != check(header, HEADER_SIZE - 8, segment, 0)
        || segment->snapshot > 1)
    {
        return SEALED_JOURNAL_HEADER_DAMAGED;
    }

    return SEALED_JOURNAL_HEADER_OK;
}


static uint64_t
check(const uint8_t *data, size_t size,
    const sealed_journal_segment_t *segment, size_t offset)
{
    uint8_t   hash[crypto_shorthash_siphash24_BYTES], key[16];
    uint64_t  n;

    memcpy(key, segment->check_key, sizeof(key));
    (void) sealed_put64(key, sealed_get64(key) ^ offset);

    (void) crypto_shorthash_siphash24(hash, data, size, key);

    /* zero is what was never written */

    n = sealed_get64(hash);

    return n ? n : 1;
}


static uint16_t
short_check(const uint8_t *record, const sealed_journal_segment_t *segment,
    size_t offset)
{
    return (uint16_t) check(record + CHECKED, 6, segment, offset);
}


static int
is_record(sealed_journal_record_t *record, const uint8_t *data, size_t size,
    size_t offset, const sealed_journal_segment_t *segment)
{
    size_t          room;
    uint32_t        n;
    const uint8_t  *p;

    room = size - offset;

    if (room < SEALED_JOURNAL_FRAME + SEALED_JOURNAL_TAG) {
        return 0;
    }

    p = data + offset;
    n = sealed_get32(p + 8);

    if (n < SEALED_JOURNAL_FRAME + SEALED_JOURNAL_TAG || n > room
        || p[12] == 0 || p[12] >= KINDS || p[13] != 0
        || (p[14] << 8 | p[15]) != short_check(p, segment, offset)
        || sealed_get64(p) != check(p + CHECKED, n - CHECKED, segment,
                                    offset))
    {
        return 0;
    }

    sealed_journal_record_at(record, data, offset);

    return 1;
}


static void
nonce_at(uint8_t nonce[24], const sealed_journal_segment_t *segment,
    size_t offset)
{
    memcpy(nonce, segment->nonce, 16);
    (void) sealed_put64(nonce + 16, offset);
}


static char *
hexadecimal(char *out, uint64_t n, unsigned digits)
{
    while (digits) {
        digits--;
        *out++ = "0123456789abcdef"[(n >> (4 * digits)) & 15];
    }

    return out;
}


/* so many digits, none of them a capital, and this behind them; or NULL */

static const char *
from_hexadecimal(uint64_t *n, const char *text, unsigned digits, char end)
{
    const char  *digit;

    static const char  all[] = "0123456789abcdef";

    for (*n = 0; digits; digits--, text++) {
        digit = *text ? strchr(all, *text) : NULL;

        if (digit == NULL) {
            return NULL;
        }

        *n = *n << 4 | (uint64_t) (digit - all);
    }

    return *text == end ? text + 1 : NULL;
}
