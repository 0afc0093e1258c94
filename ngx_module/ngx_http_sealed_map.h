
/*
 * The memory of zones: addresses that every process of a master has, and
 * what is behind them.
 *
 *   ngx_http_sealed_map.c       the mappings of this master, by zone
 *   ngx_http_sealed_map_file.c  what is behind one: memory, or a file
 *   ngx_http_sealed_map_zone.c  what is in one: a new zone, or one that was
 *
 * Mappings live as long as the master: a reload finds them by name, and
 * nothing that is in a mailbox depends on a configuration cycle.  More
 * addresses are mapped than there is memory, so that a zone can grow while
 * old and new workers use it.
 *
 * Behind a mapping is memory without a name in the file system, or with
 * "file=" a file.  Its descriptor is left to a new binary; the lock on a
 * file lasts as long as any process has it.  A test of a configuration
 * neither makes nor changes a file.
 *
 * Sizes are in octets.  What gives NGX_ERROR has logged why, with [emerg],
 * unless it says that it sets errno instead; the old configuration stays.
 */

#ifndef _NGX_HTTP_SEALED_MAP_H_INCLUDED_
#define _NGX_HTTP_SEALED_MAP_H_INCLUDED_


#include "ngx_http_sealed.h"


#pragma GCC visibility push(hidden)


#define NGX_HTTP_SEALED_MAP_KIND  'z'       /* of what is inherited */


typedef struct ngx_http_sealed_map_s  ngx_http_sealed_map_t;

/* allocated once with its names, never freed after it was put on the list */

struct ngx_http_sealed_map_s {
    ngx_http_sealed_map_t        *next;
    void                         *memory;       /* MAP_FAILED: not yet */
    size_t                        size;         /* of what is behind it */
    size_t                        reserved;     /* addresses */
    ngx_fd_t                      fd;           /* or NGX_INVALID_FILE */
    ngx_str_t                     name;
    ngx_str_t                     path;         /* empty: no file */
    ngx_str_t                     journal;      /* empty: none */
    unsigned                      written:1;    /* all of its file was */
};


/* what was behind a mapping before */

typedef enum {
    NGX_HTTP_SEALED_FOUND_NOTHING = 0,
    NGX_HTTP_SEALED_FOUND_FILE,         /* that nobody uses */
    NGX_HTTP_SEALED_FOUND_RUNNING       /* what the running binary uses */
} ngx_http_sealed_found_t;


/* _map.c: says that a parameter cannot change while nginx runs */
void ngx_http_sealed_map_kept(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, const char *parameter);


/*
 * _map_file.c: opens what is behind the mapping, locked when it is a file:
 * map->fd, map->size, *found.  New memory has the zone's size and is zeroed.
 * On NGX_ERROR map->fd may be open, for the caller to close.
 */
ngx_int_t ngx_http_sealed_map_open(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t *found);

/*
 * In a test of a configuration, for a file or directory that nginx would make
 * here: NGX_ERROR when that in which it would be is no directory.
 */
ngx_int_t ngx_http_sealed_map_test_parent(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, const ngx_str_t *path);

/*
 * Makes what is behind the mapping so large; map->size stays for the caller
 * to set.  NGX_ERROR with errno: a file has its former size, or none.
 */
ngx_int_t ngx_http_sealed_map_extend(ngx_http_sealed_map_t *map,
    size_t size);


/*
 * _map_zone.c: makes a zone of what is mapped, unless the running binary has
 * done so: formats it, or takes over a file's, and fills it from the zone's
 * journal when that knows more.  On NGX_ERROR nothing that could be taken
 * for a whole zone is left behind.
 */
ngx_int_t ngx_http_sealed_map_fill(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map,
    ngx_http_sealed_found_t found);


#pragma GCC visibility pop


#endif /* _NGX_HTTP_SEALED_MAP_H_INCLUDED_ */
