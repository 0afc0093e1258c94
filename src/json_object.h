
/*
 * A strict reader for the small JSON documents (RFC 8259) that requests
 * carry: one object whose members are all known beforehand, each once and
 * none left out, strings without escapes or unsigned integers.  What the
 * protocol puts into strings, base64url, never needs an escape.
 */

#ifndef SEALED_JSON_OBJECT_H
#define SEALED_JSON_OBJECT_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_JSON_STRING = 0,
    SEALED_JSON_NUMBER
} sealed_json_type_t;


typedef struct {
    const char                   *name;
    sealed_json_type_t            type;
    sealed_bytes_t                text;         /* points into the input */
    uint64_t                      number;
    unsigned                      found;
} sealed_json_member_t;


/* sets text or number of each of the count members; 0 or -1 */
int sealed_json_object_read(sealed_json_member_t *members, unsigned count,
    sealed_bytes_t document);


#pragma GCC visibility pop


#endif /* SEALED_JSON_OBJECT_H */
