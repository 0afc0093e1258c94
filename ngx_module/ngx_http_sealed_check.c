
#include "ngx_http_sealed.h"

#include <sodium.h>


static sealed_verdict_t ngx_http_sealed_check_owner(
    ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_check_ticket(ngx_http_sealed_ctx_t *ctx);
static void ngx_http_sealed_check_birth(ngx_http_sealed_ctx_t *ctx);
static ngx_int_t ngx_http_sealed_check_certificate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t offload);
static const u_char *ngx_http_sealed_authority_key(
    ngx_http_sealed_zone_conf_t *zone, const u_char *id);
static ngx_uint_t ngx_http_sealed_class_fits(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx);


/*
 * Everything that the headers alone allow; the body has not been read.  The
 * result is remembered, since variables may ask before the access phase does,
 * but for this location only: another one lets other classes pass.
 *
 * NGX_OK: ctx->verdict is it.  NGX_AGAIN, only with offload set: ask again
 * when ctx->pending is clear.
 */

ngx_int_t
ngx_http_sealed_check(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx,
    ngx_uint_t offload)
{
    ngx_http_sealed_loc_conf_t  *slcf;

    if (ctx->pending) {
        return NGX_AGAIN;
    }

    if (ctx->first_use) {
        ngx_http_sealed_first_use_end(ctx);
        ngx_http_sealed_check_birth(ctx);
        return NGX_OK;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);

    if (ctx->settled || ctx->checked == slcf) {
        return NGX_OK;
    }

    ctx->checked = slcf;
    ctx->class = NULL;
    ctx->by_owner = 0;
    ctx->verdict = SEALED_UNAUTHORIZED;

    if (ctx->operation == SEALED_OP_SEND) {
        sealed_append_prefetch(ctx->zone->zone, ctx->mailbox, 0);
    }

    if (ctx->operation == SEALED_OP_FOLLOW
        && sealed_query_parse(&ctx->query, SEALED_OP_FOLLOW,
                              ctx->request.value[SEALED_QUERY])
           == 0
        && ctx->query.ticket.data)
    {
        ngx_http_sealed_check_ticket(ctx);
        return NGX_OK;
    }

    if (ctx->request.repeated
        || ctx->request.signature_input.data == NULL
        || ctx->request.signature.data == NULL
        || sealed_request_signature_parse(&ctx->signature,
                                          ctx->request.signature_input,
                                          ctx->request.signature)
           != 0
        || sealed_request_signature_covers(&ctx->signature, &ctx->request)
           != 0
        || sealed_request_signature_fresh(&ctx->signature, ngx_time()) != 0)
    {
        return NGX_OK;
    }

    if (ctx->request.has_body
        && sealed_content_digest_parse(ctx->digest,
                                   ctx->request.value[SEALED_CONTENT_DIGEST])
           != 0)
    {
        return NGX_OK;
    }

    switch (ctx->operation) {

    case SEALED_OP_STATUS:
    case SEALED_OP_CLOSE:
    case SEALED_OP_READ:
    case SEALED_OP_FOLLOW:
    case SEALED_OP_TICKET:
    case SEALED_OP_ACKNOWLEDGE:
        ctx->by_owner = 1;
        ctx->verdict = ngx_http_sealed_check_owner(ctx);
        break;

    default:
        if (ngx_http_sealed_check_certificate(r, ctx, offload) == NGX_AGAIN)
        {
            return NGX_AGAIN;
        }
    }

    ngx_http_sealed_check_birth(ctx);

    return NGX_OK;
}


/* stands in for a signature: not beside one */

static void
ngx_http_sealed_check_ticket(ngx_http_sealed_ctx_t *ctx)
{
    u_char                    key[SEALED_KEY_SIZE];
    uint32_t                  tag;
    ngx_uint_t                known;
    sealed_ticket_t           ticket;
    const sealed_key_line_t  *line;

    if (ctx->by_ticket) {

        /* looked at before, in another location */

        ctx->by_owner = 1;
        ctx->verdict = ctx->ticket_verdict;
        return;
    }

    if (ctx->request.signature_input.data || ctx->request.signature.data) {
        return;
    }

    /* an unknown mailbox costs the same HMAC */

    line = NULL;
    known = sealed_mailbox_find(ctx->zone->zone, ctx->mailbox, key, &tag)
            == 0;
    ngx_explicit_memzero(key, sizeof(key));

    if (known) {
        line = sealed_master_secret_find(ctx->zone->secret, tag);
    }

    if (sealed_ticket_open(&ticket, ctx->query.ticket,
                           line ? line->ticket_key
                                : ctx->zone->secret->line[0].ticket_key,
                           ctx->mailbox, ngx_time())
        != 0
        || line == NULL
        || ticket.expiry
           <= ctx->zone->zone->header->birth + SEALED_TICKET_SECONDS)
    {
        return;
    }

    ctx->verdict = sealed_ticket_use(ctx->zone->zone, &ticket, ctx->mailbox,
                                     ngx_time());
    ctx->by_owner = 1;
    ctx->by_ticket = 1;
    ctx->ticket_verdict = ctx->verdict;
    ngx_memcpy(ctx->id, ctx->mailbox, SEALED_MAILBOX_ID_SIZE);
}


/* nothing from before a loss of the state can be replayed */

static void
ngx_http_sealed_check_birth(ngx_http_sealed_ctx_t *ctx)
{
    uint64_t  birth, created;

    birth = sealed_zone_birth(ctx->zone->zone, ngx_time());
    created = ctx->signature.created;

    if (ctx->verdict == SEALED_OK && created <= birth) {
        ctx->verdict = SEALED_ZONE_YOUNG;
        ctx->retry_after = birth - created + 1;
    }
}


static sealed_verdict_t
ngx_http_sealed_check_owner(ngx_http_sealed_ctx_t *ctx)
{
    int       found;
    u_char    key[SEALED_KEY_SIZE];
    uint32_t  tag;

    if (ctx->request.value[SEALED_CERTIFICATE].data
        || ngx_memcmp(ctx->signature.keyid, ctx->mailbox,
                      SEALED_MAILBOX_ID_SIZE)
           != 0)
    {
        return SEALED_UNAUTHORIZED;
    }

    ngx_memzero(key, sizeof(key));

    found = sealed_mailbox_find(ctx->zone->zone, ctx->mailbox, key, &tag);

    if (found == 0 && !sealed_master_secret_find(ctx->zone->secret, tag)) {
        found = -1;
    }

    /* an unknown mailbox costs the same HMAC */

    if (sealed_request_signature_verify(&ctx->signature, &ctx->request, key)
        != 0)
    {
        found = -1;
    }

    ngx_explicit_memzero(key, sizeof(key));

    if (found != 0) {
        return SEALED_UNAUTHORIZED;
    }

    ngx_memcpy(ctx->id, ctx->mailbox, SEALED_MAILBOX_ID_SIZE);

    return SEALED_OK;
}


/* sets ctx->verdict, or returns NGX_AGAIN */

static ngx_int_t
ngx_http_sealed_check_certificate(ngx_http_request_t *r,
    ngx_http_sealed_ctx_t *ctx, ngx_uint_t offload)
{
    size_t                       size;
    const u_char                *authority;
    sealed_bytes_t               value;
    sealed_certificate_t        *certificate;
    sealed_certificate_rules_t   rules;
    sealed_certificate_state_t   state;

    value = ctx->request.value[SEALED_CERTIFICATE];

    if (value.data == NULL
        || sealed_byte_sequence_decode(ctx->encoded, sizeof(ctx->encoded),
                                       &size, value)
           != 0)
    {
        return NGX_OK;
    }

    value.data = ctx->encoded;
    value.size = size;

    rules.max_lifetime = ctx->zone->certificate_lifetime;
    rules.epoch_seconds = ctx->zone->epoch;
    rules.epoch_overlap = ctx->zone->epoch_overlap;

    certificate = &ctx->certificate;

    if (sealed_certificate_parse(certificate, value, &rules) != 0
        || !sealed_certificate_current(certificate, ngx_time())
        || ngx_memcmp(certificate->id, ctx->signature.keyid, 16) != 0)
    {
        return NGX_OK;
    }

    ctx->class = &ctx->zone->classes[certificate->class];

    if (!ngx_http_sealed_class_fits(r, ctx)) {
        return NGX_OK;
    }

    authority = NULL;

    if (certificate->kind == SEALED_CERTIFICATE_SIGNED) {
        authority = ngx_http_sealed_authority_key(ctx->zone,
                                                  certificate->authority);
        if (authority == NULL) {
            return NGX_OK;
        }
    }

    if (sealed_certificate_table_find(ctx->zone->zone, certificate->id,
                                      ngx_time(), &state)
        != 0
        || (!state.revoked
            && !sealed_master_secret_find(ctx->zone->secret, state.tag)))
    {
        return ngx_http_sealed_first_use(r, ctx, authority, offload);
    }

    ctx->tag = state.tag;

    if (sealed_request_signature_verify(&ctx->signature, &ctx->request,
                                        state.key)
        == 0
        && !state.revoked)
    {
        ngx_memcpy(ctx->id, certificate->id, SEALED_CERTIFICATE_ID_SIZE);
        ctx->verdict = SEALED_OK;
    }

    ngx_explicit_memzero(state.key, sizeof(state.key));

    return NGX_OK;
}


static const u_char *
ngx_http_sealed_authority_key(ngx_http_sealed_zone_conf_t *zone,
    const u_char *id)
{
    ngx_uint_t                    i;
    ngx_http_sealed_authority_t  *authority;

    authority = zone->authorities.elts;

    for (i = 0; i < zone->authorities.nelts; i++) {
        if (ngx_memcmp(authority[i].id, id, SEALED_AUTHORITY_ID_SIZE) == 0) {
            return authority[i].key;
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_sealed_class_fits(ngx_http_request_t *r, ngx_http_sealed_ctx_t *ctx)
{
    ngx_http_sealed_loc_conf_t  *slcf;

    if (!ctx->class->defined) {
        return 0;
    }

    switch (ctx->operation) {

    case SEALED_OP_OPEN:
        return ctx->class->open;

    case SEALED_OP_SEND:
    case SEALED_OP_FANOUT:
        return !ctx->class->open;

    default:
        slcf = ngx_http_get_module_loc_conf(r, ngx_http_sealed_module);
        return slcf->access_class[ctx->class->number];
    }
}


/* whatever is answered afterwards, the nonce is gone */

void
ngx_http_sealed_spend(ngx_http_sealed_ctx_t *ctx)
{
    ngx_uint_t  rested;

    if (ctx->by_ticket) {
        ctx->nonce_verdict = SEALED_OK;
        return;
    }

    rested = ctx->by_owner
             && ctx->zone->journal.path.len
             && sealed_mailbox_rested(ctx->zone->zone, ctx->id, ngx_time())
                >= SEALED_RESTED_HOURS;

    ctx->nonce_verdict = ctx->by_owner
        ? sealed_mailbox_spend(ctx->zone->zone, ctx->id,
                               ctx->signature.nonce, ngx_time(), &ctx->next,
                               &ctx->has_next)
        : sealed_certificate_table_spend(ctx->zone->zone, ctx->id,
                                         ctx->signature.nonce, &ctx->next,
                                         &ctx->has_next);

    if (rested) {
        ngx_http_sealed_journal_active(ctx->zone, ctx->id);
    }
}


sealed_verdict_t
ngx_http_sealed_charge(ngx_http_sealed_ctx_t *ctx, ngx_uint_t units)
{
    return sealed_certificate_table_charge(ctx->zone->zone, ctx->id,
                                           &ctx->class->rule, units,
                                           ngx_time(), &ctx->retry_after);
}
