
/*
 * What is sent: a file, standard input or words from the command line, with
 * the length and digest of the whole known before its first piece leaves.
 */

#ifndef SEALED_CLI_PAYLOAD_H
#define SEALED_CLI_PAYLOAD_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_PAYLOAD_STDIN_MAX = 64 * 1024 * 1024     /* kept in memory */
};


typedef struct {
    const char                   *file;         /* for messages */
    int                           fd;           /* -1: in memory */
    uint8_t                      *data;
    uint64_t                      total;
    uint8_t                       digest[32];
} sealed_payload_t;


/* file NULL or "-": standard input; exit codes; close in any case */
int sealed_payload_open(sealed_payload_t *payload, const char *file);
int sealed_payload_text(sealed_payload_t *payload, const char *text);
void sealed_payload_close(sealed_payload_t *payload);

/* exactly size octets, or the file has changed under our hands */
int sealed_payload_read(uint8_t *out, const sealed_payload_t *payload,
    uint64_t offset, size_t size);


#pragma GCC visibility pop


#endif /* SEALED_CLI_PAYLOAD_H */
