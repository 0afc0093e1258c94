
/*
 * What the journal's records say.
 *
 * All of it may be read in any order and more than once, with the same
 * result: a mailbox that is opened again after its end has a higher life,
 * whatever belongs to a lower one is void, and of a life the highest
 * acknowledgement counts.  So streams need no common clock.
 *
 * Encoders write as many octets as the size says.  Decoders take payloads of
 * exactly the right size, return 0 or -1, and leave pointers into them.
 * Times are hours (unix time / 3600) except where a name says otherwise.
 */

#ifndef SEALED_JOURNAL_RECORD_H
#define SEALED_JOURNAL_RECORD_H


#include "fanout.h"


#pragma GCC visibility push(hidden)


/* numbers of envelopes are below this one */
#define SEALED_JOURNAL_SEQ_END  ((uint64_t) 1 << 62)

/* unix times are below this one: their hours fit into 32 bits, rounded up */
#define SEALED_JOURNAL_TIME_END  ((uint64_t) UINT32_MAX * 3600)

enum {
    SEALED_JOURNAL_OPEN_SIZE         = 16 + 32 + 4 * 3 + 8 * 2,
    SEALED_JOURNAL_CLOSE_SIZE        = 16 + 4 + 8,
    SEALED_JOURNAL_ACKNOWLEDGE_SIZE  = 16 + 4 + 8,
    SEALED_JOURNAL_REVOKE_SIZE       = 16 + 8,
    SEALED_JOURNAL_CERTIFICATE_SIZE  = 16 + 4 * 3 + 8 * 3
                                       + SEALED_CERTIFICATE_WINDOW / 8,
    SEALED_JOURNAL_QUOTA_SIZE        = 16 + 4 + 8,
    SEALED_JOURNAL_BODY_HEAD         = 4 * 6 + 8,
    SEALED_JOURNAL_RECIPIENT_SIZE    = 16 + 4 + 8,
    SEALED_JOURNAL_ITEMS_HEAD        = 16 + 4 + 4,
    SEALED_JOURNAL_ITEM_HEAD         = 8 + 8 + 4,
    SEALED_JOURNAL_STAMP_MAX         = 256
};


/*
 * A mailbox when it is opened, as it is in a snapshot, and when its owner has
 * asked for it after a day or more.  That is what dated says, the highest bit
 * of the hour: earlier versions wrote the last down only when they liked.
 */

typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint8_t                       key[SEALED_KEY_SIZE];
    uint32_t                      life;
    uint32_t                      tag;          /* of the key line */
    uint32_t                      active_hour;  /* of the last request */
    unsigned                      dated;        /* 0 or 1 */
    uint64_t                      through;      /* acknowledged */
    uint64_t                      next;         /* at least */
} sealed_journal_mailbox_t;


/* closed_until is unix time, value is a sequence number */

typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint32_t                      life;
    uint64_t                      value;        /* closed until, through */
} sealed_journal_change_t;


typedef struct {
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
    uint64_t                      until;        /* unix time */
} sealed_journal_revocation_t;


/*
 * A certificate in use.  It is not written when it is used, next to what it
 * was used for, but in a snapshot and when nginx ends: nothing here tells
 * which mailbox it sent to or opened.  Its request key follows from what it
 * shows when it comes back.
 */

typedef struct {
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
    uint32_t                      class;
    uint32_t                      opened;       /* mailboxes */
    uint32_t                      budget_hour;  /* rounded up */
    uint64_t                      end;          /* unix time */
    uint64_t                      budget_level; /* whole units */
    uint64_t                      window_highest;
    uint64_t                      window[SEALED_CERTIFICATE_WINDOW / 64];
} sealed_journal_certificate_t;


/* what an account has drawn, see quota.h */

typedef struct {
    uint8_t                       id[SEALED_CERTIFICATE_ID_SIZE];
    uint32_t                      drawn;        /* at most 65,535 */
    uint64_t                      end;          /* unix time */
} sealed_journal_quota_t;


/*
 * A body.  In an envelope record it has count recipients, each with a slice
 * of the headers; in a snapshot count is 0, and `reference` names the body
 * in the records of items that follow; the name is used once.
 */

typedef struct {
    uint32_t                      hour;
    uint32_t                      expiry_hour;
    uint32_t                      count;        /* of recipients */
    uint32_t                      slice_size;
    uint64_t                      reference;
    const uint8_t                *recipients;
    sealed_bytes_t                headers;
    sealed_bytes_t                stamp;
    sealed_bytes_t                body;
} sealed_journal_body_t;


typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint32_t                      life;
    uint64_t                      seq;
} sealed_journal_recipient_t;


/* a mailbox's envelopes in a snapshot */

typedef struct {
    uint8_t                       id[SEALED_MAILBOX_ID_SIZE];
    uint32_t                      life;
    uint32_t                      count;
    const uint8_t                *pos;          /* of the next */
    const uint8_t                *end;
} sealed_journal_items_t;


typedef struct {
    uint64_t                      seq;
    uint64_t                      body;         /* its reference */
    sealed_bytes_t                slice;
} sealed_journal_item_t;


void sealed_journal_open_encode(uint8_t out[SEALED_JOURNAL_OPEN_SIZE],
    const sealed_journal_mailbox_t *mailbox);
int sealed_journal_open_decode(sealed_journal_mailbox_t *mailbox,
    sealed_bytes_t payload);

/* close and acknowledge have the same shape */
void sealed_journal_change_encode(uint8_t out[SEALED_JOURNAL_CLOSE_SIZE],
    const sealed_journal_change_t *change);
int sealed_journal_change_decode(sealed_journal_change_t *change,
    sealed_bytes_t payload);

void sealed_journal_revoke_encode(uint8_t out[SEALED_JOURNAL_REVOKE_SIZE],
    const sealed_journal_revocation_t *revocation);
int sealed_journal_revoke_decode(sealed_journal_revocation_t *revocation,
    sealed_bytes_t payload);

void sealed_journal_certificate_encode(
    uint8_t out[SEALED_JOURNAL_CERTIFICATE_SIZE],
    const sealed_journal_certificate_t *certificate);
int sealed_journal_certificate_decode(
    sealed_journal_certificate_t *certificate, sealed_bytes_t payload);

void sealed_journal_quota_encode(uint8_t out[SEALED_JOURNAL_QUOTA_SIZE],
    const sealed_journal_quota_t *quota);
int sealed_journal_quota_decode(sealed_journal_quota_t *quota,
    sealed_bytes_t payload);

/*
 * What was accepted of a fan-out: the recipients whose result is 0, with
 * their mailboxes' lives and their sequence numbers.
 */
size_t sealed_journal_envelope_size(uint32_t count, uint32_t slice_size,
    size_t stamp_size, size_t body_size);
void sealed_journal_envelope_encode(uint8_t *out,
    const sealed_fanout_t *fanout, const uint8_t *results, uint32_t accepted,
    const uint32_t *lives, const uint64_t *seqs, uint32_t hour,
    uint32_t expiry_hour, sealed_bytes_t stamp);
int sealed_journal_envelope_decode(sealed_journal_body_t *body,
    sealed_bytes_t payload);
void sealed_journal_recipient(sealed_journal_recipient_t *recipient,
    const sealed_journal_body_t *body, uint32_t i);

size_t sealed_journal_body_size(const sealed_journal_body_t *body);

/* a body without data is left to the caller, at the pointer returned */
uint8_t *sealed_journal_body_encode(uint8_t *out,
    const sealed_journal_body_t *body);
int sealed_journal_body_decode(sealed_journal_body_t *body,
    sealed_bytes_t payload);

/* the head, and then count items */
uint8_t *sealed_journal_items_encode(uint8_t *out,
    const sealed_journal_items_t *items);
uint8_t *sealed_journal_item_encode(uint8_t *out,
    const sealed_journal_item_t *item);
int sealed_journal_items_decode(sealed_journal_items_t *items,
    sealed_bytes_t payload);

/* 1 and the next item, 0 after the last, -1 when the record is malformed */
int sealed_journal_item_next(sealed_journal_item_t *item,
    sealed_journal_items_t *items);


/* where a body's name stands in a table of names; the product goes round */

#if (__clang__)
__attribute__ ((no_sanitize ("unsigned-integer-overflow")))
#endif
static inline size_t
sealed_journal_name_place(uint64_t name)
{
    return (size_t) (name * UINT64_C(0x9e3779b97f4a7c15) >> 20);
}


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_RECORD_H */
