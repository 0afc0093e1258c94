
#include "timing_wheel.h"
#include "zone.h"


static sealed_wheel_node_t *node_of(const sealed_zone_t *zone,
    uint32_t reference);
static void link_in(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t *head, uint32_t reference);


void
sealed_wheel_init(sealed_wheel_t *wheel, uint32_t hour)
{
    wheel->hour = hour;
}


void
sealed_wheel_insert(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t reference, uint32_t due)
{
    uint32_t             *head;
    sealed_wheel_t       *wheel;
    sealed_wheel_node_t  *node;

    wheel = &shard->wheel;
    node = node_of(zone, reference);

    head = due <= wheel->hour ? &wheel->pending
                              : &wheel->slot[due % SEALED_WHEEL_SLOTS];

    sealed_shard_save(zone, shard, node, sizeof(sealed_wheel_node_t));
    sealed_set(node->due, due);
    link_in(zone, shard, head, reference);
}


void
sealed_wheel_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    uint32_t reference)
{
    uint32_t             *link;
    sealed_wheel_t       *wheel;
    sealed_wheel_node_t  *node, *next;

    wheel = &shard->wheel;
    node = node_of(zone, reference);

    if (node->prev != SEALED_NONE) {
        link = &node_of(zone, node->prev)->next;

    } else if (wheel->pending == reference) {
        link = &wheel->pending;

    } else {
        link = &wheel->slot[node->due % SEALED_WHEEL_SLOTS];
    }

    sealed_shard_save(zone, shard, link, sizeof(uint32_t));
    sealed_set(*link, node->next);

    if (node->next != SEALED_NONE) {
        next = node_of(zone, node->next);
        sealed_shard_save(zone, shard, &next->prev, sizeof(uint32_t));
        sealed_set(next->prev, node->prev);
    }
}


uint32_t
sealed_wheel_next(sealed_zone_t *zone, sealed_shard_t *shard, uint32_t hour,
    int *more)
{
    uint32_t              reference, *head;
    sealed_wheel_t       *wheel;
    sealed_wheel_node_t  *node;

    wheel = &shard->wheel;
    *more = 1;

    /* a clock that was ahead: what is pending may be of later again */

    if (wheel->hour > hour) {
        sealed_shard_save(zone, shard, &wheel->hour, sizeof(uint32_t));
        sealed_set(wheel->hour, hour);
    }

    if (wheel->pending == SEALED_NONE) {

        if (wheel->hour == hour) {
            *more = 0;
            return SEALED_NONE;
        }

        sealed_shard_save(zone, shard, &wheel->hour, 2 * sizeof(uint32_t));

        /* after a long sleep one turn looks at everything */

        if (hour - wheel->hour > SEALED_WHEEL_SLOTS) {
            sealed_set(wheel->hour, hour - SEALED_WHEEL_SLOTS);
        }

        sealed_set(wheel->hour, wheel->hour + 1);

        head = &wheel->slot[wheel->hour % SEALED_WHEEL_SLOTS];

        if (*head == SEALED_NONE) {
            return SEALED_NONE;
        }

        sealed_shard_save(zone, shard, head, sizeof(uint32_t));
        sealed_set(wheel->pending, *head);
        sealed_set(*head, SEALED_NONE);

        return SEALED_NONE;
    }

    reference = wheel->pending;
    node = node_of(zone, reference);

    if (node->due <= hour) {
        return reference;
    }

    /* of a later turn: back into its slot */

    sealed_wheel_remove(zone, shard, reference);
    sealed_wheel_insert(zone, shard, reference, node->due);

    return SEALED_NONE;
}


static sealed_wheel_node_t *
node_of(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_arena_pool(zone, reference) == SEALED_POOL_MAILBOX
           ? &sealed_zone_mailbox(zone, reference)->node
           : &sealed_zone_certificate(zone, reference)->node;
}


static void
link_in(sealed_zone_t *zone, sealed_shard_t *shard, uint32_t *head,
    uint32_t reference)
{
    sealed_wheel_node_t  *node, *next;

    node = node_of(zone, reference);

    sealed_set(node->prev, SEALED_NONE);
    sealed_set(node->next, *head);

    if (*head != SEALED_NONE) {
        next = node_of(zone, *head);
        sealed_shard_save(zone, shard, &next->prev, sizeof(uint32_t));
        sealed_set(next->prev, reference);
    }

    sealed_shard_save(zone, shard, head, sizeof(uint32_t));
    sealed_set(*head, reference);
}
