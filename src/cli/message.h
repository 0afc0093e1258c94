
/*
 * What `sealed` puts into an envelope as its message: a piece of a text or
 * of a file, CBOR
 *
 *   [1, id, name, offset, total, digest, content]
 *
 * id       16 random octets, the same in all pieces
 * name     file name, text of 1 to 255 octets; null: a text
 * offset   of the content in the whole
 * total    octets of the whole
 * digest   SHA-256 of the whole
 * content  not empty, unless the whole is
 *
 * Pieces are sent in order; a mailbox keeps that order.
 */

#ifndef SEALED_CLI_MESSAGE_H
#define SEALED_CLI_MESSAGE_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_MESSAGE_VERSION   = 1,
    SEALED_MESSAGE_ID_SIZE   = 16,
    SEALED_MESSAGE_NAME_MAX  = 255
};


typedef struct {
    const uint8_t                *id;           /* 16 octets */
    sealed_bytes_t                name;         /* data NULL: a text */
    uint64_t                      offset;
    uint64_t                      total;
    const uint8_t                *digest;       /* 32 octets */
    sealed_bytes_t                content;
} sealed_message_t;


/* octets around content of this size */
size_t sealed_message_overhead(size_t name_size, uint64_t total,
    size_t content_size);

/* returns the size, 0 when it does not fit */
size_t sealed_message_encode(uint8_t *out, size_t room,
    const sealed_message_t *message);

/* members point into the input; 0 or -1 */
int sealed_message_parse(sealed_message_t *message, sealed_bytes_t encoded);

/*
 * The name under which a received file may be stored: what follows the last
 * slash, characters that file systems or terminals take amiss replaced, no
 * dot or dash in front, never empty.  Zero-terminated.
 */
void sealed_message_file_name(char out[SEALED_MESSAGE_NAME_MAX + 1],
    sealed_bytes_t name);


#pragma GCC visibility pop


#endif /* SEALED_CLI_MESSAGE_H */
