/*
 * digest: tells equal calls from others, within one container's life.
 */
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

/*
 * 64 bits of the len bytes at bytes; never 0, which means "no call".
 * Not cryptographic: a collision makes one call share the fate of another
 * that has killed two workers within ten minutes, nothing else.
 */
uint64_t digest_of(const void *bytes, size_t len);

#endif
