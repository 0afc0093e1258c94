
#include "ngx_http_sealed.h"


/* what a location serves: its directives, and which of them go together */

static void ngx_http_sealed_serve_as(ngx_http_core_loc_conf_t *clcf,
    ngx_http_sealed_loc_conf_t *conf, ngx_http_sealed_loc_conf_t *prev);
static ngx_int_t ngx_http_sealed_resolve(ngx_conf_t *cf, ngx_str_t *name,
    ngx_http_sealed_zone_conf_t **zone);
static ngx_http_handler_pt ngx_http_sealed_serves(
    ngx_http_sealed_loc_conf_t *conf);
static ngx_int_t ngx_http_sealed_check_conf(ngx_conf_t *cf,
    ngx_http_core_loc_conf_t *clcf, ngx_http_sealed_loc_conf_t *conf);
static void ngx_http_sealed_access_bodies(ngx_http_core_loc_conf_t *clcf,
    ngx_http_sealed_loc_conf_t *conf);
static void ngx_http_sealed_bodies(ngx_http_core_loc_conf_t *clcf,
    size_t size);
static char *ngx_http_sealed_part(ngx_conf_t *cf, ngx_command_t *cmd,
    ngx_str_t *name, ngx_uint_t *parts, ngx_http_handler_pt handler);


void *
ngx_http_sealed_create_loc_conf(ngx_conf_t *cf)
{
    return ngx_pcalloc(cf->pool, sizeof(ngx_http_sealed_loc_conf_t));
}


char *
ngx_http_sealed_merge_loc_conf(ngx_conf_t *cf, void *parent, void *child)
{
    ngx_http_sealed_loc_conf_t  *prev = parent;
    ngx_http_sealed_loc_conf_t  *conf = child;

    ngx_uint_t                 checks;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->noname) {
        ngx_http_sealed_serve_as(clcf, conf, prev);
    }

    /* what checks by itself has no other check, but passes it on inwards */

    checks = conf->access_name.len
             || (conf->resources == 0 && conf->issue_name.len == 0
                 && conf->moderation == 0);

    if (conf->access_name.len == 0 && !conf->access_off) {
        conf->access_name = prev->access_name;
        conf->access_classes = prev->access_classes;
    }

    if ((checks
         && ngx_http_sealed_resolve(cf, &conf->access_name, &conf->access)
            != NGX_OK)
        || ngx_http_sealed_resolve(cf, &conf->name, &conf->zone) != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->discovery_name,
                                   &conf->discovery)
           != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->issue_name, &conf->issue)
           != NGX_OK
        || ngx_http_sealed_resolve(cf, &conf->moderated_name,
                                   &conf->moderated)
           != NGX_OK
        || ngx_http_sealed_check_conf(cf, clcf, conf) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    if (conf->access) {

        if (ngx_http_sealed_access_resolve(cf, conf) != NGX_OK) {
            return NGX_CONF_ERROR;
        }

        ngx_http_sealed_access_bodies(clcf, conf);
    }

    if (conf->zone) {
        ngx_http_sealed_bodies(clcf,
                               sealed_fanout_max_size(&conf->zone->limits));
    }

    if (conf->issue) {
        ngx_http_sealed_bodies(clcf, NGX_HTTP_SEALED_ISSUE_MAX);
    }

    if (conf->moderated) {
        ngx_http_sealed_bodies(clcf,
                               ngx_http_sealed_report_max(conf->moderated));
    }

    return NGX_CONF_OK;
}


/* "if" and "limit_except" serve what the location around them does */

static void
ngx_http_sealed_serve_as(ngx_http_core_loc_conf_t *clcf,
    ngx_http_sealed_loc_conf_t *conf, ngx_http_sealed_loc_conf_t *prev)
{
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
        clcf->handler = ngx_http_sealed_serves(conf);
    }
}


/* NULL: none of this module */

static ngx_http_handler_pt
ngx_http_sealed_serves(ngx_http_sealed_loc_conf_t *conf)
{
    return conf->resources ? ngx_http_sealed_handler
           : conf->discovery_name.len ? ngx_http_sealed_discovery_handler
           : conf->status ? ngx_http_sealed_status_handler
           : conf->issue_name.len ? ngx_http_sealed_issue_handler
           : conf->moderation ? ngx_http_sealed_report_handler
           : NULL;
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


static ngx_int_t
ngx_http_sealed_check_conf(ngx_conf_t *cf, ngx_http_core_loc_conf_t *clcf,
    ngx_http_sealed_loc_conf_t *conf)
{
    ngx_http_handler_pt  handler;

    if (conf->access && conf->zone) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sealed_access\" stands beside \"sealed_send\" "
                           "or \"sealed_mailbox\", which check by "
                           "themselves");
        return NGX_ERROR;
    }

    if ((conf->zone != NULL) + (conf->access != NULL) + (conf->issue != NULL)
        + (conf->moderated != NULL) > 1
        || (conf->zone != NULL) + (conf->issue != NULL)
           + (conf->moderated != NULL) + (conf->discovery != NULL)
           + (conf->status != 0) > 1)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "what senders, accounts and operators ask for, "
                           "discovery and status cannot be in one location");
        return NGX_ERROR;
    }

    /* "if" may serve something else; elsewhere nothing would be checked */

    handler = ngx_http_sealed_serves(conf);

    if (!clcf->noname && handler && clcf->handler != handler) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "another directive in location \"%V\" answers its "
                           "requests, and none of this module will",
                           &clcf->name);
        return NGX_ERROR;
    }

    if (conf->issue && !conf->issue->issues) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sealed_issue\" in vain, sealed_zone \"%V\" "
                           "has no class with \"quota=\"",
                           &conf->issue->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * nginx names the client of a body that is too large before any module is
 * asked, so its length is judged by this one.  Where another module may let
 * requests pass, their bodies may have no length beforehand.  The limit of a
 * named location is one that nginx does not look at.
 */

static void
ngx_http_sealed_access_bodies(ngx_http_core_loc_conf_t *clcf,
    ngx_http_sealed_loc_conf_t *conf)
{
    if (clcf->satisfy == NGX_HTTP_SATISFY_ALL && !clcf->named) {
        conf->access_body = clcf->client_max_body_size;
        clcf->client_max_body_size = 0;
    }
}


/*
 * Bodies stay in memory, and their length is judged by the module, with an
 * answer of the protocol's own.
 */

static void
ngx_http_sealed_bodies(ngx_http_core_loc_conf_t *clcf, size_t size)
{
    clcf->client_body_buffer_size = ngx_max(clcf->client_body_buffer_size,
                                            size);
    clcf->client_max_body_size = 0;
    clcf->client_body_in_file_only = 0;
}


char *
ngx_http_sealed_serve(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    return ngx_http_sealed_part(cf, cmd, &slcf->name, &slcf->resources,
                                ngx_http_sealed_handler);
}


char *
ngx_http_sealed_moderate(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    return ngx_http_sealed_part(cf, cmd, &slcf->moderated_name,
                                &slcf->moderation,
                                ngx_http_sealed_report_handler);
}


/* directives that may stand side by side and are parts of one service */

static char *
ngx_http_sealed_part(ngx_conf_t *cf, ngx_command_t *cmd, ngx_str_t *name,
    ngx_uint_t *parts, ngx_http_handler_pt handler)
{
    ngx_str_t                 *value;
    ngx_http_core_loc_conf_t  *clcf;

    value = cf->args->elts;

    if (*parts & cmd->offset) {
        return "is duplicate";
    }

    if (*parts
        && (name->len != value[1].len
            || ngx_strncmp(name->data, value[1].data, value[1].len) != 0))
    {
        return "names another zone than the directive beside it";
    }

    *name = value[1];
    *parts |= cmd->offset;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = handler;

    return NGX_CONF_OK;
}


char *
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


char *
ngx_http_sealed_status(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_http_core_loc_conf_t  *clcf;

    slcf->status = 1;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_sealed_status_handler;

    return NGX_CONF_OK;
}
