
#include "ngx_http_sealed.h"

#include <sodium.h>


static ngx_int_t ngx_http_sealed_handler(ngx_http_request_t *r);
static sealed_verdict_t ngx_http_sealed_precheck(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx,
    const char **methods);
static void ngx_http_sealed_checked_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_checked(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_body_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_access_handler(ngx_http_request_t *r);
static void ngx_http_sealed_access_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_access_settle(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_access_refuse(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_verdict_t verdict);
static ngx_int_t ngx_http_sealed_quiet_handler(ngx_http_request_t *r);
static u_char *ngx_http_sealed_quiet_log(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_sealed_loud(void *data);

static ngx_http_sealed_ctx_t *ngx_http_sealed_variable_ctx(
    ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_variable_id(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_sealed_variable_class(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_sealed_variable_status(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);

static ngx_int_t ngx_http_sealed_preconfiguration(ngx_conf_t *cf);
static ngx_int_t ngx_http_sealed_postconfiguration(ngx_conf_t *cf);
static void *ngx_http_sealed_create_main_conf(ngx_conf_t *cf);
static void *ngx_http_sealed_create_loc_conf(ngx_conf_t *cf);
static char *ngx_http_sealed_merge_loc_conf(ngx_conf_t *cf, void *parent,
    void *child);
static char *ngx_http_sealed_access(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_serve(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_discover(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_status(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
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


static ngx_http_variable_t  ngx_http_sealed_vars[] = {

    { ngx_string("sealed_certificate_id"), NULL,
      ngx_http_sealed_variable_id, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sealed_certificate_class"), NULL,
      ngx_http_sealed_variable_class, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("sealed_certificate_status"), NULL,
      ngx_http_sealed_variable_status, 0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

      ngx_http_null_variable
};


/* the protocol's own resources */

static ngx_int_t
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
    ngx_int_t  rc;

    if (ctx->verdict != SEALED_OK) {
        return ngx_http_sealed_refuse(r, ctx->verdict, ctx, NULL);
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_sealed_body_handler);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_http_sealed_body_handler(ngx_http_request_t *r)
{
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    ngx_http_finalize_request(r, ngx_http_sealed_operate(r, ctx));
}


/* what path, method, length and type allow, before any key is looked at */

static sealed_verdict_t
ngx_http_sealed_precheck(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx,
    const char **methods)
{
    off_t                 length;
    ngx_uint_t            sends, needed;
    sealed_resource_t     resource;
    sealed_http_method_t  method;

    static ngx_str_t  fanout_type =
        ngx_string("application/vnd.sealed-sender.fanout+cbor");

    resource = ngx_http_sealed_route(ctx);

    sends = slcf->resources & NGX_HTTP_SEALED_SEND;

    switch (resource) {

    case SEALED_ROUTE_MAILBOX:
        needed = NGX_HTTP_SEALED_MAILBOX;
        *methods = "GET, PUT, DELETE, OPTIONS";
        break;

    case SEALED_ROUTE_ENVELOPES:
        needed = NGX_HTTP_SEALED_MAILBOX|NGX_HTTP_SEALED_SEND;
        *methods = slcf->resources == needed
                   ? "GET, POST, DELETE, OPTIONS"
                   : sends ? "POST, OPTIONS" : "GET, DELETE, OPTIONS";
        break;

    case SEALED_ROUTE_TICKETS:
        needed = NGX_HTTP_SEALED_MAILBOX;
        *methods = "POST, OPTIONS";
        break;

    case SEALED_ROUTE_FANOUT:
        needed = NGX_HTTP_SEALED_SEND;
        *methods = "POST, OPTIONS";
        break;

    default:
        return SEALED_NO_RESOURCE;
    }

    if (!(slcf->resources & needed)) {
        return SEALED_NO_RESOURCE;
    }

    method = r->method == NGX_HTTP_GET ? SEALED_GET
             : r->method == NGX_HTTP_PUT ? SEALED_PUT
             : r->method == NGX_HTTP_POST ? SEALED_POST
             : r->method == NGX_HTTP_DELETE ? SEALED_DELETE
             : r->method == NGX_HTTP_OPTIONS ? SEALED_OPTIONS
             : SEALED_OTHER_METHOD;

    if (method == SEALED_OPTIONS) {
        return SEALED_OK;
    }

    ctx->operation = sealed_route_operation(resource, method);

    if (ctx->operation == SEALED_OP_NONE
        || (ctx->operation == SEALED_OP_SEND && !sends)
        || (resource == SEALED_ROUTE_ENVELOPES
            && ctx->operation != SEALED_OP_SEND
            && !(slcf->resources & NGX_HTTP_SEALED_MAILBOX)))
    {
        return SEALED_METHOD_NOT_ALLOWED;
    }

    if (ctx->operation == SEALED_OP_READ) {
        ctx->operation = ngx_http_sealed_read_operation(r);
    }

    length = r->headers_in.content_length_n;

    if (ngx_http_sealed_length_unknown(r)
        || (length < 0 && (method == SEALED_POST || method == SEALED_PUT)))
    {
        return SEALED_LENGTH_REQUIRED;
    }

    if (ctx->operation == SEALED_OP_FANOUT) {
        if (!ngx_http_sealed_has_type(r, &fanout_type)) {
            return SEALED_MEDIA_TYPE;
        }

        return length > (off_t) sealed_fanout_max_size(&slcf->zone->limits)
               ? SEALED_BODY_TOO_LARGE : SEALED_OK;
    }

    if (ctx->operation == SEALED_OP_SEND) {
        return sealed_envelope_size_allowed(&slcf->zone->limits, length)
               ? SEALED_OK : SEALED_ENVELOPE_SIZE;
    }

    return length > 0 ? SEALED_BODY_TOO_LARGE : SEALED_OK;
}


/* sealed_access: the same check in front of any content */

static ngx_int_t
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

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        rc = ngx_http_sealed_respond_problem(r, verdict, ctx);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/*
 * nginx adds address and request line to what it logs about a request;
 * while one of ours is at work it does not.
 */

typedef struct {
    ngx_log_t                    *log;
    ngx_log_handler_pt            handler;
} ngx_http_sealed_log_t;


static ngx_int_t
ngx_http_sealed_quiet_handler(ngx_http_request_t *r)
{
    ngx_log_t                   *log;
    ngx_pool_cleanup_t          *cln;
    ngx_http_sealed_log_t       *saved;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);
    log = r->connection->log;

    if ((slcf->access == NULL && slcf->zone == NULL && slcf->issue == NULL
         && slcf->moderated == NULL)
        || log->handler == ngx_http_sealed_quiet_log)
    {
        return NGX_DECLINED;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_sealed_log_t));
    if (cln == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    saved = cln->data;
    saved->log = log;
    saved->handler = log->handler;
    cln->handler = ngx_http_sealed_loud;

    log->handler = ngx_http_sealed_quiet_log;

    return NGX_DECLINED;
}


static void
ngx_http_sealed_loud(void *data)
{
    ngx_http_sealed_log_t  *saved = data;

    saved->log->handler = saved->handler;
}


static u_char *
ngx_http_sealed_quiet_log(ngx_log_t *log, u_char *buf, size_t len)
{
    if (log->action) {
        buf = ngx_snprintf(buf, len, " while %s", log->action);
    }

    return buf;
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


static ngx_int_t
ngx_http_sealed_preconfiguration(ngx_conf_t *cf)
{
    ngx_http_variable_t  *var, *v;

    if (sodium_init() < 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0, "sodium_init() failed");
        return NGX_ERROR;
    }

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


static void *
ngx_http_sealed_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_sealed_loc_conf_t));
}


static ngx_int_t
ngx_http_sealed_resolve(ngx_conf_t *cf, ngx_str_t *name,
    ngx_http_sealed_zone_conf_t **zone)
{
    if (name->len == 0) {
        return NGX_OK;
    }

    *zone = ngx_http_sealed_zone_find(
                ngx_http_conf_get_module_main_conf(cf,
                                                   ngx_http_sealed_module),
                name);

    if (*zone == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "unknown sealed_zone \"%V\"",
                           name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static char *
ngx_http_sealed_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_sealed_loc_conf_t  *prev = parent;
    ngx_http_sealed_loc_conf_t  *conf = child;

    size_t                     size;
    ngx_str_t                 *name;
    ngx_uint_t                 i, j;
    ngx_http_sealed_class_t   *class;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {

        /* "if" and "limit_except" serve what the location around them does */

        conf->name = prev->name;
        conf->resources = prev->resources;
        conf->discovery_name = prev->discovery_name;
        conf->status = prev->status;
        conf->issue_name = prev->issue_name;
        conf->issue_account = prev->issue_account;
        conf->issue_origins = prev->issue_origins;
        conf->moderated_name = prev->moderated_name;
        conf->moderation = prev->moderation;

        if (clcf->lmt_excpt && clcf->handler == NULL) {
            clcf->handler = conf->resources ? ngx_http_sealed_handler
                            : conf->discovery_name.len
                            ? ngx_http_sealed_discovery_handler
                            : conf->status ? ngx_http_sealed_status_handler
                            : conf->issue_name.len
                            ? ngx_http_sealed_issue_handler
                            : conf->moderation
                            ? ngx_http_sealed_report_handler
                            : NULL;
        }
    }

    if (conf->access_name.len == 0 && !conf->access_off
        && conf->resources == 0 && conf->issue_name.len == 0
        && conf->moderation == 0)
    {
        conf->access_name = prev->access_name;
        conf->access_classes = prev->access_classes;
    }

    if (ngx_http_sealed_resolve(cf, &conf->access_name, &conf->access)
        != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->name, &conf->zone) != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->discovery_name,
                                   &conf->discovery)
           != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->issue_name, &conf->issue)
           != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->moderated_name,
                                   &conf->moderated)
           != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->access && conf->zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sealed_access\" stands beside \"sealed_send\" "
                           "or \"sealed_mailbox\", which check by "
                           "themselves");
        return NGX_CONF_ERROR;
    }

    if ((conf->zone != NULL) + (conf->access != NULL) + (conf->issue != NULL)
        + (conf->moderated != NULL) > 1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "what senders, accounts and operators ask for "
                           "cannot be in one location");
        return NGX_CONF_ERROR;
    }

    if (conf->access) {

        if (conf->access_classes == NULL) {

            for (i = 0; i < 256; i++) {
                class = &conf->access->classes[i];
                conf->access_class[i] = class->defined && !class->open;
            }

        } else {
            name = conf->access_classes->elts;

            for (i = 0; i < conf->access_classes->nelts; i++) {

                for (j = 0; j < 256; j++) {
                    class = &conf->access->classes[j];

                    if (class->defined
                        && class->name.len == name[i].len
                        && ngx_strncmp(class->name.data, name[i].data,
                                       name[i].len)
                           == 0)
                    {
                        break;
                    }
                }

                if (j == 256) {
                    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                                       "unknown class \"%V\" of sealed_zone "
                                       "\"%V\"", &name[i],
                                       &conf->access->name);
                    return NGX_CONF_ERROR;
                }

                conf->access_class[j] = 1;
            }
        }
    }

    if (conf->zone) {

        /*
         * Bodies stay in memory, and their length is judged here, with an
         * answer of the protocol's own.
         */

        size = sealed_fanout_max_size(&conf->zone->limits);

        clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                                size);
        clcf->client_max_body_size = 0;
        clcf->client_body_in_file_only = 0;
    }

    if (conf->issue && !conf->issue->issues) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sealed_issue\" in vain, sealed_zone \"%V\" "
                           "has no class with \"quota=\"",
                           &conf->issue->name);
        return NGX_CONF_ERROR;
    }

    if (conf->issue || conf->moderated) {
        size = conf->moderated ? ngx_http_sealed_report_max(conf->moderated)
                               : NGX_HTTP_SEALED_ISSUE_MAX;

        clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                                size);
        clcf->client_max_body_size = 0;
        clcf->client_body_in_file_only = 0;
    }

    return NGX_CONF_OK;
}


static char *
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


static char *
ngx_http_sealed_serve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    if (slcf->resources & cmd->offset) {
        return "is duplicate";
    }

    if (slcf->resources
        && (slcf->name.len != value[1].len
            || ngx_strncmp(slcf->name.data, value[1].data, value[1].len)
               != 0))
    {
        return "names another zone than the directive beside it";
    }

    slcf->name = value[1];
    slcf->resources |= cmd->offset;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_sealed_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_discover(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    if (slcf->discovery_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    slcf->discovery_name = value[1];

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_sealed_discovery_handler;

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    slcf->status = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_sealed_status_handler;

    return NGX_CONF_OK;
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

    ngx_http_sealed_wake_exit(cycle);
    ngx_http_sealed_journals_exit(smcf);
    ngx_http_sealed_zones_exit_process(smcf);
}
