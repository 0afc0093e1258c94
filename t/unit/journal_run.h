
/*
 * A run of operations, written to streams of a journal, each with what it
 * was answered and after which step of the files; and whether what recovery
 * brings back agrees with that.
 */

#ifndef SEALED_TEST_JOURNAL_RUN_H
#define SEALED_TEST_JOURNAL_RUN_H


#include "journal_world.h"


enum { OPS_MAX = 400 };


typedef enum {
    OP_OPEN,
    OP_CLOSE,
    OP_SEND,
    OP_ACKNOWLEDGE,
    OP_DRAW,
    OP_REVOKE,
    OP_USE                              /* of a certificate */
} op_kind_t;


typedef struct {
    op_kind_t  kind;
    unsigned   mailbox;                 /* or a mask of them */
    uint32_t   life[MAILBOXES];
    uint64_t   seq[MAILBOXES];
    unsigned   number;
    size_t     answered;                /* steps there were; 0: never */
} op_t;


typedef struct {
    world_t   *w;
    op_t       op[OPS_MAX];
    unsigned   ops;
    uint32_t   life[MAILBOXES];         /* 0: not open */
    uint32_t   lives;
    uint64_t   next[MAILBOXES];
    uint64_t   through[MAILBOXES];
    uint32_t   drawn;
    uint32_t   used;
    uint64_t   cuts;
} run_t;


/* of a mailbox, at a step of the files: lives of it, numbers in the last */

typedef struct {
    uint32_t   opened;                  /* and answered */
    uint32_t   seen;                    /* perhaps on disk */
    uint32_t   closed;                  /* perhaps */
    uint64_t   acknowledged;            /* and answered */
    uint64_t   asked;                   /* perhaps */
} fate_t;


static inline void
draw_quota(stream_t *s, uint32_t drawn)
{
    sealed_journal_quota_t  quota;

    memset(&quota, 7, sizeof(quota));
    quota.drawn = drawn;
    quota.end = LATER * UINT64_C(3600);

    put_quota(s, &quota);
}


static inline void
revoke(stream_t *s, unsigned number)
{
    sealed_journal_revocation_t  revocation;

    memset(&revocation, 8, sizeof(revocation));
    revocation.until = number;

    put_revocation(s, &revocation);
}


static inline void
use_certificate(stream_t *s, uint32_t opened)
{
    sealed_journal_certificate_t  certificate;

    memset(&certificate, 9, sizeof(certificate));
    certificate.end = LATER * UINT64_C(3600);
    certificate.class = 1;
    certificate.opened = opened;

    put_certificate(s, &certificate);
}


static inline void
one_mailbox_op(run_t *run, stream_t *s, unsigned random, op_t *op, unsigned m)
{
    unsigned  i, mask;

    if (run->life[m] == 0) {
        op->kind = OP_OPEN;
        run->life[m] = ++run->lives;
        op->life[m] = run->life[m];
        run->next[m] = 1;
        run->through[m] = 0;
        put_open(s, m, run->life[m], 0, 1);

    } else if (random / 8 % 16 == 0) {
        op->kind = OP_CLOSE;
        put_change(s, SEALED_JOURNAL_CLOSE, m, run->life[m], 600);
        run->life[m] = 0;

    } else if (random / 8 % 16 < 5) {
        op->kind = OP_ACKNOWLEDGE;
        op->seq[m] = run->through[m]
                     + (run->next[m] - run->through[m]) / 2;

        if (op->seq[m] >= run->next[m]) {
            op->seq[m] = run->next[m] - 1;
        }

        run->through[m] = op->seq[m];
        put_change(s, SEALED_JOURNAL_ACKNOWLEDGE, m, run->life[m],
                   op->seq[m]);

    } else {
        op->kind = OP_SEND;
        op->number = run->ops;
        mask = 0;

        for (i = 0; i < MAILBOXES; i++) {
            if (run->life[i] && (i == m || (random >> (8 + i)) & 1)) {
                mask |= 1u << i;
                op->life[i] = run->life[i];
                op->seq[i] = run->next[i]++;
            }
        }

        op->mailbox = mask;
        put_envelope(s, mask, op->life, op->seq, op->number, LATER);
    }
}


static inline void
one_op(run_t *run, stream_t *s, unsigned random)
{
    op_t      *op;
    unsigned   m;

    op = &run->op[run->ops];
    m = random % MAILBOXES;
    op->mailbox = m;
    op->life[m] = run->life[m];

    if (random >> 16 & 3) {
        one_mailbox_op(run, s, random, op, m);

    } else if (random % 3 == 0) {
        op->kind = OP_DRAW;
        op->number = ++run->drawn;
        draw_quota(s, op->number);

    } else if (random % 3 == 1) {
        op->kind = OP_REVOKE;
        op->number = run->ops;
        revoke(s, op->number);

    } else {
        op->kind = OP_USE;
        op->number = ++run->used;
        use_certificate(s, op->number);
    }

    run->ops++;
}


static inline void
answer(run_t *run, unsigned first, unsigned last)
{
    while (first < last) {
        run->op[first++].answered = run->w->memory.steps;
    }
}


static inline unsigned
is_answered(const op_t *op, size_t steps)
{
    return op->answered && op->answered <= steps;
}


static inline unsigned
is_item(const found_item_t *item, const op_t *op, unsigned m)
{
    uint8_t  id[SEALED_MAILBOX_ID_SIZE];

    id_of(id, m);

    return memcmp(id, item->id, sizeof(id)) == 0
           && op->life[m] == item->life
           && op->seq[m] == item->seq;
}


static inline void
mailbox_fates(const run_t *run, size_t steps, fate_t fate[MAILBOXES])
{
    fate_t      *f;
    unsigned     i;
    const op_t  *op;

    memset(fate, 0, MAILBOXES * sizeof(fate_t));

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];

        if (op->kind == OP_OPEN) {
            f = &fate[op->mailbox];
            f->seen = op->life[op->mailbox];
            f->asked = 0;
            f->acknowledged = 0;

            if (is_answered(op, steps)) {
                f->opened = op->life[op->mailbox];
            }

        } else if (op->kind == OP_CLOSE) {
            fate[op->mailbox].closed = op->life[op->mailbox];

        } else if (op->kind == OP_ACKNOWLEDGE) {
            f = &fate[op->mailbox];
            f->asked = op->seq[op->mailbox];

            if (is_answered(op, steps)) {
                f->acknowledged = op->seq[op->mailbox];
            }
        }
    }
}


/* what is there was sent, and in this shape */

static inline void
judge_found(const run_t *run, const fate_t fate[MAILBOXES])
{
    size_t          f;
    unsigned        i, m, sent;
    const op_t     *op;
    const found_t  *found;

    found = &run->w->found;

    for (f = 0; f < found->items; f++) {
        sent = 0;

        for (i = 0; !sent && i < run->ops; i++) {
            op = &run->op[i];

            for (m = 0; op->kind == OP_SEND && m < MAILBOXES; m++) {

                if (!(op->mailbox & 1u << m)
                    || !is_item(&found->item[f], op, m))
                {
                    continue;
                }

                assert_item(found, f, m, op->seq[m], op->number);

                if (op->life[m] == fate[m].seen
                    && op->life[m] == fate[m].opened)
                {
                    assert_true(op->seq[m] > fate[m].acknowledged);
                }

                sent = 1;
                break;
            }
        }

        assert_true(sent);
    }
}


/* what was answered is there, if nobody asked for its end */

static inline void
judge_answered(const run_t *run, size_t steps, const fate_t fate[MAILBOXES])
{
    size_t          f;
    unsigned        i, m;
    const op_t     *op;
    const found_t  *found;

    found = &run->w->found;

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];

        if (op->kind != OP_SEND || !is_answered(op, steps)) {
            continue;
        }

        for (m = 0; m < MAILBOXES; m++) {

            if (!(op->mailbox & 1u << m)
                || op->life[m] != fate[m].seen
                || op->life[m] != fate[m].opened
                || op->life[m] == fate[m].closed
                || op->seq[m] <= fate[m].asked)
            {
                continue;
            }

            for (f = 0; f < found->items; f++) {
                if (is_item(&found->item[f], op, m)) {
                    break;
                }
            }

            assert_true(f < found->items);
        }
    }
}


/* what is no mailbox's: not less than was answered, nor more than asked */

static inline void
judge_others(const run_t *run, size_t steps)
{
    size_t          f;
    unsigned        i;
    uint32_t        drawn, used, needed[2];
    uint64_t        revoked;
    const op_t     *op;
    const found_t  *found;

    found = &run->w->found;
    memset(needed, 0, sizeof(needed));

    for (i = 0; i < run->ops; i++) {
        op = &run->op[i];

        if (!is_answered(op, steps)) {
            continue;
        }

        if (op->kind == OP_DRAW) {
            needed[0] = op->number;

        } else if (op->kind == OP_USE) {
            needed[1] = op->number;

        } else if (op->kind == OP_REVOKE) {
            for (f = 0; f < found->revocations; f++) {
                if (found->revocation[f].until == op->number) {
                    break;
                }
            }

            assert_true(f < found->revocations);
        }
    }

    drawn = 0;
    used = 0;

    for (f = 0; f < found->quotas; f++) {
        drawn = found->quota[f].drawn > drawn ? found->quota[f].drawn : drawn;
        assert_int_equal(found->quota[f].end, LATER * UINT64_C(3600));
    }

    for (f = 0; f < found->certificates; f++) {
        used = found->certificate[f].opened > used
               ? found->certificate[f].opened : used;
        assert_int_equal(found->certificate[f].class, 1);
    }

    for (f = 0; f < found->revocations; f++) {
        revoked = found->revocation[f].until;
        assert_true(revoked < run->ops
                    && run->op[revoked].kind == OP_REVOKE);
    }

    assert_in_range(drawn, needed[0], run->drawn);
    assert_in_range(used, needed[1], run->used);
}


/* whether what came back agrees with what was answered by then */

static inline void
judge(run_t *run, size_t steps)
{
    fate_t  fate[MAILBOXES];

    assert_null(run->w->found.error);

    mailbox_fates(run, steps, fate);
    judge_found(run, fate);
    judge_answered(run, steps, fate);
    judge_others(run, steps);
    run->cuts++;
}


#endif /* SEALED_TEST_JOURNAL_RUN_H */
