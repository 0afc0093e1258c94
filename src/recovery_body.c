
#include "recovery_body.h"

#include <string.h>


/* a body's name in a snapshot, and its place among the bodies */

typedef struct {
    uint64_t                      name;
    uint32_t                      body;
    uint32_t                      used;
} name_t;


static name_t *find(const sealed_recovery_array_t *names, uint64_t name);
static int grow(sealed_recovery_t *recovery);


int
sealed_recovery_body_add(sealed_recovery_t *recovery, uint32_t segment,
    const sealed_journal_record_t *record, uint32_t *body)
{
    sealed_recovery_body_t  *entry;

    entry = sealed_recovery_push(&recovery->memory, &recovery->bodies,
                                 sizeof(sealed_recovery_body_t));
    if (entry == NULL) {
        return -1;
    }

    entry->data = record->data;
    entry->segment = segment;
    *body = (uint32_t) recovery->bodies.count - 1;

    return 0;
}


int
sealed_recovery_item_add(sealed_recovery_t *recovery,
    const sealed_recovery_item_t *item, sealed_bytes_t slice)
{
    sealed_recovery_item_t   *entry;
    sealed_recovery_array_t  *slices;

    slices = &recovery->slices;

    if (slices->count + slice.size > slices->capacity
        && sealed_recovery_reserve(&recovery->memory, slices,
                                   slices->capacity * 2 + 65536)
           != 0)
    {
        return -1;
    }

    entry = sealed_recovery_push(&recovery->memory, &recovery->items,
                                 sizeof(sealed_recovery_item_t));
    if (entry == NULL) {
        return -1;
    }

    *entry = *item;
    entry->slice = slices->count;
    entry->slice_size = (uint32_t) slice.size;

    if (slice.size) {
        memcpy(slices->data + slices->count, slice.data, slice.size);
        slices->count += slice.size;
    }

    return 0;
}


int
sealed_recovery_body_name(sealed_recovery_t *recovery, uint64_t name,
    uint32_t body)
{
    name_t                   *place;
    sealed_recovery_array_t  *names;

    names = &recovery->names;

    if (names->count * 2 >= names->capacity / sizeof(name_t)
        && grow(recovery) != 0)
    {
        return -1;
    }

    place = find(names, name);
    names->count += !place->used;

    place->name = name;
    place->body = body;
    place->used = 1;

    return 0;
}


int
sealed_recovery_body_find(const sealed_recovery_t *recovery, uint64_t name,
    uint32_t *body)
{
    name_t  *place;

    if (recovery->names.capacity == 0) {
        return -1;
    }

    place = find(&recovery->names, name);

    if (!place->used) {
        return -1;
    }

    *body = place->body;

    return 0;
}


/* its place in a table that is not full, or the one where it would be put */

static name_t *
find(const sealed_recovery_array_t *names, uint64_t name)
{
    size_t   at, mask;
    name_t  *table;

    table = (name_t *) names->data;
    mask = names->capacity / sizeof(name_t) - 1;
    at = sealed_journal_name_place(name) & mask;

    while (table[at].used && table[at].name != name) {
        at = (at + 1) & mask;
    }

    return &table[at];
}


static int
grow(sealed_recovery_t *recovery)
{
    size_t                    i, old;
    name_t                   *from;
    sealed_recovery_array_t   table;

    memset(&table, 0, sizeof(table));
    old = recovery->names.capacity / sizeof(name_t);

    if (sealed_recovery_reserve(&recovery->memory, &table,
                                (old ? old * 4 : 4096) * sizeof(name_t))
        != 0)
    {
        return -1;
    }

    memset(table.data, 0, table.capacity);
    table.count = recovery->names.count;
    from = (name_t *) recovery->names.data;

    for (i = 0; i < old; i++) {
        if (from[i].used) {
            *find(&table, from[i].name) = from[i];
        }
    }

    sealed_recovery_release(&recovery->memory, &recovery->names);
    recovery->names = table;

    return 0;
}
