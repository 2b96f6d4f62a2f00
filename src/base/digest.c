/*
 * digest: eight bytes a step, multiplied and folded.
 */
#include "base/digest.h"

#include <string.h>

static uint64_t digest_step(uint64_t state, uint64_t word)
{
	state = (state ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return state ^ (state >> 29);
}

uint64_t digest_of(const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t state = UINT64_C(0xcbf29ce484222325) ^ len;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		state = digest_step(state, word);
		at += sizeof(word);
	}
	word = 0;
	memcpy(&word, at, len);
	state = digest_step(digest_step(state, word), 0);
	return state != 0 ? state : 1;
}
