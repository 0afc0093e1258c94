
/*
 * Thousands of random operations beside the simplest model there is: lists
 * of what was sent.  The zone is small, so that it is full at times; it grows
 * and shrinks, time goes on and now and then back.
 *
 *     SEALED_SEED=N SEALED_RUNS=N build/unit/test_model
 */

#include "shrink.h"
#include "store.h"

#include <time.h>


enum {
    BOXES = 40,
    CERTIFICATES = 20,
    HELD = 100,                 /* envelopes in a mailbox, at most */
    BYTES = 400000,
    IDLE = 3 * 86400,
    OPERATIONS = 4000,
    SMALLEST = 1 << 20,
    LARGEST = 6 << 20
};

enum {
    OPEN = 0, CLOSE, SEND, ACKNOWLEDGE, READ, EXPIRE, SPEND, CERTIFY, TIME,
    RESIZE, KINDS
};

static const char  *names[] = {
    "open", "close", "send", "acknowledge", "read", "expire", "spend",
    "certify", "time", "resize"
};


typedef struct {
    uint64_t                      seq;
    uint64_t                      expiry;
    uint32_t                      size;
    uint32_t                      slice;
    uint8_t                       value;
} letter_t;


typedef struct {
    int                           known;        /* open, or ended not long */
    int                           open;
    uint64_t                      until;        /* ended: closed so long */
    uint64_t                      due;          /* and removed at this hour */
    uint64_t                      next;
    uint64_t                      active;
    uint64_t                      bytes;
    unsigned                      count;
    letter_t                      letter[HELD];
    uint64_t                      highest;
    uint8_t                       spent[4096];
    sealed_cursor_t               cursor;
} box_t;


typedef struct {
    sealed_zone_t                *zone;
    uint64_t                      now;
    uint64_t                      latest;       /* that the clock has shown */
    int                           back;         /* it has once gone back */
    uint64_t                      end[CERTIFICATES];
    box_t                         box[BOXES];
} model_t;


#define expect(what)  expect_at((what) != 0, __LINE__, #what)


static uint8_t  scratch[1 << 20];


static void
expect_at(int holds, int line, const char *what)
{
    if (!holds) {
        fprintf(stderr, "# line %d: %s\n", line, what);
        _exit(1);
    }
}


static const char *
check_zone(const sealed_zone_t *zone)
{
    static uint8_t  marks[4 << 20] __attribute__((aligned(8)));

    expect(sealed_zone_check_scratch(zone) <= sizeof(marks));

    return sealed_zone_check(zone, marks);
}


/* what has expired is gone when somebody looks, as far as it shows */

static void
purge(model_t *model, box_t *box)
{
    unsigned  i, kept;

    kept = 0;
    box->bytes = 0;

    for (i = 0; i < box->count; i++) {
        if (box->letter[i].expiry > model->now / 3600) {
            box->letter[kept] = box->letter[i];
            box->bytes += box->letter[kept].size + box->letter[kept].slice;
            kept++;
        }
    }

    box->count = kept;
}


static void
open_box(model_t *model, const operation_t *o)
{
    box_t                    *box;
    uint8_t                   id[16], key[32], opener[16];
    unsigned                  created;
    sealed_verdict_t          verdict;
    sealed_mailbox_status_t   status;

    box = &model->box[o->n];
    store_id(id, 1 + o->n);
    store_id(opener, 0);
    memset(key, (int) o->n, sizeof(key));

    verdict = sealed_mailbox_open(model->zone, id, key, 7, opener, 65535,
                                  model->now, &created, &status);

    if (box->open) {
        expect(verdict == SEALED_OK && !created);
        expect(status.next == box->next);
        return;
    }

    if (box->known && box->until > model->now) {

        /* it needs room to find out, at times */

        expect(verdict == SEALED_MAILBOX_CLOSED
               || verdict == SEALED_ZONE_FULL);
        return;
    }

    if (verdict == SEALED_ZONE_FULL) {
        expect(model->zone->header->arena.free_pages == 0);
        return;
    }

    expect(verdict == SEALED_OK && created);
    expect(status.next == 1 && status.envelopes == 0);

    box->known = 1;
    box->open = 1;
    box->next = 1;
    box->count = 0;
    box->bytes = 0;
    box->active = model->now / 3600;
    box->highest = 0;
    memset(box->spent, 0, sizeof(box->spent));

    /* what readers have kept of an earlier life must not matter */

    box->cursor.after = 0;
}


static void
end_box(box_t *box, uint64_t now, uint64_t due)
{
    box->open = 0;
    box->until = now + SEALED_CLOSED_SECONDS;
    box->due = due;
    box->count = 0;
    box->bytes = 0;
}


static void
close_box(model_t *model, const operation_t *o)
{
    box_t     *box;
    uint8_t    id[16];
    uint64_t   wake;

    box = &model->box[o->n];
    store_id(id, 1 + o->n);

    expect(sealed_mailbox_close(model->zone, id, model->now, &wake)
           == (box->open ? SEALED_OK : SEALED_NO_MAILBOX));

    if (box->open) {
        end_box(box, model->now,
                (model->now + SEALED_CLOSED_SECONDS + 3599) / 3600);
    }
}


/* a zone that says it is full has to be, and to have changed nothing */

static void
check_full(const model_t *model, const operation_t *o, uint32_t count)
{
    uint32_t        pages, cells, objects;
    sealed_zone_t  *zone;

    zone = model->zone;
    sealed_body_measure(o->size, &pages, &cells);
    objects = sealed_pool_objects(sealed_pool_record(o->value % 257));
    pages += 1 + (cells != 0) + (count + objects - 1) / objects;

    expect(zone->header->arena.free_pages < sealed_zone_keep(zone) + pages);
}


static void
send_letter(model_t *model, const operation_t *o)
{
    box_t             *box;
    uint32_t           i, want, accepted;
    uint64_t           expiry;
    letter_t          *letter;
    sealed_verdict_t   verdict;

    expiry = model->now / 3600 + 1 + o->value / 257 % 100;
    memset(scratch, (int) (uint8_t) o->value, o->size);

    verdict = store_send(model->zone, 1 + o->n, o->count, scratch, o->size,
                         o->value % 257, model->now, expiry, &accepted);
    want = 0;

    for (i = o->n; i < o->n + o->count; i++) {
        box = &model->box[i];

        if (!box->open) {
            continue;
        }

        purge(model, box);

        if (box->count >= HELD
            || box->bytes + o->size + o->value % 257 > BYTES)
        {
            continue;
        }

        want++;

        if (verdict != SEALED_OK) {
            continue;
        }

        letter = &box->letter[box->count++];
        letter->seq = box->next++;
        letter->expiry = expiry;
        letter->size = o->size;
        letter->slice = o->value % 257;
        letter->value = (uint8_t) o->value;
        box->bytes += letter->size + letter->slice;
    }

    if (verdict == SEALED_ZONE_FULL) {
        expect(accepted == 0 && want > 0);
        check_full(model, o, want);
        return;
    }

    expect(verdict == SEALED_OK);
    expect(accepted == want);
}


static void
acknowledge(model_t *model, const operation_t *o)
{
    box_t             *box;
    uint8_t            id[16];
    unsigned           i, gone;
    uint64_t           through;
    sealed_verdict_t   verdict;

    box = &model->box[o->n];
    store_id(id, 1 + o->n);
    through = box->open ? o->value % (box->next + 1) : o->value;
    verdict = sealed_mailbox_acknowledge(model->zone, id, through,
                                         model->now);

    if (!box->open) {
        expect(verdict == SEALED_NO_MAILBOX);
        return;
    }

    if (through == box->next) {
        expect(verdict == SEALED_BAD_SEQUENCE);
        return;
    }

    expect(verdict == SEALED_OK);

    for (gone = 0; gone < box->count; gone++) {
        if (box->letter[gone].seq > through) {
            break;
        }

        box->bytes -= box->letter[gone].size + box->letter[gone].slice;
    }

    box->count -= gone;

    for (i = 0; i < box->count; i++) {
        box->letter[i] = box->letter[gone + i];
    }
}


static void
read_box(model_t *model, const operation_t *o)
{
    box_t             *box;
    size_t             used, size, room, need;
    uint8_t            id[16];
    unsigned           i, more, want_more;
    uint32_t           limit;
    letter_t          *letter;
    const uint8_t     *pos;
    sealed_item_t      item;
    sealed_verdict_t   verdict;

    box = &model->box[o->n];
    store_id(id, 1 + o->n);
    limit = o->count;
    size = o->size * 4;
    box->cursor.limit = limit;

    if (o->value % 4 == 0) {
        box->cursor.after = 0;
    }

    verdict = sealed_mailbox_read(model->zone, id, model->now, &box->cursor,
                                  scratch, size, &used, &more,
                                  o->value % 200);

    if (!box->open) {
        expect(verdict == SEALED_NO_MAILBOX);
        return;
    }

    expect(verdict == SEALED_OK);
    box->active = model->now / 3600;
    purge(model, box);

    pos = scratch;
    room = size;
    want_more = 0;

    for (i = 0; i < box->count && limit; i++) {
        letter = &box->letter[i];

        need = sealed_item_size(letter->seq, model->now / 3600,
                                letter->slice, letter->size, 0);

        if (pos == scratch + used) {

            /* those before the cursor, or one for which there is no room */

            if (letter->seq <= box->cursor.after) {
                continue;
            }

            expect(need > room);
            want_more = 1;
            break;
        }

        expect(sealed_item_parse(&item, &pos, scratch + used) == 0);

        while (letter->seq < item.seq) {
            letter = &box->letter[++i];
            expect(i < box->count);
        }

        need = sealed_item_size(letter->seq, item.hour, letter->slice,
                                letter->size, 0);
        expect(need <= room);
        expect(item.seq == letter->seq);
        expect(item.body.size == letter->size);
        expect(item.header.size == letter->slice);
        expect(letter->size == 0 || item.body.data[0] == letter->value);
        expect(letter->size == 0
               || item.body.data[letter->size - 1] == letter->value);
        room -= need;
        limit--;
    }

    expect(pos == scratch + used);
    expect(more == want_more);
    expect(box->cursor.limit == limit);
}


static void
expire(model_t *model)
{
    box_t           *box;
    uint8_t          id[16];
    uint32_t         n;
    uint64_t         idle, hour;
    sealed_verdict_t  verdict;

    hour = model->now / 3600;
    (void) store_expire(model->zone, model->now);

    for (n = 0; n < BOXES; n++) {
        box = &model->box[n];
        store_id(id, 1 + n);

        if (!box->open) {
            if (box->known && box->due <= hour) {
                if (box->until <= model->now) {
                    box->known = 0;

                } else {
                    box->due = hour + 1;
                }
            }

            continue;
        }

        purge(model, box);

        /* it ends in its hour; or a day later, if the clock went back */

        idle = (box->active + 1) * 3600 + IDLE;
        verdict = sealed_mailbox_check_after(model->zone, id, 0);

        if (verdict == SEALED_OK) {
            expect(idle > model->now
                   || (model->back && (model->latest > model->now
                                       || idle + 26 * 3600 > model->now)));
            continue;
        }

        expect(verdict == SEALED_NO_MAILBOX);
        expect(idle <= model->now);
        end_box(box, model->now, hour + 1);
    }

    for (n = 0; n < CERTIFICATES; n++) {
        if ((model->end[n] + 3599) / 3600 <= hour) {
            model->end[n] = 0;
        }
    }
}


static void
spend(model_t *model, const operation_t *o)
{
    box_t             *box;
    uint8_t            id[16];
    uint64_t           next, nonce;
    unsigned           has_next;
    sealed_verdict_t   verdict;

    box = &model->box[o->n];
    store_id(id, 1 + o->n);
    nonce = 1 + box->highest + o->value % 80;
    nonce = nonce > 75 ? nonce - 75 : 1;

    verdict = sealed_mailbox_spend(model->zone, id, nonce, model->now, &next,
                                   &has_next);

    if (!box->open) {
        expect(verdict == SEALED_UNAUTHORIZED);
        return;
    }

    box->active = model->now / 3600;

    if (box->spent[nonce] || nonce + SEALED_OWNER_WINDOW <= box->highest) {
        expect(verdict == SEALED_NONCE_USED);
        expect(has_next && next == box->highest + 1);
        return;
    }

    expect(verdict == SEALED_OK);
    box->spent[nonce] = 1;

    if (nonce > box->highest) {
        box->highest = nonce;
    }

    if (box->highest > sizeof(box->spent) - 100) {
        close_box(model, o);
    }
}


static void
certify(model_t *model, const operation_t *o)
{
    int                         rc;
    uint8_t                     id[16];
    uint32_t                    n;
    sealed_verdict_t            verdict;
    sealed_certificate_state_t  state;

    n = o->n % CERTIFICATES;
    store_id(id, 1000 + n);
    memset(&state, 0, sizeof(state));
    state.end = model->now + 1 + o->value % 500000;
    state.class = 1;

    verdict = sealed_certificate_table_insert(model->zone, id, &state,
                                              &store_rule, model->now);

    if (verdict != SEALED_OK) {
        expect(verdict == SEALED_CERTIFICATES_FULL);
        expect(model->zone->header->arena.free_pages == 0);
        expect(model->end[n] == 0);

    } else if (model->end[n] == 0) {
        model->end[n] = state.end;
    }

    rc = sealed_certificate_table_find(model->zone, id, model->now, &state);
    expect((rc == 0) == (model->end[n] > model->now));
    expect(rc != 0 || state.end == model->end[n]);
}


static void
resize(model_t *model, const operation_t *o)
{
    size_t          size, least, mapped;
    sealed_zone_t  *zone;

    zone = model->zone;
    size = SMALLEST + (size_t) o->value % ((LARGEST - SMALLEST) / 4096 + 1)
                      * 4096;
    least = sealed_zone_least_size(zone);
    mapped = sealed_zone_size(zone);

    /* nothing behind the end is touched */

    if (size > mapped) {
        expect(mprotect(zone->base + mapped, size - mapped,
                        PROT_READ|PROT_WRITE)
               == 0);
    }

    expect(sealed_zone_resize(zone, size) == (size < least ? -1 : 0));
    expect(sealed_zone_size(zone) == (size < least ? mapped : size));

    mapped = sealed_zone_size(zone);

    if (mapped < LARGEST) {
        expect(mprotect(zone->base + mapped, LARGEST - mapped, PROT_NONE)
               == 0);
    }
}


static void
pass_time(model_t *model, const operation_t *o)
{
    if (o->value % 10 == 0 && model->now > NOW + 7200) {
        model->now -= o->size % 7200;
        model->back = 1;

    } else {
        model->now += o->value % 8 ? o->size % 5000 : o->size % 100000;
    }

    if (model->now > model->latest) {
        model->latest = model->now;
    }
}


/* everything leaves, and what is left is what was there at first */

static void
finish(model_t *model, uint64_t used)
{
    uint32_t         i;
    sealed_arena_t  *arena;

    arena = &model->zone->header->arena;
    model->now = model->latest + 200 * 86400;

    (void) store_expire(model->zone, model->now);
    (void) store_expire(model->zone, model->now + 7200);
    expect(check_zone(model->zone) == NULL);

    for (i = 1; i < SEALED_POOLS; i++) {
        expect(i == SEALED_POOL_INDEX || arena->pool[i].used == 0);
    }

    expect(arena->total - arena->free_pages == used);
}


static void
run(const operation_t *operation, size_t count)
{
    size_t          i;
    void           *memory;
    uint64_t        used;
    model_t        *model;

    memory = store_memory(LARGEST);
    model = calloc(1, sizeof(model_t));
    expect(model != NULL);
    model->zone = store_in(memory, LARGEST / 2);
    model->zone->limits.envelopes = HELD;
    model->zone->limits.bytes = BYTES;
    model->zone->limits.idle_seconds = IDLE;
    model->now = NOW;
    model->latest = NOW;

    used = model->zone->header->arena.total
           - model->zone->header->arena.free_pages;

    store_certificate(model->zone, 0);
    expect(store_insert(model->zone, 0, NOW) == SEALED_OK);

    for (i = 0; i < count; i++) {

        switch (operation[i].kind) {

        case OPEN:

            /* the opener's own certificate ends as well */

            if (store_insert(model->zone, 0, model->now + 86400)
                == SEALED_OK)
            {
                open_box(model, &operation[i]);
            }

            break;

        case CLOSE:
            close_box(model, &operation[i]);
            break;

        case SEND:
            send_letter(model, &operation[i]);
            break;

        case ACKNOWLEDGE:
            acknowledge(model, &operation[i]);
            break;

        case READ:
            read_box(model, &operation[i]);
            break;

        case EXPIRE:
            expire(model);
            break;

        case SPEND:
            spend(model, &operation[i]);
            break;

        case CERTIFY:
            certify(model, &operation[i]);
            break;

        case TIME:
            pass_time(model, &operation[i]);
            break;

        default:
            resize(model, &operation[i]);
        }

        if (i % 64 == 0) {
            expect(check_zone(model->zone) == NULL);
        }
    }

    expect(check_zone(model->zone) == NULL);
    finish(model, used);
}


static uint32_t
draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;

    return (uint32_t) (*seed >> 33);
}


static void
generate(operation_t *operation, size_t count, uint64_t seed)
{
    size_t       i;
    unsigned     dice;

    /* per mille; some rarely, so that there is something to be found */

    static const unsigned  share[KINDS] = {
        120, 20, 330, 130, 200, 40, 60, 40, 50, 10
    };

    for (i = 0; i < count; i++) {
        dice = draw(&seed) % 1000;
        operation[i].kind = 0;

        while (dice >= share[operation[i].kind]) {
            dice -= share[operation[i].kind++];
        }

        operation[i].n = draw(&seed) % BOXES;
        operation[i].value = draw(&seed);
        operation[i].size = draw(&seed) % 6 ? draw(&seed) % 3000
                                            : draw(&seed) % 100000;
        operation[i].count = operation[i].kind == SEND
                             ? 1 + draw(&seed) % (BOXES - operation[i].n)
                             : draw(&seed) % 150;
    }
}


static uint64_t
setting(const char *name, uint64_t otherwise)
{
    const char  *value;

    value = getenv(name);

    return value ? strtoull(value, NULL, 10) : otherwise;
}


static void
test_model(void **unused)
{
    size_t        count, i;
    uint64_t      seed, runs;
    operation_t  *operation;

    seed = setting("SEALED_SEED", (uint64_t) time(NULL));
    runs = setting("SEALED_RUNS", 6);
    operation = malloc(OPERATIONS * sizeof(operation_t));
    assert_non_null(operation);

    for ( /* void */ ; runs; runs--, seed++) {
        printf("# seed %llu\n", (unsigned long long) seed);
        generate(operation, OPERATIONS, seed);

        if (!shrink_fails(run, operation, OPERATIONS, 0)) {
            continue;
        }

        count = shrink(run, operation, OPERATIONS);
        printf("# %zu operations are enough:\n", count);

        for (i = 0; i < count; i++) {
            printf("# %s n %u count %u size %u value %u\n",
                   names[operation[i].kind], operation[i].n,
                   operation[i].count, operation[i].size, operation[i].value);
        }

        (void) shrink_fails(run, operation, count, 0);
        fail();
    }

    free(operation);
}


/* the shortening itself, on something that is wrong for a known reason */

static void
dislikes(const operation_t *operation, size_t count)
{
    size_t  i, k;

    for (i = 0; i < count; i++) {
        for (k = i + 1; k < count && operation[i].kind == CLOSE; k++) {
            if (operation[k].kind == RESIZE
                && operation[k].n == operation[i].n)
            {
                abort();
            }
        }
    }
}


static void
test_shrink(void **unused)
{
    operation_t  operation[500];

    generate(operation, 500, 1);
    operation[77].kind = CLOSE;
    operation[77].n = 5;
    operation[400].kind = RESIZE;
    operation[400].n = 5;

    assert_true(shrink_fails(dislikes, operation, 500, 1));
    assert_false(shrink_fails(dislikes, operation, 1, 1));
    assert_int_equal(shrink(dislikes, operation, 500), 2);
    assert_int_equal(operation[0].kind, CLOSE);
    assert_int_equal(operation[1].kind, RESIZE);
    assert_int_equal(operation[0].n, operation[1].n);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_shrink),
        cmocka_unit_test(test_model)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
