
#include "recovery_array.h"

#include <string.h>
#include <sodium.h>


void *
sealed_recovery_push(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array, size_t size)
{
    size_t  capacity;
    void   *element;

    if (array->count >= SEALED_RECOVERY_NONE - 1) {
        return NULL;
    }

    capacity = (array->count + 1) * size;

    if (capacity > array->capacity
        && sealed_recovery_reserve(memory, array,
                                   capacity < 4096 ? 4096 : capacity * 2)
           != 0)
    {
        return NULL;
    }

    element = array->data + array->count * size;
    array->count++;
    memset(element, 0, size);

    return element;
}


int
sealed_recovery_reserve(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array, size_t size)
{
    void  *data;

    if (size <= array->capacity) {
        return 0;
    }

    data = memory->resize(memory->context, array->data, size);

    if (data == NULL) {
        return -1;
    }

    array->data = data;
    array->capacity = size;

    return 0;
}


void
sealed_recovery_release(const sealed_recovery_memory_t *memory,
    sealed_recovery_array_t *array)
{
    if (array->data) {
        sodium_memzero(array->data, array->capacity);
        (void) memory->resize(memory->context, array->data, 0);
    }

    memset(array, 0, sizeof(sealed_recovery_array_t));
}
