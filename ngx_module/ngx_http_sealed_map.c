
#include "ngx_http_sealed_map.h"

#include <sys/mman.h>


#define NGX_HTTP_SEALED_GROWTH  16      /* addresses, times the size */


static ngx_int_t ngx_http_sealed_map_check_size(ngx_conf_t *cf,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_http_sealed_map_t *ngx_http_sealed_map_create(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone);
static u_char *ngx_http_sealed_map_keep(ngx_str_t *kept, ngx_str_t *text,
    u_char *p);
static ngx_uint_t ngx_http_sealed_map_equal(ngx_str_t *one, ngx_str_t *other);
static ngx_int_t ngx_http_sealed_map_addresses(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static void ngx_http_sealed_map_resize(ngx_log_t *log,
    ngx_http_sealed_zone_conf_t *zone, ngx_http_sealed_map_t *map);
static ngx_int_t ngx_http_sealed_map_owner(ngx_cycle_t *cycle,
    ngx_http_sealed_map_t *map);
static ngx_http_sealed_map_t *ngx_http_sealed_map_find(ngx_str_t *name);


static ngx_http_sealed_map_t  *ngx_http_sealed_maps;


/* while the old configuration can still be kept */

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

    if (!ngx_http_sealed_map_equal(&map->path, &zone->path)) {
        ngx_http_sealed_map_kept(cf->log, zone, "file");
        return NGX_ERROR;
    }

    if (!ngx_http_sealed_map_equal(&map->journal, &zone->journal.path)) {
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

    /* a file may be larger, when nginx died as the zone was to grow */

    map->size = sealed_zone_size(zone->zone);

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
    u_char                   *p;
    ngx_http_sealed_map_t    *map;
    ngx_http_sealed_found_t   found;

    map = ngx_calloc(sizeof(ngx_http_sealed_map_t) + zone->name.len
                     + zone->path.len + zone->journal.path.len + 3, log);
    if (map == NULL) {
        return NULL;
    }

    map->size = zone->size;
    map->reserved = zone->size;
    map->fd = NGX_INVALID_FILE;
    map->memory = MAP_FAILED;

    p = (u_char *) (map + 1);
    p = ngx_http_sealed_map_keep(&map->name, &zone->name, p);
    p = ngx_http_sealed_map_keep(&map->path, &zone->path, p);
    (void) ngx_http_sealed_map_keep(&map->journal, &zone->journal.path, p);

    if (ngx_http_sealed_map_open(log, zone, map, &found) == NGX_OK
        && ngx_http_sealed_map_addresses(log, zone, map) == NGX_OK
        && ngx_http_sealed_map_fill(log, zone, map, found) == NGX_OK
        && (map->fd == NGX_INVALID_FILE
            || ngx_test_config
            || ngx_http_sealed_bequeath(log, NGX_HTTP_SEALED_MAP_KIND,
                                        map->fd)
               == NGX_OK))
    {
        return map;
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


/* p is zeroed: one zero stays behind the text, and the next goes there */

static u_char *
ngx_http_sealed_map_keep(ngx_str_t *kept, ngx_str_t *text, u_char *p)
{
    kept->len = text->len;
    kept->data = p;

    return ngx_cpymem(p, text->data, text->len) + 1;
}


static ngx_uint_t
ngx_http_sealed_map_equal(ngx_str_t *one, ngx_str_t *other)
{
    return one->len == other->len
           && ngx_memcmp(one->data, other->data, one->len) == 0;
}


void
ngx_http_sealed_map_kept(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone,
    const char *parameter)
{
    ngx_log_error(NGX_LOG_EMERG, log, 0,
                  "sealed_zone \"%V\" keeps its \"%s=\" until nginx is "
                  "started anew, in %V:%ui", &zone->name, parameter,
                  &zone->file, zone->line);
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


/* the configuration has been accepted; old workers may still be running */

ngx_int_t
ngx_http_sealed_maps_init(ngx_cycle_t *cycle,
    ngx_http_sealed_main_conf_t *smcf)
{
    ngx_uint_t                     i;
    ngx_http_sealed_map_t         *map;
    ngx_http_sealed_zone_conf_t  **zone;

    if (ngx_test_config) {
        return NGX_OK;
    }

    zone = smcf->zones.elts;

    for (i = 0; i < smcf->zones.nelts; i++) {
        map = ngx_http_sealed_map_find(&zone[i]->name);

        if (map == NULL) {
            continue;
        }

        if (map->size != zone[i]->size) {
            ngx_http_sealed_map_resize(cycle->log, zone[i], map);
        }

        if (geteuid() == 0
            && ngx_http_sealed_map_owner(cycle, map) != NGX_OK)
        {
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


/* files belong to the user of the workers */

static ngx_int_t
ngx_http_sealed_map_owner(ngx_cycle_t *cycle, ngx_http_sealed_map_t *map)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    /* workers have it open already; this is for who looks after it */

    if (map->path.len && fchown(map->fd, ccf->user, ccf->group) == -1) {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "fchown() of \"%V\" failed", &map->path);
        return NGX_ERROR;
    }

    /* workers make the segments */

    if (map->journal.len
        && chown((char *) map->journal.data, ccf->user, ccf->group) == -1)
    {
        ngx_log_error(NGX_LOG_EMERG, cycle->log, ngx_errno,
                      "chown() of \"%V\" failed", &map->journal);
        return NGX_ERROR;
    }

    return NGX_OK;
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
        if (ngx_http_sealed_map_equal(&map->name, name)) {
            break;
        }
    }

    return map;
}
