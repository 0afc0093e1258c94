
#include "commands.h"
#include "output.h"
#include "senders.h"

#include <string.h>


static int run(unsigned number, char **files);


static const char  *authority;
static uint64_t     class = SEALED_UNSET, count = SEALED_UNSET;


static const sealed_option_t  options[] = {
    { "authority", "FILE", SEALED_TEXT, &authority,
      "the authority's secret key" },
    { "class", "N", SEALED_NUMBER, &class,
      "a class that may send" },
    { "count", "N", SEALED_NUMBER, &count,
      "how many" },
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_bench_certificates = {
    "bench certificates",
    "FILE",
    "make sender certificates in bulk",
    "Makes keys and certificates for a gateway under test, all in one FILE "
    "that\n\"bench requests\" takes.\n\n"
    "Example:\n"
    "  sealed bench certificates --authority issuer --class 2 --count 1000 "
    "senders",
    options, 1, 1, 1, run
};


static int
run(unsigned number, char **files)
{
    int                rc;
    sealed_gateway_t   gateway;
    sealed_senders_t   senders;

    if (authority == NULL || class > UINT8_MAX || count == 0
        || count > SEALED_SENDERS_MAX)
    {
        return sealed_fail(SEALED_EXIT_USAGE, "--authority FILE, --class N "
                           "(0 to 255) and --count N (1 to %d) are needed",
                           SEALED_SENDERS_MAX);
    }

    memset(&senders, 0, sizeof(senders));

    rc = sealed_gateway_connect(&gateway, NULL);

    if (rc == 0) {
        rc = sealed_senders_make(&senders, (uint32_t) count,
                                 (unsigned) class, authority,
                                 gateway.exchange_key);
    }

    if (rc == 0) {
        rc = sealed_senders_write(&senders, files[0]);
    }

    sealed_senders_free(&senders);
    sealed_gateway_close(&gateway);

    if (rc == 0) {

        if (sealed_common.json) {
            sealed_emit(json_pack("{s:I}", "certificates",
                                  (json_int_t) count));
        } else {
            printf("%llu certificates in %s\n", (unsigned long long) count,
                   files[0]);
        }
    }

    return rc;
}
