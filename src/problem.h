
/*
 * Problem documents (RFC 9457): what a client is told when a request is
 * refused.  One constant text per verdict: never an id, key or address, and
 * one and the same 401 for every defect of authentication.
 */

#ifndef SEALED_PROBLEM_H
#define SEALED_PROBLEM_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


typedef struct {
    unsigned                      status;
    const char                   *type;         /* a URI reference */
    const char                   *title;
    const char                   *detail;
} sealed_problem_t;


#define SEALED_PROBLEM_MAX  512     /* octets of any document */


/* never NULL for a verdict other than SEALED_OK */
const sealed_problem_t *sealed_problem(sealed_verdict_t verdict);

/*
 * The JSON document.  next, when not NULL, is the member "next" of a 409: a
 * string of digits.  Returns the size.
 */
size_t sealed_problem_format(char out[SEALED_PROBLEM_MAX],
    sealed_verdict_t verdict, const uint64_t *next);


#pragma GCC visibility pop


#endif /* SEALED_PROBLEM_H */
