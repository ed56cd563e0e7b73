/* SPDX-License-Identifier: MIT */
#include "text/flow.h"
#include "base/progress.h"
#include "base/signals.h"

struct slot {
	enum { FREE, READ, WORKED } state;
	size_t tasks;
	struct cbtm_error error;
};

struct round {
	const struct flow *flow;
	struct slot slot[FLOW_SLOTS];
	unsigned first, used; /* slots in order: worked ones, then read ones */
	bool ended;           /* `read` has no more */
	uint64_t pending;     /* bytes behind the last commit */
	/* What this round does: its tasks in this order. */
	struct slot *reads, *works;
	size_t reading, appending, committing, working, packing[FLOW_OUTS]; /* tasks of each */
};

static unsigned number_of(const struct round *r, const struct slot *s)
{
	return (unsigned)(s - r->slot);
}

static bool commit_is_due(const struct round *r)
{
	return r->flow->out[0] && r->pending >= FLOW_COMMIT_BYTES;
}

/* Appends what was worked on, in order. */
static int append(struct round *r, struct cbtm_error *e)
{
	while (r->used && !commit_is_due(r)) {
		struct slot *s = &r->slot[r->first];
		uint64_t bytes = 0;

		if (s->state != WORKED)
			break;
		if (error_copy(e, &s->error) || r->flow->append(r->flow->arg, r->first, &bytes, e))
			return e->name;
		r->pending += bytes;
		s->state = FREE;
		r->first = (r->first + 1) % FLOW_SLOTS;
		r->used--;
	}
	return 0;
}

static int one_task(struct round *r, size_t task, unsigned thread, enum step *step,
                    struct cbtm_error *e)
{
	const struct flow *f = r->flow;

	if (task < r->reading) {
		*step = STEP_COUNT; /* times itself */
		f->read(f->arg, number_of(r, r->reads), &r->reads->tasks, &r->reads->error);
		return 0;
	}
	task -= r->reading;
	if (task < r->appending) {
		*step = STEP_APPEND;
		return append(r, e);
	}
	task -= r->appending;
	if (task < r->committing) {
		*step = STEP_COMMIT;
		return f->commit(f->arg, e);
	}
	task -= r->committing;
	if (task < r->working) {
		*step = f->step;
		return f->work(f->arg, number_of(r, r->works), task, thread, e);
	}
	task -= r->working;
	*step = STEP_COMPRESS;
	return task < r->packing[0] ? store_pack(f->out[0], task, thread, e)
	                            : store_pack(f->out[1], task - r->packing[0], thread, e);
}

static int run_task(void *arg, size_t task, unsigned thread, struct cbtm_error *e)
{
	enum step step = STEP_COUNT;
	double start = clock_seconds();

	one_task(arg, task, thread, &step, e);
	if (step != STEP_COUNT)
		steps_add(step, clock_seconds() - start);
	return e->name;
}

static int plan(struct round *r, struct cbtm_error *e)
{
	const struct flow *f = r->flow;
	bool due = commit_is_due(r);

	r->reads = r->works = NULL;
	for (unsigned i = 0; i < r->used && !r->works; i++) {
		struct slot *s = &r->slot[(r->first + i) % FLOW_SLOTS];
		if (s->state == READ)
			r->works = s;
	}
	if (!r->ended && r->used < FLOW_SLOTS)
		r->reads = &r->slot[(r->first + r->used) % FLOW_SLOTS];
	r->reading = r->reads != NULL;
	r->working = r->works ? r->works->tasks : 0;
	r->appending = f->out[0] && !due && r->used && r->slot[r->first].state == WORKED;
	for (int i = 0; i < FLOW_OUTS; i++) {
		r->packing[i] = 0;
		if (f->out[i] && store_pack_begin(f->out[i], &r->packing[i], e))
			return e->name;
	}
	r->committing = due && !r->packing[0] && !r->packing[1];
	return 0;
}

static int note(struct round *r, struct cbtm_error *e)
{
	if (r->reads) {
		r->reads->state = READ;
		r->ended = !r->reads->tasks || r->reads->error.name;
		r->used += r->reads->tasks || r->reads->error.name;
		if (r->reads->error.name)
			r->reads->tasks = 0;
	}
	if (r->works)
		r->works->state = WORKED;
	if (r->committing)
		r->pending = 0;
	for (int i = 0; i < FLOW_OUTS; i++)
		if (r->flow->out[i] && store_pack_end(r->flow->out[i], e))
			return e->name;
	return r->flow->out[0] ? 0 : append(r, e);
}

static size_t tasks_of(const struct round *r)
{
	return r->reading + r->appending + r->committing + r->working + r->packing[0] + r->packing[1];
}

int flow_run(const struct flow *f, struct cbtm_error *e)
{
	struct round r = { .flow = f };

	while (!r.ended || r.used) {
		if (plan(&r, e) || pool_run(f->pool, tasks_of(&r), run_task, &r, e) || note(&r, e))
			return e->name;
		if (signals_stop_requested() && (!f->out[0] || !f->commit(f->arg, e)))
			signals_check(e);
		if (e->name)
			return e->name;
	}
	return 0;
}
