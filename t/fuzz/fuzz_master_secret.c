
#include "fuzz.h"

#include "../../src/master_secret.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned                line;
    const char             *error;
    sealed_master_secret_t  secret;

    if (size > 4096) {
        return 0;
    }

    error = sealed_master_secret_parse(&secret, (const char *) data, size,
                                       &line);

    if (error == NULL) {
        must(secret.count >= 1 && secret.count <= SEALED_MAX_KEY_LINES);
        must(sealed_master_secret_find(&secret, secret.line[0].tag) != NULL);

    } else {
        must(error[0] != '\0');
    }

    return 0;
}
