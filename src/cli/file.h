
/*
 * Files of keys and state: read whole, bounded; created, never overwritten;
 * or replaced in one step (written beside and renamed).
 *
 * Secrets are created with mode 0600 and are not read when anybody but
 * their owner could have.
 */

#ifndef SEALED_CLI_FILE_H
#define SEALED_CLI_FILE_H


#include "../sealed.h"


#pragma GCC visibility push(hidden)


enum {
    SEALED_FILE_PUBLIC = 0,
    SEALED_FILE_SECRET = 1,

    SEALED_KEY_FILE_MAX = 65536
};


/*
 * Zero-terminated text, to be given to free() or, if secret, to
 * sealed_file_forget().  An exit code; the reason has been printed.
 */
int sealed_file_read(char **text, size_t *size, const char *file,
    size_t max, unsigned secret);
void sealed_file_forget(char *text, size_t size);

/* fails when the file exists */
int sealed_file_create(const char *file, const void *data, size_t size,
    unsigned secret);

/* keeps the old content until the new one is on disk */
int sealed_file_replace(const char *file, const void *data, size_t size,
    unsigned secret);

/* name and suffix in newly allocated memory, or NULL */
char *sealed_file_name(const char *name, const char *suffix);

/* 0 or -1 and errno; all of it */
int sealed_write_all(int fd, const void *data, size_t size);


#pragma GCC visibility pop


#endif /* SEALED_CLI_FILE_H */
