
#include "journal_commit.h"

#include <errno.h>
#include <string.h>


static int write_part(sealed_journal_output_t *output,
    const sealed_journal_batch_t *batch, const sealed_journal_part_t *part);
static int make_room(sealed_journal_output_t *output, int rc);
static int sync_all(sealed_journal_output_t *output);
static int give_up(sealed_journal_output_t *output, int rc);


void
sealed_journal_output_init(sealed_journal_output_t *output,
    const sealed_journal_files_t *files, sealed_journal_sync_t policy,
    uint64_t segment_size)
{
    memset(output, 0, sizeof(sealed_journal_output_t));

    output->files = files;
    output->policy = policy;
    output->segment_size = segment_size;
}


int
sealed_journal_commit(sealed_journal_output_t *output,
    const sealed_journal_batch_t *batch, unsigned sync)
{
    int       rc;
    unsigned  i;

    for (i = 0; batch && i < batch->parts; i++) {
        rc = write_part(output, batch, &batch->part[i]);

        if (rc < 0) {
            return give_up(output, rc);
        }
    }

    if (sync || output->policy == SEALED_JOURNAL_SYNC_ALWAYS) {
        rc = sync_all(output);

        if (rc < 0) {
            return give_up(output, rc);
        }
    }

    return 0;
}


int
sealed_journal_finish(sealed_journal_output_t *output)
{
    int  rc;

    if (!output->open) {
        return 0;
    }

    if (output->policy != SEALED_JOURNAL_SYNC_OFF) {
        rc = sync_all(output);

        if (rc < 0) {
            return give_up(output, rc);
        }
    }

    output->open = 0;
    rc = output->files->finish(output->files->context, output->file,
                               output->end);

    return rc < 0 ? -rc : 0;
}


static int
write_part(sealed_journal_output_t *output,
    const sealed_journal_batch_t *batch, const sealed_journal_part_t *part)
{
    int                            rc;
    const sealed_journal_files_t  *files;

    files = output->files;

    if (part->offset == 0) {
        rc = sealed_journal_finish(output);

        if (rc != 0) {
            return -rc;
        }

        rc = files->create(files->context, part->name, output->segment_size);

        if (rc >= 0) {
            output->scarce = 0;

        } else if (rc == -ENOSPC && output->scarce) {
            rc = files->create(files->context, part->name, part->size);

            if (make_room(output, rc)) {
                rc = files->create(files->context, part->name, part->size);
            }
        }

        if (rc < 0) {
            return rc;
        }

        output->file = rc;
        output->end = 0;
        output->open = 1;
        output->unnamed = 1;
    }

    rc = files->write(files->context, output->file, batch->data + part->start,
                      part->size, part->offset);

    if (make_room(output, rc)) {
        rc = files->write(files->context, output->file,
                          batch->data + part->start, part->size,
                          part->offset);
    }

    if (rc < 0) {
        return rc;
    }

    output->unsynced = 1;
    output->end = part->offset + part->size;
    output->written += part->size;

    return 0;
}


/* whether it is worth another attempt */

static int
make_room(sealed_journal_output_t *output, int rc)
{
    return rc == -ENOSPC
           && output->urgent
           && output->files->release(output->files->context) == 1;
}


static int
sync_all(sealed_journal_output_t *output)
{
    int                            rc;
    const sealed_journal_files_t  *files;

    files = output->files;

    if (output->unsynced) {
        rc = files->sync(files->context, output->file);

        if (rc < 0) {
            return rc;
        }

        output->unsynced = 0;
    }

    if (output->unnamed) {
        rc = files->sync_names(files->context);

        if (rc < 0) {
            return rc;
        }

        output->unnamed = 0;
    }

    return 0;
}


/* a disk that is full gets back what was allocated beforehand */

static int
give_up(sealed_journal_output_t *output, int rc)
{
    if (output->open) {
        (void) output->files->finish(output->files->context, output->file,
                                     output->end);
        output->open = 0;
    }

    output->unsynced = 0;
    output->scarce = 1;

    return -rc;
}
