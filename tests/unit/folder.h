/*
 * folder: a new folder for a test, and its removal.
 */
#ifndef UNIT_FOLDER_H
#define UNIT_FOLDER_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Short, so that a socket's path fits. */
struct folder {
	char path[32];
};

static inline int folder_make(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));

	assert_non_null(folder);
	memcpy(folder->path, "/tmp/xp.XXXXXX", 15);
	assert_non_null(mkdtemp(folder->path));
	*state = folder;
	return 0;
}

/* The path of name in the folder; valid until the fourth call from now. */
static inline const char *folder_path(const struct folder *folder,
				      const char *name)
{
	static char texts[4][512];
	static unsigned n;
	char *text = texts[n++ % 4];

	snprintf(text, sizeof(texts[0]), "%s/%s", folder->path, name);
	return text;
}

static inline void folder_write(const struct folder *folder, const char *name,
				const char *text)
{
	FILE *file = fopen(folder_path(folder, name), "w");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* The number of entries. */
static inline int folder_count(const struct folder *folder)
{
	DIR *dir = opendir(folder->path);
	int n = -2;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	return n;
}

/* Fails when a folder with something in it is left in the folder. */
static inline int folder_remove(void **state)
{
	struct folder *folder = *state;
	DIR *dir = opendir(folder->path);
	struct dirent *entry;
	int ret;

	while ((entry = readdir(dir)) != NULL) {
		if (unlinkat(dirfd(dir), entry->d_name, 0) < 0)
			unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	ret = rmdir(folder->path);
	free(folder);
	return ret;
}

#endif
