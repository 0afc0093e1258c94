
#include "issuance.h"

#include <string.h>
#include <sodium.h>


static unsigned read_count(sealed_bytes_t body);
static sealed_bytes_t blind_info(uint8_t out[SEALED_BLIND_INFO_SIZE],
    unsigned class, uint32_t epoch);


int
sealed_issuance_check(unsigned *count, sealed_bytes_t request, unsigned max)
{
    unsigned  i, n;

    n = read_count(request);

    if (n == 0 || n > max || request.size != SEALED_ISSUANCE_REQUEST_SIZE(n))
    {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (sealed_ristretto255_element(request.data + 2 + 32 * (size_t) i)
            != 0)
        {
            return -1;
        }
    }

    *count = n;

    return 0;
}


int
sealed_issuance_answer(uint8_t *out, sealed_bytes_t request,
    const uint8_t issuer_private[32], unsigned class, uint32_t epoch,
    const uint8_t nonce[32])
{
    int                  rc;
    size_t               size;
    uint8_t              info[SEALED_BLIND_INFO_SIZE];
    unsigned             n;
    const uint8_t       *blinded;
    sealed_poprf_key_t   key;

    n = read_count(request);
    size = 32 * (size_t) n;
    blinded = request.data + 2;

    rc = sealed_poprf_key(&key, issuer_private,
                          blind_info(info, class, epoch), SEALED_MODE_POPRF);

    if (rc == 0) {
        memcpy(out, request.data, 2);
        out[2 + size] = SEALED_MODE_POPRF;

        rc = sealed_poprf_blind_evaluate(out + 2, &key, blinded, n);
    }

    if (rc == 0) {
        rc = sealed_poprf_prove(out + 2 + size + 1, &key, blinded, out + 2,
                                n, nonce);
    }

    sealed_poprf_key_wipe(&key);

    return rc;
}


int
sealed_issuance_draw(sealed_blind_draw_t *draws, uint8_t *out, unsigned count)
{
    unsigned        i;
    sealed_bytes_t  input;

    out[0] = (uint8_t) (count >> 8);
    out[1] = (uint8_t) count;

    for (i = 0; i < count; i++) {
        crypto_box_keypair(draws[i].serial, draws[i].serial_private);
        crypto_core_ristretto255_scalar_random(draws[i].blind);

        input.data = draws[i].serial;
        input.size = 32;

        if (sealed_poprf_blind(out + 2 + 32 * (size_t) i, input,
                               draws[i].blind, SEALED_MODE_POPRF)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


int
sealed_issuance_accept(sealed_blind_draw_t *draws, unsigned count,
    sealed_bytes_t request, sealed_bytes_t answer,
    const uint8_t issuer_public[32], unsigned class, uint32_t epoch)
{
    uint8_t         text[SEALED_BLIND_INFO_SIZE], tweaked[32];
    unsigned        i;
    sealed_bytes_t  info, input;
    const uint8_t  *evaluated, *end;

    if (request.size != SEALED_ISSUANCE_REQUEST_SIZE(count)
        || answer.size != SEALED_ISSUANCE_ANSWER_SIZE(count)
        || read_count(answer) != count)
    {
        return -1;
    }

    evaluated = answer.data + 2;
    end = evaluated + 32 * (size_t) count;
    info = blind_info(text, class, epoch);

    if (end[0] != SEALED_MODE_POPRF
        || sealed_poprf_tweaked_key(tweaked, issuer_public, info) != 0
        || sealed_poprf_verify(end + 1, tweaked, request.data + 2, evaluated,
                               count, SEALED_MODE_POPRF)
           != 0)
    {
        return -1;
    }

    for (i = 0; i < count; i++, evaluated += 32) {
        input.data = draws[i].serial;
        input.size = 32;

        if (sealed_poprf_finalize(draws[i].poprf, input, info,
                                  draws[i].blind, evaluated,
                                  SEALED_MODE_POPRF)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


static unsigned
read_count(sealed_bytes_t body)
{
    return body.size < 2 ? 0
           : ((unsigned) body.data[0] << 8) | body.data[1];
}


static sealed_bytes_t
blind_info(uint8_t out[SEALED_BLIND_INFO_SIZE], unsigned class,
    uint32_t epoch)
{
    sealed_bytes_t  info;

    sealed_blind_info(out, class, epoch);

    info.data = out;
    info.size = SEALED_BLIND_INFO_SIZE;

    return info;
}
