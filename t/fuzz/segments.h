
/*
 * Segments of a journal from an input: they hold the records that it asks
 * for, in order and as whole as it leaves them.
 */

#ifndef SEALED_FUZZ_SEGMENTS_H
#define SEALED_FUZZ_SEGMENTS_H


#include "fuzz.h"

#include "journal_recovery.h"


enum {
    FILES = 4,
    NEXT  = 15,                         /* instead of a record's kind */
    HOUR  = 1000                        /* that it is */
};


static uint8_t   file[FILES][128 * 1024];
static size_t    file_size[FILES];
static unsigned  files;

static uint8_t                 zone_identity[SEALED_JOURNAL_IDENTITY];
static sealed_master_secret_t  secret;
static sealed_key_line_t       stranger;


static void begin_segment(sealed_journal_segment_t *segment,
    const sealed_key_line_t *line);


static void
prepare_segments(void)
{
    files = 0;

    if (secret.count) {
        return;
    }

    sealed_journal_identity(zone_identity, "fuzz", 4);

    CHECK(sealed_key_line_derive(&secret.line[0]) == 0);
    secret.count = 1;

    stranger.master[0] = 1;
    CHECK(sealed_key_line_derive(&stranger) == 0);
}


/*
 * Kind and size, then the payload; after the last, places to change.  The
 * kind NEXT ends a file, and its size says which the next one is.
 */

static void
build_segments(const uint8_t *data, size_t size)
{
    size_t                     n, at;
    sealed_journal_segment_t   segment;
    const sealed_key_line_t   *line;

    line = &secret.line[0];

    memset(&segment, 0, sizeof(segment));
    memcpy(segment.zone, zone_identity, sizeof(zone_identity));
    segment.generation = 1;
    segment.stream = 2;
    segment.number = 1;
    begin_segment(&segment, line);

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
            segment.zone[0] = zone_identity[0] ^ (n >> 7 & 1);
            line = n >> 8 & 1 ? &stranger : &secret.line[0];
            begin_segment(&segment, line);

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
begin_segment(sealed_journal_segment_t *segment,
    const sealed_key_line_t *line)
{
    segment->tag = line->tag;
    sealed_journal_segment_keys(segment, line->journal_key);
    sealed_journal_header_encode(file[files], segment);
    file_size[files++] = SEALED_JOURNAL_BLOCK;
}


#endif /* SEALED_FUZZ_SEGMENTS_H */
