
#include "ngx_http_sealed.h"
#include "../src/journal.h"
#include "../src/zone_check.h"

#include <sodium.h>
#include <sys/file.h>
#include <sys/mman.h>


/*
 * The memory of zones.  Mappings live as long as the master: a reload finds
 * them by name, and nothing that is in a mailbox depends on a configuration
 * cycle.  More addresses are mapped than there is memory, so that a zone can
 * grow while old and new workers use it.
 *
 * Behind a mapping is memory without a name in the file system, or with
 * "file=" a file.  Its descriptor is left to a new binary; the lock on a
 * file lasts as long as any process has it.
 */

#define NGX_HTTP_SEALED_GROWTH     16
#define NGX_HTTP_SEALED_MAP_KIND   'z'
#define NGX_HTTP_SEALED_LOCK_TIME  3000
#define NGX_HTTP_SEALED_LOCK_PAUSE 50
#define NGX_HTTP_SEALED_BOOT       "/proc/sys/kernel/random/boot_id"


typedef struct ngx_http_sealed_map_s  ngx_http_sealed_map_t;

struct ngx_http_sealed_map_s {
    ngx_http_sealed_map_t        *next;
    void                         *memory;
    size_t                        size;
    size_t                        reserved;     /* addresses */
    ngx_fd_t                      fd;
    ngx_str_t                     path;         /* empty: no file */
    ngx_str_t                     journal;      /* empty: none */
    size_t                        name_len;
    u_char                        name[1];
};


static ngx_int_t ngx_http_sealed_map_check_size(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_http_sealed_map_t *ngx_http_sealed_map_create(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_map_open(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_uint_t *found);
static ngx_fd_t ngx_http_sealed_map_inherited(
    ngx_http_sealed_zone_conf_t *zone);
static ngx_uint_t ngx_http_sealed_map_same(ngx_http_sealed_zone_conf_t *zone,
    ngx_file_info_t *fi);
static void ngx_http_sealed_map_kept(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, const char *parameter);
static ngx_int_t ngx_http_sealed_map_test(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_map_addresses(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_format(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_adopt(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_uint_t *found);
static ngx_int_t ngx_http_sealed_map_journal(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_uint_t found);
static ngx_int_t ngx_http_sealed_map_verify(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, sealed_zone_t *handle);
static ngx_int_t ngx_http_sealed_map_extend(ngx_http_sealed_map_t *map,
    size_t size);
static void ngx_http_sealed_map_resize(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_http_sealed_map_t *ngx_http_sealed_map_find(ngx_str_t *name);
static void ngx_http_sealed_map_boot(u_char boot[16]);


static ngx_http_sealed_map_t  *ngx_http_sealed_maps;


/*
 * While the old configuration can still be kept.  A test of a configuration
 * neither makes nor changes a file.
 */

ngx_int_t
ngx_http_sealed_map(ngx_conf_t *cf, ngx_http_sealed_zone_conf_t *zone)
{
    const char             *error;
    ngx_http_sealed_map_t  *map;

    map = ngx_http_sealed_map_find(&zone->name);

    if (map == NULL) {
        map = ngx_http_sealed_map_create(cf->log, zone);

        if (map == NULL) {
            return NGX_ERROR;
        }

        map->next = ngx_http_sealed_maps;
        ngx_http_sealed_maps = map;
    }

    if (map->path.len != zone->path.len
        || ngx_strncmp(map->path.data, zone->path.data, map->path.len) != 0)
    {
        ngx_http_sealed_map_kept(cf->log, zone, "file");
        return NGX_ERROR;
    }

    if (map->journal.len != zone->journal.path.len
        || ngx_strncmp(map->journal.data, zone->journal.path.data,
                       map->journal.len)
           != 0)
    {
        ngx_http_sealed_map_kept(cf->log, zone, "journal");
        return NGX_ERROR;
    }

    error = sealed_zone_attach(zone->zone, map->memory, map->size);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sealed_zone \"%V\" cannot be used: %s",
                      &zone->name, error);
        return NGX_ERROR;
    }

    zone->zone->limits = zone->mailbox;

    return ngx_http_sealed_map_check_size(cf, zone, map);
}


/* a size that cannot be had keeps the old configuration */

static ngx_int_t
ngx_http_sealed_map_check_size(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map)
{
    size_t  least, reserved;

    /* an older binary that still runs may have fewer addresses */

    reserved = ngx_min(map->reserved, zone->zone->header->reserved);

    if (zone->size > reserved) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sealed_zone \"%V\" can grow to %uzk by a reload, "
                      "for more nginx has to be started anew, in %V:%ui",
                      &zone->name, reserved / 1024, &zone->file,
                      zone->line);
        return NGX_ERROR;
    }

    if (zone->size >= map->size) {
        return NGX_OK;
    }

    least = map->fd == NGX_INVALID_FILE
            ? map->size : sealed_zone_least_size(zone->zone);

    if (zone->size < least) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "sealed_zone \"%V\" cannot shrink below %uzk, "
                      "which is in use, in %V:%ui",
                      &zone->name, least / 1024, &zone->file, zone->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_http_sealed_map_t *
ngx_http_sealed_map_create(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone)
{
    ngx_int_t               rc;
    ngx_uint_t              found;
    ngx_http_sealed_map_t  *map;

    map = ngx_calloc(sizeof(ngx_http_sealed_map_t) + zone->name.len
                     + zone->path.len + zone->journal.path.len + 2, log);
    if (map == NULL) {
        return NULL;
    }

    map->size = zone->size;
    map->reserved = zone->size;
    map->fd = NGX_INVALID_FILE;
    map->memory = MAP_FAILED;
    map->name_len = zone->name.len;
    ngx_memcpy(map->name, zone->name.data, zone->name.len);
    map->path.len = zone->path.len;
    map->path.data = map->name + zone->name.len;
    ngx_memcpy(map->path.data, zone->path.data, zone->path.len);
    map->journal.len = zone->journal.path.len;
    map->journal.data = map->path.data + zone->path.len + 1;
    ngx_memcpy(map->journal.data, zone->journal.path.data,
               zone->journal.path.len);

    found = 0;

    if (ngx_http_sealed_map_open(log, zone, map, &found) == NGX_OK
        && ngx_http_sealed_map_addresses(log, zone, map) == NGX_OK)
    {
        rc = found == 1 ? ngx_http_sealed_map_adopt(log, zone, map, &found)
                        : NGX_OK;

        if (rc == NGX_OK && found == 0) {
            rc = ngx_http_sealed_map_format(log, zone, map);
        }

        if (rc == NGX_OK && zone->journal.path.len) {
            rc = ngx_http_sealed_map_journal(log, zone, map, found);
        }

        if (rc == NGX_OK
            && (map->fd == NGX_INVALID_FILE
                || ngx_test_config
                || ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_MAP_KIND,
                                            map->fd)
                   == NGX_OK))
        {
            return map;
        }
    }

    if (map->memory != MAP_FAILED) {
        (void) munmap(map->memory, map->reserved);
    }

    if (map->fd != NGX_INVALID_FILE) {
        (void) close(map->fd);
    }

    ngx_free(map);

    return NULL;
}


/*
 * What is behind the mapping.  *found: 0 nothing yet, 1 a file that nobody
 * uses, 2 what the running binary uses.
 */

static ngx_int_t
ngx_http_sealed_map_open(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_uint_t *found)
{
    u_char           first[64];
    ssize_t          n;
    ngx_file_info_t  fi;
#if (SEALED_HAVE_MEMFD)
    char             label[64];
#endif

    map->fd = ngx_test_config ? NGX_INVALID_FILE
                              : ngx_http_sealed_map_inherited(zone);

    if (map->fd != NGX_INVALID_FILE) {
        *found = 2;

    } else if (zone->path.len && !ngx_test_config) {

        map->fd = open((char *) zone->path.data,
                       O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

        if (map->fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                          "open() \"%V\" of sealed_zone \"%V\" failed",
                          &zone->path, &zone->name);
            return NGX_ERROR;
        }

        /* flock(), since a lock of fcntl() would not pass to workers */

        if (ngx_http_sealed_lock(map->fd) != NGX_OK) {
            ngx_log_error(NGX_LOG_EMERG, log,
                          ngx_errno == NGX_EAGAIN ? 0 : ngx_errno,
                          "\"%V\" of sealed_zone \"%V\" cannot be locked, "
                          "another nginx uses it", &zone->path, &zone->name);
            return NGX_ERROR;
        }

    } else {

        if (zone->path.len
            && ngx_http_sealed_map_test(log, zone) != NGX_OK)
        {
            return NGX_ERROR;
        }

#if (SEALED_HAVE_MEMFD)

        /* named, so that an operator can see it */

        ngx_snprintf((u_char *) label, sizeof(label), "sealed:%V%Z",
                     &zone->name);
        label[sizeof(label) - 1] = '\0';

        map->fd = memfd_create(label, MFD_CLOEXEC);

        if (map->fd == NGX_INVALID_FILE) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                          "cannot make memory for sealed_zone \"%V\"",
                          &zone->name);
            return NGX_ERROR;
        }

#else
        return NGX_OK;
#endif
    }

    if (ngx_fd_info(map->fd, &fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_fd_info_n " of sealed_zone \"%V\" failed",
                      &zone->name);
        return NGX_ERROR;
    }

    /* a new binary has the memory of the old one, whatever it was told */

    if (*found == 2 && !ngx_http_sealed_map_same(zone, &fi)) {
        ngx_http_sealed_map_kept(log, zone, "file");
        return NGX_ERROR;
    }

    if (*found == 0 && map->path.len && !ngx_test_config) {

        if (!ngx_is_file(&fi) || (fi.st_mode & 077)) {
            ngx_log_error(NGX_LOG_EMERG, log, 0,
                          "\"%V\" of sealed_zone \"%V\" has to be a regular "
                          "file of mode 0600", &zone->path, &zone->name);
            return NGX_ERROR;
        }

        /* the beginning is written when all the rest is there */

        n = pread(map->fd, first, sizeof(first), 0);

        *found = n > 0 && !sodium_is_zero(first, n);
    }

    if (*found) {
        map->size = ngx_file_size(&fi);
        return NGX_OK;
    }

    if (ngx_http_sealed_map_extend(map, zone->size) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "there is no room for sealed_zone \"%V\" of %uzk",
                      &zone->name, zone->size / 1024);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* is the open file the one of the configuration?  Memory has no name */

static ngx_uint_t
ngx_http_sealed_map_same(ngx_http_sealed_zone_conf_t *zone,
    ngx_file_info_t *fi)
{
    ngx_file_info_t  named;

    if (zone->path.len == 0) {
        return fi->st_nlink == 0;
    }

    return ngx_file_info(zone->path.data, &named) != NGX_FILE_ERROR
           && named.st_dev == fi->st_dev
           && named.st_ino == fi->st_ino;
}


static void
ngx_http_sealed_map_kept(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    const char *parameter)
{
    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "sealed_zone \"%V\" keeps its \"%s=\" until nginx is "
                  "started anew, in %V:%ui", &zone->name, parameter,
                  &zone->file, zone->line);
}


/* processes that were killed may take a moment to go */

ngx_int_t
ngx_http_sealed_lock(ngx_fd_t fd)
{
    ngx_uint_t  tries;

    for (tries = 0; flock(fd, LOCK_EX|LOCK_NB) == -1; tries++) {

        if (ngx_errno != NGX_EAGAIN
            || tries == NGX_HTTP_SEALED_LOCK_TIME
                        / NGX_HTTP_SEALED_LOCK_PAUSE)
        {
            return NGX_ERROR;
        }

        ngx_msleep(NGX_HTTP_SEALED_LOCK_PAUSE);
    }

    return NGX_OK;
}


static ngx_fd_t
ngx_http_sealed_map_inherited(ngx_http_sealed_zone_conf_t *zone)
{
    ngx_fd_t               fd;
    ngx_uint_t             i;
    u_char                 identity[SEALED_JOURNAL_IDENTITY];
    sealed_zone_header_t   header;

    sealed_journal_identity(identity, (char *) zone->name.data,
                            zone->name.len);

    for (i = 0; /* void */; i++) {
        fd = ngx_http_sealed_inherited(NGX_HTTP_SEALED_MAP_KIND, i);

        if (fd == NGX_INVALID_FILE) {
            return NGX_INVALID_FILE;
        }

        /* whether it is of this layout is seen later, and said */

        if (pread(fd, &header, sizeof(header), 0) == sizeof(header)
            && ngx_memcmp(header.identity, identity, sizeof(identity)) == 0)
        {
            return fd;
        }
    }
}


/* a file that is there would be taken */

static ngx_int_t
ngx_http_sealed_map_test(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone)
{
    void             *memory;
    ngx_fd_t          fd;
    const char       *error;
    sealed_zone_t     handle;
    ngx_file_info_t   fi;

    fd = open((char *) zone->path.data, O_RDONLY|O_CLOEXEC|O_NOFOLLOW);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return NGX_OK;
        }

        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "open() \"%V\" of sealed_zone \"%V\" failed",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    error = NULL;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        error = "it is not a regular file";

    } else if (ngx_file_size(&fi)) {
        memory = mmap(NULL, ngx_file_size(&fi), PROT_READ, MAP_SHARED, fd, 0);

        if (memory == MAP_FAILED) {
            error = "it cannot be mapped";

        } else {

            if (!sodium_is_zero(memory, 64)) {
                error = sealed_zone_attach(&handle, memory,
                                           ngx_file_size(&fi));
            }

            (void) munmap(memory, ngx_file_size(&fi));
        }
    }

    (void) close(fd);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" cannot be used: %s",
                      &zone->path, &zone->name, error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_sealed_map_addresses(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map)
{
    int     flags;
    size_t  most;

    most = ngx_max(zone->size, map->size);

    if (map->fd == NGX_INVALID_FILE) {
        flags = MAP_ANON|MAP_SHARED;
        map->reserved = map->size;

    } else {
        flags = MAP_SHARED;
        map->reserved = ngx_min(most * NGX_HTTP_SEALED_GROWTH,
                                SEALED_ZONE_MAX);
    }

    map->memory = mmap(NULL, map->reserved, PROT_READ|PROT_WRITE, flags,
                       map->fd, 0);

    if (map->memory == MAP_FAILED && map->reserved > most) {

        /* addresses may be limited */

        map->reserved = most;
        map->memory = mmap(NULL, map->reserved, PROT_READ|PROT_WRITE, flags,
                           map->fd, 0);
    }

    if (map->memory == MAP_FAILED) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "mmap(%uz) for sealed_zone \"%V\" failed",
                      map->reserved, &zone->name);
        return NGX_ERROR;
    }

#ifdef MADV_DONTDUMP

    /* request keys and mail are nothing for a core dump */

    (void) madvise(map->memory, map->reserved, MADV_DONTDUMP);

#endif

    return NGX_OK;
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
        ngx_http_sealed_map_boot(handle.header->boot);
    }

    return NGX_OK;
}


/*
 * A file whose processes are all gone.  As long as the machine has not been
 * started anew all that they did is in it; after that only if the last of
 * them said that everything was written.
 */

static ngx_int_t
ngx_http_sealed_map_adopt(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_uint_t *found)
{
    u_char                  boot[16], identity[SEALED_JOURNAL_IDENTITY];
    ngx_uint_t              trusted;
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

    sealed_journal_identity(identity, (char *) zone->name.data,
                            zone->name.len);

    if (ngx_memcmp(header->identity, identity, sizeof(identity)) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" is the file of another zone than \"%V\"",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    ngx_http_sealed_map_boot(boot);

    trusted = header->written
              || (!sodium_is_zero(boot, sizeof(boot))
                  && ngx_memcmp(header->boot, boot, sizeof(boot)) == 0);

    if (!trusted && zone->journal.path.len) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "\"%V\" of sealed_zone \"%V\" was %s, it is made "
                      "anew from the journal", &zone->path, &zone->name,
                      sodium_is_zero(header->boot, sizeof(header->boot))
                      ? "not complete yet when nginx ended"
                      : "in use when the machine went down");

        /* holes read as zeros, which is what a new zone begins with */

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
        *found = 0;

        return NGX_OK;
    }

    handle.limits = zone->mailbox;

    if (sealed_zone_adopt(&handle) != 0) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" cannot be locked",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    if (!trusted
        && ngx_http_sealed_map_verify(log, zone, &handle) != NGX_OK)
    {
        return NGX_ERROR;
    }

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


/* what fails here leaves a file that is not taken for a zone */

static ngx_int_t
ngx_http_sealed_map_journal(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_uint_t found)
{
    sealed_zone_t  handle;

    if (sealed_zone_attach(&handle, map->memory, map->size) != NULL) {
        return NGX_ERROR;
    }

    handle.limits = zone->mailbox;

    if (ngx_http_sealed_recover(log, zone, &handle, found) == NGX_OK) {

        if (found == 0) {
            ngx_http_sealed_map_boot(handle.header->boot);
        }

        return NGX_OK;
    }

    if (found == 0) {
        ngx_memzero(map->memory, SEALED_PAGE_SIZE);
    }

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_sealed_map_verify(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    sealed_zone_t *handle)
{
    void        *scratch;
    const char  *error;

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "\"%V\" of sealed_zone \"%V\" was in use when the machine "
                  "went down: what had not reached the disk is lost, the "
                  "rest is checked", &zone->path, &zone->name);

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


/*
 * Memory that is written later has to be there: a hole in a file on a disk
 * that is full would end the process that writes into it.
 */

static ngx_int_t
ngx_http_sealed_map_extend(ngx_http_sealed_map_t *map, size_t size)
{
    int  err;

    if (ftruncate(map->fd, size) == -1) {
        return NGX_ERROR;
    }

    if (map->path.len && !ngx_test_config) {
        err = posix_fallocate(map->fd, 0, size);

        if (err) {
            (void) ftruncate(map->fd, map->memory == MAP_FAILED
                                      ? 0 : (off_t) map->size);
            ngx_set_errno(err);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* the configuration has been accepted; old workers may still be running */

ngx_int_t
ngx_http_sealed_maps_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i;
    ngx_core_conf_t               *ccf;
    ngx_http_sealed_map_t         *map;
    ngx_http_sealed_zone_conf_t  **zone;

    zone = smcf->zones.elts;
    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    if (ngx_test_config) {
        return NGX_OK;
    }

    for (i = 0; i < smcf->zones.nelts; i++) {
        map = ngx_http_sealed_map_find(&zone[i]->name);

        if (map == NULL) {
            continue;
        }

        if (map->size != zone[i]->size) {
            ngx_http_sealed_map_resize(cycle->log, zone[i], map);
        }

        /* workers have it open already; this is for who looks after it */

        if (map->path.len
            && geteuid() == 0
            && fchown(map->fd, ccf->user, ccf->group) == -1)
        {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "fchown() of \"%V\" failed", &map->path);
            return NGX_ERROR;
        }

        /* workers make the segments */

        if (map->journal.len
            && geteuid() == 0
            && chown((char *) map->journal.data, ccf->user, ccf->group) == -1)
        {
            ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                          "chown() of \"%V\" failed", &map->journal);
            return NGX_ERROR;
        }
    }

    return ngx_http_sealed_inherit_export(cycle);
}


static void
ngx_http_sealed_map_resize(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map)
{
    /* memory has to be there before it is used, and after */

    if (zone->size > map->size
        && ngx_http_sealed_map_extend(map, zone->size) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "sealed zone \"%V\" cannot grow to %uzk, it keeps %uzk",
                      &zone->name, zone->size / 1024, map->size / 1024);
        return;
    }

    if (sealed_zone_resize(zone->zone, zone->size) != 0) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "sealed zone \"%V\" was filled in the meantime, "
                      "it keeps %uzk", &zone->name, map->size / 1024);
        return;
    }

    if (zone->size < map->size && ftruncate(map->fd, zone->size) == -1) {
        ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                      "memory of sealed zone \"%V\" cannot be given back",
                      &zone->name);
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "sealed zone \"%V\" had %uzk and has %uzk",
                  &zone->name, map->size / 1024, zone->size / 1024);

    map->size = zone->size;
}


/*
 * The master is the last to go, unless a new binary has taken over.  When
 * all that is in a file has been written, that is put down in it.
 */

void
ngx_http_sealed_maps_exit(ngx_cycle_t *cycle)
{
    sealed_zone_t           handle;
    ngx_http_sealed_map_t  *map;

    for (map = ngx_http_sealed_maps; map; map = map->next) {

        if (map->path.len == 0
            || sealed_zone_attach(&handle, map->memory, map->size) != NULL
            || sealed_worker_live(&handle))
        {
            continue;
        }

        if (msync(map->memory, map->size, MS_SYNC) == 0
            && fsync(map->fd) == 0)
        {
            handle.header->written = 1;

            if (msync(map->memory, SEALED_PAGE_SIZE, MS_SYNC) == 0) {
                continue;
            }
        }

        ngx_log_error(NGX_LOG_ERR, cycle->log, ngx_errno,
                      "\"%V\" could not be written to the disk", &map->path);
    }
}


static ngx_http_sealed_map_t *
ngx_http_sealed_map_find(ngx_str_t *name)
{
    ngx_http_sealed_map_t  *map;

    for (map = ngx_http_sealed_maps; map; map = map->next) {
        if (map->name_len == name->len
            && ngx_memcmp(map->name, name->data, name->len) == 0)
        {
            break;
        }
    }

    return map;
}


/* which start of the machine this is; zeros when it cannot be told */

static void
ngx_http_sealed_map_boot(u_char boot[16])
{
    u_char    text[64];
    size_t    size;
    ssize_t   n;
    ngx_fd_t  fd;

    ngx_memzero(boot, 16);

    fd = open(NGX_HTTP_SEALED_BOOT, O_RDONLY|O_CLOEXEC);
    if (fd == NGX_INVALID_FILE) {
        return;
    }

    n = ngx_read_fd(fd, text, sizeof(text));
    (void) close(fd);

    if (n <= 0
        || sodium_hex2bin(boot, 16, (char *) text, n, "-\n", &size, NULL) != 0
        || size != 16)
    {
        ngx_memzero(boot, 16);
    }
}
