
/* a zone in a test's own memory, and short ways to use it */

#ifndef SEALED_TEST_STORE_H
#define SEALED_TEST_STORE_H


#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../src/append.h"
#include "../../src/body.h"
#include "../../src/certificate_table.h"
#include "../../src/expiry.h"
#include "../../src/item.h"
#include "../../src/mailbox.h"
#include "../../src/mailbox_read.h"
#include "../../src/zone_check.h"


#define NOW  UINT64_C(1800000000)

static const sealed_budget_rule_t  store_rule = { 1000, 1000, 3600 };

static const sealed_mailbox_limits_t  store_limits = {
    100, 1000000, 86400, 1, { 7 }
};


/* memory that a zone of this size, and a larger one, can live in */

static inline void *
store_memory(size_t size)
{
    void  *memory;

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    assert_true(memory != MAP_FAILED);

    return memory;
}


static inline sealed_zone_t *
store_in(void *memory, size_t size)
{
    sealed_zone_t  *zone;

    static const uint8_t  key[16] = { 1, 2, 3 };

    zone = malloc(sizeof(sealed_zone_t));
    assert_non_null(zone);
    assert_int_equal(sealed_zone_format(zone, memory, size, NOW, key), 0);
    assert_null(sealed_zone_attach(zone, memory, size));
    zone->limits = store_limits;
    assert_int_equal(sealed_worker_claim(zone), 0);

    return zone;
}


static inline sealed_zone_t *
store_new(size_t size)
{
    return store_in(store_memory(size), size);
}


static inline void
store_free(sealed_zone_t *zone)
{
    /* a mutex must not be held in memory that goes */

    sealed_worker_release(zone);
    (void) munmap(zone->base, sealed_zone_size(zone));
    free(zone);
}


/* NULL or what does not hold */

static inline const char *
store_check(const sealed_zone_t *zone)
{
    void        *scratch;
    const char  *error;

    scratch = malloc(sealed_zone_check_scratch(zone));
    assert_non_null(scratch);
    error = sealed_zone_check(zone, scratch);
    free(scratch);

    return error;
}


static inline uint64_t
store_used(const sealed_zone_t *zone, sealed_pool_t pool)
{
    return zone->header->arena.pool[pool].used;
}


static inline uint64_t
store_records(const sealed_zone_t *zone)
{
    uint64_t  n;
    unsigned  i;

    n = 0;

    for (i = SEALED_POOL_RECORD; i <= SEALED_POOL_RECORD_LAST; i++) {
        n += store_used(zone, i);
    }

    return n;
}


static inline void
store_id(uint8_t id[16], uint32_t n)
{
    memset(id, 0xa5, 16);
    memcpy(id, &n, sizeof(n));
}


static inline sealed_verdict_t
store_insert(sealed_zone_t *zone, uint32_t n, uint64_t end)
{
    uint8_t                     id[16];
    sealed_certificate_state_t  state;

    memset(&state, 0, sizeof(state));
    state.end = end;
    state.class = 1;
    store_id(id, n);

    return sealed_certificate_table_insert(zone, id, &state, &store_rule,
                                           NOW);
}


static inline void
store_certificate(sealed_zone_t *zone, uint32_t n)
{
    assert_int_equal(store_insert(zone, n, NOW + 86400), SEALED_OK);
}


static inline sealed_verdict_t
store_open(sealed_zone_t *zone, uint32_t n)
{
    uint8_t                  id[16], opener[16], key[32];
    unsigned                 created;
    sealed_mailbox_status_t  status;

    store_id(id, n);
    store_id(opener, 0);
    memset(key, (int) n, sizeof(key));

    return sealed_mailbox_open(zone, id, key, 7, opener, 65535, NOW, &created,
                               &status);
}


static inline sealed_mailbox_t *
store_mailbox(sealed_zone_t *zone, uint32_t n)
{
    uint8_t   id[16];
    uint64_t  hash;

    store_id(id, n);
    hash = sealed_zone_hash(zone, id);

    return sealed_zone_mailbox(zone,
               sealed_table_find(zone,
                                 &sealed_zone_shard(zone, hash)->mailboxes,
                                 hash, id));
}


/* one body to the mailboxes first .. first + count - 1 */

static inline sealed_verdict_t
store_send(sealed_zone_t *zone, uint32_t first, uint32_t count,
    const void *body, size_t size, uint32_t slice_size, uint64_t now,
    uint64_t expiry_hour, uint32_t *accepted)
{
    uint8_t           *recipients, *headers;
    uint32_t           i;
    sealed_append_t    append;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    recipients = malloc((size_t) count * 16);
    headers = malloc((size_t) count * slice_size + 1);
    append.results = malloc(count);
    append.scratch = malloc(sealed_append_scratch(count));
    append.hashed = 0;

    for (i = 0; i < count; i++) {
        store_id(recipients + (size_t) i * 16, first + i);
        memset(headers + (size_t) i * slice_size, (int) (first + i),
               slice_size);
    }

    fanout.recipients = recipients;
    fanout.count = count;
    fanout.headers = headers;
    fanout.slice_size = slice_size;
    fanout.body.data = body;
    fanout.body.size = size;

    append.fanout = &fanout;
    append.stamp.data = NULL;
    append.expiry_hour = expiry_hour;

    verdict = sealed_append(zone, &append, now);
    *accepted = append.accepted;

    free(recipients);
    free(headers);
    free(append.results);
    free(append.scratch);

    return verdict;
}


static inline size_t
store_read(sealed_zone_t *zone, uint32_t n, uint64_t after, unsigned limit,
    uint8_t *out, size_t size, uint64_t now)
{
    size_t           used;
    uint8_t          id[16];
    unsigned         more;
    sealed_cursor_t  cursor = { after, limit, SEALED_NONE, SEALED_NONE };

    store_id(id, n);
    assert_int_equal(sealed_mailbox_read(zone, id, now, &cursor, out, size,
                                         &used, &more, SEALED_WAKE_WORKERS),
                     SEALED_OK);

    return used;
}


/* works off everything that is due */

static inline uint64_t
store_expire(sealed_zone_t *zone, uint64_t now)
{
    uint64_t  wake, all;
    unsigned  n;

    all = 0;

    for (n = 0; n < 1000; n++) {
        if (!sealed_expiry_run(zone, 1000, zone->header->arena.pages, now,
                               &wake))
        {
            break;
        }

        all |= wake;
    }

    return all | wake;
}


#endif /* SEALED_TEST_STORE_H */
