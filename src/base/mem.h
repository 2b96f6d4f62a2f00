/*
 * mem: heap memory that is there, or the process ends.
 *
 * json-c and libfcgi die when malloc fails, whatever their callers do, so
 * careful paths of our own would save nothing: the process says so and
 * exits with 70, and the supervisor starts a new one.  Every input has a
 * size limit instead.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

/*
 * Heap memory of size bytes (at least one), zeroed by mem_zalloc().
 * Never NULL.  The caller owns it and gives it back with free().
 */
void *mem_alloc(size_t size);
void *mem_zalloc(size_t size);

/*
 * Resize old (NULL: a new piece) to size bytes, as realloc().  Never NULL.
 */
void *mem_realloc(void *old, size_t size);

/*
 * A library has run out of memory without ending the process: do that.
 */
_Noreturn void mem_die(void);

/*
 * A copy of text on the heap.  Never NULL; the caller owns it.
 */
char *mem_strdup(const char *text);

#endif
