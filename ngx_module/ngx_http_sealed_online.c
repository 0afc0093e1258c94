
#include "ngx_http_sealed.h"

#include <sys/mman.h>


/*
 * The memory of envelopes that are not stored: one for each zone, as long as
 * the master lives, and only touched by who uses it.
 */

typedef struct ngx_http_sealed_online_map_s  ngx_http_sealed_online_map_t;

struct ngx_http_sealed_online_map_s {
    ngx_http_sealed_online_map_t  *next;
    sealed_online_t               *online;
    size_t                         name_len;
    u_char                         name[1];
};


static ngx_http_sealed_online_map_t  *ngx_http_sealed_online_maps;


ngx_int_t
ngx_http_sealed_online_init(ngx_log_t *log, ngx_http_sealed_zone_conf_t *zone)
{
    ngx_http_sealed_online_map_t  *map;

    for (map = ngx_http_sealed_online_maps; map; map = map->next) {
        if (map->name_len == zone->name.len
            && ngx_memcmp(map->name, zone->name.data, zone->name.len) == 0)
        {
            zone->online = map->online;
            return NGX_OK;
        }
    }

    map = ngx_alloc(sizeof(ngx_http_sealed_online_map_t) + zone->name.len,
                    log);
    if (map == NULL) {
        return NGX_ERROR;
    }

    map->online = mmap(NULL, sizeof(sealed_online_t), PROT_READ|PROT_WRITE,
                       MAP_ANON|MAP_SHARED, -1, 0);

    if (map->online == MAP_FAILED
        || sealed_online_init(map->online) != 0)
    {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno,
                      "cannot make memory for sealed_zone \"%V\"",
                      &zone->name);
        ngx_free(map);
        return NGX_ERROR;
    }

#ifdef MADV_DONTDUMP

    (void) madvise(map->online, sizeof(sealed_online_t), MADV_DONTDUMP);

#endif

    map->name_len = zone->name.len;
    ngx_memcpy(map->name, zone->name.data, zone->name.len);
    map->next = ngx_http_sealed_online_maps;
    ngx_http_sealed_online_maps = map;

    zone->online = map->online;

    return NGX_OK;
}


/* answered as if it had been stored, whoever is there */

sealed_verdict_t
ngx_http_sealed_online_send(ngx_http_sealed_zone_conf_t *zone,
    sealed_append_t *append)
{
    uint32_t          accepted;
    sealed_verdict_t  verdict;

    verdict = sealed_append_judge(zone->zone, append, ngx_time());

    if (verdict != SEALED_OK || append->accepted == 0) {
        return verdict;
    }

    accepted = append->accepted;

    /* the scratch has their hashes now */

    sealed_online_put(zone->online, append->fanout, append->stamp,
                      append->results, append->scratch, ngx_time());
    sealed_append_notify(zone->zone, append, ngx_time());
    append->accepted = accepted;

    return SEALED_OK;
}
