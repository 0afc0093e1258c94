
#include "vectors.h"
#include "cbor.h"
#include "hash.h"
#include "sealed_envelope.h"

#include <sodium.h>


/* the protocol's vectors, group "sealed_envelope" */

#define SENDER_PRIVATE  \
    "753b3bebc6249faa75d76152fed5577ff47aca4fa7c0697c10b40e40711f74d0"
#define SENDER_PUBLIC  \
    "6dc6fea0e2c18744758e75e3a12d82ef30bfb69c8d16f72e80dfc4425295dc77"
#define CERTIFICATE  \
    "8465616c69636558206dc6fea0e2c18744758e75e3a12d82ef30bfb69c8d16f7" \
    "2e80dfc4425295dc771a713fb3005840d346ea4b958e1bb7bda0b577631751a7" \
    "853e1577f79f2362340d506cf43fc35e2126b4a6477b844e513c62943f98b5c2" \
    "a0570fb270ce3d3f298d3d4049f7060b"
#define M  \
    "18ac920b587170d1239cba4805f06b77ab512f424298724a52a3e1157ebc1b90"
#define KF  \
    "5795cf6124bdc0c6ba0558ee8dd91a898a5ce12d8c37b26e63c76584390e98bc"
#define MESSAGE  \
    "48656c6c6f2c207265616465722e"
#define EPHEMERAL  \
    "8237b34d5beb2c94bebf169dfbe8217d19d576e825979b51c137909901095f65"
#define BODY  \
    "018237b34d5beb2c94bebf169dfbe8217d19d576e825979b51c137909901095f" \
    "6516456d37c5fc9485b714bf3674c89a07e7e59db12c5eab1f4643c0c3889d48" \
    "0cc545e80f941e78e6fbf296863bf780c988b3b4cbefd52eea317d8dd0e23c23" \
    "7a38c21dd5fe5303d5ffeb4c268682cecc565d8778ab97d2d4c40a7fbb2d82ca" \
    "79ffca3dbde774a059327fb6517e6f876d7b31cc0c7f68b13cada9d5ac62a39d" \
    "cdc88d9711740d0631db6c593c90d082163bf9b3806cdefa99207224fea29d9c" \
    "47eb43934c8d268bd1232d2d58f4b56a28b9c9ba4b41fb8b87a314a96562ce3d" \
    "8d8a0491f787e5f1893e97c97d420e9c245e229e15fc44e063de336a8dfa0ea1" \
    "2fec5d79e00b01028d31f218e7d102325bcad226f3080879c388f58cec2864d6" \
    "14febc4e931760c4e194837568d29da3ec4ac167292c0f15533bb26682ec296f" \
    "6eefe46946e4c721eda9ddc368aa17b61f7c6eb8df49e2b11e51b4b72df058d1" \
    "487e7de34bd64ea9e8500952b48f49187e4d7b7afb3dd3fb3f773b57c22fe21e" \
    "ec75ccf8095bba5fedfb196a9b5a8751b9b68634bed4b795dfa5cd64e0a723f6" \
    "f02cb5e8327f43dc2d871028dba925d42b02a4437b4e21238de3e6a22e45fc45" \
    "3f848439f2304ea47ed995a10da1862c260426498641720fcd9117fe9a2838aa" \
    "59856e76ccd7925b70c6f618faddc8e20427b09bec61ba9333a724cd5e0bd18d"
#define BODY_SIZE  512


static const char  *const recipient_private[2] = {
    "9c88a19e03c12f9327050c58292b9a6a679216eea77c100229b9f1ff4114ec7a",
    "a5f5a50672c56eb2a1f3b6e4871c9b947563404262fd864239c2d1d72a1629b7"
};


static const char  *const recipient_public[2] = {
    "cfeb550aa2b7a8f7da4131f878c53010466a9e882f896ddd5d18a2725b99970a",
    "d6307fff587c5588b6389493d6654a932b363357313f4515eae90a1b6a710414"
};


static const char  *const headers[2] = {
    "822b664ffa411f0778f0010e7ed834371138d6c54dd95a1efbe40c773f9a360e"
    "e8f82923bbd9d00910af4e6161a922d6",
    "9de4a8b5f433d4ded483437154535dccbaaca9382a81b57ee4fc1b779eaf9f56"
    "43e8ea555917c9c00ccf21c6caeb2def"
};


typedef struct {
    uint8_t                       m[32];
    uint8_t                       kf[32];
    uint8_t                       sender_private[32];
    uint8_t                       sender_public[32];
    uint8_t                       private_key[2][32];
    uint8_t                       public_key[2][32];
    uint8_t                       header[2][SEALED_ENVELOPE_HEADER_SIZE];
    uint8_t                       body[BODY_SIZE];
    uint8_t                       certificate[SEALED_IDENTITY_MAX];
    sealed_bytes_t                identity;
    uint8_t                       message[64];
    sealed_bytes_t                text;
} fixture_t;


static int
setup(void **state)
{
    unsigned    i;
    fixture_t  *f;

    f = test_malloc(sizeof(fixture_t));

    unhex(f->m, 32, M);
    unhex(f->kf, 32, KF);
    unhex(f->sender_private, 32, SENDER_PRIVATE);
    unhex(f->sender_public, 32, SENDER_PUBLIC);
    unhex(f->body, BODY_SIZE, BODY);

    for (i = 0; i < 2; i++) {
        unhex(f->private_key[i], 32, recipient_private[i]);
        unhex(f->public_key[i], 32, recipient_public[i]);
        unhex(f->header[i], SEALED_ENVELOPE_HEADER_SIZE, headers[i]);
    }

    f->identity.data = f->certificate;
    f->identity.size = unhex(f->certificate, sizeof(f->certificate),
                             CERTIFICATE);
    f->text.data = f->message;
    f->text.size = unhex(f->message, sizeof(f->message), MESSAGE);

    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    test_free(*state);

    return 0;
}


/* opens exact copies for recipient i; the members point into plaintext */

static int
open_as(sealed_envelope_t *envelope, uint8_t *plaintext, const fixture_t *f,
    unsigned i, const uint8_t *header, size_t header_size,
    const uint8_t *body, size_t body_size)
{
    int             rc;
    sealed_bytes_t  h, b;

    h = exact_bytes(header, header_size);
    b = exact_bytes(body, body_size);

    rc = sealed_envelope_open(envelope, plaintext, h, b, f->private_key[i],
                              f->public_key[i]);
    free_bytes(h);
    free_bytes(b);

    return rc;
}


static int
opens(const fixture_t *f, unsigned i, const uint8_t *header,
    const uint8_t *body)
{
    uint8_t            plaintext[BODY_SIZE];
    sealed_envelope_t  envelope;

    return open_as(&envelope, plaintext, f, i, header,
                   SEALED_ENVELOPE_HEADER_SIZE, body, BODY_SIZE);
}


static int
make_header(uint8_t *header, const fixture_t *f, unsigned i,
    const uint8_t *m, const uint8_t *body, size_t size)
{
    uint8_t  digest[32];

    sealed_sha256(digest, body, size);

    return sealed_envelope_header(header, m, digest, f->sender_private,
                                  f->sender_public, f->public_key[i]);
}


static void
test_vector(void **state)
{
    uint8_t             body[BODY_SIZE], plaintext[BODY_SIZE];
    uint8_t             header[SEALED_ENVELOPE_HEADER_SIZE];
    unsigned            i;
    fixture_t          *f = *state;
    sealed_envelope_t   envelope;

    assert_int_equal(sealed_envelope_seal(body, BODY_SIZE, f->m, f->identity,
                                          f->kf, f->text),
                     0);
    assert_memory_equal(body, f->body, BODY_SIZE);

    for (i = 0; i < 2; i++) {
        assert_int_equal(make_header(header, f, i, f->m, body, BODY_SIZE),
                         0);
        assert_memory_equal(header, f->header[i], sizeof(header));

        assert_int_equal(open_as(&envelope, plaintext, f, i, header,
                                 sizeof(header), body, BODY_SIZE),
                         0);

        assert_int_equal(envelope.message.size, f->text.size);
        assert_memory_equal(envelope.message.data, f->text.data,
                            f->text.size);
        assert_int_equal(envelope.kf.size, 32);
        assert_memory_equal(envelope.kf.data, f->kf, 32);
        assert_int_equal(envelope.identity.name.size, 5);
        assert_memory_equal(envelope.identity.name.data, "alice", 5);
        assert_memory_equal(envelope.identity.key, f->sender_public, 32);
        assert_hex(envelope.ephemeral, EPHEMERAL);
    }
}


static void
test_wrong_recipient(void **state)
{
    fixture_t  *f = *state;

    assert_int_equal(opens(f, 0, f->header[0], f->body), 0);
    assert_int_equal(opens(f, 1, f->header[1], f->body), 0);
    assert_int_equal(opens(f, 0, f->header[1], f->body), -1);
    assert_int_equal(opens(f, 1, f->header[0], f->body), -1);
}


/* the two parts of a header belong together */

static void
test_mixed_headers(void **state)
{
    uint8_t     header[SEALED_ENVELOPE_HEADER_SIZE];
    fixture_t  *f = *state;

    memcpy(header, f->header[0], 32);
    memcpy(header + 32, f->header[1] + 32, 16);

    assert_int_equal(opens(f, 0, header, f->body), -1);
    assert_int_equal(opens(f, 1, header, f->body), -1);
}


static void
test_every_bit(void **state)
{
    size_t      i;
    uint8_t     header[SEALED_ENVELOPE_HEADER_SIZE], body[BODY_SIZE];
    fixture_t  *f = *state;

    memcpy(header, f->header[0], sizeof(header));
    memcpy(body, f->body, sizeof(body));

    for (i = 0; i < sizeof(header) * 8; i++) {
        header[i / 8] ^= (uint8_t) (1u << i % 8);
        assert_int_equal(opens(f, 0, header, body), -1);
        header[i / 8] ^= (uint8_t) (1u << i % 8);
    }

    for (i = 0; i < sizeof(body); i++) {
        body[i] ^= (uint8_t) (1u << i % 8);
        assert_int_equal(opens(f, 0, header, body), -1);
        body[i] ^= (uint8_t) (1u << i % 8);
    }

    assert_int_equal(opens(f, 0, header, body), 0);
}


static void
test_lengths(void **state)
{
    size_t              i;
    uint8_t             plaintext[BODY_SIZE + 1], longer[BODY_SIZE + 1];
    fixture_t          *f = *state;
    sealed_envelope_t   envelope;

    memcpy(longer, f->body, BODY_SIZE);
    longer[BODY_SIZE] = 0;

    for (i = 0; i < SEALED_ENVELOPE_HEADER_SIZE; i++) {
        assert_int_equal(open_as(&envelope, plaintext, f, 0, f->header[0], i,
                                 f->body, BODY_SIZE),
                         -1);
    }

    for (i = 0; i <= sizeof(longer); i++) {
        assert_int_equal(open_as(&envelope, plaintext, f, 0, f->header[0],
                                 SEALED_ENVELOPE_HEADER_SIZE, longer, i),
                         i == BODY_SIZE ? 0 : -1);
    }
}


/*
 * Recipient 1 knows m, and so can seal other words with it and give
 * recipient 0 the header that the sender made for him.
 */

static void
test_reused_header(void **state)
{
    uint8_t          body[BODY_SIZE];
    fixture_t       *f = *state;
    sealed_bytes_t   words;

    words = text_bytes("I owe you a fortune.");

    assert_int_equal(sealed_envelope_seal(body, BODY_SIZE, f->m, f->identity,
                                          NULL, words),
                     0);

    /* E and the first part are right, only the sender's proof is not */

    assert_memory_equal(body, f->body, 33);
    assert_int_equal(opens(f, 0, f->header[0], body), -1);
}


/* a header by somebody who is not the one that the certificate names */

static void
test_impostor(void **state)
{
    uint8_t     header[SEALED_ENVELOPE_HEADER_SIZE], digest[32];
    fixture_t  *f = *state;

    sealed_sha256(digest, f->body, BODY_SIZE);

    assert_int_equal(sealed_envelope_header(header, f->m, digest,
                                            f->private_key[1],
                                            f->sender_public,
                                            f->public_key[0]),
                     0);
    assert_int_equal(opens(f, 0, header, f->body), -1);
}


static void
test_sizes(void **state)
{
    size_t              n, size;
    uint8_t             body[BODY_SIZE], message[BODY_SIZE];
    uint8_t             header[SEALED_ENVELOPE_HEADER_SIZE];
    uint8_t             plaintext[BODY_SIZE];
    unsigned            with_kf;
    fixture_t          *f = *state;
    sealed_bytes_t      text;
    sealed_envelope_t   envelope;

    randombytes_buf(message, sizeof(message));
    text.data = message;

    for (with_kf = 0; with_kf < 2; with_kf++) {

        for (n = 0; n <= BODY_SIZE; n++) {
            text.size = n;
            size = sealed_envelope_min_size(f->identity.size, with_kf, n);

            if (size > BODY_SIZE) {
                assert_int_equal(sealed_envelope_seal(body, BODY_SIZE, f->m,
                                                      f->identity,
                                                      with_kf ? f->kf : NULL,
                                                      text),
                                 -1);
                continue;
            }

            /* exactly as long as needed, and not an octet less */

            assert_int_equal(sealed_envelope_seal(body, size, f->m,
                                                  f->identity,
                                                  with_kf ? f->kf : NULL,
                                                  text),
                             0);
            assert_int_equal(make_header(header, f, 0, f->m, body, size), 0);
            assert_int_equal(open_as(&envelope, plaintext, f, 0, header,
                                     sizeof(header), body, size),
                             0);
            assert_int_equal(envelope.message.size, n);
            assert_memory_equal(envelope.message.data, message, n);
            assert_int_equal(envelope.kf.data != NULL, with_kf);

            assert_int_equal(sealed_envelope_seal(body, size - 1, f->m,
                                                  f->identity,
                                                  with_kf ? f->kf : NULL,
                                                  text),
                             -1);
        }
    }
}


/* sealed by one who has the keys but does not keep to the layout */

static int
opens_plaintext(const fixture_t *f, const uint8_t *plaintext, size_t size)
{
    uint8_t   body[2 * BODY_SIZE], key[32], out[2 * BODY_SIZE];
    uint8_t   header[SEALED_ENVELOPE_HEADER_SIZE];
    size_t    body_size;

    sealed_envelope_t  envelope;

    static const uint8_t  nonce[24];
    static const char     info[] = "sealed envelope key v1";

    assert_in_range(size, 1, sizeof(body) - SEALED_ENVELOPE_OVERHEAD);

    body_size = size + SEALED_ENVELOPE_OVERHEAD;
    memcpy(body, f->body, 33);
    sealed_hkdf(key, f->m, 32, info, sizeof(info) - 1, NULL, 0);
    crypto_aead_xchacha20poly1305_ietf_encrypt(body + 33, NULL, plaintext,
                                               size, body + 1, 32, NULL,
                                               nonce, key);

    assert_int_equal(make_header(header, f, 0, f->m, body, body_size), 0);

    return open_as(&envelope, out, f, 0, header, sizeof(header), body,
                   body_size);
}


static void
write_identity(sealed_cbor_writer_t *w, const fixture_t *f, size_t less)
{
    memcpy(w->pos, f->identity.data, f->identity.size - less);
    w->pos += f->identity.size - less;
}


static void
test_padding(void **state)
{
    size_t                 size;
    uint8_t                plaintext[BODY_SIZE];
    fixture_t             *f = *state;
    sealed_cbor_writer_t   w;

    w.pos = plaintext;
    w.end = plaintext + sizeof(plaintext);
    w.overflow = 0;

    memset(plaintext, 0, sizeof(plaintext));
    sealed_cbor_write_array(&w, 3);
    write_identity(&w, f, 0);
    sealed_cbor_write_null(&w);
    sealed_cbor_write_bytes(&w, "text", 4);
    size = (size_t) (w.pos - plaintext);

    /* none at all, only zeros */

    assert_int_equal(opens_plaintext(f, plaintext, size), -1);
    assert_int_equal(opens_plaintext(f, plaintext, size + 7), -1);

    plaintext[size] = 0x80;
    assert_int_equal(opens_plaintext(f, plaintext, size + 1), 0);
    assert_int_equal(opens_plaintext(f, plaintext, size + 2), 0);
    assert_int_equal(opens_plaintext(f, plaintext, size + 200), 0);

    /* another mark, something behind it, something in front of it */

    plaintext[size] = 0x81;
    assert_int_equal(opens_plaintext(f, plaintext, size + 2), -1);

    plaintext[size] = 0x80;
    plaintext[size + 1] = 0x01;
    assert_int_equal(opens_plaintext(f, plaintext, size + 2), -1);

    plaintext[size + 1] = 0x80;
    assert_int_equal(opens_plaintext(f, plaintext, size + 2), -1);

    plaintext[size] = 0x00;
    assert_int_equal(opens_plaintext(f, plaintext, size + 2), -1);

    memset(plaintext, 0, sizeof(plaintext));
    assert_int_equal(opens_plaintext(f, plaintext, 1), -1);
    assert_int_equal(opens_plaintext(f, plaintext, 100), -1);

    plaintext[0] = 0x80;
    assert_int_equal(opens_plaintext(f, plaintext, 1), -1);
}


static void
test_layout(void **state)
{
    unsigned               i;
    uint8_t                plaintext[BODY_SIZE];
    fixture_t             *f = *state;
    sealed_cbor_writer_t   w;

    static const struct {
        int       rc;
        unsigned  members;
        unsigned  certificate;          /* octets less than there are */
        unsigned  kf;                   /* octets; 0: null */
        unsigned  text;                 /* a text where octets belong */
        unsigned  more;
        unsigned  wrapped;              /* the certificate as octets */
    } cases[] = {
        {  0, 3, 0, 0,  0, 0, 0 },
        {  0, 3, 0, 32, 0, 0, 0 },
        { -1, 3, 0, 31, 0, 0, 0 },
        { -1, 3, 0, 33, 0, 0, 0 },
        { -1, 3, 1, 0,  0, 0, 0 },
        { -1, 2, 0, 0,  0, 0, 0 },
        { -1, 4, 0, 0,  0, 0, 0 },
        { -1, 4, 0, 0,  0, 1, 0 },
        { -1, 3, 0, 0,  0, 1, 0 },
        { -1, 3, 0, 0,  1, 0, 0 },
        { -1, 3, 0, 0,  0, 0, 1 }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w.pos = plaintext;
        w.end = plaintext + sizeof(plaintext);
        w.overflow = 0;

        sealed_cbor_write_array(&w, cases[i].members);

        if (cases[i].wrapped) {
            sealed_cbor_write_bytes(&w, f->identity.data, f->identity.size);

        } else {
            write_identity(&w, f, cases[i].certificate);
        }

        if (cases[i].kf) {
            sealed_cbor_write_bytes(&w, f->body, cases[i].kf);

        } else {
            sealed_cbor_write_null(&w);
        }

        if (cases[i].text) {
            sealed_cbor_write_text(&w, "text", 4);

        } else {
            sealed_cbor_write_bytes(&w, "text", 4);
        }

        if (cases[i].more) {
            sealed_cbor_write_null(&w);
        }

        *w.pos++ = 0x80;

        assert_int_equal(opens_plaintext(f, plaintext,
                                         (size_t) (w.pos - plaintext)),
                         cases[i].rc);
    }
}


/* keys whose shared secret would be zero are refused on both sides */

static void
test_zero_keys(void **state)
{
    uint8_t     header[SEALED_ENVELOPE_HEADER_SIZE], digest[32];
    uint8_t     body[BODY_SIZE];
    fixture_t  *f = *state;

    static const uint8_t  zero[32];

    sealed_sha256(digest, f->body, BODY_SIZE);

    assert_int_equal(sealed_envelope_header(header, f->m, digest,
                                            f->sender_private,
                                            f->sender_public, zero),
                     -1);

    memcpy(body, f->body, BODY_SIZE);
    memset(body + 1, 0, 32);
    assert_int_equal(opens(f, 0, f->header[0], body), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_wrong_recipient),
        cmocka_unit_test(test_mixed_headers),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_reused_header),
        cmocka_unit_test(test_impostor),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_padding),
        cmocka_unit_test(test_layout),
        cmocka_unit_test(test_zero_keys)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, setup, teardown);
}
