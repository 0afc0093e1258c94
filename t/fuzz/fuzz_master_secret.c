
/* The key file: what is taken can be written again, else nothing is left. */

#include "fuzz.h"
#include "master_secret.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char                     text[SEALED_MAX_KEY_LINES * 128], *p;
    uint8_t                  franking[2][32];
    size_t                   i, lines;
    unsigned                 line_number, j;
    const char              *error;
    sealed_key_line_t       *line;
    sealed_master_secret_t   secret, again;

    memset(&secret, 0xa5, sizeof(secret));
    line_number = UINT32_MAX;

    error = sealed_master_secret_parse(&secret, (const char *) data, size,
                                       &line_number);

    lines = 1;

    for (i = 0; i < size; i++) {
        lines += data[i] == '\n';
    }

    CHECK(line_number <= lines);

    if (error) {
        CHECK(error[0] != '\0');
        CHECK(sodium_is_zero((const uint8_t *) &secret, sizeof(secret)));
        return 0;
    }

    CHECK(line_number == 0);
    CHECK(secret.count >= 1 && secret.count <= SEALED_MAX_KEY_LINES);

    p = text;

    for (i = 0; i < secret.count; i++) {
        line = &secret.line[i];

        CHECK(memchr(line->id, '\0', sizeof(line->id)) != NULL);
        CHECK(line->id[0] != '\0');
        CHECK(memmem(data, size, line->id, strlen(line->id)) != NULL);
        CHECK(!sodium_is_zero(line->master, 32));
        CHECK(sealed_master_secret_find(&secret, line->tag) == line);

        for (j = 0; j < i; j++) {
            CHECK(strcmp(line->id, secret.line[j].id) != 0);
            CHECK(memcmp(line->master, secret.line[j].master, 32) != 0);
        }

        p = stpcpy(p, line->id);
        *p++ = ' ';
        sodium_bin2hex(p, 65, line->master, 32);
        p += 64;
        *p++ = '\n';
    }

    CHECK(sealed_master_secret_parse(&again, text, (size_t) (p - text),
                                     &line_number) == NULL);
    CHECK(again.count == secret.count);

    for (i = 0; i < secret.count; i++) {
        line = &secret.line[i];

        CHECK(strcmp(again.line[i].id, line->id) == 0);
        CHECK(memcmp(again.line[i].master, line->master, 32) == 0);
        CHECK(memcmp(again.line[i].zone_key, line->zone_key, 32) == 0);
        CHECK(memcmp(again.line[i].issuer_public, line->issuer_public, 32)
              == 0);
        CHECK(memcmp(again.line[i].exchange_public, line->exchange_public,
                     32) == 0);
        CHECK(again.line[i].tag == line->tag);

        sealed_key_line_franking_key(franking[0], &again.line[i], 1);
        sealed_key_line_franking_key(franking[1], line, 1);
        CHECK(memcmp(franking[0], franking[1], 32) == 0);
        sealed_key_line_franking_key(franking[1], line, 2);
        CHECK(memcmp(franking[0], franking[1], 32) != 0);
    }

    /* 0 is no key's */

    CHECK(sealed_master_secret_find(&secret, 0) == NULL);

    sealed_master_secret_wipe(&secret);
    CHECK(sodium_is_zero((const uint8_t *) &secret, sizeof(secret)));

    return 0;
}
