
#include "fuzz.h"

#include "../../src/fanout.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t         *again;
    uint32_t         table[256];
    sealed_bytes_t   bytes = { data, size };
    sealed_fanout_t  fanout;

    static const uint8_t                 key[16] = { 1 };
    static const sealed_fanout_limits_t  limits = { 100, { 4, 64, 300 }, 3 };

    if (sealed_fanout_parse(&fanout, bytes, &limits) != SEALED_OK) {
        return 0;
    }

    must(fanout.count >= 1 && fanout.count <= 100);
    must(fanout.slice_size <= SEALED_MAX_HEADER);
    must(size <= sealed_fanout_max_size(&limits));
    must(inside(fanout.body, data, size));

    (void) sealed_fanout_duplicates(&fanout, table, 256, key);

    /* there is one way to write a fan-out */

    must(sealed_fanout_encode(NULL, &fanout) == size);
    again = malloc(size);
    must(again != NULL);
    (void) sealed_fanout_encode(again, &fanout);
    must(memcmp(again, data, size) == 0);
    free(again);

    return 0;
}
