
#include "ngx_http_sealed.h"


static sealed_verdict_t ngx_http_sealed_report_check(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_report_body(ngx_http_request_t *r);
static void ngx_http_sealed_report(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_bytes_t body);
static ngx_int_t ngx_http_sealed_report_parse(ngx_http_request_t *r,
    ngx_http_sealed_report_t *report, sealed_bytes_t body);
static size_t ngx_http_sealed_decoded_size(sealed_bytes_t text);
static void ngx_http_sealed_report_work(void *data);
static ngx_int_t ngx_http_sealed_report_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_revocation(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_bytes_t body);
static sealed_verdict_t ngx_http_sealed_revoke(ngx_http_sealed_ctx_t *ctx,
    const u_char *id, uint64_t until);


struct ngx_http_sealed_report_s {
    sealed_report_t               report;
    const sealed_master_secret_t *secret;
    uint32_t                      epoch;
    uint32_t                      epochs;
    u_char                        kf[32];
    u_char                        body_digest[32];
    u_char                        stamp[SEALED_STAMP_SIZE];
    sealed_stamp_t                found;
    int                           rc;
};


static ngx_str_t  ngx_http_sealed_post_json = ngx_string("application/json");


ngx_int_t
ngx_http_sealed_report_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    sealed_verdict_t             verdict;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    ctx = ngx_http_sealed_get_ctx(r, slcf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    verdict = ngx_http_sealed_report_check(r, slcf, ctx);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_refuse(r, verdict, ctx, "POST, OPTIONS");
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        rc = ngx_http_discard_request_body(r);

        return rc == NGX_OK
               ? ngx_http_sealed_respond_options(r, "POST, OPTIONS") : rc;
    }

    return ngx_http_sealed_read_body(r, ngx_http_sealed_report_body);
}


static sealed_verdict_t
ngx_http_sealed_report_check(ngx_http_request_t *r,
    ngx_http_sealed_loc_conf_t *slcf, ngx_http_sealed_ctx_t *ctx)
{
    sealed_verdict_t   verdict;
    sealed_resource_t  resource;

    resource = ngx_http_sealed_route(ctx);

    if (!(resource == SEALED_ROUTE_REPORTS
          && (slcf->moderation & NGX_HTTP_SEALED_REPORTS))
        && !(resource == SEALED_ROUTE_REVOCATIONS
             && (slcf->moderation & NGX_HTTP_SEALED_REVOCATIONS)))
    {
        return SEALED_NO_RESOURCE;
    }

    if (r->method == NGX_HTTP_OPTIONS) {
        return SEALED_OK;
    }

    verdict = ngx_http_sealed_post(r, ctx, resource,
                                   &ngx_http_sealed_post_json);
    if (verdict != SEALED_OK) {
        return verdict;
    }

    if (r->headers_in.content_length_n
        > (off_t) ngx_http_sealed_report_max(slcf->moderated))
    {
        return SEALED_BODY_TOO_LARGE;
    }

    ctx->operation = sealed_route_operation(resource, SEALED_POST);

    return sealed_query_parse(&ctx->query, ctx->operation,
                              ctx->request.value[SEALED_QUERY])
           == 0 ? SEALED_OK : SEALED_BAD_QUERY;
}


/* a message as long as the largest envelope, and the rest */

size_t
ngx_http_sealed_report_max(ngx_http_sealed_zone_conf_t *zone)
{
    return SEALED_BASE64URL_SIZE((size_t)
               zone->limits.envelope_sizes[zone->limits.nsizes - 1])
           + 1024;
}


static void
ngx_http_sealed_report_body(ngx_http_request_t *r)
{
    sealed_bytes_t          body;
    ngx_http_sealed_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ngx_http_sealed_body(r, &body) != NGX_OK) {
        ngx_http_finalize_request(r,
               ngx_http_sealed_respond_problem(r, SEALED_UNAVAILABLE, ctx));
        return;
    }

    if (ctx->operation == SEALED_OP_REVOKE) {
        ngx_http_finalize_request(r, ngx_http_sealed_revocation(r, ctx, body));
        return;
    }

    ngx_http_sealed_report(r, ctx, body);
}


/* finalizes the request, now or when its arithmetic is done */

static void
ngx_http_sealed_report(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_bytes_t body)
{
    ngx_int_t                     rc;
    ngx_http_sealed_report_t     *report;
    ngx_http_sealed_zone_conf_t  *zone;

    zone = ctx->zone;

    report = ngx_pcalloc(r->pool, sizeof(ngx_http_sealed_report_t));

    rc = report ? ngx_http_sealed_report_parse(r, report, body) : NGX_ERROR;

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r,
            rc == NGX_DECLINED
            ? ngx_http_sealed_respond_problem(r, SEALED_BAD_DOCUMENT, ctx)
            : NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    report->secret = zone->secret;
    report->epoch = (uint32_t) (ngx_time() / zone->epoch);
    report->epochs = (uint32_t) ((zone->max_ttl + zone->epoch - 1)
                                 / zone->epoch + 2);
    ctx->report = report;

    rc = ngx_http_sealed_offload_answer(r, ctx, ngx_http_sealed_report_work,
                                        report,
                                        ngx_http_sealed_report_respond);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r,
                 ngx_http_sealed_respond_problem(r, SEALED_UNAVAILABLE, ctx));
    }
}


/* NGX_DECLINED: it is malformed */

static ngx_int_t
ngx_http_sealed_report_parse(ngx_http_request_t *r,
    ngx_http_sealed_report_t *report, sealed_bytes_t body)
{
    size_t                size;
    u_char               *message;
    sealed_json_member_t  member[4] = {
        { "message", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
        { "kf", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
        { "body_digest", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
        { "stamp", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 }
    };

    if (sealed_json_object_read(member, 4, body) != 0
        || sealed_base64url_decode(report->kf, 32, member[1].text) != 0
        || sealed_base64url_decode(report->body_digest, 32, member[2].text)
           != 0)
    {
        return NGX_DECLINED;
    }

    size = ngx_http_sealed_decoded_size(member[0].text);

    message = ngx_pnalloc(r->pool, size + 1);
    if (message == NULL) {
        return NGX_ERROR;
    }

    if (sealed_base64url_decode(message, size, member[0].text) != 0) {
        return NGX_DECLINED;
    }

    report->report.message.data = message;
    report->report.message.size = size;
    report->report.kf = report->kf;
    report->report.body_digest = report->body_digest;
    report->report.stamp.data = report->stamp;

    /* one of another length is no stamp: a report that does not hold */

    report->report.stamp.size =
        sealed_base64url_decode(report->stamp, SEALED_STAMP_SIZE,
                                member[3].text)
        == 0 ? SEALED_STAMP_SIZE : 0;

    return NGX_OK;
}


static size_t
ngx_http_sealed_decoded_size(sealed_bytes_t text)
{
    return text.size / 4 * 3 + (text.size % 4 == 0 ? 0 : text.size % 4 - 1);
}


static void
ngx_http_sealed_report_work(void *data)
{
    ngx_http_sealed_report_t  *report = data;

    report->rc = sealed_report_verify(&report->found, &report->report,
                                      report->secret, report->epoch,
                                      report->epochs);
}


static ngx_int_t
ngx_http_sealed_report_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    u_char                    *data, id[SEALED_REPORT_ID_SIZE];
    sealed_json_t              json;
    sealed_verdict_t           verdict;
    ngx_http_sealed_report_t  *report;

    report = ctx->report;

    data = ngx_pnalloc(r->pool, 256);
    if (data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (report->rc == 0 && ctx->query.revoke) {
        verdict = ngx_http_sealed_revoke(ctx, report->found.certificate_id,
                                         UINT64_MAX);

        if (verdict != SEALED_OK) {
            return ngx_http_sealed_respond_problem(r, verdict, ctx);
        }
    }

    sealed_json_init(&json, (char *) data, 256);
    sealed_json_object(&json);
    sealed_json_name(&json, "valid");
    sealed_json_bool(&json, report->rc == 0);

    if (report->rc == 0) {
        sealed_report_id(id, report->stamp);

        sealed_json_name(&json, "class");
        sealed_json_uint(&json, report->found.class);
        sealed_json_name(&json, "epoch");
        sealed_json_uint(&json, report->found.epoch);
        sealed_json_name(&json, "hour");
        sealed_json_uint(&json, report->found.hour);
        sealed_json_name(&json, "report_id");
        sealed_json_base64url(&json, id, sizeof(id));
    }

    sealed_json_object_end(&json);

    return ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_OK,
                                           &ngx_http_sealed_json_type, data,
                                           (u_char *) json.pos - data);
}


static ngx_int_t
ngx_http_sealed_revocation(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    sealed_bytes_t body)
{
    u_char                id[SEALED_CERTIFICATE_ID_SIZE];
    sealed_verdict_t      verdict;
    sealed_json_member_t  member[2] = {
        { "certificate_id", SEALED_JSON_STRING, { NULL, 0 }, 0, 0 },
        { "until", SEALED_JSON_NUMBER, { NULL, 0 }, 0, 0 }
    };

    verdict = SEALED_BAD_DOCUMENT;

    if (sealed_json_object_read(member, 2, body) == 0
        && sealed_base64url_decode(id, sizeof(id), member[0].text) == 0)
    {
        verdict = ngx_http_sealed_revoke(ctx, id, member[1].number);
    }

    return verdict == SEALED_OK
           ? ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_NO_CONTENT,
                                             NULL, NULL, 0)
           : ngx_http_sealed_respond_problem(r, verdict, ctx);
}


/* no certificate can be valid for longer than this keeps it out */

static sealed_verdict_t
ngx_http_sealed_revoke(ngx_http_sealed_ctx_t *ctx, const u_char *id,
    uint64_t until)
{
    u_char                       *record;
    uint64_t                      longest;
    sealed_verdict_t              verdict;
    sealed_journal_revocation_t   revocation;
    ngx_http_sealed_zone_conf_t  *zone;

    zone = ctx->zone;
    record = NULL;

    if (zone->journal.path.len) {
        record = ngx_http_sealed_journal_reserve(zone,
                                              SEALED_JOURNAL_REVOKE_SIZE, 1);
        if (record == NULL) {
            return SEALED_UNAVAILABLE;
        }
    }

    longest = ngx_max(zone->certificate_lifetime,
                      2 * zone->epoch + zone->epoch_overlap);

    verdict = sealed_certificate_table_revoke(zone->zone, id,
                                              ngx_min(until, ngx_time()
                                                             + longest),
                                              ngx_time());

    /* how long one that was seen is valid is not looked up: long enough */

    if (verdict == SEALED_OK && record) {
        ngx_memcpy(revocation.id, id, sizeof(revocation.id));
        revocation.until = ngx_time() + longest;

        sealed_journal_revoke_encode(record, &revocation);
        ngx_http_sealed_journal_put(ctx, SEALED_JOURNAL_REVOKE,
                                    SEALED_JOURNAL_REVOKE_SIZE);
    }

    return verdict;
}
