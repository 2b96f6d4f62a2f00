/*
 * private_dir: mkdtemp, a lock, and a removal that follows no link.
 */
#include "supervisor/private_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/buf.h"

#define PRIVATE_DIR_PREFIX "execplug."

enum {
	PRIVATE_DIR_DEPTH = 3,
	PRIVATE_DIR_TRIES = 8,
	PRIVATE_DIR_BASE_BYTES = PRIVATE_DIR_BYTES - 32,
};

/* Remove what is in the folder fd; links are removed, not followed. */
static void private_dir_empty(int fd, int depth)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;
	int inner;

	if (folder == NULL) {
		if (copy >= 0)
			close(copy);
		return;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0 || depth == 0)
			continue;
		inner = openat(fd, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (inner < 0)
			continue;
		private_dir_empty(inner, depth - 1);
		close(inner);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(folder);
}

static bool private_dir_is_ours(int fd, const struct account *account)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
	       (st.st_uid == geteuid() || st.st_uid == account->uid);
}

/* Remove base/name when nobody holds its lock. */
static void private_dir_sweep_one(int base_fd, const char *name,
				  const struct account *account)
{
	int fd = openat(base_fd, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	if (private_dir_is_ours(fd, account) &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0) {
		private_dir_empty(fd, PRIVATE_DIR_DEPTH);
		unlinkat(base_fd, name, AT_REMOVEDIR);
	}
	close(fd);
}

static void private_dir_sweep(const char *base, const struct account *account)
{
	DIR *folder = opendir(base);
	struct dirent *entry;

	if (folder == NULL)
		return;
	while ((entry = readdir(folder)) != NULL) {
		if (strncmp(entry->d_name, PRIVATE_DIR_PREFIX,
			    strlen(PRIVATE_DIR_PREFIX)) == 0)
			private_dir_sweep_one(dirfd(folder), entry->d_name,
					      account);
	}
	closedir(folder);
}

/* True when path still is the folder that fd is. */
static bool private_dir_is_same(const char *path, int fd)
{
	struct stat by_name, by_fd;

	return lstat(path, &by_name) == 0 && fstat(fd, &by_fd) == 0 &&
	       by_name.st_dev == by_fd.st_dev && by_name.st_ino == by_fd.st_ino;
}

/*
 * Make and lock one.  Returns 1; 0: another instance, which sweeps, was
 * quicker than our lock; -1 with errno.
 */
static int private_dir_make(struct private_dir *dir, const char *base)
{
	snprintf(dir->path, sizeof(dir->path),
		 "%s/" PRIVATE_DIR_PREFIX "%d.XXXXXX", base, (int)getpid());
	if (mkdtemp(dir->path) == NULL)
		return -1;
	dir->fd = open(dir->path,
		       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd >= 0 && flock(dir->fd, LOCK_EX | LOCK_NB) == 0 &&
	    private_dir_is_same(dir->path, dir->fd))
		return 1;
	private_dir_forget(dir);
	return 0;
}

int private_dir_open_in(struct private_dir *dir, const char *base,
			const struct account *account, struct error *err)
{
	int ret = 0;

	dir->fd = -1;
	dir->path[0] = '\0';
	if (base[0] != '/' || strlen(base) >= PRIVATE_DIR_BASE_BYTES) {
		errno = ENAMETOOLONG;
		return error_sys(err, "%s", base);
	}
	private_dir_sweep(base, account);
	for (int i = 0; i < PRIVATE_DIR_TRIES && ret == 0; i++)
		ret = private_dir_make(dir, base);
	if (ret <= 0 || !private_dir_is_ours(dir->fd, account) ||
	    fchmod(dir->fd, 0700) < 0 ||
	    (account->is_other &&
	     fchown(dir->fd, account->uid, account->gid) < 0)) {
		error_sys(err, "%s", base);
		private_dir_remove(dir);
		return -1;
	}
	return 0;
}

/* A place is good when something can be written there as well. */
static int private_dir_try(struct private_dir *dir, const char *base,
			   const struct account *account, struct error *err)
{
	static const char text[] = "room for nginx.conf\n";
	bool has_room;
	int fd;

	if (private_dir_open_in(dir, base, account, err) < 0)
		return -1;
	fd = openat(dir->fd, "probe", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
	has_room = fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text);
	if (!has_room) {
		error_sys(err, "%s", base);
		private_dir_remove(dir);
	}
	if (fd >= 0)
		close(fd);
	if (!has_room)
		return -1;
	unlinkat(dir->fd, "probe", 0);
	return 0;
}

int private_dir_open(struct private_dir *dir, const struct account *account,
		     struct error *err)
{
	const char *bases[] = {
		getenv("RUNTIME_DIRECTORY"),
		geteuid() == 0 ? "/run" : NULL,
		"/tmp",
		"/dev/shm",
	};
	struct buf tried;

	buf_init(&tried, 240);
	for (size_t i = 0; i < ARRAY_LEN(bases); i++) {
		struct error reason = ERROR_INIT;

		if (bases[i] == NULL)
			continue;
		if (private_dir_try(dir, bases[i], account, &reason) == 0) {
			buf_clear(&tried);
			return 0;
		}
		buf_printf(&tried, "%s%s", tried.len > 0 ? "; " : "",
			   reason.text);
	}
	error_set(err, ERROR_CONFIG,
		  "nowhere to make a private folder: mount a tmpfs (%s)",
		  buf_text(&tried));
	buf_clear(&tried);
	return -1;
}

void private_dir_forget(struct private_dir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	dir->fd = -1;
	dir->path[0] = '\0';
}

void private_dir_remove(struct private_dir *dir)
{
	if (dir->path[0] == '\0')
		return;
	if (dir->fd >= 0)
		private_dir_empty(dir->fd, PRIVATE_DIR_DEPTH);
	rmdir(dir->path);
	private_dir_forget(dir);
}
