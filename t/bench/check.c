
/*
 * check: what the checks of a request cost, from the core's own functions,
 * and what the curve arithmetic in them costs alone.  Prints lines
 * "name microseconds" of a processor; each is the median of many short rounds.
 */

#include "../../src/certificate.h"
#include "../../src/certificate_table.h"
#include "../../src/content_digest.h"
#include "../../src/first_use.h"
#include "../../src/hash.h"
#include "../../src/request_signature.h"
#include "../../src/text.h"
#include "../../src/worker.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>


enum {
    ZONE_SIZE = 64 * 1024 * 1024,
    EPOCH     = 86400,
    USES      = 2048,               /* certificates */
    ROUND     = 64,
    ROUNDS    = USES / ROUND
};


typedef struct {
    uint8_t                       encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
    size_t                        size;
    char                          certificate[SEALED_BYTE_SEQUENCE_SIZE(
                                      SEALED_SIGNED_CERTIFICATE_SIZE)];
    char                          input[2][SEALED_SIGNATURE_INPUT_MAX];
    char                          value[2][SEALED_SIGNATURE_MAX];
} use_t;


static void prepare(void);
static void make_signed(use_t *use);
static void make_blind(use_t *use);
static void sign_requests(use_t *use, const uint8_t subject[32],
    const uint8_t *poprf);
static void first_use(use_t *use);
static void later_use(use_t *use);
static void read_signature(sealed_request_signature_t *signature,
    sealed_certificate_t *certificate, uint8_t *encoded, use_t *use,
    unsigned nonce);
static void spend(const sealed_request_signature_t *signature);
static void fill_request(use_t *use);
static void signed_curve(use_t *use);
static void blind_curve(use_t *use);
static void measure(const char *name, use_t *use, void (*work)(use_t *use));
static int compare(const void *one, const void *two);
static void require(int holds, const char *what);


static use_t                   signed_use[USES], blind_use[USES];
static uint8_t                 body[1024];
static uint8_t                 authority_public[32], authority_secret[64];
static char                    digest[SEALED_CONTENT_DIGEST_SIZE];
static uint64_t                now;
static sealed_zone_t           zone;
static sealed_request_t        request;
static sealed_master_secret_t  secret;

static const sealed_budget_rule_t        rule = { 1000000, 1000000, 3600 };
static const sealed_certificate_rules_t  rules = { 86400, EPOCH, 60 };


int
main(void)
{
    require(sodium_init() >= 0, "libsodium");

    prepare();

    measure("first", signed_use, first_use);
    measure("later", signed_use, later_use);
    measure("curve", signed_use, signed_curve);
    measure("first_blind", blind_use, first_use);
    measure("later_blind", blind_use, later_use);
    measure("curve_blind", blind_use, blind_curve);

    sealed_worker_release(&zone);

    return 0;
}


static void
prepare(void)
{
    void      *memory;
    uint8_t    sha256[32], hash_key[16];
    unsigned   i;

    now = (uint64_t) time(NULL);

    memory = mmap(NULL, ZONE_SIZE, PROT_READ|PROT_WRITE,
                  MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    require(memory != MAP_FAILED, "memory");

    randombytes_buf(hash_key, sizeof(hash_key));
    require(sealed_zone_format(&zone, memory, ZONE_SIZE, now, hash_key) == 0
            && sealed_worker_claim(&zone) == 0, "zone");

    crypto_sign_keypair(authority_public, authority_secret);

    secret.count = 1;
    strcpy(secret.line[0].id, "bench");
    randombytes_buf(secret.line[0].master, 32);
    require(sealed_key_line_derive(&secret.line[0]) == 0, "master secret");

    randombytes_buf(body, sizeof(body));
    sealed_sha256(sha256, body, sizeof(body));
    sealed_content_digest_format(digest, sha256);

    for (i = 0; i < USES; i++) {
        make_signed(&signed_use[i]);
        make_blind(&blind_use[i]);
    }
}


static void
make_signed(use_t *use)
{
    uint8_t  subject[32], subject_public[32];

    randombytes_buf(subject, sizeof(subject));
    crypto_scalarmult_base(subject_public, subject);

    use->size = SEALED_SIGNED_CERTIFICATE_SIZE;
    require(sealed_certificate_sign(use->encoded, 2, now - 60, now + 3600,
                                    subject_public, authority_secret)
            == 0, "signing");

    sign_requests(use, subject, NULL);
}


/* the function itself is what a client gets by blinding and finalizing */

static void
make_blind(use_t *use)
{
    uint8_t                serial[32], serial_public[32];
    uint8_t                poprf[SEALED_POPRF_OUTPUT];
    sealed_bytes_t         encoded;
    sealed_certificate_t   certificate;

    randombytes_buf(serial, sizeof(serial));
    crypto_scalarmult_base(serial_public, serial);

    use->size = SEALED_BLIND_CERTIFICATE_SIZE;
    sealed_blind_certificate(use->encoded, 2, (uint32_t) (now / EPOCH),
                             serial_public);

    encoded.data = use->encoded;
    encoded.size = use->size;

    require(sealed_certificate_parse(&certificate, encoded, &rules) == 0
            && sealed_certificate_evaluate(poprf, &certificate,
                                           secret.line[0].issuer_private)
               == 0, "issuing");

    sign_requests(use, serial, poprf);
}


static void
sign_requests(use_t *use, const uint8_t subject[32], const uint8_t *poprf)
{
    uint8_t                key[32];
    unsigned               nonce;
    sealed_bytes_t         encoded;
    sealed_certificate_t   certificate;

    encoded.data = use->encoded;
    encoded.size = use->size;

    require(sealed_certificate_parse(&certificate, encoded, &rules) == 0
            && sealed_certificate_request_key(key, &certificate, poprf,
                                              subject,
                                              secret.line[0].exchange_public)
               == 0, "certificate");

    sealed_byte_sequence_encode(use->certificate, encoded.data,
                                encoded.size);
    fill_request(use);

    for (nonce = 0; nonce < 2; nonce++) {
        sealed_request_signature_sign(use->input[nonce], use->value[nonce],
                                      &request, key, certificate.id, now,
                                      1000 + nonce);
    }
}


/* as the gateway does it, but that it lends the arithmetic to a thread */

static void
first_use(use_t *use)
{
    uint8_t                      encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_first_use_t           first;
    sealed_certificate_t         certificate;
    sealed_certificate_state_t   state;
    sealed_request_signature_t   signature;

    read_signature(&signature, &certificate, encoded, use, 0);

    require(sealed_certificate_table_find(&zone, certificate.id, now, &state)
            != 0, "a first use");

    first.certificate = &certificate;
    first.signature = &signature;
    first.request = &request;
    first.secret = &secret;
    first.authority = certificate.kind == SEALED_CERTIFICATE_SIGNED
                      ? authority_public : NULL;

    require(sealed_first_use_check(&first) == 0, "verifying");

    memcpy(state.key, first.key, sizeof(state.key));
    state.end = certificate.not_after;
    state.tag = first.tag;
    state.class = certificate.class;

    require(sealed_certificate_table_insert(&zone, certificate.id, &state,
                                            &rule, now)
            == SEALED_OK, "room");
    spend(&signature);
}


static void
later_use(use_t *use)
{
    uint8_t                      encoded[SEALED_SIGNED_CERTIFICATE_SIZE];
    sealed_certificate_t         certificate;
    sealed_certificate_state_t   state;
    sealed_request_signature_t   signature;

    read_signature(&signature, &certificate, encoded, use, 1);

    require(sealed_certificate_table_find(&zone, certificate.id, now, &state)
            == 0
            && sealed_request_signature_verify(&signature, &request,
                                               state.key)
               == 0, "a later use");
    spend(&signature);
}


static void
read_signature(sealed_request_signature_t *signature,
    sealed_certificate_t *certificate, uint8_t *encoded, use_t *use,
    unsigned nonce)
{
    size_t          size;
    sealed_bytes_t  input, value, bytes;

    size = 0;
    fill_request(use);

    input.data = (const uint8_t *) use->input[nonce];
    input.size = strlen(use->input[nonce]);
    value.data = (const uint8_t *) use->value[nonce];
    value.size = strlen(use->value[nonce]);

    require(sealed_request_signature_parse(signature, input, value) == 0
            && sealed_request_signature_covers(signature, &request) == 0
            && sealed_request_signature_fresh(signature, now) == 0
            && sealed_byte_sequence_decode(encoded,
                                           SEALED_SIGNED_CERTIFICATE_SIZE,
                                           &size,
                                           request.value[SEALED_CERTIFICATE])
               == 0, "reading a signature");

    bytes.data = encoded;
    bytes.size = size;

    require(sealed_certificate_parse(certificate, bytes, &rules) == 0
            && sealed_certificate_current(certificate, now),
            "reading a certificate");
}


/* digest, nonce, budget: what every use has */

static void
spend(const sealed_request_signature_t *signature)
{
    uint8_t   claimed[32], real[32];
    uint64_t  next;
    unsigned  has_next;

    require(sealed_content_digest_parse(claimed,
                                        request.value[SEALED_CONTENT_DIGEST])
            == 0, "a digest");

    sealed_sha256(real, body, sizeof(body));

    require(memcmp(claimed, real, 32) == 0
            && sealed_certificate_table_spend(&zone, signature->keyid,
                                              signature->nonce, &next,
                                              &has_next)
               == SEALED_OK
            && sealed_certificate_table_charge(&zone, signature->keyid, &rule,
                                               1, now, &next)
               == SEALED_OK, "a nonce and a unit");
}


static void
fill_request(use_t *use)
{
    unsigned  i;

    static const char  path[] = "/v1/mailboxes/bx1Vw5vafPPX3QiO5KCw4Q/"
                                "envelopes";

    const struct {
        const void   *data;
        size_t        size;
    } value[] = {
        { "POST", 4 },
        { path, sizeof(path) - 1 },
        { NULL, 0 },
        { digest, sizeof(digest) },
        { use->certificate, SEALED_BYTE_SEQUENCE_SIZE(use->size) }
    };

    memset(&request, 0, sizeof(request));
    request.has_body = 1;

    for (i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
        request.value[i].data = value[i].data;
        request.value[i].size = value[i].size;
    }
}


/* what no check can do without: a signature and a key exchange */

static void
signed_curve(use_t *use)
{
    uint8_t  shared[32];

    require(crypto_sign_verify_detached(use->encoded + 58, use->encoded, 58,
                                        authority_public)
            != 0
            && crypto_scalarmult(shared, secret.line[0].exchange_private,
                                 use->encoded + 26)
               == 0, "a signature over something else");
}


/* an inversion, hashing to the group, a multiplication, a key exchange */

static void
blind_curve(use_t *use)
{
    uint8_t  point[32], evaluated[32], shared[32], uniform[64], inverse[32];

    crypto_hash_sha512(uniform, use->encoded, use->size);
    crypto_core_ristretto255_from_hash(point, uniform);

    require(crypto_core_ristretto255_scalar_invert(inverse,
                                              secret.line[0].issuer_private)
            == 0
            && crypto_scalarmult_ristretto255(evaluated, inverse, point) == 0
            && crypto_scalarmult(shared, secret.line[0].exchange_private,
                                 use->encoded + 6)
               == 0, "curve arithmetic");
}


static void
measure(const char *name, use_t *use, void (*work)(use_t *use))
{
    double           spent[ROUNDS];
    unsigned         i, n;
    struct timespec  start, end;

    for (n = 0; n < ROUNDS; n++) {
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);

        for (i = 0; i < ROUND; i++) {
            work(&use[n * ROUND + i]);
        }

        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);

        spent[n] = ((double) (end.tv_sec - start.tv_sec) * 1e6
                    + (double) (end.tv_nsec - start.tv_nsec) / 1e3)
                   / ROUND;
    }

    qsort(spent, ROUNDS, sizeof(double), compare);

    printf("%s %.3f\n", name, spent[ROUNDS / 2]);
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
        fprintf(stderr, "check: %s failed\n", what);
        exit(1);
    }
}
