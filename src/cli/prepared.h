
/*
 * Requests made beforehand: signed, complete, ready to be written to a
 * connection.  A load generator can then send them as fast as it likes.
 *
 * A file of them is
 *
 *   "sealed requests\n" || bodies u32 || requests u32
 *   for each body:     size u32 || octets
 *   for each request:  body u32 || size u32 || octets of line and headers
 *
 * with integers in network order.  A body is shared by many requests; its
 * number is SEALED_PREPARED_NO_BODY where there is none.
 */

#ifndef SEALED_CLI_PREPARED_H
#define SEALED_CLI_PREPARED_H


#include "senders.h"
#include "../content_digest.h"

#include <stdio.h>


#pragma GCC visibility push(hidden)


#define SEALED_PREPARED_MAGIC    "sealed requests\n"
#define SEALED_PREPARED_NO_BODY  UINT32_MAX

enum {
    SEALED_PREPARED_HEAD_MAX = 2048
};


typedef struct {
    const char                   *method;
    const char                   *path;
    const char                   *host;
    const char                   *content_type; /* NULL: no body */
    size_t                        body_size;
    char                          digest[SEALED_CONTENT_DIGEST_SIZE + 1];
    const char                   *mailbox_key;  /* header, or NULL */
} sealed_prepared_t;


/* sets body_size and digest */
void sealed_prepared_body(sealed_prepared_t *request, sealed_bytes_t body);

/*
 * Signs with the sender's next nonce, as of now, and writes request line and
 * headers; returns their size, 0 when they do not fit.
 */
size_t sealed_prepared_head(char out[SEALED_PREPARED_HEAD_MAX],
    const sealed_prepared_t *request, sealed_sender_t *sender, uint64_t now);

/* integers and octets of a file; errors are left to ferror() */
void sealed_prepared_begin(FILE *file, uint32_t bodies, uint32_t requests);
void sealed_prepared_add_body(FILE *file, sealed_bytes_t body);
void sealed_prepared_add_request(FILE *file, uint32_t body, const char *head,
    size_t size);


typedef struct {
    uint8_t                      *memory;       /* the file, mapped */
    size_t                        size;
    sealed_bytes_t               *body;
    uint32_t                      bodies;
    uint32_t                      requests;
    size_t                        first;        /* offset of the first */
} sealed_prepared_file_t;


/* an exit code; all of the file has been looked at */
int sealed_prepared_open(sealed_prepared_file_t *prepared, const char *name);
void sealed_prepared_close(sealed_prepared_file_t *prepared);

/* the request at *offset, which moves on; body.data is NULL without one */
void sealed_prepared_next(const sealed_prepared_file_t *prepared,
    size_t *offset, sealed_bytes_t *head, sealed_bytes_t *body);


#pragma GCC visibility pop


#endif /* SEALED_CLI_PREPARED_H */
