/*
 * procfs: a few small files below /proc/<pid>.
 */
#include "ops/procfs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

/* The text of /proc/<pid>/<name> in out, or -1. */
static int procfs_text(pid_t pid, const char *name, struct buf *out)
{
	char path[96];

	buf_init(out, 4096);
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (file_read(path, out, NULL) == 0 && out->len > 0)
		return 0;
	buf_clear(out);
	return -1;
}

/* The n-th number (from 0) of text, or -1. */
static int64_t procfs_number(const char *text, int n)
{
	for (; n > 0; n--) {
		text += strcspn(text, " ");
		text += strspn(text, " ");
	}
	return *text >= '0' && *text <= '9' ? strtoll(text, NULL, 10) : -1;
}

static void procfs_read_memory(pid_t pid, struct procfs_facts *facts)
{
	int64_t page_bytes = sysconf(_SC_PAGESIZE);
	struct buf text;

	if (procfs_text(pid, "statm", &text) < 0)
		return;
	facts->virtual_bytes = procfs_number(buf_text(&text), 0) * page_bytes;
	facts->resident_bytes = procfs_number(buf_text(&text), 1) * page_bytes;
	buf_clear(&text);
}

/* The second field is the name in parentheses, which may hold anything. */
static void procfs_read_cpu(pid_t pid, struct procfs_facts *facts)
{
	int64_t ticks, ticks_per_s = sysconf(_SC_CLK_TCK);
	struct buf text;
	const char *rest;

	if (procfs_text(pid, "stat", &text) < 0)
		return;
	rest = strrchr(buf_text(&text), ')');
	if (rest != NULL) {
		ticks = procfs_number(rest, 12) + procfs_number(rest, 13);
		facts->cpu_ms = ticks * 1000 / ticks_per_s;
	}
	buf_clear(&text);
}

/*
 * Newer kernels give the number as the folder's size, to anybody; with
 * others one has to be allowed to list it.
 */
static void procfs_read_fds(pid_t pid, struct procfs_facts *facts)
{
	char path[64];
	struct stat st;
	int64_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	if (stat(path, &st) < 0)
		return;
	if (st.st_size > 0) {
		facts->n_fds = st.st_size;
		return;
	}
	dir = opendir(path);
	if (dir == NULL)
		return;
	while (readdir(dir) != NULL)
		n++;
	closedir(dir);
	facts->n_fds = n - 2; /* . and .. */
}

void procfs_read(pid_t pid, struct procfs_facts *facts)
{
	facts->resident_bytes = facts->virtual_bytes = -1;
	facts->cpu_ms = facts->n_fds = -1;
	procfs_read_memory(pid, facts);
	procfs_read_cpu(pid, facts);
	procfs_read_fds(pid, facts);
}

int64_t procfs_resident_bytes(pid_t pid, bool with_children)
{
	struct procfs_facts facts = { .resident_bytes = -1 };
	struct buf children;
	char name[64], *at;
	int64_t sum;
	long child;

	procfs_read_memory(pid, &facts);
	sum = facts.resident_bytes;
	snprintf(name, sizeof(name), "task/%d/children", (int)pid);
	if (sum < 0 || !with_children || procfs_text(pid, name, &children) < 0)
		return sum;
	for (at = children.data; (child = strtol(at, &at, 10)) > 0;) {
		facts.resident_bytes = 0;
		procfs_read_memory((pid_t)child, &facts);
		sum += facts.resident_bytes;
	}
	buf_clear(&children);
	return sum;
}
