
#include "ngx_http_sealed.h"

#include <sodium.h>
#include <sys/mman.h>


#define NGX_HTTP_SEALED_MAX_KEY_FILE  4096
#define NGX_HTTP_SEALED_MAX_WORD      32


static char *ngx_http_sealed_master_secret(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_authority(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_class(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_envelope_sizes(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_max_recipients(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_time(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_epoch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_mailbox_limits(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_first_use_rates(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_readers(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_reader_times(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_release_quantum(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_websocket_limits(ngx_conf_t *cf,
    ngx_command_t *cmd, void *conf);
static char *ngx_http_sealed_origins(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_prefix(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_max_batch(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static char *ngx_http_sealed_threads(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
static ngx_uint_t ngx_http_sealed_word(ngx_str_t *text, const char *others);
static ngx_int_t ngx_http_sealed_number(ngx_str_t *text, ngx_int_t min,
    ngx_int_t max);
static char *ngx_http_sealed_read_file(ngx_conf_t *cf, ngx_str_t *name,
    ngx_uint_t secret, u_char *data, size_t *size);
static ngx_int_t ngx_http_sealed_storage(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_str_t *arg);
static ngx_int_t ngx_http_sealed_journal_finish(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static char *ngx_http_sealed_zone_finish(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_uint_t ngx_http_sealed_same_secret(
    ngx_http_sealed_zone_conf_t *one, ngx_http_sealed_zone_conf_t *other);
static void ngx_http_sealed_wipe_secret(void *data);


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
      ngx_http_sealed_max_recipients,
      0, 0, NULL },

    { ngx_string("max_ttl"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_time,
      0, offsetof(ngx_http_sealed_zone_conf_t, max_ttl), NULL },

    { ngx_string("certificate_lifetime"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_time,
      0, offsetof(ngx_http_sealed_zone_conf_t, certificate_lifetime), NULL },

    { ngx_string("epoch"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_epoch,
      0, 0, NULL },

    { ngx_string("mailbox"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_mailbox_limits,
      0, 0, NULL },

    { ngx_string("first_uses"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_first_use_rates,
      0, 0, NULL },

    { ngx_string("max_batch"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_max_batch,
      0, 0, NULL },

    { ngx_string("threads"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_threads,
      0, 0, NULL },

    { ngx_string("readers"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_readers,
      0, 0, NULL },

    { ngx_string("reader_times"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE123,
      ngx_http_sealed_reader_times,
      0, 0, NULL },

    { ngx_string("release_quantum"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE1,
      ngx_http_sealed_release_quantum,
      0, 0, NULL },

    { ngx_string("websocket"),
      NGX_SEALED_ZONE_CONF|NGX_CONF_TAKE12,
      ngx_http_sealed_websocket_limits,
      0, 0, NULL },

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


char *
ngx_http_sealed_zone_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_main_conf_t  *smcf = conf;

    char                          *rv;
    void                         **ctx;
    off_t                          size;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_conf_t                     save;
    ngx_http_sealed_zone_conf_t   *zone, **slot;

    value = cf->args->elts;

    if (!ngx_http_sealed_word(&value[1], "._-")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of a sealed_zone, it is at "
                           "most 32 letters, digits, \".\", \"_\" and "
                           "\"-\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    if (ngx_http_sealed_zone_find(smcf, &value[1])) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "duplicate sealed_zone \"%V\"", &value[1]);
        return NGX_CONF_ERROR;
    }

    size = ngx_parse_offset(&value[2]);     /* gigabytes too */

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" of sealed_zone \"%V\"",
                           &value[2], &value[1]);
        return NGX_CONF_ERROR;
    }

    size = ngx_align(size, SEALED_PAGE_SIZE);

    if (size < (off_t) sealed_zone_min_size()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sealed_zone \"%V\" is too small, "
                           "it needs at least %uzk",
                           &value[1], sealed_zone_min_size() / 1024);
        return NGX_CONF_ERROR;
    }

    if (size > (off_t) SEALED_ZONE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sealed_zone \"%V\" is too large, "
                           "it may have at most %uLg",
                           &value[1], SEALED_ZONE_MAX >> 30);
        return NGX_CONF_ERROR;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_sealed_zone_conf_t));
    if (zone == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->zone = ngx_pcalloc(cf->pool, sizeof(sealed_zone_t));
    if (zone->zone == NULL) {
        return NGX_CONF_ERROR;
    }

    zone->name = value[1];
    zone->size = size;
    zone->journal.sync = SEALED_JOURNAL_SYNC_ALWAYS;
    zone->journal.interval = 1000;
    zone->journal.segment = 64 * 1024 * 1024;

    for (i = 3; i < cf->args->nelts; i++) {

        if (ngx_http_sealed_storage(cf, zone, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    zone->file = cf->conf_file->file.name;
    zone->line = cf->conf_file->line;

    zone->certificate_lifetime = 7 * 86400;
    zone->epoch = 86400;
    zone->epoch_overlap = 3600;
    zone->max_ttl = 30 * 86400;
    zone->max_batch = 16;
    zone->limits.max_recipients = 5000;
    zone->mailbox.envelopes = 1000;
    zone->mailbox.bytes = 16 * 1024 * 1024;
    zone->mailbox.idle_seconds = 90 * 86400;
    zone->readers.heartbeat = 25;
    zone->readers.stall = 30;
    zone->readers.jitter = 5000;
    zone->readers.mailbox = 16;
    zone->readers.connection = 32;
    zone->readers.worker = 50000;
    zone->readers.frames = 50;
    zone->readers.unacknowledged = 1024 * 1024;
    zone->first_use_address.rate = 20;
    zone->first_use_address.burst = 200;
    zone->first_use_worker.rate = 2000;
    zone->first_use_worker.burst = 2000;
    ngx_str_set(&zone->prefix, "/v1");

    if (ngx_array_init(&zone->authorities, cf->pool, 2,
                       sizeof(ngx_http_sealed_authority_t))
        != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&smcf->zones);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = zone;

    (void) ngx_count_modules(cf->cycle, NGX_SEALED_MODULE);

    /* nginx looks up ctx -> array by module -> configuration */

    ctx = ngx_palloc(cf->pool, 2 * sizeof(void *));
    if (ctx == NULL) {
        return NGX_CONF_ERROR;
    }

    ctx[0] = &ctx[1];
    ctx[1] = zone;

    save = *cf;
    cf->ctx = ctx;
    cf->module_type = NGX_SEALED_MODULE;
    cf->cmd_type = NGX_SEALED_ZONE_CONF;

    rv = ngx_conf_parse(cf, NULL);

    *cf = save;

    return rv == NGX_CONF_OK ? ngx_http_sealed_zone_finish(cf, zone) : rv;
}


/* where mail is beside memory */

static ngx_int_t
ngx_http_sealed_storage(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone,
    ngx_str_t *arg)
{
    ssize_t    size;
    ngx_int_t  n;
    ngx_str_t  text;

    if (ngx_http_sealed_parameter(arg, "file=", &zone->path)) {
        return ngx_conf_full_name(cf->cycle, &zone->path, 0);
    }

    if (ngx_http_sealed_parameter(arg, "journal=", &zone->journal.path)) {
        return ngx_conf_full_name(cf->cycle, &zone->journal.path, 0);
    }

    if (ngx_http_sealed_parameter(arg, "sync=", &text)) {

        if (text.len == 6 && ngx_strncmp(text.data, "always", 6) == 0) {
            zone->journal.sync = SEALED_JOURNAL_SYNC_ALWAYS;
            return NGX_OK;
        }

        if (text.len == 3 && ngx_strncmp(text.data, "off", 3) == 0) {
            zone->journal.sync = SEALED_JOURNAL_SYNC_OFF;
            return NGX_OK;
        }

        n = ngx_parse_time(&text, 0);

        if (n == NGX_ERROR || n < 10 || n > 60000) {
            return NGX_ERROR;
        }

        zone->journal.sync = SEALED_JOURNAL_SYNC_TIMED;
        zone->journal.interval = n;

        return NGX_OK;
    }

    if (ngx_http_sealed_parameter(arg, "segment=", &text)) {
        size = ngx_parse_size(&text);

        if (size == NGX_ERROR
            || size < SEALED_JOURNAL_SEGMENT_MIN
            || size > SEALED_JOURNAL_SEGMENT_MAX)
        {
            return NGX_ERROR;
        }

        zone->journal.segment = size;

        return NGX_OK;
    }

    return NGX_ERROR;
}


static char *
ngx_http_sealed_zone_finish(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone)
{
    uint64_t    largest;
    ngx_uint_t  i, classes;

    static const uint32_t  sizes[] = { 512, 1024, 4096, 16384, 65536 };

    classes = 0;

    for (i = 0; i < 256; i++) {
        classes += zone->classes[i].defined;
        zone->issues += zone->classes[i].quota > 0;

        if (zone->classes[i].defined) {
            zone->classes[i].rule.epoch_seconds = (uint32_t) zone->epoch;
        }
    }

    if (zone->secret == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"master_secret\" in sealed_zone \"%V\"",
                           &zone->name);
        return NGX_CONF_ERROR;
    }

    if (classes == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"class\" in sealed_zone \"%V\"", &zone->name);
        return NGX_CONF_ERROR;
    }

    if (zone->authorities.nelts == 0 && zone->issues == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "no \"authority\" in sealed_zone \"%V\" and no "
                           "class with \"quota=\", nobody can have a "
                           "certificate", &zone->name);
        return NGX_CONF_ERROR;
    }

    if (classes > SEALED_MAX_CLASSES) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "more than %d classes in sealed_zone \"%V\"",
                           SEALED_MAX_CLASSES, &zone->name);
        return NGX_CONF_ERROR;
    }

#if (NGX_THREADS)

    if (!zone->threads_off) {
        zone->threads = ngx_thread_pool_add(cf, zone->threads_name.len
                                                ? &zone->threads_name
                                                : NULL);
        if (zone->threads == NULL) {
            return NGX_CONF_ERROR;
        }
    }

#endif

    if (zone->limits.nsizes == 0) {
        zone->limits.nsizes = sizeof(sizes) / sizeof(sizes[0]);
        ngx_memcpy(zone->limits.envelope_sizes, sizes, sizeof(sizes));
    }

    if (zone->journal.path.len
        && ngx_http_sealed_journal_finish(cf, zone) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    largest = zone->limits.envelope_sizes[zone->limits.nsizes - 1]
              + SEALED_MAX_HEADER;

    if (zone->mailbox.bytes < largest) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a mailbox of sealed_zone \"%V\" has no room for "
                           "an envelope of the largest size, it needs at "
                           "least \"bytes=%uL\"", &zone->name, largest);
        return NGX_CONF_ERROR;
    }

    return NGX_CONF_OK;
}


/* a batch, and a segment, hold the largest fan-out */

static ngx_int_t
ngx_http_sealed_journal_finish(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone)
{
    size_t      record;
    ngx_uint_t  threads;

#if (NGX_THREADS)
    threads = zone->threads != NULL;
#else
    threads = 0;
#endif

    if (!threads) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the journal of sealed_zone \"%V\" is written by "
                           "threads, which it has not", &zone->name);
        return NGX_ERROR;
    }

    record = sealed_journal_record_size(sealed_journal_envelope_size(
                 zone->limits.max_recipients, SEALED_MAX_HEADER,
                 SEALED_STAMP_SIZE,
                 zone->limits.envelope_sizes[zone->limits.nsizes - 1]))
             + SEALED_JOURNAL_BLOCK;

    if (record > zone->journal.segment) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "a segment of the journal of sealed_zone \"%V\" "
                           "has no room for the largest fan-out, it needs at "
                           "least \"segment=%uzk\"", &zone->name,
                           record / 1024 + 1);
        return NGX_ERROR;
    }

    zone->journal.buffer = ngx_max(record, 4 * 1024 * 1024);

    return NGX_OK;
}


ngx_http_sealed_zone_conf_t *
ngx_http_sealed_zone_find(ngx_http_sealed_main_conf_t *smcf, ngx_str_t *name)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        if (zone[i]->name.len == name->len
            && ngx_strncmp(zone[i]->name.data, name->data, name->len) == 0)
        {
            return zone[i];
        }
    }

    return NULL;
}


/*
 * While the old configuration can still be kept: everything that might have
 * to be refused is refused here.
 */

ngx_int_t
ngx_http_sealed_zones_init(ngx_conf_t *cf, ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i, j;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        for (j = 0; j < i; j++) {
            if (ngx_http_sealed_same_secret(zone[j], zone[i])) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "sealed_zone \"%V\" and \"%V\" have the same "
                              "master secret in %V:%ui", &zone[j]->name,
                              &zone[i]->name, &zone[i]->file, zone[i]->line);
                return NGX_ERROR;
            }
        }
    }

    for (i = 0; i < smcf->zones.nelts; i++) {
        zone[i]->mailbox.ntags = zone[i]->secret->count;

        for (j = 0; j < zone[i]->secret->count; j++) {
            zone[i]->mailbox.tag[j] = zone[i]->secret->line[j].tag;
        }

        if (ngx_http_sealed_map(cf, zone[i]) != NGX_OK
            || ngx_http_sealed_online_init(cf->log, zone[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return ngx_http_sealed_wake_create(cf->log);
}


static ngx_uint_t
ngx_http_sealed_same_secret(ngx_http_sealed_zone_conf_t *one,
    ngx_http_sealed_zone_conf_t *other)
{
    ngx_uint_t  i;

    for (i = 0; i < other->secret->count; i++) {
        if (sealed_master_secret_find(one->secret,
                                      other->secret->line[i].tag))
        {
            return 1;
        }
    }

    return 0;
}


/* a place for this worker in each zone */

ngx_int_t
ngx_http_sealed_zones_init_process(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        if (sealed_worker_claim(zone[i]->zone) != 0) {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, 0,
                          "more than %d workers use sealed zone \"%V\"",
                          SEALED_WORKERS, &zone[i]->name);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


void
ngx_http_sealed_zones_exit_process(ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        sealed_worker_release(zone[i]->zone);
    }
}


static char *
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


static char *
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
ngx_http_sealed_class(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t                 n;
    ngx_str_t                *value, text;
    ngx_uint_t                i;
    ngx_http_sealed_class_t  *class;

    value = cf->args->elts;

    n = ngx_http_sealed_number(&value[2], 0, 255);

    if (n == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid class number \"%V\", it is 0 to 255",
                           &value[2]);
        return NGX_CONF_ERROR;
    }

    if (!ngx_http_sealed_word(&value[1], "._-")) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid name \"%V\" of a class, it is at most "
                           "32 letters, digits, \".\", \"_\" and \"-\"",
                           &value[1]);
        return NGX_CONF_ERROR;
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
            return NGX_CONF_ERROR;
        }
    }

    class = &zone->classes[n];
    class->name = value[1];
    class->number = n;
    class->defined = 1;
    class->mailboxes = 1;

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
            return NGX_CONF_ERROR;
        }
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
ngx_http_sealed_max_recipients(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    value = cf->args->elts;
    n = ngx_http_sealed_number(&value[1], 1, 100000);

    if (n == NGX_ERROR) {
        return "has an invalid value, it is 1 to 100000";
    }

    zone->limits.max_recipients = (uint32_t) n;

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_time(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    time_t     *field;
    ngx_int_t   n;
    ngx_str_t  *value;

    value = cf->args->elts;
    n = ngx_parse_time(&value[1], 1);

    if (n == NGX_ERROR || n < 60 || n > 366 * 86400) {
        return "has an invalid value, it is 1m to 366d";
    }

    field = (time_t *) ((char *) conf + cmd->offset);
    *field = n;

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_epoch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t   n;
    ngx_str_t  *value, text;

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
ngx_http_sealed_mailbox_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    off_t       bytes;
    ngx_int_t   n;
    ngx_str_t  *value, text;
    ngx_uint_t  i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        n = NGX_ERROR;

        if (ngx_http_sealed_parameter(&value[i], "envelopes=", &text)) {
            n = ngx_http_sealed_number(&text, 1, NGX_MAX_INT32_VALUE);
            zone->mailbox.envelopes = (uint32_t) n;

        } else if (ngx_http_sealed_parameter(&value[i], "bytes=", &text)) {
            bytes = ngx_parse_offset(&text);
            n = bytes > 0 && bytes <= (off_t) UINT32_MAX ? NGX_OK : NGX_ERROR;
            zone->mailbox.bytes = (uint32_t) bytes;

        } else if (ngx_http_sealed_parameter(&value[i], "idle=", &text)) {
            n = ngx_parse_time(&text, 1);

            if (n < 60 || n > NGX_MAX_INT32_VALUE) {
                n = NGX_ERROR;
            }

            zone->mailbox.idle_seconds = (uint32_t) n;
        }

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_first_use_rates(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t       n;
    ngx_str_t      *value, text;
    ngx_uint_t      i;
    sealed_rate_t  *rate;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        n = NGX_ERROR;
        rate = &zone->first_use_address;

        if (ngx_http_sealed_parameter(&value[i], "address=", &text)) {
            n = ngx_http_sealed_number(&text, 1, 1000000);

        } else if (ngx_http_sealed_parameter(&value[i], "worker=", &text)) {
            rate = &zone->first_use_worker;
            n = ngx_http_sealed_number(&text, 1, 1000000);
        }

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        rate->rate = (uint32_t) n;
        rate->burst = rate == &zone->first_use_address
                      ? (uint32_t) n * 10 : (uint32_t) n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_readers(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t    n;
    ngx_str_t   *value, text;
    ngx_uint_t   i, *field;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        field = NULL;

        if (ngx_http_sealed_parameter(&value[i], "mailbox=", &text)) {
            field = &zone->readers.mailbox;

        } else if (ngx_http_sealed_parameter(&value[i], "connection=",
                                             &text))
        {
            field = &zone->readers.connection;

        } else if (ngx_http_sealed_parameter(&value[i], "worker=", &text)) {
            field = &zone->readers.worker;
        }

        n = field ? ngx_http_sealed_number(&text, 1, 1000000) : NGX_ERROR;

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        *field = n;
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_reader_times(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t    n;
    ngx_str_t   *value, text;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        n = NGX_ERROR;

        if (ngx_http_sealed_parameter(&value[i], "heartbeat=", &text)) {
            n = ngx_parse_time(&text, 1);
            n = n < 1 || n > 3600 ? NGX_ERROR : n;
            zone->readers.heartbeat = n;

        } else if (ngx_http_sealed_parameter(&value[i], "stall=", &text)) {
            n = ngx_parse_time(&text, 1);
            n = n < 1 || n > 3600 ? NGX_ERROR : n;
            zone->readers.stall = n;

        } else if (ngx_http_sealed_parameter(&value[i], "jitter=", &text)) {
            n = ngx_parse_time(&text, 0);
            n = n > 600000 ? NGX_ERROR : n;
            zone->readers.jitter = n;
        }

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
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
ngx_http_sealed_websocket_limits(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ssize_t      n;
    ngx_str_t   *value, text;
    ngx_uint_t   i;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        n = NGX_ERROR;

        if (ngx_http_sealed_parameter(&value[i], "frames=", &text)) {
            n = ngx_http_sealed_number(&text, 1, 1000000);
            zone->readers.frames = n;

        } else if (ngx_http_sealed_parameter(&value[i], "unacknowledged=",
                                             &text))
        {
            n = ngx_parse_size(&text);
            n = n < 1 ? NGX_ERROR : n;
            zone->readers.unacknowledged = n;
        }

        if (n == NGX_ERROR) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_origins(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t   *value, *origin;
    ngx_uint_t   i;

    if (zone->readers.origins) {
        return "is duplicate";
    }

    value = cf->args->elts;

    zone->readers.origins = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                             sizeof(ngx_str_t));
    if (zone->readers.origins == NULL) {
        return NGX_CONF_ERROR;
    }

    for (i = 1; i < cf->args->nelts; i++) {

        if (ngx_strstr(value[i].data, "://") == NULL
            || value[i].data[value[i].len - 1] == '/')
        {
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

        *origin = value[i];
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_sealed_prefix(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_str_t  *value;

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
ngx_http_sealed_max_batch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_zone_conf_t  *zone = conf;

    ngx_int_t   n;
    ngx_str_t  *value;

    value = cf->args->elts;
    n = ngx_http_sealed_number(&value[1], 1, SEALED_MAX_BATCH);

    if (n == NGX_ERROR) {
        return "has an invalid value, it is 1 to 64";
    }

    zone->max_batch = n;

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


/* a name that needs no escape, wherever it is shown */

static ngx_uint_t
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


static ngx_int_t
ngx_http_sealed_number(ngx_str_t *text, ngx_int_t min, ngx_int_t max)
{
    ngx_int_t  n;

    n = ngx_atoi(text->data, text->len);

    return n == NGX_ERROR || n < min || n > max ? NGX_ERROR : n;
}


static char *
ngx_http_sealed_read_file(ngx_conf_t *cf, ngx_str_t *name, ngx_uint_t secret,
    u_char *data, size_t *size)
{
    ssize_t          n;
    ngx_fd_t         fd;
    ngx_file_info_t  fi;

    if (ngx_conf_full_name(cf->cycle, name, 1) != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    fd = ngx_open_file(name->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, ngx_errno,
                           ngx_open_file_n " \"%V\" failed", name);
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
