
#include "ngx_http_sealed_limit.h"


static ngx_http_sealed_zone_conf_t *ngx_http_sealed_zone_create(
    ngx_conf_t *cf);
static ngx_int_t ngx_http_sealed_zone_size(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_str_t *text);
static ngx_int_t ngx_http_sealed_zone_parameters(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static char *ngx_http_sealed_zone_parse(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_uint_t ngx_http_sealed_same_path(ngx_str_t *one, ngx_str_t *two);
static ngx_int_t ngx_http_sealed_storage(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_str_t *arg);
static char *ngx_http_sealed_zone_finish(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_journal_finish(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_uint_t ngx_http_sealed_same_secret(ngx_http_sealed_zone_conf_t *one,
    ngx_http_sealed_zone_conf_t *other);


char *
ngx_http_sealed_zone_block(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_main_conf_t  *smcf = conf;

    char                          *rv;
    ngx_str_t                     *value;
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

    zone = ngx_http_sealed_zone_create(cf);

    if (zone == NULL
        || ngx_http_sealed_zone_size(cf, zone, &value[2]) != NGX_OK
        || ngx_http_sealed_zone_parameters(cf, zone) != NGX_OK)
    {
        return NGX_CONF_ERROR;
    }

    slot = ngx_array_push(&smcf->zones);
    if (slot == NULL) {
        return NGX_CONF_ERROR;
    }

    *slot = zone;

    rv = ngx_http_sealed_zone_parse(cf, zone);

    return rv == NGX_CONF_OK ? ngx_http_sealed_zone_finish(cf, zone) : rv;
}


/* with the defaults of all its directives */

static ngx_http_sealed_zone_conf_t *
ngx_http_sealed_zone_create(ngx_conf_t *cf)
{
    ngx_str_t                    *value;
    ngx_http_sealed_zone_conf_t  *zone;

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_sealed_zone_conf_t));
    if (zone == NULL) {
        return NULL;
    }

    zone->zone = ngx_pcalloc(cf->pool, sizeof(sealed_zone_t));

    if (zone->zone == NULL
        || ngx_array_init(&zone->authorities, cf->pool, 2,
                          sizeof(ngx_http_sealed_authority_t))
           != NGX_OK)
    {
        return NULL;
    }

    value = cf->args->elts;

    zone->name = value[1];
    zone->file = cf->conf_file->file.name;
    zone->line = cf->conf_file->line;

    zone->journal.sync = SEALED_JOURNAL_SYNC_ALWAYS;
    zone->journal.interval = 1000;
    zone->journal.segment = 64 * 1024 * 1024;
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
    zone->first_use_worker.rate = 2000;
    ngx_str_set(&zone->prefix, "/v1");

    return zone;
}


static ngx_int_t
ngx_http_sealed_zone_size(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone,
    ngx_str_t *text)
{
    off_t  size;

    size = ngx_parse_offset(text);          /* gigabytes too */

    if (size == NGX_ERROR) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid size \"%V\" of sealed_zone \"%V\"",
                           text, &zone->name);
        return NGX_ERROR;
    }

    size = ngx_align(size, SEALED_PAGE_SIZE);

    if (size < (off_t) sealed_zone_min_size()) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sealed_zone \"%V\" is too small, "
                           "it needs at least %uzk",
                           &zone->name, sealed_zone_min_size() / 1024);
        return NGX_ERROR;
    }

    if (size > (off_t) SEALED_ZONE_MAX) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "sealed_zone \"%V\" is too large, "
                           "it may have at most %uLg",
                           &zone->name, SEALED_ZONE_MAX >> 30);
        return NGX_ERROR;
    }

    zone->size = size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_zone_parameters(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone)
{
    ngx_str_t   *value;
    ngx_uint_t   i, journal;

    value = cf->args->elts;
    journal = 0;

    for (i = 3; i < cf->args->nelts; i++) {

        if (ngx_http_sealed_storage(cf, zone, &value[i]) != NGX_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"%s", &value[i],
                               ngx_strncmp(value[i].data, "sync=", 5) == 0
                               ? ", it is \"always\", \"off\" or 10ms to 60s"
                               : ngx_strncmp(value[i].data, "segment=", 8) == 0
                               ? ", it is 64k to 1g" : "");
            return NGX_ERROR;
        }

        journal |= ngx_strncmp(value[i].data, "sync=", 5) == 0
                   || ngx_strncmp(value[i].data, "segment=", 8) == 0;
    }

    /* who asks for it believes that mail is on disk */

    if (journal && zone->journal.path.len == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"sync=\" and \"segment=\" of sealed_zone "
                           "\"%V\" need \"journal=\" beside them",
                           &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the block, whose directives nginx looks for in ctx -> array -> conf */

static char *
ngx_http_sealed_zone_parse(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone)
{
    char         *rv;
    void        **ctx;
    ngx_conf_t    save;

    (void) ngx_count_modules(cf->cycle, NGX_SEALED_MODULE);

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

    return rv;
}


/* where mail is beside memory */

static ngx_int_t
ngx_http_sealed_storage(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone,
    ngx_str_t *arg)
{
    off_t      size;
    ngx_int_t  n;
    ngx_str_t  text;

    if (zone->path.len == 0
        && ngx_http_sealed_parameter(arg, "file=", &zone->path))
    {
        return ngx_conf_full_name(cf->cycle, &zone->path, 0);
    }

    if (zone->journal.path.len == 0
        && ngx_http_sealed_parameter(arg, "journal=", &zone->journal.path))
    {
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
        size = ngx_parse_offset(&text);

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

    zone->first_use_address.burst = zone->first_use_address.rate * 10;
    zone->first_use_worker.burst = zone->first_use_worker.rate;

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
    size_t  record;

#if (NGX_THREADS)

    if (zone->threads == NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "the journal of sealed_zone \"%V\" is written by "
                           "threads, which it has not", &zone->name);
        return NGX_ERROR;
    }

#else

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "the journal of sealed_zone \"%V\" needs an nginx "
                       "that is built with threads", &zone->name);
    return NGX_ERROR;

#endif

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


static ngx_uint_t
ngx_http_sealed_same_path(ngx_str_t *one, ngx_str_t *two)
{
    return one->len
           && one->len == two->len
           && ngx_strncmp(one->data, two->data, one->len) == 0;
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

            if (ngx_http_sealed_same_path(&zone[j]->path, &zone[i]->path)
                || ngx_http_sealed_same_path(&zone[j]->journal.path,
                                             &zone[i]->journal.path))
            {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "sealed_zone \"%V\" and \"%V\" have the same "
                              "file or journal in %V:%ui", &zone[j]->name,
                              &zone[i]->name, &zone[i]->file, zone[i]->line);
                return NGX_ERROR;
            }
        }
    }

    /* "nginx -s" sends a signal to a nginx that has all of it in use */

    if (ngx_process == NGX_PROCESS_SIGNALLER) {
        return NGX_OK;
    }

    for (i = 0; i < smcf->zones.nelts; i++) {
        zone[i]->mailbox.ntags = zone[i]->secret->count;

        for (j = 0; j < zone[i]->secret->count; j++) {
            zone[i]->mailbox.tag[j] = zone[i]->secret->line[j].tag;
        }

        if (ngx_http_sealed_recover_same(cf->log, zone[i]) != NGX_OK
            || ngx_http_sealed_map(cf, zone[i]) != NGX_OK
            || ngx_http_sealed_online_init(cf->log, zone[i]) != NGX_OK)
        {
            return NGX_ERROR;
        }

        /* of a new binary's zone it is known already, and the same */

        zone[i]->zone->header->journaled = zone[i]->journal.path.len
                                           ? SEALED_ZONE_JOURNALED
                                           : SEALED_ZONE_UNJOURNALED;
    }

    return ngx_http_sealed_places_create(cf->log);
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
