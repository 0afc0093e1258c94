
/*
 * The part of CBOR (RFC 8949) that the protocol uses: unsigned integers,
 * byte and text strings, arrays of known length and null.
 *
 * The reader takes definite lengths in shortest form only and never reads
 * beyond its end; each function returns 0 and moves on, or returns -1 and
 * leaves the reader where it was.  Strings are not copied: they point into
 * the input.  The writer is told its room; once something did not fit it
 * stays failed (overflow is set) and writes nothing more.
 */

#ifndef SEALED_CBOR_H
#define SEALED_CBOR_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_CBOR_HEAD_MAX  9


typedef struct {
    const uint8_t                *pos;
    const uint8_t                *end;
} sealed_cbor_reader_t;


typedef struct {
    uint8_t                      *pos;
    uint8_t                      *end;
    unsigned                      overflow;
} sealed_cbor_writer_t;


int sealed_cbor_read_uint(sealed_cbor_reader_t *r, uint64_t *value);
int sealed_cbor_read_bytes(sealed_cbor_reader_t *r, sealed_bytes_t *bytes);
int sealed_cbor_read_text(sealed_cbor_reader_t *r, sealed_bytes_t *text);
int sealed_cbor_read_array(sealed_cbor_reader_t *r, uint64_t *count);
int sealed_cbor_read_null(sealed_cbor_reader_t *r);

void sealed_cbor_write_uint(sealed_cbor_writer_t *w, uint64_t value);
void sealed_cbor_write_bytes(sealed_cbor_writer_t *w, const void *data,
    size_t size);
void sealed_cbor_write_text(sealed_cbor_writer_t *w, const void *data,
    size_t size);
void sealed_cbor_write_array(sealed_cbor_writer_t *w, uint64_t count);
void sealed_cbor_write_null(sealed_cbor_writer_t *w);

/* only the head of a byte string, whose octets follow by another way */
void sealed_cbor_write_bytes_head(sealed_cbor_writer_t *w, uint64_t size);

/* octets of the head of an integer, a length or a count */
size_t sealed_cbor_head_size(uint64_t value);


#pragma GCC visibility pop


#endif /* SEALED_CBOR_H */
