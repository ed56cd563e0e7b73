/* SPDX-License-Identifier: MIT */
#include "pipeline/local.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/json.h"
#include "base/log.h"
#include "base/number.h"
#include "base/progress.h"
#include "base/signals.h"
#include "pipeline/job.h"
#include "pipeline/process.h"
#include "pipeline/reuse.h"
#include "store/dataset.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOOK_SECONDS 0.5    /* between two looks at the jobs when nothing happens */
#define MORE_ROOM (1 << 20) /* bytes that must be free beside those at a pause */
#define LINE_SECONDS 10.0   /* between two lines where there is no terminal */
enum { TAIL_LINES = 20 };

struct running {
	struct process process;
	struct graph_dataset *dataset;
	uint32_t part;
	size_t device; /* index of its own; NO_DEVICE */
};
#define NO_DEVICE SIZE_MAX

/* State of one local_run. */
struct local {
	struct graph *g;
	const struct workspace *w;
	const struct local_setting *setting;
	int (*completed)(void *arg, struct graph_dataset *d, struct cbtm_error *e);
	void *arg;
	struct local_report *report;
	struct cbtm_error *e;
	struct arena *arena;
	struct running *running;
	size_t n_running;
	bool *taken; /* of the devices */
	double next_line;
	bool forwarded;         /* the stop was passed on */
	bool paused;            /* the disk is full: */
	uint64_t room_at_pause; /* bytes that were free */
};

static size_t count_parts(const struct graph_dataset *d, enum graph_state state)
{
	size_t n = 0;

	for (uint32_t i = 0; i < d->parts; i++)
		n += d->part[i].state == state;
	return n;
}

static bool has_failed(const struct graph_dataset *d)
{
	return count_parts(d, GRAPH_FAILED) && !count_parts(d, GRAPH_MISSING) &&
	       !count_parts(d, GRAPH_RUNNING);
}

/* What it makes along waits for something that this run makes: better to wait, too. */
static bool waits_along(const struct graph_dataset *d)
{
	const struct graph_dataset *along = d->along;

	if (!along || !along->wanted || along->state == GRAPH_DONE)
		return false;
	for (size_t i = 0; i < along->inputs; i++)
		for (size_t j = 0; j < along->input[i].n; j++) {
			const struct graph_dataset *from = along->input[i].from[j];
			if (from != d && from->wanted && from->state != GRAPH_DONE && !has_failed(from))
				return true;
		}
	return false;
}

static bool is_ready(const struct graph_dataset *d)
{
	if (!d->wanted || d->state == GRAPH_DONE)
		return false;
	if (has_failed(d) || waits_along(d))
		return false;
	for (size_t i = 0; i < d->inputs; i++)
		for (size_t j = 0; j < d->input[i].n; j++)
			if (d->input[i].from[j]->state != GRAPH_DONE)
				return false;
	return true;
}

static bool computes(const struct graph_dataset *d)
{
	return d->task->plugin && !strcmp(d->task->plugin, "compute");
}

/*
 * The threads are shared out among jobs of the same task that run side by side: waves of `jobs`, and
 * the rest of a division, which comes last, among fewer: three experts on two processors are two
 * with a thread each, then one with both. Other tasks do not count: a long one that starts beside a
 * short one should not be slow for ever.
 */
static unsigned threads_for(const struct local *l, const struct graph_dataset *d)
{
	size_t started = 0, missing = 0, side = l->setting->jobs, last, threads;

	for (size_t i = 0; i < l->g->n; i++) {
		const struct graph_dataset *other = l->g->dataset[i];
		if (other->task != d->task)
			continue;
		started += other->started;
		if (is_ready(other))
			missing += count_parts(other, GRAPH_MISSING);
	}
	if (computes(d) && l->setting->devices.n && l->setting->devices.n < side)
		side = l->setting->devices.n;
	last = (started + missing) % side;
	if (missing <= last)
		side = last;
	threads = l->setting->threads / (side ? side : 1);
	return threads ? (unsigned)threads : 1;
}

/* A device for a job of d; false: it must wait for one. */
static bool find_device(const struct local *l, const struct graph_dataset *d, size_t *device)
{
	const struct devices *all = &l->setting->devices;

	*device = NO_DEVICE;
	if (!all->n || !computes(d))
		return true;
	for (size_t i = 0; i < all->n && *device == NO_DEVICE; i++)
		if (!l->taken[i])
			*device = i;
	return *device != NO_DEVICE;
}

/* The variable of a job's environment: its device, or none; NULL: as the driver's. */
static const char *variable_of(struct local *l, size_t device)
{
	const struct devices *all = &l->setting->devices;

	if (!all->n)
		return NULL;
	return arena_printf(l->arena, l->e, "CUDA_VISIBLE_DEVICES=%s",
	                    device == NO_DEVICE ? "" : all->name[device]);
}

/* For people: "expert 3 of experts", "vectors, part 2 of 8"; what systems share is of none. */
static const char *title(struct local *l, const struct graph_dataset *d, uint32_t part)
{
	const char *text;

	if (d->parts > 1)
		text = arena_printf(l->arena, l->e, "%s, part %u of %u", d->name, part + 1, d->parts);
	else if (d->systems == 1 && l->g->systems > 1)
		text = arena_printf(l->arena, l->e, "%s of %s", d->name, d->system->name);
	else
		text = d->name;
	return text ? text : d->name;
}

/* What runs now, for `cbtm status`: a folder and a part a line. */
static int write_state(struct local *l)
{
	struct buffer b = { 0 };

	for (size_t i = 0; i < l->n_running; i++)
		buffer_printf(&b, l->e, "%s %u\n", l->running[i].dataset->dir, l->running[i].part);
	if (!l->e->name)
		file_replace(l->w->state, b.data ? b.data : "", b.n, l->e);
	buffer_free(&b);
	return l->e->name;
}

/* The same in the run's log.jsonl: "done", "stopped", "failed", "linked". */
static void log_job(const char *event, const struct graph_dataset *d, uint32_t part, double seconds)
{
	struct cbtm_error ignored = { 0 };
	struct buffer b = { 0 };

	if (!json_put_key(&b, "task", &ignored) &&
	    !json_put_string(&b, d->name, strlen(d->name), &ignored) &&
	    !json_put_key(&b, "dataset", &ignored) &&
	    !json_put_string(&b, d->dir, strlen(d->dir), &ignored) &&
	    !json_put_key(&b, "part", &ignored) && !json_put_u64(&b, part, &ignored) &&
	    !json_put_key(&b, "seconds", &ignored) && !json_put_f64(&b, seconds, &ignored))
		log_event(event, b.data);
	buffer_free(&b);
}

static void say(struct local *l, const char *word, const struct graph_dataset *d, uint32_t part,
                double seconds)
{
	char time[16] = "";

	log_job(strcmp(word, "FAILED") ? word : "failed", d, part, seconds);
	if (l->setting->quiet)
		return;
	if (seconds >= 0)
		number_human_seconds(seconds, time);
	l->next_line = clock_seconds() + LINE_SECONDS;
	log_bar(NULL);
	printf("[%zu/%zu] %-8s %8s  %s\n", l->report->done + l->report->failed, l->report->jobs, word,
	       time, title(l, d, part));
	fflush(stdout);
}

static int complete(struct local *l, struct graph_dataset *d)
{
	struct digest *of_parts;

	if (d->task->each == EACH_PART) {
		of_parts = mem_zeroed(d->parts, sizeof *of_parts, "parts", l->e);
		for (uint32_t i = 0; of_parts && i < d->parts; i++)
			of_parts[i] = d->part[i].fingerprint;
		if (of_parts && !fault_point("driver.seal", l->e))
			dataset_seal(d->dir, store_kind_find(d->task->kind), of_parts, d->parts, l->e);
		free(of_parts);
	}
	if (l->e->name || (l->completed && l->completed(l->arg, d, l->e)))
		return l->e->name;
	d->state = GRAPH_DONE;
	return 0;
}

static int start(struct local *l, struct graph_dataset *d, uint32_t part, size_t device)
{
	struct running *r = &l->running[l->n_running];
	const char *name = job_name(l->g, d, part, l->arena, l->e);
	const char *log, *events;
	char **argv;

	if (!name)
		return l->e->name;
	log = arena_printf(l->arena, l->e, "%s/%s.log", l->w->logs, name);
	events = arena_printf(l->arena, l->e, "%s/%s.jsonl", l->w->logs, name);
	if (!log || !events)
		return l->e->name;
	struct job_setting setting = { l->setting->bin, threads_for(l, d), events, NULL };
	const char *variable = variable_of(l, device);
	if (l->e->name || job_arguments(l->g, d, part, &setting, l->arena, &argv, l->e) ||
	    process_start(argv, variable, log, &r->process, l->e))
		return l->e->name;
	r->dataset = d;
	r->part = part;
	r->device = device;
	if (device != NO_DEVICE)
		l->taken[device] = true;
	d->started++;
	d->part[part].state = GRAPH_RUNNING;
	l->n_running++;
	return write_state(l);
}

/* Links or starts parts of a dataset that is ready, and seals it when all of them are there. */
static int advance(struct local *l, struct graph_dataset *d)
{
	size_t linked = 0;

	if (reuse_parts(d, &linked, l->e))
		return l->e->name;
	l->report->linked += linked;
	l->report->done += linked;
	if (linked)
		say(l, "linked", d, 0, -1);
	for (uint32_t i = 0; i < d->parts && l->n_running < l->setting->jobs; i++) {
		size_t device;
		if (d->part[i].state != GRAPH_MISSING)
			continue;
		if (!find_device(l, d, &device))
			break;
		if (start(l, d, i, device))
			return l->e->name;
	}
	if (count_parts(d, GRAPH_DONE) == d->parts)
		return complete(l, d);
	return 0;
}

static uint64_t room(const struct local *l)
{
	struct statvfs disk;

	return statvfs(l->g->pipeline->work, &disk) ? 0 : (uint64_t)disk.f_bavail * disk.f_frsize;
}

/* Nothing is started until there is more room than now. */
static void pause_run(struct local *l)
{
	char free_text[16];

	if (l->paused)
		return;
	l->paused = true;
	l->room_at_pause = room(l);
	number_human_bytes(l->room_at_pause, free_text);
	log_message(LOG_WARNING, "paused: the disk of %s is full (%s are free); free some space there",
	            l->g->pipeline->work, free_text);
}

/* A write of the driver's own that found no room is done again when there is some. */
static int wait_for_room(struct local *l)
{
	if (l->e->name != CBTM_ERR_DISK_FULL || !l->setting->pause)
		return l->e->name;
	*l->e = (struct cbtm_error){ 0 };
	pause_run(l);
	return 0;
}

static int start_ready(struct local *l)
{
	for (size_t i = 0; i < l->g->n && !l->paused; i++)
		if (is_ready(l->g->dataset[i]) && advance(l, l->g->dataset[i]) && wait_for_room(l))
			return l->e->name;
	return 0;
}

static int report_failure(struct local *l, const struct running *r, int status)
{
	char ending[128];
	size_t n = strlen(l->report->failures);
	struct buffer tail = { 0 };

	process_ending(status, ending, sizeof ending);
	snprintf(l->report->failures + n, sizeof l->report->failures - n, "%s%s", n ? ", " : "",
	         title(l, r->dataset, r->part));
	log_bar(NULL);
	printf("%s %s; the last lines of %s:\n", title(l, r->dataset, r->part), ending, r->process.log);
	if (!process_tail(&r->process, TAIL_LINES, "    ", &tail, l->e) && tail.n)
		fwrite(tail.data, 1, tail.n, stdout);
	fflush(stdout);
	buffer_free(&tail);
	return l->e->name;
}

/* The name of the error that gives a process this exit status. */
static enum cbtm_error_name error_of(int status)
{
	if (WIFEXITED(status))
		for (int i = 1; i < CBTM_ERROR_COUNT; i++)
			if (error_exit_status((enum cbtm_error_name)i) == WEXITSTATUS(status))
				return (enum cbtm_error_name)i;
	return CBTM_ERR_TASK_FAILED;
}

/* Whether a job ended for want of room: its status is that of any failed write, its hint is not. */
static bool found_no_room(const struct local *l, const struct running *r, int status)
{
	struct cbtm_error ignored = { 0 };
	struct buffer tail = { 0 };
	bool full = WIFEXITED(status) && WEXITSTATUS(status) == error_exit_status(CBTM_ERR_DISK_FULL) &&
	            !process_tail(&r->process, TAIL_LINES, "", &tail, &ignored) && tail.n &&
	            strstr(tail.data, error_default_hint(CBTM_ERR_DISK_FULL));

	buffer_free(&tail);
	return l->setting->pause && full;
}

static bool is_paused(struct local *l)
{
	if (l->paused && room(l) >= l->room_at_pause + MORE_ROOM) {
		l->paused = false;
		log_message(LOG_WARNING, "going on: there is room again");
	}
	return l->paused;
}

/* The part that a job of d made along. */
static void note_along(struct local *l, const struct graph_dataset *d, uint32_t part,
                       double seconds)
{
	struct graph_dataset *along = d->along;

	if (!along || along->part[part].state != GRAPH_MISSING ||
	    !dataset_has_part(along->dir, part, along->part[part].fingerprint))
		return;
	along->part[part].state = GRAPH_DONE;
	l->report->done++;
	say(l, "done", along, part, seconds);
}

/* Success is the sealed part, never the exit status alone. */
static int finish(struct local *l, struct running *r, int status)
{
	struct graph_dataset *d = r->dataset;
	struct graph_part *part = &d->part[r->part];
	double seconds = clock_seconds() - r->process.start;
	bool sealed = d->task->each == EACH_PART ? dataset_has_part(d->dir, r->part, part->fingerprint)
	                                         : dataset_is_complete(d->dir, d->fingerprint);

	if (sealed) {
		part->state = GRAPH_DONE;
		l->report->done++;
		say(l, "done", d, r->part, seconds);
		note_along(l, d, r->part, seconds);
		return 0;
	}
	if (l->forwarded || (WIFEXITED(status) && WEXITSTATUS(status) == 75)) {
		part->state = GRAPH_FAILED; /* not again in this run */
		l->report->stopped = true;
		say(l, "stopped", d, r->part, seconds);
		return l->forwarded ? 0 : report_failure(l, r, status);
	}
	if (found_no_room(l, r, status)) {
		part->state = GRAPH_MISSING; /* it goes on behind its last commit */
		pause_run(l);
		return 0;
	}
	part->state = GRAPH_FAILED;
	l->report->failed++;
	if (!l->report->failure)
		l->report->failure = error_of(status);
	say(l, "FAILED", d, r->part, seconds);
	return report_failure(l, r, status);
}

static int reap(struct local *l)
{
	for (size_t i = 0; i < l->n_running;) {
		int status;
		pid_t pid = waitpid(l->running[i].process.pid, &status, WNOHANG);
		if (pid == 0 || (pid < 0 && errno == EINTR)) {
			i++;
			continue;
		}
		if (pid < 0)
			return error_errno(l->e, CBTM_ERR_INTERNAL, NULL, "cannot wait for a process");
		struct running r = l->running[i];
		if (r.device != NO_DEVICE)
			l->taken[r.device] = false;
		memmove(&l->running[i], &l->running[i + 1], (--l->n_running - i) * sizeof r);
		if ((finish(l, &r, status) || write_state(l)) && wait_for_room(l))
			return l->e->name;
	}
	return 0;
}

static void forward_stop(struct local *l)
{
	if (l->forwarded || !signals_stop_requested())
		return;
	l->forwarded = true;
	l->report->stopped = true;
	for (size_t i = 0; i < l->n_running; i++)
		kill(l->running[i].process.pid, SIGTERM);
	log_message(LOG_INFO, "stopping: told %zu running task%s to commit what they have",
	            l->n_running, l->n_running == 1 ? "" : "s");
}

/* What the jobs do: a line on a terminal, now and then one elsewhere. */
static void show(struct local *l)
{
	double now = clock_seconds();
	struct cbtm_error ignored = { 0 };
	struct buffer line = { 0 }, tail = { 0 };
	char time[16];
	bool terminal = log_is_terminal();

	if (l->setting->quiet || !l->n_running || (!terminal && now < l->next_line))
		return;
	l->next_line = now + LINE_SECONDS;
	buffer_printf(&line, &ignored, "%zu/%zu", l->report->done + l->report->failed, l->report->jobs);
	for (size_t i = 0; i < l->n_running; i++) {
		const struct running *r = &l->running[i];
		const char *said;
		number_human_seconds(now - r->process.start, time);
		buffer_clear(&tail);
		process_tail(&r->process, 1, "", &tail, &ignored);
		said = tail.n ? strstr(tail.data, ": ") : NULL;
		if (tail.n)
			tail.data[tail.n - 1] = 0;
		buffer_printf(&line, &ignored, " | %s %s%s%s", title(l, r->dataset, r->part), time,
		              said ? " " : "", said ? said + 2 : "");
	}
	if (terminal)
		log_bar(line.data);
	else
		log_message(LOG_INFO, "%s", line.data);
	buffer_free(&line);
	buffer_free(&tail);
}

static int loop(struct local *l)
{
	struct timespec pause = { 0, (long)(LOOK_SECONDS * 1e9) };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		forward_stop(l);
		if (!l->forwarded && !is_paused(l) && start_ready(l))
			return l->e->name;
		if (!l->n_running && (!l->paused || l->forwarded)) {
			/* A dataset that was linked or sealed just now may have made others ready. */
			size_t ready = 0;
			for (size_t i = 0; i < l->g->n; i++)
				ready += is_ready(l->g->dataset[i]);
			if (!ready || l->forwarded)
				return 0;
			continue;
		}
		sigtimedwait(&child, NULL, &pause);
		if (reap(l))
			return l->e->name;
		show(l);
	}
}

/* After an error of the driver's own: nothing is left behind. */
static void end_all(struct local *l)
{
	for (size_t i = 0; i < l->n_running; i++)
		kill(l->running[i].process.pid, SIGTERM);
	for (size_t i = 0; i < l->n_running; i++)
		waitpid(l->running[i].process.pid, NULL, 0);
}

int local_run(struct graph *g, const struct workspace *w, const struct local_setting *setting,
              int (*completed)(void *arg, struct graph_dataset *d, struct cbtm_error *e), void *arg,
              struct local_report *report, struct cbtm_error *e)
{
	struct local l = { .g = g,
		               .w = w,
		               .setting = setting,
		               .completed = completed,
		               .arg = arg,
		               .report = report,
		               .e = e,
		               .arena = g->arena,
		               .next_line = clock_seconds() + LINE_SECONDS };
	sigset_t child, before;

	*report = (struct local_report){ 0 };
	for (size_t i = 0; i < g->n; i++)
		if (g->dataset[i]->wanted && g->dataset[i]->state != GRAPH_DONE)
			report->jobs += count_parts(g->dataset[i], GRAPH_MISSING);
	l.running = mem_zeroed(setting->jobs, sizeof *l.running, "jobs", e);
	l.taken = mem_zeroed(setting->devices.n, sizeof *l.taken, "devices", e);
	if (!l.running || !l.taken) {
		free(l.running);
		free(l.taken);
		return e->name;
	}
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	if (loop(&l))
		end_all(&l);
	log_bar(NULL);
	unlink(w->state);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(l.running);
	free(l.taken);
	return e->name;
}
