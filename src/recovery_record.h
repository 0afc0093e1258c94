
/*
 * One record of a journal, and what it changes of what is known so far.
 *
 * What is malformed is not taken; of many recipients or items those before the
 * place that is wrong are.
 */

#ifndef SEALED_RECOVERY_RECORD_H
#define SEALED_RECOVERY_RECORD_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


typedef enum {
    SEALED_RECOVERY_OK = 0,
    SEALED_RECOVERY_MALFORMED,
    SEALED_RECOVERY_NO_MEMORY,
    SEALED_RECOVERY_UNKNOWN             /* a kind of a newer version */
} sealed_recovery_verdict_t;


/* of the segment with this index; payload is the record's, in the clear */
sealed_recovery_verdict_t sealed_recovery_record(sealed_recovery_t *recovery,
    uint32_t segment, const sealed_journal_record_t *record,
    sealed_bytes_t payload);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_RECORD_H */
