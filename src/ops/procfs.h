/*
 * procfs: what /proc says about a process.  Nothing here waits.
 */
#ifndef OPS_PROCFS_H
#define OPS_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* -1: not known, as the process is gone or the kernel does not tell us. */
struct procfs_facts {
	int64_t resident_bytes;
	int64_t virtual_bytes;
	int64_t cpu_ms; /* user and system */
	int64_t n_fds;  /* open descriptors */
};

void procfs_read(pid_t pid, struct procfs_facts *facts);

/*
 * Resident bytes of pid, with those of its children when with_children
 * says so.  Pages that several share count in each.  -1: not known.
 */
int64_t procfs_resident_bytes(pid_t pid, bool with_children);

#endif
