
/*
 * Batches to be evaluated, and answers to one that was drawn: what is taken
 * has the layout that it says, and no answer but the issuer's holds.
 */

#include "fuzz.h"
#include "issuance.h"


#define CLASS  2
#define EPOCH  20000


static void check_request(sealed_bytes_t request);
static void check_answer(sealed_bytes_t answer);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_bytes_t  body;

    body = copy(data, size);

    check_request(body);
    check_answer(body);

    free_copy(body);

    return 0;
}


static void
check_request(sealed_bytes_t request)
{
    uint8_t   out[SEALED_ISSUANCE_ANSWER_SIZE(4)], key[32] = { 3 };
    uint8_t   nonce[32] = { 5 };
    unsigned  i, count;

    if (sealed_issuance_check(&count, request, 4) != 0) {
        return;
    }

    CHECK(count >= 1 && count <= 4);
    CHECK(request.size == SEALED_ISSUANCE_REQUEST_SIZE(count));
    CHECK(request.data[0] == 0 && request.data[1] == count);

    /* what was checked cannot fail any more */

    CHECK(sealed_issuance_answer(out, request, key, CLASS, EPOCH, nonce)
          == 0);
    CHECK(memcmp(out, request.data, 2) == 0);

    for (i = 0; i < count; i++) {
        CHECK(sealed_ristretto255_element(out + 2 + 32 * i) == 0);
    }
}


/* one draw, its blind and its serial fixed */

static void
check_answer(sealed_bytes_t answer)
{
    uint8_t               request[SEALED_ISSUANCE_REQUEST_SIZE(1)];
    uint8_t               key[32] = { 3 }, issuer[32];
    sealed_bytes_t        input, sent;
    sealed_blind_draw_t   draw;

    memset(&draw, 0, sizeof(draw));
    draw.serial[0] = 9;
    draw.blind[0] = 7;

    input.data = draw.serial;
    input.size = 32;
    request[0] = 0;
    request[1] = 1;
    CHECK(sealed_poprf_blind(request + 2, input, draw.blind,
                             SEALED_MODE_POPRF) == 0);
    CHECK(crypto_scalarmult_ristretto255_base(issuer, key) == 0);

    sent.data = request;
    sent.size = sizeof(request);

    if (sealed_issuance_accept(&draw, 1, sent, answer, issuer, CLASS, EPOCH)
        != 0)
    {
        CHECK(sodium_is_zero(draw.poprf, sizeof(draw.poprf)));
        return;
    }

    CHECK(answer.size == SEALED_ISSUANCE_ANSWER_SIZE(1));
    CHECK(!sodium_is_zero(draw.poprf, sizeof(draw.poprf)));
    CHECK(sealed_issuance_accept(&draw, 1, sent, answer, issuer, CLASS,
                                 EPOCH + 1) != 0);
    CHECK(sealed_issuance_accept(&draw, 1, sent, answer, issuer, CLASS + 1,
                                 EPOCH) != 0);
}
