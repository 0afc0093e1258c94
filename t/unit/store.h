
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

#include "../../src/certificate_table.h"
#include "../../src/item.h"
#include "../../src/mailbox.h"


#define NOW  UINT64_C(1800000000)

static const sealed_budget_rule_t  store_rule = { 1000, 1000, 3600 };

static const sealed_mailbox_limits_t  store_limits = {
    100, 1000000, 86400
};


static inline sealed_zone_t *
store_new(size_t size)
{
    void  *memory;

    static const uint8_t  key[16] = { 1, 2, 3 };

    memory = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_ANONYMOUS,
                  -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_int_equal(sealed_zone_format(memory, size, NOW, key), 0);
    assert_null(sealed_zone_attach(memory, size));

    return memory;
}


static inline void
store_free(sealed_zone_t *zone)
{
    (void) munmap(zone, zone->size);
}


static inline void
store_id(uint8_t id[16], uint32_t n)
{
    memset(id, 0xa5, 16);
    memcpy(id, &n, sizeof(n));
}


static inline void
store_certificate(sealed_zone_t *zone, uint32_t n)
{
    uint8_t                     id[16];
    sealed_certificate_state_t  state;

    memset(&state, 0, sizeof(state));
    state.end = NOW + 86400;
    state.class = 1;
    store_id(id, n);

    assert_int_equal(sealed_certificate_table_insert(zone, id, &state,
                                                     &store_rule, NOW),
                     SEALED_OK);
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


/* one body to the mailboxes first .. first + count - 1 */

static inline sealed_verdict_t
store_send(sealed_zone_t *zone, uint32_t first, uint32_t count,
    const void *body, size_t size, uint32_t slice_size, uint64_t now,
    uint64_t expiry_hour, uint32_t *accepted)
{
    uint8_t           *recipients, *headers, *results;
    uint32_t           i, *mailboxes;
    uint64_t           wake;
    sealed_fanout_t    fanout;
    sealed_verdict_t   verdict;

    recipients = malloc((size_t) count * 16);
    headers = malloc((size_t) count * slice_size + 1);
    results = malloc(count);
    mailboxes = malloc(count * sizeof(uint32_t));

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

    verdict = sealed_mailbox_append(zone, &fanout, &store_limits, expiry_hour,
                                    now, mailboxes, results, accepted, &wake);

    free(recipients);
    free(headers);
    free(results);
    free(mailboxes);

    return verdict;
}


static inline size_t
store_read(sealed_zone_t *zone, uint32_t n, uint64_t after, unsigned limit,
    uint8_t *out, size_t size, uint64_t now)
{
    size_t    used;
    uint8_t   id[16];
    unsigned  more;
    uint32_t  mailbox;

    store_id(id, n);
    assert_int_equal(sealed_mailbox_read(zone, id, now, &after, &limit, out,
                                         size, &used, &more, SEALED_WORKERS,
                                         &mailbox),
                     SEALED_OK);

    return used;
}


#endif /* SEALED_TEST_STORE_H */
