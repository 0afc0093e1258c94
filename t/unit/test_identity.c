
#include "vectors.h"
#include "cbor.h"
#include "identity.h"

#include <sodium.h>


/* the protocol's vectors, group "sealed_envelope" */

#define AUTHORITY_SEED  \
    "e63492fbe32d7aaed78178e09a2949befc7afbd74685fa8bf49e25ed06ada34c"
#define AUTHORITY_PUBLIC  \
    "06f699a4679a134e127592fdded83af4b4c14d7d19c6a73c764b9a3c13b7b5c9"
#define SENDER_PUBLIC  \
    "6dc6fea0e2c18744758e75e3a12d82ef30bfb69c8d16f72e80dfc4425295dc77"
#define CERTIFICATE  \
    "8465616c69636558206dc6fea0e2c18744758e75e3a12d82ef30bfb69c8d16f7" \
    "2e80dfc4425295dc771a713fb3005840d346ea4b958e1bb7bda0b577631751a7" \
    "853e1577f79f2362340d506cf43fc35e2126b4a6477b844e513c62943f98b5c2" \
    "a0570fb270ce3d3f298d3d4049f7060b"
#define NOT_AFTER  1900000000


typedef struct {
    uint8_t                       public_key[32];
    uint8_t                       secret[64];
    uint8_t                       key[32];
} fixture_t;


static int
setup(void **state)
{
    uint8_t     seed[32];
    fixture_t  *f;

    f = test_malloc(sizeof(fixture_t));

    unhex(seed, sizeof(seed), AUTHORITY_SEED);
    crypto_sign_seed_keypair(f->public_key, f->secret, seed);
    unhex(f->key, sizeof(f->key), SENDER_PUBLIC);

    *state = f;

    return 0;
}


static int
teardown(void **state)
{
    test_free(*state);

    return 0;
}


static int
parse(sealed_bytes_t encoded)
{
    sealed_identity_t  identity;

    return sealed_identity_parse(&identity, encoded);
}


/* parses an exact copy and checks the signature */

static int
verify(const uint8_t *data, size_t size, const uint8_t authority[32],
    uint64_t now)
{
    int                rc;
    sealed_bytes_t     encoded;
    sealed_identity_t  identity;

    encoded = exact_bytes(data, size);

    rc = sealed_identity_parse(&identity, encoded);

    if (rc == 0) {
        rc = sealed_identity_verify(&identity, authority, now);
    }

    free_bytes(encoded);

    return rc;
}


static void
test_vector(void **state)
{
    size_t             size;
    uint8_t            out[SEALED_IDENTITY_MAX];
    fixture_t         *f = *state;
    sealed_bytes_t     encoded;
    sealed_identity_t  identity;

    assert_hex(f->public_key, AUTHORITY_PUBLIC);

    size = sealed_identity_sign(out, text_bytes("alice"), f->key, NOT_AFTER,
                                f->secret);
    assert_int_equal(size, strlen(CERTIFICATE) / 2);
    assert_hex(out, CERTIFICATE);

    encoded = exact_hex(CERTIFICATE);

    assert_int_equal(sealed_identity_parse(&identity, encoded), 0);
    assert_int_equal(identity.name.size, 5);
    assert_memory_equal(identity.name.data, "alice", 5);
    assert_memory_equal(identity.key, f->key, 32);
    assert_int_equal(identity.not_after, NOT_AFTER);

    assert_int_equal(sealed_identity_verify(&identity, f->public_key,
                                            NOT_AFTER - 1),
                     0);
    assert_int_equal(sealed_identity_verify(&identity, f->public_key,
                                            NOT_AFTER),
                     -1);

    free_bytes(encoded);
}


static void
test_another_authority(void **state)
{
    size_t      size;
    uint8_t     data[256], public_key[32], secret[64];
    fixture_t  *f = *state;

    crypto_sign_keypair(public_key, secret);

    size = unhex(data, sizeof(data), CERTIFICATE);

    assert_int_equal(verify(data, size, f->public_key, 0), 0);
    assert_int_equal(verify(data, size, public_key, 0), -1);
}


/* whatever bit is turned: refused by layout or by signature */

static void
test_every_bit(void **state)
{
    size_t      i, size;
    uint8_t     data[256];
    unsigned    bit;
    fixture_t  *f = *state;

    size = unhex(data, sizeof(data), CERTIFICATE);

    for (i = 0; i < size; i++) {
        for (bit = 0; bit < 8; bit++) {
            data[i] ^= (uint8_t) (1u << bit);
            assert_int_equal(verify(data, size, f->public_key, 0), -1);
            data[i] ^= (uint8_t) (1u << bit);
        }
    }

    assert_int_equal(verify(data, size, f->public_key, 0), 0);
}


static void
test_lengths(void **state)
{
    size_t      i, size;
    uint8_t     data[256];
    fixture_t  *f = *state;

    size = unhex(data, sizeof(data), CERTIFICATE);

    for (i = 0; i < size; i++) {
        assert_int_equal(verify(data, i, f->public_key, 0), -1);
    }

    data[size] = 0;
    assert_int_equal(verify(data, size + 1, f->public_key, 0), -1);
}


static void
test_names(void **state)
{
    char             name[SEALED_NAME_MAX + 1];
    size_t           size;
    uint8_t          out[SEALED_IDENTITY_MAX];
    fixture_t       *f = *state;
    sealed_bytes_t   bytes;

    memset(name, 'n', sizeof(name));
    bytes.data = (const uint8_t *) name;

    for (bytes.size = 1; bytes.size <= SEALED_NAME_MAX; bytes.size++) {
        size = sealed_identity_sign(out, bytes, f->key, UINT64_MAX,
                                    f->secret);
        assert_in_range(size, 1, SEALED_IDENTITY_MAX);
        assert_int_equal(verify(out, size, f->public_key, UINT64_MAX - 1),
                         0);
    }

    /* the longest uses all of the room */

    assert_int_equal(size, SEALED_IDENTITY_MAX);

    assert_int_equal(sealed_identity_sign(out, bytes, f->key, 1, f->secret),
                     0);

    bytes.size = 0;
    assert_int_equal(sealed_identity_sign(out, bytes, f->key, 1, f->secret),
                     0);
}


/* other members than [text, 32 octets, integer, 64 octets] */

static void
test_layout(void **state)
{
    unsigned              i;
    uint8_t               data[700], octets[300];
    sealed_bytes_t        encoded;
    sealed_cbor_writer_t  w;

    static const struct {
        int       rc;
        unsigned  members;
        unsigned  name;
        unsigned  name_is_bytes;
        unsigned  key;
        unsigned  signature;
        unsigned  more;
    } cases[] = {
        {  0, 4, 1,   0, 32, 64, 0 },
        {  0, 4, 255, 0, 32, 64, 0 },
        { -1, 4, 256, 0, 32, 64, 0 },
        { -1, 4, 0,   0, 32, 64, 0 },
        { -1, 4, 5,   1, 32, 64, 0 },
        { -1, 4, 5,   0, 31, 64, 0 },
        { -1, 4, 5,   0, 33, 64, 0 },
        { -1, 4, 5,   0, 32, 63, 0 },
        { -1, 4, 5,   0, 32, 65, 0 },
        { -1, 3, 5,   0, 32, 64, 0 },
        { -1, 5, 5,   0, 32, 64, 0 },
        { -1, 5, 5,   0, 32, 64, 1 },
        { -1, 4, 5,   0, 32, 64, 1 }
    };

    memset(octets, 'a', sizeof(octets));

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        w.pos = data;
        w.end = data + sizeof(data);
        w.overflow = 0;

        sealed_cbor_write_array(&w, cases[i].members);

        if (cases[i].name_is_bytes) {
            sealed_cbor_write_bytes(&w, octets, cases[i].name);

        } else {
            sealed_cbor_write_text(&w, octets, cases[i].name);
        }

        sealed_cbor_write_bytes(&w, octets, cases[i].key);
        sealed_cbor_write_uint(&w, 1);
        sealed_cbor_write_bytes(&w, octets, cases[i].signature);

        if (cases[i].more) {
            sealed_cbor_write_null(&w);
        }

        assert_int_equal(w.overflow, 0);

        encoded = exact_bytes(data, (size_t) (w.pos - data));
        assert_int_equal(parse(encoded), cases[i].rc);
        free_bytes(encoded);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_vector),
        cmocka_unit_test(test_another_authority),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_layout)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, setup, teardown);
}
