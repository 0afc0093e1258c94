
#include "ngx_http_sealed_limit.h"


#define NGX_HTTP_SEALED_MAX_WORD  32


static ngx_int_t ngx_http_sealed_limit_set(ngx_http_sealed_limit_t *limit,
    ngx_str_t *text, void *conf);


/* a directive that is one number */

char *
ngx_http_sealed_limit(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_str_t                *value;
    ngx_http_sealed_limit_t  *limit;

    if (ngx_http_sealed_given(cmd, conf)) {
        return "is duplicate";
    }

    value = cf->args->elts;
    limit = cmd->post;

    if (ngx_http_sealed_limit_set(limit, &value[1], conf) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" directive has an invalid value, it is "
                           "%s", &cmd->name, limit->range);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* a directive of parameters that are numbers */

char *
ngx_http_sealed_limits(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    if (ngx_http_sealed_given(cmd, conf)) {
        return "is duplicate";
    }

    return ngx_http_sealed_limits_set(cf, cmd->post, 1, conf);
}


ngx_uint_t
ngx_http_sealed_given(ngx_command_t *cmd, ngx_http_sealed_zone_conf_t *zone)
{
    uint32_t  bit, before;

    bit = (uint32_t) 1 << (cmd - ngx_http_sealed_zone_module.commands);
    before = zone->given & bit;
    zone->given |= bit;

    return before != 0;
}


char *
ngx_http_sealed_limits_set(ngx_conf_t *cf, ngx_http_sealed_limit_t *limits,
    ngx_uint_t first, void *conf)
{
    ngx_str_t                *value, text;
    ngx_uint_t                i;
    ngx_http_sealed_limit_t  *limit;

    value = cf->args->elts;

    for (i = first; i < cf->args->nelts; i++) {

        for (limit = limits; limit->name; limit++) {
            if (ngx_http_sealed_parameter(&value[i], limit->name, &text)) {
                break;
            }
        }

        if (limit->name == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (ngx_http_sealed_limit_set(limit, &text, conf) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", it is %s",
                               &value[i], limit->range);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_sealed_limit_set(ngx_http_sealed_limit_t *limit, ngx_str_t *text,
    void *conf)
{
    void     *field;
    int64_t   n;

    switch (limit->unit) {

    case NGX_HTTP_SEALED_SECONDS:
        n = ngx_parse_time(text, 1);
        break;

    case NGX_HTTP_SEALED_MILLISECONDS:
        n = ngx_parse_time(text, 0);
        break;

    case NGX_HTTP_SEALED_OCTETS:
        n = ngx_parse_offset(text);
        break;

    default: /* NGX_HTTP_SEALED_NUMBER */
        n = ngx_atoi(text->data, text->len);
    }

    /* NGX_ERROR is below any minimum */

    if (n < limit->min || n > limit->max) {
        return NGX_ERROR;
    }

    field = (char *) conf + limit->offset;

    if (limit->size == sizeof(uint32_t)) {
        *(uint32_t *) field = (uint32_t) n;

    } else {
        *(uint64_t *) field = (uint64_t) n;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_sealed_number(ngx_str_t *text, ngx_int_t min, ngx_int_t max)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    return n == NGX_ERROR || n < min || n > max ? NGX_ERROR : n;
}


ngx_int_t
ngx_http_sealed_parameter(ngx_str_t *arg, const char *name, ngx_str_t *value)
{
    size_t  len;

    len = ngx_strlen(name);

    if (arg->len <= len || ngx_strncmp(arg->data, name, len) != 0) {
        return 0;
    }

    value->data = arg->data + len;
    value->len = arg->len - len;

    return 1;
}


ngx_uint_t
ngx_http_sealed_word(ngx_str_t *text, const char *others)
{
    u_char      ch;
    ngx_uint_t  i;

    for (i = 0; i < text->len; i++) {
        ch = text->data[i];

        if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
              || (ch >= '0' && ch <= '9')
              || (ch != '\0' && ngx_strchr(others, ch))))
        {
            return 0;
        }
    }

    return text->len && text->len <= NGX_HTTP_SEALED_MAX_WORD;
}


ngx_uint_t
ngx_http_sealed_is_origin(ngx_str_t *text)
{
    u_char  *host;

    host = (u_char *) ngx_strstr(text->data, "://");

    if (host == NULL || host == text->data || host[3] == '\0') {
        return 0;
    }

    for (host += 3; *host; host++) {
        if (*host <= ' ' || *host == '/' || *host == '?' || *host == '#') {
            return 0;
        }
    }

    return 1;
}
