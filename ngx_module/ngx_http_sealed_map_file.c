
#include "ngx_http_sealed_map.h"
#include "../src/journal.h"

#include <sodium.h>
#include <sys/file.h>
#include <sys/mman.h>


/*
 * What is behind a mapping: the descriptor that the running binary left, the
 * file of the configuration, or memory.  The beginning of a file is written
 * when all the rest of a zone is there, so that zeros tell of none.
 */

#define NGX_HTTP_SEALED_LOCK_TIME  3000     /* milliseconds */
#define NGX_HTTP_SEALED_LOCK_PAUSE 50
#define NGX_HTTP_SEALED_BEGINNING  64       /* octets */


static ngx_fd_t ngx_http_sealed_map_inherited(
    ngx_http_sealed_zone_conf_t *zone);
static ngx_int_t ngx_http_sealed_map_take(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_uint_t ngx_http_sealed_map_same(ngx_http_sealed_zone_conf_t *zone,
    ngx_file_info_t *fi);
static ngx_int_t ngx_http_sealed_map_blank(ngx_fd_t fd);
static ngx_int_t ngx_http_sealed_map_open_file(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t *found);
static ngx_int_t ngx_http_sealed_map_open_memory(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_test_file(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone);
static const char *ngx_http_sealed_map_test_zone(ngx_fd_t fd);
static ngx_int_t ngx_http_sealed_map_info(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_fd_t fd, ngx_file_info_t *fi);
static ngx_int_t ngx_http_sealed_map_lock(ngx_fd_t fd);


ngx_int_t
ngx_http_sealed_map_open(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map, ngx_http_sealed_found_t *found)
{
    ngx_int_t  rc;

    *found = NGX_HTTP_SEALED_FOUND_NOTHING;

    map->fd = ngx_test_config ? NGX_INVALID_FILE
                              : ngx_http_sealed_map_inherited(zone);

    if (map->fd != NGX_INVALID_FILE) {
        *found = NGX_HTTP_SEALED_FOUND_RUNNING;

        return ngx_http_sealed_map_take(log, zone, map);
    }

    if (zone->path.len && !ngx_test_config) {
        rc = ngx_http_sealed_map_open_file(log, zone, map, found);

    } else {

        if (zone->path.len
            && ngx_http_sealed_map_test_file(log, zone) != NGX_OK)
        {
            return NGX_ERROR;
        }

        rc = ngx_http_sealed_map_open_memory(log, zone, map);
    }

    if (rc != NGX_OK
        || map->fd == NGX_INVALID_FILE
        || *found != NGX_HTTP_SEALED_FOUND_NOTHING)
    {
        return rc;
    }

    if (ngx_http_sealed_map_extend(map, zone->size) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "there is no room for sealed_zone \"%V\" of %uzk",
                      &zone->name, zone->size / 1024);
        return NGX_ERROR;
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


/* a new binary has the memory of the old one, whatever it was told */

static ngx_int_t
ngx_http_sealed_map_take(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_http_sealed_map_t *map)
{
    ngx_file_info_t  fi;

    if (ngx_http_sealed_map_info(log, zone, map->fd, &fi) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_http_sealed_map_same(zone, &fi)) {
        ngx_http_sealed_map_kept(log, zone, "file");
        return NGX_ERROR;
    }

    map->size = ngx_file_size(&fi);

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


static ngx_int_t
ngx_http_sealed_map_open_file(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t *found)
{
    u_char           beginning[NGX_HTTP_SEALED_BEGINNING];
    ssize_t          n;
    ngx_file_info_t  fi;

    map->fd = open((char *) zone->path.data,
                   O_RDWR|O_CREAT|O_CLOEXEC|O_NOFOLLOW, 0600);

    if (map->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "open() \"%V\" of sealed_zone \"%V\" failed",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    if (ngx_http_sealed_map_lock(map->fd) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log,
                      ngx_errno == NGX_EAGAIN ? 0 : ngx_errno,
                      "\"%V\" of sealed_zone \"%V\" cannot be locked, "
                      "another nginx uses it", &zone->path, &zone->name);
        return NGX_ERROR;
    }

    if (ngx_http_sealed_map_info(log, zone, map->fd, &fi) != NGX_OK) {
        return NGX_ERROR;
    }

    if (!ngx_is_file(&fi) || (fi.st_mode & 077)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" has to be a regular "
                      "file of mode 0600", &zone->path, &zone->name);
        return NGX_ERROR;
    }

    n = pread(map->fd, beginning, sizeof(beginning), 0);

    if (n > 0 && !sodium_is_zero(beginning, n)) {
        *found = NGX_HTTP_SEALED_FOUND_FILE;
        map->size = ngx_file_size(&fi);

        return NGX_OK;
    }

    /* a journal that did not fit, or damage */

    if (zone->journal.path.len == 0
        && ngx_http_sealed_map_blank(map->fd) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" is damaged (it has no "
                      "beginning); move it away to begin with an empty zone",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    /* a new zone begins with zeros, as holes are read */

    if (ftruncate(map->fd, 0) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "ftruncate() of \"%V\" failed", &zone->path);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* allocated and not written yet */

static ngx_int_t
ngx_http_sealed_map_blank(ngx_fd_t fd)
{
    off_t    offset;
    u_char   octets[SEALED_PAGE_SIZE];
    ssize_t  n;

    for (offset = 0; /* void */ ; offset += n) {
        offset = lseek(fd, offset, SEEK_DATA);

        if (offset == -1) {
            return ngx_errno == ENXIO ? NGX_OK : NGX_ERROR;
        }

        n = pread(fd, octets, sizeof(octets), offset);

        if (n <= 0) {
            return n == 0 ? NGX_OK : NGX_ERROR;
        }

        if (!sodium_is_zero(octets, n)) {
            return NGX_ERROR;
        }
    }
}


/* leaves the descriptor as it is where memory cannot have one */

static ngx_int_t
ngx_http_sealed_map_open_memory(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map)
{
#if (SEALED_HAVE_MEMFD)

    char  label[64];

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

#endif

    return NGX_OK;
}


/* a test of a configuration: a file that is there would be taken */

static ngx_int_t
ngx_http_sealed_map_test_file(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone)
{
    ngx_fd_t     fd;
    const char  *error;

    fd = open((char *) zone->path.data,
              O_RDONLY|O_CLOEXEC|O_NOFOLLOW|O_NONBLOCK);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT) {
            return ngx_http_sealed_map_test_parent(log, zone, &zone->path);
        }

        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "open() \"%V\" of sealed_zone \"%V\" failed",
                      &zone->path, &zone->name);
        return NGX_ERROR;
    }

    error = ngx_http_sealed_map_test_zone(fd);

    (void) close(fd);

    if (error) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" cannot be used: %s",
                      &zone->path, &zone->name, error);
        return NGX_ERROR;
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_sealed_map_test_parent(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, const ngx_str_t *path)
{
    size_t           size;
    u_char           parent[NGX_MAX_PATH];
    ngx_file_info_t  fi;

    /* an absolute name, perhaps with slashes behind it */

    size = path->len;

    while (size > 1 && path->data[size - 1] == '/') {
        size--;
    }

    while (size > 1 && path->data[size - 1] != '/') {
        size--;
    }

    if (size >= sizeof(parent)) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "\"%V\" of sealed_zone \"%V\" is too long a name",
                      path, &zone->name);
        return NGX_ERROR;
    }

    ngx_cpystrn(parent, path->data, size + 1);

    if (ngx_file_info(parent, &fi) != NGX_FILE_ERROR && ngx_is_dir(&fi)) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "\"%V\" of sealed_zone \"%V\" cannot be made, there is "
                  "no directory \"%s\"", path, &zone->name, parent);

    return NGX_ERROR;
}


/* NULL, or why this file cannot be the one of a zone */

static const char *
ngx_http_sealed_map_test_zone(ngx_fd_t fd)
{
    void             *memory;
    const char       *error;
    sealed_zone_t     handle;
    ngx_file_info_t   fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        return "it is not a regular file";
    }

    if (ngx_file_size(&fi) == 0) {
        return NULL;
    }

    memory = mmap(NULL, ngx_file_size(&fi), PROT_READ, MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED) {
        return "it cannot be mapped";
    }

    error = sodium_is_zero(memory, NGX_HTTP_SEALED_BEGINNING)
            ? NULL
            : sealed_zone_attach(&handle, memory, ngx_file_size(&fi));

    (void) munmap(memory, ngx_file_size(&fi));

    return error;
}


static ngx_int_t
ngx_http_sealed_map_info(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    ngx_fd_t fd, ngx_file_info_t *fi)
{
    if (ngx_fd_info(fd, fi) == NGX_FILE_ERROR) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      ngx_fd_info_n " of sealed_zone \"%V\" failed",
                      &zone->name);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * flock(), since a lock of fcntl() would not pass to workers.  Processes
 * that were killed may take a moment to go.
 */

static ngx_int_t
ngx_http_sealed_map_lock(ngx_fd_t fd)
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


/*
 * Memory that is written later has to be there: a hole in a file on a disk
 * that is full would end the process that writes into it.
 */

ngx_int_t
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
