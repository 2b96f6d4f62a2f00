/*
 * arena: strings that live as long as one call.
 *
 * Pieces are never freed one by one; arena_reset() drops all at once and
 * keeps the first block for the next call.  Memory is always there (mem.h).
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* An empty arena; takes no memory yet. */
void arena_init(struct arena *arena);

/* Drop every piece; at most one block of 4 KiB is kept. */
void arena_reset(struct arena *arena);

/* Drop everything.  The arena may be used again. */
void arena_clear(struct arena *arena);

/*
 * size bytes, aligned for any type, not zeroed.  Borrowed until
 * arena_reset() or arena_clear().
 */
void *arena_alloc(struct arena *arena, size_t size);

/* A NUL-terminated copy of the len bytes at text. */
char *arena_strndup(struct arena *arena, const char *text, size_t len);

/* The two texts, one behind the other. */
char *arena_join(struct arena *arena, const char *first, const char *second);

/* A formatted, NUL-terminated text. */
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format,
		    __builtin_va_list args)
	__attribute__((format(printf, 2, 0)));

#endif
