
/*
 * Batches to be evaluated, and answers to one that was drawn: what is taken
 * has the layout that it says, and no answer but the issuer's holds.
 *
 * An octet says which: a request as it is, an answer as it is, or the number
 * of certificates that are drawn and answered, before places of the request
 * or of the answer are changed.
 *
 * Aims at: issuance.c dleq.c ristretto255.c
 */

#include "fuzz.h"
#include "issuance.h"


#define CLASS  2
#define EPOCH  20000


enum {
    REQUEST = 0,
    ANSWER,
    DRAWN,
    KINDS,

    COUNT   = 4
};


static void check_request(sealed_bytes_t request);
static void check_answer(sealed_bytes_t answer);
static void check_drawn(const uint8_t *data, size_t size);
static void change(uint8_t *out, size_t room, const uint8_t *data,
    size_t size);
static const char *name(void);
static uint32_t number(void);
static void fill(void *out, const size_t size);


static const uint8_t  key[32] = { 3 };
static const uint8_t  nonce[32] = { 5 };
static uint32_t       counter;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t         kind;
    sealed_bytes_t  body;

    /* the same input draws the same */

    static randombytes_implementation  numbers = {
        name, number, NULL, NULL, fill, NULL
    };

    CHECK(randombytes_set_implementation(&numbers) == 0);
    counter = 0;

    if (size == 0) {
        return 0;
    }

    kind = *data++ % KINDS;
    body = copy(data, size - 1);

    switch (kind) {

    case REQUEST:
        check_request(body);
        break;

    case ANSWER:
        check_answer(body);
        break;

    default:
        check_drawn(body.data, body.size);
    }

    free_copy(body);

    return 0;
}


static void
check_request(sealed_bytes_t request)
{
    uint8_t   out[SEALED_ISSUANCE_ANSWER_SIZE(COUNT)];
    unsigned  i, count;

    if (sealed_issuance_check(&count, request, COUNT) != 0) {
        return;
    }

    CHECK(count >= 1 && count <= COUNT);
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
    uint8_t               issuer[32];
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


/*
 * How many, which class and epoch, whose key, then what is changed: of the
 * request before it is answered, or of the answer.
 */

static void
check_drawn(const uint8_t *data, size_t size)
{
    int                     rc;
    uint8_t                 out[SEALED_ISSUANCE_REQUEST_SIZE(COUNT)];
    uint8_t                 asked[SEALED_ISSUANCE_REQUEST_SIZE(COUNT)];
    uint8_t                 made[SEALED_ISSUANCE_ANSWER_SIZE(COUNT)];
    uint8_t                 right[SEALED_ISSUANCE_ANSWER_SIZE(COUNT)];
    uint8_t                 issuer[32], private_key[32];
    unsigned                i, count, checked, class;
    uint32_t                epoch;
    sealed_bytes_t          request, sent, answer;
    sealed_blind_draw_t     draws[COUNT];
    sealed_certificate_t    certificate;
    uint8_t                 encoded[SEALED_BLIND_CERTIFICATE_SIZE];
    uint8_t                 poprf[SEALED_POPRF_OUTPUT];

    if (size < 8) {
        return;
    }

    count = 1 + data[0] % COUNT;
    class = data[1];
    epoch = (uint32_t) data[2] << 16 | (uint32_t) data[3] << 8 | data[4];
    memset(private_key, 0, sizeof(private_key));
    private_key[0] = data[5];
    rc = crypto_scalarmult_ristretto255_base(issuer, private_key);
    CHECK((rc == 0) == (data[5] != 0));

    memset(draws, 0, sizeof(draws));
    CHECK(sealed_issuance_draw(draws, out, count) == 0);

    sent.data = out;
    sent.size = SEALED_ISSUANCE_REQUEST_SIZE(count);
    memcpy(asked, out, sent.size);

    if (data[6] & 1) {
        change(asked, sent.size, data + 8, size - 8);
    }

    request.data = asked;
    request.size = sent.size;

    if (sealed_issuance_check(&checked, request, COUNT) != 0) {
        CHECK(memcmp(asked, out, sent.size) != 0);
        return;
    }

    CHECK(checked == count);
    rc = sealed_issuance_answer(made, request, private_key, class, epoch,
                                nonce);
    CHECK((rc == 0) == (data[5] != 0));

    if (rc != 0) {
        return;
    }

    answer.data = made;
    answer.size = SEALED_ISSUANCE_ANSWER_SIZE(count);
    memcpy(right, made, answer.size);

    if (!(data[6] & 1)) {
        change(made, answer.size, data + 8, size - 8);
    }

    rc = sealed_issuance_accept(draws, count, sent, answer, issuer, class,
                                epoch);
    CHECK((rc == 0) == (memcmp(asked, out, sent.size) == 0
                        && memcmp(made, right, answer.size) == 0));

    /* the gateway comes to the same by itself */

    for (i = 0; rc == 0 && i < count; i++) {
        sealed_blind_certificate(encoded, class, epoch, draws[i].serial);
        certificate.kind = SEALED_CERTIFICATE_BLIND;
        certificate.class = class;
        certificate.epoch = epoch;
        certificate.subject = encoded + sizeof(encoded) - 32;
        CHECK(sealed_certificate_evaluate(poprf, &certificate, private_key)
              == 0);
        CHECK(memcmp(poprf, draws[i].poprf, sizeof(poprf)) == 0);
    }
}


/* places by three octets: where, and what is turned there */

static void
change(uint8_t *out, size_t room, const uint8_t *data, size_t size)
{
    for (/* void */; size >= 3; data += 3, size -= 3) {
        out[((size_t) data[0] << 8 | data[1]) % room] ^= data[2];
    }
}


static const char *
name(void)
{
    return "counter";
}


static uint32_t
number(void)
{
    return ++counter;
}


static void
fill(void *out, const size_t size)
{
    size_t   i;
    uint8_t  *p = out;

    counter++;

    for (i = 0; i < size; i++) {
        p[i] = (uint8_t) (i < 4 ? counter >> (8 * i) : 0);
    }
}
