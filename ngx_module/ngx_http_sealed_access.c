
#include "ngx_http_sealed.h"


static void ngx_http_sealed_access_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_access_settle(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_access_refuse(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_verdict_t verdict);


char *
ngx_http_sealed_access(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_str_t   *value, *name;
    ngx_uint_t   i;

    if (slcf->access_name.len || slcf->access_off) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {

        if (cf->args->nelts > 2) {
            return "takes nothing after \"off\"";
        }

        slcf->access_off = 1;
        return NGX_CONF_OK;
    }

    slcf->access_name = value[1];

    if (cf->args->nelts == 2) {
        return NGX_CONF_OK;
    }

    slcf->access_classes = ngx_array_create(cf->pool, cf->args->nelts - 2,
                                            sizeof(ngx_str_t));
    if (slcf->access_classes == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 2; i < cf->args->nelts; i++) {
        name = ngx_array_push(slcf->access_classes);
        if (name == NULL) {
            return NGX_CONF_ERROR;
        }

        *name = value[i];
    }

    return NGX_CONF_OK;
}


/* which classes a location lets pass: those named, or all that send */

ngx_int_t
ngx_http_sealed_access_resolve(ngx_conf_t *cf,
    ngx_http_sealed_loc_conf_t *conf)
{
    ngx_str_t                *name;
    ngx_uint_t                i, j;
    ngx_http_sealed_class_t  *class;

    if (conf->access_classes == NULL) {

        for (i = 0; i < 256; i++) {
            class = &conf->access->classes[i];
            conf->access_class[i] = class->defined && !class->open;
        }

        return NGX_OK;
    }

    name = conf->access_classes->elts;

    for (i = 0; i < conf->access_classes->nelts; i++) {

        for (j = 0; j < 256; j++) {
            class = &conf->access->classes[j];

            if (class->defined
                && class->name.len == name[i].len
                && ngx_strncmp(class->name.data, name[i].data, name[i].len)
                   == 0)
            {
                break;
            }
        }

        if (j == 256) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "unknown class \"%V\" of sealed_zone \"%V\"",
                               &name[i], &conf->access->name);
            return NGX_ERROR;
        }

        conf->access_class[j] = 1;
    }

    return NGX_OK;
}


/* sealed_access: the same check in front of any content */

ngx_int_t
ngx_http_sealed_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->access == NULL || r != r->main) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_sealed_get_ctx(r, slcf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->settled) {
        return slcf->access_class[ctx->class->number]
               ? NGX_OK
               : ngx_http_sealed_access_refuse(r, ctx, SEALED_UNAUTHORIZED);
    }

    if (ngx_http_sealed_length_unknown(r)) {
        return ngx_http_sealed_access_refuse(r, ctx, SEALED_LENGTH_REQUIRED);
    }

    if (ngx_http_sealed_check(r, ctx, 1) == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (ctx->verdict != SEALED_OK) {
        return ngx_http_sealed_access_refuse(r, ctx, ctx->verdict);
    }

    if (!ctx->request.has_body || ctx->body_done) {
        return ngx_http_sealed_access_settle(r, ctx);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_sealed_access_body);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return rc;
    }

    ngx_http_finalize_request(r, NGX_DONE);

    return NGX_DONE;
}


static void
ngx_http_sealed_access_body(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);
    ctx->body_done = 1;

    r->preserve_body = 1;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
}


static ngx_int_t
ngx_http_sealed_access_settle(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    sealed_verdict_t  verdict;

    verdict = ngx_http_sealed_check_digest(r, ctx);

    if (verdict == SEALED_OK) {
        ngx_http_sealed_spend(ctx);
        verdict = ctx->nonce_verdict;
    }

    if (verdict == SEALED_OK) {
        verdict = ngx_http_sealed_charge(ctx, 1);
    }

    ctx->verdict = verdict;

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_access_refuse(r, ctx, verdict);
    }

    ctx->settled = 1;

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_access_refuse(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_verdict_t verdict)
{
    ngx_int_t                  rc;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    /* another access module may still let it pass */

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        return NGX_HTTP_FORBIDDEN;
    }

    r->expect_tested = 1;

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        rc = ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}
