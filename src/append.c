
#include "append.h"
#include "body.h"
#include "mailbox.h"

#include <string.h>


enum {
    BATCH = 32,
    LINK_WORDS = 2 * SEALED_MAILBOX_WORDS   /* of the log, for one more */
};


typedef struct {
    sealed_zone_t                *zone;
    sealed_append_t              *append;
    uint64_t                      now;
    uint64_t                     *seqs;         /* NULL: not asked for */
    uint32_t                     *lives;
    uint64_t                     *hash;
    uint32_t                     *order;        /* by shard */
    uint32_t                      next;         /* record to be linked */
    uint32_t                      linked;       /* since the last commit */
    unsigned                      link:1;       /* or else only count */
    unsigned                      notify:1;     /* or only wake */
} pass_t;


static void begin(sealed_zone_t *zone, pass_t *pass, sealed_append_t *append,
    uint64_t now);
static sealed_verdict_t build(sealed_zone_t *zone, pass_t *pass,
    sealed_append_t *append, uint64_t now);
static void sort(pass_t *pass, uint32_t *end);
static int run(pass_t *pass);
static void prefetch_buckets(const pass_t *pass, uint32_t first,
    uint32_t count);
static int batch(pass_t *pass, uint32_t first, uint32_t count);
static void notify(const pass_t *pass, sealed_shard_t *shard, uint32_t first,
    uint32_t count, const uint32_t *mailbox);
static void find(const pass_t *pass, const sealed_shard_t *shard,
    uint32_t first, uint32_t count, uint32_t *mailbox);
static void prefetch_mailbox(const sealed_zone_t *zone, uint32_t reference);
static uint8_t judge(const pass_t *pass, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox);
static void link_record(pass_t *pass, sealed_shard_t *shard,
    sealed_mailbox_t *mailbox, uint32_t recipient);
static void open_section(pass_t *pass, sealed_shard_t *shard);
static void close_section(pass_t *pass, sealed_shard_t *shard);


size_t
sealed_append_scratch(uint32_t count)
{
    return (size_t) count * (sizeof(uint64_t) + sizeof(uint32_t));
}


sealed_verdict_t
sealed_append(sealed_zone_t *zone, sealed_append_t *append, uint64_t now)
{
    return sealed_append_noted(zone, append, NULL, NULL, now);
}


sealed_verdict_t
sealed_append_noted(sealed_zone_t *zone, sealed_append_t *append,
    uint64_t *seqs, uint32_t *lives, uint64_t now)
{
    int                rc;
    pass_t             pass;
    sealed_worker_t   *w;
    sealed_verdict_t   verdict;

    w = &zone->workers[zone->worker];

    verdict = build(zone, &pass, append, now);

    if (verdict != SEALED_OK || w->body == SEALED_NONE) {
        sealed_worker_settle(zone);
        return verdict;
    }

    pass.seqs = seqs;
    pass.lives = lives;
    pass.link = 1;
    pass.next = w->records;
    pass.linked = 0;

    rc = run(&pass);

    sealed_worker_settle(zone);

    return rc == 0 ? SEALED_OK : SEALED_UNAVAILABLE;
}


sealed_verdict_t
sealed_append_judge(sealed_zone_t *zone, sealed_append_t *append,
    uint64_t now)
{
    int                rc;
    pass_t             pass;
    sealed_verdict_t   verdict;

    verdict = build(zone, &pass, append, now);

    /* what would be taken can be taken; it goes back */

    rc = verdict == SEALED_OK ? run(&pass) : 0;

    sealed_worker_settle(zone);

    return rc == 0 ? verdict : SEALED_UNAVAILABLE;
}


void
sealed_append_notify(sealed_zone_t *zone, sealed_append_t *append,
    uint64_t now)
{
    pass_t  pass;

    begin(zone, &pass, append, now);
    pass.notify = 1;

    (void) run(&pass);
}


static void
begin(sealed_zone_t *zone, pass_t *pass, sealed_append_t *append,
    uint64_t now)
{
    uint32_t  end[SEALED_SHARDS_MAX];

    append->accepted = 0;
    append->wake = 0;

    pass->zone = zone;
    pass->append = append;
    pass->now = now;
    pass->seqs = NULL;
    pass->lives = NULL;
    pass->hash = append->scratch;
    pass->order = (uint32_t *) (pass->hash + append->fanout->count);
    pass->link = 0;
    pass->notify = 0;

    sort(pass, end);
}


/* SEALED_OK also without a body, when nobody would get it */

static sealed_verdict_t
build(sealed_zone_t *zone, pass_t *pass, sealed_append_t *append,
    uint64_t now)
{
    uint32_t                n;
    const sealed_fanout_t  *fanout;

    fanout = append->fanout;

    begin(zone, pass, append, now);

    if (sealed_body_build(zone, fanout, append->stamp, SEALED_HOUR(now),
                          (uint32_t) append->expiry_hour, fanout->count)
        == 0)
    {
        return SEALED_OK;
    }

    /* not for all: how many of them are there? */

    if (run(pass) != 0) {
        return SEALED_UNAVAILABLE;
    }

    n = append->accepted;
    append->accepted = 0;

    /* what was found to have expired may be all that was missing */

    sealed_worker_settle(zone);

    if (n == 0) {
        return SEALED_OK;
    }

    return sealed_body_build(zone, fanout, append->stamp, SEALED_HOUR(now),
                             (uint32_t) append->expiry_hour, n)
           == 0 ? SEALED_OK : SEALED_ZONE_FULL;
}


void
sealed_append_prefetch(const sealed_zone_t *zone, const uint8_t *id,
    int nearer)
{
    uint32_t              *bucket;
    uint64_t               hash;
    const sealed_shard_t  *shard;

    hash = sealed_zone_hash(zone, id);
    shard = sealed_zone_shard(zone, hash);
    bucket = sealed_table_bucket(zone, &shard->mailboxes, hash);

    if (!nearer) {
        __builtin_prefetch(bucket);

    } else if ((size_t) ((uint8_t *) bucket - zone->base)
               < sealed_zone_size(zone))
    {
        /* else the table had just become smaller */

        prefetch_mailbox(zone, __atomic_load_n(bucket, __ATOMIC_RELAXED));
    }
}


/* a counting sort: recipients of one shard stand together */

static void
sort(pass_t *pass, uint32_t *end)
{
    uint32_t                i, n, shard, mask;
    const uint8_t          *id;
    const sealed_fanout_t  *fanout;

    fanout = pass->append->fanout;
    mask = pass->zone->shard_mask;
    id = fanout->recipients;

    memset(end, 0, sizeof(uint32_t) * (mask + 1));

    if (!pass->append->hashed) {
        for (i = 0; i < fanout->count; i++) {
            pass->hash[i] = sealed_zone_hash(pass->zone, id);
            id += SEALED_MAILBOX_ID_SIZE;
        }

        pass->append->hashed = 1;
    }

    for (i = 0; i < fanout->count; i++) {
        end[(pass->hash[i] >> 32) & mask]++;
    }

    n = 0;

    for (shard = 0; shard <= mask; shard++) {
        n += end[shard];
        end[shard] = n;
    }

    for (i = fanout->count; i > 0; /* void */ ) {
        i--;
        pass->order[--end[(pass->hash[i] >> 32) & mask]] = i;
    }
}


static int
run(pass_t *pass)
{
    int                    rc;
    uint32_t               i, n, count, following;
    const sealed_shard_t  *shard;

    rc = 0;
    count = pass->append->fanout->count;

    prefetch_buckets(pass, 0, count < BATCH ? count : BATCH);

    for (i = 0; i < count; i += n) {
        shard = sealed_zone_shard(pass->zone, pass->hash[pass->order[i]]);

        for (n = 1; n < BATCH && i + n < count; n++) {
            if (sealed_zone_shard(pass->zone, pass->hash[pass->order[i + n]])
                != shard)
            {
                break;
            }
        }

        /* the start of the one after it was prefetched with this one */

        following = count - i - n < BATCH ? count - i - n : BATCH;
        prefetch_buckets(pass, i + n, following);

        if (batch(pass, i, n) != 0) {
            rc = -1;
        }
    }

    return rc;
}


static void
prefetch_buckets(const pass_t *pass, uint32_t first, uint32_t count)
{
    uint32_t               i;
    uint64_t               hash;
    const sealed_shard_t  *shard;

    for (i = first; i < first + count; i++) {
        hash = pass->hash[pass->order[i]];
        shard = sealed_zone_shard(pass->zone, hash);
        __builtin_prefetch(sealed_table_bucket(pass->zone,
                                               &shard->mailboxes, hash));
    }
}


static int
batch(pass_t *pass, uint32_t first, uint32_t count)
{
    uint8_t           *results;
    uint32_t           i, recipient, mailbox[BATCH];
    sealed_zone_t     *zone;
    sealed_shard_t    *shard;

    zone = pass->zone;
    results = pass->append->results;
    shard = sealed_zone_shard(zone, pass->hash[pass->order[first]]);

    if (sealed_shard_lock(zone, shard) != 0) {
        for (i = 0; i < count; i++) {
            results[pass->order[first + i]] = SEALED_REFUSED_UNKNOWN;
        }

        return -1;
    }

    find(pass, shard, first, count, mailbox);

    if (pass->notify) {
        notify(pass, shard, first, count, mailbox);
        sealed_shard_unlock(zone, shard);
        return 0;
    }

    for (i = 0; i < count; i++) {
        recipient = pass->order[first + i];
        results[recipient] = mailbox[i] == SEALED_NONE
                             ? SEALED_REFUSED_UNKNOWN
                             : judge(pass, shard,
                                     sealed_zone_mailbox(zone, mailbox[i]));
    }

    if (pass->link) {
        open_section(pass, shard);
    }

    for (i = 0; i < count; i++) {
        recipient = pass->order[first + i];

        if (results[recipient] != SEALED_ACCEPTED) {
            continue;
        }

        if (!pass->link) {
            pass->append->accepted++;
            continue;
        }

        /* a mailbox that was opened since they were counted */

        if (pass->next == SEALED_NONE) {
            results[recipient] = SEALED_REFUSED_UNKNOWN;
            continue;
        }

        link_record(pass, shard, sealed_zone_mailbox(zone, mailbox[i]),
                    recipient);

        if (sealed_lock_room(&shard->lock) < LINK_WORDS) {
            close_section(pass, shard);
            open_section(pass, shard);
        }
    }

    if (pass->link) {
        close_section(pass, shard);
    }

    sealed_shard_unlock(zone, shard);

    return 0;
}


static void
notify(const pass_t *pass, sealed_shard_t *shard, uint32_t first,
    uint32_t count, const uint32_t *mailbox)
{
    uint32_t           i;
    sealed_zone_t     *zone;
    sealed_mailbox_t  *object;

    zone = pass->zone;

    for (i = 0; i < count; i++) {

        if (mailbox[i] == SEALED_NONE
            || pass->append->results[pass->order[first + i]]
               != SEALED_ACCEPTED)
        {
            continue;
        }

        object = sealed_zone_mailbox(zone, mailbox[i]);

        if (object->waiting) {
            sealed_shard_save(zone, shard, &object->waiting,
                              sizeof(uint32_t));
            sealed_mailbox_notify(zone, object, &pass->append->wake);
        }
    }
}


/* chains are walked side by side, each step's memory asked for before */

static void
find(const pass_t *pass, const sealed_shard_t *shard, uint32_t first,
    uint32_t count, uint32_t *mailbox)
{
    uint32_t               i, n, kept, open[BATCH];
    sealed_zone_t         *zone;
    const uint8_t         *recipients;
    sealed_mailbox_t      *object;

    zone = pass->zone;
    recipients = pass->append->fanout->recipients;

    for (i = 0; i < count; i++) {
        mailbox[i] = *sealed_table_bucket(zone, &shard->mailboxes,
                                          pass->hash[pass->order[first + i]]);
        prefetch_mailbox(zone, mailbox[i]);
        open[i] = i;
    }

    for (n = count; n; n = kept) {
        kept = 0;

        for (i = 0; i < n; i++) {

            if (mailbox[open[i]] == SEALED_NONE) {
                continue;
            }

            object = sealed_zone_mailbox(zone, mailbox[open[i]]);

            if (memcmp(object->entry.id,
                       recipients + (size_t) pass->order[first + open[i]]
                                    * SEALED_MAILBOX_ID_SIZE,
                       SEALED_MAILBOX_ID_SIZE)
                == 0)
            {
                if (object->tail != SEALED_NONE) {
                    __builtin_prefetch(sealed_zone_object(zone,
                                                          object->tail), 1);
                }

                continue;
            }

            mailbox[open[i]] = object->entry.next;
            prefetch_mailbox(zone, mailbox[open[i]]);
            open[kept++] = open[i];
        }
    }
}


static void
prefetch_mailbox(const sealed_zone_t *zone, uint32_t reference)
{
    const sealed_mailbox_t  *mailbox;

    /* without a lock it may be none any more */

    mailbox = sealed_zone_address(zone, reference);

    __builtin_prefetch(mailbox);
    __builtin_prefetch(&mailbox->waiting);
}


static uint8_t
judge(const pass_t *pass, sealed_shard_t *shard, sealed_mailbox_t *mailbox)
{
    uint64_t                        bytes;
    const sealed_fanout_t          *fanout;
    const sealed_mailbox_limits_t  *limits;

    fanout = pass->append->fanout;
    limits = &pass->zone->limits;

    if (!sealed_mailbox_is_open(pass->zone, mailbox)) {
        return SEALED_REFUSED_UNKNOWN;
    }

    if (mailbox->node.due <= SEALED_HOUR(pass->now)) {
        sealed_mailbox_purge(pass->zone, shard, mailbox, pass->now);
    }

    bytes = (uint64_t) mailbox->bytes + fanout->body.size
            + fanout->slice_size;

    return mailbox->count >= limits->envelopes || bytes > limits->bytes
           ? SEALED_REFUSED_FULL : SEALED_ACCEPTED;
}


static void
link_record(pass_t *pass, sealed_shard_t *shard, sealed_mailbox_t *mailbox,
    uint32_t recipient)
{
    uint32_t                reference;
    sealed_zone_t          *zone;
    sealed_record_t        *record;
    const sealed_fanout_t  *fanout;

    zone = pass->zone;
    fanout = pass->append->fanout;

    reference = pass->next;
    record = sealed_zone_record(zone, reference);
    pass->next = record->next;
    pass->linked++;

    record->seq = mailbox->next_seq;
    record->mailbox = sealed_zone_reference(zone, mailbox);

    if (pass->seqs) {
        pass->seqs[recipient] = mailbox->next_seq;
        pass->lives[recipient] = mailbox->life;
    }

    if (fanout->slice_size) {
        memcpy(record->slice,
               fanout->headers + (size_t) recipient * fanout->slice_size,
               fanout->slice_size);
    }

    sealed_publish();
    sealed_mailbox_save(zone, shard, mailbox);

    if (mailbox->tail == SEALED_NONE) {
        sealed_set(mailbox->head, reference);

    } else {

        /* means nothing while it is the last: needs no way back */

        sealed_step(NULL, 0);
        sealed_zone_record(zone, mailbox->tail)->next = reference;
    }

    sealed_set(mailbox->tail, reference);
    sealed_set(mailbox->next_seq, mailbox->next_seq + 1);
    sealed_set(mailbox->count, mailbox->count + 1);
    sealed_set(mailbox->bytes,
               mailbox->bytes + (uint32_t) fanout->body.size
               + fanout->slice_size);

    if (pass->append->expiry_hour < mailbox->node.due) {
        sealed_mailbox_due(zone, shard, mailbox,
                           (uint32_t) pass->append->expiry_hour);
    }

    sealed_mailbox_notify(zone, mailbox, &pass->append->wake);
}


/* records move from the worker's place to mailboxes in one section */

static void
open_section(pass_t *pass, sealed_shard_t *shard)
{
    sealed_worker_t  *w;

    w = &pass->zone->workers[pass->zone->worker];

    sealed_shard_save(pass->zone, shard, &w->body, 4 * sizeof(uint32_t));
}


static void
close_section(pass_t *pass, sealed_shard_t *shard)
{
    sealed_worker_t  *w;

    w = &pass->zone->workers[pass->zone->worker];

    sealed_set(w->records, pass->next);
    sealed_set(w->linked, w->linked + pass->linked);
    pass->append->accepted += pass->linked;
    pass->linked = 0;

    /* nothing is left of it that would have to be given back */

    if (w->linked == w->expected) {
        sealed_set(w->body, SEALED_NONE);
        sealed_set(w->expected, 0);
        sealed_set(w->linked, 0);
    }

    sealed_lock_commit(&shard->lock);
}
