
#include "ngx_http_sealed.h"


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
