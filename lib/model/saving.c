/* SPDX-License-Identifier: MIT */
#include "model/saving.h"
#include "base/error.h"
#include "base/progress.h"
#include "model/sibling.h"
#include <signal.h>
#include <stdlib.h>

void saving_seal(struct saving *s)
{
	struct cbtm_error *e = &s->error;
	if (!resume_seal(s->path, s->writer, &s->bytes, e)) {
		if (s->left)
			sibling_forget(s->dir, s->left, s->n_left, e);
		else
			resume_keep(s->dir, e);
	}
	s->writer = NULL;
	s->end = clock_seconds();
	atomic_store(&s->done, true);
}

static void *finish_thread(void *arg)
{
	saving_seal(arg);
	return NULL;
}

/* Signals are for the thread that trains. Where no thread can be had, the caller finishes it. */
static void begin_thread(struct saving *s)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	s->threaded = !pthread_create(&s->thread, NULL, finish_thread, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!s->threaded)
		saving_seal(s);
}

int saving_begin(struct saving *s, const char *dir, char *path, const uint64_t *left, size_t n_left,
                 const struct run_owner *owner, const struct program *p,
                 const struct run_state *state, double patience, double *whole,
                 struct cbtm_error *e)
{
	*s = (struct saving){
		.dir = dir, .left = left, .n_left = n_left, .path = path, .step = state->step
	};
	s->begin = clock_seconds();
	if (resume_write(path, owner, p, state, patience, &s->writer, whole, e) || !s->writer) {
		free(s->path);
		s->path = NULL;
		return e->name;
	}
	s->running = true;
	begin_thread(s);
	return 0;
}

bool saving_is_done(struct saving *s)
{
	return s->running && atomic_load(&s->done);
}

int saving_end(struct saving *s, struct cbtm_error *e)
{
	if (!s->running)
		return 0;
	if (s->threaded)
		pthread_join(s->thread, NULL);
	s->running = false;
	free(s->path);
	s->path = NULL;
	return error_copy(e, &s->error);
}
