
/*
 * A zone: everything that the gateway holds, in one piece of memory that all
 * workers map.  Nothing in it is a pointer.
 *
 *   header | locks, wake rings, workers, shards | pages of objects
 *
 * Ids are hashed with a secret of the zone and fall into shards, each with
 * its lock, its tables of mailboxes and certificates and its timing wheel.
 * One further lock guards the arena, from which all objects come.  A process
 * may die at any instruction: what it had begun is undone by the next to
 * lock (shard_lock.h), and what it had under way between two locks is given
 * back by whoever finds its place abandoned (worker.h).
 *
 * What is in a mailbox, and what an operator can find here: an id, a request
 * key, ciphertext, rounded hours.  No names, no addresses.
 *
 * The structs are described where they are used: mailbox.h, body.h,
 * certificate_table.h.  Sizes count: a mailbox takes 120 octets, a record 24
 * besides its slice of headers.
 */

#ifndef SEALED_ZONE_H
#define SEALED_ZONE_H


#include "arena.h"
#include "budget.h"
#include "id_table.h"
#include "timing_wheel.h"
#include "wake.h"
#include "worker.h"


#pragma GCC visibility push(hidden)


#define SEALED_HOUR(now)     ((uint32_t) ((now) / 3600))

#define SEALED_ZONE_MAGIC    0x7365616c65647a32ULL     /* "sealedz2" */
#define SEALED_ZONE_VERSION  2

enum {
    SEALED_ZONE_MIN_SIZE   = 1 << 20,
    SEALED_ZONE_MIN_PAGES  = 64,
    SEALED_SHARDS_MIN      = 4,
    SEALED_SHARDS_MAX      = 64,
    SEALED_SHARD_MEMORY    = 16 << 20,  /* one more for each of these */
    SEALED_CELL_PAYLOAD    = 120,
    SEALED_TICKET_PLACES   = 64,
    SEALED_TICKETS         = 16     /* in each */
};


typedef struct {
    sealed_table_entry_t          entry;        /* by the mailbox's id */
    uint32_t                      head;
    uint64_t                      next_seq;
    uint32_t                      tail;
    uint32_t                      count;
    uint32_t                      bytes;
    sealed_wheel_node_t           node;
    uint32_t                      waiting;      /* a bit per 32nd worker */
    uint32_t                      tag;          /* of the key line; 0: ended */
    uint32_t                      active;       /* hour; ended: until when */
    uint32_t                      life;         /* which of its id */
    uint64_t                      window_highest;
    uint64_t                      window;
    uint8_t                       key[SEALED_KEY_SIZE];
} sealed_mailbox_t;


/*
 * What a row of the certificate table is about: a certificate in use, one
 * that was revoked (seen before or not), what an account has drawn, what a
 * journal remembers of a certificate that has not been seen since, without
 * its key.
 */

typedef enum {
    SEALED_ENTRY_CERTIFICATE = 0,
    SEALED_ENTRY_REVOKED,
    SEALED_ENTRY_QUOTA,
    SEALED_ENTRY_REMEMBERED
} sealed_entry_kind_t;


typedef struct {
    sealed_table_entry_t          entry;        /* by the certificate's id */
    uint32_t                      tag;
    uint64_t                      end;
    uint64_t                      window_highest;
    uint64_t                      window[SEALED_CERTIFICATE_WINDOW / 64];
    sealed_budget_t               budget;
    sealed_wheel_node_t           node;
    uint16_t                      opened;       /* mailboxes; or drawn */
    uint8_t                       class;
    uint8_t                       kind;         /* sealed_entry_kind_t */
    uint8_t                       key[SEALED_KEY_SIZE];
} sealed_certificate_entry_t;


/*
 * One recipient's claim on a body, and his slice of the headers.  The last
 * record of a mailbox is known by the mailbox's tail: its next means nothing.
 */

typedef struct {
    uint64_t                      seq;
    uint32_t                      next;
    uint32_t                      body;
    uint32_t                      mailbox;
    uint8_t                       slice[4];     /* and on, as the pool has */
} sealed_record_t;


/* an envelope's shared part */

typedef struct {
    uint32_t                      references;
    uint32_t                      generation;   /* grows with each use */
    uint32_t                      size;
    uint32_t                      slice_size;
    uint32_t                      page;         /* the first whole page */
    uint32_t                      cell;         /* the first of the rest */
    uint32_t                      stamp;        /* a cell, or none */
    uint32_t                      hour;         /* of acceptance */
    uint32_t                      expiry;       /* hour */
    uint32_t                      trash_next;
} sealed_body_t;


typedef struct {
    uint32_t                      next;
    uint32_t                      generation;   /* of the body it is for */
    uint8_t                       payload[SEALED_CELL_PAYLOAD];
} sealed_cell_t;


struct sealed_shard_s {
    sealed_lock_t                 lock;
    sealed_table_t                mailboxes;
    sealed_table_t                certificates;
    uint32_t                      ended;        /* mailboxes */
    uint32_t                      reserved;
    sealed_wheel_t                wheel;

    /* used ones, changed without the lock (ticket.h) */
    uint64_t                      tickets[SEALED_TICKET_PLACES]
                                         [SEALED_TICKETS];
};


/* whether those who use a zone write a journal beside it */

enum {
    SEALED_ZONE_UNJOURNALED = 1,
    SEALED_ZONE_JOURNALED
};


/* what workers agree upon about the zone's journal */

typedef struct {
    uint64_t                      generation;   /* to be written */
    uint64_t                      complete;     /* of the last snapshot */
    uint64_t                      needed;       /* mail waits for this one */
    uint64_t                      written;      /* octets since the last */
    uint64_t                      snapshot;     /* octets of it */
    uint64_t                      since;        /* its time */
    uint64_t                      begun;        /* when it began */
    uint64_t                      octets;       /* on disk, after it */
    uint64_t                      writer;       /* its place plus 1, or 0 */
    uint32_t                      wants;        /* reasons for another, */
    uint32_t                      served;       /* and how many had theirs */
} sealed_zone_journal_t;


typedef struct {
    uint64_t                      magic;
    uint32_t                      version;
    uint32_t                      layout;       /* sizes of the structs */
    uint64_t                      birth;
    uint64_t                      clock;        /* as it was last seen */
    uint64_t                      forgotten;    /* last end of a window */
    uint8_t                       hash_key[16];
    uint32_t                      shard_bits;
    uint32_t                      generation;   /* of the next body */
    uint32_t                      sweep_page;
    uint32_t                      repairs;
    uint32_t                      damaged;      /* envelopes not readable */
    uint32_t                      lives;        /* of mailboxes, so far */
    uint8_t                       identity[16]; /* of its name */
    uint8_t                       boot[16];     /* who used it last, where */
    uint64_t                      reserved;     /* addresses that it may use */
    uint32_t                      written;      /* all of it is in its file */
    uint32_t                      journaled;    /* 0: not known, or below */
    sealed_zone_journal_t         journal;
    sealed_arena_t                arena;
} sealed_zone_header_t;


/* what the host allows, and the tags of the key lines it has */

typedef struct {
    uint32_t                      envelopes;    /* in one mailbox */
    uint32_t                      bytes;
    uint32_t                      idle_seconds;
    uint32_t                      ntags;
    uint32_t                      tag[SEALED_MAX_KEY_LINES];
} sealed_mailbox_limits_t;


/*
 * What a process knows of a zone.  The host owns it; each process that
 * changes a zone has one of its own, after a fork too, and the place of one
 * worker in it.
 */

struct sealed_zone_s {
    uint8_t                      *base;
    sealed_zone_header_t         *header;
    sealed_lock_t                *arena_lock;
    sealed_wake_ring_t           *wake;
    sealed_worker_t              *workers;
    sealed_shard_t               *shards;
    uint32_t                      shard_mask;
    uint32_t                      worker;       /* SEALED_WORKERS: none */
    sealed_mailbox_limits_t       limits;       /* set by the host */
};


typedef struct {
    uint64_t                      size;
    uint64_t                      pages;
    uint64_t                      pages_free;
    uint64_t                      shards;
    uint64_t                      mailboxes;    /* open */
    uint64_t                      closed;       /* answered with 410 */
    uint64_t                      certificates;
    uint64_t                      envelopes;
    uint64_t                      bodies;
    uint64_t                      cells;
    uint64_t                      repairs;
    uint64_t                      damaged;
} sealed_zone_status_t;


/* the smallest size that works */
size_t sealed_zone_min_size(void);

/*
 * Makes a zone in zeroed, page-aligned memory and attaches to it.  hash_key
 * is random; at most an eighth of the pages will hold certificates.  0, or
 * -1 (too small, or over 32 GiB, or no robust mutexes).
 */
int sealed_zone_format(sealed_zone_t *zone, void *memory, size_t size,
    uint64_t now, const uint8_t hash_key[16]);

/*
 * NULL, or why this memory is not a zone that this code can use.  There may be
 * more memory than the zone has: who made room for it to grow, or let it
 * shrink, may have died before the rest was done.
 */
const char *sealed_zone_attach(sealed_zone_t *zone, void *memory,
    size_t size);

/*
 * What a request has to be later than.  Certificates and mailboxes end with
 * their replay windows.  Where the clock is behind such an end, since it was
 * ahead for a while, what was sent until the last time it was put is not new.
 * To be called once a second, and with each request.
 */
uint64_t sealed_zone_birth(sealed_zone_t *zone, uint64_t now);

/* something with a replay window ends by this clock */
void sealed_zone_forget(sealed_zone_t *zone, uint64_t now);

/*
 * For memory that outlived all its processes (a file): makes the locks new
 * and puts right what was under way.  Nobody else may be attached.  0 or -1.
 */
int sealed_zone_adopt(sealed_zone_t *zone);

/*
 * The same in two steps, for memory that may be damaged: what it does in the
 * first stays within the zone, which sealed_zone_check() then may look at; the
 * second trusts what it finds.  size is that of the memory; no lock may be
 * taken before.
 */
int sealed_zone_undo(sealed_zone_t *zone, size_t size);
void sealed_zone_settle(sealed_zone_t *zone);

/*
 * Another size; the memory behind the mapping has it already, or has it
 * still.  0, or -1 when what is there does not fit.
 */
int sealed_zone_resize(sealed_zone_t *zone, size_t size);

/* the least size that what is there now fits into */
size_t sealed_zone_least_size(sealed_zone_t *zone);

/* octets, as they are used now */
size_t sealed_zone_size(const sealed_zone_t *zone);

/* counts, each consistent in itself; 0 or -1 */
int sealed_zone_status(sealed_zone_t *zone, sealed_zone_status_t *status);

/* the hash that places an id: its high bits name the shard */
uint64_t sealed_zone_hash(const sealed_zone_t *zone, const uint8_t id[16]);

sealed_shard_t *sealed_zone_shard(const sealed_zone_t *zone, uint64_t hash);

/* a shard's lock; 0 or -1 */
int sealed_shard_lock(sealed_zone_t *zone, sealed_shard_t *shard);
void sealed_shard_unlock(sealed_zone_t *zone, sealed_shard_t *shard);

/* before a change inside a section: of a shard, of the arena */
#define sealed_shard_save(zone, shard, data, size)                           \
    sealed_lock_save((zone)->base, &(shard)->lock, data, size)
#define sealed_arena_save(zone, data, size)                                  \
    sealed_lock_save((zone)->base, (zone)->arena_lock, data, size)

/* the arena's lock, while no shard's is held; 0 or -1 */
int sealed_arena_lock(sealed_zone_t *zone);
void sealed_arena_unlock(sealed_zone_t *zone);

/* pages that mail leaves for certificates, mailboxes and revocations */
uint32_t sealed_zone_keep(const sealed_zone_t *zone);


/* the place of a reference, also of one that may no longer be good */

static inline void *
sealed_zone_address(const sealed_zone_t *zone, uint32_t reference)
{
    return zone->base + (uint64_t) reference * 8;
}


/*
 * An object in use, or SEALED_NONE, whose place is not looked at.  A build
 * with sanitizers makes sure of it at each access: their own marks for memory
 * that was given back are those of one process, and a zone is of many.
 */

static inline void *
sealed_zone_object(const sealed_zone_t *zone, uint32_t reference)
{
#if (SEALED_CHECKED)
    sealed_arena_expect(zone, reference);
#endif

    return sealed_zone_address(zone, reference);
}


static inline uint32_t
sealed_zone_reference(const sealed_zone_t *zone, const void *object)
{
    return (uint32_t) (((const uint8_t *) object - zone->base) / 8);
}


static inline sealed_mailbox_t *
sealed_zone_mailbox(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_zone_object(zone, reference);
}


static inline sealed_certificate_entry_t *
sealed_zone_certificate(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_zone_object(zone, reference);
}


static inline sealed_record_t *
sealed_zone_record(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_zone_object(zone, reference);
}


static inline sealed_body_t *
sealed_zone_body(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_zone_object(zone, reference);
}


static inline sealed_cell_t *
sealed_zone_cell(const sealed_zone_t *zone, uint32_t reference)
{
    return sealed_zone_object(zone, reference);
}


#pragma GCC visibility pop


#endif /* SEALED_ZONE_H */
