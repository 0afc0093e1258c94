
#include "ngx_http_sealed.h"


static ngx_http_sealed_ctx_t *ngx_http_sealed_variable_ctx(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_sealed_variable_class(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_sealed_variable_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


static ngx_http_variable_t  ngx_http_sealed_vars[] = {

    { ngx_string("sealed_certificate_id"), NULL,
      ngx_http_sealed_variable_id, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sealed_certificate_class"), NULL,
      ngx_http_sealed_variable_class, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sealed_certificate_status"), NULL,
      ngx_http_sealed_variable_status, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


ngx_int_t
ngx_http_sealed_variables(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    for (v = ngx_http_sealed_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;
    }

    return NGX_OK;
}


static ngx_http_sealed_ctx_t *
ngx_http_sealed_variable_ctx(ngx_http_request_t *r)
{
    const char                  *methods;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    r = r->main;
    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->zone == NULL && slcf->access == NULL) {
        return NULL;
    }

    ctx = ngx_http_sealed_get_ctx(r, slcf);

    if (ctx == NULL || ctx->outcome != SEALED_OK) {
        return ctx;
    }

    if (slcf->zone
        && (r->method == NGX_HTTP_OPTIONS
            || ngx_http_sealed_precheck(r, slcf, ctx, &methods) != SEALED_OK))
    {
        return NULL;
    }

    (void) ngx_http_sealed_check(r, ctx, 0);

    return ctx;
}


static ngx_int_t
ngx_http_sealed_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char                 *p;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_sealed_variable_ctx(r);

    if (ctx == NULL || !ctx->checked || ctx->verdict != SEALED_OK
        || ctx->by_owner)
    {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, SEALED_CERTIFICATE_ID_TEXT);
    if (p == NULL) {
        return NGX_ERROR;
    }

    (void) sealed_base64url_encode((char *) p, ctx->id,
                                   SEALED_CERTIFICATE_ID_SIZE);

    v->data = p;
    v->len = SEALED_CERTIFICATE_ID_TEXT;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_variable_class(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_sealed_variable_ctx(r);

    if (ctx == NULL || ctx->verdict != SEALED_OK || ctx->class == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    v->data = ctx->class->name.data;
    v->len = ctx->class->name.len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}


/* "ok", or the last word of the problem's type */

static ngx_int_t
ngx_http_sealed_variable_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    sealed_verdict_t        verdict;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_sealed_variable_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    verdict = ctx->outcome != SEALED_OK ? ctx->outcome : ctx->verdict;

    v->data = verdict == SEALED_OK
              ? (u_char *) "ok"
              : (u_char *) strrchr(sealed_problem(verdict)->type, ':') + 1;
    v->len = ngx_strlen(v->data);
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;

    return NGX_OK;
}
