
/*
 * Reports: one that was made up never holds; one of a stamp that the gateway
 * made does, as long as its epoch is looked at and its key line is there,
 * and not after a single change.
 */

#include "fuzz.h"
#include "frank.h"


enum {
    LINES   = 2,                        /* and one that nobody has any more */
    EPOCHS  = 4,                        /* that are looked at */
    CHANGES = 4
};


/* what a report is made of */

typedef struct {
    uint8_t                  kf[32];
    uint8_t                  body_digest[32];
    uint8_t                  stamp[SEALED_STAMP_SIZE];
    uint8_t                  message[4096];
} parts_t;


static void prepare(void);
static void check_made_up(const uint8_t *data, size_t size);
static void check_made(const uint8_t *data, size_t size);
static int verify(sealed_stamp_t *stamp, const parts_t *parts, size_t size,
    uint32_t newest);


static sealed_master_secret_t  secret;
static sealed_key_line_t       gone;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    prepare();

    check_made_up(data, size);
    check_made(data, size);

    return 0;
}


static void
prepare(void)
{
    unsigned  i;

    if (secret.count) {
        return;
    }

    for (i = 0; i < LINES; i++) {
        secret.line[i].master[0] = (uint8_t) (1 + i);
        CHECK(sealed_key_line_derive(&secret.line[i]) == 0);
    }

    secret.count = LINES;

    gone.master[0] = 1 + LINES;
    CHECK(sealed_key_line_derive(&gone) == 0);
}


/* the commitment is right, so that only the stamp can be wrong */

static void
check_made_up(const uint8_t *data, size_t size)
{
    parts_t         parts;
    sealed_bytes_t  message;
    sealed_stamp_t  stamp;

    memset(&parts, 0, sizeof(parts));
    memcpy(parts.stamp + SEALED_COMMITMENT_SIZE, data,
           size < SEALED_STAMP_SIZE - SEALED_COMMITMENT_SIZE
           ? size : SEALED_STAMP_SIZE - SEALED_COMMITMENT_SIZE);
    message.data = parts.message;
    message.size = size % 8;
    sealed_frank_commitment(parts.stamp, parts.kf, message);

    CHECK(verify(&stamp, &parts, message.size, 1) != 0);
}


/*
 * How long ago, whose key, how many changes and which, the newest epoch, what
 * the stamp says, the message.
 */

static void
check_made(const uint8_t *data, size_t size)
{
    int                       rc, good;
    parts_t                   parts, made;
    uint8_t                   key[32], id[2][SEALED_REPORT_ID_SIZE];
    uint8_t                   commitment[SEALED_COMMITMENT_SIZE];
    unsigned                  i, changes, line;
    uint32_t                  newest, ago;
    sealed_bytes_t            message;
    sealed_stamp_t            stamp, found;
    const uint8_t            *change;
    const sealed_key_line_t  *of;

    if (size < 3 + 3 * CHANGES + 4 + 16 + 9) {
        return;
    }

    ago = data[0] % (EPOCHS + 2);
    line = data[1] % (LINES + 1);
    changes = data[2] % (CHANGES + 1);
    change = data + 3;
    data += 3 + 3 * CHANGES;

    memcpy(&newest, data, 4);
    ago = ago < newest ? ago : newest;
    data += 4;

    memset(&stamp, 0, sizeof(stamp));
    memcpy(stamp.certificate_id, data, 16);
    stamp.class = data[16];
    memcpy(&stamp.hour, data + 17, 4);
    stamp.epoch = newest - ago;
    data += 16 + 9;
    size -= 3 + 3 * CHANGES + 4 + 16 + 9;

    memset(&parts, 0, sizeof(parts));
    parts.kf[0] = data[-1];
    parts.body_digest[0] = data[-2];
    message.data = parts.message;
    message.size = size;
    memcpy(parts.message, data, size);

    of = line == LINES ? &gone : &secret.line[line];
    sealed_key_line_franking_key(key, of, stamp.epoch);
    sealed_frank_commitment(commitment, parts.kf, message);
    sealed_stamp_make(parts.stamp, &stamp, commitment, data - 25, key,
                      parts.body_digest);
    made = parts;

    for (i = 0; i < changes; i++, change += 3) {
        ((uint8_t *) &parts)[((size_t) change[0] << 8 | change[1])
                             % (sizeof(parts) - sizeof(parts.message)
                                + size)]
            ^= change[2];
    }

    good = line != LINES && ago < EPOCHS
           && memcmp(&parts, &made, sizeof(parts)) == 0;
    rc = verify(&found, &parts, size, newest);
    CHECK((rc == 0) == good);

    if (rc == 0) {
        CHECK(memcmp(found.certificate_id, stamp.certificate_id, 16) == 0);
        CHECK(found.class == stamp.class && found.hour == stamp.hour);
        CHECK(found.epoch == stamp.epoch);
    }

    sealed_report_id(id[0], parts.stamp);
    sealed_report_id(id[1], made.stamp);
    CHECK((memcmp(id[0], id[1], sizeof(id[0])) == 0)
          == (memcmp(parts.stamp, made.stamp, SEALED_STAMP_SIZE) == 0));
}


static int
verify(sealed_stamp_t *stamp, const parts_t *parts, size_t size,
    uint32_t newest)
{
    int              rc;
    sealed_bytes_t   shown;
    sealed_report_t  report;

    shown = copy(parts->stamp, SEALED_STAMP_SIZE);
    report.message = copy(parts->message, size);
    report.kf = parts->kf;
    report.body_digest = parts->body_digest;
    report.stamp = shown;

    rc = sealed_report_verify(stamp, &report, &secret, newest, EPOCHS);

    report.stamp.size--;
    CHECK(sealed_report_verify(stamp, &report, &secret, newest, EPOCHS)
          != 0);

    if (rc == 0) {
        report.stamp.size++;
        CHECK(sealed_report_verify(stamp, &report, &secret, newest, EPOCHS)
              == 0);
    }

    free_copy(report.message);
    free_copy(shown);

    return rc;
}
