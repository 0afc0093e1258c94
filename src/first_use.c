
#include "first_use.h"

#include <sodium.h>


static int request_key(sealed_first_use_t *use,
    const sealed_key_line_t *line);


int
sealed_first_use_check(sealed_first_use_t *use)
{
    unsigned  i;

    for (i = 0; i < use->secret->count; i++) {

        if (request_key(use, &use->secret->line[i]) != 0) {
            return -1;
        }

        if (sealed_request_signature_verify(use->signature, use->request,
                                            use->key)
            == 0)
        {
            use->tag = use->secret->line[i].tag;

            return use->authority == NULL
                   ? 0 : sealed_certificate_verify(use->certificate,
                                                   use->authority);
        }
    }

    return -1;
}


static int
request_key(sealed_first_use_t *use, const sealed_key_line_t *line)
{
    int      rc;
    uint8_t  poprf[SEALED_POPRF_OUTPUT];

    rc = 0;

    if (use->certificate->kind == SEALED_CERTIFICATE_BLIND) {
        rc = sealed_certificate_evaluate(poprf, use->certificate,
                                         line->issuer_private);
    }

    if (rc == 0) {
        rc = sealed_certificate_request_key(use->key, use->certificate,
                                            poprf, line->exchange_private,
                                            use->certificate->subject);
    }

    sodium_memzero(poprf, sizeof(poprf));

    return rc;
}
