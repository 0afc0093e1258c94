
#include "arena.h"
#include "zone.h"

#if (SEALED_CHECKED)
#include <sanitizer/common_interface_defs.h>
#endif


static int is_carved(const sealed_zone_t *zone, uint32_t page);
static uint32_t fresh_page(sealed_zone_t *zone, sealed_pool_t pool);
static void save_page(sealed_zone_t *zone, sealed_page_t *descriptor);
static void push(sealed_zone_t *zone, sealed_pool_state_t *state,
    uint32_t page);
static void pull(sealed_zone_t *zone, sealed_pool_state_t *state,
    uint32_t page);


/* a record's sizes: 20 octets and its slice */

static const uint16_t  object_size[SEALED_POOLS] = {
    SEALED_PAGE_SIZE,
    sizeof(sealed_mailbox_t),
    sizeof(sealed_certificate_entry_t),
    sizeof(sealed_body_t),
    sizeof(sealed_cell_t),
    SEALED_PAGE_SIZE,
    SEALED_PAGE_SIZE,
    24, 40, 56, 72, 88, 120, 152, 216, 280
};


void
sealed_arena_format(sealed_arena_t *arena, uint32_t pages, uint32_t control)
{
    arena->pages = pages;
    arena->control = control;
    arena->carved = control;
    arena->total = sealed_arena_total(pages, control);
    arena->free_pages = arena->total;
}


uint32_t
sealed_arena_total(uint32_t pages, uint32_t control)
{
    uint32_t  extents, last;

    if (pages <= control) {
        return 0;
    }

    /* control pages all lie in the extents before its end */

    extents = pages / SEALED_EXTENT_PAGES - control / SEALED_EXTENT_PAGES;
    last = pages % SEALED_EXTENT_PAGES;

    if (extents == 0) {
        return pages - control;
    }

    if (last > SEALED_EXTENT_FIRST) {
        last = SEALED_EXTENT_FIRST;
    }

    return pages - control - (extents - 1) * SEALED_EXTENT_FIRST - last;
}


uint32_t
sealed_arena_least(const sealed_zone_t *zone)
{
    uint32_t               page;
    const sealed_arena_t  *arena;

    arena = &zone->header->arena;

    for (page = arena->carved; page > arena->control; page--) {
        if ((page - 1) % SEALED_EXTENT_PAGES >= SEALED_EXTENT_FIRST
            && sealed_arena_page(zone, page - 1)->pool != SEALED_POOL_FREE)
        {
            break;
        }
    }

    return page;
}


int
sealed_arena_resize(sealed_zone_t *zone, uint32_t pages)
{
    uint32_t         page, total, *link;
    sealed_page_t   *descriptor;
    sealed_arena_t  *arena;

    arena = &zone->header->arena;

    if (pages < sealed_arena_least(zone)) {
        return -1;
    }

    /* free pages that go come first in their list, then all go at once */

    for (link = &arena->free_page; *link != SEALED_NONE; /* void */ ) {
        page = *link;
        descriptor = sealed_arena_page(zone, page);

        if (page < pages || link == &arena->free_page) {
            link = &descriptor->next;
            continue;
        }

        sealed_arena_save(zone, &arena->free_page, sizeof(uint32_t));
        sealed_arena_save(zone, link, sizeof(uint32_t));
        sealed_arena_save(zone, &descriptor->next, sizeof(uint32_t));
        sealed_set(*link, descriptor->next);
        sealed_set(descriptor->next, arena->free_page);
        sealed_set(arena->free_page, page);
        sealed_lock_commit(zone->arena_lock);
    }

    page = arena->free_page;

    while (page != SEALED_NONE && page >= pages) {
        page = sealed_arena_page(zone, page)->next;
    }

    total = sealed_arena_total(pages, arena->control);

    sealed_arena_save(zone, arena, offsetof(sealed_arena_t, pool));
    sealed_set(arena->free_page, page);
    sealed_set(arena->free_pages, arena->free_pages + total - arena->total);
    sealed_set(arena->total, total);
    sealed_set(arena->pages, pages);

    if (arena->carved > pages) {
        sealed_set(arena->carved, pages);
    }

    return 0;
}


size_t
sealed_pool_object_size(sealed_pool_t pool)
{
    return object_size[pool];
}


uint32_t
sealed_pool_objects(sealed_pool_t pool)
{
    return SEALED_PAGE_SIZE / object_size[pool];
}


sealed_pool_t
sealed_pool_record(uint32_t slice_size)
{
    unsigned  pool;

    pool = SEALED_POOL_RECORD;

    while (object_size[pool] - offsetof(sealed_record_t, slice) < slice_size)
    {
        pool++;
    }

    return pool;
}


uint32_t
sealed_arena_take(sealed_zone_t *zone, sealed_pool_t pool,
    uint32_t *references, uint32_t n)
{
    uint32_t              page, slot, word, taken, first, objects;
    sealed_page_t        *descriptor;
    sealed_pool_state_t  *state;

    state = &zone->header->arena.pool[pool];
    objects = sealed_pool_objects(pool);
    taken = 0;

    if (sealed_lock_room(zone->arena_lock) < 2 * SEALED_ARENA_WORDS) {
        return 0;
    }

    sealed_arena_save(zone, state, sizeof(sealed_pool_state_t));

    while (taken < n
           && sealed_lock_room(zone->arena_lock) >= SEALED_ARENA_WORDS)
    {
        page = state->partial;

        if (page == SEALED_NONE) {
            page = fresh_page(zone, pool);

            if (page == SEALED_NONE) {
                break;
            }

            push(zone, state, page);
            sealed_set(state->pages, state->pages + 1);
        }

        descriptor = sealed_arena_page(zone, page);
        save_page(zone, descriptor);

        first = taken;

        for (word = 0; word < 3; word++) {
            while (taken < n
                   && descriptor->count + (taken - first) < objects
                   && descriptor->used[word] != UINT64_MAX)
            {
                slot = (uint32_t) __builtin_ctzll(~descriptor->used[word]);

                sealed_set(descriptor->used[word],
                           descriptor->used[word] | (uint64_t) 1 << slot);

                references[taken++] = page * (SEALED_PAGE_SIZE / 8)
                                      + (word * 64 + slot)
                                        * (object_size[pool] / 8);
            }
        }

        sealed_set(descriptor->count,
                   (uint16_t) (descriptor->count + (taken - first)));
        sealed_set(state->used, state->used + (taken - first));

        if (descriptor->count == objects) {
            pull(zone, state, page);
        }
    }

    return taken;
}


void
sealed_arena_give(sealed_zone_t *zone, uint32_t reference)
{
    uint32_t              page, slot, objects;
    sealed_page_t        *descriptor;
    sealed_arena_t       *arena;
    sealed_pool_state_t  *state;

    arena = &zone->header->arena;
    page = reference / (SEALED_PAGE_SIZE / 8);

    descriptor = sealed_arena_page(zone, page);
    state = &arena->pool[descriptor->pool];
    objects = sealed_pool_objects(descriptor->pool);
    slot = reference % (SEALED_PAGE_SIZE / 8)
           / (object_size[descriptor->pool] / 8);

    sealed_arena_save(zone, state, sizeof(sealed_pool_state_t));
    save_page(zone, descriptor);

    if (descriptor->count == objects) {
        push(zone, state, page);
    }

    sealed_set(descriptor->used[slot / 64],
               descriptor->used[slot / 64] & ~((uint64_t) 1 << slot % 64));
    sealed_set(descriptor->count, (uint16_t) (descriptor->count - 1));
    sealed_set(state->used, state->used - 1);

    if (descriptor->count == 0) {
        pull(zone, state, page);
        sealed_set(state->pages, state->pages - 1);

        sealed_arena_save(zone, arena, offsetof(sealed_arena_t, pool));
        sealed_set(descriptor->pool, SEALED_POOL_FREE);
        sealed_set(descriptor->next, arena->free_page);
        sealed_set(arena->free_page, page);
        sealed_set(arena->free_pages, arena->free_pages + 1);
    }
}


int
sealed_arena_has_room(const sealed_zone_t *zone,
    const uint32_t need[SEALED_POOLS], uint32_t keep)
{
    uint32_t                    i, objects;
    uint64_t                    pages, room;
    const sealed_arena_t       *arena;
    const sealed_pool_state_t  *state;

    arena = &zone->header->arena;
    pages = keep;

    for (i = 1; i < SEALED_POOLS; i++) {
        state = &arena->pool[i];
        objects = sealed_pool_objects(i);
        room = (uint64_t) state->pages * objects - state->used;

        if (need[i] > room) {
            pages += (need[i] - room + objects - 1) / objects;
        }
    }

    return pages <= arena->free_pages;
}


sealed_page_t *
sealed_arena_page(const sealed_zone_t *zone, uint32_t page)
{
    return (sealed_page_t *)
               (zone->base + (uint64_t) (page / SEALED_EXTENT_PAGES)
                             * SEALED_EXTENT_PAGES * SEALED_PAGE_SIZE)
           + page % SEALED_EXTENT_PAGES;
}


int
sealed_arena_valid(const sealed_zone_t *zone, sealed_pool_t pool,
    uint32_t reference)
{
    uint32_t        page, offset, slot;
    sealed_page_t  *descriptor;

    page = reference / (SEALED_PAGE_SIZE / 8);
    offset = reference % (SEALED_PAGE_SIZE / 8) * 8;

    if (!is_carved(zone, page)) {
        return 0;
    }

    descriptor = sealed_arena_page(zone, page);
    slot = offset / object_size[pool];

    return descriptor->pool == pool
           && offset % object_size[pool] == 0
           && slot < sealed_pool_objects(pool)
           && (descriptor->used[slot / 64] >> slot % 64 & 1);
}


int
sealed_arena_record(const sealed_zone_t *zone, uint32_t reference)
{
    uint32_t       page;
    sealed_pool_t  pool;

    page = reference / (SEALED_PAGE_SIZE / 8);

    if (!is_carved(zone, page)) {
        return 0;
    }

    pool = sealed_arena_page(zone, page)->pool;

    return pool >= SEALED_POOL_RECORD
           && pool <= SEALED_POOL_RECORD_LAST
           && sealed_arena_valid(zone, pool, reference);
}


#if (SEALED_CHECKED)

void
sealed_arena_expect(const sealed_zone_t *zone, uint32_t reference)
{
    uint32_t       page;
    sealed_pool_t  pool;

    page = reference / (SEALED_PAGE_SIZE / 8);

    if (reference == SEALED_NONE) {
        return;
    }

    if (is_carved(zone, page)) {
        pool = sealed_arena_page(zone, page)->pool;

        if (pool != SEALED_POOL_FREE
            && sealed_arena_valid(zone, pool, reference))
        {
            return;
        }
    }

    __sanitizer_print_stack_trace();
    __builtin_trap();
}

#endif


sealed_pool_t
sealed_arena_pool(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_page(zone, reference / (SEALED_PAGE_SIZE / 8))->pool;
}


static int
is_carved(const sealed_zone_t *zone, uint32_t page)
{
    return page >= zone->header->arena.control
           && page < zone->header->arena.carved
           && page % SEALED_EXTENT_PAGES >= SEALED_EXTENT_FIRST;
}


static uint32_t
fresh_page(sealed_zone_t *zone, sealed_pool_t pool)
{
    uint32_t         page;
    sealed_page_t   *descriptor;
    sealed_arena_t  *arena;

    arena = &zone->header->arena;

    if (arena->free_pages == 0
        || (pool == SEALED_POOL_CERTIFICATE
            && arena->pool[pool].pages >= arena->total / 8))
    {
        return SEALED_NONE;
    }

    sealed_arena_save(zone, arena, offsetof(sealed_arena_t, pool));

    page = arena->free_page;

    if (page == SEALED_NONE) {
        page = arena->carved;

        /* a zone that was smaller may have ended among descriptors */

        if (page % SEALED_EXTENT_PAGES < SEALED_EXTENT_FIRST) {
            page += SEALED_EXTENT_FIRST - page % SEALED_EXTENT_PAGES;
        }

        descriptor = sealed_arena_page(zone, page);
        save_page(zone, descriptor);
        sealed_set(arena->carved, page + 1);

    } else {
        descriptor = sealed_arena_page(zone, page);
        save_page(zone, descriptor);
        sealed_set(arena->free_page, descriptor->next);
    }

    sealed_set(arena->free_pages, arena->free_pages - 1);

    sealed_set(descriptor->used[0], 0);
    sealed_set(descriptor->used[1], 0);
    sealed_set(descriptor->used[2], 0);
    sealed_set(descriptor->count, 0);
    sealed_set(descriptor->pool, (uint16_t) pool);

    return page;
}


static void
save_page(sealed_zone_t *zone, sealed_page_t *descriptor)
{
    sealed_arena_save(zone, descriptor, offsetof(sealed_page_t, reserved));
}


/* the page itself and the state have been saved by the caller */

static void
push(sealed_zone_t *zone, sealed_pool_state_t *state, uint32_t page)
{
    sealed_page_t  *descriptor, *next;

    descriptor = sealed_arena_page(zone, page);
    sealed_set(descriptor->prev, SEALED_NONE);
    sealed_set(descriptor->next, state->partial);

    if (state->partial != SEALED_NONE) {
        next = sealed_arena_page(zone, state->partial);
        sealed_arena_save(zone, &next->prev, sizeof(uint32_t));
        sealed_set(next->prev, page);
    }

    sealed_set(state->partial, page);
}


static void
pull(sealed_zone_t *zone, sealed_pool_state_t *state, uint32_t page)
{
    sealed_page_t  *descriptor, *next, *prev;

    descriptor = sealed_arena_page(zone, page);

    if (descriptor->prev == SEALED_NONE) {
        sealed_set(state->partial, descriptor->next);

    } else {
        prev = sealed_arena_page(zone, descriptor->prev);
        sealed_arena_save(zone, &prev->next, sizeof(uint32_t));
        sealed_set(prev->next, descriptor->next);
    }

    if (descriptor->next != SEALED_NONE) {
        next = sealed_arena_page(zone, descriptor->next);
        sealed_arena_save(zone, &next->prev, sizeof(uint32_t));
        sealed_set(next->prev, descriptor->prev);
    }
}
