
#include "vectors.h"
#include "poprf.h"

#include <jansson.h>
#include <sodium.h>


enum {
    BATCH_MAX = 8
};


/* one issuer with a batch of what it evaluated, for the refusals */

typedef struct {
    sealed_oprf_mode_t            mode;
    uint8_t                       private_key[32];
    uint8_t                       public_key[32];
    uint8_t                       proved_key[32];
    sealed_poprf_key_t            key;
    sealed_bytes_t                info;
    size_t                        count;
    uint8_t                       input[BATCH_MAX][32];
    uint8_t                       blind[BATCH_MAX][32];
    uint8_t                       blinded[BATCH_MAX * 32];
    uint8_t                       evaluated[BATCH_MAX * 32];
    uint8_t                       proof[SEALED_POPRF_PROOF];
} issue_t;


/* the n-th of the values that a member lists with commas */

static sealed_bytes_t
member(const json_t *vector, const char *name, unsigned n)
{
    char         text[UNHEX_MAX];
    size_t       size;
    const char  *value;

    value = json_string_value(json_object_get(vector, name));
    assert_non_null(value);

    while (n--) {
        value = strchr(value, ',');
        assert_non_null(value);
        value++;
    }

    size = strcspn(value, ",");
    assert_true(size < sizeof(text));
    memcpy(text, value, size);
    text[size] = '\0';

    return exact_hex(text);
}


static void
assert_member(const void *data, size_t size, const json_t *vector,
    const char *name, unsigned n)
{
    sealed_bytes_t  expected;

    expected = member(vector, name, n);
    assert_int_equal(expected.size, size);
    assert_memory_equal(data, expected.data, size);
    free_bytes(expected);
}


static void
check_vector(const json_t *vector, const uint8_t private_key[32],
    const uint8_t public_key[32], sealed_oprf_mode_t mode)
{
    json_t              *proof;
    uint8_t              output[64], made[64], tweaked[32];
    uint8_t              blinded[BATCH_MAX * 32], evaluated[BATCH_MAX * 32];
    unsigned             i, batch;
    sealed_bytes_t       info, input, blind, nonce;
    sealed_poprf_key_t   key;

    batch = (unsigned) json_integer_value(json_object_get(vector, "Batch"));
    assert_in_range(batch, 1, BATCH_MAX);

    info = mode == SEALED_MODE_POPRF ? member(vector, "Info", 0)
                                     : exact_bytes("", 0);

    assert_int_equal(sealed_poprf_key(&key, private_key, info, mode), 0);

    for (i = 0; i < batch; i++) {
        input = member(vector, "Input", i);
        blind = member(vector, "Blind", i);

        assert_int_equal(sealed_poprf_blind(blinded + 32 * i, input,
                                            blind.data, mode), 0);
        assert_member(blinded + 32 * i, 32, vector, "BlindedElement", i);

        free_bytes(input);
        free_bytes(blind);
    }

    assert_int_equal(sealed_poprf_blind_evaluate(evaluated, &key, blinded,
                                                 batch), 0);

    for (i = 0; i < batch; i++) {
        assert_member(evaluated + 32 * i, 32, vector, "EvaluationElement",
                      i);

        input = member(vector, "Input", i);
        blind = member(vector, "Blind", i);

        assert_int_equal(sealed_poprf_finalize(output, input, info,
                                               blind.data,
                                               evaluated + 32 * i, mode), 0);
        assert_member(output, 64, vector, "Output", i);

        assert_int_equal(sealed_poprf_evaluate(output, &key, input, info),
                         0);
        assert_member(output, 64, vector, "Output", i);

        free_bytes(input);
        free_bytes(blind);
    }

    proof = json_object_get(vector, "Proof");

    if (mode == SEALED_MODE_OPRF) {
        assert_null(proof);

    } else {
        nonce = member(proof, "r", 0);

        assert_int_equal(sealed_poprf_prove(made, &key, blinded, evaluated,
                                            batch, nonce.data), 0);
        assert_member(made, 64, proof, "proof", 0);

        memcpy(tweaked, public_key, 32);

        if (mode == SEALED_MODE_POPRF) {
            assert_int_equal(sealed_poprf_tweaked_key(tweaked, public_key,
                                                      info), 0);
        }

        assert_int_equal(sealed_poprf_verify(made, tweaked, blinded,
                                             evaluated, batch, mode), 0);

        free_bytes(nonce);
    }

    free_bytes(info);
    sealed_poprf_key_wipe(&key);
    assert_true(sodium_is_zero((uint8_t *) &key, sizeof(key)));
}


/* RFC 9497, appendix A.1: all that is published for ristretto255-SHA512 */

static void
test_published(void **state)
{
    json_t              *suites, *suite, *vectors;
    size_t               i, j, checked;
    uint8_t              private_key[32], public_key[32];
    sealed_bytes_t       seed, info;
    sealed_oprf_mode_t   mode;

    suites = json_load_file("t/vectors/rfc9497-ristretto255.json", 0, NULL);
    assert_int_equal(json_array_size(suites), 3);

    checked = 0;

    for (i = 0; i < 3; i++) {
        suite = json_array_get(suites, i);
        mode = (sealed_oprf_mode_t) json_integer_value(
                                        json_object_get(suite, "mode"));
        assert_int_equal(mode, i);

        seed = member(suite, "seed", 0);
        info = member(suite, "keyInfo", 0);

        assert_int_equal(sealed_poprf_derive_key_pair(private_key,
                                                      public_key, seed.data,
                                                      info.data, info.size,
                                                      mode), 0);
        assert_member(private_key, 32, suite, "skSm", 0);

        if (mode != SEALED_MODE_OPRF) {
            assert_member(public_key, 32, suite, "pkSm", 0);
        }

        free_bytes(seed);
        free_bytes(info);

        vectors = json_object_get(suite, "vectors");

        for (j = 0; j < json_array_size(vectors); j++) {
            check_vector(json_array_get(vectors, j), private_key, public_key,
                         mode);
            checked++;
        }
    }

    assert_int_equal(checked, 8);
    json_decref(suites);
}


/* the gateway's own use */

static void
test_issuer(void **state)
{
    uint8_t  seed[32], private_key[32], public_key[32];

    static const char  info[] = "sealed-sender issuer key v1";

    (void) unhex(seed, sizeof(seed), "ea25bb8811de462426c45a221b3b299a"
                                     "42b1d8bfc7be28eae25dc5b743d60d15");

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info,
                                                  sizeof(info) - 1,
                                                  SEALED_MODE_POPRF), 0);
    assert_hex(private_key, "204f590c21f629b7722f675e599f40db"
                            "35799467e9c587e7313058398f988504");
    assert_hex(public_key, "021c152d4d8c5abadb42934baad5b114"
                           "27857886185f952a87b72027a156ce07");
}


/* both octets of the info's length count; computed with other code */

static void
test_info_sizes(void **state)
{
    size_t    i;
    uint8_t   seed[32], info[257], private_key[32], public_key[32];
    uint8_t   public_again[32];

    memset(seed, 0xa3, sizeof(seed));

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, "", 0,
                                                  SEALED_MODE_POPRF), 0);
    assert_hex(private_key, "9fd73ddce3d029908fa568f2bc840c4c"
                            "bd93f0505c2239f01abdd7091ecfa903");

    for (i = 0; i < 255; i++) {
        info[i] = (uint8_t) i;
    }

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 255,
                                                  SEALED_MODE_POPRF), 0);
    assert_hex(private_key, "5a77e9ba6585fa002645dcca98e0cdf2"
                            "fdf57dd555cc691fcd75679652767407");

    memset(info, 'i', sizeof(info));

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 256,
                                                  SEALED_MODE_POPRF), 0);
    assert_hex(private_key, "99eb5d069b217aa396ad17a8d78efb60"
                            "6efd52a4da3f85f4ab07772118879103");

    assert_int_equal(crypto_scalarmult_ristretto255_base(public_again,
                                                         private_key), 0);
    assert_memory_equal(public_key, public_again, 32);

    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, 257,
                                                  SEALED_MODE_POPRF), -1);
    assert_int_equal(sealed_poprf_derive_key_pair(private_key, public_key,
                                                  seed, info, SIZE_MAX,
                                                  SEALED_MODE_POPRF), -1);
}


static void
issue(issue_t *o, sealed_oprf_mode_t mode, size_t count)
{
    size_t          i;
    uint8_t         nonce[32];
    sealed_bytes_t  input;

    o->mode = mode;
    o->count = count;
    o->info = text_bytes("sealed-sender v1 of this test");
    input.size = 32;

    crypto_core_ristretto255_scalar_random(o->private_key);
    crypto_scalarmult_ristretto255_base(o->public_key, o->private_key);
    memcpy(o->proved_key, o->public_key, 32);

    if (mode == SEALED_MODE_POPRF) {
        assert_int_equal(sealed_poprf_tweaked_key(o->proved_key,
                                                  o->public_key, o->info),
                         0);
    }

    assert_int_equal(sealed_poprf_key(&o->key, o->private_key, o->info,
                                      mode), 0);

    for (i = 0; i < count; i++) {
        randombytes_buf(o->input[i], 32);
        crypto_core_ristretto255_scalar_random(o->blind[i]);
        input.data = o->input[i];
        assert_int_equal(sealed_poprf_blind(o->blinded + 32 * i, input,
                                            o->blind[i], mode), 0);
    }

    crypto_core_ristretto255_scalar_random(nonce);
    assert_int_equal(sealed_poprf_blind_evaluate(o->evaluated, &o->key,
                                                 o->blinded, count), 0);
    assert_int_equal(sealed_poprf_prove(o->proof, &o->key, o->blinded,
                                        o->evaluated, count, nonce), 0);
}


static int
verify(const issue_t *o)
{
    return sealed_poprf_verify(o->proof, o->proved_key, o->blinded,
                               o->evaluated, o->count, o->mode);
}


/* whoever finalizes gets what the holder of the key computes alone */

static void
test_round_trips(void **state)
{
    size_t              i;
    issue_t             o;
    uint8_t             theirs[64], ours[64];
    sealed_bytes_t      input;
    sealed_oprf_mode_t  mode;

    input.size = 32;

    for (mode = SEALED_MODE_VOPRF; mode <= SEALED_MODE_POPRF; mode++) {

        issue(&o, mode, BATCH_MAX);
        assert_int_equal(verify(&o), 0);

        for (i = 0; i < o.count; i++) {
            input.data = o.input[i];
            assert_int_equal(sealed_poprf_finalize(theirs, input, o.info,
                                                   o.blind[i],
                                                   o.evaluated + 32 * i,
                                                   mode), 0);
            assert_int_equal(sealed_poprf_evaluate(ours, &o.key, input,
                                                   o.info), 0);
            assert_memory_equal(theirs, ours, 64);
        }
    }
}


/* a bit anywhere in what is proved, the proof, the key */

static void
test_proof_is_bound(void **state)
{
    size_t              i;
    issue_t             o;
    uint8_t             other[64];
    sealed_oprf_mode_t  mode;

    for (mode = SEALED_MODE_VOPRF; mode <= SEALED_MODE_POPRF; mode++) {

        issue(&o, mode, 2);

        for (i = 0; i < 8 * sizeof(o.proof); i++) {
            o.proof[i / 8] ^= (uint8_t) (1 << i % 8);
            assert_int_equal(verify(&o), -1);
            o.proof[i / 8] ^= (uint8_t) (1 << i % 8);
        }

        for (i = 0; i < 8 * 64; i += 7) {
            o.evaluated[i / 8] ^= (uint8_t) (1 << i % 8);
            assert_int_equal(verify(&o), -1);
            o.evaluated[i / 8] ^= (uint8_t) (1 << i % 8);

            o.blinded[i / 8] ^= (uint8_t) (1 << i % 8);
            assert_int_equal(verify(&o), -1);
            o.blinded[i / 8] ^= (uint8_t) (1 << i % 8);
        }

        assert_int_equal(verify(&o), 0);

        /* the order within a batch */

        memcpy(other, o.evaluated, 64);
        memcpy(o.evaluated, other + 32, 32);
        memcpy(o.evaluated + 32, other, 32);
        assert_int_equal(verify(&o), -1);
        memcpy(o.evaluated, other, 64);

        /* fewer or none */

        o.count = 1;
        assert_int_equal(verify(&o), -1);
        o.count = 0;
        assert_int_equal(verify(&o), -1);
        o.count = 2;

        /* other keys: somebody's, and the one without the info */

        memcpy(other, o.proved_key, 32);
        crypto_core_ristretto255_random(o.proved_key);
        assert_int_equal(verify(&o), -1);

        if (mode == SEALED_MODE_POPRF) {
            memcpy(o.proved_key, o.public_key, 32);
            assert_int_equal(verify(&o), -1);

            assert_int_equal(sealed_poprf_tweaked_key(o.proved_key,
                                 o.public_key, text_bytes("tomorrow")), 0);
            assert_int_equal(verify(&o), -1);
        }

        memcpy(o.proved_key, other, 32);
        o.mode = mode == SEALED_MODE_POPRF ? SEALED_MODE_VOPRF
                                           : SEALED_MODE_POPRF;
        assert_int_equal(verify(&o), -1);
    }
}


/*
 * What is not an element: the identity, p and p + 1 of the field, a negative
 * one, one that is not on the curve (RFC 9496, appendix A.3).
 */

static void
test_elements(void **state)
{
    size_t   i;
    issue_t  o;
    uint8_t  element[32], evaluated[64], blinded[64];

    static const char *const  bad[] = {
        "00000000000000000000000000000000"
        "00000000000000000000000000000000",
        "edffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffff7f",
        "00ffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffffff",
        "ffffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffff7f",
        "f3ffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffff7f",
        "01000000000000000000000000000000"
        "00000000000000000000000000000000",
        "01ffffffffffffffffffffffffffffff"
        "ffffffffffffffffffffffffffffff7f",
        "26948d35ca62e643e26a83177332e6b6"
        "afeb9d08e4268b650f1f5bbd8d81d371",
        "4eac077a713c57b4f4397629a4145982"
        "c661f48044dd3f96427d40b147d9742f",

        /* the identity and the generator with the highest bit set */

        "00000000000000000000000000000000"
        "00000000000000000000000000000080",
        "e2f2ae0a6abc4e71a884a961c500515f"
        "58e30b6aa582dd8db6a65945e08d2df6"
    };

    issue(&o, SEALED_MODE_POPRF, 2);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        (void) unhex(element, sizeof(element), bad[i]);

        assert_int_equal(sealed_ristretto255_element(element), -1);
        assert_int_equal(sealed_poprf_blind_evaluate(evaluated, &o.key,
                                                     element, 1), -1);

        /* behind a good one: nothing is evaluated at all */

        memcpy(blinded, o.blinded, 32);
        memcpy(blinded + 32, element, 32);
        memset(evaluated, 0, sizeof(evaluated));
        assert_int_equal(sealed_poprf_blind_evaluate(evaluated, &o.key,
                                                     blinded, 2), -1);
        assert_true(sodium_is_zero(evaluated, sizeof(evaluated)));

        assert_int_equal(sealed_poprf_tweaked_key(evaluated, element,
                                                  o.info), -1);
        assert_int_equal(sealed_poprf_finalize(evaluated, o.info, o.info,
                                               o.blind[0], element,
                                               o.mode), -1);

        memcpy(o.proved_key, element, 32);
        assert_int_equal(verify(&o), -1);
    }

    assert_int_equal(sealed_ristretto255_element(o.blinded), 0);
}


/* the order, what is above it, and the largest below it */

static void
test_scalars(void **state)
{
    issue_t             o;
    uint8_t             scalar[32];
    unsigned            i, carry;
    sealed_poprf_key_t  key;

    static const char  order[] = "edd3f55c1a631258d69cf7a2def9de14"
                                 "00000000000000000000000000000010";

    (void) unhex(scalar, sizeof(scalar), order);
    assert_int_equal(sealed_ristretto255_scalar(scalar), -1);

    scalar[0]++;
    assert_int_equal(sealed_ristretto255_scalar(scalar), -1);

    scalar[0] -= 2;
    assert_int_equal(sealed_ristretto255_scalar(scalar), 0);

    memset(scalar, 0xff, 32);
    assert_int_equal(sealed_ristretto255_scalar(scalar), -1);

    issue(&o, SEALED_MODE_POPRF, 1);

    memset(scalar, 0, 32);
    assert_int_equal(sealed_poprf_key(&key, scalar, o.info, o.mode), -1);

    /* a proof with s + order holds for who does not look */

    (void) unhex(scalar, sizeof(scalar), order);

    for (i = 0, carry = 0; i < 32; i++) {
        carry += o.proof[32 + i] + scalar[i];
        o.proof[32 + i] = (uint8_t) carry;
        carry >>= 8;
    }

    assert_int_equal(carry, 0);
    assert_int_equal(verify(&o), -1);
}


/* an info whose key would be zero: InverseError */

static void
test_inverse_error(void **state)
{
    uint8_t                     scalar[32], private_key[32];
    uint8_t                     public_key[32], tweaked[32];
    sealed_bytes_t              info;
    sealed_poprf_key_t          key;
    sealed_ristretto255_hash_t  hash;

    info = text_bytes("the info that gives the key away");

    sealed_ristretto255_hash_init(&hash);
    sealed_ristretto255_hash_update(&hash, "Info", 4);
    sealed_ristretto255_hash_string(&hash, info.data, info.size);
    sealed_ristretto255_hash_to_scalar(scalar, &hash, "HashToScalar-",
                                       SEALED_MODE_POPRF);

    crypto_core_ristretto255_scalar_negate(private_key, scalar);
    crypto_scalarmult_ristretto255_base(public_key, private_key);

    assert_int_equal(sealed_poprf_key(&key, private_key, info,
                                      SEALED_MODE_POPRF), -1);
    assert_int_equal(sealed_poprf_tweaked_key(tweaked, public_key, info),
                     -1);
}


static void
test_sizes(void **state)
{
    issue_t         o;
    uint8_t        *large, output[64];
    sealed_bytes_t  bytes;

    issue(&o, SEALED_MODE_POPRF, 1);

    large = calloc(1, SEALED_POPRF_INPUT_MAX + 1);
    assert_non_null(large);

    bytes.data = large;
    bytes.size = SEALED_POPRF_INPUT_MAX;

    assert_int_equal(sealed_poprf_evaluate(output, &o.key, bytes, o.info),
                     0);
    bytes.size++;

    assert_int_equal(sealed_poprf_evaluate(output, &o.key, bytes, o.info),
                     -1);
    assert_int_equal(sealed_poprf_blind(output, bytes, o.blind[0], o.mode),
                     -1);
    assert_int_equal(sealed_poprf_key(&o.key, o.private_key, bytes, o.mode),
                     -1);
    assert_int_equal(sealed_poprf_tweaked_key(output, o.public_key, bytes),
                     -1);
    assert_int_equal(sealed_poprf_finalize(output, bytes, o.info,
                                           o.blind[0], o.evaluated, o.mode),
                     -1);
    assert_int_equal(sealed_poprf_finalize(output, o.info, bytes,
                                           o.blind[0], o.evaluated, o.mode),
                     -1);

    free(large);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_issuer),
        cmocka_unit_test(test_info_sizes),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_proof_is_bound),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_inverse_error),
        cmocka_unit_test(test_sizes)
    };

    if (sodium_init() < 0) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
