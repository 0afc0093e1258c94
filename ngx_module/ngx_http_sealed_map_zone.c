
#include "ngx_http_sealed_map.h"
#include "../src/journal.h"
#include "../src/zone_check.h"

#include <sodium.h>
#include <sys/mman.h>


/*
 * What is in a mapping when nginx starts.  A file is trusted as long as the
 * machine has not been started anew, since all that its processes did is in
 * it; after that only if the last of them said that everything was written.
 */

#define NGX_HTTP_SEALED_BOOT  "/proc/sys/kernel/random/boot_id"


static ngx_int_t ngx_http_sealed_map_format(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_adopt(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t *found);
static ngx_int_t ngx_http_sealed_map_is_of(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, sealed_zone_header_t *header);
static ngx_int_t ngx_http_sealed_map_empty(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_verify(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, sealed_zone_t *handle);
static ngx_int_t ngx_http_sealed_map_journal(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t found);
static void ngx_http_sealed_map_running(ngx_http_sealed_map_t *map);
static void ngx_http_sealed_map_boot(ngx_http_sealed_map_t *map,
    u_char boot[16]);


ngx_int_t
ngx_http_sealed_map_fill(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_http_sealed_found_t found)
{
    if (found == NGX_HTTP_SEALED_FOUND_FILE
        && ngx_http_sealed_map_adopt(log, zone, map, &found) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (found == NGX_HTTP_SEALED_FOUND_NOTHING
        && ngx_http_sealed_map_format(log, zone, map) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (found == NGX_HTTP_SEALED_FOUND_RUNNING && zone->path.len) {
        ngx_http_sealed_map_running(map);
    }

    if (zone->journal.path.len == 0) {
        return NGX_OK;
    }

    return ngx_http_sealed_map_journal(log, zone, map, found);
}


static ngx_int_t
ngx_http_sealed_map_format(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map)
{
    u_char          key[16];
    sealed_zone_t   handle;

    randombytes_buf(key, sizeof(key));

    if (sealed_zone_format(&handle, map->memory, map->size, ngx_time(), key)
        != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "sealed_zone \"%V\" cannot have this size",
                      &zone->name);
        return NGX_ERROR;
    }

    sealed_journal_identity(handle.header->identity,
                            (char *) zone->name.data, zone->name.len);
    handle.header->reserved = map->reserved;

    /* one that is to be filled is trusted when it is full */

    if (zone->journal.path.len == 0) {
        ngx_http_sealed_map_boot(map, handle.header->boot);
    }

    return NGX_OK;
}


/*
 * A file whose processes are all gone.  One that cannot be trusted is emptied
 * when there is a journal, and then *found is nothing; but a journal that was
 * added to it since, or lost, has nothing to make it from.
 */

static ngx_int_t
ngx_http_sealed_map_adopt(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_http_sealed_found_t *found)
{
    u_char                  boot[16];
    ngx_uint_t              trusted, filled;
    const char             *error;
    sealed_zone_t           handle;
    sealed_zone_header_t   *header;

    error = sealed_zone_attach(&handle, map->memory, map->size);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" cannot be used: %s",
                      &zone->path, &zone->name, error);
        return NGX_ERROR;
    }

    header = handle.header;

    if (ngx_http_sealed_map_is_of(log, zone, header) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_sealed_map_boot(map, boot);

    trusted = header->written
              || (!sodium_is_zero(boot, sizeof(boot))
                  && ngx_memcmp(header->boot, boot, sizeof(boot)) == 0);

    filled = !sodium_is_zero(header->boot, sizeof(header->boot));

    if (!trusted
        && zone->journal.path.len
        && (!filled || ngx_http_sealed_recover_any(zone)))
    {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "\"%V\" of sealed_zone \"%V\" was %s, it is made "
                      "anew from the journal", &zone->path, &zone->name,
                      filled
                      ? "in use when the machine went down, or when it was "
                        "copied"
                      : "not complete yet when nginx ended");

        *found = NGX_HTTP_SEALED_FOUND_NOTHING;

        return ngx_http_sealed_map_empty(log, zone, map);
    }

    handle.limits = zone->mailbox;

    if (sealed_zone_undo(&handle, map->size) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" is damaged (in its "
                      "locks); move it away to begin with an empty zone",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    if (!trusted
        && ngx_http_sealed_map_verify(log, zone, &handle) != NGX_OK)
    {
        return NGX_ERROR;
    }

    sealed_zone_settle(&handle);

    map->written = header->written != 0;
    header->written = 0;
    header->reserved = map->reserved;
    ngx_memcpy(header->boot, boot, sizeof(boot));

    /* before the first change to anything else */

    if (msync(map->memory, SEALED_PAGE_SIZE, MS_SYNC) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "msync() of \"%V\" failed", &zone->path);
        return NGX_ERROR;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "sealed zone \"%V\" goes on with \"%V\"", &zone->name,
                  &zone->path);

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_map_is_of(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    sealed_zone_header_t *header)
{
    u_char  identity[SEALED_JOURNAL_IDENTITY];

    sealed_journal_identity(identity, (char *) zone->name.data,
                            zone->name.len);

    if (ngx_memcmp(header->identity, identity, sizeof(identity)) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" is the file of another zone than \"%V\"",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* holes read as zeros, which is what a new zone begins with */

static ngx_int_t
ngx_http_sealed_map_empty(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map)
{
    if (ftruncate(map->fd, 0) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "ftruncate() of \"%V\" failed", &zone->path);
        return NGX_ERROR;
    }

    if (ngx_http_sealed_map_extend(map, zone->size) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "there is no room for \"%V\" of %uzk",
                      &zone->path, zone->size / 1024);
        return NGX_ERROR;
    }

    map->size = zone->size;

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_map_verify(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    sealed_zone_t *handle)
{
    void        *scratch;
    const char  *error;

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "\"%V\" of sealed_zone \"%V\" was in use when the machine "
                  "went down, or when it was copied: what had not reached "
                  "the disk is lost, the rest is checked", &zone->path,
                  &zone->name);

    scratch = ngx_alloc(sealed_zone_check_scratch(handle), log);
    if (scratch == NULL) {
        return NGX_ERROR;
    }

    error = sealed_zone_check(handle, scratch);
    ngx_free(scratch);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" is damaged (%s); move it "
                      "away to begin with an empty zone", &zone->path,
                      &zone->name, error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* what fails here leaves what is not taken for a zone, or what there was */

static ngx_int_t
ngx_http_sealed_map_journal(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_http_sealed_found_t found)
{
    sealed_zone_t  handle;

    if (sealed_zone_attach(&handle, map->memory, map->size) != NULL) {
        return NGX_ERROR;
    }

    handle.limits = zone->mailbox;

    if (ngx_http_sealed_recover(log, zone, &handle, found) == NGX_OK) {

        if (found == NGX_HTTP_SEALED_FOUND_NOTHING) {
            ngx_http_sealed_map_boot(map, handle.header->boot);
        }

        return NGX_OK;
    }

    if (found == NGX_HTTP_SEALED_FOUND_NOTHING) {
        ngx_memzero(map->memory, SEALED_PAGE_SIZE);

    } else if (map->written
               && msync(map->memory, map->size, MS_SYNC) == 0)
    {
        handle.header->written = 1;
    }

    return NGX_ERROR;
}


/*
 * The binary that runs may write something else to tell the same, and its file
 * would then be checked when this one is killed.
 */

static void
ngx_http_sealed_map_running(ngx_http_sealed_map_t *map)
{
    sealed_zone_t  handle;

    /* one that cannot be used is refused later */

    if (sealed_zone_attach(&handle, map->memory, map->size) == NULL) {
        ngx_http_sealed_map_boot(map, handle.header->boot);
    }
}


/*
 * Which start of the machine this is, and which file: one that was copied is
 * not what the kernel kept, though it may have got the number of one that was
 * removed.  Zeros when it cannot be told.
 */

static void
ngx_http_sealed_map_boot(ngx_http_sealed_map_t *map, u_char boot[16])
{
    u_char           text[64];
    size_t           size;
    ssize_t          n;
    ngx_fd_t         fd;
    struct statx     born;
    ngx_file_info_t  info;

    struct {
        u_char       boot[16];
        uint64_t     device;
        uint64_t     number;
        int64_t      seconds;
        uint64_t     nanoseconds;
    } of;

    ngx_memzero(boot, 16);

    fd = open(NGX_HTTP_SEALED_BOOT, O_RDONLY|O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        return;
    }

    n = ngx_read_fd(fd, text, sizeof(text));
    (void) close(fd);

    if (n <= 0
        || sodium_hex2bin(of.boot, 16, (char *) text, n, "-\n", &size, NULL)
           != 0
        || size != 16
        || ngx_fd_info(map->fd, &info) == NGX_FILE_ERROR)
    {
        return;
    }

    of.device = info.st_dev;
    of.number = info.st_ino;
    of.seconds = 0;
    of.nanoseconds = 0;

    /* not each file system knows */

    if (statx(map->fd, "", AT_EMPTY_PATH, STATX_BTIME, &born) == 0
        && (born.stx_mask & STATX_BTIME))
    {
        of.seconds = born.stx_btime.tv_sec;
        of.nanoseconds = born.stx_btime.tv_nsec;
    }

    (void) crypto_generichash(boot, 16, (u_char *) &of, sizeof(of), NULL, 0);
}
