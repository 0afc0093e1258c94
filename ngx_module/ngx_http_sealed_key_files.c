
/* the directives that read key files */

#include "ngx_http_sealed.h"

#include <sodium.h>


#define NGX_HTTP_SEALED_MAX_KEY_FILE  4096


static void ngx_http_sealed_wipe_secret(void *data);
static char *ngx_http_sealed_read_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uint_t secret, u_char *data, size_t *size);


char *
ngx_http_sealed_master_secret(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    char                *rv;
    u_char               data[NGX_HTTP_SEALED_MAX_KEY_FILE];
    size_t               size;
    unsigned             line;
    ngx_str_t           *value;
    const char          *error;
    ngx_pool_cleanup_t  *cln;

    if (zone->secret) {
        return "is duplicate";
    }

    value = cf->args->elts;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    zone->secret = ngx_pcalloc(cf->pool, sizeof(sealed_master_secret_t));

    if (zone->secret == NULL || cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_sealed_wipe_secret;
    cln->data = zone->secret;

    rv = ngx_http_sealed_read_file(cf, &value[1], 1, data, &size);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    error = sealed_master_secret_parse(zone->secret, (char *) data, size,
                                       &line);
    ngx_explicit_memzero(data, sizeof(data));

    if (error) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%V\", line %ud: %s",
                           &value[1], line, error);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


static void
ngx_http_sealed_wipe_secret(void *data)
{
    sealed_master_secret_wipe(data);
}


char *
ngx_http_sealed_authority(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    char                         *rv;
    u_char                        data[NGX_HTTP_SEALED_MAX_KEY_FILE];
    size_t                        size;
    ngx_str_t                    *value;
    ngx_uint_t                    i;
    sealed_bytes_t                text;
    ngx_http_sealed_authority_t  *authority, *other;

    value = cf->args->elts;

    rv = ngx_http_sealed_read_file(cf, &value[1], 0, data, &size);

    if (rv != NGX_CONF_OK) {
        return rv;
    }

    while (size && (data[size - 1] == LF || data[size - 1] == CR)) {
        size--;
    }

    authority = ngx_array_push(&zone->authorities);
    if (authority == NULL) {
        return NGX_CONF_ERROR;
    }

    text.data = data;
    text.size = size;

    if (sealed_base64url_decode(authority->key, 32, text) != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not an authority's public key: "
                           "43 characters of base64url", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (crypto_core_ed25519_is_valid_point(authority->key) != 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" is not an Ed25519 public key",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    sealed_authority_id(authority->id, authority->key);

    other = zone->authorities.elts;

    for (i = 0; i < zone->authorities.nelts - 1; i++) {
        if (ngx_memcmp(other[i].id, authority->id, sizeof(authority->id))
            == 0)
        {
            return "is duplicate";
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_read_file(ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t secret,
    u_char *data, size_t *size)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_err_t        err;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        err = ngx_errno;
        ngx_conf_log_error(NGX_LOG_EMERG, cf, err,
                           ngx_open_file_n " \"%V\" failed%s", name,
                           err != NGX_ENOENT ? ""
                           : secret ? ", \"sealed keygen deployment\" makes "
                                      "a master secret"
                           : ", \"sealed keygen authority\" makes an "
                             "authority");
        return NGX_CONF_ERROR;
    }

    n = -1;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_fd_info_n " \"%V\" failed", name);

    } else if (secret && (fi.st_mode & 077)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"%V\" can be read by others, "
                           "its mode must be 0600", name);

    } else {
        n = ngx_read_fd(fd, data, NGX_HTTP_SEALED_MAX_KEY_FILE);

        if (n == -1) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                               ngx_read_fd_n " \"%V\" failed", name);

        } else if (n == NGX_HTTP_SEALED_MAX_KEY_FILE) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"%V\" is too long for a key file", name);
            n = -1;
        }
    }

    (void) ngx_close_file(fd);

    if (n == -1) {
        return NGX_CONF_ERROR;
    }

    *size = n;

    return NGX_CONF_OK;
}
