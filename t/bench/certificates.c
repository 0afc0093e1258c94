
/*
 * certificates: what issuing blind certificates costs, by the core's own
 * functions, and the raw arithmetic in it.  Prints lines "name value"; times
 * are microseconds of a processor, the median of many short rounds.
 */

#include "../../src/issuance.h"
#include "../../src/master_secret.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>


enum {
    BATCH  = 8,
    CLASS  = 2,
    EPOCH  = 20000,
    ROUND  = 16,
    ROUNDS = 41
};


static void single(void);
static void batch(void);
static void issue(unsigned count);
static void client(void);
static void single_curve(void);
static void batch_curve(void);
static void curve(unsigned count);
static double measure(const char *name, void (*work)(void));
static int compare(const void *one, const void *two);
static void require(int holds, const char *what);


static sealed_key_line_t    line;
static sealed_blind_draw_t  draw[BATCH];
static uint8_t              request[SEALED_ISSUANCE_REQUEST_SIZE(BATCH)];
static uint8_t              answer[SEALED_ISSUANCE_ANSWER_SIZE(BATCH)];


int
main(void)
{
    double  batch8;

    require(sodium_init() >= 0, "libsodium");

    strcpy(line.id, "bench");
    randombytes_buf(line.master, sizeof(line.master));
    require(sealed_key_line_derive(&line) == 0, "master secret");
    require(sealed_issuance_draw(draw, request, BATCH) == 0, "drawing");

    (void) measure("single", single);
    batch8 = measure("batch8", batch);
    (void) measure("single_curve", single_curve);
    (void) measure("batch8_curve", batch_curve);
    (void) measure("client8", client);

    printf("per_core_day %.0f\n", 86400 * 1e6 / batch8 * BATCH);

    return 0;
}


static void
single(void)
{
    issue(1);
}


static void
batch(void)
{
    issue(BATCH);
}


/* what a request costs besides HTTP and its row in the quota table */

static void
issue(unsigned count)
{
    uint8_t         nonce[32];
    unsigned        n;
    sealed_bytes_t  body;

    request[1] = (uint8_t) count;
    body.data = request;
    body.size = SEALED_ISSUANCE_REQUEST_SIZE(count);

    crypto_core_ristretto255_scalar_random(nonce);

    require(sealed_issuance_check(&n, body, BATCH) == 0
            && sealed_issuance_answer(answer, body, line.issuer_private,
                                      CLASS, EPOCH, nonce)
               == 0, "issuing");
}


/* drawing, and checking the proof, of eight */

static void
client(void)
{
    sealed_bytes_t  sent, received;

    require(sealed_issuance_draw(draw, request, BATCH) == 0, "drawing");
    issue(BATCH);

    sent.data = request;
    sent.size = sizeof(request);
    received.data = answer;
    received.size = sizeof(answer);

    require(sealed_issuance_accept(draw, BATCH, sent, received,
                                   line.issuer_public, CLASS, EPOCH)
            == 0, "the proof");
}


static void
single_curve(void)
{
    curve(1);
}


static void
batch_curve(void)
{
    curve(BATCH);
}


/*
 * What RFC 9497 asks for: an inversion, two multiplications for each element
 * (its evaluation, its part in the proof), two more and two of the base.
 */

static void
curve(unsigned count)
{
    uint8_t   scalar[32], point[32], product[32];
    unsigned  i;

    crypto_core_ristretto255_scalar_random(scalar);
    memcpy(point, request + 2, 32);

    require(crypto_core_ristretto255_scalar_invert(product, scalar) == 0
            && crypto_scalarmult_ristretto255_base(product, scalar) == 0
            && crypto_scalarmult_ristretto255_base(product, scalar) == 0,
            "curve arithmetic");

    for (i = 0; i < 2 * count + 2; i++) {
        require(crypto_scalarmult_ristretto255(product, scalar, point) == 0,
                "curve arithmetic");
    }
}


static double
measure(const char *name, void (*work)(void))
{
    double           spent[ROUNDS];
    unsigned         i, n;
    struct timespec  start, end;

    for (n = 0; n < ROUNDS; n++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);

        for (i = 0; i < ROUND; i++) {
            work();
        }

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);

        spent[n] = ((double) (end.tv_sec - start.tv_sec) * 1e6
                    + (double) (end.tv_nsec - start.tv_nsec) / 1e3)
                   / ROUND;
    }

    qsort(spent, ROUNDS, sizeof(double), compare);

    printf("%s %.3f\n", name, spent[ROUNDS / 2]);

    return spent[ROUNDS / 2];
}


static int
compare(const void *one, const void *two)
{
    const double  *a = one, *b = two;

    return *a < *b ? -1 : *a > *b;
}


static void
require(int holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "certificates: %s failed\n", what);
        exit(1);
    }
}
