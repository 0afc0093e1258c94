
/*
 * Big-endian integers in octets, for formats of our own.  What is put is
 * followed by the pointer returned.
 */

#ifndef SEALED_OCTETS_H
#define SEALED_OCTETS_H


#include "sealed.h"


#pragma GCC visibility push(hidden)


static inline uint8_t *
sealed_put32(uint8_t *p, uint32_t n)
{
    p[0] = (uint8_t) (n >> 24);
    p[1] = (uint8_t) (n >> 16);
    p[2] = (uint8_t) (n >> 8);
    p[3] = (uint8_t) n;

    return p + 4;
}


static inline uint8_t *
sealed_put64(uint8_t *p, uint64_t n)
{
    return sealed_put32(sealed_put32(p, (uint32_t) (n >> 32)), (uint32_t) n);
}


static inline uint32_t
sealed_get32(const uint8_t *p)
{
    return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16
           | (uint32_t) p[2] << 8 | p[3];
}


static inline uint64_t
sealed_get64(const uint8_t *p)
{
    return (uint64_t) sealed_get32(p) << 32 | sealed_get32(p + 4);
}


#pragma GCC visibility pop


#endif /* SEALED_OCTETS_H */
