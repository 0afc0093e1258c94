
/*
 * Recovery, from a file of these octets as they are, or from records with
 * these payloads in order, in one file or several, some octets of the last
 * changed.  Memory may run out, and who takes the result may have enough.
 *
 * Aims at: journal.c journal_recovery.c recovery_array.c recovery_body.c
 * Aims at: recovery_emit.c recovery_mailbox.c recovery_merge.c
 * Aims at: recovery_record.c recovery_stream.c
 */

#include "fuzz.h"

#include "recovery_emit.h"
#include "recovery_merge.h"
#include "segments.h"


typedef struct {
    uint64_t  mailboxes;
    uint64_t  bodies;
    uint64_t  items;
    uint64_t  mailbox;                  /* of the last item */
    uint64_t  seq;
} sums_t;


/* in the first octet; 0: a file as it is */

enum {
    FAILS   = 64,
    CHANGES = 128
};


static unsigned  left;                  /* calls until one fails; 0: none */


static void check_names(void);


static int
fails(void)
{
    return left && --left == 0;
}


static void *
resize(void *context, void *old, size_t size)
{
    if (size == 0) {
        free(old);
        return NULL;
    }

    return fails() ? NULL : realloc(old, size);
}


static int
mailbox(void *context, const sealed_journal_mailbox_t *state,
    uint64_t closed_until, uint64_t *reference)
{
    sums_t  *sums = context;

    CHECK(state->next > state->through);
    *reference = sums->mailboxes++;

    return fails() ? -1 : 0;
}


static int
body(void *context, const sealed_journal_body_t *shared, uint32_t references,
    uint64_t *reference)
{
    sums_t           *sums = context;
    volatile uint8_t  last;

    CHECK(references > 0);

    if (shared->body.size) {
        last = shared->body.data[shared->body.size - 1];
        (void) last;
    }

    *reference = sums->bodies++;

    return fails() ? -1 : 0;
}


static int
item(void *context, uint64_t place, uint64_t seq, uint64_t *reference,
    sealed_bytes_t slice)
{
    sums_t           *sums = context;
    volatile uint8_t  last;

    CHECK(place < sums->mailboxes && *reference < sums->bodies);
    CHECK(slice.size <= SEALED_MAX_HEADER);
    CHECK(sums->items == 0 || sums->mailbox != place || sums->seq < seq);

    if (slice.size) {
        last = slice.data[slice.size - 1];
        (void) last;
    }

    sums->mailbox = place;
    sums->seq = seq;
    sums->items++;

    return fails() ? -1 : 0;
}


static int
revocation(void *context, const sealed_journal_revocation_t *revoked)
{
    return fails() ? -1 : 0;
}


static int
certificate(void *context, const sealed_journal_certificate_t *entry)
{
    CHECK(entry->class < 256 && entry->opened < 65536);

    return fails() ? -1 : 0;
}


static int
quota(void *context, const sealed_journal_quota_t *entry)
{
    CHECK(entry->drawn < 65536);

    return fails() ? -1 : 0;
}


static void
progress(void *context, uint64_t done, uint64_t all)
{
    CHECK(done < all);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                              rc;
    sums_t                           sums;
    uint8_t                          first;
    unsigned                         i, may_fail;
    const char                      *error;
    sealed_recovery_t                recovery;
    sealed_recovery_sink_t           sink;
    sealed_recovery_report_t         report;
    sealed_journal_header_result_t   header[FILES];

    if (size == 0) {
        return 0;
    }

    prepare_segments();

    first = *data++;
    size--;
    files = 0;
    left = 0;

    if ((first & FAILS) && size) {
        left = *data++;
        size--;
    }

    may_fail = left;

    if (first == 0) {
        memcpy(file[0], data, size);
        file_size[0] = size;
        files = 1;

    } else {
        build_segments(data, size);
        check_names();
    }

    memset(&sums, 0, sizeof(sums));
    sink.context = &sums;
    sink.mailbox = mailbox;
    sink.body = body;
    sink.item = item;
    sink.revocation = revocation;
    sink.certificate = certificate;
    sink.quota = quota;
    sink.progress = progress;

    sealed_recovery_init(&recovery, zone_identity, &secret, HOUR, resize,
                         NULL);

    error = NULL;

    for (i = 0; i < files && error == NULL; i++) {
        error = sealed_recovery_examine(&recovery, file[i], file_size[i],
                                        &header[i]);
    }

    /* the file may have got another header since */

    if (first & CHANGES) {
        file[0][SEALED_JOURNAL_BLOCK / 2] ^= 1;
        file[0][0] ^= 1;
    }

    for (i = 0; i < files && error == NULL; i++) {

        if (header[i] == SEALED_JOURNAL_HEADER_OK) {
            error = sealed_recovery_read(&recovery, file[i], file_size[i],
                                         &report);

            CHECK(error
                  || report.damaged_octets + report.octets
                     + report.torn_octets <= file_size[i]);
        }
    }

    if (error == NULL) {
        rc = sealed_recovery_resolve(&recovery);
        CHECK(rc == 0 || may_fail);

        if (rc == 0) {
            rc = sealed_recovery_emit(&recovery, &sink);
            CHECK(rc == 0 || may_fail);
        }

        if (rc == 0) {
            CHECK(sums.items == recovery.result.envelopes);
            CHECK(sums.bodies == recovery.result.bodies);
        }
    }

    sealed_recovery_free(&recovery);

    return 0;
}


/* which sorts as segments are to be read */

static void
check_names(void)
{
    char                      name[SEALED_JOURNAL_NAME_SIZE];
    char                      next[SEALED_JOURNAL_NAME_SIZE];
    unsigned                  i;
    sealed_journal_segment_t  segment, named;

    for (i = 0; i < files; i++) {

        if (sealed_journal_header_decode(&segment, file[i], file_size[i])
            != SEALED_JOURNAL_HEADER_OK)
        {
            continue;
        }

        sealed_journal_segment_name(name, &segment);
        CHECK(sealed_journal_segment_parse(&named, name) == 0);
        CHECK(named.generation == segment.generation);
        CHECK(named.stream == segment.stream);
        CHECK(named.number == segment.number);
        CHECK(named.snapshot == segment.snapshot);

        segment.number++;
        sealed_journal_segment_name(next, &segment);
        CHECK(strcmp(name, next) < 0);
    }
}
