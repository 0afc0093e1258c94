
/*
 * An envelope as readers get it: the CBOR array
 * [seq, hour, header, body, stamp], hour = unix time / 3600 rounded down,
 * stamp = null or 97 octets.  Plain readers get a CBOR sequence (RFC 8742)
 * of items.
 */

#ifndef SEALED_ITEM_H
#define SEALED_ITEM_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_STAMP_SIZE  97

/* the longest start of an item: array, seq, hour, header, body's head */
#define SEALED_ITEM_START_MAX  (1 + 9 + 9 + 3 + SEALED_MAX_HEADER + 9)


typedef struct {
    uint64_t                      seq;
    uint64_t                      hour;
    sealed_bytes_t                header;
    sealed_bytes_t                body;
    sealed_bytes_t                stamp;        /* data NULL: null */
} sealed_item_t;


/* octets of the longest item whose body has this size */
size_t sealed_item_largest(size_t body_size);

/* octets of the item with these sizes; stamp_size 0 means null */
size_t sealed_item_size(uint64_t seq, uint64_t hour, size_t header_size,
    size_t body_size, size_t stamp_size);

/*
 * Everything in front of the header's octets, then everything between them
 * and the body's octets, then what follows the body.  Each returns the end
 * of what it wrote; out has room for SEALED_ITEM_START_MAX.
 */
uint8_t *sealed_item_start(uint8_t *out, uint64_t seq, uint64_t hour,
    size_t header_size);
uint8_t *sealed_item_body_head(uint8_t *out, size_t body_size);
uint8_t *sealed_item_end(uint8_t *out, sealed_bytes_t stamp);

/* for clients: the item at *pos, which is moved behind it; 0 or -1 */
int sealed_item_parse(sealed_item_t *item, const uint8_t **pos,
    const uint8_t *end);


#pragma GCC visibility pop


#endif /* SEALED_ITEM_H */
