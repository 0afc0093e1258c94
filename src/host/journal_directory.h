
/*
 * A journal's directory: the calls that reach its files, for the module and
 * the command alike.  Knows the operating system, but neither nginx nor
 * what records say.
 *
 * Files of the journal end in ".journal" and ".snapshot" (journal.h); "lock"
 * is held by whoever writes, and passes to processes that are forked and to
 * a binary that inherits the descriptor, or is shared by processes that come
 * to a directory later; "reserve" is room for a segment, for when the disk is
 * full.  Nothing else is touched.  What has such a name and
 * is no regular file is neither followed nor waited for.
 *
 * Errors are negated errnos.
 */

#ifndef SEALED_JOURNAL_DIRECTORY_H
#define SEALED_JOURNAL_DIRECTORY_H


#include "../journal_commit.h"
#include "../journal_recovery.h"


#pragma GCC visibility push(hidden)


typedef struct {
    int                           fd;
    int                           lock;         /* -1: not held */
} sealed_journal_directory_t;


typedef struct {
    char                          name[SEALED_JOURNAL_NAME_SIZE];
    sealed_journal_segment_t      named;        /* what the name says */
    const uint8_t                *data;         /* NULL: empty */
    size_t                        size;
    sealed_journal_header_result_t  header;
} sealed_journal_file_t;


enum {
    SEALED_JOURNAL_WRONG_SIZE = 256
};


typedef enum {
    SEALED_JOURNAL_NOTICE = 0,
    SEALED_JOURNAL_WARNING,
    SEALED_JOURNAL_ERROR
} sealed_journal_level_t;


typedef void (*sealed_journal_say_t)(void *context,
    sealed_journal_level_t level, const char *text);


/* 0 or an error */
int sealed_journal_directory_open(sealed_journal_directory_t *directory,
    const char *path);
void sealed_journal_directory_close(sealed_journal_directory_t *directory);

/*
 * 0, or an error: -EWOULDBLOCK when another process writes here and goes on
 * to do so for wait milliseconds, -EINVAL when "lock" is no regular file.
 */
int sealed_journal_directory_lock(sealed_journal_directory_t *directory,
    unsigned wait);

/* whether "lock" is the file that this descriptor has */
unsigned sealed_journal_directory_locked(
    const sealed_journal_directory_t *directory, int lock);

/*
 * For a directory that was put in the place of the one that is locked: keeps
 * all out that would lock it, but not those who share it.  Errors likewise,
 * without waiting.
 */
int sealed_journal_directory_share(sealed_journal_directory_t *directory);

/* files->context is the directory */
void sealed_journal_directory_files(sealed_journal_files_t *files,
    sealed_journal_directory_t *directory);

/*
 * All segments, mapped to be read, in the order of their names; 0 or an
 * error, with which file it is about and what is wrong.
 */
int sealed_journal_directory_map(const sealed_journal_directory_t *directory,
    sealed_journal_file_t **files, size_t *count,
    char wrong[SEALED_JOURNAL_WRONG_SIZE]);
void sealed_journal_directory_unmap(sealed_journal_file_t *files,
    size_t count);

/*
 * The highest generation of which there is a segment, or 0, without reading
 * any of them; 0 or an error, likewise.
 */
int sealed_journal_directory_highest(
    const sealed_journal_directory_t *directory, uint64_t *generation,
    char wrong[SEALED_JOURNAL_WRONG_SIZE]);

/*
 * Removes the segments of generations below this one, or, of exactly this
 * and younger ones, snapshots that are not of it.  *octets: what is left.
 * 0 or an error.
 */
int sealed_journal_directory_trim(const sealed_journal_directory_t *directory,
    uint64_t generation, uint64_t *octets);

/*
 * Removes the snapshot of this generation, which did not become one, its end
 * first.  0 or an error.
 */
int sealed_journal_directory_drop(const sealed_journal_directory_t *directory,
    uint64_t generation);

/*
 * Sees to it that so many octets are kept in reserve, until they are given up
 * (journal_commit.h): 0, also on a file system that cannot, or an error.
 */
int sealed_journal_directory_reserve(
    const sealed_journal_directory_t *directory, uint64_t size);

/*
 * Reads and resolves a recovery that has been initialised, as realloc()
 * gives memory; what it finds and how far it is goes to say.  0 or -1.
 */
int sealed_journal_load(sealed_recovery_t *recovery,
    sealed_journal_file_t *files, size_t count, sealed_journal_say_t say,
    void *context);

/* for sealed_recovery_init() */
void *sealed_journal_resize(void *context, void *old, size_t size);


#pragma GCC visibility pop


#endif /* SEALED_JOURNAL_DIRECTORY_H */
