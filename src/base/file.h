/*
 * file: small files, read and written whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Append the file's bytes to out, at most up to out's limit.  Regular
 * files only: a folder, FIFO or device is refused at once and never waited
 * for.  Returns 0; -1 with err set (ERROR_SYSTEM with errno's text, or
 * ERROR_INPUT: not a regular file, or larger than the limit), out is then
 * partly filled.  May block on a slow file system.
 */
int file_read(const char *path, struct buf *out, struct error *err);

/*
 * Create path (mode bits as given, must not exist) with the len bytes.
 * Returns 0; -1 with err set.
 */
int file_create(const char *path, unsigned mode, const void *bytes, size_t len,
		struct error *err);

/*
 * Write all bytes to fd, which may block.  Returns 0; -1 with errno.
 */
int file_write_all(int fd, const void *bytes, size_t len);

#endif
