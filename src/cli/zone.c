
#include "commands.h"
#include "output.h"
#include "../zone_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>


static int run_check(unsigned count, char **files);
static int run_dump(unsigned count, char **files);
static int attach(sealed_zone_t *zone, const char *file);
static int show(sealed_zone_t *zone, const char *file);


static const sealed_option_t  no_options[] = {
    { NULL, NULL, 0, NULL, NULL }
};


const sealed_command_t  sealed_command_zone_check = {
    "zone check",
    "FILE",
    "whether the file of a zone is sound",
    "Looks at every invariant of a zone: each piece of memory exactly once "
    "free or\nowned, all counts, the order of envelopes, the tables. Works "
    "on a copy in memory\nand changes nothing. A zone that nginx uses "
    "changes while it is read: stop nginx\nfirst, or check a copy of a "
    "snapshot.\n\n"
    "Exit status 2 if anything does not hold.\n\n"
    "Example:\n"
    "  sealed zone check /var/lib/sealed/main.zone",
    no_options, 1, 1, 0, run_check
};


const sealed_command_t  sealed_command_zone_dump_stats = {
    "zone dump-stats",
    "FILE",
    "what is in the file of a zone, in numbers",
    "Counts of mailboxes, envelopes and memory. Changes nothing; of a zone "
    "that nginx\nuses the numbers are those of one moment or another.\n\n"
    "Example:\n"
    "  sealed zone dump-stats --json /var/lib/sealed/main.zone",
    no_options, 1, 1, 0, run_dump
};


static int
run_check(unsigned count, char **files)
{
    int             rc;
    void           *scratch;
    const char     *error;
    sealed_zone_t   zone;

    rc = attach(&zone, files[0]);
    if (rc) {
        return rc;
    }

    scratch = malloc(sealed_zone_check_scratch(&zone));
    if (scratch == NULL) {
        return sealed_fail(SEALED_EXIT_LOCAL, "out of memory");
    }

    error = sealed_zone_check(&zone, scratch);
    free(scratch);

    if (error) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: damaged: %s", files[0],
                           error);
    }

    sealed_zone_settle(&zone);

    return show(&zone, files[0]);
}


static int
run_dump(unsigned count, char **files)
{
    int             rc;
    sealed_zone_t   zone;

    rc = attach(&zone, files[0]);

    return rc ? rc : show(&zone, files[0]);
}


/* a private copy, in which changes that were begun are put back */

static int
attach(sealed_zone_t *zone, const char *file)
{
    int          fd;
    void        *memory;
    const char  *error;
    struct stat  st;

    fd = open(file, O_RDONLY|O_CLOEXEC);
    if (fd == -1 || fstat(fd, &st) == -1) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                           strerror(errno));
    }

    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        close(fd);
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: it is not a zone", file);
    }

    if (flock(fd, LOCK_SH|LOCK_NB) == -1) {
        sealed_remark("nginx uses %s, it changes while it is read", file);
    }

    memory = mmap(NULL, (size_t) st.st_size, PROT_READ|PROT_WRITE,
                  MAP_PRIVATE, fd, 0);
    close(fd);

    if (memory == MAP_FAILED) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file,
                           strerror(errno));
    }

    error = sealed_zone_attach(zone, memory, (size_t) st.st_size);

    if (error == NULL && sealed_zone_undo(zone, (size_t) st.st_size) != 0) {
        error = "damaged: what its locks would put back makes no sense";
    }

    if (error) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: %s", file, error);
    }

    return SEALED_EXIT_OK;
}


static int
show(sealed_zone_t *zone, const char *file)
{
    size_t                i;
    json_t               *document;
    sealed_zone_status_t  status;

    const struct {
        const char      *name;
        const uint64_t  *value;
    } line[] = {
        { "size", &status.size },
        { "pages", &status.pages },
        { "pages_free", &status.pages_free },
        { "shards", &status.shards },
        { "mailboxes", &status.mailboxes },
        { "closed", &status.closed },
        { "certificates", &status.certificates },
        { "envelopes", &status.envelopes },
        { "bodies", &status.bodies },
        { "cells", &status.cells },
        { "repairs", &status.repairs },
        { "damaged", &status.damaged }
    };

    if (sealed_zone_status(zone, &status) != 0) {
        return sealed_fail(SEALED_EXIT_LOCAL, "%s: its locks cannot be used",
                           file);
    }

    document = sealed_common.json ? json_object() : NULL;

    for (i = 0; i < sizeof(line) / sizeof(line[0]); i++) {

        if (document) {
            json_object_set_new(document, line[i].name,
                                json_integer((json_int_t) *line[i].value));

        } else {
            printf("%-13s %llu\n", line[i].name,
                   (unsigned long long) *line[i].value);
        }
    }

    if (document) {
        sealed_emit(document);
    }

    return SEALED_EXIT_OK;
}
