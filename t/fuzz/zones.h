
/*
 * A zone with something of everything in it, of the smallest size, and the
 * places in it that are worth a change.  Behind it are all addresses that a
 * reference can name, which nobody may touch.
 */

#ifndef SEALED_FUZZ_ZONES_H
#define SEALED_FUZZ_ZONES_H


#include "fuzz.h"

#include "certificate_table.h"
#include "item.h"
#include "restore.h"
#include "zone_check.h"

#include <sys/mman.h>


enum {
    WORDS    = SEALED_ZONE_MIN_SIZE / 4,
    HOUR     = 1000
};


#define NOW        ((uint64_t) HOUR * 3600)
#define ADDRESSES  ((size_t) 33 << 30)


static uint32_t       *memory;
static uint32_t        used[2 * WORDS];     /* places to change */
static uint32_t        nused;
static sealed_zone_t   zone;


static const char *check_zone(const sealed_zone_t *checked);
static void use(const uint32_t *word, unsigned words);
static void fill_zone(void);


static void
prepare_zone(void)
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
    fill_zone();
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

    CHECK(check_zone(&zone) == NULL);
}


/* NULL, or what does not hold */

static const char *
check_zone(const sealed_zone_t *checked)
{
    static uint64_t  scratch[1 << 16];

    CHECK(sealed_zone_check_scratch(checked) <= sizeof(scratch));

    return sealed_zone_check(checked, scratch);
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
fill_zone(void)
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


#endif /* SEALED_FUZZ_ZONES_H */
