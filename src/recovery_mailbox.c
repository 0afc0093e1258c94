
#include "recovery_mailbox.h"
#include "octets.h"

#include <string.h>
#include <sodium.h>


static uint32_t *find(const sealed_recovery_t *recovery, const uint8_t *id);
static uint32_t hash(const sealed_recovery_t *recovery, const uint8_t *id);
static int grow(sealed_recovery_t *recovery);
static void move_on(sealed_recovery_mailbox_t *mailbox, uint32_t life);


sealed_recovery_mailbox_t *
sealed_recovery_mailbox(sealed_recovery_t *recovery, const uint8_t *id,
    uint32_t life, uint32_t *index)
{
    uint32_t                   *bucket;
    sealed_recovery_mailbox_t  *mailbox;

    if (life > recovery->result.lives) {
        recovery->result.lives = life;
    }

    if (recovery->mailboxes.count * 2 >= recovery->buckets.count
        && grow(recovery) != 0)
    {
        return NULL;
    }

    bucket = find(recovery, id);

    if (*bucket) {
        mailbox = (sealed_recovery_mailbox_t *) recovery->mailboxes.data
                  + (*bucket - 1);

    } else {
        mailbox = sealed_recovery_push(&recovery->memory,
                                       &recovery->mailboxes,
                                       sizeof(sealed_recovery_mailbox_t));
        if (mailbox == NULL) {
            return NULL;
        }

        memcpy(mailbox->state.id, id, SEALED_MAILBOX_ID_SIZE);
        mailbox->state.life = life;
        mailbox->state.next = 1;
        *bucket = (uint32_t) recovery->mailboxes.count;
    }

    if (mailbox->state.life < life) {
        move_on(mailbox, life);
    }

    if (index) {
        *index = *bucket - 1;
    }

    return mailbox;
}


void
sealed_recovery_mailbox_open(sealed_recovery_mailbox_t *mailbox,
    const sealed_journal_mailbox_t *opened)
{
    memcpy(mailbox->state.key, opened->key, SEALED_KEY_SIZE);
    mailbox->state.tag = opened->tag;
    mailbox->state.dated |= opened->dated;
    mailbox->opened = 1;

    if (opened->active_hour > mailbox->state.active_hour) {
        mailbox->state.active_hour = opened->active_hour;
    }

    sealed_recovery_mailbox_next(mailbox, opened->next);
    sealed_recovery_mailbox_through(mailbox, opened->through);
}


void
sealed_recovery_mailbox_through(sealed_recovery_mailbox_t *mailbox,
    uint64_t through)
{
    if (through > mailbox->state.through) {
        mailbox->state.through = through;
    }
}


/* its bucket, with its index + 1 or with 0, where it would be put */

static uint32_t *
find(const sealed_recovery_t *recovery, const uint8_t *id)
{
    uint32_t                         *bucket, at, mask;
    const sealed_recovery_mailbox_t  *all;

    all = (const sealed_recovery_mailbox_t *) recovery->mailboxes.data;
    bucket = (uint32_t *) recovery->buckets.data;
    mask = (uint32_t) recovery->buckets.count - 1;

    for (at = hash(recovery, id) & mask; bucket[at]; at = (at + 1) & mask) {
        if (memcmp(all[bucket[at] - 1].state.id, id, SEALED_MAILBOX_ID_SIZE)
            == 0)
        {
            break;
        }
    }

    return &bucket[at];
}


/* keyed, since clients choose the ids */

static uint32_t
hash(const sealed_recovery_t *recovery, const uint8_t *id)
{
    uint8_t  out[crypto_shorthash_siphash24_BYTES];

    (void) crypto_shorthash_siphash24(out, id, SEALED_MAILBOX_ID_SIZE,
                                      recovery->secret->line[0].journal_key);

    return sealed_get32(out);
}


static int
grow(sealed_recovery_t *recovery)
{
    size_t                            n, i;
    const sealed_recovery_mailbox_t  *mailbox;

    n = recovery->buckets.count ? recovery->buckets.count * 4 : 4096;

    if (n > SEALED_RECOVERY_NONE
        || sealed_recovery_reserve(&recovery->memory, &recovery->buckets,
                                   n * sizeof(uint32_t))
           != 0)
    {
        return -1;
    }

    recovery->buckets.count = n;
    memset(recovery->buckets.data, 0, n * sizeof(uint32_t));

    mailbox = (const sealed_recovery_mailbox_t *) recovery->mailboxes.data;

    for (i = 0; i < recovery->mailboxes.count; i++) {
        *find(recovery, mailbox[i].state.id) = (uint32_t) i + 1;
    }

    return 0;
}


static void
move_on(sealed_recovery_mailbox_t *mailbox, uint32_t life)
{
    mailbox->state.life = life;
    mailbox->state.next = 1;
    mailbox->state.through = 0;
    mailbox->state.active_hour = 0;
    mailbox->state.dated = 0;
    mailbox->opened = 0;
    mailbox->closed = 0;
}
