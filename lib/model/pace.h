/* SPDX-License-Identifier: MIT */
/*
 * When a resume checkpoint is due: not before `every` seconds have passed since the last one, and not
 * as long as it would bring the time for which training waits for checkpoints above PACE_SHARE of the
 * run's. So a large model is saved less often, and saving never holds up training by more than that
 * share. What one takes is known when the first was written: a first one that takes more than the
 * share has is given up, and made when there is time for what it would have taken. What it would
 * have taken is a guess, though, and a bad one where something else held it up for a moment: it is
 * tried again when there is PACE_AGAIN times the time that it had.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define PACE_SHARE 0.02 /* of the time of this process's training */
#define PACE_AGAIN 4
#define PACE_STOP 10   /* seconds; Slurm and its like grant 30 and more from SIGTERM to SIGKILL */
#define PACE_BYTES 1e9 /* a second, until one was written: copied to memory of the kernel's */

struct pace {
	double every;   /* seconds; 0: after each step, whatever it takes */
	double started, /* when: seconds */
		saved;      /* when the last one was done, or the run began */
	double spent;   /* seconds for which training waited, in all */
	double cost;    /* seconds that the next one is expected to take */
	double tried;   /* seconds that one took until it was given up; 0: none was */
	bool measured;  /* cost is what one took, not a guess */
	uint64_t saves;
};

void pace_start(struct pace *p, double every, uint64_t bytes, double now);
bool pace_due(const struct pace *p, double now);
/* Seconds after which one that is begun now is to be given up; 0: it may take what it takes. */
double pace_patience(const struct pace *p, double now);
/* Training waited for one from `begin` to `end`. */
void pace_saved(struct pace *p, double begin, double end);
/* It was given up; all of it would have taken `whole` seconds. */
void pace_gave_up(struct pace *p, double begin, double end, double whole);
/* Training waited for seconds beside that. */
void pace_waited(struct pace *p, double seconds);
/* On the way out, a save that was under way having been waited for: whether there is time for another, of the last step,
 * if that one took `took` seconds and `waited` have gone by since the end was asked for. */
bool pace_another(double waited, double took);
/* Seconds waited as a share of all since the start. */
double pace_share(const struct pace *p, double now);
