/*
 * front: find nginx, write what it reads, become it.
 */
#include "supervisor/front.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/file.h"
#include "supervisor/process.h"

enum {
	FRONT_CONF_BYTES = 65536,
	FRONT_EXIT = 78,
	/* Chunked bodies come with their chunk sizes. */
	FRONT_BODY_SLACK = 65536,
	/* nginx waits longer than a worker's deadline. */
	FRONT_SLACK_S = 5,
};

static bool front_is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       access(path, X_OK) == 0;
}

/* Look for name in the folders of list, which are separated by colons. */
static bool front_search(struct front *front, const char *list,
			 const char *name)
{
	size_t len;

	while (list != NULL && *list != '\0') {
		len = strcspn(list, ":");
		snprintf(front->program, sizeof(front->program), "%.*s/%s",
			 (int)len, list, name);
		if (front->program[0] == '/' &&
		    front_is_program(front->program))
			return true;
		list += len + (list[len] == ':');
	}
	return false;
}

int front_find(struct front *front, const struct options *options,
	       struct error *err)
{
	const char *name = options->nginx != NULL ? options->nginx : "nginx";

	if (strchr(name, '/') != NULL) {
		snprintf(front->program, sizeof(front->program), "%s", name);
		if (front_is_program(name))
			return 0;
		return error_set(err, ERROR_CONFIG,
				 "--nginx: '%s' is not a program", name);
	}
	if (front_search(front, getenv("PATH"), name) ||
	    front_search(front, "/usr/sbin:/usr/local/sbin", name))
		return 0;
	return error_set(err, ERROR_CONFIG,
			 "'%s' was not found in PATH or /usr/sbin: install "
			 "nginx-light, or give --nginx or --front=none",
			 name);
}

/* Append what @name@ stands for. */
static void front_add_value(const char *name, size_t len,
			    const char *const (*values)[2], struct buf *out)
{
	for (; (*values)[0] != NULL; values++) {
		if (strlen((*values)[0]) == len &&
		    memcmp((*values)[0], name, len) == 0) {
			buf_add_text(out, (*values)[1]);
			return;
		}
	}
	buf_add_char(out, '@');
	buf_add(out, name, len);
	buf_add_char(out, '@');
}

static void front_fill(const char *text, const char *const (*values)[2],
		       struct buf *out)
{
	size_t len;

	while (*text != '\0') {
		len = strcspn(text, "@");
		buf_add(out, text, len);
		text += len;
		if (*text == '\0')
			return;
		len = strspn(text + 1, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
		if (len > 0 && text[len + 1] == '@') {
			front_add_value(text + 1, len, values, out);
			text += len + 2;
		} else {
			buf_add_char(out, *text++);
		}
	}
}

void front_render(const struct options *options, const char *folder,
		  const char *listen_text, struct buf *out)
{
	char max_body[24], body_buffer[24], read_timeout[24], listen[160];
	const char *const values[][2] = {
		{ "DIR", folder },
		{ "LISTEN", listen },
		{ "MAX_BODY", max_body },
		{ "BODY_BUFFER", body_buffer },
		{ "READ_TIMEOUT", read_timeout },
		{ NULL, NULL },
	};
	bool is_any = options->address == NULL &&
		      strncmp(listen_text, "[::]:", 5) == 0;

	snprintf(listen, sizeof(listen), "%s%s", listen_text,
		 is_any ? " ipv6only=off" : "");
	snprintf(max_body, sizeof(max_body), "%lld",
		 (long long)options->max_body);
	snprintf(body_buffer, sizeof(body_buffer), "%lld",
		 (long long)options->max_body + FRONT_BODY_SLACK);
	snprintf(read_timeout, sizeof(read_timeout), "%llds",
		 ((long long)options->deadline_ms + 999) / 1000 +
			 FRONT_SLACK_S);
	front_fill(front_conf, values, out);
}

static void front_path(const struct front *front, const char *name,
		       char path[FRONT_PATH_BYTES + 16])
{
	snprintf(path, FRONT_PATH_BYTES + 16, "%s/%s", front->folder, name);
}

int front_write(struct front *front, const struct options *options,
		const char *folder, const char *listen_text, struct error *err)
{
	struct error reason = ERROR_INIT;
	char path[FRONT_PATH_BYTES + 16];
	struct buf text;
	int ret;

	snprintf(front->folder, sizeof(front->folder), "%s", folder);
	front_path(front, "nginx.conf", path);
	buf_init(&text, FRONT_CONF_BYTES);
	front_render(options, folder, listen_text, &text);
	/* Readable for nginx, which may not be us; the folder is private. */
	ret = file_create(path, 0644, text.data, text.len, &reason);
	buf_clear(&text);
	if (ret < 0)
		return error_set(err, ERROR_CONFIG, "%s", reason.text);
	return 0;
}

bool front_is_up(const struct front *front)
{
	char path[FRONT_PATH_BYTES + 16];
	struct stat st;

	front_path(front, "nginx.pid", path);
	return lstat(path, &st) == 0 && st.st_size > 0;
}

void front_reset(const struct front *front)
{
	char path[FRONT_PATH_BYTES + 16];

	front_path(front, "nginx.pid", path);
	unlink(path);
}

/* dup2() keeps close-on-exec when both are the same descriptor. */
static void front_place(int fd, int wanted)
{
	if (fd == wanted)
		fcntl(fd, F_SETFD, 0);
	else
		dup2(fd, wanted);
}

static int front_become(const struct front *front, bool is_test)
{
	char conf[FRONT_PATH_BYTES + 16], inherited[32],
		program[sizeof(front->program)];
	char folder[sizeof(front->folder)];
	char p[] = "-p", c[] = "-c", e[] = "-e", to[] = "stderr", t[] = "-t";
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:"
		      "/sbin:/bin";
	char *argv[] = { program, p, folder, c, conf, e, to, is_test ? t : NULL,
			 NULL };
	char *envp[] = { inherited, path, NULL };
	int nothing;

	snprintf(program, sizeof(program), "%s", front->program);
	snprintf(folder, sizeof(folder), "%s", front->folder);
	front_path(front, "nginx.conf", conf);
	snprintf(inherited, sizeof(inherited), "NGINX=%d;", front->port_fd);
	fcntl(front->port_fd, F_SETFD, 0);
	nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (nothing >= 0) {
		front_place(nothing, STDIN_FILENO);
		front_place(nothing, STDOUT_FILENO);
	}
	if (front->log_fd >= 0)
		front_place(front->log_fd, STDERR_FILENO);
	process_become(argv, envp);
	dprintf(STDERR_FILENO, "nginx: [emerg] cannot run '%s': %s\n",
		front->program, strerrorname_np(errno));
	return FRONT_EXIT;
}

int front_main(void *context)
{
	return front_become(context, false);
}

int front_main_test(void *context)
{
	return front_become(context, true);
}
