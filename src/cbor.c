
#include "cbor.h"

#include <string.h>


enum {
    MAJOR_UINT  = 0,
    MAJOR_BYTES = 2,
    MAJOR_TEXT  = 3,
    MAJOR_ARRAY = 4,
    NULL_OCTET  = 0xf6
};


static int read_head(sealed_cbor_reader_t *r, unsigned major,
    uint64_t *value);
static int read_string(sealed_cbor_reader_t *r, unsigned major,
    sealed_bytes_t *string);
static void write_head(sealed_cbor_writer_t *w, unsigned major,
    uint64_t value);
static void write_string(sealed_cbor_writer_t *w, unsigned major,
    const void *data, size_t size);


int
sealed_cbor_read_uint(sealed_cbor_reader_t *r, uint64_t *value)
{
    return read_head(r, MAJOR_UINT, value);
}


int
sealed_cbor_read_bytes(sealed_cbor_reader_t *r, sealed_bytes_t *bytes)
{
    return read_string(r, MAJOR_BYTES, bytes);
}


int
sealed_cbor_read_text(sealed_cbor_reader_t *r, sealed_bytes_t *text)
{
    return read_string(r, MAJOR_TEXT, text);
}


int
sealed_cbor_read_array(sealed_cbor_reader_t *r, uint64_t *count)
{
    return read_head(r, MAJOR_ARRAY, count);
}


int
sealed_cbor_read_null(sealed_cbor_reader_t *r)
{
    if (r->pos == r->end || *r->pos != NULL_OCTET) {
        return -1;
    }

    r->pos++;

    return 0;
}


void
sealed_cbor_write_uint(sealed_cbor_writer_t *w, uint64_t value)
{
    write_head(w, MAJOR_UINT, value);
}


void
sealed_cbor_write_bytes(sealed_cbor_writer_t *w, const void *data,
    size_t size)
{
    write_string(w, MAJOR_BYTES, data, size);
}


void
sealed_cbor_write_text(sealed_cbor_writer_t *w, const void *data,
    size_t size)
{
    write_string(w, MAJOR_TEXT, data, size);
}


void
sealed_cbor_write_array(sealed_cbor_writer_t *w, uint64_t count)
{
    write_head(w, MAJOR_ARRAY, count);
}


void
sealed_cbor_write_bytes_head(sealed_cbor_writer_t *w, uint64_t size)
{
    write_head(w, MAJOR_BYTES, size);
}


void
sealed_cbor_write_null(sealed_cbor_writer_t *w)
{
    if (w->overflow || w->pos == w->end) {
        w->overflow = 1;
        return;
    }

    *w->pos++ = NULL_OCTET;
}


size_t
sealed_cbor_head_size(uint64_t value)
{
    if (value < 24) {
        return 1;
    }

    if (value <= UINT8_MAX) {
        return 2;
    }

    if (value <= UINT16_MAX) {
        return 3;
    }

    return value <= UINT32_MAX ? 5 : 9;
}


static int
read_head(sealed_cbor_reader_t *r, unsigned major, uint64_t *value)
{
    size_t          n;
    uint64_t        v;
    unsigned        info;
    const uint8_t  *p;

    if (r->pos == r->end || (unsigned) (*r->pos >> 5) != major) {
        return -1;
    }

    p = r->pos;
    info = *p++ & 0x1f;

    if (info < 24) {
        *value = info;
        r->pos = p;
        return 0;
    }

    if (info > 27) {
        return -1;
    }

    n = (size_t) 1 << (info - 24);

    if ((size_t) (r->end - p) < n) {
        return -1;
    }

    v = 0;

    for ( /* void */ ; n; n--) {
        v = (v << 8) | *p++;
    }

    if (sealed_cbor_head_size(v) != (size_t) (p - r->pos)) {
        return -1;
    }

    *value = v;
    r->pos = p;

    return 0;
}


static int
read_string(sealed_cbor_reader_t *r, unsigned major, sealed_bytes_t *string)
{
    uint64_t              size;
    sealed_cbor_reader_t  ahead;

    ahead = *r;

    if (read_head(&ahead, major, &size) != 0
        || size > (uint64_t) (ahead.end - ahead.pos))
    {
        return -1;
    }

    string->data = ahead.pos;
    string->size = (size_t) size;

    r->pos = ahead.pos + size;

    return 0;
}


static void
write_head(sealed_cbor_writer_t *w, unsigned major, uint64_t value)
{
    size_t  n, size;

    size = sealed_cbor_head_size(value);

    if (w->overflow || (size_t) (w->end - w->pos) < size) {
        w->overflow = 1;
        return;
    }

    if (size == 1) {
        *w->pos++ = (uint8_t) ((major << 5) | value);
        return;
    }

    n = size - 1;
    *w->pos++ = (uint8_t) ((major << 5)
                           | (n == 1 ? 24 : n == 2 ? 25 : n == 4 ? 26 : 27));

    while (n) {
        n--;
        *w->pos++ = (uint8_t) (value >> (8 * n));
    }
}


static void
write_string(sealed_cbor_writer_t *w, unsigned major, const void *data,
    size_t size)
{
    write_head(w, major, size);

    if (w->overflow || (size_t) (w->end - w->pos) < size) {
        w->overflow = 1;
        return;
    }

    if (size) {
        memcpy(w->pos, data, size);
        w->pos += size;
    }
}
