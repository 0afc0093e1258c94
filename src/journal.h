
/*
 * The journal on disk: segments of records.
 *
 *   block of 4096 octets: the header twice, at 0 and at 2048
 *   records, each at a multiple of 8 octets
 *   zeros, as far as the file was allocated beforehand
 *
 * A record is
 *
 *   check u64 | size u32 | kind u8 | 0 u8 | short check u16 | payload | tag
 *
 * where size counts all of it.  The check is SipHash-2-4 (libsodium) over
 * everything behind it, the short check the same over size and kind alone,
 * which lets a scan pass over damage without hashing for each octet.  The
 * key is of this segment, with the record's offset mixed in: a record holds
 * at its own place only.  SipHash and not CRC32C, because after damage the
 * next record is searched for, and a client, who does not know the key but
 * chooses the octets of an envelope, must not be able to plant one there.
 * SipHash takes 0.3 ns an octet here.
 *
 * The payload is encrypted with XChaCha20-Poly1305 (libsodium): the key is
 * the journal key of a line of the master secret, the nonce is the segment's
 * 16 octets and the offset, the first 16 octets of the record less the check
 * are authenticated.  A segment's keys and nonce follow from the journal key
 * and its name, and a place in a segment is written once: after an error or
 * a restart the writer goes on in a new segment.
 *
 * A reader needs the journal key for what records say, but not to tell
 * whether they are whole.  Integers are big-endian.
 */

#ifndef SEALED_JOURNAL_H
#define SEALED_JOURNAL_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


#define SEALED_JOURNAL_MAGIC    0x7365616c65646a31ULL  /* "sealedj1" */
#define SEALED_JOURNAL_VERSION  1


enum {
    SEALED_JOURNAL_BLOCK        = 4096,
    SEALED_JOURNAL_FRAME        = 16,       /* before the payload */
    SEALED_JOURNAL_TAG          = 16,       /* behind it */
    SEALED_JOURNAL_IDENTITY     = 16,
    SEALED_JOURNAL_SEGMENT_MIN  = 64 * 1024,
    SEALED_JOURNAL_SEGMENT_MAX  = 1024 * 1024 * 1024,
    SEALED_JOURNAL_NAME_SIZE    = 16 + 1 + 16 + 1 + 8 + sizeof(".snapshot")
};


/* 1 to 15; the numbers are the format's */

typedef enum {
    SEALED_JOURNAL_OPEN         = 1,
    SEALED_JOURNAL_CLOSE        = 2,
    SEALED_JOURNAL_ENVELOPE     = 3,
    SEALED_JOURNAL_ACKNOWLEDGE  = 4,
    SEALED_JOURNAL_REVOKE       = 5,
    SEALED_JOURNAL_CERTIFICATE  = 6,
    SEALED_JOURNAL_BODY         = 7,        /* in a snapshot */
    SEALED_JOURNAL_ITEMS        = 8,        /* in a snapshot */
    SEALED_JOURNAL_END          = 9,        /* a stream ended in order */
    SEALED_JOURNAL_BEGIN        = 10,       /* so that it is known of */
    SEALED_JOURNAL_QUOTA        = 11
} sealed_journal_kind_t;


/*
 * A stream is what one writer wrote, its segments are numbered from 1.  A
 * generation begins with a snapshot, a stream of its own that holds all that
 * lives; when it has ended in order nothing older counts.
 */

typedef struct {
    uint8_t                       zone[SEALED_JOURNAL_IDENTITY];
    uint8_t                       check_key[16];
    uint8_t                       nonce[16];
    uint64_t                      generation;
    uint64_t                      stream;
    uint32_t                      number;
    uint32_t                      tag;          /* of the key line */
    uint32_t                      hour;         /* of its beginning */
    unsigned                      snapshot;     /* 0 or 1 */
} sealed_journal_segment_t;


typedef struct {
    const uint8_t                *data;         /* the record */
    size_t                        offset;
    uint32_t                      size;         /* without padding */
    uint32_t                      payload_size;
    unsigned                      kind;
} sealed_journal_record_t;


typedef enum {
    SEALED_JOURNAL_HEADER_OK = 0,
    SEALED_JOURNAL_HEADER_BLANK,        /* allocated and never written */
    SEALED_JOURNAL_HEADER_DAMAGED,
    SEALED_JOURNAL_HEADER_VERSION       /* another one's */
} sealed_journal_header_result_t;


typedef enum {
    SEALED_JOURNAL_RECORD = 0,
    SEALED_JOURNAL_DAMAGED,     /* offset and size tell what is passed over */
    SEALED_JOURNAL_TORN,        /* nothing whole follows: offset and size */
    SEALED_JOURNAL_DONE
} sealed_journal_scan_result_t;


/* what the headers of a zone's segments say whose they are */
void sealed_journal_identity(uint8_t identity[SEALED_JOURNAL_IDENTITY],
    const char *name, size_t size);

/* check_key and nonce, from the rest and the journal key */
void sealed_journal_segment_keys(sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE]);

/* its file's name, zero-terminated */
void sealed_journal_segment_name(char name[SEALED_JOURNAL_NAME_SIZE],
    const sealed_journal_segment_t *segment);

/*
 * Generation, stream, number and snapshot from a file's name, all else zeros;
 * 0, or -1: it is not the name of a segment.
 */
int sealed_journal_segment_parse(sealed_journal_segment_t *segment,
    const char *name);

void sealed_journal_header_encode(uint8_t block[SEALED_JOURNAL_BLOCK],
    const sealed_journal_segment_t *segment);

sealed_journal_header_result_t sealed_journal_header_decode(
    sealed_journal_segment_t *segment, const uint8_t *data, size_t size);

/* what a record takes in a segment, padding included */
static inline size_t
sealed_journal_record_size(size_t payload_size)
{
    return (SEALED_JOURNAL_FRAME + payload_size + SEALED_JOURNAL_TAG + 7)
           & ~(size_t) 7;
}


/*
 * Makes a record of the payload that already stands at record +
 * SEALED_JOURNAL_FRAME; padding included.
 */
void sealed_journal_record_seal(uint8_t *record, uint32_t payload_size,
    sealed_journal_kind_t kind, const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE], size_t offset);

/* the record that is known to be whole and to stand there */
void sealed_journal_record_at(sealed_journal_record_t *record,
    const uint8_t *data, size_t offset);

/* the payload into out; 0, or -1 when it is not of this key */
int sealed_journal_record_open(uint8_t *out,
    const sealed_journal_record_t *record,
    const sealed_journal_segment_t *segment,
    const uint8_t key[SEALED_KEY_SIZE]);

/*
 * The next record of a segment in memory at or behind *offset, which begins
 * as SEALED_JOURNAL_BLOCK and moves on.
 */
sealed_journal_scan_result_t sealed_journal_scan(
    sealed_journal_record_t *record, const uint8_t *data, size_t size,
    size_t *offset, const sealed_journal_segment_t *segment);


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_H */
