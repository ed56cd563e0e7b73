/* SPDX-License-Identifier: MIT */
/* What the tasks of a run that are not done will take of disk and memory, and whether there is so much. */
#pragma once
#include "pipeline/run.h"
#include "stage/needs.h"

struct estimate {
	struct estimate_row {
		const struct graph_dataset *dataset;
		struct need need; /* disk and spare: less what lies there already */
		bool may_be_taken_over;
	} * row;
	size_t n;
	uint64_t disk;      /* of all, and of what lies there beside it while tasks run */
	uint64_t spared;    /* of that, if all are taken over that may be (run_may_take_over) */
	uint64_t memory;    /* of those that run at once */
	uint64_t addresses; /* of the process with the most: its memory, and the map of its store */
	const struct graph_dataset *largest; /* whose memory that is; NULL: nothing is known */
	unsigned at_once;                    /* so many of them */
	bool exact_text;                     /* the corpus' bytes are known, not guessed */
};

/* Of all that is wanted and not done, `jobs` tasks at the same time. Free with estimate_free, also after an
 * error. */
int estimate_make(const struct run *run, unsigned jobs, struct estimate *t, struct cbtm_error *e);
void estimate_free(struct estimate *t);
/* A line for a task (`each`), then one for all. Nothing if nothing is known. */
int estimate_print(const struct estimate *t, bool each, struct buffer *out, struct cbtm_error *e);
/*
 * What may be taken over is not counted, but for its copy: where all do not fit, that is a warning. DISK_FULL or MEMORY with the numbers if there is less room (base/room.h) than needed; what is said in `e` is a
 * warning of the log instead with `anyway`, and of the disk with `pause` (the run can wait for room).
 */
int estimate_check(const struct estimate *t, const char *work, bool pause, bool anyway,
                   struct cbtm_error *e);
