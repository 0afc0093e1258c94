
/*
 * Content-Digest (RFC 9530): exactly one member, sha-256=:...:, canonical.
 */

#ifndef SEALED_CONTENT_DIGEST_H
#define SEALED_CONTENT_DIGEST_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_CONTENT_DIGEST_SIZE  54      /* octets of the header's value */


/* 0 or -1 */
int sealed_content_digest_parse(uint8_t digest[32], sealed_bytes_t value);

/* writes SEALED_CONTENT_DIGEST_SIZE octets, no terminating zero */
void sealed_content_digest_format(char *out, const uint8_t digest[32]);


#pragma GCC visibility pop


#endif /* SEALED_CONTENT_DIGEST_H */
