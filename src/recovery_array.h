
/*
 * Arrays that grow while a journal is read, in memory that the host lends.
 *
 * An element may move whenever another one is added: what is kept of one is
 * its index.  A new array is all zero and has no memory yet.
 */

#ifndef SEALED_RECOVERY_ARRAY_H
#define SEALED_RECOVERY_ARRAY_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


/* indices are below this one */
#define SEALED_RECOVERY_NONE  UINT32_MAX


/* as realloc(); a size of 0 frees */
typedef void *(*sealed_recovery_resize_t)(void *context, void *old,
    size_t size);


typedef struct {
    void                         *context;
    sealed_recovery_resize_t      resize;
} sealed_recovery_memory_t;


typedef struct {
    uint8_t                      *data;
    size_t                        count;
    size_t                        capacity;     /* octets */
} sealed_recovery_array_t;


/* one more element of this size, zero; or NULL: out of memory */
void *sealed_recovery_push(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array, size_t size);

/* room for at least so many octets; 0, or -1: out of memory */
int sealed_recovery_reserve(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array, size_t size);

/* what was in it is wiped: it may be keys */
void sealed_recovery_release(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_ARRAY_H */
