
/*
 * Sequences of operations that are run in a process of their own, and made
 * as short as they can be while the run still fails (ddmin, after Zeller and
 * Hildebrandt, "Simplifying and isolating failure-inducing input").
 */

#ifndef SEALED_TEST_SHRINK_H
#define SEALED_TEST_SHRINK_H


#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>


typedef struct {
    unsigned                      kind;
    uint32_t                      n;
    uint32_t                      count;
    uint32_t                      size;
    uint32_t                      value;
} operation_t;


/* exits with something but 0, or is killed, when something does not hold */
typedef void (*run_t)(const operation_t *operation, size_t count);


static inline int
shrink_fails(run_t run, const operation_t *operation, size_t count, int quiet)
{
    int    fd, status;
    pid_t  pid;

    (void) fflush(NULL);
    pid = fork();

    if (pid == -1) {
        abort();
    }

    if (pid == 0) {
        fd = quiet ? open("/dev/null", O_WRONLY) : -1;

        if (fd != -1) {
            (void) dup2(fd, STDERR_FILENO);
        }

        run(operation, count);
        _exit(0);
    }

    if (waitpid(pid, &status, 0) != pid) {
        abort();
    }

    return status != 0;
}


/* to the front of operation[]; returns how many are left */

static inline size_t
shrink(run_t run, operation_t *operation, size_t count)
{
    size_t        chunk, first, n;
    operation_t  *shorter;

    shorter = malloc(count * sizeof(operation_t));

    if (shorter == NULL) {
        abort();
    }

    for (chunk = (count + 1) / 2; chunk; /* void */ ) {
        for (first = 0; first < count; /* void */ ) {
            n = chunk < count - first ? chunk : count - first;

            memcpy(shorter, operation, first * sizeof(operation_t));
            memcpy(shorter + first, operation + first + n,
                   (count - first - n) * sizeof(operation_t));

            if (shrink_fails(run, shorter, count - n, 1)) {
                count -= n;
                memcpy(operation, shorter, count * sizeof(operation_t));
                continue;
            }

            first += n;
        }

        chunk = chunk == 1 ? 0 : (chunk + 1) / 2;
    }

    free(shorter);

    return count;
}


#endif /* SEALED_TEST_SHRINK_H */
