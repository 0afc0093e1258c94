
#include "vectors.h"
#include "first_use.h"
#include "text.h"

#include <sodium.h>


#define EPOCH  20000
#define NOW    ((uint64_t) EPOCH * 86400 + 100)


/* a request signed under a certificate, and a gateway with key lines */

typedef struct {
    sealed_master_secret_t        secret;
    uint8_t                       authority[32];
    uint8_t                       authority_secret[64];

    uint8_t                       encoded[SEALED_CERTIFICATE_MAX];
    sealed_certificate_t          certificate;
    char                          header[200];
    char                          input[SEALED_SIGNATURE_INPUT_MAX];
    char                          value[SEALED_SIGNATURE_MAX];
    sealed_request_t              request;
    sealed_request_signature_t    signature;
    sealed_first_use_t            use;
} scene_t;


static const sealed_certificate_rules_t  rules = { 7 * 86400, 86400, 0 };


static void
setup_lines(scene_t *s, unsigned count)
{
    unsigned  i;
    uint8_t   seed[32];

    memset(s, 0, sizeof(scene_t));
    s->secret.count = count;

    for (i = 0; i < count; i++) {
        randombytes_buf(s->secret.line[i].master, 32);
        assert_int_equal(sealed_key_line_derive(&s->secret.line[i]), 0);
    }

    randombytes_buf(seed, sizeof(seed));
    crypto_sign_seed_keypair(s->authority, s->authority_secret, seed);
}


/* issued and signed under this line */

static void
sign(scene_t *s, unsigned kind, const sealed_key_line_t *line)
{
    char            *end;
    size_t           size;
    uint8_t          subject[32], subject_private[32], poprf[64], key[32];
    sealed_bytes_t   bytes;

    crypto_box_keypair(subject, subject_private);

    if (kind == SEALED_CERTIFICATE_BLIND) {
        size = SEALED_BLIND_CERTIFICATE_SIZE;
        sealed_blind_certificate(s->encoded, 2, EPOCH, subject);

    } else {
        size = SEALED_SIGNED_CERTIFICATE_SIZE;
        assert_int_equal(sealed_certificate_sign(s->encoded, 2, NOW - 1,
                                                 NOW + 100, subject,
                                                 s->authority_secret), 0);
        s->use.authority = s->authority;
    }

    bytes.data = s->encoded;
    bytes.size = size;
    assert_int_equal(sealed_certificate_parse(&s->certificate, bytes,
                                              &rules), 0);

    if (kind == SEALED_CERTIFICATE_BLIND) {
        assert_int_equal(sealed_certificate_evaluate(poprf, &s->certificate,
                                                     line->issuer_private),
                         0);
    }

    assert_int_equal(sealed_certificate_request_key(key, &s->certificate,
                                                    poprf, subject_private,
                                                    line->exchange_public),
                     0);

    end = sealed_byte_sequence_encode(s->header, s->encoded, size);

    s->request.value[SEALED_METHOD] = text_bytes("DELETE");
    s->request.value[SEALED_PATH] = text_bytes("/v1/x");
    s->request.value[SEALED_CERTIFICATE].data = (uint8_t *) s->header;
    s->request.value[SEALED_CERTIFICATE].size = (size_t) (end - s->header);

    sealed_request_signature_sign(s->input, s->value, &s->request, key,
                                  s->certificate.id, NOW, 77);

    assert_int_equal(sealed_request_signature_parse(&s->signature,
                         text_bytes(s->input), text_bytes(s->value)), 0);

    s->use.certificate = &s->certificate;
    s->use.signature = &s->signature;
    s->use.request = &s->request;
    s->use.secret = &s->secret;
}


static void
test_every_line(void **state)
{
    unsigned  i, kind;
    scene_t   s;

    for (kind = SEALED_CERTIFICATE_SIGNED;
         kind <= SEALED_CERTIFICATE_BLIND;
         kind++)
    {
        for (i = 0; i < SEALED_MAX_KEY_LINES; i++) {
            setup_lines(&s, SEALED_MAX_KEY_LINES);
            sign(&s, kind, &s.secret.line[i]);

            assert_int_equal(sealed_first_use_check(&s.use), 0);
            assert_int_equal(s.use.tag, s.secret.line[i].tag);
            assert_int_equal(sealed_request_signature_verify(&s.signature,
                                 &s.request, s.use.key), 0);

            s.signature.mac[31] ^= 1;
            assert_int_equal(sealed_first_use_check(&s.use), -1);
        }
    }
}


/* a line that is not in the file, or half of one */

static void
test_other_lines(void **state)
{
    unsigned           kind;
    scene_t            s;
    sealed_key_line_t  mixed;

    for (kind = SEALED_CERTIFICATE_SIGNED;
         kind <= SEALED_CERTIFICATE_BLIND;
         kind++)
    {
        setup_lines(&s, 3);
        s.secret.count = 2;
        sign(&s, kind, &s.secret.line[2]);
        assert_int_equal(sealed_first_use_check(&s.use), -1);
    }

    setup_lines(&s, 2);
    mixed = s.secret.line[0];
    memcpy(mixed.issuer_private, s.secret.line[1].issuer_private, 32);
    sign(&s, SEALED_CERTIFICATE_BLIND, &mixed);
    assert_int_equal(sealed_first_use_check(&s.use), -1);
}


/* the key is shared with anybody who makes one: the authority decides */

static void
test_authority(void **state)
{
    scene_t  s;

    setup_lines(&s, 1);
    sign(&s, SEALED_CERTIFICATE_SIGNED, &s.secret.line[0]);
    assert_int_equal(sealed_first_use_check(&s.use), 0);

    s.authority[5] ^= 1;
    assert_int_equal(sealed_first_use_check(&s.use), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_every_line),
        cmocka_unit_test(test_other_lines),
        cmocka_unit_test(test_authority)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
