
#include "item.h"
#include "cbor.h"


static sealed_cbor_writer_t writer(uint8_t *out, size_t size);


size_t
sealed_item_largest(size_t body_size)
{
    return sealed_item_size(UINT64_MAX, UINT64_MAX, SEALED_MAX_HEADER,
                            body_size, SEALED_STAMP_SIZE);
}


size_t
sealed_item_size(uint64_t seq, uint64_t hour, size_t header_size,
    size_t body_size, size_t stamp_size)
{
    return 1 + sealed_cbor_head_size(seq) + sealed_cbor_head_size(hour)
           + sealed_cbor_head_size(header_size) + header_size
           + sealed_cbor_head_size(body_size) + body_size
           + (stamp_size ? sealed_cbor_head_size(stamp_size) + stamp_size
                         : 1);
}


uint8_t *
sealed_item_start(uint8_t *out, uint64_t seq, uint64_t hour,
    size_t header_size)
{
    sealed_cbor_writer_t  w = writer(out, SEALED_ITEM_START_MAX);

    sealed_cbor_write_array(&w, 5);
    sealed_cbor_write_uint(&w, seq);
    sealed_cbor_write_uint(&w, hour);
    sealed_cbor_write_bytes_head(&w, header_size);

    return w.pos;
}


uint8_t *
sealed_item_body_head(uint8_t *out, size_t body_size)
{
    sealed_cbor_writer_t  w = writer(out, SEALED_CBOR_HEAD_MAX);

    sealed_cbor_write_bytes_head(&w, body_size);

    return w.pos;
}


uint8_t *
sealed_item_end(uint8_t *out, sealed_bytes_t stamp)
{
    sealed_cbor_writer_t  w = writer(out, 2 + SEALED_STAMP_SIZE);

    if (stamp.data) {
        sealed_cbor_write_bytes(&w, stamp.data, stamp.size);

    } else {
        sealed_cbor_write_null(&w);
    }

    return w.pos;
}


int
sealed_item_parse(sealed_item_t *item, const uint8_t **pos,
    const uint8_t *end)
{
    uint64_t              count;
    sealed_cbor_reader_t  r;

    r.pos = *pos;
    r.end = end;

    if (sealed_cbor_read_array(&r, &count) != 0
        || count != 5
        || sealed_cbor_read_uint(&r, &item->seq) != 0
        || sealed_cbor_read_uint(&r, &item->hour) != 0
        || sealed_cbor_read_bytes(&r, &item->header) != 0
        || sealed_cbor_read_bytes(&r, &item->body) != 0)
    {
        return -1;
    }

    if (sealed_cbor_read_null(&r) == 0) {
        item->stamp.data = NULL;
        item->stamp.size = 0;

    } else if (sealed_cbor_read_bytes(&r, &item->stamp) != 0
               || item->stamp.size != SEALED_STAMP_SIZE)
    {
        return -1;
    }

    *pos = r.pos;

    return 0;
}


static sealed_cbor_writer_t
writer(uint8_t *out, size_t size)
{
    sealed_cbor_writer_t  w;

    w.pos = out;
    w.end = out + size;
    w.overflow = 0;

    return w;
}
