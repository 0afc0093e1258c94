
#include "ngx_http_sealed.h"


/*
 * What a new binary (USR2) takes over from the one that runs: descriptors,
 * named in an environment variable as nginx does it with its sockets.  So
 * both serve the same zones, and a lock on a file passes on.
 *
 * The variable is a list of "KIND NUMBER;", in the order in which they were
 * left.
 */

#define NGX_HTTP_SEALED_VARIABLE   "SEALED_INHERITED"
#define NGX_HTTP_SEALED_INHERITED  1024


typedef struct {
    u_char                        kind;
    ngx_fd_t                      fd;
} ngx_http_sealed_inherited_t;


static ngx_fd_t ngx_http_sealed_inherit_find(
    const ngx_http_sealed_inherited_t *list, ngx_uint_t count, u_char kind,
    ngx_uint_t n);
static void ngx_http_sealed_inherit_parse(void);
static ngx_int_t ngx_http_sealed_cloexec(ngx_fd_t fd, ngx_uint_t on);


static ngx_http_sealed_inherited_t
                         ngx_http_sealed_from[NGX_HTTP_SEALED_INHERITED];
static ngx_http_sealed_inherited_t
                         ngx_http_sealed_to[NGX_HTTP_SEALED_INHERITED];
static ngx_uint_t        ngx_http_sealed_nfrom;
static ngx_uint_t        ngx_http_sealed_nto;
static ngx_uint_t        ngx_http_sealed_parsed;


/* the n-th descriptor of this kind, or NGX_INVALID_FILE */

ngx_fd_t
ngx_http_sealed_inherited(u_char kind, ngx_uint_t n)
{
    if (!ngx_http_sealed_parsed) {
        ngx_http_sealed_inherit_parse();
        ngx_http_sealed_parsed = 1;
    }

    return ngx_http_sealed_inherit_find(ngx_http_sealed_from,
                                        ngx_http_sealed_nfrom, kind, n);
}


/* the same of those that are left, from this process or the master on */

ngx_fd_t
ngx_http_sealed_bequeathed(u_char kind, ngx_uint_t n)
{
    return ngx_http_sealed_inherit_find(ngx_http_sealed_to,
                                        ngx_http_sealed_nto, kind, n);
}


static ngx_fd_t
ngx_http_sealed_inherit_find(const ngx_http_sealed_inherited_t *list,
    ngx_uint_t count, u_char kind, ngx_uint_t n)
{
    ngx_uint_t  i;

    for (i = 0; i < count; i++) {
        if (list[i].kind == kind && n-- == 0) {
            return list[i].fd;
        }
    }

    return NGX_INVALID_FILE;
}


/* leaves a descriptor to a new binary */

ngx_int_t
ngx_http_sealed_bequeath(ngx_log_t *log, u_char kind, ngx_fd_t fd)
{
    if (ngx_http_sealed_nto == NGX_HTTP_SEALED_INHERITED
        || ngx_http_sealed_cloexec(fd, 0) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "sealed: descriptor %d cannot be left to a new binary",
                      fd);
        return NGX_ERROR;
    }

    ngx_http_sealed_to[ngx_http_sealed_nto].kind = kind;
    ngx_http_sealed_to[ngx_http_sealed_nto].fd = fd;
    ngx_http_sealed_nto++;

    return NGX_OK;
}


/* for each cycle: its environment is what a new binary gets */

ngx_int_t
ngx_http_sealed_inherit_export(ngx_cycle_t *cycle)
{
    size_t            size;
    u_char           *p;
    ngx_str_t        *var;
    ngx_uint_t        i;
    ngx_core_conf_t  *ccf;

    if (ngx_http_sealed_nto == 0) {
        return NGX_OK;
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    var = ngx_array_push(&ccf->env);
    if (var == NULL) {
        return NGX_ERROR;
    }

    size = sizeof(NGX_HTTP_SEALED_VARIABLE "=")
           + ngx_http_sealed_nto * (NGX_INT32_LEN + 2);

    var->len = sizeof(NGX_HTTP_SEALED_VARIABLE) - 1;
    var->data = ngx_pnalloc(cycle->pool, size);
    if (var->data == NULL) {
        ccf->env.nelts--;
        return NGX_ERROR;
    }

    p = ngx_cpymem(var->data, NGX_HTTP_SEALED_VARIABLE "=",
                   sizeof(NGX_HTTP_SEALED_VARIABLE));

    for (i = 0; i < ngx_http_sealed_nto; i++) {
        p = ngx_sprintf(p, "%c%d;", ngx_http_sealed_to[i].kind,
                        ngx_http_sealed_to[i].fd);
    }

    *p = '\0';

    return NGX_OK;
}


static void
ngx_http_sealed_inherit_parse(void)
{
    u_char      *p, *last;
    ngx_int_t    fd;
    ngx_uint_t   n;

    p = (u_char *) getenv(NGX_HTTP_SEALED_VARIABLE);

    for (n = 0; p && *p && n < NGX_HTTP_SEALED_INHERITED; n++) {
        last = (u_char *) ngx_strchr(p, ';');

        if (last == NULL) {
            return;
        }

        fd = ngx_atoi(p + 1, last - p - 1);

        /* what is not open was not left by anybody */

        if (fd != NGX_ERROR && ngx_http_sealed_cloexec(fd, 1) == NGX_OK) {
            ngx_http_sealed_from[ngx_http_sealed_nfrom].kind = *p;
            ngx_http_sealed_from[ngx_http_sealed_nfrom].fd = fd;
            ngx_http_sealed_nfrom++;
        }

        p = last + 1;
    }
}


static ngx_int_t
ngx_http_sealed_cloexec(ngx_fd_t fd, ngx_uint_t on)
{
    int  flags;

    flags = fcntl(fd, F_GETFD);

    if (flags == -1) {
        return NGX_ERROR;
    }

    flags = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;

    return fcntl(fd, F_SETFD, flags) == -1 ? NGX_ERROR : NGX_OK;
}
