
/*
 * The reader: at most one kind of thing is at a place, what is there was
 * written in the only way that our writer knows, and a refusal moves
 * nothing.  The writer: never beyond its room.
 */

#include "fuzz.h"
#include "cbor.h"


typedef enum {
    NOTHING = 0,
    UINT,
    BYTES,
    TEXT,
    ARRAY,
    NIL
} kind_t;


static kind_t read_any(sealed_cbor_reader_t *r, uint64_t *value,
    sealed_bytes_t *string);
static void write_one(sealed_cbor_writer_t *w, kind_t kind, uint64_t value,
    sealed_bytes_t string);
static void check_head(kind_t kind, const uint8_t *start,
    sealed_bytes_t string);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t                 used, room;
    kind_t                 kind;
    uint64_t               value;
    uint8_t               *out;
    const uint8_t         *start;
    sealed_bytes_t         string;
    sealed_cbor_reader_t   r;
    sealed_cbor_writer_t   w;

    r.pos = data;
    r.end = data + size;

    while (r.pos < r.end) {
        start = r.pos;
        kind = read_any(&r, &value, &string);

        if (kind == NOTHING) {
            CHECK(r.pos == start);
            r.pos++;
            continue;
        }

        CHECK(r.pos > start && r.pos <= r.end && r.end == data + size);
        used = (size_t) (r.pos - start);

        if (kind == BYTES || kind == TEXT) {
            CHECK(inside(string.data, string.size, start, used));
            CHECK(string.data + string.size == r.pos);
            CHECK(used == sealed_cbor_head_size(string.size) + string.size);
            check_head(kind, start, string);

        } else if (kind != NIL) {
            CHECK(used == sealed_cbor_head_size(value));
        }

        /* in just enough room, and in less */

        for (room = used; room + 2 > used; room--) {
            out = malloc(room);
            CHECK(out != NULL);

            w.pos = out;
            w.end = out + room;
            w.overflow = 0;

            write_one(&w, kind, value, string);

            if (room == used) {
                CHECK(!w.overflow && w.pos == w.end);
                CHECK(memcmp(out, start, used) == 0);

            } else {
                CHECK(w.overflow && w.pos <= w.end);
                start = w.pos;
                sealed_cbor_write_null(&w);
                sealed_cbor_write_uint(&w, 0);
                CHECK(w.overflow && w.pos == start);
            }

            free(out);

            if (room == 0) {
                break;
            }
        }
    }

    CHECK(read_any(&r, &value, &string) == NOTHING);

    return 0;
}


static kind_t
read_any(sealed_cbor_reader_t *r, uint64_t *value, sealed_bytes_t *string)
{
    kind_t                kind, found;
    sealed_cbor_reader_t  start, end;

    start = *r;
    end = *r;
    found = NOTHING;

    for (kind = UINT; kind <= NIL; kind++) {
        *r = start;

        if ((kind == UINT ? sealed_cbor_read_uint(r, value)
             : kind == BYTES ? sealed_cbor_read_bytes(r, string)
             : kind == TEXT ? sealed_cbor_read_text(r, string)
             : kind == ARRAY ? sealed_cbor_read_array(r, value)
             : sealed_cbor_read_null(r))
            != 0)
        {
            CHECK(r->pos == start.pos && r->end == start.end);
            continue;
        }

        CHECK(found == NOTHING);
        found = kind;
        end = *r;
    }

    *r = end;

    return found;
}


static void
write_one(sealed_cbor_writer_t *w, kind_t kind, uint64_t value,
    sealed_bytes_t string)
{
    switch (kind) {

    case UINT:
        sealed_cbor_write_uint(w, value);
        break;

    case BYTES:
        sealed_cbor_write_bytes(w, string.data, string.size);
        break;

    case TEXT:
        sealed_cbor_write_text(w, string.data, string.size);
        break;

    case ARRAY:
        sealed_cbor_write_array(w, value);
        break;

    default:
        sealed_cbor_write_null(w);
    }
}


/* written in two parts */

static void
check_head(kind_t kind, const uint8_t *start, sealed_bytes_t string)
{
    size_t                size;
    uint8_t               head[SEALED_CBOR_HEAD_MAX];
    sealed_cbor_writer_t  w;

    if (kind != BYTES) {
        return;
    }

    w.pos = head;
    w.end = head + sizeof(head);
    w.overflow = 0;

    sealed_cbor_write_bytes_head(&w, string.size);
    size = (size_t) (string.data - start);

    CHECK(!w.overflow && (size_t) (w.pos - head) == size);
    CHECK(memcmp(head, start, size) == 0);
}
