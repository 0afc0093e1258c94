
#include "commands.h"
#include "output.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>


static const sealed_command_t *find(int argc, char **argv, int *words);
static int unknown(int argc, char **argv);
static void help(void);
static void help_list(const char *group);


static const sealed_command_t  *const commands[] = {
    &sealed_command_keygen_authority,
    &sealed_command_keygen_certificate,
    &sealed_command_keygen_deployment,
    &sealed_command_keygen_identity,
    &sealed_command_keygen_mailbox,
    &sealed_command_authority_sign,
    &sealed_command_authority_certify,
    &sealed_command_certificates,
    &sealed_command_open,
    &sealed_command_send,
    &sealed_command_read,
    &sealed_command_ack,
    &sealed_command_status,
    &sealed_command_close,
    &sealed_command_request,
    &sealed_command_report,
    &sealed_command_revoke,
    &sealed_command_journal_check,
    &sealed_command_zone_check,
    &sealed_command_zone_dump_stats,
    &sealed_command_bench_certificates,
    &sealed_command_bench_mailboxes,
    &sealed_command_bench_requests,
    &sealed_command_bench_replay
};


enum {
    COMMANDS = sizeof(commands) / sizeof(commands[0])
};


int
main(int argc, char **argv)
{
    int                      rc, words;
    char                   **files;
    unsigned                 count;
    const sealed_command_t  *command;

    if (sodium_init() < 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "libsodium cannot start");
    }

    command = find(argc - 1, argv + 1, &words);

    if (command == NULL) {
        return unknown(argc - 1, argv + 1);
    }

    files = calloc((size_t) argc, sizeof(char *));
    if (files == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    rc = sealed_options_parse(command, argc - 1 - words, argv + 1 + words,
                              files, &count);

    if (rc == 0) {

        if (sealed_common.help) {
            sealed_options_help(command);

        } else {
            rc = command->run(count, files);
        }
    }

    if (fflush(stdout) != 0 && rc == 0) {
        rc = sealed_fail(SEALED_EXIT_LOCAL, "the result could not be "
                         "written");
    }

    free(files);

    return rc;
}


/* one word or two */

static const sealed_command_t *
find(int argc, char **argv, int *words)
{
    size_t       i, first;
    const char  *name;

    for (i = 0; argc && i < COMMANDS; i++) {
        name = commands[i]->name;
        first = strcspn(name, " ");

        if (strncmp(argv[0], name, first) != 0 || argv[0][first] != '\0') {
            continue;
        }

        if (name[first] == '\0') {
            *words = 1;
            return commands[i];
        }

        if (argc > 1 && strcmp(argv[1], name + first + 1) == 0) {
            *words = 2;
            return commands[i];
        }
    }

    return NULL;
}


static int
unknown(int argc, char **argv)
{
    size_t  i, size;

    if (argc == 0) {
        help();
        return SEALED_EXIT_USAGE;
    }

    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0
        || strcmp(argv[0], "help") == 0)
    {
        help();
        return SEALED_EXIT_OK;
    }

    if (strcmp(argv[0], "--version") == 0) {
        printf("sealed " SEALED_VERSION ", protocol %d, libsodium %s, "
               "libcurl %s\n", SEALED_PROTOCOL_VERSION,
               sodium_version_string(), curl_version_info(CURLVERSION_NOW)
                                        ->version);
        return SEALED_EXIT_OK;
    }

    size = strlen(argv[0]);

    for (i = 0; i < COMMANDS; i++) {
        if (strncmp(commands[i]->name, argv[0], size) == 0
            && commands[i]->name[size] == ' ')
        {
            printf("Usage:\n");
            help_list(argv[0]);
            printf("\nEach explains itself: sealed %s --help\n",
                   commands[i]->name);

            return argc > 1 && (strcmp(argv[1], "--help") == 0
                                || strcmp(argv[1], "-h") == 0)
                   ? SEALED_EXIT_OK : SEALED_EXIT_USAGE;
        }
    }

    return sealed_fail(SEALED_EXIT_USAGE, "there is no command \"%s\"; see "
                       "sealed --help", argv[0]);
}


static void
help(void)
{
    printf("sealed - write and read through a sealed-sender gateway\n\n"
           "Keys\n");
    help_list("keygen");
    printf("\nAuthorities\n");
    help_list("authority");
    printf("\nMail\n");
    help_list(NULL);
    printf("\nOperators\n");
    help_list("journal");
    help_list("zone");
    printf("\nMeasuring\n");
    help_list("bench");

    printf("\nEach explains itself: sealed send --help. Also: sealed "
           "--version.\n\n"
           "Exit status\n"
           "  0  done\n"
           "  1  the command was not understood\n"
           "  2  something on this machine: a file, a key, the clock\n"
           "  3  the gateway could not be reached or understood\n"
           "  4  the gateway refused; its reason is printed\n"
           "  5  the gateway's keys are not those it was known by\n"
           "  6  some recipients were refused, the others have it\n"
           "  7  nothing that came could be verified\n\n"
           "Environment\n"
           "  SEALED_GATEWAY  URL of the gateway, instead of --gateway\n"
           "  SEALED_HOME     pins, certificates, nonces, what was read "
           "(~/.config/sealed)\n");
}


static void
help_list(const char *group)
{
    int          width;
    size_t       i, size;
    const char  *name;

    for (i = 0; i < COMMANDS; i++) {
        name = commands[i]->name;
        size = strcspn(name, " ");

        if (group ? name[size] == '\0' || strncmp(name, group, size) != 0
                  : name[size] != '\0')
        {
            continue;
        }

        width = printf("  sealed %s %s", name, commands[i]->arguments);
        printf("%*s%s\n", width < 42 ? 42 - width : 2, "",
               commands[i]->summary);
    }
}
