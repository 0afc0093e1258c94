
/*
 * Recovery, from a file of these octets as they are, or from records with
 * these payloads in order, in one file or several, some octets of the last
 * changed.
 *
 * Aims at: journal.c journal_recovery.c journal_merge.c
 */

#include "fuzz.h"

#include "journal_recovery.h"


typedef struct {
    uint64_t  mailboxes;
    uint64_t  bodies;
    uint64_t  items;
    uint64_t  mailbox;                  /* of the last item */
    uint64_t  seq;
} sums_t;


enum {
    FILES = 4,
    NEXT  = 15                          /* instead of a record's kind */
};

static uint8_t   file[FILES][128 * 1024];
static size_t    file_size[FILES];
static unsigned  files;

static const uint8_t  zone[SEALED_JOURNAL_IDENTITY] = "fuzz";


static void begin(sealed_journal_segment_t *segment,
    const sealed_key_line_t *line);


static void *
resize(void *context, void *old, size_t size)
{
    if (size == 0) {
        free(old);
        return NULL;
    }

    return realloc(old, size);
}


static int
mailbox(void *context, const sealed_journal_mailbox_t *state,
    uint64_t closed_until, uint64_t *reference)
{
    sums_t  *sums = context;

    CHECK(state->next > state->through);
    *reference = sums->mailboxes++;

    return 0;
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

    return 0;
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

    return 0;
}


static int
revocation(void *context, const sealed_journal_revocation_t *revoked)
{
    return 0;
}


static int
certificate(void *context, const sealed_journal_certificate_t *entry)
{
    CHECK(entry->class < 256 && entry->opened < 65536);

    return 0;
}


static int
quota(void *context, const sealed_journal_quota_t *entry)
{
    CHECK(entry->drawn < 65536);

    return 0;
}


/*
 * Kind and size, then the payload; after the last, places to change.  The
 * kind NEXT ends a file, and its size says which the next one is.
 */

static void
build(const uint8_t *data, size_t size, const sealed_key_line_t *line)
{
    size_t                     n, at;
    sealed_journal_segment_t   segment;

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, zone, sizeof(zone));
    segment.generation = 1;
    segment.stream = 2;
    segment.number = 1;
    segment.tag = line->tag;
    begin(&segment, line);

    while (size >= 3 && (data[0] & 15)) {
        n = (size_t) data[1] << 8 | data[2];

        if ((data[0] & 15) == NEXT) {

            if (files == FILES) {
                break;
            }

            segment.snapshot = n & 1;
            segment.generation = 1 + (n >> 1 & 3);
            segment.stream = 2 + (n >> 3 & 3);
            segment.number = (uint32_t) (n >> 5 & 3);
            begin(&segment, line);

            data += 3;
            size -= 3;
            continue;
        }

        at = file_size[files - 1];

        if (n > size - 3
            || at + sealed_journal_record_size(n) > sizeof(file[0]))
        {
            break;
        }

        memcpy(file[files - 1] + at + SEALED_JOURNAL_FRAME, data + 3, n);
        sealed_journal_record_seal(file[files - 1] + at, (uint32_t) n,
                                   data[0] & 15, &segment, line->journal_key,
                                   at);
        file_size[files - 1] += sealed_journal_record_size(n);

        data += 3 + n;
        size -= 3 + n;
    }

    for (/* void */; size >= 4; data += 4, size -= 4) {
        at = ((size_t) data[1] << 8 | data[2]) % file_size[files - 1];
        file[files - 1][at] ^= data[3];
    }
}


static void
begin(sealed_journal_segment_t *segment, const sealed_key_line_t *line)
{
    memset(file[files], 0, sizeof(file[files]));
    sealed_journal_segment_keys(segment, line->journal_key);
    sealed_journal_header_encode(file[files], segment);
    file_size[files++] = SEALED_JOURNAL_BLOCK;
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    sums_t                           sums;
    unsigned                         i;
    const char                      *error;
    sealed_recovery_t                recovery;
    sealed_recovery_sink_t           sink;
    sealed_recovery_report_t         report;
    sealed_journal_header_result_t   header[FILES];

    static sealed_master_secret_t  secret;

    if (secret.count == 0) {
        secret.count = 1;
        CHECK(sealed_key_line_derive(&secret.line[0]) == 0);
    }

    if (size == 0) {
        return 0;
    }

    files = 0;

    if (data[0] == 0) {
        file_size[0] = size - 1;
        memcpy(file[0], data + 1, file_size[0]);
        files = 1;

    } else {
        build(data + 1, size - 1, &secret.line[0]);
    }

    memset(&sums, 0, sizeof(sums));
    sink.context = &sums;
    sink.mailbox = mailbox;
    sink.body = body;
    sink.item = item;
    sink.revocation = revocation;
    sink.certificate = certificate;
    sink.quota = quota;
    sink.progress = NULL;

    sealed_recovery_init(&recovery, zone, &secret, 1000, resize, NULL);

    error = NULL;

    for (i = 0; i < files && error == NULL; i++) {
        error = sealed_recovery_examine(&recovery, file[i], file_size[i],
                                        &header[i]);
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
        CHECK(sealed_recovery_resolve(&recovery) == 0);
        CHECK(sealed_recovery_emit(&recovery, &sink) == 0);
        CHECK(sums.items == recovery.result.envelopes);
        CHECK(sums.bodies == recovery.result.bodies);
    }

    sealed_recovery_free(&recovery);

    return 0;
}
