
/*
 * A small JSON writer (RFC 8259) into a buffer of the caller's.  Commas are
 * its own business.  Once something did not fit, overflow is set and nothing
 * more is written; the caller checks once at the end.  Nesting is limited to
 * 16 levels.
 */

#ifndef SEALED_JSON_H
#define SEALED_JSON_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef struct {
    char                         *start;
    char                         *pos;
    char                         *end;
    unsigned                      overflow;
    unsigned                      depth;
    uint32_t                      filled;       /* a bit per level */
    unsigned                      after_name;
} sealed_json_t;


void sealed_json_init(sealed_json_t *json, char *out, size_t size);

void sealed_json_object(sealed_json_t *json);
void sealed_json_object_end(sealed_json_t *json);
void sealed_json_array(sealed_json_t *json);
void sealed_json_array_end(sealed_json_t *json);

/* a member's name, to be followed by its value */
void sealed_json_name(sealed_json_t *json, const char *name);

void sealed_json_uint(sealed_json_t *json, uint64_t value);
void sealed_json_bool(sealed_json_t *json, int value);
void sealed_json_null(sealed_json_t *json);
/* UTF-8 text; quotes, backslashes and control characters are escaped */
void sealed_json_string(sealed_json_t *json, const void *text, size_t size);
/* octets as base64url */
void sealed_json_base64url(sealed_json_t *json, const void *data, size_t size);


#pragma GCC visibility pop


#endif /* SEALED_JSON_H */
