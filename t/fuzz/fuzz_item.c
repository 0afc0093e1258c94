
#include "fuzz.h"

#include "../../src/item.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_item_t   item;
    const uint8_t  *pos, *last;

    pos = data;

    for ( ;; ) {
        last = pos;

        if (sealed_item_parse(&item, &pos, data + size) != 0) {
            must(pos == last);
            return 0;
        }

        must(pos > last && pos <= data + size);
        must(inside(item.header, data, size));
        must(inside(item.body, data, size));
        must(sealed_item_size(item.seq, item.hour, item.header.size,
                              item.body.size, item.stamp.size)
             == (size_t) (pos - last));
    }
}
