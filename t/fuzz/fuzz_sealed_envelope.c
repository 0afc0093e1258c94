
/*
 * The first octet, modulo 4, tells what the others are:
 *
 *   0  header and body, as they come from a gateway
 *   1  the plaintext of an envelope that is sealed properly
 *   2  name and message of an envelope, and where a bit of it falls over
 *   3  an identity certificate
 *
 * Aims at: sealed_envelope.c identity.c
 */

#include "fuzz.h"
#include "sealed_envelope.h"
#include "cbor.h"
#include "hash.h"


#define AUTHORITY_SEED                                                       \
    "e63492fbe32d7aaed78178e09a2949befc7afbd74685fa8bf49e25ed06ada34c"
#define SENDER_PRIVATE                                                       \
    "753b3bebc6249faa75d76152fed5577ff47aca4fa7c0697c10b40e40711f74d0"
#define RECIPIENT_PRIVATE                                                    \
    "9c88a19e03c12f9327050c58292b9a6a679216eea77c100229b9f1ff4114ec7a"
#define M                                                                    \
    "18ac920b587170d1239cba4805f06b77ab512f424298724a52a3e1157ebc1b90"

#define BODY_MAX  8192
#define NOT_AFTER  1900000000


static uint8_t  authority_public[32], authority_secret[64];
static uint8_t  sender_private[32], sender_public[32];
static uint8_t  recipient_private[32], recipient_public[32];
static uint8_t  m[32];


static void keys(void);
static void open_hostile(const uint8_t *data, size_t size);
static void open_plaintext(const uint8_t *data, size_t size);
static void check_plaintext(const sealed_envelope_t *envelope,
    const uint8_t *plaintext, size_t size);
static void seal_and_open(const uint8_t *data, size_t size);
static void check_identity(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }

    keys();

    switch (data[0] % 4) {

    case 0:
        open_hostile(data + 1, size - 1);
        break;

    case 1:
        open_plaintext(data + 1, size - 1);
        break;

    case 2:
        seal_and_open(data + 1, size - 1);
        break;

    default:
        check_identity(data + 1, size - 1);
    }

    return 0;
}


static void
keys(void)
{
    uint8_t         seed[32];
    static int      done;

    if (done) {
        return;
    }

    unhex(seed, 32, AUTHORITY_SEED);
    crypto_sign_seed_keypair(authority_public, authority_secret, seed);

    unhex(sender_private, 32, SENDER_PRIVATE);
    crypto_scalarmult_base(sender_public, sender_private);

    unhex(recipient_private, 32, RECIPIENT_PRIVATE);
    crypto_scalarmult_base(recipient_public, recipient_private);

    unhex(m, 32, M);
    done = 1;
}


static void
open_hostile(const uint8_t *data, size_t size)
{
    size_t              split;
    uint8_t            *plaintext;
    sealed_bytes_t      header, body;
    sealed_envelope_t   envelope;

    split = size < 48 ? size : 48;
    header = copy(data, split);
    body = copy(data + split, size - split);
    plaintext = malloc(body.size);
    CHECK(plaintext != NULL);

    if (sealed_envelope_open(&envelope, plaintext, header, body,
                             recipient_private, recipient_public)
        == 0)
    {
        check_plaintext(&envelope, plaintext,
                        body.size - SEALED_ENVELOPE_OVERHEAD);
        CHECK(memcmp(envelope.ephemeral, body.data + 1, 32) == 0);
    }

    free(plaintext);
    free_copy(header);
    free_copy(body);
}


static void
open_plaintext(const uint8_t *data, size_t size)
{
    uint8_t             header[48], key[32], e[32], digest[32];
    uint8_t            *body, *plaintext;
    sealed_bytes_t      header_bytes, body_bytes;
    sealed_envelope_t   envelope;

    static const char     key_info[] = "sealed envelope key v1";
    static const char     e_info[] = "sealed envelope ephemeral v1";
    static const uint8_t  nonce[24];

    body = malloc(size + SEALED_ENVELOPE_OVERHEAD);
    plaintext = malloc(size + SEALED_ENVELOPE_OVERHEAD);
    CHECK(body != NULL && plaintext != NULL);

    body[0] = 0x01;
    sealed_hkdf(e, m, 32, e_info, sizeof(e_info) - 1, NULL, 0);
    crypto_scalarmult_base(body + 1, e);
    sealed_hkdf(key, m, 32, key_info, sizeof(key_info) - 1, NULL, 0);
    crypto_aead_xchacha20poly1305_ietf_encrypt(body + 33, NULL, data, size,
                                               body + 1, 32, NULL, nonce,
                                               key);

    body_bytes.data = body;
    body_bytes.size = size + SEALED_ENVELOPE_OVERHEAD;

    crypto_hash_sha256(digest, body, body_bytes.size);
    CHECK(sealed_envelope_header(header, m, digest, sender_private,
                                 sender_public, recipient_public) == 0);

    header_bytes.data = header;
    header_bytes.size = sizeof(header);

    if (sealed_envelope_open(&envelope, plaintext, header_bytes, body_bytes,
                             recipient_private, recipient_public)
        == 0)
    {
        CHECK(memcmp(plaintext, data, size) == 0);
        check_plaintext(&envelope, plaintext, size);
        CHECK(memcmp(envelope.identity.key, sender_public, 32) == 0);
    }

    free(body);
    free(plaintext);
}


/* members lie in the plaintext, and it says nothing but them */

static void
check_plaintext(const sealed_envelope_t *envelope, const uint8_t *plaintext,
    size_t size)
{
    size_t                identity_size;
    uint8_t              *again;
    sealed_cbor_writer_t  w;

    CHECK(inside(envelope->identity.name.data, envelope->identity.name.size,
                 plaintext, size));
    CHECK(inside(envelope->identity.key, 32, plaintext, size));
    CHECK(inside(envelope->identity.signature, 64, plaintext, size));
    CHECK(inside(envelope->message.data, envelope->message.size, plaintext,
                 size));
    CHECK(envelope->kf.data == NULL
          || (envelope->kf.size == 32
              && inside(envelope->kf.data, 32, plaintext, size)));

    again = malloc(size);
    CHECK(again != NULL);

    w.pos = again;
    w.end = again + size;
    w.overflow = 0;

    sealed_cbor_write_array(&w, 3);

    /* the identity certificate is an array in the array, not a string */

    sealed_cbor_write_array(&w, 4);
    sealed_cbor_write_text(&w, envelope->identity.name.data,
                           envelope->identity.name.size);
    sealed_cbor_write_bytes(&w, envelope->identity.key, 32);
    sealed_cbor_write_uint(&w, envelope->identity.not_after);
    sealed_cbor_write_bytes(&w, envelope->identity.signature, 64);

    identity_size = (size_t) (w.pos - again) - 1;

    if (envelope->kf.data) {
        sealed_cbor_write_bytes(&w, envelope->kf.data, 32);

    } else {
        sealed_cbor_write_null(&w);
    }

    sealed_cbor_write_bytes(&w, envelope->message.data,
                            envelope->message.size);
    CHECK(!w.overflow && w.pos < w.end);

    *w.pos++ = 0x80;
    memset(w.pos, 0, (size_t) (w.end - w.pos));

    CHECK(memcmp(again, plaintext, size) == 0);

    CHECK(sealed_envelope_min_size(identity_size,
                                   envelope->kf.data != NULL,
                                   envelope->message.size)
          == SEALED_ENVELOPE_OVERHEAD + (size_t) (w.pos - again));

    free(again);
}


static void
seal_and_open(const uint8_t *data, size_t size)
{
    size_t              at, least, body_size;
    uint8_t             identity[SEALED_IDENTITY_MAX];
    uint8_t             header[48], digest[32];
    uint8_t            *body, *plaintext;
    unsigned            with_kf;
    sealed_bytes_t      name, message, identity_bytes, h, b;
    sealed_envelope_t   envelope;

    if (size < 5) {
        return;
    }

    /* flags, where a bit falls over, the name's size, name, message */

    with_kf = data[0] & 1;
    at = (size_t) data[1] << 8 | data[2];
    name.data = data + 4;
    name.size = data[3] < size - 4 ? data[3] : size - 4;
    message.data = name.data + name.size;
    message.size = size - 4 - name.size;

    identity_bytes.data = identity;
    identity_bytes.size = sealed_identity_sign(identity, name, sender_public,
                                               NOT_AFTER, authority_secret);
    CHECK((identity_bytes.size == 0) == (name.size == 0));

    if (identity_bytes.size == 0) {
        return;
    }

    least = sealed_envelope_min_size(identity_bytes.size, with_kf,
                                     message.size);
    body_size = least + (data[0] >> 1);
    CHECK(body_size <= BODY_MAX);

    body = malloc(body_size);
    plaintext = malloc(body_size);
    CHECK(body != NULL && plaintext != NULL);

    CHECK(sealed_envelope_seal(body, least - 1, m, identity_bytes,
                               with_kf ? m : NULL, message) == -1);
    CHECK(sealed_envelope_seal(body, body_size, m, identity_bytes,
                               with_kf ? m : NULL, message) == 0);

    crypto_hash_sha256(digest, body, body_size);
    CHECK(sealed_envelope_header(header, m, digest, sender_private,
                                 sender_public, recipient_public) == 0);

    h.data = header;
    h.size = sizeof(header);
    b.data = body;
    b.size = body_size;

    CHECK(sealed_envelope_open(&envelope, plaintext, h, b, recipient_private,
                               recipient_public) == 0);

    check_plaintext(&envelope, plaintext,
                    body_size - SEALED_ENVELOPE_OVERHEAD);
    CHECK((envelope.kf.data != NULL) == with_kf);
    CHECK(envelope.message.size == message.size);
    CHECK(memcmp(envelope.message.data, message.data, message.size) == 0);
    CHECK(envelope.identity.name.size == name.size);
    CHECK(sealed_identity_verify(&envelope.identity, authority_public,
                                 NOT_AFTER - 1) == 0);
    CHECK(sealed_identity_verify(&envelope.identity, authority_public,
                                 NOT_AFTER) != 0);

    at %= (sizeof(header) + body_size) * 8;

    if (at / 8 < sizeof(header)) {
        header[at / 8] ^= (uint8_t) (1u << at % 8);

    } else {
        body[at / 8 - sizeof(header)] ^= (uint8_t) (1u << at % 8);
    }

    CHECK(sealed_envelope_open(&envelope, plaintext, h, b, recipient_private,
                               recipient_public) != 0);

    free(body);
    free(plaintext);
}


static void
check_identity(const uint8_t *data, size_t size)
{
    size_t             n;
    uint8_t            again[SEALED_IDENTITY_MAX];
    sealed_bytes_t     encoded;
    sealed_identity_t  identity, other;

    encoded = copy(data, size);

    if (sealed_identity_parse(&identity, encoded) == 0) {
        CHECK(size <= SEALED_IDENTITY_MAX);
        CHECK(identity.name.size >= 1 && identity.name.size <= 255);
        CHECK(inside(identity.name.data, identity.name.size, encoded.data,
                     size));
        CHECK(inside(identity.key, 32, encoded.data, size));
        CHECK(identity.signature + 64 == encoded.data + size);

        n = sealed_identity_sign(again, identity.name, identity.key,
                                 identity.not_after, authority_secret);

        /* all but the signature is the same */
        CHECK(n == size);
        CHECK(memcmp(again, data, size - 64) == 0);

        CHECK(sealed_identity_parse(&other,
                                    (sealed_bytes_t) { again, n }) == 0);

        if (identity.not_after) {
            CHECK(sealed_identity_verify(&other, authority_public,
                                         identity.not_after - 1) == 0);
        }

        CHECK(sealed_identity_verify(&other, authority_public,
                                     identity.not_after) != 0);
        again[identity.not_after % (n - 64)] ^= 0x10;

        if (sealed_identity_parse(&other, (sealed_bytes_t) { again, n })
            == 0)
        {
            CHECK(sealed_identity_verify(&other, authority_public, 0) != 0);
        }
    }

    free_copy(encoded);
}
