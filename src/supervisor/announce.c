/*
 * announce: sentences.
 */
#include "supervisor/announce.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "supervisor/policy.h"

void announce_ready(const struct places *places, const struct options *options,
		    const struct notify *notify)
{
	const char *how = places->has_front ? "behind nginx" : "for FastCGI";
	const char *where =
		places->has_front ? places->port.text : places->calls.text;
	char status[256];

	log_write(LOG_LEVEL_INFO, "supervisor", "ready: %lld workers %s at %s",
		  (long long)options->workers, how, where);
	snprintf(status, sizeof(status),
		 "READY=1\nSTATUS=%lld workers %s at %s",
		 (long long)options->workers, how, where);
	notify_send(notify, status);
}

void announce_stop(const struct notify *notify)
{
	log_write(LOG_LEVEL_INFO, "supervisor", "stopping");
	log_flush();
	notify_send(notify, "STOPPING=1\nSTATUS=stopping");
}

void announce_wait(enum board_role role, int64_t pause_ms)
{
	char pause[32];

	clock_duration_text(pause_ms, pause, sizeof(pause));
	log_write(LOG_LEVEL_INFO, "supervisor", "starting another %s %s%s",
		  board_role_names[role], pause_ms > 0 ? "in " : "at once",
		  pause_ms > 0 ? pause : "");
}

void announce_refusal(struct front_log *log, struct error *err)
{
	front_log_drain(log);
	error_set(err, ERROR_CONFIG, "nginx does not start: %s",
		  log->reason[0] != '\0' ? log->reason : "it does not say why");
}

void announce_storm(enum board_role role, struct error *err)
{
	error_set(err, ERROR_INTERNAL,
		  "%d %s processes have died within a minute, each %s: giving "
		  "up",
		  POLICY_STORM, board_role_names[role],
		  role == ROLE_NGINX ? "in its first second"
				     : "before its first reply");
}
