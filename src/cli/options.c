
#include "options.h"
#include "output.h"
#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>


sealed_common_t  sealed_common;


static const sealed_option_t  network_options[] = {
    { "gateway", "URL", SEALED_TEXT, &sealed_common.gateway,
      "the gateway, http(s)://host[:port]; else $SEALED_GATEWAY" },
    { "pin", "KEY", SEALED_TEXT, &sealed_common.pin,
      "trust this exchange key (and KEY,ISSUERKEY) from now on" },
    { "cacert", "FILE", SEALED_TEXT, &sealed_common.cacert,
      "certificate authorities for https instead of the system's" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t  common_options[] = {
    { "json", NULL, SEALED_FLAG, &sealed_common.json,
      "machine-readable output, one JSON document a line" },
    { "verbose", NULL, SEALED_FLAG, &sealed_common.verbose,
      "say on stderr what is sent and received (also -v)" },
    { "help", NULL, SEALED_FLAG, &sealed_common.help,
      "this text (also -h)" },
    { NULL, NULL, 0, NULL, NULL }
};


static const sealed_option_t *find(const sealed_command_t *command,
    const char *name, size_t size);
static const sealed_option_t *find_in(const sealed_option_t *options,
    const char *name, size_t size);
static int set(const sealed_option_t *option, const char *value);
static void show(const sealed_option_t *options);


int
sealed_options_parse(const sealed_command_t *command, int argc, char **argv,
    char **files, unsigned *count)
{
    int                     i, rc;
    char                   *arg, *value;
    size_t                  size;
    unsigned                only_files;
    const sealed_option_t  *option;

    *count = 0;
    only_files = 0;

    for (i = 0; i < argc; i++) {
        arg = argv[i];

        if (only_files || arg[0] != '-' || arg[1] == '\0') {
            files[(*count)++] = arg;
            continue;
        }

        if (strcmp(arg, "--") == 0) {
            only_files = 1;
            continue;
        }

        if (strcmp(arg, "-v") == 0) {
            arg = "--verbose";

        } else if (strcmp(arg, "-h") == 0) {
            arg = "--help";
        }

        size = strcspn(arg, "=");
        value = arg[size] ? arg + size + 1 : NULL;

        option = size > 2 && arg[1] == '-'
                 ? find(command, arg + 2, size - 2) : NULL;

        if (option == NULL) {
            return sealed_fail(SEALED_EXIT_USAGE, "%s: no option \"%.*s\"; "
                               "see sealed %s --help", command->name,
                               (int) size, arg, command->name);
        }

        if (option->type == SEALED_FLAG) {

            if (value) {
                return sealed_fail(SEALED_EXIT_USAGE,
                                   "--%s takes no value", option->name);
            }

        } else if (value == NULL) {

            if (++i == argc) {
                return sealed_fail(SEALED_EXIT_USAGE, "--%s needs a value: "
                                   "--%s %s", option->name, option->name,
                                   option->argument);
            }

            value = argv[i];
        }

        rc = set(option, value);
        if (rc) {
            return rc;
        }
    }

    if (sealed_common.help) {
        return SEALED_EXIT_OK;
    }

    if (*count < command->min || *count > command->max) {
        return sealed_fail(SEALED_EXIT_USAGE, "usage: sealed %s [options] %s"
                           " (see sealed %s --help)", command->name,
                           command->arguments, command->name);
    }

    return SEALED_EXIT_OK;
}


void
sealed_options_help(const sealed_command_t *command)
{
    printf("sealed %s [options]%s%s\n\n%s\n\n", command->name,
           command->arguments[0] ? " " : "", command->arguments,
           command->text);

    if (command->options->name) {
        printf("Options:\n");
        show(command->options);
        printf("\n");
    }

    if (command->network) {
        printf("Gateway:\n");
        show(network_options);
        printf("\n");
    }

    printf("Everywhere:\n");
    show(common_options);
}


int
sealed_duration_parse(uint64_t *seconds, const char *text)
{
    size_t          size;
    uint64_t        value, unit;
    sealed_bytes_t  digits;

    size = strspn(text, "0123456789");

    switch (text[size]) {
    case '\0':
    case 's':
        unit = 1;
        break;
    case 'm':
        unit = 60;
        break;
    case 'h':
        unit = 3600;
        break;
    case 'd':
        unit = 86400;
        break;
    case 'w':
        unit = 7 * 86400;
        break;
    default:
        return -1;
    }

    if (text[size] && text[size + 1]) {
        return -1;
    }

    digits.data = (const uint8_t *) text;
    digits.size = size;

    if (sealed_decimal_decode(&value, digits) != 0
        || value > UINT32_MAX)
    {
        return -1;
    }

    *seconds = value * unit;

    return 0;
}


static const sealed_option_t *
find(const sealed_command_t *command, const char *name, size_t size)
{
    const sealed_option_t  *option;

    option = find_in(command->options, name, size);

    if (option == NULL && command->network) {
        option = find_in(network_options, name, size);
    }

    return option ? option : find_in(common_options, name, size);
}


static const sealed_option_t *
find_in(const sealed_option_t *options, const char *name, size_t size)
{
    for ( /* void */ ; options->name; options++) {
        if (strlen(options->name) == size
            && memcmp(options->name, name, size) == 0)
        {
            return options;
        }
    }

    return NULL;
}


static int
set(const sealed_option_t *option, const char *value)
{
    const char     **items;
    sealed_list_t   *list;
    sealed_bytes_t   digits;

    switch (option->type) {

    case SEALED_FLAG:
        *(unsigned *) option->value = 1;
        return SEALED_EXIT_OK;

    case SEALED_TEXT:
        *(const char **) option->value = value;
        return SEALED_EXIT_OK;

    case SEALED_LIST:
        list = option->value;

        items = realloc(list->item, (list->count + 1) * sizeof(char *));
        if (items == NULL) {
            return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
        }

        items[list->count] = value;
        list->item = items;
        list->count++;
        return SEALED_EXIT_OK;

    case SEALED_NUMBER:
        digits.data = (const uint8_t *) value;
        digits.size = strlen(value);

        if (sealed_decimal_decode(option->value, digits) == 0) {
            return SEALED_EXIT_OK;
        }

        return sealed_fail(SEALED_EXIT_USAGE, "--%s: \"%s\" is not a number",
                           option->name, value);

    case SEALED_DURATION:

        if (sealed_duration_parse(option->value, value) == 0) {
            return SEALED_EXIT_OK;
        }

        return sealed_fail(SEALED_EXIT_USAGE, "--%s: \"%s\" is not a "
                           "duration; write 90s, 15m, 12h, 7d or 2w",
                           option->name, value);
    }

    return SEALED_EXIT_USAGE;
}


static void
show(const sealed_option_t *options)
{
    int  width;

    for ( /* void */ ; options->name; options++) {
        width = printf("  --%s%s%s", options->name,
                       options->argument ? " " : "",
                       options->argument ? options->argument : "");

        printf("%*s%s%s\n", width < 30 ? 30 - width : 2, "", options->help,
               options->type == SEALED_LIST ? " (may be repeated)" : "");
    }
}
