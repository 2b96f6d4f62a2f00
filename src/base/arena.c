/*
 * arena: memory that is dropped as a whole, in blocks of 4 KiB or more.
 */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	ARENA_BLOCK_BYTES = 4096
};

struct arena_block {
	struct arena_block *next;
	size_t size; /* of data */
	size_t used; /* always <= size */
	_Alignas(max_align_t) char data[];
};

void arena_init(struct arena *arena)
{
	arena->blocks = NULL;
}

void arena_reset(struct arena *arena)
{
	struct arena_block *block = arena->blocks, *next, *kept = NULL;

	for (; block != NULL; block = next) {
		next = block->next;
		if (kept == NULL && block->size <= ARENA_BLOCK_BYTES)
			kept = block;
		else
			free(block);
	}
	if (kept != NULL) {
		kept->next = NULL;
		kept->used = 0;
	}
	arena->blocks = kept;
}

void arena_clear(struct arena *arena)
{
	arena_reset(arena);
	free(arena->blocks);
	arena->blocks = NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_block *block = arena->blocks;
	size_t room;
	void *memory;

	size = (size + align - 1) / align * align;
	if (block == NULL || block->size - block->used < size) {
		room = size;
		if (room < ARENA_BLOCK_BYTES - sizeof(*block))
			room = ARENA_BLOCK_BYTES - sizeof(*block);
		block = mem_alloc(sizeof(*block) + room);
		block->next = arena->blocks;
		block->size = room;
		block->used = 0;
		arena->blocks = block;
	}
	memory = block->data + block->used;
	block->used += size;
	return memory;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_alloc(arena, len + 1);

	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *arena_join(struct arena *arena, const char *first, const char *second)
{
	size_t first_len = strlen(first), second_len = strlen(second);
	char *text = arena_alloc(arena, first_len + second_len + 1);

	memcpy(text, first, first_len);
	memcpy(text + first_len, second, second_len);
	text[first_len + second_len] = '\0';
	return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	char small[256];
	va_list again;
	char *text;
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof(small), format, args);
	if (len < (int)sizeof(small)) {
		text = arena_strndup(arena, small, len > 0 ? (size_t)len : 0);
	} else {
		text = arena_alloc(arena, (size_t)len + 1);
		vsnprintf(text, (size_t)len + 1, format, again);
	}
	va_end(again);
	return text;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}
