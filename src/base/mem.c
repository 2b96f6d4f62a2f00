/*
 * mem: the one place where a failed malloc ends the process.
 */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

_Noreturn void mem_die(void)
{
	log_write(LOG_LEVEL_ERROR, "mem", "out of memory: leaving");
	log_flush();
	_exit(70);
}

void *mem_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size > 0 ? size : 1);

	if (memory == NULL)
		mem_die();
	return memory;
}

void *mem_alloc(size_t size)
{
	return mem_realloc(NULL, size);
}

void *mem_zalloc(size_t size)
{
	void *memory = calloc(1, size > 0 ? size : 1);

	if (memory == NULL)
		mem_die();
	return memory;
}

char *mem_strdup(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mem_alloc(size), text, size);
}
