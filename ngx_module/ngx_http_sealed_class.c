
#include "ngx_http_sealed_limit.h"


/* class name number open|send [budget=units] [burst=units] ... */

static ngx_http_sealed_class_t *ngx_http_sealed_class_create(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_class_parameters(ngx_conf_t *cf,
    ngx_http_sealed_class_t *class);


char *
ngx_http_sealed_class(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t                *value;
    ngx_http_sealed_class_t  *class;

    class = ngx_http_sealed_class_create(cf, zone);
    if (class == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    if (cf->args->nelts > 3 && ngx_strcmp(value[3].data, "open") == 0) {
        class->open = 1;
        class->rule.units = 100;

    } else if (cf->args->nelts < 4
               || ngx_strcmp(value[3].data, "send") != 0)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "class \"%V\" needs \"open\" or \"send\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_sealed_class_parameters(cf, class) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    if (class->rule.units == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "class \"%V\" sends and needs \"budget=\", units "
                           "an epoch", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (class->rule.burst == 0) {
        class->rule.burst = class->rule.units;
    }

    return NGX_CONF_OK;
}


/* NULL: its number or its name cannot be had */

static ngx_http_sealed_class_t *
ngx_http_sealed_class_create(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone)
{
    ngx_int_t                 n;
    ngx_str_t                *value;
    ngx_uint_t                i;
    ngx_http_sealed_class_t  *class;

    value = cf->args->elts;

    n = ngx_http_sealed_number(&value[2], 0, 255);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid class number \"%V\", it is 0 to 255",
                           &value[2]);
        return NULL;
    }

    if (!ngx_http_sealed_word(&value[1], "._-")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of a class, it is at most "
                           "32 letters, digits, \".\", \"_\" and \"-\"",
                           &value[1]);
        return NULL;
    }

    for (i = 0; i < 256; i++) {
        class = &zone->classes[i];

        if (class->defined
            && (i == (ngx_uint_t) n
                || (class->name.len == value[1].len
                    && ngx_strncmp(class->name.data, value[1].data,
                                   value[1].len)
                       == 0)))
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "class \"%V\" %i is defined already, a class "
                               "either opens or sends", &value[1], n);
            return NULL;
        }
    }

    class = &zone->classes[n];
    class->name = value[1];
    class->number = n;
    class->defined = 1;
    class->mailboxes = 1;

    return class;
}


static ngx_int_t
ngx_http_sealed_class_parameters(ngx_conf_t *cf,
    ngx_http_sealed_class_t *class)
{
    ngx_int_t    n;
    ngx_str_t   *value, text;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 4; i < cf->args->nelts; i++) {

        if (ngx_http_sealed_parameter(&value[i], "budget=", &text)) {
            n = ngx_http_sealed_number(&text, 1, NGX_MAX_INT32_VALUE);
            class->rule.units = (uint32_t) n;

        } else if (ngx_http_sealed_parameter(&value[i], "burst=", &text)) {
            n = ngx_http_sealed_number(&text, 1, NGX_MAX_INT32_VALUE);
            class->rule.burst = (uint32_t) n;

        } else if (ngx_http_sealed_parameter(&value[i], "quota=", &text)) {
            n = ngx_http_sealed_number(&text, 1, 65535);
            class->quota = n;

        } else if (class->open
                   && ngx_http_sealed_parameter(&value[i], "mailboxes=",
                                                &text))
        {
            n = ngx_http_sealed_number(&text, 1, 65535);
            class->mailboxes = n;

        } else {
            n = NGX_ERROR;
        }

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}
