
#include "ngx_http_sealed_journal.h"
#include "ngx_http_sealed_map.h"
#include "../src/recovery_emit.h"
#include "../src/restore.h"

#include <sodium.h>


/*
 * A journal when nginx starts: its directory is locked, and what it holds is
 * put into the zone before anybody can ask for it.  A test of a
 * configuration only looks whether the directory can be used.
 */

#define NGX_HTTP_SEALED_ZONE_KIND  'z'
#define NGX_HTTP_SEALED_LOCK_TIME  3000


typedef struct {
    sealed_zone_t                *zone;
    ngx_http_sealed_zone_conf_t  *conf;
    sealed_recovery_t            *recovery;
    ngx_log_t                    *log;
} ngx_http_sealed_recover_t;


static ngx_int_t ngx_http_sealed_recover_own(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf);
static ngx_uint_t ngx_http_sealed_recover_ours(const char *name);
static ngx_int_t ngx_http_sealed_recover_lock(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf, sealed_journal_directory_t *directory,
    ngx_uint_t found);
static void ngx_http_sealed_recover_kept(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf);
static ngx_int_t ngx_http_sealed_recover_load(
    ngx_http_sealed_recover_t *recover,
    sealed_journal_directory_t *directory);
static ngx_int_t ngx_http_sealed_recover_emit(
    ngx_http_sealed_recover_t *recover, sealed_recovery_t *recovery);
static void ngx_http_sealed_recover_say(void *context,
    sealed_journal_level_t level, const char *text);
static int ngx_http_sealed_recover_mailbox(void *context,
    const sealed_journal_mailbox_t *mailbox, uint64_t closed_until,
    uint64_t *reference);
static int ngx_http_sealed_recover_body(void *context,
    const sealed_journal_body_t *body, uint32_t references,
    uint64_t *reference);
static int ngx_http_sealed_recover_item(void *context, uint64_t mailbox,
    uint64_t seq, uint64_t *body, sealed_bytes_t slice);
static int ngx_http_sealed_recover_revocation(void *context,
    const sealed_journal_revocation_t *revocation);
static int ngx_http_sealed_recover_certificate(void *context,
    const sealed_journal_certificate_t *certificate);
static int ngx_http_sealed_recover_quota(void *context,
    const sealed_journal_quota_t *quota);
static void ngx_http_sealed_recover_progress(void *context, uint64_t done,
    uint64_t all);


/*
 * A new binary (USR2) has the journal of the one that runs, or none if that
 * has none: otherwise what is accepted by one of them would be missed by the
 * next start of the other.  Which journal it is shows by its lock, later.
 */

ngx_int_t
ngx_http_sealed_recover_same(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf)
{
    ngx_fd_t               fd;
    uint32_t               journaled;
    ngx_uint_t             i;
    u_char                 identity[SEALED_JOURNAL_IDENTITY];
    sealed_zone_header_t   header;

    journaled = conf->journal.path.len ? SEALED_ZONE_JOURNALED
                                       : SEALED_ZONE_UNJOURNALED;

    sealed_journal_identity(identity, (char *) conf->name.data,
                            conf->name.len);

    for (i = 0; /* void */; i++) {
        fd = ngx_http_sealed_inherited(NGX_HTTP_SEALED_ZONE_KIND, i);

        if (fd == NGX_INVALID_FILE) {
            return NGX_OK;
        }

        if (pread(fd, &header, sizeof(header), 0) == sizeof(header)
            && header.magic == SEALED_ZONE_MAGIC
            && header.version == SEALED_ZONE_VERSION
            && ngx_memcmp(header.identity, identity, sizeof(identity)) == 0
            && header.journaled
            && header.journaled != journaled)
        {
            ngx_http_sealed_recover_kept(log, conf);
            return NGX_ERROR;
        }
    }
}


/* whether there may be something in the journal; reading it says what fails */

ngx_uint_t
ngx_http_sealed_recover_any(ngx_http_sealed_zone_conf_t *conf)
{
    int                          rc;
    char                         wrong[SEALED_JOURNAL_WRONG_SIZE];
    uint64_t                     highest;
    sealed_journal_directory_t   directory;

    rc = sealed_journal_directory_open(&directory,
                                       (char *) conf->journal.path.data);
    if (rc < 0) {
        return rc != -NGX_ENOENT;
    }

    rc = sealed_journal_directory_highest(&directory, &highest, wrong);

    sealed_journal_directory_close(&directory);

    return rc < 0 || highest != 0;
}


/*
 * zone is attached, with nothing in it (empty), or with what its file or the
 * running binary has in it.
 */

ngx_int_t
ngx_http_sealed_recover(ngx_log_t *log, ngx_http_sealed_zone_conf_t *conf,
    sealed_zone_t *zone, ngx_uint_t found)
{
    int                           rc;
    char                          wrong[SEALED_JOURNAL_WRONG_SIZE];
    uint64_t                      highest;
    sealed_zone_journal_t        *shared;
    sealed_journal_directory_t    directory;
    ngx_http_sealed_recover_t     recover;

    if (!ngx_test_config
        && ngx_create_dir(conf->journal.path.data, 0700) == NGX_FILE_ERROR
        && ngx_errno != NGX_EEXIST)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_create_dir_n " \"%V\" failed",
                      &conf->journal.path);
        return NGX_ERROR;
    }

    rc = sealed_journal_directory_open(&directory,
                                       (char *) conf->journal.path.data);
    if (rc < 0) {

        if (ngx_test_config && rc == -NGX_ENOENT) {
            return ngx_http_sealed_map_test_parent(log, conf,
                                                   &conf->journal.path);
        }

        ngx_log_error(NGX_LOG_EMERG, log, -rc,
                      "journal \"%V\" of sealed_zone \"%V\" cannot be opened",
                      &conf->journal.path, &conf->name);
        return NGX_ERROR;
    }

    if (ngx_http_sealed_recover_own(log, conf) != NGX_OK) {
        sealed_journal_directory_close(&directory);
        return NGX_ERROR;
    }

    if (ngx_test_config) {
        sealed_journal_directory_close(&directory);
        return NGX_OK;
    }

    if (ngx_http_sealed_recover_lock(log, conf, &directory, found)
        != NGX_OK)
    {
        sealed_journal_directory_close(&directory);
        return NGX_ERROR;
    }

    shared = &zone->header->journal;

    recover.zone = zone;
    recover.conf = conf;
    recover.log = log;

    if (found == 0) {
        if (ngx_http_sealed_recover_load(&recover, &directory) != NGX_OK) {
            sealed_journal_directory_close(&directory);
            return NGX_ERROR;
        }

    } else if (found == 1) {

        /* the file has all of it; the journal gets that before new mail */

        rc = sealed_journal_directory_highest(&directory, &highest, wrong);

        if (rc < 0) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "journal \"%V\" of sealed_zone \"%V\" cannot be "
                          "read: %s", &conf->journal.path, &conf->name,
                          wrong);
            sealed_journal_directory_close(&directory);
            return NGX_ERROR;
        }

        if (highest > shared->generation) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "\"%V\" of sealed_zone \"%V\" is older than its "
                          "journal \"%V\"; move the file away to go on with "
                          "the journal, or the journal to go on with the "
                          "file", &conf->path, &conf->name,
                          &conf->journal.path);
            sealed_journal_directory_close(&directory);
            return NGX_ERROR;
        }

        shared->generation++;
        shared->complete = 0;
        shared->needed = shared->generation + 1;
        shared->wants = 1;
        shared->served = 0;
        shared->writer = 0;
        shared->written = 0;
    }

    /* the lock stays, and with it nothing else */

    (void) close(directory.fd);

    return NGX_OK;
}


/*
 * The directory is going to belong to the workers: it is a journal's, or has
 * nothing in it but what a file system begins with.
 */

static ngx_int_t
ngx_http_sealed_recover_own(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf)
{
    char        *name;
    ngx_int_t    rc;
    ngx_dir_t    dir;
    ngx_uint_t   others;

    if (ngx_open_dir(&conf->journal.path, &dir) == NGX_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_open_dir_n " \"%V\" failed", &conf->journal.path);
        return NGX_ERROR;
    }

    rc = NGX_OK;
    others = 0;

    while (ngx_read_dir(&dir) == NGX_OK) {
        name = (char *) ngx_de_name(&dir);

        if (ngx_http_sealed_recover_ours(name)) {
            others = 0;
            break;
        }

        if (name[0] != '.' && ngx_strcmp(name, "lost+found") != 0) {
            others = 1;
        }
    }

    if (others) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "journal \"%V\" of sealed_zone \"%V\" is a directory "
                      "with other things in it, it needs one of its own",
                      &conf->journal.path, &conf->name);
        rc = NGX_ERROR;
    }

    (void) ngx_close_dir(&dir);

    return rc;
}


/* systemd has files that end in ".journal", too */

static ngx_uint_t
ngx_http_sealed_recover_ours(const char *name)
{
    sealed_journal_segment_t  segment;

    return ngx_strcmp(name, "lock") == 0
           || ngx_strcmp(name, "reserve") == 0
           || sealed_journal_segment_parse(&segment, name) == 0;
}


static ngx_int_t
ngx_http_sealed_recover_lock(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf, sealed_journal_directory_t *directory,
    ngx_uint_t found)
{
    int         rc;
    ngx_fd_t    fd;
    ngx_uint_t  i;

    for (i = 0; /* void */; i++) {
        fd = ngx_http_sealed_inherited(NGX_HTTP_SEALED_LOCK_KIND, i);

        if (fd == NGX_INVALID_FILE) {
            break;
        }

        if (sealed_journal_directory_locked(directory, fd)) {
            directory->lock = fd;
            return ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_LOCK_KIND,
                                            fd);
        }
    }

    /* what the running binary uses has its journal in another place */

    if (found == 2) {
        ngx_http_sealed_recover_kept(log, conf);
        return NGX_ERROR;
    }

    rc = sealed_journal_directory_lock(directory,
                                       NGX_HTTP_SEALED_LOCK_TIME);

    if (rc == -NGX_EAGAIN || rc == -NGX_EINVAL) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "journal \"%V\" of sealed_zone \"%V\" cannot be "
                      "locked, %s", &conf->journal.path, &conf->name,
                      rc == -NGX_EAGAIN ? "another nginx uses it"
                                        : "\"lock\" in it is not a regular "
                                          "file");
        return NGX_ERROR;
    }

    if (rc < 0) {
        ngx_log_error(NGX_LOG_EMERG, log, -rc,
                      "\"%V/lock\" of sealed_zone \"%V\" cannot be locked",
                      &conf->journal.path, &conf->name);
        return NGX_ERROR;
    }

    return ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_LOCK_KIND,
                                    directory->lock);
}


static void
ngx_http_sealed_recover_kept(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *conf)
{
    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "sealed_zone \"%V\" keeps its \"journal=\" until nginx is "
                  "started anew, in %V:%ui", &conf->name, &conf->file,
                  conf->line);
}


static ngx_int_t
ngx_http_sealed_recover_load(ngx_http_sealed_recover_t *recover,
    sealed_journal_directory_t *directory)
{
    int                          rc;
    char                         wrong[SEALED_JOURNAL_WRONG_SIZE];
    size_t                       i, count;
    uint64_t                     octets, now, generation;
    ngx_int_t                    result;
    struct timeval               begun, ended;
    sealed_recovery_t            recovery;
    sealed_zone_journal_t       *shared;
    sealed_journal_file_t       *files;
    ngx_http_sealed_zone_conf_t  *conf;
    u_char                       identity[SEALED_JOURNAL_IDENTITY];

    conf = recover->conf;
    shared = &recover->zone->header->journal;
    ngx_gettimeofday(&begun);

    rc = sealed_journal_directory_map(directory, &files, &count, wrong);

    if (rc < 0) {
        ngx_log_error(NGX_LOG_EMERG, recover->log, 0,
                      "journal \"%V\" of sealed_zone \"%V\" cannot be "
                      "read: %s", &conf->journal.path, &conf->name, wrong);
        return NGX_ERROR;
    }

    sealed_journal_identity(identity, (char *) conf->name.data,
                            conf->name.len);

    now = (uint64_t) begun.tv_sec;
    sealed_recovery_init(&recovery, identity, conf->secret,
                         (uint32_t) (now / 3600), sealed_journal_resize,
                         NULL);

    result = NGX_ERROR;

    if (sealed_journal_load(&recovery, files, count,
                            ngx_http_sealed_recover_say, recover)
        != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, recover->log, 0,
                      "journal \"%V\" of sealed_zone \"%V\" cannot be used, "
                      "nothing in it was changed", &conf->journal.path,
                      &conf->name);

    } else if (sealed_worker_claim(recover->zone) == 0) {

        result = ngx_http_sealed_recover_emit(recover, &recovery);
        sealed_worker_release(recover->zone);
    }

    if (result == NGX_OK) {
        octets = 0;
        generation = recovery.generation + 1;

        /* one without a header stays there, until it is older */

        for (i = 0; i < count; i++) {
            octets += files[i].size;
            generation = ngx_max(generation, files[i].named.generation);
        }

        shared->generation = generation;
        shared->octets = octets;
        shared->since = now;

        /* what is left of streams that were cut is put in order soon */

        shared->wants = count ? 1 : 0;

        ngx_gettimeofday(&ended);

        if (count) {
            ngx_log_error(NGX_LOG_NOTICE, recover->log, 0,
                          "sealed zone \"%V\": %uL mailboxes and %uL "
                          "envelopes recovered from %uz segments with %uL "
                          "bytes of journal \"%V\", %L ms", &conf->name,
                          recovery.result.mailboxes,
                          recovery.result.envelopes, count, octets,
                          &conf->journal.path,
                          (int64_t) (ended.tv_sec - begun.tv_sec) * 1000
                          + (ended.tv_usec - begun.tv_usec) / 1000);
        }
    }

    sealed_recovery_free(&recovery);
    sealed_journal_directory_unmap(files, count);

    return result;
}


static ngx_int_t
ngx_http_sealed_recover_emit(ngx_http_sealed_recover_t *recover,
    sealed_recovery_t *recovery)
{
    sealed_recovery_sink_t  sink;

    recover->recovery = recovery;

    sink.context = recover;
    sink.mailbox = ngx_http_sealed_recover_mailbox;
    sink.body = ngx_http_sealed_recover_body;
    sink.item = ngx_http_sealed_recover_item;
    sink.revocation = ngx_http_sealed_recover_revocation;
    sink.certificate = ngx_http_sealed_recover_certificate;
    sink.quota = ngx_http_sealed_recover_quota;
    sink.progress = ngx_http_sealed_recover_progress;

    sealed_restore_lives(recover->zone, recovery->result.lives);

    if (sealed_recovery_emit(recovery, &sink) != 0) {
        ngx_log_error(NGX_LOG_EMERG, recover->log, 0,
                      "sealed_zone \"%V\" has no room for the %uL mailboxes "
                      "and %uL envelopes in its journal \"%V\", make it "
                      "larger", &recover->conf->name,
                      recovery->result.mailboxes, recovery->result.envelopes,
                      &recover->conf->journal.path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static void
ngx_http_sealed_recover_say(void *context, sealed_journal_level_t level,
    const char *text)
{
    ngx_uint_t                  to;
    ngx_http_sealed_recover_t  *recover = context;

    to = level == SEALED_JOURNAL_ERROR ? NGX_LOG_ERR
         : level == SEALED_JOURNAL_WARNING ? NGX_LOG_WARN : NGX_LOG_NOTICE;

    ngx_log_error(to, recover->log, 0, "journal \"%V\": %s",
                  &recover->conf->journal.path, text);
}


static int
ngx_http_sealed_recover_mailbox(void *context,
    const sealed_journal_mailbox_t *mailbox, uint64_t closed_until,
    uint64_t *reference)
{
    int                         rc;
    uint32_t                    place;
    sealed_journal_mailbox_t    state;
    ngx_http_sealed_recover_t  *recover = context;

    /* what nobody needs to remember any more */

    if (closed_until && closed_until <= (uint64_t) ngx_time()) {
        return 0;
    }

    state = *mailbox;
    state.active_hour = sealed_recovery_active(recover->recovery, mailbox);

    rc = sealed_restore_mailbox(recover->zone, &state, closed_until,
                                ngx_time(), &place);
    *reference = place;

    ngx_explicit_memzero(state.key, sizeof(state.key));

    return rc;
}


static int
ngx_http_sealed_recover_body(void *context,
    const sealed_journal_body_t *body, uint32_t references,
    uint64_t *reference)
{
    int                         rc;
    uint32_t                    records;
    ngx_http_sealed_recover_t  *recover = context;

    rc = sealed_restore_body(recover->zone, body, references, &records);
    *reference = records;

    return rc;
}


static int
ngx_http_sealed_recover_item(void *context, uint64_t mailbox, uint64_t seq,
    uint64_t *body, sealed_bytes_t slice)
{
    int                         rc;
    uint32_t                    records;
    ngx_http_sealed_recover_t  *recover = context;

    records = (uint32_t) *body;
    rc = sealed_restore_item(recover->zone, (uint32_t) mailbox, seq,
                             &records, slice);
    *body = records;

    return rc;
}


static int
ngx_http_sealed_recover_revocation(void *context,
    const sealed_journal_revocation_t *revocation)
{
    ngx_http_sealed_recover_t  *recover = context;

    return sealed_certificate_table_revoke(recover->zone, revocation->id,
                                           revocation->until, ngx_time())
           == SEALED_OK ? 0 : -1;
}


static int
ngx_http_sealed_recover_certificate(void *context,
    const sealed_journal_certificate_t *certificate)
{
    ngx_http_sealed_recover_t  *recover = context;

    return sealed_restore_certificate(recover->zone, certificate, ngx_time());
}


static int
ngx_http_sealed_recover_quota(void *context,
    const sealed_journal_quota_t *quota)
{
    ngx_http_sealed_recover_t  *recover = context;

    return sealed_restore_quota(recover->zone, quota, ngx_time());
}


static void
ngx_http_sealed_recover_progress(void *context, uint64_t done, uint64_t all)
{
    ngx_http_sealed_recover_t  *recover = context;

    if (done) {
        ngx_log_error(NGX_LOG_NOTICE, recover->log, 0,
                      "journal \"%V\": %uL of %uL bodies put back",
                      &recover->conf->journal.path, done, all);
    }
}
