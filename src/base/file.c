/*
 * file: whole small files; nothing here waits for a FIFO or a device.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_read_fd(int fd, const char *path, struct buf *out,
			struct error *err)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_sys(err, "cannot read '%s'", path);
		buf_add(out, chunk, (size_t)n);
		if (out->cut)
			return error_set(err, ERROR_INPUT,
					 "'%s' is larger than %zu bytes", path,
					 out->limit);
	}
	return 0;
}

int file_read(const char *path, struct buf *out, struct error *err)
{
	struct stat st;
	int fd, ret = -1;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_sys(err, "cannot open '%s'", path);

	if (fstat(fd, &st) < 0)
		error_sys(err, "cannot look at '%s'", path);
	else if (!S_ISREG(st.st_mode))
		error_set(err, ERROR_INPUT, "'%s' is not a regular file", path);
	else
		ret = file_read_fd(fd, path, out, err);
	close(fd);
	return ret;
}

int file_write_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;
	ssize_t n;

	while (len > 0) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_create(const char *path, unsigned mode, const void *bytes, size_t len,
		struct error *err)
{
	int fd, ret = 0;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	if (fd < 0)
		return error_sys(err, "cannot create '%s'", path);
	/* Whatever the umask is. */
	if (fchmod(fd, mode) < 0)
		ret = error_sys(err, "cannot set the mode of '%s'", path);
	else if (file_write_all(fd, bytes, len) < 0)
		ret = error_sys(err, "cannot write '%s'", path);
	close(fd);
	return ret;
}
