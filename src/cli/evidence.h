
/*
 * What proves to an operator that a message came through his gateway, and
 * lets him keep its sender out without learning who it is: one line of JSON,
 * the body of POST {prefix}/reports.
 */

#ifndef SEALED_CLI_EVIDENCE_H
#define SEALED_CLI_EVIDENCE_H


#include "../item.h"
#include "../sealed_envelope.h"


#pragma GCC visibility push(hidden)


/*
 * Whether a stamp is that of this message.  A stamp without a key, or with
 * another message, means that the sender wants not to be reported: the
 * message is dropped.  0 or -1.
 */
int sealed_evidence_check(const sealed_item_t *item,
    const sealed_envelope_t *envelope);

/* DIRECTORY/REPORTID.report, unless there is no stamp; an exit code */
int sealed_evidence_store(const char *directory, const sealed_item_t *item,
    const sealed_envelope_t *envelope);


#pragma GCC visibility pop


#endif /* SEALED_CLI_EVIDENCE_H */
