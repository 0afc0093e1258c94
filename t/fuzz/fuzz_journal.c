
/*
 * Recovery, from a file of these octets as they are, or from records with
 * these payloads in order, in one file or several, some octets of the last
 * changed.  Memory may run out, and who takes the result may have enough.
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
    FILES   = 4,

    /* instead of a record's kind */

    NEXT    = 15,

    /* in the first octet; 0: a file as it is */

    FAILS   = 64,
    CHANGES = 128
};

static uint8_t   file[FILES][128 * 1024];
static size_t    file_size[FILES];
static unsigned  files;
static unsigned  left;                  /* calls until one fails; 0: none */

static uint8_t                 zone[SEALED_JOURNAL_IDENTITY];
static sealed_master_secret_t  secret;
static sealed_key_line_t       stranger;


static void prepare(void);
static void begin(sealed_journal_segment_t *segment,
    const sealed_key_line_t *line);
static void check_name(const sealed_journal_segment_t *segment);


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


/*
 * Kind and size, then the payload; after the last, places to change.  The
 * kind NEXT ends a file, and its size says which the next one is.
 */

static void
build(const uint8_t *data, size_t size)
{
    size_t                     n, at;
    sealed_journal_segment_t   segment;
    const sealed_key_line_t   *line;

    line = &secret.line[0];

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, zone, sizeof(zone));
    segment.generation = 1;
    segment.stream = 2;
    segment.number = 1;
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
            segment.zone[0] = zone[0] ^ (n >> 7 & 1);
            line = n >> 8 & 1 ? &stranger : &secret.line[0];
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
    segment->tag = line->tag;
    sealed_journal_segment_keys(segment, line->journal_key);
    sealed_journal_header_encode(file[files], segment);
    check_name(segment);
    file_size[files++] = SEALED_JOURNAL_BLOCK;
}


/* which sorts as segments are to be read */

static void
check_name(const sealed_journal_segment_t *segment)
{
    char                      name[SEALED_JOURNAL_NAME_SIZE];
    char                      next[SEALED_JOURNAL_NAME_SIZE];
    sealed_journal_segment_t  following;

    sealed_journal_segment_name(name, segment);
    CHECK(strtoull(name, NULL, 16) == segment->generation);
    CHECK(strtoull(strchr(name, '-') + 1, NULL, 16) == segment->stream);
    CHECK(strtoull(strrchr(name, '-') + 1, NULL, 16) == segment->number);

    following = *segment;
    following.number++;
    sealed_journal_segment_name(next, &following);
    CHECK(strcmp(name, next) < 0);
}


static void
prepare(void)
{
    if (secret.count) {
        return;
    }

    sealed_journal_identity(zone, "fuzz", 4);

    CHECK(sealed_key_line_derive(&secret.line[0]) == 0);
    secret.count = 1;

    stranger.master[0] = 1;
    CHECK(sealed_key_line_derive(&stranger) == 0);
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

    prepare();

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
        build(data, size);
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

    sealed_recovery_init(&recovery, zone, &secret, 1000, resize, NULL);

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
