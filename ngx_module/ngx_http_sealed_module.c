
#include "ngx_http_sealed.h"

#include <sodium.h>


static void ngx_http_sealed_checked_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_checked(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_body_handler(ngx_http_request_t *r);

static ngx_int_t ngx_http_sealed_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_sealed_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_sealed_create_main_conf(ngx_conf_t *cf);
static ngx_int_t ngx_http_sealed_init_module(ngx_cycle_t *cycle);
static ngx_int_t ngx_http_sealed_init_process(ngx_cycle_t *cycle);
static void ngx_http_sealed_exit_process(ngx_cycle_t *cycle);


static ngx_command_t  ngx_http_sealed_commands[] = {

    { ngx_string("sealed_zone"),
      NGX_HTTP_MAIN_CONF|NGX_CONF_BLOCK|NGX_CONF_2MORE,
      ngx_http_sealed_zone_block,
      NGX_HTTP_MAIN_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sealed_access"),
      NGX_HTTP_MAIN_CONF|NGX_HTTP_SRV_CONF|NGX_HTTP_LOC_CONF|NGX_CONF_1MORE,
      ngx_http_sealed_access,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sealed_send"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_serve,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_SEALED_SEND,
      NULL },

    { ngx_string("sealed_mailbox"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_serve,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_SEALED_MAILBOX,
      NULL },

    { ngx_string("sealed_issue"),
      NGX_HTTP_LOC_CONF|NGX_CONF_2MORE,
      ngx_http_sealed_issue,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sealed_reports"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_moderate,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_SEALED_REPORTS,
      NULL },

    { ngx_string("sealed_revocations"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_moderate,
      NGX_HTTP_LOC_CONF_OFFSET,
      NGX_HTTP_SEALED_REVOCATIONS,
      NULL },

    { ngx_string("sealed_discovery"),
      NGX_HTTP_LOC_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_discover,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

    { ngx_string("sealed_status"),
      NGX_HTTP_LOC_CONF|NGX_CONF_NOARGS,
      ngx_http_sealed_status,
      NGX_HTTP_LOC_CONF_OFFSET,
      0,
      NULL },

      ngx_null_command
};


static ngx_http_module_t  ngx_http_sealed_module_ctx = {
    ngx_http_sealed_preconfiguration,      /* preconfiguration */
    ngx_http_sealed_postconfiguration,     /* postconfiguration */

    ngx_http_sealed_create_main_conf,      /* create main configuration */
    NULL,                                  /* init main configuration */

    NULL,                                  /* create server configuration */
    NULL,                                  /* merge server configuration */

    ngx_http_sealed_create_loc_conf,       /* create location configuration */
    ngx_http_sealed_merge_loc_conf         /* merge location configuration */
};


ngx_module_t  ngx_http_sealed_module = {
    NGX_MODULE_V1,
    &ngx_http_sealed_module_ctx,           /* module context */
    ngx_http_sealed_commands,              /* module directives */
    NGX_HTTP_MODULE,                       /* module type */
    NULL,                                  /* init master */
    ngx_http_sealed_init_module,           /* init module */
    ngx_http_sealed_init_process,          /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    ngx_http_sealed_exit_process,          /* exit process */
    ngx_http_sealed_maps_exit,             /* exit master */
    NGX_MODULE_V1_PADDING
};


/* the protocol's own resources */

ngx_int_t
ngx_http_sealed_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    const char                  *methods;
    sealed_verdict_t             verdict;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    /* a subrequest has the headers of another request */

    if (r != r->main) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "sealed: a subrequest cannot be served");
        return NGX_HTTP_NOT_FOUND;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    ctx = ngx_http_sealed_get_ctx(r, slcf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    methods = NULL;
    verdict = ngx_http_sealed_precheck(r, slcf, ctx, &methods);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_refuse(r, verdict, ctx, methods);
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        rc = ngx_http_discard_request_body(r);

        return rc == NGX_OK ? ngx_http_sealed_respond_options(r, methods)
                            : rc;
    }

    if (ngx_http_sealed_check(r, ctx, 1) == NGX_AGAIN) {
        r->write_event_handler = ngx_http_sealed_checked_handler;
        r->main->count++;
        return NGX_DONE;
    }

    return ngx_http_sealed_checked(r, ctx);
}


/* the arithmetic of a first use is done, in another thread */

static void
ngx_http_sealed_checked_handler(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ctx->pending) {
        return;
    }

    r->write_event_handler = ngx_http_request_empty_handler;

    (void) ngx_http_sealed_check(r, ctx, 0);

    ngx_http_finalize_request(r, ngx_http_sealed_checked(r, ctx));
}


static ngx_int_t
ngx_http_sealed_checked(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    if (ctx->verdict != SEALED_OK) {
        return ngx_http_sealed_refuse(r, ctx->verdict, ctx, NULL);
    }

    return ngx_http_sealed_read_body(r, ngx_http_sealed_body_handler);
}


static void
ngx_http_sealed_body_handler(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    ngx_http_finalize_request(r, ngx_http_sealed_operate(r, ctx));
}


static ngx_int_t
ngx_http_sealed_preconfiguration(ngx_conf_t *cf)
{
    if (sodium_init() < 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "sodium_init() failed");
        return NGX_ERROR;
    }

    return ngx_http_sealed_variables(cf);
}


static void *
ngx_http_sealed_create_main_conf(ngx_conf_t *cf)
{
    ngx_http_sealed_main_conf_t  *smcf;

    smcf = ngx_pcalloc(cf->pool, sizeof(ngx_http_sealed_main_conf_t));

    if (smcf == NULL
        || ngx_array_init(&smcf->zones, cf->pool, 2,
                          sizeof(ngx_http_sealed_zone_conf_t *))
           != NGX_OK)
    {
        return NULL;
    }

    return smcf;
}


static ngx_int_t
ngx_http_sealed_postconfiguration(ngx_conf_t *cf)
{
    ngx_http_handler_pt          *handler;
    ngx_http_core_main_conf_t    *cmcf;
    ngx_http_sealed_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_sealed_module);

    if (smcf->zones.nelts == 0) {
        return NGX_OK;
    }

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_REWRITE_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_sealed_quiet_handler;

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_PREACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_sealed_preflight_handler;

    handler = ngx_array_push(&cmcf->phases[NGX_HTTP_ACCESS_PHASE].handlers);
    if (handler == NULL) {
        return NGX_ERROR;
    }

    *handler = ngx_http_sealed_access_handler;

    return ngx_http_sealed_zones_init(cf, smcf);
}


static ngx_int_t
ngx_http_sealed_init_module(ngx_cycle_t *cycle)
{
    ngx_http_sealed_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sealed_module);

    return smcf ? ngx_http_sealed_maps_init(cycle, smcf) : NGX_OK;
}


static ngx_int_t
ngx_http_sealed_init_process(ngx_cycle_t *cycle)
{
    ngx_http_sealed_main_conf_t  *smcf;

    if (ngx_process != NGX_PROCESS_WORKER && ngx_process != NGX_PROCESS_SINGLE)
    {
        return NGX_OK;
    }

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sealed_module);

    if (smcf == NULL || smcf->zones.nelts == 0) {
        return NGX_OK;
    }

    if (ngx_http_sealed_zones_init_process(cycle, smcf) != NGX_OK
        || ngx_http_sealed_journals_init(cycle, smcf) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_sealed_wake_init(cycle, smcf);
}


static void
ngx_http_sealed_exit_process(ngx_cycle_t *cycle)
{
    ngx_http_sealed_main_conf_t  *smcf;

    smcf = ngx_http_cycle_get_module_main_conf(cycle, ngx_http_sealed_module);

    if (smcf == NULL || smcf->zones.nelts == 0) {
        return;
    }

    ngx_http_sealed_place_leave();
    ngx_http_sealed_journals_exit(smcf);
    ngx_http_sealed_zones_exit_process(smcf);
}
