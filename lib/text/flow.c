/* SPDX-License-Identifier: MIT */
/*
 * Each thread takes the next job that is ready, does it, and takes another, until all is appended.
 * What is ready follows from the state, which one mutex guards; jobs are of some 0.1 ms and more. A
 * thread that finds none spins a little before it sleeps: the next job is ready soon.
 */
#include "text/flow.h"
#include "base/progress.h"
#include "base/signals.h"
#include <pthread.h>
#include <stdatomic.h>

enum { SPINS = 2000 };

struct slot {
	enum { FREE, READING, READY, DONE } state;
	size_t tasks, drawn, running;
	size_t failed; /* the lowest task that failed: all below were drawn, too */
	struct cbtm_error error;
};

/* Blocks of an output that may be packed. */
struct packing {
	bool open, fresh; /* between store_pack_begin and _end; rows were appended since the last one */
	size_t blocks, drawn, running;
};

struct job {
	enum { NOTHING, APPEND, COMMIT, PACK, WORK, READ } kind;
	unsigned slot; /* of PACK: the output */
	size_t task;
};

struct state {
	const struct flow *flow;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	atomic_uint changes;
	unsigned sleepers, running; /* threads; jobs */
	struct slot slot[FLOW_SLOTS];
	unsigned first, used; /* slots in order */
	bool ended;           /* `read` has no more */
	bool reading, appending, committing;
	uint64_t pending; /* bytes behind the last commit */
	struct packing packing[FLOW_OUTS];
	bool stopped;
	struct cbtm_error error; /* ends all */
};

static struct slot *slot_at(struct state *s, unsigned i)
{
	return &s->slot[(s->first + i) % FLOW_SLOTS];
}

static bool commit_is_due(const struct state *s)
{
	return s->flow->out[0] && s->pending >= FLOW_COMMIT_BYTES;
}

/* Ends a packing whose blocks are all packed, begins the next one; not beside `append`. */
static void turn_packing(struct state *s, int i)
{
	struct store_writer *out = s->flow->out[i];
	struct packing *p = &s->packing[i];

	if (p->open && p->drawn == p->blocks && !p->running) {
		p->open = false;
		store_pack_end(out, &s->error);
	}
	if (p->open || !p->fresh || s->error.name || store_pack_begin(out, &p->blocks, &s->error))
		return;
	p->fresh = false;
	p->drawn = 0;
	p->open = p->blocks;
	if (!p->open)
		store_pack_end(out, &s->error);
}

static bool is_packing(const struct state *s)
{
	bool any = false;

	for (int i = 0; i < FLOW_OUTS; i++)
		any = any || s->packing[i].open || s->packing[i].fresh;
	return any;
}

static bool is_over(const struct state *s)
{
	if (s->error.name)
		return true;
	return !s->appending && !is_packing(s) && (s->stopped || (s->ended && !s->used));
}

static bool draw_packing(struct state *s, struct job *job)
{
	for (unsigned i = 0; i < FLOW_OUTS; i++) {
		struct packing *p = &s->packing[i];
		if (!p->open || p->drawn == p->blocks)
			continue;
		p->running++;
		*job = (struct job){ PACK, i, p->drawn++ };
		return true;
	}
	return false;
}

static bool has_work(const struct slot *s)
{
	return s->state == READY && s->drawn < s->tasks && !s->error.name;
}

static bool draw_work(struct state *s, struct job *job)
{
	for (unsigned i = 0; i < s->used; i++) {
		struct slot *slot = slot_at(s, i);
		if (!has_work(slot))
			continue;
		slot->running++;
		*job = (struct job){ WORK, (unsigned)(slot - s->slot), slot->drawn++ };
		return true;
	}
	return false;
}

static bool draw_read(struct state *s, struct job *job)
{
	struct slot *slot = slot_at(s, s->used);

	if (s->ended || s->reading || s->used == FLOW_SLOTS)
		return false;
	*slot = (struct slot){ .state = READING, .failed = SIZE_MAX };
	s->reading = true;
	s->used++;
	*job = (struct job){ READ, (unsigned)(slot - s->slot), 0 };
	return true;
}

/* Whether a batch waits to be worked on, besides the one that is. */
static bool is_ahead(struct state *s)
{
	unsigned batches = 0;

	for (unsigned i = 0; i < s->used; i++)
		batches += has_work(slot_at(s, i));
	return batches > 1;
}

/* Work needs what a thread has learnt of earlier work, as an encoder does words: half of the threads
 * look for it first, the others when more of it waits than those can have begun. */
static bool is_worker(const struct state *s, unsigned thread)
{
	return !s->flow->out[0] || 2 * thread < pool_threads(s->flow->pool);
}

/* Else what stands nearest to the end comes first, so that memory is taken again while it is in the
 * processor's cache. */
static bool draw(struct state *s, unsigned thread, struct job *job)
{
	const struct flow *f = s->flow;
	bool alone = !s->appending && !s->committing, worker = is_worker(s, thread);

	*job = (struct job){ NOTHING, 0, 0 };
	s->stopped = s->stopped || signals_stop_requested();
	for (int i = 0; i < FLOW_OUTS && alone && f->out[i] && !s->error.name; i++)
		turn_packing(s, i);
	if (is_over(s))
		return false;
	if (s->stopped)
		return draw_packing(s, job);
	if (f->out[0] && worker && draw_work(s, job))
		return true;
	if (alone && s->used && s->slot[s->first].state == DONE && !commit_is_due(s)) {
		if (f->out[0] || !s->running) {
			s->appending = true;
			*job = (struct job){ APPEND, s->first, 0 };
		}
		return job->kind;
	}
	if (alone && commit_is_due(s) && !is_packing(s)) {
		s->committing = true;
		*job = (struct job){ COMMIT, 0, 0 };
		return true;
	}
	if (!f->out[0] && s->appending)
		return false;
	return draw_packing(s, job) || (worker && is_ahead(s) && draw_work(s, job)) ||
	       draw_read(s, job) || ((worker || is_ahead(s)) && draw_work(s, job));
}

static void end_append(struct state *s, uint64_t bytes, const struct cbtm_error *e)
{
	s->appending = false;
	s->pending += bytes;
	error_copy(&s->error, e);
	for (int i = 0; i < FLOW_OUTS; i++)
		s->packing[i].fresh = s->flow->out[i];
	s->slot[s->first].state = FREE;
	s->first = (s->first + 1) % FLOW_SLOTS;
	s->used--;
}

static void end_work(struct slot *slot, size_t task, const struct cbtm_error *e)
{
	slot->running--;
	if (e->name && task < slot->failed) {
		slot->failed = task;
		slot->error = *e;
	}
	if (!slot->running && !has_work(slot))
		slot->state = DONE;
}

static void end_read(struct state *s, struct slot *slot, size_t tasks, const struct cbtm_error *e)
{
	s->reading = false;
	s->ended = !tasks || e->name;
	if (s->ended && !e->name) {
		slot->state = FREE;
		s->used--;
		return;
	}
	slot->tasks = tasks;
	slot->error = *e;
	slot->state = e->name ? DONE : READY;
}

struct result {
	size_t tasks;   /* of READ */
	uint64_t bytes; /* of APPEND */
	struct cbtm_error error;
};

static void end(struct state *s, const struct job *job, const struct result *r)
{
	switch (job->kind) {
	case APPEND:
		end_append(s, r->bytes, &r->error);
		break;
	case COMMIT:
		s->committing = false;
		s->pending = 0;
		error_copy(&s->error, &r->error);
		break;
	case PACK:
		s->packing[job->slot].running--;
		error_copy(&s->error, &r->error);
		break;
	case WORK:
		end_work(&s->slot[job->slot], job->task, &r->error);
		break;
	case READ:
		end_read(s, &s->slot[job->slot], r->tasks, &r->error);
		break;
	case NOTHING:
		break;
	}
}

static void work(struct state *s, const struct job *job, unsigned thread, struct result *r)
{
	static const enum step steps[] = {
		[APPEND] = STEP_APPEND, [COMMIT] = STEP_COMMIT, [PACK] = STEP_COMPRESS, [READ] = STEP_COUNT
	};
	const struct flow *f = s->flow;
	enum step step = job->kind == WORK ? f->step : steps[job->kind];
	double start = clock_seconds();

	*r = (struct result){ 0 };
	if (job->kind == APPEND && !error_copy(&r->error, &s->slot[job->slot].error))
		f->append(f->arg, job->slot, &r->bytes, &r->error);
	else if (job->kind == COMMIT)
		f->commit(f->arg, &r->error);
	else if (job->kind == PACK)
		store_pack(f->out[job->slot], job->task, thread, &r->error);
	else if (job->kind == WORK)
		f->work(f->arg, job->slot, job->task, thread, &r->error);
	else if (job->kind == READ)
		f->read(f->arg, job->slot, &r->tasks, &r->error);
	if (step != STEP_COUNT)
		steps_add(step, clock_seconds() - start);
}

static void wait_for_change(struct state *s)
{
	unsigned seen = atomic_load(&s->changes);
	bool same = true;

	pthread_mutex_unlock(&s->mutex);
	for (int i = 0; i < SPINS && same; i++) {
		same = atomic_load_explicit(&s->changes, memory_order_acquire) == seen;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	pthread_mutex_lock(&s->mutex);
	s->sleepers++;
	while (atomic_load(&s->changes) == seen)
		pthread_cond_wait(&s->changed, &s->mutex);
	s->sleepers--;
}

static void tell_change(struct state *s)
{
	atomic_fetch_add(&s->changes, 1);
	if (s->sleepers)
		pthread_cond_broadcast(&s->changed);
}

/* What each thread does. */
static int run(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	struct state *s = arg;
	struct result result;
	struct job job;

	(void)task, (void)e;
	pthread_mutex_lock(&s->mutex);
	while (draw(s, thread, &job) || !is_over(s)) {
		if (job.kind == NOTHING) {
			wait_for_change(s);
			continue;
		}
		s->running++;
		pthread_mutex_unlock(&s->mutex);
		work(s, &job, thread, &result);
		pthread_mutex_lock(&s->mutex);
		s->running--;
		end(s, &job, &result);
		tell_change(s);
	}
	tell_change(s);
	pthread_mutex_unlock(&s->mutex);
	return 0;
}

int flow_run(const struct flow *f, struct cbtm_error *e)
{
	struct state s = { .flow = f };

	pthread_mutex_init(&s.mutex, NULL);
	pthread_cond_init(&s.changed, NULL);
	pool_run(f->pool, pool_threads(f->pool), run, &s, e);
	pthread_cond_destroy(&s.changed);
	pthread_mutex_destroy(&s.mutex);
	if (error_copy(e, &s.error))
		return e->name;
	if (signals_stop_requested() && (!f->out[0] || !f->commit(f->arg, e)))
		signals_check(e);
	return e->name;
}
