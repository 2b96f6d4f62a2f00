/*
 * adopt: a listening socket that our parent made.
 */
#ifndef SUPERVISOR_ADOPT_H
#define SUPERVISOR_ADOPT_H

#include "base/error.h"
#include "supervisor/listen.h"

/*
 * Take the listening socket that systemd names (LISTEN_FDS, LISTEN_PID,
 * LISTEN_FDNAMES) or that standard input is (spawn-fcgi, multiwatch).
 * O_NONBLOCK is set, also for our parent. Returns 1 and sets *listen; 0: there
 * is none; -1 with err ERROR_CONFIG.
 */
int adopt_socket(struct listen *listen, struct error *err);

/* True when standard input is a listening socket. */
bool adopt_is_stdin_listening(void);

#endif
