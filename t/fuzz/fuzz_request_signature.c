
/* Signature-Input, a line feed, Signature */

#include "fuzz.h"

#include "../../src/request_signature.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                    i, mask;
    sealed_bytes_t              input, value;
    const uint8_t              *lf;
    sealed_request_t            request;
    sealed_request_signature_t  signature;

    static const uint8_t  key[32] = { 1 };

    lf = size ? memchr(data, '\n', size) : NULL;
    input.data = data;
    input.size = lf ? (size_t) (lf - data) : size;
    value.data = lf ? lf + 1 : data;
    value.size = lf ? size - input.size - 1 : 0;

    if (sealed_request_signature_parse(&signature, input, value) != 0) {
        return 0;
    }

    must(signature.count <= SEALED_COMPONENTS);
    must(inside(signature.params, data, size));

    memset(&request, 0, sizeof(request));
    mask = 0;

    for (i = 0; i < signature.count; i++) {
        must(signature.component[i] < SEALED_COMPONENTS);
        must(!(mask & (1u << signature.component[i])));
        mask |= 1u << signature.component[i];
        request.value[signature.component[i]] = signature.params;
    }

    request.has_body = request.value[SEALED_CONTENT_DIGEST].data != NULL;

    must(sealed_request_signature_covers(&signature, &request)
         == ((mask & 7) == 7 ? 0 : -1));
    must(sealed_request_signature_verify(&signature, &request, key) != 0);
    (void) sealed_request_signature_fresh(&signature, 1800000000);

    return 0;
}
