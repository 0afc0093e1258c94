
#include "master_secret.h"
#include "hash.h"
#include "octets.h"
#include "poprf.h"

#include <string.h>
#include <sodium.h>


static const char  context[] = "sealedv1";


enum {
    SUBKEY_EXCHANGE = 1,
    SUBKEY_ISSUER   = 2,
    SUBKEY_TICKETS  = 3,
    SUBKEY_ZONE     = 4,
    SUBKEY_JOURNAL  = 5
};


#define SUBKEY_FRANKING  (UINT64_C(1) << 32)    /* and the epoch */


static const char *parse_file(sealed_master_secret_t *secret,
    const char *text, size_t size, unsigned *line_number);
static const char *parse_line(sealed_key_line_t *line, const char *text,
    size_t size);
static int is_id_character(char ch);


const char *
sealed_master_secret_parse(sealed_master_secret_t *secret, const char *text,
    size_t size, unsigned *line_number)
{
    const char  *error;

    error = parse_file(secret, text, size, line_number);

    if (error) {
        sealed_master_secret_wipe(secret);
    }

    return error;
}


int
sealed_key_line_derive(sealed_key_line_t *line)
{
    int              rc;
    uint8_t          digest[32], seed[32];
    sealed_sha256_t  ctx;

    static const char  info[] = "sealed-sender issuer key v1";
    static const char  label[] = "sealed-sender key line v1";

    (void) crypto_kdf_derive_from_key(line->exchange_private, 32,
                                SUBKEY_EXCHANGE, context, line->master);
    (void) crypto_kdf_derive_from_key(seed, 32, SUBKEY_ISSUER, context,
                                      line->master);
    (void) crypto_kdf_derive_from_key(line->ticket_key, 32, SUBKEY_TICKETS,
                                      context, line->master);
    (void) crypto_kdf_derive_from_key(line->zone_key, 32, SUBKEY_ZONE,
                                      context, line->master);
    (void) crypto_kdf_derive_from_key(line->journal_key, 32, SUBKEY_JOURNAL,
                                      context, line->master);

    rc = crypto_scalarmult_base(line->exchange_public,
                                line->exchange_private);

    if (sealed_poprf_derive_key_pair(line->issuer_private,
                                     line->issuer_public, seed, info,
                                     sizeof(info) - 1, SEALED_MODE_POPRF)
        != 0)
    {
        rc = -1;
    }

    sealed_sha256_init(&ctx);
    sealed_sha256_update(&ctx, label, sizeof(label) - 1);
    sealed_sha256_update(&ctx, line->zone_key, 32);
    sealed_sha256_final(&ctx, digest);

    line->tag = sealed_get32(digest);

    /* 0 is the tag of a mailbox that has ended */

    if (line->tag == 0) {
        line->tag = 1;
    }

    sodium_memzero(seed, sizeof(seed));

    return rc;
}


void
sealed_key_line_franking_key(uint8_t out[32], const sealed_key_line_t *line,
    uint32_t epoch)
{
    (void) crypto_kdf_derive_from_key(out, 32, SUBKEY_FRANKING + epoch,
                                      context, line->master);
}


const sealed_key_line_t *
sealed_master_secret_find(const sealed_master_secret_t *secret, uint32_t tag)
{
    unsigned  i;

    for (i = 0; i < secret->count; i++) {
        if (secret->line[i].tag == tag) {
            return &secret->line[i];
        }
    }

    return NULL;
}


void
sealed_master_secret_wipe(sealed_master_secret_t *secret)
{
    sodium_memzero(secret, sizeof(sealed_master_secret_t));
}


static const char *
parse_file(sealed_master_secret_t *secret, const char *text, size_t size,
    unsigned *line_number)
{
    size_t              length;
    unsigned            i;
    const char         *end, *last, *error;
    sealed_key_line_t  *line;

    memset(secret, 0, sizeof(sealed_master_secret_t));
    *line_number = 0;
    last = size ? text + size : text;

    while (text < last) {
        end = memchr(text, '\n', (size_t) (last - text));
        length = (size_t) ((end ? end : last) - text);
        (*line_number)++;

        if (length && text[length - 1] == '\r') {
            length--;
        }

        if (length && text[0] != '#') {

            if (secret->count == SEALED_MAX_KEY_LINES) {
                return "more than 3 keys";
            }

            line = &secret->line[secret->count];

            error = parse_line(line, text, length);
            if (error) {
                return error;
            }

            for (i = 0; i < secret->count; i++) {

                if (strcmp(secret->line[i].id, line->id) == 0) {
                    return "the key-id is used twice";
                }

                if (sodium_memcmp(secret->line[i].master, line->master, 32)
                    == 0)
                {
                    return "the same secret twice";
                }
            }

            secret->count++;
        }

        text = end ? end + 1 : last;
    }

    *line_number = 0;

    return secret->count ? NULL : "no key in it";
}


static const char *
parse_line(sealed_key_line_t *line, const char *text, size_t size)
{
    size_t  n, length;

    n = 0;

    while (n < size && is_id_character(text[n])) {
        n++;
    }

    if (n == 0 || n > SEALED_KEY_ID_MAX || n == size || text[n] != ' ') {
        return "not \"key-id 64-hex-digits\"";
    }

    if (size - n - 1 != 64
        || sodium_hex2bin(line->master, 32, text + n + 1, 64, NULL, &length,
                          NULL)
           != 0
        || length != 32)
    {
        return "the secret is not 64 hexadecimal digits";
    }

    if (sodium_is_zero(line->master, 32)) {
        return "the secret is all zeros";
    }

    memcpy(line->id, text, n);
    line->id[n] = '\0';

    return sealed_key_line_derive(line) == 0 ? NULL : "unusable secret";
}


static int
is_id_character(char ch)
{
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
           || (ch >= '0' && ch <= '9') || ch == '.' || ch == '_'
           || ch == '-';
}
