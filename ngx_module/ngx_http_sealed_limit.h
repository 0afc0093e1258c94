
/*
 * Values of directives: numbers with bounds, of which a directive has one or
 * several by name, and words.
 */

#ifndef _NGX_HTTP_SEALED_LIMIT_H_INCLUDED_
#define _NGX_HTTP_SEALED_LIMIT_H_INCLUDED_


#include "ngx_http_sealed.h"


#pragma GCC visibility push(hidden)


typedef enum {
    NGX_HTTP_SEALED_NUMBER = 0,
    NGX_HTTP_SEALED_SECONDS,
    NGX_HTTP_SEALED_MILLISECONDS,
    NGX_HTTP_SEALED_OCTETS
} ngx_http_sealed_unit_e;


/* of a field of 4 or 8 octets, unsigned or a time */

typedef struct {
    const char                   *name;         /* with "=", NULL: no more */
    ngx_http_sealed_unit_e        unit;
    int64_t                       min;
    int64_t                       max;
    const char                   *range;        /* the bounds, in words */
    size_t                        offset;
    size_t                        size;
} ngx_http_sealed_limit_t;


/* handlers of directives whose "post" is a limit, or limits up to no name */
char *ngx_http_sealed_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_sealed_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);

/* of the arguments from the first, into conf */
char *ngx_http_sealed_limits_set(ngx_conf_t *cf,
    ngx_http_sealed_limit_t *limits, ngx_uint_t first, void *conf);

/* whether a directive that may stand once in a zone was there before */
ngx_uint_t ngx_http_sealed_given(ngx_command_t *cmd,
    ngx_http_sealed_zone_conf_t *zone);

/* a number within its bounds, or NGX_ERROR */
ngx_int_t ngx_http_sealed_number(ngx_str_t *text, ngx_int_t min,
    ngx_int_t max);

/* whether arg is this parameter, whose name ends with "=", with a value */
ngx_int_t ngx_http_sealed_parameter(ngx_str_t *arg, const char *name,
    ngx_str_t *value);

/*
 * Whether a text needs no escape wherever it is shown: at most 32 letters,
 * digits and others
 */
ngx_uint_t ngx_http_sealed_word(ngx_str_t *text, const char *others);

/*
 * Whether a text, zero-terminated, is an origin as browsers send it: a scheme
 * and a host, nothing behind
 */
ngx_uint_t ngx_http_sealed_is_origin(ngx_str_t *text);


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_LIMIT_H_INCLUDED_ */
