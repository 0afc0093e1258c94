
/*
 * Writes batches to files: in a thread of the host's, which waits for it.
 *
 * The host lends the calls that reach files, so that the same code runs on a
 * disk and on a test's idea of one.  Each returns 0 or more, or a negated
 * errno.  Files are known by small numbers.
 */

#ifndef SEALED_JOURNAL_COMMIT_H
#define SEALED_JOURNAL_COMMIT_H


#include "journal_writer.h"


#pragma GCC visibility push(hidden)


typedef struct {
    void                         *context;

    /* a new file with so many octets of zeros allocated; its number */
    int                         (*create)(void *context, const char *name,
                                          uint64_t size);

    /* all of it */
    int                         (*write)(void *context, int file,
                                         const uint8_t *data, size_t size,
                                         uint64_t offset);

    /* what was written survives a power cut */
    int                         (*sync)(void *context, int file);

    /* cuts the file to size when that is not 0, and closes it */
    int                         (*finish)(void *context, int file,
                                          uint64_t size);

    int                         (*remove)(void *context, const char *name);

    /* names that came and went survive a power cut */
    int                         (*sync_names)(void *context);

    /* gives up what is kept for a disk that is full; 1, or 0: nothing is */
    int                         (*release)(void *context);
} sealed_journal_files_t;


typedef enum {
    SEALED_JOURNAL_SYNC_OFF = 0,        /* never */
    SEALED_JOURNAL_SYNC_TIMED,          /* when told, and full segments */
    SEALED_JOURNAL_SYNC_ALWAYS          /* each batch */
} sealed_journal_sync_t;


typedef struct {
    const sealed_journal_files_t *files;
    sealed_journal_sync_t         policy;
    uint64_t                      segment_size;
    uint64_t                      written;      /* octets, ever */
    uint64_t                      end;          /* of the open file */
    int                           file;
    unsigned                      open:1;
    unsigned                      unsynced:1;   /* octets of the file */
    unsigned                      unnamed:1;    /* its name */
    unsigned                      scarce:1;     /* room: begin with less */
    unsigned                      urgent:1;     /* what is kept may go */
} sealed_journal_output_t;


void sealed_journal_output_init(sealed_journal_output_t *output,
    const sealed_journal_files_t *files, sealed_journal_sync_t policy,
    uint64_t segment_size);

/*
 * On a disk that is full what makes room has to be written first: a stream
 * that begins anew and a snapshot.  For these, and never for mail, the host
 * sets `urgent`, and what is kept in reserve is given up.
 */

/*
 * Writes a batch (or none, NULL), and syncs if the policy says so or sync is
 * set.  0, or what went wrong as an errno: the file is given up then, and
 * what of the batch is on disk is in doubt.
 */
int sealed_journal_commit(sealed_journal_output_t *output,
    const sealed_journal_batch_t *batch, unsigned sync);

/* ends the open file, if any: synced unless the policy is off; likewise */
int sealed_journal_finish(sealed_journal_output_t *output);


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_COMMIT_H */
