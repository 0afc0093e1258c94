
/*
 * Commands and their options.  A command is a table: from it come the
 * parser, the usage line and the help text, so that they cannot disagree.
 *
 * "--name value" and "--name=value" are the same; options and files may be
 * mixed; after "--" everything is a file, and "-" is one too.
 */

#ifndef SEALED_CLI_OPTIONS_H
#define SEALED_CLI_OPTIONS_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


/* the command's exit status; every function that can fail returns one */

enum {
    SEALED_EXIT_OK        = 0,
    SEALED_EXIT_USAGE     = 1,
    SEALED_EXIT_LOCAL     = 2,      /* a file or key on this machine */
    SEALED_EXIT_NETWORK   = 3,
    SEALED_EXIT_REFUSED   = 4,      /* the gateway said no */
    SEALED_EXIT_PIN       = 5,      /* the gateway's keys changed */
    SEALED_EXIT_PARTLY    = 6,      /* some recipients were refused */
    SEALED_EXIT_UNPROVEN  = 7       /* no message could be verified */
};


#define SEALED_UNSET  UINT64_MAX


typedef enum {
    SEALED_FLAG = 0,                /* unsigned */
    SEALED_TEXT,                    /* const char * */
    SEALED_LIST,                    /* sealed_list_t, may be repeated */
    SEALED_NUMBER,                  /* uint64_t */
    SEALED_DURATION                 /* uint64_t, seconds: 90, 15m, 1d, ... */
} sealed_option_type_t;


typedef struct {
    const char                  **item;
    unsigned                      count;
} sealed_list_t;


typedef struct {
    const char                   *name;
    const char                   *argument;     /* as help shows it */
    sealed_option_type_t          type;
    void                         *value;        /* set to its default */
    const char                   *help;
} sealed_option_t;


typedef struct {
    const char                   *name;         /* "keygen mailbox" */
    const char                   *arguments;    /* "FILE" */
    const char                   *summary;
    const char                   *text;         /* and examples */
    const sealed_option_t        *options;      /* ends with a NULL name */
    unsigned                      min;          /* files */
    unsigned                      max;
    unsigned                      network;      /* has --gateway and so on */
    int                         (*run)(unsigned count, char **files);
} sealed_command_t;


/* the options that all commands have */

typedef struct {
    const char                   *gateway;
    const char                   *pin;
    const char                   *cacert;
    unsigned                      json;
    unsigned                      verbose;
    unsigned                      help;
} sealed_common_t;


extern sealed_common_t  sealed_common;


/*
 * Sorts argv (without the command's name) into options and files; files
 * point into argv.
 */
int sealed_options_parse(const sealed_command_t *command, int argc,
    char **argv, char **files, unsigned *count);

void sealed_options_help(const sealed_command_t *command);

/* 90, 90s, 15m, 12h, 7d, 2w; 0 or -1 */
int sealed_duration_parse(uint64_t *seconds, const char *text);


#pragma GCC visibility pop


#endif /* SEALED_CLI_OPTIONS_H */
