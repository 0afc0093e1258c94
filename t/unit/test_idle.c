
/*
 * When a mailbox that nobody asks for ends, over starts with nothing but a
 * journal: never before its time, and at most some days after it.
 */

#include "journal.h"
#include "store.h"
#include "recovery_mailbox.h"
#include "restore.h"
#include "snapshot.h"


enum {
    CAPACITY = 64 * 1024,
    SEGMENT = 64 * 1024,
    ZONE = 4 * 1024 * 1024,
    IDLE_HOURS = 240
};

#define HOUR  SEALED_HOUR(NOW)


typedef struct {
    uint32_t  opened;                   /* hours */
    uint32_t  asked;
    uint32_t  written;                  /* the segment */
    unsigned  dated;
} case_t;


static void
set_mailbox(sealed_journal_mailbox_t *mailbox, uint32_t hour, unsigned dated)
{
    memset(mailbox, 0, sizeof(*mailbox));
    memset(mailbox->id, 9, sizeof(mailbox->id));
    mailbox->life = 1;
    mailbox->tag = store_limits.tag[0];
    mailbox->next = 1;
    mailbox->active_hour = hour;
    mailbox->dated = dated;
}


static void
put(sealed_journal_writer_t *writer, uint32_t hour, uint32_t segment,
    unsigned dated)
{
    uint8_t                   *p;
    sealed_journal_mailbox_t   mailbox;

    set_mailbox(&mailbox, hour, dated);
    p = sealed_journal_reserve(writer, SEALED_JOURNAL_OPEN_SIZE, segment);
    assert_non_null(p);
    sealed_journal_open_encode(p, &mailbox);
    sealed_journal_put(writer, SEALED_JOURNAL_OPEN, SEALED_JOURNAL_OPEN_SIZE);
}


/* since when it idles, as a start at NOW makes of a journal */

static uint32_t
active_at_start(const case_t *c, unsigned backwards)
{
    uint8_t                         *buffer;
    uint32_t                         hour;
    memory_files_t                   memory;
    sealed_recovery_t                recovery;
    sealed_journal_files_t           files;
    sealed_master_secret_t           secret;
    sealed_journal_output_t          output;
    sealed_journal_writer_t          writer;
    sealed_journal_segment_t         segment;
    sealed_recovery_report_t         report;
    const sealed_journal_batch_t    *batch;
    sealed_recovery_mailbox_t       *mailbox;
    sealed_journal_header_result_t   header;

    test_secret(&secret);
    memory_files_init(&memory, &files);
    buffer = malloc(2 * CAPACITY);
    assert_non_null(buffer);

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, test_zone, sizeof(segment.zone));
    segment.generation = 1;
    segment.stream = 1;
    segment.tag = secret.line[0].tag;

    sealed_journal_writer_init(&writer, &segment, secret.line[0].journal_key,
                               SEGMENT, buffer, buffer + CAPACITY, CAPACITY);
    sealed_journal_output_init(&output, &files, SEALED_JOURNAL_SYNC_OFF,
                               SEGMENT);

    put(&writer, backwards ? c->asked : c->opened, c->written, c->dated);
    put(&writer, backwards ? c->opened : c->asked, c->written, c->dated);

    batch = sealed_journal_take(&writer);
    assert_non_null(batch);
    assert_int_equal(sealed_journal_commit(&output, batch, 0), 0);
    sealed_journal_done(&writer, 0);
    assert_int_equal(sealed_journal_finish(&output), 0);

    sealed_recovery_init(&recovery, test_zone, &secret, HOUR, test_resize,
                         NULL);
    assert_null(sealed_recovery_examine(&recovery, memory.file[0].data,
                                        memory.file[0].size, &header));
    assert_int_equal(header, SEALED_JOURNAL_HEADER_OK);
    assert_null(sealed_recovery_read(&recovery, memory.file[0].data,
                                     memory.file[0].size, &report));
    assert_int_equal(sealed_recovery_resolve(&recovery), 0);
    assert_int_equal(recovery.mailboxes.count, 1);

    mailbox = (sealed_recovery_mailbox_t *) recovery.mailboxes.data;
    hour = sealed_recovery_active(&recovery, &mailbox->state);

    sealed_recovery_free(&recovery);
    memory_files_free(&memory);
    free(buffer);

    return hour;
}


static void
test_active(void **state)
{
    unsigned  i;

    static const struct {
        case_t    c;
        uint32_t  active;
    } cases[] = {

        /* opened, asked, written, dated */

        { { HOUR - 90, HOUR - 70, HOUR - 1, 1 }, HOUR - 70 },
        { { HOUR - 90, HOUR - 70, HOUR - SEALED_JOURNAL_STOP_HOURS, 1 },
          HOUR - 70 },

        /* what nginx was away for counts so long */

        { { HOUR - 990, HOUR - 970, HOUR - 900, 1 },
          HOUR - 70 - SEALED_JOURNAL_STOP_HOURS },
        { { HOUR - 10, HOUR - 5, HOUR - 900, 1 }, HOUR },

        /* the clock was ahead, then or now */

        { { HOUR - 90, HOUR + 70, HOUR - 1, 1 }, HOUR },
        { { HOUR - 90, HOUR - 70, HOUR + 5, 1 }, HOUR - 70 },

        /* of a version that did not see to it */

        { { HOUR - 90, HOUR - 70, HOUR - 1, 0 }, HOUR }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(active_at_start(&cases[i].c, 0), cases[i].active);
        assert_int_equal(active_at_start(&cases[i].c, 1), cases[i].active);
    }
}


static sealed_zone_t *
restored(uint32_t active)
{
    uint32_t                  reference;
    sealed_zone_t            *zone;
    sealed_journal_mailbox_t  mailbox;

    zone = store_new(ZONE);
    zone->limits.idle_seconds = IDLE_HOURS * 3600;
    set_mailbox(&mailbox, active, 1);
    assert_int_equal(sealed_restore_mailbox(zone, &mailbox, 0, NOW,
                                            &reference),
                     0);
    assert_null(store_check(zone));

    return zone;
}


/* the hour, after NOW, in which it is gone */

static uint32_t
ends_in(sealed_zone_t *zone, uint32_t from)
{
    uint8_t                  id[16];
    uint32_t                 hour;
    uint64_t                 wake, now;
    sealed_mailbox_status_t  status;

    memset(id, 9, sizeof(id));

    for (hour = from; hour < from + 4 * IDLE_HOURS; hour++) {
        now = ((uint64_t) HOUR + hour) * 3600;

        while (sealed_expiry_run(zone, 1000, 1000, now, &wake)) {
            /* void */
        }

        if (sealed_mailbox_status(zone, id, now, &status) != SEALED_OK) {
            break;
        }
    }

    return hour;
}


static void
test_end(void **state)
{
    uint8_t         id[16];
    uint64_t        next, later;
    unsigned        has_next;
    sealed_zone_t  *zone;

    memset(id, 9, sizeof(id));

    /* what is known from this start on is exact, to the hour */

    zone = restored(HOUR);
    assert_int_equal(ends_in(zone, 0), IDLE_HOURS + 1);
    store_free(zone);

    zone = restored(HOUR + 1000);
    assert_int_equal(ends_in(zone, 0), IDLE_HOURS + 1);
    store_free(zone);

    /* what a journal says may be late */

    zone = restored(HOUR - 100);
    assert_int_equal(ends_in(zone, 0),
                     IDLE_HOURS + 1 - 100 + SEALED_UNSEEN_HOURS);
    store_free(zone);

    zone = restored(HOUR - IDLE_HOURS - 49);
    assert_int_equal(ends_in(zone, 0), 2);
    store_free(zone);

    zone = restored(HOUR - 3 * IDLE_HOURS);
    assert_int_equal(ends_in(zone, 0), 0);
    store_free(zone);

    /* and is known again when its owner comes */

    zone = restored(HOUR - 100);
    later = NOW + 30 * 3600;
    assert_int_equal(sealed_mailbox_rested(zone, id, later), 130);
    assert_int_equal(sealed_mailbox_spend(zone, id, 1, later, &next,
                                          &has_next),
                     SEALED_OK);
    assert_int_equal(sealed_mailbox_rested(zone, id, later), 0);
    assert_int_equal(sealed_mailbox_rested(zone, id, later - 7200), 0);
    assert_int_equal(ends_in(zone, 30), 30 + IDLE_HOURS + 1);
    assert_int_equal(sealed_mailbox_rested(zone, id, later + 999999), 0);
    store_free(zone);
}


/* what is put down when an owner comes back after a day */

static void
test_record(void **state)
{
    uint8_t                    id[16], out[SEALED_JOURNAL_OPEN_SIZE];
    uint64_t                   wake;
    sealed_zone_t             *zone;
    sealed_bytes_t             payload;
    sealed_journal_mailbox_t   mailbox;

    memset(id, 9, sizeof(id));
    payload.data = out;
    payload.size = sizeof(out);

    zone = restored(HOUR - 100);
    assert_int_equal(sealed_snapshot_mailbox(zone, id, out), 0);
    assert_int_equal(sealed_journal_open_decode(&mailbox, payload), 0);
    assert_memory_equal(mailbox.id, id, sizeof(id));
    assert_int_equal(mailbox.active_hour, HOUR - 100);
    assert_int_equal(mailbox.dated, 1);
    assert_int_equal(mailbox.life, 1);
    assert_int_equal(mailbox.next, 1);
    assert_int_equal(mailbox.through, 0);

    /* one that is not there, and one that ended */

    id[0]++;
    assert_int_equal(sealed_snapshot_mailbox(zone, id, out), -1);
    id[0]--;
    assert_int_equal(sealed_mailbox_close(zone, id, NOW, &wake), SEALED_OK);
    assert_int_equal(sealed_snapshot_mailbox(zone, id, out), -1);
    store_free(zone);

    /* the highest bit of the hour is no part of it */

    set_mailbox(&mailbox, HOUR, 0);
    sealed_journal_open_encode(out, &mailbox);
    mailbox.dated = 1;
    assert_int_equal(sealed_journal_open_decode(&mailbox, payload), 0);
    assert_int_equal(mailbox.dated, 0);
    assert_int_equal(mailbox.active_hour, HOUR);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_active),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_record)
    };

    if (sodium_init() == -1) {
        return 1;
    }

    return cmocka_run_group_tests(tests, NULL, NULL);
}
