
#include "ngx_http_sealed_limit.h"

#include <sodium.h>


static sealed_verdict_t ngx_http_sealed_issue_check(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_issue_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_sealed_issue_charge(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_verdict_t *verdict);
static void ngx_http_sealed_issue_work(void *data);
static ngx_int_t ngx_http_sealed_issue_refuse(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_issue_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);


struct ngx_http_sealed_issue_s {
    sealed_bytes_t                request;
    const uint8_t                *issuer_private;
    unsigned                      count;
    unsigned                      class;
    uint32_t                      epoch;
    sealed_journal_quota_t        quota;
    u_char                       *answer;
    int                           rc;
};


static ngx_str_t  ngx_http_sealed_issue_type =
    ngx_string(SEALED_ISSUANCE_TYPE);


ngx_int_t
ngx_http_sealed_issue_handler(ngx_http_request_t *r)
{
    sealed_verdict_t             verdict;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    ctx = ngx_http_sealed_get_ctx(r, slcf);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    verdict = ngx_http_sealed_issue_check(r, ctx);

    if (verdict != SEALED_OK) {
        return ngx_http_sealed_refuse(r, verdict, ctx, "POST, OPTIONS");
    }

    return ngx_http_sealed_read_body(r, ngx_http_sealed_issue_body);
}


static sealed_verdict_t
ngx_http_sealed_issue_check(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    off_t                     length;
    uint64_t                  epoch;
    sealed_verdict_t          verdict;
    ngx_http_sealed_class_t  *class;

    verdict = ngx_http_sealed_post(r, ctx, SEALED_ROUTE_CERTIFICATES,
                                   &ngx_http_sealed_issue_type);
    if (verdict != SEALED_OK) {
        return verdict;
    }

    length = r->headers_in.content_length_n;

    if (length > NGX_HTTP_SEALED_ISSUE_MAX) {
        return SEALED_BODY_TOO_LARGE;
    }

    if (sealed_query_parse(&ctx->query, SEALED_OP_ISSUE,
                           ctx->request.value[SEALED_QUERY])
        != 0)
    {
        return SEALED_BAD_QUERY;
    }

    /* nobody gets a later epoch's certificates in advance */

    epoch = ngx_time() / ctx->zone->epoch;
    class = &ctx->zone->classes[ctx->query.class];

    if (class->quota == 0
        || (ctx->query.epoch != epoch && ctx->query.epoch != epoch + 1))
    {
        return SEALED_BAD_QUERY;
    }

    return SEALED_OK;
}


static void
ngx_http_sealed_issue_body(ngx_http_request_t *r)
{
    ngx_int_t                 rc;
    unsigned                  count;
    sealed_bytes_t            body;
    sealed_verdict_t          verdict;
    sealed_key_line_t        *line;
    ngx_http_sealed_ctx_t    *ctx;
    ngx_http_sealed_issue_t  *issue;

    ctx = ngx_http_get_module_ctx(r, ngx_http_sealed_module);

    if (ngx_http_sealed_body(r, &body) != NGX_OK
        || sealed_issuance_check(&count, body, ctx->zone->max_batch) != 0)
    {
        ngx_http_finalize_request(r,
                 ngx_http_sealed_respond_problem(r, SEALED_BAD_BATCH, ctx));
        return;
    }

    issue = ngx_palloc(r->pool, sizeof(ngx_http_sealed_issue_t)
                                + SEALED_ISSUANCE_ANSWER_SIZE(count));
    if (issue == NULL) {
        ngx_http_finalize_request(r, NGX_HTTP_INTERNAL_SERVER_ERROR);
        return;
    }

    line = &ctx->zone->secret->line[0];

    issue->request = body;
    issue->issuer_private = line->issuer_private;
    issue->count = count;
    issue->class = ctx->query.class;
    issue->epoch = ctx->query.epoch;
    issue->answer = (u_char *) (issue + 1);

    ctx->issue = issue;

    rc = ngx_http_sealed_issue_charge(r, ctx, &verdict);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, rc);
        return;
    }

    if (verdict != SEALED_OK) {
        ngx_http_finalize_request(r,
                         ngx_http_sealed_respond_problem(r, verdict, ctx));
        return;
    }

    rc = ngx_http_sealed_offload_answer(r, ctx, ngx_http_sealed_issue_work,
                                        issue, ngx_http_sealed_issue_respond);

    if (rc != NGX_OK) {
        ngx_http_finalize_request(r, ngx_http_sealed_issue_refuse(r, ctx));
    }
}


/* what is kept: a number beside a keyed hash of the account's name */

static ngx_int_t
ngx_http_sealed_issue_charge(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, sealed_verdict_t *verdict)
{
    uint64_t                      now, start;
    sealed_journal_quota_t       *quota;
    ngx_str_t                     account;
    sealed_bytes_t                name;
    ngx_http_sealed_class_t      *class;
    ngx_http_sealed_loc_conf_t   *slcf;
    ngx_http_sealed_zone_conf_t  *zone;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (ngx_http_complex_value(r, slcf->issue_account, &account) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (account.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "sealed: no account to issue certificates to, is "
                      "the location open to everybody?");
        return NGX_HTTP_FORBIDDEN;
    }

    zone = ctx->zone;
    class = &zone->classes[ctx->query.class];
    name.data = account.data;
    name.size = account.len;

    if (!ngx_http_sealed_journal_ready(zone)) {
        *verdict = SEALED_UNAVAILABLE;
        return NGX_OK;
    }

    quota = &ctx->issue->quota;
    quota->end = ((uint64_t) ctx->query.epoch + 1) * zone->epoch;

    sealed_quota_id(quota->id, zone->secret->line[0].zone_key, name,
                    ctx->query.class, ctx->query.epoch);

    now = ngx_time();
    start = (now / zone->epoch + 1) * zone->epoch;

    *verdict = sealed_quota_take(zone->zone, quota->id, ctx->issue->count,
                                 class->quota, quota->end, &quota->drawn);

    /* what there is for an epoch is gone, the next one's comes with it */

    if (*verdict != SEALED_OK) {
        ctx->retry_after = start - now;
    }

    return NGX_OK;
}


static void
ngx_http_sealed_issue_work(void *data)
{
    ngx_http_sealed_issue_t  *issue = data;

    u_char  nonce[32];

    crypto_core_ristretto255_scalar_random(nonce);

    issue->rc = sealed_issuance_answer(issue->answer, issue->request,
                                       issue->issuer_private, issue->class,
                                       issue->epoch, nonce);

    ngx_explicit_memzero(nonce, sizeof(nonce));
}


/* nothing is given, so nothing is taken */

static ngx_int_t
ngx_http_sealed_issue_refuse(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    sealed_quota_return(ctx->zone->zone, ctx->issue->quota.id,
                        ctx->issue->count);

    return ngx_http_sealed_respond_problem(r, SEALED_UNAVAILABLE, ctx);
}


static ngx_int_t
ngx_http_sealed_issue_respond(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx)
{
    u_char  *record;

    if (ctx->issue->rc != 0) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "sealed: the issuer key cannot be used for an epoch, "
                      "somebody may know it; rotate the master secret");
        return ngx_http_sealed_issue_refuse(r, ctx);
    }

    if (ctx->zone->journal.path.len) {
        record = ngx_http_sealed_journal_reserve(ctx->zone,
                                               SEALED_JOURNAL_QUOTA_SIZE, 1);
        if (record == NULL) {
            return ngx_http_sealed_issue_refuse(r, ctx);
        }

        sealed_journal_quota_encode(record, &ctx->issue->quota);
        ngx_http_sealed_journal_put(ctx, SEALED_JOURNAL_QUOTA,
                                    SEALED_JOURNAL_QUOTA_SIZE);
    }

    return ngx_http_sealed_journal_respond(r, ctx, NGX_HTTP_OK,
                                           &ngx_http_sealed_issue_type,
                                           ctx->issue->answer,
                                           SEALED_ISSUANCE_ANSWER_SIZE(
                                               ctx->issue->count));
}


/*
 * Before the account is asked for: browsers ask whether they may without
 * showing any credentials.
 */

ngx_int_t
ngx_http_sealed_preflight_handler(ngx_http_request_t *r)
{
    ngx_int_t                    rc;
    ngx_http_sealed_ctx_t       *ctx;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->issue == NULL || r->method != NGX_HTTP_OPTIONS || r != r->main)
    {
        return NGX_DECLINED;
    }

    rc = ngx_http_discard_request_body(r);

    if (rc == NGX_OK) {
        ctx = ngx_http_sealed_get_ctx(r, slcf);

        if (ctx == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        rc = ngx_http_sealed_route(ctx) == SEALED_ROUTE_CERTIFICATES
             ? ngx_http_sealed_respond_options(r, "POST, OPTIONS")
             : ngx_http_sealed_respond_problem(r, SEALED_NO_RESOURCE, ctx);
    }

    ngx_http_finalize_request(r, rc);

    return NGX_DONE;
}


/* the origin if pages of it may ask in their user's name */

ngx_str_t *
ngx_http_sealed_issue_origin(ngx_http_request_t *r)
{
    ngx_uint_t                   i;
    ngx_str_t                   *allowed;
    sealed_single_header_t      *origin;
    sealed_reading_headers_t     headers;
    ngx_http_sealed_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (slcf->issue == NULL || slcf->issue_origins == NULL) {
        return NULL;
    }

    ngx_http_sealed_reading_headers(r, &headers);
    origin = &headers.origin;

    if (origin->count != 1) {
        return NULL;
    }

    allowed = slcf->issue_origins->elts;

    for (i = 0; i < slcf->issue_origins->nelts; i++) {
        if (allowed[i].len == origin->value.size
            && ngx_strncmp(allowed[i].data, origin->value.data,
                           origin->value.size)
               == 0)
        {
            return &allowed[i];
        }
    }

    return NULL;
}


/* sealed_issue zone account=$variable [origin=https://...] ... */

char *
ngx_http_sealed_issue(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_sealed_loc_conf_t  *slcf = conf;

    ngx_str_t                         *value, text, *origin;
    ngx_uint_t                         i;
    ngx_http_core_loc_conf_t          *clcf;
    ngx_http_compile_complex_value_t   ccv;

    if (slcf->issue_name.len) {
        return "is duplicate";
    }

    value = cf->args->elts;
    slcf->issue_name = value[1];

    for (i = 2; i < cf->args->nelts; i++) {

        if (slcf->issue_account == NULL
            && ngx_http_sealed_parameter(&value[i], "account=", &text))
        {
            slcf->issue_account = ngx_palloc(cf->pool,
                                        sizeof(ngx_http_complex_value_t));
            if (slcf->issue_account == NULL) {
                return NGX_CONF_ERROR;
            }

            ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

            ccv.cf = cf;
            ccv.value = &text;
            ccv.complex_value = slcf->issue_account;

            if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
                return NGX_CONF_ERROR;
            }

            if (slcf->issue_account->lengths == NULL) {
                return "needs a variable in \"account=\", or everybody "
                       "has one account";
            }

        } else if (ngx_http_sealed_parameter(&value[i], "origin=", &text)
                   && ngx_http_sealed_is_origin(&text))
        {
            if (slcf->issue_origins == NULL) {
                slcf->issue_origins = ngx_array_create(cf->pool, 2,
                                                       sizeof(ngx_str_t));
                if (slcf->issue_origins == NULL) {
                    return NGX_CONF_ERROR;
                }
            }

            origin = ngx_array_push(slcf->issue_origins);
            if (origin == NULL) {
                return NGX_CONF_ERROR;
            }

            *origin = text;

        } else {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\"%s", &value[i],
                               ngx_strncmp(value[i].data, "origin=", 7) == 0
                               ? ", it is \"https://name\" without anything "
                                 "behind" : "");
            return NGX_CONF_ERROR;
        }
    }

    if (slcf->issue_account == NULL) {
        return "needs \"account=\"";
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    clcf->handler = ngx_http_sealed_issue_handler;

    return NGX_CONF_OK;
}
