
#include "arena.h"
#include "zone.h"

#include <string.h>


static void push(sealed_arena_t *arena, uint32_t *head, uint32_t page);
static void pull(sealed_arena_t *arena, uint32_t *head, uint32_t page);


static const uint16_t  object_size[SEALED_POOLS] = {
    sizeof(sealed_mailbox_t),
    sizeof(sealed_certificate_entry_t),
    sizeof(sealed_record_t),
    sizeof(sealed_body_t),
    sizeof(sealed_cell_t)
};


void
sealed_arena_format(sealed_arena_t *arena, uint64_t descriptors,
    uint64_t data, uint32_t pages)
{
    uint32_t  i;

    arena->pages = pages;
    arena->descriptors = descriptors;
    arena->data = data;

    for (i = 0; i < SEALED_POOLS; i++) {
        arena->pool[i].max_pages = pages;
    }

    for (i = 0; i < pages; i++) {
        sealed_arena_page(arena, i)->pool = SEALED_POOLS;
    }

    sealed_arena_rebuild(arena);
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


uint32_t
sealed_arena_take(sealed_arena_t *arena, sealed_pool_t pool)
{
    uint32_t              page, slot, objects;
    sealed_page_t        *descriptor;
    sealed_pool_state_t  *state;

    state = &arena->pool[pool];
    objects = sealed_pool_objects(pool);
    page = state->partial;

    if (page == SEALED_NONE) {

        page = arena->free_page;

        if (page == SEALED_NONE || state->pages >= state->max_pages) {
            return SEALED_NONE;
        }

        pull(arena, &arena->free_page, page);
        arena->free_pages--;

        descriptor = sealed_arena_page(arena, page);
        memset(descriptor->used, 0, sizeof(descriptor->used));
        descriptor->count = 0;
        descriptor->pool = (uint16_t) pool;

        push(arena, &state->partial, page);
        state->pages++;
        state->room += objects;
    }

    descriptor = sealed_arena_page(arena, page);

    slot = 0;

    while (descriptor->used[slot / 64] == UINT64_MAX) {
        slot += 64;
    }

    slot += (uint32_t) __builtin_ctzll(~descriptor->used[slot / 64]);

    descriptor->used[slot / 64] |= (uint64_t) 1 << (slot % 64);
    descriptor->count++;
    state->used++;
    state->room--;

    if (descriptor->count == objects) {
        pull(arena, &state->partial, page);
    }

    return page << 8 | slot;
}


void
sealed_arena_give(sealed_arena_t *arena, uint32_t reference)
{
    uint32_t              page, slot, objects;
    sealed_page_t        *descriptor;
    sealed_pool_state_t  *state;

    page = reference >> 8;
    slot = reference & 0xff;

    descriptor = sealed_arena_page(arena, page);
    state = &arena->pool[descriptor->pool];
    objects = sealed_pool_objects(descriptor->pool);

    if (descriptor->count == objects) {
        push(arena, &state->partial, page);
    }

    descriptor->used[slot / 64] &= ~((uint64_t) 1 << (slot % 64));
    descriptor->count--;
    state->used--;
    state->room++;

    if (descriptor->count == 0) {
        pull(arena, &state->partial, page);
        state->pages--;
        state->room -= objects;

        descriptor->pool = SEALED_POOLS;
        push(arena, &arena->free_page, page);
        arena->free_pages++;
    }
}


int
sealed_arena_has_room(const sealed_arena_t *arena,
    const uint32_t need[SEALED_POOLS])
{
    uint32_t                    i, objects;
    uint64_t                    pages, more;
    const sealed_pool_state_t  *state;

    pages = 0;

    for (i = 0; i < SEALED_POOLS; i++) {
        state = &arena->pool[i];

        if (need[i] <= state->room) {
            continue;
        }

        objects = sealed_pool_objects(i);
        more = ((uint64_t) need[i] - state->room + objects - 1) / objects;

        if (state->pages + more > state->max_pages) {
            return 0;
        }

        pages += more;
    }

    return pages <= arena->free_pages;
}


void *
sealed_arena_object(sealed_arena_t *arena, sealed_pool_t pool,
    uint32_t reference)
{
    return (uint8_t *) arena + arena->data
           + (uint64_t) (reference >> 8) * SEALED_PAGE_SIZE
           + (size_t) (reference & 0xff) * object_size[pool];
}


sealed_page_t *
sealed_arena_page(sealed_arena_t *arena, uint32_t page)
{
    return (sealed_page_t *) ((uint8_t *) arena + arena->descriptors) + page;
}


int
sealed_arena_valid(sealed_arena_t *arena, sealed_pool_t pool,
    uint32_t reference)
{
    uint32_t        slot;
    sealed_page_t  *descriptor;

    slot = reference & 0xff;

    if (reference >> 8 >= arena->pages || slot >= sealed_pool_objects(pool)) {
        return 0;
    }

    descriptor = sealed_arena_page(arena, reference >> 8);

    return descriptor->pool == pool
           && (descriptor->used[slot / 64] >> (slot % 64) & 1);
}


void
sealed_arena_rebuild(sealed_arena_t *arena)
{
    uint32_t              i, page, objects;
    sealed_page_t        *descriptor;
    sealed_pool_state_t  *state;

    arena->free_page = SEALED_NONE;
    arena->free_pages = 0;

    for (i = 0; i < SEALED_POOLS; i++) {
        state = &arena->pool[i];
        state->partial = SEALED_NONE;
        state->room = 0;
        state->used = 0;
        state->pages = 0;
    }

    /* backwards, so that the lists begin with the lowest page */

    for (page = arena->pages; page-- > 0; /* void */ ) {
        descriptor = sealed_arena_page(arena, page);

        descriptor->count = (uint16_t)
            (__builtin_popcountll(descriptor->used[0])
             + __builtin_popcountll(descriptor->used[1])
             + __builtin_popcountll(descriptor->used[2]));

        if (descriptor->pool >= SEALED_POOLS || descriptor->count == 0) {
            memset(descriptor->used, 0, sizeof(descriptor->used));
            descriptor->count = 0;
            descriptor->pool = SEALED_POOLS;
            push(arena, &arena->free_page, page);
            arena->free_pages++;
            continue;
        }

        state = &arena->pool[descriptor->pool];
        objects = sealed_pool_objects(descriptor->pool);

        state->pages++;
        state->used += descriptor->count;
        state->room += objects - descriptor->count;

        if (descriptor->count < objects) {
            push(arena, &state->partial, page);
        }
    }
}


static void
push(sealed_arena_t *arena, uint32_t *head, uint32_t page)
{
    sealed_page_t  *descriptor;

    descriptor = sealed_arena_page(arena, page);
    descriptor->prev = SEALED_NONE;
    descriptor->next = *head;

    if (*head != SEALED_NONE) {
        sealed_arena_page(arena, *head)->prev = page;
    }

    *head = page;
}


static void
pull(sealed_arena_t *arena, uint32_t *head, uint32_t page)
{
    sealed_page_t  *descriptor;

    descriptor = sealed_arena_page(arena, page);

    if (descriptor->prev == SEALED_NONE) {
        *head = descriptor->next;

    } else {
        sealed_arena_page(arena, descriptor->prev)->next = descriptor->next;
    }

    if (descriptor->next != SEALED_NONE) {
        sealed_arena_page(arena, descriptor->next)->prev = descriptor->prev;
    }
}
