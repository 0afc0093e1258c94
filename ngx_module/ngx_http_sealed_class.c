
#include "ngx_http_sealed_limit.h"


/* class name number open|send [budget=units] [burst=units] ... */

#define ngx_http_sealed_class_field(name)                                    \
    offsetof(ngx_http_sealed_class_t, name),                                 \
    sizeof(((ngx_http_sealed_class_t *) NULL)->name)


static ngx_http_sealed_class_t *ngx_http_sealed_class_create(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);


/* "mailboxes=" is for classes that open */

static ngx_http_sealed_limit_t  ngx_http_sealed_class_limits[] = {

    { "mailboxes=", NGX_HTTP_SEALED_NUMBER,
      1, 65535, "1 to 65535",
      ngx_http_sealed_class_field(mailboxes) },

    { "budget=", NGX_HTTP_SEALED_NUMBER,
      1, NGX_MAX_INT32_VALUE, "1 to 2147483647",
      ngx_http_sealed_class_field(rule.units) },

    { "burst=", NGX_HTTP_SEALED_NUMBER,
      1, NGX_MAX_INT32_VALUE, "1 to 2147483647",
      ngx_http_sealed_class_field(rule.burst) },

    { "quota=", NGX_HTTP_SEALED_NUMBER,
      1, 65535, "1 to 65535",
      ngx_http_sealed_class_field(quota) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


char *
ngx_http_sealed_class(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    char                     *rv;
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

    rv = ngx_http_sealed_limits_set(cf, class->open
                                        ? &ngx_http_sealed_class_limits[0]
                                        : &ngx_http_sealed_class_limits[1],
                                    4, class);
    if (rv != NGX_CONF_OK) {
        return rv;
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
