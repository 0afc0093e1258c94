
/*
 * lose_lock FILE N: makes the lock of a zone's N-th shard one that is lost, in
 * the memory of a running nginx, as it is found at /proc/PID/fd/N.  Exit
 * status 0 when it is.
 */

#include "../../src/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>


static void *
die_with_it(void *mutex)
{
    (void) pthread_mutex_lock(mutex);

    return NULL;
}


/* whoever has it ends, and the next one does not put right what it left */

static int
lose(pthread_mutex_t *mutex)
{
    int        error;
    pthread_t  thread;

    do {
        if (pthread_create(&thread, NULL, die_with_it, mutex) != 0
            || pthread_join(thread, NULL) != 0)
        {
            return -1;
        }

        error = pthread_mutex_lock(mutex);

        /* a worker was the next one, and has put it right */

    } while (error == 0 && pthread_mutex_unlock(mutex) == 0);

    return error == EOWNERDEAD && pthread_mutex_unlock(mutex) == 0
           && pthread_mutex_lock(mutex) == ENOTRECOVERABLE
           ? 0 : -1;
}


int
main(int argc, char **argv)
{
    int               fd;
    void             *memory;
    struct stat       st;
    sealed_zone_t     zone;
    pthread_mutex_t  *mutex;

    if (argc != 3) {
        fprintf(stderr, "usage: lose_lock FILE N\n");
        return 2;
    }

    fd = open(argv[1], O_RDWR);

    if (fd == -1 || fstat(fd, &st) == -1 || st.st_size == 0) {
        fprintf(stderr, "lose_lock: cannot open \"%s\"\n", argv[1]);
        return 2;
    }

    memory = mmap(NULL, (size_t) st.st_size, PROT_READ|PROT_WRITE,
                  MAP_SHARED, fd, 0);

    if (memory == MAP_FAILED
        || sealed_zone_attach(&zone, memory, (size_t) st.st_size) != NULL)
    {
        fprintf(stderr, "lose_lock: \"%s\" is no zone\n", argv[1]);
        return 2;
    }

    mutex = &zone.shards[(unsigned) atoi(argv[2]) & zone.shard_mask]
                 .lock.mutex;

    if (lose(mutex) != 0) {
        fprintf(stderr, "lose_lock: it is not lost\n");
        return 1;
    }

    return 0;
}
