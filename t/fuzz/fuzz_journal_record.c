
/*
 * A kind, then a record of it: what is taken is written again as the same
 * octets.
 */

#include "fuzz.h"
#include "journal.h"
#include "journal_record.h"


static void check_mailbox(sealed_bytes_t payload);
static void check_change(sealed_bytes_t payload);
static void check_revocation(sealed_bytes_t payload);
static void check_envelope(sealed_bytes_t payload);
static void check_body(sealed_bytes_t payload);
static void check_items(sealed_bytes_t payload);
static void check_certificate(sealed_bytes_t payload);
static void check_quota(sealed_bytes_t payload);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sealed_bytes_t  payload;

    if (size == 0) {
        return 0;
    }

    payload = copy(data + 1, size - 1);

    switch (data[0] & 7) {

    case 0:
        check_mailbox(payload);
        break;

    case 1:
        check_change(payload);
        break;

    case 2:
        check_revocation(payload);
        break;

    case 3:
        check_envelope(payload);
        break;

    case 4:
        check_body(payload);
        break;

    case 5:
        check_items(payload);
        break;

    case 6:
        check_certificate(payload);
        break;

    default:
        check_quota(payload);
    }

    free_copy(payload);

    return 0;
}


static void
check_mailbox(sealed_bytes_t payload)
{
    uint8_t                   again[SEALED_JOURNAL_OPEN_SIZE];
    sealed_journal_mailbox_t  mailbox;

    if (sealed_journal_open_decode(&mailbox, payload) == 0) {
        CHECK(payload.size == sizeof(again));
        sealed_journal_open_encode(again, &mailbox);
        CHECK(memcmp(again, payload.data, sizeof(again)) == 0);
    }
}


static void
check_change(sealed_bytes_t payload)
{
    uint8_t                  again[SEALED_JOURNAL_CLOSE_SIZE];
    sealed_journal_change_t  change;

    if (sealed_journal_change_decode(&change, payload) == 0) {
        CHECK(payload.size == sizeof(again));
        sealed_journal_change_encode(again, &change);
        CHECK(memcmp(again, payload.data, sizeof(again)) == 0);
    }
}


static void
check_revocation(sealed_bytes_t payload)
{
    uint8_t                      again[SEALED_JOURNAL_REVOKE_SIZE];
    sealed_journal_revocation_t  revocation;

    if (sealed_journal_revoke_decode(&revocation, payload) == 0) {
        CHECK(payload.size == sizeof(again));
        sealed_journal_revoke_encode(again, &revocation);
        CHECK(memcmp(again, payload.data, sizeof(again)) == 0);
    }
}


/* as it was accepted, from its parts */

static void
check_envelope(sealed_bytes_t payload)
{
    uint8_t                     *again, *recipients, *results;
    uint32_t                     i, *lives;
    uint64_t                    *seqs;
    sealed_fanout_t              fanout;
    sealed_journal_body_t        body;
    sealed_journal_recipient_t   recipient;

    if (sealed_journal_envelope_decode(&body, payload) != 0) {
        return;
    }

    CHECK(body.count > 0);
    CHECK(sealed_journal_envelope_size(body.count, body.slice_size,
                                       body.stamp.size, body.body.size)
          == payload.size);

    again = malloc(payload.size);
    recipients = malloc(body.count * SEALED_MAILBOX_ID_SIZE);
    results = calloc(body.count, 1);
    lives = malloc(body.count * sizeof(uint32_t));
    seqs = malloc(body.count * sizeof(uint64_t));
    CHECK(again && recipients && results && lives && seqs);

    for (i = 0; i < body.count; i++) {
        sealed_journal_recipient(&recipient, &body, i);
        memcpy(recipients + i * SEALED_MAILBOX_ID_SIZE, recipient.id,
               SEALED_MAILBOX_ID_SIZE);
        lives[i] = recipient.life;
        seqs[i] = recipient.seq;
    }

    memset(&fanout, 0, sizeof(fanout));
    fanout.recipients = recipients;
    fanout.count = body.count;
    fanout.headers = body.headers.data;
    fanout.slice_size = body.slice_size;
    fanout.body = body.body;

    sealed_journal_envelope_encode(again, &fanout, results, body.count, lives,
                                   seqs, body.hour, body.expiry_hour,
                                   body.stamp);

    /* the reference is for snapshots */

    if (body.reference == 0) {
        CHECK(memcmp(again, payload.data, payload.size) == 0);
    }

    free(seqs);
    free(lives);
    free(results);
    free(recipients);
    free(again);
}


static void
check_body(sealed_bytes_t payload)
{
    uint8_t                *again;
    sealed_journal_body_t   body;

    if (sealed_journal_body_decode(&body, payload) != 0) {
        return;
    }

    CHECK(sealed_journal_body_size(&body) == payload.size);

    again = malloc(payload.size);
    CHECK(again != NULL);
    CHECK(sealed_journal_body_encode(again, &body) == again + payload.size);
    CHECK(memcmp(again, payload.data, payload.size) == 0);
    free(again);
}


static void
check_items(sealed_bytes_t payload)
{
    int                      rc;
    uint8_t                 *again, *p;
    sealed_journal_item_t    item;
    sealed_journal_items_t   items;

    if (sealed_journal_items_decode(&items, payload) != 0) {
        return;
    }

    again = malloc(payload.size);
    CHECK(again != NULL);
    p = sealed_journal_items_encode(again, &items);

    for ( ;; ) {
        rc = sealed_journal_item_next(&item, &items);

        if (rc != 1) {
            break;
        }

        CHECK(inside(item.slice.data, item.slice.size, payload.data,
                     payload.size));
        p = sealed_journal_item_encode(p, &item);
    }

    if (rc == 0) {
        CHECK(p == again + payload.size);
        CHECK(memcmp(again, payload.data, payload.size) == 0);
    }

    free(again);
}


static void
check_certificate(sealed_bytes_t payload)
{
    uint8_t                       again[SEALED_JOURNAL_CERTIFICATE_SIZE];
    sealed_journal_certificate_t  certificate;

    if (sealed_journal_certificate_decode(&certificate, payload) == 0) {
        CHECK(payload.size == sizeof(again));
        sealed_journal_certificate_encode(again, &certificate);
        CHECK(memcmp(again, payload.data, sizeof(again)) == 0);
    }
}


static void
check_quota(sealed_bytes_t payload)
{
    uint8_t                 again[SEALED_JOURNAL_QUOTA_SIZE];
    sealed_journal_quota_t  quota;

    if (sealed_journal_quota_decode(&quota, payload) == 0) {
        CHECK(payload.size == sizeof(again));
        sealed_journal_quota_encode(again, &quota);
        CHECK(memcmp(again, payload.data, sizeof(again)) == 0);
    }
}
