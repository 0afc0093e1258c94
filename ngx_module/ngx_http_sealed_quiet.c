
#include "ngx_http_sealed.h"


static ngx_int_t ngx_http_sealed_quiet(ngx_http_request_t *r);
static u_char *ngx_http_sealed_quiet_log(ngx_log_t *log, u_char *buf,
    size_t len);
static void ngx_http_sealed_loud(void *data);


/*
 * nginx adds address and request line to what it logs about a request;
 * while one of ours is at work it does not.
 */

typedef struct {
    ngx_log_t                    *log;
    ngx_log_handler_pt            handler;
} ngx_http_sealed_log_t;


ngx_int_t
ngx_http_sealed_quiet_handler(ngx_http_request_t *r)
{
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->access == NULL && slcf->zone == NULL && slcf->issue == NULL
        && slcf->moderated == NULL)
    {
        return NGX_DECLINED;
    }

    if (ngx_http_sealed_quiet(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (slcf->access_body == 0
        || r->discard_body
        || r->headers_in.content_length_n <= slcf->access_body)
    {
        return NGX_DECLINED;
    }

    return r == r->main
           ? ngx_http_sealed_refuse(r, SEALED_BODY_TOO_LARGE, NULL, NULL)
           : NGX_HTTP_REQUEST_ENTITY_TOO_LARGE;
}


static ngx_int_t
ngx_http_sealed_quiet(ngx_http_request_t *r)
{
    ngx_log_t              *log;
    ngx_pool_cleanup_t     *cln;
    ngx_http_sealed_log_t  *saved;

    log = r->connection->log;

    if (log->handler == ngx_http_sealed_quiet_log) {
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_sealed_log_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    saved = cln->data;
    saved->log = log;
    saved->handler = log->handler;
    cln->handler = ngx_http_sealed_loud;

    log->handler = ngx_http_sealed_quiet_log;

    return NGX_OK;
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
