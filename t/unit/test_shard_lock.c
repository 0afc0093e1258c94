
#include "store.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>


/* a lock and what it guards, in memory that processes share */

typedef struct {
    uint64_t                      head[8];
    sealed_lock_t                 lock;
    uint8_t                       data[1024];
} shared_t;


static shared_t *
shared_new(void)
{
    shared_t  *shared;

    shared = store_memory(sizeof(shared_t));
    assert_int_equal(sealed_lock_init(&shared->lock.mutex), 0);

    return shared;
}


static void
shared_free(shared_t *shared)
{
    (void) munmap(shared, sizeof(shared_t));
}


static void
change(shared_t *shared, size_t offset, size_t size, int value)
{
    sealed_lock_save(shared, &shared->lock, shared->data + offset, size);
    memset(shared->data + offset, value, size);
}


static void
wait_for(pid_t pid)
{
    int  status;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}


static void
test_undo_is_exact(void **unused)
{
    size_t     i;
    uint8_t    before[1024];
    shared_t  *shared;

    shared = shared_new();

    for (i = 0; i < sizeof(before); i++) {
        before[i] = (uint8_t) (i * 7 + i / 256);
    }

    memcpy(shared->data, before, sizeof(before));

    assert_int_equal(sealed_lock_take(shared, &shared->lock), 0);

    /* of any size, at any place, on top of each other */

    for (i = 1; i < 40; i++) {
        change(shared, i * 3, i, (int) i);
    }

    for (i = 1; i < 40; i++) {
        change(shared, i, 40 - i, (int) (100 + i));
    }

    sealed_lock_undo(shared, &shared->lock);
    assert_memory_equal(shared->data, before, sizeof(before));
    assert_int_equal(shared->lock.used, 0);

    /* what was committed stays, what came after it does not */

    change(shared, 10, 5, 1);
    sealed_lock_commit(&shared->lock);
    memset(before + 10, 1, 5);
    change(shared, 12, 100, 2);
    sealed_lock_undo(shared, &shared->lock);
    assert_memory_equal(shared->data, before, sizeof(before));

    change(shared, 0, 1024, 3);
    sealed_lock_give(&shared->lock);
    sealed_lock_undo(shared, &shared->lock);
    assert_int_equal(shared->data[1023], 3);

    shared_free(shared);
}


static void
test_room(void **unused)
{
    size_t    size;
    unsigned  room;
    shared_t  *shared;

    shared = shared_new();
    assert_int_equal(sealed_lock_take(shared, &shared->lock), 0);

    for (size = 1; size < 100; size++) {
        room = sealed_lock_room(&shared->lock);
        change(shared, 0, size, 1);
        assert_int_equal(room - sealed_lock_room(&shared->lock),
                         SEALED_UNDO_SIZE(size));
        sealed_lock_commit(&shared->lock);
        assert_int_equal(sealed_lock_room(&shared->lock), SEALED_UNDO_WORDS);
    }

    /* exactly full, then one more: atomicity is given up, not memory */

    for (size = 0; size < SEALED_UNDO_WORDS / 2; size++) {
        change(shared, size, 1, 2);
    }

    assert_int_equal(sealed_lock_room(&shared->lock), 0);
    assert_int_equal(shared->data[1000], 0);
    change(shared, 1000, 1, 3);
    assert_int_equal(shared->lock.used, 2);

    sealed_lock_undo(shared, &shared->lock);
    assert_int_equal(shared->data[0], 2);
    assert_int_equal(shared->data[1000], 0);

    sealed_lock_give(&shared->lock);
    shared_free(shared);
}


static void
test_death_of_the_holder(void **unused)
{
    pid_t      pid;
    shared_t  *shared;

    shared = shared_new();

    /* inside of a section: put back */

    pid = fork();

    if (pid == 0) {
        (void) sealed_lock_take(shared, &shared->lock);
        change(shared, 0, 100, 1);
        sealed_lock_commit(&shared->lock);
        change(shared, 50, 100, 2);
        _exit(0);
    }

    wait_for(pid);
    assert_int_equal(shared->data[100], 2);
    assert_int_equal(sealed_lock_take(shared, &shared->lock), 1);
    assert_int_equal(shared->data[49], 1);
    assert_int_equal(shared->data[99], 1);
    assert_int_equal(shared->data[100], 0);
    assert_int_equal(shared->lock.used, 0);
    sealed_lock_give(&shared->lock);
    assert_int_equal(sealed_lock_take(shared, &shared->lock), 0);
    sealed_lock_give(&shared->lock);

    /* between the saving and the entry in the log: nothing to put back */

    pid = fork();

    if (pid == 0) {
        (void) sealed_lock_take(shared, &shared->lock);
        shared->lock.log[0] = 77;
        shared->lock.log[1] = 88;
        _exit(0);
    }

    wait_for(pid);
    assert_int_equal(sealed_lock_take(shared, &shared->lock), 1);
    assert_int_equal(shared->data[0], 1);
    sealed_lock_give(&shared->lock);

    shared_free(shared);
}


/* whoever puts back may die as well, before or after it is all done */

static void
test_death_of_the_next(void **unused)
{
    int        i;
    pid_t      pid;
    shared_t  *shared;

    shared = shared_new();

    for (i = 0; i < 2; i++) {
        pid = fork();

        if (pid == 0) {
            (void) sealed_lock_take(shared, &shared->lock);
            change(shared, 0, 8, 1);
            change(shared, 4, 8, 2);
            change(shared, 8, 8, 3);
            _exit(0);
        }

        wait_for(pid);
        pid = fork();

        if (pid == 0) {
            if (pthread_mutex_lock(&shared->lock.mutex) != EOWNERDEAD) {
                _exit(1);
            }

            if (i) {
                sealed_lock_undo(shared, &shared->lock);

            } else {

                /* one of the three, as the undoing itself would */

                memset(shared->data + 8, 2, 4);
                memset(shared->data + 12, 0, 4);
            }

            _exit(0);
        }

        wait_for(pid);
        assert_int_equal(sealed_lock_take(shared, &shared->lock), 1);
        assert_int_equal(shared->data[0], 0);
        assert_int_equal(shared->data[11], 0);
        assert_int_equal(shared->data[15], 0);
        sealed_lock_give(&shared->lock);
    }

    shared_free(shared);
}


static void
test_lost_for_good(void **unused)
{
    pid_t      pid;
    shared_t  *shared;

    shared = shared_new();
    pid = fork();

    if (pid == 0) {
        (void) sealed_lock_take(shared, &shared->lock);
        _exit(0);
    }

    wait_for(pid);

    /* nothing in the product does this */

    assert_int_equal(pthread_mutex_lock(&shared->lock.mutex), EOWNERDEAD);
    assert_int_equal(pthread_mutex_unlock(&shared->lock.mutex), 0);

    assert_int_equal(sealed_lock_take(shared, &shared->lock), -1);
    assert_int_equal(sealed_lock_take(shared, &shared->lock), -1);

    /* once all its processes are gone it can be had again */

    assert_int_equal(sealed_lock_init(&shared->lock.mutex), 0);
    assert_int_equal(sealed_lock_take(shared, &shared->lock), 0);
    sealed_lock_give(&shared->lock);

    shared_free(shared);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_undo_is_exact),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_death_of_the_holder),
        cmocka_unit_test(test_death_of_the_next),
        cmocka_unit_test(test_lost_for_good)
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
