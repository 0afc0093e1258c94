
/*
 * zone_check FILE: looks at all invariants of a zone in a copy of its
 * memory, as it is found at /proc/PID/fd/N of a running nginx.  Exit status
 * 0 when all hold, 1 when one does not, 2 when it is no zone.
 */

#include "../../src/zone_check.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>


int
main(int argc, char **argv)
{
    int                   fd;
    void                 *memory, *scratch;
    const char           *error;
    struct stat           st;
    sealed_zone_t         zone;
    sealed_zone_status_t  status;

    if (argc != 2) {
        fprintf(stderr, "usage: zone_check FILE\n");
        return 2;
    }

    fd = open(argv[1], O_RDONLY);

    if (fd == -1 || fstat(fd, &st) == -1 || st.st_size == 0) {
        fprintf(stderr, "zone_check: cannot read \"%s\"\n", argv[1]);
        return 2;
    }

    memory = mmap(NULL, (size_t) st.st_size, PROT_READ|PROT_WRITE,
                  MAP_PRIVATE, fd, 0);

    if (memory == MAP_FAILED) {
        fprintf(stderr, "zone_check: cannot map \"%s\"\n", argv[1]);
        return 2;
    }

    error = sealed_zone_attach(&zone, memory, (size_t) st.st_size);

    if (error) {
        fprintf(stderr, "zone_check: %s\n", error);
        return 2;
    }

    scratch = malloc(sealed_zone_check_scratch(&zone));

    if (scratch == NULL) {
        fprintf(stderr, "zone_check: no memory\n");
        return 2;
    }

    error = sealed_zone_check(&zone, scratch);
    free(scratch);

    if (error) {
        printf("%s\n", error);
        return 1;
    }

    if (sealed_zone_status(&zone, &status) != 0) {
        printf("a lock that cannot be taken\n");
        return 1;
    }

    printf("sound: %llu mailboxes, %llu envelopes, %llu bodies, "
           "%llu cells, %llu certificates, %llu of %llu pages free\n",
           (unsigned long long) status.mailboxes,
           (unsigned long long) status.envelopes,
           (unsigned long long) status.bodies,
           (unsigned long long) status.cells,
           (unsigned long long) status.certificates,
           (unsigned long long) status.pages_free,
           (unsigned long long) status.pages);

    return 0;
}
