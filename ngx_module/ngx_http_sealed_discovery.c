
#include "ngx_http_sealed.h"


static void ngx_http_sealed_discovery(sealed_json_t *json,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_get_only(ngx_http_request_t *r,
    ngx_int_t *rc);
static void ngx_http_sealed_member(sealed_json_t *json, const char *name,
    uint64_t value);


ngx_int_t
ngx_http_sealed_discovery_handler(ngx_http_request_t *r)
{
    size_t                       size;
    u_char                      *data;
    ngx_int_t                    rc;
    sealed_json_t                json;
    ngx_http_sealed_loc_conf_t  *slcf;

    if (ngx_http_sealed_get_only(r, &rc) != NGX_OK) {
        return rc;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    size = 4096 + slcf->discovery->authorities.nelts * 64
           + SEALED_MAX_CLASSES * 64;

    data = ngx_pnalloc(r->pool, size);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sealed_json_init(&json, (char *) data, size);
    ngx_http_sealed_discovery(&json, slcf->discovery);

    if (json.overflow) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_sealed_respond(r, NGX_HTTP_OK,
                                   &ngx_http_sealed_json_type, data,
                                   (u_char *) json.pos - data);
}


static void
ngx_http_sealed_discovery(sealed_json_t *json,
    ngx_http_sealed_zone_conf_t *zone)
{
    char                          name[64];
    ngx_uint_t                    i;
    ngx_http_sealed_class_t      *class;
    ngx_http_sealed_authority_t  *authority;

    sealed_json_object(json);

    ngx_http_sealed_member(json, "version", SEALED_PROTOCOL_VERSION);
    sealed_json_name(json, "prefix");
    sealed_json_string(json, zone->prefix.data, zone->prefix.len);

    sealed_json_name(json, "exchange_keys");
    sealed_json_array(json);

    for (i = 0; i < zone->secret->count; i++) {
        sealed_json_base64url(json, zone->secret->line[i].exchange_public,
                              32);
    }

    sealed_json_array_end(json);
    sealed_json_name(json, "issuer_keys");
    sealed_json_array(json);

    for (i = 0; i < zone->secret->count; i++) {
        sealed_json_base64url(json, zone->secret->line[i].issuer_public, 32);
    }

    sealed_json_array_end(json);
    sealed_json_name(json, "authorities");
    sealed_json_array(json);

    authority = zone->authorities.elts;

    for (i = 0; i < zone->authorities.nelts; i++) {
        sealed_json_base64url(json, authority[i].key, 32);
    }

    sealed_json_array_end(json);

    ngx_http_sealed_member(json, "epoch", ngx_time() / zone->epoch);
    ngx_http_sealed_member(json, "epoch_seconds", zone->epoch);
    ngx_http_sealed_member(json, "epoch_overlap_seconds",
                           zone->epoch_overlap);

    sealed_json_name(json, "classes");
    sealed_json_object(json);

    for (i = 0; i < 256; i++) {
        class = &zone->classes[i];

        if (class->defined) {
            *ngx_cpymem(name, class->name.data, class->name.len) = '\0';
            ngx_http_sealed_member(json, name, i);
        }
    }

    sealed_json_object_end(json);
    sealed_json_name(json, "envelope_sizes");
    sealed_json_array(json);

    for (i = 0; i < zone->limits.nsizes; i++) {
        sealed_json_uint(json, zone->limits.envelope_sizes[i]);
    }

    sealed_json_array_end(json);

    ngx_http_sealed_member(json, "max_recipients",
                           zone->limits.max_recipients);
    ngx_http_sealed_member(json, "max_header", SEALED_MAX_HEADER);
    ngx_http_sealed_member(json, "max_batch", zone->max_batch);
    ngx_http_sealed_member(json, "max_ttl", zone->max_ttl);
    ngx_http_sealed_member(json, "time", ngx_time());

    sealed_json_object_end(json);
}


ngx_int_t
ngx_http_sealed_status_handler(ngx_http_request_t *r)
{
    size_t                         size;
    u_char                        *data;
    ngx_int_t                      rc;
    ngx_uint_t                     i, readers, healed;
    sealed_json_t                  json;
    sealed_zone_status_t           status;
    sealed_zone_journal_t         *journal;
    ngx_http_sealed_main_conf_t   *smcf;
    ngx_http_sealed_zone_conf_t  **zone;

    if (ngx_http_sealed_get_only(r, &rc) != NGX_OK) {
        return rc;
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_sealed_module);

    size = 128 + smcf->zones.nelts * 640;

    data = ngx_pnalloc(r->pool, size);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sealed_json_init(&json, (char *) data, size);
    sealed_json_object(&json);
    sealed_json_name(&json, "zones");
    sealed_json_array(&json);

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {

        if (sealed_zone_status(zone[i]->zone, &status) != 0) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        sealed_json_object(&json);
        sealed_json_name(&json, "name");
        sealed_json_string(&json, zone[i]->name.data, zone[i]->name.len);
        ngx_http_sealed_member(&json, "size", status.size);
        ngx_http_sealed_member(&json, "pages", status.pages);
        ngx_http_sealed_member(&json, "pages_free", status.pages_free);
        ngx_http_sealed_member(&json, "shards", status.shards);
        ngx_http_sealed_member(&json, "mailboxes", status.mailboxes);
        ngx_http_sealed_member(&json, "closed", status.closed);
        ngx_http_sealed_member(&json, "certificates", status.certificates);
        ngx_http_sealed_member(&json, "envelopes", status.envelopes);
        ngx_http_sealed_member(&json, "bodies", status.bodies);
        ngx_http_sealed_member(&json, "cells", status.cells);
        ngx_http_sealed_member(&json, "repairs", status.repairs);
        ngx_http_sealed_member(&json, "damaged", status.damaged);

        if (zone[i]->journal.path.len) {
            journal = &zone[i]->zone->header->journal;
            ngx_http_sealed_member(&json, "journal_bytes",
                                   journal->octets + journal->written);
            ngx_http_sealed_member(&json, "journal_generation",
                                   journal->generation);
            ngx_http_sealed_member(&json, "journal_ready",
                                   ngx_http_sealed_journal_ready(zone[i]));
        }

        sealed_json_object_end(&json);
    }

    sealed_json_array_end(&json);

    ngx_http_sealed_place_counts(&readers, &healed);

    ngx_http_sealed_member(&json, "readers", readers);
    ngx_http_sealed_member(&json, "wakeups_healed", healed);
    sealed_json_object_end(&json);

    if (json.overflow) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_sealed_respond(r, NGX_HTTP_OK,
                                   &ngx_http_sealed_json_type, data,
                                   (u_char *) json.pos - data);
}


static ngx_int_t
ngx_http_sealed_get_only(ngx_http_request_t *r, ngx_int_t *rc)
{
    *rc = ngx_http_discard_request_body(r);

    if (*rc != NGX_OK) {
        return NGX_ERROR;
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return NGX_OK;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        *rc = ngx_http_sealed_respond_options(r, "GET, HEAD, OPTIONS");
        return NGX_ERROR;
    }

    *rc = ngx_http_sealed_add_header(r, "Allow",
                                     (u_char *) "GET, HEAD, OPTIONS",
                                     sizeof("GET, HEAD, OPTIONS") - 1);
    if (*rc == NGX_OK) {
        *rc = ngx_http_sealed_respond_problem(r, SEALED_METHOD_NOT_ALLOWED,
                                              NULL);
    }

    return NGX_ERROR;
}


static void
ngx_http_sealed_member(sealed_json_t *json, const char *name, uint64_t value)
{
    sealed_json_name(json, name);
    sealed_json_uint(json, value);
}
