
#include "store.h"

#include "../../src/readers.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>


#define NOBODY  SEALED_WAKE_WORKERS
#define READ    13
#define BESIDE  (READ + SEALED_READERS_BUCKETS)         /* in its bucket */
#define AWAY    (READ + 1)


static sealed_readers_t *
readers_new(void)
{
    sealed_readers_t  *readers;

    readers = mmap(NULL, sizeof(sealed_readers_t), PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS|MAP_NORESERVE, -1, 0);
    assert_true(readers != MAP_FAILED);
    assert_int_equal(sealed_readers_init(readers), 0);

    return readers;
}


static void
readers_free(sealed_readers_t *readers)
{
    assert_int_equal(munmap(readers, sizeof(sealed_readers_t)), 0);
}


/* a child at work, which has got so far that it said so */

static pid_t
child(void (*work)(sealed_readers_t *readers, int ready),
    sealed_readers_t *readers)
{
    int    ready[2];
    char   octet;
    pid_t  pid;

    assert_int_equal(pipe(ready), 0);

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        work(readers, ready[1]);
        (void) !write(ready[1], "", 1);

        for ( ;; ) {
            pause();
        }
    }

    close(ready[1]);
    assert_int_equal(read(ready[0], &octet, 1), 1);
    close(ready[0]);

    return pid;
}


static void
kill_child(pid_t pid)
{
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}


static void
test_seats(void **unused)
{
    unsigned                i, own;
    uint32_t                seat[8];
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = readers_new();
    own = sealed_readers_claim(readers);
    assert_int_equal(own, 0);
    assert_true(sealed_readers_taken(readers, own));
    assert_false(sealed_readers_taken(readers, 1));

    assert_int_equal(sealed_readers_count(readers, own, 7, 0, &first), 0);

    /* two mailboxes, in one bucket */

    for (i = 0; i < 8; i++) {
        seat[i] = sealed_readers_enter(readers, own,
                                       7 + i % 2 * SEALED_READERS_BUCKETS);
        assert_int_not_equal(seat[i], 0);
    }

    assert_int_equal(sealed_readers_all(readers, own), 8);

    for (i = 0; i < 6; i += 2) {
        assert_int_equal(sealed_readers_count(readers, own, 7, 0, &first),
                         4 - i / 2);
        assert_int_equal(first.worker, own);
        assert_int_equal(first.seat, seat[i]);

        sealed_readers_leave(readers, own, seat[i]);
        assert_int_equal(sealed_readers_count(readers, own,
                                              7 + SEALED_READERS_BUCKETS, 0,
                                              &first), 4);
        assert_int_equal(first.seat, seat[1]);
    }

    /* one after the other, and none after the last */

    assert_int_equal(sealed_readers_count(readers, own,
                                          7 + SEALED_READERS_BUCKETS,
                                          first.arrival, &first), 4);
    assert_int_equal(first.seat, seat[3]);
    assert_int_equal(sealed_readers_count(readers, own,
                                          7 + SEALED_READERS_BUCKETS,
                                          UINT64_MAX, &first), 4);
    assert_int_equal(first.worker, NOBODY);

    /* seats are used again, who comes to one is the last all the same */

    i = sealed_readers_enter(readers, own, 7);
    assert_true(i == seat[0] || i == seat[2] || i == seat[4]);
    assert_int_equal(sealed_readers_count(readers, own, 7, 0, &first), 2);
    assert_int_equal(first.seat, seat[6]);
    assert_int_equal(sealed_readers_all(readers, own), 6);

    sealed_readers_release(readers, own);
    assert_int_equal(sealed_readers_count(readers, NOBODY, 7, 0, &first), 0);
    assert_int_equal(sealed_readers_all(readers, NOBODY), 0);

    own = sealed_readers_claim(readers);
    assert_int_equal(own, 0);
    assert_int_equal(sealed_readers_count(readers, own, 7, 0, &first), 0);
    assert_int_equal(sealed_readers_all(readers, own), 0);

    readers_free(readers);
}


static void
test_told(void **unused)
{
    unsigned                own;
    uint32_t                seat;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = readers_new();
    own = sealed_readers_claim(readers);
    seat = sealed_readers_enter(readers, own, 9);

    assert_false(sealed_readers_told(readers, own, seat));
    assert_int_equal(sealed_readers_count(readers, own, 9, 0, &first), 1);
    sealed_readers_tell(readers, &first);
    assert_true(sealed_readers_told(readers, own, seat));
    assert_false(sealed_readers_told(readers, own, seat));

    /* not the next one there */

    sealed_readers_tell(readers, &first);
    sealed_readers_leave(readers, own, seat);
    assert_int_equal(sealed_readers_enter(readers, own, 9), seat);
    assert_false(sealed_readers_told(readers, own, seat));

    readers_free(readers);
}


static void
test_full(void **unused)
{
    unsigned                own;
    uint32_t                i, seat;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = readers_new();
    own = sealed_readers_claim(readers);

    for (i = 0; i < SEALED_READERS_MAX; i++) {
        seat = sealed_readers_enter(readers, own, i * 3);
        assert_true(seat > 0 && seat <= SEALED_READERS_MAX);
    }

    assert_int_equal(sealed_readers_enter(readers, own, 1), 0);
    assert_int_equal(sealed_readers_all(readers, own), SEALED_READERS_MAX);
    assert_int_equal(sealed_readers_count(readers, own, 300, 0, &first), 1);

    sealed_readers_leave(readers, own, 5);
    assert_int_equal(sealed_readers_enter(readers, own, 1), 5);
    assert_int_equal(sealed_readers_enter(readers, own, 1), 0);

    readers_free(readers);
}


static void
three(sealed_readers_t *readers, int ready)
{
    unsigned  i, own;

    own = sealed_readers_claim(readers);

    for (i = 0; i < 3; i++) {
        (void) sealed_readers_enter(readers, own, 11);
    }
}


/* its table is being emptied, for whoever looks */

static void
emptying(sealed_readers_t *readers, int ready)
{
    three(readers, ready);

    readers->worker[3].claims |= 1;
}


static void
test_death(void **unused)
{
    pid_t                   pid[3];
    unsigned                own, i;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = readers_new();

    pid[0] = child(three, readers);
    own = sealed_readers_claim(readers);
    assert_int_equal(own, 1);
    (void) sealed_readers_enter(readers, own, 11);
    pid[1] = child(three, readers);
    pid[2] = child(emptying, readers);

    assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first), 7);
    assert_int_equal(first.worker, 0);

    /* a worker that stands still has its readers */

    assert_int_equal(kill(pid[0], SIGSTOP), 0);
    assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first), 7);

    kill_child(pid[0]);
    assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first), 4);
    assert_int_equal(first.worker, own);

    /* found by the number of all, too */

    kill_child(pid[1]);
    assert_int_equal(sealed_readers_all(readers, own), 4);
    assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first), 1);

    kill_child(pid[2]);
    assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first), 1);

    /* another one gets the places, without anything of theirs */

    for (i = 0; i < 3; i++) {
        pid[i] = child(three, readers);
        assert_int_equal(sealed_readers_count(readers, own, 11, 0, &first),
                         1 + 3 * (i + 1));
    }

    assert_true(sealed_readers_taken(readers, 0));
    assert_true(sealed_readers_taken(readers, 3));

    for (i = 0; i < 3; i++) {
        kill_child(pid[i]);
    }

    readers_free(readers);
}


/*
 * A child that does one step after the other, each when it is told to: the
 * work begins after its first stop and ends with another one.
 */

static pid_t
stepped_child(void (*work)(sealed_readers_t *readers),
    sealed_readers_t *readers)
{
    int    status;
    pid_t  pid;

    pid = fork();
    assert_true(pid >= 0);

    if (pid == 0) {
        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
            _exit(errno == EPERM || errno == ENOSYS ? 77 : 1);
        }

        for ( ;; ) {
            (void) raise(SIGSTOP);
            work(readers);
        }
    }

    assert_int_equal(waitpid(pid, &status, 0), pid);

    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("no ptrace() here\n");
        skip();
    }

    assert_true(WIFSTOPPED(status));
    assert_int_equal(WSTOPSIG(status), SIGSTOP);

    return pid;
}


/* goes on to its next step, or to its end; whether that is not the end yet */

static int
go(pid_t pid, enum __ptrace_request how)
{
    int  status;

    assert_int_equal(ptrace(how, pid, NULL, NULL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSTOPPED(status));

    return WSTOPSIG(status) != SIGSTOP;
}


/* readers come and go, one stays */

static void
come_and_go(sealed_readers_t *readers)
{
    unsigned  own;
    uint32_t  seat[4];

    own = sealed_readers_claim(readers);

    (void) sealed_readers_enter(readers, own, READ);
    seat[0] = sealed_readers_enter(readers, own, BESIDE);
    seat[1] = sealed_readers_enter(readers, own, READ);
    seat[2] = sealed_readers_enter(readers, own, BESIDE);
    sealed_readers_leave(readers, own, seat[1]);
    seat[1] = sealed_readers_enter(readers, own, AWAY);
    sealed_readers_leave(readers, own, seat[0]);
    seat[3] = sealed_readers_enter(readers, own, READ);
    sealed_readers_leave(readers, own, seat[3]);
    sealed_readers_leave(readers, own, seat[1]);
    sealed_readers_leave(readers, own, seat[2]);
    (void) sealed_readers_enter(readers, own, READ);
}


/* a worker may stand still at any step, and be counted by others */

static void
test_each_step_of_a_change(void **unused)
{
    pid_t                   pid;
    unsigned                i, n, steps, changes;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;
    static const unsigned   counts[] = { 0, 1, 2, 1, 2, 1, 2 };

    readers = readers_new();

    pid = stepped_child(come_and_go, readers);
    steps = 0;
    changes = 0;

    while (go(pid, PTRACE_SINGLESTEP)) {
        steps++;

        n = sealed_readers_count(readers, NOBODY, READ, 0, &first);

        if (n != counts[changes]) {
            changes++;
            assert_true(changes < sizeof(counts) / sizeof(counts[0]));
            assert_int_equal(n, counts[changes]);
        }

        assert_int_equal(first.worker, n ? 0 : NOBODY);
        assert_int_equal(first.arrival, n ? 1 : UINT64_MAX);

        for (i = 0; i < 2; i++) {
            n = sealed_readers_count(readers, NOBODY, i ? BESIDE : AWAY, 0,
                                     &first);
            assert_true(n <= 2);
        }
    }

    assert_int_equal(changes, 6);
    assert_true(steps > 100);

    kill_child(pid);
    readers_free(readers);
}


static struct counted_s {
    unsigned                n;
    sealed_reader_place_t   first;
} *counted;


/* of the first table, without looking whether its worker lives */

static void
look(sealed_readers_t *readers)
{
    counted->n = sealed_readers_count(readers, 0, READ, 0, &counted->first);
}


/*
 * At some step of a count a reader leaves, and his seat is used for another
 * one: of the same mailbox, of another one in the bucket, of another bucket.
 */

static void
test_each_step_of_a_count(void **unused)
{
    pid_t                   pid;
    unsigned                i, own, steps, leaves, comes;
    uint32_t                seat[3];
    uint64_t                was;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;
    static const uint64_t   hash[] = { READ, BESIDE, AWAY };

    readers = readers_new();
    own = sealed_readers_claim(readers);

    counted = mmap(NULL, sizeof(*counted), PROT_READ|PROT_WRITE,
                   MAP_SHARED|MAP_ANONYMOUS, -1, 0);
    assert_true(counted != MAP_FAILED);

    (void) sealed_readers_enter(readers, own, READ);

    for (i = 0; i < 3; i++) {
        seat[i] = sealed_readers_enter(readers, own, hash[i % 2]);
    }

    pid = stepped_child(look, readers);

    /* with sanitizers the walk along four seats is between 260 and 620 */

    for (steps = 1; steps <= 700; steps += 2) {
        leaves = seat[steps / 2 % 3];
        comes = steps / 2 / 3 % 3;

        for (i = 0; i < steps; i++) {
            assert_true(go(pid, PTRACE_SINGLESTEP));
        }

        was = readers->table[own].seat[leaves].hash;
        sealed_readers_leave(readers, own, leaves);
        assert_int_equal(sealed_readers_enter(readers, own, hash[comes]),
                         leaves);

        assert_false(go(pid, PTRACE_CONT));

        /* who left and who came may have been counted, nobody else */

        i = sealed_readers_count(readers, own, READ, 0, &first);

        assert_true(counted->n <= i + (was == READ));
        assert_true(counted->n + (hash[comes] == READ) >= i);
        assert_int_equal(counted->first.worker, own);
        assert_int_equal(counted->first.arrival, 1);
    }

    kill_child(pid);
    assert_int_equal(munmap(counted, sizeof(*counted)), 0);
    readers_free(readers);
}


/* readers that come and go all the time, some that stay */

static void
churn(sealed_readers_t *readers, int ready)
{
    unsigned  i, own, n;
    uint32_t  seat[64];

    own = sealed_readers_claim(readers);

    for (i = 0; i < 5; i++) {
        (void) sealed_readers_enter(readers, own, READ);
    }

    (void) !write(ready, "", 1);

    memset(seat, 0, sizeof(seat));

    for (n = 0; /* void */ ; n++) {
        i = n * 37 % 64;

        if (seat[i]) {
            sealed_readers_leave(readers, own, seat[i]);
        }

        seat[i] = sealed_readers_enter(readers, own,
                                       READ + (uint64_t) (1 + n % 3)
                                              * SEALED_READERS_BUCKETS);
    }
}


static void
test_while_it_changes(void **unused)
{
    pid_t                   pid[2];
    unsigned                i;
    sealed_readers_t       *readers;
    sealed_reader_place_t   first;

    readers = readers_new();

    for (i = 0; i < 2; i++) {
        pid[i] = child(churn, readers);
    }

    for (i = 0; i < 200000; i++) {
        assert_int_equal(sealed_readers_count(readers, NOBODY, READ, 0,
                                              &first), 10);
        assert_int_equal(first.arrival, 1);
    }

    for (i = 0; i < 2; i++) {
        kill_child(pid[i]);
    }

    readers_free(readers);
}


int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seats),
        cmocka_unit_test(test_told),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_death),
        cmocka_unit_test(test_each_step_of_a_change),
        cmocka_unit_test(test_each_step_of_a_count),
        cmocka_unit_test(test_while_it_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
