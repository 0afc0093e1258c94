
/*
 * Looks at every invariant of a zone: each object exactly once free or
 * owned, counts, order of sequence numbers, references of bodies, places in
 * tables and wheels.  For tests and for operators with a copy of a zone or a
 * file that nobody uses; the zone must be quiet.
 */

#ifndef SEALED_ZONE_CHECK_H
#define SEALED_ZONE_CHECK_H


#include "zone.h"


#pragma GCC visibility push(hidden)


/* octets of scratch that the check needs */
size_t sealed_zone_check_scratch(const sealed_zone_t *zone);

/*
 * NULL, or what does not hold.  Writes nothing but the scratch, which is
 * aligned to 8; what workers have under way is taken into account.
 */
const char *sealed_zone_check(const sealed_zone_t *zone, void *scratch);


#pragma GCC visibility pop


#endif /* SEALED_ZONE_CHECK_H */
