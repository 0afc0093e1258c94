
/*
 * A zone in whose memory some words are others: it is not attached to, or
 * what does not hold is told.  Nothing outside of it is looked at.
 *
 * Aims at: zone_check.c
 */

#include "fuzz.h"
#include "certificate_table.h"
#include "item.h"
#include "restore.h"
#include "zone_check.h"

#include <sys/mman.h>


enum {
    WORDS    = SEALED_ZONE_MIN_SIZE / 4,
    CHANGES  = 64,
    HOUR     = 1000,

    /* of a change's first octet */

    COPY     = 1,                       /* of another word */
    BEHIND   = 2                        /* the word after it */
};


#define NOW        ((uint64_t) HOUR * 3600)

/* all that a reference can name, and nobody may touch */
#define ADDRESSES  ((size_t) 33 << 30)


typedef struct {
    uint32_t  at;
    uint32_t  was;
} change_t;


static uint32_t       *memory;
static uint32_t        used[2 * WORDS];     /* places to change */
static uint32_t        nused;
static sealed_zone_t   zone;


static void prepare(void);
static void use(const uint32_t *word, unsigned words);
static void fill(void);
static const char *look(void);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t   i, n, at, value;
    change_t   change[CHANGES];

    prepare();

    /* by seven octets: how, which place, and what is turned there or copied */

    for (n = 0; n < CHANGES && size >= 7; n++, data += 7, size -= 7) {
        at = used[((uint32_t) data[1] << 8 | data[2]) % nused];
        at = (at + (data[0] & BEHIND) / BEHIND) % WORDS;
        memcpy(&value, data + 3, 4);

        if (data[0] & COPY) {
            value = memory[used[value % nused]] ^ memory[at];
        }

        change[n].at = at;
        change[n].was = memory[at];
        memory[at] ^= value;
    }

    /* nothing is written */

    CHECK(mprotect(memory, SEALED_ZONE_MIN_SIZE, PROT_READ) == 0);
    (void) look();
    CHECK(mprotect(memory, SEALED_ZONE_MIN_SIZE, PROT_READ|PROT_WRITE) == 0);

    for (i = n; i; i--) {
        memory[change[i - 1].at] = change[i - 1].was;
    }

    return 0;
}


/* NULL, or what does not hold */

static const char *
look(void)
{
    const char     *error;
    sealed_zone_t   attached;

    static uint64_t  scratch[1 << 16];

    error = sealed_zone_attach(&attached, memory, SEALED_ZONE_MIN_SIZE);

    if (error) {
        return error;
    }

    CHECK(sealed_zone_check_scratch(&attached) <= sizeof(scratch));

    return sealed_zone_check(&attached, scratch);
}


static void
prepare(void)
{
    void      *all;
    uint32_t   i;

    static const uint8_t  hash_key[16] = { 7 };

    if (memory) {
        return;
    }

    all = mmap(NULL, ADDRESSES, PROT_NONE,
               MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);
    CHECK(all != MAP_FAILED);
    CHECK(mprotect(all, SEALED_ZONE_MIN_SIZE, PROT_READ|PROT_WRITE) == 0);
    memory = all;

    CHECK(sealed_zone_format(&zone, memory, SEALED_ZONE_MIN_SIZE, NOW,
                             hash_key)
          == 0);
    zone.limits.idle_seconds = 30 * 86400;

    CHECK(sealed_worker_claim(&zone) == 0);
    fill();
    sealed_worker_release(&zone);

    /* what a worker has under way, logs, then all that is not zero */

    use(&zone.workers[0].body, 10);
    use(&zone.workers[5].body, 10);
    use(&zone.arena_lock->used, 1);
    use(&zone.shards[0].lock.used, 1);

    for (i = 0; i < WORDS; i++) {
        if (memory[i]) {
            use(&memory[i], 1);
        }
    }

    CHECK(look() == NULL);
}


static void
use(const uint32_t *word, unsigned words)
{
    for (/* void */; words; words--, word++) {
        used[nused++] = (uint32_t) (word - memory);
    }
}


/* mailboxes with mail for one and for several, with and without a slice */

static void
fill(void)
{
    uint8_t                        octets[SEALED_PAGE_SIZE + 300];
    uint32_t                       i, n, place[4], records;
    uint64_t                       seq;
    sealed_bytes_t                 slice;
    sealed_journal_body_t          body;
    sealed_journal_quota_t         quota;
    sealed_journal_mailbox_t       mailbox;
    sealed_journal_certificate_t   certificate;

    memset(octets, 'x', sizeof(octets));
    memset(&mailbox, 0, sizeof(mailbox));
    mailbox.tag = 7;
    mailbox.next = 9;

    for (i = 0; i < 4; i++) {
        mailbox.id[0] = (uint8_t) i;
        mailbox.life = i + 1;
        CHECK(sealed_restore_mailbox(&zone, &mailbox, i == 3 ? NOW + 600 : 0,
                                     NOW, &place[i])
              == 0);
    }

    memset(&body, 0, sizeof(body));
    body.hour = HOUR;

    for (seq = 1; seq < 5; seq++) {
        body.expiry_hour = HOUR + (uint32_t) seq;
        body.slice_size = seq % 2 ? 16 : 0;
        body.body.data = octets;
        body.body.size = seq == 4 ? sizeof(octets) : 90 * (size_t) seq;
        body.stamp.data = octets;
        body.stamp.size = seq == 2 ? SEALED_STAMP_SIZE : 0;
        slice.data = octets;
        slice.size = body.slice_size;
        n = seq == 3 ? 1 : 3;

        CHECK(sealed_restore_body(&zone, &body, n, &records) == 0);

        for (i = 0; i < n; i++) {
            CHECK(sealed_restore_item(&zone, place[i], seq, &records, slice)
                  == 0);
        }
    }

    memset(&certificate, 0, sizeof(certificate));
    memset(&quota, 0, sizeof(quota));
    certificate.end = NOW + 9000;
    quota.end = NOW + 9000;

    for (i = 0; i < 3; i++) {
        certificate.id[0] = (uint8_t) (10 + i);
        quota.id[0] = (uint8_t) (20 + i);
        CHECK(sealed_restore_certificate(&zone, &certificate, NOW) == 0);
        CHECK(sealed_restore_quota(&zone, &quota, NOW) == 0);
        CHECK(sealed_certificate_table_revoke(&zone, octets + i, NOW + 9000,
                                              NOW)
              == SEALED_OK);
    }
}
