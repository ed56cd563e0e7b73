/* SPDX-License-Identifier: MIT */
/*
 * When a resume checkpoint is due: not before `every` seconds have passed since the last one, and not
 * as long as writing it would bring the time spent on checkpoints above PACE_SHARE of the run's. So a
 * large model is saved less often, and saving never holds up training by more than that share.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PACE_SHARE 0.02  /* of the time of this process's training */
#define PACE_BYTES 100e6 /* a second, until one was written: what a slow disk takes */

struct pace {
	double every;   /* seconds; 0: after each step, whatever it takes */
	double started, /* when: seconds */
		saved;      /* when the last one was done, or the run began */
	double spent;   /* seconds on all of them */
	double cost;    /* seconds that the next one is expected to take */
	uint64_t saves;
};

void pace_start(struct pace *p, double every, uint64_t bytes, double now);
bool pace_due(const struct pace *p, double now);
void pace_saved(struct pace *p, double begin, double end);
/* Seconds on checkpoints as a share of all since the start. */
double pace_share(const struct pace *p, double now);
