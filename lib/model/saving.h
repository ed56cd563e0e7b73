/* SPDX-License-Identifier: MIT */
/*
 * Saving a state while training goes on. The numbers are copied from the program into the files of a store
 * by who trains: for so long training waits. To wait for the disk, take the digest, give the store its name
 * and remove older ones is left to a thread. One is under way at a time; a kill meanwhile leaves
 * those before it.
 */
#pragma once
#include "model/resume.h"
#include <pthread.h>
#include <stdatomic.h>

struct saving { /* {0}: none is under way */
	bool running;
	const char *dir; /* of the run */
	const uint64_t *
		left; /* the steps whose states are left to other runs, this one's too; NULL: it is a resume
	                         checkpoint */
	size_t n_left;
	char *path;
	struct store_writer *writer;
	uint64_t step, bytes;
	double begin, end; /* from the first number copied until all is on the disk */
	bool threaded;
	pthread_t thread;
	atomic_bool done;
	struct cbtm_error error; /* the thread's */
};

/*
 * Begins to save as the store `path`, which it takes over and frees. None may be under way. Nothing is under
 * way afterwards if it is there already, or was given up (*whole > 0, see resume_write). `dir`
 * and `left` stay the caller's until saving_end.
 */
int saving_begin(struct saving *s, const char *dir, char *path, const uint64_t *left, size_t n_left,
                 const struct run_owner *owner, const struct program *p,
                 const struct run_state *state, double patience, double *whole,
                 struct cbtm_error *e);
/* What the thread does; its error is in `s`. */
void saving_seal(struct saving *s);
/* Whether one is under way that needs not be waited for any more. */
bool saving_is_done(struct saving *s);
/* Waits for the one under way, if there is one: its error. step, bytes, begin and end stay. */
int saving_end(struct saving *s, struct cbtm_error *e);
