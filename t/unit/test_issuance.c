
#include "vectors.h"
#include "issuance.h"

#include <sodium.h>


#define EPOCH  500000

#define ISSUER_PRIVATE                                                       \
    "204f590c21f629b7722f675e599f40db35799467e9c587e7313058398f988504"
#define ISSUER                                                               \
    "021c152d4d8c5abadb42934baad5b11427857886185f952a87b72027a156ce07"
#define REQUEST                                                              \
    "0001"                                                                   \
    "3c35b9283efcb86b7f9b2521d3afb6df0d66eeecb50b64e939d000fb8dd10053"
#define ANSWER                                                               \
    "0001"                                                                   \
    "629fb3158975bd46a61da6c54ca3cf20a26243fca3427b7ea8d665facabd1f07"       \
    "02"                                                                     \
    "019e40845211db1ef0ef97635a9a3b5681330db52ac6a1a38d6dc53c6c2de608"       \
    "49dfccc6bc32e4b6a2a71fa4fe28063f403ad89556d991f7ff70032525cb870a"
#define SERIAL                                                               \
    "5fc1a536a76965c37f1361edc8a21543bfc063260e799752424f13017f036563"
#define BLIND                                                                \
    "e6dce486f9d6edc36b4645e5cb0131cbbb23347327b57a8f46ada27c566fba01"
#define POPRF                                                                \
    "22a03207ed8ad7aceb5e0f4f9a04168094125aeefc64d08cb26db10397d257bb"       \
    "954efd52eccce5272cb2f5494dd7b91dd0620ab6ed4200e8071119eea8aa3cd9"


/* a whole exchange, for the refusals */

typedef struct {
    uint8_t                       issuer_private[32];
    uint8_t                       issuer[32];
    unsigned                      count;
    sealed_blind_draw_t           draw[SEALED_MAX_BATCH];
    uint8_t                       request[SEALED_ISSUANCE_REQUEST_SIZE(
                                              SEALED_MAX_BATCH)];
    uint8_t                       answer[SEALED_ISSUANCE_ANSWER_SIZE(
                                             SEALED_MAX_BATCH)];
} exchange_t;


static sealed_bytes_t
bytes(const uint8_t *data, size_t size)
{
    sealed_bytes_t  b;

    b.data = data;
    b.size = size;

    return b;
}


static sealed_bytes_t
request(const exchange_t *x)
{
    return bytes(x->request, SEALED_ISSUANCE_REQUEST_SIZE(x->count));
}


static int
check(const exchange_t *x)
{
    unsigned  count;

    return sealed_issuance_check(&count, request(x), SEALED_MAX_BATCH);
}


static void
draw_and_answer(exchange_t *x, unsigned count)
{
    uint8_t   nonce[32];
    unsigned  n;

    x->count = count;
    crypto_core_ristretto255_scalar_random(x->issuer_private);
    crypto_scalarmult_ristretto255_base(x->issuer, x->issuer_private);

    assert_int_equal(sealed_issuance_draw(x->draw, x->request, count), 0);
    assert_int_equal(sealed_issuance_check(&n, request(x),
                                           SEALED_MAX_BATCH), 0);
    assert_int_equal(n, count);

    crypto_core_ristretto255_scalar_random(nonce);
    assert_int_equal(sealed_issuance_answer(x->answer, request(x),
                                            x->issuer_private, 2, EPOCH,
                                            nonce), 0);
}


static int
accept_as(exchange_t *x, const uint8_t *issuer, unsigned class,
    uint32_t epoch)
{
    return sealed_issuance_accept(x->draw, x->count, request(x),
                                  bytes(x->answer,
                                        SEALED_ISSUANCE_ANSWER_SIZE(
                                            x->count)),
                                  issuer, class, epoch);
}


static void
test_vector(void **state)
{
    uint8_t               issuer[32], out[SEALED_ISSUANCE_ANSWER_SIZE(1)];
    uint8_t               nonce[32], key[32];
    unsigned              count;
    sealed_bytes_t        r, a;
    sealed_blind_draw_t   draw;

    r = exact_hex(REQUEST);
    a = exact_hex(ANSWER);

    assert_int_equal(sealed_issuance_check(&count, r, 1), 0);
    assert_int_equal(count, 1);

    (void) unhex(key, 32, ISSUER_PRIVATE);
    crypto_core_ristretto255_scalar_random(nonce);
    assert_int_equal(sealed_issuance_answer(out, r, key, 1, EPOCH, nonce),
                     0);
    assert_memory_equal(out, a.data, 2 + 32 + 1);

    /* both, with the proof of the vector and with this one */

    memset(&draw, 0, sizeof(draw));
    (void) unhex(draw.serial, 32, SERIAL);
    (void) unhex(draw.blind, 32, BLIND);
    (void) unhex(issuer, 32, ISSUER);

    assert_int_equal(sealed_issuance_accept(&draw, 1, r, a, issuer, 1,
                                            EPOCH), 0);
    assert_hex(draw.poprf, POPRF);

    memset(draw.poprf, 0, sizeof(draw.poprf));
    assert_int_equal(sealed_issuance_accept(&draw, 1, r,
                                            bytes(out, sizeof(out)), issuer,
                                            1, EPOCH), 0);
    assert_hex(draw.poprf, POPRF);

    free_bytes(r);
    free_bytes(a);
}


/* what the client holds is what the gateway computes at the first use */

static void
test_first_use(void **state)
{
    uint8_t                      encoded[SEALED_BLIND_CERTIFICATE_SIZE];
    uint8_t                      poprf[64];
    unsigned                     i, counts;
    exchange_t                   x;
    sealed_certificate_t         c;
    sealed_certificate_rules_t   rules = { 0, 86400, 0 };

    static const unsigned  count[] = { 1, 2, 8, SEALED_MAX_BATCH };

    for (counts = 0; counts < 4; counts++) {

        draw_and_answer(&x, count[counts]);
        assert_int_equal(accept_as(&x, x.issuer, 2, EPOCH), 0);

        for (i = 0; i < x.count; i++) {
            sealed_blind_certificate(encoded, 2, EPOCH, x.draw[i].serial);
            assert_int_equal(sealed_certificate_parse(&c,
                                 bytes(encoded, sizeof(encoded)), &rules),
                             0);
            assert_int_equal(sealed_certificate_evaluate(poprf, &c,
                                                         x.issuer_private),
                             0);
            assert_memory_equal(poprf, x.draw[i].poprf, 64);
        }
    }
}


static void
test_refused_by_the_client(void **state)
{
    size_t       i, size;
    uint8_t      nonce[32], other[32];
    exchange_t   x;

    draw_and_answer(&x, 2);
    size = SEALED_ISSUANCE_ANSWER_SIZE(2);

    crypto_core_ristretto255_random(other);
    assert_int_equal(accept_as(&x, other, 2, EPOCH), -1);
    assert_int_equal(accept_as(&x, x.issuer, 3, EPOCH), -1);
    assert_int_equal(accept_as(&x, x.issuer, 2, EPOCH + 1), -1);

    for (i = 0; i < size; i++) {
        x.answer[i] ^= 1;
        assert_int_equal(accept_as(&x, x.issuer, 2, EPOCH), -1);
        x.answer[i] ^= 1;
    }

    for (i = 0; i < size; i++) {
        assert_int_equal(sealed_issuance_accept(x.draw, 2, request(&x),
                             bytes(x.answer, i), x.issuer, 2, EPOCH), -1);
    }

    assert_int_equal(accept_as(&x, x.issuer, 2, EPOCH), 0);

    /* a tagging issuer: a key of its own for this one account */

    crypto_core_ristretto255_scalar_random(other);
    crypto_core_ristretto255_scalar_random(nonce);
    assert_int_equal(sealed_issuance_answer(x.answer, request(&x), other, 2,
                                            EPOCH, nonce), 0);
    assert_int_equal(accept_as(&x, x.issuer, 2, EPOCH), -1);
}


static void
test_refused_by_the_gateway(void **state)
{
    size_t           size;
    uint8_t          good[32];
    unsigned         count;
    exchange_t       x;
    sealed_bytes_t   cut;

    draw_and_answer(&x, 3);
    assert_int_equal(check(&x), 0);

    assert_int_equal(sealed_issuance_check(&count, request(&x), 2), -1);
    assert_int_equal(sealed_issuance_check(&count, request(&x), 3), 0);

    for (size = 0; size < SEALED_ISSUANCE_REQUEST_SIZE(3) + 40; size++) {
        cut = exact_bytes(x.request, size);
        assert_int_equal(sealed_issuance_check(&count, cut,
                                               SEALED_MAX_BATCH),
                         size == SEALED_ISSUANCE_REQUEST_SIZE(3) ? 0 : -1);
        free_bytes(cut);
    }

    /* any of them the identity, or not canonical */

    memcpy(good, x.request + 2 + 64, 32);
    memset(x.request + 2 + 64, 0, 32);
    assert_int_equal(check(&x), -1);
    memset(x.request + 2 + 64, 0xff, 32);
    assert_int_equal(check(&x), -1);
    memcpy(x.request + 2 + 64, good, 32);
    assert_int_equal(check(&x), 0);

    x.request[1] = 0;
    assert_int_equal(sealed_issuance_check(&count, bytes(x.request, 2),
                                           SEALED_MAX_BATCH), -1);
}


/* two draws have nothing in common */

static void
test_draws_are_fresh(void **state)
{
    exchange_t  x, y;

    draw_and_answer(&x, 2);
    draw_and_answer(&y, 2);

    assert_memory_not_equal(x.draw[0].serial, x.draw[1].serial, 32);
    assert_memory_not_equal(x.draw[0].blind, x.draw[1].blind, 32);
    assert_memory_not_equal(x.request + 2, x.request + 34, 32);
    assert_memory_not_equal(x.draw[0].serial, y.draw[0].serial, 32);
    assert_memory_not_equal(x.request + 2, y.request + 2, 64);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_first_use),
        cmocka_unit_test(test_refused_by_the_client),
        cmocka_unit_test(test_refused_by_the_gateway),
        cmocka_unit_test(test_draws_are_fresh)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
