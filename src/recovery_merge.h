
/*
 * What lives of all that was read, once no more follows.
 *
 * An envelope lives when its mailbox is open and in the same life, and above
 * what was acknowledged; what is in a snapshot and in a stream as well counts
 * once.  Expired ones have not been kept in the first place.
 *
 * Afterwards `order` holds the indices of the items that live: of each
 * mailbox count from first on, by their sequence numbers.
 */

#ifndef SEALED_RECOVERY_MERGE_H
#define SEALED_RECOVERY_MERGE_H


#include "journal_recovery.h"


#pragma GCC visibility push(hidden)


/* fills in the result; 0, or -1: out of memory */
int sealed_recovery_resolve(sealed_recovery_t *recovery);


#pragma GCC visibility pop


#endif /* SEALED_RECOVERY_MERGE_H */
