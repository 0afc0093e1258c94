
/* the directives of a sealed_zone block, and the bounds of their numbers */

#include "ngx_http_sealed_limit.h"


#define ngx_http_sealed_field(name)                                          \
    offsetof(ngx_http_sealed_zone_conf_t, name),                             \
    sizeof(((ngx_http_sealed_zone_conf_t *) NULL)->name)


static char *ngx_http_sealed_envelope_sizes(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_epoch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_release_quantum(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_threads(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);


static ngx_http_sealed_limit_t  ngx_http_sealed_max_recipients = {
    "", NGX_HTTP_SEALED_NUMBER, 1, 100000, "1 to 100000",
    ngx_http_sealed_field(limits.max_recipients)
};


static ngx_http_sealed_limit_t  ngx_http_sealed_max_ttl = {
    "", NGX_HTTP_SEALED_SECONDS, 60, 366 * 86400, "1m to 366d",
    ngx_http_sealed_field(max_ttl)
};


static ngx_http_sealed_limit_t  ngx_http_sealed_certificate_lifetime = {
    "", NGX_HTTP_SEALED_SECONDS, 60, 366 * 86400, "1m to 366d",
    ngx_http_sealed_field(certificate_lifetime)
};


static ngx_http_sealed_limit_t  ngx_http_sealed_max_batch = {
    "", NGX_HTTP_SEALED_NUMBER, 1, SEALED_MAX_BATCH, "1 to 64",
    ngx_http_sealed_field(max_batch)
};


static ngx_http_sealed_limit_t  ngx_http_sealed_mailbox[] = {

    { "envelopes=", NGX_HTTP_SEALED_NUMBER,
      1, NGX_MAX_INT32_VALUE, "1 to 2147483647",
      ngx_http_sealed_field(mailbox.envelopes) },

    { "bytes=", NGX_HTTP_SEALED_OCTETS,
      1, UINT32_MAX, "below 4g",
      ngx_http_sealed_field(mailbox.bytes) },

    { "idle=", NGX_HTTP_SEALED_SECONDS,
      60, NGX_MAX_INT32_VALUE, "1m to 68y",
      ngx_http_sealed_field(mailbox.idle_seconds) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


static ngx_http_sealed_limit_t  ngx_http_sealed_first_uses[] = {

    { "address=", NGX_HTTP_SEALED_NUMBER,
      1, 1000000, "1 to 1000000",
      ngx_http_sealed_field(first_use_address.rate) },

    { "worker=", NGX_HTTP_SEALED_NUMBER,
      1, 1000000, "1 to 1000000",
      ngx_http_sealed_field(first_use_worker.rate) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


static ngx_http_sealed_limit_t  ngx_http_sealed_readers[] = {

    { "mailbox=", NGX_HTTP_SEALED_NUMBER,
      1, 1000000, "1 to 1000000",
      ngx_http_sealed_field(readers.mailbox) },

    { "connection=", NGX_HTTP_SEALED_NUMBER,
      1, 1000000, "1 to 1000000",
      ngx_http_sealed_field(readers.connection) },

    { "worker=", NGX_HTTP_SEALED_NUMBER,
      1, SEALED_READERS_MAX, "1 to 131072",
      ngx_http_sealed_field(readers.worker) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


static ngx_http_sealed_limit_t  ngx_http_sealed_reader_times[] = {

    { "heartbeat=", NGX_HTTP_SEALED_SECONDS,
      1, 3600, "1s to 1h",
      ngx_http_sealed_field(readers.heartbeat) },

    { "stall=", NGX_HTTP_SEALED_SECONDS,
      1, 3600, "1s to 1h",
      ngx_http_sealed_field(readers.stall) },

    { "jitter=", NGX_HTTP_SEALED_MILLISECONDS,
      0, 600000, "0 to 10m",
      ngx_http_sealed_field(readers.jitter) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


static ngx_http_sealed_limit_t  ngx_http_sealed_websocket[] = {

    { "frames=", NGX_HTTP_SEALED_NUMBER,
      1, 1000000, "1 to 1000000",
      ngx_http_sealed_field(readers.frames) },

    { "unacknowledged=", NGX_HTTP_SEALED_OCTETS,
      1, 1024 * 1024 * 1024, "1 to 1g",
      ngx_http_sealed_field(readers.unacknowledged) },

    { NULL, 0, 0, 0, NULL, 0, 0 }
};


/* the directives of the sealed_zone block */

static ngx_command_t  ngx_http_sealed_zone_commands[] = {

    { ngx_string("master_secret"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_master_secret,
      0, 0, NULL },

    { ngx_string("authority"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_authority,
      0, 0, NULL },

    { ngx_string("class"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_2MORE,
      ngx_http_sealed_class,
      0, 0, NULL },

    { ngx_string("envelope_sizes"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_1MORE,
      ngx_http_sealed_envelope_sizes,
      0, 0, NULL },

    { ngx_string("max_recipients"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_limit,
      0, 0, &ngx_http_sealed_max_recipients },

    { ngx_string("max_ttl"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_limit,
      0, 0, &ngx_http_sealed_max_ttl },

    { ngx_string("certificate_lifetime"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_limit,
      0, 0, &ngx_http_sealed_certificate_lifetime },

    { ngx_string("epoch"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_epoch,
      0, 0, NULL },

    { ngx_string("mailbox"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_limits,
      0, 0, ngx_http_sealed_mailbox },

    { ngx_string("first_uses"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_limits,
      0, 0, ngx_http_sealed_first_uses },

    { ngx_string("max_batch"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_limit,
      0, 0, &ngx_http_sealed_max_batch },

    { ngx_string("threads"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_threads,
      0, 0, NULL },

    { ngx_string("readers"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_limits,
      0, 0, ngx_http_sealed_readers },

    { ngx_string("reader_times"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_limits,
      0, 0, ngx_http_sealed_reader_times },

    { ngx_string("release_quantum"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_release_quantum,
      0, 0, NULL },

    { ngx_string("websocket"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_limits,
      0, 0, ngx_http_sealed_websocket },

    { ngx_string("websocket_origins"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_1MORE,
      ngx_http_sealed_origins,
      0, 0, NULL },

    { ngx_string("prefix"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_prefix,
      0, 0, NULL },

      ngx_null_command
};


ngx_module_t  ngx_http_sealed_zone_module = {
    NGX_MODULE_V1,
    NULL,                                  /* module context */
    ngx_http_sealed_zone_commands,         /* module directives */
    NGX_SEALED_MODULE,                     /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


static char *
ngx_http_sealed_envelope_sizes(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ssize_t      size, last;
    ngx_str_t   *value;
    ngx_uint_t   i;

    if (zone->limits.nsizes) {
        return "is duplicate";
    }

    if (cf->args->nelts - 1 > SEALED_MAX_ENVELOPE_SIZES) {
        return "has more than 16 sizes";
    }

    value = cf->args->elts;
    last = 0;

    for (i = 1; i < cf->args->nelts; i++) {
        size = ngx_parse_size(&value[i]);

        if (size == NGX_ERROR || size < 64 || size > SEALED_MAX_ENVELOPE) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid envelope size \"%V\", it is 64 to "
                               "16m", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (size <= last) {
            return "must have ascending sizes";
        }

        zone->limits.envelope_sizes[zone->limits.nsizes++] = (uint32_t) size;
        last = size;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_epoch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t   n;
    ngx_str_t  *value, text;

    if (ngx_http_sealed_given(cmd, zone)) {
        return "is duplicate";
    }

    value = cf->args->elts;
    n = ngx_parse_time(&value[1], 1);

    if (n == NGX_ERROR || n < 60 || n > 31 * 86400) {
        return "has an invalid value, it is 1m to 31d";
    }

    zone->epoch = n;
    zone->epoch_overlap = ngx_min(zone->epoch_overlap, n);

    if (cf->args->nelts == 3) {
        n = NGX_ERROR;

        if (ngx_http_sealed_parameter(&value[2], "overlap=", &text)) {
            n = ngx_parse_time(&text, 1);
        }

        if (n == NGX_ERROR || n > zone->epoch) {
            return "has an invalid \"overlap=\", it is at most an epoch";
        }

        zone->epoch_overlap = n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_release_quantum(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    if (ngx_http_sealed_given(cmd, zone)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        zone->readers.quantum = 0;
        return NGX_CONF_OK;
    }

    n = ngx_parse_time(&value[1], 0);

    if (n == NGX_ERROR || n < 10 || n > 60000) {
        return "has an invalid value, it is \"off\" or 10ms to 1m";
    }

    zone->readers.quantum = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t       *value;
    ngx_uint_t       i;
    sealed_bytes_t  *origin;

    if (zone->readers.origins) {
        return "is duplicate";
    }

    value = cf->args->elts;

    zone->readers.origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                             sizeof(sealed_bytes_t));
    if (zone->readers.origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (!ngx_http_sealed_is_origin(&value[i])) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid origin \"%V\", it is "
                               "\"https://name\" without anything behind",
                               &value[i]);
            return NGX_CONF_ERROR;
        }

        origin = ngx_array_push(zone->readers.origins);
        if (origin == NULL) {
            return NGX_CONF_ERROR;
        }

        origin->data = value[i].data;
        origin->size = value[i].len;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_prefix(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t  *value;

    if (ngx_http_sealed_given(cmd, zone)) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (value[1].len < 2
        || value[1].data[0] != '/'
        || value[1].data[value[1].len - 1] == '/')
    {
        return "must begin with \"/\" and not end with it";
    }

    if (!ngx_http_sealed_word(&value[1], "/._~-")) {
        return "has more than 32 characters, or others than letters, digits, "
               "\"/\", \".\", \"_\", \"~\" and \"-\"";
    }

    zone->prefix = value[1];

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_threads(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t  *value;

    if (zone->threads_off || zone->threads_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;

    if (ngx_strcmp(value[1].data, "off") == 0) {
        zone->threads_off = 1;
        return NGX_CONF_OK;
    }

#if (NGX_THREADS)

    zone->threads_name = value[1];

    return NGX_CONF_OK;

#else

    return "needs an nginx that is built with threads";

#endif
}
