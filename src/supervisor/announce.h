/*
 * announce: what people and systemd are told of policy's decisions.
 */
#ifndef SUPERVISOR_ANNOUNCE_H
#define SUPERVISOR_ANNOUNCE_H

#include "base/error.h"
#include "base/options.h"
#include "base/scoreboard.h"
#include "supervisor/front_log.h"
#include "supervisor/notify.h"
#include "supervisor/places.h"

/* Everything is up for the first time. */
void announce_ready(const struct places *places, const struct options *options,
		    const struct notify *notify);

/* A stop has begun. */
void announce_stop(const struct notify *notify);

/* A process is replaced after a pause. */
void announce_wait(enum board_role role, int64_t pause_ms);

/* Record why nginx ended in its first start: what it wrote itself. */
void announce_refusal(struct front_log *log, struct error *err);

/* Record that processes of role die again and again. */
void announce_storm(enum board_role role, struct error *err);

#endif
