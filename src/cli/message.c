
#include "message.h"
#include "../cbor.h"

#include <string.h>


enum {
    MEMBERS     = 7,
    DIGEST_SIZE = 32,

    /* room for " (2)" and for the suffix of an unfinished file */
    STORED_NAME_MAX = 200
};


size_t
sealed_message_overhead(size_t name_size, uint64_t total,
    size_t content_size)
{
    return 1 + 1
           + 1 + SEALED_MESSAGE_ID_SIZE
           + (name_size ? sealed_cbor_head_size(name_size) + name_size : 1)
           + 2 * sealed_cbor_head_size(total)
           + 2 + DIGEST_SIZE
           + sealed_cbor_head_size(content_size);
}


size_t
sealed_message_encode(uint8_t *out, size_t room,
    const sealed_message_t *message)
{
    sealed_cbor_writer_t  w;

    w.pos = out;
    w.end = out + room;
    w.overflow = 0;

    sealed_cbor_write_array(&w, MEMBERS);
    sealed_cbor_write_uint(&w, SEALED_MESSAGE_VERSION);
    sealed_cbor_write_bytes(&w, message->id, SEALED_MESSAGE_ID_SIZE);

    if (message->name.data) {
        sealed_cbor_write_text(&w, message->name.data, message->name.size);

    } else {
        sealed_cbor_write_null(&w);
    }

    sealed_cbor_write_uint(&w, message->offset);
    sealed_cbor_write_uint(&w, message->total);
    sealed_cbor_write_bytes(&w, message->digest, DIGEST_SIZE);
    sealed_cbor_write_bytes(&w, message->content.data,
                            message->content.size);

    return w.overflow ? 0 : (size_t) (w.pos - out);
}


int
sealed_message_parse(sealed_message_t *message, sealed_bytes_t encoded)
{
    uint64_t              count, version;
    sealed_bytes_t        id, digest;
    sealed_cbor_reader_t  r;

    r.pos = encoded.data;
    r.end = encoded.data + encoded.size;

    if (sealed_cbor_read_array(&r, &count) != 0
        || count != MEMBERS
        || sealed_cbor_read_uint(&r, &version) != 0
        || version != SEALED_MESSAGE_VERSION
        || sealed_cbor_read_bytes(&r, &id) != 0
        || id.size != SEALED_MESSAGE_ID_SIZE)
    {
        return -1;
    }

    if (sealed_cbor_read_null(&r) == 0) {
        message->name.data = NULL;
        message->name.size = 0;

    } else if (sealed_cbor_read_text(&r, &message->name) != 0
               || message->name.size == 0
               || message->name.size > SEALED_MESSAGE_NAME_MAX)
    {
        return -1;
    }

    if (sealed_cbor_read_uint(&r, &message->offset) != 0
        || sealed_cbor_read_uint(&r, &message->total) != 0
        || sealed_cbor_read_bytes(&r, &digest) != 0
        || digest.size != DIGEST_SIZE
        || sealed_cbor_read_bytes(&r, &message->content) != 0
        || r.pos != r.end)
    {
        return -1;
    }

    if (message->offset > message->total
        || message->content.size > message->total - message->offset
        || (message->content.size == 0 && message->total != 0))
    {
        return -1;
    }

    message->id = id.data;
    message->digest = digest.data;

    return 0;
}


void
sealed_message_file_name(char out[SEALED_MESSAGE_NAME_MAX + 1],
    sealed_bytes_t name)
{
    char      c;
    size_t    i, n;

    static const char  unwelcome[] = "\\:*?\"<>|";

    for (i = name.size; i; i--) {
        if (name.data[i - 1] == '/') {
            break;
        }
    }

    for (n = 0; i < name.size && n < STORED_NAME_MAX; i++) {
        c = (char) name.data[i];

        /* the shell's and the terminal's: controls, "-x", ".x" */

        if ((unsigned char) c < 0x20 || c == 0x7f
            || strchr(unwelcome, c) != NULL
            || (n == 0 && (c == '.' || c == '-' || c == '~')))
        {
            c = '_';
        }

        out[n++] = c;
    }

    /* not in the middle of a character of UTF-8 */

    if (i < name.size) {
        while (n && (name.data[i] & 0xc0) == 0x80) {
            i--;
            n--;
        }
    }

    if (n == 0) {
        memcpy(out, "file", 4);
        n = 4;
    }

    out[n] = '\0';
}
