
/* what all fuzzers share: broken invariants end the program */

#ifndef SEALED_FUZZ_H
#define SEALED_FUZZ_H


#include <stdlib.h>
#include <string.h>

#include "../../src/sealed.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


static inline void
must(int condition)
{
    if (!condition) {
        abort();
    }
}


/* whether a part lies in the whole */

static inline int
inside(sealed_bytes_t part, const uint8_t *data, size_t size)
{
    return part.data >= data
           && part.size <= size
           && (size_t) (part.data - data) <= size - part.size;
}


#endif /* SEALED_FUZZ_H */
