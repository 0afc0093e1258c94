
/* A sequence of items, as a client reads it from a server it cannot trust. */

#include "fuzz.h"
#include "item.h"


static void write_again(const sealed_item_t *item, const uint8_t *start,
    size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t          used;
    sealed_item_t   item;
    const uint8_t  *pos, *start, *end;

    pos = data;
    end = data + size;

    for ( ;; ) {
        start = pos;

        if (sealed_item_parse(&item, &pos, end) != 0) {
            CHECK(pos == start);
            return 0;
        }

        CHECK(pos > start && pos <= end);
        used = (size_t) (pos - start);

        CHECK(inside(item.header.data, item.header.size, start, used));
        CHECK(inside(item.body.data, item.body.size, start, used));
        CHECK(item.header.data + item.header.size < item.body.data);

        if (item.stamp.data) {
            CHECK(item.stamp.size == SEALED_STAMP_SIZE);
            CHECK(inside(item.stamp.data, item.stamp.size, start, used));

        } else {
            CHECK(item.stamp.size == 0);
        }

        CHECK(sealed_item_size(item.seq, item.hour, item.header.size,
                               item.body.size, item.stamp.size) == used);
        CHECK(item.header.size > SEALED_MAX_HEADER
              || sealed_item_largest(item.body.size) >= used);

        write_again(&item, start, used);
    }
}


static void
write_again(const sealed_item_t *item, const uint8_t *start, size_t size)
{
    uint8_t  *out, *p;

    out = malloc(size + SEALED_ITEM_START_MAX);
    CHECK(out != NULL);

    p = sealed_item_start(out, item->seq, item->hour, item->header.size);
    memcpy(p, item->header.data, item->header.size);
    p = sealed_item_body_head(p + item->header.size, item->body.size);
    memcpy(p, item->body.data, item->body.size);
    p = sealed_item_end(p + item->body.size, item->stamp);

    CHECK((size_t) (p - out) == size);
    CHECK(memcmp(out, start, size) == 0);

    free(out);
}
