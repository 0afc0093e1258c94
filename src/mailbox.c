
#include "mailbox.h"
#include "certificate_table.h"
#include "replay_window.h"

#include <string.h>
#include <sodium.h>


/* a mailbox and the shard that is locked for it */

typedef struct {
    uint64_t                      hash;
    sealed_shard_t               *shard;
    uint32_t                      reference;
    sealed_mailbox_t             *mailbox;      /* NULL: there is none */
} place_t;


static int enter(sealed_zone_t *zone, place_t *place, const uint8_t *id);
static sealed_mailbox_t *enter_open(sealed_zone_t *zone, place_t *place,
    const uint8_t *id);
static void get_status(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    sealed_mailbox_status_t *status);
static sealed_verdict_t create(sealed_zone_t *zone, const uint8_t *id,
    const uint8_t *key, uint32_t tag, uint64_t now, unsigned *created,
    sealed_mailbox_status_t *status);
static void put(sealed_zone_t *zone, place_t *place, const uint8_t *id,
    const uint8_t *key, uint32_t tag, uint64_t now);
static void drop_all(sealed_zone_t *zone, const uint8_t *id);


int
sealed_mailbox_find(sealed_zone_t *zone, const uint8_t *id,
    uint8_t key[SEALED_KEY_SIZE], uint32_t *tag)
{
    int                rc;
    place_t            place;
    sealed_mailbox_t  *mailbox;

    rc = -1;
    mailbox = enter_open(zone, &place, id);

    if (mailbox) {
        memcpy(key, mailbox->key, SEALED_KEY_SIZE);
        *tag = mailbox->tag;
        rc = 0;
        sealed_shard_unlock(zone, place.shard);
    }

    return rc;
}


sealed_verdict_t
sealed_mailbox_open(sealed_zone_t *zone, const uint8_t *id,
    const uint8_t key[SEALED_KEY_SIZE], uint32_t tag,
    const uint8_t *certificate_id, unsigned max_opened, uint64_t now,
    unsigned *created, sealed_mailbox_status_t *status)
{
    place_t            place;
    sealed_verdict_t   verdict;
    sealed_mailbox_t  *mailbox;

    *created = 0;

    mailbox = enter_open(zone, &place, id);

    if (mailbox) {
        get_status(zone, mailbox, status);
        sealed_shard_unlock(zone, place.shard);
        return SEALED_OK;
    }

    verdict = sealed_certificate_table_open(zone, certificate_id, max_opened);

    if (verdict != SEALED_OK) {
        return verdict;
    }

    verdict = create(zone, id, key, tag, now, created, status);

    if (!*created) {
        sealed_certificate_table_unopen(zone, certificate_id);
    }

    sealed_worker_settle(zone);

    return verdict;
}


uint32_t
sealed_mailbox_rested(sealed_zone_t *zone, const uint8_t *id, uint64_t now)
{
    place_t            place;
    uint32_t           hours;
    sealed_mailbox_t  *mailbox;

    mailbox = enter_open(zone, &place, id);

    if (mailbox == NULL) {
        return 0;
    }

    hours = SEALED_HOUR(now) > mailbox->active
            ? SEALED_HOUR(now) - mailbox->active : 0;

    sealed_shard_unlock(zone, place.shard);

    return hours;
}


sealed_verdict_t
sealed_mailbox_spend(sealed_zone_t *zone, const uint8_t *id, uint64_t nonce,
    uint64_t now, uint64_t *next, unsigned *has_next)
{
    place_t            place;
    uint64_t           highest, window;
    sealed_verdict_t   verdict;
    sealed_mailbox_t  *mailbox;

    mailbox = enter_open(zone, &place, id);

    if (mailbox == NULL) {
        return SEALED_UNAUTHORIZED;
    }

    verdict = SEALED_OK;
    highest = mailbox->window_highest;
    window = mailbox->window;

    sealed_shard_save(zone, place.shard, &mailbox->active, sizeof(uint32_t));
    sealed_shard_save(zone, place.shard, &mailbox->window_highest,
                      2 * sizeof(uint64_t));
    sealed_set(mailbox->active, SEALED_HOUR(now));

    if (sealed_replay_window_spend(&highest, &window, SEALED_OWNER_WINDOW,
                                   nonce)
        == 0)
    {
        sealed_set(mailbox->window_highest, highest);
        sealed_set(mailbox->window, window);

    } else {
        verdict = SEALED_NONCE_USED;
        *has_next = sealed_replay_window_next(highest, &window,
                                              SEALED_OWNER_WINDOW, next)
                    == 0;
    }

    sealed_shard_unlock(zone, place.shard);

    return verdict;
}


sealed_verdict_t
sealed_mailbox_status(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    sealed_mailbox_status_t *status)
{
    place_t            place;
    sealed_mailbox_t  *mailbox;

    mailbox = enter_open(zone, &place, id);

    if (mailbox == NULL) {
        return SEALED_NO_MAILBOX;
    }

    if (mailbox->node.due <= SEALED_HOUR(now)) {
        sealed_mailbox_purge(zone, place.shard, mailbox, now);
    }

    get_status(zone, mailbox, status);

    sealed_shard_unlock(zone, place.shard);
    sealed_worker_settle(zone);

    return SEALED_OK;
}


sealed_verdict_t
sealed_mailbox_close(sealed_zone_t *zone, const uint8_t *id, uint64_t now,
    uint64_t *wake)
{
    place_t            place;
    sealed_mailbox_t  *mailbox;

    *wake = 0;

    mailbox = enter_open(zone, &place, id);

    if (mailbox == NULL) {
        return SEALED_NO_MAILBOX;
    }

    sealed_mailbox_end(zone, place.shard, mailbox, now, wake);
    sealed_shard_unlock(zone, place.shard);

    drop_all(zone, id);

    return SEALED_OK;
}


sealed_verdict_t
sealed_mailbox_acknowledge(sealed_zone_t *zone, const uint8_t *id,
    uint64_t through, uint64_t now)
{
    unsigned           n;
    place_t            place;
    sealed_mailbox_t  *mailbox;

    for ( ;; ) {
        mailbox = enter_open(zone, &place, id);

        if (mailbox == NULL) {
            return SEALED_NO_MAILBOX;
        }

        if (through >= mailbox->next_seq) {
            sealed_shard_unlock(zone, place.shard);
            return SEALED_BAD_SEQUENCE;
        }

        n = 0;

        while (mailbox->head != SEALED_NONE
               && sealed_zone_record(zone, mailbox->head)->seq <= through
               && n++ < SEALED_MAILBOX_BATCH)
        {
            sealed_mailbox_drop(zone, place.shard, mailbox, SEALED_NONE,
                                mailbox->head);
        }

        sealed_shard_unlock(zone, place.shard);
        sealed_worker_settle(zone);

        if (n <= SEALED_MAILBOX_BATCH) {
            return SEALED_OK;
        }
    }
}


sealed_verdict_t
sealed_mailbox_check_after(sealed_zone_t *zone, const uint8_t *id,
    uint64_t after)
{
    place_t            place;
    sealed_verdict_t   verdict;
    sealed_mailbox_t  *mailbox;

    mailbox = enter_open(zone, &place, id);

    if (mailbox == NULL) {
        return SEALED_NO_MAILBOX;
    }

    verdict = after >= mailbox->next_seq ? SEALED_BAD_SEQUENCE : SEALED_OK;

    sealed_shard_unlock(zone, place.shard);

    return verdict;
}


int
sealed_mailbox_is_open(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox)
{
    unsigned  i;

    if (mailbox->tag == 0) {
        return 0;
    }

    for (i = 0; i < zone->limits.ntags; i++) {
        if (zone->limits.tag[i] == mailbox->tag) {
            return 1;
        }
    }

    return 0;
}


void
sealed_mailbox_save(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox)
{
    sealed_shard_save(zone, shard, &mailbox->head,
                      offsetof(sealed_mailbox_t, tag)
                      - offsetof(sealed_mailbox_t, head));
}


uint32_t
sealed_mailbox_next(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox, uint32_t record)
{
    return record == mailbox->tail
           ? SEALED_NONE : sealed_zone_record(zone, record)->next;
}


void
sealed_mailbox_drop(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint32_t prev, uint32_t record)
{
    uint32_t          next;
    sealed_body_t    *body;
    sealed_record_t  *object, *before;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    object = sealed_zone_record(zone, record);
    body = sealed_zone_body(zone, object->body);
    next = sealed_mailbox_next(zone, mailbox, record);

    sealed_mailbox_save(zone, shard, mailbox);
    sealed_shard_save(zone, shard, &object->next, 3 * sizeof(uint32_t));
    sealed_shard_save(zone, shard, &w->dropped, sizeof(uint32_t));

    if (prev == SEALED_NONE) {
        sealed_set(mailbox->head, next);

    } else {
        before = sealed_zone_record(zone, prev);
        sealed_shard_save(zone, shard, &before->next, sizeof(uint32_t));
        sealed_set(before->next, next);
    }

    if (next == SEALED_NONE) {
        sealed_set(mailbox->tail, prev);
    }

    sealed_set(mailbox->count, mailbox->count - 1);
    sealed_set(mailbox->bytes,
               mailbox->bytes - body->size - body->slice_size);
    sealed_set(object->mailbox, SEALED_NONE);
    sealed_set(object->next, w->dropped);
    sealed_set(w->dropped, record);

    if (sealed_lock_room(&shard->lock) < 2 * SEALED_MAILBOX_WORDS) {
        sealed_lock_commit(&shard->lock);
    }
}


uint64_t
sealed_mailbox_idle_end(const sealed_zone_t *zone,
    const sealed_mailbox_t *mailbox)
{
    uint64_t  birth, hours;

    birth = __atomic_load_n(&zone->header->birth, __ATOMIC_RELAXED);
    hours = (uint64_t) mailbox->active + 1;

    if (mailbox->active < SEALED_HOUR(birth)) {
        hours += SEALED_UNSEEN_HOURS;
    }

    return hours * 3600 + zone->limits.idle_seconds;
}


void
sealed_mailbox_purge(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now)
{
    uint32_t  hour, due, idle, prev, next, record, expiry;

    hour = SEALED_HOUR(now);
    idle = SEALED_HOUR(sealed_mailbox_idle_end(zone, mailbox) + 3599);
    due = hour + SEALED_REVISIT_HOURS;

    if (idle < due) {
        due = idle;
    }

    prev = SEALED_NONE;

    for (record = mailbox->head; record != SEALED_NONE; record = next) {
        next = sealed_mailbox_next(zone, mailbox, record);
        expiry = sealed_zone_body(zone,
                     sealed_zone_record(zone, record)->body)->expiry;

        if (expiry <= hour) {
            sealed_mailbox_drop(zone, shard, mailbox, prev, record);
            continue;
        }

        if (expiry < due) {
            due = expiry;
        }

        prev = record;
    }

    /* an idle one stays due: who looks at what is due ends it */

    sealed_mailbox_due(zone, shard, mailbox, due);
    sealed_lock_commit(&shard->lock);
}


void
sealed_mailbox_due(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint32_t due)
{
    uint32_t  reference;

    reference = sealed_zone_reference(zone, mailbox);

    sealed_wheel_remove(zone, shard, reference);
    sealed_wheel_insert(zone, shard, reference, due);
}


void
sealed_mailbox_end(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint64_t now, uint64_t *wake)
{
    uint64_t  until;

    until = now + SEALED_CLOSED_SECONDS;

    sealed_mailbox_save(zone, shard, mailbox);
    sealed_shard_save(zone, shard, &mailbox->tag, 2 * sizeof(uint32_t));
    sealed_shard_save(zone, shard, &shard->ended, sizeof(uint32_t));

    sealed_set(mailbox->tag, 0);
    sealed_set(mailbox->active, (uint32_t) until);
    sealed_set(shard->ended, shard->ended + 1);
    sealed_mailbox_due(zone, shard, mailbox, SEALED_HOUR(until + 3599));
    sealed_mailbox_notify(zone, mailbox, wake);

    sealed_lock_commit(&shard->lock);

    /* nobody asks for it any more: needs no way back */

    sodium_memzero(mailbox->key, sizeof(mailbox->key));
}


void
sealed_mailbox_notify(sealed_zone_t *zone, sealed_mailbox_t *mailbox,
    uint64_t *wake)
{
    if (mailbox->waiting) {
        *wake |= mailbox->waiting;
        sealed_wake_notify(zone, mailbox->waiting,
                           sealed_zone_reference(zone, mailbox));
        sealed_set(mailbox->waiting, 0);
    }
}


void
sealed_mailbox_remove(sealed_zone_t *zone, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox)
{
    uint32_t          reference;
    sealed_worker_t  *w;

    w = &zone->workers[zone->worker];
    reference = sealed_zone_reference(zone, mailbox);

    sealed_wheel_remove(zone, shard, reference);
    sealed_table_remove(zone, shard, &shard->mailboxes,
                        sealed_zone_hash(zone, mailbox->entry.id), reference);

    sealed_shard_save(zone, shard, &shard->ended, sizeof(uint32_t));
    sealed_shard_save(zone, shard, &w->gone, sizeof(uint32_t));
    sealed_set(shard->ended, shard->ended - 1);
    sealed_set(w->gone, reference);
}


/* locks the shard and looks; 0 or -1, then it is not locked */

static int
enter(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    place->hash = sealed_zone_hash(zone, id);
    place->shard = sealed_zone_shard(zone, place->hash);

    if (sealed_shard_lock(zone, place->shard) != 0) {
        return -1;
    }

    place->reference = sealed_table_find(zone, &place->shard->mailboxes,
                                         place->hash, id);

    place->mailbox = place->reference == SEALED_NONE
                     ? NULL : sealed_zone_mailbox(zone, place->reference);

    return 0;
}


/* NULL, and not locked, when there is none that is open */

static sealed_mailbox_t *
enter_open(sealed_zone_t *zone, place_t *place, const uint8_t *id)
{
    if (enter(zone, place, id) != 0) {
        return NULL;
    }

    if (place->mailbox && sealed_mailbox_is_open(zone, place->mailbox)) {
        return place->mailbox;
    }

    sealed_shard_unlock(zone, place->shard);

    return NULL;
}


static void
get_status(sealed_zone_t *zone, const sealed_mailbox_t *mailbox,
    sealed_mailbox_status_t *status)
{
    status->envelopes = mailbox->count;
    status->bytes = mailbox->bytes;
    status->next = mailbox->next_seq;
    status->life = mailbox->life;
    status->first = mailbox->head == SEALED_NONE
                    ? mailbox->next_seq
                    : sealed_zone_record(zone, mailbox->head)->seq;
}


/* the opener's count has been taken */

static sealed_verdict_t
create(sealed_zone_t *zone, const uint8_t *id, const uint8_t *key,
    uint32_t tag, uint64_t now, unsigned *created,
    sealed_mailbox_status_t *status)
{
    int       grow;
    place_t   place;
    unsigned  tries;

    for (tries = 0; ; tries++) {

        if (sealed_worker_take(zone, SEALED_POOL_MAILBOX, 0) != 0) {
            return SEALED_ZONE_FULL;
        }

        if (enter(zone, &place, id) != 0) {
            return SEALED_UNAVAILABLE;
        }

        if (place.mailbox == NULL) {
            break;
        }

        if (sealed_mailbox_is_open(zone, place.mailbox)) {
            get_status(zone, place.mailbox, status);
            sealed_shard_unlock(zone, place.shard);
            return SEALED_OK;
        }

        /* ended, or its key line left; either way nobody's for a while */

        if (place.mailbox->tag || place.mailbox->active > now) {
            sealed_shard_unlock(zone, place.shard);
            return SEALED_MAILBOX_CLOSED;
        }

        /* a death in close may have left some; this settles, too */

        if (place.mailbox->head != SEALED_NONE) {
            sealed_shard_unlock(zone, place.shard);

            if (tries) {
                return SEALED_UNAVAILABLE;
            }

            drop_all(zone, id);
            continue;
        }

        sealed_zone_forget(zone, now);
        sealed_mailbox_remove(zone, place.shard, place.mailbox);
        break;
    }

    put(zone, &place, id, key, tag, now);
    *created = 1;
    get_status(zone, place.mailbox, status);

    sealed_lock_commit(&place.shard->lock);
    grow = sealed_table_balance(zone, place.shard, &place.shard->mailboxes);
    sealed_shard_unlock(zone, place.shard);

    if (grow
        && sealed_worker_take(zone, SEALED_POOL_INDEX, 0) == 0
        && sealed_shard_lock(zone, place.shard) == 0)
    {
        (void) sealed_table_balance(zone, place.shard,
                                    &place.shard->mailboxes);
        sealed_shard_unlock(zone, place.shard);
    }

    return SEALED_OK;
}


/* the object in the worker's place becomes the mailbox */

static void
put(sealed_zone_t *zone, place_t *place, const uint8_t *id,
    const uint8_t *key, uint32_t tag, uint64_t now)
{
    uint32_t           idle, due;
    sealed_mailbox_t  *mailbox;
    sealed_worker_t   *w;

    w = &zone->workers[zone->worker];

    place->reference = w->object;
    place->mailbox = mailbox = sealed_zone_mailbox(zone, w->object);

    memcpy(mailbox->entry.id, id, SEALED_MAILBOX_ID_SIZE);
    memcpy(mailbox->key, key, SEALED_KEY_SIZE);
    mailbox->next_seq = 1;
    mailbox->life = __atomic_add_fetch(&zone->header->lives, 1,
                                       __ATOMIC_RELAXED);
    mailbox->tag = tag;
    mailbox->active = SEALED_HOUR(now);

    idle = SEALED_HOUR(sealed_mailbox_idle_end(zone, mailbox) + 3599);
    due = mailbox->active + SEALED_REVISIT_HOURS;

    sealed_shard_save(zone, place->shard, &w->object, sizeof(uint32_t));
    sealed_set(w->object, SEALED_NONE);
    sealed_table_insert(zone, place->shard, &place->shard->mailboxes,
                        place->hash, place->reference);
    sealed_wheel_insert(zone, place->shard, place->reference,
                        idle < due ? idle : due);
}


/* the envelopes of a mailbox that has ended */

static void
drop_all(sealed_zone_t *zone, const uint8_t *id)
{
    int       more;
    place_t   place;
    unsigned  n;

    do {
        if (enter(zone, &place, id) != 0) {
            return;
        }

        n = 0;

        while (place.mailbox
               && place.mailbox->tag == 0
               && place.mailbox->head != SEALED_NONE
               && n++ < SEALED_MAILBOX_BATCH)
        {
            sealed_mailbox_drop(zone, place.shard, place.mailbox,
                                SEALED_NONE, place.mailbox->head);
        }

        more = n > SEALED_MAILBOX_BATCH;

        sealed_shard_unlock(zone, place.shard);
        sealed_worker_settle(zone);

    } while (more);
}
