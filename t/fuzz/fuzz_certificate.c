
#include "fuzz.h"

#include "../../src/certificate.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t               key[32] = { 9 }, out[32];
    sealed_bytes_t        encoded = { data, size };
    sealed_certificate_t  certificate;

    if (sealed_certificate_parse(&certificate, encoded, 604800) != 0) {
        return 0;
    }

    must(size == SEALED_SIGNED_CERTIFICATE_SIZE);
    must(certificate.not_before < certificate.not_after);
    must(certificate.not_after - certificate.not_before <= 604800);
    must(certificate.class <= UINT8_MAX);
    must(sealed_certificate_current(&certificate, certificate.not_before));
    must(!sealed_certificate_current(&certificate, certificate.not_after));
    must(sealed_certificate_verify(&certificate, key) != 0);
    (void) sealed_certificate_request_key(out, &certificate, key,
                                          certificate.subject);

    return 0;
}
